// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/dirs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "core/kernel/grant.h"
#include "interfaces/files.h"
#include "machines/hosted/folders.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/grants.h"

// Adds a folder to the limit.
static int part_add(const struct command *command, struct dirs *dirs, const struct folder *folder)
{
    char part[sizeof dirs->limit];
    struct text text = text_over(part, sizeof part);
    text_string(&text, dirs->size == 0 ? "" : ",");
    folders_write_part(&text, folder);
    if (text.cut || text.size > KERNEL_GRANT_LIMIT_BYTES - dirs->size) {
        return say_usage(command, "the folders of --dir take more than %d bytes together",
                         KERNEL_GRANT_LIMIT_BYTES);
    }
    memcpy(dirs->limit + dirs->size, part, text.size);
    dirs->size += (u32)text.size;
    static struct folders check;
    struct span all = span_of((const u8 *)dirs->limit, dirs->size);
    if (folders_parse(all, &check, NULL) != ERR_OK) {
        return say_usage(command, "--dir is given more than %d times", HOSTED_FOLDERS);
    }
    return EXIT_GOOD;
}

static int folder_add(const struct command *command, struct dirs *dirs, const char *host,
                      const char *guest, bool is_read_only)
{
    struct stat status;
    char *path = realpath(host, NULL);
    bool is_there = path != NULL && stat(path, &status) == 0;
    if (!is_there || !S_ISDIR(status.st_mode)) {
        say("cannot give the folder %s: %s", host, is_there ? "it is none" : strerror(errno));
        free(path);
        return EXIT_NOT_FOUND;
    }
    int code = part_add(command, dirs, &(struct folder){path, guest, is_read_only});
    free(path);
    return code;
}

int dirs_take(const struct command *command, struct dirs *dirs, const char *value)
{
    static const char form[] = "--dir wants HOST[:GUEST][:ro]";
    char *host = value == NULL ? NULL : strdup(value);
    size_t size = host == NULL ? 0 : strlen(host);
    bool is_read_only = size > 3 && strcmp(host + size - 3, ":ro") == 0;
    if (is_read_only) {
        host[size - 3] = 0;
    }
    char *guest = size == 0 ? NULL : strchr(host, ':');
    if (guest != NULL) {
        *guest++ = 0;
        guest += *guest == ':'; // HOST::GUEST, as others write it
    }
    int code;
    if (size == 0 || *host == 0 || (guest != NULL && *guest == 0)) {
        code = say_usage(command, form);
    } else {
        code = folder_add(command, dirs, host, guest == NULL ? host : guest, is_read_only);
    }
    free(host);
    return code;
}

int dirs_say(struct kernel *kernel, const struct dirs *dirs, const struct cid *program)
{
    if (dirs->size == 0) {
        return EXIT_GOOD;
    }
    char name[] = "redshirt:io/files";
    struct grants_line line = {.right = KERNEL_USE, .word = KERNEL_ALLOW, .program = *program};
    int code = grants_interface(span_string(name), &line);
    ASSERT(code == EXIT_GOOD);
    line.limit = span_of((const u8 *)dirs->limit, dirs->size);
    return grants_say(kernel, &line);
}
