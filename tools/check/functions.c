// SPDX-License-Identifier: GPL-3.0-or-later
// Counts on the layout that `make format` gives: a function's body opens with a brace alone in the
// first column and closes with the next brace in that column.
#include "tools/check/check.h"
#include "tools/check/limits.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct long_function {
    char path[NAME_BYTES];
    char name[NAME_BYTES];
    u32 lines;
    bool used;
};

static struct long_function longs[LONG_FUNCTIONS];
static u32 long_count;
static const char *list_path;

void check_long_functions_read(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    list_path = path;
    for (u32 number = 1; file != NULL && fgets(line, sizeof line, file) != NULL; number++) {
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        struct long_function *entry = &longs[long_count++];
        if (long_count > LONG_FUNCTIONS ||
            sscanf(line, "%127s %127s %u", entry->path, entry->name, &entry->lines) != 3 ||
            entry->lines <= FUNCTION_LINES) {
            fprintf(stderr, "%s:%u: not `path function lines`, or within the bound\n", path,
                    number);
            exit(2);
        }
    }
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    fclose(file);
}

// The name before the first parenthesis of a signature.
static void name_of(const char *code, size_t start, size_t end, char out[NAME_BYTES])
{
    size_t paren = start;
    while (paren < end && code[paren] != '(') {
        paren++;
    }
    size_t stop = paren;
    while (stop > start && isspace((unsigned char)code[stop - 1])) {
        stop--;
    }
    size_t first = stop;
    while (first > start && (isalnum((unsigned char)code[first - 1]) || code[first - 1] == '_')) {
        first--;
    }
    snprintf(out, NAME_BYTES, "%.*s", (int)(stop - first), code + first);
}

static void judge(const struct check_source *source, const char *name, u32 line, u32 lines)
{
    if (lines <= FUNCTION_LINES) {
        return;
    }
    for (u32 i = 0; i < long_count; i++) {
        if (strcmp(longs[i].path, source->path) == 0 && strcmp(longs[i].name, name) == 0) {
            longs[i].used = true;
            if (lines > longs[i].lines) {
                check_report(source, line, "%s has grown to %u lines; %s allows %u", name, lines,
                             list_path, longs[i].lines);
            }
            return;
        }
    }
    check_report(source, line, "%s has %u lines, over %d", name, lines, FUNCTION_LINES);
}

void check_functions(const struct check_source *source)
{
    const char *code = source->code;
    size_t signature = 0; // offset of the first line of what stands before a body
    u32 signature_line = 1, number = 1;
    bool inside = false;
    char name[NAME_BYTES] = "";
    for (size_t at = 0; at < source->text.size; number++) {
        struct span line = check_line(source->text, at);
        char first = line.size == 0 ? '\n' : code[at];
        if (inside) {
            if (first == '}') {
                judge(source, name, signature_line, number - signature_line + 1);
                inside = false;
                signature = at + line.size + 1;
                signature_line = number + 1;
            }
        } else if (first == '{' && line.size == 1) {
            name_of(code, signature, at, name);
            inside = true;
        } else if (first == '\n' || first == ' ' || first == '}' || first == '#' ||
                   (line.size > 0 && code[at + line.size - 1] == ';')) {
            // a blank or commented line, a directive, the end of a declaration; an indented line
            // that goes on with a signature begins with more than one space
            if (first != ' ' || strspn(code + at, " ") >= line.size) {
                signature = at + line.size + 1;
                signature_line = number + 1;
            }
        }
        at += line.size + 1;
    }
}

void check_long_functions_unused(void)
{
    for (u32 i = 0; i < long_count; i++) {
        if (!longs[i].used) {
            struct check_source list = {.path = list_path};
            check_report(&list, 1, "%s %s is within the bound or gone: take the entry out",
                         longs[i].path, longs[i].name);
        }
    }
}
