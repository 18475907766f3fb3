// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/wire.h: what generated code stands on: an interface's definition, and the writer and
// reader of message bodies.
//
// Use     nobody calls the writer and reader by hand: build/gen/interfaces/*.{h,c} do. A definition
//         and a message are what kernel, devices and programs pass around.
// Writing counts all bytes and keeps those that fit, so the same call asks for the size (capacity
//         0) and writes. What it is given is not checked: a bad value is refused by whoever reads
//         it.
// Reading is one pass. The first thing wrong makes the reader `failed` and empty: every later read
//         gives zeros and costs nothing, so only the end of a body has to look. Strings and byte
//         lists point into the input.
// Source  docs/wire.md.
#pragma once
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/base/types.h"

// ---- definitions

struct interface_function {
    u8 hash[32];      // F; its first 8 bytes, little-endian, are the function's id
    u64 id;           //
    const char *name; // zero-terminated
};

struct interface_definition {
    u8 hash[32];       // I
    const char *name;  // qualified: "redshirt:io/log"
    const char *words; // what it gives, for people: the comment before it, on one line
    const struct interface_function *functions;
    u32 function_count;
};

// A message as a dispatch function takes it, from a kernel_event or an rt_event.
struct interface_message {
    u64 id;       // 0: no answer wanted
    u64 function; // id of the function
    u64 client;   // opaque, one for each bond
    struct span body;
};

// The bytes whose SHA-256 is an interface's hash I (docs/interfaces.md), in `out`. Returns their
// count, or 0 when they would not fit: INTERFACE_PREIMAGE_BYTES fits whatever is within the limits
// below.
//   functions  one F after another, in any order, each once
enum {
    INTERFACE_FUNCTIONS = 256,  // of one interface; a table of ids stays small
    INTERFACE_NAME_BYTES = 256, // "namespace:package/name"
    INTERFACE_PREIMAGE_BYTES = 4 + 18 + 4 + INTERFACE_NAME_BYTES + 4 + 32 * INTERFACE_FUNCTIONS,
};
size_t interface_preimage(struct span name, const u8 (*functions)[32], u32 function_count, u8 *out,
                          size_t capacity);

// ---- writing

struct wire_writer {
    u8 *data;
    size_t capacity;
    size_t size; // bytes of the whole body; beyond capacity: they were counted only
};

static inline struct wire_writer wire_writer_over(void *data, size_t capacity)
{
    return (struct wire_writer){(u8 *)data, capacity, 0};
}

// Room for `size` more bytes, or NULL when they are only counted.
static inline u8 *wire_writer_take(struct wire_writer *out, size_t size)
{
    size_t start = out->size;
    size_t end;
    if (UNLIKELY(__builtin_add_overflow(start, size, &end))) {
        end = SIZE_MAX;
    }
    out->size = end;
    return LIKELY(end <= out->capacity) ? out->data + start : NULL;
}

static inline void wire_write_u8(struct wire_writer *out, u8 value)
{
    u8 *to = wire_writer_take(out, 1);
    if (LIKELY(to != NULL)) {
        *to = value;
    }
}

static inline void wire_write_u16(struct wire_writer *out, u16 value)
{
    u8 *to = wire_writer_take(out, sizeof value);
    if (LIKELY(to != NULL)) {
        mem_store_u16(to, value);
    }
}

static inline void wire_write_u32(struct wire_writer *out, u32 value)
{
    u8 *to = wire_writer_take(out, sizeof value);
    if (LIKELY(to != NULL)) {
        mem_store_u32(to, value);
    }
}

static inline void wire_write_u64(struct wire_writer *out, u64 value)
{
    u8 *to = wire_writer_take(out, sizeof value);
    if (LIKELY(to != NULL)) {
        mem_store_u64(to, value);
    }
}

static inline void wire_write_bool(struct wire_writer *out, bool value)
{
    wire_write_u8(out, value ? 1 : 0);
}

static inline void wire_write_f32(struct wire_writer *out, f32 value)
{
    u32 bits;
    mem_copy(&bits, &value, sizeof bits);
    wire_write_u32(out, bits);
}

