// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/wasi.h: numbers and layouts of WASI preview1, and what the adapter's files share.
//
// Use     each export checks every pointer of the client by copying through client_read and
//         client_write, which refuse what does not lie in the client's memory; results are written
//         last.
// Source  the WASI preview1 definitions (wasi_snapshot_preview1.witx).
#pragma once
#include "core/base/abi.h"
#include "core/base/compiler.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/system.h"

enum wasi_errno {
    WASI_OK = 0,
    WASI_ACCES = 2,
    WASI_ADDRINUSE = 3,
    WASI_AGAIN = 6,
    WASI_BADF = 8,
    WASI_BUSY = 10,
    WASI_CONNRESET = 15,
    WASI_EXIST = 20,
    WASI_FAULT = 21,
    WASI_FBIG = 22,
    WASI_ILSEQ = 25,
    WASI_INVAL = 28,
    WASI_IO = 29,
    WASI_ISDIR = 31,
    WASI_LOOP = 32,
    WASI_MFILE = 33,
    WASI_MLINK = 34,
    WASI_NAMETOOLONG = 37,
    WASI_NFILE = 41,
    WASI_NOBUFS = 42,
    WASI_NOENT = 44,
    WASI_NOMEM = 48,
    WASI_NOSPC = 51,
    WASI_NOSYS = 52,
    WASI_NOTCONN = 53,
    WASI_NOTDIR = 54,
    WASI_NOTEMPTY = 55,
    WASI_NOTSOCK = 57,
    WASI_NOTSUP = 58,
    WASI_OVERFLOW = 61,
    WASI_PERM = 63,
    WASI_PIPE = 64,
    WASI_ROFS = 69,
    WASI_SPIPE = 70,
    WASI_XDEV = 75,
    WASI_NOTCAPABLE = 76,
};

enum wasi_clock {
    WASI_CLOCK_REALTIME = 0,
    WASI_CLOCK_MONOTONIC = 1,
};

enum wasi_filetype {
    WASI_FILETYPE_UNKNOWN = 0, // what a pipe is: preview1 has no word for it
    WASI_FILETYPE_BLOCK_DEVICE = 1,
    WASI_FILETYPE_CHARACTER_DEVICE = 2,
    WASI_FILETYPE_DIRECTORY = 3,
    WASI_FILETYPE_REGULAR_FILE = 4,
    WASI_FILETYPE_SOCKET_STREAM = 6,
    WASI_FILETYPE_SYMBOLIC_LINK = 7,
};

enum {
    WASI_FDFLAG_APPEND = 1,
    WASI_FDFLAG_DSYNC = 2,
    WASI_FDFLAG_NONBLOCK = 4,
    WASI_FDFLAG_RSYNC = 8,
    WASI_FDFLAG_SYNC = 16,
    WASI_FDFLAGS = 0x1f,
};

enum {
    WASI_OFLAG_CREAT = 1,
    WASI_OFLAG_DIRECTORY = 2,
    WASI_OFLAG_EXCL = 4,
    WASI_OFLAG_TRUNC = 8,
    WASI_OFLAGS = 0xf,
};

enum {
    WASI_FSTFLAG_ATIM = 1,
    WASI_FSTFLAG_ATIM_NOW = 2,
    WASI_FSTFLAG_MTIM = 4,
    WASI_FSTFLAG_MTIM_NOW = 8,
    WASI_FSTFLAGS = 0xf,
};

enum { WASI_LOOKUP_FOLLOW = 1 };

enum { WASI_WHENCE_SET = 0, WASI_WHENCE_CUR = 1, WASI_WHENCE_END = 2 };

enum { WASI_PREOPENTYPE_DIR = 0, WASI_PREOPENTYPE_OTHER = 1 };

