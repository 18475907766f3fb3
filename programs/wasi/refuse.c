// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/refuse.c: the calls about sockets, which no descriptor here can serve yet: a table
// of the call, its answer, its parameters.
#include "programs/wasi/descriptors.h"
#include "programs/wasi/wasi.h"

// A call on what is open is refused with `error`, on anything else with EBADF.
#define REFUSE(name, error, ...)                                                                   \
    WASI_EXPORT(name, u32 fd __VA_OPT__(, ) __VA_ARGS__)                                           \
    {                                                                                              \
        return descriptor_of(fd) != NULL ? error : WASI_BADF;                                      \
    }

// clang-format off
REFUSE(sock_accept, WASI_NOTSOCK, u32, u32)
REFUSE(sock_recv, WASI_NOTSOCK, u32, u32, u32, u32, u32)
REFUSE(sock_send, WASI_NOTSOCK, u32, u32, u32, u32)
REFUSE(sock_shutdown, WASI_NOTSOCK, u32)
// clang-format on
