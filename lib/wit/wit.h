// SPDX-License-Identifier: GPL-3.0-or-later
// lib/wit/wit.h: WIT text → definitions → canonical form → hashes.
//
// Use     wit_load one file; what it uses comes through the source. Then read the interface: its
//         types, functions and hashes, or print them with wit_print.
// Owner   everything lies in the caller's arena, and points into the texts, which must stay as
//         long.
// Errors  a report's text begins with "FILE:LINE:COLUMN: "; its offset is that of the byte in that
//         file.
// Limits  lib/wit/limits.h.
// Source  docs/interfaces.md: grammar, canonical form, hashes. WIT.md of the WebAssembly component
//         model.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct report;
struct text;

enum wit_kind {
    WIT_BOOL = 1, // the numbers are the tags of the canonical form
    WIT_U8,
    WIT_U16,
    WIT_U32,
    WIT_U64,
    WIT_S8,
    WIT_S16,
    WIT_S32,
    WIT_S64,
    WIT_F32,
    WIT_F64,
    WIT_CHAR,
    WIT_STRING,
    WIT_LIST = 16, // one item
    WIT_OPTION,    // one item
    WIT_RESULT,    // two items: the value and the error, each perhaps without a type
    WIT_TUPLE,
    WIT_RECORD,
    WIT_VARIANT,    // an item's type may be NULL
    WIT_ENUM,       // items without types
    WIT_FLAGS,      // items without types
    WIT_ALIAS = 64, // of a declaration only: `type a = b`, or a name from `use`
    WIT_REFERENCE,  // before names are resolved only
};

#define WIT_UNBOUNDED UINT64_MAX

struct wit_item {
    struct wit_item *next;
    struct span name;
    struct span doc; // lines between newlines, without comment marks; empty: none
    struct wit_type *type;
    u64 offset;
};

struct wit_type {
    enum wit_kind kind;
    u32 item_count;
    struct wit_item *items;
    struct wit_interface *home; // where it is written
    struct span name;           // declared under; empty: written in place
    struct span doc;
    u64 offset;
    struct wit_type *next;   // declarations of one interface, in order of the text
    struct wit_type *target; // ALIAS: never an alias itself once loaded
    struct span from;        // REFERENCE: the interface that `use` names; empty: its own
    struct wit_type
        *next_sorted; // every type but primitives and aliases, each after what it is made of
    // What a value takes on the wire, bytes.
    u64 size_min;        // at least 1
    u64 size_max;        // or WIT_UNBOUNDED
    bool every_bit;      // size_min == size_max, and any bytes of that size are a value
    u32 depth;           // 0 for primitives
    u32 canonical_bytes; // of its canonical form
    u32 index;           // for the reader's own use; 0 after loading
    u8 state;            // of the walk that checks it
};

struct wit_function {
    struct wit_function *next;
    struct span name;
    struct span doc;
    u64 offset;
    struct wit_item *parameters;
    u32 parameter_count;
    struct wit_type *result; // NULL: none
    u8 hash[32];             // F
    u64 id;                  // first 8 bytes of F, little-endian
};

struct wit_use {
    struct wit_use *next;
    struct span interface; // as written
    u64 offset;
    struct wit_interface *target;
};

struct wit_interface {
    struct wit_interface *next; // all that were loaded, the one asked for first
    struct span file;           // as it was named
    struct span text;
    struct span package;   // "redshirt:io"
    struct span name;      // "tcp"
    struct span qualified; // "redshirt:io/tcp"
    struct span doc;
    u64 offset;
    struct wit_type *types; // declarations, aliases and used names included
    u32 type_count;
    struct wit_function *functions; // in order of the text
    u32 function_count;
    struct wit_use *uses;
    struct wit_type
        *sorted; // of the interface asked for: all types of all interfaces (next_sorted)
    u8 hash[32]; // I
    u8 state;    // of the walk that checks it
};

// Where the text of another interface of the same package comes from: `name` is "net" for
// `use net.{...}`.
// ERR_NOT_FOUND  there is none
struct wit_source {
    enum err (*read)(void *context, struct span name, struct span *text);
    void *context; // and whatever else it needs
};

// SHA-256, as platform_sha256.
typedef void wit_sha256(struct span bytes, u8 out[32]);

// Reads one interface and all that it uses.
//   file    how messages name the text ("interfaces/tcp.wit")
//   source  NULL: nothing can be used
// ERR_MALFORMED    not WIT
// ERR_UNSUPPORTED  WIT, but beyond the subset of docs/interfaces.md
// ERR_INVALID      a name that is unknown, or there twice; a type that contains itself
// ERR_LIMIT        beyond lib/wit/limits.h
// ERR_NOT_FOUND    an interface named by `use` is not there
enum err wit_load(struct span file, struct span text, const struct wit_source *source,
                  wit_sha256 *sha256, struct arena *arena, struct wit_interface **out,
                  struct report *report);

// Makes the interface that has only the named functions, in place; its hash is then that of the
// subset.
// ERR_NOT_FOUND  no function of that name
enum err wit_keep_functions(struct wit_interface *interface, const struct span *names, u32 count,
                            wit_sha256 *sha256, struct arena *arena, struct report *report);

// The interface's hash, then one line for each function: id, F, name. Sorted by name. What does not
// fit is cut, as text.h says; WIT_PRINT_BYTES fits any interface.
enum { WIT_PRINT_BYTES = 64 << 10 };
void wit_print(const struct wit_interface *interface, struct text *out);

// Line and column (both from 1, column in bytes) of an offset.
struct wit_position {
    u32 line;
    u32 column;
};
struct wit_position wit_position(struct span text, u64 offset);
