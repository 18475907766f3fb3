// SPDX-License-Identifier: GPL-3.0-or-later
// Does the line editor do what its keys say, and does the terminal show what there is?
#include "core/base/text.h"
#include "lib/shell/complete.h"
#include "lib/shell/editor.h"
#include "lib/shell/history.h"
#include "tests/unit/screen.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct editor editor;
static struct history history;
static struct screen screen;
static char drawn[SHELL_DRAWN_BYTES];
static struct text out;

static struct text *fresh(void)
{
    out = text_over(drawn, sizeof drawn);
    return &out;
}

static void show(void)
{
    assert_false(out.cut);
    assert_true(screen_write(&screen, span_of(out.data, out.size)));
}

static void begin(u32 columns, u32 rows)
{
    editor_init(&editor, &history);
    screen_init(&screen, rows, columns);
    editor_resize(&editor, columns, rows, false, fresh());
    editor_begin(&editor, SPAN_LITERAL("$ "), fresh());
    show();
}

// Types bytes in pieces of `piece`, up to what they lead to.
static enum editor_event type_pieces(struct span bytes, size_t piece)
{
    enum editor_event event = EDITOR_MORE;
    while (bytes.size > 0 && event == EDITOR_MORE) {
        size_t size = bytes.size < piece ? bytes.size : piece, taken;
        event = editor_take(&editor, span_slice(bytes, 0, size), &taken, fresh());
        assert_true(event != EDITOR_MORE || taken == size);
        show();
        bytes = span_slice(bytes, taken, bytes.size);
    }
    assert_int_equal(bytes.size, 0);
    return event;
}

static enum editor_event type(const char *keys)
{
    return type_pieces(span_string(keys), 1000);
}

// With the cursor as `|`.
static void assert_line(const char *wanted)
{
    struct span line = editor_line(&editor);
    size_t at = editor_left(&editor).size;
    char said[SHELL_LINE_BYTES + 2];
    struct text text = text_over(said, sizeof said);
    text_bytes(&text, span_slice(line, 0, at));
    text_char(&text, '|');
    text_bytes(&text, span_slice(line, at, line.size));
    assert_string_equal(said, wanted);
}

static void assert_screen(u32 row, const char *wanted)
{
    assert_string_equal(screen_row(&screen, row), wanted);
}

static void assert_cursor(u32 row, u32 column)
{
    assert_int_equal(screen.row, row);
    assert_int_equal(screen.column, column);
}

#define LEFT "\x1b[D"
#define RIGHT "\x1b[C"
#define UP "\x1b[A"
#define DOWN "\x1b[B"

static void keys_do_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *line;
    } rows[] = {
        {"abc", "abc|"},
        {"abc" LEFT LEFT "x", "ax|bc"},
        {"abc" LEFT LEFT LEFT LEFT RIGHT "x", "ax|bc"},
        {"abc\x1b[Hx", "x|abc"},
        {"abc\x1b[1~x\x1b[4~y", "xabcy|"},
        {"abc\x1bOHx\x1bOFy", "xabcy|"},
        {"abc\x01x\x05y", "xabcy|"},
        {"abc\x02\x02x\x06y", "axby|c"},
        {"abc\x7f\x7fz", "az|"},
        {"abc\bz", "abz|"},
        {"abc\x01\x1b[3~", "|bc"},
        {"abc\x01\x04", "|bc"},
        {"one two  \x17x", "one x|"},
        {"one two\x17\x17\x17", "|"},
        {"one two\x1b\x7fx", "one x|"},
        {"one two" LEFT "\x15", "|o"},
        {"one two\x01" RIGHT "\x0b", "o|"},
        {"one two\x1b"
         "b\x1b"
         "bx",
         "x|one two"},
        {"one two\x01\x1b"
         "fx",
         "onex| two"},
        {"one two\x01\x1b"
         "d",
         "| two"},
        {"one two\x1b[1;5Dx\x1b[1;5Cy", "one xtwoy|"},
        {"one two\x17\x17\x19", "one two|"},
        {"one\x15two\x19", "twoone|"},
        {"one two\x01\x1b"
         "d\x1b"
         "d\x19",
         "one two|"},
        {"a\x1b[99;99;99;99;99;99;99;99;99Rb", "ab|"}, // longer than any key
        {"a\x1b[Zb\x1b"
         "qc",
         "abc|"}, // keys that mean nothing
        {"a\x1b\x1b[Db", "b|a"},
        {"\xc3\xa4" LEFT "x", "x|\xc3\xa4"},
        {"e\xcc\x81\x7fx", "x|"}, // a letter and what stands on it go together
        {"a\xff\xc3(b\xed\xa0\x80\xc2\x85"
         "c",
         "a(bc|"}, // no letters; a surrogate; C1
        {"\x1b[200~a\tb\x03\x1b[A\x7f"
         "c\x1b[201~d",
         "a bcd|"},
        {"\x1b[200~a\r\nb\nc\rd\x1b[201~", "a\nb\nc\nd|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t piece = 1; piece <= 3; piece++) {
            begin(80, 24);
            assert_int_equal(type_pieces(span_string(rows[i].keys), piece), EDITOR_MORE);
            assert_line(rows[i].line);
        }
    }
}

