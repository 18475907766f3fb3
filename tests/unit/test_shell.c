// SPDX-License-Identifier: GPL-3.0-or-later
// Does the shell read commands as its header says, and make of words what they mean?
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/shell/complete.h"
#include "lib/shell/expand.h"
#include "lib/shell/history.h"
#include "lib/shell/letter.h"
#include "lib/shell/parse.h"
#include "lib/shell/path.h"
#include "lib/shell/pattern.h"
#include "lib/shell/variables.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct parsed parsed;
static struct expansion expansion;
static struct variables variables;
static struct history history;
static struct candidates candidates;

// ---- parsing

// A list in letters: {when (words) <redirections> & } for each pipeline.
static void tell(struct text *out)
{
    static const char *const kinds[] = {"<", ">", ">>", ">&"};
    static const char *const whens[] = {"", "&&", "||"};
    for (u32 p = 0; p < parsed.pipeline_count; p++) {
        const struct pipeline *pipeline = &parsed.pipelines[p];
        text_string(out, whens[pipeline->when]);
        text_string(out, "{");
        for (u32 c = 0; c < pipeline->command_count; c++) {
            const struct command *command = &parsed.commands[pipeline->command_first + c];
            text_string(out, c == 0 ? "" : "|");
            for (u32 w = 0; w < command->word_count; w++) {
                text_string(out, w < command->assignment_count ? "=(" : "(");
                text_bytes(out, parsed.words[command->word_first + w]);
                text_string(out, ")");
            }
            for (u32 r = 0; r < command->redirect_count; r++) {
                const struct redirect *redirect = &parsed.redirects[command->redirect_first + r];
                text_u64(out, redirect->stream);
                text_string(out, kinds[redirect->kind]);
                text_bytes(out, redirect->word);
                if (redirect->kind == REDIRECT_SAME) {
                    text_u64(out, redirect->other);
                }
                text_string(out, ";");
            }
        }
        text_string(out, pipeline->is_background ? "&}" : "}");
    }
}

static void lists_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"", ""},
        {"  # nothing", ""},
        {"ls", "{(ls)}"},
        {"ls -l  'a b'\"c\"", "{(ls)(-l)('a b'\"c\")}"},
        {"a|b | c", "{(a)|(b)|(c)}"},
        {"a | \n # and\n b", "{(a)|(b)}"},
        {"a;b ; c;", "{(a)}{(b)}{(c)}"},
        {"a && b || c;d", "{(a)}&&{(b)}||{(c)}{(d)}"},
        {"a &&\n\nb", "{(a)}&&{(b)}"},
        {"a & b &", "{(a)&}{(b)&}"},
        {"a | b & c", "{(a)|(b)&}{(c)}"},
        {"X=1 Y= a Z=3", "{=(X=1)=(Y=)(a)(Z=3)}"},
        {"X=1", "{=(X=1)}"},
        {"1X=1", "{(1X=1)}"},
        {"a <in >out 2>err", "{(a)0<in;1>out;2>err;}"},
        {"a>>out 2>>err 0< in", "{(a)1>>out;2>>err;0<in;}"},
        {"a >o 2>&1 >&2", "{(a)1>o;2>&1;1>&2;}"},
        {"> out", "{1>out;}"},
        {"a 2 > out", "{(a)(2)1>out;}"},
        {"a2>out", "{(a2)1>out;}"},
        {"echo a#b #c", "{(echo)(a#b)}"},
        {"echo a\\ b \\\n c\\\nd", "{(echo)(a\\ b)(c\\\nd)}"},
        {"echo $X ${Y}z \"$? $ a\"", "{(echo)($X)(${Y}z)(\"$? $ a\")}"},
        {"echo 'a\nb'", "{(echo)('a\nb')}"},
        {"\n\n a\r\n", "{(a)}"},
        {"echo \"a\\\"b\"", "{(echo)(\"a\\\"b\")}"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char said[1024];
        struct text out = text_over(said, sizeof said);
        struct report report = {0};
        size_t taken, size = strlen(rows[i].text);
        u8 *copy = malloc(size + 1);
        memcpy(copy, rows[i].text, size);
        enum err err = parse(span_of(copy, size), &parsed, &taken, &report);
        tell(&out);
        if (err != ERR_OK || taken != size || strcmp(said, rows[i].told) != 0) {
            fail_msg("%s: %s (%s, %zu)", rows[i].text, said, report.text, taken);
        }
        free(copy);
    }
}

