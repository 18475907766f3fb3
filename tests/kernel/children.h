// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/children.h: puppets that use redshirt:kernel/processes, and redshirt:io/stdio over
// streams that one of them gave another.
//
// Use     family_open: a stage with a puppet that handles stdio, and another, the shell, with a
//         bond to processes. family_spawn makes children of the shell. Calls return what their
//         answer says, or the error; family_result_* say it later of a call that was BLOCKED.
//         stage_close(&family.stage) at the end.
// Owner   what a call gives lies in family_room until the next one.
#pragma once
#include "core/kernel/limits.h"
#include "interfaces/processes.h"
#include "interfaces/stdio.h"
#include "tests/kernel/stage.h"

extern const struct stage_interface family_processes;
extern const struct stage_interface family_stdio;
extern const struct stage_interface family_alpha; // of the tests alone; nobody handles it

// What a call came to: the codes of the error types, moved out of the way of its successes.
enum {
    ERROR_OF = -1000,
    NOT_FOUND = ERROR_OF - PROCESSES_PIPE_ERROR_NOT_FOUND,
    GONE = ERROR_OF - PROCESSES_PIPE_ERROR_CLOSED,
    TOO_MANY = ERROR_OF - PROCESSES_PIPE_ERROR_LIMIT,
    STREAM_CLOSED = ERROR_OF - STDIO_ERROR_CLOSED,
    STREAM_FAILED = ERROR_OF - STDIO_ERROR_FAILED,
    NO_PROCESS = ERROR_OF - SYSTEM_ERROR_NOT_FOUND,
    BEING_WAITED_FOR = ERROR_OF - SYSTEM_ERROR_LIMIT,
    NO_RIGHT = ERROR_OF - SYSTEM_SPAWN_ERROR_DENIED,
    NO_PROGRAM = ERROR_OF - SYSTEM_SPAWN_ERROR_NOT_FOUND,
    TOO_MUCH = ERROR_OF - SYSTEM_SPAWN_ERROR_LIMIT,
};

enum { FAMILY_ROOM_BYTES = 3 << 15 };
extern u8 family_room[FAMILY_ROOM_BYTES];

struct family {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *handler; // of stdio
    struct puppet *shell;
    u32 bond; // the shell's, to processes
};

void family_open(struct family *family, u64 seed);
// The same with a kernel of one's own making.
void family_open_config(struct family *family, u64 seed, const struct kernel_config *config);

// Sends so much of family_room; the answer comes to the start of the puppet's area.
i64 family_tell(struct family *family, struct puppet *puppet, u32 bond, u64 function, size_t size,
                u32 flags);
// What a call with SEND_WAIT came to. Of bytes: how many, which are then in family_room.
i64 family_result_bytes(struct family *family, struct puppet *puppet, i64 result);
i64 family_result(struct family *family, struct puppet *puppet, i64 result);
// That it came to this text.
void family_expect(i64 result, const char *text);

// ---- by the shell, or any puppet with a bond to processes

struct family_ends {
    u64 reader;
    u64 writer;
};
i64 family_pipe_of(struct family *family, struct puppet *puppet, u32 bond, struct family_ends *out);
struct family_ends family_pipe(struct family *family);
i64 family_read(struct family *family, u64 end, u32 max);
i64 family_write(struct family *family, u64 end, struct span bytes);
i64 family_close(struct family *family, u64 end);

extern const struct processes_stream family_inherit;
extern const struct processes_stream family_nothing;
struct processes_stream family_end(u64 end);
// Of the family's program.
struct processes_spawn_request family_request(struct family *family);
// The child's number.
i64 family_spawn_by(struct family *family, struct puppet *parent, u32 bond,
                    const struct processes_spawn_request *request);
struct puppet *family_spawn(struct family *family, struct processes_stream input,
                            struct processes_stream output, struct processes_stream error);
// The code it ended with, or minus the enum system_ending_kind.
i64 family_wait_by(struct family *family, struct puppet *puppet, u32 bond, u64 process);
i64 family_kill_by(struct family *family, struct puppet *puppet, u32 bond, u64 process);

// ---- by a child

u32 family_bind(struct family *family, struct puppet *puppet,
                const struct stage_interface *interface);
i64 child_write_tell(struct family *family, struct puppet *child, u32 bond,
                     enum stdio_stream stream, struct span bytes, u32 flags);
i64 child_write(struct family *family, struct puppet *child, u32 bond, enum stdio_stream stream,
                struct span bytes);
i64 child_read_tell(struct family *family, struct puppet *child, u32 bond, u32 max, u32 flags);
i64 child_read(struct family *family, struct puppet *child, u32 bond, u32 max);
i64 child_is_terminal(struct family *family, struct puppet *child, u32 bond, u8 stream);
void child_ends(struct family *family, struct puppet *child);
