// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/editor.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "lib/shell/characters.h"
#include "lib/shell/complete.h"
#include "lib/shell/history.h"
#include "lib/shell/internal.h"
#include "lib/shell/letter.h"

// ---- the text

static struct span text_of(const struct editor *editor)
{
    return span_of(editor->text, editor->size);
}

// Copies what may be shown, and newlines. Returns how many bytes that is, at most `most`.
static u32 shown_copy(u8 *to, u32 most, struct span bytes)
{
    u32 size = 0;
    for (size_t at = 0; at < bytes.size;) {
        struct letter letter = letter_at(span_slice(bytes, at, bytes.size));
        if (letter.bytes == 0 || letter.bytes > most - size) {
            break;
        }
        if (!letter.is_bad || letter.code == '\n') {
            mem_copy(to + size, bytes.data + at, letter.bytes);
            size += letter.bytes;
        }
        at += letter.bytes;
    }
    return size;
}

static void line_set(struct editor *editor, struct span line)
{
    editor->size = shown_copy(editor->text, SHELL_LINE_BYTES, line);
    editor->at = editor->size;
    editor->is_stale = true;
}

// False, and the bell: there is no room.
static bool line_insert(struct editor *editor, struct span bytes)
{
    if (bytes.size > SHELL_LINE_BYTES - editor->size) {
        editor->rings = true;
        return false;
    }
    u8 *at = editor->text + editor->at;
    mem_move(at + bytes.size, at, editor->size - editor->at);
    mem_copy(at, bytes.data, bytes.size);
    editor->size += (u32)bytes.size;
    editor->at += (u32)bytes.size;
    editor->is_stale = true;
    return true;
}

// Takes the bytes [start, end) out; the cursor is at one of both.
static void line_erase(struct editor *editor, u32 start, u32 end)
{
    ASSERT(start <= end && end <= editor->size);
    mem_move(editor->text + start, editor->text + end, editor->size - end);
    editor->size -= end - start;
    editor->at = start;
    editor->is_stale = true;
}

// The same, to be pasted: what was cut by the key before stays beside it.
static void line_cut(struct editor *editor, u32 start, u32 end, bool was_cutting)
{
    u32 size = end - start;
    u32 held = was_cutting ? editor->cut_size : 0;
    held = size + held > SHELL_LINE_BYTES ? 0 : held;
    bool is_left = end == editor->at;
    mem_move(editor->cut + (is_left ? size : 0), editor->cut, held);
    mem_copy(editor->cut + (is_left ? 0 : held), editor->text + start, size);
    editor->cut_size = held + size;
    editor->is_cutting = true;
    line_erase(editor, start, end);
}

// ---- words

static bool is_word_byte(u8 byte)
{
    return byte >= 0x80 || is_name_byte(byte, false);
}

static u32 word_left(const struct editor *editor)
{
    u32 at = editor->at;
    while (at > 0 && !is_word_byte(editor->text[at - 1])) {
        at--;
    }
    while (at > 0 && is_word_byte(editor->text[at - 1])) {
        at--;
    }
    return at;
}

static u32 word_right(const struct editor *editor)
{
    u32 at = editor->at;
    while (at < editor->size && !is_word_byte(editor->text[at])) {
        at++;
    }
    while (at < editor->size && is_word_byte(editor->text[at])) {
        at++;
    }
    return at;
}

// As Ctrl-W has it: what stands between blanks.
static u32 blank_left(const struct editor *editor)
{
    u32 at = editor->at;
    while (at > 0 && (is_blank(editor->text[at - 1]) || editor->text[at - 1] == '\n')) {
        at--;
    }
    while (at > 0 && !is_blank(editor->text[at - 1]) && editor->text[at - 1] != '\n') {
        at--;
    }
    return at;
}

// ---- history

static void own_keep(struct editor *editor)
{
    if (editor->age == 0) {
        mem_copy(editor->kept, editor->text, editor->size);
        editor->kept_size = editor->size;
    }
}

static void age_set(struct editor *editor, u32 age)
{
    own_keep(editor);
    editor->age = age;
    line_set(editor, age == 0 ? span_of(editor->kept, editor->kept_size)
                              : history_line(editor->history, age - 1));
}

static void history_move(struct editor *editor, bool is_older)
{
    bool is_end = is_older ? editor->age == editor->history->count : editor->age == 0;
    if (is_end) {
        editor->rings = true;
    } else {
        age_set(editor, is_older ? editor->age + 1 : editor->age - 1);
    }
}

// Shows the youngest line from `age` on that has what is searched for.
static void search(struct editor *editor, u32 age)
{
    struct span query = span_of(editor->query, editor->query_size);
    u32 found =
        query.size == 0 ? editor->history->count : history_find(editor->history, age, query);
    editor->is_missing = query.size > 0 && found == editor->history->count;
    if (found < editor->history->count) {
        editor->age = found + 1;
        line_set(editor, history_line(editor->history, found));
    }
    editor->rings = editor->rings || editor->is_missing;
    editor->is_stale = true;
}

