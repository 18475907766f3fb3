// SPDX-License-Identifier: GPL-3.0-or-later
// One byte after the other, by a state that says what may come; what is open is a bit for each
// object or array. So memory and depth are the same whatever comes.
#include "lib/json/json.h"
#include "core/base/assert.h"
#include "core/base/report.h"

enum state {
    AT_VALUE,      // a value must come; at depth 0 none need
    AT_FIRST_NAME, // behind '{'
    AT_NAME,       // behind ',' in an object
    AT_COLON,
    AT_FIRST_ITEM, // behind '['
    AT_END,        // behind a value in an object or array
    IN_STRING,
    IN_LETTER, // of several bytes
    IN_ESCAPE,
    IN_UNICODE,   // the digits behind \u
    AT_LOW_SLASH, // the second half of a pair
    AT_LOW_U,
    IN_NUMBER,
    IN_WORD,
};

enum {
    HEX_DIGITS = 4,
    HIGH_FIRST = 0xd800,
    LOW_FIRST = 0xdc00,
    LOW_LAST = 0xdfff,
    PAIR_FIRST = 0x10000,
    LETTER_LAST = 0x10ffff,
    HALF_BITS = 10,
    TAIL_BITS = 6,
    TAIL = 0x80, // of the bytes of a letter behind the first
    TAIL_MASK = 0x3f,
};

_Static_assert(JSON_DEPTH <= 32, "a bit for each object or array");

void json_reader_init(struct json_reader *reader)
{
    reader->offset = 0;
    reader->state = AT_VALUE;
    reader->depth = 0;
    reader->objects = 0;
}

static enum err malformed(const struct json_reader *reader, const char *why, struct report *report)
{
    return report_err(report, ERR_MALFORMED, reader->offset, why);
}

static void put(struct json_reader *reader, u8 byte)
{
    reader->is_cut |= reader->size == JSON_TEXT_BYTES;
    if (!reader->is_cut) {
        reader->text[reader->size++] = byte;
    }
}

static void begin_text(struct json_reader *reader, enum state state, bool is_name)
{
    reader->state = (u8)state;
    reader->is_name = is_name;
    reader->is_cut = false;
    reader->size = 0;
    reader->high = 0;
}

static struct json_event event_of(const struct json_reader *reader, enum json_kind kind)
{
    bool has_text = kind == JSON_NAME || kind == JSON_STRING || kind == JSON_NUMBER;
    return (struct json_event){.kind = kind,
                               .depth = reader->depth,
                               .text = span_of(reader->text, has_text ? reader->size : 0),
                               .is_cut = has_text && reader->is_cut};
}

static bool is_in_object(const struct json_reader *reader)
{
    return reader->depth > 0 && (reader->objects >> (reader->depth - 1) & 1) != 0;
}

static void end_value(struct json_reader *reader)
{
    reader->state = reader->depth == 0 ? AT_VALUE : AT_END;
}

static enum err open_nested(struct json_reader *reader, bool is_object, struct json_event *event,
                            struct report *report)
{
    if (reader->depth == JSON_DEPTH) {
        return report_err(report, ERR_LIMIT, reader->offset, "json: nested deeper than 16");
    }
    *event = event_of(reader, is_object ? JSON_OBJECT : JSON_ARRAY);
    u32 bit = (u32)1 << reader->depth;
    reader->objects = is_object ? reader->objects | bit : reader->objects & ~bit;
    reader->depth++;
    reader->state = is_object ? AT_FIRST_NAME : AT_FIRST_ITEM;
    return ERR_OK;
}

static void close_nested(struct json_reader *reader, bool is_object, struct json_event *event)
{
    ASSERT(reader->depth > 0);
    reader->depth--;
    *event = event_of(reader, is_object ? JSON_OBJECT_END : JSON_ARRAY_END);
    end_value(reader);
}

static void begin_word(struct json_reader *reader, const char *word, enum json_kind kind)
{
    reader->state = IN_WORD;
    reader->word = word + 1;
    reader->kind = kind;
}

static enum err begin_value(struct json_reader *reader, u8 c, struct json_event *event,
                            struct report *report)
{
    switch (c) {
    case '{':
    case '[':
        return open_nested(reader, c == '{', event, report);
    case '"':
        begin_text(reader, IN_STRING, false);
        return ERR_OK;
    case 't':
        begin_word(reader, "true", JSON_TRUE);
        return ERR_OK;
    case 'f':
        begin_word(reader, "false", JSON_FALSE);
        return ERR_OK;
    case 'n':
        begin_word(reader, "null", JSON_NULL);
        return ERR_OK;
    default:
        if (c != '-' && (c < '0' || c > '9')) {
            return malformed(reader, "json: neither a value nor its end", report);
        }
        begin_text(reader, IN_NUMBER, false);
        put(reader, c);
        return ERR_OK;
    }
}