static void a_list_ends_with_its_line(void **state)
{
    (void)state;
    size_t taken;
    struct span text = SPAN_LITERAL("\na b\nc\n");
    assert_int_equal(parse(text, &parsed, &taken, NULL), ERR_OK);
    assert_int_equal(taken, 5);
    assert_int_equal(parsed.pipeline_count, 1);
    assert_true(span_equal(parsed.pipelines[0].text, SPAN_LITERAL("a b")));
    // after a mistake the rest of its line is left out
    assert_int_equal(parse(SPAN_LITERAL("a ; ; b\nc"), &parsed, &taken, NULL), ERR_MALFORMED);
    assert_int_equal(taken, 8);
    assert_int_equal(parse_line_of(text, 0), 1);
    assert_int_equal(parse_line_of(text, 1), 2);
    assert_int_equal(parse_line_of(text, 5), 3);
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        bool is_unfinished;
        u64 offset;
    } rows[] = {
        {"echo 'a", ERR_MALFORMED, true, 5},      {"echo \"a", ERR_MALFORMED, true, 5},
        {"echo a\\", ERR_MALFORMED, true, 6},     {"a |", ERR_MALFORMED, true, 3},
        {"a &&\n", ERR_MALFORMED, true, 5},       {"echo ${X", ERR_MALFORMED, true, 5},
        {"| a", ERR_MALFORMED, false, 0},         {"a || | b", ERR_MALFORMED, false, 5},
        {"a ;; b", ERR_MALFORMED, false, 3},      {"; a", ERR_MALFORMED, false, 0},
        {"a >", ERR_MALFORMED, false, 2},         {"a > | b", ERR_MALFORMED, false, 2},
        {"(a)", ERR_UNSUPPORTED, false, 0},       {"a (b)", ERR_UNSUPPORTED, false, 2},
        {"a )", ERR_UNSUPPORTED, false, 2},       {"a << b", ERR_UNSUPPORTED, false, 2},
        {"a <& 1", ERR_UNSUPPORTED, false, 2},    {"a 3> b", ERR_UNSUPPORTED, false, 2},
        {"a 1< b", ERR_UNSUPPORTED, false, 2},    {"a 0> b", ERR_UNSUPPORTED, false, 2},
        {"a >&3", ERR_UNSUPPORTED, false, 2},     {"a `b`", ERR_UNSUPPORTED, false, 2},
        {"a \"`b`\"", ERR_UNSUPPORTED, false, 3}, {"a $(b)", ERR_UNSUPPORTED, false, 2},
        {"a $1", ERR_UNSUPPORTED, false, 2},      {"a \"$@\"", ERR_UNSUPPORTED, false, 3},
        {"a ${X:-1}", ERR_UNSUPPORTED, false, 2}, {"a ${}", ERR_UNSUPPORTED, false, 2},
        {"a && b &", ERR_UNSUPPORTED, false, 7},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report report = {0};
        size_t taken;
        enum err err = parse(span_string(rows[i].text), &parsed, &taken, &report);
        if (err != rows[i].err || parsed.is_unfinished != rows[i].is_unfinished ||
            report.offset != rows[i].offset || report.text[0] == 0) {
            fail_msg("%s: %s at %d: %s", rows[i].text, err_name(err), (int)report.offset,
                     report.text);
        }
    }
    size_t taken;
    assert_int_equal(parse(SPAN_LITERAL("a\0b"), &parsed, &taken, NULL), ERR_MALFORMED);
}

