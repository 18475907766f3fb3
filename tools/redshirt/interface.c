// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt interface`: an interface's hash and its functions' ids.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/platform.h"
#include "lib/wit/limits.h"
#include "lib/wit/wit.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/memory.h"
#include "tools/redshirt/command.h"

enum { ARENA_BYTES = 64 << 20 };

struct folder {
    const char *path; // of the file that was named
    struct arena *arena;
};

// The whole file, in the arena. errno says why not.
static enum err file_read(const char *path, struct arena *arena, struct span *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return ERR_NOT_FOUND;
    }
    u8 *bytes = ARENA_ARRAY(arena, u8, WIT_TEXT_BYTES + 1);
    size_t size = 0;
    ssize_t count = bytes == NULL ? 0 : 1;
    while (count > 0 && size < WIT_TEXT_BYTES + 1) {
        count = read(file, bytes + size, WIT_TEXT_BYTES + 1 - size);
        size += count > 0 ? (size_t)count : 0;
    }
    close(file);
    *out = span_of(bytes, size);
    return bytes == NULL ? ERR_NO_MEMORY : count < 0 ? ERR_IO : ERR_OK;
}

// `use net.{...}` means net.wit in the same folder.
static enum err neighbour_read(void *context, struct span name, struct span *text)
{
    struct folder *folder = context;
    const char *slash = strrchr(folder->path, '/');
    int size = slash == NULL ? 0 : (int)(slash - folder->path + 1);
    char path[HOSTED_PATH_BYTES];
    int used = snprintf(path, sizeof path, "%.*s%.*s.wit", size, folder->path, (int)name.size,
                        (const char *)name.data);
    if (used < 0 || (size_t)used >= sizeof path) {
        return ERR_NOT_FOUND;
    }
    return file_read(path, folder->arena, text);
}

static int interface_print(const char *path, struct arena *arena)
{
    struct span text;
    enum err err = file_read(path, arena, &text);
    if (err != ERR_OK) {
        say("%s: cannot be read (%s)", path, strerror(errno));
        return err == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_IO;
    }
    struct folder folder = {path, arena};
    struct wit_source source = {neighbour_read, &folder};
    struct wit_interface *interface;
    struct report report = {0};
    err = wit_load(span_string(path), text, &source, platform_sha256, arena, &interface, &report);
    if (err != ERR_OK) {
        say("%s", report.err != ERR_OK ? report.text : err_name(err));
        return exit_code_of(err);
    }
    static char page[WIT_PRINT_BYTES];
    struct text out = text_over(page, sizeof page);
    wit_print(interface, &out);
    return write_all(STDOUT_FILENO, span_of(page, out.size)) ? EXIT_GOOD : EXIT_IO;
}

static int interface_run(const struct command *command, int count, char **arguments)
{
    if (count != 1 || arguments[0][0] == '-') {
        return say_usage(command, "one FILE.wit is wanted");
    }
    struct hosted_memory memory;
    hosted_memory_init(&memory, ARENA_BYTES);
    struct arena arena;
    arena_init(&arena, &memory.base, ARENA_BYTES);
    int code = interface_print(arguments[0], &arena);
    arena_drop(&arena);
    return code;
}

const struct command command_interface = {
    "interface",
    "prints the hash of an interface and the ids of its functions",
    "Usage: redshirt interface FILE.wit\n"
    "\n"
    "Prints the interface's hash, then for each function its id, its hash F and its name. What the "
    "file\n"
    "uses is looked for in its folder. Exit codes: 65 the definition is wrong (line and column "
    "are\n"
    "said), 66 there is no such file.\n",
    interface_run,
};