static void search_begin(struct editor *editor)
{
    own_keep(editor);
    editor->is_searching = true;
    editor->is_missing = false;
    editor->query_size = 0;
    editor->is_stale = true;
}

static void search_end(struct editor *editor)
{
    editor->is_searching = false;
    editor->is_stale = true;
}

// A key while searching. False: it ends the search, and means what it means.
static bool search_key(struct editor *editor, const struct key *key)
{
    u32 age = editor->age == 0 ? 0 : editor->age - 1;
    bool is_backspace =
        key->kind == KEY_BACKSPACE || (key->kind == KEY_CONTROL && key->control == 'H');
    if (key->kind == KEY_LETTER) {
        if (key->bytes.size > SHELL_SEARCH_BYTES - editor->query_size) {
            editor->rings = true;
            return true;
        }
        mem_copy(editor->query + editor->query_size, key->bytes.data, key->bytes.size);
        editor->query_size += (u32)key->bytes.size;
        search(editor, age);
        return true;
    }
    if (is_backspace) {
        editor->query_size =
            letter_before(span_of(editor->query, editor->query_size), editor->query_size);
        search(editor, 0);
        return true;
    }
    if (key->kind == KEY_CONTROL && key->control == 'R') {
        search(editor, editor->age);
        return true;
    }
    search_end(editor);
    if (key->kind == KEY_CONTROL && key->control == 'G') {
        editor->age = 0;
        line_set(editor, span_of(editor->kept, editor->kept_size));
        return true;
    }
    return key->kind == KEY_OTHER; // Escape: the line stays, to be edited
}

// ---- keys

static void cursor_set(struct editor *editor, u32 at)
{
    editor->is_stale = editor->is_stale || at != editor->at;
    editor->at = at;
}

static void erase_left(struct editor *editor)
{
    if (editor->at == 0) {
        editor->rings = true;
        return;
    }
    line_erase(editor, letter_before(text_of(editor), editor->at), editor->at);
}

static void erase_right(struct editor *editor)
{
    line_erase(editor, editor->at, letter_after(text_of(editor), editor->at));
}

static void screen_clear(struct editor *editor)
{
    editor->clears = true;
    editor->is_stale = true;
}

static enum editor_event finish(struct editor *editor, enum editor_event event, struct text *out)
{
    editor_leave(editor, event == EDITOR_CANCEL ? "^C" : "", out);
    return event;
}

static enum editor_event control_key(struct editor *editor, u8 control, bool was_cutting,
                                     struct text *out)
{
    switch (control) {
    case 'A':
        cursor_set(editor, 0);
        break;
    case 'B':
        cursor_set(editor, letter_before(text_of(editor), editor->at));
        break;
    case 'C':
        return finish(editor, EDITOR_CANCEL, out);
    case 'D':
        if (editor->size == 0) {
            return finish(editor, EDITOR_END, out);
        }
        erase_right(editor);
        break;
    case 'E':
        cursor_set(editor, editor->size);
        break;
    case 'F':
        cursor_set(editor, letter_after(text_of(editor), editor->at));
        break;
    case 'H':
        erase_left(editor);
        break;
    case 'I':
        editor->tab_count++;
        return EDITOR_COMPLETE;
    case 'J':
    case 'M':
        return finish(editor, EDITOR_LINE, out);
    case 'K':
        line_cut(editor, editor->at, editor->size, was_cutting);
        break;
    case 'L':
        screen_clear(editor);
        break;
    case 'N':
        history_move(editor, false);
        break;
    case 'P':
        history_move(editor, true);
        break;
    case 'R':
        search_begin(editor);
        break;
    case 'U':
        line_cut(editor, 0, editor->at, was_cutting);
        break;
    case 'W':
        line_cut(editor, blank_left(editor), editor->at, was_cutting);
        break;
    case 'Y':
        (void)line_insert(editor, span_of(editor->cut, editor->cut_size));
        break;
    default:
        break;
    }
    return EDITOR_MORE;
}

static enum editor_event key_do(struct editor *editor, const struct key *key, struct text *out)
{
    bool was_cutting = editor->is_cutting;
    editor->is_cutting = false;
    if (key->kind != KEY_CONTROL || key->control != 'I') {
        editor->tab_count = 0;
    }
    switch (key->kind) {
    case KEY_LETTER:
        (void)line_insert(editor, key->bytes);
        break;
    case KEY_NEWLINE:
        (void)line_insert(editor, SPAN_LITERAL("\n"));
        break;
    case KEY_CONTROL:
        return control_key(editor, key->control, was_cutting, out);
    case KEY_BACKSPACE:
        erase_left(editor);
        break;
    case KEY_DELETE:
        erase_right(editor);
        break;
    case KEY_LEFT:
        cursor_set(editor, letter_before(text_of(editor), editor->at));
        break;
    case KEY_RIGHT:
        cursor_set(editor, letter_after(text_of(editor), editor->at));
        break;
    case KEY_UP:
        history_move(editor, true);
        break;
    case KEY_DOWN:
        history_move(editor, false);
        break;
    case KEY_HOME:
        cursor_set(editor, 0);
        break;
    case KEY_END:
        cursor_set(editor, editor->size);
        break;
    case KEY_WORD_LEFT:
        cursor_set(editor, word_left(editor));
        break;
    case KEY_WORD_RIGHT:
        cursor_set(editor, word_right(editor));
        break;
    case KEY_WORD_DELETE:
        line_cut(editor, editor->at, word_right(editor), was_cutting);
        break;
    case KEY_WORD_ERASE:
        line_cut(editor, word_left(editor), editor->at, was_cutting);
        break;
    case KEY_MORE:
    case KEY_OTHER:
        break;
    }
    return EDITOR_MORE;
}