// `count` times `piece` is read, once more is beyond the limit.
static void assert_bound(const char *piece, u32 count, const char *end)
{
    for (u32 more = 0; more < 2; more++) {
        size_t size = strlen(piece) * (count + more) + strlen(end), taken;
        char *text = malloc(size + 1);
        char *at = text;
        for (u32 i = 0; i < count + more; i++) {
            at = stpcpy(at, piece);
        }
        strcpy(at, end);
        enum err err = parse(span_of(text, size), &parsed, &taken, NULL);
        free(text);
        if (err != (more == 0 ? ERR_OK : ERR_LIMIT)) {
            fail_msg("%u times %s: %s", count + more, piece, err_name(err));
        }
    }
}

static void lists_at_the_bound(void **state)
{
    (void)state;
    assert_bound("a ", SHELL_WORDS, "");
    assert_bound("a;", SHELL_COMMANDS, "");
    assert_bound("a|", SHELL_COMMANDS - 1, "a");
    assert_bound(">a ", SHELL_REDIRECTS, "");
    assert_bound("a", SHELL_COMMAND_BYTES, "");
    // what stands before it does not count
    size_t taken;
    struct span text =
        span_of(memset(malloc(2 * SHELL_COMMAND_BYTES), '#', 2 * SHELL_COMMAND_BYTES),
                2 * SHELL_COMMAND_BYTES);
    assert_int_equal(parse(text, &parsed, &taken, NULL), ERR_OK);
    assert_int_equal(taken, text.size);
    free((void *)text.data);
}

// ---- words

static struct span field(u32 index)
{
    return expansion_field(&expansion, index);
}

static void assert_expands(const char *word, enum expand_how how, const char *fields)
{
    char said[4096];
    struct text out = text_over(said, sizeof said);
    expansion_init(&expansion);
    size_t size = strlen(word);
    u8 *copy = malloc(size + 1);
    memcpy(copy, word, size);
    assert_int_equal(expand_word(&expansion, span_of(copy, size), how, &variables, 7), ERR_OK);
    free(copy);
    for (u32 i = 0; i < expansion.count; i++) {
        text_string(&out, expansion.fields[i].is_pattern ? "*(" : "(");
        text_bytes(&out, field(i));
        text_string(&out, ")");
    }
    if (strcmp(said, fields) != 0) {
        fail_msg("%s: %s, wanted %s", word, said, fields);
    }
}

