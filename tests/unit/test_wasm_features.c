// SPDX-License-Identifier: GPL-3.0-or-later
// Is each form of each feature beyond Core 2.0 (core/wasm/features.h) refused where that feature is
// not in the set, with all others there or none, at its place and in Core 2.0's words? And valid
// with that feature alone, so that it is the feature that was missed.
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/features.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum place {
    AS_SECTIONS, // a module is these
    IN_BODY,     // locals and code of a function () -> (), beside a table and a memory
    IN_INIT,     // what an i32 global begins with
};

// The file's beginning, of what is told without a place.
#define NO_PLACE ((size_t)-8)

struct sample {
    const char *what;
    u32 feature;
    enum place place;
    const char *bytes;
    size_t size;
    size_t at; // of the refusal, in the bytes
    enum err err;
    const char *text;
    bool wants_tag; // tag 0 is there, if tags are a feature
};

#define SAMPLE(what, feature, place, bytes, at, err, text)                                         \
    {what, feature, place, bytes, sizeof(bytes) - 1, at, err, text, false}
#define TAGGED(what, place, bytes, at, err, text)                                                  \
    {what, WASM_EXCEPTIONS, place, bytes, sizeof(bytes) - 1, at, err, text, true}

// Sections begin with their id and size, bodies with their number of runs of locals.
static const struct sample samples[] = {
    SAMPLE("i32.add", WASM_EXTENDED_CONST, IN_INIT, "\x41\x01\x41\x02\x6a\x0b", 4, ERR_INVALID,
           "constant expression required"),
    SAMPLE("i32.sub", WASM_EXTENDED_CONST, IN_INIT, "\x41\x01\x41\x02\x6b\x0b", 4, ERR_INVALID,
           "constant expression required"),
    SAMPLE("i32.mul", WASM_EXTENDED_CONST, IN_INIT, "\x41\x01\x41\x02\x6c\x0b", 4, ERR_INVALID,
           "constant expression required"),
    SAMPLE("i64.add", WASM_EXTENDED_CONST, AS_SECTIONS,
           "\x06\x09\x01\x7e\x00\x42\x01\x42\x02\x7c\x0b", 9, ERR_INVALID,
           "constant expression required"),
    SAMPLE("i64.sub", WASM_EXTENDED_CONST, AS_SECTIONS,
           "\x06\x09\x01\x7e\x00\x42\x01\x42\x02\x7d\x0b", 9, ERR_INVALID,
           "constant expression required"),
    SAMPLE("i64.mul", WASM_EXTENDED_CONST, AS_SECTIONS,
           "\x06\x09\x01\x7e\x00\x42\x01\x42\x02\x7e\x0b", 9, ERR_INVALID,
           "constant expression required"),
    SAMPLE("global.get of a global that stands before", WASM_EXTENDED_CONST, AS_SECTIONS,
           "\x06\x0b\x02\x7f\x00\x41\x01\x0b\x7f\x00\x23\x00\x0b", 10, ERR_INVALID,
           "unknown global 0"),
    SAMPLE("a segment's offset that is computed", WASM_EXTENDED_CONST, AS_SECTIONS,
           "\x05\x03\x01\x00\x01\x0b\x09\x01\x00\x41\x01\x41\x02\x6a\x0b\x00", 13, ERR_INVALID,
           "constant expression required"),

    SAMPLE("return_call", WASM_TAIL_CALLS, IN_BODY, "\x00\x12\x00\x0b", 1, ERR_MALFORMED,
           "illegal opcode"),
    SAMPLE("return_call_indirect", WASM_TAIL_CALLS, IN_BODY, "\x00\x41\x00\x13\x00\x00\x0b", 3,
           ERR_MALFORMED, "illegal opcode"),

    SAMPLE("two memories", WASM_MULTI_MEMORY, AS_SECTIONS, "\x05\x05\x02\x00\x01\x00\x01", NO_PLACE,
           ERR_INVALID, "multiple memories"),
    SAMPLE("a memory beside an imported one", WASM_MULTI_MEMORY, AS_SECTIONS,
           "\x02\x06\x01\x00\x00\x02\x00\x01\x05\x03\x01\x00\x01", NO_PLACE, ERR_INVALID,
           "multiple memories"),
    SAMPLE("an access that names its memory", WASM_MULTI_MEMORY, IN_BODY,
           "\x00\x41\x00\x28\x42\x00\x00\x1a\x0b", 3, ERR_MALFORMED, "malformed memop flags"),
    SAMPLE("memory.size of an index", WASM_MULTI_MEMORY, IN_BODY, "\x00\x3f\x80\x00\x1a\x0b", 1,
           ERR_MALFORMED, "zero byte expected"),
    SAMPLE("memory.grow of an index", WASM_MULTI_MEMORY, IN_BODY,
           "\x00\x41\x00\x40\x80\x00\x1a\x0b", 3, ERR_MALFORMED, "zero byte expected"),
    SAMPLE("memory.fill of an index", WASM_MULTI_MEMORY, IN_BODY,
           "\x00\x41\x00\x41\x00\x41\x00\xfc\x0b\x80\x00\x0b", 7, ERR_MALFORMED,
           "zero byte expected"),
    SAMPLE("memory.copy to an index", WASM_MULTI_MEMORY, IN_BODY,
           "\x00\x41\x00\x41\x00\x41\x00\xfc\x0a\x80\x00\x00\x0b", 7, ERR_MALFORMED,
           "zero byte expected"),
    SAMPLE("memory.copy from an index", WASM_MULTI_MEMORY, IN_BODY,
           "\x00\x41\x00\x41\x00\x41\x00\xfc\x0a\x00\x80\x00\x0b", 7, ERR_MALFORMED,
           "zero byte expected"),

    SAMPLE("a parameter that is an exnref", WASM_EXCEPTIONS, AS_SECTIONS,
           "\x01\x05\x01\x60\x01\x69\x00", 5, ERR_MALFORMED, "malformed value type"),
    SAMPLE("a table of exnref", WASM_EXCEPTIONS, AS_SECTIONS, "\x04\x04\x01\x69\x00\x00", 3,
           ERR_MALFORMED, "malformed reference type"),
    SAMPLE("a global that is an exnref", WASM_EXCEPTIONS, AS_SECTIONS,
           "\x06\x06\x01\x69\x00\xd0\x69\x0b", 3, ERR_MALFORMED, "malformed value type"),
    SAMPLE("a local that is an exnref", WASM_EXCEPTIONS, IN_BODY, "\x01\x01\x69\x0b", 2,
           ERR_MALFORMED, "malformed value type"),
    SAMPLE("a block that gives an exnref", WASM_EXCEPTIONS, IN_BODY, "\x00\x02\x69\x00\x0b\x1a\x0b",
           2, ERR_MALFORMED, "malformed value type"),
    SAMPLE("select of exnref", WASM_EXCEPTIONS, IN_BODY, "\x00\x00\x1c\x01\x69\x1a\x0b", 4,
           ERR_MALFORMED, "malformed value type"),
    SAMPLE("ref.null of exn", WASM_EXCEPTIONS, IN_BODY, "\x00\xd0\x69\x1a\x0b", 2, ERR_MALFORMED,
           "malformed reference type"),
    SAMPLE("a tag section", WASM_EXCEPTIONS, AS_SECTIONS,
           "\x01\x04\x01\x60\x00\x00\x0d\x03\x01\x00\x00", 6, ERR_MALFORMED,
           "malformed section id"),
    SAMPLE("an imported tag", WASM_EXCEPTIONS, AS_SECTIONS,
           "\x01\x04\x01\x60\x00\x00\x02\x06\x01\x00\x00\x04\x00\x00", 11, ERR_MALFORMED,
           "malformed import kind"),
    TAGGED("an exported tag", AS_SECTIONS, "\x07\x04\x01\x00\x04\x00", 4, ERR_MALFORMED,
           "malformed export kind"),
    TAGGED("throw", IN_BODY, "\x00\x08\x00\x0b", 1, ERR_MALFORMED, "illegal opcode"),
    SAMPLE("throw_ref", WASM_EXCEPTIONS, IN_BODY, "\x00\x00\x0a\x0b", 2, ERR_MALFORMED,
           "illegal opcode"),
    SAMPLE("try_table", WASM_EXCEPTIONS, IN_BODY, "\x00\x1f\x40\x00\x0b\x0b", 1, ERR_MALFORMED,
           "illegal opcode"),

    SAMPLE("a shared memory", WASM_THREADS, AS_SECTIONS, "\x05\x04\x01\x03\x01\x01", 3,
           ERR_MALFORMED, "integer too large"),
    SAMPLE("an imported shared memory", WASM_THREADS, AS_SECTIONS,
           "\x02\x07\x01\x00\x00\x02\x03\x01\x01", 6, ERR_MALFORMED, "integer too large"),
    SAMPLE("atomic.fence", WASM_THREADS, IN_BODY, "\x00\xfe\x03\x00\x0b", 1, ERR_MALFORMED,
           "illegal opcode"),
    SAMPLE("memory.atomic.notify", WASM_THREADS, IN_BODY,
           "\x00\x41\x00\x41\x00\xfe\x00\x02\x00\x1a\x0b", 5, ERR_MALFORMED, "illegal opcode"),
    SAMPLE("memory.atomic.wait32", WASM_THREADS, IN_BODY,
           "\x00\x41\x00\x41\x00\x42\x00\xfe\x01\x02\x00\x1a\x0b", 7, ERR_MALFORMED,
           "illegal opcode"),
    SAMPLE("i32.atomic.load", WASM_THREADS, IN_BODY, "\x00\x41\x00\xfe\x10\x02\x00\x1a\x0b", 3,
           ERR_MALFORMED, "illegal opcode"),
    SAMPLE("i64.atomic.rmw.cmpxchg", WASM_THREADS, IN_BODY,
           "\x00\x41\x00\x42\x00\x42\x00\xfe\x49\x03\x00\x1a\x0b", 7, ERR_MALFORMED,
           "illegal opcode"),
};

