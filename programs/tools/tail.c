// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/tail.c: puts out how files end. In a file it goes back from the end; of what it
// cannot go back in, a pipe, it keeps what may be the end.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/input.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "tail",
    "Usage: tail [-n [+]LINES | -c [+]BYTES | -LINES] [-qv] [FILE...]\n"
    "\n"
    "Puts out the last ten lines of each FILE; - or none: of the standard input.\n"
    "\n"
    "  -n LINES  so many lines; +LINES: from that line on\n"
    "  -c BYTES  so many bytes; +BYTES: from that byte on\n"
    "  -q        never puts names over them; -v: always; else where there are several\n",
    1,
};

struct how {
    u64 number;
    bool is_bytes;
    bool is_from; // +NUMBER
};

// ---- from a line or byte on

static bool rest_put(struct input *input, struct how how)
{
    static u8 bytes[TOOL_CHUNK_BYTES];
    u64 left = how.number == 0 ? 0 : how.number - 1; // lines or bytes to be passed over
    size_t size;
    while ((size = input_read(input, bytes, sizeof bytes)) != 0) {
        size_t at = 0;
        if (how.is_bytes) {
            at = left < size ? (size_t)left : size;
            left -= at;
        }
        while (!how.is_bytes && left != 0 && at < size) {
            const u8 *newline = memchr(bytes + at, '\n', size - at);
            at = newline == NULL ? size : (size_t)(newline - bytes) + 1;
            left -= newline != NULL;
        }
        out_bytes(bytes + at, size - at);
    }
    return !input->failed;
}

// ---- the end

// Where the last lines or bytes begin; *left newlines are still missing, were there more in front.
// The newline that ends the last line does not count.
static size_t end_find(const u8 *bytes, size_t size, bool has_end, u64 *left)
{
    size_t at = has_end && size != 0 && bytes[size - 1] == '\n' ? size - 1 : size;
    while (at != 0) {
        if (bytes[at - 1] == '\n' && --*left == 0) {
            return at;
        }
        at--;
    }
    return 0;
}

// The place in a file from which on everything is to be put out. -1: it cannot be gone back in.
static off_t place_find(const struct input *input, struct how how)
{
    static u8 bytes[TOOL_CHUNK_BYTES];
    off_t end = lseek(input->file, 0, SEEK_END);
    if (end < 0 || how.is_bytes) {
        return end < 0 ? -1 : (u64)end > how.number ? end - (off_t)how.number : 0;
    }
    off_t at = end;
    u64 left = how.number;
    while (at > 0 && left != 0) {
        size_t size = at < (off_t)sizeof bytes ? (size_t)at : sizeof bytes;
        if (pread(input->file, bytes, size, at - (off_t)size) != (ssize_t)size) {
            return -1;
        }
        size_t found = end_find(bytes, size, at == end, &left);
        at -= (off_t)(size - found);
    }
    return at;
}

// What was read and may be the end.
struct kept {
    u8 *bytes;
    size_t size;
    size_t room;
};

// Drops what is in front of the end. False: that alone is too much.
static bool kept_cut(struct kept *kept, struct how how)
{
    u64 left = how.number;
    size_t start = 0;
    if (how.is_bytes) {
        start = kept->size > how.number ? kept->size - (size_t)how.number : 0;
    } else if (left == 0) {
        start = kept->size;
    } else {
        start = end_find(kept->bytes, kept->size, true, &left);
    }
    kept->size -= start;
    memmove(kept->bytes, kept->bytes + start, kept->size);
    return kept->size <= TAIL_BYTES;
}

static bool pipe_put(struct input *input, struct how how)
{
    struct kept kept = {0};
    size_t size = 1;
    bool fits = true;
    while (fits && size != 0) {
        if (kept.room - kept.size < TOOL_CHUNK_BYTES) {
            fits = kept_cut(&kept, how);
            kept.room = kept.size * 2 + 2 * TOOL_CHUNK_BYTES;
            kept.bytes = tool_memory(kept.bytes, kept.room);
        }
        size = input_read(input, kept.bytes + kept.size, TOOL_CHUNK_BYTES);
        kept.size += size;
    }
    if (!fits || !kept_cut(&kept, how)) {
        tool_say(input->name, "its end, as it is wanted, has more than 64 MiB");
        input->failed = true;
    } else if (!input->failed) {
        out_bytes(kept.bytes, kept.size);
    }
    free(kept.bytes);
    return !input->failed;
}

static bool end_put(struct input *input, struct how how)
{
    off_t at = place_find(input, how);
    if (at < 0 || lseek(input->file, at, SEEK_SET) < 0) {
        return pipe_put(input, how);
    }
    return rest_put(input, (struct how){.number = 1, .is_bytes = true});
}

static bool file_put(const char *path, bool has_name, struct how how)
{
    struct input input;
    if (!input_open(&input, path)) {
        return false;
    }
    if (has_name) {
        out_heading(input.name);
    }
    bool is_good = how.is_from ? rest_put(&input, how) : end_put(&input, how);
    input_close(&input);
    return is_good;
}

int tool_main(int count, char **words)
{
    struct options options;
    struct how how = {.number = 10};
    char names = 0; // 'q', 'v'
    char letter;
    path_begin();
    options_begin(&options, count, words, "n:c:qv#");
    while ((letter = options_next(&options)) != 0) {
        if (letter == 'q' || letter == 'v') {
            names = letter;
            continue;
        }
        how.is_bytes = letter == 'c';
        how.is_from = *options.value == '+';
        options.value += *options.value == '+' || *options.value == '-';
        how.number = options_number(&options);
    }
    bool has_names = names == 'v' || (names == 0 && options.operand_count > 1);
    bool is_good = true;
    options_standard(&options);
    for (int i = 0; i < options.operand_count; i++) {
        is_good = file_put(options.words[i], has_names, how) && is_good;
    }
    return is_good ? 0 : 1;
}