static void what_ends_a_line_is_told(void **state)
{
    (void)state;
    begin(80, 24);
    assert_int_equal(type("ls\r"), EDITOR_LINE);
    assert_line("ls|");
    assert_cursor(1, 0);
    begin(80, 24);
    assert_int_equal(type("ls" LEFT "\n"), EDITOR_LINE);
    begin(80, 24);
    assert_int_equal(type("ls\x03"), EDITOR_CANCEL);
    assert_screen(0, "$ ls^C");
    begin(80, 24);
    assert_int_equal(type("\x04"), EDITOR_END);
    begin(80, 24);
    size_t taken; // what stands behind is the next line's
    assert_int_equal(editor_take(&editor, SPAN_LITERAL("a\rb\r"), &taken, fresh()), EDITOR_LINE);
    assert_int_equal(taken, 2);
}

static void lines_wider_than_the_terminal_wrap(void **state)
{
    (void)state;
    begin(10, 8);
    type("abcdefgh"); // fills the row: the cursor is on the next one
    assert_screen(0, "$ abcdefgh");
    assert_cursor(1, 0);
    type("ij" LEFT LEFT LEFT);
    assert_screen(1, "ij");
    assert_cursor(0, 9);
    type("\x01XYZ");
    assert_screen(0, "$ XYZabcde");
    assert_screen(1, "fghij");
    assert_cursor(0, 5);
    type("\x05\x15");
    assert_screen(0, "$ ");
    assert_screen(1, "");
    assert_cursor(0, 2);
    // a wide letter does not fit into the last column
    type("abcdefg\xe4\xb8\xad");
    assert_screen(0, "$ abcdefg");
    assert_screen(1, "\xe4\xb8\xad");
    assert_cursor(1, 2);
    type(LEFT);
    assert_cursor(1, 0);
    type(LEFT);
    assert_cursor(0, 8);
}

static void lines_taller_than_the_terminal_are_shown_in_part(void **state)
{
    (void)state;
    begin(10, 3);
    type("0123456789012345678901234567890123456789ABCD");
    assert_int_equal(screen.scrolled, 0);
    assert_screen(0, "8901234567");
    assert_screen(2, "89ABCD");
    assert_cursor(2, 6);
    type("\x01");
    assert_screen(0, "$ 01234567");
    assert_screen(2, "8901234567");
    assert_cursor(0, 2);
}

static void wide_and_joined_letters_move_the_cursor_rightly(void **state)
{
    (void)state;
    begin(40, 4);
    type("\xe6\x97\xa5\xe6\x9c\xac"
         "e\xcc\x81x");
    assert_cursor(0, 2 + 4 + 2);
    type(LEFT LEFT);
    assert_cursor(0, 2 + 4);
    type(LEFT "\x7f");
    assert_line("|\xe6\x9c\xac"
                "e\xcc\x81x");
    assert_screen(0, "$ \xe6\x9c\xac"
                     "e\xcc\x81x");
}

static void history_is_walked(void **state)
{
    (void)state;
    history_init(&history);
    history_add(&history, SPAN_LITERAL("first one"));
    history_add(&history, SPAN_LITERAL("second"));
    begin(80, 24);
    type("own" UP);
    assert_line("second|");
    type(UP);
    assert_line("first one|");
    u32 bells = screen.bells;
    type(UP);
    assert_int_equal(screen.bells, bells + 1);
    assert_line("first one|");
    type(DOWN "X" DOWN);
    assert_line("own|");
    type("\x10");
    assert_line("second|");
    type("\x0e");
    assert_line("own|");
    history_init(&history);
}

