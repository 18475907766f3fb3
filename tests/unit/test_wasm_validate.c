// SPDX-License-Identifier: GPL-3.0-or-later
// Does the validator keep the promises of core/wasm/validate.h, and do both passes keep
// core/wasm/limits.h? The rules of validity themselves are checked by the core test suite
// (tests/spec).
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include "tests/unit/wasm_words.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// What came of decoding and validating.
struct result {
    enum err err;
    bool is_decoded;
    bool is_valid;
    size_t scratch_bytes;
    struct report report;
};

static struct result check_in(struct test_memory *memory, const struct wasm_bytes *bytes,
                              size_t scratch_limit)
{
    struct result result = {0};
    struct arena arena;
    struct arena scratch;
    struct wasm_module *module = NULL;
    arena_init(&arena, &memory->memory, SIZE_MAX);
    arena_init(&scratch, &memory->memory, scratch_limit);
    result.err = wasm_module_decode(wasm_bytes_span(bytes), &arena, &module, &result.report);
    result.is_decoded = result.err == ERR_OK;
    if (result.is_decoded) {
        result.err = wasm_module_validate(module, &scratch, &result.report);
        result.is_valid = module->is_valid;
    }
    result.scratch_bytes = scratch.used_bytes;
    arena_drop(&scratch);
    arena_drop(&arena);
    assert_int_equal(memory->blocks, 0);
    assert_int_equal(result.report.err, result.err);
    assert_int_equal(result.is_valid, result.err == ERR_OK);
    return result;
}

static struct result check(const struct wasm_bytes *bytes)
{
    struct test_memory memory = test_memory_over_malloc(-1);
    return check_in(&memory, bytes, SIZE_MAX);
}

// A module of one function () -> () with this body (locals and code), one memory and one table.
static struct wasm_bytes module_of(const char *body, size_t size)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 4);
    PUT(&b, "\x01\x70\x00\x05");
    end_section(&b);
    put_section(&b, 5);
    PUT(&b, "\x01\x00\x01");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t at = put_body(&b);
    put_bytes(&b, body, size);
    end_body(&b, at);
    end_section(&b);
    return b;
}

struct report_case {
    const char *body;
    size_t size;
    enum err err;
    size_t at; // of the instruction in the body
    const char *text;
};
#define CASE(body, err, at, text) {body, sizeof(body) - 1, err, at, text}

static void expect_reports(const struct report_case *cases, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct wasm_bytes b = module_of(cases[i].body, cases[i].size);
        struct result result = check(&b);
        assert_int_equal(result.err, cases[i].err);
        assert_string_equal(result.report.text, cases[i].text);
        assert_int_equal(result.report.offset, b.size - cases[i].size + cases[i].at);
        wasm_bytes_free(&b);
    }
}

