// SPDX-License-Identifier: GPL-3.0-or-later
// tools/idlc/idlc.h: what the files of the interface compiler share.
//
// Use     names_make, then the emit_* functions, each of which writes one file.
// Owner   strings lie in the arena, as long as the program runs.
// Source  docs/interfaces.md, "Generated C".
#pragma once
#include "lib/wit/wit.h"
#include <stdio.h>
struct arena;

struct type_names {
    const char *c;     // "tcp_connection"; NULL for what has no C type of its own
    const char *local; // "connection": as part of other names of its interface
    const char *full;  // "struct tcp_connection", "u32"
    const char *wit;   // "list<connection>"
};

struct generator {
    const struct wit_interface *interface;
    const char *source;       // path of the file, for the first line
    const char *prefix;       // "tcp": names in C and of files
    const char *prefix_upper; // "TCP"
    struct arena *arena;
    struct type_names *types; // by struct wit_type.index
    FILE *out;
};

// ---- names.c

// A string out of the arena; ends the program when there is no memory.
const char *format(struct generator *gen, const char *words, ...)
    __attribute__((format(printf, 2, 3)));
// "time-out" as time_out, TIME_OUT; a member's name gets a '_' behind it where it is a word of C.
const char *c_lower(struct generator *gen, struct span name);
const char *c_upper(struct generator *gen, struct span name);
const char *c_member(struct generator *gen, struct span name);

void names_make(struct generator *gen);
const struct type_names *names_of(struct generator *gen, const struct wit_type *type);
// Whether two things of the generated header would have one name in C; reports them.
bool names_clash(struct generator *gen);

// How a type appears in C.
bool is_bytes(const struct wit_type *type);  // list<u8>
bool is_scalar(const struct wit_type *type); // passed by value, and without functions of its own
bool is_view(const struct wit_type *type);   // a list other than list<u8>
// Whether the header of this interface declares the type.
bool is_ours(const struct generator *gen, const struct wit_type *type);

// Bytes that a call's parameters take on the wire at most, or WIT_UNBOUNDED.
u64 call_size_max(const struct wit_function *function);
u64 result_size_max(const struct wit_function *function);

// ---- the files

enum {
    CLIENT_STACK_BYTES = 1024
}; // a client's call up to this size needs no buffer from its caller

// `doc` as comment lines, each behind `indent`.
void emit_doc(struct generator *gen, const char *indent, struct span doc);
void emit_first_lines(struct generator *gen, const char *what);
void emit_header(struct generator *gen);
void emit_source(struct generator *gen);
void emit_client(struct generator *gen);
void emit_section_header(struct generator *gen);
// The section's bytes themselves, for llvm-objcopy --add-section.
void emit_section_bytes(struct generator *gen);
void emit_page(struct generator *gen);
