// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/head.c: puts out how files begin.
#include <string.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/input.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "head",
    "Usage: head [-n LINES | -c BYTES | -LINES] [-qv] [FILE...]\n"
    "\n"
    "Puts out the first ten lines of each FILE; - or none: of the standard input.\n"
    "\n"
    "  -n LINES  so many lines\n"
    "  -c BYTES  so many bytes\n"
    "  -q        never puts names over them; -v: always; else where there are several\n",
    1,
};

// How much of these bytes belongs to the beginning; *left lines or bytes are still missing then.
static size_t beginning(const u8 *bytes, size_t size, bool is_bytes, u64 *left)
{
    if (is_bytes) {
        size_t taken = size < *left ? size : (size_t)*left;
        *left -= taken;
        return taken;
    }
    size_t at = 0;
    while (*left != 0 && at < size) {
        const u8 *newline = memchr(bytes + at, '\n', size - at);
        if (newline == NULL) {
            return size;
        }
        at = (size_t)(newline - bytes) + 1;
        --*left;
    }
    return at;
}

static bool file_put(const char *path, bool has_name, bool is_bytes, u64 left)
{
    static u8 bytes[TOOL_CHUNK_BYTES];
    struct input input;
    if (!input_open(&input, path)) {
        return false;
    }
    if (has_name) {
        out_heading(input.name);
    }
    size_t size;
    while (left != 0 && (size = input_read(&input, bytes, sizeof bytes)) != 0) {
        out_bytes(bytes, beginning(bytes, size, is_bytes, &left));
    }
    input_close(&input);
    return !input.failed;
}

int tool_main(int count, char **words)
{
    struct options options;
    u64 number = 10;
    bool is_bytes = false;
    char names = 0; // 'q', 'v'
    char letter;
    path_begin();
    options_begin(&options, count, words, "n:c:qv#");
    while ((letter = options_next(&options)) != 0) {
        if (letter == 'q' || letter == 'v') {
            names = letter;
        } else {
            is_bytes = letter == 'c';
            number = options_number(&options);
        }
    }
    bool has_names = names == 'v' || (names == 0 && options.operand_count > 1);
    bool is_good = true;
    options_standard(&options);
    for (int i = 0; i < options.operand_count; i++) {
        is_good = file_put(options.words[i], has_names, is_bytes, number) && is_good;
    }
    return is_good ? 0 : 1;
}
