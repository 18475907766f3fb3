// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/wit keep its header's promises: what a loaded interface says, sizes, limits, memory that
// runs out? Whether hashes are right and wrong texts refused is asked in tests/interfaces.
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/wit/limits.h"
#include "lib/wit/wit.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_memory memory;
static struct arena arena;
static struct report report;

static void sha256(struct span bytes, u8 out[32])
{
    crypto_hash_sha256(out, bytes.data, bytes.size);
}

static int set_up(void **state)
{
    (void)state;
    memory = test_memory_over_malloc(-1);
    arena_init(&arena, &memory.memory, 64 << 20);
    report_clear(&report);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_drop(&arena);
    return memory.blocks == 0 ? 0 : -1;
}

static enum err load(const char *text, struct wit_interface **out)
{
    return wit_load(SPAN_LITERAL("x.wit"), span_string(text), NULL, sha256, &arena, out, &report);
}

static struct wit_interface *must_load(const char *text)
{
    struct wit_interface *interface;
    assert_int_equal(load(text, &interface), ERR_OK);
    return interface;
}

static void assert_span(struct span span, const char *expected)
{
    assert_int_equal(span.size, strlen(expected));
    assert_memory_equal(span.data, expected, span.size);
}

static void names_and_documentation_are_kept(void **state)
{
    (void)state;
    const struct wit_interface *interface = must_load("package a:b;\n"
                                                      "// not this\n"
                                                      "/// The thing.\n"
                                                      "///\n"
                                                      "///  Indented.  \r\n"
                                                      "interface the-thing {\n"
                                                      "    /** One\n"
                                                      "     *  two\n"
                                                      "     * three. */\n"
                                                      "    go: func(%to: u8);\n"
                                                      "    /* no */ stop: func();\n"
                                                      "    enum e { /// x\n a, b /**/, c }\n"
                                                      "}\n");
    assert_span(interface->package, "a:b");
    assert_span(interface->qualified, "a:b/the-thing");
    assert_int_equal(interface->qualified.data[interface->qualified.size], 0);
    assert_span(interface->doc, "The thing.\n\n Indented.");
    assert_span(interface->functions->doc, "One\n two\nthree.");
    assert_span(interface->functions->parameters->name, "to");
    assert_int_equal(interface->functions->next->doc.size, 0);
    assert_span(interface->types->items->doc, "x");
    assert_int_equal(interface->types->items->next->next->doc.size, 0);
}

static const struct wit_type *type_named(const struct wit_interface *interface, const char *name)
{
    const struct wit_type *type = interface->types;
    while (type != NULL && !span_equal(type->name, span_string(name))) {
        type = type->next;
    }
    assert_non_null(type);
    return type->kind == WIT_ALIAS ? type->target : type;
}

static void sizes_are_what_the_wire_takes(void **state)
{
    (void)state;
    const struct wit_interface *i =
        must_load("package a:b; interface c {"
                  "record r { a: u8, b: tuple<u16, f64> }"
                  "variant v { a, b(r), c(string) }"
                  "variant w { a(u16), b(r) }"
                  "flags eight { a, b, c, d, e, f, g, h }"
                  "flags nine { a, b, c, d, e, f, g, h, i }"
                  "type o = option<r>; type l = list<r>; type k = char; type q = result<r, u16>;"
                  "}");
    static const struct {
        const char *name;
        u64 least;
        u64 most;
        bool every_bit;
        u32 depth;
    } expected[] = {
        {"r", 11, 11, true, 2},
        {"v", 1, WIT_UNBOUNDED, false, 3},
        {"w", 3, 12, false, 3},
        {"eight", 1, 1, true, 1},
        {"nine", 2, 2, false, 1},
        {"o", 1, 12, false, 3},
        {"l", 4, WIT_UNBOUNDED, false, 3},
        {"k", 4, 4, false, 0},
        {"q", 3, 12, false, 3},
    };
    for (size_t n = 0; n < sizeof expected / sizeof *expected; n++) {
        const struct wit_type *type = type_named(i, expected[n].name);
        assert_int_equal(type->size_min, expected[n].least);
        assert_int_equal(type->size_max, expected[n].most);
        assert_int_equal(type->every_bit, expected[n].every_bit);
        assert_int_equal(type->depth, expected[n].depth);
    }
}