static void reports_say_what_and_where(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        CASE(NO_LOCALS I32_CONST "\x00" F32_CONST "\x00\x00\x00\x00" I32_ADD DROP END, ERR_INVALID,
             8, "type mismatch: expected i32, found f32"),
        CASE(NO_LOCALS DROP END, ERR_INVALID, 1,
             "type mismatch: expected an operand, found nothing"),
        CASE(NO_LOCALS I32_EQZ DROP END, ERR_INVALID, 1,
             "type mismatch: expected i32, found nothing"),
        CASE(NO_LOCALS I32_CONST "\x00" END, ERR_INVALID, 3,
             "type mismatch: expected the end of the block's operands, found i32"),
        CASE(NO_LOCALS LOCAL_GET "\x07" END, ERR_INVALID, 1, "unknown local 7"),
        CASE(NO_LOCALS BR "\x01" END, ERR_INVALID, 1, "unknown label 1"),
        CASE(NO_LOCALS CALL "\x09" END, ERR_INVALID, 1, "unknown function 9"),
        CASE(NO_LOCALS GLOBAL_GET "\x00" END, ERR_INVALID, 1, "unknown global 0"),
        CASE(NO_LOCALS TABLE_GET "\x01" END, ERR_INVALID, 1, "unknown table 1"),
        CASE(NO_LOCALS REF_FUNC "\x00" DROP END, ERR_INVALID, 1, "undeclared function reference"),
        CASE(NO_LOCALS BLOCK "\x05" END END, ERR_INVALID, 1, "unknown type 5"),
        CASE(NO_LOCALS "\xfc\x0d\x03" END, ERR_INVALID, 1, "unknown elem segment 3"),
        CASE(NO_LOCALS "\xfc\x09\x03" END, ERR_INVALID, 1, "unknown data segment 3"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_LOAD "\x03\x00" DROP END, ERR_INVALID, 3,
             "alignment must not be larger than natural"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_LOAD "\x20\x00" DROP END, ERR_MALFORMED, 3,
             "malformed memop flags"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_LOAD "\x62\x00\x00" DROP END, ERR_MALFORMED, 3,
             "malformed memop flags"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_LOAD "\xc2\x01\x00\x00" DROP END, ERR_MALFORMED, 3,
             "malformed memop flags"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_LOAD "\x43\x00\x00" DROP END, ERR_INVALID, 3,
             "alignment must not be larger than natural"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_LOAD "\x42\x01\x00" DROP END, ERR_INVALID, 3,
             "unknown memory 1"),
        CASE(NO_LOCALS MEMORY_SIZE "\x01" DROP END, ERR_INVALID, 1, "unknown memory 1"),
        CASE(NO_LOCALS "\x27" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfc\x12" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfc\x80\x20" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfd\x9a\x01" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfd\x80\x02" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfd\x80\x20" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS I32_CONST "\x00"
                                 "\xfd\x00\x05\x00" DROP END,
             ERR_INVALID, 3, "alignment must not be larger than natural"),
        CASE(NO_LOCALS I32_CONST "\x00"
                                 "\xfd\x0f\xfd\x15\x10" DROP END,
             ERR_INVALID, 5, "invalid lane index"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_CONST "\x00"
                                 "\xfd\x11\xfd\x57\x03\x00\x02" DROP END,
             ERR_INVALID, 7, "invalid lane index"),
        CASE(NO_LOCALS
             "\xfd\x0d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20" END,
             ERR_INVALID, 1, "invalid lane index"),
        CASE(NO_LOCALS I32_CONST "\x00"
                                 "\xfd\x4d" DROP END,
             ERR_INVALID, 3, "type mismatch: expected v128, found i32"),
        CASE(NO_LOCALS I64_CONST "\x00"
                                 "\xfd\x0f" DROP END,
             ERR_INVALID, 3, "type mismatch: expected i32, found i64"),
        CASE(NO_LOCALS ELSE END, ERR_MALFORMED, 1, "misplaced ELSE opcode"),
        CASE(NO_LOCALS NOP, ERR_MALFORMED, 2, "unexpected end of section or function"),
        CASE(NO_LOCALS END NOP, ERR_MALFORMED, 2, "END opcode expected"),
        CASE(NO_LOCALS I32_CONST "\x00" IF "\x7f" I32_CONST "\x01" END DROP END, ERR_INVALID, 7,
             "type mismatch: an if without else does not give its results"),
        CASE(NO_LOCALS I32_CONST "\x00" I32_CONST "\x00" I64_CONST "\x00" I32_CONST
                                 "\x00" SELECT DROP DROP END,
             ERR_INVALID, 9, "type mismatch: expected i32, found i64"),
    };
    expect_reports(cases, COUNT_OF(cases));
}

static void reports_of_atomic_access(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        CASE(NO_LOCALS "\xfe\x04" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfe\x4f" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfe\x80\x20" END, ERR_MALFORMED, 1, "illegal opcode"),
        CASE(NO_LOCALS "\xfe\x03\x01" END, ERR_MALFORMED, 1, "zero byte expected"),
        CASE(NO_LOCALS I32_CONST "\x00"
                                 "\xfe\x10\x01\x00" DROP END,
             ERR_INVALID, 3, "atomic alignment must be natural"),
        CASE(NO_LOCALS I32_CONST "\x00"
                                 "\xfe\x10\x03\x00" DROP END,
             ERR_INVALID, 3, "alignment must not be larger than natural"),
    };
    expect_reports(cases, COUNT_OF(cases));
}

