// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/mach_check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// That a place holds a virtual register.
struct claim {
    u32 block; // at its start; when it is looked at, before its last instruction
    u32 vreg;
    u32 place;
};

struct checker {
    const struct mach *mach;
    struct mach_error error;
    u32 *move_first;     // of an instruction: the first move with that `before`
    struct claim *table; // claims made at the starts of blocks
    size_t table_size;   // a power of two
    size_t table_used;
    struct claim *todo;
    size_t todo_count;
    size_t todo_capacity;
    u32 block;
};

static void fail(struct checker *checker, u32 ins, u32 vreg, mach_place place, const char *words)
{
    if (checker->error.found) {
        return;
    }
    checker->error.found = true;
    checker->error.ins = ins;
    checker->error.vreg = vreg;
    snprintf(checker->error.words, sizeof checker->error.words, "ins %u v%u place %u: %s", ins,
             vreg, place, words);
}

// ---- claims

static size_t claim_slot(const struct checker *checker, const struct claim *claim)
{
    u64 hash =
        ((u64)claim->block << 40 ^ (u64)claim->vreg << 16 ^ claim->place) * 0x9e3779b97f4a7c15u;
    size_t at = (hash >> 20) & (checker->table_size - 1);
    while (checker->table[at].vreg != MACH_NONE &&
           memcmp(&checker->table[at], claim, sizeof *claim) != 0) {
        at = (at + 1) & (checker->table_size - 1);
    }
    return at;
}

static void table_double(struct checker *checker)
{
    struct claim *old = checker->table;
    size_t old_size = checker->table_size;
    checker->table_size *= 2;
    checker->table = malloc(checker->table_size * sizeof *checker->table);
    memset(checker->table, 0xff, checker->table_size * sizeof *checker->table);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].vreg != MACH_NONE) {
            checker->table[claim_slot(checker, &old[i])] = old[i];
        }
    }
    free(old);
}

static void claim_at_start(struct checker *checker, u32 block, u32 vreg, mach_place place)
{
    struct claim claim;
    memset(&claim, 0, sizeof claim);
    claim.block = block;
    claim.vreg = vreg;
    claim.place = place;
    size_t at = claim_slot(checker, &claim);
    if (checker->table[at].vreg != MACH_NONE) {
        return;
    }
    checker->table[at] = claim;
    if (++checker->table_used * 2 > checker->table_size) {
        table_double(checker);
    }
    if (checker->todo_count == checker->todo_capacity) {
        checker->todo_capacity *= 2;
        checker->todo = realloc(checker->todo, checker->todo_capacity * sizeof *checker->todo);
    }
    checker->todo[checker->todo_count++] = claim;
}

// ---- one claim, upwards

static bool is_slot(mach_place place)
{
    return place >= MACH_SLOT && place != MACH_PLACE_NONE;
}

static bool meet(mach_place a, u32 a_bytes, mach_place b, u32 b_bytes)
{
    if (!is_slot(a) || !is_slot(b)) {
        return a == b;
    }
    u32 a_end = a + (a_bytes == 16 ? 2u : 1u);
    u32 b_end = b + (b_bytes == 16 ? 2u : 1u);
    return a < b_end && b < a_end;
}

// Through the moves before an instruction, from the last to the first. True: the search is over.
static bool above_moves(struct checker *checker, u32 ins, u32 vreg, mach_place *place)
{
    const struct mach *mach = checker->mach;
    u32 bytes = mach->vregs[vreg].bytes;
    for (u32 m = checker->move_first[ins + 1]; m-- > checker->move_first[ins];) {
        const struct mach_move *move = &mach->moves[m];
        u32 moved = move->vreg == MACH_NONE ? 8 : mach->vregs[move->vreg].bytes;
        if (!meet(move->to, moved, *place, bytes)) {
            continue;
        }
        if (move->to != *place || moved < bytes) {
            fail(checker, ins, vreg, *place, "a move writes a part of it");
            return true;
        }
        if (move->from == MACH_PLACE_NONE) {
            if (move->vreg != vreg) {
                fail(checker, ins, vreg, *place, "another constant is computed there");
            }
            return true;
        }
        *place = move->from;
    }
    return false;
}

// Through an instruction. True: the search is over.
static bool above_ins(struct checker *checker, u32 index, u32 vreg, mach_place place)
{
    const struct mach *mach = checker->mach;
    const struct mach_ins *ins = &mach->ins[index];
    for (u32 o = 0; o < ins->operand_count; o++) {
        const struct mach_operand *operand = &mach->operands[ins->operands + o];
        if (operand->role <= MACH_USE_LATE || operand->place == MACH_PLACE_NONE) {
            continue;
        }
        bool is_it = operand->vreg == vreg && operand->place == place && operand->role != MACH_TEMP;
        if (is_it) {
            return true;
        }
        if (meet(operand->place, mach->vregs[operand->vreg].bytes, place,
                 mach->vregs[vreg].bytes)) {
            fail(checker, index, vreg, place, "overwritten by another operand");
            return true;
        }
    }
    bool lost =
        (ins->flags & MACH_IS_CALL) != 0 && place < MACH_REGISTERS &&
        ((mach->registers->preserved >> place & 1) == 0 || (ins->flags & MACH_IS_LANDING) != 0);
    if (lost) {
        fail(checker, index, vreg, place, "a call does not preserve it");
    }
    return lost;
}

