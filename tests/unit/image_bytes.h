// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/image_bytes.h: kept code written by hand (core/jit/image.h), sound or not, with hashes
// that are right; and a module that it could be of.
//
// Use     image_bytes_wrap around a part; image_bytes_open to read it.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct jit_image;
struct report;
struct wasm_module;

enum { IMAGE_HEADER_BYTES = 88, IMAGE_ENTRY_BYTES = 40, IMAGE_BODY_BYTES = 100 };

// Three imported functions, five defined ones with bodies of IMAGE_BODY_BYTES, and three types, of
// which the last is equal to the first.
extern const struct wasm_module image_module;
extern const u8 image_name[32];

// In the place of SHA-256: any changed byte changes it.
void image_hash(struct span bytes, u8 out[32]);

// Header, table and the one part, in `out`. Returns how many bytes.
size_t image_bytes_wrap(struct span part, u32 functions, u8 *out, size_t size);
// Makes the hash of the header right again.
void image_bytes_rehash(u8 *image, u32 part_count);

// Opens and checks all of it.
enum err image_bytes_open(struct span bytes, const struct wasm_module *module, struct arena *arena,
                          struct jit_image *image, struct report *report);
