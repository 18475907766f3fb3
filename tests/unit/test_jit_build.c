// SPDX-License-Identifier: GPL-3.0-or-later
// What does the compiler's front make of small functions (wasm/build.wat), and does it keep
// core/jit/limits.h? That what it makes means the same is checked by tests/diff/compare.h.
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/limits.h"
#include "core/jit/passes.h"
#include "core/wasm/decode.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_BYTES = 1 << 16, TEXT_BYTES = 1 << 16, MEMORY = 5, CODE = 10 };

struct bench {
    struct test_memory memory;
    struct arena module_arena;
    struct arena arena;
    struct wasm_module *module;
    struct ir ir;
};

static void bench_open(struct bench *bench, struct span bytes)
{
    *bench = (struct bench){.memory = test_memory_over_malloc(-1)};
    struct arena scratch;
    struct report report;
    report_clear(&report);
    arena_init(&bench->module_arena, &bench->memory.memory, SIZE_MAX);
    arena_init(&bench->arena, &bench->memory.memory, SIZE_MAX);
    arena_init(&scratch, &bench->memory.memory, SIZE_MAX);
    enum err err = wasm_module_decode(bytes, &bench->module_arena, &bench->module, &report);
    if (err == ERR_OK) {
        err = wasm_module_validate(bench->module, &scratch, &report);
    }
    assert_string_equal(report.text, "");
    assert_int_equal(err, ERR_OK);
    arena_drop(&scratch);
}

static void bench_close(struct bench *bench)
{
    arena_drop(&bench->arena);
    arena_drop(&bench->module_arena);
    assert_int_equal(bench->memory.blocks, 0);
}

static enum err build(struct bench *bench, u32 function)
{
    arena_drop(&bench->arena);
    TRY(ir_build(bench->module, function, NULL, &bench->arena, &bench->ir));
    TRY(ir_improve(&bench->ir));
    ir_verify(&bench->ir);
    return ERR_OK;
}

