// SPDX-License-Identifier: GPL-3.0-or-later
// programs/log/limits.h: every bound of the log.
#pragma once

enum {
    LOG_LINE_BYTES = 4096, // of a client's line, as the interface says; the rest is cut
    LOG_STAMP_BYTES = 64,  // in front of it: time and level
    LOG_KEPT_BYTES =
        65536, // lines that the standard error has not taken yet; then the oldest are lost
    LOG_WRITE_BYTES = 8192, // lines handed over at once
};
