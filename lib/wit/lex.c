// SPDX-License-Identifier: GPL-3.0-or-later
// Text to tokens. Blanks and comments between tokens are skipped here and looked at again only for
// documentation.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "lib/wit/internal.h"
#include "lib/wit/limits.h"

// As WIT has them today: also those of what the subset leaves out, so that a name stays legal WIT.
static const char *const keywords[] = {
    "as",  "async",  "bool",   "borrow",  "char",   "constructor", "enum",    "export",    "f32",
    "f64", "flags",  "from",   "func",    "future", "import",      "include", "interface", "list",
    "map", "option", "own",    "package", "record", "resource",    "result",  "s16",       "s32",
    "s64", "s8",     "static", "stream",  "string", "tuple",       "type",    "u16",       "u32",
    "u64", "u8",     "use",    "variant", "with",   "world",
};

bool wit_is_keyword(struct span name)
{
    for (u32 i = 0; i < COUNT_OF(keywords); i++) {
        if (span_equal(name, span_string(keywords[i]))) {
            return true;
        }
    }
    return false;
}

struct wit_position wit_position(struct span text, u64 offset)
{
    struct wit_position at = {1, 1};
    for (u64 i = 0; i < offset && i < text.size; i++) {
        at.column++;
        if (text.data[i] == '\n') {
            at.line++;
            at.column = 1;
        }
    }
    return at;
}

enum err wit_report(struct report *report, struct span file, struct span text, u64 offset,
                    enum err err, const char *words, struct span detail)
{
    ASSERT(err != ERR_OK);
    if (report == NULL || report->err != ERR_OK) {
        return err;
    }
    char buffer[REPORT_TEXT_BYTES];
    struct text out = text_over(buffer, sizeof buffer);
    struct wit_position at = wit_position(text, offset);
    text_printable(&out, file);
    text_string(&out, ":");
    text_u64(&out, at.line);
    text_string(&out, ":");
    text_u64(&out, at.column);
    text_string(&out, ": ");
    text_string(&out, words);
    return report_err_detail(report, err, offset, buffer, detail);
}

static enum err refuse(struct wit_lexer *lexer, u64 offset, enum err err, const char *words)
{
    return wit_report(lexer->report, lexer->file, lexer->text, offset, err, words,
                      (struct span){0});
}

// Whether a character outside ASCII starts at `at` that could hide what a text says: a C1 control
// (U+0080 to U+009F) or one that reverses the direction of writing (U+202A to U+202E, U+2066 to
// U+2069).
static bool is_hidden(struct span text, u64 at)
{
    const u8 *c = text.data + at;
    if (c[0] == 0xc2) {
        return c[1] < 0xa0;
    }
    if (c[0] == 0xe2 && c[1] == 0x80) {
        return c[2] >= 0xaa && c[2] <= 0xae;
    }
    return c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

enum err wit_lexer_start(struct wit_lexer *lexer, struct span file, struct span text,
                         struct report *report)
{
    *lexer = (struct wit_lexer){text, file, 0, report};
    if (text.size > WIT_TEXT_BYTES) {
        return refuse(lexer, 0, ERR_LIMIT, "the file is too long");
    }
    if (!utf8_is_valid(text)) {
        return refuse(lexer, 0, ERR_MALFORMED, "the file is not UTF-8");
    }
    for (u64 i = 0; i < text.size; i++) {
        u8 c = text.data[i];
        bool blank = c == '\t' || c == '\n' || c == '\r';
        if ((c < 0x20 && !blank) || c == 0x7f || (c >= 0xc2 && is_hidden(text, i))) {
            return refuse(lexer, i, ERR_MALFORMED, "control character");
        }
    }
    return ERR_OK;
}

static bool is_at(const struct wit_lexer *lexer, const char two[2])
{
    return lexer->text.size - lexer->next >= 2 && mem_equal(lexer->text.data + lexer->next, two, 2);
}

// Skips one block comment, whose start is next; they nest.
static enum err skip_block(struct wit_lexer *lexer)
{
    u64 start = lexer->next;
    u32 depth = 0;
    do {
        if (lexer->next == lexer->text.size) {
            return refuse(lexer, start, ERR_MALFORMED, "comment without an end");
        }
        if (is_at(lexer, "/*")) {
            depth++;
            lexer->next += 2;
        } else if (is_at(lexer, "*/")) {
            depth--;
            lexer->next += 2;
        } else {
            lexer->next++;
        }
        if (depth > WIT_COMMENT_DEPTH) {
            return refuse(lexer, start, ERR_LIMIT, "comments nested too deep");
        }
    } while (depth > 0);
    return ERR_OK;
}

static enum err skip_gap(struct wit_lexer *lexer)
{
    struct span text = lexer->text;
    while (lexer->next < text.size) {
        u8 c = text.data[lexer->next];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            lexer->next++;
        } else if (is_at(lexer, "//")) {
            while (lexer->next < text.size && text.data[lexer->next] != '\n') {
                lexer->next++;
            }
        } else if (is_at(lexer, "/*")) {
            TRY(skip_block(lexer));
        } else {
            return ERR_OK;
        }
    }
    return ERR_OK;
}

