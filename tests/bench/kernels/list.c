// SPDX-License-Identifier: GPL-3.0-or-later
// What small controllers do all day: lists that are searched, reversed and sorted, a state machine
// over text, and a checksum bit by bit.
#include "tests/bench/kernels/kernel.h"

enum { NODES = 300, TEXT = 400 };

struct node {
    struct node *next;
    u16 key;
    u16 value;
};
static struct node nodes[NODES];

enum state { START, SIGN, DIGITS, POINT, FRACTION, WORD, BAD, STATES };

static u16 crc(u16 sum, u8 byte)
{
    for (u32 bit = 0; bit < 8; bit++) {
        u32 carry = (sum ^ byte) & 1;
        sum = (u16)(sum >> 1 ^ (carry ? 0xa001 : 0));
        byte >>= 1;
    }
    return sum;
}

static struct node *reverse(struct node *list)
{
    struct node *done = NULL;
    while (list != NULL) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static bool by_key(const struct node *a, const struct node *b)
{
    return a->key <= b->key;
}

static bool by_value(const struct node *a, const struct node *b)
{
    return a->value <= b->value;
}

// Merges neighbouring runs of doubling length.
static struct node *sort(struct node *list,
                         bool (*before)(const struct node *, const struct node *))
{
    for (u32 run = 1;; run *= 2) {
        struct node *left = list, *last = NULL;
        u32 merges = 0;
        list = NULL;
        while (left != NULL) {
            merges++;
            struct node *right = left;
            u32 left_count = 0, right_count = run;
            while (left_count < run && right != NULL) {
                left_count++;
                right = right->next;
            }
            while (left_count > 0 || (right_count > 0 && right != NULL)) {
                struct node *taken;
                if (left_count > 0 && (right_count == 0 || right == NULL || before(left, right))) {
                    taken = left;
                    left = left->next;
                    left_count--;
                } else {
                    taken = right;
                    right = right->next;
                    right_count--;
                }
                if (last != NULL) {
                    last->next = taken;
                } else {
                    list = taken;
                }
                last = taken;
            }
            left = right;
        }
        last->next = NULL;
        if (merges <= 1) {
            return list;
        }
    }
}

static enum state step(enum state state, u8 letter)
{
    bool is_digit = letter >= '0' && letter <= '9';
    switch (state) {
    case START:
        return is_digit                         ? DIGITS
               : letter == '-' || letter == '+' ? SIGN
               : letter == '.'                  ? POINT
                                                : WORD;
    case SIGN:
        return is_digit ? DIGITS : letter == '.' ? POINT : BAD;
    case DIGITS:
        return is_digit ? DIGITS : letter == '.' ? POINT : letter == ',' ? START : BAD;
    case POINT:
    case FRACTION:
        return is_digit ? FRACTION : letter == ',' ? START : BAD;
    case WORD:
    case BAD:
    default:
        return letter == ',' ? START : state;
    }
}

static u16 scan(u64 *dice)
{
    static const u8 letters[16] = "0123456789.,+-ab";
    u32 counts[STATES] = {0};
    enum state state = START;
    for (u32 i = 0; i < TEXT; i++) {
        state = step(state, letters[kernel_random(dice) >> 60]);
        counts[state]++;
    }
    u16 sum = 0;
    for (u32 i = 0; i < STATES; i++) {
        sum = crc(sum, (u8)counts[i]);
    }
    return sum;
}

u64 KERNEL_RUN(u32 n)
{
    u64 dice = 17, sum = 0;
    for (u32 round = 0; round < n; round++) {
        for (u32 i = 0; i < NODES; i++) {
            u64 bits = kernel_random(&dice);
            nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
            nodes[i].key = (u16)(bits >> 16);
            nodes[i].value = (u16)(bits >> 40);
        }
        struct node *list = sort(nodes, by_key);
        list = sort(reverse(list), by_value);
        u16 sums = scan(&dice);
        for (struct node *at = list; at != NULL; at = at->next) {
            sums = crc(sums, (u8)(at->key ^ at->value >> 8));
        }
        sum = kernel_fold(sum, sums);
    }
    return sum;
}
