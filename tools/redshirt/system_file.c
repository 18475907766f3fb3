// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/system_file.h"

#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/report.h"

// Where the parser stands. Words are unescaped where they stand, which never makes them longer, and
// end in a zero: over the blank, newline or quote behind them.
struct parser {
    struct system_file *out;
    size_t size;
    size_t next;
    struct system_place place; // of the next byte
    struct system_place *at;
    struct report *report;
    struct span words[SYSTEM_WORDS + 3]; // of one line
    struct system_place places[SYSTEM_WORDS + 3];
    u32 count;
};

static enum err refuse(struct parser *in, enum err err, struct system_place place,
                       const char *words)
{
    *in->at = place;
    return report_err(in->report, err, 0, words);
}

// ---- words

static void step(struct parser *in)
{
    in->next++;
    in->place.column++;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

// A word in quotes, the first of which is the next byte.
static enum err quoted_take(struct parser *in, struct span *word)
{
    struct system_place begin = in->place;
    char *text = in->out->text;
    step(in);
    size_t start = in->next;
    size_t to = start;
    while (in->next < in->size && text[in->next] != '\n' && text[in->next] != '"') {
        if (text[in->next] == '\\') {
            step(in);
            bool is_good = in->next < in->size && (text[in->next] == '"' || text[in->next] == '\\');
            if (!is_good) {
                return refuse(in, ERR_MALFORMED, in->place, "behind \\ stands \" or another \\");
            }
        }
        text[to++] = text[in->next];
        step(in);
    }
    if (in->next == in->size || text[in->next] == '\n') {
        return refuse(in, ERR_MALFORMED, begin, "this quote is not closed in its line");
    }
    step(in);
    bool is_end = in->next == in->size || is_blank(text[in->next]) || text[in->next] == '\n';
    if (!is_end) {
        return refuse(in, ERR_MALFORMED, in->place, "a blank stands behind a quote");
    }
    *word = span_of(text + start, to - start);
    return ERR_OK;
}

static enum err bare_take(struct parser *in, struct span *word)
{
    char *text = in->out->text;
    size_t start = in->next;
    while (in->next < in->size && !is_blank(text[in->next]) && text[in->next] != '\n') {
        if (text[in->next] == '"') {
            return refuse(in, ERR_MALFORMED, in->place, "a quote stands around a whole word");
        }
        step(in);
    }
    *word = span_of(text + start, in->next - start);
    return ERR_OK;
}

// The words of the next line; none: it is empty.
static enum err line_take(struct parser *in)
{
    char *text = in->out->text;
    in->count = 0;
    while (in->next < in->size && text[in->next] != '\n') {
        if (is_blank(text[in->next])) {
            step(in);
            continue;
        }
        if (text[in->next] == '#') {
            while (in->next < in->size && text[in->next] != '\n') {
                step(in);
            }
            break;
        }
        if (in->count == COUNT_OF(in->words)) {
            return refuse(in, ERR_LIMIT, in->place, "a line has at most 67 words");
        }
        in->places[in->count] = in->place;
        struct span *word = &in->words[in->count++];
        TRY(text[in->next] == '"' ? quoted_take(in, word) : bare_take(in, word));
    }
    bool is_line = in->next < in->size;
    for (u32 i = 0; i < in->count; i++) { // nothing of the line is read again
        text[in->words[i].data + in->words[i].size - (u8 *)text] = 0;
    }
    if (is_line) {
        in->next++;
        in->place = (struct system_place){in->place.line + 1, 1};
    }
    return ERR_OK;
}

// ---- what stands in a line

static bool word_is(const struct parser *in, u32 index, const char *text)
{
    return index < in->count && span_equal(in->words[index], span_string(text));
}

static bool is_name(struct span word)
{
    for (size_t i = 0; i < word.size; i++) {
        u8 byte = word.data[i];
        bool is_letter = byte >= 'a' && byte <= 'z';
        bool is_later = i > 0 && ((byte >= '0' && byte <= '9') || byte == '-');
        if (!is_letter && !is_later) {
            return false;
        }
    }
    return word.size > 0 && word.size <= SYSTEM_NAME_BYTES;
}

u32 system_find(const struct system_file *file, struct span name)
{
    for (u32 i = 0; i < file->program_count; i++) {
        if (span_equal(file->programs[i].name, name)) {
            return i;
        }
    }
    return SYSTEM_ALL;
}

static enum err program_line(struct parser *in)
{
    if (in->count < 3) {
        return refuse(in, ERR_MALFORMED, in->places[0],
                      "program wants a name for it, then a CID, a file, NAME@KEY or what comes "
                      "with the command, then its arguments");
    }
    if (!is_name(in->words[1])) {
        return refuse(in, ERR_MALFORMED, in->places[1],
                      "a name has 1 to 32 of a-z, 0-9 and -, a letter first");
    }
    if (system_find(in->out, in->words[1]) != SYSTEM_ALL) {
        return refuse(in, ERR_EXISTS, in->places[1], "there is a program of this name above");
    }
    if (in->words[2].size == 0) {
        return refuse(in, ERR_MALFORMED, in->places[2], "no program has an empty name");
    }
    if (in->out->program_count == SYSTEM_PROGRAMS) {
        return refuse(in, ERR_LIMIT, in->places[0], "a system has at most 64 programs");
    }
    struct system_program *program = &in->out->programs[in->out->program_count++];
    *program =
        (struct system_program){.name = in->words[1], .what = in->words[2], .place = in->places[0]};
    for (u32 i = 3; i < in->count; i++) {
        program->words[program->word_count++] = in->words[i];
    }
    return ERR_OK;
}

static enum err grant_line(struct parser *in, struct system_program *program,
                           enum kernel_right right, enum kernel_word word)
{
    if (in->count < 2) {
        return refuse(in, ERR_MALFORMED, in->places[0], "which interface?");
    }
    for (u32 i = 1; i < in->count; i++) {
        if (in->words[i].size == 0) {
            return refuse(in, ERR_MALFORMED, in->places[i], "no interface has an empty name");
        }
        if (program->grant_count == SYSTEM_GRANTS) {
            return refuse(in, ERR_LIMIT, in->places[i],
                          "of one program at most 32 interfaces can be said");
        }
        program->grants[program->grant_count++] =
            (struct system_grant){right, word, in->words[i], in->places[i]};
    }
    return ERR_OK;
}

static enum err variables_line(struct parser *in, struct system_program *program)
{
    if (in->count < 2) {
        return refuse(in, ERR_MALFORMED, in->places[0], "env wants NAME=VALUE");
    }
    for (u32 i = 1; i < in->count; i++) {
        struct span word = in->words[i];
        size_t equals = 0;
        while (equals < word.size && word.data[equals] != '=') {
            equals++;
        }
        if (equals == 0 || equals == word.size) {
            return refuse(in, ERR_MALFORMED, in->places[i], "env wants NAME=VALUE");
        }
        if (program->variable_count == SYSTEM_VARIABLES) {
            return refuse(in, ERR_LIMIT, in->places[i], "a program has at most 32 variables here");
        }
        program->variables[program->variable_count++] = word;
    }
    return ERR_OK;
}

static enum err restart_line(struct parser *in, struct system_program *program)
{
    static const char *const names[] = {
        [SYSTEM_NEVER] = "never",
        [SYSTEM_ON_FAILURE] = "on-failure",
        [SYSTEM_ALWAYS] = "always",
    };
    for (u32 i = 0; i < COUNT_OF(names) && in->count == 2; i++) {
        if (word_is(in, 1, names[i])) {
            program->restart = (enum system_restart)i;
            return ERR_OK;
        }
    }
    return refuse(in, ERR_MALFORMED, in->places[in->count > 1],
                  "restart wants never, on-failure or always");
}

// route INTERFACE NAME... [for NAME], of programs above.
static enum err route_line(struct parser *in)
{
    bool has_client = in->count > 2 && word_is(in, in->count - 2, "for");
    u32 end = has_client ? in->count - 2 : in->count;
    if (end < 3) {
        return refuse(in, ERR_MALFORMED, in->places[0],
                      "route wants an interface, then who stands in front of it, the first one "
                      "first, then perhaps `for` and whose it is");
    }
    if (end - 2 > SYSTEM_ROW) {
        return refuse(in, ERR_LIMIT, in->places[2 + SYSTEM_ROW],
                      "at most 8 programs stand in front of an interface");
    }
    if (in->out->route_count == SYSTEM_ROUTES) {
        return refuse(in, ERR_LIMIT, in->places[0], "a system has at most 64 routes");
    }
    struct system_route *route = &in->out->routes[in->out->route_count];
    *route = (struct system_route){
        .interface = in->words[1], .client = SYSTEM_ALL, .place = in->places[0]};
    for (u32 i = 2; i < end + has_client * 2; i++) {
        if (i == end) { // `for`
            continue;
        }
        u32 number = system_find(in->out, in->words[i]);
        if (number == SYSTEM_ALL) {
            return refuse(in, ERR_NOT_FOUND, in->places[i], "no program above has this name");
        }
        for (u32 k = 0; k < route->count; k++) {
            if (route->row[k] == number) {
                return refuse(in, ERR_EXISTS, in->places[i],
                              "nobody stands in front of themselves");
            }
        }
        if (i > end) {
            route->client = number;
        } else {
            route->row[route->count++] = number;
        }
    }
    for (u32 i = 0; i < in->out->route_count; i++) {
        const struct system_route *other = &in->out->routes[i];
        if (other->client == route->client && span_equal(other->interface, route->interface)) {
            return refuse(in, ERR_EXISTS, in->places[0],
                          "who stands in front of this interface is said above");
        }
    }
    in->out->route_count++;
    return ERR_OK;
}

static enum err line_parse(struct parser *in)
{
    if (word_is(in, 0, "program")) {
        return program_line(in);
    }
    if (word_is(in, 0, "route")) {
        return route_line(in);
    }
    struct system_program *program =
        in->out->program_count == 0 ? NULL : &in->out->programs[in->out->program_count - 1];
    static const char *const names[] = {"may", "may-not", "handles", "env", "restart"};
    u32 which = 0;
    while (which < COUNT_OF(names) && !word_is(in, 0, names[which])) {
        which++;
    }
    if (which == COUNT_OF(names)) {
        return refuse(in, ERR_MALFORMED, in->places[0],
                      "expected program, route, may, may-not, handles, env or restart");
    }
    if (program == NULL) {
        return refuse(in, ERR_MALFORMED, in->places[0],
                      "this is about a program, and none is above");
    }
    switch (which) {
    case 0:
        return grant_line(in, program, KERNEL_USE, KERNEL_ALLOW);
    case 1:
        return grant_line(in, program, KERNEL_USE, KERNEL_DENY);
    case 2:
        return grant_line(in, program, KERNEL_HANDLE, KERNEL_ALLOW);
    case 3:
        return variables_line(in, program);
    default:
        return restart_line(in, program);
    }
}

enum err system_parse(struct span text, struct system_file *out, struct system_place *at,
                      struct report *report)
{
    struct parser in = {.out = out, .size = text.size, .place = {1, 1}, .at = at, .report = report};
    out->program_count = 0;
    out->route_count = 0;
    *at = in.place;
    if (text.size > SYSTEM_FILE_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "a system file has at most 64 KiB");
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == 0) {
            return report_err(report, ERR_MALFORMED, i,
                              "a system file is text: it has no zero byte");
        }
    }
    mem_copy(out->text, text.data, text.size);
    out->text[text.size] = 0;
    while (in.next < in.size) {
        TRY(line_take(&in));
        if (in.count > 0) {
            TRY(line_parse(&in));
        }
    }
    return ERR_OK;
}