// ---- strings

static void put_letter(struct json_reader *reader, u32 letter)
{
    if (letter < 0x80) {
        put(reader, (u8)letter);
        return;
    }
    u32 tails = letter < 0x800 ? 1 : letter < PAIR_FIRST ? 2 : 3;
    static const u8 heads[] = {0, 0xc0, 0xe0, 0xf0};
    put(reader, (u8)(heads[tails] | letter >> (tails * TAIL_BITS)));
    while (tails-- > 0) {
        put(reader, (u8)(TAIL | (letter >> (tails * TAIL_BITS) & TAIL_MASK)));
    }
}

// The first byte of a letter of several.
static enum err begin_letter(struct json_reader *reader, u8 c, struct report *report)
{
    if (c >= 0xc2 && c <= 0xdf) {
        reader->left = 1;
        reader->letter = c & 0x1f;
        reader->least = 0x80;
    } else if (c >= 0xe0 && c <= 0xef) {
        reader->left = 2;
        reader->letter = c & 0x0f;
        reader->least = 0x800;
    } else if (c >= 0xf0 && c <= 0xf4) {
        reader->left = 3;
        reader->letter = c & 0x07;
        reader->least = PAIR_FIRST;
    } else {
        return malformed(reader, "json: a string that is not UTF-8", report);
    }
    put(reader, c);
    reader->state = IN_LETTER;
    return ERR_OK;
}

static enum err go_on_letter(struct json_reader *reader, u8 c, struct report *report)
{
    bool is_tail = (c & ~TAIL_MASK & 0xff) == TAIL;
    reader->letter = reader->letter << TAIL_BITS | (c & TAIL_MASK);
    put(reader, c);
    if (is_tail && --reader->left != 0) {
        return ERR_OK;
    }
    u32 letter = reader->letter;
    if (!is_tail || letter < reader->least || letter > LETTER_LAST ||
        (letter >= HIGH_FIRST && letter <= LOW_LAST)) {
        return malformed(reader, "json: a string that is not UTF-8", report);
    }
    reader->state = IN_STRING;
    return ERR_OK;
}

static enum err read_escape(struct json_reader *reader, u8 c, struct report *report)
{
    static const char names[] = "\"\\/bfnrt", letters[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        reader->state = IN_UNICODE;
        reader->left = HEX_DIGITS;
        reader->letter = 0;
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof names - 1; i++) {
        if (c == (u8)names[i]) {
            put(reader, (u8)letters[i]);
            reader->state = IN_STRING;
            return ERR_OK;
        }
    }
    return malformed(reader, "json: an escape that does not exist", report);
}

// A letter of four digits is whole; one beyond 16 bits comes as two halves.
static enum err end_unicode(struct json_reader *reader, struct report *report)
{
    u32 letter = reader->letter;
    bool is_low = letter >= LOW_FIRST && letter <= LOW_LAST;
    if (is_low != (reader->high != 0)) {
        return malformed(reader, "json: half of a letter", report);
    }
    if (letter >= HIGH_FIRST && letter < LOW_FIRST) {
        reader->high = letter;
        reader->state = AT_LOW_SLASH;
        return ERR_OK;
    }
    if (is_low) {
        letter = PAIR_FIRST + ((reader->high - HIGH_FIRST) << HALF_BITS) + (letter - LOW_FIRST);
        reader->high = 0;
    }
    put_letter(reader, letter);
    reader->state = IN_STRING;
    return ERR_OK;
}

static enum err read_unicode(struct json_reader *reader, u8 c, struct report *report)
{
    u32 digit;
    if (c >= '0' && c <= '9') {
        digit = c - (u32)'0';
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        digit = (c | 0x20u) - 'a' + 10;
    } else {
        return malformed(reader, "json: an escape without its four digits", report);
    }
    reader->letter = reader->letter << 4 | digit;
    return --reader->left == 0 ? end_unicode(reader, report) : ERR_OK;
}

static enum err read_string(struct json_reader *reader, u8 c, struct json_event *event,
                            struct report *report)
{
    if (c == '"') {
        *event = event_of(reader, reader->is_name ? JSON_NAME : JSON_STRING);
        if (reader->is_name) {
            reader->state = AT_COLON;
        } else {
            end_value(reader);
        }
        return ERR_OK;
    }
    if (c == '\\') {
        reader->state = IN_ESCAPE;
        return ERR_OK;
    }
    if (c < ' ') {
        return malformed(reader, "json: a control character in a string", report);
    }
    if (c >= 0x80) {
        return begin_letter(reader, c, report);
    }
    put(reader, c);
    return ERR_OK;
}

// ---- numbers

static size_t digits(struct span text, size_t at)
{
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at;
}

