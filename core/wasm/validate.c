// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of modules; those of function bodies are in validate_body.c.
#include "core/wasm/validate.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/validate_body.h"

struct checker {
    struct wasm_module *module;
    struct arena *scratch;
    struct report *report;
    u64 *declared; // a bit for each function that ref.func may name
};

static enum err invalid(struct checker *c, u64 offset, const char *text)
{
    return report_err(c->report, ERR_INVALID, offset, text);
}

static enum err unknown(struct checker *c, u64 offset, const char *what, u32 index)
{
    char buffer[64];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "unknown ");
    text_string(&text, what);
    text_char(&text, ' ');
    text_u64(&text, index);
    return invalid(c, offset, buffer);
}

static enum err check_limits(struct checker *c, const struct wasm_limits *limits)
{
    if (limits->has_max && limits->min > limits->max) {
        return invalid(c, 0, "size minimum must not be greater than maximum");
    }
    return ERR_OK;
}

static enum err check_memory_type(struct checker *c, const struct wasm_memory_type *memory)
{
    if (memory->limits.min > WASM_MEMORY_PAGES ||
        (memory->limits.has_max && memory->limits.max > WASM_MEMORY_PAGES)) {
        return invalid(c, 0, "memory size must be at most 65536 pages (4GiB)");
    }
    return check_limits(c, &memory->limits);
}

// Functions, tables and memories, imported and defined.
static enum err check_types(struct checker *c)
{
    const struct wasm_module *m = c->module;
    for (u32 i = 0; i < m->function_count; i++) {
        if (m->function_types[i] >= m->type_count) {
            return unknown(c, 0, "type", m->function_types[i]);
        }
    }
    for (u32 i = 0; i < m->table_count; i++) {
        TRY(check_limits(c, &m->tables[i].limits));
    }
    for (u32 i = 0; i < m->memory_count; i++) {
        TRY(check_memory_type(c, &m->memories[i]));
    }
    return m->memory_count <= WASM_MEMORIES ? ERR_OK : invalid(c, 0, "multiple memories");
}

// A constant expression that must give `type`. The only globals it may read are imported ones.
static enum err check_const(struct checker *c, struct wasm_const *value, u8 type)
{
    const struct wasm_module *m = c->module;
    switch ((enum wasm_const_kind)value->kind) {
    case WASM_CONST_NOT_CONSTANT:
        return invalid(c, value->offset, "constant expression required");
    case WASM_CONST_NOT_ONE:
        return invalid(c, value->offset, "type mismatch: a constant expression gives one value");
    case WASM_CONST_GLOBAL:
        if (value->index >= m->global_import_count) {
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
        break;
    }
    return value->type == type ? ERR_OK
                               : invalid(c, value->offset, "type mismatch: the wrong constant");
}

static enum err check_globals(struct checker *c)
{
    struct wasm_module *m = c->module;
    for (u32 i = m->global_import_count; i < m->global_count; i++) {
        TRY(check_const(c, &m->global_inits[i - m->global_import_count], m->globals[i].type));
    }
    return ERR_OK;
}

// Names in the order of their bytes, so that equal ones become neighbours.
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

static enum err check_export_names(struct checker *c)
{
    const struct wasm_module *m = c->module;
    u32 *order = ARENA_ARRAY(c->scratch, u32, m->export_count);
    if (order == NULL) {
        return report_err(c->report, ERR_NO_MEMORY, 0, "out of memory");
    }
    for (u32 i = 0; i < m->export_count; i++) {
        order[i] = i;
    }
    sort_u32(order, m->export_count, name_before, m->exports);
    for (u32 i = 1; i < m->export_count; i++) {
        struct span name = m->exports[order[i]].name;
        if (span_equal(m->exports[order[i - 1]].name, name)) {
            return report_err_detail(c->report, ERR_INVALID, (u64)(name.data - m->bytes.data),
                                     "duplicate export name", name);
        }
    }
    return ERR_OK;
}

static enum err check_exports(struct checker *c)
{
    const struct wasm_module *m = c->module;
    static const char *const words[] = {"function", "table", "memory", "global"};
    u32 counts[] = {m->function_count, m->table_count, m->memory_count, m->global_count};
    for (u32 i = 0; i < m->export_count; i++) {
        const struct wasm_export *export = &m->exports[i];
        u64 offset = (u64)(export->name.data - m->bytes.data);
        if (export->index >= counts[export->kind]) {
            return unknown(c, offset, words[export->kind], export->index);
        }
        if (export->kind == WASM_FUNCTION) {
            c->declared[export->index / 64] |= (u64)1 << (export->index % 64);
        }
    }
    return check_export_names(c);
}

static enum err check_start(struct checker *c)
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

static enum err check_elem(struct checker *c, struct wasm_elem *elem)
{
    const struct wasm_module *m = c->module;
    if (elem->mode == WASM_SEGMENT_ACTIVE) {
        if (elem->table >= m->table_count) {
            return unknown(c, elem->offset.offset, "table", elem->table);
        }
        if (m->tables[elem->table].element != elem->type) {
            return invalid(c, elem->offset.offset,
                           "type mismatch: the segment's type is not the table's");
        }
        TRY(check_const(c, &elem->offset, WASM_I32));
    }
    for (u32 i = 0; i < elem->count; i++) {
        TRY(check_const(c, &elem->items[i], elem->type));
    }
    return ERR_OK;
}

static enum err check_data(struct checker *c, struct wasm_data *data)
{
    if (data->mode != WASM_SEGMENT_ACTIVE) {
        return ERR_OK;
    }
    if (data->memory >= c->module->memory_count) {
        return unknown(c, data->offset.offset, "memory", data->memory);
    }
    return check_const(c, &data->offset, WASM_I32);
}

static enum err check_segments(struct checker *c)
{
    struct wasm_module *m = c->module;
    for (u32 i = 0; i < m->elem_count; i++) {
        TRY(check_elem(c, &m->elems[i]));
    }
    for (u32 i = 0; i < m->data_count; i++) {
        TRY(check_data(c, &m->datas[i]));
    }
    return ERR_OK;
}

static enum err check_bodies(struct checker *c)
{
    const struct wasm_module *m = c->module;
    struct wasm_body_checker bodies;
    TRY(wasm_body_checker_init(&bodies, m, c->declared, c->scratch, c->report));
    for (u32 i = m->function_import_count; i < m->function_count; i++) {
        TRY(wasm_body_check(&bodies, i));
    }
    return ERR_OK;
}

enum err wasm_module_validate(struct wasm_module *module, struct arena *scratch,
                              struct report *report)
{
    ASSERT(!module->is_valid);
    struct checker c = {.module = module, .scratch = scratch, .report = report};
    c.declared = ARENA_ARRAY(scratch, u64, (size_t)module->function_count / 64 + 1);
    if (c.declared == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "out of memory");
    }
    TRY(check_types(&c));
    TRY(check_globals(&c));
    TRY(check_exports(&c));
    TRY(check_start(&c));
    TRY(check_segments(&c));
    TRY(check_bodies(&c)); // last: needs the types of everything and which functions are declared
    module->is_valid = true;
    return ERR_OK;
}
