// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/module.h: the compiled side of a module, shared by all its instances.
//
// Functions are compiled in any order and at any time, and placed a batch at a time. A batch lies
// in pages of its own. A call within it, or of what was placed before, is direct; any other goes
// through a few bytes at the batch's end that jump to the address in the module's table: that is
// code that leaves with the arguments, until the function is compiled. Functions that can become
// values always have such a way, from the first batch on: wasm_code.compiled.
//
// Use     jit_module_create; jit_module_attach for instances that may use it; compile.h, or
//         jit_module_place for functions that were compiled elsewhere; at the end
//         jit_module_destroy. All by one worker at a time, beside workers that run the code.
// Owner   the caller owns the struct; instances and the wasm_module must not run any more when it
//         is destroyed. What is placed stays until then.
// Limits  core/jit/limits.h.
#pragma once
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
struct arena;
struct ins;
struct jit_loop;
struct jit_run;
struct jit_space;
struct wasm_instance;
struct wasm_module;
struct wasm_stand_in;

enum jit_code_kind {
    JIT_CODE_FUNCTION, // `function` is which
    JIT_CODE_ENTER,    // has no caller in compiled code
    JIT_CODE_LEAVE,
    JIT_CODE_LINK, // no frame of its own yet
};

// One piece of code of a batch.
struct jit_code {
    u32 start; // offset from the batch's base
    u32 end;
    u32 function;
    u32 frame_bytes;
    u32 prologue_bytes;
    u32 again_start; // as in struct jit_function: both 0 but of some LEAVE
    u32 again_end;
    u32 site_count;
    const struct jit_site *sites;
    u8 kind; // enum jit_code_kind
};

struct jit_batch {
    struct jit_batch *next; // older
    struct jit_module *module;
    u8 *base;
    u32 bytes;
    u32 code_count;
    struct jit_code *codes; // in order
};

// What leaves for a helper: one for those that always do. The others stand as in enum ir_helper.
enum jit_away {
    JIT_AWAY_ANY,
    JIT_AWAY_FILL,
    JIT_AWAY_COPY,
    JIT_AWAY_INIT,
    JIT_AWAY_FILL_OF,
    JIT_AWAY_COPY_OF,
    JIT_AWAY_INIT_OF,
    JIT_AWAY_COUNT
};

struct jit_module {
    struct jit_space *space;
    const struct wasm_module *module;
    struct jit_options options; // of all its code
    struct arena arena;         // tables of sites and the like
    struct jit_run *runs;
    // Addresses that code goes to, by callee: functions of the module, then helpers. In the space.
    const u8 **slots;       // atomic
    const u8 **enters;      // by canonical type; NULL: not made yet
    const u8 **loop_enters; // of the version that begins at a loop, by the function's type
    const u8 **leaves[JIT_WAY_COUNT];
    const u8 *leave_helpers[JIT_AWAY_COUNT];
    struct wasm_stand_in *stand_ins; // by defined function
    bool *has;                       // atomic; by function: it is compiled
    // Loops at which compiled code takes over from the interpreter.
    struct jit_loop *loops; // JIT_LOOPS of them
    u32 loop_count;         // atomic: written ones
    u32 compiled_count;
    u64 code_bytes;      // of machine code, of all batches,
    u64 code_bytes_most; // and how much there may be; JIT_SPACE_BYTES unless the owner says less
    bool is_started;     // functions that can become values have somewhere to go
};

//   bounds       the kind of code; a module may have one struct jit_module of each kind
//   limit_bytes  of memory for tables, beside the code itself
enum err jit_module_create(struct jit_space *space, const struct wasm_module *module,
                           enum jit_bounds bounds, size_t limit_bytes, struct jit_module *out);
void jit_module_destroy(struct jit_module *module);

// Lets an instance's calls go to compiled code from now on. Its memory must be what the options
// promise to the code, and the threads that run it must be of the same kind.
void jit_module_attach(struct jit_module *module, struct wasm_instance *instance);

struct jit_placed {
    u32 function; // index in the module; defined and not compiled before
    // NULL; or where the interpreter's loop begins: the code is of jit_compile_loop, and the
    // function itself is not.
    const struct ins *loop;
    struct jit_function code;
};

// Places functions, and makes calls go there.
//   scratch  working space; the caller drops it
// ERR_NO_MEMORY, ERR_LIMIT  nothing has changed but that memory may be used
enum err jit_module_place(struct jit_module *module, const struct jit_placed *functions, u32 count,
                          struct arena *scratch);

bool jit_module_has(const struct jit_module *module, u32 function);
// Of a function that is there: its code, and the code that enters a function of its type.
const u8 *jit_module_code(const struct jit_module *module, u32 function);
const u8 *jit_module_enter(const struct jit_module *module, u32 function);

// A loop's code, and the code that enters it; NULL: there is none.
struct jit_loop {
    const struct ins *head;
    const u8 *code;
    u32 function;
};
const struct jit_loop *jit_module_loop(const struct jit_module *module, const struct ins *head);
const u8 *jit_module_enter_loop(const struct jit_module *module, u32 function);
const struct wasm_stand_in *jit_module_stand_in(struct jit_module *module, u32 function);

// What lies at an address, or NULL; `offset` receives the distance from its beginning. In a handler
// too.
const struct jit_code *jit_code_at(const struct jit_space *space, u64 address,
                                   struct jit_module **module, u32 *offset);

// The site of an instruction that may trap, or (is_return) of the call that returns there. NULL:
// there is none.
const struct jit_site *jit_code_site(const struct jit_code *code, u32 offset, bool is_return);
