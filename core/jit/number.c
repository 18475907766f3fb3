// SPDX-License-Identifier: GPL-3.0-or-later
// Appends instructions and blocks, and finds the instruction that has computed the same before.
//
// That memory of instructions is a table with KNOWN_WAYS places for each hash, of which what comes
// later takes the place of the oldest. So a look is a few comparisons, whatever a body holds, and
// what is forgotten is computed again, which is right as well.
#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/jit/builder.h"
#include "core/jit/limits.h"

enum { KNOWN_FIRST = 64, KNOWN_LAST = 1 << 12, INS_FIRST = 64 }; // rows

void *builder_grow(struct builder *b, void *array, u32 *capacity, u32 count, size_t item_bytes)
{
    if (LIKELY(count <= *capacity && array != NULL)) {
        return array;
    }
    u32 larger = *capacity * 2 > count ? *capacity * 2 : count + 16;
    void *fresh = arena_alloc(b->ir->arena, larger, item_bytes, 16);
    if (fresh == NULL) {
        b->failed = b->failed == ERR_OK ? ERR_NO_MEMORY : b->failed;
        return NULL;
    }
    mem_copy(fresh, array, *capacity * item_bytes);
    *capacity = larger;
    return fresh;
}

// ---- instructions

// ins and `highest` have one capacity.
static bool ins_room(struct builder *b)
{
    struct ir *ir = b->ir;
    if (LIKELY(ir->ins_count < ir->ins_capacity)) {
        return true;
    }
    if (ir->ins_count >= JIT_VALUES && b->failed == ERR_OK) {
        b->failed = ERR_LIMIT;
    }
    u32 capacity = ir->ins_capacity;
    u32 same = ir->ins_capacity;
    if (b->failed == ERR_OK) {
        void *ins = builder_grow(b, ir->ins, &capacity, ir->ins_count + 1, sizeof *ir->ins);
        void *highest = builder_grow(b, b->highest, &same, ir->ins_count + 1, sizeof *b->highest);
        if (ins != NULL && highest != NULL) {
            ir->ins = ins;
            b->highest = highest;
            ir->ins_capacity = capacity < JIT_VALUES ? capacity : JIT_VALUES;
            return true;
        }
    }
    return false;
}

// The highest an unsigned value of an instruction can be.
static u64 highest_of(const struct builder *b, const struct ir_ins *ins)
{
    u64 left = ir_shapes[ins->op] & IR_SHAPE_A ? b->highest[ins->a] : 0;
    u64 right = ir_shapes[ins->op] & IR_SHAPE_B ? b->highest[ins->b] : 0;
    u64 all = ins->kind == KIND_I ? UINT32_MAX : UINT64_MAX;
    u64 sum;
    const struct ir_ins *second =
        ir_shapes[ins->op] & IR_SHAPE_B ? &b->ir->ins[ins->b] : NULL; // a constant amount
    u32 amount =
        second != NULL && second->op == IR_CONST ? (u32)second->bits & (u32)(all >> 58 | 31) : 64;
    switch ((u32)ins->op) {
    case IR_CONST:
        return ins->kind == KIND_I || ins->kind == KIND_L ? ins->bits : all;
    case ROW_I32_AND:
    case ROW_I64_AND:
        return left < right ? left : right;
    case ROW_I32_OR:
    case ROW_I32_XOR:
    case ROW_I64_OR:
    case ROW_I64_XOR:
        left |= right;
        return left == 0 ? 0 : UINT64_MAX >> __builtin_clzll(left);
    case ROW_I32_ADD:
    case ROW_I64_ADD:
        return __builtin_add_overflow(left, right, &sum) || sum > all ? all : sum;
    case ROW_I32_SHL:
    case ROW_I64_SHL:
        return amount == 64 || left > all >> amount ? all : left << amount;
    case ROW_I32_SHR_U:
    case ROW_I64_SHR_U:
        return amount == 64 ? left : left >> amount;
    case ROW_I32_SHR_S:
    case ROW_I64_SHR_S:
        return left > all >> 1 || amount == 64 ? (left > all >> 1 ? all : left) : left >> amount;
    case ROW_I32_DIV_U:
    case ROW_I64_DIV_U:
        return left;
    case ROW_I32_REM_U:
    case ROW_I64_REM_U:
        return right == 0 || left < right ? left : right - 1;
    case ROW_I32_WRAP_I64:
        return left <= UINT32_MAX ? left : UINT32_MAX;
    case ROW_I64_EXTEND_I32_U:
        return left;
    case ROW_I64_EXTEND_I32_S:
        return left <= INT32_MAX ? left : all;
    case ROW_I32_CLZ:
    case ROW_I32_CTZ:
    case ROW_I32_POPCNT:
        return 32;
    case ROW_I64_CLZ:
    case ROW_I64_CTZ:
    case ROW_I64_POPCNT:
        return 64;
    case ROW_I32_LOAD8_U:
    case ROW_I64_LOAD8_U:
        return UINT8_MAX;
    case ROW_I32_LOAD16_U:
    case ROW_I64_LOAD16_U:
        return UINT16_MAX;
    case ROW_I64_LOAD32_U:
        return UINT32_MAX;
    case ROW_SELECT:
        return left > right ? left : right;
    default:
        return ins->op < ROW_COUNT && body_ops[ins->op].class == WASM_CLASS_COMPARE ? 1 : all;
    }
}

