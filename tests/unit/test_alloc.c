// SPDX-License-Identifier: GPL-3.0-or-later
// Does the register allocator leave every function what it was? Thousands of random ones, checked
// on every path, and one made by hand for each rule of core/jit/mach.h.
#include "core/base/arena.h"
#include "core/base/text.h"
#include "core/jit/alloc.h"
#include "core/jit/limits.h"
#include "tests/unit/mach_check.h"
#include "tests/unit/mach_random.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ARENA_BYTES = 1 << 30 };

struct bench {
    struct test_memory memory;
    struct arena arena;
    struct arena scratch;
    struct mach mach;
};

static void bench_open(struct bench *bench)
{
    bench->memory = test_memory_over_malloc(-1);
    arena_init(&bench->arena, &bench->memory.memory, ARENA_BYTES);
    arena_init(&bench->scratch, &bench->memory.memory, ARENA_BYTES);
}

static void bench_close(struct bench *bench)
{
    arena_drop(&bench->arena);
    arena_drop(&bench->scratch);
}

static void complain(const struct bench *bench, u64 seed, const char *words)
{
    enum { TEXT_BYTES = 1 << 20 };
    char *buffer = malloc(TEXT_BYTES);
    struct text text = text_over(buffer, TEXT_BYTES);
    if (bench->mach.ins_count < 400) {
        mach_print(&bench->mach, NULL, &text);
    }
    fprintf(stderr, "%s\nseed %llu: %s\n", text.data, (unsigned long long)seed, words);
    free(buffer);
    fail();
}

static void allocate_and_check(struct bench *bench, u64 seed)
{
    assert_int_equal(mach_verify(&bench->mach, &bench->scratch), ERR_OK);
    enum err err = mach_allocate(&bench->mach, &bench->scratch);
    if (err != ERR_OK) {
        complain(bench, seed, err_name(err));
    }
    struct mach_error error = mach_check(&bench->mach);
    if (error.found) {
        complain(bench, seed, error.words);
    }
}

static void random_functions(u64 first, u64 count, u32 registers, struct mach_shape shape)
{
    for (u64 seed = first; seed < first + count; seed++) {
        struct bench bench;
        bench_open(&bench);
        mach_random(&bench.arena, &mach_random_registers[registers], shape, seed, &bench.mach);
        allocate_and_check(&bench, seed);
        bench_close(&bench);
    }
}

static u64 runs(u64 usual)
{
    const char *times = getenv("ALLOC_TIMES");
    return times == NULL ? usual : usual * strtoull(times, NULL, 10);
}

static void small_functions(void **state)
{
    (void)state;
    for (u32 registers = 0; registers < 3; registers++) {
        random_functions(1, runs(2000), registers, (struct mach_shape){12, 6, 1, 5, 4});
        random_functions(1, runs(2000), registers, (struct mach_shape){40, 12, 2, 5, 4});
    }
}

static void functions_with_loops(void **state)
{
    (void)state;
    for (u32 registers = 0; registers < 3; registers++) {
        random_functions(1, runs(500), registers, (struct mach_shape){150, 20, 4, 3, 4});
        random_functions(1, runs(100), registers, (struct mach_shape){600, 60, 5, 1, 4});
    }
}

static void functions_with_calls(void **state)
{
    (void)state;
    for (u32 registers = 0; registers < 3; registers++) {
        random_functions(1, runs(500), registers, (struct mach_shape){120, 20, 2, 40, 4});
    }
}

// ---- by hand

enum { BYTES = 8 };

// Makes functions instruction by instruction, in one block or with edges set by hand.
struct hand {
    struct bench bench;
    struct mach_operand operands[256];
    struct mach_ins ins[64];
    struct mach_vreg vregs[64];
    struct mach_block blocks[8];
    struct mach_edge edges[8];
    u32 lists[64];
};

static void hand_open(struct hand *hand, u32 registers)
{
    *hand = (struct hand){0};
    bench_open(&hand->bench);
    hand->bench.mach = (struct mach){.arena = &hand->bench.arena,
                                     .registers = &mach_random_registers[registers],
                                     .ins = hand->ins,
                                     .operands = hand->operands,
                                     .vregs = hand->vregs,
                                     .blocks = hand->blocks,
                                     .edges = hand->edges,
                                     .lists = hand->lists};
}

