// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/check/check.h"
#include "tools/check/limits.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static u32 report_count;

// Makes comments and the insides of strings blank, so that what is left is code. Newlines stay.
static void blank(char *code, size_t size)
{
    enum { CODE, LINE_COMMENT, COMMENT, STRING, LETTER } state = CODE;
    for (size_t i = 0; i < size; i++) {
        char c = code[i];
        char next = i + 1 < size ? code[i + 1] : 0;
        if (state == CODE) {
            if (c == '/' && (next == '/' || next == '*')) {
                state = next == '/' ? LINE_COMMENT : COMMENT;
                code[i] = code[i + 1] = ' ';
                i++;
            } else if (c == '"' || c == '\'') {
                state = c == '"' ? STRING : LETTER;
            }
            continue;
        }
        if (c == '\n') {
            state = state == COMMENT ? COMMENT : CODE;
            continue;
        }
        code[i] = ' ';
        if (state == COMMENT && c == '*' && next == '/') {
            code[++i] = ' ';
            state = CODE;
        } else if ((state == STRING || state == LETTER) && c == '\\' && next != '\n') {
            code[++i] = ' ';
        } else if ((state == STRING && c == '"') || (state == LETTER && c == '\'')) {
            code[i] = c;
            state = CODE;
        }
    }
}

bool check_source_read(const char *path, struct check_source *out)
{
    FILE *file = fopen(path, "rb");
    u8 *bytes = malloc(SOURCE_BYTES + 1);
    size_t size = file == NULL || bytes == NULL ? 0 : fread(bytes, 1, SOURCE_BYTES + 1, file);
    bool good = file != NULL && bytes != NULL && !ferror(file) && size <= SOURCE_BYTES;
    if (file != NULL) {
        fclose(file);
    }
    char *code = good ? malloc(size + 1) : NULL;
    if (code == NULL) {
        fprintf(stderr, "%s: cannot be read, or is larger than %d bytes\n", path, SOURCE_BYTES);
        free(bytes);
        return false;
    }
    mem_copy(code, bytes, size);
    code[size] = 0;
    blank(code, size);
    *out = (struct check_source){path, span_of(bytes, size), code};
    return true;
}

void check_source_drop(struct check_source *source)
{
    free((void *)source->text.data);
    free(source->code);
}

void check_report(const struct check_source *source, u32 line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s:%u: ", source->path, line);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    report_count++;
}

u32 check_report_count(void)
{
    return report_count;
}

struct span check_line(struct span text, size_t offset)
{
    size_t end = offset;
    while (end < text.size && text.data[end] != '\n') {
        end++;
    }
    return span_slice(text, offset, end);
}
