// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/system_file.h: the file that says what a whole system is (docs/system.md): which
// programs run, what each may use and handles, what happens when it ends, and who stands in front
// of whom. Bytes in, a checked description out: whoever wrote the file may be hostile.
//
// Use     system_parse; then the struct is plain data, all of it checked: names lead somewhere, no
//         two things are said of one.
// Owner   the struct owns its copy of the text, in which all its spans lie, zero-terminated.
// Limits  below. A file at each is accepted, one beyond is refused.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/grant.h"
struct report;

enum {
    SYSTEM_FILE_BYTES = 64 << 10, // a person writes it
    SYSTEM_PROGRAMS = 64,         //
    SYSTEM_NAME_BYTES = 32,       // of a program, in this file
    SYSTEM_WORDS = 64,            // arguments of a program
    SYSTEM_VARIABLES = 32,        // of one program
    SYSTEM_GRANTS = 32,           // of one program: may, may-not and handles
    SYSTEM_ROUTES = 64,           //
    SYSTEM_ROW = 8,               // programs in front of one interface
    SYSTEM_ALL = SYSTEM_PROGRAMS, // for a program's number: every one
};

// What happens when a program has ended.
enum system_restart {
    SYSTEM_NEVER,
    SYSTEM_ON_FAILURE, // trapped, killed, not loaded, or with another code than 0
    SYSTEM_ALWAYS,
};

struct system_place {
    u32 line;   // from 1
    u32 column; // from 1, in bytes
};

struct system_grant {
    enum kernel_right right;
    enum kernel_word word;
    struct span interface; // INTERFACE or INTERFACE=LIMIT, as the command line has it
    struct system_place place;
};

struct system_program {
    struct span name;
    struct span what;                // a CID, a file, NAME@KEY, or what comes with the command
    struct span words[SYSTEM_WORDS]; // its arguments, without the name they begin with
    u32 word_count;
    struct span variables[SYSTEM_VARIABLES]; // NAME=VALUE
    u32 variable_count;
    struct system_grant grants[SYSTEM_GRANTS];
    u32 grant_count;
    enum system_restart restart;
    struct system_place place;
};

// In front of the interface, from whom its client meets first to whom meets whoever handles it.
struct system_route {
    struct span interface;
    u32 client;          // number of a program, or SYSTEM_ALL
    u32 row[SYSTEM_ROW]; // numbers of programs, no two alike, none of them the client
    u32 count;           // at least 1
    struct system_place place;
};

struct system_file {
    struct system_program programs[SYSTEM_PROGRAMS];
    u32 program_count;
    struct system_route routes[SYSTEM_ROUTES];
    u32 route_count;
    char text[SYSTEM_FILE_BYTES + 1];
};

// Reads the whole text.
//   at  receives where an error is
// ERR_MALFORMED  what is there is not what may be there; the report says what may
// ERR_EXISTS     something is said twice
// ERR_NOT_FOUND  there is no program of this name
// ERR_LIMIT      more than one of the above
enum err system_parse(struct span text, struct system_file *out, struct system_place *at,
                      struct report *report);

// The number of the program of that name, or SYSTEM_ALL: there is none.
u32 system_find(const struct system_file *file, struct span name);
