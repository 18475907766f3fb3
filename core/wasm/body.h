// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/body.h: reads the instructions of a valid body. Private to the translator.
//
// Use     body_row says which instruction comes next; its immediates are then the caller's to read.
// Source  WebAssembly Core 2.0, section 5.4. All of it was proved by the validator: what is not as
//         it should be is an assertion here.
#pragma once
#include "core/base/assert.h"
#include "core/base/types.h"
#include "core/wasm/code.h"
#include "core/wasm/opcode.h"

// Types as handlers tell them apart; references are KIND_L.
enum kind { KIND_I, KIND_L, KIND_F, KIND_D, KIND_V };

// What the translator wants to know of an instruction: `operand` is the kind of its operands (of a
// store: of the value), `result` that of its result.
struct op {
    u16 number; // without its prefix
    u8 class;
    u8 immediate;
    u8 operand;
    u8 result;
    u8 bytes; // that a load or store touches
};
extern const struct op body_ops[ROW_COUNT];

struct body_reader {
    const u8 *at;
    const u8 *end;
};

enum row body_row(struct body_reader *in);
u64 body_unsigned(struct body_reader *in);
i64 body_signed(struct body_reader *in);
void body_skip(struct body_reader *in, size_t bytes);
// A clause of a try_table.
struct wasm_clause_read body_clause(struct body_reader *in);
// All of them.
void body_skip_clauses(struct body_reader *in);
void body_skip_immediate(struct body_reader *in, enum row row);
// Goes on to the `else` or `end` of the block that the reader is in, without passing it. False: it
// stopped behind `stop`, with *depth blocks open, to be called again.
bool body_skip_dead(struct body_reader *in, const u8 *stop, u32 *depth);

// Whether a block begins with the instruction.
static inline bool body_opens(enum row row)
{
    return row == ROW_BLOCK || row == ROW_LOOP || row == ROW_IF || row == ROW_TRY_TABLE;
}

static ALWAYS_INLINE u32 body_u32(struct body_reader *in)
{
    ASSERT(in->at < in->end);
    return LIKELY(*in->at < 0x80) ? *in->at++ : (u32)body_unsigned(in);
}

// A MEMARG: returns the memory's index. The alignment is a hint that nobody takes.
static ALWAYS_INLINE u32 body_memarg(struct body_reader *in, u32 *offset)
{
    u32 memory = (body_u32(in) & WASM_MEMARG_MEMORY) != 0 ? body_u32(in) : 0;
    *offset = body_u32(in);
    return memory;
}
