// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/cpu.h: what the folder of a CPU gives to the common part, and what it gets
// from it.
//
// Use     the CPU's entry code sets up a stack, fills a struct boot_info and calls machine_main,
//         which calls cpu_start once and never returns. Until cpu_start only cpu_serial_* and
//         cpu_halt may be called.
// Owner   boot_info and what it points to live as long as the machine.
#pragma once
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "machines/bare/common/limits.h"
struct text;

// Physical memory, bytes [start, end).
struct boot_range {
    u64 start;
    u64 end;
};

struct boot_info {
    const char *machine; // "pc", for the first words
    const char *loader;  // how it was started: "pvh", "multiboot2", "linked"
    u32 usable_count;
    u32 reserved_count;
    struct boot_range usable[BOOT_RANGES];   // may overlap, and overlap what is reserved
    struct boot_range reserved[BOOT_RANGES]; // the kernel's image and the archive included
    struct span archive;                     // the CAR file; empty: none was handed over
    char command_line[BOOT_COMMAND_BYTES];   // ends in zero
};

// Called by the entry code, on the machine's stack, with interrupts off.
NORETURN void machine_main(const struct boot_info *boot);

// ---- what each CPU's folder defines

// Exceptions, protection of the kernel's image, guard of the stack, clock and tick: all running
// afterwards. Frames (frames.h) are there already.
void cpu_start(void);

// Gives the line as many of the bytes as it takes at once. Returns how many; 0: try later. Also
// called from the tick.
size_t cpu_serial_write(struct span bytes);
// A byte that has come, or -1. Also called from the tick.
int cpu_serial_read(void);

// Stops: 0 for success. Tells an emulator through its exit device; where there is none, sleeps
// forever.
NORETURN void cpu_halt(int code);

// ns since the clock was started; never goes back.
u64 cpu_clock_ns(void);
// ns since 1970 at the time of the call, 0 when there is no such clock.
u64 cpu_wall_clock_ns(void);

// Sleeps until the next interrupt unless *flag is true (checked with interrupts off, so that a wake
// between check and sleep is not lost).
void cpu_sleep(const bool *flag);

// The finest counter there is, whatever it counts; for the jitter of what is done between two
// reads.
u64 cpu_cycles(void);
// A word of the machine's own random generator. False: there is none.
bool cpu_random(u64 *out);

// ---- memory by pages; the common part keeps the books (pages.h)

// The address space for reservations, [*start, *end), both multiples of 64 KiB.
void cpu_window(u64 *start, u64 *end);
// Physical memory is reachable at its own address below this bound.
u64 cpu_identity_end(void);
// Makes one page of the window, which shows nothing, show a frame: readable and writable.
// ERR_NO_MEMORY  no frame for a table
enum err cpu_map(u64 at, u64 frame);
// Makes [start, end) of the window, whole pages, show nothing, and gives the frames back
// (frames_give). Skips quickly what was never mapped.
void cpu_unmap(u64 start, u64 end);
// Makes one mapped page executable and no longer writable.
void cpu_map_executable(u64 at);

// ---- what the common part defines for it

// Once a tick, from the interrupt: only records. Must not touch the registers of floats and
// vectors.
void machine_tick(u64 now_ns);

// Prints why, then halts with 1. Never returns, also when it is entered again.
NORETURN void machine_panic(struct span why);