static u32 hand_vreg(struct hand *hand, u8 class, u8 bytes)
{
    struct mach *mach = &hand->bench.mach;
    hand->vregs[mach->vreg_count] =
        (struct mach_vreg){.class = class, .bytes = bytes, .def = MACH_NONE};
    return mach->vreg_count++;
}

static void hand_ins(struct hand *hand, u8 flags)
{
    struct mach *mach = &hand->bench.mach;
    hand->ins[mach->ins_count++] =
        (struct mach_ins){.flags = flags, .operands = mach->operand_count};
}

// An operand of the instruction made last.
static void hand_operand(struct hand *hand, u32 vreg, u8 role, u8 constraint, u8 reg)
{
    struct mach *mach = &hand->bench.mach;
    hand->operands[mach->operand_count++] =
        (struct mach_operand){.vreg = vreg, .role = role, .constraint = constraint, .reg = reg};
    hand->ins[mach->ins_count - 1].operand_count++;
    if (role == MACH_DEF || role == MACH_DEF_EARLY) {
        hand->vregs[vreg].def = mach->ins_count - 1;
    }
}

// A new virtual register, defined by an instruction of its own.
static u32 hand_def(struct hand *hand, u8 class, u8 bytes)
{
    u32 vreg = hand_vreg(hand, class, bytes);
    hand_ins(hand, 0);
    hand_operand(hand, vreg, MACH_DEF, MACH_IN_REGISTER, 0);
    return vreg;
}

static void hand_use(struct hand *hand, u32 vreg, u8 constraint, u8 reg)
{
    hand_ins(hand, 0);
    hand_operand(hand, vreg, MACH_USE, constraint, reg);
}

// Ends a block at the newest instruction, which is made its exit.
static void hand_block(struct hand *hand)
{
    struct mach *mach = &hand->bench.mach;
    hand_ins(hand, MACH_IS_EXIT);
    struct mach_block *block = &hand->blocks[mach->block_count];
    block->first = mach->block_count == 0 ? 0 : hand->blocks[mach->block_count - 1].end;
    block->end = mach->ins_count;
    mach->block_count++;
}

static u32 hand_list(struct hand *hand, u32 item)
{
    hand->lists[hand->bench.mach.list_count] = item;
    return hand->bench.mach.list_count++;
}

// An edge from a block with this as its only successor; `args` in lists.
static void hand_edge(struct hand *hand, u32 from, u32 to, u32 args)
{
    struct mach *mach = &hand->bench.mach;
    hand->edges[mach->edge_count] = (struct mach_edge){from, to, args};
    hand->blocks[from].succs = hand_list(hand, mach->edge_count);
    hand->blocks[from].succ_count = 1;
    hand->blocks[to].preds = hand_list(hand, mach->edge_count);
    hand->blocks[to].pred_count = 1;
    mach->edge_count++;
}

static const struct mach_operand *operand_of(const struct hand *hand, u32 ins, u32 index)
{
    return &hand->operands[hand->ins[ins].operands + index];
}

static void a_two_address_result_takes_over_a_dying_operand(void **state)
{
    (void)state;
    struct hand hand;
    hand_open(&hand, 0);
    u32 a = hand_def(&hand, MACH_INTEGER, BYTES);
    u32 b = hand_vreg(&hand, MACH_INTEGER, BYTES);
    hand_ins(&hand, 0);
    hand_operand(&hand, b, MACH_DEF, MACH_SAME, 1);
    hand_operand(&hand, a, MACH_USE, MACH_IN_REGISTER, 0);
    hand_use(&hand, b, MACH_IN_REGISTER, 0);
    hand_block(&hand);
    allocate_and_check(&hand.bench, 0);
    assert_int_equal(hand.bench.mach.move_count, 0);
    bench_close(&hand.bench);
}

static void fixed_registers_cost_no_copy_where_they_fit(void **state)
{
    (void)state;
    struct hand hand;
    hand_open(&hand, 0);
    u32 a = hand_vreg(&hand, MACH_INTEGER, BYTES);
    hand_ins(&hand, 0);
    hand_operand(&hand, a, MACH_DEF, MACH_FIXED, 7);
    hand_use(&hand, a, MACH_IN_REGISTER, 0);
    hand_use(&hand, a, MACH_FIXED, 7);
    hand_block(&hand);
    allocate_and_check(&hand.bench, 0);
    assert_int_equal(operand_of(&hand, 1, 0)->place, 7);
    assert_int_equal(hand.bench.mach.move_count, 0);
    bench_close(&hand.bench);
}

