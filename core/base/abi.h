// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/abi.h: the numbers of docs/abi.md, for both of its sides: the kernel and the programs.
//
// Source  docs/abi.md. Nothing here changes without that page.
#pragma once
#include "core/base/compiler.h"
#include "core/base/types.h"

// Errors: what a call returns below 0. Error answers carry the same number as a positive one.
enum abi_error {
    E_FAULT = -1,
    E_HANDLE = -2,
    E_FUNCTION = -3,
    E_FLAGS = -4,
    E_TOO_LONG = -5,
    E_LIMIT = -6,
    E_BUFFER = -7,
    E_NO_HANDLER = -8,
    E_GONE = -9,
    E_CANCELLED = -10,
    E_MALFORMED = -11,
    E_DENIED = -12,
    E_BUSY = -13,
    E_UNSUPPORTED = -14,
    E_NO_MEMORY = -15,
};

enum abi_send_flags {
    SEND_NO_ANSWER = 1,
    SEND_WAIT = 2,
};

enum abi_answer_flags {
    ANSWER_ERROR = 1,
    ANSWER_WAIT = 2,
};

enum abi_wait_flags {
    WAIT_POLL = 1,
};

// Set in the result of a send with SEND_WAIT when the answer is an error answer.
#define ANSWER_IS_ERROR ((i64)1 << 32)

enum abi_notification_kind {
    NOTIFICATION_ANSWER = 1,
    NOTIFICATION_MESSAGE = 2,
    NOTIFICATION_CLIENT_GONE = 3,
    NOTIFICATION_CANCELLED = 4,
};

enum abi_notification_flags {
    NOTIFICATION_IS_ERROR = 1,
};

// The header of a notification; its body follows, then zeros up to `size`.
struct abi_notification {
    u32 size; // header and body, rounded up to 8
    u16 kind;
    u16 flags;
    u64 id;
    u64 function;
    u64 client;
    u32 registration;
    u32 body_len;
};
STATIC_ASSERT(sizeof(struct abi_notification) == 40);

enum { NOTIFICATION_ALIGN = 8 };

// Whose bond it is, of the `client` of a notification: the same for all bonds of one process.
static inline u64 abi_client_owner(u64 client)
{
    return client >> 31;
}