u32 build_append(struct builder *b, const struct ir_ins *ins)
{
    if (UNLIKELY(!ins_room(b))) {
        return 0;
    }
    u32 value = b->ir->ins_count++;
    b->ir->ins[value] = *ins;
    b->ir->ins[value].origin = b->origin;
    b->highest[value] = ins->kind <= KIND_L ? highest_of(b, ins) : UINT64_MAX;
    return value;
}

// Of what `is_same` compares. The rows' number is taken from its lowest bits, which depend on all.
static u32 hash_of(const struct ir_ins *ins)
{
    u64 hash = (ins->bits ^ ins->bits >> 32) * 0x9e3779b97f4a7c15;
    hash ^= (u64)ins->c << 32 ^ (u64)ins->op << 16 ^ (u64)ins->kind << 8 ^ ins->lane;
    hash *= 0xd6e8feb86659fd93;
    return (u32)(hash >> 32);
}

static bool is_same(const struct ir_ins *one, const struct ir_ins *other)
{
    return one->op == other->op && one->bits == other->bits && one->c == other->c &&
           one->kind == other->kind && one->lane == other->lane;
}

// Makes a value the latest of its row, in the place of one that is `way` places older.
static void known_put(struct known *row, u32 way, u32 hash, u32 value, u32 block)
{
    for (; way > 0; way--) {
        row->hashes[way] = row->hashes[way - 1];
        row->values[way] = row->values[way - 1];
        row->blocks[way] = row->blocks[way - 1];
    }
    row->hashes[0] = hash;
    row->values[0] = value;
    row->blocks[0] = block;
}

// Which of a row is the same as an instruction; KNOWN_WAYS: none.
static u32 known_way(const struct builder *b, const struct known *row, u32 hash,
                     const struct ir_ins *ins)
{
    u32 way = 0;
    while (way < KNOWN_WAYS && (row->hashes[way] != hash || row->values[way] == IR_NONE ||
                                !is_same(&b->ir->ins[row->values[way]], ins))) {
        way++;
    }
    return way;
}

u32 build_pure(struct builder *b, const struct ir_ins *ins)
{
    u32 hash = hash_of(ins);
    struct known *row = &b->known[hash & b->known_mask];
    u32 way = known_way(b, row, hash, ins);
    if (way < KNOWN_WAYS && b->failed == ERR_OK && build_dominates(b, row->blocks[way], b->block)) {
        return row->values[way];
    }
    u32 value = build_append(b, ins);
    known_put(row, way < KNOWN_WAYS ? way : KNOWN_WAYS - 1, hash, value, b->block);
    return value;
}