static void words_are_expanded(void **state)
{
    (void)state;
    variables_init(&variables);
    assert_int_equal(variables_assign(&variables, SPAN_LITERAL("X=one"), false), ERR_OK);
    assert_int_equal(variables_assign(&variables, SPAN_LITERAL("TWO=a  b*"), false), ERR_OK);
    assert_int_equal(variables_assign(&variables, SPAN_LITERAL("BACK=a\\*"), false), ERR_OK);
    assert_int_equal(variables_assign(&variables, SPAN_LITERAL("NIL="), false), ERR_OK);
    static const struct {
        const char *word, *fields, *one;
    } rows[] = {
        {"abc", "(abc)", "(abc)"},
        {"'a b'\"c d\"e\\ f", "(a bc de f)", "(a bc de f)"},
        {"$X", "(one)", "(one)"},
        {"${X}y$X", "(oneyone)", "(oneyone)"},
        {"$Xy", "", "()"},
        {"$NIL", "", "()"},
        {"\"$NIL\"", "()", "()"},
        {"''", "()", "()"},
        {"$?", "(7)", "(7)"},
        {"${?}0", "(70)", "(70)"},
        {"$TWO", "(a)*(b*)", "(a  b*)"},
        {"\"$TWO\"", "(a  b*)", "(a  b*)"},
        {"x${TWO}y", "(xa)*(b*y)", "(xa  b*y)"},
        {"'$X'", "($X)", "($X)"},
        {"\\$X", "($X)", "($X)"},
        {"\"\\$X\\a\"", "($X\\a)", "($X\\a)"},
        {"a$", "(a$)", "(a$)"},
        {"*.c", "*(*.c)", "(*.c)"},
        {"'*'.c", "(*.c)", "(*.c)"},
        {"\\*.c", "(*.c)", "(*.c)"},
        {"'*'*", "*(\\**)", "(**)"},
        {"[a", "([a)", "([a)"},
        {"[a\\-z]", "*([a\\-z])", "([a-z])"},
        {"a\\\nb", "(ab)", "(ab)"},
        {"\"a\\\nb\"", "(ab)", "(ab)"},
        {"$BACK", "*(a\\\\*)", "(a\\*)"},
        {"\"it's\"'\"'", "(it's\")", "(it's\")"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_expands(rows[i].word, EXPAND_FIELDS, rows[i].fields);
        assert_expands(rows[i].word, EXPAND_ONE, rows[i].one);
    }
}

static void words_at_the_bound(void **state)
{
    (void)state;
    expansion_init(&expansion);
    for (u32 i = 0; i < SHELL_FIELDS; i++) {
        assert_int_equal(expand_word(&expansion, SPAN_LITERAL("a"), EXPAND_FIELDS, &variables, 0),
                         ERR_OK);
    }
    assert_int_equal(expand_word(&expansion, SPAN_LITERAL("b"), EXPAND_FIELDS, &variables, 0),
                     ERR_LIMIT);
    assert_int_equal(expansion_add(&expansion, SPAN_LITERAL("b")), ERR_LIMIT);
    assert_int_equal(expansion.count, SHELL_FIELDS);
    assert_int_equal(expansion.size, SHELL_FIELDS);

    expansion_init(&expansion);
    u8 *most = malloc(SHELL_FIELD_BYTES);
    memset(most, 'x', SHELL_FIELD_BYTES);
    struct span word = span_of(most, SHELL_FIELD_BYTES);
    assert_int_equal(expand_word(&expansion, word, EXPAND_FIELDS, &variables, 0), ERR_OK);
    assert_int_equal(expand_word(&expansion, SPAN_LITERAL("b"), EXPAND_FIELDS, &variables, 0),
                     ERR_LIMIT);
    assert_int_equal(expansion_add(&expansion, SPAN_LITERAL("b")), ERR_LIMIT);
    expansion_init(&expansion);
    assert_int_equal(expansion_add(&expansion, word), ERR_OK);
    assert_int_equal(expansion.count, 1);
    free(most);
}

static void variables_are_kept(void **state)
{
    (void)state;
    struct span value;
    variables_init(&variables);
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("A"), SPAN_LITERAL("1"), true), ERR_OK);
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("B"), SPAN_LITERAL(""), false), ERR_OK);
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("A"), SPAN_LITERAL("22"), false),
                     ERR_OK);
    assert_true(variables_get(&variables, SPAN_LITERAL("A"), &value));
    assert_true(span_equal(value, SPAN_LITERAL("22")));
    assert_true(span_equal(variables_entry(&variables, 1), SPAN_LITERAL("A=22")));
    assert_true(variables.items[1].is_exported);
    assert_false(variables.items[0].is_exported);
    variables_unset(&variables, SPAN_LITERAL("B"));
    variables_unset(&variables, SPAN_LITERAL("C"));
    assert_int_equal(variables.count, 1);
    assert_true(variables_get(&variables, SPAN_LITERAL("A"), &value));
    assert_false(variables_get(&variables, SPAN_LITERAL("B"), &value));
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("1"), value, false), ERR_MALFORMED);
    assert_int_equal(variables_set(&variables, SPAN_LITERAL(""), value, false), ERR_MALFORMED);
    assert_int_equal(variables_assign(&variables, SPAN_LITERAL("AB"), false), ERR_MALFORMED);
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("A"), SPAN_LITERAL("a\0"), false),
                     ERR_INVALID);
}

