// SPDX-License-Identifier: GPL-3.0-or-later
// Checks everything that core/jit/ir.h promises.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/wasm/atomic.h"
#include "core/wasm/module.h"

struct verifier {
    const struct ir *ir;
    u32 *block_of; // of each instruction
    u32 *uses;     // counted
    u32 *enter;    // of each block: when a walk over the tree of dominators comes to it,
    u32 *leave;    // and when it leaves
    u32 *entries;  // of each block: how many edges lead to it
    u32 *met;      // of each block: the one that it was last found before, plus 1
    u32 *runs;     // of each block: header of the innermost run that it stands in
};

// ---- blocks

static bool list_has(const struct ir *ir, u32 first, u32 count, u32 item)
{
    for (u32 i = 0; i < count; i++) {
        if (ir->lists[first + i] == item) {
            return true;
        }
    }
    return false;
}

static void verify_edges(struct verifier *v, u32 index)
{
    const struct ir *ir = v->ir;
    const struct ir_block *block = &ir->blocks[index];
    ASSERT(block->first < block->end && block->end <= ir->ins_count);
    ASSERT(block->first == (index == 0 ? 0 : ir->blocks[index - 1].end));
    ASSERT(index == 0 ? block->pred_count == 0 : block->pred_count > 0);
    for (u32 i = 0; i < block->succ_count; i++) {
        u32 next = ir->lists[block->succs + i];
        ASSERT(next < ir->block_count && next != 0);
        ASSERT(block->succ_count == 1 || ir->blocks[next].pred_count == 1);
        v->entries[next]++;
        // The only way back is to the header of a loop that the block stands in.
        ASSERT(next > index || ir->blocks[next].loop == next);
        ASSERT(next > index || index < ir->blocks[next].loop_end);
    }
    for (u32 i = 0; i < block->pred_count; i++) {
        u32 before = ir->lists[block->preds + i];
        ASSERT(before < ir->block_count);
        ASSERT(list_has(ir, ir->blocks[before].succs, ir->blocks[before].succ_count, index));
        ASSERT(v->met[before] != index + 1);
        v->met[before] = index + 1;
    }
    const struct ir_ins *last = &ir->ins[block->end - 1];
    u32 ways = last->op == IR_JUMP ? 1 : last->op == IR_BRANCH ? 2 : 0;
    ASSERT(last->op >= IR_JUMP && last->op < IR_OP_COUNT);
    ASSERT(last->op == IR_SWITCH ? block->succ_count >= 2 : block->succ_count == ways);
}

// That all ways to a block lead through its immediate dominator, and not all of them through any
// block between: each predecessor's chain of dominators has it, and they part there.
static void verify_dominator(const struct ir *ir, const u32 *depth, u32 index)
{
    const struct ir_block *block = &ir->blocks[index];
    u32 common = IR_NONE;
    for (u32 i = 0; i < block->pred_count; i++) {
        u32 at = ir->lists[block->preds + i];
        if (at >= index) {
            continue; // the end of a loop: dominated by its start
        }
        while (common != IR_NONE && common != at) {
            if (depth[at] >= depth[common]) {
                at = ir->blocks[at].dominator;
            } else {
                common = ir->blocks[common].dominator;
            }
        }
        common = at;
    }
    ASSERT(common == block->dominator);
}

static void verify_loops(const struct ir *ir, u32 index)
{
    const struct ir_block *block = &ir->blocks[index];
    if (block->loop == index) {
        ASSERT(block->loop_end > index && block->loop_end <= ir->block_count);
        ASSERT(block->loop_depth > 0);
    } else {
        ASSERT(block->loop_end == 0);
        ASSERT(block->loop == IR_NONE || ir->blocks[block->loop].loop_depth == block->loop_depth);
    }
    ASSERT(block->loop == IR_NONE ? block->loop_depth == 0 : block->loop <= index);
    ASSERT(block->loop == IR_NONE || ir->blocks[block->loop].loop == block->loop);
    ASSERT(block->loop == IR_NONE || index < ir->blocks[block->loop].loop_end);
}

// ---- values

static bool is_above(const struct verifier *v, u32 upper, u32 lower)
{
    return v->enter[upper] <= v->enter[lower] && v->leave[lower] <= v->leave[upper];
}

// A header dominates its run, and runs lie in each other or apart.
static void verify_run(struct verifier *v, u32 index)
{
    const struct ir *ir = v->ir;
    u32 run = index == 0 ? IR_NONE : v->runs[index - 1];
    while (run != IR_NONE && index >= ir->blocks[run].loop_end) {
        run = run == 0 ? IR_NONE : v->runs[run - 1];
    }
    ASSERT(run == IR_NONE || is_above(v, run, index));
    if (ir->blocks[index].loop == index) {
        ASSERT(run == IR_NONE || ir->blocks[index].loop_end <= ir->blocks[run].loop_end);
        run = index;
    }
    v->runs[index] = run;
    ASSERT(v->entries[index] == ir->blocks[index].pred_count);
}

