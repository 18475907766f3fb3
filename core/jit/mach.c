// SPDX-License-Identifier: GPL-3.0-or-later
// What is between a target's two halves: checked, and printed.
#include "core/jit/mach.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/err.h"
#include "core/base/text.h"
#include "core/jit/alloc.h"

// Where each block stands in the tree of dominators: a block dominates those whose number is in
// [number, number + size).
struct tree {
    u32 *above;
    u32 *number;
    u32 *size;
    u32 *next;
};

static bool dominates(const struct tree *tree, u32 above, u32 below)
{
    return tree->number[below] - tree->number[above] < tree->size[above];
}

static u32 meet(const struct tree *tree, u32 a, u32 b)
{
    while (a != b) {
        if (a > b) {
            a = tree->above[a];
        } else {
            b = tree->above[b];
        }
    }
    return a;
}

// Blocks stand in an order in which only the edges back to a loop's header lead upwards, so that
// one pass finds the dominators.
static enum err make_tree(const struct mach *mach, struct arena *scratch, struct tree *tree)
{
    u32 count = mach->block_count;
    tree->above = ARENA_ARRAY(scratch, u32, count);
    tree->number = ARENA_ARRAY(scratch, u32, count);
    tree->size = ARENA_ARRAY(scratch, u32, count);
    tree->next = ARENA_ARRAY(scratch, u32, count);
    if (tree->above == NULL || tree->number == NULL || tree->size == NULL || tree->next == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 b = 1; b < count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        u32 above = MACH_NONE;
        for (u32 p = 0; p < block->pred_count; p++) {
            u32 from = mach->edges[mach->lists[block->preds + p]].from;
            ASSERT(from < b || from < block->loop_end);
            if (from < b) {
                above = above == MACH_NONE ? from : meet(tree, above, from);
            }
        }
        ASSERT(above != MACH_NONE);
        tree->above[b] = above;
    }
    for (u32 b = count; b-- > 0;) {
        tree->size[b]++;
        if (b != 0) {
            tree->size[tree->above[b]] += tree->size[b];
        }
    }
    tree->next[0] = 1;
    for (u32 b = 1; b < count; b++) {
        tree->number[b] = tree->next[tree->above[b]];
        tree->next[tree->above[b]] += tree->size[b];
        tree->next[b] = tree->number[b] + 1;
    }
    return ERR_OK;
}

struct verifier {
    const struct mach *mach;
    struct tree tree;
    u32 *def_block; // of a virtual register; MACH_NONE while none was seen
};

static void verify_def(struct verifier *verifier, u32 vreg, u32 block, u32 ins)
{
    ASSERT(vreg < verifier->mach->vreg_count);
    ASSERT(verifier->def_block[vreg] == MACH_NONE);
    ASSERT(verifier->mach->vregs[vreg].def == ins);
    verifier->def_block[vreg] = block;
}

// What is used was defined in this block before, or in one above it.
static void verify_use(const struct verifier *verifier, u32 vreg, u32 block)
{
    ASSERT(vreg < verifier->mach->vreg_count);
    u32 def = verifier->def_block[vreg];
    ASSERT(def != MACH_NONE);
    ASSERT(dominates(&verifier->tree, def, block));
}

static void verify_operand(const struct mach *mach, const struct mach_ins *ins, u32 index)
{
    const struct mach_operand *operand = &mach->operands[ins->operands + index];
    ASSERT(operand->vreg < mach->vreg_count);
    ASSERT(operand->role <= MACH_TEMP && operand->constraint <= MACH_SAME);
    const struct mach_vreg *vreg = &mach->vregs[operand->vreg];
    ASSERT(vreg->class < MACH_CLASS_COUNT);
    ASSERT(vreg->bytes == 4 || vreg->bytes == 8 || vreg->bytes == 16);
    bool is_def = operand->role == MACH_DEF || operand->role == MACH_DEF_EARLY;
    if (operand->constraint == MACH_FIXED) {
        ASSERT((mach->registers->allocatable[vreg->class] >> operand->reg & 1) != 0);
        ASSERT(!is_def || !vreg->is_remat);
    } else if (operand->constraint == MACH_SAME) {
        ASSERT(ins->operand_count <= MACH_SAME_OPERANDS && is_def);
        ASSERT(operand->reg < ins->operand_count);
        const struct mach_operand *use = &mach->operands[ins->operands + operand->reg];
        ASSERT(use->role == MACH_USE && use->constraint == MACH_IN_REGISTER);
        ASSERT(mach->vregs[use->vreg].class == vreg->class);
    }
    ASSERT(operand->role != MACH_TEMP || operand->constraint == MACH_FIXED ||
           operand->constraint == MACH_IN_REGISTER);
    ASSERT(!is_def || !vreg->is_remat || ins->operand_count == 1);
    // A register is fixed for one value at a time.
    for (u32 o = 0; operand->constraint == MACH_FIXED && o < index; o++) {
        const struct mach_operand *other = &mach->operands[ins->operands + o];
        bool meet_early = operand->role != MACH_DEF && other->role != MACH_DEF;
        bool meet_late = operand->role != MACH_USE && other->role != MACH_USE;
        ASSERT(other->constraint != MACH_FIXED || other->reg != operand->reg ||
               !(meet_early || meet_late));
    }
}