enum {
    WASI_RIGHT_FD_DATASYNC = 1 << 0,
    WASI_RIGHT_FD_READ = 1 << 1,
    WASI_RIGHT_FD_SEEK = 1 << 2,
    WASI_RIGHT_FD_FDSTAT_SET_FLAGS = 1 << 3,
    WASI_RIGHT_FD_SYNC = 1 << 4,
    WASI_RIGHT_FD_TELL = 1 << 5,
    WASI_RIGHT_FD_WRITE = 1 << 6,
    WASI_RIGHT_FD_ADVISE = 1 << 7,
    WASI_RIGHT_FD_ALLOCATE = 1 << 8,
    WASI_RIGHT_PATH_CREATE_DIRECTORY = 1 << 9,
    WASI_RIGHT_PATH_CREATE_FILE = 1 << 10,
    WASI_RIGHT_PATH_LINK_SOURCE = 1 << 11,
    WASI_RIGHT_PATH_LINK_TARGET = 1 << 12,
    WASI_RIGHT_PATH_OPEN = 1 << 13,
    WASI_RIGHT_FD_READDIR = 1 << 14,
    WASI_RIGHT_PATH_READLINK = 1 << 15,
    WASI_RIGHT_PATH_RENAME_SOURCE = 1 << 16,
    WASI_RIGHT_PATH_RENAME_TARGET = 1 << 17,
    WASI_RIGHT_PATH_FILESTAT_GET = 1 << 18,
    WASI_RIGHT_PATH_FILESTAT_SET_SIZE = 1 << 19,
    WASI_RIGHT_PATH_FILESTAT_SET_TIMES = 1 << 20,
    WASI_RIGHT_FD_FILESTAT_GET = 1 << 21,
    WASI_RIGHT_FD_FILESTAT_SET_SIZE = 1 << 22,
    WASI_RIGHT_FD_FILESTAT_SET_TIMES = 1 << 23,
    WASI_RIGHT_PATH_SYMLINK = 1 << 24,
    WASI_RIGHT_PATH_REMOVE_DIRECTORY = 1 << 25,
    WASI_RIGHT_PATH_UNLINK_FILE = 1 << 26,
    WASI_RIGHT_POLL_FD_READWRITE = 1 << 27,
    WASI_RIGHT_SOCK_SHUTDOWN = 1 << 28,
    WASI_RIGHT_SOCK_ACCEPT = 1 << 29,
    WASI_RIGHTS = (1 << 30) - 1,
};

struct wasi_prestat {
    u8 type; // WASI_PREOPENTYPE_*
    u8 pad[3];
    u32 name_size;
};
STATIC_ASSERT(sizeof(struct wasi_prestat) == 8);

struct wasi_dirent {
    u64 next;
    u64 inode;
    u32 name_size;
    u8 filetype;
    u8 pad[3];
};
STATIC_ASSERT(sizeof(struct wasi_dirent) == 24);

struct wasi_iovec {
    u32 start;
    u32 size;
};

struct wasi_fdstat {
    u8 filetype;
    u8 pad[1];
    u16 flags;
    u8 pad2[4];
    u64 rights;
    u64 rights_inheriting;
};
STATIC_ASSERT(sizeof(struct wasi_fdstat) == 24);

struct wasi_filestat {
    u64 device;
    u64 inode;
    u8 filetype;
    u8 pad[7];
    u64 links;
    u64 size;
    u64 accessed_ns;
    u64 modified_ns;
    u64 changed_ns;
};
STATIC_ASSERT(sizeof(struct wasi_filestat) == 64);

enum wasi_event_type {
    WASI_EVENT_CLOCK = 0,
    WASI_EVENT_FD_READ = 1,
    WASI_EVENT_FD_WRITE = 2,
};

enum { WASI_SUBSCRIPTION_ABSTIME = 1 };

struct wasi_subscription {
    u64 userdata;
    u8 type;
    u8 pad[7];
    union {
        struct {
            u32 id;
            u8 pad[4];
            u64 timeout_ns;
            u64 precision_ns;
            u16 flags;
            u8 pad2[6];
        } clock;
        u32 fd;
    };
};
STATIC_ASSERT(sizeof(struct wasi_subscription) == 48);

