// SPDX-License-Identifier: GPL-3.0-or-later
// Faults and ticks in compiled code, of core/platform.h, by signals.
//
// A fault is a signal to the thread that made it; a tick is one that the ticker (workers.c) sends
// to a worker whose slice is over. Both run on a stack of their own, since the stack pointer may be
// the guest's. What the kernel's own code does is never a reason: the handler answers false, and a
// fault then takes the way it would have taken without us.
//
// Limit: x86-64.
#define _GNU_SOURCE 1
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/platform.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/platform.h"

enum { FAULT_COUNT = 4, HWCAP2_FSGSBASE = 2 };
static const int fault_signals[FAULT_COUNT] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

static struct {
    platform_interrupted *interrupted; // atomic
    void *context;
    u32 users; // of `interrupted`, atomic
    bool is_installed;
    struct sigaction before[FAULT_COUNT];
    struct {
        pthread_t thread;
        u8 *stack;
        bool is_open; // atomic
    } workers[HOSTED_WORKERS];
    pthread_mutex_t lock; // between a tick and its worker's end
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int tick_signal(void)
{
    return SIGRTMIN + 3; // the lowest ones are used by C libraries
}

// ---- registers, by their number in instructions

static const int numbers[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};

static void registers_read(const ucontext_t *from, struct registers *to)
{
    for (u32 i = 0; i < COUNT_OF(numbers); i++) {
        to->integer[i] = (u64)from->uc_mcontext.gregs[numbers[i]];
    }
    to->pc = (u64)from->uc_mcontext.gregs[REG_RIP];
    to->flags = (u64)from->uc_mcontext.gregs[REG_EFL];
    mem_copy(to->vector, from->uc_mcontext.fpregs->_xmm, sizeof from->uc_mcontext.fpregs->_xmm);
}

// All but the vectors, which nobody changes.
static void registers_write(const struct registers *from, ucontext_t *to)
{
    for (u32 i = 0; i < COUNT_OF(numbers); i++) {
        to->uc_mcontext.gregs[numbers[i]] = (greg_t)from->integer[i];
    }
    to->uc_mcontext.gregs[REG_RIP] = (greg_t)from->pc;
}

// ---- signals

static bool interrupt(enum platform_interrupt what, u64 address, ucontext_t *at)
{
    bool changed = false;
    __atomic_fetch_add(&state.users, 1, __ATOMIC_SEQ_CST);
    platform_interrupted *interrupted = __atomic_load_n(&state.interrupted, __ATOMIC_SEQ_CST);
    if (interrupted != NULL) {
        struct registers registers;
        registers_read(at, &registers);
        changed = interrupted(state.context, what, address, &registers);
        if (changed) {
            registers_write(&registers, at);
        }
    }
    __atomic_fetch_sub(&state.users, 1, __ATOMIC_SEQ_CST);
    return changed;
}

static void on_tick(int signal, siginfo_t *info, void *at)
{
    (void)signal;
    (void)info;
    (void)interrupt(PLATFORM_TICK, 0, at);
}

// As if we were not there: the instruction runs into it again.
static void pass_on(u32 index, int signal, siginfo_t *info, void *at)
{
    const struct sigaction *before = &state.before[index];
    if ((before->sa_flags & SA_SIGINFO) != 0) {
        before->sa_sigaction(signal, info, at);
    } else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
        before->sa_handler(signal);
    } else {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        (void)sigaction(signal, &standard, NULL);
    }
}

static void on_fault(int signal, siginfo_t *info, void *at)
{
    u32 index = 0;
    while (fault_signals[index] != signal) {
        index++;
    }
    enum platform_interrupt what = signal == SIGILL   ? PLATFORM_FAULT_INSTRUCTION
                                   : signal == SIGFPE ? PLATFORM_FAULT_ARITHMETIC
                                                      : PLATFORM_FAULT_ADDRESS;
    // A process can be sent such signals by another: then they say nothing.
    if (info->si_code <= 0 || !interrupt(what, (u64)(uintptr_t)info->si_addr, at)) {
        pass_on(index, signal, info, at);
    }
}

