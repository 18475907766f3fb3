// SPDX-License-Identifier: GPL-3.0-or-later
// Do expressions of grep find what POSIX says, refuse what is none, and keep to linear time?
#include "core/base/compiler.h"
#include "programs/tools/common/pattern.h"
#include "tests/unit/support.h"
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pattern pattern; // too large for a stack

static const char *compile(const char *expression, struct pattern_how how)
{
    pattern_begin(&pattern, how);
    const char *error = pattern_add(&pattern, span_string(expression));
    return error != NULL ? error : pattern_end(&pattern);
}

static bool finds(const char *expression, const char *line, struct pattern_how how)
{
    const char *error = compile(expression, how);
    if (error != NULL) {
        fail_msg("%s: %s", expression, error);
    }
    return pattern_finds(&pattern, span_string(line));
}

static void expressions_find(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *line;
        bool basic, extended;
    } rows[] = {
        {"a+", "a+", true, true},
        {"a+", "aa", false, true},
        {"a\\+", "aa", true, false},
        {"(a)", "(a)", true, true},
        {"(a)", "a", false, true},
        {"\\(a\\)", "a", true, false},
        {"a|b", "b", false, true},
        {"a\\|b", "b", true, false},
        {"a{2}", "aa", false, true},
        {"a\\{2\\}", "aa", true, false},
        {"a{2", "a{2", true, true},
        {"a{,", "a{,", true, true},
        {"^a", "ba", false, false},
        {"a^b", "a^b", true, false},
        {"a$b", "a$b", true, false},
        {"a$", "ab", false, false},
        {"^$", "", true, true},
        {"^$", "x", false, false},
        {"[]a]", "]", true, true},
        {"[^]a]", "]", false, false},
        {"[a-]", "-", true, true},
        {"[a\\]", "\\", true, true},
        {"[[:digit:]x]", "7", true, true},
        {"[[:punct:]]", "_", true, true},
        {"\\.", "x", false, false},
        {".", "", false, false},
        {"\\<a", "ba a", true, true},
        {"a\\>", "ab", false, false},
        {"\\bab\\b", "x ab.", true, true},
        {"\\Bb", "ab", true, true},
        {"\\w\\W\\s", "a  ", true, true},
        {"\\S", " \t", false, false},
        {"", "", true, true},
        {"x*", "", true, true},
        {"[b-d]", "c", true, true},
        {"a.c", "abc", true, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pattern_how how = {.syntax = PATTERN_BASIC};
        if (finds(rows[i].expression, rows[i].line, how) != rows[i].basic) {
            fail_msg("basic %s in %s", rows[i].expression, rows[i].line);
        }
        how.syntax = PATTERN_EXTENDED;
        bool is_extended = strncmp(rows[i].expression, "\\(", 2) != 0;
        if (is_extended && finds(rows[i].expression, rows[i].line, how) != rows[i].extended) {
            fail_msg("extended %s in %s", rows[i].expression, rows[i].line);
        }
    }
}

static void lines_and_words_are_whole(void **state)
{
    (void)state;
    struct pattern_how line = {.syntax = PATTERN_EXTENDED, .is_whole_line = true};
    struct pattern_how word = {.syntax = PATTERN_EXTENDED, .is_whole_word = true};
    struct pattern_how letters = {.syntax = PATTERN_FIXED, .ignores_case = true};
    assert_true(finds("a|ab", "ab", line));
    assert_false(finds("a|b", "ab", line));
    assert_true(finds("a|ab", "x ab", word));
    assert_false(finds("a", "ab ba _a a1", word));
    assert_true(finds("-a", "b-a", (struct pattern_how){0}));
    assert_true(finds("A.[", "xa.[", letters));
    assert_false(finds("A.[", "xab[", letters));
    assert_true(finds("[A-C]", "b", (struct pattern_how){.ignores_case = true}));
}

static void wrong_expressions_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"(",
                                        "a)",
                                        "(()",
                                        "*a",
                                        "a|*",
                                        "(+)",
                                        "[a",
                                        "[",
                                        "[]",
                                        "[^]",
                                        "a\\",
                                        "\\1",
                                        "[b-a]",
                                        "a{2,1}",
                                        "a{256}",
                                        "[[:x:]]",
                                        "[[.a.]]",
                                        "{1}",
                                        "((a{255}){255})"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (compile(wrong[i], (struct pattern_how){.syntax = PATTERN_EXTENDED}) == NULL) {
            fail_msg("%s", wrong[i]);
        }
    }
}

