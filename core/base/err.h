// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/err.h: what can go wrong through the input's or the machine's fault.
//
// Use     return an enum err and let the caller decide; TRY passes a failure up. What is our own
//         fault is an ASSERT (core/base/assert.h); what is a guest's fault is an enum trap
//         (core/wasm/trap.h).
#pragma once

enum [[nodiscard]] err {
    ERR_OK = 0,
    ERR_MALFORMED,   // bytes that do not follow their format
    ERR_INVALID,     // well formed, but breaks a rule
    ERR_UNSUPPORTED, // legal, but this system does not do it
    ERR_LIMIT,       // legal, but beyond a number in a limits.h
    ERR_NO_MEMORY,   // the arena, the pool or the machine has no more
    ERR_NOT_FOUND,   // the thing named does not exist
    ERR_EXISTS,      // the thing named exists already
    ERR_DENIED,      // the user has not granted it
    ERR_BUSY,        // taken, try later
    ERR_MISMATCH,    // two things that should agree do not (a hash, a type)
    ERR_IO,          // the machine failed to read or write
    ERR_CLOSED,      // the other side is gone
    ERR_PAUSED,      // no failure: the portion of work is used up; call again to go on
    ERR_COUNT
};

// Passes a failure of `call` to the caller of this function.
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum err try_err_ = (call);                                                                \
        if (__builtin_expect(try_err_ != ERR_OK, 0)) {                                             \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

// The word for an error, lower case, without a full stop ("malformed"). Never NULL.
const char *err_name(enum err err);
