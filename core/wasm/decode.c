// SPDX-License-Identifier: GPL-3.0-or-later
// Each section has a function that opens it, one for an item, and perhaps one that closes it, in
// the order of the file; what walks through them can stop behind any item. Every vector's count is
// held against the bytes that are left before anything is allocated for it, so memory stays in
// proportion to the file.
#include "core/wasm/decode.h"
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/wasm/decoder.h"
#include "core/wasm/encoding.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
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
    SECTION_TAG, // with WASM_EXCEPTIONS
    SECTION_COUNT
};

static enum err read_name(struct wasm_decoder *d, struct span *out)
{
    u64 offset = reader_offset(&d->in);
    struct span name;
    TRY(read_sized(d, &name));
    if (name.size > WASM_NAME_BYTES) {
        return report_err(d->report, ERR_LIMIT, offset, "a name is too long");
    }
    if (!utf8_is_valid(name)) {
        return malformed(d, offset, "malformed UTF-8 encoding");
    }
    *out = name;
    return ERR_OK;
}

// The bits of the byte before limits.
enum { LIMITS_HAVE_MAX = 1, LIMITS_SHARED = 2 };

//   known  the bits that it may have
static enum err read_limits(struct wasm_decoder *d, u8 known, struct wasm_limits *out)
{
    struct wasm_limits limits = {.max = UINT32_MAX};
    u64 offset = reader_offset(&d->in);
    u8 flags;
    TRY(read_byte(d, &flags));
    if ((flags & ~known) != 0) { // in Core 2.0 a LEB128 of one bit
        return malformed(d, offset,
                         flags & 0x80 ? "integer representation too long" : "integer too large");
    }
    TRY(read_u32(d, &limits.min));
    limits.is_shared = (flags & LIMITS_SHARED) != 0;
    if ((flags & LIMITS_HAVE_MAX) != 0) {
        limits.has_max = true;
        TRY(read_u32(d, &limits.max));
    }
    *out = limits;
    return ERR_OK;
}

static enum err read_table_type(struct wasm_decoder *d, struct wasm_table_type *out)
{
    TRY(wasm_read_ref_type(&d->in, d->module->features, &out->element, d->report));
    return read_limits(d, LIMITS_HAVE_MAX, &out->limits);
}

static enum err read_memory_type(struct wasm_decoder *d, struct wasm_memory_type *out)
{
    bool has_threads = (d->module->features & WASM_THREADS) != 0;
    u8 known = has_threads ? LIMITS_HAVE_MAX | LIMITS_SHARED : LIMITS_HAVE_MAX;
    return read_limits(d, known, &out->limits);
}

static enum err read_global_type(struct wasm_decoder *d, struct wasm_global_type *out)
{
    TRY(wasm_read_value_type(&d->in, d->module->features, &out->type, d->report));
    u64 offset = reader_offset(&d->in);
    u8 is_mutable;
    TRY(read_byte(d, &is_mutable));
    if (is_mutable > 1) {
        return malformed(d, offset, "malformed mutability");
    }
    out->is_mutable = is_mutable == 1;
    return ERR_OK;
}

static enum err read_tag_type(struct wasm_decoder *d, u32 *out)
{
    u64 offset = reader_offset(&d->in);
    u8 attribute;
    TRY(read_byte(d, &attribute));
    if (attribute != 0) { // what is thrown is an exception; there is nothing else
        return malformed(d, offset, "malformed tag attribute");
    }
    return read_u32(d, out);
}

// What the type says of slots. Offsets are written out only where they are not the indices.
static enum err count_slots(struct wasm_decoder *d, struct wasm_func_type *type)
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

static enum err read_type(struct wasm_decoder *d, u32 index)
{
    struct wasm_func_type *out = &d->module->types[index];
    *out = (struct wasm_func_type){0};
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
        TRY(wasm_read_value_type(&d->in, d->module->features, &types[i], d->report));
    }
    TRY(read_u32(d, &count));
    for (u32 i = 0; i < out->result_count; i++) {
        TRY(wasm_read_value_type(&d->in, d->module->features, &types[out->param_count + i],
                                 d->report));
    }
    out->types = types;
    u32 hash = sort_hash(types, out->param_count + out->result_count);
    d->type_keys[index] = (u64)(hash + out->param_count) << 32 | index;
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

