// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/trap.h: how a guest can fail while it runs. An ordinary result for the kernel.
// Source  WebAssembly Core 2.0, chapter 4; the words are those the core test suite expects.
#pragma once

enum trap {
    TRAP_NONE = 0,
    TRAP_UNREACHABLE,           // "unreachable"
    TRAP_MEMORY_OUT_OF_BOUNDS,  // "out of bounds memory access"
    TRAP_TABLE_OUT_OF_BOUNDS,   // "out of bounds table access"
    TRAP_UNDEFINED_ELEMENT,     // "undefined element"
    TRAP_UNINITIALIZED_ELEMENT, // "uninitialized element"
    TRAP_INDIRECT_CALL_TYPE,    // "indirect call type mismatch"
    TRAP_DIVIDE_BY_ZERO,        // "integer divide by zero"
    TRAP_INTEGER_OVERFLOW,      // "integer overflow"
    TRAP_BAD_CONVERSION,        // "invalid conversion to integer"
    TRAP_STACK_EXHAUSTED,       // "call stack exhausted"
    TRAP_NO_MEMORY,             // "out of memory": the machine had none left for a table or a stack
    TRAP_UNALIGNED_ATOMIC,      // "unaligned atomic"
    TRAP_UNSHARED_WAIT,         // "expected shared memory"
    TRAP_EXCEPTION,             // "uncaught exception"
    TRAP_NULL_EXCEPTION,        // "null exception reference"
    TRAP_EXCEPTIONS,            // "too many exceptions": WASM_EXCEPTION_COUNT are in use
    TRAP_HOST,                  // the embedder refused a host call; it knows why
    TRAP_COUNT
};

// The words above. Never NULL.
const char *trap_name(enum trap trap);