static void variables_at_the_bound(void **state)
{
    (void)state;
    char name[SHELL_NAME_BYTES + 2];
    variables_init(&variables);
    for (u32 i = 0; i < SHELL_VARIABLES; i++) {
        struct text text = text_over(name, sizeof name);
        text_string(&text, "V");
        text_u64(&text, i);
        assert_int_equal(variables_set(&variables, span_string(name), SPAN_LITERAL("x"), false),
                         ERR_OK);
    }
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("W"), SPAN_LITERAL(""), false),
                     ERR_LIMIT);
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("V7"), SPAN_LITERAL("yy"), false),
                     ERR_OK);
    variables_init(&variables);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(variables_set(&variables, span_string(name), SPAN_LITERAL(""), false),
                     ERR_LIMIT);
    assert_int_equal(
        variables_set(&variables, span_of(name, SHELL_NAME_BYTES), SPAN_LITERAL(""), false),
        ERR_OK);
    variables_init(&variables);
    u8 *most = malloc(SHELL_VARIABLE_BYTES);
    memset(most, 'x', SHELL_VARIABLE_BYTES);
    assert_int_equal(variables_set(&variables, SPAN_LITERAL("A"),
                                   span_of(most, SHELL_VARIABLE_BYTES - 1), false),
                     ERR_LIMIT);
    for (int i = 0; i < 2; i++) { // the second takes the first one's place
        assert_int_equal(variables_set(&variables, SPAN_LITERAL("A"),
                                       span_of(most, SHELL_VARIABLE_BYTES - 2), false),
                         ERR_OK);
    }
    free(most);
}

// ---- patterns and paths

static void patterns_fit(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool fits;
    } rows[] = {
        {"*", "abc", true},
        {"*", "", true},
        {"*", ".abc", false},
        {".*", ".abc", true},
        {"?abc", ".abc", false},
        {"[.]abc", ".abc", false},
        {"\\.*", ".abc", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"a?c",
         "a\xc3\xa4"
         "c",
         true},
        {"*.c", "x.c", true},
        {"*.c", "x.cc", false},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b*", "xxbxxaxx", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[^a-c]x", "bx", false},
        {"[]a]", "]", true},
        {"[!]a]", "b", true},
        {"[a-]", "-", true},
        {"[a\\]b]", "]", true},
        {"[a", "[a", true},
        {"[\xc3\xa0-\xc3\xbf]", "\xc3\xa4", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"a\\", "a\\", true},
        {"", "", true},
        {"", "a", false},
        {"*\xff", "a\xff", true},
        {"**", "abc", true},
        {"*[b-d]", "abcd", true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t size = strlen(rows[i].pattern);
        u8 *copy = malloc(size + 1);
        memcpy(copy, rows[i].pattern, size);
        if (pattern_fits(span_of(copy, size), span_string(rows[i].name)) != rows[i].fits) {
            fail_msg("%s, %s", rows[i].pattern, rows[i].name);
        }
        free(copy);
    }
    assert_true(pattern_is(SPAN_LITERAL("a*")));
    assert_true(pattern_is(SPAN_LITERAL("[a]")));
    assert_false(pattern_is(SPAN_LITERAL("a\\*[b\\]")));
    // many stars take no more steps than names have letters
    char name[256], pattern[256];
    memset(name, 'a', 255);
    name[255] = 0;
    for (int i = 0; i < 254; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    memcpy(pattern + 254, "b", 2);
    assert_false(pattern_fits(span_string(pattern), span_string(name)));
}