static enum err open_types(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_TYPES, "too many types", &d->count));
    m->type_count = d->count;
    NEW_ROOM(d, m->types, struct wasm_func_type, d->count);
    NEW_ROOM(d, d->type_keys, u64, d->count);
    NEW_ROOM(d, d->type_keys_other, u64, d->count);
    return ERR_OK;
}

static enum err types_number(struct wasm_decoder *d)
{
    struct wasm_func_type *types = d->module->types;
    const u64 *keys = d->type_sort.keys;
    for (; d->inner < d->count; d->inner++) {
        if (is_spent(d)) {
            return ERR_PAUSED;
        }
        d->work -= WASM_WORK_ITEM;
        u32 i = (u32)keys[d->inner];
        u32 previous = d->inner == 0 ? i : (u32)keys[d->inner - 1];
        bool is_same = previous != i && type_compare(&types[previous], &types[i]) == 0;
        types[i].canonical = is_same ? types[previous].canonical : i;
    }
    return ERR_OK;
}

// Gives equal types one number. Sorting bounds the work whatever the types are; a hash table would
// not.
static enum err close_types(struct wasm_decoder *d)
{
    if (!d->is_inside) {
        sort_begin(&d->type_sort, d->type_keys, d->type_keys_other, d->count, type_before,
                   d->module->types);
        d->is_inside = true;
    }
    while (!sort_step(&d->type_sort, WASM_WORK_SORT_MOVES)) {
        if (is_spent(d)) {
            return ERR_PAUSED;
        }
        d->work -= WASM_WORK_SORT;
    }
    TRY(types_number(d));
    d->is_inside = false;
    d->inner = 0;
    return ERR_OK;
}

static enum err read_import(struct wasm_decoder *d, u32 index)
{
    struct wasm_import *out = &d->module->imports[index];
    *out = (struct wasm_import){0};
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
        return read_memory_type(d, &out->memory);
    case WASM_GLOBAL:
        d->module->global_import_count++;
        return read_global_type(d, &out->global);
    case WASM_TAG:
        if ((d->module->features & WASM_EXCEPTIONS) == 0) {
            break;
        }
        d->module->tag_import_count++;
        return read_tag_type(d, &out->tag_type);
    }
    return malformed(d, offset, "malformed import kind");
}

static enum err open_imports(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_IMPORTS, "too many imports", &d->count));
    m->import_count = d->count;
    NEW_ROOM(d, m->imports, struct wasm_import, d->count);
    return ERR_OK;
}

// Each *_begin makes an index space of what is imported and room for `count` more.

static enum err check_space(struct wasm_decoder *d, u32 imported, u32 count, u32 limit,
                            const char *text)
{
    ASSERT(imported <= WASM_IMPORTS);
    return count <= limit && imported <= limit - count
               ? ERR_OK
               : report_err(d->report, ERR_LIMIT, reader_offset(&d->in), text);
}

static enum err functions_begin(struct wasm_decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    TRY(check_space(d, m->function_import_count, count, WASM_FUNCTIONS, "too many functions"));
    m->function_count = m->function_import_count + count;
    NEW_ROOM(d, m->function_types, u32, m->function_count);
    NEW_ROOM(d, m->bodies, struct wasm_body, count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_FUNCTION) {
            m->function_types[at++] = m->imports[i].function_type;
        }
    }
    return ERR_OK;
}

static enum err tables_begin(struct wasm_decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    TRY(check_space(d, m->table_import_count, count, WASM_TABLES, "too many tables"));
    m->table_count = m->table_import_count + count;
    NEW_ROOM(d, m->tables, struct wasm_table_type, m->table_count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_TABLE) {
            m->tables[at++] = m->imports[i].table;
        }
    }
    return ERR_OK;
}

// More memories than one are well formed; the validator refuses them.
static enum err memories_begin(struct wasm_decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    m->memory_count = m->memory_import_count + count;
    NEW_ROOM(d, m->memories, struct wasm_memory_type, m->memory_count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_MEMORY) {
            m->memories[at++] = m->imports[i].memory;
        }
    }
    return ERR_OK;
}