static void history_is_searched(void **state)
{
    (void)state;
    history_init(&history);
    history_add(&history, SPAN_LITERAL("cat one"));
    history_add(&history, SPAN_LITERAL("ls two"));
    history_add(&history, SPAN_LITERAL("cat three"));
    begin(80, 24);
    type("own\x12"
         "cat");
    assert_screen(0, "(search: cat) cat three");
    type("\x12");
    assert_line("cat one|");
    type("\x12");
    assert_screen(0, "(not found: cat) cat one");
    type("\x07");
    assert_line("own|");
    assert_screen(0, "$ own");
    type("\x12"
         "two" LEFT);
    assert_line("ls tw|o");
    type("\x12"
         "zz\x7f\x7f"
         "cat o");
    assert_line("cat one|");
    assert_int_equal(type("\r"), EDITOR_LINE);
    assert_line("cat one|");
    assert_screen(0, "$ cat one");
    history_init(&history);
}

static void line_at_the_bound_takes_no_more(void **state)
{
    (void)state;
    begin(100, 60);
    static char long_line[SHELL_LINE_BYTES + 1];
    memset(long_line, 'x', SHELL_LINE_BYTES);
    assert_int_equal(type(long_line), EDITOR_MORE);
    assert_int_equal(editor_line(&editor).size, SHELL_LINE_BYTES);
    assert_int_equal(screen.bells, 0);
    type("y");
    assert_int_equal(screen.bells, 1);
    assert_int_equal(editor_line(&editor).size, SHELL_LINE_BYTES);
    type("\x15\x19");
    assert_int_equal(editor_line(&editor).size, SHELL_LINE_BYTES);
    // newlines take most to draw
    begin(200, 60);
    memset(long_line, '\n', SHELL_LINE_BYTES);
    type("\x1b[200~");
    type(long_line);
    type("\x1b[201~");
    assert_int_equal(editor_line(&editor).size, SHELL_LINE_BYTES);
    struct candidates *two = malloc(sizeof *two);
    candidates_init(two);
    candidates_add(two, (struct span){0}, SPAN_LITERAL("a"), false);
    candidates_add(two, (struct span){0}, SPAN_LITERAL("b"), false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(type("\t"), EDITOR_COMPLETE);
        editor_complete(&editor, two, 0, fresh());
        show();
    }
    free(two);
}

static void search_and_prompt_at_the_bound(void **state)
{
    (void)state;
    char words[SHELL_PROMPT_BYTES + 2];
    memset(words, 'p', sizeof words - 1);
    words[sizeof words - 1] = 0;
    begin(200, 8);
    editor_begin(&editor, span_string(words), fresh());
    assert_int_equal(editor.prompt_size, SHELL_PROMPT_BYTES);
    begin(200, 8);
    memset(words, 'q', SHELL_SEARCH_BYTES);
    words[SHELL_SEARCH_BYTES] = 0;
    type("\x12");
    type(words);
    assert_int_equal(editor.query_size, SHELL_SEARCH_BYTES);
    type("q");
    assert_int_equal(editor.query_size, SHELL_SEARCH_BYTES);
    assert_true(screen.bells > 0);
}

static void terminals_of_any_size_are_drawn_to(void **state)
{
    (void)state;
    editor_init(&editor, &history);
    editor_resize(&editor, 0, 0, false, fresh());
    assert_int_equal(editor.columns, SHELL_COLUMNS_MIN);
    assert_int_equal(editor.rows, SHELL_ROWS_MIN);
    editor_resize(&editor, UINT32_MAX, UINT32_MAX, false, fresh());
    assert_int_equal(editor.columns, SHELL_COLUMNS_MAX);
    assert_int_equal(editor.rows, SHELL_ROWS_MAX);
}

static void complete(const char *const *names, size_t count, const char *prefix)
{
    static struct candidates candidates;
    candidates_init(&candidates);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]);
        bool is_folder = names[i][size - 1] == '/';
        candidates_add(&candidates, span_string(prefix), span_of(names[i], size - is_folder),
                       is_folder);
    }
    assert_int_equal(type("\t"), EDITOR_COMPLETE);
    editor_complete(&editor, &candidates, (u32)strlen(prefix), fresh());
    show();
}