static bool is_number(struct span text)
{
    size_t at = text.data[0] == '-', end = digits(text, at);
    if (end == at || (text.data[at] == '0' && end > at + 1)) {
        return false;
    }
    at = end;
    if (at < text.size && text.data[at] == '.') {
        end = digits(text, at + 1);
        if (end == at + 1) {
            return false;
        }
        at = end;
    }
    if (at < text.size && (text.data[at] | 0x20) == 'e') {
        at++;
        at += at < text.size && (text.data[at] == '+' || text.data[at] == '-');
        end = digits(text, at);
        if (end == at) {
            return false;
        }
        at = end;
    }
    return at == text.size;
}

static enum err end_number(struct json_reader *reader, struct json_event *event,
                           struct report *report)
{
    if (reader->is_cut) {
        return report_err(report, ERR_LIMIT, reader->offset, "json: a number beyond 1024 digits");
    }
    if (!is_number(span_of(reader->text, reader->size))) {
        return malformed(reader, "json: not a number", report);
    }
    *event = event_of(reader, JSON_NUMBER);
    end_value(reader);
    return ERR_OK;
}

static bool is_of_number(u8 c)
{
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

// ---- what stands between

static enum err read_between(struct json_reader *reader, u8 c, struct json_event *event,
                             struct report *report)
{
    bool is_object = is_in_object(reader);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        return ERR_OK;
    }
    switch ((enum state)reader->state) {
    case AT_FIRST_ITEM:
        if (c == ']') {
            close_nested(reader, false, event);
            return ERR_OK;
        }
        return begin_value(reader, c, event, report);
    case AT_FIRST_NAME:
    case AT_NAME:
        if (c == '}' && reader->state == AT_FIRST_NAME) {
            close_nested(reader, true, event);
            return ERR_OK;
        }
        if (c != '"') {
            return malformed(reader, "json: a member without a name", report);
        }
        begin_text(reader, IN_STRING, true);
        return ERR_OK;
    case AT_COLON:
        reader->state = AT_VALUE;
        return c == ':' ? ERR_OK : malformed(reader, "json: a name without a colon", report);
    case AT_END:
        if (c == ',') {
            reader->state = is_object ? AT_NAME : AT_VALUE;
            return ERR_OK;
        }
        if (c != (is_object ? '}' : ']')) {
            return malformed(reader, "json: neither a comma nor the end", report);
        }
        close_nested(reader, is_object, event);
        return ERR_OK;
    default:
        return begin_value(reader, c, event, report);
    }
}

static enum err read_word(struct json_reader *reader, u8 c, struct json_event *event,
                          struct report *report)
{
    if (c != (u8)*reader->word) {
        return malformed(reader, "json: a word that does not exist", report);
    }
    if (*++reader->word == 0) {
        *event = event_of(reader, reader->kind);
        end_value(reader);
    }
    return ERR_OK;
}

static enum err read_byte(struct json_reader *reader, u8 c, struct json_event *event,
                          struct report *report)
{
    switch ((enum state)reader->state) {
    case IN_STRING:
        return read_string(reader, c, event, report);
    case IN_LETTER:
        return go_on_letter(reader, c, report);
    case IN_ESCAPE:
        return read_escape(reader, c, report);
    case IN_UNICODE:
        return read_unicode(reader, c, report);
    case AT_LOW_SLASH:
    case AT_LOW_U:
        if (c != (reader->state == AT_LOW_SLASH ? '\\' : 'u')) {
            return malformed(reader, "json: half of a letter", report);
        }
        reader->left = HEX_DIGITS;
        reader->letter = 0;
        reader->state = reader->state == AT_LOW_SLASH ? AT_LOW_U : IN_UNICODE;
        return ERR_OK;
    case IN_NUMBER:
        put(reader, c);
        return ERR_OK;
    case IN_WORD:
        return read_word(reader, c, event, report);
    default:
        return read_between(reader, c, event, report);
    }
}

enum err json_next(struct json_reader *reader, struct span bytes, size_t *taken,
                   struct json_event *event, struct report *report)
{
    *event = (struct json_event){.kind = JSON_MORE};
    for (*taken = 0; *taken < bytes.size; (*taken)++) {
        u8 c = bytes.data[*taken];
        if (reader->state == IN_NUMBER && !is_of_number(c)) {
            return end_number(reader, event, report);
        }
        TRY(read_byte(reader, c, event, report));
        reader->offset++;
        if (event->kind != JSON_MORE) {
            (*taken)++;
            return ERR_OK;
        }
    }
    return ERR_OK;
}

enum err json_end(struct json_reader *reader, struct json_event *event, struct report *report)
{
    *event = (struct json_event){.kind = JSON_MORE};
    if (reader->state == IN_NUMBER && reader->depth == 0) {
        return end_number(reader, event, report);
    }
    if (reader->state != AT_VALUE || reader->depth != 0) {
        return malformed(reader, "json: the text ends in the middle", report);
    }
    return ERR_OK;
}