static enum err globals_begin(struct wasm_decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    TRY(check_space(d, m->global_import_count, count, WASM_GLOBALS, "too many globals"));
    m->global_count = m->global_import_count + count;
    NEW_ROOM(d, m->globals, struct wasm_global_type, m->global_count);
    NEW_ROOM(d, m->global_inits, struct wasm_const, count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_GLOBAL) {
            m->globals[at++] = m->imports[i].global;
        }
    }
    return ERR_OK;
}

static enum err tags_begin(struct wasm_decoder *d, u32 count)
{
    struct wasm_module *m = d->module;
    TRY(check_space(d, m->tag_import_count, count, WASM_TAGS, "too many tags"));
    m->tag_count = m->tag_import_count + count;
    NEW_ROOM(d, m->tag_types, u32, m->tag_count);
    for (u32 i = 0, at = 0; i < m->import_count; i++) {
        if (m->imports[i].kind == WASM_TAG) {
            m->tag_types[at++] = m->imports[i].tag_type;
        }
    }
    return ERR_OK;
}

static enum err open_functions(struct wasm_decoder *d)
{
    TRY(read_count(d, WASM_FUNCTIONS, "too many functions", &d->count));
    return functions_begin(d, d->count);
}

static enum err read_function(struct wasm_decoder *d, u32 index)
{
    return read_u32(d, &d->module->function_types[d->module->function_import_count + index]);
}

static enum err open_tables(struct wasm_decoder *d)
{
    TRY(read_count(d, WASM_TABLES, "too many tables", &d->count));
    return tables_begin(d, d->count);
}

static enum err read_table(struct wasm_decoder *d, u32 index)
{
    struct wasm_table_type *type = &d->module->tables[d->module->table_import_count + index];
    TRY(read_table_type(d, type));
    d->module->holds_exnrefs |= type->element == WASM_EXNREF;
    return ERR_OK;
}

static enum err open_memories(struct wasm_decoder *d)
{
    TRY(read_count(d, UINT32_MAX - WASM_IMPORTS, "too many memories", &d->count));
    return memories_begin(d, d->count);
}

static enum err read_memory(struct wasm_decoder *d, u32 index)
{
    return read_memory_type(d, &d->module->memories[d->module->memory_import_count + index]);
}

static enum err open_globals(struct wasm_decoder *d)
{
    TRY(read_count(d, WASM_GLOBALS, "too many globals", &d->count));
    return globals_begin(d, d->count);
}

static enum err read_global(struct wasm_decoder *d, u32 index)
{
    struct wasm_module *m = d->module;
    struct wasm_global_type *type = &m->globals[m->global_import_count + index];
    TRY(read_global_type(d, type));
    m->holds_exnrefs |= type->type == WASM_EXNREF;
    return read_const(d, &m->global_inits[index]);
}

static enum err open_tags(struct wasm_decoder *d)
{
    TRY(read_count(d, WASM_TAGS, "too many tags", &d->count));
    return tags_begin(d, d->count);
}

static enum err read_tag(struct wasm_decoder *d, u32 index)
{
    return read_tag_type(d, &d->module->tag_types[d->module->tag_import_count + index]);
}

static enum err open_exports(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_EXPORTS, "too many exports", &d->count));
    m->export_count = d->count;
    NEW_ROOM(d, m->exports, struct wasm_export, d->count);
    return ERR_OK;
}

static enum err read_export(struct wasm_decoder *d, u32 index)
{
    struct wasm_export *export = &d->module->exports[index];
    TRY(read_name(d, &export->name));
    u64 offset = reader_offset(&d->in);
    TRY(read_byte(d, &export->kind));
    bool has_tags = (d->module->features & WASM_EXCEPTIONS) != 0;
    if (export->kind > (has_tags ? WASM_TAG : WASM_GLOBAL)) {
        return malformed(d, offset, "malformed export kind");
    }
    return read_u32(d, &export->index);
}

static enum err open_start(struct wasm_decoder *d)
{
    d->module->has_start = true;
    return read_u32(d, &d->module->start);
}