static void words_are_completed(void **state)
{
    (void)state;
    static const char *const names[] = {"alpha", "album", "beta x", "folder/", "it's"};
    static const struct {
        const char *typed, *prefix, *line;
    } rows[] = {
        {"cat al", "al", "cat al|"},       {"cat alp", "alp", "cat alpha |"},
        {"cat b", "b", "cat beta\\ x |"},  {"cat \"b", "b", "cat \"beta x\" |"},
        {"cat 'b", "b", "cat 'beta x' |"}, {"cat 'i", "i", "cat 'it'\\''s' |"},
        {"cat i", "i", "cat it\\'s |"},    {"cat f", "f", "cat folder/|"},
        {"cat zzz", "zzz", "cat zzz|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(80, 24);
        type(rows[i].typed);
        complete(names, 5, rows[i].prefix);
        assert_line(rows[i].line);
    }
    // the second Tab lists what there is, in columns, and draws the line again below
    begin(14, 24);
    type("cat al X" LEFT LEFT);
    complete(names, 5, "al");
    assert_int_equal(screen.bells, 1);
    complete(names, 5, "al");
    assert_screen(0, "$ cat al X");
    assert_screen(1, "album  alpha");
    assert_screen(2, "$ cat al X");
    assert_line("cat al| X");
    assert_cursor(2, 8);
}

static void what_is_hidden_comes_back(void **state)
{
    (void)state;
    begin(10, 8);
    type("abcdefghij" LEFT);
    editor_hide(&editor, fresh());
    show();
    assert_cursor(0, 0);
    assert_screen(0, "");
    assert_true(screen_write(&screen, SPAN_LITERAL("news\r\n")));
    editor_show(&editor, fresh());
    show();
    assert_screen(0, "news");
    assert_screen(1, "$ abcdefgh");
    assert_cursor(2, 1);
}

static void what_was_written_over_is_drawn_below(void **state)
{
    (void)state;
    begin(10, 8);
    type("abcdefghij");
    assert_true(screen_write(&screen, SPAN_LITERAL("\r\nnews\r\n")));
    editor_lost(&editor, fresh());
    show();
    assert_screen(0, "$ abcdefgh");
    assert_screen(2, "news");
    assert_screen(3, "$ abcdefgh");
    assert_screen(4, "ij");
    assert_cursor(4, 2);
    type("k");
    assert_line("abcdefghijk|");
}

static void what_stands_in_the_line_stays(void **state)
{
    (void)state;
    begin(10, 8);
    assert_int_equal(type("ab\r"), EDITOR_LINE);
    assert_true(screen_write(&screen, SPAN_LITERAL("part")));
    editor_begin(&editor, SPAN_LITERAL("$ "), fresh());
    show();
    assert_screen(1, "part%     ");
    assert_screen(2, "$ ");
    assert_cursor(2, 2);
}

static void ctrl_l_clears_the_screen(void **state)
{
    (void)state;
    begin(20, 8);
    assert_int_equal(type("one\r"), EDITOR_LINE);
    editor_begin(&editor, SPAN_LITERAL("$ "), fresh());
    show();
    type("two\x0c");
    assert_screen(0, "$ two");
    assert_screen(1, "");
}

static void ctrl_l_in_one_read_is_drawn_once(void **state)
{
    (void)state;
    static u8 keys[SHELL_LINE_BYTES];
    begin(200, 60);
    memset(keys, 'x', sizeof keys); // as many as the terminal has room for
    assert_int_equal(type_pieces(span_of(keys, sizeof keys), sizeof keys), EDITOR_MORE);
    memset(keys, '\x0c', sizeof keys);
    assert_int_equal(type_pieces(span_of(keys, sizeof keys), sizeof keys), EDITOR_MORE);
    assert_int_equal(editor_line(&editor).size, SHELL_LINE_BYTES);
    keys[sizeof keys - 1] = '\r';
    assert_int_equal(type_pieces(span_of(keys, sizeof keys), sizeof keys), EDITOR_LINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_do_what_they_say),
        cmocka_unit_test(what_ends_a_line_is_told),
        cmocka_unit_test(lines_wider_than_the_terminal_wrap),
        cmocka_unit_test(lines_taller_than_the_terminal_are_shown_in_part),
        cmocka_unit_test(wide_and_joined_letters_move_the_cursor_rightly),
        cmocka_unit_test(history_is_walked),
        cmocka_unit_test(history_is_searched),
        cmocka_unit_test(line_at_the_bound_takes_no_more),
        cmocka_unit_test(search_and_prompt_at_the_bound),
        cmocka_unit_test(terminals_of_any_size_are_drawn_to),
        cmocka_unit_test(words_are_completed),
        cmocka_unit_test(what_is_hidden_comes_back),
        cmocka_unit_test(what_was_written_over_is_drawn_below),
        cmocka_unit_test(what_stands_in_the_line_stays),
        cmocka_unit_test(ctrl_l_clears_the_screen),
        cmocka_unit_test(ctrl_l_in_one_read_is_drawn_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
