// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/recorder.h: keeps what the kernel records of a process in a file
// (docs/recording.md).
//
// Use     recorder_open before the program starts, with recorder_put as kernel_record_config.put;
//         recorder_end when the kernel says that it has ended; recorder_close behind session_close.
// Owner   the file is made, or emptied, for its owner alone: what the program read is in it. One
//         that nothing was recorded in is removed.
// Threads one of its own, which writes. The functions are called one at a time.
// Limits  what is recorded is in the file RECORDER_NS later, if the disk is not in the way: a crash
//         of the command loses no more. When RECORDER_BYTES wait for a slow disk, the program waits
//         for it, and the worker that runs it. When a disk refuses to keep more, that is said, the
//         file ends there, and the program goes on.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/record.h"
struct recorder;

enum { RECORDER_BYTES = 256 << 10, RECORDER_NS = 2000000 };

// Says what fails; returns EXIT_GOOD or the exit code.
//   path  stays alive
int recorder_open(const char *path, struct recorder **out);

// kernel_record_config.put; the context is the recorder.
bool recorder_put(void *context, const struct span *pieces, u32 count);

// Writes what is left, and says what came of it unless that is what was wanted.
void recorder_end(struct recorder *recorder, const struct kernel_record_state *state);

// Frees it; NULL does nothing. Returns `code`, or what says that the recording is not whole when
// that is EXIT_GOOD.
int recorder_close(struct recorder *recorder, int code);