static void use(struct verifier *v, u32 value, u32 block, u32 before)
{
    ASSERT(value < v->ir->ins_count);
    ASSERT(v->ir->ins[value].kind <= KIND_V || v->ir->ins[before].op == IR_CAUGHT);
    u32 defined = v->block_of[value];
    ASSERT(defined == block ? value < before : is_above(v, defined, block));
    v->uses[value]++;
}

static void expect(const struct verifier *v, u32 value, u32 kind)
{
    ASSERT(v->ir->ins[value].kind == kind);
}

// Whether it accesses another memory than 0.
static bool verify_at(const struct verifier *v, const struct ir_ins *ins, u32 address)
{
    u8 class = body_ops[ins->op].class;
    bool is_access = class == WASM_CLASS_LOAD || class == WASM_CLASS_STORE ||
                     class == WASM_CLASS_VECTOR_LOAD || class == WASM_CLASS_VECTOR_STORE ||
                     class == WASM_CLASS_ATOMIC;
    const struct ir_ins *at = &v->ir->ins[address];
    if (!is_access || at->op != IR_MEMORY_AT) {
        return false;
    }
    u32 bytes = body_ops[ins->op].bytes;
    if (class == WASM_CLASS_ATOMIC) {
        ASSERT(ins->c == 0 && at->lane == (bytes | IR_AT_ALIGNED));
    } else {
        ASSERT(at->lane < IR_AT_ALIGNED && (u64)ins->c + bytes <= at->lane);
    }
    return true;
}

// The kinds of the operands of a row, by the letters of opcodes.def.
static void verify_row(struct verifier *v, const struct ir_ins *ins)
{
    enum { NONE = IR_KIND_NONE };
#define KINDS(a, b, c) {a, b, c}
#define KINDS_N KINDS(NONE, NONE, NONE)
#define KINDS_X KINDS_N
#define KINDS_R KINDS_N
#define KINDS_E KINDS_N
#define KINDS_I KINDS(KIND_I, NONE, NONE)
#define KINDS_L KINDS(KIND_L, NONE, NONE)
#define KINDS_F KINDS(KIND_F, NONE, NONE)
#define KINDS_D KINDS(KIND_D, NONE, NONE)
#define KINDS_V KINDS(KIND_V, NONE, NONE)
#define KINDS_II KINDS(KIND_I, KIND_I, NONE)
#define KINDS_LL KINDS(KIND_L, KIND_L, NONE)
#define KINDS_FF KINDS(KIND_F, KIND_F, NONE)
#define KINDS_DD KINDS(KIND_D, KIND_D, NONE)
#define KINDS_IL KINDS(KIND_I, KIND_L, NONE)
#define KINDS_IF KINDS(KIND_I, KIND_F, NONE)
#define KINDS_ID KINDS(KIND_I, KIND_D, NONE)
#define KINDS_VV KINDS(KIND_V, KIND_V, NONE)
#define KINDS_VI KINDS(KIND_V, KIND_I, NONE)
#define KINDS_VL KINDS(KIND_V, KIND_L, NONE)
#define KINDS_VF KINDS(KIND_V, KIND_F, NONE)
#define KINDS_VD KINDS(KIND_V, KIND_D, NONE)
#define KINDS_IV KINDS(KIND_I, KIND_V, NONE)
#define KINDS_III KINDS(KIND_I, KIND_I, KIND_I)
#define KINDS_IIL KINDS_N
#define KINDS_ILL KINDS_N
#define KINDS_VVV KINDS(KIND_V, KIND_V, KIND_V)
    static const u8 kinds[ROW_COUNT][3] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    [ROW_##name] = KINDS_##operands,
#include "core/wasm/opcodes.def"
    };
    u8 shape = ir_shapes[ins->op];
    if (ins->op == ROW_SELECT) {
        expect(v, ins->a, ins->kind);
        expect(v, ins->b, ins->kind);
        expect(v, ins->c, KIND_I);
        return;
    }
    ASSERT(shape != 0);
    if (shape == IR_SHAPE_LIST) { // a cmpxchg
        const u32 *list = &v->ir->lists[ins->b];
        ASSERT(list[0] == 3 && ins->kind == body_ops[ins->op].result);
        if (!verify_at(v, ins, list[1])) {
            expect(v, list[1], KIND_I);
        }
        expect(v, list[2], ins->kind);
        expect(v, list[3], ins->kind);
        return;
    }
    const u32 operands[3] = {ins->a, ins->b, ins->c};
    bool is_at = verify_at(v, ins, ins->a);
    for (u32 i = is_at ? 1 : 0; i < 3; i++) {
        if ((shape >> i & 1) != 0) {
            expect(v, operands[i], kinds[ins->op][i]);
        }
    }
    bool is_store = body_ops[ins->op].class == WASM_CLASS_STORE ||
                    body_ops[ins->op].class == WASM_CLASS_VECTOR_STORE ||
                    (body_ops[ins->op].class == WASM_CLASS_ATOMIC &&
                     wasm_atomic_kind(body_ops[ins->op].number) == WASM_ATOMIC_STORE);
    ASSERT(ins->kind == (is_store ? (u8)IR_KIND_NONE : body_ops[ins->op].result));
}

