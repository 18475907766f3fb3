// SPDX-License-Identifier: GPL-3.0-or-later
// The table of shapes, and how a function is printed.
#include "core/jit/ir.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/wasm/opcode.h"

// ---- shapes

enum { SHAPE_A = IR_SHAPE_A, SHAPE_AB = SHAPE_A | IR_SHAPE_B, SHAPE_ABC = SHAPE_AB | IR_SHAPE_C };

// By the letters of the operands. N and X have no row in the ir, but for SELECT.
enum {
    SHAPE_OF_N = 0,
    SHAPE_OF_X = 0,
    SHAPE_OF_I = SHAPE_A,
    SHAPE_OF_L = SHAPE_A,
    SHAPE_OF_F = SHAPE_A,
    SHAPE_OF_D = SHAPE_A,
    SHAPE_OF_V = SHAPE_A,
    SHAPE_OF_R = SHAPE_A,
    SHAPE_OF_E = SHAPE_A,
    SHAPE_OF_II = SHAPE_AB,
    SHAPE_OF_LL = SHAPE_AB,
    SHAPE_OF_FF = SHAPE_AB,
    SHAPE_OF_DD = SHAPE_AB,
    SHAPE_OF_IL = SHAPE_AB,
    SHAPE_OF_IF = SHAPE_AB,
    SHAPE_OF_ID = SHAPE_AB,
    SHAPE_OF_VV = SHAPE_AB,
    SHAPE_OF_VI = SHAPE_AB,
    SHAPE_OF_VL = SHAPE_AB,
    SHAPE_OF_VF = SHAPE_AB,
    SHAPE_OF_VD = SHAPE_AB,
    SHAPE_OF_IV = SHAPE_AB,
    SHAPE_OF_III = SHAPE_ABC,
    SHAPE_OF_VVV = SHAPE_ABC,
};

#define SHAPE_CONTROL(operands) 0
#define SHAPE_PARAMETRIC(operands) SHAPE_ABC // SELECT; the others do not occur
#define SHAPE_VARIABLE(operands) 0
#define SHAPE_TABLE(operands) 0
#define SHAPE_MEMORY(operands) 0
#define SHAPE_CONST(operands) 0
#define SHAPE_REFERENCE(operands) 0
#define SHAPE_BULK(operands) 0
#define SHAPE_LOAD(operands) SHAPE_OF_##operands
#define SHAPE_STORE(operands) SHAPE_OF_##operands
#define SHAPE_COMPARE(operands) SHAPE_OF_##operands
#define SHAPE_UNARY(operands) SHAPE_OF_##operands
#define SHAPE_BINARY(operands) SHAPE_OF_##operands
#define SHAPE_CONVERT(operands) SHAPE_OF_##operands
#define SHAPE_VECTOR(operands) SHAPE_OF_##operands
#define SHAPE_VECTOR_LOAD(operands) SHAPE_OF_##operands
#define SHAPE_VECTOR_STORE(operands) SHAPE_OF_##operands
#define SHAPE_ATOMIC(operands) SHAPE_ATOMIC_##operands
#define SHAPE_ATOMIC_I SHAPE_A
#define SHAPE_ATOMIC_II SHAPE_AB
#define SHAPE_ATOMIC_IL SHAPE_AB
#define SHAPE_ATOMIC_III IR_SHAPE_LIST
#define SHAPE_ATOMIC_ILL IR_SHAPE_LIST
#define SHAPE_WAIT(operands) 0
#define SHAPE_FENCE(operands) 0

const u8 ir_shapes[IR_OP_COUNT] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    [ROW_##name] = SHAPE_##class(operands),
#include "core/wasm/opcodes.def"
    [IR_PHI] = IR_SHAPE_PHI,
    [IR_RESULT] = SHAPE_A,
    [IR_CAUGHT] = SHAPE_A,
    [IR_SLOT] = SHAPE_A,
    [IR_THROW] = IR_SHAPE_LIST,
    [IR_CALL] = IR_SHAPE_LIST,
    [IR_CALL_INDIRECT] = SHAPE_A | IR_SHAPE_LIST,
    [IR_GLOBAL_SET] = IR_SHAPE_B,
    [IR_TABLE_GET] = SHAPE_A,
    [IR_TABLE_SET] = SHAPE_AB,
    [IR_HELPER] = IR_SHAPE_LIST,
    [IR_MEMORY_AT] = SHAPE_ABC,
    [IR_BRANCH] = SHAPE_A,
    [IR_SWITCH] = SHAPE_A,
    [IR_RETURN] = IR_SHAPE_LIST,
    [IR_TAIL_CALL] = IR_SHAPE_LIST,
    [IR_TAIL_CALL_INDIRECT] = SHAPE_A | IR_SHAPE_LIST,
};