static inline void wire_write_f64(struct wire_writer *out, f64 value)
{
    u64 bits;
    mem_copy(&bits, &value, sizeof bits);
    wire_write_u64(out, bits);
}

// Bytes as they are, without their count.
void wire_write_raw(struct wire_writer *out, struct span bytes);
// A string or a byte list: u32 count, bytes.
void wire_write_bytes(struct wire_writer *out, struct span bytes);

// ---- reading

struct wire_reader {
    const u8 *next;
    const u8 *end;
    bool failed;
};

static inline struct wire_reader wire_reader_over(struct span bytes)
{
    const u8 *start = bytes.data;
    return (struct wire_reader){start, bytes.size == 0 ? start : start + bytes.size, false};
}

static inline size_t wire_reader_left(const struct wire_reader *in)
{
    return (size_t)(in->end - in->next);
}

static inline void wire_reader_fail(struct wire_reader *in)
{
    in->next = in->end;
    in->failed = true;
}

// The next `size` bytes, or NULL when there are fewer: then the reader has failed. Never NULL
// otherwise but for size 0.
static inline const u8 *wire_reader_take(struct wire_reader *in, size_t size)
{
    if (UNLIKELY(size > wire_reader_left(in))) {
        wire_reader_fail(in);
        return NULL;
    }
    const u8 *start = in->next;
    if (size != 0) {
        in->next += size;
    }
    return start;
}

// What a whole body must satisfy at its end: nothing went wrong, nothing is left.
static inline enum err wire_reader_finish(const struct wire_reader *in)
{
    return in->failed || in->next != in->end ? ERR_MALFORMED : ERR_OK;
}

static inline u8 wire_read_u8(struct wire_reader *in)
{
    const u8 *from = wire_reader_take(in, 1);
    return from == NULL ? 0 : *from;
}

static inline u16 wire_read_u16(struct wire_reader *in)
{
    const u8 *from = wire_reader_take(in, sizeof(u16));
    return from == NULL ? 0 : mem_load_u16(from);
}

static inline u32 wire_read_u32(struct wire_reader *in)
{
    const u8 *from = wire_reader_take(in, sizeof(u32));
    return from == NULL ? 0 : mem_load_u32(from);
}

static inline u64 wire_read_u64(struct wire_reader *in)
{
    const u8 *from = wire_reader_take(in, sizeof(u64));
    return from == NULL ? 0 : mem_load_u64(from);
}

// A number below `count`: the case of an enum or variant, a bool (2), whether an option is there
// (2).
static inline u8 wire_read_case(struct wire_reader *in, u32 count)
{
    u8 value = wire_read_u8(in);
    if (UNLIKELY(value >= count)) {
        wire_reader_fail(in);
        return 0;
    }
    return value;
}

static inline bool wire_read_bool(struct wire_reader *in)
{
    return wire_read_case(in, 2) == 1;
}

static inline f32 wire_read_f32(struct wire_reader *in)
{
    u32 bits = wire_read_u32(in);
    f32 value;
    mem_copy(&value, &bits, sizeof value);
    return value;
}

static inline f64 wire_read_f64(struct wire_reader *in)
{
    u64 bits = wire_read_u64(in);
    f64 value;
    mem_copy(&value, &bits, sizeof value);
    return value;
}

// The bits of a flags value, of which those of `mask` exist; the others must be zero.
static inline u32 wire_check_flags(struct wire_reader *in, u32 bits, u32 mask)
{
    if (UNLIKELY((bits & ~mask) != 0)) {
        wire_reader_fail(in);
        return 0;
    }
    return bits;
}

// A Unicode scalar value.
u32 wire_read_char(struct wire_reader *in);
// A byte list, in place.
struct span wire_read_bytes(struct wire_reader *in);
// A string, in place; fails when it is not UTF-8.
struct span wire_read_string(struct wire_reader *in);
// The count of a list whose items take at least `item_bytes` bytes each. Fails, giving 0, when that
// many cannot be in what is left.
u32 wire_read_count(struct wire_reader *in, u32 item_bytes);
