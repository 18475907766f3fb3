// SPDX-License-Identifier: GPL-3.0-or-later
// core/platform.h: what a machine must offer to the kernel. Nothing in core/ reads a clock, a die
// or a device but through here, so that a machine made of a seed replays a run byte for byte.
//
// Use     a machine (machines/hosted, machines/bare, machines/sim) defines all of it; one is
//         linked.
// Threads a worker is one thread of control of the machine: an OS thread, a CPU, or a turn in the
//         simulation. Any function may be called from any worker unless it says otherwise.
#pragma once
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/registers.h"
#include "core/base/span.h"
#include "core/base/types.h"

// ---- words and the end

// Prints a line of the kernel's own words, without its newline. Never blocks for long.
void platform_log(struct span line);
// Stops the machine for good. 0 means that all went well.
NORETURN void platform_halt(int code);

// ---- time and chance

// Monotonic time since an arbitrary start, ns. Never goes back, also between workers.
u64 platform_clock_ns(void);
// Time since 1970-01-01 UTC, ns; 0 when the machine does not know.
u64 platform_wall_clock_ns(void);
// Fills with random bytes fit for keys (sim: from the seed).
void platform_random(void *out, size_t size);
// SHA-256 of one run of bytes.
void platform_sha256(struct span bytes, u8 out[32]);

// ---- workers

u32 platform_worker_count(void);
// Starts worker `index` (0 is running already) in `run(context, index)`, which never returns while
// the machine lives.
enum err platform_worker_start(u32 index, void (*run)(void *context, u32 index), void *context);
// Sleeps the calling worker until platform_wake(index) or `deadline_ns` of platform_clock_ns
// (UINT64_MAX: none). A wake that came before the wait is not lost: then it returns at once. May
// return early.
void platform_wait(u32 index, u64 deadline_ns);
// Ends the wait of a worker. Also allowed from interrupts and from the machine's device threads.
void platform_wake(u32 index);
// Asks the machine to make *flag true (atomically, relaxed) when a slice of `slice_ns` has passed
// for the calling worker, once; 0 cancels. How the kernel learns that a process has run long
// enough. Called at every switch between processes that is not a direct one, so it should cost tens
// of ns: note the deadline for a ticker that runs anyway, rather than ask an operating system for a
// timer.
void platform_slice(u32 index, u64 slice_ns, bool *flag);
// Called in a loop that waits for another worker to leave a short critical section.
void platform_relax(void);

// ---- memory

enum { PLATFORM_PAGE_BYTES = 4096 };

// Reserves address space, not yet usable, aligned to 64 KiB. A machine without much address space
// may refuse what a larger one grants; the kernel then asks for less. NULL: refused.
void *platform_pages_reserve(u64 bytes);
// Makes [start, start + bytes) of a reservation readable, writable and zero. Multiples of the page
// size. The kernel commits and decommits many small ranges (64 KiB and up) of a few large
// reservations, 100,000 at a time; a page that is committed and never touched should cost nothing
// where the machine can do that.
// ERR_NO_MEMORY  the machine has no more; nothing changed
enum err platform_pages_commit(void *start, u64 bytes);
// Committed pages read as zero from now on, and stay committed; what memory they had goes back, if
// the machine can do that. Also for those of platform_guarded_commit.
void platform_pages_clear(void *start, u64 bytes);
// Takes the memory behind a range back; it is reserved again, and reads as zero once committed
// anew.
void platform_pages_decommit(void *start, u64 bytes);
// Gives a whole reservation back.
void platform_pages_release(void *start, u64 bytes);
// Makes committed pages readable and executable, and no longer writable.
enum err platform_pages_make_executable(void *start, u64 bytes);

// ---- compiled code: a machine that has none refuses platform_interrupts, and all is interpreted

// Like platform_pages_reserve, but every access faults, until it is committed (readable, writable
// and zero), and again when it is decommitted. Released by platform_pages_release.
void *platform_guarded_reserve(u64 bytes);
enum err platform_guarded_commit(void *start, u64 bytes);
void platform_guarded_decommit(void *start, u64 bytes);

// A worker's C code is about to go on on another stack; behind the change, it is there. For a
// machine where somebody watches stacks, a sanitizer; on others, nothing happens.
//   kept        receives what the machine keeps of the stack that is left; NULL: nobody comes back
//   low, bytes  where the other one lies
void platform_stack_leave(void **kept, const void *low, u64 bytes);
//   kept        of the stack that has been arrived on; NULL: it is new
//   low, bytes  receive where the one that was left lies
void platform_stack_arrive(void *kept, const void **low, u64 *bytes);

// What is kept from one run to the next, under names of PLATFORM_NAME_BYTES. A machine may keep
// nothing, and what it keeps may be gone later, or be something else: the kernel checks it.
enum { PLATFORM_NAME_BYTES = 32 };
// Each of the two calls returns at once and calls `done` once: before it returns, or later in a
// thread of the machine that may take its time, with no lock held; at the latest soon after
// kernel_destroy has begun.
//   bytes  loaded, valid during the call; empty: there is nothing of that name, or it cannot be
//          had. Empty after saving, whether that went well or not.
typedef void platform_kept(void *context, struct span bytes);
void platform_kept_load(const u8 name[PLATFORM_NAME_BYTES], platform_kept *done, void *context);
// Keeps the pieces, one behind the other, in the place of what was kept under the name; no pieces:
// nothing from now on. They stay valid until `done`.
void platform_kept_save(const u8 name[PLATFORM_NAME_BYTES], const struct span *pieces, u32 count,
                        platform_kept *done, void *context);

// What this CPU has beyond the least that core/jit wants of it.
enum platform_cpu { PLATFORM_CPU_OTHER, PLATFORM_CPU_X86_64 };
enum platform_x86 {
    PLATFORM_X86_AVX = 1,
    PLATFORM_X86_AVX2 = 2,
    PLATFORM_X86_BMI1 = 4,
    PLATFORM_X86_BMI2 = 8,
    PLATFORM_X86_LZCNT = 16,
};
struct platform_cpu_facts {
    u8 cpu;            // enum platform_cpu
    bool has_segment;  // code may write the base of a segment register
    u32 features;      // of that CPU
    bool keeps_stacks; // a worker's C code must end on the stack that it began on, since somebody
                       // watches that: a sanitizer
};
struct platform_cpu_facts platform_cpu_facts(void);

// What stopped a worker within code.
enum platform_interrupt {
    PLATFORM_TICK,              // its slice is over; comes again and again until the next slice
    PLATFORM_FAULT_ADDRESS,     // an access to `address` that is not allowed
    PLATFORM_FAULT_INSTRUCTION, // one that cannot be executed
    PLATFORM_FAULT_ARITHMETIC,
};
// Called on the worker, on a stack of its own, in the place of what the worker ran, whatever that
// was: no locks, no memory. True: the worker goes on with what `registers` say now. False: as if
// nothing had come; for a fault, the machine ends.
typedef bool platform_interrupted(void *context, enum platform_interrupt what, u64 address,
                                  struct registers *registers);
// From now on. NULL: no more, and no worker is in it when this returns. A machine that offers this
// has nothing mapped at the addresses below PLATFORM_PAGE_BYTES: guests' null is told by a fault.
// ERR_UNSUPPORTED  this machine tells of nothing
enum err platform_interrupts(platform_interrupted *interrupted, void *context);
