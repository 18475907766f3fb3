// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/complete.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "lib/shell/characters.h"
#include "lib/shell/letter.h"

// ---- which word

static void plain_append(struct word_at *word, u8 byte)
{
    ASSERT(word->size < SHELL_LINE_BYTES);
    word->plain[word->size++] = byte;
}

// A word has ended, or an operator: does a program's name come next?
static void word_next(struct word_at *word, u8 byte)
{
    if (!is_blank(byte)) {
        word->is_command = byte != '<' && byte != '>';
    } else if (word->size > 0) {
        // behind NAME=value a program's name may still come
        struct span plain = span_of(word->plain, word->size);
        size_t name = name_size(plain);
        bool is_assignment = name > 0 && name < plain.size && plain.data[name] == '=';
        word->is_command = word->is_command && is_assignment;
    }
    word->size = 0;
}

// The name behind the last `$` of the word, if nothing stands behind it.
static void variable_find(struct word_at *word)
{
    struct span plain = span_of(word->plain, word->size);
    for (size_t at = plain.size; at-- > 0;) {
        if (plain.data[at] != '$') {
            continue;
        }
        bool is_braced = at + 1 < plain.size && plain.data[at + 1] == '{';
        struct span name = span_slice(plain, at + 1 + is_braced, plain.size);
        if (name_size(name) == name.size) {
            word->is_variable = true;
            word->is_braced = is_braced;
            mem_move(word->plain, name.data, name.size);
            word->size = (u32)name.size;
        }
        return;
    }
}

void word_at(struct span text, struct word_at *word)
{
    ASSERT(text.size <= SHELL_LINE_BYTES);
    *word = (struct word_at){.is_command = true};
    bool is_dollar = false; // the last `$` is one that means something
    for (size_t at = 0; at < text.size; at++) {
        u8 byte = text.data[at];
        bool is_escape = byte == '\\' && word->quote != '\'' && at + 1 < text.size;
        if (is_escape && (word->quote == 0 || is_escaped_inside(text.data[at + 1]))) {
            byte = text.data[++at];
            is_dollar = is_dollar && byte != '$';
            plain_append(word, byte);
        } else if (byte == word->quote) {
            word->quote = 0;
        } else if (word->quote == 0 && (byte == '\'' || byte == '"')) {
            word->quote = byte;
        } else if (word->quote == 0 && (is_blank(byte) || is_operator(byte))) {
            word_next(word, byte);
        } else {
            is_dollar = byte == '$' ? word->quote != '\'' : is_dollar;
            plain_append(word, byte);
        }
    }
    if (is_dollar) {
        variable_find(word);
    }
}

size_t word_name_start(struct span plain)
{
    size_t start = plain.size;
    while (start > 0 && plain.data[start - 1] != '/') {
        start--;
    }
    return start;
}

// ---- what may stand there

void candidates_init(struct candidates *candidates)
{
    candidates->count = 0;
    candidates->size = 0;
    candidates->has_more = false;
}

struct span candidates_name(const struct candidates *candidates, u32 index)
{
    ASSERT(index < candidates->count);
    const struct candidate *item = &candidates->items[index];
    return span_of(candidates->bytes + item->offset, item->size);
}

static bool is_typable(struct span name)
{
    for (size_t at = 0; at < name.size;) {
        struct letter letter = letter_at(span_slice(name, at, name.size));
        if (letter.bytes == 0 || letter.is_bad) {
            return false;
        }
        at += letter.bytes;
    }
    return name.size > 0;
}

