// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/passes.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/builder.h"
#include "core/jit/pace.h"

enum { INS_UNITS = 4, BLOCK_UNITS = 8 }; // of time

// ---- what is needed

struct cleaner {
    struct ir *ir;
    u32 *numbers; // of each old instruction: its new number, plus 1; 0: not needed
    u32 *waiting; // needed instructions whose operands are still to be looked at
    u32 waiting_count;
    struct ir_ins *ins;
    u32 ins_count;
    u32 *lists;
    u32 list_count;
};

static u32 resolve(const struct ir *ir, u32 value)
{
    while (ir->ins[value].op == BUILD_ALIAS) {
        value = ir->ins[value].a;
    }
    return value;
}

// Marks a value as needed. Those before `sweep` are met later anyway.
static void need(struct cleaner *c, u32 value, u32 sweep)
{
    value = resolve(c->ir, value);
    if (c->numbers[value] == 0) {
        c->numbers[value] = 1;
        if (value >= sweep) {
            c->waiting[c->waiting_count++] = value;
        }
    }
}

static void need_list(struct cleaner *c, u32 first, u32 count, u32 sweep)
{
    for (u32 i = 0; i < count; i++) {
        need(c, c->ir->lists[first + i], sweep);
    }
}

static void need_operands(struct cleaner *c, u32 value, u32 pred_count, u32 sweep)
{
    const struct ir_ins *ins = &c->ir->ins[value];
    u8 shape = ins->op < IR_OP_COUNT ? ir_shapes[ins->op] : 0;
    if ((shape & IR_SHAPE_A) != 0) {
        need(c, ins->a, sweep);
    }
    if ((shape & IR_SHAPE_B) != 0) {
        need(c, ins->b, sweep);
    }
    if ((shape & IR_SHAPE_C) != 0) {
        need(c, ins->c, sweep);
    }
    if ((shape & IR_SHAPE_LIST) != 0) {
        need_list(c, ins->b + 1, c->ir->lists[ins->b], sweep);
    }
    if ((shape & IR_SHAPE_PHI) != 0) {
        need_list(c, ins->a, pred_count, sweep);
    }
}

// Backwards over all instructions; only what comes from behind, round a loop, has to wait. What
// waits may be a phi of another block: how many inputs it has is found by its block.
static void mark(struct cleaner *c)
{
    struct ir *ir = c->ir;
    for (u32 block = ir->block_count; block-- > 0;) {
        for (u32 i = ir->blocks[block].end; i-- > ir->blocks[block].first;) {
            const struct ir_ins *ins = &ir->ins[i];
            if (ins->op == IR_PARAM || (ins->op < IR_OP_COUNT && ir_has_effect(ins))) {
                c->numbers[i] = 1;
            }
            if (c->numbers[i] != 0) {
                need_operands(c, i, ir->blocks[block].pred_count, i);
            }
            while (c->waiting_count > 0) {
                u32 value = c->waiting[--c->waiting_count];
                need_operands(c, value, c->ir->ins[value].uses, i);
                jit_pace(ir->pace, INS_UNITS + c->ir->ins[value].uses);
            }
            jit_pace(ir->pace, INS_UNITS);
        }
    }
}

// ---- the new arrays

static u32 renumber(struct cleaner *c, u32 value)
{
    u32 number = c->numbers[resolve(c->ir, value)];
    ASSERT(number != 0);
    c->ins[number - 1].uses++;
    return number - 1;
}

static u32 copy_values(struct cleaner *c, u32 first, u32 count)
{
    u32 copy = c->list_count;
    for (u32 i = 0; i < count; i++) {
        c->lists[c->list_count++] = renumber(c, c->ir->lists[first + i]);
    }
    return copy;
}

static u32 copy_numbers(struct cleaner *c, u32 first, u32 count)
{
    u32 copy = c->list_count;
    mem_copy(c->lists + copy, c->ir->lists + first, count * sizeof *c->lists);
    c->list_count += count;
    return copy;
}

static void copy_ins(struct cleaner *c, struct ir_ins *ins, u32 pred_count)
{
    u8 shape = ir_shapes[ins->op];
    if ((shape & IR_SHAPE_A) != 0) {
        ins->a = renumber(c, ins->a);
    }
    if ((shape & IR_SHAPE_B) != 0) {
        ins->b = renumber(c, ins->b);
    }
    if ((shape & IR_SHAPE_C) != 0) {
        ins->c = renumber(c, ins->c);
    }
    if ((shape & IR_SHAPE_LIST) != 0) {
        u32 count = c->ir->lists[ins->b];
        c->lists[c->list_count++] = count;
        ins->b = copy_values(c, ins->b + 1, count) - 1;
    }
    if ((shape & IR_SHAPE_PHI) != 0) {
        ins->a = copy_values(c, ins->a, pred_count);
    }
    if (ins->op == IR_SWITCH) {
        ins->b = copy_numbers(c, ins->b, c->ir->lists[ins->b] + 1);
    }
}

