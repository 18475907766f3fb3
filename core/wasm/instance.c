// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/instance.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/wasm/code.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"

bool wasm_type_equal(const struct wasm_func_type *a, const struct wasm_func_type *b)
{
    return a == b || (a->param_count == b->param_count && a->result_count == b->result_count &&
                      mem_equal(a->types, b->types, a->param_count + a->result_count));
}

// ---- memories and tables

static enum err memory_init(struct wasm_memory *memory, const struct wasm_limits *limits,
                            struct wasm_store *store)
{
    u32 max = limits->has_max && limits->max < WASM_MEMORY_PAGES ? limits->max : WASM_MEMORY_PAGES;
    ASSERT(limits->min <= max);
    u8 *base = NULL;
    TRY(store->memory_create(store, limits->min, &max, &base));
    ASSERT(max >= limits->min);
    *memory = (struct wasm_memory){
        .base = base,
        .size_bytes = (u64)limits->min * WASM_PAGE_BYTES,
        .pages_max = max,
        .limits = *limits,
        .store = store,
    };
    return ERR_OK;
}

bool wasm_memory_grow(struct wasm_memory *memory, u32 pages)
{
    u32 before = (u32)(memory->size_bytes / WASM_PAGE_BYTES);
    if (pages > memory->pages_max - before) {
        return false;
    }
    if (pages == 0) {
        return true;
    }
    struct wasm_store *store = memory->store;
    if (store->memory_grow(store, memory->base, before, before + pages) != ERR_OK) {
        return false;
    }
    memory->size_bytes = (u64)(before + pages) * WASM_PAGE_BYTES;
    memory->limits.min = before + pages; // what an import is checked against
    return true;
}

bool wasm_table_grow(struct wasm_table *table, u32 count, wasm_slot value)
{
    if (count > table->max - table->count) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    struct memory *memory = table->store->memory;
    wasm_slot *elements = memory_take(memory, ((size_t)table->count + count) * sizeof *elements);
    if (elements == NULL) {
        return false;
    }
    mem_copy(elements, table->elements, table->count * sizeof *elements);
    for (u32 i = 0; i < count; i++) {
        elements[table->count + i] = value;
    }
    if (table->elements != NULL) {
        memory_give(memory, table->elements, table->count * sizeof *elements);
    }
    table->elements = elements;
    table->count += count;
    table->limits.min = table->count;
    return true;
}

static enum err table_init(struct wasm_table *table, const struct wasm_table_type *type,
                           struct wasm_store *store)
{
    *table = (struct wasm_table){
        .max = type->limits.has_max && type->limits.max < WASM_TABLE_ELEMENTS ? type->limits.max
                                                                              : WASM_TABLE_ELEMENTS,
        .limits = type->limits,
        .element = type->element,
        .store = store,
    };
    table->limits.min = 0;
    if (type->limits.min > table->max) {
        return ERR_LIMIT;
    }
    return wasm_table_grow(table, type->limits.min, 0) ? ERR_OK : ERR_NO_MEMORY;
}

// ---- imports

static bool limits_fit(const struct wasm_limits *have, const struct wasm_limits *want)
{
    return have->min >= want->min && (!want->has_max || (have->has_max && have->max <= want->max));
}

static bool import_fits(const struct wasm_module *module, const struct wasm_import *want,
                        const struct wasm_extern *have)
{
    if (have->kind != want->kind) {
        return false;
    }
    switch (want->kind) {
    case WASM_FUNCTION:
        return wasm_type_equal(have->function->type, &module->types[want->function_type]);
    case WASM_TABLE:
        return have->table->element == want->table.element &&
               limits_fit(&have->table->limits, &want->table.limits);
    case WASM_MEMORY:
        return limits_fit(&have->memory->limits, &want->memory.limits);
    case WASM_GLOBAL:
        return have->global->type.type == want->global.type &&
               have->global->type.is_mutable == want->global.is_mutable;
    default:
        return false;
    }
}

static enum err imports_take(struct wasm_instance *instance, const struct wasm_extern *imports,
                             struct report *report)
{
    const struct wasm_module *module = instance->module;
    u32 functions = 0;
    u32 tables = 0;
    u32 globals = 0;
    for (u32 i = 0; i < module->import_count; i++) {
        const struct wasm_import *want = &module->imports[i];
        if (!import_fits(module, want, &imports[i])) {
            return report_err_detail(report, ERR_MISMATCH, i, "incompatible import type",
                                     want->name);
        }
        switch (want->kind) {
        case WASM_FUNCTION:
            instance->imports[functions++] = imports[i].function;
            break;
        case WASM_TABLE:
            instance->tables[tables++] = imports[i].table;
            break;
        case WASM_MEMORY:
            instance->memory = imports[i].memory;
            break;
        case WASM_GLOBAL:
            instance->globals[globals++] = imports[i].global;
            break;
        }
    }
    return ERR_OK;
}

// ---- creation

