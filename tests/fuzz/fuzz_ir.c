// SPDX-License-Identifier: GPL-3.0-or-later
// The compiler's front on any module: an input that begins as a module does is one; any other is a
// list of choices for the generator. What is built must be sound (ir_verify) and mean what the
// interpreter does.
#include "core/base/assert.h"
#include "tests/diff/compare.h"
#include "tests/diff/generate.h"
#include <stdio.h>

enum { FUEL = 2000 }; // of one call

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void run(struct span module)
{
    static struct compare_outcome outcome;
    compare_module(module, FUEL, &outcome);
    if (outcome.differs) {
        fprintf(stderr, "%s\n", outcome.words);
    }
    ASSERT(!outcome.differs);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size >= 4 && mem_equal(data, "\0asm", 4)) {
        run(span_of(data, size));
        return 0;
    }
    u8 kind = size > 0 ? data[0] : 0;
    u32 less = ((kind & 4) == 0 ? GENERATE_VECTORS : 0) | ((kind & 8) == 0 ? GENERATE_ATOMICS : 0) |
               ((kind & 16) == 0 ? GENERATE_EXCEPTIONS : 0);
    struct wasm_bytes module = generate_module(span_of(data, size), GENERATE_ALL & ~less);
    run(wasm_bytes_span(&module));
    wasm_bytes_free(&module);
    return 0;
}
