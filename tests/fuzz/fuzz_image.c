// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/fuzz_image.c: kept code out of bytes, behind hashes that are right, so that the
// numbers are what is looked at: whatever is accepted is fit to be placed, and is read twice alike.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/image.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/wasm/module.h"
#include "tests/unit/image_bytes.h"
#include "tests/unit/support.h"

enum { IMAGE_BYTES = 1 << 17 };

static void check_function(const struct jit_placed *placed, struct span image)
{
    const struct jit_function *code = &placed->code;
    ASSERT(placed->function >= image_module.function_import_count);
    ASSERT(placed->function < image_module.function_count);
    ASSERT(code->frame_bytes <= JIT_FRAME_BYTES && code->prologue_bytes <= code->code_bytes);
    ASSERT(code->code >= image.data);
    ASSERT(code->code + code->code_bytes <= image.data + image.size);
    for (u32 i = 0; i < code->call_count; i++) {
        u32 callee = code->calls[i].function;
        ASSERT((u64)code->calls[i].code + 4 <= code->code_bytes);
        ASSERT(callee < image_module.function_count || (callee & JIT_CALLEE_HELPER) != 0 ||
               callee - JIT_CALLEE_ELEMENT < image_module.type_count);
    }
    for (u32 i = 0; i < code->site_count; i++) {
        ASSERT(code->sites[i].code <= code->code_bytes && code->sites[i].trap < TRAP_COUNT);
        ASSERT(code->sites[i].origin <= IMAGE_BODY_BYTES);
        ASSERT(i == 0 || code->sites[i - 1].code <= code->sites[i].code);
    }
}

static void check_image(struct jit_image *image, struct arena *arena)
{
    u32 total = 0;
    jit_image_rewind(image);
    while (image->checked_count < image->part_count) {
        struct jit_placed *functions;
        u32 count;
        enum err err = jit_image_read(image, arena, &functions, &count, NULL);
        ASSERT(err == ERR_OK);
        for (u32 i = 0; i < count; i++) {
            check_function(&functions[i], image->bytes);
        }
        total += count;
    }
    ASSERT(total == image->function_count && total <= 5);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static u8 bytes[IMAGE_BYTES];
    if (size < 2 || size > sizeof bytes / 2) {
        return 0;
    }
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    arena_init(&arena, &memory.memory, 64 << 20);
    size_t total = size - 1;
    if (data[0] % 4 == 0) { // the header and the table too, only the hash is made right
        mem_copy(bytes, data + 1, total);
        u32 parts = total < IMAGE_HEADER_BYTES ? 0 : mem_load_u32(bytes + 76);
        if (parts > 0 && parts < 1000 &&
            IMAGE_HEADER_BYTES + (u64)parts * IMAGE_ENTRY_BYTES <= total) {
            image_bytes_rehash(bytes, parts);
        }
    } else {
        total = image_bytes_wrap(span_of(data + 1, total), data[0] / 4, bytes, sizeof bytes);
    }
    struct jit_image image;
    if (image_bytes_open(span_of(bytes, total), &image_module, &arena, &image, NULL) == ERR_OK) {
        check_image(&image, &arena);
    }
    arena_drop(&arena);
    return 0;
}