static void paths_are_joined(void **state)
{
    (void)state;
    static const struct {
        const char *base, *relative, *path;
    } rows[] = {
        {"/", "", "/"},
        {"/", "a", "/a"},
        {"/a", "b", "/a/b"},
        {"/a", "/b", "/b"},
        {"/a/b", "..", "/a"},
        {"/a", "../..", "/"},
        {"/a", "./b//c/.", "/a/b/c"},
        {"/a", "../../b", "/b"},
        {"/a/b", "../c/../d", "/a/d"},
        {"/a", "...", "/a/..."},
        {"/a/", "", "/a"},
    };
    struct path path;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(path_join(span_string(rows[i].base), span_string(rows[i].relative), &path),
                         ERR_OK);
        if (!span_equal(path_span(&path), span_string(rows[i].path))) {
            fail_msg("%s + %s: %.*s", rows[i].base, rows[i].relative, (int)path.size, path.bytes);
        }
    }
    u8 most[SHELL_PATH_BYTES + 1];
    memset(most, 'x', sizeof most);
    most[0] = '/';
    assert_int_equal(path_join(SPAN_LITERAL("/"), span_of(most, SHELL_PATH_BYTES), &path), ERR_OK);
    assert_int_equal(path.size, SHELL_PATH_BYTES);
    assert_int_equal(path_join(SPAN_LITERAL("/"), span_of(most, sizeof most), &path), ERR_LIMIT);
    assert_int_equal(path_join(path_span(&path), SPAN_LITERAL("b"), &path), ERR_LIMIT);

    struct span rest;
    assert_true(path_below(SPAN_LITERAL("/a/b"), SPAN_LITERAL("/a"), &rest));
    assert_true(span_equal(rest, SPAN_LITERAL("b")));
    assert_true(path_below(SPAN_LITERAL("/a"), SPAN_LITERAL("/a"), &rest));
    assert_int_equal(rest.size, 0);
    assert_true(path_below(SPAN_LITERAL("/a"), SPAN_LITERAL("/"), &rest));
    assert_true(span_equal(rest, SPAN_LITERAL("a")));
    assert_true(path_below(SPAN_LITERAL("/"), SPAN_LITERAL("/"), &rest));
    assert_int_equal(rest.size, 0);
    assert_false(path_below(SPAN_LITERAL("/ab"), SPAN_LITERAL("/a"), &rest));
    assert_false(path_below(SPAN_LITERAL("/"), SPAN_LITERAL("/a"), &rest));
}

// ---- history and completion

static void history_is_kept(void **state)
{
    (void)state;
    history_init(&history);
    assert_true(history_add(&history, SPAN_LITERAL("one")));
    assert_false(history_add(&history, SPAN_LITERAL("one")));
    assert_false(history_add(&history, SPAN_LITERAL(" secret")));
    assert_false(history_add(&history, SPAN_LITERAL("")));
    assert_true(history_add(&history, SPAN_LITERAL("two\nlines")));
    assert_int_equal(history.count, 2);
    char said[64];
    struct text out = text_over(said, sizeof said);
    history_write(history_line(&history, 1), &out);
    history_write(history_line(&history, 0), &out);
    assert_string_equal(said, "one\ntwo\n\tlines\n");
    history_init(&history);
    for (const char *at = said; *at != 0; at++) {
        history_load(&history, span_of(at, 1));
    }
    history_loaded(&history);
    assert_int_equal(history.count, 2);
    assert_true(span_equal(history_line(&history, 0), SPAN_LITERAL("two\nlines")));
    history_load(&history, SPAN_LITERAL("a\x1b[2Jb\x7f\xc2\x9b\xff\xc3\xa4\xe6\n"));
    history_loaded(&history);
    assert_true(span_equal(history_line(&history, 0), SPAN_LITERAL("a[2Jb\xc3\xa4")));
    history_init(&history);
    history_load(&history, span_string(said));
    history_loaded(&history);
    assert_int_equal(history_find(&history, 0, SPAN_LITERAL("ne")), 0);
    assert_int_equal(history_find(&history, 1, SPAN_LITERAL("ne")), 1);
    assert_int_equal(history_find(&history, 0, SPAN_LITERAL("x")), 2);
}

