// SPDX-License-Identifier: GPL-3.0-or-later
// lib/wit/internal.h: what the files of lib/wit share.
#pragma once
#include "lib/wit/wit.h"

// ---- lex.c

enum wit_token_kind {
    WIT_TOKEN_END,
    WIT_TOKEN_NAME,   // a plain name or a keyword
    WIT_TOKEN_QUOTED, // a name after '%': never a keyword
    WIT_TOKEN_ARROW,  // "->"
    WIT_TOKEN_MARK,   // one of {}()<>,:;=./@_*
};

struct wit_token {
    enum wit_token_kind kind;
    struct span text; // without '%'
    u64 offset;
    u64 gap; // offset of the blanks and comments before it: where its doc is
};

struct wit_lexer {
    struct span text;
    struct span file;
    u64 next;
    struct report *report;
};

// Notes an error with its place.
enum err wit_report(struct report *report, struct span file, struct span text, u64 offset,
                    enum err err, const char *words, struct span detail);
// Checks the text as a whole: size, UTF-8, no control characters.
enum err wit_lexer_start(struct wit_lexer *lexer, struct span file, struct span text,
                         struct report *report);
enum err wit_lexer_next(struct wit_lexer *lexer, struct wit_token *out);
// The documentation in the gap before a token, cleaned.
enum err wit_doc(struct span gap, struct arena *arena, struct span *out);
bool wit_is_keyword(struct span name);

// ---- parse.c

// Parses one file. Types still hold references.
enum err wit_parse(struct span file, struct span text, struct arena *arena,
                   struct wit_interface **out, struct report *report);

// ---- check.c

// Resolves names over all of `first` and its successors, refuses what cannot be, and computes what
// struct wit_type says about sizes.
enum err wit_check(struct wit_interface *first, struct report *report);

// ---- canonical.c

// Bytes of a function's canonical form.
u64 wit_function_bytes(const struct wit_function *function);
// Hashes all functions and the interface itself.
enum err wit_hash(struct wit_interface *interface, wit_sha256 *sha256, struct arena *arena,
                  struct report *report);
// The interface's own hash, from its functions' hashes.
enum err wit_hash_interface(struct wit_interface *interface, wit_sha256 *sha256,
                            struct arena *arena);
// What a type's own canonical form takes besides its items' types.
u64 wit_type_own_bytes(const struct wit_type *type);