wasm_slot wasm_instance_const(struct wasm_instance *instance, const struct wasm_const *value)
{
    switch (value->kind) {
    case WASM_CONST_VALUE:
        return value->type == WASM_I32 ? (u32)value->bits[0] : value->bits[0];
    case WASM_CONST_GLOBAL:
        return instance->globals[value->index]->value[0];
    case WASM_CONST_FUNCTION:
        return (wasm_slot)(uintptr_t)wasm_instance_func(instance, value->index);
    case WASM_CONST_NULL:
        return 0;
    }
    UNREACHABLE();
}

wasm_slot wasm_instance_item(struct wasm_instance *instance, const struct wasm_elem_item *item)
{
    switch (item->kind) {
    case WASM_CONST_GLOBAL:
        return instance->globals[item->index]->value[0];
    case WASM_CONST_FUNCTION:
        return (wasm_slot)(uintptr_t)wasm_instance_func(instance, item->index);
    case WASM_CONST_NULL:
        return 0;
    }
    UNREACHABLE();
}

// The instance with what compiled code reaches at constant offsets, see struct wasm_instance.
static struct wasm_instance *instance_piece(const struct wasm_module *module, struct arena *arena)
{
    size_t own_tables = module->table_count - module->table_import_count;
    size_t bytes = instance_tables_offset(module) + own_tables * sizeof(struct wasm_table);
    return arena_alloc(arena, 1, bytes, _Alignof(struct wasm_instance));
}

// Everything of fixed size, in one piece of the arena so that many small instances fit.
static struct wasm_instance *instance_alloc(const struct wasm_module *module, struct arena *arena)
{
    u32 own_globals = module->global_count - module->global_import_count;
    u32 own_tables = module->table_count - module->table_import_count;
    u32 drop_words = (module->elem_count + module->data_count + 31) / 32;
    struct wasm_instance *instance = instance_piece(module, arena);
    struct wasm_global **globals = ARENA_ARRAY(arena, struct wasm_global *, module->global_count);
    struct wasm_table **tables = ARENA_ARRAY(arena, struct wasm_table *, module->table_count);
    struct wasm_func **imports =
        ARENA_ARRAY(arena, struct wasm_func *, module->function_import_count);
    struct wasm_func *functions = ARENA_ARRAY(arena, struct wasm_func, module->reference_count);
    u32 *dropped = ARENA_ARRAY(arena, u32, drop_words);
    if (instance == NULL || globals == NULL || tables == NULL || imports == NULL ||
        functions == NULL || dropped == NULL) {
        return NULL;
    }
    *instance = (struct wasm_instance){
        .module = module,
        .globals = globals,
        .tables = tables,
        .imports = imports,
        .functions = functions,
        .dropped = dropped,
    };
    for (u32 i = 0; i < own_globals; i++) {
        globals[module->global_import_count + i] = &instance->own_globals[i];
    }
    for (u32 i = 0; i < own_tables; i++) {
        tables[module->table_import_count + i] = &instance_own_tables(instance)[i];
    }
    return instance;
}

static void functions_init(struct wasm_instance *instance)
{
    const struct wasm_module *module = instance->module;
    for (u32 i = 0; i < module->reference_count; i++) {
        const struct wasm_code *code = module->referenced[i];
        const struct wasm_func_type *type = &module->types[module->function_types[code->function]];
        instance->functions[i] = (struct wasm_func){
            .type = &module->types[type->canonical],
            .instance = instance,
            .index = code->function,
            .canonical = type->canonical,
            .code = code,
        };
    }
}

static enum err own_init(struct wasm_instance *instance, struct wasm_store *store)
{
    const struct wasm_module *module = instance->module;
    functions_init(instance);
    for (u32 i = module->global_import_count; i < module->global_count; i++) {
        const struct wasm_const *init = &module->global_inits[i - module->global_import_count];
        struct wasm_global *global = instance->globals[i];
        global->type = module->globals[i];
        global->value[0] = wasm_instance_const(instance, init);
        global->value[1] = init->kind == WASM_CONST_VALUE ? init->bits[1]
                           : init->kind == WASM_CONST_GLOBAL
                               ? instance->globals[init->index]->value[1]
                               : 0;
    }
    for (u32 i = module->table_import_count; i < module->table_count; i++) {
        TRY(table_init(instance->tables[i], &module->tables[i], store));
    }
    if (module->memory_count > module->memory_import_count) {
        TRY(memory_init(&instance->own_memory, &module->memories[0].limits, store));
        instance->memory = &instance->own_memory;
    }
    return ERR_OK;
}

static enum trap elem_apply(struct wasm_instance *instance, u32 index)
{
    const struct wasm_elem *elem = &instance->module->elems[index];
    if (elem->mode == WASM_SEGMENT_PASSIVE) {
        return TRAP_NONE;
    }
    if (elem->mode == WASM_SEGMENT_ACTIVE) {
        const struct wasm_table *table = instance->tables[elem->table];
        u32 offset = (u32)wasm_instance_const(instance, &elem->offset);
        if (!range_inside(offset, elem->count, table->count)) {
            return TRAP_TABLE_OUT_OF_BOUNDS;
        }
        for (u32 i = 0; i < elem->count; i++) {
            table->elements[offset + i] = wasm_instance_item(instance, &elem->items[i]);
        }
    }
    instance_drop(instance, index);
    return TRAP_NONE;
}

