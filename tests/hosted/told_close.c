// SPDX-License-Identifier: GPL-3.0-or-later
// Goes into what is built for the thread sanitizer: tells it of the descriptors that libuv closes.
//
// libuv closes by `syscall(SYS_close, ...)`, which the sanitizer does not watch; it would tell it
// by itself if it were built for it, and the host's is not. The sanitizer then takes the next file
// with the same number, opened by openat (unwatched as well) in another thread, for the connection
// that was closed, and its fstat or close for a race with the connection's accept4 or epoll_ctl.
// So the function `syscall` is ours: libuv finds the program's before the C library's.
//
// Limit: x86-64.
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/types.h"

enum { ARGUMENTS = 6, ERRNO_MAX = 4095 };

// Of the sanitizer's, sanitizer/linux_syscall_hooks.h.
void __sanitizer_syscall_pre_impl_close(long file);
void __sanitizer_syscall_post_impl_close(long result, long file);

static long syscall_make(long number, const long *with)
{
    register long fourth __asm__("r10") = with[3];
    register long fifth __asm__("r8") = with[4];
    register long sixth __asm__("r9") = with[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(with[0]), "S"(with[1]), "d"(with[2]), "r"(fourth),
                       "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}

long syscall(long number, ...)
{
    long with[ARGUMENTS];
    va_list list;
    va_start(list, number);
    for (u32 i = 0; i < ARGUMENTS; i++) {
        with[i] = va_arg(list, long); // a caller that gives fewer loses none
    }
    va_end(list);
    if (number == SYS_close) {
        __sanitizer_syscall_pre_impl_close(with[0]);
    }
    long result = syscall_make(number, with);
    if (number == SYS_close) {
        __sanitizer_syscall_post_impl_close(result, with[0]);
    }
    if (result < 0 && result >= -ERRNO_MAX) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