// From before the instruction, its own moves made, up to the start of the block.
static void search(struct checker *checker, u32 block_index, u32 ins, u32 vreg, mach_place place)
{
    const struct mach *mach = checker->mach;
    const struct mach_block *block = &mach->blocks[block_index];
    for (u32 i = ins;; i--) {
        if (above_moves(checker, i, vreg, &place)) {
            return;
        }
        if (i == block->first) {
            break;
        }
        if (above_ins(checker, i - 1, vreg, place)) {
            return;
        }
    }
    if (block_index == 0) {
        fail(checker, ins, vreg, place, "never defined");
        return;
    }
    claim_at_start(checker, block_index, vreg, place);
}

static void search_preds(struct checker *checker, const struct claim *claim)
{
    const struct mach *mach = checker->mach;
    const struct mach_block *block = &mach->blocks[claim->block];
    for (u32 p = 0; p < block->pred_count; p++) {
        const struct mach_edge *edge = &mach->edges[mach->lists[block->preds + p]];
        u32 vreg = claim->vreg;
        for (u32 i = 0; i < block->param_count; i++) {
            if (mach->lists[block->params + i] == vreg) {
                vreg = mach->lists[edge->args + i];
                break;
            }
        }
        u32 last = mach->blocks[edge->from].end - 1;
        mach_place place = (mach_place)claim->place;
        if (!above_ins(checker, last, vreg, place)) {
            search(checker, edge->from, last, vreg, place);
        }
    }
}

// ---- what one operand, one instruction, one move must be

static bool is_of_class(const struct mach *mach, mach_place place, u32 vreg)
{
    return place < MACH_REGISTERS &&
           (mach->registers->allocatable[mach->vregs[vreg].class] >> place & 1) != 0;
}

static bool is_good_slot(const struct mach *mach, mach_place place, u32 vreg)
{
    if (!is_slot(place)) {
        return false;
    }
    u32 slot = place - MACH_SLOT;
    bool wide = mach->vregs[vreg].bytes == 16;
    return slot + wide < mach->slot_count && (!wide || slot % 2 == 0);
}

static void check_constraint(struct checker *checker, u32 index, u32 o)
{
    const struct mach *mach = checker->mach;
    const struct mach_ins *ins = &mach->ins[index];
    const struct mach_operand *operand = &mach->operands[ins->operands + o];
    bool is_good = is_of_class(mach, operand->place, operand->vreg);
    switch (operand->constraint) {
    case MACH_ANYWHERE:
        is_good = is_good || is_good_slot(mach, operand->place, operand->vreg);
        break;
    case MACH_FIXED:
        is_good = is_good && operand->place == operand->reg;
        break;
    case MACH_SAME:
        is_good = is_good && operand->place == mach->operands[ins->operands + operand->reg].place;
        break;
    default:
        break;
    }
    bool is_left_out = operand->role == MACH_DEF && operand->place == MACH_PLACE_NONE &&
                       mach->vregs[operand->vreg].is_remat;
    if (!is_good && !is_left_out) {
        fail(checker, index, operand->vreg, operand->place, "the constraint is not met");
    }
}

static void check_pair(struct checker *checker, u32 index, u32 a_index, u32 b_index)
{
    const struct mach *mach = checker->mach;
    const struct mach_operand *a = &mach->operands[mach->ins[index].operands + a_index];
    const struct mach_operand *b = &mach->operands[mach->ins[index].operands + b_index];
    if (a->place == MACH_PLACE_NONE ||
        !meet(a->place, mach->vregs[a->vreg].bytes, b->place, mach->vregs[b->vreg].bytes)) {
        return;
    }
    bool a_uses = a->role <= MACH_USE_LATE;
    bool b_uses = b->role <= MACH_USE_LATE;
    bool good = a_uses && b_uses;
    if (a_uses != b_uses) {
        const struct mach_operand *use = a_uses ? a : b;
        const struct mach_operand *other = a_uses ? b : a;
        bool is_same = other->constraint == MACH_SAME &&
                       mach->operands[mach->ins[index].operands + other->reg].vreg == use->vreg;
        good = use->role == MACH_USE && (other->role == MACH_DEF || is_same);
    }
    if (!good) {
        fail(checker, index, a->vreg, a->place, "two operands share a place");
    }
}

static void check_ins(struct checker *checker, u32 block, u32 index)
{
    const struct mach *mach = checker->mach;
    const struct mach_ins *ins = &mach->ins[index];
    for (u32 o = 0; o < ins->operand_count && !checker->error.found; o++) {
        const struct mach_operand *operand = &mach->operands[ins->operands + o];
        check_constraint(checker, index, o);
        for (u32 other = 0; other < o; other++) {
            check_pair(checker, index, o, other);
        }
        if (operand->role <= MACH_USE_LATE) {
            search(checker, block, index, operand->vreg, operand->place);
        } else if (operand->place < MACH_REGISTERS &&
                   (mach->registers->preserved & ~mach->preserved_used) >> operand->place & 1) {
            fail(checker, index, operand->vreg, operand->place, "not in preserved_used");
        }
    }
}

