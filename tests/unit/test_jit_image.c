// SPDX-License-Identifier: GPL-3.0-or-later
// Does kept code come back as it was, and is everything else refused, as core/jit/image.h says?
#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/jit/image.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include "tests/unit/image_bytes.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_BYTES = 1 << 16 };
static u8 file_bytes[FILE_BYTES];
static struct test_memory memory;
static struct arena arena;
static struct wasm_module *module;
static struct jit_placed *compiled;
static u32 compiled_count;
static struct span kept; // in one run

static const struct jit_options options = {JIT_BOUNDS_GUARD, true, 0};

static struct span join(const struct span *pieces, u32 count)
{
    size_t size = 0;
    for (u32 i = 0; i < count; i++) {
        size += pieces[i].size;
    }
    u8 *all = malloc(size);
    assert_non_null(all);
    size_t at = 0;
    for (u32 i = 0; i < count; i++) {
        mem_copy(all + at, pieces[i].data, pieces[i].size);
        at += pieces[i].size;
    }
    return span_of(all, size);
}

static struct span write_all(const struct jit_placed *functions, u32 count, bool is_whole)
{
    struct jit_image_writer writer;
    struct span *pieces;
    u32 piece_count;
    jit_image_begin(&writer, module, image_hash, &memory.memory);
    jit_image_add(&writer, functions, count);
    assert_int_equal(writer.function_count, count);
    assert_int_equal(jit_image_finish(&writer, image_name, is_whole, &pieces, &piece_count),
                     ERR_OK);
    struct span all = join(pieces, piece_count);
    jit_image_end(&writer);
    return all;
}

static int setup(void **state)
{
    (void)state;
    FILE *file = fopen("build/diff/shapes.wasm", "rb");
    assert_non_null(file);
    size_t size = fread(file_bytes, 1, sizeof file_bytes, file);
    (void)fclose(file);
    memory = test_memory_over_malloc(-1);
    arena_init(&arena, &memory.memory, SIZE_MAX);
    assert_int_equal(wasm_module_decode(span_of(file_bytes, size), &arena, &module, NULL), ERR_OK);
    assert_int_equal(wasm_module_validate(module, &arena, NULL), ERR_OK);
    compiled = ARENA_ARRAY(&arena, struct jit_placed, module->function_count);
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        struct jit_placed *next = &compiled[compiled_count];
        next->function = i;
        if (jit_compile(&jit_target_x86_64, &options, module, i, &arena, &arena, &next->code) ==
            ERR_OK) {
            compiled_count++;
        }
    }
    assert_true(compiled_count > 10);
    kept = write_all(compiled, compiled_count, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free((void *)kept.data);
    arena_drop(&arena);
    return memory.blocks == 0 ? 0 : 1;
}

static enum err open_dropped(struct span bytes, const struct wasm_module *of)
{
    struct jit_image image;
    struct arena scratch;
    arena_init(&scratch, &memory.memory, SIZE_MAX);
    enum err err = image_bytes_open(bytes, of, &scratch, &image, NULL);
    arena_drop(&scratch);
    return err;
}

static void assert_alike(const struct jit_placed *a, const struct jit_placed *b)
{
    assert_int_equal(a->function, b->function);
    assert_int_equal(a->code.code_bytes, b->code.code_bytes);
    assert_int_equal(a->code.frame_bytes, b->code.frame_bytes);
    assert_int_equal(a->code.prologue_bytes, b->code.prologue_bytes);
    assert_int_equal(a->code.call_count, b->code.call_count);
    assert_int_equal(a->code.site_count, b->code.site_count);
    assert_memory_equal(a->code.code, b->code.code, a->code.code_bytes);
    for (u32 i = 0; i < a->code.call_count; i++) {
        assert_int_equal(a->code.calls[i].code, b->code.calls[i].code);
        assert_int_equal(a->code.calls[i].function, b->code.calls[i].function);
    }
    for (u32 i = 0; i < a->code.site_count; i++) {
        assert_int_equal(a->code.sites[i].code, b->code.sites[i].code);
        assert_int_equal(a->code.sites[i].origin, b->code.sites[i].origin);
        assert_int_equal(a->code.sites[i].trap, b->code.sites[i].trap);
    }
}