static void equal_types_in_place_are_one(void **state)
{
    (void)state;
    const struct wit_interface *i = must_load("package a:b; interface c {"
                                              "type x = list<option<u8>>;"
                                              "f: func(a: list<option<u8>>, b: x) -> option<u8>;"
                                              "}");
    const struct wit_item *a = i->functions->parameters;
    assert_ptr_equal(a->type, a->next->type);
    assert_ptr_equal(a->type, i->types->target);
    assert_ptr_equal(a->type->items->type, i->functions->result);
    u32 count = 0;
    for (const struct wit_type *type = i->sorted; type != NULL; type = type->next_sorted) {
        count++;
    }
    assert_int_equal(count, 2);
}

static void a_subset_is_an_interface_of_its_own(void **state)
{
    (void)state;
    struct wit_interface *both = must_load("package a:b; interface c { f: func(); g: func(); }");
    struct wit_interface *one = must_load("package a:b; interface c { g: func(); }");
    assert_memory_not_equal(both->hash, one->hash, 32);
    struct span names[] = {SPAN_LITERAL("g"), SPAN_LITERAL("h")};
    assert_int_equal(wit_keep_functions(both, names, 2, sha256, &arena, &report), ERR_NOT_FOUND);
    assert_string_equal(report.text, "x.wit:1:24: there is no function \"h\"");
    assert_int_equal(both->function_count, 2); // nothing changed
    assert_int_equal(wit_keep_functions(both, names, 1, sha256, &arena, &report), ERR_OK);
    assert_int_equal(both->function_count, 1);
    assert_memory_equal(both->hash, one->hash, 32);
}

static void printing_sorts_by_name(void **state)
{
    (void)state;
    char buffer[1024];
    struct text text = text_over(buffer, sizeof buffer);
    wit_print(must_load("package a:b; interface c { g: func(); fa: func(); f: func(); }"), &text);
    const char *f = strstr(buffer, " f\n");
    const char *fa = strstr(buffer, " fa\n");
    const char *g = strstr(buffer, " g\n");
    assert_true(f != NULL && fa != NULL && g != NULL && f < fa && fa < g);
}

// Whatever it is given, the first 8 bytes are the same.
static void sha256_of_no_use(struct span bytes, u8 out[32])
{
    crypto_hash_sha256(out, bytes.data, bytes.size);
    memset(out, 7, 8);
}

static void two_functions_never_share_an_id(void **state)
{
    (void)state;
    struct wit_interface *interface;
    struct span one = SPAN_LITERAL("package a:b; interface c { f: func(); }");
    struct span two = SPAN_LITERAL("package a:b; interface c { f: func(); g: func(); }");
    assert_int_equal(
        wit_load(SPAN_LITERAL("x"), one, NULL, sha256_of_no_use, &arena, &interface, &report),
        ERR_OK);
    assert_int_equal(
        wit_load(SPAN_LITERAL("x"), two, NULL, sha256_of_no_use, &arena, &interface, &report),
        ERR_INVALID);
    assert_string_equal(report.text, "x:1:39: its id is that of another function: \"g\"");
}

// ---- limits

// A text made of `count` copies of what `piece` prints for 0 .. count - 1.
static char *repeat(const char *before, const char *piece, u32 count, const char *after)
{
    size_t capacity = strlen(before) + count * (strlen(piece) + 16) + strlen(after) + 1;
    char *out = malloc(capacity);
    size_t size = (size_t)snprintf(out, capacity, "%s", before);
    for (u32 i = 0; i < count; i++) {
        size += (size_t)snprintf(out + size, capacity - size, piece, i, i + 1);
    }
    snprintf(out + size, capacity - size, "%s", after);
    return out;
}

