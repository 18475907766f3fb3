// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/life.h: the programs that a session has started, each until its end, and one that
// follows another in what it handles.
//
// A program that is to follow another (core/kernel/replace.h) has its arguments, the rows of grants
// and routes that are about it, and who is told of its end. As long as it has not taken over, its
// end is nothing: the old one stays, and nobody is told; and when the old one fails meanwhile, that
// is an end like any other, and the new one ends with it. From when it has, the end of the old one
// is nothing, and the new one is what the session knows: whoever watches over the program is told
// of its new name first.
//
// Use     lives_open once there is a kernel; life_start; life_replace, and life_tick every second
//         or so while one is under way; lives_close once the kernel is gone.
// Owner   a life copies lists of arguments, not their bytes: these stay until lives_close.
// Threads any, but for lives_open and lives_close. Nothing is called back with our lock held.
// Limits  one replacement at a time; LIFE_ROWS.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/kernel.h"
struct cid;
struct report;
struct session_program;
struct text;

enum {
    LIFE_ROWS = 128,          // of grants, and of routes, that one program has: more than it binds
    LIFE_ENDINGS = 64,        // that are known: control.wit promises it
    LIFE_ENDING_BYTES = 256,  // of the words about each
    LIFE_PATIENCE_MS = 10000, // for taking over: loading and compiling a large program takes less
};

// Told of the end of each program that has not been followed.
typedef void (*life_ended)(const struct session_program *program,
                           const struct kernel_ending *ending);

void lives_open(struct kernel *kernel, life_ended ended);
void lives_close(void);
// Ends from now on are those of all: nothing follows anything any more.
void lives_closing(void);

// Starts a program. Errors are kernel_start's.
enum err life_start(const struct session_program *program, struct kernel_limits limits,
                    struct kernel_process_id *out, struct report *report);

// What is to happen to who handles an interface.
struct life_succession {
    struct span interface; // name
    u64 process;           // who handles it
    const struct cid *program;
    const struct cid *successor;
    struct kernel_limits limits; // of the new one, where the session has not started the old one
};

// Starts the successor.
// ERR_BUSY       another has not taken over yet
// ERR_INVALID    it is the same program, or looks after the store
// ERR_NOT_FOUND  that process does not handle it
// others         the kernel's; the report always says what
enum err life_replace(const struct life_succession *succession, u64 *process,
                      struct report *report);

// The program that was started as this process is not to take over any more, and ends. False: it
// has taken over, or has ended.
bool life_give_up(u64 process);

// Gives up what has not taken over for LIFE_PATIENCE_MS. False: nothing is under way.
bool life_tick(void);

// How a program has ended. False: it runs, or this is not known (any more).
bool life_ending(u64 process, struct text *out);
