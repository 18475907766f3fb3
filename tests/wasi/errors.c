// SPDX-License-Identifier: GPL-3.0-or-later
// Calls that must fail, each with its own errno, and none of which may harm the program: bad
// pointers, bad descriptors, what streams cannot do, and files, which do not exist.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

static int failures;

#define EXPECT(call, wanted)                                                                       \
    do {                                                                                           \
        int got_ = (int)(call);                                                                    \
        if (got_ != (wanted)) {                                                                    \
            fprintf(stderr, "%s gave %d, not %s\n", #call, got_, #wanted);                         \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

#define BEYOND ((void *)0xffffff00u)

static void pointers(void)
{
    __wasi_size_t size;
    __wasi_ciovec_t none = {BEYOND, 0};
    __wasi_ciovec_t bad = {BEYOND, 16};
    __wasi_ciovec_t wrapping = {BEYOND, 0xffffffffu};
    __wasi_iovec_t bad_in = {BEYOND, 16};
    static __wasi_ciovec_t many[2000];
    static __wasi_ciovec_t huge[3];
    for (int i = 0; i < 3; i++) {
        huge[i] = (__wasi_ciovec_t){(void *)16, 65536};
    }
    EXPECT(__wasi_fd_write(1, &none, 1, &size), 0);
    EXPECT(size, 0);
    EXPECT(__wasi_fd_write(1, &bad, 1, &size), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_fd_write(1, &wrapping, 1, &size), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_fd_write(1, BEYOND, 1, &size), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_fd_write(1, (void *)0xfffffffcu, 1, &size), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_fd_write(1, &none, 1, BEYOND), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_fd_write(1, many, 2000, &size), __WASI_ERRNO_INVAL);
    EXPECT(__wasi_fd_write(1, many, 0xffffffffu, &size), __WASI_ERRNO_INVAL);
    EXPECT(__wasi_fd_read(0, &bad_in, 1, &size), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_random_get(BEYOND, 4096), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_random_get((void *)16, 0xffffffffu), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_clock_time_get(1, 1, BEYOND), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_clock_time_get(77, 1, (void *)16), __WASI_ERRNO_INVAL);
    EXPECT(__wasi_args_sizes_get(BEYOND, &size), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_args_get(BEYOND, BEYOND), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_fd_fdstat_get(1, BEYOND), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_poll_oneoff(BEYOND, BEYOND, 1, &size), __WASI_ERRNO_FAULT);
    EXPECT(__wasi_poll_oneoff(BEYOND, BEYOND, 0, &size), __WASI_ERRNO_INVAL);
    EXPECT(__wasi_poll_oneoff(BEYOND, BEYOND, 1u << 30, &size), __WASI_ERRNO_INVAL);
}

static void poll_errors(void)
{
    __wasi_size_t count;
    __wasi_event_t events[3];
    __wasi_subscription_t subscriptions[3] = {
        {.userdata = 7, .u = {.tag = __WASI_EVENTTYPE_FD_READ}},
        {.userdata = 8, .u = {.tag = __WASI_EVENTTYPE_CLOCK}},
        {.userdata = 9, .u = {.tag = __WASI_EVENTTYPE_FD_WRITE}},
    };
    subscriptions[0].u.u.fd_read.file_descriptor = 99;
    subscriptions[1].u.u.clock.id = 55;
    subscriptions[2].u.u.fd_write.file_descriptor = 0;
    EXPECT(__wasi_poll_oneoff(subscriptions, events, 3, &count), 0);
    EXPECT(count, 3);
    EXPECT(events[0].userdata, 7);
    EXPECT(events[0].error, __WASI_ERRNO_BADF);
    EXPECT(events[1].userdata, 8);
    EXPECT(events[1].error, __WASI_ERRNO_INVAL);
    EXPECT(events[2].userdata, 9);
    EXPECT(events[2].error, __WASI_ERRNO_BADF);
    subscriptions[0].u.tag = 9;
    EXPECT(__wasi_poll_oneoff(subscriptions, events, 1, &count), __WASI_ERRNO_INVAL);
}

static void descriptors(void)
{
    __wasi_size_t size;
    __wasi_filesize_t position;
    __wasi_fd_t opened;
    struct stat stat;
    char byte = 0;
    __wasi_ciovec_t one = {(const uint8_t *)&byte, 1};
    EXPECT(__wasi_fd_write(0, &one, 1, &size), __WASI_ERRNO_BADF);
    EXPECT(__wasi_fd_write(3, &one, 1, &size), __WASI_ERRNO_BADF);
    EXPECT(__wasi_fd_write(0xffffffffu, &one, 1, &size), __WASI_ERRNO_BADF);
    EXPECT(read(1, &byte, 1), -1);
    EXPECT(errno, EBADF);
    EXPECT(__wasi_fd_seek(1, 0, __WASI_WHENCE_CUR, &position), __WASI_ERRNO_SPIPE);
    EXPECT(__wasi_fd_tell(0, &position), __WASI_ERRNO_SPIPE);
    EXPECT(__wasi_fd_tell(9, &position), __WASI_ERRNO_BADF);
    EXPECT(__wasi_fd_prestat_get(3, (void *)&stat), __WASI_ERRNO_BADF);
    EXPECT(__wasi_path_open(3, 0, "x", 0, 0, 0, 0, &opened), __WASI_ERRNO_BADF);
    EXPECT(__wasi_path_open(1, 0, "x", 0, 0, 0, 0, &opened), __WASI_ERRNO_NOTDIR);
    EXPECT(__wasi_sock_shutdown(1, 1), __WASI_ERRNO_NOTSOCK);
    EXPECT(__wasi_sock_shutdown(5, 1), __WASI_ERRNO_BADF);
    EXPECT(open("/etc/passwd", O_RDONLY), -1);
    EXPECT(fopen("x", "w") == NULL, 1);
    EXPECT(fstat(1, &stat), 0);
    EXPECT(__wasi_fd_fdstat_set_rights(1, UINT64_MAX, 0), __WASI_ERRNO_NOTCAPABLE);
    EXPECT(__wasi_fd_fdstat_set_flags(1, 0x8000), __WASI_ERRNO_INVAL);
    EXPECT(__wasi_fd_renumber(1, 7), __WASI_ERRNO_BADF);
    EXPECT(__wasi_fd_renumber(2, 2), 0);
    EXPECT(close(7), -1);
}

static void ends(void)
{
    __wasi_size_t size;
    char byte = '!';
    __wasi_ciovec_t one = {(const uint8_t *)&byte, 1};
    EXPECT(__wasi_fd_renumber(1, 0), 0); // 0 is the output now
    EXPECT(__wasi_fd_write(1, &one, 1, &size), __WASI_ERRNO_BADF);
    EXPECT(__wasi_fd_write(0, &one, 1, &size), 0);
    EXPECT(__wasi_fd_fdstat_set_rights(0, 0, 0), 0);
    EXPECT(__wasi_fd_write(0, &one, 1, &size), __WASI_ERRNO_NOTCAPABLE);
    EXPECT(__wasi_fd_close(0), 0);
    EXPECT(__wasi_fd_close(0), __WASI_ERRNO_BADF);
}

int main(void)
{
    pointers();
    poll_errors();
    descriptors();
    ends();
    return failures == 0 ? 0 : 1;
}