static void history_at_the_bound(void **state)
{
    (void)state;
    char line[32];
    history_init(&history);
    for (u32 i = 0; i <= SHELL_HISTORY_LINES; i++) {
        struct text text = text_over(line, sizeof line);
        text_string(&text, "line ");
        text_u64(&text, i);
        assert_true(history_add(&history, span_string(line)));
    }
    assert_int_equal(history.count, SHELL_HISTORY_LINES);
    assert_true(
        span_equal(history_line(&history, SHELL_HISTORY_LINES - 1), SPAN_LITERAL("line 1")));
    // by bytes
    u8 most[SHELL_LINE_BYTES + 1];
    history_init(&history);
    u32 fit = SHELL_HISTORY_BYTES / SHELL_LINE_BYTES;
    for (u32 i = 0; i <= fit; i++) {
        memset(most, 'a' + (int)i, sizeof most);
        assert_true(history_add(&history, span_of(most, SHELL_LINE_BYTES)));
        assert_false(history_add(&history, span_of(most, sizeof most)));
    }
    assert_int_equal(history.count, fit);
    assert_int_equal(history_line(&history, fit - 1).data[0], 'b');
    // a file with a line at the bound, and one beyond
    history_init(&history);
    history_load(&history, span_of(most, SHELL_LINE_BYTES));
    history_load(&history, SPAN_LITERAL("\n"));
    history_load(&history, span_of(most, sizeof most));
    history_load(&history, SPAN_LITERAL("\nlast\n"));
    history_loaded(&history);
    assert_int_equal(history.count, 2);
    assert_true(span_equal(history_line(&history, 0), SPAN_LITERAL("last")));
}

static void the_word_at_the_cursor_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *plain;
        bool is_command, is_variable;
        u8 quote;
    } rows[] = {
        {"", "", true, false, 0},
        {"l", "l", true, false, 0},
        {"ls a", "a", false, false, 0},
        {"ls ", "", false, false, 0},
        {"ls | w", "w", true, false, 0},
        {"ls;", "", true, false, 0},
        {"a && b", "b", true, false, 0},
        {"X=1 l", "l", true, false, 0},
        {"ls > o", "o", false, false, 0},
        {"ls 'a b", "a b", false, false, '\''},
        {"ls \"a b", "a b", false, false, '"'},
        {"ls a\\ b", "a b", false, false, 0},
        {"ls 'x'y", "xy", false, false, 0},
        {"ls $HO", "HO", false, true, 0},
        {"ls \"${HO", "HO", false, true, '"'},
        {"ls '$HO", "$HO", false, false, '\''},
        {"ls $HO/a", "$HO/a", false, false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static struct word_at word;
        word_at(span_string(rows[i].text), &word);
        if (!span_equal(span_of(word.plain, word.size), span_string(rows[i].plain)) ||
            word.is_command != rows[i].is_command || word.is_variable != rows[i].is_variable ||
            word.quote != rows[i].quote) {
            fail_msg("%s: %.*s", rows[i].text, (int)word.size, word.plain);
        }
    }
    assert_int_equal(word_name_start(SPAN_LITERAL("a/b/c")), 4);
    assert_int_equal(word_name_start(SPAN_LITERAL("abc")), 0);
}