static u32 kind_of(u8 type)
{
    return type == WASM_I32    ? KIND_I
           : type == WASM_F32  ? KIND_F
           : type == WASM_F64  ? KIND_D
           : type == WASM_V128 ? KIND_V
                               : KIND_L;
}

static void verify_call(struct verifier *v, const struct ir_ins *ins)
{
    const struct wasm_module *module = v->ir->module;
    bool is_tail = ins->op == IR_TAIL_CALL || ins->op == IR_TAIL_CALL_INDIRECT;
    bool is_direct = ins->op == IR_CALL || ins->op == IR_TAIL_CALL;
    u32 number = is_direct             ? module->function_types[ins->a]
                 : ins->op == IR_THROW ? module->tag_types[ins->a]
                                       : ir_call_type(ins);
    const struct wasm_func_type *type = &module->types[number];
    ASSERT(v->ir->lists[ins->b] == type->param_count);
    for (u32 i = 0; i < type->param_count; i++) {
        expect(v, v->ir->lists[ins->b + 1 + i], kind_of(type->types[i]));
    }
    bool has_value = type->result_count != 0 && !is_tail;
    ASSERT(ins->kind == (has_value ? kind_of(type->types[type->param_count]) : (u32)IR_KIND_NONE));
    ASSERT(!is_tail || type->result_count == v->ir->type->result_count);
}

static void verify_kinds(struct verifier *v, u32 index, u32 pred_count)
{
    const struct ir_ins *ins = &v->ir->ins[index];
    const struct ir *ir = v->ir;
    switch ((u32)ins->op) {
    case IR_PARAM:
        ASSERT(ins->a == index && index < ir->type->param_count);
        ASSERT(ins->kind == kind_of(ir->type->types[index]));
        break;
    case IR_PHI:
        for (u32 i = 0; i < pred_count; i++) {
            expect(v, ir->lists[ins->a + i], ins->kind);
        }
        break;
    case IR_CALL:
    case IR_CALL_INDIRECT:
    case IR_TAIL_CALL:
    case IR_TAIL_CALL_INDIRECT:
    case IR_THROW:
        verify_call(v, ins);
        break;
    case IR_MEMORY_BASE:
    case IR_MEMORY_BYTES:
        ASSERT(ins->kind == KIND_L && ins->c != 0 && ins->c < ir->module->memory_count);
        break;
    case IR_MEMORY_AT:
        expect(v, ins->a, KIND_L);
        ASSERT(ins->kind == KIND_L && ins->lane != 0);
        ASSERT(ir->ins[ins->b].op == IR_MEMORY_BYTES && ir->ins[ins->c].op == IR_MEMORY_BASE);
        ASSERT(ir->ins[ins->b].c == ir->ins[ins->c].c);
        break;
    case IR_SLOT:
        if (ir->ins[ins->a].op == IR_CAUGHT) {
            ASSERT(ins->c + (ins->kind == KIND_V) < ir->caught_words || ins->c < JIT_CAUGHT_VALUES);
        } else {
            ASSERT(ir->loop != IR_NONE && ins->a == 0);
        }
        break;
    case IR_CAUGHT:
        ASSERT(ins->kind == KIND_L && ir->ins[ins->a].lane == 1);
        ASSERT(ir->ins[ins->a].op == IR_CALL || ir->ins[ins->a].op == IR_CALL_INDIRECT ||
               ir->ins[ins->a].op == IR_THROW || ir->ins[ins->a].op == IR_HELPER);
        break;
    case IR_RESULT:
        ASSERT(ir->ins[ins->a].op == IR_CALL || ir->ins[ins->a].op == IR_CALL_INDIRECT);
        break;
    case IR_RETURN:
        ASSERT(ir->lists[ins->b] == ir->type->result_count);
        for (u32 i = 0; i < ir->type->result_count; i++) {
            expect(v, ir->lists[ins->b + 1 + i],
                   kind_of(ir->type->types[ir->type->param_count + i]));
        }
        break;
    case IR_BRANCH:
    case IR_SWITCH:
    case IR_TABLE_GET:
    case IR_TABLE_SET:
        expect(v, ins->a, KIND_I);
        break;
    default:
        if (ins->op < ROW_COUNT) {
            verify_row(v, ins);
        }
        break;
    }
}