static void open_file(struct bench *bench)
{
    static u8 bytes[FILE_BYTES];
    FILE *file = fopen("build/test/wasm/build.wasm", "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    bench_open(bench, span_of(bytes, size));
}

static void build_export(struct bench *bench, const char *name)
{
    const struct wasm_export *export = wasm_module_export(bench->module, span_string(name));
    assert_non_null(export);
    assert_int_equal(build(bench, export->index), ERR_OK);
}

// ---- expressions

// A value as one expression: op(operand, operand).
static void write_value(const struct ir *ir, u32 value, struct text *out)
{
    const struct ir_ins *ins = &ir->ins[value];
    char line[256];
    struct text text = text_over(line, sizeof line);
    if (ins->op == IR_PARAM) {
        text_char(out, 'p');
        text_u64(out, ins->a);
        return;
    }
    if (ins->op == IR_CONST) {
        text_u64(out, ins->bits);
        return;
    }
    struct ir one = *ir; // the printer knows the names
    struct ir_block block = {.first = value, .end = value + 1};
    one.blocks = &block;
    one.block_count = 1;
    ir_print(&one, &text);
    const char *name = strstr(line, "= ") + 2;
    text_bytes(out, span_of(name, strcspn(name, " \n")));
    const char *offset = strchr(name, '+');
    if (offset != NULL) {
        text_bytes(out, span_of(offset, strcspn(offset, " \n")));
    }
    const u32 operands[] = {ins->a, ins->b, ins->c};
    text_char(out, '(');
    for (u32 i = 0; i < 3; i++) {
        if ((ir_shapes[ins->op] >> i & 1) != 0) {
            text_string(out, i == 0 ? "" : ", ");
            write_value(ir, operands[i], out);
        }
    }
    text_char(out, ')');
}

// What a function of one block returns.
static void expect_expression(const char *name, const char *expected)
{
    struct bench bench;
    char words[512];
    struct text text = text_over(words, sizeof words);
    open_file(&bench);
    build_export(&bench, name);
    const struct ir_ins *last = &bench.ir.ins[bench.ir.ins_count - 1];
    assert_int_equal(bench.ir.block_count, 1);
    assert_int_equal(last->op, IR_RETURN);
    write_value(&bench.ir, bench.ir.lists[last->b + 1], &text);
    if (strcmp(words, expected) != 0) {
        print_message("%s\n", name);
    }
    assert_string_equal(words, expected);
    bench_close(&bench);
}

static void test_identities(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"fold", "17"},
        {"fold_float", "4598175219545276416"},
        {"fold_not_trap", "i32.div_s(1, 0)"},
        {"mul_power", "i32.shl(p0, 3)"},
        {"div_power", "i64.shr_u(p0, 4)"},
        {"div_power_signed", "i64.div_s(p0, 16)"},
        {"rem_power", "i32.and(p0, 31)"},
        {"sub_constant", "i32.add(p0, 4294967295)"},
        {"associate", "i32.add(p0, 4)"},
        {"associate_away", "p0"},
        {"shifts", "i32.shl(p0, 6)"},
        {"shifts_out", "0"},
        {"shifts_sign", "i32.shr_s(p0, 31)"},
        {"rotate_none", "p0"},
        {"same_xor", "0"},
        {"same_and", "p0"},
        {"mask_all", "i32.shr_u(p0, 24)"},
        {"mask_none", "0"},
        {"eqz_compare", "i32.ge_s(p0, p1)"},
        {"eqz_float", "i32.eq(f64.lt(p0, p1), 0)"},
        {"eqz_twice", "i32.ne(p0, 0)"},
        {"eqz_sub", "i64.eq(p0, p1)"},
        {"ne_zero_compare", "i64.eq(p0, 0)"},
        {"mirror", "i32.lt_u(p0, 5)"},
        {"below_one", "i32.eq(p0, 0)"},
        {"below_zero", "0"},
        {"too_high", "0"},
        {"wrap_extend", "p0"},
        {"wrap_mask", "i32.wrap_i64(p0)"},
        {"extend_known", "i64.extend_i32_u(i32.and(p0, 127))"},
        {"extend8_load", "i32.load8_s(p0)"},
        {"reinterpret", "p0"},
        {"select_same", "p0"},
        {"select_turned", "select(p1, p0, p2)"},
        {"select_condition", "i64.eq(p0, 0)"},
        {"select_opposite", "i32.ne(p0, p1)"},
        {"float_keeps", "f64.add(0, p0)"},
        {"null_is_null", "1"},
        {"address", "i32.load+1028(i32.shl(i32.and(p0, 255), 2))"},
        {"address_wraps", "i32.load+4(i32.add(p0, 1024))"},
        {"address_far", "i32.load+4294967295(i32.add(i32.and(p0, 1), 1))"},
        {"global_set", "i32.add(p0, 1)"},
        {"global_alias", "global.get()"},
        {"global_known", "8"},
    };
    for (u32 i = 0; i < COUNT_OF(rows); i++) {
        expect_expression(rows[i][0], rows[i][1]);
    }
}

static void expect_print(const char *name, const char *expected)
{
    static char words[TEXT_BYTES];
    struct bench bench;
    struct text text = text_over(words, sizeof words);
    open_file(&bench);
    build_export(&bench, name);
    ir_print(&bench.ir, &text);
    if (strcmp(words, expected) != 0) {
        print_message("%s:\n%s", name, words);
    }
    assert_string_equal(words, expected);
    bench_close(&bench);
}

