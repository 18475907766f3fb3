// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/recording.h: the format of a recording (docs/recording.md): what a process was given,
// from its program to its end, as a row of records.
//
// Use     to write: recording_begin, then recording_put for each record, START, the program's
//         MODULE, its adapter's if it has one, what happens, END. To read: recording_open, then
//         recording_next.
// Owner   what is read points into the bytes, which are the caller's.
// Hostile the bytes may be a stranger's: nothing is believed that is not checked here; what is left
//         to the reader is whether the program does what the recording says.
// Time    reading a record takes as long as the longest a process can have done at once: no kind
//         can be longer, and two BONDs in a row are damage.
// Limits  core/kernel/limits.h: KERNEL_RECORD_BYTES of all of it, KERNEL_RECORD_CALL_BYTES of what
//         one call wrote.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct report;

enum {
    RECORDING_VERSION = 1,
    RECORDING_PREFIX_BYTES = 24,
    RECORDING_ARGUMENTS = 7, // of a call; those it has not are 0
    RECORDING_CID_BYTES = 64,
    RECORDING_ADAPTS_BYTES = 40,
    RECORDING_WORDS = 64, // bytes of what is said of who has recorded
    RECORDING_PIECES = 3, // that a record is given away in, at most
};

enum recording_kind {
    RECORDING_START = 1, // once, first
    RECORDING_MODULE,    // the program's; then its adapter's if it has one
    RECORDING_MEMORY,    // one was made
    RECORDING_GROWN,     // one grew, or was refused to
    RECORDING_BOND,      // which interface a bond is to that is sent on next
    RECORDING_CALL,      //
    RECORDING_END,       // last
};

enum recording_call_kind {
    RECORDING_SEND,
    RECORDING_ANSWER,
    RECORDING_WAIT,
    RECORDING_PARK, // of the engine's own: waits at an address, or wakes
    RECORDING_CALL_KINDS
};

struct recording_module {
    bool is_adapter;
    struct span cid;    // its name, as text
    struct span adapts; // an adapter's: the module that it stands for
    struct span bytes;
};

struct recording_call {
    u8 kind;         // enum recording_call_kind
    bool has_result; // false: the process ended in it, and END follows
    u64 arguments[RECORDING_ARGUMENTS];
    u64 digest; // recording_sum of the body that was sent or answered
    i64 result;
    struct span bytes; // that the call wrote into memory: recording_call_bytes
};

struct recording_record {
    u8 kind; // enum recording_kind
    union {
        struct span words; // START: for people
        struct recording_module module;
        struct {
            u32 pages;
            u32 pages_max; // it could grow to so many
        } memory;
        struct {
            u32 before; // pages
            u32 after;
            bool is_refused;
        } grown;
        struct {
            u32 id;
            const u8 *hash; // 32 bytes: I
            struct span name;
        } bond;
        struct recording_call call;
        struct {
            u32 kind; // enum kernel_ending_kind
            u32 code;
            u32 load; // enum kernel_load_error
            struct span text;
        } end;
    };
};

// A number that other bytes give as well only by chance. It finds damage, no forgery.
u64 recording_sum(u64 sum, struct span bytes);

// How many bytes a call with that result wrote, and where they went: behind which pointer's
// argument.
u32 recording_call_bytes(const struct recording_call *call, u32 *pointer);

// ---- writing

struct recording_out {
    // Keeps the pieces, one behind the other; they are valid during the call. False: it cannot.
    bool (*put)(void *context, const struct span *pieces, u32 count);
    void *context;
    u64 bytes; // so far
    u64 sum;
};

// False: `put` refused, or it would be longer than KERNEL_RECORD_BYTES, and `put` was not asked.
bool recording_begin(struct recording_out *out);
bool recording_put(struct recording_out *out, const struct recording_record *record);

// ---- reading

struct recording {
    struct span bytes;
    struct span words;
    struct recording_module program;
    struct recording_module adapter; // no bytes: none
    // Private.
    u64 at;
    u64 sum;
    bool is_to_end; // END has to follow
    bool has_bond;  // a BOND came last
    bool has_ended;
};

// Reads what comes before the first thing that happened.
//   report  NULL, or receives where and why
// ERR_MALFORMED    it is no recording, or damaged
// ERR_UNSUPPORTED  of another version
// ERR_LIMIT        KERNEL_RECORD_BYTES
// ERR_CLOSED       it was cut short before that
enum err recording_open(struct span bytes, struct recording *out, struct report *report);

// The next thing that happened.
// ERR_CLOSED     it was cut short here, or END was read before
// ERR_MALFORMED  it is damaged here
enum err recording_next(struct recording *recording, struct recording_record *out,
                        struct report *report);
