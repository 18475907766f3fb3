// SPDX-License-Identifier: GPL-3.0-or-later
// What does the compiler's front make of code that throws and catches (core/jit/build_try.c)? Of
// each body both the shape of the ir and what it means are looked at.
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/passes.h"
#include "core/wasm/features.h"
#include "core/wasm/load.h"
#include "tests/diff/compare.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TYPE = 1, FUNCTION = 3, GLOBAL = 6, EXPORT = 7, CODE = 10, TAG = 13, FUEL = 10000 };

struct bench {
    struct test_memory memory;
    struct arena module_arena;
    struct arena arena;
    struct wasm_module *module;
    struct ir ir;
    u32 loops; // that a version of the function begins at, compared too
};

// Function 0 sets the global to 9 and throws tag 0 with a 7; function 1 is "run", i32 -> i32, with
// the given locals and body. Tag 1 has an i32, a v128 and an i64, and type 5 gives these.
static struct wasm_bytes module_of(const char *body, size_t size)
{
    struct wasm_bytes out = wasm_bytes_begin();
    put_section(&out, TYPE);
    PUT(&out, "\x06\x60\x00\x00\x60\x01\x7f\x01\x7f\x60\x01\x7f\x00\x60\x00\x01\x7f"
              "\x60\x03\x7f\x7b\x7e\x00\x60\x00\x03\x7f\x7b\x7e");
    end_section(&out);
    put_section(&out, FUNCTION);
    PUT(&out, "\x02\x00\x01");
    end_section(&out);
    put_section(&out, TAG);
    PUT(&out, "\x02\x00\x02\x00\x04");
    end_section(&out);
    put_section(&out, GLOBAL);
    PUT(&out, "\x01\x7f\x01\x41\x00\x0b");
    end_section(&out);
    put_section(&out, EXPORT);
    PUT(&out, "\x01\x03run\x00\x01");
    end_section(&out);
    put_section(&out, CODE);
    PUT(&out, "\x02\x0a\x00\x41\x09\x24\x00\x41\x07\x08\x00\x0b");
    size_t at = put_body(&out);
    put_bytes(&out, body, size);
    end_body(&out, at);
    end_section(&out);
    return out;
}

// Builds function 1 of such a module, and compares what the ir of both functions means.
static void bench_open(struct bench *bench, const char *body, size_t size)
{
    static struct compare_outcome outcome;
    struct wasm_bytes bytes = module_of(body, size);
    struct report report;
    struct wasm_load load;
    struct arena scratch;
    i64 work = INT64_MAX;
    report_clear(&report);
    *bench = (struct bench){.memory = test_memory_over_malloc(-1)};
    arena_init(&bench->module_arena, &bench->memory.memory, SIZE_MAX);
    arena_init(&bench->arena, &bench->memory.memory, SIZE_MAX);
    arena_init(&scratch, &bench->memory.memory, SIZE_MAX);
    wasm_load_begin(&load, wasm_bytes_span(&bytes), WASM_FEATURES_ALL, &bench->module_arena,
                    &scratch);
    enum err err = wasm_load_step(&load, &work, &report);
    assert_string_equal(report.text, "");
    assert_int_equal(err, ERR_OK);
    arena_drop(&scratch);
    bench->module = load.module;
    assert_int_equal(ir_build(bench->module, 1, NULL, &bench->arena, &bench->ir), ERR_OK);
    assert_int_equal(ir_improve(&bench->ir), ERR_OK);
    ir_verify(&bench->ir);
    compare_module(wasm_bytes_span(&bytes), FUEL, &outcome);
    assert_string_equal(outcome.words, "");
    assert_int_equal(outcome.call_count, 1);
    bench->loops = outcome.loop_count;
    wasm_bytes_free(&bytes);
}
#define OPEN(bench, body) bench_open(bench, body, sizeof(body) - 1)

static void bench_close(struct bench *bench)
{
    arena_drop(&bench->arena);
    arena_drop(&bench->module_arena);
    assert_int_equal(bench->memory.blocks, 0);
}

static u32 count(const struct ir *ir, u32 op)
{
    u32 found = 0;
    for (u32 i = 0; i < ir->ins_count; i++) {
        found += ir->ins[i].op == op;
    }
    return found;
}

