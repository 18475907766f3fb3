// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/compile.h: compiles functions of a module one after the other, and places them a batch
// at a time.
//
// Use     jit_compile_begin; jit_compile_one for each function, or jit_compile_all; in any case
//         jit_compile_end, which places what is left.
// Owner   working space comes from `memory` and is given back at the end.
// Time    a call costs what the function's body does; a batch, what its code does.
// Limits  core/jit/limits.h. A function beyond them stays with the interpreter.
#pragma once
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
struct ins;
struct jit_image_writer;
struct jit_module;
struct jit_placed;
struct memory;

struct jit_compiler {
    struct jit_module *module;
    struct memory *memory;
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
    u32 refused; // functions beyond a limit
};

void jit_compile_begin(struct jit_compiler *compiler, struct jit_module *module,
                       struct memory *memory);
// A function that the module defines; does nothing if it is compiled already.
// ERR_NO_MEMORY  a batch could not be placed; its functions stay with the interpreter
enum err jit_compile_one(struct jit_compiler *compiler, u32 function);
// The version of it that takes over where a loop begins: `origin` in the body, `head` in the
// interpreter's code. Does nothing if there is one, or JIT_LOOPS others.
enum err jit_compile_one_loop(struct jit_compiler *compiler, u32 function, u32 origin,
                              const struct ins *head);
enum err jit_compile_all(struct jit_compiler *compiler);
enum err jit_compile_end(struct jit_compiler *compiler);
