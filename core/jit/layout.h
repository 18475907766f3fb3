// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/layout.h: where compiled code finds what it needs, from the running instance on. A
// target's selection uses these numbers and nothing else of the structures of core/wasm.
//
// All are offsets in bytes from the instance, or from what another one points to:
//
//   memory 0     base and size of the instance's own, or through the pointer if it is imported
//   others       own ones lie in the instance; of imported ones the address is in an array
//   globals      own ones lie in the instance; of imported ones the address is in an array
//   tables       the same
//   functions    struct wasm_func of those that can become values; imported ones: an array of
//                addresses
#pragma once
#include "core/base/compiler.h"
#include "core/jit/jit.h"
#include "core/wasm/code.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"

enum {
    // ---- of an instance
    JIT_INSTANCE_MODULE = offsetof(struct wasm_instance, module),         // struct wasm_module *
    JIT_INSTANCE_DROPPED = offsetof(struct wasm_instance, dropped),       // bits
    JIT_INSTANCE_MEMORY = offsetof(struct wasm_instance, memory),         // struct wasm_memory *
    JIT_INSTANCE_MEMORIES = offsetof(struct wasm_instance, memories),     // struct wasm_memory **
    JIT_INSTANCE_GLOBALS = offsetof(struct wasm_instance, globals),       // struct wasm_global **
    JIT_INSTANCE_TABLES = offsetof(struct wasm_instance, tables),         // struct wasm_table **
    JIT_INSTANCE_IMPORTS = offsetof(struct wasm_instance, imports),       // struct wasm_func **
    JIT_INSTANCE_FUNCTIONS = offsetof(struct wasm_instance, functions),   // struct wasm_func []
    JIT_INSTANCE_RUNNER = offsetof(struct wasm_instance, runner),         // struct jit_thread *
    JIT_INSTANCE_RESUME = offsetof(struct wasm_instance, resume),         // an address
    JIT_INSTANCE_STACK_END = offsetof(struct wasm_instance, stack_end),   // an address
    JIT_INSTANCE_OWN_MEMORY = offsetof(struct wasm_instance, own_memory), // struct wasm_memory

    // ---- of what it points to
    JIT_MODULE_ELEM_COUNT = offsetof(struct wasm_module, elem_count), // u32: bits before those of
                                                                      // data segments
    JIT_MODULE_DATAS = offsetof(struct wasm_module, datas),           // struct wasm_data []
    JIT_DATA_STRIDE = sizeof(struct wasm_data),
    JIT_DATA_BYTES = offsetof(struct wasm_data, bytes.data),    // const u8 *
    JIT_DATA_SIZE = offsetof(struct wasm_data, bytes.size),     // u64
    JIT_MEMORY_BASE = offsetof(struct wasm_memory, base),       // u8 *
    JIT_MEMORY_SIZE = offsetof(struct wasm_memory, size_bytes), // u64, of bytes
    JIT_TABLE_ELEMENTS = offsetof(struct wasm_table, elements), // wasm_slot []
    JIT_TABLE_COUNT = offsetof(struct wasm_table, count),       // u32
    JIT_GLOBAL_VALUE = offsetof(struct wasm_global, value),     // u64, of a vector two
    JIT_FUNC_INSTANCE = offsetof(struct wasm_func, instance),   // struct wasm_instance *
    JIT_FUNC_CANONICAL = offsetof(struct wasm_func, canonical), // u32
    JIT_FUNC_CODE = offsetof(struct wasm_func, code),           // struct wasm_code *
    JIT_CODE_COMPILED = offsetof(struct wasm_code, compiled),   // an address for each jit_bounds
};

// Every displacement fits 31 bits.
STATIC_ASSERT(sizeof(struct wasm_instance) + WASM_GLOBALS * sizeof(struct wasm_global) +
                  WASM_TABLES * sizeof(struct wasm_table) +
                  WASM_MEMORIES * sizeof(struct wasm_memory) <
              1 << 30);
STATIC_ASSERT(WASM_FUNCTIONS * sizeof(struct wasm_func) < 1 << 30);
STATIC_ASSERT((u32)CODE_KINDS == (u32)JIT_BOUNDS_COUNT);

// Whether it lies in the instance (jit_own_...), or its address in the array, by index.
static inline bool jit_global_is_own(const struct wasm_module *module, u32 global)
{
    return global >= module->global_import_count;
}

// Offset of the value of a global that the module defines.
static inline u32 jit_own_global(const struct wasm_module *module, u32 global)
{
    return (u32)(sizeof(struct wasm_instance) +
                 (global - module->global_import_count) * sizeof(struct wasm_global)) +
           JIT_GLOBAL_VALUE;
}

static inline bool jit_table_is_own(const struct wasm_module *module, u32 table)
{
    return table >= module->table_import_count;
}

// Offset of the struct wasm_table of a table that the module defines.
static inline u32 jit_own_table(const struct wasm_module *module, u32 table)
{
    return (u32)(instance_tables_offset(module) +
                 (table - module->table_import_count) * sizeof(struct wasm_table));
}

static inline bool jit_memory_is_own(const struct wasm_module *module, u32 memory)
{
    return memory >= module->memory_import_count;
}

// Offset of the struct wasm_memory of a memory that the module defines.
static inline u32 jit_own_memory(const struct wasm_module *module, u32 memory)
{
    u32 number = memory - module->memory_import_count;
    return number == 0 ? JIT_INSTANCE_OWN_MEMORY
                       : (u32)(instance_memories_offset(module) +
                               (number - 1) * sizeof(struct wasm_memory));
}

// ref.func of a function that the module defines: its struct wasm_func, as an offset in
// JIT_INSTANCE_FUNCTIONS. That of an imported one is in JIT_INSTANCE_IMPORTS.
static inline u32 jit_func_reference(const struct wasm_module *module, u32 function)
{
    u32 number = module->references[function - module->function_import_count];
    return number * (u32)sizeof(struct wasm_func);
}
