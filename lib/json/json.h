// SPDX-License-Identifier: GPL-3.0-or-later
// lib/json/json.h: reads JSON as it arrives, as a row of flat events, without a tree.
//
// Use     json_reader_init, then json_next on what has arrived until it says JSON_MORE; at the end
//         of the input json_end. Several values may follow one another (lines of JSON): each ends
//         with its last event at depth 0.
// Owner   an event's text points into the reader until the next call.
// Limits  JSON_DEPTH, JSON_TEXT_BYTES: a longer string or number ends the reading with ERR_LIMIT
//         when it is a number; a string is told cut, with `is_cut`, so that a field which nobody
//         wants may be long.
// Source  RFC 8259. Strict: UTF-8 is checked, control characters and lone surrogates are refused.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/json/limits.h"
struct report;

enum json_kind {
    JSON_MORE, // give more bytes
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_NAME,   // of a member; its value is next
    JSON_STRING, // escapes are resolved
    JSON_NUMBER, // as it was written
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_event {
    enum json_kind kind;
    u32 depth;        // of the object or array around it; 0: none
    struct span text; // of NAME, STRING, NUMBER
    bool is_cut;      // it was longer
};

struct json_reader {
    u64 offset;  // bytes taken before, for reports
    u8 state;    // enum state of json.c
    bool is_cut; // the text was longer
    bool is_name;
    u32 depth;        // objects and arrays that are open
    u32 objects;      // bit i: the i-th of them is an object
    u32 letter;       // what was read of an escape or of a letter of several bytes
    u32 left;         // digits or bytes of it that are to come
    u32 least;        // the least letter that so many bytes may stand for
    u32 high;         // the first half of a pair of escapes
    const char *word; // what must still come of "true", "false" or "null"
    enum json_kind kind;
    u32 size; // of the text
    u8 text[JSON_TEXT_BYTES];
};

void json_reader_init(struct json_reader *reader);

// Takes bytes until something is there.
//   taken  receives how many bytes were taken; with JSON_MORE all of them
// ERR_MALFORMED  not JSON; ERR_LIMIT  JSON_DEPTH, JSON_TEXT_BYTES. The reader is of no more use.
enum err json_next(struct json_reader *reader, struct span bytes, size_t *taken,
                   struct json_event *event, struct report *report);

// The input ends here.
//   event  receives a number that nothing but the end ended, or JSON_MORE
// ERR_MALFORMED  in the middle of something
enum err json_end(struct json_reader *reader, struct json_event *event, struct report *report);
