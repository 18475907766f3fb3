// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/load.h: bytes to a module that can run, in portions: decode, validate and translate as
// one piece of work that stops and goes on.
//
// Use     wasm_load_begin, then wasm_load_step until it returns something other than ERR_PAUSED.
//         Dropping both arenas ends it at any time.
// Owner   the caller owns the struct, the arenas and the bytes. `arena` becomes the module's;
//         `scratch` holds the progress of the passes and is dropped at the end.
// Time    work is counted in units of about 2 ns, as fuel is (thread.h). A step spends what it is
//         given and little more: what cannot be interrupted (one instruction, one type, one name)
//         is bounded by core/wasm/limits.h, to 2 ms at the very worst and 10 us as a rule.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct report;
struct wasm_decoder;
struct wasm_module;
struct wasm_translation;
struct wasm_validation;

// What parts of the work cost, in units.
enum {
    WASM_WORK_ITEM = 16,           // an item of a section, beside one for each byte
    WASM_WORK_CONST_BYTE = 6,      // a byte of a constant expression of several instructions
    WASM_WORK_SORT = 500,          // so many moves of a sort:
    WASM_WORK_SORT_MOVES = 50,     //
    WASM_WORK_VALIDATE_BYTE = 2,   // a byte of a body: 250 MB/s
    WASM_WORK_TRANSLATE_BYTE = 12, // the same: 40 MB/s
    WASM_WORK_BODY = 32,           // beginning a body
};

enum wasm_load_stage { WASM_LOAD_DECODE, WASM_LOAD_VALIDATE, WASM_LOAD_TRANSLATE, WASM_LOAD_DONE };

struct wasm_load {
    struct span bytes;
    u32 features; // enum wasm_feature: what the module may use beyond Core 2.0
    // Set behind wasm_load_begin, for debuggers: before each instruction of the file stands one
    // that looks whether its thread is to stop there (thread.h), and all operands are in their
    // slots. Such code is several times as large and slow; other code knows nothing of it.
    bool has_probes;
    struct arena *arena;
    struct arena *scratch;
    struct wasm_module *module; // translated at the end
    u32 stage;                  // enum wasm_load_stage
    union {
        struct wasm_decoder *decoder;
        struct wasm_validation *validation;
        struct wasm_translation *translation;
    }; // the pass under way; NULL: not begun
};

void wasm_load_begin(struct wasm_load *load, struct span bytes, u32 features, struct arena *arena,
                     struct arena *scratch);

// Goes on for about *work units, and takes from *work what it used. `report` is the same at each
// call.
// ERR_OK      the module is translated
// ERR_PAUSED  call again
// others      as decode.h, validate.h and translate.h say; the end
enum err wasm_load_step(struct wasm_load *load, i64 *work, struct report *report);
