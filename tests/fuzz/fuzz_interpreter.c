// SPDX-License-Identifier: GPL-3.0-or-later
// Valid modules, run with little fuel and memory. An input that begins as a module does is one; any
// other is a list of choices for the generator, whose modules must always be valid. Whatever the
// slices, a run must end the same way, having used the same fuel; with exceptions, the same way
// unless one of them used up its fuel.
#include "core/base/assert.h"
#include "tests/diff/execute.h"
#include "tests/diff/generate.h"

enum { FUEL = 3000 }; // of one call

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static bool is_out_of_fuel(const struct execute_call *call)
{
    return !call->is_done && call->trap == TRAP_NONE;
}

static void expect_same(const struct execute_outcome *a, const struct execute_outcome *b)
{
    ASSERT(a->err == b->err && a->trap == b->trap);
    ASSERT(a->call_count == b->call_count);
    for (u32 i = 0; i < a->call_count; i++) {
        const struct execute_call *left = &a->calls[i];
        const struct execute_call *right = &b->calls[i];
        if (a->has_exceptions && (is_out_of_fuel(left) || is_out_of_fuel(right))) {
            return;
        }
        ASSERT(left->is_done == right->is_done);
        ASSERT(left->trap == right->trap && left->offset == right->offset);
        ASSERT(left->depth == right->depth);
        ASSERT(a->has_exceptions || left->fuel == right->fuel);
        ASSERT(mem_equal(left->results, right->results, sizeof left->results));
    }
    ASSERT(a->memory_bytes == b->memory_bytes && a->memory_sum == b->memory_sum);
}

static void run_both(struct span module, bool must_load)
{
    static struct execute_outcome whole;
    static struct execute_outcome sliced;
    static const i64 large[] = {FUEL};
    static const i64 small[] = {1, 1, 2, 1, 3, 1, 7, 1, 50};
    execute_module(module, large, COUNT_OF(large), FUEL, &whole);
    ASSERT(!must_load || whole.err == ERR_OK);
    if (whole.err == ERR_OK) {
        execute_module(module, small, COUNT_OF(small), FUEL, &sliced);
        expect_same(&whole, &sliced);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size >= 4 && mem_equal(data, "\0asm", 4)) {
        run_both(span_of(data, size), false);
        return 0;
    }
    struct wasm_bytes module = generate_module(span_of(data, size), GENERATE_ALL);
    run_both(wasm_bytes_span(&module), true);
    wasm_bytes_free(&module);
    return 0;
}
