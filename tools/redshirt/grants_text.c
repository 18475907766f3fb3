// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/grants_text.h"

#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"

static const struct {
    const char *name;
    enum kernel_right right;
    enum kernel_word word;
} words[] = {
    {"allow", KERNEL_USE, KERNEL_ALLOW},       {"deny", KERNEL_USE, KERNEL_DENY},
    {"ask", KERNEL_USE, KERNEL_ASK},           {"handle", KERNEL_HANDLE, KERNEL_ALLOW},
    {"no-handle", KERNEL_HANDLE, KERNEL_DENY},
};

static const u8 zeros[32];

// ---- parts

bool grants_name_fits(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        u8 byte = name.data[i];
        bool is_good = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == ':' || byte == '/' || byte == '-';
        if (!is_good) {
            return false;
        }
    }
    return name.size > 0 && name.size <= GRANTS_NAME_BYTES;
}

bool grants_limit_fits(struct span limit)
{
    for (size_t i = 0; i < limit.size; i++) {
        if (limit.data[i] <= ' ' || limit.data[i] >= 0x7f) {
            return false;
        }
    }
    return limit.size <= KERNEL_GRANT_LIMIT_BYTES;
}

static i32 digit_of(u8 byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool grants_hash_parse(struct span digits, u8 out[32])
{
    if (digits.size != 64) {
        return false;
    }
    for (u32 i = 0; i < 32; i++) {
        i32 high = digit_of(digits.data[2 * i]);
        i32 low = digit_of(digits.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (u8)(high << 4 | low);
    }
    return true;
}

bool grants_is_all(const struct grants_line *line)
{
    return mem_equal(line->program.digest, zeros, sizeof zeros);
}

// ---- reading

struct grants_reader grants_reader_over(struct span text)
{
    return (struct grants_reader){.rest = text};
}

// One line as it is read.
struct fields {
    struct span line;
    size_t next;
    size_t start; // of the field taken last
};

// What stands up to the next blank, or to the end.
static struct span field_take(struct fields *fields)
{
    fields->start = fields->next;
    while (fields->next < fields->line.size && fields->line.data[fields->next] != ' ') {
        fields->next++;
    }
    struct span field = span_of(fields->line.data + fields->start, fields->next - fields->start);
    fields->next += fields->next < fields->line.size;
    return field;
}

static const char *line_parse(struct fields *fields, struct grants_line *out)
{
    struct span word = field_take(fields);
    u32 which = 0;
    while (which < COUNT_OF(words) && !span_equal(word, span_string(words[which].name))) {
        which++;
    }
    if (which == COUNT_OF(words)) {
        return "expected allow, deny, ask, handle or no-handle";
    }
    struct span program = field_take(fields);
    bool is_all = span_equal(program, SPAN_LITERAL("*"));
    if (!is_all && cid_parse_text(program, &out->program, NULL) != ERR_OK) {
        return "expected a program's CID, or * for all";
    }
    if (!is_all && grants_is_all(out)) {
        return "no program has this CID";
    }
    if (!grants_hash_parse(field_take(fields), out->interface)) {
        return "expected an interface's hash, 64 hexadecimal digits";
    }
    if (mem_equal(out->interface, zeros, sizeof zeros)) {
        return "no interface has this hash";
    }
    out->name = field_take(fields);
    if (!grants_name_fits(out->name)) {
        return "expected an interface's name";
    }
    bool is_limited = fields->next < fields->line.size;
    out->limit = field_take(fields);
    out->right = words[which].right;
    out->word = words[which].word;
    bool may_be = out->right == KERNEL_USE && out->word == KERNEL_ALLOW;
    if (is_limited && !(may_be && out->limit.size > 0 && grants_limit_fits(out->limit))) {
        return "expected the end of the line, or behind allow a limit";
    }
    if (fields->next != fields->line.size || fields->line.data[fields->next - 1] == ' ') {
        return "expected the end of the line";
    }
    return NULL;
}

enum err grants_read(struct grants_reader *in, struct grants_line *out, bool *found,
                     struct report *report)
{
    *found = false;
    while (in->rest.size > 0) {
        size_t size = 0;
        while (size < in->rest.size && in->rest.data[size] != '\n') {
            size++;
        }
        struct fields fields = {.line = span_of(in->rest.data, size)};
        size_t taken = size + (size < in->rest.size);
        in->rest = span_of(in->rest.data + taken, in->rest.size - taken);
        in->line++;
        in->column = 1;
        if (size > GRANTS_LINE_BYTES) {
            in->column = GRANTS_LINE_BYTES + 1;
            return report_err(report, ERR_LIMIT, in->line, "the line is too long");
        }
        if (size == 0 || fields.line.data[0] == '#') {
            continue;
        }
        *out = (struct grants_line){0};
        const char *why = line_parse(&fields, out);
        if (why != NULL) {
            in->column = (u32)fields.start + 1;
            return report_err(report, ERR_MALFORMED, in->line, why);
        }
        *found = true;
        return ERR_OK;
    }
    return ERR_OK;
}

// ---- writing

void grants_write(const struct grants_line *line, struct text *out)
{
    u32 which = 0;
    while (words[which].right != line->right || words[which].word != line->word) {
        which++;
        ASSERT(which < COUNT_OF(words));
    }
    text_string(out, words[which].name);
    text_string(out, " ");
    if (grants_is_all(line)) {
        text_string(out, "*");
    } else {
        char cid[CID_TEXT_BYTES];
        cid_write_text(&line->program, cid);
        text_string(out, cid);
    }
    text_string(out, " ");
    text_hex_bytes(out, span_of(line->interface, sizeof line->interface));
    text_string(out, " ");
    text_printable(out, line->name);
    if (line->limit.size > 0) {
        text_string(out, " ");
        text_printable(out, line->limit);
    }
    text_string(out, "\n");
}
