// SPDX-License-Identifier: GPL-3.0-or-later
// tests/interfaces/values.h: what the tests made by bindings.py and their driver, values.c, share.
#pragma once
#include "core/base/wire.h"

// A call's or a result's body.
struct body_test {
    const char *name;
    size_t (*encode)(void *buffer, size_t capacity, const void *value);
    // Decodes, and encodes again what came out.
    enum err (*decode)(struct span body, void *buffer, size_t capacity, size_t *size);
    const void *values;
    size_t value_size;
    const struct span *bytes; // what each value must encode to
    u32 value_count;
};

extern const struct body_test *const all_bodies[]; // of each interface; NULL ends it
extern u8 buffer_for_walk[1 << 20];

// A list was walked and its items were written again.
void check_walk(bool whole, const struct wire_writer *out, struct span encoded);