static void one_value_crosses_a_call_in_memory(void **state)
{
    (void)state;
    struct hand hand;
    hand_open(&hand, 0);
    u32 a = hand_def(&hand, MACH_INTEGER, BYTES);
    hand_ins(&hand, MACH_IS_CALL);
    hand_use(&hand, a, MACH_ANYWHERE, 0);
    hand_block(&hand);
    allocate_and_check(&hand.bench, 0);
    assert_int_equal(hand.bench.mach.preserved_used, 0); // saving one would cost as much
    assert_int_equal(hand.bench.mach.slot_count, 1);
    assert_int_equal(hand.bench.mach.move_count, 1);
    assert_int_equal(operand_of(&hand, 2, 0)->place, MACH_SLOT);
    bench_close(&hand.bench);
}

static void what_is_used_often_crosses_calls_in_a_preserved_register(void **state)
{
    (void)state;
    struct hand hand;
    hand_open(&hand, 0);
    u32 a = hand_def(&hand, MACH_INTEGER, BYTES);
    for (u32 i = 0; i < 6; i++) {
        hand_ins(&hand, MACH_IS_CALL);
        hand_use(&hand, a, MACH_IN_REGISTER, 0);
    }
    hand_block(&hand);
    allocate_and_check(&hand.bench, 0);
    assert_int_equal(__builtin_popcountll(hand.bench.mach.preserved_used), 1);
    assert_int_equal(hand.bench.mach.slot_count, 0);
    assert_int_equal(hand.bench.mach.move_count, 0);
    bench_close(&hand.bench);
}

static void constants_are_computed_again_and_never_stored(void **state)
{
    (void)state;
    struct hand hand;
    hand_open(&hand, 0);
    u32 a = hand_def(&hand, MACH_INTEGER, BYTES);
    hand.vregs[a].is_remat = true;
    hand_ins(&hand, MACH_IS_CALL);
    hand_operand(&hand, a, MACH_USE, MACH_FIXED, 7);
    hand_ins(&hand, MACH_IS_CALL);
    hand_operand(&hand, a, MACH_USE, MACH_FIXED, 6);
    hand_block(&hand);
    allocate_and_check(&hand.bench, 0);
    assert_int_equal(operand_of(&hand, 0, 0)->place, MACH_PLACE_NONE);
    assert_int_equal(hand.bench.mach.move_count, 2);
    assert_int_equal(hand.bench.mach.moves[0].from, MACH_PLACE_NONE);
    assert_int_equal(hand.bench.mach.slot_count, 0);
    bench_close(&hand.bench);
}

static void vectors_take_two_slots_at_an_even_number(void **state)
{
    (void)state;
    struct hand hand;
    hand_open(&hand, 0);
    u32 values[3];
    for (u32 i = 0; i < 3; i++) {
        values[i] = hand_def(&hand, MACH_FLOAT, i == 1 ? 8 : 16);
    }
    hand_ins(&hand, MACH_IS_CALL);
    for (u32 i = 0; i < 3; i++) {
        hand_use(&hand, values[i], MACH_ANYWHERE, 0);
    }
    hand_block(&hand);
    allocate_and_check(&hand.bench, 0);
    assert_int_equal(hand.bench.mach.slot_count, 5);
    bench_close(&hand.bench);
}

static void slots_are_used_again(void **state)
{
    (void)state;
    struct hand hand;
    hand_open(&hand, 0);
    for (u32 i = 0; i < 5; i++) {
        u32 a = hand_def(&hand, MACH_INTEGER, BYTES);
        hand_ins(&hand, MACH_IS_CALL);
        hand_use(&hand, a, MACH_ANYWHERE, 0);
    }
    hand_block(&hand);
    allocate_and_check(&hand.bench, 0);
    assert_int_equal(hand.bench.mach.slot_count, 1);
    bench_close(&hand.bench);
}