// Reads all of it and compares with what was compiled; returns how many functions.
static u32 read_all(struct span bytes, u32 *parts)
{
    struct jit_image image;
    struct arena scratch;
    arena_init(&scratch, &memory.memory, SIZE_MAX);
    assert_int_equal(image_bytes_open(bytes, module, &scratch, &image, NULL), ERR_OK);
    jit_image_rewind(&image);
    u32 total = 0;
    while (image.checked_count < image.part_count) {
        struct jit_placed *functions;
        u32 count;
        assert_int_equal(jit_image_read(&image, &scratch, &functions, &count, NULL), ERR_OK);
        for (u32 i = 0; i < count; i++) {
            assert_alike(&functions[i], &compiled[total + i]);
        }
        total += count;
    }
    assert_int_equal(total, image.function_count);
    *parts = image.part_count;
    arena_drop(&scratch);
    return total;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    u32 parts;
    assert_int_equal(read_all(kept, &parts), compiled_count);
    assert_int_equal(parts, 1);
}

// An image that was read, and what is compiled later, become one.
static void parts_go_on(void **state)
{
    (void)state;
    struct span half = write_all(compiled, compiled_count / 2, false);
    struct jit_image image;
    struct arena scratch;
    arena_init(&scratch, &memory.memory, SIZE_MAX);
    assert_int_equal(image_bytes_open(half, module, &scratch, &image, NULL), ERR_OK);
    assert_false(image.is_whole);
    struct jit_image_writer writer;
    struct span *pieces;
    u32 count;
    jit_image_begin(&writer, module, image_hash, &memory.memory);
    jit_image_add_parts(&writer, &image);
    for (u32 i = compiled_count / 2; i < compiled_count; i++) {
        jit_image_add(&writer, &compiled[i], 1);
    }
    assert_int_equal(jit_image_finish(&writer, image_name, true, &pieces, &count), ERR_OK);
    struct span all = join(pieces, count);
    u32 parts;
    assert_int_equal(read_all(all, &parts), compiled_count);
    assert_int_equal(parts, 2);
    jit_image_end(&writer);
    arena_drop(&scratch);
    free((void *)half.data);
    free((void *)all.data);
}

static void nothing_is_no_image(void **state)
{
    (void)state;
    struct jit_image_writer writer;
    struct span *pieces;
    u32 count;
    jit_image_begin(&writer, module, image_hash, &memory.memory);
    assert_int_equal(jit_image_finish(&writer, image_name, true, &pieces, &count), ERR_NOT_FOUND);
    jit_image_end(&writer);
}

// In memory of just that size, so that a sanitizer sees a step beyond it.
static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < kept.size; size++) {
        u8 *cut = malloc(size + 1);
        assert_non_null(cut);
        mem_copy(cut + 1, kept.data, size);
        assert_int_not_equal(open_dropped(span_of(cut + 1, size), module), ERR_OK);
        if (size >=
            IMAGE_HEADER_BYTES + IMAGE_ENTRY_BYTES) { // and where it says that it is so long
            mem_store_u64(cut + 1 + 80, size);
            image_bytes_rehash(cut + 1, 1);
            assert_int_not_equal(open_dropped(span_of(cut + 1, size), module), ERR_OK);
        }
        free(cut);
    }
}

static void every_changed_byte_is_refused(void **state)
{
    (void)state;
    u8 *bytes = (u8 *)kept.data;
    for (size_t i = 0; i < kept.size; i++) {
        u8 bit = (u8)(1 << i % 8);
        bytes[i] ^= bit;
        assert_int_not_equal(open_dropped(kept, module), ERR_OK);
        bytes[i] ^= bit;
    }
    assert_int_equal(open_dropped(kept, module), ERR_OK);
}

