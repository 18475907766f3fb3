// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/instance.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/wasm/code.h"
#include "core/wasm/constant.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/module.h"

enum {
    SLOTS_PER_FUEL = WASM_FUEL_BULK_BYTES / sizeof(wasm_slot),
    ITEM_UNITS = 16,         // of work, for an import, a function, a global, a segment
    ELEMENT_UNITS = 4,       // for an item of a segment
    DATA_PART = 64 << 10,    // bytes of a segment copied at once:
    DATA_BYTES_PER_UNIT = 8, // slow, as the pages are new
};

bool wasm_type_equal(const struct wasm_func_type *a, const struct wasm_func_type *b)
{
    return a == b || (a->param_count == b->param_count && a->result_count == b->result_count &&
                      mem_equal(a->types, b->types, a->param_count + a->result_count));
}

// ---- memories and tables

enum err wasm_memory_create(struct wasm_memory *memory, const struct wasm_limits *limits,
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

void wasm_memory_destroy(struct wasm_memory *memory)
{
    memory->store->memory_destroy(memory->store, memory->base,
                                  (u32)(memory->size_bytes / WASM_PAGE_BYTES), memory->pages_max);
    *memory = (struct wasm_memory){0};
}

static enum err grow(struct wasm_memory *memory, u32 pages, u32 *before)
{
    u32 now = (u32)(wasm_memory_bytes(memory) / WASM_PAGE_BYTES);
    *before = now;
    if (pages > memory->pages_max - now) {
        return ERR_LIMIT;
    }
    if (pages == 0) {
        return ERR_OK;
    }
    struct wasm_store *store = memory->store;
    TRY(store->memory_grow(store, memory->base, now, now + pages));
    // Behind what made them usable: who sees the size may go there.
    __atomic_store_n(&memory->size_bytes, (u64)(now + pages) * WASM_PAGE_BYTES, __ATOMIC_RELEASE);
    return ERR_OK;
}

enum err wasm_memory_grow(struct wasm_memory *memory, u32 pages, u32 *before)
{
    if (!memory->limits.is_shared) {
        return grow(memory, pages, before);
    }
    if (__atomic_exchange_n(&memory->is_growing, 1, __ATOMIC_ACQUIRE) != 0) {
        return ERR_PAUSED;
    }
    enum err err = grow(memory, pages, before);
    __atomic_store_n(&memory->is_growing, 0, __ATOMIC_RELEASE);
    return err;
}

// Gives back what a growth that nobody goes on with has made.
static void table_forget_growth(struct wasm_table *table)
{
    if (table->next != NULL && table->next != table->elements) {
        memory_give(table->store->memory, table->next, table->next_room * sizeof *table->next);
    }
    table->next = NULL;
}

// A block for table->next_count elements, and for more than that where the table has grown little
// by little: half as many again as it has. So growing by one n times moves about 2n elements and
// not n * n / 2. Where its owner cannot pay for as many, as many as there will be.
static enum err table_take_room(struct wasm_table *table)
{
    u32 wanted = table->count + table->count / 2; // no overflow: see WASM_TABLE_ELEMENTS
    wanted = wanted < table->max ? wanted : table->max;
    table->next_room = wanted > table->next_count ? wanted : table->next_count;
    size_t bytes = (size_t)table->next_room * sizeof *table->next;
    table->next = memory_take(table->store->memory, bytes);
    if (table->next == NULL && table->next_room > table->next_count) {
        table->next_room = table->next_count;
        bytes = (size_t)table->next_room * sizeof *table->next;
        table->next = memory_take(table->store->memory, bytes);
    }
    return table->next == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static enum err table_begin_growth(struct wasm_table *table, u32 count)
{
    table_forget_growth(table);
    if (count > table->max - table->count) {
        return ERR_LIMIT;
    }
    u32 *roots = &table->store->exception_roots;
    if (table->element == WASM_EXNREF && count > WASM_EXCEPTION_ROOTS - *roots) {
        return ERR_LIMIT;
    }
    table->next_count = table->count + count;
    if (table->next_count > table->room) {
        table->moved = 0;
        return table_take_room(table);
    }
    table->next = table->elements;
    table->next_room = table->room;
    table->moved = table->count;
    return ERR_OK;
}

// Puts what is in table->next in the place of the table.
static void table_end_growth(struct wasm_table *table)
{
    ASSERT(table->moved == table->next_count && table->next_count <= table->next_room);
    if (table->elements != NULL && table->elements != table->next) {
        memory_give(table->store->memory, table->elements, table->room * sizeof *table->elements);
    }
    if (table->element == WASM_EXNREF) {
        table->store->exception_roots += table->next_count - table->count;
    }
    table->elements = table->next;
    table->room = table->next_room;
    table->count = table->next_count;
    table->next = NULL;
}

enum err wasm_table_grow_step(struct wasm_table *table, bool is_new, u32 count, wasm_slot value,
                              i64 *fuel)
{
    if (is_new) {
        TRY(table_begin_growth(table, count));
    }
    u64 affordable = *fuel <= 0 ? 0 : (u64)*fuel * SLOTS_PER_FUEL;
    affordable = *fuel > UINT32_MAX ? UINT32_MAX : affordable;
    u32 left = table->next_count - table->moved;
    u32 end = table->moved + (affordable < left ? (u32)affordable : left);
    *fuel -= (end - table->moved + SLOTS_PER_FUEL - 1) / SLOTS_PER_FUEL;
    u32 old = table->moved < table->count ? table->count - table->moved : 0;
    old = old < end - table->moved ? old : end - table->moved;
    if (old > 0) {
        mem_copy(table->next + table->moved, table->elements + table->moved, old * sizeof value);
    }
    for (u32 i = table->moved + old; i < end; i++) {
        table->next[i] = value;
    }
    table->moved = end;
    if (end < table->next_count) {
        return ERR_PAUSED;
    }
    table_end_growth(table);
    return ERR_OK;
}

bool wasm_table_grow(struct wasm_table *table, u32 count, wasm_slot value)
{
    i64 fuel = INT64_MAX;
    return wasm_table_grow_step(table, true, count, value, &fuel) == ERR_OK;
}

// ---- imports

//   size  what it has now, at least have->min
static bool limits_fit(const struct wasm_limits *have, u32 size, const struct wasm_limits *want)
{
    return have->is_shared == want->is_shared && size >= want->min &&
           (!want->has_max || (have->has_max && have->max <= want->max));
}

static bool import_fits(const struct wasm_module *module, const struct wasm_import *want,
                        const struct wasm_extern *have)
{
    if (have->kind != want->kind) {
        return false;
    }
    struct wasm_limits limits;
    switch (want->kind) {
    case WASM_FUNCTION:
        return wasm_type_equal(have->function->type, &module->types[want->function_type]);
    case WASM_TABLE:
        limits =
            (struct wasm_limits){.max = have->table->type_max, .has_max = have->table->has_max};
        return have->table->element == want->table.element &&
               limits_fit(&limits, have->table->count, &want->table.limits);
    case WASM_MEMORY:
        return limits_fit(&have->memory->limits,
                          (u32)(wasm_memory_bytes(have->memory) / WASM_PAGE_BYTES),
                          &want->memory.limits);
    case WASM_GLOBAL:
        return have->global->type.type == want->global.type &&
               have->global->type.is_mutable == want->global.is_mutable;
    case WASM_TAG:
        return wasm_type_equal(have->tag->type, &module->types[want->tag_type]);
    default:
        return false;
    }
}

static enum err take_import(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    const struct wasm_import *want = &instance->module->imports[index];
    const struct wasm_extern *have = &m->imports[index];
    if (!import_fits(instance->module, want, have)) {
        return report_err_detail(m->report, ERR_MISMATCH, index, "incompatible import type",
                                 want->name);
    }
    switch (want->kind) {
    case WASM_FUNCTION:
        instance->imports[m->functions++] = have->function;
        break;
    case WASM_TABLE:
        instance->tables[m->tables++] = have->table;
        break;
    case WASM_MEMORY:
        instance->memories[m->memories++] = have->memory;
        instance->memory = instance->memories[0];
        break;
    case WASM_GLOBAL:
        instance->globals[m->globals++] = have->global;
        break;
    case WASM_TAG:
        instance->tags[m->tags++] = have->tag;
        break;
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
    case WASM_CONST_SUM:
        return wasm_const_sum(instance->module, value, instance->globals);
    }
    UNREACHABLE();
}

// Units of work that the value takes. Charged behind the item, so that one as long as a portion is
// not begun again for ever.
static i64 const_units(const struct wasm_const *value)
{
    return value->kind == WASM_CONST_SUM ? (i64)value->bits[0] * WASM_WORK_CONST_BYTE : 0;
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

// The instance with what compiled code reaches at constant offsets, see struct wasm_instance. What
// its tables and memories have must be known when it is destroyed half made; globals are written
// one by one.
static struct wasm_instance *instance_piece(const struct wasm_module *module, struct arena *arena)
{
    size_t own_memories = module->memory_count - module->memory_import_count;
    size_t more_memories = own_memories > 1 ? own_memories - 1 : 0;
    size_t offset = instance_tables_offset(module);
    size_t end = instance_memories_offset(module) + more_memories * sizeof(struct wasm_memory);
    u8 *piece = arena_room(arena, 1, end, _Alignof(struct wasm_instance));
    if (piece == NULL) {
        return NULL;
    }
    mem_zero(piece + offset, end - offset);
    return (struct wasm_instance *)(void *)piece;
}

// Everything of fixed size, in one piece of the arena so that many small instances fit.
static struct wasm_instance *instance_alloc(const struct wasm_module *module, struct arena *arena)
{
    u32 drop_words = (module->elem_count + module->data_count + 31) / 32;
    struct wasm_instance *instance = instance_piece(module, arena);
    struct wasm_memory **memories = ARENA_ROOM(arena, struct wasm_memory *, module->memory_count);
    struct wasm_global **globals = ARENA_ROOM(arena, struct wasm_global *, module->global_count);
    struct wasm_table **tables = ARENA_ROOM(arena, struct wasm_table *, module->table_count);
    struct wasm_func **imports =
        ARENA_ROOM(arena, struct wasm_func *, module->function_import_count);
    struct wasm_func *functions = ARENA_ROOM(arena, struct wasm_func, module->reference_count);
    u32 *dropped = ARENA_ARRAY(arena, u32, drop_words);
    u32 own_tags = module->tag_count - module->tag_import_count;
    struct wasm_tag **tags = ARENA_ROOM(arena, struct wasm_tag *, module->tag_count);
    struct wasm_tag *own = ARENA_ROOM(arena, struct wasm_tag, own_tags);
    if (instance == NULL || memories == NULL || globals == NULL || tables == NULL ||
        imports == NULL || functions == NULL || dropped == NULL || tags == NULL || own == NULL) {
        return NULL;
    }
    *instance = (struct wasm_instance){
        .module = module,
        .memories = memories,
        .globals = globals,
        .tables = tables,
        .imports = imports,
        .functions = functions,
        .dropped = dropped,
        .tags = tags,
    };
    for (u32 i = 0; i < own_tags; i++) {
        tags[module->tag_import_count + i] = &own[i];
    }
    return instance;
}

static enum err make_function(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    const struct wasm_module *module = instance->module;
    const struct wasm_code *code = module->referenced[index];
    const struct wasm_func_type *type = &module->types[module->function_types[code->function]];
    instance->functions[index] = (struct wasm_func){
        .type = &module->types[type->canonical],
        .instance = instance,
        .index = code->function,
        .canonical = type->canonical,
        .code = code,
    };
    return ERR_OK;
}

static enum err make_tag(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    const struct wasm_module *module = instance->module;
    u32 number = module->tag_import_count + index;
    const struct wasm_func_type *type = &module->types[module->tag_types[number]];
    *instance->tags[number] = (struct wasm_tag){
        .type = &module->types[type->canonical], .instance = instance, .index = number};
    return ERR_OK;
}

static enum err make_global(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    const struct wasm_module *module = instance->module;
    const struct wasm_const *init = &module->global_inits[index];
    u64 high = 0;
    if (init->kind == WASM_CONST_VALUE) {
        high = init->bits[1];
    } else if (init->kind == WASM_CONST_GLOBAL) {
        high = instance->globals[init->index]->value[1];
    }
    struct wasm_global *global = &instance->own_globals[index];
    *global = (struct wasm_global){
        .value = {wasm_instance_const(instance, init), high},
        .type = module->globals[module->global_import_count + index],
    };
    instance->globals[module->global_import_count + index] = global;
    m->work -= const_units(init);
    return ERR_OK;
}

static enum err table_begin(struct wasm_table *table, const struct wasm_table_type *type,
                            struct wasm_store *store)
{
    *table = (struct wasm_table){
        .max = type->limits.has_max && type->limits.max < WASM_TABLE_ELEMENTS ? type->limits.max
                                                                              : WASM_TABLE_ELEMENTS,
        .type_max = type->limits.max,
        .has_max = type->limits.has_max,
        .element = type->element,
        .store = store,
    };
    return type->limits.min > table->max ? ERR_LIMIT : ERR_OK;
}

static enum err make_table(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    const struct wasm_module *module = instance->module;
    struct wasm_table *table = &instance_own_tables(instance)[index];
    u32 number = module->table_import_count + index;
    const struct wasm_table_type *type = &module->tables[number];
    bool is_new = !m->is_inside;
    if (is_new) {
        instance->tables[number] = table;
        TRY(table_begin(table, type, instance->store));
    }
    enum err err = wasm_table_grow_step(table, is_new, type->limits.min, 0, &m->work);
    m->is_inside = err == ERR_PAUSED;
    return err;
}

static enum err make_memory(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    struct wasm_memory *memory = instance_own_memory(instance, index);
    u32 number = instance->module->memory_import_count + index;
    TRY(wasm_memory_create(memory, &instance->module->memories[number].limits, instance->store));
    instance->memories[number] = memory;
    instance->memory = instance->memories[0];
    return ERR_OK;
}

static enum err misfit(struct wasm_making *m, enum trap trap)
{
    m->trap = trap;
    return report_err(m->report, ERR_INVALID, 0, trap_name(trap));
}

static enum err apply_elem(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    const struct wasm_elem *elem = &instance->module->elems[index];
    if (elem->mode == WASM_SEGMENT_PASSIVE) {
        return ERR_OK;
    }
    if (elem->mode == WASM_SEGMENT_ACTIVE) {
        const struct wasm_table *table = instance->tables[elem->table];
        u32 offset = (u32)wasm_instance_const(instance, &elem->offset);
        if (!range_inside(offset, elem->count, table->count)) {
            return misfit(m, TRAP_TABLE_OUT_OF_BOUNDS);
        }
        for (; m->inner < elem->count; m->inner++) {
            if (m->work <= 0) {
                return ERR_PAUSED;
            }
            m->work -= ELEMENT_UNITS;
            table->elements[offset + m->inner] =
                wasm_instance_item(instance, &elem->items[m->inner]);
        }
        m->inner = 0;
        m->work -= const_units(&elem->offset);
    }
    instance_drop(instance, index);
    return ERR_OK;
}

static enum err apply_data(struct wasm_making *m, u32 index)
{
    struct wasm_instance *instance = m->instance;
    const struct wasm_data *data = &instance->module->datas[index];
    if (data->mode != WASM_SEGMENT_ACTIVE) {
        return ERR_OK;
    }
    u32 offset = (u32)wasm_instance_const(instance, &data->offset);
    const struct wasm_memory *memory = instance->memories[data->memory];
    if (!range_inside(offset, data->bytes.size, wasm_memory_bytes(memory))) {
        return misfit(m, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    while (m->inner < data->bytes.size) {
        if (m->work <= 0) {
            return ERR_PAUSED;
        }
        size_t left = data->bytes.size - m->inner;
        size_t count = left < DATA_PART ? left : DATA_PART;
        mem_copy(memory->base + offset + m->inner, data->bytes.data + m->inner, count);
        m->inner += (u32)count;
        m->work -= 1 + (i64)count / DATA_BYTES_PER_UNIT;
    }
    m->inner = 0;
    m->work -= const_units(&data->offset);
    instance_drop(instance, instance->module->elem_count + index);
    return ERR_OK;
}

// From `SEGMENTS` on the instance exists, also when a segment does not fit: earlier segments may
// have put references to it into other instances' tables.
enum { STAGE_TAKE, STAGE_OWN, STAGE_SEGMENTS = 6, STAGES = 8 };

static enum err (*const items[STAGES])(struct wasm_making *m, u32 index) = {
    take_import, make_function, make_tag,   make_global,
    make_table,  make_memory,   apply_elem, apply_data,
};

static u32 item_count(const struct wasm_module *module, u32 stage)
{
    const u32 counts[STAGES] = {
        module->import_count,
        module->reference_count,
        module->tag_count - module->tag_import_count,
        module->global_count - module->global_import_count,
        module->table_count - module->table_import_count,
        module->memory_count - module->memory_import_count,
        module->elem_count,
        module->data_count,
    };
    return counts[stage];
}

static enum err make(struct wasm_making *m)
{
    for (; m->stage < STAGES; m->stage++) {
        u32 count = item_count(m->instance->module, m->stage);
        for (; m->index < count; m->index++) {
            if (m->work <= 0) {
                return ERR_PAUSED;
            }
            TRY(items[m->stage](m, m->index));
            m->work -= ITEM_UNITS;
        }
        m->index = 0;
    }
    return ERR_OK;
}

// From now on exceptions are looked for in what it defines, which is there.
static void instance_link(struct wasm_instance *instance)
{
    struct wasm_instance **first = &instance->store->instances;
    instance->next = *first;
    instance->link = first;
    if (instance->next != NULL) {
        instance->next->link = &instance->next;
    }
    *first = instance;
}

static void instance_unlink(struct wasm_instance *instance)
{
    if (instance->link != NULL) {
        *instance->link = instance->next;
        if (instance->next != NULL) {
            instance->next->link = instance->link;
        }
        instance->link = NULL;
    }
}

enum err wasm_making_begin(struct wasm_making *making, const struct wasm_module *module,
                           const struct wasm_extern *imports, struct wasm_store *store,
                           struct arena *arena, struct report *report)
{
    ASSERT(module->is_translated);
    struct wasm_instance *instance = instance_alloc(module, arena);
    *making = (struct wasm_making){.instance = instance, .imports = imports};
    if (instance == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for an instance");
    }
    instance->store = store;
    return ERR_OK;
}

enum err wasm_making_step(struct wasm_making *making, i64 *work, struct wasm_instance **out,
                          enum trap *trap, struct report *report)
{
    making->report = report;
    making->work = *work;
    enum err err = make(making);
    *work = making->work;
    *trap = making->trap;
    if (err == ERR_PAUSED) {
        return err;
    }
    if (err != ERR_OK && making->stage < STAGE_SEGMENTS) {
        wasm_instance_destroy(making->instance);
        return making->stage < STAGE_OWN
                   ? err
                   : report_err(report, err, 0,
                                err == ERR_LIMIT ? "a table has too many elements"
                                                 : "no memory for a memory or a table");
    }
    if (making->instance->module->holds_exnrefs) {
        instance_link(making->instance);
    }
    *out = making->instance;
    return err;
}

void wasm_making_drop(struct wasm_making *making)
{
    wasm_instance_destroy(making->instance);
}

enum err wasm_instance_create(const struct wasm_module *module, const struct wasm_extern *imports,
                              struct wasm_store *store, struct arena *arena,
                              struct wasm_instance **out, enum trap *trap, struct report *report)
{
    *trap = TRAP_NONE;
    struct wasm_making making;
    TRY(wasm_making_begin(&making, module, imports, store, arena, report));
    i64 work = INT64_MAX;
    return wasm_making_step(&making, &work, out, trap, report);
}

void wasm_instance_destroy(struct wasm_instance *instance)
{
    const struct wasm_module *module = instance->module;
    instance_unlink(instance);
    for (u32 i = 0; i < module->memory_count - module->memory_import_count; i++) {
        struct wasm_memory *memory = instance_own_memory(instance, i);
        if (memory->store != NULL) {
            wasm_memory_destroy(memory);
        }
    }
    for (u32 i = 0; i < module->table_count - module->table_import_count; i++) {
        struct wasm_table *table = &instance_own_tables(instance)[i];
        table_forget_growth(table);
        if (table->element == WASM_EXNREF) {
            table->store->exception_roots -= table->count;
        }
        if (table->elements != NULL) {
            memory_give(table->store->memory, table->elements,
                        table->room * sizeof *table->elements);
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
    return instance->memories[index];
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

struct wasm_tag *wasm_instance_tag(struct wasm_instance *instance, u32 index)
{
    ASSERT(index < instance->module->tag_count);
    return instance->tags[index];
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
    case WASM_TAG:
        result.tag = wasm_instance_tag(instance, found->index);
        break;
    }
    *out = result;
    return ERR_OK;
}
