// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/target.h: what a CPU must offer to the compiler. One folder and one such struct for
// each; all are compiled into every kernel's tests, whatever CPU those run on.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
struct arena;
struct ir;
struct mach;
struct mach_registers;
struct wasm_func_type;

// Pieces of code that the runtime needs beside compiled functions (docs/jit.md, "Crossings").
enum jit_stub {
    JIT_STUB_ENTER,  // C -> compiled code: enum jit_leave (*)(struct jit_thread *)
    JIT_STUB_RESUME, // C -> where a signal interrupted it: the same type
    JIT_STUB_LEAVE,  // compiled code -> C, with a reason: where an interrupted thread is sent
    JIT_STUB_BEGIN,  // C -> aside->run on the stack aside->sp: void (*)(struct jit_aside *)
    JIT_STUB_SWAP,   // C -> C where the other side was left: the same type
    JIT_STUB_COUNT
};

struct jit_target {
    const char *name;
    const struct mach_registers *registers;
    // Integer registers, as struct registers numbers them: of the running instance, and of the
    // reason with which code goes to JIT_STUB_LEAVE.
    u8 instance_register;
    u8 reason_register;
    // Where code of a landing finds its frame, memory 0, and what it caught (enum jit_caught); and
    // the flags there.
    u8 stack_register;
    u8 memory_register;
    u8 landing_register;
    u64 landing_flags;
    // Whether a function has its whole frame before the instruction at start + offset. If not, in
    // its prologue or while it returns, *bytes receives how far above the stack pointer the return
    // address is; below it when that has been read already.
    bool (*has_frame)(const u8 *start, u32 offset, u32 prologue_bytes, i32 *bytes);
    // Machine instructions for a function. ERR_LIMIT, ERR_UNSUPPORTED, ERR_NO_MEMORY.
    enum err (*select)(const struct ir *ir, const struct jit_options *options, struct mach *out);
    // The bytes, after the allocator. ERR_LIMIT, ERR_NO_MEMORY.
    enum err (*emit)(const struct mach *mach, const struct ir *ir,
                     const struct jit_options *options, struct arena *arena,
                     struct jit_function *out);
    // Code that takes arguments from thread->slots into registers, calls, and puts the results
    // back (`enter`), and the reverse for calls that leave compiled code (`leave`); one of each for
    // every type of a module. Of `leave` there are two that do the same (docs/jit.md, "Crossings"):
    enum err (*emit_enter)(const struct wasm_func_type *type, const struct jit_options *options,
                           struct arena *scratch, struct arena *arena, struct jit_function *out);
    //   way  how it is mostly reached, and so how it returns
    enum err (*emit_leave)(const struct wasm_func_type *type, enum jit_way way,
                           const struct jit_options *options, struct arena *scratch,
                           struct arena *arena, struct jit_function *out);
    // The same for a helper, which may do its work and return.
    enum err (*emit_leave_helper)(u32 helper, const struct jit_options *options,
                                  struct arena *scratch, struct arena *arena,
                                  struct jit_function *out);
    // Whether leaving code was reached in the place of a return of the function that was entered,
    // so that it returns to the entering code: by the stack pointers of both, as struct jit_thread
    // has them at JIT_STUB_ENTER and behind JIT_STUB_LEAVE.
    bool (*is_tail)(const u8 *entered, const struct wasm_func_type *entered_type, const u8 *left,
                    const struct wasm_func_type *left_type, const struct jit_options *options);
    // Words on the stack that a call of the type takes, for arguments or results.
    u32 (*stack_words)(const struct wasm_func_type *type);
    enum err (*emit_stub)(enum jit_stub stub, const struct jit_options *options,
                          struct arena *scratch, struct arena *arena, struct jit_function *out);
    // Resolves a struct jit_call in code that lies where it will run. False: too far.
    bool (*link_call)(u8 *at, const u8 *to);
    // link_bytes of code that goes to the address in *slot, with `tag` where leaving code expects
    // it. False: too far.
    u32 link_bytes;
    bool (*link_slot)(u8 *at, u32 tag, const void *slot);
};

extern const struct jit_target jit_target_x86_64;
