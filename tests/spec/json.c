// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/spec/json.h"
#include "core/base/arena.h"
#include "core/base/reader.h"
#include "core/base/report.h"

struct parser {
    struct reader in;
    struct arena *arena;
    struct report *report;
    u32 depth;
};

static enum err fail(struct parser *p, const char *text)
{
    (void)report_err(p->report, ERR_MALFORMED, reader_offset(&p->in), text);
    return ERR_MALFORMED;
}

static u8 peek(struct parser *p)
{
    while (p->in.next < p->in.end && (*p->in.next == ' ' || *p->in.next == '\n' ||
                                      *p->in.next == '\r' || *p->in.next == '\t')) {
        p->in.next++;
    }
    return p->in.next < p->in.end ? *p->in.next : 0;
}

static enum err expect(struct parser *p, u8 c)
{
    if (peek(p) != c) {
        return fail(p, "unexpected character");
    }
    p->in.next++;
    return ERR_OK;
}

static enum err read_hex4(struct parser *p, u32 *out)
{
    struct span digits;
    TRY(reader_bytes(&p->in, 4, &digits, p->report));
    u32 value = 0;
    for (u32 i = 0; i < 4; i++) {
        u8 c = digits.data[i];
        u32 digit = (u32)(c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        if (digit > 15) {
            return fail(p, "bad hexadecimal digit");
        }
        value = value << 4 | digit;
    }
    *out = value;
    return ERR_OK;
}

// Writes a code point of the basic plane; the scripts escape nothing beyond it.
static u8 *put_utf8(u8 *to, u32 c)
{
    if (c < 0x80) {
        *to++ = (u8)c;
    } else if (c < 0x800) {
        *to++ = (u8)(0xc0 | c >> 6);
        *to++ = (u8)(0x80 | (c & 0x3f));
    } else {
        *to++ = (u8)(0xe0 | c >> 12);
        *to++ = (u8)(0x80 | (c >> 6 & 0x3f));
        *to++ = (u8)(0x80 | (c & 0x3f));
    }
    return to;
}

static enum err read_escape(struct parser *p, u8 **to)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    u8 c;
    TRY(reader_u8(&p->in, &c, p->report));
    if (c == 'u') {
        u32 point;
        TRY(read_hex4(p, &point));
        *to = put_utf8(*to, point);
        return ERR_OK;
    }
    for (u32 i = 0; letters[i] != 0; i++) {
        if (c == (u8)letters[i]) {
            *(*to)++ = (u8)meanings[i];
            return ERR_OK;
        }
    }
    return fail(p, "bad escape");
}

static enum err read_string(struct parser *p, struct span *out)
{
    TRY(expect(p, '"'));
    size_t longest = 0; // no escape is shorter than what it stands for
    while (longest < reader_left(&p->in) && p->in.next[longest] != '"') {
        longest += p->in.next[longest] == '\\' ? 2 : 1;
    }
    u8 *text = ARENA_ARRAY(p->arena, u8, longest);
    if (text == NULL) {
        return ERR_NO_MEMORY;
    }
    u8 *to = text;
    for (;;) {
        u8 c;
        TRY(reader_u8(&p->in, &c, p->report));
        if (c == '"') {
            *out = span_of(text, (size_t)(to - text));
            return ERR_OK;
        }
        if (c == '\\') {
            TRY(read_escape(p, &to));
        } else {
            *to++ = c;
        }
    }
}

static enum err read_number(struct parser *p, u64 *out)
{
    u64 value = 0;
    while (p->in.next < p->in.end && *p->in.next >= '0' && *p->in.next <= '9') {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p->in.next - '0', &value)) {
            return fail(p, "number is too large");
        }
        p->in.next++;
    }
    *out = value;
    return ERR_OK;
}

static enum err read_word(struct parser *p, const char *word)
{
    struct span expected = span_string(word);
    struct span found;
    TRY(reader_bytes(&p->in, expected.size, &found, p->report));
    return span_equal(found, expected) ? ERR_OK : fail(p, "unknown word");
}

static enum err read_value(struct parser *p, struct json *out);

// The items of an array, or the members of an object.
static enum err read_items(struct parser *p, u8 close, struct json *out)
{
    const struct json **link = &out->first;
    p->in.next++;
    if (++p->depth > JSON_DEPTH) {
        return fail(p, "nested too deeply");
    }
    while (peek(p) != close) {
        struct json *item = ARENA_NEW(p->arena, struct json);
        if (item == NULL) {
            return ERR_NO_MEMORY;
        }
        if (out->kind == JSON_OBJECT) {
            TRY(read_string(p, &item->key));
            TRY(expect(p, ':'));
        }
        TRY(read_value(p, item));
        *link = item;
        link = &item->next;
        if (peek(p) != close) {
            TRY(expect(p, ','));
        }
    }
    p->in.next++;
    p->depth--;
    return ERR_OK;
}

static enum err read_value(struct parser *p, struct json *out)
{
    u8 c = peek(p);
    switch (c) {
    case '{':
        out->kind = JSON_OBJECT;
        return read_items(p, '}', out);
    case '[':
        out->kind = JSON_ARRAY;
        return read_items(p, ']', out);
    case '"':
        out->kind = JSON_STRING;
        return read_string(p, &out->string);
    case 't':
        out->kind = JSON_TRUE;
        return read_word(p, "true");
    case 'f':
        out->kind = JSON_FALSE;
        return read_word(p, "false");
    case 'n':
        out->kind = JSON_NULL;
        return read_word(p, "null");
    default:
        if (c < '0' || c > '9') {
            return fail(p, "unexpected character");
        }
        out->kind = JSON_NUMBER;
        return read_number(p, &out->number);
    }
}

enum err json_read(struct span text, struct arena *arena, const struct json **out,
                   struct report *report)
{
    struct parser p = {.in = reader_over(text), .arena = arena, .report = report};
    struct json *root = ARENA_NEW(arena, struct json);
    if (root == NULL) {
        return ERR_NO_MEMORY;
    }
    TRY(read_value(&p, root));
    if (peek(&p) != 0 || reader_left(&p.in) != 0) {
        return fail(&p, "text behind the value");
    }
    *out = root;
    return ERR_OK;
}

const struct json *json_member(const struct json *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT) {
        return NULL;
    }
    for (const struct json *member = object->first; member != NULL; member = member->next) {
        if (span_equal(member->key, span_string(key))) {
            return member;
        }
    }
    return NULL;
}

struct span json_string(const struct json *object, const char *key)
{
    const struct json *member = json_member(object, key);
    return member != NULL && member->kind == JSON_STRING ? member->string : (struct span){0};
}

u32 json_count(const struct json *array)
{
    u32 count = 0;
    if (array != NULL && array->kind == JSON_ARRAY) {
        for (const struct json *item = array->first; item != NULL; item = item->next) {
            count++;
        }
    }
    return count;
}