static void candidates_at_the_bound(void **state)
{
    (void)state;
    candidates_init(&candidates);
    char name[SHELL_CANDIDATE_NAME_BYTES + 2];
    for (u32 i = 0; i < SHELL_CANDIDATES; i++) {
        struct text text = text_over(name, sizeof name);
        text_u64(&text, i * 7919 % SHELL_CANDIDATES);
        candidates_add(&candidates, (struct span){0}, span_string(name), false);
    }
    assert_int_equal(candidates.count, SHELL_CANDIDATES);
    assert_false(candidates.has_more);
    candidates_add(&candidates, (struct span){0}, SPAN_LITERAL("7"), false); // is there
    assert_false(candidates.has_more);
    candidates_add(&candidates, (struct span){0}, SPAN_LITERAL("x"), false);
    assert_int_equal(candidates.count, SHELL_CANDIDATES);
    assert_true(candidates.has_more);
    for (u32 i = 1; i < candidates.count; i++) {
        struct span a = candidates_name(&candidates, i - 1), b = candidates_name(&candidates, i);
        int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
        assert_true(order < 0 || (order == 0 && a.size < b.size));
    }
    candidates_init(&candidates);
    memset(name, 'n', sizeof name);
    candidates_add(&candidates, (struct span){0}, span_of(name, sizeof name), false);
    candidates_add(&candidates, (struct span){0}, SPAN_LITERAL("a\x1b[2Jb"), false);
    candidates_add(&candidates, (struct span){0}, SPAN_LITERAL("a\nb"), false);
    candidates_add(&candidates, (struct span){0}, SPAN_LITERAL("a\xff"), false);
    candidates_add(&candidates, SPAN_LITERAL("x"), SPAN_LITERAL("y"), false);
    assert_int_equal(candidates.count, 0);
    u32 fit = SHELL_CANDIDATE_BYTES / SHELL_CANDIDATE_NAME_BYTES;
    for (u32 i = 0; i <= fit; i++) {
        name[0] = (char)('0' + i % 64);
        name[1] = (char)('0' + i / 64);
        candidates_add(&candidates, (struct span){0}, span_of(name, SHELL_CANDIDATE_NAME_BYTES),
                       false);
    }
    assert_int_equal(candidates.count, fit);
    assert_true(candidates.has_more);
    static char listed[SHELL_LISTED_BYTES + 1];
    struct text out = text_over(listed, sizeof listed);
    candidates_list(&candidates, 80, SHELL_LISTED_BYTES, &out);
    assert_false(out.cut);
    assert_non_null(strstr(listed, "more lines"));
}

static void letters_have_their_width(void **state)
{
    (void)state;
    assert_int_equal(letters_columns(SPAN_LITERAL("abc")), 3);
    assert_int_equal(letters_columns(SPAN_LITERAL("\xe6\x97\xa5\xe6\x9c\xac")), 4);
    assert_int_equal(letters_columns(SPAN_LITERAL("e\xcc\x81")), 1);
    assert_int_equal(letters_columns(SPAN_LITERAL("\xf0\x9f\x98\x80")), 2);
    assert_int_equal(letters_columns(SPAN_LITERAL("\x1b\xc2\x9b\xff")), 0);
    assert_int_equal(letter_at(SPAN_LITERAL("\xe6\x97")).bytes, 0);
    assert_true(letter_at(SPAN_LITERAL("\xe6x")).is_bad);
}

static void letters_that_steer_are_not_shown(void **state)
{
    (void)state;
    char buffer[32];
    static const struct {
        const char *lines, *shown;
    } rows[] = {
        {"a\tb\n", "a\tb\n"},
        {"/d/\x1b]0;x\a\r\x7f", "/d/?]0;x???"},
        {"\xc2\x9b"
         "2J\xe2\x80\xa8",
         "?2J?"},
        {"\xff\xe6\x97", "???"},
        {"\xc3\xa4\xe6\x97\xa5x\xcc\x81", "\xc3\xa4\xe6\x97\xa5x\xcc\x81"},
    };
    for (u32 i = 0; i < COUNT_OF(rows); i++) {
        struct text out = text_over(buffer, sizeof buffer);
        letters_show(&out, span_string(rows[i].lines));
        assert_string_equal(buffer, rows[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(a_list_ends_with_its_line),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(lists_at_the_bound),
        cmocka_unit_test(words_are_expanded),
        cmocka_unit_test(words_at_the_bound),
        cmocka_unit_test(variables_are_kept),
        cmocka_unit_test(variables_at_the_bound),
        cmocka_unit_test(patterns_fit),
        cmocka_unit_test(paths_are_joined),
        cmocka_unit_test(history_is_kept),
        cmocka_unit_test(history_at_the_bound),
        cmocka_unit_test(the_word_at_the_cursor_is_found),
        cmocka_unit_test(candidates_at_the_bound),
        cmocka_unit_test(letters_have_their_width),
        cmocka_unit_test(letters_that_steer_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
