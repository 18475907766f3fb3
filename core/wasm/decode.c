// SPDX-License-Identifier: GPL-3.0-or-later
// One function for each section, in the order of the file. Every vector's count is held against the
// bytes that are left before anything is allocated for it, so memory stays in proportion to the
// file.
#include "core/wasm/decode.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/sort.h"
#include "core/base/utf8.h"
#include "core/wasm/encoding.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/names.h"
#include "core/wasm/opcode.h"

enum section_id {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNCTION,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEMENT,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_COUNT
};

struct decoder {
    struct wasm_module *module;
    struct arena *arena;
    struct report *report;
    struct reader in; // the section being read
    u32 body_count;
    u32 custom_capacity;
};

static enum err malformed(struct decoder *d, u64 offset, const char *text)
{
    return report_err(d->report, ERR_MALFORMED, offset, text);
}

static enum err no_memory(struct decoder *d)
{
    return report_err(d->report, ERR_NO_MEMORY, reader_offset(&d->in), "out of memory");
}

// Takes an array from the module's arena or returns from the function.
#define NEW_ARRAY(d, out, type, count)                                                             \
    do {                                                                                           \
        (out) = ARENA_ARRAY((d)->arena, type, count);                                              \
        if ((out) == NULL) {                                                                       \
            return no_memory(d);                                                                   \
        }                                                                                          \
    } while (0)

static enum err read_byte(struct decoder *d, u8 *out)
{
    return reader_u8(&d->in, out, d->report);
}

static enum err read_u32(struct decoder *d, u32 *out)
{
    return reader_leb_u32(&d->in, out, d->report);
}

// The count of a vector. Its items take a byte or more each, so the bytes left bound it.
//   limit, text  what it may be at most, and the sentence for when it is more
static enum err read_count(struct decoder *d, u32 limit, const char *text, u32 *out)
{
    u64 offset = reader_offset(&d->in);
    u32 count;
    TRY(read_u32(d, &count));
    if (count > reader_left(&d->in)) {
        return malformed(d, reader_offset(&d->in) + reader_left(&d->in),
                         "unexpected end of section or function");
    }
    if (count > limit) {
        return report_err(d->report, ERR_LIMIT, offset, text);
    }
    *out = count;
    return ERR_OK;
}

static enum err read_sized(struct decoder *d, struct span *out)
{
    u64 offset = reader_offset(&d->in);
    u32 size;
    TRY(read_u32(d, &size));
    if (size > reader_left(&d->in)) {
        return malformed(d, offset, "length out of bounds");
    }
    return reader_bytes(&d->in, size, out, d->report);
}

static enum err read_name(struct decoder *d, struct span *out)
{
    u64 offset = reader_offset(&d->in);
    struct span name;
    TRY(read_sized(d, &name));
    if (!utf8_is_valid(name)) {
        return malformed(d, offset, "malformed UTF-8 encoding");
    }
    *out = name;
    return ERR_OK;
}

static enum err read_limits(struct decoder *d, struct wasm_limits *out)
{
    struct wasm_limits limits = {.max = UINT32_MAX};
    u64 offset = reader_offset(&d->in);
    u8 flags;
    TRY(read_byte(d, &flags));
    if (flags > 1) { // a LEB128 of one bit
        return malformed(d, offset,
                         flags & 0x80 ? "integer representation too long" : "integer too large");
    }
    TRY(read_u32(d, &limits.min));
    if (flags == 1) {
        limits.has_max = true;
        TRY(read_u32(d, &limits.max));
    }
    *out = limits;
    return ERR_OK;
}

static enum err read_table_type(struct decoder *d, struct wasm_table_type *out)
{
    TRY(wasm_read_ref_type(&d->in, &out->element, d->report));
    return read_limits(d, &out->limits);
}

static enum err read_global_type(struct decoder *d, struct wasm_global_type *out)
{
    TRY(wasm_read_value_type(&d->in, &out->type, d->report));
    u64 offset = reader_offset(&d->in);
    u8 is_mutable;
    TRY(read_byte(d, &is_mutable));
    if (is_mutable > 1) {
        return malformed(d, offset, "malformed mutability");
    }
    out->is_mutable = is_mutable == 1;
    return ERR_OK;
}

