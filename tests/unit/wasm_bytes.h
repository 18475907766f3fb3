// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/wasm_bytes.h: writes WebAssembly modules byte by byte, sound ones and others.
//
// Use     wasm_bytes_begin; for each section put_section, what it holds, end_section; then
//         wasm_bytes_span; wasm_bytes_free.
// Owner   the struct owns the bytes.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct wasm_bytes {
    u8 *data;
    size_t size;
    size_t capacity;
    size_t open; // where the length of the innermost open section or body stands; 0: none
};

// Starts with magic and version.
struct wasm_bytes wasm_bytes_begin(void);
void wasm_bytes_free(struct wasm_bytes *bytes);
struct span wasm_bytes_span(const struct wasm_bytes *bytes);

void put_u8(struct wasm_bytes *bytes, u8 value);
void put_bytes(struct wasm_bytes *bytes, const void *data, size_t size);
// LEB128, unsigned and signed.
void put_u32(struct wasm_bytes *bytes, u32 value);
void put_i32(struct wasm_bytes *bytes, i32 value);
void put_name(struct wasm_bytes *bytes, const char *name);
// The same byte `count` times.
void put_run(struct wasm_bytes *bytes, u8 value, size_t count);

// A section: its id and a length that end_section fills in. Not nested.
void put_section(struct wasm_bytes *bytes, u8 id);
void end_section(struct wasm_bytes *bytes);

// A function body inside the code section: a length of its own, filled in by end_body.
size_t put_body(struct wasm_bytes *bytes);
void end_body(struct wasm_bytes *bytes, size_t body);

// The type section with the one type () -> (), the function section with `count` functions of it,
// and nothing else.
void put_plain_functions(struct wasm_bytes *bytes, u32 count);

// A literal's bytes, without its terminating zero.
#define PUT(bytes, literal) put_bytes(bytes, literal, sizeof(literal) - 1)
