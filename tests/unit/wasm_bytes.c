// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/wasm_bytes.h"
#include "core/base/assert.h"
#include <stdlib.h>

enum { LENGTH_BYTES = 5 }; // a LEB128 u32, spelled as long as it may be

void put_bytes(struct wasm_bytes *bytes, const void *data, size_t size)
{
    while (size > bytes->capacity - bytes->size) {
        bytes->capacity = bytes->capacity == 0 ? 256 : bytes->capacity * 2;
        bytes->data = realloc(bytes->data, bytes->capacity);
        ASSERT(bytes->data != NULL);
    }
    mem_copy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void put_u8(struct wasm_bytes *bytes, u8 value)
{
    put_bytes(bytes, &value, 1);
}

void put_u32(struct wasm_bytes *bytes, u32 value)
{
    while (value >= 0x80) {
        put_u8(bytes, (u8)(value | 0x80));
        value >>= 7;
    }
    put_u8(bytes, (u8)value);
}

void put_i32(struct wasm_bytes *bytes, i32 value)
{
    while (value < -0x40 || value > 0x3f) {
        put_u8(bytes, (u8)(value | 0x80));
        value >>= 7;
    }
    put_u8(bytes, (u8)(value & 0x7f));
}

void put_name(struct wasm_bytes *bytes, const char *name)
{
    struct span span = span_string(name);
    put_u32(bytes, (u32)span.size);
    put_bytes(bytes, span.data, span.size);
}

void put_run(struct wasm_bytes *bytes, u8 value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_u8(bytes, value);
    }
}

struct wasm_bytes wasm_bytes_begin(void)
{
    struct wasm_bytes bytes = {0};
    PUT(&bytes, "\0asm\1\0\0\0");
    return bytes;
}

void wasm_bytes_free(struct wasm_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct wasm_bytes){0};
}

struct span wasm_bytes_span(const struct wasm_bytes *bytes)
{
    ASSERT(bytes->open == 0);
    return span_of(bytes->data, bytes->size);
}

// Writes how many bytes follow the length at `at`.
static void fill_length(struct wasm_bytes *bytes, size_t at)
{
    size_t size = bytes->size - at - LENGTH_BYTES;
    for (u32 i = 0; i < LENGTH_BYTES; i++) {
        bytes->data[at + i] = (u8)((size >> (7 * i) & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
    }
}

void put_section(struct wasm_bytes *bytes, u8 id)
{
    ASSERT(bytes->open == 0);
    put_u8(bytes, id);
    bytes->open = bytes->size;
    put_run(bytes, 0, LENGTH_BYTES);
}

void end_section(struct wasm_bytes *bytes)
{
    fill_length(bytes, bytes->open);
    bytes->open = 0;
}

size_t put_body(struct wasm_bytes *bytes)
{
    size_t at = bytes->size;
    put_run(bytes, 0, LENGTH_BYTES);
    return at;
}

void end_body(struct wasm_bytes *bytes, size_t body)
{
    fill_length(bytes, body);
}

void put_plain_functions(struct wasm_bytes *bytes, u32 count)
{
    put_section(bytes, 1);
    PUT(bytes, "\x01\x60\x00\x00");
    end_section(bytes);
    put_section(bytes, 3);
    put_u32(bytes, count);
    put_run(bytes, 0, count);
    end_section(bytes);
}
