// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/sim/sim.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/kernel/grant.h"
#include "core/platform.h"
#include "machines/sim/sim_devices.h"
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SIM_MEMORY_BYTES = 1 << 30,
    SIM_GUEST_BYTES = 1 << 30,
};
// The most address space in one reservation: a sanitizer's shadow has to fit beside them.
#define SIM_RESERVE_BYTES ((u64)1 << 36)

static struct {
    u64 dice;
    u64 clock_ns;
    u64 memory_bytes;
    u64 memory_blocks;
    u64 reserved_bytes;
    u32 fails_one_in;
    u64 trace_hash;
    u64 trace_line;
    FILE *trace;
} sim;

// ---- dice and clock

// SplitMix64.
static u64 roll(void)
{
    u64 mixed = sim.dice += 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ull;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebull;
    return mixed ^ mixed >> 31;
}

u64 sim_below(u64 count)
{
    ASSERT(count > 0);
    return roll() % count;
}

void sim_clock_advance(u64 ns)
{
    sim.clock_ns += ns;
}

// ---- trace

static void trace_mix(const void *bytes, size_t size)
{
    const u8 *at = bytes;
    for (size_t i = 0; i < size; i++) {
        sim.trace_hash = (sim.trace_hash ^ at[i]) * 0x100000001b3ull;
    }
}

void sim_trace_note(const char *what, u64 a, u64 b)
{
    trace_mix(what, strlen(what));
    trace_mix(&a, sizeof a);
    trace_mix(&b, sizeof b);
    if (sim.trace != NULL) {
        fprintf(sim.trace, "%8" PRIu64 " %12" PRIu64 " %-8s %" PRIu64 " %" PRIx64 "\n",
                sim.trace_line++, sim.clock_ns, what, a, b);
    }
}

void sim_trace_bytes(const char *what, struct span bytes)
{
    trace_mix(bytes.data, bytes.size);
    sim_trace_note(what, bytes.size, sim.trace_hash);
}

void sim_trace_kernel(void *context, enum kernel_trace_kind kind, u64 a, u64 b)
{
    static const char *const names[] = {
        [KERNEL_TRACE_RUN] = "run",       [KERNEL_TRACE_SEND] = "send",
        [KERNEL_TRACE_ANSWER] = "answer", [KERNEL_TRACE_TOLD] = "told",
        [KERNEL_TRACE_END] = "end",       [KERNEL_TRACE_LOAD] = "load",
        [KERNEL_TRACE_JOB] = "job",
    };
    (void)context;
    sim_trace_note(names[kind], a, b);
}

u64 sim_trace_hash(void)
{
    return sim.trace_hash;
}

// ---- memory

static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    if (old_size != 0) {
        ASSERT(new_size == 0 && sim.memory_blocks > 0 && sim.memory_bytes >= old_size);
        sim.memory_blocks--;
        sim.memory_bytes -= old_size;
        free(block);
        return NULL;
    }
    if (sim.fails_one_in != 0 && sim_below(sim.fails_one_in) == 0) {
        return NULL;
    }
    void *made = malloc(new_size);
    if (made != NULL) {
        memset(made, 0xa5, new_size < 4096 ? new_size : 4096);
        sim.memory_blocks++;
        sim.memory_bytes += new_size;
    }
    return made;
}

struct memory *sim_memory(void)
{
    static struct memory memory = {resize};
    return &memory;
}

void sim_memory_fails(u32 one_in)
{
    sim.fails_one_in = one_in;
}

u64 sim_memory_bytes(void)
{
    return sim.memory_bytes;
}

// ---- the machine as a whole

void sim_reset(u64 seed, FILE *trace)
{
    memset(&sim, 0, sizeof sim);
    sim.dice = seed;
    sim.clock_ns = 1000000;
    sim.trace_hash = 0xcbf29ce484222325ull;
    sim.trace = trace;
}

void sim_close(void)
{
    ASSERT(sim.memory_blocks == 0 && sim.memory_bytes == 0);
    ASSERT(sim.reserved_bytes == 0);
}

struct kernel_config sim_kernel_config(u32 workers)
{
    return (struct kernel_config){
        .memory = sim_memory(),
        .memory_bytes = SIM_MEMORY_BYTES,
        .guest_memory_bytes = SIM_GUEST_BYTES,
        .workers = workers,
        .trace = sim_trace_kernel,
        .unknown = {KERNEL_ALLOW, KERNEL_ALLOW}, // tests of grants say otherwise
    };
}

bool sim_turn(struct kernel *kernel, u32 workers, i64 fuel_most, struct sim_devices *devices)
{
    u32 first = (u32)sim_below(workers);
    i64 fuel = 1 + (i64)sim_below((u64)fuel_most);
    bool devices_first = devices != NULL && sim_below(4) == 0;
    if (devices_first && sim_devices_turn(devices)) {
        return true;
    }
    sim_clock_advance(100 + (u64)fuel);
    for (u32 i = 0; i < workers; i++) {
        if (kernel_worker_step(kernel, (first + i) % workers, fuel)) {
            return true;
        }
    }
    if (devices != NULL && sim_devices_turn(devices)) {
        return true;
    }
    u64 due_ns = devices == NULL ? UINT64_MAX : sim_devices_due_ns(devices);
    u64 deadline_ns = kernel_deadline_ns(kernel);
    due_ns = deadline_ns < due_ns ? deadline_ns : due_ns;
    if (due_ns == UINT64_MAX) {
        return false;
    }
    sim.clock_ns = due_ns > sim.clock_ns ? due_ns : sim.clock_ns;
    return true;
}

