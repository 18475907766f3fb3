// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/jit.h: compiles one valid function to machine code. docs/jit.md tells the whole story.
//
// Use     jit_compile for a function; the caller places the bytes (core/jit/module.h), resolves
//         the calls, makes them executable and enters the function's number in the table.
// Owner   everything in struct jit_function lies in the arena it was compiled in.
// Limits  core/jit/limits.h.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/wasm/trap.h"
struct arena;
struct jit_pace;
struct jit_target;
struct report;
struct wasm_module;

// What stops an access outside, and a stack that is full. Code of both kinds can be there for a
// module; an instance, and a thread, runs one.
enum jit_bounds {
    JIT_BOUNDS_GUARD, // memory 0 lies in a reservation of JIT_RESERVED_BYTES, and the stack above
                      // JIT_STACK_GUARD: faults tell
    JIT_BOUNDS_CHECK, // an address is compared with the size of memory 0 before each access, and
                      // the stack pointer with its end in functions that call
    JIT_BOUNDS_COUNT
};

// What code may count on. Part of a cached code's name: another machine compiles again.
struct jit_options {
    u8 bounds;     // enum jit_bounds
    bool segment;  // the CPU adds the base of memory 0 to addresses of the segment register
    u32 features;  // the target's: bits of what this CPU has beyond its least
    u8 tail_words; // on the stack that every call keeps free, so that what is called can have more
                   // arguments there than it has itself when it calls in the place of a return
};

// A place in the code that can stop the guest, or that a frame returns to.
struct jit_site {
    u32 code;   // offset of the instruction, for a call of the return address
    u32 origin; // offset in the body
    u8 trap;    // enum trap; TRAP_NONE: the return address of a call
    u8 landing; // of a call in a try_table: how far behind it is where an exception lands; else 0
};

// What a landing finds, in words from the address in the target's register for it: which of the
// clauses around the call it is, those of the innermost try_table first; the exnref; the values.
enum jit_caught { JIT_CAUGHT_CLAUSE, JIT_CAUGHT_REFERENCE, JIT_CAUGHT_VALUES };

// A call: 4 bytes at `code` receive the distance from their end to where it goes, which the caller
// of the compiler knows: the function's code, or a piece of code that leaves with the arguments.
struct jit_call {
    u32 code;
    u32 function; // index in the module, imported ones included, or one of enum jit_callee
};

enum jit_callee {
    // | canonical type: an element of a table that is of another instance or type; its struct
    // wasm_func * in the target's register for that. Looked up outside; may trap at this call.
    JIT_CALLEE_ELEMENT = 1 << 30,
    // | enum ir_helper: all arguments are integers, as for a function that takes so many i64 and
    // returns one.
    JIT_CALLEE_HELPER = 1 << 29,
    // | tag: throws; its arguments are the tag's values. Never returns there, but may land.
    JIT_CALLEE_TAG = 1 << 28,
};

// How code that leaves is reached: by a call, as the callee may have been compiled, or, where it is
// known that it never is, by a jump with the return address pushed. The two differ in nothing but
// what the CPU expects of the returns that follow.
enum jit_way { JIT_WAY_CALL, JIT_WAY_JUMP, JIT_WAY_COUNT };

struct jit_function {
    u8 *code;
    u32 code_bytes;
    u32 frame_bytes;    // from the return address, exclusive, to the stack pointer in the body
    u32 prologue_bytes; // code before the frame is whole
    // Code in [again_start, again_end), of what leaves for a helper, that begins anew when it was
    // interrupted and is resumed: it uses registers which are not kept then, and leaves alone all
    // that it needs.
    u32 again_start;
    u32 again_end;
    struct jit_site *sites; // in order of `code`; of two at one place the call is first
    u32 site_count;
    struct jit_call *calls;
    u32 call_count;
};

// What to compile.
struct jit_source {
    const struct jit_target *target;
    const struct jit_options *options;
    const struct wasm_module *module;
    u32 function; // that the module defines
    // The version of it that takes over from the interpreter at the head of a loop (docs/jit.md,
    // "Tiers"): called like a function whose one parameter, an i64, is the address of the
    // interpreter's frame, slot 0, and whose results are the function's own. It reads the frame
    // before it calls anything.
    bool is_loop;
    u32 origin;            // then: of the first instruction that the interpreter has for the loop
    bool is_coarse;        // registers are not searched for: code is worse, and takes less memory
    struct jit_pace *pace; // of all passes; NULL: nobody waits
};

// Compiles it.
//   scratch  working space; the caller drops it
//   out      in `arena`
// ERR_LIMIT        core/jit/limits.h; the function stays with the interpreter
// ERR_UNSUPPORTED  an instruction that this target has no code for
// ERR_NO_MEMORY    an arena has no more
// ERR_NOT_FOUND    no loop begins at the origin
enum err jit_compile_source(const struct jit_source *source, struct arena *scratch,
                            struct arena *arena, struct jit_function *out);

// The same for a function as a whole, without a pause.
enum err jit_compile(const struct jit_target *target, const struct jit_options *options,
                     const struct wasm_module *module, u32 function, struct arena *scratch,
                     struct arena *arena, struct jit_function *out);
