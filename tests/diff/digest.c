// SPDX-License-Identifier: GPL-3.0-or-later
// JavaScript does not tell an i32 from a float: every number but an i64 goes in as an f64.
#include "tests/diff/digest.h"
#include "core/base/mem.h"
#include "core/wasm/instance.h"
#include "core/wasm/module.h"

// What comes next, in front of it.
enum mark { MARK_CALL = 1, MARK_TRAP, MARK_NUMBER, MARK_I64, MARK_MEMORY };

const char *trap_class(enum trap trap)
{
    switch (trap) {
    case TRAP_UNREACHABLE:
        return "unreachable";
    case TRAP_MEMORY_OUT_OF_BOUNDS:
    case TRAP_UNALIGNED_ATOMIC: // where both are true, which comes first is not said
        return "memory";
    case TRAP_TABLE_OUT_OF_BOUNDS:
    case TRAP_UNDEFINED_ELEMENT:
        return "table";
    case TRAP_UNINITIALIZED_ELEMENT:
    case TRAP_INDIRECT_CALL_TYPE:
        return "signature";
    case TRAP_DIVIDE_BY_ZERO:
        return "zero";
    case TRAP_INTEGER_OVERFLOW:
    case TRAP_BAD_CONVERSION:
        return "integer";
    case TRAP_STACK_EXHAUSTED:
        return "stack";
    case TRAP_EXCEPTION:
        return "exception";
    case TRAP_NULL_EXCEPTION:
        return "null";
    default:
        return "other";
    }
}

static void word(u32 *digest, u32 value)
{
    *digest = (*digest ^ value) * 0x9e3779b1u;
    *digest ^= *digest >> 15;
}

static void pair(u32 *digest, enum mark mark, u64 bits)
{
    word(digest, mark);
    word(digest, (u32)bits);
    word(digest, (u32)(bits >> 32));
}

u32 digest_begin(void)
{
    return 2166136261u;
}

void digest_call(u32 *digest)
{
    word(digest, MARK_CALL);
}

void digest_trap(u32 *digest, enum trap trap)
{
    word(digest, MARK_TRAP);
    for (const char *at = trap_class(trap); *at != 0; at++) {
        word(digest, (u8)*at);
    }
}

static u64 bits_of(f64 value)
{
    u64 bits;
    mem_copy(&bits, &value, sizeof bits);
    return value != value ? 0x7ff8000000000000 : bits;
}

void digest_value(u32 *digest, u8 type, u64 bits)
{
    u32 low = (u32)bits;
    f32 narrow;
    f64 wide;
    switch (type) {
    case WASM_I32:
        pair(digest, MARK_NUMBER, bits_of((i32)low));
        return;
    case WASM_I64:
        pair(digest, MARK_I64, bits);
        return;
    case WASM_F32:
        mem_copy(&narrow, &low, sizeof narrow);
        pair(digest, MARK_NUMBER, bits_of((f64)narrow));
        return;
    case WASM_F64:
        mem_copy(&wide, &bits, sizeof wide);
        pair(digest, MARK_NUMBER, bits_of(wide));
        return;
    default:
        return;
    }
}

void digest_memory(u32 *digest, const struct wasm_memory *memory)
{
    word(digest, MARK_MEMORY);
    for (u64 i = 0; i < memory->size_bytes; i += sizeof(u32)) {
        word(digest, mem_load_u32(memory->base + i));
    }
}