static void bytes_behind_it_are_refused(void **state)
{
    (void)state;
    u8 *longer = calloc(1, kept.size + 1);
    mem_copy(longer, kept.data, kept.size);
    assert_int_equal(open_dropped(span_of(longer, kept.size + 1), module), ERR_MALFORMED);
    mem_store_u64(longer + 80, kept.size + 1);
    image_bytes_rehash(longer, 1);
    assert_int_equal(open_dropped(span_of(longer, kept.size + 1), module), ERR_MALFORMED);
    free(longer);
}

// ---- numbers

// A function as it is encoded: one call, two sites, 16 bytes of code.
struct raw {
    u32 function, code_bytes, frame, prologue, calls, sites;
    u32 call, callee;
    u32 site, origin, trap;
    u32 site2, origin2, trap2;
};
static const struct raw sound = {3, 16, 24, 4, 1, 2, 4, 7, 8, 100, 0, 0, 100, 2};

static void raw_put(struct wasm_bytes *out, const struct raw *raw)
{
    const u32 numbers[] = {raw->function, raw->code_bytes, raw->frame, raw->prologue,
                           raw->calls,    raw->sites,      raw->call,  raw->callee};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put_u32(out, numbers[i]);
    }
    put_u32(out, raw->site);
    put_u32(out, raw->origin);
    put_u8(out, (u8)raw->trap);
    put_u32(out, raw->site2);
    put_u32(out, raw->origin2);
    put_u8(out, (u8)raw->trap2);
    put_run(out, 0xcc, 16);
}

static enum err raw_open(const struct raw *raws, u32 count, u32 said)
{
    static u8 image[1024];
    struct wasm_bytes part = {0};
    for (u32 i = 0; i < count; i++) {
        raw_put(&part, &raws[i]);
    }
    size_t size = image_bytes_wrap(wasm_bytes_span(&part), said, image, sizeof image);
    enum err err = open_dropped(span_of(image, size), &image_module);
    wasm_bytes_free(&part);
    return err;
}

static enum err one_open(struct raw raw)
{
    return raw_open(&raw, 1, 1);
}

#define WITH(field, value)                                                                         \
    ({                                                                                             \
        struct raw raw_ = sound;                                                                   \
        raw_.field = (value);                                                                      \
        raw_;                                                                                      \
    })
#define GOOD(field, value) assert_int_equal(one_open(WITH(field, value)), ERR_OK)
#define BAD(field, value) assert_int_equal(one_open(WITH(field, value)), ERR_MALFORMED)

static void functions_are_of_the_module(void **state)
{
    (void)state;
    assert_int_equal(one_open(sound), ERR_OK);
    GOOD(function, 7);
    BAD(function, 2);
    BAD(function, 8);
    BAD(function, UINT32_MAX);
    BAD(code_bytes, 0);
    BAD(code_bytes, 17);
    BAD(code_bytes, UINT32_MAX);
    GOOD(prologue, 16);
    BAD(prologue, 17);
    GOOD(frame, JIT_FRAME_BYTES);
    BAD(frame, JIT_FRAME_BYTES + 8);
    BAD(frame, 20);
}

static void calls_lie_in_the_code(void **state)
{
    (void)state;
    BAD(calls, 2);
    BAD(calls, UINT32_MAX);
    GOOD(call, 12);
    BAD(call, 13);
    BAD(call, UINT32_MAX);
    GOOD(callee, 0);
    BAD(callee, 8);
    GOOD(callee, JIT_CALLEE_ELEMENT | 1);
    BAD(callee, JIT_CALLEE_ELEMENT | 2); // not the number that equal types share
    BAD(callee, JIT_CALLEE_ELEMENT | 3);
    BAD(callee, (u32)JIT_CALLEE_ELEMENT | JIT_CALLEE_HELPER);
    GOOD(callee, JIT_CALLEE_HELPER | (IR_HELPER_COUNT - 1));
    BAD(callee, JIT_CALLEE_HELPER | IR_HELPER_COUNT);
    BAD(callee, 1u << 28);
    BAD(callee, 1u << 31);
}