// What compilers make that the standard replaced is refused by its name.
static void reports_of_older_exceptions(void **state)
{
    (void)state;
    static const char older[] = "illegal opcode (older exceptions: compile them to try_table)";
    static const struct report_case cases[] = {
        CASE(NO_LOCALS "\x06" END, ERR_MALFORMED, 1, older),
        CASE(NO_LOCALS "\x07" END, ERR_MALFORMED, 1, older),
        CASE(NO_LOCALS "\x09" END, ERR_MALFORMED, 1, older),
        CASE(NO_LOCALS "\x18" END, ERR_MALFORMED, 1, older),
        CASE(NO_LOCALS "\x19" END, ERR_MALFORMED, 1, older),
    };
    expect_reports(cases, COUNT_OF(cases));
}
#undef CASE

static void unreachable_code_takes_any_operand(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t size;
        enum err err;
    } cases[] = {
#define CASE(body, err) {body, sizeof(body) - 1, err}
        CASE(NO_LOCALS OP_UNREACHABLE I32_ADD DROP END, ERR_OK), // i32.add of nothing
        CASE(NO_LOCALS OP_UNREACHABLE I64_CONST "\x00" I32_ADD DROP END,
             ERR_INVALID),                                              // but not of an i64
        CASE(NO_LOCALS OP_UNREACHABLE SELECT I32_ADD DROP END, ERR_OK), // select gives anything
        CASE(NO_LOCALS OP_UNREACHABLE I64_CONST "\x00" I32_CONST "\x00" SELECT I64_EQZ DROP END,
             ERR_OK), // an i64, once one is known
        CASE(NO_LOCALS OP_UNREACHABLE I64_CONST "\x00" I32_CONST "\x00" SELECT I32_EQZ DROP END,
             ERR_INVALID),
        CASE(NO_LOCALS OP_UNREACHABLE REF_IS_NULL DROP END, ERR_OK),
        CASE(NO_LOCALS OP_UNREACHABLE I32_CONST "\x00" REF_IS_NULL DROP END, ERR_INVALID),
        CASE(NO_LOCALS BLOCK "\x40" BR "\x00" I32_ADD DROP END I32_ADD DROP END,
             ERR_INVALID), // ends with its block
        CASE(NO_LOCALS BLOCK "\x7f" BLOCK "\x7e" OP_UNREACHABLE I32_CONST "\x00" BR_TABLE
                             "\x01\x00\x01" END DROP I32_CONST "\x00" END DROP END,
             ERR_OK), // labels of other types, no operand to tell them apart
        CASE(NO_LOCALS BLOCK "\x7f" BLOCK "\x7e" I64_CONST "\x00" I32_CONST "\x00" BR_TABLE
                             "\x01\x00\x01" END DROP I32_CONST "\x00" END DROP END,
             ERR_INVALID),
        CASE(NO_LOCALS BLOCK "\x7f" BLOCK "\x40" OP_UNREACHABLE BR_TABLE
                             "\x01\x00\x01" END I32_CONST "\x00" END DROP END,
             ERR_INVALID), // counts
        CASE(NO_LOCALS OP_UNREACHABLE I32_CONST "\x00" END,
             ERR_INVALID), // one too many for the function's end
#undef CASE
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        struct wasm_bytes b = module_of(cases[i].body, cases[i].size);
        struct result result = check(&b);
        if (result.err != cases[i].err) {
            fail_msg("case %u: %s", i, result.report.text);
        }
        wasm_bytes_free(&b);
    }
}

