// SPDX-License-Identifier: GPL-3.0-or-later
// A table of words by open addressing: hashes of strings, comparisons byte by byte, a counter each.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { TEXT = 1 << 16, SLOTS = 1 << 12, NONE = 0 };

struct word {
    u32 start; // in the text, plus 1; NONE: nothing
    u32 length;
    u32 count;
    u32 hash;
};

static u8 text[TEXT];
static struct word table[SLOTS];

static bool is_same(const u8 *a, const u8 *b, u32 length)
{
    for (u32 i = 0; i < length; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

static void count_word(const u8 *word, u32 length)
{
    u32 hash = 2166136261u;
    for (u32 i = 0; i < length; i++) {
        hash = (hash ^ word[i]) * 16777619u;
    }
    u32 slot = hash % SLOTS;
    while (table[slot].start != NONE && (table[slot].hash != hash || table[slot].length != length ||
                                         !is_same(text + table[slot].start - 1, word, length))) {
        slot = (slot + 1) % SLOTS;
    }
    if (table[slot].start == NONE) {
        table[slot] = (struct word){(u32)(word - text) + 1, length, 0, hash};
    }
    table[slot].count++;
}

static void write_text(void)
{
    u64 state = 77;
    u32 at = 0;
    while (at + 16 < TEXT) {
        u64 random = kernel_random(&state);
        u32 number = (u32)(random >> 20) % 2000;
        u32 length = 2 + number % 9;
        for (u32 i = 0; i < length; i++) {
            text[at++] = (u8)('a' + (number * 7 + i * i * 3 + (i > 2 ? number >> 3 : 0)) % 26);
        }
        text[at++] = ' ';
    }
    text[at] = 0;
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    write_text();
    for (u32 turn = 0; turn < n; turn++) {
        for (u32 i = 0; i < SLOTS; i++) {
            table[i].start = NONE;
        }
        for (u32 at = 0; text[at] != 0;) {
            u32 start = at;
            while (text[at] > ' ') {
                at++;
            }
            count_word(text + start, at - start);
            while (text[at] == ' ') {
                at++;
            }
        }
        for (u32 i = 0; i < SLOTS; i++) {
            sum = table[i].start != NONE ? kernel_fold(sum, table[i].count) : sum;
        }
    }
    return sum;
}
