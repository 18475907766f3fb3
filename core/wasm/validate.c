// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of modules; those of function bodies are in validate_body.c.
#include "core/wasm/validate.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/wasm/constant.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/validate_body.h"

enum { HASH_BYTES_PER_UNIT = 4 };

static const char not_one[] = "type mismatch: a constant expression gives one value";

struct wasm_validation {
    struct wasm_module *module;
    struct arena *scratch;
    struct report *report;
    i64 work;      // units left of the step under way
    i64 owed;      // for the item under way: paid behind it, so that it is not begun for ever
    u64 *declared; // a bit for each function that ref.func may name
    // How far it has come.
    u32 stage;
    u32 index; // of the stage's items
    u32 inner; // of an element segment's items
    bool is_begun;
    u64 *export_keys; // the sort's, by hash of the name and index
    struct sort export_sort;
    struct wasm_body_checker bodies;
};

// Calls `check` with the index of each of `count` items. ERR_PAUSED: it goes on with the next when
// called again.
static enum err each(struct wasm_validation *c, u32 count,
                     enum err (*check)(struct wasm_validation *c, u32 index))
{
    for (; c->index < count; c->index++) {
        if (c->work <= 0) {
            return ERR_PAUSED;
        }
        TRY(check(c, c->index));
        c->work -= WASM_WORK_ITEM + c->owed;
        c->owed = 0;
    }
    return ERR_OK;
}

static enum err invalid(struct wasm_validation *c, u64 offset, const char *text)
{
    return report_err(c->report, ERR_INVALID, offset, text);
}

static enum err unknown(struct wasm_validation *c, u64 offset, const char *what, u32 index)
{
    char buffer[64];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "unknown ");
    text_string(&text, what);
    text_char(&text, ' ');
    text_u64(&text, index);
    return invalid(c, offset, buffer);
}

static enum err check_limits(struct wasm_validation *c, const struct wasm_limits *limits)
{
    if (limits->has_max && limits->min > limits->max) {
        return invalid(c, 0, "size minimum must not be greater than maximum");
    }
    return ERR_OK;
}

static enum err check_memory_type(struct wasm_validation *c, const struct wasm_memory_type *memory)
{
    if (memory->limits.min > WASM_MEMORY_PAGES ||
        (memory->limits.has_max && memory->limits.max > WASM_MEMORY_PAGES)) {
        return invalid(c, 0, "memory size must be at most 65536 pages (4GiB)");
    }
    if (memory->limits.is_shared && !memory->limits.has_max) {
        return invalid(c, 0, "shared memory must have maximum");
    }
    return check_limits(c, &memory->limits);
}

static enum err check_function(struct wasm_validation *c, u32 index)
{
    const struct wasm_module *m = c->module;
    return m->function_types[index] < m->type_count
               ? ERR_OK
               : unknown(c, 0, "type", m->function_types[index]);
}

static enum err check_tag(struct wasm_validation *c, u32 index)
{
    const struct wasm_module *m = c->module;
    if (m->tag_types[index] >= m->type_count) {
        return unknown(c, 0, "type", m->tag_types[index]);
    }
    return m->types[m->tag_types[index]].result_count == 0
               ? ERR_OK
               : invalid(c, 0, "non-empty tag result type");
}

static enum err check_tags(struct wasm_validation *c)
{
    return each(c, c->module->tag_count, check_tag);
}

static enum err check_functions(struct wasm_validation *c)
{
    return each(c, c->module->function_count, check_function);
}

static enum err check_tables(struct wasm_validation *c)
{
    const struct wasm_module *m = c->module;
    for (u32 i = 0; i < m->table_count; i++) { // WASM_TABLES
        TRY(check_limits(c, &m->tables[i].limits));
    }
    return ERR_OK;
}