// Locals beyond those written out flat have the type of their run.
static void locals_of_many_runs_keep_their_types(void **state)
{
    (void)state;
    enum { RUNS = 3000, EACH = 16 };
    static const u8 types[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x70, 0x6f};
    static const u8 zeros[] = {0x45, 0x50, 0x8b, 0x99, 0xd1, 0xd1}; // an operator for each type
    for (u32 wrong = 0; wrong < 2; wrong++) {
        struct wasm_bytes b = wasm_bytes_begin();
        put_section(&b, 1);
        PUT(&b, "\x01\x60\x02\x7f\x7e\x00");
        end_section(&b);
        put_section(&b, 3);
        PUT(&b, "\x01\x00");
        end_section(&b);
        put_section(&b, 10);
        PUT(&b, "\x01");
        size_t body = put_body(&b);
        put_u32(&b, RUNS);
        for (u32 run = 0; run < RUNS; run++) {
            put_u32(&b, EACH);
            put_u8(&b, types[run % COUNT_OF(types)]);
        }
        PUT(&b, "\x20\x01\x50\x1a"); // the second parameter
        for (u32 at = 0; at < RUNS * EACH; at += at < 100 ? 1 : 997) {
            put_u8(&b, 0x20);
            put_u32(&b, 2 + at);
            put_u8(&b, zeros[at / EACH % COUNT_OF(types)]);
            put_u8(&b, 0x1a);
        }
        put_u8(&b, 0x20);
        put_u32(&b, 2 + RUNS * EACH - 1 + wrong);
        PUT(&b, "\x1a\x0b");
        end_body(&b, body);
        end_section(&b);
        struct result result = check(&b);
        assert_int_equal(result.err, wrong ? ERR_INVALID : ERR_OK);
        assert_string_equal(result.report.text, wrong ? "unknown local 48002" : "");
        wasm_bytes_free(&b);
    }
}

// ---- limits: each at its bound, and one beyond

static struct wasm_bytes with_types(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        PUT(&b, "\x60\x00\x00");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_params(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x01\x60");
    put_u32(&b, count);
    put_run(&b, 0x7f, count);
    PUT(&b, "\x00");
    end_section(&b);
    return b;
}

static struct wasm_bytes with_results(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x01\x60\x00");
    put_u32(&b, count);
    put_run(&b, 0x7f, count);
    end_section(&b);
    return b;
}

static struct wasm_bytes with_functions(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x01\x60\x00\x00");
    end_section(&b);
    put_section(&b, 2);
    PUT(&b, "\x01\x00\x00\x00\x00"); // one of them is imported
    end_section(&b);
    put_section(&b, 3);
    put_u32(&b, count - 1);
    put_run(&b, 0, count - 1);
    end_section(&b);
    put_section(&b, 10);
    put_u32(&b, count - 1);
    for (u32 i = 0; i + 1 < count; i++) {
        PUT(&b, "\x02\x00\x0b");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_imports(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 2);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        PUT(&b, "\x00\x00\x03\x7f\x00");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_exports(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 5);
    PUT(&b, "\x01\x00\x00");
    end_section(&b);
    put_section(&b, 7);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%x", i * 2654435761u);
        put_name(&b, name);
        PUT(&b, "\x02\x00");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_globals(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 2);
    PUT(&b, "\x01\x00\x00\x03\x7f\x00");
    end_section(&b);
    put_section(&b, 6);
    put_u32(&b, count - 1);
    for (u32 i = 0; i + 1 < count; i++) {
        PUT(&b, "\x7f\x00\x41\x00\x0b");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_tables(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 2);
    PUT(&b, "\x01\x00\x00\x01\x70\x00\x00");
    end_section(&b);
    put_section(&b, 4);
    put_u32(&b, count - 1);
    for (u32 i = 0; i + 1 < count; i++) {
        PUT(&b, "\x70\x00\x00");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_elems(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 9);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        PUT(&b, "\x01\x00\x00");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_elem_items(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 9);
    PUT(&b, "\x01\x01\x00");
    put_u32(&b, count);
    put_run(&b, 0, count);
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x01\x02\x00\x0b");
    end_section(&b);
    return b;
}

static struct wasm_bytes with_datas(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 11);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        PUT(&b, "\x01\x00");
    }
    end_section(&b);
    return b;
}

static struct wasm_bytes with_customs(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    for (u32 i = 0; i < count; i++) {
        PUT(&b, "\x00\x01\x00");
    }
    return b;
}

static struct wasm_bytes with_bytes(u32 size)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 0);
    PUT(&b, "\x00");
    size_t rest = size - b.size;
    put_run(&b, 0, rest);
    end_section(&b);
    return b;
}