// What one instruction of a constant expression says.
static struct wasm_const const_of(const struct wasm_instruction *instruction)
{
    struct wasm_const value = {.offset = instruction->offset};
    value.index = instruction->index[0];
    value.bits[0] = instruction->bits;
    value.bits[1] = instruction->bits_high;
    switch (instruction->opcode) {
    case WASM_OP_I32_CONST:
        value.type = WASM_I32;
        value.bits[0] = (u32)instruction->bits;
        break;
    case WASM_OP_I64_CONST:
        value.type = WASM_I64;
        break;
    case WASM_OP_F32_CONST:
        value.type = WASM_F32;
        break;
    case WASM_OP_F64_CONST:
        value.type = WASM_F64;
        break;
    case WASM_OP_V128_CONST:
        value.type = WASM_V128;
        break;
    case WASM_OP_GLOBAL_GET:
        value.kind = WASM_CONST_GLOBAL;
        break;
    case WASM_OP_REF_NULL:
        value.kind = WASM_CONST_NULL;
        value.type = instruction->type;
        break;
    case WASM_OP_REF_FUNC:
        value.kind = WASM_CONST_FUNCTION;
        value.type = WASM_FUNCREF;
        break;
    default:
        value.kind = WASM_CONST_NOT_CONSTANT;
        break;
    }
    return value;
}

// A constant expression. Whatever instructions stand in it, they are followed to the end that
// closes it; the validator refuses those that are not constant. Limit: an `else` outside an `if`
// counts as one of them.
static enum err read_const(struct decoder *d, struct wasm_const *out)
{
    struct wasm_const value = {.kind = WASM_CONST_NOT_ONE, .offset = reader_offset(&d->in)};
    u64 open_count = 1;
    for (u64 count = 0;; count++) {
        struct wasm_instruction instruction;
        TRY(wasm_instruction_read(&d->in, &instruction, d->report));
        if (instruction.opcode == WASM_OP_END) {
            open_count--;
            if (open_count == 0) {
                *out = value;
                return ERR_OK;
            }
            continue;
        }
        if (instruction.facts->immediate == WASM_IMM_BLOCK) {
            open_count++;
        }
        struct wasm_const next = const_of(&instruction);
        if (count == 0 || next.kind == WASM_CONST_NOT_CONSTANT) {
            value = value.kind == WASM_CONST_NOT_CONSTANT ? value : next;
        } else if (value.kind != WASM_CONST_NOT_CONSTANT) {
            value.kind = WASM_CONST_NOT_ONE;
        }
    }
}

// What the type says of slots. Offsets are written out only where they are not the indices.
static enum err count_slots(struct decoder *d, struct wasm_func_type *type)
{
    STATIC_ASSERT(2 * WASM_PARAMS <= UINT16_MAX && 2 * WASM_RESULTS <= UINT16_MAX);
    type->param_slots = (u16)wasm_slots_of(type->types, type->param_count);
    type->result_slots = (u16)wasm_slots_of(type->types + type->param_count, type->result_count);
    if (type->param_slots == type->param_count) {
        return ERR_OK;
    }
    u16 *at;
    NEW_ARRAY(d, at, u16, type->param_count);
    u16 next = 0;
    for (u32 i = 0; i < type->param_count; i++) {
        at[i] = next;
        next += type->types[i] == WASM_V128 ? 2 : 1;
    }
    type->param_at = at;
    return ERR_OK;
}