static void test_equal_values(void **state)
{
    (void)state;
    expect_print("equal_values", "block 0\n"
                                 "  %0:i = param 0\n"
                                 "  %1:i = param 1\n"
                                 "  %2:i = i32.add %0 %1\n"
                                 "  %3:i = i32.mul %2 %2\n"
                                 "  return %3\n");
    expect_print("global_again", "block 0\n"
                                 "  %0:i = global.get 3\n"
                                 "  %1:i = i32.mul %0 %0\n"
                                 "  return %1\n");
    expect_print("global_call", "block 0\n"
                                "  %0:i = global.get 3\n"
                                "  %1:i = call 0 %0\n"
                                "  %2:i = global.get 3\n"
                                "  %3:i = i32.sub %1 %2\n"
                                "  return %3\n");
    expect_print("global_fixed", "block 0\n"
                                 "  %0:i = global.get 2\n"
                                 "  %1:i = i32.add %0 %0\n"
                                 "  return %1\n");
}

// Ways back to the outer two loops are found before it is known that one is around the other.
static void test_three_loops(void **state)
{
    (void)state;
    expect_print("three_loops", "block 0 to 1\n"
                                "  %0:i = param 0\n"
                                "  jump\n"
                                "block 1 from 0, 7 to 2 loop until 8 depth 1\n"
                                "  jump\n"
                                "block 2 from 1, 4 to 3 loop until 8 depth 2\n"
                                "  jump\n"
                                "block 3 from 2, 6 to 4, 5 loop until 8 depth 3\n"
                                "  branch %0\n"
                                "block 4 from 3 to 2 depth 2\n"
                                "  jump\n"
                                "block 5 from 3 to 6, 7 depth 3\n"
                                "  switch 0 1 0 %0\n"
                                "block 6 from 5 to 3 depth 3\n"
                                "  jump\n"
                                "block 7 from 5 to 1 depth 1\n"
                                "  jump\n");
}

static void test_control(void **state)
{
    (void)state;
    expect_print("diamond", "block 0 to 2, 1\n"
                            "  %0:i = param 0\n"
                            "  %1:i = param 1\n"
                            "  branch %0\n"
                            "block 1 from 0 to 3\n"
                            "  %3:i = const 0x5\n"
                            "  jump\n"
                            "block 2 from 0 to 3\n"
                            "  jump\n"
                            "block 3 from 1, 2\n"
                            "  %6:i = phi %3 %1\n"
                            "  return %6\n");
    expect_print("count", "block 0 to 1\n"
                          "  %0:i = param 0\n"
                          "  %1:i = const 0x0\n"
                          "  jump\n"
                          "block 1 from 0, 2 to 2, 3 loop until 4 depth 1\n"
                          "  %3:i = phi %1 %5\n"
                          "  %4:i = phi %0 %7\n"
                          "  %5:i = i32.add %3 %4\n"
                          "  %6:i = const 0xffffffff\n"
                          "  %7:i = i32.add %4 %6\n"
                          "  branch %7\n"
                          "block 2 from 1 to 1 depth 1\n"
                          "  jump\n"
                          "block 3 from 1\n"
                          "  return %5\n");
    expect_print("constant_if", "block 0\n"
                                "  %0:i = param 0\n"
                                "  return %0\n");
}

static void test_switch_and_cold(void **state)
{
    (void)state;
    expect_print("table", "block 0 to 3, 2, 1\n"
                          "  %0:i = param 0\n"
                          "  switch 0 1 0 2 %0\n"
                          "block 1 from 0\n"
                          "  %2:i = const 0x1\n"
                          "  return %2\n"
                          "block 2 from 0\n"
                          "  %4:i = const 0x2\n"
                          "  return %4\n"
                          "block 3 from 0\n"
                          "  %6:i = const 0x3\n"
                          "  return %6\n");
    expect_print("table_two", "block 0 to 2, 1\n"
                              "  %0:i = param 0\n"
                              "  %1:i = const 0x7\n"
                              "  branch %0\n"
                              "block 1 from 0\n"
                              "  return %1\n"
                              "block 2 from 0\n"
                              "  return %1\n");
    expect_print("cold", "block 0 to 1, 4\n"
                         "  %0:i = param 0\n"
                         "  branch %0\n"
                         "block 1 from 0 to 2, 3 cold\n"
                         "  %2:i = i32.load %0\n"
                         "  branch %2\n"
                         "block 2 from 1 cold\n"
                         "  unreachable unreachable\n"
                         "block 3 from 1 cold\n"
                         "  unreachable unreachable\n"
                         "block 4 from 0\n"
                         "  return\n");
}

