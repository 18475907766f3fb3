// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/compile.h: compiles functions of a module one after the other, and places them a batch
// at a time.
//
// Use     jit_compile_begin; jit_compile_one for each function, or jit_compile_all; in any case
//         jit_compile_end, which places what is left, or jit_compile_give_up.
// Owner   working space comes from `memory` and is given back at the end.
// Time    where `work` is set, a call ends with ERR_PAUSED once that is used up, at most
//         JIT_PACE_UNITS later, and the same call goes on: the compiler has a stack of its own
//         (aside.h). A batch is placed in one step.
// Limits  core/jit/limits.h. A function beyond them stays with the interpreter.
#pragma once
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/aside.h"
#include "core/jit/jit.h"
struct ins;
struct jit_image_writer;
struct jit_module;
struct jit_placed;
struct memory;

// How much working space a function whose body has so many bytes may take (limits.h).
size_t jit_scratch_limit(size_t body_bytes);

struct jit_compiler {
    struct jit_module *module;
    struct memory *memory;
    i64 *work; // units that may still be used, and what is used is taken from; NULL: never pauses
    struct jit_aside aside;         // with a stack from the first function on that may pause
    struct jit_source source;       // what is under way there,
    struct jit_function *out;       //
    enum err outcome;               // and what came of it
    struct jit_image_writer *image; // receives what is placed; NULL: nobody wants it
    struct arena scratch;           // empty between two functions
    struct arena batch;             // what is compiled and not placed
    struct jit_placed *placed;      //
    u32 placed_count;
    u32 capacity;
    u64 placed_bytes;
    // For figures.
    u64 body_bytes; // of functions that were compiled
    u64 code_bytes;
    u32 refused;      // functions beyond a limit, versions that begin at a loop too,
    enum err refusal; // and why the last was
};

// The compiler must not move from here on.
void jit_compile_begin(struct jit_compiler *compiler, struct jit_module *module,
                       struct memory *memory);
// Whether a function is under way: the only things to do are to call again for that function, and
// jit_compile_give_up.
bool jit_compile_is_paused(const struct jit_compiler *compiler);
// A function that the module defines; does nothing if it is compiled already.
// ERR_PAUSED     call again
// ERR_NO_MEMORY  a batch could not be placed; its functions stay with the interpreter
enum err jit_compile_one(struct jit_compiler *compiler, u32 function);
// The version of it that takes over where a loop begins: `origin` in the body, `head` in the
// interpreter's code. Does nothing if there is one, or JIT_LOOPS others.
enum err jit_compile_one_loop(struct jit_compiler *compiler, u32 function, u32 origin,
                              const struct ins *head);
enum err jit_compile_all(struct jit_compiler *compiler);
enum err jit_compile_end(struct jit_compiler *compiler);
// Nobody wants what is under way, nor what is not placed.
void jit_compile_give_up(struct jit_compiler *compiler);