static enum err read_func_type(struct decoder *d, struct wasm_func_type *out)
{
    u64 offset = reader_offset(&d->in);
    u8 form;
    TRY(read_byte(d, &form));
    if (form != 0x60) {
        return malformed(d, offset, "malformed function type");
    }
    // The results lie behind the parameters in one array; the bytes in between are their count.
    struct reader ahead = d->in;
    TRY(read_count(d, WASM_PARAMS, "too many parameters", &out->param_count));
    struct span skipped;
    TRY(reader_bytes(&d->in, out->param_count, &skipped, d->report));
    TRY(read_count(d, WASM_RESULTS, "too many results", &out->result_count));
    d->in = ahead;
    u8 *types;
    NEW_ARRAY(d, types, u8, out->param_count + out->result_count);
    u32 count;
    TRY(read_u32(d, &count));
    for (u32 i = 0; i < out->param_count; i++) {
        TRY(wasm_read_value_type(&d->in, &types[i], d->report));
    }
    TRY(read_u32(d, &count));
    for (u32 i = 0; i < out->result_count; i++) {
        TRY(wasm_read_value_type(&d->in, &types[out->param_count + i], d->report));
    }
    out->types = types;
    return count_slots(d, out);
}

// Below, at or above 0; types that differ in nothing are equal.
static int type_compare(const struct wasm_func_type *a, const struct wasm_func_type *b)
{
    if (a->param_count != b->param_count) {
        return a->param_count < b->param_count ? -1 : 1;
    }
    if (a->result_count != b->result_count) {
        return a->result_count < b->result_count ? -1 : 1;
    }
    return mem_compare(a->types, b->types, a->param_count + a->result_count);
}

static bool type_before(const void *context, u32 a, u32 b)
{
    const struct wasm_func_type *types = context;
    int order = type_compare(&types[a], &types[b]);
    return order != 0 ? order < 0 : a < b;
}

// Gives equal types one number. Sorting bounds the work whatever the types are; a hash table would
// not.
static enum err canonicalize_types(struct decoder *d)
{
    struct wasm_func_type *types = d->module->types;
    u32 count = d->module->type_count;
    u32 *order;
    NEW_ARRAY(d, order, u32, count);
    for (u32 i = 0; i < count; i++) {
        order[i] = i;
    }
    sort_u32(order, count, type_before, types);
    for (u32 i = 0; i < count; i++) {
        bool is_same = i > 0 && type_compare(&types[order[i - 1]], &types[order[i]]) == 0;
        types[order[i]].canonical = is_same ? types[order[i - 1]].canonical : order[i];
    }
    return ERR_OK;
}

static enum err read_types(struct decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_TYPES, "too many types", &m->type_count));
    NEW_ARRAY(d, m->types, struct wasm_func_type, m->type_count);
    for (u32 i = 0; i < m->type_count; i++) {
        TRY(read_func_type(d, &m->types[i]));
    }
    return canonicalize_types(d);
}

static enum err read_import(struct decoder *d, struct wasm_import *out)
{
    TRY(read_name(d, &out->module));
    TRY(read_name(d, &out->name));
    u64 offset = reader_offset(&d->in);
    TRY(read_byte(d, &out->kind));
    switch (out->kind) {
    case WASM_FUNCTION:
        d->module->function_import_count++;
        return read_u32(d, &out->function_type);
    case WASM_TABLE:
        d->module->table_import_count++;
        return read_table_type(d, &out->table);
    case WASM_MEMORY:
        d->module->memory_import_count++;
        return read_limits(d, &out->memory.limits);
    case WASM_GLOBAL:
        d->module->global_import_count++;
        return read_global_type(d, &out->global);
    default:
        return malformed(d, offset, "malformed import kind");
    }
}

static enum err read_imports(struct decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_IMPORTS, "too many imports", &m->import_count));
    NEW_ARRAY(d, m->imports, struct wasm_import, m->import_count);
    for (u32 i = 0; i < m->import_count; i++) {
        TRY(read_import(d, &m->imports[i]));
    }
    return ERR_OK;
}

// Each *_begin makes an index space of what is imported and room for `count` more.

static enum err check_space(struct decoder *d, u32 imported, u32 count, u32 limit, const char *text)
{
    ASSERT(imported <= WASM_IMPORTS);
    return count <= limit && imported <= limit - count
               ? ERR_OK
               : report_err(d->report, ERR_LIMIT, reader_offset(&d->in), text);
}