static enum trap data_apply(struct wasm_instance *instance, u32 index)
{
    const struct wasm_data *data = &instance->module->datas[index];
    if (data->mode != WASM_SEGMENT_ACTIVE) {
        return TRAP_NONE;
    }
    u32 offset = (u32)wasm_instance_const(instance, &data->offset);
    if (!range_inside(offset, data->bytes.size, instance->memory->size_bytes)) {
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    }
    if (data->bytes.size != 0) {
        mem_copy(instance->memory->base + offset, data->bytes.data, data->bytes.size);
    }
    instance_drop(instance, instance->module->elem_count + index);
    return TRAP_NONE;
}

static enum err segments_apply(struct wasm_instance *instance, enum trap *trap,
                               struct report *report)
{
    const struct wasm_module *module = instance->module;
    for (u32 i = 0; i < module->elem_count && *trap == TRAP_NONE; i++) {
        *trap = elem_apply(instance, i);
    }
    for (u32 i = 0; i < module->data_count && *trap == TRAP_NONE; i++) {
        *trap = data_apply(instance, i);
    }
    return *trap == TRAP_NONE ? ERR_OK : report_err(report, ERR_INVALID, 0, trap_name(*trap));
}

enum err wasm_instance_create(const struct wasm_module *module, const struct wasm_extern *imports,
                              struct wasm_store *store, struct arena *arena,
                              struct wasm_instance **out, enum trap *trap, struct report *report)
{
    ASSERT(module->is_translated);
    *trap = TRAP_NONE;
    struct wasm_instance *instance = instance_alloc(module, arena);
    if (instance == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for an instance");
    }
    instance->store = store;
    TRY(imports_take(instance, imports, report));
    enum err err = own_init(instance, store);
    if (err != ERR_OK) {
        wasm_instance_destroy(instance);
        return report_err(report, err, 0,
                          err == ERR_LIMIT ? "a table has too many elements"
                                           : "no memory for a memory or a table");
    }
    // From here on the instance exists, also when a segment does not fit: earlier segments may have
    // put references to it into other instances' tables.
    *out = instance;
    return segments_apply(instance, trap, report);
}

void wasm_instance_destroy(struct wasm_instance *instance)
{
    const struct wasm_module *module = instance->module;
    struct wasm_memory *memory = &instance->own_memory;
    if (memory->store != NULL) {
        memory->store->memory_destroy(memory->store, memory->base,
                                      (u32)(memory->size_bytes / WASM_PAGE_BYTES),
                                      memory->pages_max);
        *memory = (struct wasm_memory){0};
    }
    for (u32 i = 0; i < module->table_count - module->table_import_count; i++) {
        struct wasm_table *table = &instance_own_tables(instance)[i];
        if (table->elements != NULL) {
            memory_give(table->store->memory, table->elements,
                        table->count * sizeof *table->elements);
        }
        *table = (struct wasm_table){0};
    }
}

// ---- looking in

const struct wasm_module *wasm_instance_module(const struct wasm_instance *instance)
{
    return instance->module;
}

struct wasm_func *wasm_instance_func(struct wasm_instance *instance, u32 index)
{
    const struct wasm_module *module = instance->module;
    if (index < module->function_import_count) {
        return instance->imports[index];
    }
    u32 number = module->references[index - module->function_import_count];
    return number == UINT32_MAX ? NULL : &instance->functions[number];
}

struct wasm_memory *wasm_instance_memory(struct wasm_instance *instance, u32 index)
{
    ASSERT(index < instance->module->memory_count);
    return instance->memory;
}

struct wasm_table *wasm_instance_table(struct wasm_instance *instance, u32 index)
{
    ASSERT(index < instance->module->table_count);
    return instance->tables[index];
}

struct wasm_global *wasm_instance_global(struct wasm_instance *instance, u32 index)
{
    ASSERT(index < instance->module->global_count);
    return instance->globals[index];
}

struct wasm_memory *wasm_instance_memory0(struct wasm_instance *instance)
{
    return instance->memory;
}

enum err wasm_instance_export(struct wasm_instance *instance, struct span name,
                              struct wasm_extern *out)
{
    const struct wasm_export *found = wasm_module_export(instance->module, name);
    if (found == NULL) {
        return ERR_NOT_FOUND;
    }
    struct wasm_extern result = {.kind = found->kind};
    switch (found->kind) {
    case WASM_FUNCTION:
        result.function = wasm_instance_func(instance, found->index);
        break;
    case WASM_TABLE:
        result.table = wasm_instance_table(instance, found->index);
        break;
    case WASM_MEMORY:
        result.memory = wasm_instance_memory(instance, found->index);
        break;
    case WASM_GLOBAL:
        result.global = wasm_instance_global(instance, found->index);
        break;
    }
    *out = result;
    return ERR_OK;
}