// Numbers what is needed, and counts how long the lists will be.
static bool number(struct cleaner *c)
{
    const struct ir *ir = c->ir;
    u64 list_count = 0;
    for (u32 block = 0; block < ir->block_count; block++) {
        const struct ir_block *at = &ir->blocks[block];
        list_count += at->pred_count + at->succ_count;
        for (u32 i = at->first; i < at->end; i++) {
            if (c->numbers[i] == 0) {
                continue;
            }
            c->numbers[i] = ++c->ins_count;
            const struct ir_ins *ins = &ir->ins[i];
            if ((ir_shapes[ins->op] & IR_SHAPE_LIST) != 0 || ins->op == IR_SWITCH) {
                list_count += 1 + ir->lists[ins->b];
            } else if (ins->op == IR_PHI) {
                list_count += at->pred_count;
            }
        }
    }
    c->ins = ARENA_ARRAY(ir->arena, struct ir_ins, c->ins_count);
    c->lists = ARENA_ARRAY(ir->arena, u32, list_count);
    return c->ins != NULL && c->lists != NULL;
}

static void copy_block(struct cleaner *c, struct ir_block *block, u32 *next)
{
    u32 first = *next;
    for (u32 i = block->first; i < block->end; i++) {
        if (c->numbers[i] != 0) {
            struct ir_ins *copy = &c->ins[(*next)++];
            u32 uses = copy->uses; // counted so far
            *copy = c->ir->ins[i];
            copy->uses = uses;
            u32 list_count = c->list_count;
            copy_ins(c, copy, block->pred_count);
            jit_pace(c->ir->pace, INS_UNITS + c->list_count - list_count);
        }
    }
    block->preds = copy_numbers(c, block->preds, block->pred_count);
    block->succs = copy_numbers(c, block->succs, block->succ_count);
    block->first = first;
    block->end = *next;
}

enum err ir_clean(struct ir *ir)
{
    struct cleaner c = {.ir = ir};
    c.numbers = ARENA_ARRAY(ir->arena, u32, ir->ins_count);
    c.waiting = ARENA_ARRAY(ir->arena, u32, ir->ins_count);
    if (c.numbers == NULL || c.waiting == NULL) {
        return ERR_NO_MEMORY;
    }
    // Until they are counted, the uses of a phi are how many inputs it has.
    for (u32 block = 0; block < ir->block_count; block++) {
        const struct ir_block *at = &ir->blocks[block];
        for (u32 i = at->first; i < at->end && ir->ins[i].op >= IR_PHI; i++) {
            ir->ins[i].uses = at->pred_count;
        }
    }
    mark(&c);
    if (!number(&c)) {
        return ERR_NO_MEMORY;
    }
    u32 next = 0;
    for (u32 block = 0; block < ir->block_count; block++) {
        copy_block(&c, &ir->blocks[block], &next);
    }
    ASSERT(next == c.ins_count);
    ir->ins = c.ins;
    ir->ins_count = c.ins_count;
    ir->ins_capacity = c.ins_count;
    ir->lists = c.lists;
    ir->list_count = c.list_count;
    ir->list_capacity = c.list_count;
    return ERR_OK;
}

// ---- loops and cold blocks

// Of each loop's header, the header of the run that it stands in: so a loop counts as part of the
// one around it also when it never goes back there.
static void find_parents(const struct ir *ir, u32 *parents)
{
    u32 run = IR_NONE;
    for (u32 index = 0; index < ir->block_count; index++) {
        while (run != IR_NONE && index >= ir->blocks[run].loop_end) {
            run = parents[run];
        }
        parents[index] = run;
        run = ir->blocks[index].loop_end != 0 ? index : run;
    }
}

// Backwards: a block is part of a loop when a successor is, or when it jumps to the start.
static void mark_block(struct ir *ir, u32 index, const u32 *parents)
{
    struct ir_block *block = &ir->blocks[index];
    u32 innermost = IR_NONE;
    bool is_cold = true;
    for (u32 i = 0; i < block->succ_count; i++) {
        u32 next = ir->lists[block->succs + i];
        u32 loop = next <= index ? next : ir->blocks[next].loop;
        while (loop != IR_NONE && (index < loop || index >= ir->blocks[loop].loop_end)) {
            loop = parents[loop];
        }
        bool is_deeper = loop != IR_NONE && (innermost == IR_NONE || loop > innermost);
        innermost = is_deeper ? loop : innermost;
        is_cold &= next > index && ir->blocks[next].is_cold;
    }
    bool is_trap = ir->ins[block->end - 1].op == IR_UNREACHABLE;
    block->is_cold = block->succ_count == 0 ? is_trap : is_cold;
    block->loop = innermost;
}

enum err ir_mark_blocks(struct ir *ir)
{
    u32 *parents = ARENA_ARRAY(ir->arena, u32, ir->block_count);
    if (parents == NULL) {
        return ERR_NO_MEMORY;
    }
    find_parents(ir, parents);
    for (u32 index = ir->block_count; index-- > 0;) {
        mark_block(ir, index, parents);
        jit_pace(ir->pace, BLOCK_UNITS);
    }
    for (u32 index = 0; index < ir->block_count; index++) {
        struct ir_block *block = &ir->blocks[index];
        u32 outer = block->loop == index ? parents[index] : block->loop;
        u32 depth = outer == IR_NONE ? 0 : ir->blocks[outer].loop_depth;
        block->loop_depth = (u16)(depth + (block->loop == index && depth < UINT16_MAX));
    }
    return ERR_OK;
}

enum err ir_improve(struct ir *ir)
{
    TRY(ir_clean(ir));
    TRY(ir_mark_blocks(ir));
    if (SLOW_ASSERTS) {
        ir_verify(ir);
    }
    return ERR_OK;
}
