// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/message.h: messages, and what is told of them to whoever handles or sent them.
//
// A party is whoever can handle an interface; a note is one thing that it is to be told, and lies
// in what it is about, so that telling needs no memory. A message has one for each of its sides.
//
// Use     core/kernel/internal.h includes it, and core/kernel/fast.h, which has what every message
//         passes through. docs/kernel.md, What always holds, tells a message's life.
// Owner   the pool kernel->messages. A message is charged to its client until both sides have let
//         go of it; a body is its message's.
// Locks   kernel->lock, but for local calls (core/kernel/worker.h).
// Limits  core/kernel/limits.h: KERNEL_MESSAGES, KERNEL_BODY_BYTES, KERNEL_CANCELLED.
#pragma once
#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/limits.h"
struct bond;
struct definition;
struct interface_entry;
struct kernel;
struct kernel_device;
struct pipe;
struct process;
struct program;
struct question;
struct registration;

// ---- what is told to a handler or a client, in order

enum note_kind {
    NOTE_NONE,
    NOTE_ANSWER,      // in struct message, client_note
    NOTE_MESSAGE,     // in struct message, handler_note
    NOTE_CANCELLED,   // in struct message, handler_note
    NOTE_CLIENT_GONE, // in struct bond
};

struct note {
    struct list_node node;
    u32 kind; // enum note_kind; NOTE_NONE while it is in no queue
};

// Whoever can handle an interface.
enum party_kind { PARTY_PROCESS, PARTY_DEVICE, PARTY_KERNEL };

struct party {
    u32 kind; // enum party_kind; constant
    u32 registration_count;
    struct list notes;     // struct note
    struct list held;      // struct message by handler_note: delivered, to be answered
    struct list cancelled; // those of them that it is charged for, by of_client, oldest first
    u32 cancelled_count;
    bool is_swept; // handler_abandon is at work: what it looks at is in no list for a moment
    struct list registrations; // struct registration
};

// ---- messages

enum message_state {
    MESSAGE_QUEUED,   // handler_note is in the handler's notes
    MESSAGE_HELD,     // handler_note is in the handler's held list
    MESSAGE_PENDING,  // the kernel answers later: `pending` says what it waits for
    MESSAGE_ANSWERED, // client_note is in the client's notes; no handler knows it any more
};

enum message_pending {
    PENDING_NONE,
    PENDING_BIND,
    PENDING_SPAWN,
    PENDING_END,
    PENDING_CONSENT,
    PENDING_READ, // core/kernel/pipe.h
    PENDING_WRITE,
};

struct message {
    struct pool_item item;
    u64 id; // 0: nobody wants an answer
    u64 function;
    u64 client_number;      // of the bond, so that it can be told when the bond is gone
    struct process *client; // who is charged; NULL: the handler when `is_handlers`, or else the
                            // kernel, asking the loader for `program` or for consent, `question`
    struct bond *bond;      // NULL: bond 0, or closed
    // From here to `small` all is zero when a message is taken out of the pool, and zero again when
    // it is given back: so it need not be cleared for each.
    struct party *handler;
    u32 registration;  // id
    u8 state;          // enum message_state
    u8 pending;        // enum message_pending
    bool waited_for;   // the client sits in send with SEND_WAIT
    bool is_cancelled; // the client has its answer; the handler may still hold the message
    bool is_handlers;  // the same, and the client has taken it: in handler->cancelled
    bool is_patient;   // PENDING_CONSENT: the bind then waits for a handler, too
    u32 error;         // 0, or the code of the error answer it got
    u32 body_len;
    u8 *body; // `small`, or from kernel->memory
    struct program *program;
    struct note client_note;
    struct note handler_note;
    struct list_node of_client; // in client->sent or handler->cancelled
    union {
        struct process *about; // PENDING_SPAWN, PENDING_END: the child
        u32 piped; // PENDING_READ: bytes wanted; PENDING_WRITE: those in the pipe by now
    };
    const struct definition *definition; // PENDING_BIND, PENDING_CONSENT
    union {
        struct pipe *pipe;             // PENDING_READ, PENDING_WRITE
        struct interface_entry *entry; // PENDING_BIND
        struct question *question;     // PENDING_CONSENT; or PENDING_NONE: the kernel's own
    };
    u8 small[KERNEL_BODY_INLINE];
};

// ---- message.c

struct kernel_device *party_device(struct party *party);
// Appends a note to what the party is to be told, and wakes it.
void note_queue_locked(struct kernel *kernel, struct party *party, struct note *note,
                       enum note_kind kind);
void party_init(struct party *party, enum party_kind kind);

// A body that is about to change hands: room for it, taken without the lock where it is long.
u8 *body_new(struct kernel *kernel, u32 len);
void body_free(struct kernel *kernel, u8 *body, u32 len);
// Gives the message its body: `allocated` when it is longer than KERNEL_BODY_INLINE (taken over),
// else a copy.
void message_set_body_locked(struct kernel *kernel, struct message *message, struct span body,
                             u8 *allocated);
void message_clear_body_locked(struct kernel *kernel, struct message *message);

// Whether an answer of so many bytes has somewhere to go.
bool message_fits_client(const struct message *message, u64 bytes);

// Queues it for whoever handles `registration`, and wakes him.
void message_queue_locked(struct kernel *kernel, struct message *message,
                          struct registration *registration);
// The answer is known. `allocated` as in message_set_body_locked; a waiting client gets it copied
// into its memory and becomes ready. The message may be freed by this.
void message_answer_locked(struct kernel *kernel, struct message *message, struct span body,
                           u8 *allocated);
void message_answer_error_locked(struct kernel *kernel, struct message *message, u32 code);
// The client no longer wants the answer: it gets the error answer E_CANCELLED, the handler is told.
void message_cancel_locked(struct kernel *kernel, struct message *message);
// The kernel no longer wants what it asked the loader for: a loader that holds it is told.
void message_withdraw_locked(struct kernel *kernel, struct message *message);
// The user has revoked what it was sent with: the client gets the error answer E_DENIED, the
// handler is told. Nothing happens to what has its answer. Its bond is set to NULL by then.
void message_revoke_locked(struct kernel *kernel, struct message *message);
// The client is ending: nobody wants the answer, and nobody is told.
void message_orphan_locked(struct kernel *kernel, struct message *message);
// The handler no longer handles `registration` (0: any): its messages get E_GONE. The lock may be
// given back in between. Returns how many items were looked at.
u32 handler_abandon_locked(struct kernel *kernel, struct party *party, u32 registration);

// Writes notifications for a process that a worker has into its memory, [to, to + len), which was
// checked. Returns what wait returns, 0 when there is nothing to tell. The lock may be given back
// in between.
i32 notes_deliver_locked(struct kernel *kernel, struct process *process, u8 *to, u32 len);