// Parameters that change places along an edge, in registers and in memory.
static void values_swap_along_an_edge(void **state)
{
    (void)state;
    for (u32 in_memory = 0; in_memory < 2; in_memory++) {
        struct hand hand;
        hand_open(&hand, 0);
        u32 values[2];
        u32 params[2];
        for (u32 i = 0; i < 2; i++) {
            values[i] = hand_vreg(&hand, MACH_INTEGER, BYTES);
            params[i] = hand_vreg(&hand, MACH_INTEGER, BYTES);
        }
        hand_ins(&hand, 0);
        for (u32 i = 0; i < 2; i++) {
            hand_operand(&hand, values[i], MACH_DEF, MACH_FIXED, (u8)i);
        }
        for (u32 i = 0; i < in_memory; i++) {
            hand_ins(&hand, MACH_IS_CALL);
        }
        hand_block(&hand);
        for (u32 i = 0; i < in_memory; i++) {
            hand_ins(&hand, MACH_IS_CALL);
        }
        hand_ins(&hand, 0);
        for (u32 i = 0; i < 2; i++) {
            hand_operand(&hand, params[i], MACH_USE, MACH_FIXED, (u8)i);
        }
        hand_block(&hand);
        hand.blocks[1].params = hand_list(&hand, params[0]);
        (void)hand_list(&hand, params[1]);
        hand.blocks[1].param_count = 2;
        u32 args = hand_list(&hand, values[1]);
        (void)hand_list(&hand, values[0]);
        hand_edge(&hand, 0, 1, args);
        allocate_and_check(&hand.bench, in_memory);
        bench_close(&hand.bench);
    }
}

// ---- bounds

// As many values as said live across a call, all of them floats: no register is preserved.
static enum err crowd(struct bench *bench, u32 count)
{
    struct mach *mach = &bench->mach;
    *mach = (struct mach){.arena = &bench->arena, .registers = &mach_random_registers[0]};
    mach->ins_capacity = mach->ins_count = 2 * count + 2;
    mach->operand_capacity = mach->operand_count = 2 * count;
    mach->vreg_capacity = mach->vreg_count = count;
    mach->ins = ARENA_ARRAY(&bench->arena, struct mach_ins, mach->ins_count);
    mach->operands = ARENA_ARRAY(&bench->arena, struct mach_operand, mach->operand_count);
    mach->vregs = ARENA_ARRAY(&bench->arena, struct mach_vreg, count);
    mach->blocks = ARENA_NEW(&bench->arena, struct mach_block);
    mach->block_count = 1;
    mach->blocks[0].end = mach->ins_count;
    for (u32 i = 0; i < count; i++) {
        mach->vregs[i] = (struct mach_vreg){.class = MACH_FLOAT, .bytes = 8, .def = i};
        mach->ins[i] = (struct mach_ins){.operand_count = 1, .operands = i};
        mach->operands[i] = (struct mach_operand){.vreg = i, .role = MACH_DEF};
        mach->ins[count + 1 + i] = (struct mach_ins){.operand_count = 1, .operands = count + i};
        mach->operands[count + i] = (struct mach_operand){.vreg = i, .role = MACH_USE};
    }
    mach->ins[count].flags = MACH_IS_CALL;
    mach->ins[2 * count + 1].flags = MACH_IS_EXIT;
    return mach_allocate(mach, &bench->scratch);
}

static void a_frame_has_so_many_slots_and_no_more(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(crowd(&bench, JIT_FRAME_BYTES / 8), ERR_OK);
    assert_int_equal(bench.mach.slot_count, JIT_FRAME_BYTES / 8);
    assert_false(mach_check(&bench.mach).found);
    bench_close(&bench);
    bench_open(&bench);
    assert_int_equal(crowd(&bench, JIT_FRAME_BYTES / 8 + 1), ERR_LIMIT);
    bench_close(&bench);
}

