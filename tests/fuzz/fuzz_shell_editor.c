// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as what is typed. After each piece the terminal shows what it would if all was drawn
// at once, and the cursor is where it would be.
#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "lib/shell/complete.h"
#include "lib/shell/editor.h"
#include "lib/shell/history.h"
#include "tests/unit/screen.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static struct editor editor, copy;
static struct history history;
static struct screen screen, whole;
static char drawn[SHELL_DRAWN_BYTES];
static struct text out;

static struct text *fresh(void)
{
    out = text_over(drawn, sizeof drawn);
    return &out;
}

static void show(struct screen *on)
{
    ASSERT(!out.cut);
    ASSERT(screen_write(on, span_of(out.data, out.size)));
}

// What is shown from the line's first row on is what a new drawing shows.
static void same_check(void)
{
    screen_init(&whole, screen.rows, screen.columns);
    copy = editor;
    copy.row = 0;
    editor_show(&copy, fresh());
    show(&whole);
    ASSERT(copy.row == editor.row && whole.column == screen.column && whole.scrolled == 0);
    ASSERT(screen.row >= editor.row);
    u32 first = screen.row - editor.row;
    for (u32 row = 0; row + first < screen.rows; row++) {
        char wanted[256];
        strncpy(wanted, screen_row(&whole, row), sizeof wanted - 1);
        wanted[sizeof wanted - 1] = 0;
        ASSERT(strncmp(screen_row(&screen, row + first), wanted, sizeof wanted - 1) == 0);
    }
}

static void complete(u8 how)
{
    static const char *const names[] = {"alpha", "al pha", "b'x", "folder", "\xe6\x97\xa5x"};
    static struct word_at word;
    static struct candidates candidates;
    word_at(editor_left(&editor), &word);
    struct span plain = span_of(word.plain, word.size);
    struct span prefix = span_slice(plain, word_name_start(plain), plain.size);
    candidates_init(&candidates);
    for (u32 i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (how >> i & 1) {
            candidates_add(&candidates, prefix, span_string(names[i]), i == 3);
        }
    }
    editor_complete(&editor, &candidates, (u32)prefix.size, fresh());
    show(&screen);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    u32 columns = SHELL_COLUMNS_MIN + data[0] % 40;
    u32 rows = SHELL_ROWS_MIN + data[1] % 20;
    u32 piece = 1 + data[2] % 16;
    history_init(&history);
    (void)history_add(&history, SPAN_LITERAL("cat one | wc"));
    (void)history_add(&history, SPAN_LITERAL("a longer line of the history\nin two lines"));
    screen_init(&screen, rows, columns);
    editor_init(&editor, &history);
    editor_resize(&editor, columns, rows, false, fresh());
    editor_begin(&editor, SPAN_LITERAL("~ $ "), fresh());
    show(&screen);
    struct span bytes = span_of(data + 4, size - 4);
    for (u32 steps = 0; bytes.size > 0 && steps < 400; steps++) {
        size_t taken = 0, most = bytes.size < piece ? bytes.size : piece;
        enum editor_event event = editor_take(&editor, span_slice(bytes, 0, most), &taken, fresh());
        ASSERT(taken > 0 && (event != EDITOR_MORE || taken == most));
        show(&screen);
        bytes = span_slice(bytes, taken, bytes.size);
        ASSERT(utf8_is_valid(editor_line(&editor)) && utf8_is_valid(editor_left(&editor)));
        if (event == EDITOR_COMPLETE) {
            complete(data[3]);
        } else if (event != EDITOR_MORE) {
            if (event == EDITOR_LINE) {
                (void)history_add(&history, editor_line(&editor));
            }
            editor_begin(&editor, SPAN_LITERAL("~ $ "), fresh());
            show(&screen);
        }
        same_check();
    }
    return 0;
}