static enum err functions_begin(struct decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    TRY(check_space(d, m->function_import_count, count, WASM_FUNCTIONS, "too many functions"));
    m->function_count = m->function_import_count + count;
    NEW_ARRAY(d, m->function_types, u32, m->function_count);
    NEW_ARRAY(d, m->bodies, struct wasm_body, count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_FUNCTION) {
            m->function_types[at++] = m->imports[i].function_type;
        }
    }
    return ERR_OK;
}

static enum err tables_begin(struct decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    TRY(check_space(d, m->table_import_count, count, WASM_TABLES, "too many tables"));
    m->table_count = m->table_import_count + count;
    NEW_ARRAY(d, m->tables, struct wasm_table_type, m->table_count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_TABLE) {
            m->tables[at++] = m->imports[i].table;
        }
    }
    return ERR_OK;
}

// More memories than one are well formed; the validator refuses them.
static enum err memories_begin(struct decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    m->memory_count = m->memory_import_count + count;
    NEW_ARRAY(d, m->memories, struct wasm_memory_type, m->memory_count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_MEMORY) {
            m->memories[at++] = m->imports[i].memory;
        }
    }
    return ERR_OK;
}

static enum err globals_begin(struct decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    TRY(check_space(d, m->global_import_count, count, WASM_GLOBALS, "too many globals"));
    m->global_count = m->global_import_count + count;
    NEW_ARRAY(d, m->globals, struct wasm_global_type, m->global_count);
    NEW_ARRAY(d, m->global_inits, struct wasm_const, count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_GLOBAL) {
            m->globals[at++] = m->imports[i].global;
        }
    }
    return ERR_OK;
}

static enum err read_functions(struct decoder *d)
{
    struct wasm_module *m = d->module;
    u32 count;
    TRY(read_count(d, WASM_FUNCTIONS, "too many functions", &count));
    TRY(functions_begin(d, count));
    for (u32 i = m->function_import_count; i < m->function_count; i++) {
        TRY(read_u32(d, &m->function_types[i]));
    }
    return ERR_OK;
}

static enum err read_tables(struct decoder *d)
{
    struct wasm_module *m = d->module;
    u32 count;
    TRY(read_count(d, WASM_TABLES, "too many tables", &count));
    TRY(tables_begin(d, count));
    for (u32 i = m->table_import_count; i < m->table_count; i++) {
        TRY(read_table_type(d, &m->tables[i]));
    }
    return ERR_OK;
}

static enum err read_memories(struct decoder *d)
{
    struct wasm_module *m = d->module;
    u32 count;
    TRY(read_count(d, UINT32_MAX - WASM_IMPORTS, "too many memories", &count));
    TRY(memories_begin(d, count));
    for (u32 i = m->memory_import_count; i < m->memory_count; i++) {
        TRY(read_limits(d, &m->memories[i].limits));
    }
    return ERR_OK;
}

static enum err read_globals(struct decoder *d)
{
    struct wasm_module *m = d->module;
    u32 count;
    TRY(read_count(d, WASM_GLOBALS, "too many globals", &count));
    TRY(globals_begin(d, count));
    for (u32 i = 0; i < count; i++) {
        TRY(read_global_type(d, &m->globals[m->global_import_count + i]));
        TRY(read_const(d, &m->global_inits[i]));
    }
    return ERR_OK;
}

static enum err read_exports(struct decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_EXPORTS, "too many exports", &m->export_count));
    NEW_ARRAY(d, m->exports, struct wasm_export, m->export_count);
    for (u32 i = 0; i < m->export_count; i++) {
        struct wasm_export *export = &m->exports[i];
        TRY(read_name(d, &export->name));
        u64 offset = reader_offset(&d->in);
        TRY(read_byte(d, &export->kind));
        if (export->kind > WASM_GLOBAL) {
            return malformed(d, offset, "malformed export kind");
        }
        TRY(read_u32(d, &export->index));
    }
    return ERR_OK;
}

