// SPDX-License-Identifier: GPL-3.0-or-later
// A row's name is matched against the front of a path, folder by folder.
#include "tools/check/check.h"
#include "tools/check/limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char name[NAME_BYTES];
    char below[1024]; // names with one space before and after each
    bool any_system_header;
};

static struct row rows[ROWS];
static u32 row_count;

// What a compiler brings along without a libc.
static const char *const freestanding[] = {"stdint.h",   "stddef.h", "stdbool.h",
                                           "stdalign.h", "limits.h", "stdarg.h"};

// How many bytes of `path` the row's name covers; 0: it is not of this row.
static size_t match(const char *name, struct span path)
{
    size_t at = 0;
    for (const char *c = name; *c != 0; c++) {
        if (*c == '*') {
            size_t start = at;
            while (at < path.size && path.data[at] != '/') {
                at++;
            }
            if (at == start) {
                return 0;
            }
        } else if (at < path.size && path.data[at] == (u8)*c) {
            at++;
        } else {
            return 0;
        }
    }
    return at == path.size || path.data[at] == '/' ? at : 0;
}

// The row of a path, and in *covered how much of the path names it. NULL: of no row. Of two that
// cover the same, the one without a star wins.
static const struct row *find_row(struct span path, size_t *covered)
{
    const struct row *best = NULL;
    *covered = 0;
    for (u32 i = 0; i < row_count; i++) {
        size_t size = match(rows[i].name, path);
        bool is_exact = strchr(rows[i].name, '*') == NULL;
        if (size > *covered || (size != 0 && size == *covered && is_exact)) {
            best = &rows[i];
            *covered = size;
        }
    }
    return best;
}

static void damaged(const char *path, u32 line)
{
    fprintf(stderr, "%s:%u: not `row | rows below | freestanding or any`\n", path, line);
    exit(2);
}

void check_layers_read(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[2048];
    if (file == NULL) {
        damaged(path, 0);
    }
    for (u32 number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        char name[NAME_BYTES], system[32];
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        char *first = strchr(line, '|');
        char *last = strrchr(line, '|');
        if (first == last || row_count == ROWS || sscanf(line, "%127s", name) != 1 ||
            sscanf(last + 1, "%31s", system) != 1 ||
            (strcmp(system, "any") != 0 && strcmp(system, "freestanding") != 0)) {
            damaged(path, number);
        }
        *last = 0;
        struct row *row = &rows[row_count++];
        snprintf(row->name, sizeof row->name, "%s", name);
        snprintf(row->below, sizeof row->below, "%s ", first + 1);
        row->any_system_header = strcmp(system, "any") == 0;
    }
    fclose(file);
}

static bool is_below(const struct row *row, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = row->below; (at = strstr(at, name)) != NULL; at += size) {
        if (at > row->below && at[-1] == ' ' && at[size] == ' ') {
            return true;
        }
    }
    return false;
}

static void check_system(const struct check_source *source, const struct row *row, u32 line,
                         struct span header)
{
    for (size_t i = 0; i < sizeof freestanding / sizeof freestanding[0]; i++) {
        if (span_equal(header, span_string(freestanding[i]))) {
            return;
        }
    }
    if (!row->any_system_header) {
        check_report(source, line, "%s has no libc, but this includes <%.*s>", row->name,
                     (int)header.size, header.data);
    }
}

static void check_include(const struct check_source *source, const struct row *row, u32 line,
                          struct span header)
{
    size_t from_size, to_size;
    struct span from = span_string(source->path);
    const struct row *to = find_row(header, &to_size);
    (void)find_row(from, &from_size);
    if (to == NULL) {
        check_report(source, line, "\"%.*s\" is not written from the root, or of no row",
                     (int)header.size, header.data);
        return;
    }
    bool is_same = to == row && to_size == from_size && mem_equal(header.data, from.data, to_size);
    if (!is_same && !is_below(row, to->name)) {
        check_report(source, line, "%s may not include %.*s", row->name, (int)header.size,
                     header.data);
    }
}

void check_layers(const struct check_source *source)
{
    size_t covered;
    const struct row *row = find_row(span_string(source->path), &covered);
    if (row == NULL) {
        check_report(source, 1, "of no row; mk/layers.mk lists them");
        return;
    }
    u32 number = 1;
    for (size_t at = 0; at < source->text.size; number++) {
        struct span line = check_line(source->text, at);
        const char *code = source->code + at;
        at += line.size + 1;
        size_t start = strspn(code, " \t");
        if (start >= line.size || code[start] != '#') {
            continue;
        }
        start += 1 + strspn(code + start + 1, " \t");
        if (line.size - start < 9 || memcmp(code + start, "include", 7) != 0) {
            continue;
        }
        start += 7 + strspn(code + start + 7, " \t");
        u8 open = line.data[start];
        u8 close = open == '<' ? '>' : open;
        const u8 *end = memchr(line.data + start + 1, close, line.size - start - 1);
        if ((open != '<' && open != '"') || end == NULL) {
            if (strstr(source->path, ".def") == NULL) {
                check_report(source, number, "include of neither a \"file\" nor a <header>");
            }
            continue;
        }
        struct span header = span_slice(line, start + 1, (size_t)(end - line.data));
        (open == '<' ? check_system : check_include)(source, row, number, header);
    }
}
