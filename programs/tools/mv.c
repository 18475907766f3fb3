// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/mv.c: gives files and folders other names. Where both places are not of the same
// disk: by a copy, after which what was there is removed.
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/tool.h"
#include "programs/tools/common/tree.h"

const struct tool tool = {
    "mv",
    "Usage: mv [-fn] FILE TARGET\n"
    "       mv [-fn] FILE... FOLDER\n"
    "\n"
    "Gives a FILE or folder the name TARGET, or moves several into a FOLDER.\n"
    "\n"
    "  -f  changes nothing: what is there is replaced\n"
    "  -n  what is there is left alone, and FILE too\n",
    1,
};

// Files only: what is a folder there is not replaced by a copy.
static bool copy_move(const char *from, const char *to)
{
    struct stat there;
    struct stat here;
    bool is_folder = lstat(from, &here) == 0 && S_ISDIR(here.st_mode);
    if (lstat(to, &there) == 0 && (is_folder || S_ISDIR(there.st_mode))) {
        tool_say(to, "this is there already, and on another disk");
        return false;
    }
    struct tree_how how = {.keeps_times = true, .is_forced = true};
    return tree_copy(from, to, how) && tree_remove(from, false);
}

static bool operand_move(char *from, const char *to, bool keeps)
{
    static struct path target;
    struct stat here;
    struct stat there;
    const char *last = path_last(from);
    if (tree_is_dots(last)) {
        tool_say(from, "this stays where it is");
        return false;
    }
    if (!path_set(&target, to) || (path_is_folder(to) && !path_add(&target, last))) {
        return false;
    }
    bool is_there = lstat(target.text, &there) == 0;
    if (is_there && keeps) {
        return true;
    }
    if (is_there && lstat(from, &here) == 0 && path_is_same(&here, &there)) {
        tool_say(target.text, "this is the same file");
        return false;
    }
    if (rename(from, target.text) == 0) {
        return true;
    }
    if (errno == EXDEV) {
        return copy_move(from, target.text);
    }
    tool_say_error(errno == ENOENT && lstat(from, &here) == 0 ? target.text : from);
    return false;
}

int tool_main(int count, char **words)
{
    struct options options;
    bool keeps = false;
    char letter;
    path_begin();
    options_begin(&options, count, words, "fn");
    while ((letter = options_next(&options)) != 0) {
        keeps = letter == 'n';
    }
    int last = options.operand_count - 1;
    if (last < 1) {
        tool_fail_usage(NULL, "what is moved, and to where?");
    }
    const char *target = options.words[last];
    if (last > 1 && !path_is_folder(target)) {
        tool_fail(target, "several files are moved into a folder, and this is none");
    }
    bool is_good = true;
    for (int i = 0; i < last; i++) {
        is_good = operand_move(options.words[i], target, keeps) && is_good;
    }
    return is_good ? 0 : 1;
}
