// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/module.h: a module as its bytes say it, after decoding. Immutable once translated; any
// number of instances and processes share one.
//
// Use     wasm_module_decode (decode.h), wasm_module_validate (validate.h), wasm_module_translate
//         (translate.h), then wasm_instance_create (instance.h), each once and in this order.
// Owner   the module's arena holds everything here; spans point into the file's bytes, which the
//         caller keeps alive as long as the module.
// Limits  core/wasm/limits.h.
// Source  WebAssembly Core 2.0, section 2.5 (structure) and chapter 5 (binary format).
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct wasm_code; // a translated body, private to translate.c and the interpreter
struct wasm_names_place;

// Value types, as the binary format numbers them.
enum wasm_type {
    WASM_I32 = 0x7f,
    WASM_I64 = 0x7e,
    WASM_F32 = 0x7d,
    WASM_F64 = 0x7c,
    WASM_V128 = 0x7b,
    WASM_FUNCREF = 0x70,
    WASM_EXTERNREF = 0x6f,
    WASM_EXNREF = 0x69, // only with WASM_EXCEPTIONS
};

static inline bool wasm_is_reference(u8 type)
{
    return type == WASM_FUNCREF || type == WASM_EXTERNREF || type == WASM_EXNREF;
}

// What an import or an export is, as the binary format numbers it.
enum wasm_kind { WASM_FUNCTION, WASM_TABLE, WASM_MEMORY, WASM_GLOBAL, WASM_TAG };

struct wasm_func_type {
    const u8 *types; // enum wasm_type: the parameters, then the results
    u32 param_count;
    u32 result_count;
    u32 canonical; // index of the first equal type of this module: equal types, equal number
    // Of a type that was decoded: slots of 8 bytes, of which a v128 takes two.
    u16 param_slots;
    u16 result_slots;
    const u16 *param_at; // the first slot of each parameter; NULL: its index
};

// The slots of 8 bytes that so many values take.
static inline u32 wasm_slots_of(const u8 *types, u32 count)
{
    u32 slots = count;
    for (u32 i = 0; i < count; i++) {
        slots += types[i] == WASM_V128;
    }
    return slots;
}

struct wasm_limits {
    u32 min;
    u32 max; // UINT32_MAX when there is none
    bool has_max;
    bool is_shared; // of memories alone
};

struct wasm_table_type {
    struct wasm_limits limits; // elements
    u8 element;                // enum wasm_type of a reference
};

struct wasm_memory_type {
    struct wasm_limits limits; // pages of WASM_PAGE_BYTES
};

struct wasm_global_type {
    u8 type; // enum wasm_type
    bool is_mutable;
};

// What a constant expression says. Core 2.0 allows exactly one instruction before the end. The last
// two are well formed and not valid: no module has them that was validated.
enum wasm_const_kind {
    WASM_CONST_VALUE,
    WASM_CONST_GLOBAL,
    WASM_CONST_NULL,
    WASM_CONST_FUNCTION,
    WASM_CONST_SUM,         // several instructions (WASM_EXTENDED_CONST), see constant.h
    WASM_CONST_NOT_ONE,     // only constant instructions, but none, or more than are allowed
    WASM_CONST_NOT_CONSTANT // another instruction
};

struct wasm_const {
    u8 kind;     // enum wasm_const_kind
    u8 type;     // enum wasm_type of the result; for WASM_CONST_GLOBAL set by the validator
    u32 index;   // of the global or of the function
    u64 bits[2]; // WASM_CONST_VALUE: the value, floats by their bits, v128 in both;
                 // WASM_CONST_SUM: how many bytes it has, its end included
    u64 offset;  // in the file
};

struct wasm_import {
    struct span module;
    struct span name;
    u8 kind; // enum wasm_kind
    union {
        u32 function_type; // index into types
        struct wasm_table_type table;
        struct wasm_memory_type memory;
        struct wasm_global_type global;
        u32 tag_type; // index into types
    };
};

struct wasm_export {
    struct span name;
    u8 kind;   // enum wasm_kind
    u32 index; // in the index space of that kind
};

// Neighbouring locals of one type.
struct wasm_local_run {
    u32 first; // of the declared locals, which follow the parameters
    u32 count;
    u8 type; // enum wasm_type
};

// A function that the module defines.
struct wasm_body {
    struct span code;                    // instructions, the final `end` included
    u64 offset;                          // of `code` in the file
    const struct wasm_local_run *locals; // declared locals, parameters not included
    u32 local_run_count;
    u32 local_count;              // sum of the runs
    struct wasm_code *translated; // NULL before wasm_module_translate
};