static enum err check_memories(struct wasm_validation *c)
{
    const struct wasm_module *m = c->module;
    if (m->memory_count > 1 && (m->features & WASM_MULTI_MEMORY) == 0) {
        return invalid(c, 0, "multiple memories");
    }
    if (m->memory_count > WASM_MEMORIES) {
        return report_err(c->report, ERR_LIMIT, 0, "too many memories");
    }
    for (u32 i = 0; i < m->memory_count; i++) {
        TRY(check_memory_type(c, &m->memories[i]));
    }
    return ERR_OK;
}

// One instruction of a constant expression. The globals it may read stand before it and do not
// change; in Core 2.0 they are imported.
//   globals  how many stand before it
static enum err check_const_part(struct wasm_validation *c, struct wasm_const *value, u32 globals)
{
    const struct wasm_module *m = c->module;
    bool is_extended = (m->features & WASM_EXTENDED_CONST) != 0;
    switch ((enum wasm_const_kind)value->kind) {
    case WASM_CONST_NOT_CONSTANT:
        return invalid(c, value->offset, "constant expression required");
    case WASM_CONST_NOT_ONE:
        return invalid(c, value->offset, not_one);
    case WASM_CONST_GLOBAL:
        if (value->index >= (is_extended ? globals : m->global_import_count)) {
            return unknown(c, value->offset, "global", value->index);
        }
        if (m->globals[value->index].is_mutable) {
            return invalid(c, value->offset, "constant expression required");
        }
        value->type = m->globals[value->index].type;
        break;
    case WASM_CONST_FUNCTION:
        if (value->index >= m->function_count) {
            return unknown(c, value->offset, "function", value->index);
        }
        c->declared[value->index / 64] |= (u64)1 << (value->index % 64);
        break;
    case WASM_CONST_VALUE:
    case WASM_CONST_NULL:
    case WASM_CONST_SUM:
        break;
    }
    return ERR_OK;
}

// Several instructions: the types of their operands, one after the other. What reads no global is
// computed here and now.
static enum err check_sum(struct wasm_validation *c, struct wasm_const *value, u32 globals)
{
    u8 types[WASM_CONST_DEPTH];
    u32 count = 0;
    bool reads_global = false;
    struct reader in = wasm_const_reader(c->module, value);
    while (reader_left(&in) > 1) { // the `end`
        struct wasm_instruction instruction;
        TRY(wasm_instruction_read(&in, c->module->features, &instruction, c->report));
        struct wasm_const next = wasm_const_of(&instruction);
        TRY(check_const_part(c, &next, globals));
        reads_global = reads_global || next.kind == WASM_CONST_GLOBAL;
        if (next.kind == WASM_CONST_SUM) {
            if (count < 2 || types[count - 1] != next.type || types[count - 2] != next.type) {
                return invalid(c, next.offset, "type mismatch: an operand of a constant");
            }
            count--;
        } else if (count == WASM_CONST_DEPTH) {
            return report_err(c->report, ERR_LIMIT, next.offset,
                              "a constant expression is too deep");
        } else {
            types[count++] = next.type;
        }
    }
    if (count != 1) {
        return invalid(c, value->offset, not_one);
    }
    value->type = types[0];
    if (!reads_global) {
        value->bits[0] = wasm_const_sum(c->module, value, NULL);
        value->kind = WASM_CONST_VALUE;
    }
    return ERR_OK;
}

// A constant expression that must give `type`.
static enum err check_const(struct wasm_validation *c, struct wasm_const *value, u8 type,
                            u32 globals)
{
    TRY(check_const_part(c, value, globals));
    if (value->kind == WASM_CONST_SUM) {
        c->owed += (i64)value->bits[0] * WASM_WORK_CONST_BYTE;
        TRY(check_sum(c, value, globals));
    }
    return value->type == type ? ERR_OK
                               : invalid(c, value->offset, "type mismatch: the wrong constant");
}

static enum err check_global(struct wasm_validation *c, u32 index)
{
    struct wasm_module *m = c->module;
    u32 number = m->global_import_count + index;
    return check_const(c, &m->global_inits[index], m->globals[number].type, number);
}

static enum err check_globals(struct wasm_validation *c)
{
    return each(c, c->module->global_count - c->module->global_import_count, check_global);
}

