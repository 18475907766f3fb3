// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/parse.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/shell/characters.h"

struct parser {
    struct span text;
    size_t at;
    size_t start; // of the list, behind empty lines and comments
    struct parsed *out;
    struct report *report;
};

static enum err refuse(struct parser *in, enum err err, size_t offset, const char *text)
{
    return report_err(in->report, err, offset, text);
}

static enum err unfinished(struct parser *in, size_t offset, const char *text)
{
    in->out->is_unfinished = true;
    return refuse(in, ERR_MALFORMED, offset, text);
}

static bool is_end(const struct parser *in)
{
    return in->at == in->text.size;
}

// The byte `ahead` of the next; 0 at the end, which no command holds otherwise.
static u8 peek(const struct parser *in, size_t ahead)
{
    return in->text.size - in->at > ahead ? in->text.data[in->at + ahead] : 0;
}

static void blanks_skip(struct parser *in)
{
    for (;;) {
        if (is_blank(peek(in, 0)) || (peek(in, 0) == '\r' && peek(in, 1) == '\n')) {
            in->at++;
        } else if (peek(in, 0) == '\\' && peek(in, 1) == '\n') {
            in->at += 2;
        } else if (peek(in, 0) == '#') {
            while (!is_end(in) && peek(in, 0) != '\n') {
                in->at++;
            }
        } else {
            return;
        }
    }
}

static void lines_skip(struct parser *in)
{
    blanks_skip(in);
    while (peek(in, 0) == '\n') {
        in->at++;
        blanks_skip(in);
    }
}

// ---- words

// Behind a `$`, inside quotes or out of them.
static enum err dollar_check(struct parser *in)
{
    u8 next = peek(in, 1);
    if (next == '(') {
        return refuse(in, ERR_UNSUPPORTED, in->at, "$( ) is not something this shell does");
    }
    if ((next >= '0' && next <= '9') || (next != 0 && is_one_of(next, "@*#!$-"))) {
        return refuse(in, ERR_UNSUPPORTED, in->at, "this shell has $NAME, ${NAME} and $? alone");
    }
    if (next != '{') {
        return ERR_OK;
    }
    struct span rest = span_slice(in->text, in->at + 2, in->text.size);
    size_t size = rest.size > 0 && rest.data[0] == '?' ? 1 : name_size(rest);
    if (size == rest.size) {
        return unfinished(in, in->at, "${ has no }");
    }
    if (size == 0 || rest.data[size] != '}') {
        return refuse(in, ERR_UNSUPPORTED, in->at, "between ${ and } a name stands alone");
    }
    return ERR_OK;
}

static enum err sign_check(struct parser *in)
{
    if (peek(in, 0) == '`') {
        return refuse(in, ERR_UNSUPPORTED, in->at, "` ` is not something this shell does");
    }
    return peek(in, 0) == '$' ? dollar_check(in) : ERR_OK;
}

static enum err single_skip(struct parser *in)
{
    size_t start = in->at++;
    while (!is_end(in) && peek(in, 0) != '\'') {
        in->at++;
    }
    if (is_end(in)) {
        return unfinished(in, start, "this ' has no other");
    }
    in->at++;
    return ERR_OK;
}

static enum err double_skip(struct parser *in)
{
    size_t start = in->at++;
    while (!is_end(in) && peek(in, 0) != '"') {
        TRY(sign_check(in));
        in->at += peek(in, 0) == '\\' && in->text.size - in->at > 1 ? 2 : 1;
    }
    if (is_end(in)) {
        return unfinished(in, start, "this \" has no other");
    }
    in->at++;
    return ERR_OK;
}