static void expressions_have_bounds(void **state)
{
    (void)state;
    static char text[PATTERN_CODE * 2];
    struct pattern_how how = {.syntax = PATTERN_EXTENDED};
    // groups: the expression's own counts as one
    for (u32 depth = PATTERN_DEPTH - 1; depth <= PATTERN_DEPTH; depth++) {
        memset(text, '(', depth);
        memset(text + depth, ')', depth);
        text[2 * depth] = 0;
        assert_int_equal(compile(text, how) == NULL, depth == PATTERN_DEPTH - 1);
    }
    assert_null(compile("a{255}", how));
    assert_non_null(compile("a{256}", how));
    // letters: beside them the way to the next expression, the end and what comes behind the last
    for (u32 size = PATTERN_CODE - 3; size <= PATTERN_CODE - 2; size++) {
        memset(text, 'a', size);
        text[size] = 0;
        assert_int_equal(compile(text, how) == NULL, size == PATTERN_CODE - 3);
    }
    // sets: each letter in both cases is one, and one more is empty
    for (u32 count = PATTERN_SETS - 1; count <= PATTERN_SETS; count++) {
        size_t at = 0;
        for (u32 i = 0; i < count; i++) {
            text[at++] = '[';
            text[at++] = (char)('!' + i / 2 % 26);
            text[at++] = (char)(0x80 + i);
            text[at++] = ']';
        }
        text[at] = 0;
        assert_int_equal(compile(text, how) == NULL, count == PATTERN_SETS - 1);
    }
}

// Where others take as long as there are ways.
static void time_is_linear(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    char *line = malloc(SIZE + 1);
    memset(line, 'a', SIZE);
    line[SIZE] = 0;
    struct pattern_how how = {.syntax = PATTERN_EXTENDED};
    assert_false(finds("(a*)*b", line, how));
    assert_false(finds("(a|a)*(a|aa)+(a?){30}b", line, how));
    assert_true(finds("(a|b)*a.{100}$", line, how));
    free(line);
}

static char *piece_append(char *to, u32 *seed, bool is_basic)
{
    static const char *const basic[] = {"a", "b",   ".", "[ab]",      "[^a]", "\\(", "\\)",
                                        "*", "\\|", "c", "\\{1,2\\}", "$",    "\\?"};
    static const char *const extended[] = {"a", "b", ".",     "[ab]", "[^a]", "(", ")", "*",
                                           "|", "c", "{1,2}", "$",    "?",    "+", "^"};
    *seed = *seed * 1664525 + 1013904223;
    u32 pick = *seed >> 16;
    const char *piece =
        is_basic ? basic[pick % COUNT_OF(basic)] : extended[pick % COUNT_OF(extended)];
    return stpcpy(to, piece);
}

// Whatever both take for an expression finds the same.
static void others_agree(void **state)
{
    (void)state;
    u32 seed = 1;
    u32 both = 0;
    for (u32 round = 0; round < 40000; round++) {
        char text[128];
        char *end = text;
        bool is_basic = round % 2 == 0;
        for (u32 i = 0; i < 1 + round / 4 % 9; i++) {
            end = piece_append(end, &seed, is_basic);
        }
        *end = 0;
        regex_t other;
        struct pattern_how how = {.syntax = is_basic ? PATTERN_BASIC : PATTERN_EXTENDED};
        bool is_ours = compile(text, how) == NULL;
        if (regcomp(&other, text, REG_NOSUB | (is_basic ? 0 : REG_EXTENDED)) != 0) {
            continue;
        }
        for (u32 i = 0; is_ours && i < 8; i++) {
            char line[8];
            u32 size = i;
            for (u32 j = 0; j < size; j++) {
                seed = seed * 1664525 + 1013904223;
                line[j] = (char)('a' + (seed >> 20) % 3);
            }
            line[size] = 0;
            bool theirs = regexec(&other, line, 0, NULL, 0) == 0;
            if (pattern_finds(&pattern, span_string(line)) != theirs) {
                fail_msg("%s %s in %s: the other %s", is_basic ? "basic" : "extended", text, line,
                         theirs ? "finds it" : "does not");
            }
        }
        both += is_ours;
        regfree(&other);
    }
    assert_true(both > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_find),
        cmocka_unit_test(lines_and_words_are_whole),
        cmocka_unit_test(wrong_expressions_are_refused),
        cmocka_unit_test(expressions_have_bounds),
        cmocka_unit_test(time_is_linear),
        cmocka_unit_test(others_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
