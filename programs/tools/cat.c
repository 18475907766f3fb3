// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/cat.c: puts files out, one behind the other.
#include "programs/tools/common/folder.h"
#include "programs/tools/common/input.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "cat",
    "Usage: cat [-n] [-u] [FILE...]\n"
    "\n"
    "Puts out each FILE, - or none: the standard input.\n"
    "\n"
    "  -n  numbers the lines\n"
    "  -u  changes nothing: output never waits for more input\n",
    1,
};

struct numbering {
    u64 line;
    bool is_inside; // the last byte was no newline
};

static void numbered_put(struct numbering *numbering, const u8 *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!numbering->is_inside) {
            out_u64(++numbering->line, 6);
            out_char('\t');
        }
        out_char((char)bytes[i]);
        numbering->is_inside = bytes[i] != '\n';
    }
}

static bool file_put(const char *path, struct numbering *numbering, bool has_numbers)
{
    static u8 bytes[TOOL_CHUNK_BYTES];
    struct input input;
    if (!input_open(&input, path)) {
        return false;
    }
    size_t size;
    while ((size = input_read(&input, bytes, sizeof bytes)) != 0) {
        if (has_numbers) {
            numbered_put(numbering, bytes, size);
        } else {
            out_bytes(bytes, size);
        }
    }
    input_close(&input);
    return !input.failed;
}

int tool_main(int count, char **words)
{
    struct numbering numbering = {0};
    struct options options;
    bool has_numbers = false;
    bool is_good = true;
    char letter;
    path_begin();
    options_begin(&options, count, words, "nu");
    while ((letter = options_next(&options)) != 0) {
        has_numbers |= letter == 'n';
    }
    options_standard(&options);
    for (int i = 0; i < options.operand_count; i++) {
        is_good = file_put(options.words[i], &numbering, has_numbers) && is_good;
    }
    return is_good ? 0 : 1;
}
