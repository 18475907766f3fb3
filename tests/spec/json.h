// SPDX-License-Identifier: GPL-3.0-or-later
// tests/spec/json.h: reads a JSON text into a tree. As much as the suite's converted scripts need.
//
// Owner   the tree lies in the arena.
// Limits  JSON_DEPTH nested values; numbers are whole and not negative.
// Source  RFC 8259.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct report;

enum { JSON_DEPTH = 32 };

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    u64 number;
    struct span string;       // UTF-8, escapes resolved
    struct span key;          // of this value in the object around it
    const struct json *first; // of an array or an object
    const struct json *next;  // in the array or object around it
};

enum err json_read(struct span text, struct arena *arena, const struct json **out,
                   struct report *report);

// A member of an object, or NULL when there is none or `object` is none.
const struct json *json_member(const struct json *object, const char *key);
// A member's string; empty when there is none.
struct span json_string(const struct json *object, const char *key);
// How many items an array has; 0 for anything else and NULL.
u32 json_count(const struct json *array);
