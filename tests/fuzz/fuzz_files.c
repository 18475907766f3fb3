// SPDX-License-Identifier: GPL-3.0-or-later
// Messages to the device redshirt:io/files, with a folder of its own and one that it was given for
// reading only. An input is a list of messages: a byte that says which function, one that says
// which client and handle, one for the size of its body, its body, the handle put in front.
// Whatever it is, it is answered once; nothing outside the folders changes, nor in that for
// reading; and when all clients have gone no descriptor is left.
#define _GNU_SOURCE 1
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/wire.h"
#include "core/kernel/device.h"
#include "interfaces/files.h"
#include "machines/hosted/devices.h"
#include "tests/fuzz/one_device.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { CLIENTS = 3, HANDLES = 8 };

// ---- what stands in the kernel's place

static char home[] = "/tmp/redshirt-fuzz-files-XXXXXX";

enum err kernel_device_limits(struct kernel_device *kernel, u64 client, u8 *to, size_t *size)
{
    (void)kernel;
    char limit[128];
    snprintf(limit, sizeof limit, "%s/given:g,%s/read:r:ro", home, home);
    struct wire_writer out = wire_writer_over(to, 256);
    wire_write_u32(&out, 1);
    wire_write_bytes(&out, span_string(limit));
    *size = out.size;
    return client == 0 ? ERR_NOT_FOUND : ERR_OK;
}

u8 *kernel_device_room(struct kernel_device *kernel, u32 size)
{
    (void)kernel;
    return malloc(size);
}

void kernel_device_room_drop(struct kernel_device *kernel, u8 *room, u32 size)
{
    (void)kernel;
    (void)size;
    free(room);
}

void kernel_device_answer_room(struct kernel_device *kernel, u64 message, u8 *room, u32 size)
{
    (void)kernel;
    one_device_answered(message, room, size);
    free(room);
}

// ---- what must stay as it is

static u32 descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    u32 count = 0;
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void shell(const char *format)
{
    char command[512];
    snprintf(command, sizeof command, format, home, home);
    int failed = system(command);
    ASSERT(failed == 0);
}

static void home_remove(void)
{
    shell("chmod -R u+rwx %s && rm -rf %s");
}

static i64 changed_of(const char *name)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s%s", home, name);
    int failed = stat(path, &status);
    ASSERT(failed == 0);
    return (i64)status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec;
}

static int tree_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    if (walk->level > 0) {
        (void)(kind == FTW_DP ? rmdir(path) : unlink(path));
    }
    return 0;
}

// The folder that may be changed, as it is at first.
static void given_make(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/given", home);
    (void)nftw(path, tree_remove, 8, FTW_DEPTH | FTW_PHYS);
    int folder = open(path, O_RDONLY | O_DIRECTORY);
    int file = openat(folder, "f", O_CREAT | O_WRONLY, 0600);
    int failed = mkdirat(folder, "d", 0700) + symlinkat("../..", folder, "l");
    ASSERT(file >= 0 && failed == 0);
    close(file);
    close(folder);
}

// ---- inputs

static void deliver(u8 function, u8 who, const u8 *data, size_t size)
{
    u8 body[8 + UINT8_MAX];
    mem_store_u64(body, 1 + (who >> 2) % HANDLES); // ids count from 1
    mem_copy(body + 8, data, size);
    bool is_bare = (who & 0x80) != 0; // without a handle in front
    struct kernel_event event = {
        .kind = function < 0xf0   ? KERNEL_EVENT_MESSAGE
                : function < 0xf8 ? KERNEL_EVENT_CLIENT_GONE
                                  : KERNEL_EVENT_CANCELLED,
        .id = 1,
        .function = files_interface.functions[function % FILES_FUNCTION_COUNT].id,
        .client = (u64)(1 + who % CLIENTS) << 31 | 1,
        .body = is_bare ? span_of(body + 8, size) : span_of(body, size + 8),
    };
    (void)one_device_tell(&event);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static bool is_made;
    static i64 outside;
    static i64 read_only;
    struct files *files;
    if (!is_made) {
        ASSERT(mkdtemp(home) != NULL);
        shell("cd %s && mkdir given read && echo x >read/f && echo y >secret && ln -s ../secret "
              "read/s");
        atexit(home_remove);
        outside = changed_of("/secret");
        read_only = changed_of("/read");
        is_made = true;
    }
    given_make();
    u32 before = descriptors();
    ASSERT(hosted_files_add(&one_device_loop, NULL, &files) == ERR_OK);
    for (u32 i = 0; i < CLIENTS; i++) {
        deliver(0, (u8)i | 0x80, data, 0); // all its folders: the order of functions is the file's
    }
    for (size_t at = 0; at + 3 <= size;) {
        size_t length = data[at + 2] < size - at - 3 ? data[at + 2] : size - at - 3;
        deliver(data[at], data[at + 1], data + at + 3, length);
        at += 3 + length;
    }
    one_device_drop();
    ASSERT(descriptors() == before);
    ASSERT(changed_of("/secret") == outside && changed_of("/read") == read_only);
    return 0;
}
