// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/record.h: a process that is recorded, or replayed from a recording: then its calls
// are answered by what is written there, and nobody else hears of them (docs/recording.md).
//
// Use     kernel_record_create, then kernel_start with it, for one process; `ended` tells what came
//         of it. To replay, the kernel is to have the recording's programs (kernel_program_add),
//         and the process is started by its program's name, with no arguments: it asks for them.
// Owner   the kernel: kernel_destroy frees it. What `replay` points to stays the caller's, and
//         alive.
// Threads the functions of the config come on the worker that has the process, with no lock held,
//         or out of kernel_destroy; one after another.
// Time    what is not recorded pays nothing. `put` may take its time: the process waits for it.
// Limits  core/kernel/limits.h: KERNEL_RECORD_*. The process has one thread: spawn-thread says
//         `limit`. Memory that is refused for a table or a stack is not in the recording; if it is
//         not refused the same way, the replay says where it went another way.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;
struct kernel_record;
struct recording;

enum kernel_record_outcome {
    KERNEL_RECORD_NOTHING,   // the process never began: nothing was recorded or replayed
    KERNEL_RECORD_WHOLE,     // from its beginning to its end, as it was
    KERNEL_RECORD_STOPPED,   // replayed, and killed from outside before its end
    KERNEL_RECORD_CUT,       // replayed as far as the recording goes, which is not to the end
    KERNEL_RECORD_DIFFERENT, // replayed until it did something else: words says what
    KERNEL_RECORD_DAMAGED,   // replayed until the recording made no sense: words says why
    KERNEL_RECORD_LOST,      // recorded until `put` could not keep it
};

enum { KERNEL_RECORD_TEXT = 512 };

struct kernel_record_state {
    enum kernel_record_outcome outcome;
    u64 calls;          // that it made, and that are in the recording
    bool wanted_thread; // it asked for a second thread, and was told `limit`
    char words[KERNEL_RECORD_TEXT];
};

// A message that a process which is replayed sends, as it did.
struct kernel_record_sent {
    struct span interface; // name; empty: the kernel's own, or no bond of the process
    const u8 *hash;        // 32 bytes: I; NULL as above
    u64 function;
    struct span body;
    bool has_result;
    i64 result; // of docs/abi.md's send
};

struct kernel_record_config {
    void *context;
    // NULL, or keeps what is recorded: struct recording_out, core/kernel/recording.h.
    bool (*put)(void *context, const struct span *pieces, u32 count);
    // NULL: the process is recorded as it runs. Else it is replayed from there, where
    // recording_open has left it; with `put`, also recorded again.
    struct recording *replay;
    struct span words; // recorded for people, at most RECORDING_WORDS; stays alive. Not in a replay
    // NULL, or told of each send of a process that is replayed.
    void (*sent)(void *context, const struct kernel_record_sent *sent);
    // Told once when the process has ended; before kernel_start.on_end.
    void (*ended)(void *context, const struct kernel_record_state *state);
};

// ERR_NO_MEMORY
enum err kernel_record_create(struct kernel *kernel, const struct kernel_record_config *config,
                              struct kernel_record **out);
