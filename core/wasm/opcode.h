// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/opcode.h: the instructions as numbers and what is known of each, made from
// core/wasm/opcodes.def, whose head says what each column means.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct reader;
struct report;

// An opcode as one number: the byte itself, or the prefix above the number behind it.
#define WASM_OPCODE(prefix, number) ((u32)(prefix) << 12 | (u32)(number))

enum wasm_opcode {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    WASM_OP_##name = WASM_OPCODE(prefix, number),
#include "core/wasm/opcodes.def"
};

enum {
    WASM_PREFIX_BULK = 0xfc, // saturating conversions and bulk operations
    WASM_PREFIX_VECTOR = 0xfd,
    WASM_PREFIX_ATOMIC = 0xfe,
    WASM_BLOCK_TYPE_EMPTY = 0x40, // a block type that is neither a value type nor an index
};

// What follows an opcode in the file. A u32 and an s33 are LEB128.
enum wasm_immediate {
    WASM_IMM_NONE,
    WASM_IMM_BLOCK,      // block type: WASM_BLOCK_TYPE_EMPTY, a value type, or a index (s33)
    WASM_IMM_TRY,        // block type; u32 count, count clauses: enum wasm_clause (a byte), u32 tag
                         // if it names one, u32 depth
    WASM_IMM_TAG,        // u32 index
    WASM_IMM_LABEL,      // u32 depth
    WASM_IMM_LABELS,     // u32 count, count depths, the default depth
    WASM_IMM_FUNCTION,   // u32 index
    WASM_IMM_TYPE_TABLE, // u32 index of the type, u32 index of the table
    WASM_IMM_TYPES,      // u32 count, count value types
    WASM_IMM_LOCAL,      // u32 index
    WASM_IMM_GLOBAL,     // u32 index
    WASM_IMM_TABLE,      // u32 index
    WASM_IMM_TABLE_TABLE,   // u32 index of the destination, u32 index of the source
    WASM_IMM_ELEMENT,       // u32 index
    WASM_IMM_ELEMENT_TABLE, // u32 index of the segment, u32 index of the table
    WASM_IMM_MEMARG,        // u32 log2 of the alignment, with WASM_MEMARG_MEMORY a u32 index of the
                            // memory (else 0), u32 offset
    WASM_IMM_MEMORY,        // u32 index
    WASM_IMM_MEMORY_MEMORY, // u32 index of the destination, u32 index of the source
    WASM_IMM_DATA,          // u32 index
    WASM_IMM_DATA_MEMORY,   // u32 index of the segment, u32 index of the memory
    WASM_IMM_REFTYPE,       // a byte: enum wasm_type of a reference
    WASM_IMM_I32,           // s32
    WASM_IMM_I64,           // s64
    WASM_IMM_F32,           // 4 bytes
    WASM_IMM_F64,           // 8 bytes
    WASM_IMM_V128,          // 16 bytes
    WASM_IMM_LANE,          // a byte: the number of a lane
    WASM_IMM_LANES,         // 16 bytes: lanes of both operands, the first's being 0 to 15
    WASM_IMM_MEMARG_LANE,   // MEMARG, then LANE
    WASM_IMM_ZERO,          // a zero byte
};

// Of the first number of a MEMARG: a memory's index follows. Core 2.0, without WASM_MULTI_MEMORY,
// has no such bit, and a zero byte for each index of a memory.
enum { WASM_MEMARG_MEMORY = 1 << 6 };

// The clauses of a try_table, as the binary format numbers them.
enum wasm_clause {
    WASM_CATCH,
    WASM_CATCH_REF,
    WASM_CATCH_ANY,
    WASM_CATCH_ANY_REF,
    WASM_CLAUSE_COUNT
};

// What kind of work an instruction is.
enum wasm_class {
    WASM_CLASS_CONTROL,
    WASM_CLASS_PARAMETRIC, // drop, select
    WASM_CLASS_VARIABLE,   // locals and globals
    WASM_CLASS_TABLE,      // one element, or the size
    WASM_CLASS_LOAD,
    WASM_CLASS_STORE,
    WASM_CLASS_MEMORY, // size and grow
    WASM_CLASS_CONST,
    WASM_CLASS_COMPARE, // the result is 0 or 1
    WASM_CLASS_UNARY,
    WASM_CLASS_BINARY,
    WASM_CLASS_CONVERT,
    WASM_CLASS_REFERENCE,
    WASM_CLASS_BULK,   // work that grows with an operand, and dropping segments
    WASM_CLASS_VECTOR, // on v128, without memory: lane by lane, between lanes, to and from scalars
    WASM_CLASS_VECTOR_LOAD,  // to a v128: all of it, or a part that is widened, repeated or put in
    WASM_CLASS_VECTOR_STORE, // a v128 or one lane of it
    WASM_CLASS_ATOMIC,       // atomic load, store, read-modify-write
    WASM_CLASS_WAIT,         // waiting at an address, and waking who does
    WASM_CLASS_FENCE,
};

// One row of the table. `text` is NULL where there is no instruction.
struct wasm_opcode_facts {
    const char *text;
    const char *operands; // letters
    const char *results;
    u8 class;     // enum wasm_class
    u8 immediate; // enum wasm_immediate
    u8 bytes;
    bool traps;
};

// The facts of an opcode (WASM_OPCODE), or NULL when there is no such instruction.
const struct wasm_opcode_facts *wasm_opcode_facts(u32 opcode);

// One instruction as the file has it. Which fields mean something follows from the kind of
// immediate.
struct wasm_instruction {
    u64 offset; // of the opcode in the file
    const struct wasm_opcode_facts *facts;
    u32 opcode;   // WASM_OPCODE
    u32 index[2]; // LABEL to DATA_MEMORY, MEMARG_LANE: as in the file; LABELS, TYPES, TRY: count
    u32 memory;   // MEMARG, MEMARG_LANE: its index
    u8 type;      // REFTYPE
    u8 lane;      // LANE, MEMARG_LANE
    u64 bits;     // I32 (sign extended) to F64; BLOCK, TRY: the s33; V128, LANES: the first 8 bytes
    u64 bits_high; // V128, LANES: the other 8 bytes
};

// What a module must have in its set (enum wasm_feature) for this opcode to be one; 0: nothing.
u32 wasm_opcode_features(u32 opcode);
// What to say of an opcode that is none, or none without those features: "illegal opcode", and more
// where a reader can do something about it.
const char *wasm_opcode_complaint(u32 opcode);

// A clause of a try_table, as the file has it. ERR_MALFORMED.
struct wasm_clause_read {
    u32 tag;   // WASM_CATCH_ALL (module.h): none
    u32 depth; // of the label, from outside the try_table
    u8 kind;   // enum wasm_clause
};
enum err wasm_read_clause(struct reader *in, struct wasm_clause_read *out, struct report *report);

// Reads one instruction anywhere, checking its encoding and nothing else: for constant expressions
// and for tools. The validator of bodies has a faster way of its own.
//   features  enum wasm_feature: what there is beyond Core 2.0
// ERR_MALFORMED  what wasm_opcode_complaint says, and the like
enum err wasm_instruction_read(struct reader *in, u32 features, struct wasm_instruction *out,
                               struct report *report);
