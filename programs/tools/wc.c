// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/wc.c: counts lines, words and bytes.
#include <string.h>
#include <sys/stat.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/input.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "wc",
    "Usage: wc [-lwc] [FILE...]\n"
    "\n"
    "Counts lines, words and bytes of each FILE, and of all; - or none: of the standard input.\n"
    "\n"
    "  -l  lines: newlines\n"
    "  -w  words: what stands between blanks, tabs and ends of lines\n"
    "  -c  bytes\n",
    1,
};

enum { LINES, WORDS, BYTES, COUNTS };

enum { WIDTH_UNKNOWN = 7 }; // of counts of what has no size before it is read

static bool is_wanted[COUNTS];

static void bytes_count(u64 counts[COUNTS], bool *is_in_word, const u8 *bytes, size_t size)
{
    counts[BYTES] += size;
    for (size_t i = 0; is_wanted[WORDS] && i < size; i++) {
        bool is_blank = bytes[i] == ' ' || (bytes[i] >= '\t' && bytes[i] <= '\r');
        counts[WORDS] += !is_blank && !*is_in_word;
        *is_in_word = !is_blank;
    }
    const u8 *end = bytes + size;
    while (is_wanted[LINES] && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
        counts[LINES]++;
        bytes++;
    }
}

static void counts_put(const u64 counts[COUNTS], size_t width, const char *name)
{
    bool is_first = true;
    for (u32 i = 0; i < COUNTS; i++) {
        if (is_wanted[i]) {
            if (!is_first) {
                out_char(' ');
            }
            out_u64(counts[i], width);
            is_first = false;
        }
    }
    if (name != NULL) {
        out_char(' ');
        out_name(name);
    }
    out_char('\n');
}

// Wide enough for the sizes of all files together.
static size_t width_find(const struct options *options)
{
    u64 size = 0;
    size_t width = 1;
    struct stat status;
    u32 wanted = 0;
    for (u32 i = 0; i < COUNTS; i++) {
        wanted += is_wanted[i];
    }
    if (wanted == 1 && options->operand_count <= 1) {
        return 1;
    }
    for (int i = 0; i < options->operand_count; i++) {
        if (strcmp(options->words[i], "-") == 0) {
            width = WIDTH_UNKNOWN;
        } else if (stat(options->words[i], &status) == 0) {
            size += (u64)status.st_size;
            width = S_ISREG(status.st_mode) ? width : WIDTH_UNKNOWN;
        }
    }
    size_t digits = 1;
    while (size >= 10) {
        size /= 10;
        digits++;
    }
    return digits > width ? digits : width;
}

// Counts one file, and puts that out under its name.
static bool file_count(const char *path, u64 counts[COUNTS], size_t width, const char *name)
{
    static u8 bytes[TOOL_CHUNK_BYTES];
    struct input input;
    bool is_in_word = false;
    size_t size;
    if (!input_open(&input, path)) {
        return false;
    }
    while ((size = input_read(&input, bytes, sizeof bytes)) != 0) {
        bytes_count(counts, &is_in_word, bytes, size);
    }
    input_close(&input);
    counts_put(counts, width, name);
    return !input.failed;
}

int tool_main(int count, char **words)
{
    struct options options;
    u64 all[COUNTS] = {0};
    bool is_good = true;
    char letter;
    path_begin();
    options_begin(&options, count, words, "lwc");
    while ((letter = options_next(&options)) != 0) {
        is_wanted[letter == 'l' ? LINES : letter == 'w' ? WORDS : BYTES] = true;
    }
    if (!is_wanted[LINES] && !is_wanted[WORDS] && !is_wanted[BYTES]) {
        is_wanted[LINES] = is_wanted[WORDS] = is_wanted[BYTES] = true;
    }
    bool has_name = options.operand_count != 0;
    options_standard(&options);
    size_t width = width_find(&options);
    for (int i = 0; i < options.operand_count; i++) {
        u64 counts[COUNTS] = {0};
        const char *path = options.words[i];
        is_good = file_count(path, counts, width, has_name ? path : NULL) && is_good;
        for (u32 each = 0; each < COUNTS; each++) {
            all[each] += counts[each];
        }
    }
    if (options.operand_count > 1) {
        counts_put(all, width, "total");
    }
    return is_good ? 0 : 1;
}
