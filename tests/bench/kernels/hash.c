// SPDX-License-Identifier: GPL-3.0-or-later
// A hash table with open addressing: words are built, counted, looked up and taken out again.
#include "tests/bench/kernels/kernel.h"

enum { SLOTS = 1 << 14, WORD_BYTES = 12 };

struct entry {
    u8 word[WORD_BYTES];
    u8 size; // 0: free
    u32 count;
};

static struct entry entries[SLOTS];

static u32 hash(const u8 *word, u32 size)
{
    u32 h = 2166136261u;
    for (u32 i = 0; i < size; i++) {
        h = (h ^ word[i]) * 16777619;
    }
    return h ^ h >> 15;
}

static bool is_word(const struct entry *entry, const u8 *word, u32 size)
{
    if (entry->size != size) {
        return false;
    }
    for (u32 i = 0; i < size; i++) {
        if (entry->word[i] != word[i]) {
            return false;
        }
    }
    return true;
}

// The slot of a word, or the free one where it would go.
static u32 find(const u8 *word, u32 size)
{
    u32 at = hash(word, size) % SLOTS;
    while (entries[at].size != 0 && !is_word(&entries[at], word, size)) {
        at = (at + 1) % SLOTS;
    }
    return at;
}

// Closes the gap: whatever follows in the run and may move back does.
static void take_out(u32 at)
{
    u32 next = at;
    for (;;) {
        entries[at].size = 0;
        for (;;) {
            next = (next + 1) % SLOTS;
            if (entries[next].size == 0) {
                return;
            }
            u32 home = hash(entries[next].word, entries[next].size) % SLOTS;
            if ((next - home) % SLOTS >= (next - at) % SLOTS) {
                break;
            }
        }
        entries[at] = entries[next];
        at = next;
    }
}

static u32 make_word(u64 *state, u8 word[WORD_BYTES])
{
    u64 dice = kernel_random(state);
    u32 size = 3 + (u32)(dice >> 60) % 8;
    u32 number = (u32)dice % 9000;
    for (u32 i = 0; i < size; i++) {
        word[i] = (u8)('a' + (number + i * i) % 26);
        number = number / 26 * 31 + i;
    }
    return size;
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 7, sum = 0;
    for (u32 i = 0; i < SLOTS; i++) {
        entries[i].size = 0;
    }
    u32 used = 0;
    for (u32 i = 0; i < n; i++) {
        u8 word[WORD_BYTES];
        u32 size = make_word(&state, word);
        u32 at = find(word, size);
        if (entries[at].size == 0) {
            if (used >= SLOTS * 3 / 4) {
                continue;
            }
            for (u32 k = 0; k < size; k++) {
                entries[at].word[k] = word[k];
            }
            entries[at].size = (u8)size;
            entries[at].count = 0;
            used++;
        }
        sum = kernel_fold(sum, ++entries[at].count);
        if (i % 5 == 4) {
            take_out(at);
            used--;
        }
    }
    return kernel_fold(sum, used);
}
