// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/kept.h: what platform_kept_load and _save of core/platform.h keep: files in
// HOME/code, each named by 64 hexadecimal digits.
//
// A thread of its own reads and writes, so that no worker waits for a disk. A file is written under
// another name and renamed, so it is there whole or not at all when a writer is killed or two write
// it at once; it is not flushed, since whoever reads it checks it, and a loss of power may cost no
// more than compiling again.
//
// What is read becomes machine code that runs with all the rights of this process. So nothing is
// read or written where another user could have put it: the folder, and each file, must be the
// user's own and writable by nobody else. The folder is made with mode 0700, files with 0600.
//
// Use     hosted_kept_open before the kernel may ask; hosted_kept_settle before kernel_destroy;
//         hosted_kept_close after it. Without the first nothing is kept.
// Owner   the descriptor of the home is copied.
// Threads the calls here come from one thread.
// Limits  HOSTED_KEPT_BYTES in all, of which the oldest are removed; HOSTED_KEPT_FILE_BYTES of one;
//         HOSTED_KEPT_REQUESTS at a time: what is beyond is not kept, or not found.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"

// ERR_IO, ERR_NO_MEMORY  nothing will be kept
enum err hosted_kept_open(int home);
// Nothing is loaded from now on: whoever waits for it gets nothing.
void hosted_kept_settle(void);
// Finishes what is to be saved, unless hosted_kept_abandon was called.
void hosted_kept_close(void);
// Allowed in a signal handler.
void hosted_kept_abandon(void);