static enum err open_custom(struct wasm_decoder *d)
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
        NEW_ROOM(d, customs, struct wasm_custom, capacity);
        mem_copy(customs, m->customs, m->custom_count * sizeof *customs);
        m->customs = customs;
        d->custom_capacity = capacity;
    }
    m->customs[m->custom_count++] = custom;
    if (m->names.data == NULL && span_equal(custom.name, SPAN_LITERAL("name"))) {
        wasm_names_check_begin(&d->names, custom.bytes);
        d->is_inside = true;
    }
    return ERR_OK;
}

// What a name section holds is looked through before anybody may use it.
static enum err close_custom(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    enum err err = d->is_inside ? wasm_names_check_step(&d->names, &d->work) : ERR_OK;
    if (err == ERR_PAUSED) {
        return err;
    }
    if (d->is_inside && err == ERR_OK) {
        m->names = m->customs[m->custom_count - 1].bytes;
    }
    d->is_inside = false;
    return ERR_OK;
}

// `item` and `close` return ERR_PAUSED where they want to go on with the same when called again.
// `begin` makes the index space of a section that is absent.
static const struct section {
    u8 rank; // sections other than custom ones stand in this order, each once at most
    enum err (*open)(struct wasm_decoder *d); // what stands before the items; sets their count
    enum err (*item)(struct wasm_decoder *d, u32 index);
    enum err (*close)(struct wasm_decoder *d);
    enum err (*begin)(struct wasm_decoder *d, u32 count);
} sections[SECTION_COUNT] = {
    [SECTION_CUSTOM] = {0, open_custom, NULL, close_custom, NULL},
    [SECTION_TYPE] = {1, open_types, read_type, close_types, NULL},
    [SECTION_IMPORT] = {2, open_imports, read_import, NULL, NULL},
    [SECTION_FUNCTION] = {3, open_functions, read_function, NULL, functions_begin},
    [SECTION_TABLE] = {4, open_tables, read_table, NULL, tables_begin},
    [SECTION_MEMORY] = {5, open_memories, read_memory, NULL, memories_begin},
    [SECTION_TAG] = {6, open_tags, read_tag, NULL, tags_begin},
    [SECTION_GLOBAL] = {7, open_globals, read_global, NULL, globals_begin},
    [SECTION_EXPORT] = {8, open_exports, read_export, NULL, NULL},
    [SECTION_START] = {9, open_start, NULL, NULL, NULL},
    [SECTION_ELEMENT] = {10, wasm_decoder_open_elems, wasm_decoder_read_elem, NULL, NULL},
    [SECTION_DATA_COUNT] = {11, wasm_decoder_open_data_count, NULL, NULL, NULL},
    [SECTION_CODE] = {12, wasm_decoder_open_code, wasm_decoder_read_body, NULL, NULL},
    [SECTION_DATA] = {13, wasm_decoder_open_datas, wasm_decoder_read_data, NULL, NULL},
};

// Makes the index spaces of the sections absent between the one of rank `from` and the one of rank
// `to`.
static enum err begin_absent(struct wasm_decoder *d, u32 from, u32 to)
{
    for (u32 id = 0; id < SECTION_COUNT; id++) {
        if (sections[id].begin != NULL && sections[id].rank > from && sections[id].rank < to) {
            TRY(sections[id].begin(d, 0));
        }
    }
    return ERR_OK;
}

// Reads what stands before the items of the next section.
static enum err open_section(struct wasm_decoder *d)
{
    u64 offset = reader_offset(&d->file);
    u8 id;
    TRY(reader_u8(&d->file, &id, d->report));
    bool is_known =
        id < SECTION_TAG || (id == SECTION_TAG && (d->module->features & WASM_EXCEPTIONS) != 0);
    if (!is_known) {
        return malformed(d, offset, "malformed section id");
    }
    u32 size;
    TRY(reader_leb_u32(&d->file, &size, d->report));
    if (size > reader_left(&d->file)) {
        return malformed(d, offset, "length out of bounds");
    }
    if (id != SECTION_CUSTOM) {
        if (sections[id].rank <= d->rank) {
            return malformed(d, offset, "unexpected content after last section");
        }
        TRY(begin_absent(d, d->rank, sections[id].rank));
        d->rank = sections[id].rank;
    }
    TRY(reader_sub(&d->file, size, &d->in, d->report));
    d->id = id;
    d->count = 0;
    d->index = 0;
    TRY(sections[id].open(d));
    d->is_open = true;
    return ERR_OK;
}

