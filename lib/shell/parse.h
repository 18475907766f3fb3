// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/parse.h: reads a list of commands: what is to be started, with which words, joined how.
//
//     list      pipeline { (";" | "&" | "&&" | "||") pipeline } [";" | "&"] newline
//     pipeline  command { "|" command }
//     command   { NAME=value } { word | redirection }
//
// A word is left as it was written: lib/shell/expand.h makes of it what is meant. Nothing nests, so
// there is neither recursion nor a stack. Comments go from a `#` that begins a word to the end of
// the line. What other shells have beyond this (here-documents, substitution, groups, loops) is
// refused by name where it begins with a sign, and is an unknown program where it is a word.
//
// Use     parse on the text; run what it found; call it again on what it has left.
// Owner   words point into the text.
// Limits  SHELL_COMMAND_BYTES and what follows it.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/limits.h"
struct report;

enum redirect_kind {
    REDIRECT_READ,
    REDIRECT_WRITE,
    REDIRECT_APPEND,
    REDIRECT_SAME, // as another stream of the command is by then
};

struct redirect {
    enum redirect_kind kind;
    u8 stream;        // 0, 1 or 2, as `stdio` numbers them
    u8 other;         // SAME: 1 or 2
    struct span word; // the others: the file
};

struct command {
    u32 word_first; // in parsed.words; assignments stand first
    u32 word_count;
    u32 assignment_count; // of them
    u32 redirect_first;
    u32 redirect_count;
    u32 offset; // in the text
};

enum pipeline_when {
    WHEN_ALWAYS,
    WHEN_GOOD, // behind `&&`
    WHEN_BAD,  // behind `||`
};

struct pipeline {
    enum pipeline_when when;
    bool is_background;
    u32 command_first; // in parsed.commands
    u32 command_count;
    struct span text;
};

struct parsed {
    bool is_unfinished; // ERR_MALFORMED, but a text that goes on could be right
    u32 pipeline_count;
    u32 command_count;
    u32 word_count;
    u32 redirect_count;
    struct pipeline pipelines[SHELL_COMMANDS];
    struct command commands[SHELL_COMMANDS];
    struct span words[SHELL_WORDS];
    struct redirect redirects[SHELL_REDIRECTS];
};

// Reads the list that the text begins with, up to the newline behind it or the end of the text.
//   taken   receives the bytes that it has; also after a failure, then those up to the end of the
//           line in which it is
//   report  receives the offset in the text
// ERR_MALFORMED    not a list; ERR_UNSUPPORTED  something that this shell does not do
// ERR_LIMIT        too long, or too many of something
enum err parse(struct span text, struct parsed *out, size_t *taken, struct report *report);

// Lines that begin in front of `offset`, and the one it is in: its number, counted from 1.
u32 parse_line_of(struct span text, size_t offset);