// ---- from outside

void editor_init(struct editor *editor, const struct history *history)
{
    mem_zero(editor, sizeof *editor);
    editor->history = history;
    editor->columns = 80;
    editor->rows = 24;
}

static u32 within(u32 value, u32 least, u32 most)
{
    return value < least ? least : value > most ? most : value;
}

void editor_resize(struct editor *editor, u32 columns, u32 rows, bool is_editing, struct text *out)
{
    editor->columns = within(columns, SHELL_COLUMNS_MIN, SHELL_COLUMNS_MAX);
    editor->rows = within(rows, SHELL_ROWS_MIN, SHELL_ROWS_MAX);
    if (is_editing) {
        editor_place_again(editor); // terminals break their lines anew by themselves
        editor->is_stale = true;
        editor_draw(editor, out);
    }
}

// As many columns as a row has: where something stands in the row, the last of them are in the
// next.
static void row_leave(const struct editor *editor, struct text *out)
{
    text_char(out, '%');
    for (u32 column = 1; column < editor->columns; column++) {
        text_char(out, ' ');
    }
    text_char(out, '\r');
}

void editor_begin(struct editor *editor, struct span prompt, struct text *out)
{
    row_leave(editor, out);
    editor->prompt_size = 0;
    for (size_t at = 0; at < prompt.size;) {
        struct letter letter = letter_at(span_slice(prompt, at, prompt.size));
        if (letter.bytes == 0 || letter.bytes > SHELL_PROMPT_BYTES - editor->prompt_size) {
            break;
        }
        if (!letter.is_bad) {
            mem_copy(editor->prompt + editor->prompt_size, prompt.data + at, letter.bytes);
            editor->prompt_size += letter.bytes;
        }
        at += letter.bytes;
    }
    editor->row = 0;
    editor->age = 0;
    editor->size = 0;
    editor->at = 0;
    editor->tab_count = 0;
    editor->is_cutting = false;
    editor->is_searching = false;
    editor->is_stale = true;
    editor_draw(editor, out);
}

enum editor_event editor_take(struct editor *editor, struct span bytes, size_t *taken,
                              struct text *out)
{
    enum editor_event event = EDITOR_MORE;
    *taken = 0;
    while (*taken < bytes.size && event == EDITOR_MORE) {
        struct key key = keys_take(&editor->keys, bytes.data[(*taken)++]);
        if (key.kind == KEY_MORE || (editor->is_searching && search_key(editor, &key))) {
            continue;
        }
        event = key_do(editor, &key, out);
    }
    editor_draw(editor, out);
    return event;
}

struct span editor_line(const struct editor *editor)
{
    return text_of(editor);
}

struct span editor_left(const struct editor *editor)
{
    return span_of(editor->text, editor->at);
}

void editor_complete(struct editor *editor, const struct candidates *candidates, u32 prefix_size,
                     struct text *out)
{
    enum {
        REST_BYTES = SHELL_CANDIDATE_NAME_BYTES * 4 + 3
    }; // each a quote of four bytes, and its end
    char rest[REST_BYTES];
    struct word_at word;
    word_at(editor_left(editor), &word);
    struct text text = text_over(rest, sizeof rest);
    candidates_rest(candidates, prefix_size, &word, &text);
    ASSERT(!text.cut);
    if (text.size > 0 && line_insert(editor, span_of(text.data, text.size))) {
        editor->tab_count = 0;
    } else if (candidates->count > 1 && editor->tab_count > 1) {
        u32 at = editor->at;
        editor_leave(editor, "", out);
        editor->at = at;
        candidates_list(candidates, editor->columns, SHELL_LISTED_BYTES, out);
        editor->is_stale = true;
    } else {
        editor->rings = true;
    }
    editor_draw(editor, out);
}

void editor_hide(struct editor *editor, struct text *out)
{
    editor_erase(editor, out);
}

void editor_show(struct editor *editor, struct text *out)
{
    editor->is_stale = true;
    editor_draw(editor, out);
}

void editor_lost(struct editor *editor, struct text *out)
{
    editor->row = 0; // what was above is somewhere above, and stays
    editor_show(editor, out);
}
