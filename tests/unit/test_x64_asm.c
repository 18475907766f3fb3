// SPDX-License-Identifier: GPL-3.0-or-later
// Does the assembler lay out labels, branches, constants and tables as asm.h says? The bytes of
// single instructions are the business of tests/diff/run_asm.
#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/jit/limits.h"
#include "core/jit/x86_64/asm.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { INS_BYTES = 10 }; // of a movabs, which fills what is between labels and branches

static u64 next_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fill(struct assembler *as, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        asm_ri(as, X64_MOVABS, true, X64_RAX, 0);
    }
}

// Where a branch goes, and its length; the bytes must be those of one.
static u32 branch_target(const u8 *code, u32 at, enum x64_condition condition, u32 *length)
{
    bool is_jump = condition == X64_ALWAYS;
    if (code[at] == (is_jump ? 0xeb : 0x70 + condition)) {
        *length = 2;
        return at + 2 + (u32)(i8)code[at + 1];
    }
    if (is_jump) {
        assert_int_equal(code[at], 0xe9);
        *length = 5;
        return at + 5 + mem_load_u32(code + at + 1);
    }
    assert_int_equal(code[at], 0x0f);
    assert_int_equal(code[at + 1], 0x80 + condition);
    *length = 6;
    return at + 6 + mem_load_u32(code + at + 2);
}

enum { LABELS = 40, BRANCHES = 60 };

// Labels and branches in any order; every branch must reach its label, and be short where it is
// near for sure.
static void random_branches(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(-1);
    u64 dice = 88172645463325252;
    for (u32 round = 0; round < 300; round++) {
        struct arena arena;
        struct assembler as;
        u32 labels[LABELS];
        u32 marks[BRANCHES];
        u32 targets[BRANCHES];
        u8 conditions[BRANCHES];
        u32 bound = 0;
        u32 branches = 0;
        arena_init(&arena, &memory.memory, SIZE_MAX);
        asm_init(&as, 0, &arena);
        for (u32 i = 0; i < LABELS; i++) {
            labels[i] = asm_label(&as);
        }
        while (bound < LABELS || branches < BRANCHES) {
            u64 choice = next_random(&dice) % 8;
            if (choice < 3 && bound < LABELS) {
                asm_bind(&as, labels[bound++]);
            } else if (choice < 6 && branches < BRANCHES) {
                targets[branches] = labels[next_random(&dice) % LABELS];
                conditions[branches] = next_random(&dice) % (X64_ALWAYS + 1);
                marks[branches] = asm_mark(&as);
                asm_branch(&as, conditions[branches], targets[branches]);
                branches++;
            } else if (choice == 6) {
                asm_align(&as, next_random(&dice) % 6);
            } else {
                fill(&as, next_random(&dice) % 12);
            }
        }
        u8 *code;
        u32 size;
        assert_int_equal(asm_finish(&as, &arena, &code, &size), ERR_OK);
        for (u32 i = 0; i < BRANCHES; i++) {
            u32 length;
            u32 at = asm_mark_offset(&as, marks[i]);
            u32 target = branch_target(code, at, conditions[i], &length);
            assert_int_equal(target, asm_label_offset(&as, targets[i]));
            i32 distance = (i32)(target - at);
            assert_true(length == 2 || distance > 32 || distance < -32);
        }
        arena_drop(&arena);
    }
    assert_int_equal(memory.blocks, 0);
}

// A branch over exactly as much as one byte reaches is short, over more it is long.
static void branches_at_the_bound(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(-1);
    for (u32 bytes = 126; bytes <= 129; bytes++) {
        for (u32 is_back = 0; is_back < 2; is_back++) {
            struct arena arena;
            struct assembler as;
            u8 *code;
            u32 size;
            u32 length;
            arena_init(&arena, &memory.memory, SIZE_MAX);
            asm_init(&as, 0, &arena);
            u32 label = asm_label(&as);
            if (is_back) {
                asm_bind(&as, label);
            }
            u32 mark = 0;
            if (!is_back) {
                mark = asm_mark(&as);
                asm_branch(&as, X64_E, label);
            }
            for (u32 i = 0; i < bytes - (is_back ? 2 : 0); i++) {
                asm_none(&as, X64_NOP, false);
            }
            if (is_back) {
                mark = asm_mark(&as);
                asm_branch(&as, X64_E, label);
            } else {
                asm_bind(&as, label);
            }
            assert_int_equal(asm_finish(&as, &arena, &code, &size), ERR_OK);
            (void)branch_target(code, asm_mark_offset(&as, mark), X64_E, &length);
            assert_int_equal(length, bytes <= (is_back ? 128 : 127) ? 2 : 6);
            arena_drop(&arena);
        }
    }
}