u32 build_const(struct builder *b, enum kind kind, u64 bits)
{
    return build_pure(b, &(struct ir_ins){.op = IR_CONST, .kind = (u8)kind, .bits = bits});
}

u32 vector_index(struct builder *b, u64 low, u64 high)
{
    enum { LOOK_BACK = 8 };
    struct ir *ir = b->ir;
    for (u32 i = ir->vector_count; i > 0 && i + LOOK_BACK > ir->vector_count; i--) {
        if (ir->vectors[i - 1][0] == low && ir->vectors[i - 1][1] == high) {
            return i - 1;
        }
    }
    void *vectors = builder_grow(b, ir->vectors, &ir->vector_capacity, ir->vector_count + 1,
                                 sizeof *ir->vectors);
    if (vectors == NULL) {
        return 0;
    }
    ir->vectors = vectors;
    ir->vectors[ir->vector_count][0] = low;
    ir->vectors[ir->vector_count][1] = high;
    return ir->vector_count++;
}

u32 build_list(struct builder *b, u32 count)
{
    struct ir *ir = b->ir;
    if (UNLIKELY(count > ir->list_capacity - ir->list_count)) {
        if (ir->list_count + (u64)count > UINT32_MAX / 4 && b->failed == ERR_OK) {
            b->failed = ERR_LIMIT;
        }
        void *lists = b->failed != ERR_OK ? NULL
                                          : builder_grow(b, ir->lists, &ir->list_capacity,
                                                         ir->list_count + count, sizeof *ir->lists);
        if (lists == NULL) {
            return IR_NONE;
        }
        ir->lists = lists;
    }
    u32 first = ir->list_count;
    ir->list_count += count;
    return first;
}

// ---- blocks

// blocks and the two arrays of dominators have one capacity.
static bool block_room(struct builder *b)
{
    struct ir *ir = b->ir;
    u32 capacity[3] = {ir->block_capacity, ir->block_capacity, ir->block_capacity};
    u32 count = ir->block_count + 1;
    if (LIKELY(count <= ir->block_capacity)) {
        return true;
    }
    if (count > JIT_BLOCKS) {
        b->failed = b->failed == ERR_OK ? ERR_LIMIT : b->failed;
        return false;
    }
    void *blocks = builder_grow(b, ir->blocks, &capacity[0], count, sizeof *ir->blocks);
    void *far = builder_grow(b, b->dominator_far, &capacity[1], count, sizeof *b->dominator_far);
    void *depth =
        builder_grow(b, b->dominator_depth, &capacity[2], count, sizeof *b->dominator_depth);
    if (blocks == NULL || far == NULL || depth == NULL) {
        return false;
    }
    ir->blocks = blocks;
    b->dominator_far = far;
    b->dominator_depth = depth;
    ir->block_capacity = capacity[0] < JIT_BLOCKS ? capacity[0] : JIT_BLOCKS;
    return true;
}

// Each block knows one further up: those make the way to any block above logarithmic.
u32 block_begin(struct builder *b, u32 dominator)
{
    if (!block_room(b)) {
        return b->block = 0;
    }
    u32 index = b->ir->block_count++;
    b->ir->blocks[index] = (struct ir_block){
        .first = b->ir->ins_count,
        .end = b->ir->ins_count,
        .preds = IR_NONE,
        .dominator = dominator,
        .loop = IR_NONE,
    };
    b->dominator_depth[index] = 0;
    b->dominator_far[index] = 0;
    if (dominator != IR_NONE) {
        u32 far = b->dominator_far[dominator];
        u32 step = b->dominator_depth[dominator] - b->dominator_depth[far];
        bool doubles = step == b->dominator_depth[far] - b->dominator_depth[b->dominator_far[far]];
        b->dominator_depth[index] = b->dominator_depth[dominator] + 1;
        b->dominator_far[index] = doubles ? b->dominator_far[far] : dominator;
    }
    b->block = index;
    return index;
}

