// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/debug.h: a process under a debugger: it stops before an instruction, shows what it
// holds, and goes on. The debugger is the machine's, and speaks whatever protocol it likes.
//
// Use     kernel_config.has_probes; kernel_debug_create; kernel_start with it, for one process;
//         then `stopped` tells of each stop, the first before the process's first instruction.
// Owner   the kernel: kernel_destroy frees it.
// Threads any thread, one at a time for a debugger. `stopped` comes on a worker with no lock held,
//         or out of kernel_debug_interrupt.
// Time    each call holds the kernel's lock; a walk through frames does so for up to some 10 ms
//         (WASM_WALK_UNITS). Nobody pays for this but a system that is being debugged.
// Limits  core/kernel/limits.h: KERNEL_BREAKPOINTS, KERNEL_DEBUG_FRAMES. A process under a debugger
//         has one thread: what stops is that one.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;
struct kernel_debug;
struct text;

enum kernel_stop {
    KERNEL_STOP_NONE,       // it runs, or waits for a message, or is being loaded
    KERNEL_STOP_ENTRY,      // before its first instruction
    KERNEL_STOP_BREAKPOINT, //
    KERNEL_STOP_STEP,       // one instruction further
    KERNEL_STOP_INTERRUPT,  // it was told to
    KERNEL_STOP_TRAP,       // it has trapped; when it goes on it ends
    KERNEL_STOP_ENDED,      // there is no process any more
};

struct kernel_debug_state {
    enum kernel_stop stop;
    u64 process;      // its number
    bool is_killed;   // ENDED: by somebody
    bool has_trapped; // ENDED: by its own fault
    u32 code;         // ENDED: else its exit code
};

// ERR_NO_MEMORY
enum err kernel_debug_create(struct kernel *kernel, void (*stopped)(void *context), void *context,
                             struct kernel_debug **out);

struct kernel_debug_state kernel_debug_look(struct kernel_debug *debug);
// Why it has trapped, in words. Nothing when it has not.
void kernel_debug_describe(struct kernel_debug *debug, struct text *out);

// What follows wants the process stopped, or gives ERR_BUSY.

// Goes on; `step`: for one instruction.
enum err kernel_debug_go(struct kernel_debug *debug, bool step);
// The process runs free of the debugger from now on. It may run already.
enum err kernel_debug_detach(struct kernel_debug *debug);
// Stops before the instruction at an offset in the module's file, or no more. Where a function
// declares its locals stands for its first instruction: stopped there, its frame is told by the
// offset that was given here.
// ERR_LIMIT  KERNEL_BREAKPOINTS
enum err kernel_debug_break(struct kernel_debug *debug, u32 offset, bool set);

// Makes it stop. ERR_PAUSED: it runs still, and will stop soon unless it begins to wait for a
// message: call again in a while. ERR_OK: it has stopped.
enum err kernel_debug_interrupt(struct kernel_debug *debug);

// Copies from the module's file, at most KERNEL_COPY_LOCKED bytes. ERR_BUSY also before its first
// stop.
//   done  receives how many of them lie inside it, and were read
enum err kernel_debug_module_read(struct kernel_debug *debug, u64 offset, u8 *to, u32 size,
                                  u32 *done);

struct kernel_debug_frame {
    u64 offset; // in its module's file, of the instruction
    u32 function;
    u32 place;       // the same as long as it lives, and greater than those around it
    bool is_adapter; // of the adapter's module; else of the program's
};
// Innermost first.
enum err kernel_debug_frames(struct kernel_debug *debug, struct kernel_debug_frame *out, u32 count,
                             u32 *written);

enum kernel_debug_what { KERNEL_DEBUG_LOCAL, KERNEL_DEBUG_OPERAND, KERNEL_DEBUG_GLOBAL };
// A value of a frame, of those above, as inspect.h numbers and types them.
// ERR_NOT_FOUND  there is none
enum err kernel_debug_value(struct kernel_debug *debug, enum kernel_debug_what what, u32 frame,
                            u32 index, u8 *type, u64 bits[2]);

// Copies from or to memory 0 of the program, at most KERNEL_COPY_LOCKED bytes.
//   done  receives how many of them lie inside it, and were read
enum err kernel_debug_read(struct kernel_debug *debug, u64 address, u8 *to, u32 size, u32 *done);
// Nothing is written unless all of it lies inside. ERR_LIMIT: it does not
enum err kernel_debug_write(struct kernel_debug *debug, u64 address, struct span bytes);