static enum err read_items(struct wasm_decoder *d)
{
    enum err (*item)(struct wasm_decoder *d, u32 index) = sections[d->id].item;
    for (; d->index < d->count; d->index++) {
        if (is_spent(d)) {
            return ERR_PAUSED;
        }
        size_t left = reader_left(&d->in);
        d->skipped = 0;
        TRY(item(d, d->index));
        d->work -= WASM_WORK_ITEM + (i64)(left - reader_left(&d->in) - d->skipped);
    }
    return ERR_OK;
}

// Goes on with the section that is open.
static enum err read_section(struct wasm_decoder *d)
{
    TRY(read_items(d));
    if (sections[d->id].close != NULL) {
        TRY(sections[d->id].close(d));
    }
    if (reader_left(&d->in) != 0) {
        return malformed(d, reader_offset(&d->in), "section size mismatch");
    }
    d->is_open = false;
    return ERR_OK;
}

static enum err read_header(struct wasm_decoder *d)
{
    struct span magic;
    TRY(reader_bytes(&d->file, 4, &magic, d->report));
    if (!span_equal(magic, SPAN_LITERAL("\0asm"))) {
        return malformed(d, 0, "magic header not detected");
    }
    u32 version;
    TRY(reader_u32_le(&d->file, &version, d->report));
    return version == 1 ? ERR_OK : malformed(d, 4, "unknown binary version");
}

static enum err finish(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(begin_absent(d, d->rank, sections[SECTION_DATA].rank + 1));
    if (d->body_count != m->function_count - m->function_import_count) {
        return malformed(d, reader_offset(&d->file),
                         "function and code section have inconsistent lengths");
    }
    if (m->has_data_count && m->data_count_declared != m->data_count) {
        return malformed(d, reader_offset(&d->file),
                         "data count and data section have inconsistent lengths");
    }
    return ERR_OK;
}

static enum err read_module(struct wasm_decoder *d)
{
    if (!d->has_header) {
        TRY(read_header(d));
        d->has_header = true;
    }
    while (d->is_open || reader_left(&d->file) != 0) {
        if (is_spent(d)) {
            return ERR_PAUSED;
        }
        if (!d->is_open) {
            d->work -= WASM_WORK_ITEM;
            TRY(open_section(d));
        }
        TRY(read_section(d));
    }
    return finish(d);
}

enum err wasm_decoder_begin(struct span bytes, u32 features, struct arena *arena,
                            struct wasm_decoder **out, struct report *report)
{
    if (bytes.size > WASM_MODULE_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "the module is too long");
    }
    struct wasm_decoder *d = ARENA_NEW(arena, struct wasm_decoder);
    struct wasm_module *module = ARENA_NEW(arena, struct wasm_module);
    if (d == NULL || module == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "out of memory");
    }
    *module = (struct wasm_module){.arena = arena, .bytes = bytes, .features = features};
    *d = (struct wasm_decoder){
        .module = module,
        .arena = arena,
        .file = reader_over(bytes),
        .in = reader_over(bytes),
    };
    *out = d;
    return ERR_OK;
}

enum err wasm_decoder_step(struct wasm_decoder *decoder, i64 *work, struct wasm_module **out,
                           struct report *report)
{
    decoder->report = report;
    decoder->work = *work;
    enum err err = read_module(decoder);
    *work = decoder->work;
    if (err == ERR_OK) {
        *out = decoder->module; // last, so that a failure leaves the caller's value alone
    }
    return err;
}

enum err wasm_module_decode(struct span bytes, struct arena *arena, struct wasm_module **out,
                            struct report *report)
{
    struct wasm_decoder *decoder;
    TRY(wasm_decoder_begin(bytes, WASM_FEATURES_ALL, arena, &decoder, report));
    i64 work = INT64_MAX;
    return wasm_decoder_step(decoder, &work, out, report);
}
