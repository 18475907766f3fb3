// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/channel.h: what goes over the socket between a system that runs and the user's
// other commands: calls of the interfaces `control` and `inspect`, one after another, and an answer
// to each. Bytes in, bytes out; it opens nothing itself.
//
//     call     u32 size, u64 function, body      size: of what follows it
//     answer   u32 size, u32 code, body          code: 0, or that of an error answer, without a
//              body
//
// Numbers are little-endian, function and body as docs/wire.md says and code as docs/abi.md does. A
// function's id is a hash of all that its definition says, so there is no version to agree on: who
// is asked what he does not know says E_FUNCTION.
//
// Use     channel_over room for one frame; put what was read into channel_room, say how much by
//         channel_got, and take calls or answers until there is none.
// Limits  below. A frame at its limit is taken, one beyond is refused before it is read.
// Source  docs/control.md.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"

enum {
    CHANNEL_CALL_HEAD = 12,
    CHANNEL_ANSWER_HEAD = 8,
    CHANNEL_CALL_BYTES = 4096, // a frame: the longest call has three names of a few hundred bytes
    CHANNEL_ANSWER_BYTES = (1 << 20) + CHANNEL_ANSWER_HEAD, // KERNEL_INSPECT_BYTES, the longest
};

struct channel {
    u8 *room;
    size_t capacity;
    size_t size;  // bytes that were read and not let go
    size_t taken; // of them, in the frame that was taken last
};

struct channel channel_over(u8 *room, size_t capacity);

// Where what is read next goes, and how much; 0: a frame has to be taken first.
size_t channel_room(const struct channel *channel, u8 **to);
void channel_got(struct channel *channel, size_t size);

// The next frame; it lies in the room until the next one is taken.
// ERR_PAUSED     more has to be read
// ERR_MALFORMED  its size is none that a frame of this kind has: there is no way to go on
enum err channel_take_call(struct channel *channel, u64 *function, struct span *body);
enum err channel_take_answer(struct channel *channel, u32 *code, struct span *body);

// Writes what stands before a body of that size.
void channel_write_call(u8 out[CHANNEL_CALL_HEAD], u64 function, size_t body_size);
void channel_write_answer(u8 out[CHANNEL_ANSWER_HEAD], u32 code, size_t body_size);
