// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/bare/common/manifest.h"
#include "core/base/assert.h"
#include "core/base/report.h"

enum { WORDS = MANIFEST_ARGUMENTS + 3 };

struct line {
    struct span words[WORDS];
    u32 count;
    u64 offset;
};

// Takes a line off the text, and its words, which are printable ASCII with spaces between them.
static enum err read_line(struct reader *in, struct line *out, struct report *report)
{
    *out = (struct line){.offset = reader_offset(in)};
    const u8 *word = NULL;
    while (reader_left(in) > 0) {
        u64 offset = reader_offset(in);
        u8 byte;
        TRY(reader_u8(in, &byte, report));
        bool is_end = byte == '\n';
        if (!is_end && (byte < ' ' || byte > '~')) {
            return report_err(report, ERR_MALFORMED, offset, "a byte that is not printable ASCII");
        }
        if (is_end || byte == ' ') {
            word = NULL;
        } else if (word == NULL) {
            if (out->count != 0 && out->words[0].data[0] == '#') {
                continue; // as many words as a comment wants
            }
            if (out->count == WORDS) {
                return report_err(report, ERR_LIMIT, offset, "too many words in a line");
            }
            word = in->next - 1;
            out->words[out->count++] = span_of(word, 1);
        } else {
            out->words[out->count - 1].size++;
        }
        if (is_end) {
            return ERR_OK;
        }
    }
    return ERR_OK;
}

static enum err parse(const struct line *line, struct manifest_entry *out, struct report *report)
{
    static const char *const names[] = {"loader", "adapter", "serve", "run"};
    struct manifest_entry entry = {0};
    u32 kind = 0;
    while (kind < COUNT_OF(names) && !span_equal(line->words[0], span_string(names[kind]))) {
        kind++;
    }
    if (kind == COUNT_OF(names)) {
        return report_err_detail(report, ERR_MALFORMED, line->offset, "not a word of the manifest",
                                 line->words[0]);
    }
    entry.kind = (enum manifest_kind)kind;
    u32 at = 1;
    if (kind == MANIFEST_ADAPTER) {
        entry.module = line->words[at++];
    }
    if (line->count < at + 2) {
        return report_err_detail(report, ERR_MALFORMED, line->offset, "too few words after",
                                 line->words[0]);
    }
    entry.cid = line->words[at++];
    if (line->count - at > MANIFEST_ARGUMENTS) {
        return report_err(report, ERR_LIMIT, line->offset, "too many words in a line");
    }
    while (at < line->count) {
        entry.arguments[entry.argument_count++] = line->words[at++];
    }
    *out = entry;
    return ERR_OK;
}

// ERR_NOT_FOUND  the text ends here
static enum err next(struct reader *at, struct manifest_entry *out, struct report *report)
{
    while (reader_left(at) > 0) {
        struct line line;
        TRY(read_line(at, &line, report));
        if (line.count != 0 && line.words[0].data[0] != '#') {
            return parse(&line, out, report);
        }
    }
    return ERR_NOT_FOUND;
}

enum err manifest_open(struct span text, u32 *run_count, struct report *report)
{
    if (text.size > MANIFEST_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "the manifest is too long");
    }
    struct reader at = reader_over(text);
    u32 count = 0;
    u32 runs = 0;
    for (;;) {
        struct manifest_entry entry;
        u64 offset = reader_offset(&at);
        enum err err = next(&at, &entry, report);
        if (err == ERR_NOT_FOUND) {
            break;
        }
        TRY(err);
        if (++count > MANIFEST_LINES) {
            return report_err(report, ERR_LIMIT, offset, "too many lines in the manifest");
        }
        runs += entry.kind == MANIFEST_RUN;
    }
    *run_count = runs;
    return ERR_OK;
}

bool manifest_next(struct reader *at, struct manifest_entry *out)
{
    enum err err = next(at, out, NULL);
    ASSERT(err == ERR_OK || err == ERR_NOT_FOUND); // manifest_open went the same way
    return err == ERR_OK;
}
