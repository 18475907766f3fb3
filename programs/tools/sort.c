// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/sort.c: puts lines in order. All of them are in memory before the first is put
// out, so a file may be sorted onto itself; they take at most SORT_BYTES.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <wasi/libc.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/input.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "sort",
    "Usage: sort [-bfnrsu] [-t BYTE] [-k KEY]... [-o FILE] [FILE...]\n"
    "\n"
    "Puts out the lines of all FILEs in order; - or none: of the standard input. 256 MiB at most.\n"
    "\n"
    "  -n       by the numbers that they begin with\n"
    "  -r       the other way round\n"
    "  -f       a to z are A to Z\n"
    "  -b       blanks in front of a key do not count\n"
    "  -u       of lines that are equal only the first\n"
    "  -s       lines that are equal stay in their order\n"
    "  -k KEY   FIELD[.BYTE][bfnr][,FIELD[.BYTE][bfnr]]: from there to there, or to the end; "
    "several\n"
    "           -k: each where those before it are equal\n"
    "  -t BYTE  ends a field; without it, a field begins with its blanks\n"
    "  -o FILE  where to put it\n",
    2,
};

enum { FIELD_MOST = 1000000 };

struct how {
    bool skips_blanks;
    bool folds;
    bool is_number;
    bool is_reversed;
};

struct key {
    struct how how;
    bool has_how;
    bool end_skips_blanks;
    u32 field; // from 0 on
    u32 byte;
    u32 end_field; // UINT32_MAX: to the end of the line
    u32 end_byte;  // 0: the field's end
};

static struct key keys[KEY_COUNT];
static u32 key_count;
static struct how all; // what stands without a key
static bool is_unique;
static bool is_stable;
static int separator = -1;

struct line {
    const u8 *data;
    size_t size;
};

static struct {
    u8 *bytes;
    size_t size;
    size_t room;
} text;

// ---- comparing

static bool is_blank(u8 byte)
{
    return byte == ' ' || byte == '\t';
}

static size_t blanks_skip(const struct line *line, size_t at, size_t end)
{
    while (at < end && is_blank(line->data[at])) {
        at++;
    }
    return at;
}

// Where the field that begins at `at` ends.
static size_t field_end(const struct line *line, size_t at)
{
    if (separator < 0) {
        at = blanks_skip(line, at, line->size);
    }
    while (at < line->size &&
           (separator < 0 ? !is_blank(line->data[at]) : line->data[at] != separator)) {
        at++;
    }
    return at;
}

// Where a field begins, or the line ends.
static size_t field_start(const struct line *line, u32 field)
{
    size_t at = 0;
    while (field-- != 0 && at < line->size) {
        at = field_end(line, at);
        at += separator >= 0 && at < line->size;
    }
    return at;
}

// The part of a line that a key is about.
static struct line key_of(const struct line *line, const struct key *key)
{
    size_t end = line->size;
    if (key->end_field != UINT32_MAX && key->end_byte == 0) {
        end = field_end(line, field_start(line, key->end_field));
    } else if (key->end_field != UINT32_MAX) {
        end = field_start(line, key->end_field);
        end = key->end_skips_blanks ? blanks_skip(line, end, line->size) : end;
        end = line->size - end < key->end_byte ? line->size : end + key->end_byte;
    }
    size_t start = field_start(line, key->field);
    start = key->how.skips_blanks ? blanks_skip(line, start, line->size) : start;
    start = line->size - start < key->byte ? line->size : start + key->byte;
    start = start < end ? start : end;
    return (struct line){line->data + start, end - start};
}

// The digits of a number: those in front of its point, without zeros in front, and those behind it.
struct number {
    bool is_negative;
    struct line whole;
    struct line rest;
};

static bool is_digit(const struct line *line, size_t at)
{
    return at < line->size && line->data[at] >= '0' && line->data[at] <= '9';
}

static struct number number_of(const struct line *line)
{
    struct number number = {0};
    size_t at = blanks_skip(line, 0, line->size);
    number.is_negative = at < line->size && line->data[at] == '-';
    at += number.is_negative;
    while (at < line->size && line->data[at] == '0') {
        at++;
    }
    number.whole.data = line->data + at;
    for (; is_digit(line, at); at++) {
        number.whole.size++;
    }
    if (at < line->size && line->data[at] == '.') {
        number.rest.data = line->data + ++at;
        for (; is_digit(line, at); at++) {
            number.rest.size++;
        }
        while (number.rest.size != 0 && number.rest.data[number.rest.size - 1] == '0') {
            number.rest.size--;
        }
    }
    number.is_negative = number.is_negative && (number.whole.size != 0 || number.rest.size != 0);
    return number;
}

