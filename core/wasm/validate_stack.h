// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/validate_stack.h: the two stacks of the validator, operands and blocks, and its
// refusals. Private to validate_*.c.
//
// Errors  a refusal is ERR_INVALID unless it says otherwise, at the instruction being checked.
// Source  WebAssembly Core 2.0, appendix "Validation Algorithm".
#pragma once
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/validate_body.h"

enum { WASM_TYPE_UNKNOWN = 0 }; // an operand of unreachable code

// The types of one kind of stack change, each as an array.
struct wasm_types {
    const u8 *data; // enum wasm_type
    u32 count;
};

struct wasm_block {
    struct wasm_types params;
    struct wasm_types results;
    u32 base; // operands below this block
    u8 opcode;
    bool is_unreachable; // the code after some instruction of it
    u16 catch_count;     // clauses of try_tables around what is in it
};

// ---- refusals

enum err wasm_check_refuse(struct wasm_body_checker *c, enum err err, const char *text);
// "unknown what index".
enum err wasm_check_unknown(struct wasm_body_checker *c, const char *what, u32 index);
// "type mismatch: expected ..., found ...".
enum err wasm_check_mismatch(struct wasm_body_checker *c, const char *expected, u8 found);
// "i32" and so on; "nothing" for WASM_TYPE_UNKNOWN.
const char *wasm_check_type_name(u8 type);

static inline enum err malformed(struct wasm_body_checker *c, const char *text)
{
    return wasm_check_refuse(c, ERR_MALFORMED, text);
}

static inline enum err invalid(struct wasm_body_checker *c, const char *text)
{
    return wasm_check_refuse(c, ERR_INVALID, text);
}

// ---- operands

// Pops an operand of a type, all rules considered.
enum err wasm_check_pop_slow(struct wasm_body_checker *c, u8 type);
// Pops an operand of any type, which may be WASM_TYPE_UNKNOWN.
enum err wasm_check_pop_any(struct wasm_body_checker *c, u8 *out);
// The last of `types` is on top.
enum err wasm_check_pop_types(struct wasm_body_checker *c, struct wasm_types types);
// ERR_LIMIT beyond WASM_OPERANDS.
enum err wasm_check_push_types(struct wasm_body_checker *c, struct wasm_types types);

static ALWAYS_INLINE enum err pop(struct wasm_body_checker *c, u8 type)
{
    if (LIKELY(c->top > c->base && c->top[-1] == type)) {
        c->top--;
        return ERR_OK;
    }
    return wasm_check_pop_slow(c, type);
}

static ALWAYS_INLINE enum err push(struct wasm_body_checker *c, u8 type)
{
    if (UNLIKELY(c->top == c->operands_end)) {
        return wasm_check_refuse(c, ERR_LIMIT, "too many operands");
    }
    *c->top++ = type;
    return ERR_OK;
}

// ---- blocks

static inline struct wasm_types params_of(const struct wasm_func_type *type)
{
    return (struct wasm_types){type->types, type->param_count};
}

static inline struct wasm_types results_of(const struct wasm_func_type *type)
{
    return (struct wasm_types){type->types + type->param_count, type->result_count};
}

// The operands that a branch to the block takes along.
static inline struct wasm_types label_of(const struct wasm_block *block)
{
    return block->opcode == WASM_OP_LOOP ? block->params : block->results;
}

static inline void set_unreachable(struct wasm_body_checker *c)
{
    c->top = c->base;
    c->is_unreachable = true;
}

// The block type that comes next.
enum err wasm_check_block_type(struct wasm_body_checker *c, struct wasm_types *params,
                               struct wasm_types *results);
// Opens a block whose parameters are popped already. ERR_LIMIT beyond WASM_BLOCK_DEPTH.
enum err wasm_check_open_block(struct wasm_body_checker *c, u8 opcode, struct wasm_types params,
                               struct wasm_types results);
// Takes the results of the innermost block and makes the block around it the innermost.
enum err wasm_check_close_block(struct wasm_body_checker *c, struct wasm_block *out);

// ---- what all files of instructions need

static ALWAYS_INLINE enum err read_index(struct wasm_body_checker *c, u32 *out)
{
    return reader_leb_u32(&c->in, out, c->report);
}

static inline enum err check_memory(struct wasm_body_checker *c, u32 memory)
{
    return memory < c->module->memory_count ? ERR_OK : wasm_check_unknown(c, "memory", memory);
}

// The index of a memory, which without WASM_MULTI_MEMORY is a zero byte. Nothing is known of it.
enum err wasm_check_memory_index(struct wasm_body_checker *c, u32 *memory);
// Goes on with a memarg whose first number is *flags, of 32 and more: takes the bit for an index
// out of it, and reads the index.
enum err wasm_check_memarg_index(struct wasm_body_checker *c, u32 *flags, u32 *memory);

static ALWAYS_INLINE enum err read_memarg(struct wasm_body_checker *c, u32 bytes)
{
    u32 align_log2;
    u32 memory = 0;
    u32 offset;
    TRY(read_index(c, &align_log2));
    if (UNLIKELY(align_log2 >= 32)) {
        TRY(wasm_check_memarg_index(c, &align_log2, &memory));
    }
    TRY(read_index(c, &offset));
    TRY(check_memory(c, memory));
    if (UNLIKELY((u64)1 << align_log2 > bytes)) {
        return invalid(c, "alignment must not be larger than natural");
    }
    return ERR_OK;
}

static inline enum err read_zero(struct wasm_body_checker *c)
{
    u8 zero;
    TRY(reader_u8(&c->in, &zero, c->report));
    return zero == 0 ? ERR_OK : malformed(c, "zero byte expected");
}

// The table named by the next immediate.
enum err wasm_check_table_index(struct wasm_body_checker *c, const struct wasm_table_type **out);
// Reads what call_indirect and its like name, and takes the element's number off the stack.
enum err wasm_check_indirect(struct wasm_body_checker *c, const struct wasm_func_type **out);

// Instructions that are rare in practice (validate_rare.c), by their first byte, and those behind
// WASM_PREFIX_BULK but for the conversions.
enum err wasm_check_rare(struct wasm_body_checker *c, u8 opcode);
enum err wasm_check_bulk(struct wasm_body_checker *c, u32 number);
// throw, throw_ref and try_table (validate_try.c).
enum err wasm_check_exception(struct wasm_body_checker *c, u8 opcode);
// Those behind WASM_PREFIX_VECTOR (validate_vector.c), from the number on.
enum err wasm_check_vector(struct wasm_body_checker *c);
// Those behind WASM_PREFIX_ATOMIC (validate_atomic.c), from the number on.
enum err wasm_check_atomic(struct wasm_body_checker *c);
// Pops and pushes what the letters of a row say, which are all types of numbers and vectors.
enum err wasm_check_letters(struct wasm_body_checker *c, const struct wasm_opcode_facts *facts);
