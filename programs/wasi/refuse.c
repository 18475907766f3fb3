// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/refuse.c: the calls about files and sockets that no descriptor here can serve.
// There are three descriptors, all of them streams, so this is a table: the call, its answer, its
// parameters. Limit: no files, so no preopened folders either; what takes a path answers
// ENOTCAPABLE.
#include "programs/wasi/wasi.h"

// A call on a stream is refused with `error`, on anything else with EBADF.
#define REFUSE_STREAM(name, error, ...)                                                            \
    WASI_EXPORT(name, u32 fd __VA_OPT__(, ) __VA_ARGS__)                                           \
    {                                                                                              \
        return stream_of(fd) != NULL ? error : WASI_BADF;                                          \
    }

#define REFUSE(name, error, ...)                                                                   \
    WASI_EXPORT(name, __VA_ARGS__)                                                                 \
    {                                                                                              \
        return error;                                                                              \
    }

// clang-format off
REFUSE_STREAM(fd_advise, WASI_SPIPE, u64, u64, u32)
REFUSE_STREAM(fd_allocate, WASI_SPIPE, u64, u64)
REFUSE_STREAM(fd_datasync, WASI_INVAL)
REFUSE_STREAM(fd_sync, WASI_INVAL)
REFUSE_STREAM(fd_filestat_set_size, WASI_INVAL, u64)
REFUSE_STREAM(fd_filestat_set_times, WASI_NOTCAPABLE, u64, u64, u32)
REFUSE_STREAM(fd_pread, WASI_SPIPE, u32, u32, u64, u32)
REFUSE_STREAM(fd_pwrite, WASI_SPIPE, u32, u32, u64, u32)
REFUSE(fd_prestat_get, WASI_BADF, u32, u32)
REFUSE(fd_prestat_dir_name, WASI_BADF, u32, u32, u32)
REFUSE_STREAM(fd_readdir, WASI_NOTDIR, u32, u32, u64, u32)
REFUSE_STREAM(fd_seek, WASI_SPIPE, i64, u32, u32)
REFUSE_STREAM(fd_tell, WASI_SPIPE, u32)
REFUSE(path_create_directory, WASI_NOTCAPABLE, u32, u32, u32)
REFUSE(path_filestat_get, WASI_NOTCAPABLE, u32, u32, u32, u32, u32)
REFUSE(path_filestat_set_times, WASI_NOTCAPABLE, u32, u32, u32, u32, u64, u64, u32)
REFUSE(path_link, WASI_NOTCAPABLE, u32, u32, u32, u32, u32, u32, u32)
REFUSE(path_open, WASI_NOTCAPABLE, u32, u32, u32, u32, u32, u64, u64, u32, u32)
REFUSE(path_readlink, WASI_NOTCAPABLE, u32, u32, u32, u32, u32, u32)
REFUSE(path_remove_directory, WASI_NOTCAPABLE, u32, u32, u32)
REFUSE(path_rename, WASI_NOTCAPABLE, u32, u32, u32, u32, u32, u32)
REFUSE(path_symlink, WASI_NOTCAPABLE, u32, u32, u32, u32, u32)
REFUSE(path_unlink_file, WASI_NOTCAPABLE, u32, u32, u32)
REFUSE_STREAM(sock_accept, WASI_NOTSOCK, u32, u32)
REFUSE_STREAM(sock_recv, WASI_NOTSOCK, u32, u32, u32, u32, u32)
REFUSE_STREAM(sock_send, WASI_NOTSOCK, u32, u32, u32, u32)
REFUSE_STREAM(sock_shutdown, WASI_NOTSOCK, u32)
// clang-format on
