// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/large_bodies.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/wasm/module.h"

enum { LOCALS_I32 = 200, LOCALS_V128 = 40, VECTORS = LOCALS_I32 + 1 };

// Type 0: (i32) -> i32. Function 0 has LOCALS_I32 more of i32 and LOCALS_V128 of v128; function 1
// does nothing; a memory and a table.
static struct wasm_bytes begin(size_t *body)
{
    struct wasm_bytes bytes = wasm_bytes_begin();
    put_section(&bytes, 1);
    PUT(&bytes, "\x02\x60\x01\x7f\x01\x7f\x60\x00\x00");
    end_section(&bytes);
    put_section(&bytes, 3);
    PUT(&bytes, "\x02\x00\x01");
    end_section(&bytes);
    put_section(&bytes, 4);
    PUT(&bytes, "\x01\x70\x00\x01");
    end_section(&bytes);
    put_section(&bytes, 5);
    PUT(&bytes, "\x01\x00\x01");
    end_section(&bytes);
    put_section(&bytes, 7);
    PUT(&bytes, "\x02\x06memory\x02\x00\x06_start\x00\x01");
    end_section(&bytes);
    put_section(&bytes, 10);
    put_u32(&bytes, 2);
    *body = put_body(&bytes);
    put_u32(&bytes, 2);
    put_u32(&bytes, LOCALS_I32);
    put_u8(&bytes, WASM_I32);
    put_u32(&bytes, LOCALS_V128);
    put_u8(&bytes, WASM_V128);
    return bytes;
}

static void get(struct wasm_bytes *bytes, u32 local)
{
    put_u8(bytes, 0x20);
    put_u32(bytes, local);
}

static void set(struct wasm_bytes *bytes, u32 local)
{
    put_u8(bytes, 0x21);
    put_u32(bytes, local);
}

static void constant(struct wasm_bytes *bytes, u32 value)
{
    put_u8(bytes, 0x41);
    put_i32(bytes, (i32)value);
}

static u32 some_local(u32 i, u32 salt)
{
    return ((i + salt) * 2654435761u >> 8) % LOCALS_I32;
}

static u32 some_vector(u32 i, u32 salt)
{
    return VECTORS + some_local(i, salt) % LOCALS_V128;
}

// ---- what is repeated, i counting

static void sums(struct wasm_bytes *bytes, u32 i)
{
    get(bytes, some_local(i, 1));
    constant(bytes, i * 77);
    put_u8(bytes, 0x6a);
    get(bytes, some_local(i, 2));
    put_u8(bytes, 0x73);
    set(bytes, some_local(i, 3));
}

static void accesses(struct wasm_bytes *bytes, u32 i)
{
    get(bytes, some_local(i, 1));
    get(bytes, some_local(i, 2));
    PUT(bytes, "\x28\x02\x10\x36\x02\x04"); // i32.load, i32.store
}

static void branches(struct wasm_bytes *bytes, u32 i)
{
    get(bytes, i % 9);
    PUT(bytes, "\x0d\x00"); // br_if 0
    if (i % 64 == 0) {
        constant(bytes, i);
        set(bytes, some_local(i, 1));
    }
}

static void choices(struct wasm_bytes *bytes, u32 i)
{
    get(bytes, some_local(i, 1));
    PUT(bytes, "\x04\x40"); // if
    constant(bytes, i);
    set(bytes, some_local(i, 2));
    PUT(bytes, "\x05"); // else
    sums(bytes, i);
    sums(bytes, i + 1);
    PUT(bytes, "\x0b");
}

// Everything lives through all of them, and each wants other values in registers.
static void loops(struct wasm_bytes *bytes, u32 i)
{
    PUT(bytes, "\x03\x40");
    for (u32 k = 0; k < 6; k++) {
        get(bytes, some_local(i, k));
        get(bytes, some_local(i, k + 1));
        put_u8(bytes, 0x6a);
        set(bytes, some_local(i, k));
    }
    get(bytes, some_local(i, 1));
    PUT(bytes, "\x0d\x00\x0b"); // br_if 0, end
}

static void calls(struct wasm_bytes *bytes, u32 i)
{
    get(bytes, some_local(i, 1));
    if (i % 2 == 0) {
        PUT(bytes, "\x10\x00"); // call 0
    } else {
        get(bytes, some_local(i, 2));
        PUT(bytes, "\x11\x00\x00"); // call_indirect
    }
    set(bytes, some_local(i, 3));
}

static void vectors(struct wasm_bytes *bytes, u32 i)
{
    static const u8 ops[][2] = {
        {0xd5, 0x01}, {0xf8, 0x01}, {0xfb, 0x01}, {0xcb, 0x01}, {0xb5, 0x01}};
    bool is_unary = i % COUNT_OF(ops) == 1 || i % COUNT_OF(ops) == 2;
    get(bytes, some_vector(i, 1));
    if (!is_unary) {
        if (i % COUNT_OF(ops) == 3) {
            get(bytes, i % LOCALS_I32); // a shift
        } else {
            get(bytes, some_vector(i, 2));
        }
    }
    put_u8(bytes, 0xfd);
    put_bytes(bytes, ops[i % COUNT_OF(ops)], 2);
    set(bytes, some_vector(i, 3));
}

