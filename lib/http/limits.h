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

    // ---- as a client
    HTTP_HOST_BYTES = 261, // a name of DNS, a colon and a port. Beyond: not a host
    HTTP_INTERIM = 8,      // responses below 200 before the one that counts. Beyond: ERR_LIMIT
    HTTP_CHUNK_LINE_BYTES =
        64, // a size in 16 digits, and extensions that nobody sends. Beyond: ERR_LIMIT
};
