// SPDX-License-Identifier: GPL-3.0-or-later
// The compiler and its code, against the interpreter. An input that begins as a module does is one;
// any other is a list of choices for the generator. Its first byte says for which CPU and memory,
// and whether there are vectors, atomic accesses and exceptions.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "tests/diff/compiled.h"
#include "tests/diff/generate.h"

enum { FUEL = 20000 }; // of one call

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct compiled_outcome out;
    u8 kind = size > 0 ? data[0] : 0;
    struct compiled_options options = {
        .is_plain = (kind & 1) != 0, .has_checks = (kind & 2) != 0, .fuel = FUEL};
    if (size >= 4 && mem_equal(data, "\0asm", 4)) {
        compiled_compare(span_of(data, size), &options, &out);
        ASSERT(!out.differs);
        return 0;
    }
    u32 less = ((kind & 4) == 0 ? GENERATE_VECTORS : 0) | ((kind & 8) == 0 ? GENERATE_ATOMICS : 0) |
               ((kind & 16) == 0 ? GENERATE_EXCEPTIONS : 0);
    struct wasm_bytes module =
        generate_module(span_of(data, size), GENERATE_HIDES_NAN | (GENERATE_ALL & ~less));
    compiled_compare(wasm_bytes_span(&module), &options, &out);
    ASSERT(!out.differs);
    wasm_bytes_free(&module);
    return 0;
}
