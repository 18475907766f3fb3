// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/json read what RFC 8259 calls JSON, in any pieces, and nothing else?
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/json/json.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Events as letters: {}[] as they are, n"name" s"text" #number t f 0, with their depth before them.
static void tell(struct text *out, const struct json_event *event)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "{", [JSON_OBJECT_END] = "}", [JSON_ARRAY] = "[",  [JSON_ARRAY_END] = "]",
        [JSON_NAME] = "n",   [JSON_STRING] = "s",     [JSON_NUMBER] = "#", [JSON_TRUE] = "t",
        [JSON_FALSE] = "f",  [JSON_NULL] = "0"};
    text_u64(out, event->depth);
    text_string(out, kinds[event->kind]);
    text_bytes(out, event->text);
    text_string(out, event->is_cut ? "+ " : " ");
}

static enum err read_pieces(struct span input, size_t piece, struct text *out)
{
    static struct json_reader reader;
    struct json_event event;
    json_reader_init(&reader);
    for (size_t at = 0; at < input.size;) {
        size_t size = input.size - at < piece ? input.size - at : piece, taken;
        enum err err = json_next(&reader, span_of(input.data + at, size), &taken, &event, NULL);
        if (err != ERR_OK) {
            return err;
        }
        assert_true(event.kind != JSON_MORE || taken == size);
        if (event.kind != JSON_MORE) {
            tell(out, &event);
        }
        at += taken;
    }
    enum err err = json_end(&reader, &event, NULL);
    if (err == ERR_OK && event.kind != JSON_MORE) {
        tell(out, &event);
    }
    return err;
}

static void assert_reads(const char *input, const char *events, enum err expected)
{
    for (size_t piece = 1; piece <= 4; piece++) {
        char said[4096];
        struct text out = text_over(said, sizeof said);
        size_t size = strlen(input);
        u8 *copy = malloc(size);
        memcpy(copy, input, size);
        enum err err = read_pieces(span_of(copy, size), piece == 4 ? 1000 : piece, &out);
        free(copy);
        if (err != expected || (events != NULL && strcmp(said, events) != 0)) {
            fail_msg("%s: %s (%s)", input, said, err_name(err));
        }
    }
}

static void values_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *input, *events;
    } rows[] = {
        {"", ""},
        {" \t\r\n", ""},
        {"{}", "0{ 0} "},
        {"[ ]", "0[ 0] "},
        {"true false null", "0t 0f 00 "},
        {"{\"a\":1}", "0{ 1na 1#1 0} "},
        {"{ \"a\" : { \"b\" : [ ] } , \"c\" : null }", "0{ 1na 1{ 2nb 2[ 2] 1} 1nc 10 0} "},
        {"[1,-0,0.5,1e9,1E+9,-12.5e-3]", "0[ 1#1 1#-0 1#0.5 1#1e9 1#1E+9 1#-12.5e-3 0] "},
        {"[[],[[]]]", "0[ 1[ 1] 1[ 2[ 2] 1] 0] "},
        {"{\"a\":1}\n{\"a\":2}\n", "0{ 1na 1#1 0} 0{ 1na 1#2 0} "}, // lines
        {"\"\"", "0s "},
        {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "0sa\"\\/\b\f\n\r\tz "},
        {"\"\\u0041\\u00e9\\u20AC\\uD83D\\ude00\"", "0sA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 "},
        {"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"",
         "0s\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf "},
        {"12", "0#12 "},
        {"1 2", "0#1 0#2 "},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_reads(rows[i].input, rows[i].events, ERR_OK);
    }
}

static const char *const refused[] = {
    "{",
    "[",
    "}",
    "]",
    "{]",
    "[}",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "tru",
    "truf",
    "True",
    "nul",
    "\"",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\n\"",
    "\"\x01\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800x\"",
    "\"\\ud800\\n\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800\\ud800\"",
    "\"\x80\"",
    "\"\xc3\"",
    "\"\xc0\x80\"",
    "\"\xe0\x80\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xf5\x80\x80\x80\"",
    "\"\xc3z\"",
    "-",
    "01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "+1",
    "1-2",
    "0x1",
    "1.2.3",
    "--1",
    "[1.e2]",
    "\xef\xbb\xbf{}",
    "'a'",
    "//",
    "NaN",
    "Infinity",
    ":",
    ",",
};

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_reads(refused[i], NULL, ERR_MALFORMED);
    }
}

static void depth_has_a_bound(void **state)
{
    (void)state;
    for (u32 depth = JSON_DEPTH; depth <= JSON_DEPTH + 1; depth++) {
        char input[4 * JSON_DEPTH] = {0};
        memset(input, '[', depth);
        memset(input + depth, ']', depth);
        assert_reads(input, NULL, depth <= JSON_DEPTH ? ERR_OK : ERR_LIMIT);
    }
    // A million brackets take no more.
    static struct json_reader reader;
    json_reader_init(&reader);
    u32 opened = 0;
    for (u32 i = 0; i < 1000000; i++) {
        size_t taken;
        struct json_event event;
        if (json_next(&reader, span_of("[", 1), &taken, &event, NULL) != ERR_OK) {
            break;
        }
        opened++;
    }
    assert_int_equal(opened, JSON_DEPTH);
}

static void texts_have_a_bound(void **state)
{
    (void)state;
    for (size_t size = JSON_TEXT_BYTES; size <= JSON_TEXT_BYTES + 1; size++) {
        static char input[JSON_TEXT_BYTES + 8], said[2 * JSON_TEXT_BYTES];
        struct text out = text_over(said, sizeof said);
        input[0] = '"';
        memset(input + 1, 'a', size);
        input[size + 1] = '"';
        assert_int_equal(read_pieces(span_of(input, size + 2), 100, &out), ERR_OK);
        assert_int_equal(strchr(said, '+') != NULL, size > JSON_TEXT_BYTES);
        assert_int_equal(out.size, 2 + JSON_TEXT_BYTES + 1 + (size > JSON_TEXT_BYTES));
        memset(input, '1', size);
        out = text_over(said, sizeof said);
        assert_int_equal(read_pieces(span_of(input, size), 100, &out),
                         size <= JSON_TEXT_BYTES ? ERR_OK : ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_told),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(depth_has_a_bound),
        cmocka_unit_test(texts_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