static struct wasm_bytes with_body_bytes(u32 size)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x00");
    put_run(&b, 0x01, size - 2);
    PUT(&b, "\x0b");
    end_body(&b, body);
    end_section(&b);
    return b;
}

// The parameters of a function count among its locals: the limit is passed by both together.
static struct wasm_bytes with_locals(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x01\x60\x02\x7f\x7f\x00");
    end_section(&b);
    put_section(&b, 3);
    PUT(&b, "\x01\x00");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x01");
    put_u32(&b, count - 2);
    PUT(&b, "\x7c\x0b");
    end_body(&b, body);
    end_section(&b);
    return b;
}

// Without parameters the decoder already sees that they are too many.
static struct wasm_bytes with_declared_locals(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x01");
    put_u32(&b, count);
    PUT(&b, "\x7c\x0b");
    end_body(&b, body);
    end_section(&b);
    return b;
}

// Declarations of no locals at all.
static struct wasm_bytes with_local_runs(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        PUT(&b, "\x00\x7f");
    }
    PUT(&b, "\x0b");
    end_body(&b, body);
    end_section(&b);
    return b;
}

static struct wasm_bytes with_labels(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x00\x41\x00\x0e");
    put_u32(&b, count);
    put_run(&b, 0, count + 1);
    PUT(&b, "\x0b");
    end_body(&b, body);
    end_section(&b);
    return b;
}

static struct wasm_bytes with_name_bytes(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 0);
    put_u32(&b, count);
    put_run(&b, 'a', count);
    end_section(&b);
    return b;
}

// A global whose value is preceded by this many bytes of instructions, and that cannot be valid.
static struct wasm_bytes with_const_bytes(u32 count, bool as_labels)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 6);
    PUT(&b, "\x01\x7f\x00");
    if (as_labels) {
        PUT(&b, "\x0e");
        put_u32(&b, count);
        put_run(&b, 0, count + 1);
    } else {
        put_run(&b, 0x01, count);
    }
    PUT(&b, "\x0b");
    end_section(&b);
    return b;
}

static void constants_are_followed_so_far(void **state)
{
    (void)state;
    for (u32 i = 0; i < 4; i++) {
        bool beyond = i & 1;
        bool as_labels = i & 2;
        u32 limit = as_labels ? WASM_LABELS : WASM_CONST_BYTES;
        struct wasm_bytes b = with_const_bytes(limit + beyond, as_labels);
        struct result result = check(&b);
        assert_int_equal(result.is_decoded, !beyond && !as_labels);
        assert_int_equal(result.err, beyond || as_labels ? ERR_LIMIT : ERR_INVALID);
        assert_string_equal(result.report.text,
                            beyond && as_labels   ? "too many labels of a br_table"
                            : beyond || as_labels ? "a constant expression is too long"
                                                  : "constant expression required");
        wasm_bytes_free(&b);
    }
}

static struct wasm_bytes with_depth(u32 depth)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x00");
    for (u32 i = 0; i < depth; i++) {
        PUT(&b, "\x02\x40");
    }
    put_run(&b, 0x0b, depth + 1);
    end_body(&b, body);
    end_section(&b);
    return b;
}

// Half of the operands are pushed one by one, half by calls that give many.
static struct wasm_bytes with_operands(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x02\x60\x00\x00\x60\x00");
    put_u32(&b, 1000);
    put_run(&b, 0x7e, 1000);
    end_section(&b);
    put_section(&b, 2);
    PUT(&b, "\x01\x00\x00\x00\x01");
    end_section(&b);
    put_section(&b, 3);
    PUT(&b, "\x01\x00");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x00");
    u32 left = count;
    for (; left >= 2000; left -= 1000) {
        PUT(&b, "\x10\x00");
    }
    for (; left > 0; left--) {
        PUT(&b, "\x42\x00");
    }
    PUT(&b, "\x0f\x0b"); // return leaves them all behind
    end_body(&b, body);
    end_section(&b);
    return b;
}

