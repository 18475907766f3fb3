// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/wasi/here.h"

#include "core/base/mem.h"
#include "programs/wasi/descriptors.h"
#include "programs/wasi/files.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/wasi.h"

static struct {
    u64 folder; // the handle of what is called "."
    u64 within; // that of the folder which was given
    u32 size;   // 0: they are the same folder, or there is none
    u8 prefix[WASI_PATH_BYTES];
} here;

// The name as libc compares it: from the first letter that counts on.
static struct span name_of(struct span name)
{
    while (name.size != 0 && (name.data[0] == '/' || name.data[0] == '.')) {
        bool is_dot = name.data[0] == '.';
        if (is_dot && name.size > 1 && name.data[1] != '/') {
            break; // ".." or ".name"
        }
        name = span_slice(name, 1, name.size);
    }
    while (name.size != 0 && name.data[name.size - 1] == '/') {
        name.size--;
    }
    return name;
}

// Whether `name` is `path` or a folder around it.
static bool is_around(struct span name, struct span path)
{
    return name.size <= path.size && mem_equal(name.data, path.data, name.size) &&
           (name.size == path.size || path.data[name.size] == '/');
}

// The folder that was given with the longest name around `path`. False: none, or one has the name
// of all paths.
static bool given_find(struct span path, u64 *folder, size_t *size)
{
    struct descriptor *each;
    bool is_found = false;
    for (u32 fd = STREAM_COUNT; (each = descriptor_of(fd)) != NULL; fd++) {
        if (each->kind != DESCRIPTOR_FOLDER) {
            continue;
        }
        struct span name = name_of(descriptor_name(each));
        if (name.size == 0) {
            return false;
        }
        if (is_around(name, path) && (!is_found || name.size > *size)) {
            is_found = true;
            *folder = each->handle;
            *size = name.size;
        }
    }
    return is_found;
}

void here_preopen(void)
{
    struct span path = environment_value(SPAN_LITERAL("PWD"));
    size_t size;
    if (path.size == 0 || path.size > WASI_PATH_BYTES - 1 || path.data[0] != '/') {
        return;
    }
    path = name_of(path);
    here.size = 0;
    if (!given_find(path, &here.within, &size)) {
        return;
    }
    struct span rest = name_of(span_slice(path, size, path.size));
    struct file_path place = {here.within, rest.size == 0 ? SPAN_LITERAL(".") : rest};
    struct file_how how = {.reads = true, .follows = true, .oflags = WASI_OFLAG_DIRECTORY};
    struct descriptor made = {.kind = DESCRIPTOR_FOLDER,
                              .opened = folder_rights(),
                              .rights = folder_rights(),
                              .inheriting = WASI_RIGHTS};
    if (file_open(place, how, &made.handle, &made.filetype) != WASI_OK) {
        return;
    }
    if (!descriptor_preopen(&made, SPAN_LITERAL("."))) {
        (void)file_close(made.handle);
        return;
    }
    here.folder = made.handle;
    if (rest.size != 0) {
        mem_copy(here.prefix, rest.data, rest.size);
        here.prefix[rest.size] = '/';
        here.size = (u32)rest.size + 1;
    }
}

struct span here_prefix(u64 folder, u64 *within)
{
    *within = here.within;
    return folder == here.folder ? span_of(here.prefix, here.size) : (struct span){0};
}