static void sites_lie_in_code_and_body(void **state)
{
    (void)state;
    BAD(sites, 3);
    BAD(sites, UINT32_MAX);
    GOOD(site, 16);
    BAD(site, 17);
    BAD(site, UINT32_MAX);
    BAD(site2, UINT32_MAX);
    BAD(origin, IMAGE_BODY_BYTES + 1);
    BAD(trap, TRAP_COUNT);
    BAD(trap, 1); // two at one place: a call and a trap, in this order
    BAD(trap2, 0);
    GOOD(trap2, TRAP_COUNT - 1);
}

static void parts_hold_what_they_say(void **state)
{
    (void)state;
    struct raw two[] = {sound, WITH(function, 4)};
    assert_int_equal(raw_open(two, 2, 2), ERR_OK);
    assert_int_equal(raw_open(two, 2, 1), ERR_MALFORMED);
    assert_int_equal(raw_open(two, 2, 3), ERR_MALFORMED);
    assert_int_equal(raw_open(two, 2, 0), ERR_MALFORMED);
    assert_int_equal(raw_open(two, 2, UINT32_MAX), ERR_MALFORMED);
    two[1].function = two[0].function;
    assert_int_equal(raw_open(two, 2, 2), ERR_MALFORMED);
}

// ---- header

static enum err header_open(u32 offset, u32 value, bool rehash)
{
    static u8 image[1024];
    struct wasm_bytes part = {0};
    raw_put(&part, &sound);
    size_t size = image_bytes_wrap(wasm_bytes_span(&part), 1, image, sizeof image);
    wasm_bytes_free(&part);
    mem_store_u32(image + offset, value);
    if (rehash) {
        image_bytes_rehash(image, 1);
    }
    return open_dropped(span_of(image, size), &image_module);
}

static void headers_are_checked(void **state)
{
    (void)state;
    assert_int_equal(header_open(72, 0, true), ERR_OK);
    assert_int_equal(header_open(72, 0, false), ERR_MISMATCH);
    assert_int_equal(header_open(72, 2, true), ERR_MALFORMED);
    assert_int_equal(header_open(32, 0, true), ERR_MALFORMED);
    assert_int_equal(header_open(40, 0, true), ERR_MISMATCH);
    assert_int_equal(header_open(76, 0, true), ERR_MALFORMED);
    assert_int_equal(header_open(76, JIT_IMAGE_PARTS, true), ERR_MALFORMED);
    assert_int_equal(header_open(76, JIT_IMAGE_PARTS + 1, true), ERR_LIMIT);
    assert_int_equal(header_open(80, 1, true), ERR_MALFORMED);
    assert_int_equal(header_open(84, 1, true), ERR_MALFORMED);
    assert_int_equal(header_open(88, UINT32_MAX, true), ERR_MALFORMED);
    assert_int_equal(header_open(88, 1, true), ERR_MALFORMED);
    assert_int_equal(header_open(96, 1, true), ERR_MISMATCH);
}

// Only the header is looked at where the size alone is too much.
static void size_is_bounded(void **state)
{
    (void)state;
    u8 image[IMAGE_HEADER_BYTES] = {0};
    mem_copy(image + 32, "RSCODE01", 8);
    mem_store_u32(image + 76, 1);
    u64 size = (u64)JIT_IMAGE_BYTES + 1;
    mem_store_u64(image + 80, size);
    assert_int_equal(open_dropped(span_of(image, size), &image_module), ERR_LIMIT);
}

static void names_tell_all_apart(void **state)
{
    (void)state;
    struct cid cid = {.codec = CID_RAW};
    u8 version[32] = {0};
    struct jit_options other = options;
    struct jit_target target = jit_target_x86_64;
    u8 names[7][32];
    jit_image_name(&cid, version, &target, &other, image_hash, names[0]);
    cid.codec = CID_DAG_PB;
    jit_image_name(&cid, version, &target, &other, image_hash, names[1]);
    cid.digest[31] = 1;
    jit_image_name(&cid, version, &target, &other, image_hash, names[2]);
    version[31] = 1;
    jit_image_name(&cid, version, &target, &other, image_hash, names[3]);
    other.features = 1;
    jit_image_name(&cid, version, &target, &other, image_hash, names[4]);
    other.bounds = JIT_BOUNDS_CHECK;
    jit_image_name(&cid, version, &target, &other, image_hash, names[5]);
    target.name = "another";
    jit_image_name(&cid, version, &target, &other, image_hash, names[6]);
    for (u32 i = 0; i < 7; i++) {
        for (u32 j = 0; j < i; j++) {
            assert_memory_not_equal(names[i], names[j], 32);
        }
    }
}