static void install(void)
{
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction tick = {.sa_sigaction = on_tick,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    // No tick while a fault is told, and the other way round.
    int failed = sigemptyset(&fault.sa_mask) | sigaddset(&fault.sa_mask, tick_signal()) |
                 sigfillset(&tick.sa_mask);
    for (u32 i = 0; i < FAULT_COUNT; i++) {
        failed |= sigdelset(&tick.sa_mask, fault_signals[i]);
        failed |= sigaction(fault_signals[i], &fault, &state.before[i]);
    }
    failed |= sigaction(tick_signal(), &tick, NULL);
    ASSERT(failed == 0);
    state.is_installed = true;
}

static void uninstall(void)
{
    for (u32 i = 0; state.is_installed && i < FAULT_COUNT; i++) {
        int failed = sigaction(fault_signals[i], &state.before[i], NULL);
        ASSERT(failed == 0);
    }
    state.is_installed = false; // the tick's handler stays: one may be on its way
}

enum err platform_interrupts(platform_interrupted *interrupted, void *context)
{
    if (interrupted == NULL) {
        __atomic_store_n(&state.interrupted, NULL, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&state.users, __ATOMIC_SEQ_CST) != 0) {
            platform_relax();
        }
        uninstall();
        return ERR_OK;
    }
    ASSERT(!state.is_installed);
    state.context = context;
    __atomic_store_n(&state.interrupted, interrupted, __ATOMIC_SEQ_CST);
    install();
    return ERR_OK;
}

// ---- workers

enum err hosted_interrupts_open(u32 index)
{
    ASSERT(index < HOSTED_WORKERS);
    u8 *stack = malloc(HOSTED_SIGNAL_STACK_BYTES);
    if (stack == NULL) {
        return ERR_NO_MEMORY;
    }
    stack_t alternate = {.ss_sp = stack, .ss_size = HOSTED_SIGNAL_STACK_BYTES};
    if (sigaltstack(&alternate, NULL) != 0) {
        free(stack);
        return ERR_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&state.lock);
    state.workers[index].stack = stack;
    state.workers[index].thread = pthread_self();
    __atomic_store_n(&state.workers[index].is_open, true, __ATOMIC_RELEASE);
    (void)pthread_mutex_unlock(&state.lock);
    return ERR_OK;
}

void hosted_interrupts_close(u32 index)
{
    (void)pthread_mutex_lock(&state.lock);
    bool was_open = __atomic_exchange_n(&state.workers[index].is_open, false, __ATOMIC_ACQ_REL);
    (void)pthread_mutex_unlock(&state.lock);
    if (was_open) {
        stack_t none = {.ss_flags = SS_DISABLE};
        int failed = sigaltstack(&none, NULL);
        ASSERT(failed == 0);
        free(state.workers[index].stack);
    }
}

void hosted_interrupts_tick(u32 index)
{
    if (__atomic_load_n(&state.interrupted, __ATOMIC_RELAXED) == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&state.lock);
    if (__atomic_load_n(&state.workers[index].is_open, __ATOMIC_RELAXED)) {
        (void)pthread_kill(state.workers[index].thread, tick_signal());
    }
    (void)pthread_mutex_unlock(&state.lock);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { IS_WATCHED = 1 };
#else
enum { IS_WATCHED = 0 };
#endif
#else
enum { IS_WATCHED = 0 };
#endif

struct platform_cpu_facts platform_cpu_facts(void)
{
    __builtin_cpu_init();
    u32 features = 0;
    features |= __builtin_cpu_supports("avx") ? PLATFORM_X86_AVX : 0;
    features |= __builtin_cpu_supports("avx2") ? PLATFORM_X86_AVX2 : 0;
    features |= __builtin_cpu_supports("bmi") ? PLATFORM_X86_BMI1 : 0;
    features |= __builtin_cpu_supports("bmi2") ? PLATFORM_X86_BMI2 : 0;
    features |= __builtin_cpu_supports("lzcnt") ? PLATFORM_X86_LZCNT : 0;
    bool is_enough = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    return (struct platform_cpu_facts){
        .cpu = is_enough ? PLATFORM_CPU_X86_64 : PLATFORM_CPU_OTHER,
        .has_segment = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0,
        .features = features,
        .keeps_stacks = IS_WATCHED,
    };
}
