// SPDX-License-Identifier: GPL-3.0-or-later
// The sections that hold a module's contents: element segments, bodies and data segments. Bodies
// and data are found here and not looked at; of a body, its locals are.
#include "core/wasm/decoder.h"
#include "core/wasm/encoding.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"

// The bits of an element segment's first number, section 5.5.12.
enum {
    ELEM_NOT_ACTIVE = 1,  // passive, or declarative when the next bit is set too
    ELEM_HAS_TABLE = 2,   // of an active one: it names its table
    ELEM_EXPRESSIONS = 4, // items are expressions, not function indices
    ELEM_FLAGS = 7,
};

// The type of the items, where the flags say that there is one.
static enum err read_elem_type(struct wasm_decoder *d, u32 flags, u8 *out)
{
    *out = WASM_FUNCREF;
    if ((flags & (ELEM_NOT_ACTIVE | ELEM_HAS_TABLE)) == 0) {
        return ERR_OK;
    }
    if (flags & ELEM_EXPRESSIONS) {
        return wasm_read_ref_type(&d->in, d->module->features, out, d->report);
    }
    u64 offset = reader_offset(&d->in);
    u8 kind;
    TRY(read_byte(d, &kind));
    return kind == 0 ? ERR_OK : malformed(d, offset, "malformed element kind");
}

// What stands before the items of a segment.
static enum err read_elem_head(struct wasm_decoder *d, struct wasm_elem *out)
{
    *out = (struct wasm_elem){0};
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
    NEW_ROOM(d, out->items, struct wasm_elem_item, out->count);
    out->items_offset = reader_offset(&d->in);
    d->elem_flags = flags;
    return ERR_OK;
}

static enum err read_elem_item(struct wasm_decoder *d, struct wasm_elem_item *out)
{
    if (d->elem_flags & ELEM_EXPRESSIONS) {
        struct wasm_const value = {0};
        TRY(read_const(d, &value));
        *out =
            (struct wasm_elem_item){.index = value.index, .kind = value.kind, .type = value.type};
        return ERR_OK;
    }
    *out = (struct wasm_elem_item){.kind = WASM_CONST_FUNCTION, .type = WASM_FUNCREF};
    return read_u32(d, &out->index);
}

enum err wasm_decoder_read_elem(struct wasm_decoder *d, u32 index)
{
    struct wasm_elem *elem = &d->module->elems[index];
    if (!d->is_inside) {
        TRY(read_elem_head(d, elem));
        d->is_inside = true;
        d->inner = 0;
    }
    for (; d->inner < elem->count; d->inner++) {
        if (is_spent(d)) {
            return ERR_PAUSED;
        }
        size_t left = reader_left(&d->in);
        TRY(read_elem_item(d, &elem->items[d->inner]));
        d->work -= WASM_WORK_ITEM + (i64)(left - reader_left(&d->in));
    }
    d->is_inside = false;
    return ERR_OK;
}

enum err wasm_decoder_open_elems(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_SEGMENTS, "too many element segments", &d->count));
    m->elem_count = d->count;
    NEW_ROOM(d, m->elems, struct wasm_elem, d->count);
    return ERR_OK;
}

// The declared locals of a body. How many there are is added up and never allocated.
static enum err read_locals(struct wasm_decoder *d, struct wasm_body *out)
{
    u64 offset = reader_offset(&d->in);
    TRY(read_count(d, WASM_LOCAL_RUNS, "too many declarations of locals", &out->local_run_count));
    struct wasm_local_run *runs = NULL;
    if (out->local_run_count != 0) {
        NEW_ARRAY(d, runs, struct wasm_local_run, out->local_run_count);
    }
    u64 total = 0;
    for (u32 i = 0; i < out->local_run_count; i++) {
        runs[i].first = (u32)total;
        TRY(read_u32(d, &runs[i].count));
        TRY(wasm_read_value_type(&d->in, d->module->features, &runs[i].type, d->report));
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

enum err wasm_decoder_read_body(struct wasm_decoder *d, u32 index)
{
    struct wasm_body *out = &d->module->bodies[index];
    *out = (struct wasm_body){0};
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
    d->skipped = out->code.size;
    if (out->code.size > d->module->body_bytes_longest) {
        d->module->body_bytes_longest = out->code.size;
    }
    return ERR_OK;
}

enum err wasm_decoder_open_code(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_FUNCTIONS, "too many functions", &d->count));
    if (d->count > m->function_count - m->function_import_count) { // fewer: see finish
        return malformed(d, reader_offset(&d->in),
                         "function and code section have inconsistent lengths");
    }
    d->body_count = d->count;
    return ERR_OK;
}

enum err wasm_decoder_read_data(struct wasm_decoder *d, u32 index)
{
    struct wasm_data *out = &d->module->datas[index];
    *out = (struct wasm_data){0};
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
    TRY(read_sized(d, &out->bytes));
    d->skipped = out->bytes.size;
    return ERR_OK;
}

enum err wasm_decoder_open_datas(struct wasm_decoder *d)
{
    struct wasm_module *m = d->module;
    TRY(read_count(d, WASM_SEGMENTS, "too many data segments", &d->count));
    m->data_count = d->count;
    NEW_ROOM(d, m->datas, struct wasm_data, d->count);
    return ERR_OK;
}

enum err wasm_decoder_open_data_count(struct wasm_decoder *d)
{
    d->module->has_data_count = true;
    return read_u32(d, &d->module->data_count_declared);
}
