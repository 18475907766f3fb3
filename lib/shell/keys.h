// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/keys.h: what a terminal sends, as keys.
//
// Use     zeroed at first; keys_take for each byte.
// Limits  SHELL_KEY_BYTES of what stands behind an Escape: what is longer is no key, and swallowed
//         whole. Escape alone is known when the next byte comes, and is a key of no meaning.
// Source  ECMA-48 for the form of sequences, xterm's control sequences for keys and for pastes in
//         brackets.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/limits.h"

enum key_kind {
    KEY_MORE,    // no whole key yet
    KEY_OTHER,   // one that means nothing
    KEY_LETTER,  // one that may be shown: `bytes`
    KEY_NEWLINE, // of a paste
    KEY_CONTROL, // with a letter: `control`. Enter is M or J, Tab I, Backspace H
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_UP,
    KEY_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_WORD_DELETE, // to its end
    KEY_WORD_ERASE,  // to its beginning
};

struct key {
    enum key_kind kind;
    u8 control;        // 'A' to 'Z', or another of the 32 above them
    struct span bytes; // until the next keys_take
};

struct keys {
    u32 size;
    bool is_over;     // the last key is whole: the next byte begins another
    bool is_pasting;  // between brackets nothing is a key but letters and newlines
    bool is_returned; // by a paste: a newline behind it is the same one
    u8 bytes[SHELL_KEY_BYTES];
};

struct key keys_take(struct keys *keys, u8 byte);
