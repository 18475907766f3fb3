// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/answer.h: how the kernel answers what it handles itself.
//
// Use     ANSWER with a function that idlc made, and the result it is to encode; answer_room_take
//         where an answer is written by other means. The lock is held.
// Owner   a long answer is encoded where the message keeps it, so it is copied once less.
// Limits  KERNEL_BODY_BYTES; what the client has no room for becomes the error that says so.
#pragma once
#include "core/kernel/internal.h"

// Answers `message` (NULL: nobody wants to know) with what `encode` makes of the result.
#define ANSWER(kernel, message, encode, result)                                                    \
    do {                                                                                           \
        u8 short_[KERNEL_BODY_INLINE];                                                             \
        size_t size_ = encode(short_, sizeof short_, (result));                                    \
        u8 *long_ = size_ > sizeof short_ ? body_new((kernel), (u32)size_) : NULL;                 \
        if (long_ != NULL) {                                                                       \
            (void)encode(long_, size_, (result));                                                  \
        }                                                                                          \
        answer_encoded_locked((kernel), (message), short_, long_, size_);                          \
    } while (0)

// The same with what was encoded: in `short_body` or, when that is too small, in `long_body`, which
// is taken over, and NULL when there was no memory.
static inline void answer_encoded_locked(struct kernel *kernel, struct message *message,
                                         const u8 *short_body, u8 *long_body, size_t size)
{
    if (message == NULL) {
        if (long_body != NULL) {
            body_free(kernel, long_body, (u32)size);
        }
    } else if (size > KERNEL_BODY_INLINE && long_body == NULL) {
        message_answer_error_locked(kernel, message, -E_NO_MEMORY);
    } else {
        struct span body = span_of(long_body == NULL ? short_body : long_body, size);
        message_answer_locked(kernel, message, body, long_body);
    }
}

// Where an answer is written whose size is known before, for message_answer_locked.
struct answer_room {
    u8 *bytes;
    u8 *allocated; // NULL: the bytes are `small`
    u8 small[KERNEL_BODY_INLINE];
};

// Room for so many bytes. False: there is no memory.
static inline bool answer_room_take(struct kernel *kernel, struct answer_room *out, u32 size)
{
    bool is_small = size <= sizeof out->small;
    out->allocated = is_small ? NULL : body_new(kernel, size);
    out->bytes = is_small ? out->small : out->allocated;
    return out->bytes != NULL;
}