// The last step over the limit is taken by many at once.
static struct wasm_bytes with_operands_at_once(u32 count)
{
    struct wasm_bytes b = with_operands(count - 1000);
    // The last bytes are the return and the end: another call goes in front of them.
    b.size -= 2;
    PUT(&b, "\x10\x00\x0f\x0b");
    // The body's length stands 5 bytes in front of its locals; the section's 6 bytes in front of
    // that.
    size_t body = b.size;
    while (b.data[body - 1] != 0x0a || b.data[body + 5] != 0x01) {
        body--;
    }
    size_t section = body;
    b.open = section;
    end_section(&b);
    end_body(&b, section + 6);
    return b;
}

// A body of calls that each take a thousand operands and give a thousand, about as many as are
// allowed for its bytes: a call is two of them.
static struct wasm_bytes with_calls(u32 calls)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x01\x60");
    put_u32(&b, 1000);
    put_run(&b, 0x7e, 1000);
    put_u32(&b, 1000);
    put_run(&b, 0x7e, 1000);
    end_section(&b);
    put_section(&b, 3);
    PUT(&b, "\x01\x00");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x00");
    for (u32 i = 0; i < 1000; i++) {
        PUT(&b, "\x20");
        put_u32(&b, i);
    }
    for (u32 i = 0; i < calls; i++) {
        PUT(&b, "\x10\x00");
    }
    PUT(&b, "\x0b");
    end_body(&b, body);
    end_section(&b);
    return b;
}

static void moves_are_limited_by_the_modules_bytes(void **state)
{
    (void)state;
    u32 most = WASM_MOVES / (2000 - 2 * WASM_MOVES_PER_BYTE);
    for (u32 beyond = 0; beyond < 2; beyond++) {
        struct wasm_bytes b = with_calls(beyond ? most + 100 : most - 100);
        struct result result = check(&b);
        assert_int_equal(result.err, beyond ? ERR_LIMIT : ERR_OK);
        assert_string_equal(result.report.text, beyond ? "too many operands are moved" : "");
        wasm_bytes_free(&b);
    }
}

static struct wasm_bytes with_pages(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 5);
    PUT(&b, "\x01\x00");
    put_u32(&b, count);
    end_section(&b);
    return b;
}

// Tags of the type () -> ().
static struct wasm_bytes with_tags(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x01\x60\x00\x00");
    end_section(&b);
    put_section(&b, 13);
    put_u32(&b, count);
    put_run(&b, 0, 2 * (size_t)count);
    end_section(&b);
    return b;
}

// So many clauses around one place: half of them of a try_table within another.
static struct wasm_bytes with_clauses(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t at = put_body(&b);
    put_u8(&b, 0); // no locals
    for (u32 half = 0; half < 2; half++) {
        u32 clauses = half == 0 ? count / 2 : count - count / 2;
        PUT(&b, "\x1f\x40");
        put_u32(&b, clauses);
        for (u32 i = 0; i < clauses; i++) {
            PUT(&b, "\x02\x00"); // catch_all, to the block around
        }
    }
    PUT(&b, "\x0b\x0b\x0b");
    end_body(&b, at);
    end_section(&b);
    return b;
}

static struct wasm_bytes with_memories(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 5);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        PUT(&b, "\x00\x00");
    }
    end_section(&b);
    return b;
}