// What the last return gives.
static u32 returned(const struct ir *ir)
{
    u32 value = IR_NONE;
    for (u32 i = 0; i < ir->ins_count; i++) {
        if (ir->ins[i].op == IR_RETURN) {
            value = ir->lists[ir->ins[i].b + 1];
        }
    }
    assert_int_not_equal(value, IR_NONE);
    return value;
}

// A local that has another value at each call, which is what the landing of that call has.
static void test_phi_of_landings(void **state)
{
    (void)state;
    struct bench bench;
    OPEN(&bench, "\x01\x01\x7f" // a local
                 "\x02\x40\x1f\x40\x01\x02\x00"
                 "\x41\x02\x21\x01\x20\x00\x04\x40\x10\x00\x0b" // 2; called on a condition
                 "\x41\x03\x21\x01\x10\x00"                     // 3; called
                 "\x41\x04\x21\x01\x0b\x0b"                     // 4, if that returned
                 "\x20\x01\x0b");
    const struct ir *ir = &bench.ir;
    u32 value = returned(ir);
    assert_int_equal(ir->ins[value].op, IR_PHI);
    u32 seen = 0;
    for (u32 i = 0; i < 3; i++) {
        const struct ir_ins *input = &ir->ins[ir->lists[ir->ins[value].a + i]];
        assert_int_equal(input->op, IR_CONST);
        seen |= 1u << input->bits;
    }
    assert_int_equal(seen, 1u << 2 | 1u << 3 | 1u << 4);
    assert_int_equal(count(ir, IR_CAUGHT), 2);
    bench_close(&bench);
}

// A global that the callee has changed before it threw.
static void test_global_behind_landing(void **state)
{
    (void)state;
    struct bench bench;
    OPEN(&bench, "\x00\x41\x05\x24\x00"                     // 5
                 "\x02\x40\x1f\x40\x01\x02\x00\x10\x00\x0b" // called
                 "\x0b\x23\x00\x0b");
    assert_int_not_equal(bench.ir.ins[returned(&bench.ir)].op, IR_CONST);
    assert_int_equal(count(&bench.ir, IR_GLOBAL_GET), 1);
    bench_close(&bench);
    OPEN(&bench, "\x00\x41\x05\x24\x00" // the same, where nothing else leads there
                 "\x02\x40\x1f\x40\x01\x02\x00\x10\x00\x0b\x00\x0b\x23\x00\x0b");
    assert_int_equal(bench.ir.ins[returned(&bench.ir)].op, IR_GLOBAL_GET);
    bench_close(&bench);
}

// A loop that throws its sum when it is above 100. What stands in front of the loop, in it and
// behind the landing is one value.
static void test_value_before_loop(void **state)
{
    (void)state;
    struct bench bench;
    OPEN(&bench, "\x01\x01\x7f"
                 "\x20\x00\x41\x15\x73\x24\x00" // argument ^ 21, kept
                 "\x02\x7f\x1f\x40\x01\x00\x00\x00\x03\x40"
                 "\x20\x00\x41\x15\x73\x20\x01\x6a\x21\x01" // added
                 "\x20\x01\x41\xe4\x00\x4a\x04\x40\x20\x01\x08\x00\x0b"
                 "\x0c\x00\x0b\x0b\x00\x0b"
                 "\x20\x00\x41\x15\x73\x6a\x0b"); // and added to what was caught
    assert_int_equal(count(&bench.ir, ROW_I32_XOR), 1);
    assert_int_equal(count(&bench.ir, IR_THROW), 1);
    bench_close(&bench);
}

// The same where it is computed on one way through the loop only, which the landing is not behind.
static void test_value_inside_loop(void **state)
{
    (void)state;
    struct bench bench;
    OPEN(&bench, "\x01\x01\x7f"
                 "\x02\x7f\x1f\x40\x01\x00\x00\x00\x03\x40"
                 "\x20\x01\x41\x03\x71\x45\x04\x40"             // every fourth turn,
                 "\x20\x00\x41\x15\x73\x20\x01\x6a\x24\x00\x0b" // kept
                 "\x20\x01\x41\x01\x6a\x21\x01"
                 "\x20\x01\x41\xe4\x00\x4a\x04\x40\x20\x01\x08\x00\x0b"
                 "\x0c\x00\x0b\x0b\x00\x0b"
                 "\x20\x00\x41\x15\x73\x6a\x0b");
    assert_int_equal(count(&bench.ir, ROW_I32_XOR), 2);
    bench_close(&bench);
}