// Loops within loops: each a header, and, behind all of them, the latches.
static enum err nest_loops(struct bench *bench, u32 depth)
{
    struct mach *mach = &bench->mach;
    u32 blocks = 3 * depth + 1;
    *mach = (struct mach){.arena = &bench->arena, .registers = &mach_random_registers[0]};
    mach->ins_capacity = mach->ins_count = blocks;
    mach->edge_capacity = 4 * depth;
    mach->list_capacity = 8 * depth;
    mach->block_count = blocks;
    mach->ins = ARENA_ARRAY(&bench->arena, struct mach_ins, blocks);
    mach->operands = ARENA_NEW(&bench->arena, struct mach_operand);
    mach->blocks = ARENA_ARRAY(&bench->arena, struct mach_block, blocks);
    mach->edges = ARENA_ARRAY(&bench->arena, struct mach_edge, mach->edge_capacity);
    mach->lists = ARENA_ARRAY(&bench->arena, u32, mach->list_capacity);
    for (u32 b = 0; b < blocks; b++) {
        mach->blocks[b] = (struct mach_block){.first = b, .end = b + 1};
        mach->ins[b].flags = MACH_IS_EXIT;
        // Block 0, then the headers 1 … depth, then for each loop from the inside a block that
        // goes back and one behind the loop.
        u32 to[2] = {b + 1, 0};
        u32 count = b + 1 < blocks ? 1 : 0;
        bool is_inner = b == depth;
        bool is_behind = b > depth && (b - depth) % 2 == 0;
        if ((is_inner || is_behind) && count != 0) {
            to[1] = b + 2;
            count = 2;
        } else if (b > depth) {
            to[0] = depth - (b - depth - 1) / 2;
            mach->blocks[to[0]].loop_end = b + 1;
            count = b + 1 < blocks ? 1 : 0;
        }
        mach->blocks[b].succs = mach->list_count;
        mach->blocks[b].succ_count = count;
        for (u32 s = 0; s < count; s++) {
            mach->lists[mach->list_count++] = mach->edge_count;
            mach->edges[mach->edge_count++] = (struct mach_edge){b, to[s], 0};
        }
    }
    for (u32 b = 0; b < blocks; b++) {
        mach->blocks[b].preds = mach->list_count;
        for (u32 e = 0; e < mach->edge_count; e++) {
            if (mach->edges[e].to == b) {
                mach->lists[mach->list_count++] = e;
                mach->blocks[b].pred_count++;
            }
        }
    }
    assert_int_equal(mach_verify(mach, &bench->scratch), ERR_OK);
    return mach_allocate(mach, &bench->scratch);
}

static void loops_nest_so_deep_and_no_deeper(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(nest_loops(&bench, JIT_LOOP_DEPTH), ERR_OK);
    bench_close(&bench);
    bench_open(&bench);
    assert_int_equal(nest_loops(&bench, JIT_LOOP_DEPTH + 1), ERR_LIMIT);
    bench_close(&bench);
}

// Values that live through a row of branches from the first block to the last: `ways` times three
// blocks, a fork, its other side and where they meet.
static void make_row(struct bench *bench, u32 values, u32 ways)
{
    struct mach *mach = &bench->mach;
    u32 blocks = 3 * ways + 1;
    *mach = (struct mach){.arena = &bench->arena, .registers = &mach_random_registers[0]};
    mach->ins_count = 2 * values + blocks;
    mach->operand_count = 2 * values;
    mach->edge_count = 4 * ways;
    mach->vreg_count = values;
    mach->block_count = blocks;
    mach->ins = ARENA_ARRAY(&bench->arena, struct mach_ins, mach->ins_count);
    mach->operands = ARENA_ARRAY(&bench->arena, struct mach_operand, mach->operand_count);
    mach->vregs = ARENA_ARRAY(&bench->arena, struct mach_vreg, values);
    mach->blocks = ARENA_ARRAY(&bench->arena, struct mach_block, blocks);
    mach->edges = ARENA_ARRAY(&bench->arena, struct mach_edge, 4 * (size_t)ways);
    mach->lists = ARENA_ARRAY(&bench->arena, u32, 8 * (size_t)ways);
    for (u32 i = 0; i < 2 * values; i++) {
        bool is_use = i >= values;
        u32 ins = is_use ? i + blocks - 1 : i;
        mach->ins[ins] = (struct mach_ins){.operand_count = 1, .operands = i};
        mach->operands[i] = (struct mach_operand){.vreg = i % values,
                                                  .role = is_use ? MACH_USE : MACH_DEF,
                                                  .constraint = is_use ? MACH_ANYWHERE : 0};
        if (!is_use) {
            mach->vregs[i] = (struct mach_vreg){.class = MACH_INTEGER, .bytes = 8, .def = ins};
        }
    }
    for (u32 b = 0; b < blocks; b++) {
        u32 first = b == 0 ? 0 : values + b;
        u32 end = b + 1 == blocks ? mach->ins_count : values + b + 1;
        mach->blocks[b] = (struct mach_block){.first = first, .end = end};
        mach->ins[end - 1].flags = MACH_IS_EXIT;
    }
    for (u32 w = 0; w < ways; w++) {
        // Edges 4w to 4w + 3: fork to side, fork to middle, side to join, middle to join.
        u32 at[4] = {3 * w, 3 * w + 1, 3 * w + 2, 3 * w + 3};
        u32 ends[4][2] = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};
        for (u32 e = 0; e < 4; e++) {
            mach->edges[4 * w + e] = (struct mach_edge){at[ends[e][0]], at[ends[e][1]], 0};
            mach->lists[4 * w + e] = 4 * w + e;
        }
        mach->blocks[at[0]].succs = 4 * w;
        mach->blocks[at[0]].succ_count = 2;
        for (u32 side = 1; side < 3; side++) {
            mach->blocks[at[side]].preds = 4 * w + side - 1;
            mach->blocks[at[side]].pred_count = 1;
            mach->blocks[at[side]].succs = 4 * w + side + 1;
            mach->blocks[at[side]].succ_count = 1;
        }
        mach->blocks[at[3]].preds = 4 * w + 2;
        mach->blocks[at[3]].pred_count = 2;
    }
}

