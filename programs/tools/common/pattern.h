// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/pattern.h: regular expressions in time linear in the line, whatever the
// expression: all its states go through the line together.
//
// Use     pattern_begin, pattern_add for each expression (a line is found when one of them is in
//         it), pattern_end, then pattern_finds for each line.
// Errors  a sentence on what is wrong with the expression; NULL when all is well.
// Limits  PATTERN_*: a line of n bytes takes at most n times PATTERN_CODE steps.
// Source  POSIX.1-2017, XBD chapter 9: basic and extended expressions, and of GNU's the escapes \+
//         \? \| (basic), \w \W \s \S \b \B \< \>. Not done: back-references, which no linear time
//         is known for, [[.a.]] and [[=a=]]. `.` and brackets are about bytes; -i about A to Z.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "programs/tools/common/limits.h"

enum pattern_syntax { PATTERN_BASIC, PATTERN_EXTENDED, PATTERN_FIXED };

struct pattern_how {
    u8 syntax; // enum pattern_syntax
    bool ignores_case;
    bool is_whole_line;
    bool is_whole_word;
};

struct pattern_step {
    u8 op;
    u8 byte; // or the index of a set
    i16 a;   // where it goes on, counted from here
    i16 b;
};

struct pattern_set {
    u64 bits[4];
};

// The states that are alive at one byte of a line: a set in order of arrival.
struct pattern_states {
    u16 count;
    u16 at[PATTERN_CODE];
    u16 place[PATTERN_CODE];
};

struct pattern {
    struct pattern_how how;
    u32 size;
    u32 set_count;
    struct pattern_step code[PATTERN_CODE];
    struct pattern_set sets[PATTERN_SETS];
    struct pattern_set first; // with which bytes something may begin
    bool has_first;
    // while a line is looked through
    struct pattern_states states[2]; // of this byte and of the next, in turns
    u16 waiting[PATTERN_CODE];
};

void pattern_begin(struct pattern *pattern, struct pattern_how how);
const char *pattern_add(struct pattern *pattern, struct span expression);
const char *pattern_end(struct pattern *pattern);

bool pattern_finds(struct pattern *pattern, struct span line);