static void verify_ins(struct verifier *v, u32 block, u32 index)
{
    const struct ir *ir = v->ir;
    const struct ir_block *at = &ir->blocks[block];
    const struct ir_ins *ins = &ir->ins[index];
    ASSERT(ins->op < IR_OP_COUNT);
    ASSERT((ins->op >= IR_JUMP) == (index == at->end - 1));
    u8 shape = ir_shapes[ins->op];
    if ((shape & IR_SHAPE_A) != 0) {
        use(v, ins->a, block, index);
    }
    if ((shape & IR_SHAPE_B) != 0) {
        use(v, ins->b, block, index);
    }
    if ((shape & IR_SHAPE_C) != 0) {
        use(v, ins->c, block, index);
    }
    if ((shape & IR_SHAPE_LIST) != 0) {
        for (u32 i = 0; i < ir->lists[ins->b]; i++) {
            use(v, ir->lists[ins->b + 1 + i], block, index);
        }
    }
    if (ins->op == IR_PHI) {
        ASSERT(index == at->first || ir->ins[index - 1].op == IR_PHI);
        for (u32 i = 0; i < at->pred_count; i++) {
            u32 before = ir->lists[at->preds + i];
            use(v, ir->lists[ins->a + i], before, ir->blocks[before].end);
        }
    }
    if (ins->op == IR_SWITCH) {
        for (u32 i = 0; i < ir->lists[ins->b]; i++) {
            ASSERT(ir->lists[ins->b + 1 + i] < at->succ_count);
        }
    }
    verify_kinds(v, index, at->pred_count);
}

// When a walk over the tree enters and leaves each block, by the sizes of subtrees.
static void walk_dominators(struct verifier *v, u32 *depth)
{
    const struct ir *ir = v->ir;
    for (u32 i = ir->block_count; i-- > 0;) {
        v->leave[i] += 1; // the size of what is below, itself included
        if (i != 0) {
            ASSERT(ir->blocks[i].dominator < i);
            v->leave[ir->blocks[i].dominator] += v->leave[i];
        }
    }
    u32 *next = v->uses; // where the next subtree of each block begins: lent
    ASSERT(ir->blocks[0].dominator == IR_NONE);
    for (u32 i = 0; i < ir->block_count; i++) {
        if (i != 0) {
            u32 above = ir->blocks[i].dominator;
            v->enter[i] = next[above];
            next[above] += v->leave[i];
            depth[i] = depth[above] + 1;
        }
        next[i] = v->enter[i] + 1;
    }
    for (u32 i = 0; i < ir->block_count; i++) {
        v->leave[i] += v->enter[i];
        next[i] = 0;
    }
}

void ir_verify(const struct ir *ir)
{
    struct verifier v = {.ir = ir};
    v.block_of = ARENA_ARRAY(ir->arena, u32, ir->ins_count);
    v.uses = ARENA_ARRAY(ir->arena, u32, ir->ins_count);
    v.enter = ARENA_ARRAY(ir->arena, u32, ir->block_count);
    v.leave = ARENA_ARRAY(ir->arena, u32, ir->block_count);
    v.entries = ARENA_ARRAY(ir->arena, u32, ir->block_count);
    v.met = ARENA_ARRAY(ir->arena, u32, ir->block_count);
    v.runs = ARENA_ARRAY(ir->arena, u32, ir->block_count);
    u32 *depth = ARENA_ARRAY(ir->arena, u32, ir->block_count);
    if (v.entries == NULL || v.met == NULL || v.runs == NULL || v.block_of == NULL ||
        v.uses == NULL || v.enter == NULL || v.leave == NULL || depth == NULL) {
        return; // a test that fails allocations
    }
    ASSERT(ir->block_count > 0 && ir->block_count <= ir->ins_count);
    ASSERT(ir->blocks[ir->block_count - 1].end == ir->ins_count);
    walk_dominators(&v, depth);
    for (u32 block = 0; block < ir->block_count; block++) {
        verify_edges(&v, block);
        verify_dominator(ir, depth, block);
        verify_loops(ir, block);
        for (u32 i = ir->blocks[block].first; i < ir->blocks[block].end; i++) {
            v.block_of[i] = block;
        }
    }
    for (u32 block = 0; block < ir->block_count; block++) {
        verify_run(&v, block);
        for (u32 i = ir->blocks[block].first; i < ir->blocks[block].end; i++) {
            verify_ins(&v, block, i);
        }
    }
    for (u32 i = 0; i < ir->ins_count; i++) {
        ASSERT(v.uses[i] == ir->ins[i].uses);
    }
}
