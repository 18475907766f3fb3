// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/limits.h: every bound of the WASI adapter.
#pragma once

enum {
    WASI_IOVECS =
        1024, // buffers of one read or write: what POSIX systems call IOV_MAX. Beyond: EINVAL
    WASI_SUBSCRIPTIONS =
        256, // of one poll, which are copied before any is looked at. Beyond: EINVAL
    WASI_AHEAD_BYTES =
        4096, // input taken ahead of its reader so that its arrival can be polled for
    WASI_DESCRIPTORS = 1024,    // open at a time, as many as a system gives without asking. EMFILE
    WASI_LISTENERS = 64,        // that a program begins with. Beyond: told on stderr
    WASI_PREOPEN_BYTES = 4096,  // of the names of listeners and folders together
    WASI_PATH_BYTES = 4095,     // files.wit's bound. Beyond: ENAMETOOLONG
    WASI_LISTING_BYTES = 32768, // of one message's entries: files.wit's bound
};
