// SPDX-License-Identifier: GPL-3.0-or-later
// Packs and unpacks text: matches of earlier text, found through a hash of three letters, in an own
// format of <0, letter> and <size, distance low, distance high>.
#include "tests/bench/kernels/kernel.h"

enum { TEXT = 1 << 15, TABLE = 1 << 12, MATCH_MAX = 255, MATCH_MIN = 4 };
static u8 text[TEXT];
static u8 packed[2 * TEXT];
static u8 unpacked[TEXT];
static u32 table[TABLE]; // position + 1 of the last text with this hash

static void make_text(u64 state)
{
    static const char words[] = "the message goes to a handler and its answer comes back by name ";
    u32 at = 0;
    while (at < TEXT) {
        u64 dice = kernel_random(&state);
        u32 start = (u32)dice % (sizeof words - 1);
        u32 size = 3 + (u32)(dice >> 32) % 9;
        for (u32 i = 0; i < size && at < TEXT; i++) {
            text[at++] = (u8)words[(start + i) % (sizeof words - 1)];
        }
        if (dice >> 61 == 0 && at < TEXT) {
            text[at++] = (u8)(dice >> 24);
        }
    }
}

static u32 match_size(u32 a, u32 b)
{
    u32 size = 0;
    while (b + size < TEXT && size < MATCH_MAX && text[a + size] == text[b + size]) {
        size++;
    }
    return size;
}

static u32 pack(void)
{
    u32 out = 0;
    for (u32 i = 0; i < TABLE; i++) {
        table[i] = 0;
    }
    for (u32 at = 0; at < TEXT;) {
        u32 size = 0, from = 0;
        if (at + 3 <= TEXT) {
            u32 h = ((u32)text[at] << 16 | (u32)text[at + 1] << 8 | text[at + 2]) * 0x9e3779b1u;
            u32 slot = h >> 20;
            if (table[slot] != 0) {
                from = table[slot] - 1;
                size = match_size(from, at);
            }
            table[slot] = at + 1;
        }
        if (size >= MATCH_MIN) {
            u32 distance = at - from;
            packed[out++] = (u8)size;
            packed[out++] = (u8)distance;
            packed[out++] = (u8)(distance >> 8);
            at += size;
        } else {
            packed[out++] = 0;
            packed[out++] = text[at++];
        }
    }
    return out;
}

static u32 unpack(u32 packed_size)
{
    u32 out = 0;
    for (u32 at = 0; at < packed_size;) {
        u32 size = packed[at];
        if (size == 0) {
            unpacked[out++] = packed[at + 1];
            at += 2;
            continue;
        }
        u32 distance = packed[at + 1] | (u32)packed[at + 2] << 8;
        at += 3;
        for (; size > 0; size--, out++) {
            unpacked[out] = unpacked[out - distance];
        }
    }
    return out;
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    for (u32 round = 0; round < n; round++) {
        make_text(round + 1);
        u32 size = pack();
        sum = kernel_fold(sum, size);
        sum = kernel_fold(sum, unpack(size));
        for (u32 i = 0; i < TEXT; i++) {
            sum += unpacked[i] == text[i] ? (u64)text[i] << (i & 31) : 1ull << 63;
        }
    }
    return sum;
}
