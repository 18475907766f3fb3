// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/bytes.c: the four functions that the compiler calls by name (core/base/mem.h), and
// the end of a program whose own claim is false. memory.copy and memory.fill do the work of the
// first three.
#include "core/base/assert.h"
#include "core/base/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *string);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    return __builtin_memmove(to, from, size);
}

void *memset(void *to, int value, size_t size)
{
    return __builtin_memset(to, value, size);
}

int memcmp(const void *a, const void *b, size_t size)
{
    const u8 *x = a;
    const u8 *y = b;
    size_t i = 0;
    while (size - i >= 8) { // eight at a time while they agree
        u64 left;
        u64 right;
        __builtin_memcpy(&left, x + i, sizeof left);
        __builtin_memcpy(&right, y + i, sizeof right);
        if (left != right) {
            break;
        }
        i += 8;
    }
    for (; i < size; i++) {
        if (x[i] != y[i]) {
            return x[i] - y[i];
        }
    }
    return 0;
}

size_t strlen(const char *string)
{
    size_t size = 0;
    while (string[size] != 0) {
        size++;
    }
    return size;
}

// The trap names the function that called this one; there is nobody else to tell.
void assert_fail(const char *claim, const char *file, int line)
{
    (void)claim;
    (void)file;
    (void)line;
    __builtin_trap();
}