static enum err read_start(struct decoder *d)
{
    d->module->has_start = true;
    return read_u32(d, &d->module->start);
}

// The bits of an element segment's first number, section 5.5.12.
enum {
    ELEM_NOT_ACTIVE = 1,  // passive, or declarative when the next bit is set too
    ELEM_HAS_TABLE = 2,   // of an active one: it names its table
    ELEM_EXPRESSIONS = 4, // items are expressions, not function indices
    ELEM_FLAGS = 7,
};

// The type of the items, where the flags say that there is one.
static enum err read_elem_type(struct decoder *d, u32 flags, u8 *out)
{
    *out = WASM_FUNCREF;
    if ((flags & (ELEM_NOT_ACTIVE | ELEM_HAS_TABLE)) == 0) {
        return ERR_OK;
    }
    if (flags & ELEM_EXPRESSIONS) {
        return wasm_read_ref_type(&d->in, out, d->report);
    }
    u64 offset = reader_offset(&d->in);
    u8 kind;
    TRY(read_byte(d, &kind));
    return kind == 0 ? ERR_OK : malformed(d, offset, "malformed element kind");
}

static enum err read_elem(struct decoder *d, struct wasm_elem *out)
{
    u64 offset = reader_offset(&d->in);
    u32 flags;
    TRY(read_u32(d, &flags));
    if (flags > ELEM_FLAGS) {
        return malformed(d, offset, "malformed elements segment kind");
    }
    if (flags & ELEM_NOT_ACTIVE) {
        out->mode = flags & ELEM_HAS_TABLE ? WASM_SEGMENT_DECLARATIVE : WASM_SEGMENT_PASSIVE;
    } else {
        out->mode = WASM_SEGMENT_ACTIVE;
        if (flags & ELEM_HAS_TABLE) {
            TRY(read_u32(d, &out->table));
        }
        TRY(read_const(d, &out->offset));
    }
    TRY(read_elem_type(d, flags, &out->type));
    TRY(read_count(d, WASM_ELEMENT_ITEMS, "too many items in an element segment", &out->count));
    struct wasm_const *items;
    NEW_ARRAY(d, items, struct wasm_const, out->count);
    for (u32 i = 0; i < out->count; i++) {
        if (flags & ELEM_EXPRESSIONS) {
            TRY(read_const(d, &items[i]));
            continue;
        }
        items[i].kind = WASM_CONST_FUNCTION;
        items[i].type = WASM_FUNCREF;
        items[i].offset = reader_offset(&d->in);
        TRY(read_u32(d, &items[i].index));
    }
    out->items = items;
    return ERR_OK;
}

static enum err read_elems(struct decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_SEGMENTS, "too many element segments", &m->elem_count));
    NEW_ARRAY(d, m->elems, struct wasm_elem, m->elem_count);
    for (u32 i = 0; i < m->elem_count; i++) {
        TRY(read_elem(d, &m->elems[i]));
    }
    return ERR_OK;
}

// The declared locals of a body. How many there are is added up and never allocated.
static enum err read_locals(struct decoder *d, struct wasm_body *out)
{
    u64 offset = reader_offset(&d->in);
    TRY(read_count(d, UINT32_MAX, "", &out->local_run_count));
    struct wasm_local_run *runs = NULL;
    if (out->local_run_count != 0) {
        NEW_ARRAY(d, runs, struct wasm_local_run, out->local_run_count);
    }
    u64 total = 0;
    for (u32 i = 0; i < out->local_run_count; i++) {
        runs[i].first = (u32)total;
        TRY(read_u32(d, &runs[i].count));
        TRY(wasm_read_value_type(&d->in, &runs[i].type, d->report));
        total += runs[i].count;
        if (total > UINT32_MAX) {
            return malformed(d, offset, "too many locals");
        }
    }
    if (total > WASM_LOCALS) {
        return report_err(d->report, ERR_LIMIT, offset, "too many locals in a function");
    }
    out->locals = runs;
    out->local_count = (u32)total;
    return ERR_OK;
}