static void test_loops(void **state)
{
    (void)state;
    expect_print("way_out", "block 0 to 1\n"
                            "  %0:i = param 0\n"
                            "  jump\n"
                            "block 1 from 0, 3 to 2, 3 loop until 4 depth 1\n"
                            "  %2:i = phi %0 %9\n"
                            "  %3:i = i32.load %2\n"
                            "  %4:i = const 0x7\n"
                            "  %5:i = i32.eq %3 %4\n"
                            "  branch %5\n"
                            "block 2 from 1\n"
                            "  return %2\n"
                            "block 3 from 1 to 1 depth 1\n"
                            "  %8:i = const 0x4\n"
                            "  %9:i = i32.add %2 %8\n"
                            "  jump\n");
    expect_print("nested", "block 0 to 1\n"
                           "  %0:i = param 0\n"
                           "  %1:i = param 1\n"
                           "  %2:i = const 0x0\n"
                           "  jump\n"
                           "block 1 from 0, 5 to 2 loop until 7 depth 1\n"
                           "  %4:i = phi %0 %13\n"
                           "  jump\n"
                           "block 2 from 1, 3 to 3, 4 loop until 5 depth 2\n"
                           "  %6:i = phi %2 %8\n"
                           "  %7:i = const 0x3\n"
                           "  %8:i = i32.add %6 %7\n"
                           "  %9:i = i32.lt_u %8 %1\n"
                           "  branch %9\n"
                           "block 3 from 2 to 2 depth 2\n"
                           "  jump\n"
                           "block 4 from 2 to 5, 6 depth 1\n"
                           "  %12:i = const 0xffffffff\n"
                           "  %13:i = i32.add %4 %12\n"
                           "  branch %13\n"
                           "block 5 from 4 to 1 depth 1\n"
                           "  jump\n"
                           "block 6 from 4\n"
                           "  return %2\n");
}

// ---- limits

// A function () -> () with so many locals of type i32, whose body is still to be written.
static size_t begin_function(struct wasm_bytes *bytes, u32 locals)
{
    *bytes = wasm_bytes_begin();
    put_plain_functions(bytes, 1);
    put_section(bytes, MEMORY);
    PUT(bytes, "\x01\x00\x01"); // one, of at least one page
    end_section(bytes);
    put_section(bytes, CODE);
    put_u32(bytes, 1);
    size_t body = put_body(bytes);
    put_u32(bytes, locals == 0 ? 0 : 1);
    if (locals != 0) {
        put_u32(bytes, locals);
        put_u8(bytes, WASM_I32);
    }
    return body;
}

// Builds it, without passes, and returns how many values and blocks there were.
static enum err end_function(struct wasm_bytes *bytes, size_t body, u32 *values, u32 *blocks)
{
    struct bench bench;
    end_body(bytes, body);
    end_section(bytes);
    bench_open(&bench, wasm_bytes_span(bytes));
    enum err err = ir_build(bench.module, 0, NULL, &bench.arena, &bench.ir);
    *values = err == ERR_OK ? bench.ir.ins_count : 0;
    *blocks = err == ERR_OK ? bench.ir.block_count : 0;
    bench_close(&bench);
    wasm_bytes_free(bytes);
    return err;
}

static enum err build_nops(u32 body_bytes, u32 locals)
{
    struct wasm_bytes bytes;
    u32 values;
    u32 blocks;
    size_t body = begin_function(&bytes, locals);
    put_run(&bytes, 0x01, body_bytes - 1);
    PUT(&bytes, "\x0b");
    return end_function(&bytes, body, &values, &blocks);
}

static void test_limit_body(void **state)
{
    (void)state;
    assert_int_equal(build_nops(JIT_BODY_BYTES, 0), ERR_OK);
    assert_int_equal(build_nops(JIT_BODY_BYTES + 1, 0), ERR_LIMIT);
}

