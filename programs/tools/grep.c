// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/grep.c: puts out the lines that an expression is found in.
#include <dirent.h>
#include <string.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/input.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/pattern.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "grep",
    "Usage: grep [OPTIONS] EXPRESSION [FILE...]\n"
    "       grep [OPTIONS] -e EXPRESSION... [FILE...]\n"
    "\n"
    "Puts out the lines of each FILE that EXPRESSION is found in; - or none: of the standard "
    "input.\n"
    "\n"
    "  -E   extended regular expressions: ( ) { } + ? | need no backslash; -G: basic ones\n"
    "  -F   letters stand for nothing but themselves\n"
    "  -i   A to Z are a to z\n"
    "  -v   the lines that it is not found in\n"
    "  -w   only as a whole word; -x: only as the whole line\n"
    "  -c   how many lines; -l: the names of files that have some, -L: that have none\n"
    "  -n   each line with its number\n"
    "  -r   all files in folders; without FILE: in the current one\n"
    "  -H   each line with its file's name, -h: without; else with, where there may be several\n"
    "  -q   puts nothing out; -s: does not say which files it cannot read\n"
    "\n"
    "Exit codes: 0 a line was found, 1 none, 2 something went wrong (with -q and a line found: "
    "0).\n",
    2,
};

static bool has_option[128];
static struct pattern pattern;
static bool is_found;
static bool failed;

// ---- a file

static void line_put(const char *name, u64 number, struct span line)
{
    if (has_option['H']) {
        out_name(name);
        out_char(':');
    }
    if (has_option['n']) {
        out_u64(number, 0);
        out_char(':');
    }
    out_bytes(line.data, line.size);
    out_char('\n');
}

static void count_put(const char *name, u64 count)
{
    if (has_option['l'] || has_option['L']) {
        if ((count != 0) == has_option['l']) {
            out_name(name);
            out_char('\n');
        }
    } else if (has_option['c']) {
        if (has_option['H']) {
            out_name(name);
            out_char(':');
        }
        out_u64(count, 0);
        out_char('\n');
    }
}

static void binary_say(const char *name)
{
    out_string("grep: ");
    out_name(name);
    out_string(": binary file matches\n");
}

static void input_search(struct input input)
{
    static struct lines lines;
    struct span line;
    u64 number = 0;
    u64 count = 0;
    bool is_silent = has_option['c'] || has_option['l'] || has_option['L'] || has_option['q'];
    bool is_once = has_option['l'] || has_option['L'] || has_option['q'];
    lines_begin(&lines, input);
    while ((!is_once || count == 0) && lines_next(&lines, &line)) {
        number++;
        if (pattern_finds(&pattern, line) == has_option['v']) {
            continue;
        }
        count++;
        is_found = true;
        if (has_option['q']) {
            tool_end(0);
        }
        if (is_silent) {
            continue;
        }
        if (memchr(line.data, 0, line.size) != NULL) {
            binary_say(input.name);
            break;
        }
        line_put(input.name, number, line);
    }
    failed |= lines.input.failed;
    count_put(input.name, count);
}

static void file_search(const char *path)
{
    struct input input;
    if (!(has_option['s'] ? input_try(&input, path) : input_open(&input, path))) {
        failed = true;
        return;
    }
    if (strcmp(path, "-") == 0) {
        input.name = "(standard input)";
    }
    input_search(input);
    input_close(&input);
}

// Without a FILE the names are said as they are in the current folder.
static void folder_search(const char *path, bool is_named)
{
    static struct walk walk;
    enum walk_kind kind;
    if (!walk_begin(&walk, path)) {
        failed = true;
        return;
    }
    while (walk_next(&walk, &kind)) {
        if (kind == WALK_OTHER && walk.kind == DT_REG) {
            bool has_dot = !is_named && strncmp(walk.path.text, "./", 2) == 0;
            file_search(walk.path.text + (has_dot ? 2 : 0));
        }
    }
    failed |= walk.failed;
}

// ---- the command line

// Each line of it is an expression.
static void expressions_add(const char *text)
{
    for (;;) {
        size_t size = strcspn(text, "\n");
        const char *error = pattern_add(&pattern, span_of(text, size));
        if (error != NULL) {
            tool_fail(text, error);
        }
        if (text[size] == 0) {
            return;
        }
        text += size + 1;
    }
}

static void pattern_take(struct options *options, char **expressions, u32 count)
{
    struct pattern_how how = {.syntax = has_option['F']   ? PATTERN_FIXED
                                        : has_option['E'] ? PATTERN_EXTENDED
                                                          : PATTERN_BASIC,
                              .ignores_case = has_option['i'],
                              .is_whole_line = has_option['x'],
                              .is_whole_word = has_option['w']};
    pattern_begin(&pattern, how);
    if (count == 0) {
        if (options->operand_count == 0) {
            tool_fail_usage(NULL, "what is looked for?");
        }
        expressions_add(*options->words++);
        options->operand_count--;
    }
    for (u32 i = 0; i < count; i++) {
        expressions_add(expressions[i]);
    }
    const char *error = pattern_end(&pattern);
    if (error != NULL) {
        tool_fail(NULL, error);
    }
}

int tool_main(int count, char **words)
{
    struct options options;
    char **expressions = tool_memory(NULL, (size_t)count * sizeof *expressions);
    u32 expression_count = 0;
    char letter;
    path_begin();
    options_begin(&options, count, words, "EFGHLRce:hilnqrsvwx");
    while ((letter = options_next(&options)) != 0) {
        if (letter == 'e') {
            expressions[expression_count++] = (char *)(uintptr_t)options.value;
            continue;
        }
        if (strchr("EFG", letter) != NULL) {
            has_option['E'] = has_option['F'] = false;
        } else if (letter == 'h') {
            has_option['H'] = false;
        }
        has_option[(u8)letter] = true;
    }
    pattern_take(&options, expressions, expression_count);
    bool is_recursive = has_option['r'] || has_option['R'];
    if (!has_option['h'] && (is_recursive || options.operand_count > 1)) {
        has_option['H'] = true;
    }
    if (options.operand_count == 0 && is_recursive) {
        folder_search(".", false);
    } else {
        options_standard(&options);
        for (int i = 0; i < options.operand_count; i++) {
            if (is_recursive && path_is_folder(options.words[i])) {
                folder_search(options.words[i], true);
            } else {
                file_search(options.words[i]);
            }
        }
    }
    return failed ? 2 : is_found ? 0 : 1;
}