// Names whose hashes are equal, in the order of their bytes, so that equal ones become neighbours.
static bool name_before(const void *context, u32 a, u32 b)
{
    const struct wasm_export *exports = context;
    struct span x = exports[a].name;
    struct span y = exports[b].name;
    if (x.size != y.size) {
        return x.size < y.size;
    }
    return mem_compare(x.data, y.data, x.size) < 0;
}

static enum err check_export(struct wasm_validation *c, u32 index)
{
    const struct wasm_module *m = c->module;
    static const char *const words[] = {"function", "table", "memory", "global", "tag"};
    const u32 counts[] = {m->function_count, m->table_count, m->memory_count, m->global_count,
                          m->tag_count};
    const struct wasm_export *export = &m->exports[index];
    if (export->index >= counts[export->kind]) {
        return unknown(c, (u64)(export->name.data - m->bytes.data), words[export->kind],
                       export->index);
    }
    if (export->kind == WASM_FUNCTION) {
        c->declared[export->index / 64] |= (u64)1 << (export->index % 64);
    }
    c->work -= (i64) export->name.size / HASH_BYTES_PER_UNIT;
    c->export_keys[index] = (u64)sort_hash(export->name.data, export->name.size) << 32 | index;
    return ERR_OK;
}

static enum err check_exports(struct wasm_validation *c)
{
    if (!c->is_begun) {
        u32 count = c->module->export_count;
        c->export_keys = ARENA_ROOM(c->scratch, u64, count);
        u64 *other = ARENA_ROOM(c->scratch, u64, count);
        if (c->export_keys == NULL || other == NULL) {
            return report_err(c->report, ERR_NO_MEMORY, 0, "out of memory");
        }
        sort_begin(&c->export_sort, c->export_keys, other, count, name_before, c->module->exports);
        c->is_begun = true;
    }
    return each(c, c->module->export_count, check_export);
}

static enum err sort_exports(struct wasm_validation *c)
{
    while (!sort_step(&c->export_sort, WASM_WORK_SORT_MOVES)) {
        if (c->work <= 0) {
            return ERR_PAUSED;
        }
        c->work -= WASM_WORK_SORT;
    }
    return ERR_OK;
}

// Neighbours in the order of names.
static enum err check_export_name(struct wasm_validation *c, u32 index)
{
    const struct wasm_module *m = c->module;
    const u64 *keys = c->export_sort.keys;
    struct span name = m->exports[(u32)keys[index]].name;
    if (index > 0 && span_equal(m->exports[(u32)keys[index - 1]].name, name)) {
        return report_err_detail(c->report, ERR_INVALID, (u64)(name.data - m->bytes.data),
                                 "duplicate export name", name);
    }
    return ERR_OK;
}

static enum err check_export_names(struct wasm_validation *c)
{
    return each(c, c->module->export_count, check_export_name);
}

static enum err check_start(struct wasm_validation *c)
{
    const struct wasm_module *m = c->module;
    if (!m->has_start) {
        return ERR_OK;
    }
    if (m->start >= m->function_count) {
        return unknown(c, 0, "function", m->start);
    }
    const struct wasm_func_type *type = &m->types[m->function_types[m->start]];
    if (type->param_count != 0 || type->result_count != 0) {
        return invalid(c, 0, "start function has parameters or results");
    }
    return ERR_OK;
}

// The same rules as those of check_const, for the item of a segment.
static enum err check_elem_item(struct wasm_validation *c, const struct wasm_elem *elem,
                                const struct wasm_elem_item *item)
{
    struct wasm_const value = {
        .kind = item->kind,
        .type = item->type,
        .index = item->index,
        .offset = elem->items_offset,
    };
    if (item->kind == WASM_CONST_SUM) {
        return invalid(c, value.offset, not_one); // no sum gives a reference
    }
    return check_const(c, &value, elem->type, c->module->global_count);
}

