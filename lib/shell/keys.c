// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/keys.h"
#include "core/base/compiler.h"
#include "lib/shell/letter.h"

enum { ESCAPE = 0x1b, ERASE = 0x7f };

struct row {
    const char *sequence; // behind Escape
    enum key_kind kind;
};

static const struct row rows[] = {
    {"[A", KEY_UP},           {"[B", KEY_DOWN},          {"[C", KEY_RIGHT},
    {"[D", KEY_LEFT},         {"[H", KEY_HOME},          {"[F", KEY_END},
    {"OA", KEY_UP},           {"OB", KEY_DOWN},          {"OC", KEY_RIGHT},
    {"OD", KEY_LEFT},         {"OH", KEY_HOME},          {"OF", KEY_END},
    {"[1~", KEY_HOME},        {"[7~", KEY_HOME},         {"[4~", KEY_END},
    {"[8~", KEY_END},         {"[3~", KEY_DELETE},       {"[1;5C", KEY_WORD_RIGHT},
    {"[1;5D", KEY_WORD_LEFT}, {"[1;3C", KEY_WORD_RIGHT}, {"[1;3D", KEY_WORD_LEFT},
    {"b", KEY_WORD_LEFT},     {"f", KEY_WORD_RIGHT},     {"d", KEY_WORD_DELETE},
    {"\x7f", KEY_WORD_ERASE}, {"\b", KEY_WORD_ERASE},
};

// A sequence is at its end. What was too long to keep is none that is known.
static struct key sequence_key(struct keys *keys)
{
    struct span said = span_of(keys->bytes + 1, keys->size - 1);
    keys->is_over = true;
    if (span_equal(said, SPAN_LITERAL("[200~"))) {
        keys->is_pasting = true;
    } else if (span_equal(said, SPAN_LITERAL("[201~"))) {
        keys->is_pasting = false;
    } else if (!keys->is_pasting) {
        for (u32 i = 0; i < COUNT_OF(rows); i++) {
            if (span_equal(said, span_string(rows[i].sequence))) {
                return (struct key){.kind = rows[i].kind};
            }
        }
    }
    return (struct key){.kind = KEY_OTHER};
}

// A byte behind Escape, and kept.
static struct key escaped(struct keys *keys, u8 byte)
{
    if (keys->size == 2) {
        if (byte == ESCAPE) { // the first one was alone
            keys->size = 1;
            return (struct key){.kind = KEY_OTHER};
        }
        return byte == '[' || byte == 'O' ? (struct key){.kind = KEY_MORE} : sequence_key(keys);
    }
    bool is_inside = keys->bytes[1] == '[' && byte >= 0x20 && byte < 0x40;
    return is_inside ? (struct key){.kind = KEY_MORE} : sequence_key(keys);
}

static struct key control_key(struct keys *keys, u8 byte)
{
    keys->is_over = true;
    if (!keys->is_pasting) {
        return byte == ERASE ? (struct key){.kind = KEY_BACKSPACE}
                             : (struct key){.kind = KEY_CONTROL, .control = byte + '@'};
    }
    bool was_returned = keys->is_returned;
    keys->is_returned = byte == '\r';
    if (byte == '\r' || (byte == '\n' && !was_returned)) {
        return (struct key){.kind = KEY_NEWLINE};
    }
    if (byte == '\t') { // which would be shown as we know not how many columns
        return (struct key){.kind = KEY_LETTER, .bytes = SPAN_LITERAL(" ")};
    }
    return (struct key){.kind = KEY_OTHER};
}

struct key keys_take(struct keys *keys, u8 byte)
{
    if (keys->is_over) {
        keys->is_over = false;
        keys->size = 0;
    }
    if (keys->size > 1 && keys->bytes[0] == ESCAPE && (byte == ESCAPE || byte == 0x18)) {
        keys->size = 0; // another begins in its middle, or it is called off
    }
    if (keys->size > 0 && keys->bytes[0] >= 0x80 && (byte & 0xc0) != 0x80) {
        keys->size = 0; // what breaks a letter off begins another key
    }
    if (keys->size < SHELL_KEY_BYTES) {
        keys->bytes[keys->size++] = byte;
    }
    if (keys->bytes[0] == ESCAPE) {
        return keys->size == 1 ? (struct key){.kind = KEY_MORE} : escaped(keys, byte);
    }
    if (keys->size == 1 && (byte < 0x20 || byte == ERASE)) {
        return control_key(keys, byte);
    }
    keys->is_returned = false;
    struct letter letter = letter_at(span_of(keys->bytes, keys->size));
    if (letter.bytes == 0) {
        return (struct key){.kind = KEY_MORE};
    }
    keys->is_over = true;
    if (letter.is_bad) {
        return (struct key){.kind = KEY_OTHER};
    }
    return (struct key){.kind = KEY_LETTER, .bytes = span_of(keys->bytes, keys->size)};
}
