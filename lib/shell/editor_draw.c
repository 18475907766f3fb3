// SPDX-License-Identifier: GPL-3.0-or-later
// What the editor shows: prompt and line are laid out in rows of the terminal's width, then those
// rows are written that the terminal has room for.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "lib/shell/editor.h"
#include "lib/shell/internal.h"
#include "lib/shell/letter.h"

struct place {
    u32 row;
    u32 column;
};

struct layout {
    struct place cursor;
    struct place end;
    u32 first; // row that is shown
};

// What stands in front of the line.
struct front {
    struct span parts[4];
};

static struct front front_of(const struct editor *editor)
{
    if (!editor->is_searching) {
        return (struct front){{span_of(editor->prompt, editor->prompt_size)}};
    }
    struct span said =
        editor->is_missing ? SPAN_LITERAL("(not found: ") : SPAN_LITERAL("(search: ");
    return (struct front){{said, span_of(editor->query, editor->query_size), SPAN_LITERAL(") ")}};
}

// The place behind a letter, which is put where it begins.
static struct place place_behind(struct place *start, struct letter letter, u32 columns)
{
    if (letter.code == '\n') {
        return (struct place){start->row + 1, 0};
    }
    if (start->column + letter.columns > columns) {
        *start = (struct place){start->row + 1, 0};
    }
    return (struct place){start->row, start->column + letter.columns};
}

// Writes letters into the rows [first, end) of the screen, none of them when `out` is NULL.
static struct place letters_write(struct span letters, struct place place, u32 columns, u32 first,
                                  u32 end, struct text *out)
{
    for (size_t at = 0; at < letters.size;) {
        struct letter letter = letter_at(span_slice(letters, at, letters.size));
        ASSERT(letter.bytes > 0 && (!letter.is_bad || letter.code == '\n'));
        struct place start = place;
        place = place_behind(&start, letter, columns);
        if (out != NULL && letter.code == '\n' && start.row >= first && place.row < end) {
            text_string(out, "\r\n");
        } else if (out != NULL && letter.code != '\n' && start.row >= first && start.row < end) {
            text_bytes(out, span_slice(letters, at, at + letter.bytes));
        }
        at += letter.bytes;
    }
    return place;
}

static struct place front_write(const struct editor *editor, u32 first, u32 end, struct text *out)
{
    struct front front = front_of(editor);
    struct place place = {0};
    for (u32 i = 0; i < COUNT_OF(front.parts); i++) {
        place = letters_write(front.parts[i], place, editor->columns, first, end, out);
    }
    return place;
}

// A place in the last column, where the cursor cannot be seen, is the first of the next row.
static struct place visible(struct place place, u32 next_columns, u32 columns)
{
    return place.column + next_columns > columns ? (struct place){place.row + 1, 0} : place;
}

static struct layout layout_of(const struct editor *editor)
{
    struct span left = span_of(editor->text, editor->at);
    struct span right = span_slice(span_of(editor->text, editor->size), editor->at, editor->size);
    struct place at =
        letters_write(left, front_write(editor, 0, 0, NULL), editor->columns, 0, 0, NULL);
    u32 next = letter_at(right).columns;
    struct layout layout = {.cursor = visible(at, next == 0 ? 1 : next, editor->columns)};
    struct place end = letters_write(right, at, editor->columns, 0, 0, NULL);
    layout.end = visible(end, 1, editor->columns);
    bool is_tall = layout.end.row >= editor->rows && layout.cursor.row >= editor->rows;
    layout.first = is_tall ? layout.cursor.row - editor->rows + 1 : 0;
    return layout;
}

static void move(struct text *out, u32 count, char direction)
{
    if (count > 0) {
        text_string(out, "\x1b[");
        text_u64(out, count);
        text_char(out, direction);
    }
}

void editor_erase(struct editor *editor, struct text *out)
{
    text_char(out, '\r');
    move(out, editor->row, 'A');
    text_string(out, "\x1b[J");
    editor->row = 0;
}

// Writes all that is shown, from its first row on. Returns the row where the terminal's cursor is.
static u32 rows_write(const struct editor *editor, const struct layout *layout, struct text *out)
{
    u32 end = layout->first + editor->rows;
    struct place place = front_write(editor, layout->first, end, out);
    place = letters_write(span_of(editor->text, editor->size), place, editor->columns,
                          layout->first, end, out);
    bool is_full = layout->end.row != place.row && layout->end.row < end;
    text_string(out, is_full ? "\r\n" : ""); // the cursor waits in the last column
    return layout->end.row < end ? layout->end.row : end - 1;
}

void editor_draw(struct editor *editor, struct text *out)
{
    if (editor->rings) {
        text_char(out, '\a');
        editor->rings = false;
    }
    if (!editor->is_stale) {
        return;
    }
    editor->is_stale = false;
    if (editor->clears) { // once, however often that was typed
        text_string(out, "\x1b[H\x1b[2J");
        editor->clears = false;
        editor->row = 0;
    }
    editor_erase(editor, out);
    struct layout layout = layout_of(editor);
    u32 row = rows_write(editor, &layout, out);
    ASSERT(row >= layout.cursor.row);
    move(out, row - layout.cursor.row, 'A');
    text_char(out, '\r');
    move(out, layout.cursor.column, 'C');
    editor->row = layout.cursor.row - layout.first;
    ASSERT(!out->cut);
}

void editor_leave(struct editor *editor, const char *mark, struct text *out)
{
    editor->at = editor->size;
    editor->is_stale = true;
    editor_draw(editor, out);
    text_string(out, mark);
    text_string(out, "\r\n");
    editor->row = 0;
}

void editor_place_again(struct editor *editor)
{
    struct layout layout = layout_of(editor);
    editor->row = layout.cursor.row - layout.first;
}
