// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/spec/values.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "tests/spec/json.h"

static const struct {
    const char *name;
    u8 type;
} types[] = {
    {"i32", WASM_I32},
    {"i64", WASM_I64},
    {"f32", WASM_F32},
    {"f64", WASM_F64},
    {"v128", WASM_V128},
    {"funcref", WASM_FUNCREF},
    {"externref", WASM_EXTERNREF},
};

// How a v128 is cut: the lanes of its script value.
static const struct lane {
    const char *name;
    u32 bytes;
    u8 float_type; // WASM_F32, WASM_F64, or 0
} lanes[] = {
    {"i8", 1, 0},  {"i16", 2, 0},        {"i32", 4, 0},
    {"i64", 8, 0}, {"f32", 4, WASM_F32}, {"f64", 8, WASM_F64},
};

u32 value_slots(u8 type)
{
    return type == WASM_V128 ? 2 : 1;
}

u8 value_type(const struct json *value)
{
    struct span name = json_string(value, "type");
    for (u32 i = 0; i < COUNT_OF(types); i++) {
        if (span_equal(name, span_string(types[i].name))) {
            return types[i].type;
        }
    }
    return 0;
}

static bool is_word(struct span text, const char *word)
{
    return span_equal(text, span_string(word));
}

static bool parse_u64(struct span text, u64 *out)
{
    u64 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        u8 c = text.data[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, c - '0', &value)) {
            return false;
        }
    }
    *out = value;
    return text.size != 0;
}

// A script's integer, without a sign or with one, as the low `bytes` bytes.
static bool parse_bits(struct span text, u32 bytes, u64 *out)
{
    u64 value;
    bool is_negative = text.size != 0 && text.data[0] == '-';
    if (!parse_u64(is_negative ? span_slice(text, 1, text.size) : text, &value)) {
        return false;
    }
    *out = (is_negative ? 0 - value : value) & (~(u64)0 >> (64 - 8 * bytes));
    return true;
}

static u32 type_bytes(u8 type)
{
    return type == WASM_I32 || type == WASM_F32 ? 4 : 8;
}

static const struct lane *lane_of(const struct json *value)
{
    struct span name = json_string(value, "lane_type");
    for (u32 i = 0; i < COUNT_OF(lanes); i++) {
        if (span_equal(name, span_string(lanes[i].name))) {
            return &lanes[i];
        }
    }
    return NULL;
}

static bool write_v128(const struct json *value, wasm_slot *out)
{
    const struct lane *lane = lane_of(value);
    const struct json *list = json_member(value, "value");
    if (lane == NULL || json_count(list) * lane->bytes != 16) {
        return false;
    }
    u8 *to = (u8 *)out;
    for (const struct json *item = list->first; item != NULL; item = item->next) {
        u64 bits;
        if (!parse_bits(item->string, lane->bytes, &bits)) {
            return false;
        }
        mem_copy(to, &bits, lane->bytes); // little-endian: the low bytes first
        to += lane->bytes;
    }
    return true;
}

bool value_write(const struct json *value, wasm_slot *out)
{
    u8 type = value_type(value);
    struct span text = json_string(value, "value");
    if (type == WASM_V128) {
        return write_v128(value, out);
    }
    if (wasm_is_reference(type)) {
        if (is_word(text, "null")) {
            *out = 0;
            return true;
        }
        // A script's external reference n is not null for n = 0 either.
        bool is_number = type == WASM_EXTERNREF && parse_u64(text, out);
        *out += 1;
        return is_number;
    }
    return type != 0 && parse_bits(text, type_bytes(type), out);
}

// Whether a float is a NaN of the kind that the script names. The payload of a canonical one is its
// top bit alone; an arithmetic one has at least that.
static bool nan_matches(struct span kind, u8 type, u64 bits)
{
    u64 top_bit = type == WASM_F32 ? 1u << 22 : (u64)1 << 51;
    u64 exponent = type == WASM_F32 ? 0x7f800000u : 0x7ff0000000000000u;
    u64 sign = type == WASM_F32 ? 1u << 31 : (u64)1 << 63;
    if (is_word(kind, "nan:canonical")) {
        return (bits & ~sign) == (exponent | top_bit);
    }
    return (bits & (exponent | top_bit)) == (exponent | top_bit);
}

static bool is_nan_kind(struct span text)
{
    return is_word(text, "nan:canonical") || is_word(text, "nan:arithmetic");
}

static bool lane_matches(struct span expected, u32 bytes, u8 float_type, u64 bits)
{
    u64 wanted;
    if (float_type != 0 && is_nan_kind(expected)) {
        return nan_matches(expected, float_type, bits);
    }
    return parse_bits(expected, bytes, &wanted) && wanted == bits;
}

static bool v128_matches(const struct json *expected, const wasm_slot *slots)
{
    const struct lane *lane = lane_of(expected);
    const struct json *list = json_member(expected, "value");
    if (lane == NULL || json_count(list) * lane->bytes != 16) {
        return false;
    }
    const u8 *from = (const u8 *)slots;
    for (const struct json *item = list->first; item != NULL; item = item->next) {
        u64 bits = 0;
        mem_copy(&bits, from, lane->bytes);
        if (!lane_matches(item->string, lane->bytes, lane->float_type, bits)) {
            return false;
        }
        from += lane->bytes;
    }
    return true;
}

bool value_matches(const struct json *expected, const wasm_slot *slots)
{
    u8 type = value_type(expected);
    struct span text = json_string(expected, "value");
    wasm_slot wanted[VALUE_SLOTS];
    switch (type) {
    case WASM_I32:
        return lane_matches(text, 4, 0, (u32)slots[0]);
    case WASM_F32:
        return lane_matches(text, 4, type, (u32)slots[0]);
    case WASM_I64:
        return lane_matches(text, 8, 0, slots[0]);
    case WASM_F64:
        return lane_matches(text, 8, type, slots[0]);
    case WASM_V128:
        return v128_matches(expected, slots);
    case WASM_FUNCREF:
        // A function has no name in a script: any will do where no null is expected.
        return is_word(text, "null") ? slots[0] == 0 : slots[0] != 0;
    case WASM_EXTERNREF:
        return value_write(expected, wanted) && wanted[0] == slots[0];
    default:
        return false;
    }
}

void value_describe(const struct json *value, struct text *out)
{
    text_bytes(out, json_string(value, "type"));
    text_char(out, ' ');
    const struct json *inner = json_member(value, "value");
    if (inner != NULL && inner->kind == JSON_ARRAY) {
        for (const struct json *item = inner->first; item != NULL; item = item->next) {
            text_bytes(out, item->string);
            text_char(out, ' ');
        }
        return;
    }
    text_bytes(out, json_string(value, "value"));
}

void slots_describe(u8 type, const wasm_slot *slots, struct text *out)
{
    text_string(out, "0x");
    if (type == WASM_V128) {
        text_hex(out, slots[1], 16);
    }
    text_hex(out, type == WASM_I32 || type == WASM_F32 ? (u32)slots[0] : slots[0], 8);
}
