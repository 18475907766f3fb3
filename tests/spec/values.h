// SPDX-License-Identifier: GPL-3.0-or-later
// tests/spec/values.h: the values of the suite's scripts, as slots and as patterns to match results
// against.
#pragma once
#include "core/base/types.h"
#include "core/wasm/instance.h"
struct json;
struct text;

enum { VALUE_SLOTS = 2 }; // of one value at most (v128)

// Slots that a value of this type takes.
u32 value_slots(u8 type);
// The type that a script's value names; 0 when it names none.
u8 value_type(const struct json *value);

// Writes the slots of an argument. False when the script's value is not understood.
bool value_write(const struct json *value, wasm_slot *out);

// Whether the slots are what the script expects: bits, or one of the two kinds of NaN.
bool value_matches(const struct json *expected, const wasm_slot *slots);

// For reports.
void value_describe(const struct json *value, struct text *out);
void slots_describe(u8 type, const wasm_slot *slots, struct text *out);
