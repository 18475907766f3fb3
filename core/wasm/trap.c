// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/trap.h"
#include "core/base/compiler.h"

static const char *const names[TRAP_COUNT] = {
    [TRAP_NONE] = "no trap",
    [TRAP_UNREACHABLE] = "unreachable",
    [TRAP_MEMORY_OUT_OF_BOUNDS] = "out of bounds memory access",
    [TRAP_TABLE_OUT_OF_BOUNDS] = "out of bounds table access",
    [TRAP_UNDEFINED_ELEMENT] = "undefined element",
    [TRAP_UNINITIALIZED_ELEMENT] = "uninitialized element",
    [TRAP_INDIRECT_CALL_TYPE] = "indirect call type mismatch",
    [TRAP_DIVIDE_BY_ZERO] = "integer divide by zero",
    [TRAP_INTEGER_OVERFLOW] = "integer overflow",
    [TRAP_BAD_CONVERSION] = "invalid conversion to integer",
    [TRAP_STACK_EXHAUSTED] = "call stack exhausted",
    [TRAP_NO_MEMORY] = "out of memory",
    [TRAP_UNALIGNED_ATOMIC] = "unaligned atomic",
    [TRAP_UNSHARED_WAIT] = "expected shared memory",
    [TRAP_EXCEPTION] = "uncaught exception",
    [TRAP_NULL_EXCEPTION] = "null exception reference",
    [TRAP_EXCEPTIONS] = "too many exceptions",
    [TRAP_HOST] = "refused by the host",
};

const char *trap_name(enum trap trap)
{
    return (unsigned)trap < COUNT_OF(names) ? names[trap] : "unknown trap";
}
