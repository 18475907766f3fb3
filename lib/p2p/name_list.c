// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/name_list.h"
#include "core/base/assert.h"
#include "core/base/text.h"

// What begins at *at, without its newline; moves *at behind it. False: the list is at its end.
static bool line_next(struct span list, size_t *at, struct span *line)
{
    size_t start = *at, end = *at;
    if (start >= list.size) {
        return false;
    }
    while (end < list.size && list.data[end] != '\n') {
        end++;
    }
    *line = span_slice(list, start, end);
    *at = end < list.size ? end + 1 : end;
    return true;
}

static int digit_of(u8 c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Splits a line into its word, its key and the digits of its record. False: it is no such line.
static bool line_split(struct span line, bool *is_mine, struct peer_id *key, struct span *hex)
{
    size_t space = NAME_WORD_BYTES;
    if (line.size < NAME_WORD_BYTES) {
        return false;
    }
    struct span word = span_slice(line, 0, NAME_WORD_BYTES);
    *is_mine = span_equal(word, SPAN_LITERAL("mine "));
    if (!*is_mine && !span_equal(word, SPAN_LITERAL("seen "))) {
        return false;
    }
    while (space < line.size && line.data[space] != ' ') {
        space++;
    }
    if (space == line.size ||
        peer_id_parse(span_slice(line, NAME_WORD_BYTES, space), key, NULL) != ERR_OK) {
        return false;
    }
    *hex = span_slice(line, space + 1, line.size);
    return true;
}

static bool line_read(struct span line, struct name_line *out)
{
    struct span hex;
    if (!line_split(line, &out->is_mine, &out->key, &hex) || hex.size % 2 != 0 ||
        hex.size / 2 > P2P_KAD_NAME_BYTES) {
        return false;
    }
    out->size = hex.size / 2;
    for (size_t i = 0; i < out->size; i++) {
        int high = digit_of(hex.data[2 * i]), low = digit_of(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out->bytes[i] = (u8)(high << 4 | low);
    }
    return true;
}

bool name_list_next(struct span list, size_t *at, struct name_line *out)
{
    struct span line;
    while (line_next(list, at, &line)) {
        if (line_read(line, out)) {
            return true;
        }
    }
    return false;
}

bool name_list_find(struct span list, const struct peer_id *key, struct name_line *out)
{
    for (size_t at = 0; name_list_next(list, &at, out);) {
        if (peer_id_equal(&out->key, key)) {
            return true;
        }
    }
    return false;
}

bool name_list_is_damaged(struct span list)
{
    static struct name_line line; // too large for a stack
    struct span words;
    for (size_t at = 0; line_next(list, &at, &words);) {
        if (words.size != 0 && !line_read(words, &line)) {
            return true;
        }
    }
    return false;
}

// Whether a line of the list is no more when one of that key is set.
static bool is_former(struct span words, const struct peer_id *key)
{
    struct span hex;
    struct peer_id other;
    bool is_mine;
    return words.size == 0 ||
           (line_split(words, &is_mine, &other, &hex) && peer_id_equal(&other, key));
}

static bool may_go(struct span words)
{
    struct span mine = SPAN_LITERAL("mine ");
    return words.size < mine.size || !span_equal(span_slice(words, 0, mine.size), mine);
}

size_t name_list_set(struct span list, const struct name_line *line, char *out)
{
    char name[P2P_PEER_ID_TEXT_BYTES];
    struct text key = text_over(name, sizeof name);
    struct text text = text_over(out, list.size + NAME_LINE_BYTES + 1);
    struct span words;
    ASSERT(line->size <= P2P_KAD_NAME_BYTES);
    peer_id_write_name(&key, &line->key);
    size_t total = NAME_WORD_BYTES + key.size + 1 + 2 * line->size + 1;
    for (size_t at = 0; line_next(list, &at, &words);) {
        total += is_former(words, &line->key) ? 0 : words.size + 1;
    }
    for (size_t at = 0; line_next(list, &at, &words);) {
        if (is_former(words, &line->key)) {
            continue;
        }
        if (total > NAME_LIST_BYTES && may_go(words)) {
            total -= words.size + 1;
            continue;
        }
        text_bytes(&text, words);
        text_char(&text, '\n');
    }
    text_string(&text, line->is_mine ? "mine " : "seen ");
    text_bytes(&text, span_of(key.data, key.size));
    text_char(&text, ' ');
    text_hex_bytes(&text, span_of(line->bytes, line->size));
    text_char(&text, '\n');
    ASSERT(!text.cut && text.size == total);
    return total <= NAME_LIST_BYTES ? total : 0;
}