static bool is_lower(u8 c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(u8 c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(u8 c)
{
    return c >= '0' && c <= '9';
}

// A name: words of letters and digits, each starting with a letter, joined by single dashes.
static enum err lex_name(struct wit_lexer *lexer, struct wit_token *token)
{
    u64 start = lexer->next;
    u64 at = start;
    const u8 *text = lexer->text.data;
    while (at < lexer->text.size &&
           (is_lower(text[at]) || is_upper(text[at]) || is_digit(text[at]) || text[at] == '-')) {
        at++;
    }
    token->text = span_slice(lexer->text, start, at);
    lexer->next = at;
    for (u64 i = start; i < at; i++) {
        if (is_upper(text[i])) {
            return refuse(lexer, i, ERR_UNSUPPORTED, "names are in lower case");
        }
        if ((i == start || text[i - 1] == '-') && !is_lower(text[i])) {
            return refuse(lexer, i, ERR_MALFORMED, "a word of a name starts with a letter");
        }
    }
    if (at == start || text[at - 1] == '-') {
        return refuse(lexer, start, ERR_MALFORMED, "not a name");
    }
    if (at - start > WIT_NAME_BYTES) {
        return refuse(lexer, start, ERR_LIMIT, "the name is too long");
    }
    return ERR_OK;
}

enum err wit_lexer_next(struct wit_lexer *lexer, struct wit_token *out)
{
    struct wit_token token = {.gap = lexer->next};
    TRY(skip_gap(lexer));
    token.offset = lexer->next;
    if (lexer->next == lexer->text.size) {
        token.kind = WIT_TOKEN_END;
        *out = token;
        return ERR_OK;
    }
    u8 c = lexer->text.data[lexer->next];
    if (is_lower(c) || is_upper(c)) {
        token.kind = WIT_TOKEN_NAME;
        TRY(lex_name(lexer, &token));
    } else if (c == '%') {
        token.kind = WIT_TOKEN_QUOTED;
        lexer->next++;
        TRY(lex_name(lexer, &token));
    } else if (is_at(lexer, "->")) {
        token.kind = WIT_TOKEN_ARROW;
        token.text = span_slice(lexer->text, lexer->next, lexer->next + 2);
        lexer->next += 2;
    } else {
        static const char marks[] = "{}()<>,:;=./@_*";
        bool known = false;
        for (u32 i = 0; i < sizeof marks - 1; i++) {
            known = known || c == (u8)marks[i];
        }
        if (!known) {
            return refuse(lexer, lexer->next, ERR_MALFORMED, "a character that WIT does not use");
        }
        token.kind = WIT_TOKEN_MARK;
        token.text = span_slice(lexer->text, lexer->next, lexer->next + 1);
        lexer->next++;
    }
    *out = token;
    return ERR_OK;
}

// ---- documentation

// Appends one line of a comment to `out` (at most as long as the gap), without the blanks around
// it.
static void doc_line(u8 *out, size_t *size, struct span line, bool star)
{
    size_t start = 0;
    size_t end = line.size;
    if (star) { // a line of a block: blanks and one star come first
        while (start < end && (line.data[start] == ' ' || line.data[start] == '\t')) {
            start++;
        }
        if (start < end && line.data[start] == '*') {
            start++;
        }
    }
    if (start < end && line.data[start] == ' ') {
        start++;
    }
    while (end > start && (line.data[end - 1] == ' ' || line.data[end - 1] == '\t' ||
                           line.data[end - 1] == '\r')) {
        end--;
    }
    if (*size != 0) {
        out[(*size)++] = '\n';
    }
    mem_copy(out + *size, line.data + start, end - start);
    *size += end - start;
}

static size_t find(struct span text, size_t from, u8 c)
{
    while (from < text.size && text.data[from] != c) {
        from++;
    }
    return from;
}

// The end of the block comment that starts at `from`, behind its last mark.
static size_t block_end(struct span gap, size_t from)
{
    struct wit_lexer lexer = {.text = gap, .next = from};
    enum err err = skip_block(&lexer);
    ASSERT(err == ERR_OK); // the lexer has passed it before
    return (size_t)lexer.next;
}

enum err wit_doc(struct span gap, struct arena *arena, struct span *out)
{
    *out = (struct span){0};
    u8 *doc = NULL;
    size_t size = 0;
    for (size_t at = 0; at + 3 < gap.size;) {
        if (gap.data[at] != '/') {
            at++;
            continue;
        }
        bool is_line = gap.data[at + 1] == '/';
        bool is_doc =
            is_line ? gap.data[at + 2] == '/' : gap.data[at + 2] == '*' && gap.data[at + 3] != '/';
        size_t end = is_line ? find(gap, at, '\n') : block_end(gap, at);
        if (is_doc && doc == NULL) {
            doc = ARENA_ARRAY(arena, u8, gap.size);
            if (doc == NULL) {
                return ERR_NO_MEMORY;
            }
        }
        size_t last = is_line ? end : end - 2;
        for (size_t from = at + 3; is_doc && from <= last;) {
            size_t to = find(span_slice(gap, 0, last), from, '\n');
            if (is_line || to > from) {
                doc_line(doc, &size, span_slice(gap, from, to), !is_line && from != at + 3);
            }
            from = to + 1;
        }
        at = end;
    }
    *out = span_of(doc, size);
    return ERR_OK;
}
