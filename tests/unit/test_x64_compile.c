// SPDX-License-Identifier: GPL-3.0-or-later
// Does selection and emission for x86-64 keep the promises of core/jit/target.h about failing? What
// the code does is the business of tests/diff.
#include "core/base/arena.h"
#include "core/jit/alloc.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/mach.h"
#include "core/jit/passes.h"
#include "core/jit/target.h"
#include "core/jit/x86_64/asm.h"
#include "core/wasm/decode.h"
#include "core/wasm/validate.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { FILE_BYTES = 1 << 16 };
static u8 bytes[FILE_BYTES];
static struct test_memory module_memory;
static struct arena module_arena;
static struct wasm_module *module;

static const struct jit_options kinds[] = {
    {JIT_BOUNDS_GUARD, true, X64_HAS_AVX | X64_HAS_BMI1 | X64_HAS_BMI2 | X64_HAS_LZCNT},
    {JIT_BOUNDS_CHECK, false, 0},
};

static int setup(void **state)
{
    (void)state;
    FILE *file = fopen("build/diff/shapes.wasm", "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    struct arena scratch;
    module_memory = test_memory_over_malloc(-1);
    arena_init(&module_arena, &module_memory.memory, SIZE_MAX);
    arena_init(&scratch, &module_memory.memory, SIZE_MAX);
    assert_int_equal(wasm_module_decode(span_of(bytes, size), &module_arena, &module, NULL),
                     ERR_OK);
    assert_int_equal(wasm_module_validate(module, &scratch, NULL), ERR_OK);
    arena_drop(&scratch);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_drop(&module_arena);
    return 0;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    u32 failures = 0;
    for (u32 f = 0; f < 2 * module->function_count; f++) {
        enum err err = ERR_NO_MEMORY;
        for (i64 n = 0; err != ERR_OK; n++) {
            struct test_memory memory = test_memory_over_malloc(n);
            struct arena scratch;
            struct arena arena;
            struct jit_function code;
            arena_init(&scratch, &memory.memory, SIZE_MAX);
            arena_init(&arena, &memory.memory, SIZE_MAX);
            err = jit_compile(&jit_target_x86_64, &kinds[f % 2], module, f / 2, &scratch, &arena,
                              &code);
            assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
            failures += err != ERR_OK;
            arena_drop(&scratch);
            arena_drop(&arena);
            assert_int_equal(memory.blocks, 0);
            assert_true(n < 1000);
        }
    }
    assert_true(failures > module->function_count);
}

// Everything before emission, of the function "least".
static void prepare(struct arena *arena, struct ir *ir, struct mach *mach)
{
    const struct wasm_export *export = wasm_module_export(module, span_string("least"));
    assert_non_null(export);
    assert_int_equal(ir_build(module, export->index, NULL, arena, ir), ERR_OK);
    assert_int_equal(ir_improve(ir), ERR_OK);
    assert_int_equal(jit_target_x86_64.select(ir, &kinds[0], mach), ERR_OK);
    assert_int_equal(mach_verify(mach, arena), ERR_OK);
    assert_int_equal(mach_allocate(mach, arena), ERR_OK);
}

static void a_frame_has_a_limit(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct ir ir;
    struct mach mach;
    struct jit_function code;
    arena_init(&arena, &memory.memory, SIZE_MAX);
    prepare(&arena, &ir, &mach);
    mach.preserved_used = 0;
    mach.slot_count = JIT_FRAME_BYTES / 8;
    assert_int_equal(jit_target_x86_64.emit(&mach, &ir, &kinds[0], &arena, &code), ERR_OK);
    assert_int_equal(code.frame_bytes, JIT_FRAME_BYTES);
    mach.slot_count++;
    assert_int_equal(jit_target_x86_64.emit(&mach, &ir, &kinds[0], &arena, &code), ERR_LIMIT);
    arena_drop(&arena);
}

static void frames_are_told(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(-1);
    for (u32 f = 0; f < module->function_count; f++) {
        struct arena arena;
        struct jit_function code;
        arena_init(&arena, &memory.memory, SIZE_MAX);
        assert_int_equal(
            jit_compile(&jit_target_x86_64, &kinds[0], module, f, &arena, &arena, &code), ERR_OK);
        assert_true(code.prologue_bytes <= code.code_bytes);
        assert_true(code.call_count == 0 || code.frame_bytes % 16 == 8);
        for (u32 i = 0; i < code.site_count; i++) {
            assert_true(code.sites[i].code <= code.code_bytes);
            assert_true(code.sites[i].trap < TRAP_COUNT);
            assert_true(i == 0 || code.sites[i].code >= code.sites[i - 1].code);
        }
        for (u32 i = 0; i < code.call_count; i++) { // the site is that of the return address
            bool found = false;
            for (u32 k = 0; k < code.site_count; k++) {
                found = found || (code.sites[k].code == code.calls[i].code + 4 &&
                                  code.sites[k].trap == TRAP_NONE);
            }
            assert_true(found);
        }
        arena_drop(&arena);
    }
    assert_int_equal(memory.blocks, 0);
}

// Where a function that ends in a tail call has its frame, and what is left of it: by the bytes.
static void frames_end_before_a_tail_call(void **state)
{
    (void)state;
    static const u8 code[] = {
        0x53,                               // push rbx
        0x41, 0x54,                         // push r12
        0x48, 0x83, 0xec, 0x18,             // sub rsp, 24
        0xe9, 0x00, 0x00, 0x00, 0x00,       // jmp: to another block
        0x48, 0x83, 0xc4, 0x18,             // add rsp, 24
        0x41, 0x5c,                         // pop r12
        0x5b,                               // pop rbx
        0x48, 0xe9, 0x00, 0x00, 0x00, 0x00, // jmp, with REX.W
        0x49, 0xff, 0x63, 0x10,             // jmp [r11 + 16], with REX.W
        0xff, 0x63, 0x10,                   // jmp [rbx + 16]
        0x41, 0x53,                         // push r11: the return address of a call by a jump
        0x48, 0xe9, 0x00, 0x00, 0x00, 0x00, // jmp, with REX.W
        0x4c, 0x8b, 0x5c, 0x24, 0x18,       // mov r11, [rsp + 24]: a return of what was jumped to
        0x48, 0x83, 0xc4, 0x20,             // add rsp, 32
        0x49, 0xff, 0xe3,                   // jmp r11, with REX.W
        0x41, 0xff, 0xe3,                   // jmp r11: of a table
        0xcc, 0xcc, 0xcc,
    };
    static const struct {
        u32 offset;
        bool has_frame;
        i32 bytes;
    } cases[] = {
        {0, false, 0},  {1, false, 8},   {3, false, 16},  {7, true, 0},
        {12, true, 0},  {16, false, 16}, {18, false, 8},  {19, false, 0},
        {25, false, 0}, {29, true, 0},   {32, true, 0},   {34, false, 0},
        {40, true, 0},  {45, true, 0},   {49, false, -8}, {52, true, 0},
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        i32 left = 0;
        bool has = jit_target_x86_64.has_frame(code, cases[i].offset, 7, &left);
        assert_int_equal(has, cases[i].has_frame);
        assert_int_equal(left, cases[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_frame_has_a_limit),
        cmocka_unit_test(frames_are_told),
        cmocka_unit_test(frames_end_before_a_tail_call),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