static enum err word_read(struct parser *in, struct span *word)
{
    size_t start = in->at;
    while (!is_end(in) && !is_blank(peek(in, 0)) && !is_operator(peek(in, 0))) {
        u8 byte = peek(in, 0);
        if (byte == 0) {
            return refuse(in, ERR_MALFORMED, in->at, "a zero byte");
        }
        if (byte == '\r' && peek(in, 1) == '\n') {
            break; // a script from elsewhere
        }
        TRY(sign_check(in));
        if (byte == '\'') {
            TRY(single_skip(in));
        } else if (byte == '"') {
            TRY(double_skip(in));
        } else if (byte == '\\' && in->text.size - in->at == 1) {
            return unfinished(in, in->at, "nothing is behind \\");
        } else {
            in->at += byte == '\\' ? 2 : 1;
        }
    }
    *word = span_slice(in->text, start, in->at);
    return ERR_OK;
}

// ---- commands

static bool is_redirect(const struct parser *in)
{
    bool is_numbered = peek(in, 0) >= '0' && peek(in, 0) <= '9';
    u8 sign = peek(in, is_numbered);
    return sign == '<' || sign == '>';
}

static enum err redirect_read(struct parser *in)
{
    size_t start = in->at;
    if (in->out->redirect_count == SHELL_REDIRECTS) {
        return refuse(in, ERR_LIMIT, start, "too many redirections");
    }
    u8 number = peek(in, 0);
    bool is_numbered = number >= '0' && number <= '9';
    in->at += is_numbered;
    struct redirect redirect = {.stream = peek(in, 0) == '>'};
    if (is_numbered && (number > '2' || (number == '0') != (redirect.stream == 0))) {
        return refuse(in, ERR_UNSUPPORTED, start, "streams are 0 for <, 1 and 2 for >");
    }
    redirect.stream = is_numbered ? number - '0' : redirect.stream;
    in->at++;
    if (redirect.stream == 0 && (peek(in, 0) == '<' || peek(in, 0) == '>' || peek(in, 0) == '&')) {
        return refuse(in, ERR_UNSUPPORTED, start, "of <, this shell has `< FILE` alone");
    }
    redirect.kind = redirect.stream == 0 ? REDIRECT_READ : REDIRECT_WRITE;
    if (redirect.stream != 0 && peek(in, 0) == '>') {
        redirect.kind = REDIRECT_APPEND;
        in->at++;
    } else if (redirect.stream != 0 && peek(in, 0) == '&') {
        u8 other = peek(in, 1);
        if (other != '1' && other != '2') {
            return refuse(in, ERR_UNSUPPORTED, start, "behind >& stands 1 or 2");
        }
        redirect.kind = REDIRECT_SAME;
        redirect.other = other - '0';
        in->at += 2;
    }
    if (redirect.kind != REDIRECT_SAME) {
        blanks_skip(in);
        if (is_end(in) || is_operator(peek(in, 0))) {
            return refuse(in, ERR_MALFORMED, start, "which file?");
        }
        TRY(word_read(in, &redirect.word));
    }
    in->out->redirects[in->out->redirect_count++] = redirect;
    return ERR_OK;
}

static bool is_assignment(struct span word)
{
    size_t size = name_size(word);
    return size > 0 && size < word.size && word.data[size] == '=';
}

static enum err missing(struct parser *in)
{
    if (is_end(in)) {
        return unfinished(in, in->at, "a command is missing at the end");
    }
    bool is_group = peek(in, 0) == '(' || peek(in, 0) == ')';
    return is_group ? refuse(in, ERR_UNSUPPORTED, in->at, "this shell has no ( )")
                    : refuse(in, ERR_MALFORMED, in->at, "a command is missing here");
}

static enum err command_read(struct parser *in)
{
    struct parsed *out = in->out;
    if (out->command_count == SHELL_COMMANDS) {
        return refuse(in, ERR_LIMIT, in->at, "too many commands at once");
    }
    struct command command = {.word_first = out->word_count,
                              .redirect_first = out->redirect_count,
                              .offset = (u32)in->at};
    for (;;) {
        blanks_skip(in);
        if (is_redirect(in)) {
            TRY(redirect_read(in));
            command.redirect_count++;
            continue;
        }
        if (is_end(in) || is_operator(peek(in, 0))) {
            break;
        }
        if (out->word_count == SHELL_WORDS) {
            return refuse(in, ERR_LIMIT, in->at, "too many words at once");
        }
        struct span word = {0};
        TRY(word_read(in, &word));
        bool may_assign = command.assignment_count == command.word_count;
        out->words[out->word_count++] = word;
        command.word_count++;
        command.assignment_count += may_assign && is_assignment(word);
    }
    if (peek(in, 0) == '(' || command.word_count + command.redirect_count == 0) {
        return missing(in);
    }
    out->commands[out->command_count++] = command;
    return ERR_OK;
}

