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
};
