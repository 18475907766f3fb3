// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/decoder.h: the decoder under way, and how it reads what every section is made of.
// Private to decode*.c.
//
// Errors  a refusal is ERR_MALFORMED unless it says otherwise, at the place that it names.
#pragma once
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/sort.h"
#include "core/base/types.h"
#include "core/wasm/constant.h"
#include "core/wasm/module.h"
#include "core/wasm/names.h"

struct wasm_decoder {
    struct wasm_module *module;
    struct arena *arena;
    struct report *report;
    i64 work; // units left of the step under way
    u32 body_count;
    u32 custom_capacity;
    struct reader file;
    bool has_header;
    u32 rank; // of the last section but custom ones
    // The section being read.
    bool is_open;
    u8 id; // enum section_id
    struct reader in;
    u32 count; // of its items
    u32 index;
    // Inside an item, or at the section's end: how far that has come.
    bool is_inside;
    u32 inner;
    u32 elem_flags;
    size_t skipped; // bytes of the item that nobody looked at
    u64 *type_keys; // the sort's, by hash and index
    u64 *type_keys_other;
    struct sort type_sort;
    struct wasm_names_check names;
};

static inline enum err malformed(struct wasm_decoder *d, u64 offset, const char *text)
{
    return report_err(d->report, ERR_MALFORMED, offset, text);
}

static inline enum err no_memory(struct wasm_decoder *d)
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

// The same without clearing it, for items that are written whole when they are read.
#define NEW_ROOM(d, out, type, count)                                                              \
    do {                                                                                           \
        (out) = ARENA_ROOM((d)->arena, type, count);                                               \
        if ((out) == NULL) {                                                                       \
            return no_memory(d);                                                                   \
        }                                                                                          \
    } while (0)

// Whether the work of this step is used up: ERR_PAUSED is to be returned from where it can go on.
static inline bool is_spent(const struct wasm_decoder *d)
{
    return d->work <= 0;
}

static inline enum err read_byte(struct wasm_decoder *d, u8 *out)
{
    return reader_u8(&d->in, out, d->report);
}

static inline enum err read_u32(struct wasm_decoder *d, u32 *out)
{
    return reader_leb_u32(&d->in, out, d->report);
}

// The count of a vector. Its items take a byte or more each, so the bytes left bound it.
//   limit, text  what it may be at most, and the sentence for when it is more
static inline enum err read_count(struct wasm_decoder *d, u32 limit, const char *text, u32 *out)
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

static inline enum err read_sized(struct wasm_decoder *d, struct span *out)
{
    u64 offset = reader_offset(&d->in);
    u32 size;
    TRY(read_u32(d, &size));
    if (size > reader_left(&d->in)) {
        return malformed(d, offset, "length out of bounds");
    }
    return reader_bytes(&d->in, size, out, d->report);
}

static inline enum err read_const(struct wasm_decoder *d, struct wasm_const *out)
{
    return wasm_const_read(&d->in, d->module->features, out, d->report);
}

// ---- decode_segments.c: opens a section, and reads one of its items
enum err wasm_decoder_open_elems(struct wasm_decoder *d);
enum err wasm_decoder_read_elem(struct wasm_decoder *d, u32 index);
enum err wasm_decoder_open_code(struct wasm_decoder *d);
enum err wasm_decoder_read_body(struct wasm_decoder *d, u32 index);
enum err wasm_decoder_open_datas(struct wasm_decoder *d);
enum err wasm_decoder_read_data(struct wasm_decoder *d, u32 index);
enum err wasm_decoder_open_data_count(struct wasm_decoder *d);