static enum err read_body(struct decoder *d, struct wasm_body *out)
{
    u64 offset = reader_offset(&d->in);
    struct reader section = d->in;
    u32 size;
    TRY(read_u32(d, &size));
    if (size > reader_left(&d->in)) {
        return malformed(d, offset, "length out of bounds");
    }
    if (size > WASM_BODY_BYTES) {
        return report_err(d->report, ERR_LIMIT, offset, "a function body is too long");
    }
    section = d->in;
    TRY(reader_sub(&section, size, &d->in, d->report));
    TRY(read_locals(d, out));
    out->offset = reader_offset(&d->in);
    out->code = span_of(d->in.next, reader_left(&d->in));
    d->in = section;
    return ERR_OK;
}

static enum err read_code(struct decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_FUNCTIONS, "too many functions", &d->body_count));
    if (d->body_count > m->function_count - m->function_import_count) { // fewer: see read_module
        return malformed(d, reader_offset(&d->in),
                         "function and code section have inconsistent lengths");
    }
    for (u32 i = 0; i < d->body_count; i++) {
        TRY(read_body(d, &m->bodies[i]));
    }
    return ERR_OK;
}

static enum err read_data(struct decoder *d, struct wasm_data *out)
{
    u64 offset = reader_offset(&d->in);
    u32 flags;
    TRY(read_u32(d, &flags));
    if (flags > 2) {
        return malformed(d, offset, "malformed data segment kind");
    }
    out->mode = flags == 1 ? WASM_SEGMENT_PASSIVE : WASM_SEGMENT_ACTIVE;
    if (flags == 2) {
        TRY(read_u32(d, &out->memory));
    }
    if (out->mode == WASM_SEGMENT_ACTIVE) {
        TRY(read_const(d, &out->offset));
    }
    return read_sized(d, &out->bytes);
}

static enum err read_datas(struct decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_SEGMENTS, "too many data segments", &m->data_count));
    NEW_ARRAY(d, m->datas, struct wasm_data, m->data_count);
    for (u32 i = 0; i < m->data_count; i++) {
        TRY(read_data(d, &m->datas[i]));
    }
    return ERR_OK;
}

static enum err read_data_count(struct decoder *d)
{
    d->module->has_data_count = true;
    return read_u32(d, &d->module->data_count_declared);
}

static enum err read_custom(struct decoder *d)
{
    struct wasm_module *m = d->module;
    struct wasm_custom custom;
    u64 offset = reader_offset(&d->in);
    TRY(read_name(d, &custom.name));
    custom.offset = reader_offset(&d->in);
    TRY(reader_bytes(&d->in, reader_left(&d->in), &custom.bytes, d->report));
    if (m->custom_count == WASM_CUSTOMS) {
        return report_err(d->report, ERR_LIMIT, offset, "too many custom sections");
    }
    if (m->custom_count ==
        d->custom_capacity) { // what is outgrown stays in the arena: half at most
        u32 capacity = d->custom_capacity == 0 ? 4 : d->custom_capacity * 2;
        struct wasm_custom *customs;
        NEW_ARRAY(d, customs, struct wasm_custom, capacity);
        mem_copy(customs, m->customs, m->custom_count * sizeof *customs);
        m->customs = customs;
        d->custom_capacity = capacity;
    }
    m->customs[m->custom_count++] = custom;
    if (m->names.data == NULL && span_equal(custom.name, SPAN_LITERAL("name")) &&
        wasm_names_are_sound(custom.bytes)) {
        m->names = custom.bytes;
    }
    return ERR_OK;
}

