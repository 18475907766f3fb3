// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/device.h: how a machine answers an interface, with the same queue, limits and laws as
// a process.
//
// Use     kernel_device_register; when `wake` is called, take events until there are none, from one
//         thread at a time; answer each message that has an id, then or later, from any thread:
//         also one that was cancelled or whose client is gone, because only the answer lets the
//         kernel free it.
// Owner   the kernel owns the device until kernel_destroy. An event's body stays valid until the
//         message is answered, or, when no answer is wanted, until the next kernel_device_take of
//         this device. A thread that may still be reading a body when it answers must answer after
//         it has read.
// Limits  core/kernel/limits.h. What clients have queued here is charged to them, so a device need
//         not take more than it has room for: what it leaves waits.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct interface_definition; // core/base/wire.h
struct kernel;
struct kernel_device;

enum kernel_event_kind {
    KERNEL_EVENT_MESSAGE = 2, // numbered as the notifications of docs/abi.md
    KERNEL_EVENT_CLIENT_GONE = 3,
    KERNEL_EVENT_CANCELLED = 4,
};

struct kernel_event {
    enum kernel_event_kind kind;
    u64 id;       // message id; 0: no answer wanted
    u64 function; // first 8 bytes of F
    u64 client;   // opaque, one for each bond
    struct span body;
};

struct kernel_device_config {
    const struct interface_definition *interface; // as idlc generates it; stays alive
    // Called, with no lock held, when there is something to take after there was nothing; perhaps
    // on a worker, and perhaps once too often. Must not block, nor call into the kernel. Never
    // during kernel_destroy.
    void (*wake)(void *context);
    void *context;
    // NULL, or asked for the answer to a message without a body whose client waits, instead of
    // queueing it: true when that is to be had at once and changes nothing, as what time it is.
    // On a worker with the kernel's lock held: quick, and calls nothing of the kernel.
    //   to  room for KERNEL_NOW_BYTES, of which *size are the answer
    bool (*now)(void *context, u64 function, u8 *to, u32 *size);
};

// ERR_EXISTS     the interface has a handler
// ERR_LIMIT      KERNEL_DEVICES, or too many interfaces
// ERR_NO_MEMORY
enum err kernel_device_register(struct kernel *kernel, const struct kernel_device_config *config,
                                struct kernel_device **out);

// The next event, or false when there is none.
bool kernel_device_take(struct kernel_device *device, struct kernel_event *out);

// What the user said of how a client of this device may use its interface: a list of byte strings
// as core/base/wire.h writes it (u32 count; u32 length and bytes of each), all of which hold. They
// stay as they are until KERNEL_EVENT_CLIENT_GONE, so that a device asks once.
//   client  of an event of this device; 0 is the kernel, which has no limits
//   to      room for KERNEL_LIMITS_BYTES (core/kernel/limits.h); *size says how much was written
// ERR_NOT_FOUND  no client of this device, or gone
enum err kernel_device_limits(struct kernel_device *device, u64 client, u8 *to, size_t *size);

// Answers a message; what does not fit the client becomes E_TOO_LONG there. Nothing happens when
// the client is gone. Copies `body` before it returns.
void kernel_device_answer(struct kernel_device *device, u64 message, struct span body);

// A long answer that is made where the kernel keeps it, so that it is copied once less: room for
// `size` bytes, more than KERNEL_BODY_INLINE and at most KERNEL_BODY_BYTES, which all are the
// answer; or NULL. It is the kernel's again by kernel_device_answer_room or
// kernel_device_room_drop.
u8 *kernel_device_room(struct kernel_device *device, u32 size);
void kernel_device_answer_room(struct kernel_device *device, u64 message, u8 *room, u32 size);
void kernel_device_room_drop(struct kernel_device *device, u8 *room, u32 size);

// An error answer: `code` is a positive number of docs/abi.md's table.
void kernel_device_answer_error(struct kernel_device *device, u64 message, u32 code);