static int bytes_compare(const struct line *a, const struct line *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int order = size == 0 ? 0 : memcmp(a->data, b->data, size);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int numbers_compare(const struct line *a, const struct line *b)
{
    struct number x = number_of(a);
    struct number y = number_of(b);
    if (x.is_negative != y.is_negative) {
        return x.is_negative ? -1 : 1;
    }
    int order = (x.whole.size > y.whole.size) - (x.whole.size < y.whole.size);
    order = order != 0 ? order : bytes_compare(&x.whole, &y.whole);
    order = order != 0 ? order : bytes_compare(&x.rest, &y.rest);
    return x.is_negative ? -order : order;
}

static u8 folded(u8 byte)
{
    return byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte;
}

static int folded_compare(const struct line *a, const struct line *b)
{
    for (size_t i = 0; i < a->size && i < b->size; i++) {
        u8 x = folded(a->data[i]);
        u8 y = folded(b->data[i]);
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return (a->size > b->size) - (a->size < b->size);
}

static int key_compare(const struct line *a, const struct line *b, struct how how)
{
    int order = how.is_number ? numbers_compare(a, b)
                : how.folds   ? folded_compare(a, b)
                              : bytes_compare(a, b);
    return how.is_reversed ? -order : order;
}

static int keys_compare(const struct line *a, const struct line *b)
{
    int order = 0;
    for (u32 i = 0; i < key_count && order == 0; i++) {
        struct line x = key_of(a, &keys[i]);
        struct line y = key_of(b, &keys[i]);
        order = key_compare(&x, &y, keys[i].how);
    }
    return order;
}

static int compare(const struct line *a, const struct line *b)
{
    int order = keys_compare(a, b);
    if (order == 0 && !is_unique && !is_stable) {
        order = bytes_compare(a, b);
        order = all.is_reversed ? -order : order;
    }
    return order;
}

// ---- sorting: by merging, twice as many lines each time, from one array to the other and back. It
// compares half as often as libc's qsort, in the order of memory, and what is equal stays in order.

// Merges [start, middle) and [middle, end) of `from` into the same place of `to`.
static void merge(const struct line *from, struct line *to, size_t start, size_t middle, size_t end)
{
    size_t left = start;
    size_t right = middle;
    for (size_t at = start; at < end; at++) {
        bool is_left = right == end || (left < middle && compare(&from[left], &from[right]) <= 0);
        to[at] = from[is_left ? left++ : right++];
    }
}

// Where they are in order, one of the two arrays.
static struct line *lines_sort(struct line *lines, struct line *other, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = count - start < width ? count : start + width;
            size_t end = count - start < 2 * width ? count : start + 2 * width;
            merge(lines, other, start, middle, end);
        }
        struct line *sorted = other;
        other = lines;
        lines = sorted;
    }
    return lines;
}

// ---- the command line

static bool how_take(struct how *how, char letter)
{
    how->skips_blanks |= letter == 'b';
    how->folds |= letter == 'f';
    how->is_number |= letter == 'n';
    how->is_reversed |= letter == 'r';
    return letter != 0 && strchr("bfnr", letter) != NULL;
}

static u32 digits_take(const char **at, const char *whole)
{
    u32 number = 0;
    if (**at < '0' || **at > '9') {
        tool_fail_usage(whole, "this is no key");
    }
    for (; **at >= '0' && **at <= '9'; ++*at) {
        number = number * 10 + (u32)(**at - '0');
        number = number > FIELD_MOST ? FIELD_MOST : number;
    }
    return number;
}

