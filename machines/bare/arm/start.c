// SPDX-License-Identifier: GPL-3.0-or-later
// What the board knows of itself, exceptions, and the ways to stop.
// Source  the firmware's mailbox property interface (github.com/raspberrypi/firmware/wiki); ARM
//         "Semihosting for AArch32".
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "machines/bare/arm/cpu.h"
#include "machines/bare/common/cpu.h"

enum { SEMIHOSTING_COMMAND_LINE = 0x15, SEMIHOSTING_EXIT = 0x20, EXIT_APPLICATION = 0x20026 };
enum {
    MAILBOX_READ = BOARD_MAILBOX,
    MAILBOX_STATUS = BOARD_MAILBOX + 0x18,
    MAILBOX_WRITE = BOARD_MAILBOX + 0x20,
    MAILBOX_FULL = 1u << 31,
    MAILBOX_EMPTY = 1 << 30,
    MAILBOX_PROPERTIES = 8, // the channel
    MAILBOX_PATIENCE = 1000000,
    PROPERTY_ARM_MEMORY = 0x10005,
    PROPERTY_DONE = 0x80000000,
};
// What the board leaves to us when the firmware does not say: all but what it takes for the screen
// at most.
enum { MEMORY_AT_LEAST = 512 << 20 };

extern u8 image_start[], image_end[], image_archive[], image_archive_end[];
extern u8 machine_stack_guard[];
static struct boot_info info;

NORETURN void cpu_main(void);

u32 semihosting(u32 operation, void *block)
{
    register u32 r0 __asm__("r0") = operation;
    register void *r1 __asm__("r1") = block;
    __asm__ volatile("svc 0x123456" : "+r"(r0) : "r"(r1) : "lr", "memory");
    return r0;
}

// The line is `PROGRAM WORDS`: only the words are ours.
static void command_line_read(void)
{
    static char line[BOOT_COMMAND_BYTES];
    struct {
        char *at;
        u32 size;
    } block = {line, sizeof line - 1};
    if (semihosting(SEMIHOSTING_COMMAND_LINE, &block) != 0) {
        return;
    }
    u32 from = 0;
    while (line[from] != 0 && line[from] != ' ') {
        from++;
    }
    from += line[from] == ' ';
    mem_copy(info.command_line, line + from, sizeof line - 1 - from);
}

// Asks the firmware how much of memory is ours. Before the caches are on, because it reads past
// them.
static u64 memory_end(void)
{
    static ALIGNED(16) volatile u32 message[8];
    message[0] = sizeof message;
    message[1] = 0;
    message[2] = PROPERTY_ARM_MEMORY;
    message[3] = 8;
    message[4] = 0;
    message[5] = 0; // base
    message[6] = 0; // size
    message[7] = 0;
    u32 patience = MAILBOX_PATIENCE;
    while ((device_read(MAILBOX_STATUS) & MAILBOX_FULL) && --patience != 0) {
    }
    device_write(MAILBOX_WRITE, (u32)(uintptr_t)message | 0xc0000000 | MAILBOX_PROPERTIES);
    while ((device_read(MAILBOX_STATUS) & MAILBOX_EMPTY) && --patience != 0) {
    }
    if (patience == 0) {
        return MEMORY_AT_LEAST;
    }
    (void)device_read(MAILBOX_READ);
    u64 end = (u64)message[5] + message[6];
    bool answered = message[1] == PROPERTY_DONE && message[6] != 0;
    return answered && end <= BOARD_DEVICES ? end : MEMORY_AT_LEAST;
}

void cpu_main(void)
{
    u64 end = memory_end();
    mmu_enable();
    info.machine = "raspi2";
    info.loader = "linked";
    info.usable[0] = (struct boot_range){0, end};
    info.usable_count = 1;
    info.reserved[0] = (struct boot_range){0, (uintptr_t)image_end};
    info.reserved_count = 1;
    info.archive = span_of(image_archive, (size_t)(image_archive_end - image_archive));
    command_line_read();
    machine_main(&info);
}

void cpu_start(void)
{
    mmu_start();
    clock_start();
}

void cpu_halt(int code)
{
    u32 block[2] = {EXIT_APPLICATION, code == 0 ? 0 : 1};
    __asm__ volatile("cpsid if");
    (void)semihosting(SEMIHOSTING_EXIT, block);
    for (;;) {
        __asm__ volatile("wfi");
    }
}

// What the stubs kept.
struct exception {
    u32 r[13];
    u32 pc;
};

NORETURN void cpu_exception(const struct exception *frame, u32 vector);

void cpu_exception(const struct exception *frame, u32 vector)
{
    static const char *const names[] = {
        "reset", "undefined instruction", "?", "prefetch abort", "data abort", "?",
        "?",     "fast interrupt"};
    static char buffer[1024];
    u32 data_status, data_address, code_status, sp, lr, spsr;
    __asm__ volatile("mrc p15, 0, %0, c5, c0, 0" : "=r"(data_status));
    __asm__ volatile("mrc p15, 0, %0, c6, c0, 0" : "=r"(data_address));
    __asm__ volatile("mrc p15, 0, %0, c5, c0, 1" : "=r"(code_status));
    __asm__ volatile("mrs %0, spsr" : "=r"(spsr));
    __asm__ volatile("mrs %0, cpsr\n\tcps #0x13\n\tmov r1, sp\n\tmov r2, lr\n\tmsr cpsr_c, %0\n\t"
                     "mov %0, r1\n\tmov %1, r2"
                     : "=&r"(sp), "=&r"(lr)::"r1", "r2");
    struct text line = text_over(buffer, sizeof buffer);
    u32 guard = (uintptr_t)machine_stack_guard;
    if (vector == 4 && data_address >= guard && data_address < guard + 4096) {
        text_string(&line, "machine stack overflow: ");
    }
    text_string(&line, vector < COUNT_OF(names) ? names[vector] : "?");
    const struct {
        const char *name;
        u32 value;
    } registers[] = {
        {": pc=", frame->pc},
        {" sp=", sp},
        {" lr=", lr},
        {" cpsr=", spsr},
        {" dfsr=", data_status},
        {" dfar=", data_address},
        {" ifsr=", code_status},
    };
    for (u32 i = 0; i < COUNT_OF(registers); i++) {
        text_string(&line, registers[i].name);
        text_hex(&line, registers[i].value, 1);
    }
    for (u32 i = 0; i < COUNT_OF(frame->r); i++) {
        text_string(&line, " r");
        text_u64(&line, i);
        text_string(&line, "=");
        text_hex(&line, frame->r[i], 1);
    }
    machine_panic(span_of(line.data, line.size));
}