enum { EFFECT_no = false, EFFECT_yes = true };

static const bool effects[IR_OP_COUNT] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    [ROW_##name] = EFFECT_##traps,
#include "core/wasm/opcodes.def"
    [IR_THROW] = true,       [IR_CALL] = true,      [IR_CALL_INDIRECT] = true,
    [IR_GLOBAL_SET] = true,  [IR_TABLE_GET] = true, [IR_TABLE_SET] = true,
    [IR_HELPER] = true,      [IR_FENCE] = true,     [IR_MEMORY_AT] = true,
    [IR_JUMP] = true,        [IR_BRANCH] = true,    [IR_SWITCH] = true,
    [IR_RETURN] = true,      [IR_TAIL_CALL] = true, [IR_TAIL_CALL_INDIRECT] = true,
    [IR_UNREACHABLE] = true,
};

bool ir_has_effect(const struct ir_ins *ins)
{
    return effects[ins->op];
}

// ---- printing

static const char *const names[IR_OP_COUNT] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    [ROW_##name] = text,
#include "core/wasm/opcodes.def"
    [IR_PARAM] = "param",
    [IR_CONST] = "const",
    [IR_PHI] = "phi",
    [IR_RESULT] = "result",
    [IR_CAUGHT] = "caught",
    [IR_CALL] = "call",
    [IR_THROW] = "throw",
    [IR_CALL_INDIRECT] = "call_indirect",
    [IR_GLOBAL_GET] = "global.get",
    [IR_GLOBAL_SET] = "global.set",
    [IR_TABLE_GET] = "table.get",
    [IR_TABLE_SET] = "table.set",
    [IR_TABLE_SIZE] = "table.size",
    [IR_MEMORY_SIZE] = "memory.size",
    [IR_MEMORY_BASE] = "memory base",
    [IR_MEMORY_BYTES] = "memory bytes",
    [IR_MEMORY_AT] = "memory at",
    [IR_REF_FUNC] = "ref.func",
    [IR_SLOT] = "slot",
    [IR_HELPER] = "helper",
    [IR_FENCE] = "fence",
    [IR_JUMP] = "jump",
    [IR_BRANCH] = "branch",
    [IR_SWITCH] = "switch",
    [IR_RETURN] = "return",
    [IR_TAIL_CALL] = "tail_call",
    [IR_TAIL_CALL_INDIRECT] = "tail_call_indirect",
    [IR_UNREACHABLE] = "unreachable",
};

static const char *const helpers[IR_HELPER_COUNT] = {
    "memory.grow",    "memory.fill",    "memory.copy",    "memory.init", "data.drop",
    "table.grow",     "table.fill",     "table.copy",     "table.init",  "elem.drop",
    "throw_ref",      "notify",         "wait32",         "wait64",      "memory.grow of",
    "memory.fill of", "memory.copy of", "memory.init of",
};

static const char kinds[] = {'i', 'l', 'f', 'd', 'v'};

static void print_number(struct text *out, const char *before, u64 number)
{
    text_string(out, before);
    text_u64(out, number);
}

static void print_values(const struct ir *ir, struct text *out, u32 first, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        print_number(out, " %", ir->lists[first + i]);
    }
}

static void print_operands(const struct ir *ir, const struct ir_block *block,
                           const struct ir_ins *ins, struct text *out)
{
    u8 shape = ir_shapes[ins->op];
    if ((shape & IR_SHAPE_A) != 0) {
        print_number(out, " %", ins->a);
    }
    if ((shape & IR_SHAPE_B) != 0) {
        print_number(out, " %", ins->b);
    }
    if ((shape & IR_SHAPE_C) != 0) {
        print_number(out, " %", ins->c);
    }
    if ((shape & IR_SHAPE_LIST) != 0) {
        print_values(ir, out, ins->b + 1, ir->lists[ins->b]);
    }
    if ((shape & IR_SHAPE_PHI) != 0) {
        print_values(ir, out, ins->a, block->pred_count);
    }
}