// A clause of a try_table.
enum { WASM_CATCH_ALL = UINT32_MAX };
struct wasm_catch {
    u32 tag;            // index, or WASM_CATCH_ALL
    u32 target;         // instruction of the interpreter's code that its label is,
    u16 slot;           // and where in the frame that takes its values
    bool has_reference; // the last of them is the exnref
};

// A try_table that can be reached, as wasm_module_translate finds it.
struct wasm_try {
    const struct wasm_code *code;
    u32 start; // offsets in the body: of the try_table, and of its `end`
    u32 end;
    u32 outer;       // the one around it in the same body: number plus 1; 0: none
    u32 catch_first; // in the module's catches
    u32 catch_count;
};

enum wasm_segment_mode { WASM_SEGMENT_ACTIVE, WASM_SEGMENT_PASSIVE, WASM_SEGMENT_DECLARATIVE };

// What a constant expression says that gives a reference: struct wasm_const without what an item of
// ten million does not need.
struct wasm_elem_item {
    u32 index; // of the global or of the function
    u8 kind;   // enum wasm_const_kind
    u8 type;   // enum wasm_type of the result; for WASM_CONST_GLOBAL unknown
};

struct wasm_elem {
    u8 mode; // enum wasm_segment_mode
    u8 type; // enum wasm_type of a reference
    u32 table;
    struct wasm_const offset; // active only
    u32 count;
    u64 items_offset; // in the file
    struct wasm_elem_item *items;
};

struct wasm_data {
    u8 mode; // active or passive
    u32 memory;
    struct wasm_const offset; // active only
    struct span bytes;
};

struct wasm_custom {
    struct span name;
    struct span bytes;
    u64 offset; // of `bytes` in the file
};

struct wasm_module {
    struct arena *arena;
    struct span bytes; // the whole file
    u32 features;      // enum wasm_feature: what it may use

    // Index spaces: imports first, then what the module defines.
    u32 type_count;
    struct wasm_func_type *types;
    u32 import_count;
    struct wasm_import *imports;
    u32 function_count; // imported and defined
    u32 function_import_count;
    u32 *function_types;       // type index of each function
    struct wasm_body *bodies;  // function_count - function_import_count of them
    size_t body_bytes_longest; // of their code
    u32 table_count;
    u32 table_import_count;
    struct wasm_table_type *tables; // imported and defined
    u32 memory_count;
    u32 memory_import_count;
    struct wasm_memory_type *memories; // imported and defined
    u32 global_count;
    u32 global_import_count;
    struct wasm_global_type *globals; // imported and defined
    struct wasm_const *global_inits;  // global_count - global_import_count of them
    u32 tag_count;
    u32 tag_import_count;
    u32 *tag_types;     // type index of each tag
    bool holds_exnrefs; // it defines globals or tables of that type
    u32 export_count;
    struct wasm_export *exports;
    bool has_start;
    u32 start;
    u32 elem_count;
    struct wasm_elem *elems;
    bool has_data_count;
    u32 data_count_declared;
    u32 data_count;
    struct wasm_data *datas;
    u32 custom_count;
    struct wasm_custom *customs;

    // Of the name section, decoded on demand by wasm_module_function_name.
    struct span names; // contents of the custom section "name", empty when absent or damaged

    // Of wasm_module_translate: the functions defined here that can become values (exported, in a
    // segment, in a global, the start function), which alone have a struct wasm_func in each
    // instance.
    u32 reference_count;
    u32 *references; // of each defined function: its number among them, or UINT32_MAX
    const struct wasm_code **referenced; // by that number

    // Chosen before wasm_module_translate: each instruction can be stopped at (load.h).
    bool has_probes;
    // How many there are in bodies, as wasm_module_validate counts them; then those of reachable
    // code.
    u32 try_count;
    u32 catch_count;
    struct wasm_try *tries; // in the order of the file
    struct wasm_catch *catches;

    bool is_valid;       // set by wasm_module_validate
    bool is_translated;  // set by wasm_module_translate
    bool has_tail_calls; // set by wasm_module_translate
};

// The name of a function: from the name section, else its export's, else an empty span.
struct span wasm_module_function_name(const struct wasm_module *module, u32 function);
// The same of many, in rising order at best: see wasm_names_function_from (names.h).
struct span wasm_module_function_name_from(const struct wasm_module *module,
                                           struct wasm_names_place *place, u32 function);

// The first custom section of that name, or NULL.
const struct wasm_custom *wasm_module_custom(const struct wasm_module *module, struct span name);

// The export of that name, or NULL.
const struct wasm_export *wasm_module_export(const struct wasm_module *module, struct span name);
