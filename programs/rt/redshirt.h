// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/redshirt.h: what a redshirt program stands on: the three imports, calls, events and
// its end.
//
// Use     a program defines program_main and nothing else that is global; the generated headers of
//         interfaces (build/gen/interfaces/*.h) make calls out of rt_call and rt_send. A handler
//         registers, then loops: rt_next, look at the event, rt_answer (or rt_answer_next, one
//         crossing fewer).
// Owner   an event's body lies in the runtime's own buffer until the next rt_next or
//         rt_answer_next.
// Errors  a function that can fail returns a negative number, an enum abi_error of core/base/abi.h.
//         For a call it does not matter whether the kernel refused it or its handler gave an error
//         answer.
// Limits  programs/rt/limits.h.
// Source  docs/abi.md.
#pragma once
#include "core/base/abi.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/base/wire.h"
struct memory;
struct system_start_info; // interfaces/system.h

// ---- the three imports, as the kernel has them

#define RT_IMPORT(name) __attribute__((import_module("redshirt"), import_name(name)))

RT_IMPORT("send")
i64 redshirt_send(u32 bond, u64 function, const void *body, u32 body_len, void *answer,
                  u32 answer_len, u32 flags);
RT_IMPORT("answer")
i32 redshirt_answer(u64 message, const void *body, u32 body_len, void *buf, u32 buf_len, u32 flags);
RT_IMPORT("wait")
i32 redshirt_wait(void *buf, u32 buf_len, u32 flags);

// The name in docs/abi.md's table ("E_FAULT"); "E_?" for a number that is not there.
const char *rt_error_name(i64 error);

// ---- the program

// What the program does. Its result is the process's exit code.
u32 program_main(void);

// Ends the process at once.
NORETURN void rt_exit(u32 code);

// What the process was started with; asked for once, and valid as long as the process lives. It
// comes whatever the budget leaves to be queued.
const struct system_start_info *rt_start_info(void);
// The argument `index` of it; 0 is the program's name. Empty when there is none.
struct span rt_argument(u32 index);

// Writes to the standard output, or error. 0, or a negative error (E_GONE: the stream is closed or
// failed).
i32 rt_print(const char *string);
i32 rt_print_span(struct span bytes);
i32 rt_print_error(const char *string);

enum { RT_SYSTEM_BOND = 0 };

// ---- as a client

// Binds an interface that the program declares (interfaces/NAME_section.h). Patient: waits for a
// handler. Returns the bond, or a negative error: E_NO_HANDLER, E_FUNCTION (the handler lacks a
// function, or has it in another form; or the interface is not declared), E_DENIED, E_LIMIT. To
// learn which function, send `bind` (interfaces/system_client.h) itself.
i64 rt_bind(const struct interface_definition *interface, bool patient);

// Sends and waits for the answer, whose body is written to [answer, answer + answer_len).
// Returns the answer's length, or a negative error. Events that come meanwhile stay for rt_next.
// E_BUFFER  the answer is longer than answer_len; it is dropped
i64 rt_call(u32 bond, u64 function, const void *body, u32 body_len, void *answer, u32 answer_len);

// As rt_call, for an answer of any length: `answer` receives it in memory from rt_memory, which the
// caller gives back (memory_give(rt_memory(), data, size)).
i64 rt_call_large(u32 bond, u64 function, const void *body, u32 body_len, struct span *answer);

// Sends and returns at once: the message's id, whose answer comes as an event; or a negative error.
i64 rt_send(u32 bond, u64 function, const void *body, u32 body_len);

// Sends a message that wants no answer. 0, or a negative error.
i64 rt_tell(u32 bond, u64 function, const void *body, u32 body_len);

// ---- events

struct rt_event {
    enum abi_notification_kind kind;
    i32 error;        // ANSWER: 0, or the negative error of an error answer (body is empty then)
    u64 id;           // of the message; 0: no answer wanted
    u64 function;     // MESSAGE
    u64 client;       // MESSAGE, CLIENT_GONE
    u32 registration; // MESSAGE, CLIENT_GONE
    struct span body; // MESSAGE, ANSWER
};

// The next event; waits for it.
void rt_next(struct rt_event *event);
// The next event if there is one already. False: there is none.
bool rt_poll(struct rt_event *event);

// ---- as a handler

// Makes this process the handler of an interface that it declares. Returns the registration, or a
// negative error: E_BUSY (somebody else handles it), E_FUNCTION (not declared), E_DENIED, E_LIMIT.
i64 rt_register(const struct interface_definition *interface);

// The message of an event, for NAME_dispatch, and what to answer when that returns an error.
struct interface_message rt_message(const struct rt_event *event);
enum abi_error rt_dispatch_error(enum err err);

// Answers a message; does nothing for id 0. 0, or a negative error (then the message is still
// unanswered).
i32 rt_answer(u64 message, const void *body, u32 body_len);
// Answers with an error of the kinds that docs/abi.md marks "(answer)".
i32 rt_answer_error(u64 message, enum abi_error error);
// rt_answer, then rt_next, in one crossing where possible. An answer that is refused is replaced by
// the error answer E_TOO_LONG. `body` may lie in the event's own body.
void rt_answer_next(u64 message, const void *body, u32 body_len, struct rt_event *event);

// ---- memory

// The program's memory: linear memory behind its data, in pieces of 16 bytes, first fit, joined
// when freed.
struct memory *rt_memory(void);
