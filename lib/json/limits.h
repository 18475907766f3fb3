// SPDX-License-Identifier: GPL-3.0-or-later
// lib/json/limits.h: every bound of the JSON reader.
#pragma once

enum {
    JSON_DEPTH = 16,        // objects and arrays inside one another. Beyond: ERR_LIMIT
    JSON_TEXT_BYTES = 1024, // of a name, string or number: the longest address. Beyond: cut or
                            // ERR_LIMIT
};