static void test_limit_locals(void **state)
{
    (void)state;
    assert_int_equal(build_nops(500, JIT_LOCALS + 500), ERR_OK);
    assert_int_equal(build_nops(500, JIT_LOCALS + 501), ERR_LIMIT);
}

// Each br_if makes the block behind it, and one on the way to where it leads.
static enum err build_branches(u32 count, u32 *blocks)
{
    struct wasm_bytes bytes;
    u32 values;
    size_t body = begin_function(&bytes, 1);
    PUT(&bytes, "\x02\x40"); // block
    for (u32 i = 0; i < count; i++) {
        PUT(&bytes, "\x3f\x00\x0d\x00"); // memory.size, br_if 0
    }
    PUT(&bytes, "\x0b\x0b");
    return end_function(&bytes, body, &values, blocks);
}

static void test_limit_blocks(void **state)
{
    (void)state;
    u32 blocks;
    u32 most = (JIT_BLOCKS - 2) / 2;
    assert_int_equal(build_branches(most, &blocks), ERR_OK);
    assert_int_equal(blocks, JIT_BLOCKS);
    assert_int_equal(build_branches(most + 1, &blocks), ERR_LIMIT);
}

// Loops in each other, each of which has a phi for every local; then values one by one.
static enum err build_values(u32 more, u32 *values)
{
    enum { LOOPS = 40, LOCALS = 5000 };
    struct wasm_bytes bytes;
    u32 blocks;
    size_t body = begin_function(&bytes, LOCALS);
    for (u32 i = 0; i < LOOPS; i++) {
        PUT(&bytes, "\x03\x40");
    }
    for (u32 i = 0; i < LOCALS; i++) {
        PUT(&bytes, "\x20\x00\x21"); // local 0 into it
        put_u32(&bytes, i);
    }
    for (u32 i = 0; i < more; i++) {
        PUT(&bytes, "\x3f\x00\x1a"); // memory.size, drop
    }
    put_run(&bytes, 0x0b, LOOPS + 1);
    return end_function(&bytes, body, values, &blocks);
}

static void test_limit_values(void **state)
{
    (void)state;
    u32 values;
    assert_int_equal(build_values(0, &values), ERR_OK);
    u32 most = (u32)JIT_VALUES - values;
    assert_int_equal(build_values(most, &values), ERR_OK);
    assert_int_equal(values, JIT_VALUES);
    assert_int_equal(build_values(most + 1, &values), ERR_LIMIT);
}

// x ^ 1 and x ^ other, each of them twice.
static u32 values_of_pair(i32 other)
{
    struct wasm_bytes bytes;
    u32 values;
    u32 blocks;
    size_t body = begin_function(&bytes, 1);
    PUT(&bytes, "\x3f\x00\x21\x00"); // memory.size, local.set 0
    for (u32 i = 0; i < 4; i++) {
        PUT(&bytes, "\x41\x00\x20\x00\x41"); // i32.const 0, local.get 0, i32.const
        put_i32(&bytes, i % 2 == 0 ? 1 : other);
        PUT(&bytes, "\x73\x36\x02\x00"); // i32.xor, i32.store
    }
    PUT(&bytes, "\x0b");
    assert_int_equal(end_function(&bytes, body, &values, &blocks), ERR_OK);
    return values;
}

// Whatever two expressions and their constants are, neither makes the other be forgotten.
static void test_equal_hashes(void **state)
{
    (void)state;
    u32 values = values_of_pair(2);
    for (i32 other = 3; other < 2000; other++) {
        assert_int_equal(values_of_pair(other), values);
    }
}

