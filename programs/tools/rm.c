// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/rm.c: removes files, and with -r folders.
#include <string.h>
#include <sys/stat.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/tool.h"
#include "programs/tools/common/tree.h"

const struct tool tool = {
    "rm",
    "Usage: rm [-rRf] FILE...\n"
    "\n"
    "Removes each FILE. A link is removed itself, never what it leads to.\n"
    "\n"
    "  -r, -R  folders too, with all that is in them\n"
    "  -f      what is not there is no error\n",
    1,
};

static bool operand_remove(char *path, bool is_recursive, bool is_forced)
{
    struct stat status;
    bool is_folder = lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
    const char *last = path_last(path);
    if (is_folder && (tree_is_dots(last) || *last == '/')) {
        tool_say(path, "this is not removed");
        return false;
    }
    if (is_folder && !is_recursive) {
        tool_say(path, "this is a folder; -r removes folders");
        return false;
    }
    return is_folder ? tree_remove(path, is_forced) : tree_remove_file(path, is_forced);
}

int tool_main(int count, char **words)
{
    struct options options;
    bool is_recursive = false;
    bool is_forced = false;
    char letter;
    path_begin();
    options_begin(&options, count, words, "rRf");
    while ((letter = options_next(&options)) != 0) {
        is_recursive |= letter != 'f';
        is_forced |= letter == 'f';
    }
    if (options.operand_count == 0 && !is_forced) {
        tool_fail_usage(NULL, "what is removed?");
    }
    bool is_good = true;
    for (int i = 0; i < options.operand_count; i++) {
        is_good = operand_remove(options.words[i], is_recursive, is_forced) && is_good;
    }
    return is_good ? 0 : 1;
}
