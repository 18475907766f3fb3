// SPDX-License-Identifier: GPL-3.0-or-later
// A field is built as a pattern, with a backslash in front of what was quoted and could mean
// something; where nothing means anything in the end, the backslashes go.
#include "lib/shell/expand.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "lib/shell/characters.h"
#include "lib/shell/pattern.h"
#include "lib/shell/variables.h"

struct expander {
    struct expansion *out;
    const struct variables *variables;
    enum expand_how how;
    u32 status;
    u32 start;     // of the field that is being built, in out->bytes
    bool is_field; // there is one, though it may be empty
};

void expansion_init(struct expansion *expansion)
{
    expansion->count = 0;
    expansion->size = 0;
}

struct span expansion_field(const struct expansion *expansion, u32 index)
{
    ASSERT(index < expansion->count);
    const struct field *field = &expansion->fields[index];
    return span_of(expansion->bytes + field->offset, field->size);
}

static enum err byte_add(struct expander *in, u8 byte)
{
    if (in->out->size == SHELL_FIELD_BYTES) {
        return ERR_LIMIT;
    }
    in->out->bytes[in->out->size++] = byte;
    in->is_field = true;
    return ERR_OK;
}

static enum err quoted_add(struct expander *in, u8 byte)
{
    if (is_one_of(byte, "*?[]!^-\\")) {
        TRY(byte_add(in, '\\'));
    }
    return byte_add(in, byte);
}

static enum err field_end(struct expander *in)
{
    struct expansion *out = in->out;
    if (!in->is_field) {
        return ERR_OK;
    }
    if (out->count == SHELL_FIELDS) {
        return ERR_LIMIT;
    }
    u8 *bytes = out->bytes + in->start;
    struct field field = {.offset = in->start, .size = out->size - in->start};
    field.is_pattern = in->how == EXPAND_FIELDS && pattern_is(span_of(bytes, field.size));
    if (!field.is_pattern) {
        field.size = (u32)pattern_plain(span_of(bytes, field.size), bytes);
        out->size = in->start + field.size;
    }
    out->fields[out->count++] = field;
    in->start = out->size;
    in->is_field = false;
    return ERR_OK;
}

static enum err value_add(struct expander *in, struct span value, bool is_quoted)
{
    for (size_t i = 0; i < value.size; i++) {
        u8 byte = value.data[i];
        if (is_quoted) {
            TRY(quoted_add(in, byte));
        } else if (in->how == EXPAND_FIELDS && (is_blank(byte) || byte == '\n')) {
            TRY(field_end(in));
        } else {
            TRY(byte == '\\' ? quoted_add(in, byte) : byte_add(in, byte));
        }
    }
    return ERR_OK;
}

// What stands at a `$`. `at` moves behind it.
static enum err dollar_add(struct expander *in, struct span word, size_t *at, bool is_quoted)
{
    size_t start = *at + 1;
    bool is_braced = start < word.size && word.data[start] == '{';
    start += is_braced;
    bool is_status = start < word.size && word.data[start] == '?';
    size_t size = is_status ? 1 : name_size(span_slice(word, start, word.size));
    if (size == 0) {
        (*at)++;
        return quoted_add(in, '$');
    }
    *at = start + size + is_braced;
    ASSERT(*at <= word.size); // parsed so
    char digits[12];
    struct text status = text_over(digits, sizeof digits);
    text_u64(&status, in->status);
    struct span value = span_of(status.data, status.size);
    if (!is_status &&
        !variables_get(in->variables, span_slice(word, start, start + size), &value)) {
        return ERR_OK;
    }
    return value_add(in, value, is_quoted);
}

static enum err backslash_add(struct expander *in, struct span word, size_t *at, bool is_inside)
{
    u8 next = word.data[*at + 1]; // parsed so
    bool is_taken = !is_inside || is_escaped_inside(next) || next == '\n';
    *at += is_taken ? 2 : 1;
    if (is_taken && next == '\n') {
        return ERR_OK;
    }
    return quoted_add(in, is_taken ? next : '\\');
}

static enum err word_add(struct expander *in, struct span word)
{
    u8 quote = 0;
    for (size_t at = 0; at < word.size;) {
        u8 byte = word.data[at];
        if (byte == quote || (quote == 0 && (byte == '\'' || byte == '"'))) {
            quote = quote == 0 ? byte : 0;
            in->is_field = true; // '' is a field
            at++;
        } else if (byte == '\\' && quote != '\'' && at + 1 < word.size) {
            TRY(backslash_add(in, word, &at, quote != 0));
        } else if (byte == '$' && quote != '\'') {
            TRY(dollar_add(in, word, &at, quote != 0));
        } else {
            TRY(quote != 0 ? quoted_add(in, byte) : byte_add(in, byte));
            at++;
        }
    }
    return ERR_OK;
}

enum err expand_word(struct expansion *expansion, struct span word, enum expand_how how,
                     const struct variables *variables, u32 status)
{
    u32 count = expansion->count;
    u32 size = expansion->size;
    struct expander in = {.out = expansion,
                          .variables = variables,
                          .how = how,
                          .status = status,
                          .start = size,
                          .is_field = how == EXPAND_ONE};
    enum err err = word_add(&in, word);
    if (err == ERR_OK) {
        err = field_end(&in);
    }
    if (err != ERR_OK) {
        expansion->count = count;
        expansion->size = size;
    }
    return err;
}

enum err expansion_add(struct expansion *expansion, struct span bytes)
{
    if (expansion->count == SHELL_FIELDS || bytes.size > SHELL_FIELD_BYTES - expansion->size) {
        return ERR_LIMIT;
    }
    mem_copy(expansion->bytes + expansion->size, bytes.data, bytes.size);
    expansion->fields[expansion->count++] =
        (struct field){.offset = expansion->size, .size = (u32)bytes.size};
    expansion->size += (u32)bytes.size;
    return ERR_OK;
}