// More values live through more blocks than JIT_ALLOC_WORK lets the search look at.
static void what_costs_too_much_is_done_coarsely(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    make_row(&bench, 800, 400);
    assert_true(800ull * 3 * 400 > (u64)bench.mach.ins_count * JIT_ALLOC_WORK + (1 << 16));
    allocate_and_check(&bench, 0);
    bench_close(&bench);
    for (u32 registers = 0; registers < 3; registers++) {
        random_functions(7, 1, registers, (struct mach_shape){3000, 3000, 3, 2, 1});
    }
}

// Without any search, from the first register on.
static void what_has_no_memory_is_done_coarsely(void **state)
{
    (void)state;
    for (u64 seed = 0; seed < 300; seed++) {
        const struct mach_shape shape = {120, 20, 3, 5, 4};
        struct bench bench;
        bench_open(&bench);
        mach_random(&bench.arena, &mach_random_registers[seed % 3], shape, seed, &bench.mach);
        bench.mach.is_coarse = true;
        allocate_and_check(&bench, seed);
        bench_close(&bench);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (u64 seed = 1; seed < 3; seed++) {
        enum err err = ERR_NO_MEMORY;
        for (i64 left = 0; err != ERR_OK; left++) {
            struct bench bench;
            bench_open(&bench);
            mach_random(&bench.arena, &mach_random_registers[1],
                        (struct mach_shape){150, 30, 3, 10, 4}, seed, &bench.mach);
            bench.memory.allocations_left = left;
            err = mach_allocate(&bench.mach, &bench.scratch);
            assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
            bench_close(&bench);
            assert_int_equal(bench.memory.blocks, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_functions),
        cmocka_unit_test(functions_with_loops),
        cmocka_unit_test(functions_with_calls),
        cmocka_unit_test(a_two_address_result_takes_over_a_dying_operand),
        cmocka_unit_test(fixed_registers_cost_no_copy_where_they_fit),
        cmocka_unit_test(one_value_crosses_a_call_in_memory),
        cmocka_unit_test(what_is_used_often_crosses_calls_in_a_preserved_register),
        cmocka_unit_test(constants_are_computed_again_and_never_stored),
        cmocka_unit_test(vectors_take_two_slots_at_an_even_number),
        cmocka_unit_test(slots_are_used_again),
        cmocka_unit_test(values_swap_along_an_edge),
        cmocka_unit_test(a_frame_has_so_many_slots_and_no_more),
        cmocka_unit_test(loops_nest_so_deep_and_no_deeper),
        cmocka_unit_test(what_costs_too_much_is_done_coarsely),
        cmocka_unit_test(what_has_no_memory_is_done_coarsely),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