static void each_limit_is_exact(void **state)
{
    static const struct {
        const char *before;
        const char *piece;
        const char *after;
        u32 limit;
    } limits[] = {
        {"package a:b; interface c {", "x%u: func();", "}", WIT_FUNCTIONS},
        {"package a:b; interface c {", "type t%u = u8;", "}", WIT_TYPES},
        {"package a:b; interface c { f: func(z: u8", ", p%u: u8", "); }", WIT_PARAMETERS - 1},
        {"package a:b; interface c { record r {", "p%u: u8,", "} }", WIT_ITEMS},
        {"package a:b; interface c { enum e {", "p%u,", "} }", WIT_ITEMS},
        {"package a:b; interface c { variant e {", "p%u,", "} }", WIT_ITEMS},
        {"package a:b; interface c { flags e {", "p%u,", "} }", WIT_FLAG_BITS},
        {"package a:b; interface c { type t = tuple<", "u8,", "u8>; }", WIT_ITEMS - 1},
    };
    (void)state;
    for (size_t n = 0; n < sizeof limits / sizeof *limits; n++) {
        struct wit_interface *interface;
        char *fits = repeat(limits[n].before, limits[n].piece, limits[n].limit, limits[n].after);
        report_clear(&report);
        assert_int_equal(load(fits, &interface), ERR_OK);
        free(fits);
        char *more =
            repeat(limits[n].before, limits[n].piece, limits[n].limit + 1, limits[n].after);
        assert_int_equal(load(more, &interface), ERR_LIMIT);
        assert_true(report.err == ERR_LIMIT && strncmp(report.text, "x.wit:1:", 8) == 0);
        free(more);
    }
}

static void depth_counts_through_names(void **state)
{
    (void)state;
    struct wit_interface *interface;
    assert_int_equal(WIT_TYPE_DEPTH, 32);
    char *fits = repeat("package a:b; interface c {", "record r%u { x: r%u }", WIT_TYPE_DEPTH,
                        "type r32 = u8; }");
    assert_int_equal(load(fits, &interface), ERR_OK);
    free(fits);
    char *deep = repeat("package a:b; interface c {", "record r%u { x: r%u }", WIT_TYPE_DEPTH + 1,
                        "type r33 = u8; }");
    assert_int_equal(load(deep, &interface), ERR_LIMIT);
    free(deep);
    // aliases do not count
    char *aliases =
        repeat("package a:b; interface c {", "type r%u = r%u;", 200, "type r200 = u8; }");
    assert_int_equal(load(aliases, &interface), ERR_OK);
    free(aliases);
}

static void types_that_double_are_refused_before_they_explode(void **state)
{
    (void)state;
    struct wit_interface *interface;
    char text[4096] = "package a:b; interface c { type t0 = u8;";
    for (u32 i = 0; i < 30; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size, "type t%u = tuple<t%u, t%u>;", i + 1, i, i);
    }
    strcat(text, "f: func(x: t30); }");
    assert_int_equal(load(text, &interface), ERR_LIMIT);
}

static void a_text_has_a_longest_size(void **state)
{
    (void)state;
    struct wit_interface *interface;
    char *text = malloc(WIT_TEXT_BYTES + 2);
    memset(text, ' ', WIT_TEXT_BYTES + 1);
    memcpy(text, "package a:b;", 12);
    text[WIT_TEXT_BYTES - 14] = 0;
    strcat(text, "interface c {}");
    assert_int_equal(strlen(text), WIT_TEXT_BYTES);
    assert_int_equal(load(text, &interface), ERR_OK);
    strcat(text, " ");
    assert_int_equal(load(text, &interface), ERR_LIMIT);
    free(text);
}

// ---- use

static enum err read_chain(void *context, struct span name, struct span *text)
{
    static char buffers[WIT_FILES + 8][80];
    (void)context;
    u32 n = (u32)atoi((const char *)name.data + 1);
    snprintf(buffers[n], sizeof buffers[n], "package a:b; interface i%u { use i%u.{t}; }", n,
             n + 1);
    if (n == WIT_FILES - 1) {
        snprintf(buffers[n], sizeof buffers[n], "package a:b; interface i%u { type t = u8; }", n);
    }
    *text = span_string(buffers[n]);
    return ERR_OK;
}