static int compare(struct span a, struct span b)
{
    int order = mem_compare(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

void candidates_add(struct candidates *candidates, struct span prefix, struct span name,
                    bool is_folder)
{
    if (name.size < prefix.size || name.size > SHELL_CANDIDATE_NAME_BYTES || !is_typable(name) ||
        !mem_equal(name.data, prefix.data, prefix.size)) {
        return;
    }
    u32 low = 0;
    u32 high = candidates->count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        int order = compare(candidates_name(candidates, middle), name);
        if (order == 0) {
            return;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    if (candidates->count == SHELL_CANDIDATES ||
        name.size > SHELL_CANDIDATE_BYTES - candidates->size) {
        candidates->has_more = true;
        return;
    }
    struct candidate *item = &candidates->items[low];
    mem_move(item + 1, item, (candidates->count - low) * sizeof *item);
    *item = (struct candidate){candidates->size, (u16)name.size, is_folder};
    mem_copy(candidates->bytes + candidates->size, name.data, name.size);
    candidates->size += (u32)name.size;
    candidates->count++;
}

// ---- what to write

// How many bytes all begin with: of whole letters.
static u32 common_size(const struct candidates *candidates)
{
    struct span first = candidates_name(candidates, 0);
    // by their bytes: what the first and the last have in common all have
    struct span last = candidates_name(candidates, candidates->count - 1);
    u32 size = 0;
    while (size < first.size && size < last.size && first.data[size] == last.data[size]) {
        size++;
    }
    while (size > 0 && size < first.size && (first.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}

static void quoted(struct text *out, struct span bytes, u8 quote)
{
    for (size_t i = 0; i < bytes.size; i++) {
        u8 byte = bytes.data[i];
        if (quote == '\'' && byte == '\'') {
            text_string(out, "'\\''");
            continue;
        }
        bool is_special = quote == 0 ? is_quoted_outside(byte) : is_escaped_inside(byte);
        if (quote != '\'' && is_special) {
            text_char(out, '\\');
        }
        text_char(out, (char)byte);
    }
}

void candidates_rest(const struct candidates *candidates, u32 typed, const struct word_at *word,
                     struct text *out)
{
    if (candidates->count == 0) {
        return;
    }
    u32 size = common_size(candidates);
    struct span name = candidates_name(candidates, 0);
    if (size > typed) {
        quoted(out, span_slice(name, typed, size), word->quote);
    }
    if (candidates->count > 1 || candidates->has_more) {
        return;
    }
    if (candidates->items[0].is_folder) {
        text_char(out, '/');
    } else if (word->is_variable) {
        text_string(out, word->is_braced ? "}" : "");
    } else {
        if (word->quote != 0) {
            text_char(out, (char)word->quote);
        }
        text_char(out, ' ');
    }
}

static void row_list(const struct candidates *candidates, u32 row, u32 row_count, u32 width,
                     struct text *out)
{
    for (u32 i = row; i < candidates->count; i += row_count) {
        struct span name = candidates_name(candidates, i);
        text_bytes(out, name);
        text_string(out, candidates->items[i].is_folder ? "/" : "");
        u32 columns = letters_columns(name) + candidates->items[i].is_folder;
        for (; i + row_count < candidates->count && columns < width; columns++) {
            text_char(out, ' ');
        }
    }
    text_string(out, "\r\n");
}

static size_t row_bytes(const struct candidates *candidates, u32 row, u32 row_count, u32 width)
{
    size_t bytes = 2;
    for (u32 i = row; i < candidates->count; i += row_count) {
        bytes += candidates->items[i].size + width;
    }
    return bytes;
}

void candidates_list(const struct candidates *candidates, u32 columns, size_t most,
                     struct text *out)
{
    enum { LAST_BYTES = 64, GAP = 2 }; // of the line that counts; between two columns
    u32 width = 1;
    for (u32 i = 0; i < candidates->count; i++) {
        u32 own = letters_columns(candidates_name(candidates, i)) + candidates->items[i].is_folder;
        width = own > width ? own : width;
    }
    width += GAP;
    u32 in_row = (columns + GAP) / width;
    in_row = in_row == 0 ? 1 : in_row;
    u32 row_count = (candidates->count + in_row - 1) / in_row;
    size_t end = out->size + most;
    for (u32 row = 0; row < row_count; row++) {
        size_t bytes = row_bytes(candidates, row, row_count, width);
        if (out->size + bytes + LAST_BYTES > end) {
            text_string(out, "and ");
            text_u64(out, row_count - row);
            text_string(out, " more lines\r\n");
            return;
        }
        row_list(candidates, row, row_count, width, out);
    }
    if (candidates->has_more) {
        text_string(out, "and more\r\n");
    }
}