static void verify_ins(struct verifier *verifier, u32 block, u32 index)
{
    const struct mach *mach = verifier->mach;
    const struct mach_ins *ins = &mach->ins[index];
    bool is_last = index + 1 == mach->blocks[block].end;
    bool is_exit = (ins->flags & MACH_IS_EXIT) != 0;
    ASSERT(is_last == is_exit);
    ASSERT(!is_exit || mach->blocks[block].succ_count != 1 || ins->operand_count == 0);
    ASSERT(ins->operands <= mach->operand_count);
    ASSERT(ins->operand_count <= mach->operand_count - ins->operands);
    const struct mach_operand *operands = &mach->operands[ins->operands];
    for (u32 o = 0; o < ins->operand_count; o++) {
        verify_operand(mach, ins, o);
        if (operands[o].role <= MACH_USE_LATE) {
            verify_use(verifier, operands[o].vreg, block);
        }
    }
    for (u32 o = 0; o < ins->operand_count; o++) {
        if (operands[o].role == MACH_DEF || operands[o].role == MACH_DEF_EARLY) {
            ASSERT(!is_exit);
            verify_def(verifier, operands[o].vreg, block, index);
        }
    }
    if ((ins->flags & MACH_IS_MOVE) != 0) {
        ASSERT(ins->operand_count == 2 && operands[0].role == MACH_DEF);
        ASSERT(operands[1].role == MACH_USE);
        ASSERT(mach->vregs[operands[0].vreg].class == mach->vregs[operands[1].vreg].class);
    }
}

static void verify_block(struct verifier *verifier, u32 index)
{
    const struct mach *mach = verifier->mach;
    const struct mach_block *block = &mach->blocks[index];
    ASSERT(block->first < block->end && block->end <= mach->ins_count);
    ASSERT(block->first == (index == 0 ? 0 : mach->blocks[index - 1].end));
    ASSERT(block->loop_end == 0 ||
           (block->loop_end > index && block->loop_end <= mach->block_count));
    ASSERT(index != 0 || (block->pred_count == 0 && block->param_count == 0));
    for (u32 p = 0; p < block->pred_count; p++) {
        u32 edge = mach->lists[block->preds + p];
        ASSERT(edge < mach->edge_count && mach->edges[edge].to == index);
    }
    for (u32 p = 0; p < block->param_count; p++) {
        verify_def(verifier, mach->lists[block->params + p], index, MACH_NONE);
        ASSERT(!mach->vregs[mach->lists[block->params + p]].is_remat);
    }
    for (u32 i = block->first; i < block->end; i++) {
        verify_ins(verifier, index, i);
    }
    for (u32 s = 0; s < block->succ_count; s++) {
        u32 e = mach->lists[block->succs + s];
        ASSERT(e < mach->edge_count && mach->edges[e].from == index);
        const struct mach_edge *edge = &mach->edges[e];
        ASSERT(edge->to < mach->block_count);
        const struct mach_block *to = &mach->blocks[edge->to];
        ASSERT(block->succ_count == 1 || to->pred_count == 1);
        for (u32 p = 0; p < to->param_count; p++) {
            u32 arg = mach->lists[edge->args + p];
            verify_use(verifier, arg, index);
            const struct mach_vreg *param = &mach->vregs[mach->lists[to->params + p]];
            ASSERT(mach->vregs[arg].class == param->class);
            ASSERT(mach->vregs[arg].bytes == param->bytes);
        }
    }
}