// `begin` makes the index space of a section that is absent.
static const struct section {
    u8 rank; // sections other than custom ones stand in this order, each once at most
    enum err (*read)(struct decoder *d);
    enum err (*begin)(struct decoder *d, u32 count);
} sections[SECTION_COUNT] = {
    [SECTION_CUSTOM] = {0, read_custom, NULL},
    [SECTION_TYPE] = {1, read_types, NULL},
    [SECTION_IMPORT] = {2, read_imports, NULL},
    [SECTION_FUNCTION] = {3, read_functions, functions_begin},
    [SECTION_TABLE] = {4, read_tables, tables_begin},
    [SECTION_MEMORY] = {5, read_memories, memories_begin},
    [SECTION_GLOBAL] = {6, read_globals, globals_begin},
    [SECTION_EXPORT] = {7, read_exports, NULL},
    [SECTION_START] = {8, read_start, NULL},
    [SECTION_ELEMENT] = {9, read_elems, NULL},
    [SECTION_DATA_COUNT] = {10, read_data_count, NULL},
    [SECTION_CODE] = {11, read_code, NULL},
    [SECTION_DATA] = {12, read_datas, NULL},
};

// Makes the index spaces of the sections absent between the one of rank `from` and the one of rank
// `to`.
static enum err begin_absent(struct decoder *d, u32 from, u32 to)
{
    for (u32 id = SECTION_FUNCTION; id <= SECTION_GLOBAL; id++) {
        if (sections[id].rank > from && sections[id].rank < to) {
            TRY(sections[id].begin(d, 0));
        }
    }
    return ERR_OK;
}

// Reads one section of `file` into the module. `rank` is that of the last one, and becomes this
// one's.
static enum err read_section(struct decoder *d, struct reader *file, u32 *rank)
{
    u64 offset = reader_offset(file);
    u8 id;
    TRY(reader_u8(file, &id, d->report));
    if (id >= SECTION_COUNT) {
        return malformed(d, offset, "malformed section id");
    }
    u32 size;
    TRY(reader_leb_u32(file, &size, d->report));
    if (size > reader_left(file)) {
        return malformed(d, offset, "length out of bounds");
    }
    if (id != SECTION_CUSTOM) {
        if (sections[id].rank <= *rank) {
            return malformed(d, offset, "unexpected content after last section");
        }
        TRY(begin_absent(d, *rank, sections[id].rank));
        *rank = sections[id].rank;
    }
    TRY(reader_sub(file, size, &d->in, d->report));
    TRY(sections[id].read(d));
    if (reader_left(&d->in) != 0) {
        return malformed(d, reader_offset(&d->in), "section size mismatch");
    }
    return ERR_OK;
}

static enum err read_header(struct decoder *d, struct reader *file)
{
    struct span magic;
    TRY(reader_bytes(file, 4, &magic, d->report));
    if (!span_equal(magic, SPAN_LITERAL("\0asm"))) {
        return malformed(d, 0, "magic header not detected");
    }
    u32 version;
    TRY(reader_u32_le(file, &version, d->report));
    return version == 1 ? ERR_OK : malformed(d, 4, "unknown binary version");
}

static enum err read_module(struct decoder *d, struct reader *file)
{
    struct wasm_module *m = d->module;
    TRY(read_header(d, file));
    u32 rank = 0;
    while (reader_left(file) != 0) {
        TRY(read_section(d, file, &rank));
    }
    TRY(begin_absent(d, rank, sections[SECTION_DATA].rank + 1));
    if (d->body_count != m->function_count - m->function_import_count) {
        return malformed(d, reader_offset(file),
                         "function and code section have inconsistent lengths");
    }
    if (m->has_data_count && m->data_count_declared != m->data_count) {
        return malformed(d, reader_offset(file),
                         "data count and data section have inconsistent lengths");
    }
    return ERR_OK;
}

enum err wasm_module_decode(struct span bytes, struct arena *arena, struct wasm_module **out,
                            struct report *report)
{
    struct decoder d = {.arena = arena, .report = report, .in = reader_over(bytes)};
    if (bytes.size > WASM_MODULE_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "the module is too long");
    }
    d.module = ARENA_NEW(arena, struct wasm_module);
    if (d.module == NULL) {
        return no_memory(&d);
    }
    d.module->arena = arena;
    d.module->bytes = bytes;
    struct reader file = reader_over(bytes);
    TRY(read_module(&d, &file));
    *out = d.module; // last, so that a failure leaves the caller's value alone
    return ERR_OK;
}