static void constants_are_shared_and_aligned(void **state)
{
    (void)state;
    enum { CONSTANTS = 300 };
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct assembler as;
    u8 *code;
    u32 size;
    arena_init(&arena, &memory.memory, SIZE_MAX);
    asm_init(&as, X64_HAS_AVX, &arena);
    u32 ends[CONSTANTS * 3];
    for (u32 i = 0; i < CONSTANTS * 3; i++) {
        u32 bytes = i % 3 == 0 ? 4 : i % 3 == 1 ? 8 : 16;
        struct asm_mem mem = asm_constant(&as, i % CONSTANTS, bytes == 16 ? 7 : 0, bytes);
        asm_rm(&as, X64_MOVUPS, false, X64_XMM0, mem);
        ends[i] = asm_mark(&as);
    }
    assert_int_equal(asm_finish(&as, &arena, &code, &size), ERR_OK);
    u32 constants_bytes = 0;
    for (u32 i = 0; i < CONSTANTS * 3; i++) {
        u32 bytes = i % 3 == 0 ? 4 : i % 3 == 1 ? 8 : 16;
        u32 end = asm_mark_offset(&as, ends[i]);
        u32 at = end + mem_load_u32(code + end - 4);
        assert_int_equal(at % bytes, 0);
        assert_true(at + bytes <= size);
        u64 want[2] = {i % CONSTANTS, 7};
        assert_memory_equal(code + at, want, bytes);
        constants_bytes += i < CONSTANTS ? bytes : 0;
    }
    // As many as there are different ones, each kind once: 300 numbers, each in one of three sizes.
    assert_true(size <= asm_mark_offset(&as, ends[CONSTANTS * 3 - 1]) + constants_bytes + 16);
    arena_drop(&arena);
}

static void tables_hold_distances(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct assembler as;
    u8 *code;
    u32 size;
    arena_init(&arena, &memory.memory, SIZE_MAX);
    asm_init(&as, 0, &arena);
    u32 table = asm_label(&as);
    u32 first = asm_label(&as);
    u32 second = asm_label(&as);
    asm_bind(&as, first);
    fill(&as, 3);
    asm_bind(&as, second);
    asm_none(&as, X64_RET, false);
    asm_align(&as, 2);
    asm_bind(&as, table);
    asm_distance(&as, table, first);
    asm_distance(&as, table, second);
    assert_int_equal(asm_finish(&as, &arena, &code, &size), ERR_OK);
    u32 at = asm_label_offset(&as, table);
    assert_int_equal(at % 4, 0);
    assert_int_equal((i32)mem_load_u32(code + at), -(i32)at);
    assert_int_equal((i32)mem_load_u32(code + at + 4), 3 * INS_BYTES - (i32)at);
    arena_drop(&arena);
}

static enum err small_function(struct arena *scratch, struct arena *arena)
{
    struct assembler as;
    u8 *code;
    u32 size;
    asm_init(&as, X64_HAS_AVX, scratch);
    u32 label = asm_label(&as);
    for (u32 i = 0; i < 300; i++) {
        asm_rm(&as, X64_MOVSD, false, X64_XMM0, asm_constant(&as, i, 0, 8));
        asm_branch(&as, X64_ALWAYS, label);
        (void)asm_mark(&as);
    }
    (void)asm_call(&as);
    asm_bind(&as, label);
    return asm_finish(&as, arena, &code, &size);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum err err = ERR_NO_MEMORY;
    for (i64 n = 0; err != ERR_OK; n++) {
        struct test_memory memory = test_memory_over_malloc(n);
        struct arena scratch;
        struct arena arena;
        arena_init(&scratch, &memory.memory, SIZE_MAX);
        arena_init(&arena, &memory.memory, SIZE_MAX);
        err = small_function(&scratch, &arena);
        assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
        arena_drop(&scratch);
        arena_drop(&arena);
        assert_int_equal(memory.blocks, 0);
        assert_true(n < 100);
    }
}

static enum err bytes_of_code(struct test_memory *memory, u32 bytes)
{
    struct arena arena;
    struct assembler as;
    u8 *code;
    u32 size;
    arena_init(&arena, &memory->memory, SIZE_MAX);
    asm_init(&as, 0, &arena);
    for (u32 i = 0; i < bytes / INS_BYTES; i++) {
        asm_ri(&as, X64_MOVABS, true, X64_RAX, 0);
    }
    for (u32 i = 0; i < bytes % INS_BYTES; i++) {
        asm_none(&as, X64_NOP, false);
    }
    enum err err = asm_finish(&as, &arena, &code, &size);
    assert_true(err != ERR_OK || size == bytes);
    arena_drop(&arena);
    return err;
}

static void code_has_a_limit(void **state)
{
    (void)state;
    enum { ROOM = 15 }; // for the longest instruction is always kept
    struct test_memory memory = test_memory_over_malloc(-1);
    assert_int_equal(bytes_of_code(&memory, JIT_CODE_BYTES - ROOM), ERR_OK);
    assert_int_equal(bytes_of_code(&memory, JIT_CODE_BYTES + 1), ERR_LIMIT);
    assert_int_equal(memory.blocks, 0);
}

static void constants_to_registers(void **state)
{
    (void)state;
    static const struct {
        u64 value;
        u32 bytes;
    } cases[] = {{0, 5},          {UINT32_MAX, 5},          {(u64)UINT32_MAX + 1, 10},
                 {UINT64_MAX, 7}, {(u64)(i64)INT32_MIN, 7}, {(u64)(i64)INT32_MIN - 1, 10}};
    struct test_memory memory = test_memory_over_malloc(-1);
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct assembler as;
        u8 *code;
        u32 size;
        arena_init(&arena, &memory.memory, SIZE_MAX);
        asm_init(&as, 0, &arena);
        asm_mov_imm(&as, X64_RAX, cases[i].value);
        assert_int_equal(asm_finish(&as, &arena, &code, &size), ERR_OK);
        assert_int_equal(size, cases[i].bytes);
        arena_drop(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_branches),
        cmocka_unit_test(branches_at_the_bound),
        cmocka_unit_test(constants_are_shared_and_aligned),
        cmocka_unit_test(tables_hold_distances),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(code_has_a_limit),
        cmocka_unit_test(constants_to_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