struct wasi_event {
    u64 userdata;
    u16 error;
    u8 type;
    u8 pad[5];
    u64 bytes; // FD_READ, FD_WRITE: how many can be read or written
    u16 flags; // 1: the other side is gone
    u8 pad2[6];
};
STATIC_ASSERT(sizeof(struct wasi_event) == 32);

enum { WASI_EVENT_HANGUP = 1 };

// Declares an export under its preview1 name and begins its definition.
#define WASI_EXPORT(name, ...)                                                                     \
    __attribute__((export_name(#name))) i32 wasi_##name(__VA_ARGS__);                              \
    i32 wasi_##name(__VA_ARGS__)

// ---- the client's memory (docs/abi.md, Adapters). 0, or E_FAULT and nothing was copied.

__attribute__((import_module("client"), import_name("read"))) i32 client_read(void *to, u32 from,
                                                                              u32 len);
__attribute__((import_module("client"), import_name("write"))) i32 client_write(u32 to,
                                                                                const void *from,
                                                                                u32 len);

// Whether `len` bytes at `at`, at most 64, lie in the client's memory.
bool client_has(u32 at, u32 len);
// Stores a number for the client. WASI_OK or WASI_FAULT.
i32 client_store_u32(u32 at, u32 value);
i32 client_store_u64(u32 at, u64 value);

// ---- the scratch that one export at a time uses

// The most that stdio and random take or give in one message.
enum { CHUNK_BYTES = 65536 };
extern u8 chunk[CHUNK_BYTES]; // what is to be written, collected

// A message and its answer, with room around the bytes of the longest.
enum { MESSAGE_BYTES = CHUNK_BYTES + 4096 };
extern u8 message_buffer[MESSAGE_BYTES];

// ---- what a message that could not be sent means

// An errno, of a negative error.
static inline i32 sent_errno(i64 error)
{
    return error == E_NO_MEMORY ? WASI_NOMEM : error == E_LIMIT ? WASI_NOBUFS : WASI_IO;
}

// Whether to try again with fewer of the `size` bytes, *most of them: the user may have left the
// program less than a message of CHUNK_BYTES (docs/budgets.md, `queued`).
static inline bool sent_halves(i64 error, u32 size, u32 *most)
{
    *most = error == E_LIMIT ? size / 2 : *most;
    return error == E_LIMIT && *most != 0;
}

// ---- messages (messages.c): each binds its interface at its first use; an errno, WASI_OK when all
// is well

// Waits for input: between 1 and `max` bytes, none at the end of the stream. They are valid until
// the next message of this file.
i32 message_read(u32 max, struct span *bytes);
// Asks for at most `max` bytes of input without waiting: the message's id.
i32 message_read_send(u32 max, u64 *id);
// Reads the answer to it.
i32 message_read_answer(struct span body, u32 max, struct span *bytes);
// At most CHUNK_BYTES; *count of them, all when all is well, are written.
i32 message_write(u8 stream, struct span bytes, u32 *count);
bool message_is_terminal(u8 stream);
// At most `count` random bytes, at least one; valid until the next message of this file.
i32 message_random(u32 count, struct span *bytes);
// Reads a clock, or its smallest step.
i32 message_clock(enum wasi_clock clock, u64 *now_ns);
i32 message_resolution(u64 *step_ns);
// Waits until the monotonic clock reaches a time.
i32 message_sleep(u64 until_ns);
i32 message_sleep_send(u64 until_ns, u64 *id);
void message_cancel(u64 id);
// What the process was started with: a list of strings, to be gone through by
// system_list_bytes_next.
enum { LIST_ARGUMENTS, LIST_ENVIRONMENT };
struct system_list_bytes message_start(u32 list);

// ---- the environment (process.c)

// The value of a variable, the last one of that name; empty without one.
struct span environment_value(struct span name);
