// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/ir.h: a function in static single assignment form, between WebAssembly and a machine.
//
// An instruction is at the same time the value it computes; a value is its index in `ins`. Blocks
// hold neighbouring instructions and stand in an order in which every loop is one unbroken run and
// a block stands behind its dominator (WebAssembly has structured control only, so the order of the
// file is such an order). The last instruction of a block, and no other, says where to go on.
// No edge is critical: a block with several successors has only successors with one predecessor,
// and its successors differ from each other. Parameters stand first in block 0, which has no
// predecessor; phis stand first in any other block. A use stands behind its definition, or in a
// block that the definition's block dominates; the input of a phi does so for the end of that
// predecessor.
//
// Use     ir_build (build.h) makes one; ir_improve (passes.h) improves it, drops what is dead and
//         counts uses; ir_verify checks it in test builds; a target's `select` makes machine
//         instructions of it (mach.h).
// Owner   everything lies in the arena it was built in, which is dropped after the function.
// Limits  core/jit/limits.h.
#pragma once
#include "core/base/compiler.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
#include "core/wasm/body.h"
struct arena;
struct jit_pace;
struct text;
struct wasm_func_type;
struct wasm_module;

enum { IR_NONE = UINT32_MAX, IR_KIND_NONE = 0xff };

// What an instruction does. Below ROW_COUNT it is the instruction of opcodes.def with that row:
//   UNARY, CONVERT       a                          BINARY, COMPARE    a, b
//   LOAD                 a address, c offset        STORE              a address, b value, c offset
//   SELECT               a if c is not 0, else b
//   VECTOR               a, b, c: as many as it has operands; `lane` the number of a lane;
//                        I8X16_SHUFFLE: a, b, and c is the index in `vectors`
//   VECTOR_LOAD          as LOAD; that of a lane: a address, b vector, `lane`
//   VECTOR_STORE         as STORE; that of a lane has `lane`
//   ATOMIC               a address, b value, c offset; a cmpxchg has its three operands in a list
//                        as CALL has
// The address is an i32 in memory 0, whose bounds the target sees to. In another memory it is a
// MEMORY_AT, behind which c + bytes, an ATOMIC's at c = 0, are no more than that has checked.
// Of constants, variables, references, tables and control there are only those below, and of
// SELECT_T, REF_NULL, REF_IS_NULL (a SELECT, a constant, an I64_EQZ) none.
enum ir_op {
    IR_PARAM = ROW_COUNT, // a: number of the parameter. The first instructions of block 0
    IR_CONST,             // bits; KIND_V: a is the index in vectors
    IR_PHI,               // a: first of its inputs in `lists`, one for each predecessor in order
    IR_RESULT,            // a: a call with several results, b: which (from 1; the call itself is 0)
    IR_CAUGHT,            // a: a CALL and so on that lands. 0: it has returned; else the address of
                          // enum jit_caught (jit.h), whose words IR_SLOT reads behind it
    IR_CALL,              // a: function index; arguments: lists[b] is their count, they follow
    IR_CALL_INDIRECT,     // a: element number, c: table and canonical type (call_table, call_type);
                          // arguments as for CALL
    IR_THROW,             // a: tag index; its values as for CALL. Does not return
    IR_GLOBAL_GET,        // a: global index
    IR_GLOBAL_SET,        // a: global index, b: value
    IR_TABLE_GET,         // a: index value, c: table
    IR_TABLE_SET,         // a: index value, b: value, c: table
    IR_TABLE_SIZE,        // c: table
    IR_MEMORY_SIZE,       // of memory 0, in pages
    IR_MEMORY_BASE,       // c: memory; its first byte's address (KIND_L), which never changes
    IR_MEMORY_BYTES,      // c: memory; its size (KIND_L)
    // a: place in a memory, b: its MEMORY_BYTES, c: its MEMORY_BASE (KIND_L); the address of the
    // place, or a trap if fewer than `lane` bytes are there. With IR_AT_ALIGNED in `lane` it first
    // traps if the place is no multiple of the rest.
    IR_MEMORY_AT,
    IR_REF_FUNC, // a: function index
    IR_SLOT,     // a: address of a frame of the interpreter, or CAUGHT (KIND_L), c: number of the
                 // slot of 8 bytes; an i32 or f32 is its low half (ir_build_loop)
    IR_HELPER,   // a: enum ir_helper; arguments as for CALL: what is too rare to compile
    IR_FENCE,    // atomic.fence
    // ---- the last of a block; its successors stand in the block
    IR_JUMP,      //
    IR_BRANCH,    // a: to successor 0 when not 0, else to successor 1
    IR_SWITCH,    // a: index; lists[b] is a count, then come as many numbers of successors:
                  // that of entry a, the last one when a is higher
    IR_RETURN,    // b: results, lists[b] is their count
    IR_TAIL_CALL, // as CALL, in the place of a return
    IR_TAIL_CALL_INDIRECT, // as CALL_INDIRECT
    IR_UNREACHABLE,        // c: enum trap
    IR_OP_COUNT,
};

enum { IR_AT_ALIGNED = 0x80 };