static void key_take(const char *whole)
{
    if (key_count == KEY_COUNT) {
        tool_fail_usage(whole, "there are at most 16 keys");
    }
    struct key key = {.end_field = UINT32_MAX};
    const char *at = whole;
    u32 field = digits_take(&at, whole);
    u32 byte = *at == '.' ? (at++, digits_take(&at, whole)) : 1;
    for (; how_take(&key.how, *at); at++) {
        key.has_how = true;
    }
    if (field == 0 || byte == 0) {
        tool_fail_usage(whole, "fields and bytes are counted from 1 on");
    }
    key.field = field - 1;
    key.byte = byte - 1;
    if (*at == ',') {
        at++;
        field = digits_take(&at, whole);
        key.end_byte = *at == '.' ? (at++, digits_take(&at, whole)) : 0;
        struct how end = {0};
        for (; how_take(&end, *at); at++) {
            key.has_how = true;
        }
        if (field == 0) {
            tool_fail_usage(whole, "fields are counted from 1 on");
        }
        key.end_field = field - 1;
        key.end_skips_blanks = end.skips_blanks;
        key.how.folds |= end.folds;
        key.how.is_number |= end.is_number;
        key.how.is_reversed |= end.is_reversed;
    }
    if (*at != 0) {
        tool_fail_usage(whole, "this is no key");
    }
    keys[key_count++] = key;
}

static const char *options_take(struct options *options)
{
    const char *target = NULL;
    char letter;
    while ((letter = options_next(options)) != 0) {
        if (letter == 'k') {
            key_take(options->value);
        } else if (letter == 't') {
            separator = (u8)*options->value;
            if (options->value[0] == 0 || options->value[1] != 0) {
                tool_fail_usage(options->value, "-t wants one byte");
            }
        } else if (letter == 'o') {
            target = options->value;
        } else {
            is_unique |= letter == 'u';
            is_stable |= letter == 's';
            (void)how_take(&all, letter);
        }
    }
    if (key_count == 0) {
        keys[key_count++] = (struct key){.end_field = UINT32_MAX};
    }
    for (u32 i = 0; i < key_count; i++) {
        keys[i].how = keys[i].has_how ? keys[i].how : all;
        keys[i].end_skips_blanks |= !keys[i].has_how && all.skips_blanks;
    }
    return target;
}

// ---- lines

// All of a file behind what is there, each line with its end.
static bool file_take(const char *path)
{
    struct input input;
    if (!input_open(&input, path)) {
        return false;
    }
    size_t size;
    do {
        if (text.room - text.size <= TOOL_CHUNK_BYTES) {
            text.room = text.room * 2 + 4 * TOOL_CHUNK_BYTES;
            text.bytes = tool_memory(text.bytes, text.room);
        }
        size = input_read(&input, text.bytes + text.size, TOOL_CHUNK_BYTES);
        text.size += size;
        if (text.size > SORT_BYTES) {
            tool_fail(input.name, "with this there are more than 256 MiB to be sorted");
        }
    } while (size != 0);
    if (text.size != 0 && text.bytes[text.size - 1] != '\n') {
        text.bytes[text.size++] = '\n';
    }
    input_close(&input);
    return !input.failed;
}

static struct line *lines_find(size_t *count)
{
    struct line *lines = NULL;
    size_t room = 0;
    const u8 *at = text.bytes;
    const u8 *end = text.bytes + text.size;
    for (*count = 0; at < end; ++*count) {
        if (*count == room) {
            room = room * 2 + 1024;
            lines = tool_memory(lines, room * sizeof *lines);
        }
        const u8 *newline = memchr(at, '\n', (size_t)(end - at));
        lines[*count] = (struct line){at, (size_t)(newline - at)};
        at = newline + 1;
    }
    return lines;
}

// From here on all goes to a file, new or emptied, in place of the standard output.
static void target_open(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || __wasilibc_fd_renumber(file, STDOUT_FILENO) != 0) {
        tool_say_error(path);
        tool_end(tool.trouble);
    }
}

int tool_main(int count, char **words)
{
    struct options options;
    path_begin();
    options_begin(&options, count, words, "bfnrsuk:t:o:");
    const char *target = options_take(&options);
    bool is_good = true;
    options_standard(&options);
    for (int i = 0; i < options.operand_count; i++) {
        is_good = file_take(options.words[i]) && is_good;
    }
    if (!is_good) {
        return tool.trouble;
    }
    size_t line_count;
    struct line *lines = lines_find(&line_count);
    struct line *other = tool_memory(NULL, line_count * sizeof *other);
    lines = lines_sort(lines, other, line_count);
    if (target != NULL) {
        target_open(target);
    }
    for (size_t i = 0; i < line_count; i++) {
        if (!is_unique || i == 0 || keys_compare(&lines[i - 1], &lines[i]) != 0) {
            out_bytes(lines[i].data, lines[i].size + 1);
        }
    }
    return 0;
}