// Nothing that could throw, or nothing that is reached: no landing, and no call that has one.
static void test_dead_landing(void **state)
{
    (void)state;
    struct bench bench;
    OPEN(&bench, "\x00\x02\x40\x1f\x40\x01\x02\x00\x41\x01\x24\x00\x0b\x0b\x20\x00\x0b");
    assert_int_equal(count(&bench.ir, IR_CAUGHT), 0);
    assert_int_equal(bench.ir.block_count, 1);
    bench_close(&bench);
    OPEN(&bench, "\x00\x02\x40\x1f\x40\x01\x02\x00"
                 "\x41\x00\x04\x40\x10\x00\x0b\x0b\x0b\x20\x00\x0b");
    assert_int_equal(count(&bench.ir, IR_CAUGHT), 0);
    assert_int_equal(count(&bench.ir, IR_CALL), 0);
    bench_close(&bench);
}

// A clause behind one that catches all is none: with two of these there is nothing to decide.
static void test_clause_behind_all(void **state)
{
    (void)state;
    struct bench bench;
    OPEN(&bench, "\x00\x02\x40\x1f\x40\x02\x02\x00\x02\x00\x10\x00\x0b\x0b\x20\x00\x0b");
    assert_int_equal(count(&bench.ir, IR_CAUGHT), 1);
    assert_int_equal(count(&bench.ir, IR_SWITCH), 0);
    bench_close(&bench);
    OPEN(&bench, "\x00\x02\x40\x02\x7f\x1f\x40\x02\x00\x00\x00\x02\x01\x10\x00\x0b\x20\x00\x0b"
                 "\x1a\x0b\x20\x00\x0b");
    assert_int_equal(count(&bench.ir, IR_SWITCH), 1);
    bench_close(&bench);
}

// Where the values lie that are caught: a v128 takes two words.
static void test_caught_words(void **state)
{
    (void)state;
    struct bench bench;
    u64 seen = 0;
    OPEN(&bench, "\x01\x01\x7f"
                 "\x02\x05\x1f\x40\x01\x00\x01\x00"
                 "\x41\x01\xfd\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
                 "\x42\x2a\x08\x01\x0b\x00\x0b"
                 "\xa7\x21\x01\x1a\x20\x01\x6a\x0b"); // the i32, plus the i64
    for (u32 i = 0; i < bench.ir.ins_count; i++) {
        seen |= bench.ir.ins[i].op == IR_SLOT ? 1ull << bench.ir.ins[i].c : 0;
    }
    assert_int_equal(seen, 1ull << JIT_CAUGHT_VALUES | 1ull << (JIT_CAUGHT_VALUES + 3));
    assert_int_equal(bench.ir.caught_words, JIT_CAUGHT_VALUES + 4);
    bench_close(&bench);
}

// A loop in a try_table in a loop: the function can be begun at either, and what is thrown later is
// caught there.
static void test_begun_at_loops(void **state)
{
    (void)state;
    struct bench bench;
    OPEN(&bench, "\x01\x01\x7f"
                 "\x03\x40\x02\x7f\x1f\x40\x01\x00\x00\x00\x03\x40"
                 "\x20\x01\x41\x01\x6a\x21\x01"
                 "\x20\x01\x41\x03\x71\x45\x04\x40\x10\x00\x0b" // every fourth turn
                 "\x0c\x00\x0b\x0b\x00\x0b"
                 "\x20\x00\x6a\x21\x00" // what was caught is added
                 "\x20\x01\x41\x14\x48\x0d\x00\x0b"
                 "\x20\x00\x0b");
    assert_int_equal(bench.loops, 2);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phi_of_landings),   cmocka_unit_test(test_global_behind_landing),
        cmocka_unit_test(test_value_before_loop), cmocka_unit_test(test_value_inside_loop),
        cmocka_unit_test(test_dead_landing),      cmocka_unit_test(test_clause_behind_all),
        cmocka_unit_test(test_caught_words),      cmocka_unit_test(test_begun_at_loops),
    };
    return cmocka_run_group_tests_name("jit_try", tests, NULL, NULL);
}
