// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/compiled.h: which engine runs a process, and when its program is compiled.
//
// A process is *fast* when its memory lies in a reservation of its own in which every access
// beyond it faults, or *small*: its memory lies beside that of others, and compiled code compares
// each address. That is decided when it begins, by its budget and by how many are fast, because
// memory never moves. A program has code of either kind, made once for all its processes of that
// kind when one of them has run for KERNEL_FUEL_HOT (or before they run, where that is asked for):
// by a job beside the processes, functions first that were seen running.
//
// The family that is charged for a program pays for the job, in time (its own, as others see it)
// and in memory; for a program that came with the system, the family that asked first does.
//
// Use     compiled_open in kernel_create, compiled_close at the end of kernel_destroy; the rest at
//         the moments that the names say.
// Locks   program->code is set once under kernel->lock, before a process can find it there; what it
//         points to belongs to the job while that runs, but for what module.h says of code.
// Time    a step of the job ends JIT_PACE_UNITS after its portion at the latest, also in the middle
//         of a function; placing a batch (JIT_BATCH_BYTES, or one larger function) is one step.
// Limits  core/kernel/limits.h: KERNEL_FAST, KERNEL_FAMILY_FAST: what is beyond is small, or
//         refused where it must be fast. KERNEL_FAMILY_STACKS, KERNEL_CODE_BYTES,
//         KERNEL_FAMILY_CODE_BYTES, KERNEL_FAMILY_COMPILING_BYTES: what is beyond stays with the
//         interpreter.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/wasm/thread.h"
struct kernel;
struct process;
struct program;
struct report;
struct text;

// ERR_UNSUPPORTED  compiled code is asked for, and the machine has none
enum err compiled_open(struct kernel *kernel, struct report *report);
void compiled_close(struct kernel *kernel);

// A process is about to get its memory: decides whether it is fast. False: it must be, and no more
// can, here or in its family.
bool compiled_process_begin(struct process *process);
// It is about to get its instances. True: where all of its program is to be compiled before it
// runs, it is LOADING until that is done, no longer this worker's, and this is to be asked again.
bool compiled_process_waits(struct process *process);
// It has its instances.
void compiled_process_made(struct process *process);
// It was to be fast, and the machine has no reservation for it: from now on it is small. False: it
// must be fast.
bool compiled_process_make_small(struct process *process);
// It runs no more, but its instances are still there; and they are gone.
void compiled_process_stop(struct process *process);
void compiled_process_end(struct process *process);

// The functions of core/wasm/thread.h, on the engine that the process has.
enum err process_call(struct process *process, struct wasm_func *function, const wasm_slot *args);
enum wasm_run process_run(struct process *process, i64 *fuel);
void process_describe(struct process *process, struct text *out);
u32 process_backtrace(struct process *process, struct wasm_frame *out, u32 count);

// Whether a job compiles it, for which processes may wait.
bool compiled_is_under_way(const struct program *program);
// Loops of it that were seen running, KERNEL_HOT at most.
u32 compiled_hot_count(struct program *program);
// Memory that its compiled side takes.
u64 compiled_program_bytes(const struct program *program);
// A program goes; no job of it runs.
void compiled_program_drop(struct program *program);
