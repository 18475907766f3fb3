// SPDX-License-Identifier: GPL-3.0-or-later
// Base58 and base36 write a number, so every letter moves all of it: long multiplication and
// division, byte by byte. Base32 is five bits a letter.
#include "lib/p2p/multibase.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/limits.h"

enum {
    LETTER_BITS = 5, // of base32
    BYTE_BITS = 8,
    LETTERS = 2 * P2P_MULTIBASE_BYTES, // base36 takes 1.55 letters a byte
};

static const char *const alphabets[] = {
    [MULTIBASE_58] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    [MULTIBASE_36] = "0123456789abcdefghijklmnopqrstuvwxyz",
    [MULTIBASE_32] = "abcdefghijklmnopqrstuvwxyz234567",
};

static u32 letter_value(enum multibase base, u8 letter, u32 none)
{
    const char *alphabet = alphabets[base];
    for (u32 i = 0; alphabet[i] != 0; i++) {
        if ((u8)alphabet[i] == letter) {
            return i;
        }
    }
    return none;
}

static void write_bits(struct text *out, struct span bytes)
{
    u32 bits = 0, bit_count = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        bits = (bits << BYTE_BITS | bytes.data[i]) & 0xfff;
        for (bit_count += BYTE_BITS; bit_count >= LETTER_BITS;) {
            bit_count -= LETTER_BITS;
            text_char(out, alphabets[MULTIBASE_32][bits >> bit_count & 31]);
        }
    }
    if (bit_count != 0) {
        text_char(out, alphabets[MULTIBASE_32][bits << (LETTER_BITS - bit_count) & 31]);
    }
}

void multibase_write(struct text *out, enum multibase base, struct span bytes)
{
    ASSERT(bytes.size <= P2P_MULTIBASE_BYTES);
    if (base == MULTIBASE_32) {
        write_bits(out, bytes);
        return;
    }
    u32 radix = (u32)span_string(alphabets[base]).size;
    u8 digits[LETTERS]; // the last letter first
    size_t digit_count = 0;
    size_t zeros = 0;
    while (zeros < bytes.size && bytes.data[zeros] == 0) {
        zeros++;
    }
    for (size_t i = zeros; i < bytes.size; i++) {
        u32 carry = bytes.data[i];
        for (size_t j = 0; j < digit_count || carry != 0; j++) {
            ASSERT(j < LETTERS);
            carry += j < digit_count ? (u32)digits[j] << BYTE_BITS : 0;
            digit_count = j < digit_count ? digit_count : j + 1;
            digits[j] = (u8)(carry % radix);
            carry /= radix;
        }
    }
    for (size_t i = 0; i < zeros; i++) {
        text_char(out, alphabets[base][0]);
    }
    while (digit_count > 0) {
        text_char(out, alphabets[base][digits[--digit_count]]);
    }
}

static enum err refuse_letter(struct report *report, struct span letters, size_t at)
{
    return report_err_detail(report, ERR_MALFORMED, at, "a letter that its base does not have:",
                             span_slice(letters, at, at + 1));
}

static enum err read_bits(struct span letters, u8 *out, size_t capacity, size_t *size_out,
                          struct report *report)
{
    u32 bits = 0, bit_count = 0;
    size_t size = 0;
    for (size_t i = 0; i < letters.size; i++) {
        u32 value = letter_value(MULTIBASE_32, letters.data[i], 32);
        if (value == 32) {
            return refuse_letter(report, letters, i);
        }
        bits = (bits << LETTER_BITS | value) & 0xfff;
        bit_count += LETTER_BITS;
        if (bit_count >= BYTE_BITS) {
            bit_count -= BYTE_BITS;
            if (size == capacity) {
                return report_err(report, ERR_LIMIT, i, "too many letters");
            }
            out[size++] = (u8)(bits >> bit_count);
        }
    }
    if (bit_count >= LETTER_BITS || (bits & ((1u << bit_count) - 1)) != 0) {
        return report_err(report, ERR_MALFORMED, letters.size,
                          "the last letter holds bits that belong to no byte");
    }
    *size_out = size;
    return ERR_OK;
}

enum err multibase_read(enum multibase base, struct span letters, u8 *out, size_t capacity,
                        size_t *size_out, struct report *report)
{
    ASSERT(capacity <= P2P_MULTIBASE_BYTES);
    if (base == MULTIBASE_32) {
        return read_bits(letters, out, capacity, size_out, report);
    }
    if (letters.size > LETTERS) {
        return report_err(report, ERR_LIMIT, LETTERS, "too many letters");
    }
    u32 radix = (u32)span_string(alphabets[base]).size;
    u8 bytes[P2P_MULTIBASE_BYTES]; // the last byte first
    size_t count = 0;
    size_t zeros = 0;
    while (zeros < letters.size && letters.data[zeros] == (u8)alphabets[base][0]) {
        zeros++;
    }
    for (size_t i = zeros; i < letters.size; i++) {
        u32 carry = letter_value(base, letters.data[i], radix);
        if (carry == radix) {
            return refuse_letter(report, letters, i);
        }
        for (size_t j = 0; j < count || carry != 0; j++) {
            if (j == capacity) {
                return report_err(report, ERR_LIMIT, i, "too many letters");
            }
            carry += j < count ? bytes[j] * radix : 0;
            count = j < count ? count : j + 1;
            bytes[j] = (u8)carry;
            carry >>= BYTE_BITS;
        }
    }
    if (zeros + count > capacity) {
        return report_err(report, ERR_LIMIT, letters.size, "too many letters");
    }
    mem_zero(out, zeros);
    for (size_t i = 0; i < count; i++) {
        out[zeros + i] = bytes[count - 1 - i];
    }
    *size_out = zeros + count;
    return ERR_OK;
}
