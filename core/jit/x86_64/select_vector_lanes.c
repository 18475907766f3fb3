// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_vector_lanes.c: shifts of each lane by another number. WebAssembly has no
// such instruction, so compilers take all lanes out of two vectors, shift, and put them together
// again: here that becomes the one instruction that AVX2 has for it.
#include "core/jit/x86_64/select_vector.h"

enum { LANES = 4, MASK = 31 };

// The vectors that a lane's shift takes its operands from: both in the same lane.
struct lane_shift {
    u16 op;
    u32 from;
    u32 by;
};

static bool is_lane(const struct selector *s, u32 value, u32 lane)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return ins->op == ROW_I32X4_EXTRACT_LANE && ins->lane == lane;
}

// Whether a lane is made by the same shift of the same vectors as those before, of which `it` tells
// if there were any.
static bool add_lane(const struct selector *s, u32 value, u32 lane, struct lane_shift *it,
                     u32 *seen)
{
    const struct ir_ins *ins = sel_ins(s, value);
    bool is_shift = ins->op == ROW_I32_SHL || ins->op == ROW_I32_SHR_S || ins->op == ROW_I32_SHR_U;
    if (!is_shift || (*seen >> lane & 1) != 0 || !x64_is_alone(s, value) ||
        !is_lane(s, ins->a, lane) || !is_lane(s, ins->b, lane)) {
        return false;
    }
    struct lane_shift here = {ins->op, sel_ins(s, ins->a)->a, sel_ins(s, ins->b)->a};
    if (*seen == 0) {
        *it = here;
    }
    *seen |= 1u << lane;
    return here.op == it->op && here.from == it->from && here.by == it->by;
}

static bool lane_shift_of(const struct selector *s, u32 value, struct lane_shift *it)
{
    u32 seen = 0;
    const struct ir_ins *ins = sel_ins(s, value);
    while (ins->op == ROW_I32X4_REPLACE_LANE) {
        if (!add_lane(s, ins->b, ins->lane, it, &seen) || !x64_is_alone(s, ins->a)) {
            return false;
        }
        ins = sel_ins(s, ins->a);
    }
    u32 left = seen ^ ((1u << LANES) - 1);
    return ins->op == ROW_I32X4_SPLAT && seen != 0 && __builtin_popcount(left) == 1 &&
           add_lane(s, ins->a, (u32)__builtin_ctz(left), it, &seen);
}

// Whether no lane is more than the shift counts.
static bool is_masked(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    if (ins->op != ROW_V128_AND) {
        return false;
    }
    const struct ir_ins *mask = sel_ins(s, ins->b);
    u64 more = ~vector_splat(MASK, 4);
    return mask->op == IR_CONST && (s->ir->vectors[mask->a][0] & more) == 0 &&
           (s->ir->vectors[mask->a][1] & more) == 0;
}

bool x64_select_lanes(struct selector *s, u32 value)
{
    struct lane_shift it;
    if ((s->options->features & X64_HAS_AVX2) == 0 ||
        sel_ins(s, value)->op != ROW_I32X4_REPLACE_LANE || !lane_shift_of(s, value, &it)) {
        return false;
    }
    enum x64_op op = it.op == ROW_I32_SHL     ? X64_VPSLLVD
                     : it.op == ROW_I32_SHR_S ? X64_VPSRAVD
                                              : X64_VPSRLVD;
    u32 by = x64_use(s, it.by);
    if (!is_masked(s, it.by)) {
        by = vector_binary(s, X64_PAND, by, rm_splat(s, MASK, 4));
    }
    x64_put_vex(s, op, false, x64_def(s, value), x64_use(s, it.from), rm_reg(by));
    return true;
}
