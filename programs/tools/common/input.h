// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/input.h: files and the standard input, as bytes or as lines.
//
// Use     input_open, then input_read until it says 0, or lines_next; input_close. Each says what
//         fails, and `failed` tells. What the tool has put out is flushed before it waits.
// Owner   a line is valid until the next call.
// Limits  LINE_BYTES.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct input {
    int file;
    const char *name;
    bool failed;
};

//   path  "-": the standard input
bool input_open(struct input *input, const char *path);
// The same, and nothing is said.
bool input_try(struct input *input, const char *path);
size_t input_read(struct input *input, void *bytes, size_t size);
void input_close(struct input *input);

struct lines {
    struct input input;
    u8 *bytes;
    size_t room;
    size_t start;
    size_t end;
    bool is_over;     // nothing more will come
    bool has_newline; // the line that was told ends in one, as all but the last do
};

// Takes over what is open; the memory of an earlier file stays in use.
void lines_begin(struct lines *lines, struct input input);
// False: there are no more, or something failed.
bool lines_next(struct lines *lines, struct span *line);
