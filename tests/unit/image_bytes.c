// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/image_bytes.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/image.h"
#include "core/wasm/module.h"

#define BODY                                                                                       \
    {                                                                                              \
        .code = {.size = IMAGE_BODY_BYTES }                                                        \
    }
static struct wasm_func_type types[] = {{.canonical = 0}, {.canonical = 1}, {.canonical = 0}};
static struct wasm_body bodies[] = {BODY, BODY, BODY, BODY, BODY};
const struct wasm_module image_module = {
    .type_count = 3,
    .types = types,
    .function_import_count = 3,
    .function_count = 8,
    .bodies = bodies,
};
const u8 image_name[32] = {1, 2, 3, 4, 5};

void image_hash(struct span bytes, u8 out[32])
{
    u64 lanes[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < bytes.size; i++) { // each step can be undone, so no byte is lost
        for (u32 lane = 0; lane < 4; lane++) {
            lanes[lane] = (lanes[lane] ^ bytes.data[i]) * (0x9e3779b97f4a7c15 + 2 * lane);
        }
    }
    for (u32 lane = 0; lane < 4; lane++) {
        mem_store_u64(out + 8 * lane, lanes[lane]);
    }
}

void image_bytes_rehash(u8 *image, u32 part_count)
{
    image_hash(span_of(image + 32, IMAGE_HEADER_BYTES - 32 + (size_t)part_count * 40), image);
}

size_t image_bytes_wrap(struct span part, u32 functions, u8 *out, size_t size)
{
    size_t total = IMAGE_HEADER_BYTES + IMAGE_ENTRY_BYTES + part.size;
    ASSERT(total <= size);
    mem_copy(out + 32, "RSCODE01", 8);
    mem_copy(out + 40, image_name, 32);
    mem_store_u32(out + 72, 1);
    mem_store_u32(out + 76, 1);
    mem_store_u64(out + 80, total);
    mem_store_u32(out + 88, (u32)part.size);
    mem_store_u32(out + 92, functions);
    image_hash(part, out + 96);
    mem_copy(out + 128, part.data, part.size);
    image_bytes_rehash(out, 1);
    return total;
}

enum err image_bytes_open(struct span bytes, const struct wasm_module *module, struct arena *arena,
                          struct jit_image *image, struct report *report)
{
    TRY(jit_image_open(image, bytes, image_name, module, image_hash, arena, report));
    while (image->checked_count < image->part_count) {
        TRY(jit_image_check(image, arena, report));
    }
    return ERR_OK;
}