static void put_tag(struct wasm_bytes *b)
{
    put_section(b, 13);
    PUT(b, "\x01\x00\x00");
    end_section(b);
}

static struct wasm_bytes module_of(const struct sample *sample, u32 features)
{
    bool has_tag = sample->wants_tag && (features & WASM_EXCEPTIONS) != 0;
    struct wasm_bytes b = wasm_bytes_begin();
    if (sample->place == IN_BODY) {
        put_plain_functions(&b, 1);
        put_section(&b, 4);
        PUT(&b, "\x01\x70\x00\x05"); // a table of functions
        end_section(&b);
        put_section(&b, 5);
        PUT(&b, "\x01\x00\x01"); // a memory of a page
        end_section(&b);
    } else if (has_tag) {
        put_section(&b, 1);
        PUT(&b, "\x01\x60\x00\x00");
        end_section(&b);
    }
    if (has_tag) {
        put_tag(&b);
    }
    size_t body;
    switch (sample->place) {
    case AS_SECTIONS:
        put_bytes(&b, sample->bytes, sample->size);
        break;
    case IN_BODY:
        put_section(&b, 10);
        PUT(&b, "\x01");
        body = put_body(&b);
        put_bytes(&b, sample->bytes, sample->size);
        end_body(&b, body);
        end_section(&b);
        break;
    case IN_INIT:
        put_section(&b, 6);
        PUT(&b, "\x01\x7f\x00");
        put_bytes(&b, sample->bytes, sample->size);
        end_section(&b);
        break;
    }
    return b;
}