static bool is_access(u32 op)
{
    return op < ROW_COUNT && body_ops[op].bytes != 0 && body_ops[op].class != WASM_CLASS_VECTOR;
}

// What is not a value.
static void print_immediates(const struct ir *ir, const struct ir_ins *ins, struct text *out)
{
    switch ((u32)ins->op) {
    case IR_PARAM:
    case IR_CALL:
    case IR_TAIL_CALL:
    case IR_THROW:
    case IR_GLOBAL_GET:
    case IR_GLOBAL_SET:
    case IR_REF_FUNC:
        print_number(out, " ", ins->a);
        break;
    case IR_CONST:
        text_string(out, " 0x");
        text_hex(out, ins->kind == KIND_V ? ir->vectors[ins->a][1] : ins->bits, 1);
        if (ins->kind == KIND_V) {
            text_hex(out, ir->vectors[ins->a][0], 16);
        }
        break;
    case IR_RESULT:
        print_number(out, " ", ins->b);
        break;
    case IR_SLOT:
    case IR_MEMORY_BASE:
    case IR_MEMORY_BYTES:
        print_number(out, " ", ins->c);
        break;
    case IR_MEMORY_AT:
        print_number(out, " bytes ", ins->lane);
        break;
    case IR_CALL_INDIRECT:
    case IR_TAIL_CALL_INDIRECT:
        print_number(out, " table ", ir_call_table(ins));
        print_number(out, " type ", ir_call_type(ins));
        break;
    case IR_TABLE_GET:
    case IR_TABLE_SET:
    case IR_TABLE_SIZE:
        print_number(out, " table ", ins->c);
        break;
    case IR_HELPER:
        text_string(out, " ");
        text_string(out, helpers[ins->a]);
        break;
    case IR_SWITCH:
        for (u32 i = 0; i < ir->lists[ins->b]; i++) {
            print_number(out, " ", ir->lists[ins->b + 1 + i]);
        }
        break;
    case IR_UNREACHABLE:
        text_string(out, " ");
        text_string(out, trap_name((enum trap)ins->c));
        break;
    default:
        if (is_access(ins->op) && ins->c != 0) {
            print_number(out, " +", ins->c);
        }
        if (ins->op < ROW_COUNT && body_ops[ins->op].class >= WASM_CLASS_VECTOR) {
            print_number(out, " lane ", ins->lane);
        }
        break;
    }
}

static void print_block(const struct ir *ir, u32 index, struct text *out)
{
    const struct ir_block *block = &ir->blocks[index];
    print_number(out, "block ", index);
    for (u32 i = 0; i < block->pred_count; i++) {
        print_number(out, i == 0 ? " from " : ", ", ir->lists[block->preds + i]);
    }
    for (u32 i = 0; i < block->succ_count; i++) {
        print_number(out, i == 0 ? " to " : ", ", ir->lists[block->succs + i]);
    }
    if (block->loop == index) {
        print_number(out, " loop until ", block->loop_end);
    }
    if (block->loop_depth != 0) {
        print_number(out, " depth ", block->loop_depth);
    }
    text_string(out, block->is_cold ? " cold\n" : "\n");
    for (u32 i = block->first; i < block->end; i++) {
        const struct ir_ins *ins = &ir->ins[i];
        text_string(out, "  ");
        if (ins->kind != IR_KIND_NONE) {
            print_number(out, "%", i);
            text_char(out, ':');
            text_char(out, kinds[ins->kind]);
            text_string(out, " = ");
        }
        text_string(out, names[ins->op]);
        print_immediates(ir, ins, out);
        print_operands(ir, block, ins, out);
        text_char(out, '\n');
    }
}

void ir_print(const struct ir *ir, struct text *out)
{
    for (u32 i = 0; i < ir->block_count; i++) {
        print_block(ir, i, out);
    }
}
