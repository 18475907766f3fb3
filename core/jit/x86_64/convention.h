// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/convention.h: where arguments and results lie at a call of compiled code, for
// selection and for crossings (docs/jit.md has the table).
//
// Use     a cursor of zeros for the arguments, one for the results; x64_next for each in order.
//         The cursor's stack_bytes is then what they need above the stack pointer at the call.
#pragma once
#include "core/base/types.h"
#include "core/jit/x86_64/asm.h"
#include "core/wasm/module.h"

enum { X64_ARGUMENT_REGISTERS = 8 };

struct x64_cursor {
    u8 integers; // registers used
    u8 floats;
    u32 stack_bytes;
};

// A register, or X64_NONE and an offset from the stack pointer as it is before the call.
struct x64_location {
    u8 reg;
    u32 offset;
};

static inline struct x64_location x64_next(struct x64_cursor *cursor, u8 type, bool is_result)
{
    static const u8 arguments[X64_ARGUMENT_REGISTERS] = {X64_RDI, X64_RSI, X64_RDX, X64_RCX,
                                                         X64_R8,  X64_R9,  X64_RAX, X64_R10};
    static const u8 results[X64_ARGUMENT_REGISTERS] = {X64_RAX, X64_RDX, X64_RCX, X64_RSI,
                                                       X64_RDI, X64_R8,  X64_R9,  X64_R10};
    bool is_float = type == WASM_F32 || type == WASM_F64 || type == WASM_V128;
    if (is_float && cursor->floats < X64_ARGUMENT_REGISTERS) {
        return (struct x64_location){(u8)(X64_XMM0 + cursor->floats++), 0};
    }
    if (!is_float && cursor->integers < X64_ARGUMENT_REGISTERS) {
        u8 number = cursor->integers++;
        return (struct x64_location){is_result ? results[number] : arguments[number], 0};
    }
    struct x64_location out = {X64_NONE, cursor->stack_bytes};
    cursor->stack_bytes += type == WASM_V128 ? 16 : 8;
    return out;
}
