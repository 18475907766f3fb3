// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/cp.c: copies files, and with -r folders.
#include "programs/tools/common/folder.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/tool.h"
#include "programs/tools/common/tree.h"

const struct tool tool = {
    "cp",
    "Usage: cp [-rRpf] FILE TARGET\n"
    "       cp [-rRpf] FILE... FOLDER\n"
    "\n"
    "Copies a FILE to TARGET, or several into a FOLDER.\n"
    "\n"
    "  -r, -R  folders too, with all that is in them; links in them stay links\n"
    "  -p      the copies keep the times\n"
    "  -f      what cannot be written is removed, and made anew\n",
    1,
};

static bool operand_copy(char *from, const char *to, bool is_recursive, struct tree_how how)
{
    static struct path target;
    if (!path_set(&target, to)) {
        return false;
    }
    if (path_is_folder(to)) {
        const char *last = path_last(from);
        bool is_named = !tree_is_dots(last) && *last != '/';
        if (is_named && !path_add(&target, last)) {
            return false;
        }
    }
    if (is_recursive) {
        return tree_copy(from, target.text, how);
    }
    if (path_is_folder(from)) {
        tool_say(from, "this is a folder; -r copies folders");
        return false;
    }
    return tree_copy_file(from, target.text, how);
}

int tool_main(int count, char **words)
{
    struct options options;
    struct tree_how how = {0};
    bool is_recursive = false;
    char letter;
    path_begin();
    options_begin(&options, count, words, "rRpf");
    while ((letter = options_next(&options)) != 0) {
        is_recursive |= letter == 'r' || letter == 'R';
        how.keeps_times |= letter == 'p';
        how.is_forced |= letter == 'f';
    }
    int last = options.operand_count - 1;
    if (last < 1) {
        tool_fail_usage(NULL, "what is copied, and to where?");
    }
    const char *target = options.words[last];
    if (last > 1 && !path_is_folder(target)) {
        tool_fail(target, "several files are copied into a folder, and this is none");
    }
    bool is_good = true;
    for (int i = 0; i < last; i++) {
        is_good = operand_copy(options.words[i], target, is_recursive, how) && is_good;
    }
    return is_good ? 0 : 1;
}