static void divisions(struct wasm_bytes *bytes, u32 i)
{
    get(bytes, some_local(i, 1));
    get(bytes, some_local(i, 2));
    put_u8(bytes, (u8)(0x6d + i % 4));
    set(bytes, some_local(i, 3));
}

// All values are there at once.
static void heap(struct wasm_bytes *bytes, u32 i)
{
    get(bytes, 0);
    PUT(bytes, "\x28\x02");
    put_u32(bytes, i);
}

static void nothing(struct wasm_bytes *bytes, u32 i)
{
    (void)i;
    put_u8(bytes, 0x01);
}

static void tables(struct wasm_bytes *bytes, u32 i)
{
    enum { LABELS = 3000 };
    PUT(bytes, "\x02\x40\x02\x40");
    get(bytes, some_local(i, 1));
    put_u8(bytes, 0x0e); // br_table
    put_u32(bytes, LABELS);
    for (u32 k = 0; k <= LABELS; k++) {
        put_u8(bytes, k % 2);
    }
    put_u8(bytes, 0x0b);
    constant(bytes, i);
    set(bytes, some_local(i, 2));
    put_u8(bytes, 0x0b);
}

// A loop that goes on from thousands of places, with other values from each, as the main loop of an
// interpreter does.
static void cases(struct wasm_bytes *bytes, u32 i)
{
    enum { CARRIED = 12, CHANGED = 4 };
    get(bytes, 1 + i % CARRIED);
    constant(bytes, i);
    PUT(bytes, "\x46\x04\x40"); // i32.eq, if
    for (u32 k = 0; k < CHANGED; k++) {
        get(bytes, 1 + some_local(i, k) % CARRIED);
        get(bytes, 1 + some_local(i, k + 1) % CARRIED);
        put_u8(bytes, 0x6a);
        set(bytes, 1 + some_local(i, k + 2) % CARRIED);
    }
    PUT(bytes, "\x0c\x01\x0b"); // br 1, end
}

static const struct {
    const char *name;
    void (*repeat)(struct wasm_bytes *bytes, u32 i);
    u32 most;    // bytes that it writes,
    u32 closing; // and that follow each of them
    const char *head;
    u32 head_bytes;
} shapes[] = {
    {"sums", sums, 16, 0, "", 0},
    {"accesses", accesses, 12, 0, "", 0},
    {"branches out", branches, 16, 0, "\x02\x40", 2},
    {"choices", choices, 48, 0, "", 0},
    {"loops behind each other", loops, 64, 0, "", 0},
    {"calls", calls, 12, 0, "", 0},
    {"vectors", vectors, 12, 0, "", 0},
    {"divisions", divisions, 10, 0, "", 0},
    {"values all alive", heap, 8, 1, "", 0},
    {"nothing", nothing, 1, 0, "", 0},
    {"tables", tables, 3024, 0, "", 0},
    {"ways back into a loop", cases, 48, 0, "\x03\x40", 2},
};

const u32 large_shape_count = COUNT_OF(shapes);

const char *large_shape_name(u32 shape)
{
    return shapes[shape].name;
}

// Nothing is known of any local.
static void load_all(struct wasm_bytes *bytes)
{
    for (u32 i = 1; i <= LOCALS_I32; i++) {
        get(bytes, 0);
        PUT(bytes, "\x28\x02");
        put_u32(bytes, 4 * i);
        set(bytes, i);
    }
    for (u32 i = 0; i < LOCALS_V128; i++) {
        get(bytes, 0);
        PUT(bytes, "\xfd\x00\x04");
        put_u32(bytes, 16 * i);
        set(bytes, VECTORS + i);
    }
}

// The sum of all locals, so that nothing is done in vain.
static void put_all(struct wasm_bytes *bytes)
{
    get(bytes, 0);
    for (u32 i = 1; i <= LOCALS_I32; i++) {
        get(bytes, i);
        put_u8(bytes, 0x6a);
    }
    for (u32 i = 0; i < LOCALS_V128; i++) {
        get(bytes, VECTORS + i);
        PUT(bytes, "\xfd\x1b\x00\x6a"); // i32x4.extract_lane
    }
}

struct wasm_bytes large_module(u32 shape, u32 body_bytes)
{
    enum { TAIL = 24 + 4 * LOCALS_I32 + 7 * LOCALS_V128 };
    size_t body;
    struct wasm_bytes bytes = begin(&body);
    size_t start = bytes.size;
    ASSERT(shape < COUNT_OF(shapes) && body_bytes >= 5000);
    u32 count = 0;
    load_all(&bytes);
    put_bytes(&bytes, shapes[shape].head, shapes[shape].head_bytes);
    while (bytes.size - start + (u64)count * shapes[shape].closing + shapes[shape].most + TAIL <
           body_bytes) {
        shapes[shape].repeat(&bytes, count++);
    }
    if (shapes[shape].repeat == heap) {
        put_run(&bytes, 0x6a, count - 1);
        set(&bytes, 0);
    }
    if (shapes[shape].head_bytes != 0) {
        PUT(&bytes, "\x0b");
    }
    put_all(&bytes);
    PUT(&bytes, "\x0b");
    end_body(&bytes, body);
    PUT(&bytes, "\x02\x00\x0b"); // function 1
    end_section(&bytes);
    return bytes;
}
