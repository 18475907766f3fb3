// SPDX-License-Identifier: GPL-3.0-or-later
// The instructions behind WASM_PREFIX_ATOMIC, straight from opcodes.def. The alignment that an
// access names is no hint here: it is the natural one, and an address that is not aligned so traps.
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/wasm/atomic.h"
#include "core/wasm/features.h"
#include "core/wasm/validate_stack.h"

static enum err read_natural(struct wasm_body_checker *c, u32 bytes)
{
    struct reader ahead = c->in;
    u32 flags;
    TRY(reader_leb_u32(&ahead, &flags, c->report));
    TRY(read_memarg(c, bytes)); // refuses one that is larger
    u32 align_log2 = flags & ~(u32)WASM_MEMARG_MEMORY;
    return (u32)1 << align_log2 == bytes ? ERR_OK : invalid(c, "atomic alignment must be natural");
}

enum err wasm_check_atomic(struct wasm_body_checker *c)
{
    if ((c->module->features & WASM_THREADS) == 0) {
        return malformed(c, "illegal opcode");
    }
    u32 number;
    TRY(read_index(c, &number));
    const struct wasm_opcode_facts *facts = NULL;
    if (number < 1 << 12) {
        facts = wasm_opcode_facts(WASM_OPCODE(WASM_PREFIX_ATOMIC, number));
    }
    if (facts == NULL) {
        return malformed(c, "illegal opcode");
    }
    if (facts->immediate == WASM_IMM_ZERO) {
        return read_zero(c);
    }
    ASSERT(facts->immediate == WASM_IMM_MEMARG);
    TRY(read_natural(c, facts->bytes));
    return wasm_check_letters(c, facts);
}