static enum err check(const struct sample *sample, u32 features, struct report *report, size_t *at)
{
    struct wasm_bytes b = module_of(sample, features);
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct wasm_decoder *decoder;
    struct wasm_module *module;
    i64 work = INT64_MAX;
    arena_init(&arena, &memory.memory, SIZE_MAX);
    report_clear(report);
    assert_int_equal(wasm_decoder_begin(wasm_bytes_span(&b), features, &arena, &decoder, report),
                     ERR_OK);
    enum err err = wasm_decoder_step(decoder, &work, &module, report);
    if (err == ERR_OK) {
        err = wasm_module_validate(module, &arena, report);
    }
    arena_drop(&arena);
    *at = report->offset - (b.size - sample->size);
    wasm_bytes_free(&b);
    return err;
}

static void each_is_valid_with_its_feature_alone(void **state)
{
    (void)state;
    for (u32 i = 0; i < COUNT_OF(samples); i++) {
        struct report report;
        size_t at;
        if (check(&samples[i], samples[i].feature, &report, &at) != ERR_OK) {
            fail_msg("%s: %s at %zu", samples[i].what, report.text, at);
        }
    }
}

static void each_is_refused_without_it(void **state)
{
    (void)state;
    static const u32 others[] = {WASM_FEATURES_2_0, WASM_FEATURES_ALL};
    u32 wrong = 0;
    for (u32 i = 0; i < 2 * COUNT_OF(samples); i++) {
        const struct sample *sample = &samples[i / 2];
        struct report report;
        size_t at;
        enum err err = check(sample, others[i % 2] & ~sample->feature, &report, &at);
        if (err != sample->err || at != sample->at || strcmp(report.text, sample->text) != 0) {
            print_error("%s: %s at %zu, \"%s\"\n", sample->what, err_name(err), at, report.text);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

// A feature without a sample would be one that nobody checks.
static void each_feature_has_a_sample(void **state)
{
    (void)state;
    u32 seen = 0;
    for (u32 i = 0; i < COUNT_OF(samples); i++) {
        seen |= samples[i].feature;
    }
    assert_int_equal(seen, WASM_FEATURES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_valid_with_its_feature_alone),
        cmocka_unit_test(each_is_refused_without_it),
        cmocka_unit_test(each_feature_has_a_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