void block_finish(struct builder *b, const struct ir_ins *exit, u32 successors)
{
    (void)build_append(b, exit);
    struct ir_block *block = &b->ir->blocks[b->block];
    u32 list = build_list(b, successors);
    block->end = b->ir->ins_count;
    block->succs = list;
    block->succ_count = successors;
    for (u32 i = 0; i < successors && list != IR_NONE; i++) {
        b->ir->lists[list + i] = IR_NONE;
    }
    b->block = IR_NONE;
}

void block_link(struct builder *b, u32 from, u32 successor, u32 to)
{
    if (b->failed == ERR_OK) {
        b->ir->lists[b->ir->blocks[from].succs + successor] = to;
    }
}

u32 block_behind(struct builder *b, u32 from, u32 successor)
{
    u32 block = block_begin(b, from);
    u32 list = build_list(b, 1);
    if (b->failed == ERR_OK) {
        b->ir->lists[list] = from;
        b->ir->blocks[block].preds = list;
        b->ir->blocks[block].pred_count = 1;
        block_link(b, from, successor, block);
    }
    return block;
}

u32 block_between(struct builder *b, u32 from, u32 successor)
{
    u32 block = block_behind(b, from, successor);
    block_finish(b, &(struct ir_ins){.op = IR_JUMP, .kind = IR_KIND_NONE}, 1);
    return block;
}

static u32 dominator_at(const struct builder *b, u32 block, u32 depth)
{
    while (b->dominator_depth[block] > depth) {
        u32 far = b->dominator_far[block];
        block = b->dominator_depth[far] >= depth ? far : b->ir->blocks[block].dominator;
    }
    return block;
}

bool build_dominates(const struct builder *b, u32 upper, u32 lower)
{
    return upper == lower || upper == 0 ||
           dominator_at(b, lower, b->dominator_depth[upper]) == upper;
}

u32 dominator_common(const struct builder *b, u32 one, u32 other)
{
    one = dominator_at(b, one, b->dominator_depth[other]);
    other = dominator_at(b, other, b->dominator_depth[one]);
    while (one != other) {
        bool far = b->dominator_far[one] != b->dominator_far[other];
        one = far ? b->dominator_far[one] : b->ir->blocks[one].dominator;
        other = far ? b->dominator_far[other] : b->ir->blocks[other].dominator;
    }
    return one;
}

bool number_prepare(struct builder *b, u32 body_bytes)
{
    struct ir *ir = b->ir;
    u32 known = KNOWN_FIRST;
    while (known < KNOWN_LAST && known < body_bytes / (2 * KNOWN_WAYS)) {
        known *= 2;
    }
    b->known_mask = known - 1;
    b->known = ARENA_ARRAY(ir->arena, struct known, known);
    ir->ins_capacity = INS_FIRST + body_bytes / 2;
    ir->ins = ARENA_ARRAY(ir->arena, struct ir_ins, ir->ins_capacity);
    b->highest = ARENA_ARRAY(ir->arena, u64, ir->ins_capacity);
    ir->lists = builder_grow(b, NULL, &ir->list_capacity, INS_FIRST + body_bytes / 2, sizeof(u32));
    if (b->known == NULL || ir->ins == NULL || b->highest == NULL || ir->lists == NULL ||
        !block_room(b)) {
        b->failed = ERR_NO_MEMORY;
        return false;
    }
    mem_fill(b->known, 0xff, known * sizeof *b->known);
    return true;
}

void number_forget(struct builder *b)
{
    b->ir->ins_count = 0;
    b->ir->block_count = 0;
    b->ir->list_count = 0;
    mem_fill(b->known, 0xff, (b->known_mask + 1) * sizeof *b->known);
}
