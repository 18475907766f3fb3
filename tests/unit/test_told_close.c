// SPDX-License-Identifier: GPL-3.0-or-later
// The thread sanitizer knows what libuv closes: tests/hosted/told_close.c. Without that it reports
// a race between the two threads here, which share nothing but a descriptor's number.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/base/types.h"

static bool is_closed; // atomic, and relaxed: nothing orders the threads

// Gives the number of the file that it had open for a moment.
static void *file_use(void *out)
{
    while (!__atomic_load_n(&is_closed, __ATOMIC_RELAXED)) {
        sched_yield();
    }
    int file = openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    if (file >= 0 && fstat(file, &status) == 0) {
        *(int *)out = file;
    }
    close(file);
    return NULL;
}

static void test_a_number_may_have_been_a_socket_of_libuv(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_udp_t socket;
    uv_os_fd_t number;
    int used = -1;
    pthread_t thread;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(pthread_create(&thread, NULL, file_use, &used), 0);
    assert_int_equal(uv_udp_init_ex(&loop, &socket, AF_INET), 0);
    assert_int_equal(uv_fileno((uv_handle_t *)&socket, &number), 0);
    uv_close((uv_handle_t *)&socket, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    __atomic_store_n(&is_closed, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(used, number);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_a_call_says_what_the_kernel_does(void **state)
{
    (void)state;
    assert_int_equal(syscall(SYS_getpid), getpid());
    errno = 0;
    assert_int_equal(syscall(SYS_close, -1), -1);
    assert_int_equal(errno, EBADF);
    // Six arguments: the offset is the fourth, and the flags, the last, must be none.
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char letters[3];
    struct iovec into = {letters, sizeof letters};
    assert_int_equal(syscall(SYS_preadv2, file, &into, 1, 1, 0, 0), sizeof letters);
    assert_memory_equal(letters, "ELF", sizeof letters);
    assert_int_equal(syscall(SYS_preadv2, file, &into, 1, 1, 0, -1), -1);
    assert_int_equal(errno, EOPNOTSUPP);
    assert_int_equal(syscall(SYS_close, file), 0);
    assert_int_equal(syscall(SYS_close, file), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_may_have_been_a_socket_of_libuv),
        cmocka_unit_test(test_a_call_says_what_the_kernel_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
