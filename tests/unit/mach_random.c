// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/mach_random.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"

const struct mach_registers mach_random_registers[3] = {
    {{0x1fcf, 0x7fff0000}, 0x1028, 31},
    {{0x7, 0x30000}, 0x4, 31},
    {{0xff, 0xff0000}, 0xff00ff, 31},
};

enum { OPERANDS = 12, ARGS_LEAST = 8 };

struct maker {
    struct mach *mach;
    struct mach_shape shape;
    u64 state;
    u32 *live; // virtual registers that are defined here
    u32 live_count;
    u32 budget; // instructions still to be made
    u32 loop_depth;
    bool is_cold;
};

static u32 roll(struct maker *maker, u32 below)
{
    maker->state = maker->state * 6364136223846793005u + 1442695040888963407u;
    return (u32)(((maker->state >> 33) * below) >> 31);
}

#define GROW(mach, what, type, more)                                                               \
    do {                                                                                           \
        if ((mach)->what##_count + (more) > (mach)->what##_capacity) {                             \
            u32 capacity_ = ((mach)->what##_capacity + (more)) * 2;                                \
            type *new_ = ARENA_ARRAY((mach)->arena, type, capacity_);                              \
            ASSERT(new_ != NULL);                                                                  \
            mem_copy(new_, (mach)->what##s, (mach)->what##_count * sizeof(type));                  \
            (mach)->what##s = new_;                                                                \
            (mach)->what##_capacity = capacity_;                                                   \
        }                                                                                          \
    } while (0)

static u32 new_vreg(struct maker *maker, u8 class, u8 bytes, u32 def)
{
    struct mach *mach = maker->mach;
    GROW(mach, vreg, struct mach_vreg, 1);
    mach->vregs[mach->vreg_count] = (struct mach_vreg){.class = class, .bytes = bytes, .def = def};
    return mach->vreg_count++;
}

static u32 random_vreg(struct maker *maker, u8 class, u32 def)
{
    static const u8 integer_bytes[] = {4, 8, 8};
    static const u8 float_bytes[] = {4, 8, 8, 16};
    return new_vreg(
        maker, class,
        class == MACH_INTEGER ? integer_bytes[roll(maker, 3)] : float_bytes[roll(maker, 4)], def);
}

static void push_live(struct maker *maker, u32 vreg)
{
    maker->live[maker->live_count++] = vreg;
}

// One of those that live; MACH_NONE when there is none of the class. Mostly a recent one.
static u32 pick(struct maker *maker, u8 class, u8 bytes)
{
    for (u32 tries = 0; tries < 30 && maker->live_count != 0; tries++) {
        u32 range = roll(maker, maker->shape.old) != 0 && maker->live_count > maker->shape.values
                        ? maker->shape.values
                        : maker->live_count;
        u32 vreg = maker->live[maker->live_count - 1 - roll(maker, range)];
        const struct mach_vreg *v = &maker->mach->vregs[vreg];
        if (v->class == class && (bytes == 0 || v->bytes == bytes)) {
            return vreg;
        }
    }
    return MACH_NONE;
}

static u32 list_put(struct maker *maker, const u32 *items, u32 count)
{
    struct mach *mach = maker->mach;
    GROW(mach, list, u32, count + 1);
    u32 first = mach->list_count;
    mem_copy(&mach->lists[first], items, count * sizeof(u32));
    mach->list_count += count;
    return first;
}

// ---- instructions

static u32 add_ins(struct maker *maker, u8 flags, const struct mach_operand *operands, u32 count)
{
    struct mach *mach = maker->mach;
    if (mach->ins_count == mach->ins_capacity) {
        u32 capacity = mach->ins_capacity * 2 + 64;
        struct mach_ins *ins = ARENA_ARRAY(mach->arena, struct mach_ins, capacity);
        ASSERT(ins != NULL);
        mem_copy(ins, mach->ins, mach->ins_count * sizeof *ins);
        mach->ins = ins;
        mach->ins_capacity = capacity;
    }
    GROW(mach, operand, struct mach_operand, count);
    mem_copy(&mach->operands[mach->operand_count], operands, count * sizeof *operands);
    mach->ins[mach->ins_count] = (struct mach_ins){
        .op = (u16)roll(maker, 100),
        .operand_count = (u8)count,
        .flags = flags,
        .operands = mach->operand_count,
    };
    mach->operand_count += count;
    if (maker->budget != 0) {
        maker->budget--;
    }
    return mach->ins_count++;
}

static u32 nth_register(u64 mask, u32 n)
{
    for (; n != 0; n--) {
        mask &= mask - 1;
    }
    return (u32)__builtin_ctzll(mask);
}

static void add_constant(struct maker *maker)
{
    u8 class = roll(maker, 3) == 0 ? MACH_FLOAT : MACH_INTEGER;
    u32 vreg = random_vreg(maker, class, maker->mach->ins_count);
    maker->mach->vregs[vreg].is_remat = roll(maker, 4) != 0;
    struct mach_operand def = {.vreg = vreg, .role = MACH_DEF};
    add_ins(maker, 0, &def, 1);
    push_live(maker, vreg);
}

static void add_move(struct maker *maker)
{
    u32 from = pick(maker, MACH_INTEGER, 0);
    if (from == MACH_NONE) {
        return;
    }
    u32 to = new_vreg(maker, MACH_INTEGER, maker->mach->vregs[from].bytes, maker->mach->ins_count);
    struct mach_operand operands[2] = {
        {.vreg = to, .role = MACH_DEF, .constraint = MACH_ANYWHERE},
        {.vreg = from, .role = MACH_USE, .constraint = (u8)roll(maker, 2)},
    };
    add_ins(maker, MACH_IS_MOVE, operands, 2);
    push_live(maker, to);
}

// Fixed arguments, others anywhere, and mostly a fixed result.
static void add_call(struct maker *maker)
{
    struct mach *mach = maker->mach;
    struct mach_operand operands[OPERANDS];
    u32 count = 0;
    for (u8 class = 0; class < MACH_CLASS_COUNT; class ++) {
        u64 mask = mach->registers->allocatable[class];
        u32 most = (u32)__builtin_popcountll(mask);
        most = most > 4 ? 4 : most;
        u32 args = roll(maker, most + 1);
        for (u32 a = 0; a < args; a++) {
            u32 vreg = pick(maker, class, 0);
            if (vreg != MACH_NONE) {
                operands[count++] = (struct mach_operand){.vreg = vreg,
                                                          .role = MACH_USE,
                                                          .constraint = MACH_FIXED,
                                                          .reg = (u8)nth_register(mask, a)};
            }
        }
        u32 other = pick(maker, class, 0);
        if (other != MACH_NONE && args < most) {
            operands[count++] = (struct mach_operand){
                .vreg = other, .role = MACH_USE, .constraint = (u8)roll(maker, 2)};
        }
    }
    u32 results = roll(maker, 3);
    u32 defined[2];
    for (u32 r = 0; r < results; r++) {
        u8 class = (u8)r;
        defined[r] = random_vreg(maker, class, mach->ins_count);
        u64 mask = mach->registers->allocatable[class];
        operands[count++] = (struct mach_operand){.vreg = defined[r],
                                                  .role = MACH_DEF,
                                                  .constraint = MACH_FIXED,
                                                  .reg = (u8)nth_register(mask, 0)};
    }
    add_ins(maker, MACH_IS_CALL, operands, count);
    for (u32 r = 0; r < results; r++) {
        push_live(maker, defined[r]);
    }
}

static void add_temp(struct maker *maker, u8 class, struct mach_operand *operands, u32 *count)
{
    u32 vreg = random_vreg(maker, class, MACH_NONE);
    operands[(*count)++] = (struct mach_operand){.vreg = vreg, .role = MACH_TEMP};
}

// Anything else: up to as many operands as there are registers, one of them perhaps fixed.
static void add_operation(struct maker *maker)
{
    struct mach *mach = maker->mach;
    u8 class = roll(maker, 3) == 0 ? MACH_FLOAT : MACH_INTEGER;
    u64 mask = mach->registers->allocatable[class];
    u32 room = (u32)__builtin_popcountll(mask);
    struct mach_operand operands[OPERANDS];
    u32 count = 0;
    u32 def = MACH_NONE;
    if (roll(maker, 5) != 0) {
        def = random_vreg(maker, class, mach->ins_count);
        operands[count++] = (struct mach_operand){
            .vreg = def,
            .role = roll(maker, 8) == 0 ? MACH_DEF_EARLY : MACH_DEF,
            .constraint = roll(maker, 8) == 0 ? MACH_ANYWHERE : MACH_IN_REGISTER};
        room--;
    }
    u32 uses = roll(maker, room < 3 ? room + 1 : 4);
    bool has_fixed = false;
    for (u32 u = 0; u < uses; u++) {
        u32 vreg = pick(maker, class, 0);
        if (vreg == MACH_NONE) {
            break;
        }
        struct mach_operand use = {.vreg = vreg,
                                   .role = roll(maker, 6) == 0 ? MACH_USE_LATE : MACH_USE,
                                   .constraint =
                                       roll(maker, 4) == 0 ? MACH_ANYWHERE : MACH_IN_REGISTER};
        if (!has_fixed && roll(maker, 8) == 0) {
            has_fixed = true;
            use.constraint = MACH_FIXED;
            use.reg = (u8)nth_register(mask, roll(maker, (u32)__builtin_popcountll(mask)));
        }
        room--;
        operands[count++] = use;
    }
    if (def != MACH_NONE && count > 1 && operands[1].role == MACH_USE &&
        operands[1].constraint == MACH_IN_REGISTER && roll(maker, 2) == 0) {
        operands[0].constraint = MACH_SAME;
        operands[0].role = MACH_DEF;
        operands[0].reg = 1;
    } else if (def != MACH_NONE && !has_fixed && roll(maker, 10) == 0) {
        operands[0].constraint = MACH_FIXED;
        operands[0].role = MACH_DEF;
        operands[0].reg = (u8)nth_register(mask, roll(maker, (u32)__builtin_popcountll(mask)));
    }
    if (room != 0 && roll(maker, 6) == 0) {
        add_temp(maker, class, operands, &count);
    }
    add_ins(maker, 0, operands, count);
    if (def != MACH_NONE) {
        push_live(maker, def);
    }
}

static void add_some(struct maker *maker)
{
    for (u32 count = roll(maker, 8); count != 0 && maker->budget != 0; count--) {
        u32 kind = roll(maker, 100);
        if (kind < maker->shape.calls) {
            add_call(maker);
        } else if (kind < maker->shape.calls + 12 || maker->live_count < 4) {
            add_constant(maker);
        } else if (kind > 95) {
            add_move(maker);
        } else {
            add_operation(maker);
        }
    }
}

// ---- blocks

// Ends the block: what was added since the last one is its. The new block has no edges yet.
static u32 begin_block(struct maker *maker)
{
    struct mach *mach = maker->mach;
    mach->blocks[mach->block_count] = (struct mach_block){
        .first = mach->ins_count,
        .loop_depth = (u16)maker->loop_depth,
        .is_cold = maker->is_cold,
    };
    return mach->block_count++;
}

static void end_block(struct maker *maker, u32 succs)
{
    struct mach_operand operands[1];
    u32 count = 0;
    u32 vreg = pick(maker, MACH_INTEGER, 0);
    if (succs != 1 && vreg != MACH_NONE) {
        operands[count++] =
            (struct mach_operand){.vreg = vreg, .role = MACH_USE, .constraint = (u8)roll(maker, 2)};
    }
    add_ins(maker, MACH_IS_EXIT, operands, count);
    maker->mach->blocks[maker->mach->block_count - 1].end = maker->mach->ins_count;
}

static u32 add_edge(struct maker *maker, u32 from, u32 to, u32 args)
{
    struct mach *mach = maker->mach;
    GROW(mach, edge, struct mach_edge, 1);
    mach->edges[mach->edge_count] = (struct mach_edge){from, to, args};
    return mach->edge_count++;
}

// Parameters of the newest block, as many kinds as `kinds` says; they live from here on.
static void add_params(struct maker *maker, const u32 *like, u32 count)
{
    u32 params[OPERANDS];
    for (u32 p = 0; p < count; p++) {
        struct mach_vreg v = maker->mach->vregs[like[p]];
        params[p] = new_vreg(maker, v.class, v.bytes, MACH_NONE);
        push_live(maker, params[p]);
    }
    struct mach_block *block = &maker->mach->blocks[maker->mach->block_count - 1];
    block->params = list_put(maker, params, count);
    block->param_count = count;
}

static u32 pick_args(struct maker *maker, u32 *args)
{
    u32 count = 0;
    for (u32 most = roll(maker, ARGS_LEAST); most != 0; most--) {
        args[count] = pick(maker, (u8)roll(maker, 2), 0);
        count += args[count] != MACH_NONE;
    }
    return count;
}

// Others of the same kinds, for another edge to the same block.
static u32 args_like(struct maker *maker, const u32 *like, u32 count)
{
    u32 args[OPERANDS];
    for (u32 a = 0; a < count; a++) {
        struct mach_vreg v = maker->mach->vregs[like[a]];
        args[a] = pick(maker, v.class, v.bytes);
        args[a] = args[a] == MACH_NONE ? like[a] : args[a];
    }
    return list_put(maker, args, count);
}

static void set_edges(struct maker *maker, u32 block, const u32 *preds, u32 pred_count)
{
    maker->mach->blocks[block].preds = list_put(maker, preds, pred_count);
    maker->mach->blocks[block].pred_count = pred_count;
}

static void set_succs(struct maker *maker, u32 block, const u32 *succs, u32 succ_count)
{
    maker->mach->blocks[block].succs = list_put(maker, succs, succ_count);
    maker->mach->blocks[block].succ_count = succ_count;
}

static void add_body(struct maker *maker, u32 depth);

// if … else … in the newest block, both ways meeting in a new one.
static void add_branch(struct maker *maker, u32 depth)
{
    u32 before = maker->mach->block_count - 1;
    end_block(maker, 2);
    u32 live = maker->live_count;
    bool was_cold = maker->is_cold;
    u32 enter[2];
    u32 leave[2];
    u32 out[2];
    u32 like[OPERANDS];
    u32 like_count = pick_args(maker, like);
    for (u32 way = 0; way < 2; way++) {
        maker->is_cold = was_cold || roll(maker, 6) == 0;
        u32 block = begin_block(maker);
        enter[way] = add_edge(maker, before, block, 0);
        set_edges(maker, block, &enter[way], 1);
        add_body(maker, depth);
        end_block(maker, 1);
        leave[way] = maker->mach->block_count - 1;
        out[way] = args_like(maker, like, like_count);
        maker->live_count = live;
    }
    maker->is_cold = was_cold;
    set_succs(maker, before, enter, 2);
    u32 joined = begin_block(maker);
    add_params(maker, like, like_count);
    for (u32 way = 0; way < 2; way++) {
        u32 edge = add_edge(maker, leave[way], joined, out[way]);
        set_succs(maker, leave[way], &edge, 1);
        enter[way] = edge;
    }
    set_edges(maker, joined, enter, 2);
}

static void add_loop(struct maker *maker, u32 depth)
{
    u32 before = maker->mach->block_count - 1;
    end_block(maker, 1);
    u32 like[OPERANDS];
    u32 like_count = pick_args(maker, like);
    u32 live = maker->live_count;
    maker->loop_depth++;
    u32 header = begin_block(maker);
    u32 into[2];
    into[0] = add_edge(maker, before, header, list_put(maker, like, like_count));
    set_succs(maker, before, &into[0], 1);
    add_params(maker, like, like_count);
    add_body(maker, depth);
    end_block(maker, 2);
    u32 latch = maker->mach->block_count - 1;
    u32 live_after = maker->live_count;
    u32 back = begin_block(maker);
    add_some(maker);
    end_block(maker, 1);
    into[1] = add_edge(maker, back, header, args_like(maker, like, like_count));
    set_succs(maker, back, &into[1], 1);
    set_edges(maker, header, into, 2);
    maker->mach->blocks[header].loop_end = back + 1;
    maker->loop_depth--;
    maker->live_count = roll(maker, 2) != 0 ? live_after : live;
    u32 exit = begin_block(maker);
    u32 out[2] = {add_edge(maker, latch, back, 0), add_edge(maker, latch, exit, 0)};
    set_succs(maker, latch, out, 2);
    set_edges(maker, back, &out[0], 1);
    set_edges(maker, exit, &out[1], 1);
}

static void add_body(struct maker *maker, u32 depth)
{
    for (u32 parts = 1 + roll(maker, 3); parts != 0; parts--) {
        add_some(maker);
        if (depth != 0 && maker->budget != 0) {
            u32 kind = roll(maker, 3);
            if (kind == 0) {
                add_branch(maker, depth - 1);
            } else if (kind == 1) {
                add_loop(maker, depth - 1);
            }
        }
    }
}

void mach_random(struct arena *arena, const struct mach_registers *registers,
                 struct mach_shape shape, u64 seed, struct mach *mach)
{
    *mach = (struct mach){.arena = arena, .registers = registers};
    struct maker maker = {.mach = mach,
                          .shape = shape,
                          .state = seed * 0x9e3779b97f4a7c15u + 1,
                          .budget = shape.instructions};
    u32 most = 4 * shape.instructions + 4096;
    mach->blocks = ARENA_ARRAY(arena, struct mach_block, most);
    maker.live = ARENA_ARRAY(arena, u32, 16 * (size_t)most);
    ASSERT(mach->blocks != NULL && maker.live != NULL);
    u32 block = begin_block(&maker);
    ASSERT(block == 0);
    struct mach_operand entry[4];
    for (u32 e = 0; e < 4; e++) {
        u8 class = (u8)(e / 2);
        u32 vreg = random_vreg(&maker, class, 0);
        entry[e] =
            (struct mach_operand){.vreg = vreg,
                                  .role = MACH_DEF,
                                  .constraint = MACH_FIXED,
                                  .reg = (u8)nth_register(registers->allocatable[class], e % 2)};
        push_live(&maker, vreg);
    }
    add_ins(&maker, 0, entry, 4);
    while (maker.budget != 0) {
        add_body(&maker, shape.depth);
    }
    end_block(&maker, 0);
}