static enum err pipeline_read(struct parser *in, enum pipeline_when when)
{
    struct parsed *out = in->out;
    struct pipeline pipeline = {.when = when, .command_first = out->command_count};
    size_t start = in->at;
    TRY(command_read(in));
    while (peek(in, 0) == '|' && peek(in, 1) != '|') {
        in->at++;
        lines_skip(in);
        TRY(command_read(in));
    }
    pipeline.command_count = out->command_count - pipeline.command_first;
    size_t end = in->at;
    while (end > start && is_blank(in->text.data[end - 1])) {
        end--;
    }
    pipeline.text = span_slice(in->text, start, end);
    ASSERT(out->pipeline_count < SHELL_COMMANDS); // it has a command
    out->pipelines[out->pipeline_count++] = pipeline;
    return ERR_OK;
}

// What stands behind a pipeline.
//   when   receives how the next depends on it
//   needs  receives whether there must be a next
static enum err join_read(struct parser *in, enum pipeline_when *when, bool *needs)
{
    u8 sign = peek(in, 0);
    bool is_double = sign != 0 && peek(in, 1) == sign;
    *when = WHEN_ALWAYS;
    *needs = false;
    if ((sign == '&' || sign == '|') && is_double) {
        *when = sign == '&' ? WHEN_GOOD : WHEN_BAD;
        *needs = true;
        in->at += 2;
        return ERR_OK;
    }
    if (sign == '&') {
        struct pipeline *pipeline = &in->out->pipelines[in->out->pipeline_count - 1];
        if (pipeline->when != WHEN_ALWAYS) {
            return refuse(in, ERR_UNSUPPORTED, in->at,
                          "& is for one pipeline, and not behind && or ||");
        }
        pipeline->is_background = true;
    } else if (sign != ';') {
        return missing(in); // a parenthesis
    }
    in->at++;
    return ERR_OK;
}

static enum err list_read(struct parser *in)
{
    enum pipeline_when when = WHEN_ALWAYS;
    bool needs = false;
    lines_skip(in);
    in->start = in->at;
    while (!is_end(in) || needs) {
        TRY(pipeline_read(in, when));
        blanks_skip(in);
        if (is_end(in) || peek(in, 0) == '\n') {
            break;
        }
        TRY(join_read(in, &when, &needs));
        if (needs) {
            lines_skip(in);
        } else {
            blanks_skip(in);
        }
        if (!needs && (is_end(in) || peek(in, 0) == '\n')) {
            break;
        }
    }
    in->at += !is_end(in); // the newline
    return ERR_OK;
}

enum err parse(struct span text, struct parsed *out, size_t *taken, struct report *report)
{
    out->is_unfinished = false;
    out->pipeline_count = 0;
    out->command_count = 0;
    out->word_count = 0;
    out->redirect_count = 0;
    struct parser in = {.text = text, .out = out, .report = report};
    enum err err = list_read(&in);
    if (err == ERR_OK && in.at - in.start > SHELL_COMMAND_BYTES) {
        err = refuse(&in, ERR_LIMIT, in.start, "the command is too long");
    }
    if (err != ERR_OK) {
        while (!is_end(&in) && in.text.data[in.at++] != '\n') {
        }
    }
    *taken = in.at;
    return err;
}

u32 parse_line_of(struct span text, size_t offset)
{
    u32 line = 1;
    for (size_t i = 0; i < text.size && i < offset; i++) {
        line += text.data[i] == '\n';
    }
    return line;
}
