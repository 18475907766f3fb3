// SPDX-License-Identifier: GPL-3.0-or-later
// Sorting: quicksort with a comparison by pointer, then a heap sort, of the same numbers.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { COUNT = 1 << 13, STACK = 64 };
static u32 numbers[COUNT];

static bool ascending(u32 a, u32 b)
{
    return a < b;
}

static bool by_low_bits(u32 a, u32 b)
{
    return (a & 0xffff) != (b & 0xffff) ? (a & 0xffff) < (b & 0xffff) : a < b;
}

typedef bool (*order)(u32 a, u32 b);

static NOINLINE void quicksort(u32 *items, u32 count, order before)
{
    while (count > 1) {
        u32 pivot = items[(count - 1) / 2]; // never the last: both parts get shorter
        u32 i = 0, j = count - 1;
        for (;; i++, j--) {
            while (before(items[i], pivot)) {
                i++;
            }
            while (before(pivot, items[j])) {
                j--;
            }
            if (i >= j) {
                break;
            }
            u32 item = items[i];
            items[i] = items[j];
            items[j] = item;
        }
        u32 left = j + 1;
        if (left < count - left) { // the shorter part by recursion: depth stays logarithmic
            quicksort(items, left, before);
            items += left;
            count -= left;
        } else {
            quicksort(items + left, count - left, before);
            count = left;
        }
    }
}

static void sift(u32 *items, u32 root, u32 count)
{
    u32 item = items[root];
    for (u32 child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && items[child] < items[child + 1]) {
            child++;
        }
        if (item >= items[child]) {
            break;
        }
        items[root] = items[child];
    }
    items[root] = item;
}

static void heapsort(u32 *items, u32 count)
{
    for (u32 i = count / 2; i-- > 0;) {
        sift(items, i, count);
    }
    for (u32 end = count - 1; end > 0; end--) {
        u32 item = items[0];
        items[0] = items[end];
        items[end] = item;
        sift(items, 0, end);
    }
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 99, sum = 0;
    for (u32 round = 0; round < n; round++) {
        for (u32 i = 0; i < COUNT; i++) {
            numbers[i] = (u32)kernel_random(&state);
        }
        quicksort(numbers, COUNT, round & 1 ? ascending : by_low_bits);
        for (u32 i = 0; i < COUNT; i += 61) {
            sum = kernel_fold(sum, numbers[i]);
        }
        heapsort(numbers, COUNT);
        for (u32 i = 0; i < COUNT; i += 53) {
            sum = kernel_fold(sum, numbers[i]);
        }
    }
    return sum;
}
