// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/channel_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "tools/redshirt/command.h"

#define FOLDER "systems"

enum { NAME_BYTES = 16, BACKLOG = 64 };

// A path of the home may be longer than an address has room for; this one is short.
static struct sockaddr_un address_of(int folder, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size =
        snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, name);
    ASSERT(size > 0 && (size_t)size < sizeof address.sun_path);
    return address;
}

static void name_of(u32 number, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%u", (unsigned)number);
}

int channel_folder(int home, bool makes)
{
    if (makes && mkdirat(home, FOLDER, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    int folder = openat(home, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (folder < 0) {
        return -1;
    }
    bool is_ours = fstat(folder, &status) == 0 && status.st_uid == geteuid() &&
                   ((status.st_mode & 077) == 0 || fchmod(folder, 0700) == 0);
    if (!is_ours) {
        close(folder);
        errno = EACCES;
        return -1;
    }
    return folder;
}

bool channel_is_mine(int file)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(file, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

int channel_connect(int folder, u32 number)
{
    // One that is stopped takes no more connections at some point, and is not waited for: EAGAIN.
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) {
        return -1;
    }
    char name[NAME_BYTES];
    name_of(number, name);
    struct sockaddr_un address = address_of(folder, name);
    int failed = connect(file, (struct sockaddr *)&address, sizeof address);
    int why = failed != 0 ? errno : EACCES;
    if (failed != 0 || !channel_is_mine(file)) {
        close(file);
        errno = why;
        return -1;
    }
    return file;
}

// Whether nobody listens there: then it is taken away.
static bool is_swept(int folder, u32 number)
{
    int file = channel_connect(folder, number);
    if (file >= 0) {
        close(file);
        return false;
    }
    char name[NAME_BYTES];
    name_of(number, name);
    return errno == ECONNREFUSED && unlinkat(folder, name, 0) == 0;
}

int channel_listen(int folder)
{
    u32 numbers[CHANNEL_SYSTEMS];
    (void)channel_systems(folder, numbers); // sweeps
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) {
        return -1;
    }
    // It has its name when it listens: whoever finds one before that would sweep it away.
    char name[NAME_BYTES], unready[NAME_BYTES + 4];
    name_of((u32)getpid(), name);
    snprintf(unready, sizeof unready, "new.%s", name);
    (void)unlinkat(folder, unready, 0); // of one that was killed there
    struct sockaddr_un address = address_of(folder, unready);
    bool is_good = bind(file, (struct sockaddr *)&address, sizeof address) == 0 &&
                   fchmodat(folder, unready, 0600, 0) == 0 && listen(file, BACKLOG) == 0 &&
                   renameat(folder, unready, folder, name) == 0;
    if (!is_good) {
        (void)unlinkat(folder, unready, 0);
        close(file);
        return -1;
    }
    return file;
}

void channel_unlisten(int folder, int listener)
{
    char name[NAME_BYTES];
    name_of((u32)getpid(), name);
    (void)unlinkat(folder, name, 0);
    close(listener);
}

static int number_compare(const void *a, const void *b)
{
    u32 first = *(const u32 *)a, second = *(const u32 *)b;
    return first < second ? -1 : first > second;
}

u32 channel_systems(int folder, u32 numbers[CHANNEL_SYSTEMS])
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (entries == NULL) {
        if (copy >= 0) {
            close(copy);
        }
        return 0;
    }
    u32 count = 0;
    struct dirent *entry;
    while (count < CHANNEL_SYSTEMS && (entry = readdir(entries)) != NULL) {
        u64 number;
        if (number_parse(entry->d_name, INT32_MAX, &number) && number > 0 &&
            !is_swept(folder, (u32)number)) {
            numbers[count++] = (u32)number;
        }
    }
    closedir(entries);
    qsort(numbers, count, sizeof numbers[0], number_compare);
    return count;
}
