// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/mkdir.c: makes folders.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "mkdir",
    "Usage: mkdir [-p] FOLDER...\n"
    "\n"
    "Makes each FOLDER.\n"
    "\n"
    "  -p  those around it too; one that is there already is no error\n",
    1,
};

static bool folder_make(const char *path, bool may_be_there)
{
    if (mkdir(path, 0777) == 0) {
        return true;
    }
    int why = errno; // what is around a folder that was given cannot be asked for
    if (may_be_there && (why == ENOTCAPABLE || path_is_folder(path))) {
        return true;
    }
    errno = why;
    tool_say_error(path);
    return false;
}

// Each folder around it, from the outermost on.
static bool parents_make(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool is_good = folder_make(path, true);
        *slash = '/';
        if (!is_good) {
            return false;
        }
    }
    return true;
}

int tool_main(int count, char **words)
{
    struct options options;
    bool has_parents = false;
    path_begin();
    options_begin(&options, count, words, "p");
    while (options_next(&options) != 0) {
        has_parents = true;
    }
    if (options.operand_count == 0) {
        tool_fail_usage(NULL, "which folder is made?");
    }
    bool is_good = true;
    for (int i = 0; i < options.operand_count; i++) {
        char *path = options.words[i];
        (void)path_last(path); // without slashes at its end
        bool has_place = *path == 0 || !has_parents || parents_make(path);
        bool is_there = has_parents && path_is_folder(path);
        is_good = has_place && (is_there || folder_make(path, false)) && is_good;
    }
    return is_good ? 0 : 1;
}