static void limits_hold_at_their_bound(void **state)
{
    (void)state;
    static const struct {
        struct wasm_bytes (*make)(u32 count);
        u32 limit;
        enum err beyond; // what one more gives
        const char *text;
    } cases[] = {
        {with_bytes, WASM_MODULE_BYTES, ERR_LIMIT, "the module is too long"},
        {with_types, WASM_TYPES, ERR_LIMIT, "too many types"},
        {with_params, WASM_PARAMS, ERR_LIMIT, "too many parameters"},
        {with_results, WASM_RESULTS, ERR_LIMIT, "too many results"},
        {with_functions, WASM_FUNCTIONS, ERR_LIMIT, "too many functions"},
        {with_imports, WASM_IMPORTS, ERR_LIMIT, "too many imports"},
        {with_exports, WASM_EXPORTS, ERR_LIMIT, "too many exports"},
        {with_globals, WASM_GLOBALS, ERR_LIMIT, "too many globals"},
        {with_tables, WASM_TABLES, ERR_LIMIT, "too many tables"},
        {with_elems, WASM_SEGMENTS, ERR_LIMIT, "too many element segments"},
        {with_elem_items, WASM_ELEMENT_ITEMS, ERR_LIMIT, "too many items in an element segment"},
        {with_datas, WASM_SEGMENTS, ERR_LIMIT, "too many data segments"},
        {with_customs, WASM_CUSTOMS, ERR_LIMIT, "too many custom sections"},
        {with_body_bytes, WASM_BODY_BYTES, ERR_LIMIT, "a function body is too long"},
        {with_locals, WASM_LOCALS, ERR_LIMIT, "too many locals in a function"},
        {with_declared_locals, WASM_LOCALS, ERR_LIMIT, "too many locals in a function"},
        {with_local_runs, WASM_LOCAL_RUNS, ERR_LIMIT, "too many declarations of locals"},
        {with_labels, WASM_LABELS, ERR_LIMIT, "too many labels of a br_table"},
        {with_name_bytes, WASM_NAME_BYTES, ERR_LIMIT, "a name is too long"},
        {with_depth, WASM_BLOCK_DEPTH, ERR_LIMIT, "blocks are nested too deeply"},
        {with_operands, WASM_OPERANDS, ERR_LIMIT, "too many operands"},
        {with_operands_at_once, WASM_OPERANDS, ERR_LIMIT, "too many operands"},
        {with_pages, WASM_MEMORY_PAGES, ERR_INVALID,
         "memory size must be at most 65536 pages (4GiB)"},
        {with_memories, WASM_MEMORIES, ERR_LIMIT, "too many memories"},
        {with_tags, WASM_TAGS, ERR_LIMIT, "too many tags"},
        {with_clauses, WASM_CATCHES, ERR_LIMIT, "too many catch clauses around one place"},
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        for (u32 beyond = 0; beyond < 2; beyond++) {
            struct wasm_bytes b = cases[i].make(cases[i].limit + beyond);
            struct result result = check(&b);
            if (result.err != (beyond ? cases[i].beyond : ERR_OK) ||
                strcmp(result.report.text, beyond ? cases[i].text : "") != 0) {
                fail_msg("%s, %u beyond: %s", cases[i].text, beyond, result.report.text);
            }
            wasm_bytes_free(&b);
        }
    }
}

static void scratch_follows_the_longest_body(void **state)
{
    (void)state;
    struct wasm_bytes small = with_functions(3);
    struct wasm_bytes large = with_body_bytes(WASM_BODY_BYTES);
    assert_true(check(&small).scratch_bytes <= 256 << 10);
    assert_true(check(&large).scratch_bytes <= 8 << 20);
    wasm_bytes_free(&small);
    wasm_bytes_free(&large);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct wasm_bytes b = with_exports(100);
    bool done = false;
    for (i64 left = 0; !done; left++) {
        struct test_memory memory = test_memory_over_malloc(left);
        struct result result = check_in(&memory, &b, SIZE_MAX);
        done = result.err == ERR_OK;
        assert_true(done || result.err == ERR_NO_MEMORY);
    }
    done = false;
    for (size_t limit = 0; !done; limit += 16) {
        struct test_memory memory = test_memory_over_malloc(-1);
        struct result result = check_in(&memory, &b, limit);
        done = result.err == ERR_OK;
        assert_true(done || (result.is_decoded && result.err == ERR_NO_MEMORY));
    }
    wasm_bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_say_what_and_where),
        cmocka_unit_test(reports_of_atomic_access),
        cmocka_unit_test(reports_of_older_exceptions),
        cmocka_unit_test(unreachable_code_takes_any_operand),
        cmocka_unit_test(locals_of_many_runs_keep_their_types),
        cmocka_unit_test(limits_hold_at_their_bound),
        cmocka_unit_test(constants_are_followed_so_far),
        cmocka_unit_test(moves_are_limited_by_the_modules_bytes),
        cmocka_unit_test(scratch_follows_the_longest_body),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
