// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/input.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "programs/tools/common/limits.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

bool input_try(struct input *input, const char *path)
{
    bool is_standard = strcmp(path, "-") == 0;
    *input = (struct input){.file = is_standard ? STDIN_FILENO : open(path, O_RDONLY),
                            .name = is_standard ? "standard input" : path};
    input->failed = input->file < 0;
    return !input->failed;
}

bool input_open(struct input *input, const char *path)
{
    bool is_open = input_try(input, path);
    if (!is_open) {
        tool_say_error(path);
    }
    return is_open;
}

size_t input_read(struct input *input, void *bytes, size_t size)
{
    out_flush();
    ssize_t count = read(input->file, bytes, size < TOOL_CHUNK_BYTES ? size : TOOL_CHUNK_BYTES);
    if (count < 0) {
        tool_say_error(input->name);
        input->failed = true;
    }
    return count < 0 ? 0 : (size_t)count;
}

void input_close(struct input *input)
{
    if (input->file > STDIN_FILENO) {
        (void)close(input->file);
    }
}

// ---- lines

void lines_begin(struct lines *lines, struct input input)
{
    *lines = (struct lines){.input = input, .bytes = lines->bytes, .room = lines->room};
}

// False, and said: a line of so many bytes is none.
static bool is_line(struct lines *lines, size_t size)
{
    if (size > LINE_BYTES) {
        tool_say(lines->input.name, "a line is longer than 16 MiB");
        lines->input.failed = lines->is_over = true;
        lines->start = lines->end;
    }
    return size <= LINE_BYTES;
}

// More bytes behind those that are there. False: there are none.
static bool more(struct lines *lines)
{
    size_t size = lines->end - lines->start;
    if (lines->is_over || !is_line(lines, size)) {
        return false;
    }
    if (lines->room - size < TOOL_CHUNK_BYTES) {
        lines->room = size * 2 + 2 * TOOL_CHUNK_BYTES;
        lines->bytes = tool_memory(lines->bytes, lines->room);
    }
    if (lines->room - lines->end < TOOL_CHUNK_BYTES) {
        memmove(lines->bytes, lines->bytes + lines->start, size);
        lines->start = 0;
        lines->end = size;
    }
    size_t count = input_read(&lines->input, lines->bytes + lines->end, TOOL_CHUNK_BYTES);
    lines->end += count;
    lines->is_over = count == 0;
    return count != 0;
}

bool lines_next(struct lines *lines, struct span *line)
{
    size_t seen = 0; // bytes without a newline
    for (;;) {
        u8 *start = lines->bytes + lines->start;
        size_t size = lines->end - lines->start;
        u8 *newline = size == seen ? NULL : memchr(start + seen, '\n', size - seen);
        if (newline != NULL) {
            *line = span_of(start, (size_t)(newline - start));
            lines->start += line->size + 1;
            lines->has_newline = true;
            return is_line(lines, line->size);
        }
        seen = size;
        if (!more(lines)) {
            *line = span_of(lines->bytes + lines->start, lines->end - lines->start);
            lines->start = lines->end;
            lines->has_newline = false;
            return line->size != 0 && !lines->input.failed;
        }
    }
}
