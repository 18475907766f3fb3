// SPDX-License-Identifier: GPL-3.0-or-later
// lib/http/limits.h: every bound of the HTTP reader.
#pragma once

enum {
    HTTP_HEAD_BYTES =
        8192, // request line and headers; what common servers allow. Beyond: 431 or 414
    HTTP_TARGET_BYTES = 4096, // beyond: 414
    HTTP_HEADERS = 64,        // lines; browsers send about 15. Beyond: 431
    HTTP_BODY_BYTES = 65536,  // nobody who uses this reader wants one; it is read over. Beyond: 413
    HTTP_RESPONSE_HEAD_BYTES = 512,
};