enum err mach_verify(const struct mach *mach, struct arena *scratch)
{
    struct verifier verifier = {.mach = mach};
    TRY(make_tree(mach, scratch, &verifier.tree));
    verifier.def_block = ARENA_ARRAY(scratch, u32, mach->vreg_count);
    if (verifier.def_block == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 v = 0; v < mach->vreg_count; v++) {
        verifier.def_block[v] = MACH_NONE;
    }
    for (u32 b = 0; b < mach->block_count; b++) {
        verify_block(&verifier, b);
    }
    ASSERT(mach->blocks[mach->block_count - 1].end == mach->ins_count);
    return ERR_OK;
}

// ---- printing

static void print_number(struct text *out, const char *before, u64 number)
{
    text_string(out, before);
    text_u64(out, number);
}

static void print_place(struct text *out, mach_place place)
{
    if (place == MACH_PLACE_NONE) {
        text_string(out, "-");
    } else if (place >= MACH_SLOT) {
        print_number(out, "s", place - MACH_SLOT);
    } else {
        print_number(out, "r", place);
    }
}

static void print_operand(struct text *out, const struct mach_operand *operand)
{
    static const char *const roles[] = {" ", " late ", " = ", " early= ", " temp "};
    text_string(out, roles[operand->role]);
    print_number(out, "v", operand->vreg);
    switch (operand->constraint) {
    case MACH_ANYWHERE:
        text_string(out, "?");
        break;
    case MACH_FIXED:
        print_number(out, ":r", operand->reg);
        break;
    case MACH_SAME:
        print_number(out, ":#", operand->reg);
        break;
    default:
        break;
    }
    text_char(out, '@');
    print_place(out, operand->place);
}

static void print_list(struct text *out, const u32 *vregs, u32 count)
{
    text_char(out, '(');
    for (u32 i = 0; i < count; i++) {
        print_number(out, i == 0 ? "v" : " v", vregs[i]);
    }
    text_char(out, ')');
}

static void print_move(struct text *out, const struct mach_move *move)
{
    text_string(out, "        ");
    print_place(out, move->to);
    text_string(out, " <- ");
    print_place(out, move->from);
    if (move->vreg != MACH_NONE) {
        print_number(out, " v", move->vreg);
    }
    text_char(out, '\n');
}

static void print_ins(struct text *out, const struct mach *mach, u32 index,
                      const char *(*op_name)(u16 op))
{
    const struct mach_ins *ins = &mach->ins[index];
    print_number(out, "  ", index);
    if (op_name != NULL) {
        text_char(out, ' ');
        text_string(out, op_name(ins->op));
    } else {
        print_number(out, " op", ins->op);
    }
    text_string(out, (ins->flags & MACH_IS_CALL) != 0 ? " call" : "");
    text_string(out, (ins->flags & MACH_IS_LANDING) != 0 ? " landing" : "");
    text_string(out, (ins->flags & MACH_IS_MOVE) != 0 ? " move" : "");
    for (u32 o = 0; o < ins->operand_count; o++) {
        print_operand(out, &mach->operands[ins->operands + o]);
    }
    text_char(out, '\n');
}

void mach_print(const struct mach *mach, const char *(*op_name)(u16 op), struct text *out)
{
    u32 move = 0;
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        print_number(out, "block ", b);
        print_list(out, &mach->lists[block->params], block->param_count);
        print_number(out, " depth ", block->loop_depth);
        if (block->loop_end != 0) {
            print_number(out, " loop to ", block->loop_end);
        }
        text_string(out, block->is_cold ? " cold\n" : "\n");
        for (u32 i = block->first; i < block->end; i++) {
            for (; move < mach->move_count && mach->moves[move].before == i; move++) {
                print_move(out, &mach->moves[move]);
            }
            print_ins(out, mach, i, op_name);
        }
        for (u32 s = 0; s < block->succ_count; s++) {
            const struct mach_edge *edge = &mach->edges[mach->lists[block->succs + s]];
            print_number(out, "  to ", edge->to);
            print_list(out, &mach->lists[edge->args], mach->blocks[edge->to].param_count);
            text_char(out, '\n');
        }
    }
}