// Instructions that call into C, all their operands as arguments, constants included:
//   MEMORY_GROW pages -> old | MEMORY_FILL to value count | MEMORY_COPY to from count
//   MEMORY_INIT to from count segment | DATA_DROP segment | TABLE_GROW value count table -> old
//   TABLE_FILL to value count table | TABLE_COPY to from count table table
//   TABLE_INIT to from count table segment | ELEM_DROP segment
//   THROW_REF exnref, which does not return
//   NOTIFY address count offset memory -> woken
//   WAIT_32, WAIT_64 address expected timeout offset memory -> how
// and of another memory than 0
//   MEMORY_GROW_OF pages memory -> old | MEMORY_FILL_OF to value count memory
//   MEMORY_COPY_OF to from count memory memory | MEMORY_INIT_OF to from count memory segment
enum ir_helper {
    IR_HELPER_MEMORY_GROW,
    IR_HELPER_MEMORY_FILL,
    IR_HELPER_MEMORY_COPY,
    IR_HELPER_MEMORY_INIT,
    IR_HELPER_DATA_DROP,
    IR_HELPER_TABLE_GROW,
    IR_HELPER_TABLE_FILL,
    IR_HELPER_TABLE_COPY,
    IR_HELPER_TABLE_INIT,
    IR_HELPER_ELEM_DROP,
    IR_HELPER_THROW_REF,
    IR_HELPER_NOTIFY,
    IR_HELPER_WAIT_32,
    IR_HELPER_WAIT_64,
    IR_HELPER_MEMORY_GROW_OF,
    IR_HELPER_MEMORY_FILL_OF,
    IR_HELPER_MEMORY_COPY_OF,
    IR_HELPER_MEMORY_INIT_OF,
    IR_HELPER_COUNT
};

static inline bool ir_helper_has_result(enum ir_helper helper)
{
    return helper == IR_HELPER_MEMORY_GROW || helper == IR_HELPER_TABLE_GROW ||
           (helper >= IR_HELPER_NOTIFY && helper <= IR_HELPER_MEMORY_GROW_OF);
}

// Whether short ones of it are done in compiled code, where the target can.
static inline bool ir_helper_is_bulk(u32 helper)
{
    return (helper >= IR_HELPER_MEMORY_FILL && helper <= IR_HELPER_MEMORY_INIT) ||
           (helper >= IR_HELPER_MEMORY_FILL_OF && helper <= IR_HELPER_MEMORY_INIT_OF);
}

// How the callee of a struct jit_call is reached.
static inline enum jit_way ir_callee_way(u32 callee, u32 function_import_count)
{
    bool is_helper = (callee & JIT_CALLEE_HELPER) != 0;
    bool is_away = is_helper ? !ir_helper_is_bulk(callee & ~(u32)JIT_CALLEE_HELPER)
                             : callee < function_import_count;
    return is_away ? JIT_WAY_JUMP : JIT_WAY_CALL;
}

struct ir_ins {
    u16 op;     // enum ir_op
    u8 kind;    // enum kind of the value, IR_KIND_NONE when there is none
    u8 lane;    // of a call, THROW or HELPER: 1: it lands, so that exceptions go on behind it too
    u32 uses;   // how often it is an operand. After ir_improve nothing is dead: 0 is for effects,
                // parameters, and results that nobody wants
    u32 origin; // offset in the body: where a trap or a call is reported
    u32 c;      // see enum ir_op
    union {
        struct {
            u32 a;
            u32 b;
        };
        u64 bits;
    };
};
STATIC_ASSERT(sizeof(struct ir_ins) == 24);

struct ir_block {
    u32 first; // instructions [first, end)
    u32 end;
    u32 preds; // first in lists; IR_NONE while not known
    u32 pred_count;
    u32 succs; // first in lists
    u32 succ_count;
    u32 dominator;  // immediate; IR_NONE for block 0
    u32 loop;       // header of the innermost loop that it can go on in (itself, if it is one);
                    // IR_NONE. A way out that stands within the run is not part of the loop
    u32 loop_end;   // of a header: one past the last block of its run; else 0
    u16 loop_depth; // loops that it is part of
    bool is_cold;   // leads to a trap only
};

struct ir {
    struct arena *arena;
    struct jit_pace *pace; // of all passes
    const struct wasm_module *module;
    const struct wasm_func_type *type; // as it is compiled: see `loop`
    u32 function;                      // index in the module
    u32 loop; // offset of a `loop` in the body: it is entered there, and its type has one
              // parameter, the address of the interpreter's frame. IR_NONE: an ordinary function
    struct ir_ins *ins;
    u32 ins_count;
    u32 ins_capacity;
    struct ir_block *blocks;
    u32 block_count;
    u32 block_capacity;
    u32 caught_words; // that an exception that lands leaves for IR_SLOT, at most
    u32 *lists;       // operands of calls, inputs of phis, predecessors, successors
    u32 list_count;
    u32 list_capacity;
    u64 (*vectors)[2]; // constants of KIND_V
    u32 vector_count;
    u32 vector_capacity;
};

static inline u32 ir_call_table(const struct ir_ins *ins)
{
    return ins->c >> 20;
}

static inline u32 ir_call_type(const struct ir_ins *ins)
{
    return ins->c & 0xfffff;
}

// Which fields of an instruction are values.
enum ir_shape {
    IR_SHAPE_A = 1,
    IR_SHAPE_B = 2,
    IR_SHAPE_C = 4,
    IR_SHAPE_LIST = 8, // lists[b] values from lists[b + 1] on
    IR_SHAPE_PHI = 16, // pred_count values from lists[a] on
};
extern const u8 ir_shapes[IR_OP_COUNT];

// Whether it must stay though nobody uses its value: it writes, calls, traps or ends a block.
bool ir_has_effect(const struct ir_ins *ins);

// The whole function for people and golden tests, one line for each instruction.
void ir_print(const struct ir *ir, struct text *out);

// Checks everything that this header says, kinds and use counts included: an assertion fails where
// something is wrong. Costs as much as building; called when ASSERT_SLOW is on.
void ir_verify(const struct ir *ir);