static enum err check_elem(struct wasm_validation *c, u32 index)
{
    const struct wasm_module *m = c->module;
    struct wasm_elem *elem = &c->module->elems[index];
    if (c->inner == 0 && elem->mode == WASM_SEGMENT_ACTIVE) {
        if (elem->table >= m->table_count) {
            return unknown(c, elem->offset.offset, "table", elem->table);
        }
        if (m->tables[elem->table].element != elem->type) {
            return invalid(c, elem->offset.offset,
                           "type mismatch: the segment's type is not the table's");
        }
        TRY(check_const(c, &elem->offset, WASM_I32, m->global_count));
    }
    for (; c->inner < elem->count; c->inner++) {
        if (c->work <= 0) {
            return ERR_PAUSED;
        }
        c->work -= WASM_WORK_ITEM;
        TRY(check_elem_item(c, elem, &elem->items[c->inner]));
    }
    c->inner = 0;
    return ERR_OK;
}

static enum err check_elems(struct wasm_validation *c)
{
    return each(c, c->module->elem_count, check_elem);
}

static enum err check_data(struct wasm_validation *c, u32 index)
{
    struct wasm_data *data = &c->module->datas[index];
    if (data->mode != WASM_SEGMENT_ACTIVE) {
        return ERR_OK;
    }
    if (data->memory >= c->module->memory_count) {
        return unknown(c, data->offset.offset, "memory", data->memory);
    }
    return check_const(c, &data->offset, WASM_I32, c->module->global_count);
}

static enum err check_datas(struct wasm_validation *c)
{
    return each(c, c->module->data_count, check_data);
}

static enum err check_bodies(struct wasm_validation *c)
{
    const struct wasm_module *m = c->module;
    struct wasm_body_checker *bodies = &c->bodies;
    if (!c->is_begun) {
        TRY(wasm_body_checker_init(bodies, m, c->declared, c->scratch, c->report));
        c->is_begun = true;
    }
    bodies->report = c->report;
    u32 count = m->function_count - m->function_import_count;
    for (; c->index < count; c->index++) {
        if (c->work <= 0) {
            return ERR_PAUSED;
        }
        TRY(wasm_body_check(bodies, m->function_import_count + c->index, &c->work));
    }
    c->module->try_count = bodies->try_count;
    c->module->catch_count = bodies->catch_count;
    return ERR_OK;
}

// Bodies come last: they need the types of everything and which functions are declared.
static enum err (*const stages[])(struct wasm_validation *c) = {
    check_functions, check_tags,         check_tables, check_memories, check_globals, check_exports,
    sort_exports,    check_export_names, check_start,  check_elems,    check_datas,   check_bodies,
};

static enum err go_on(struct wasm_validation *c)
{
    for (; c->stage < COUNT_OF(stages); c->stage++) {
        TRY(stages[c->stage](c));
        c->index = 0;
        c->inner = 0;
        c->is_begun = false;
    }
    return ERR_OK;
}

enum err wasm_validation_begin(struct wasm_module *module, struct arena *scratch,
                               struct wasm_validation **out, struct report *report)
{
    ASSERT(!module->is_valid);
    struct wasm_validation *c = ARENA_NEW(scratch, struct wasm_validation);
    if (c == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "out of memory");
    }
    c->module = module;
    c->scratch = scratch;
    c->declared = ARENA_ARRAY(scratch, u64, (size_t)module->function_count / 64 + 1);
    if (c->declared == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "out of memory");
    }
    *out = c;
    return ERR_OK;
}

enum err wasm_validation_step(struct wasm_validation *validation, i64 *work, struct report *report)
{
    validation->report = report;
    validation->work = *work;
    enum err err = go_on(validation);
    *work = validation->work;
    if (err == ERR_OK) {
        validation->module->is_valid = true;
    }
    return err;
}

enum err wasm_module_validate(struct wasm_module *module, struct arena *scratch,
                              struct report *report)
{
    struct wasm_validation *validation;
    TRY(wasm_validation_begin(module, scratch, &validation, report));
    i64 work = INT64_MAX;
    return wasm_validation_step(validation, &work, report);
}