static void check_move(struct checker *checker, u32 index)
{
    const struct mach *mach = checker->mach;
    const struct mach_move *move = &mach->moves[index];
    mach_place scratch = mach->registers->scratch;
    bool good = index == 0 || mach->moves[index - 1].before <= move->before;
    if (move->vreg == MACH_NONE) {
        mach_place other = move->from == scratch ? move->to : move->from;
        good = good && (move->from == scratch || move->to == scratch) && other < MACH_REGISTERS &&
               (mach->registers->allocatable[MACH_INTEGER] >> other & 1) != 0;
    } else {
        mach_place ends[2] = {move->from, move->to};
        for (u32 e = 0; e < 2; e++) {
            good = good && (ends[e] == scratch || is_of_class(mach, ends[e], move->vreg) ||
                            is_good_slot(mach, ends[e], move->vreg) ||
                            (e == 0 && ends[e] == MACH_PLACE_NONE));
        }
        bool is_constant = move->from == MACH_PLACE_NONE;
        bool is_float = mach->vregs[move->vreg].class == MACH_FLOAT;
        good = good && !(is_slot(move->from) && is_slot(move->to)) &&
               (!is_constant || (mach->vregs[move->vreg].is_remat && !is_slot(move->to) &&
                                 (move->to != scratch || is_float)));
    }
    good = good && (move->to >= MACH_REGISTERS ||
                    ((mach->registers->preserved & ~mach->preserved_used) >> move->to & 1) == 0);
    if (!good) {
        fail(checker, move->before, move->vreg, move->to, "a move that cannot be made");
    }
}

struct mach_error mach_check(const struct mach *mach)
{
    struct checker checker = {.mach = mach, .table_size = 1024, .todo_capacity = 1024};
    checker.table = malloc(checker.table_size * sizeof *checker.table);
    memset(checker.table, 0xff, checker.table_size * sizeof *checker.table);
    checker.todo = malloc(checker.todo_capacity * sizeof *checker.todo);
    checker.move_first = calloc((size_t)mach->ins_count + 2, sizeof *checker.move_first);
    u32 move = 0;
    for (u32 i = 0; i <= mach->ins_count; i++) {
        checker.move_first[i] = move;
        while (move < mach->move_count && mach->moves[move].before == i) {
            move++;
        }
    }
    for (u32 m = 0; m < mach->move_count; m++) {
        check_move(&checker, m);
    }
    if (move != mach->move_count) {
        fail(&checker, 0, 0, 0, "moves are out of order");
    }
    for (u32 b = 0; b < mach->block_count; b++) {
        for (u32 i = mach->blocks[b].first; i < mach->blocks[b].end; i++) {
            check_ins(&checker, b, i);
        }
    }
    while (checker.todo_count != 0 && !checker.error.found) {
        struct claim claim = checker.todo[--checker.todo_count];
        search_preds(&checker, &claim);
    }
    free(checker.table);
    free(checker.todo);
    free(checker.move_first);
    return checker.error;
}

// How often blocks run, roughly: a branch goes either way, a loop turns eight times.
static double *guess_times(const struct mach *mach)
{
    double *times = calloc(mach->block_count, sizeof *times);
    times[0] = 1;
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        times[b] *= block->is_cold ? 0 : block->loop_end != 0 ? 8 : 1;
        double sum = 0;
        for (u32 pass = 0; pass < 2; pass++) {
            double all = sum;
            for (u32 s = 0; s < block->succ_count; s++) {
                u32 to = mach->edges[mach->lists[block->succs + s]].to;
                bool leaves = mach->blocks[to].loop_depth < block->loop_depth;
                double part = mach->blocks[to].is_cold ? 0 : leaves ? 1 : 7;
                sum += part;
                times[to] += pass == 1 && to > b && all > 0 ? times[b] * part / all : 0;
            }
        }
    }
    return times;
}

struct mach_statistics mach_statistics(const struct mach *mach)
{
    struct mach_statistics sum = {0};
    double *guess = guess_times(mach);
    u32 m = 0;
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        double times = guess[b];
        for (u32 i = block->first; i < block->end; i++) {
            sum.instructions += times;
            for (; m < mach->move_count && mach->moves[m].before == i; m++) {
                const struct mach_move *move = &mach->moves[m];
                sum.constants += move->from == MACH_PLACE_NONE ? times : 0;
                sum.loads += is_slot(move->from) ? times : 0;
                sum.stores += is_slot(move->to) ? times : 0;
                sum.moves += move->from < MACH_SLOT && move->to < MACH_SLOT ? times : 0;
            }
            for (u32 o = 0; o < mach->ins[i].operand_count; o++) {
                sum.from_memory +=
                    is_slot(mach->operands[mach->ins[i].operands + o].place) ? times : 0;
            }
        }
    }
    free(guess);
    return sum;
}