// ---- platform.h

void platform_log(struct span line)
{
    sim_trace_bytes("log", line);
}

void platform_halt(int code)
{
    exit(code);
}

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: claim does not hold: %s\n", file, line, claim);
    abort();
}

u64 platform_clock_ns(void)
{
    return sim.clock_ns;
}

u64 platform_wall_clock_ns(void)
{
    return 1700000000000000000ull + sim.clock_ns;
}

void platform_random(void *out, size_t size)
{
    u8 *at = out;
    for (size_t i = 0; i < size; i++) {
        at[i] = (u8)roll();
    }
}

void platform_sha256(struct span bytes, u8 out[32])
{
    crypto_hash_sha256(out, bytes.data, bytes.size);
}

u32 platform_worker_count(void)
{
    return 1;
}

enum err platform_worker_start(u32 index, void (*run)(void *context, u32 index), void *context)
{
    (void)index;
    (void)run;
    (void)context;
    return ERR_UNSUPPORTED; // workers are turns here
}

void platform_wait(u32 index, u64 deadline_ns)
{
    (void)index;
    (void)deadline_ns;
}

void platform_wake(u32 index)
{
    (void)index;
}

// A slice ends by the fuel that sim_turn allows.
void platform_slice(u32 index, u64 slice_ns, bool *flag)
{
    (void)index;
    (void)slice_ns;
    (void)flag;
}

void platform_relax(void)
{
    ASSERT(false); // one thread: a lock that is taken will never be given back
}

void *platform_pages_reserve(u64 bytes)
{
    if (bytes > SIM_RESERVE_BYTES) {
        return NULL;
    }
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    if (((uintptr_t)start & 0xffff) != 0) { // unlucky: take what is aligned out of more
        munmap(start, bytes);
        u8 *wide = mmap(NULL, bytes + 0x10000, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (wide == MAP_FAILED) {
            return NULL;
        }
        u8 *aligned = wide + (-(uintptr_t)wide & 0xffff);
        if (aligned != wide) {
            munmap(wide, (size_t)(aligned - wide));
        }
        munmap(aligned + bytes, 0x10000 - (size_t)(aligned - wide));
        start = aligned;
    }
    sim.reserved_bytes += bytes;
    return start;
}

enum err platform_pages_commit(void *start, u64 bytes)
{
    (void)start;
    bool fails = sim.fails_one_in != 0 && sim_below(sim.fails_one_in) == 0;
    return fails || bytes == 0 ? ERR_NO_MEMORY : ERR_OK;
}

void platform_pages_decommit(void *start, u64 bytes)
{
    int failed = madvise(start, bytes, MADV_DONTNEED);
    ASSERT(failed == 0);
}

void platform_pages_clear(void *start, u64 bytes)
{
    platform_pages_decommit(start, bytes);
}

void platform_pages_release(void *start, u64 bytes)
{
    ASSERT(sim.reserved_bytes >= bytes);
    sim.reserved_bytes -= bytes;
    munmap(start, bytes);
}

enum err platform_pages_make_executable(void *start, u64 bytes)
{
    (void)start;
    (void)bytes;
    return ERR_UNSUPPORTED;
}

// ---- compiled code: none, so that a seed gives one run

void *platform_guarded_reserve(u64 bytes)
{
    (void)bytes;
    return NULL;
}

enum err platform_guarded_commit(void *start, u64 bytes)
{
    (void)start;
    (void)bytes;
    return ERR_UNSUPPORTED;
}

void platform_guarded_decommit(void *start, u64 bytes)
{
    (void)start;
    (void)bytes;
}

// Nothing is kept from one run to the next.
void platform_kept_load(const u8 name[PLATFORM_NAME_BYTES], platform_kept *done, void *context)
{
    (void)name;
    done(context, (struct span){0});
}

void platform_kept_save(const u8 name[PLATFORM_NAME_BYTES], const struct span *pieces, u32 count,
                        platform_kept *done, void *context)
{
    (void)name;
    (void)pieces;
    (void)count;
    done(context, (struct span){0});
}

void platform_stack_leave(void **kept, const void *low, u64 bytes)
{
    (void)kept;
    (void)low;
    (void)bytes;
}

void platform_stack_arrive(void *kept, const void **low, u64 *bytes)
{
    (void)kept;
    (void)low;
    (void)bytes;
}

struct platform_cpu_facts platform_cpu_facts(void)
{
    return (struct platform_cpu_facts){.cpu = PLATFORM_CPU_OTHER};
}

enum err platform_interrupts(platform_interrupted *interrupted, void *context)
{
    (void)context;
    return interrupted == NULL ? ERR_OK : ERR_UNSUPPORTED;
}