static void files_use_files_up_to_a_limit(void **state)
{
    (void)state;
    struct wit_source source = {read_chain, NULL};
    struct wit_interface *interface;
    struct span from_0 = SPAN_LITERAL("package a:b; interface i0 { use i1.{t}; f: func(x: t); }");
    struct span from_00 = SPAN_LITERAL("package a:b; interface zz { use i0.{t}; f: func(x: t); }");
    assert_int_equal(
        wit_load(SPAN_LITERAL("i0"), from_0, &source, sha256, &arena, &interface, NULL), ERR_OK);
    assert_int_equal(interface->functions->parameters->type->kind, WIT_U8);
    assert_int_equal(
        wit_load(SPAN_LITERAL("zz"), from_00, &source, sha256, &arena, &interface, NULL),
        ERR_LIMIT);
}

static enum err read_other(void *context, struct span name, struct span *text)
{
    (void)name;
    *text = span_string(context);
    return ERR_OK;
}

static void what_is_used_is_checked_in_its_own_file(void **state)
{
    (void)state;
    static const struct {
        char text[80];
        enum err err;
        const char *words;
    } others[] = {
        {"package a:b; interface d { type t = }", ERR_MALFORMED,
         "d.wit:1:37: expected a name and not \"}\""},
        {"package a:b; interface e {}", ERR_INVALID,
         "d.wit:1:24: the interface is not named as its file but \"e\""},
        {"package a:z; interface d { type t = u8; }", ERR_UNSUPPORTED,
         "c.wit:2:5: use stays within its package, and there is no such interface: \"d\""},
        {"package a:b; interface d { type s = u8; }", ERR_INVALID,
         "c.wit:2:8: it has no type \"t\""},
        {"package a:b; interface d { type t = gone; }", ERR_INVALID,
         "d.wit:1:37: there is no type \"gone\""},
        {"package a:b; interface d { use c.{x}; type t = u8; }", ERR_INVALID,
         "c.wit:2:5: the interface uses itself, by way of \"d\""},
    };
    for (size_t n = 0; n < sizeof others / sizeof *others; n++) {
        struct wit_interface *interface;
        struct wit_source source = {read_other, (void *)others[n].text};
        report_clear(&report);
        enum err err = wit_load(SPAN_LITERAL("c.wit"),
                                SPAN_LITERAL("package a:b; interface c {\nuse d.{t};\n}"), &source,
                                sha256, &arena, &interface, &report);
        assert_int_equal(err, others[n].err);
        assert_string_equal(report.text, others[n].words);
    }
}

// ---- memory

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct wit_source source = {read_other, "package a:b; interface d { record t { x: u8 } }"};
    struct span text = SPAN_LITERAL("package a:b; /// doc\n interface c { use d.{t}; /// doc\n"
                                    "f: func(x: list<t>) -> result<option<t>, tuple<u8, u16>>; }");
    for (i64 n = 0;; n++) {
        struct wit_interface *interface;
        struct test_memory failing = test_memory_over_malloc(n);
        struct arena small;
        arena_init(&small, &failing.memory, 64 << 20);
        small.chunk_bytes = 1; // nearly every allocation asks for memory
        enum err err = wit_load(SPAN_LITERAL("c"), text, &source, sha256, &small, &interface, NULL);
        arena_drop(&small);
        assert_int_equal(failing.blocks, 0);
        if (err == ERR_OK) {
            assert_true(n > 5);
            break;
        }
        assert_int_equal(err, ERR_NO_MEMORY);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(names_and_documentation_are_kept),
        TEST(sizes_are_what_the_wire_takes),
        TEST(equal_types_in_place_are_one),
        TEST(a_subset_is_an_interface_of_its_own),
        TEST(printing_sorts_by_name),
        TEST(two_functions_never_share_an_id),
        TEST(each_limit_is_exact),
        TEST(depth_counts_through_names),
        TEST(types_that_double_are_refused_before_they_explode),
        TEST(a_text_has_a_longest_size),
        TEST(files_use_files_up_to_a_limit),
        TEST(what_is_used_is_checked_in_its_own_file),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
