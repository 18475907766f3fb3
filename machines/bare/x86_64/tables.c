// SPDX-License-Identifier: GPL-3.0-or-later
// Descriptor tables. Every vector runs on a stack of the interrupt stack table, never on the one
// that was running: so code that uses the red zone below its stack (libsodium's archive does) is
// safe in ring 0.
// Source  Intel SDM volume 3, chapters 3, 6 and 7.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/x86_64/cpu.h"
#include "machines/bare/x86_64/vectors.h"

enum { IST_EXCEPTION = 1, IST_DEBUG = 2, IST_TICK = 3, IST_COUNT = 3 };
enum { SELECTOR_CODE = 8, SELECTOR_TASK = 24 };
enum { EXCEPTION_NMI = 2, EXCEPTION_DOUBLE_FAULT = 8, EXCEPTION_PAGE_FAULT = 14, STUB_BYTES = 16 };
enum { MSR_FS_BASE = 0xc0000100 };

struct PACKED task {
    u32 reserved0;
    u64 stacks[3];
    u64 reserved1;
    u64 interrupt_stacks[7];
    u64 reserved2;
    u16 reserved3;
    u16 ports;
};

struct PACKED gate {
    u16 offset0;
    u16 selector;
    u8 stack;
    u8 type;
    u16 offset1;
    u32 offset2;
    u32 reserved;
};

struct PACKED pointer {
    u16 limit;
    u64 base;
};

// What exception_common pushed.
struct exception {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    u64 vector, error;
    u64 rip, cs, flags, rsp, ss;
};

static ALIGNED(16) u64 gdt[5] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0};
static ALIGNED(16) struct gate idt[256];
static ALIGNED(16) struct task task;
static ALIGNED(16) u8 stacks[IST_COUNT][TRAP_STACK_BYTES];
// libsodium's archive reads a canary at %fs:0x28 and calls __stack_chk_fail when it changed.
static ALIGNED(16) u64 canary_block[8] = {0, 0, 0, 0, 0, 0x8f31a5c6d20e7b00};

extern const u8 cpu_exception_stubs[];
extern u8 machine_stack_guard[];
void cpu_tick_stub(void);
void cpu_ignore_stub(void);
NORETURN void cpu_exception(const struct exception *frame);

static void gate_set(u32 vector, uintptr_t to, u8 stack)
{
    idt[vector] = (struct gate){
        .offset0 = (u16)to,
        .selector = SELECTOR_CODE,
        .stack = stack,
        .type = 0x8e, // interrupt gate, present
        .offset1 = (u16)(to >> 16),
        .offset2 = (u32)((u64)to >> 32),
    };
}

void tables_start(void)
{
    for (u32 i = 0; i < IST_COUNT; i++) {
        task.interrupt_stacks[i] = (uintptr_t)stacks[i] + TRAP_STACK_BYTES;
    }
    task.ports = sizeof task; // no bitmap
    u64 base = (uintptr_t)&task;
    gdt[SELECTOR_TASK / 8] =
        (sizeof task - 1) | (base & 0xffffff) << 16 | (u64)0x89 << 40 | (base >> 24 & 0xff) << 56;
    gdt[SELECTOR_TASK / 8 + 1] = base >> 32;
    for (u32 i = 0; i < COUNT_OF(idt); i++) {
        gate_set(i, (uintptr_t)cpu_ignore_stub, IST_TICK);
    }
    for (u32 i = 0; i < 32; i++) {
        bool twice = i == EXCEPTION_NMI || i == EXCEPTION_DOUBLE_FAULT;
        gate_set(i, (uintptr_t)cpu_exception_stubs + (uintptr_t)STUB_BYTES * i,
                 twice ? IST_DEBUG : IST_EXCEPTION);
    }
    gate_set(VECTOR_TICK, (uintptr_t)cpu_tick_stub, IST_TICK);
    struct pointer to_gdt = {sizeof gdt - 1, (uintptr_t)gdt};
    struct pointer to_idt = {sizeof idt - 1, (uintptr_t)idt};
    __asm__ volatile("lgdt %0" ::"m"(to_gdt));
    __asm__ volatile("lidt %0" ::"m"(to_idt));
    __asm__ volatile("ltr %0" ::"r"((u16)SELECTOR_TASK));
    msr_write(MSR_FS_BASE, (uintptr_t)canary_block);
    u32 floats = 0x1f80; // all exceptions masked, rounding to nearest, subnormal numbers kept
    __asm__ volatile("ldmxcsr %0" ::"m"(floats));
}

static const char *exception_name(u64 vector)
{
    static const char *const names[] = {
        "divide error",
        "debug",
        "NMI",
        "breakpoint",
        "overflow",
        "bound",
        "invalid opcode",
        "no floating point unit",
        "double fault",
        "?",
        "invalid task",
        "segment not present",
        "stack segment fault",
        "general protection fault",
        "page fault",
        "?",
        "x87 error",
        "alignment check",
        "machine check",
        "SIMD error",
    };
    return vector < COUNT_OF(names) ? names[vector] : "?";
}

static void print_registers(const struct exception *frame, struct text *line, u64 fault)
{
    const struct {
        const char *name;
        u64 value;
    } registers[] = {
        {" rip=", frame->rip}, {" rsp=", frame->rsp}, {" rflags=", frame->flags},
        {" cr2=", fault},      {" rax=", frame->rax}, {" rbx=", frame->rbx},
        {" rcx=", frame->rcx}, {" rdx=", frame->rdx}, {" rsi=", frame->rsi},
        {" rdi=", frame->rdi}, {" rbp=", frame->rbp}, {" r8=", frame->r8},
        {" r9=", frame->r9},   {" r10=", frame->r10}, {" r11=", frame->r11},
        {" r12=", frame->r12}, {" r13=", frame->r13}, {" r14=", frame->r14},
        {" r15=", frame->r15},
    };
    for (u32 i = 0; i < COUNT_OF(registers); i++) {
        text_string(line, registers[i].name);
        text_hex(line, registers[i].value, 1);
    }
}

void cpu_exception(const struct exception *frame)
{
    static char buffer[1024];
    u64 fault;
    __asm__ volatile("mov %%cr2, %0" : "=r"(fault));
    struct text line = text_over(buffer, sizeof buffer);
    u64 guard = (uintptr_t)machine_stack_guard;
    if (frame->vector == EXCEPTION_PAGE_FAULT && fault >= guard && fault < guard + 4096) {
        text_string(&line, "machine stack overflow: ");
    }
    text_string(&line, "exception ");
    text_u64(&line, frame->vector);
    text_string(&line, " (");
    text_string(&line, exception_name(frame->vector));
    text_string(&line, "), error code ");
    text_hex(&line, frame->error, 1);
    text_string(&line, ":");
    print_registers(frame, &line, fault);
    machine_panic(span_of(line.data, line.size));
}