// Every branch out of the block, and its end, carries all locals; then all meet. *allowed receives
// what limits.h allows, *needed how much that is.
static enum err build_edges(u32 locals, u32 branches, u64 *allowed, u64 *needed)
{
    struct wasm_bytes bytes;
    u32 values;
    u32 blocks;
    size_t body = begin_function(&bytes, locals);
    size_t start = bytes.size;
    PUT(&bytes, "\x02\x40");
    for (u32 i = 0; i < locals; i++) {
        PUT(&bytes, "\x41\x01\x21");
        put_u32(&bytes, i);
    }
    for (u32 i = 0; i < branches; i++) {
        PUT(&bytes, "\x3f\x00\x0d\x00"); // memory.size, br_if 0
    }
    PUT(&bytes, "\x0b\x0b");
    *allowed = JIT_EDGE_VALUES + (u64)JIT_EDGE_VALUES_PER_BYTE * (bytes.size - start);
    *needed = 2 * (u64)locals * (branches + 1); // once at each edge, once where they meet
    return end_function(&bytes, body, &values, &blocks);
}

static void test_limit_edges(void **state)
{
    (void)state;
    enum { LOCALS = 1000 };
    u64 allowed = 1;
    u64 needed = 0;
    u32 branches = 10;
    while (needed <= allowed) {
        enum err err = build_edges(LOCALS, branches++, &allowed, &needed);
        assert_int_equal(err, needed <= allowed ? ERR_OK : ERR_LIMIT);
    }
    assert_in_range(branches, 12, 100); // both were seen
}

static void test_no_memory(void **state)
{
    (void)state;
    struct bench bench;
    open_file(&bench);
    const struct wasm_export *nested = wasm_module_export(bench.module, span_string("nested"));
    enum err err = ERR_NO_MEMORY;
    u64 blocks = bench.memory.blocks;
    for (i64 n = 0; err != ERR_OK; n++) {
        bench.memory.allocations_left = n;
        err = build(&bench, nested->index);
        assert_true(err == ERR_OK ? n > 0 : err == ERR_NO_MEMORY);
        arena_drop(&bench.arena);
        assert_int_equal(bench.memory.blocks, blocks);
    }
    bench_close(&bench);
}

// ---- from a loop on

static void test_loop(void **state)
{
    (void)state;
    struct bench bench;
    open_file(&bench);
    const struct wasm_export *nested = wasm_module_export(bench.module, span_string("nested"));
    const struct wasm_body *body =
        &bench.module->bodies[nested->index - bench.module->function_import_count];
    u32 end = (u32)body->code.size;
    assert_int_equal(ir_build_loop(bench.module, nested->index, 0, NULL, &bench.arena, &bench.ir),
                     ERR_NOT_FOUND);
    assert_int_equal(ir_build_loop(bench.module, nested->index, end, NULL, &bench.arena, &bench.ir),
                     ERR_NOT_FOUND);
    // Behind both loops' opcodes the inner one is meant: its turns come first, then the rest of the
    // outer one's, then the outer one as a whole.
    assert_int_equal(ir_build_loop(bench.module, nested->index, 4, NULL, &bench.arena, &bench.ir),
                     ERR_OK);
    assert_int_equal(ir_improve(&bench.ir), ERR_OK);
    ir_verify(&bench.ir);
    u32 headers = 0;
    for (u32 i = 0; i < bench.ir.block_count; i++) {
        headers += bench.ir.blocks[i].loop == i;
    }
    assert_int_equal(headers, 3);
    assert_int_equal(bench.ir.loop, 2);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identities),   cmocka_unit_test(test_equal_values),
        cmocka_unit_test(test_control),      cmocka_unit_test(test_switch_and_cold),
        cmocka_unit_test(test_loops),        cmocka_unit_test(test_three_loops),
        cmocka_unit_test(test_limit_body),   cmocka_unit_test(test_limit_locals),
        cmocka_unit_test(test_limit_blocks), cmocka_unit_test(test_limit_values),
        cmocka_unit_test(test_limit_edges),  cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_loop),         cmocka_unit_test(test_equal_hashes),
    };
    return cmocka_run_group_tests_name("jit_build", tests, NULL, NULL);
}