// ---- bounds and failures

// A function with more code than a part has is a part of its own; the next begins another.
static void large_functions_have_parts_of_their_own(void **state)
{
    (void)state;
    u8 *code = calloc(1, JIT_IMAGE_PART_BYTES);
    struct jit_placed all[] = {compiled[0], compiled[1], compiled[2]};
    all[1].code =
        (struct jit_function){.code = code, .code_bytes = JIT_IMAGE_PART_BYTES, .frame_bytes = 8};
    struct span bytes = write_all(all, 3, true);
    struct jit_image image;
    struct arena scratch;
    arena_init(&scratch, &memory.memory, SIZE_MAX);
    assert_int_equal(image_bytes_open(bytes, module, &scratch, &image, NULL), ERR_OK);
    assert_int_equal(image.part_count, 3);
    assert_int_equal(image.function_count, 3);
    arena_drop(&scratch);
    free((void *)bytes.data);
    free(code);
}

static void images_end_at_their_limit(void **state)
{
    (void)state;
    u8 *code = calloc(1, JIT_CODE_BYTES);
    struct jit_placed all = {.function = compiled[0].function,
                             .code = {.code = code, .code_bytes = JIT_CODE_BYTES}};
    struct jit_image_writer writer;
    struct span *pieces;
    u32 count;
    jit_image_begin(&writer, module, image_hash, &memory.memory);
    for (u32 i = 0; i < JIT_IMAGE_BYTES / JIT_CODE_BYTES; i++) {
        jit_image_add(&writer, &all, 1);
    }
    assert_int_equal(jit_image_finish(&writer, image_name, true, &pieces, &count), ERR_LIMIT);
    jit_image_end(&writer);
    // One that no reader would take is not written.
    all.code.code_bytes = JIT_CODE_BYTES + 1;
    jit_image_begin(&writer, module, image_hash, &memory.memory);
    jit_image_add(&writer, &all, 1);
    assert_int_equal(jit_image_finish(&writer, image_name, true, &pieces, &count), ERR_INVALID);
    jit_image_end(&writer);
    free(code);
}

static enum err write_and_read(struct memory *from)
{
    struct jit_image_writer writer;
    struct span *pieces;
    u32 count;
    jit_image_begin(&writer, module, image_hash, from);
    jit_image_add(&writer, compiled, compiled_count);
    enum err err = jit_image_finish(&writer, image_name, true, &pieces, &count);
    jit_image_end(&writer);
    if (err == ERR_OK) {
        struct jit_image image;
        struct arena scratch;
        arena_init(&scratch, from, SIZE_MAX);
        err = image_bytes_open(kept, module, &scratch, &image, NULL);
        arena_drop(&scratch);
    }
    return err;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum err err = ERR_NO_MEMORY;
    for (i64 n = 0; err != ERR_OK; n++) {
        struct test_memory failing = test_memory_over_malloc(n);
        err = write_and_read(&failing.memory);
        assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
        assert_int_equal(failing.blocks, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(parts_go_on),
        cmocka_unit_test(nothing_is_no_image),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(bytes_behind_it_are_refused),
        cmocka_unit_test(functions_are_of_the_module),
        cmocka_unit_test(calls_lie_in_the_code),
        cmocka_unit_test(sites_lie_in_code_and_body),
        cmocka_unit_test(parts_hold_what_they_say),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(names_tell_all_apart),
        cmocka_unit_test(large_functions_have_parts_of_their_own),
        cmocka_unit_test(images_end_at_their_limit),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
