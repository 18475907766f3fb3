// SPDX-License-Identifier: GPL-3.0-or-later
// Traps two calls deep, one of them inlined, when told to; for tests of what is said about that.
#include <stdio.h>
#include <string.h>

struct point {
    int x;
    int y;
};

static volatile int zero;
int total;

static inline __attribute__((always_inline)) int quotient(int a, int b)
{
    return a / b; // TRAP
}

__attribute__((noinline)) int compute(const struct point *point, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++) {
        sum += point->x * i; // LOOP
    }
    total = sum;
    return sum + quotient(point->y, zero); // CALL
}

__attribute__((noinline)) int deep(int depth)
{
    return depth < 0 ? 0 : deep(depth + 1) / (zero + 1);
}

int main(int argc, char **argv)
{
    struct point here = {argc + 1, 40};
    if (argc > 1 && strcmp(argv[1], "trap") == 0) {
        return compute(&here, 5); // MAIN
    }
    if (argc > 1 && strcmp(argv[1], "deep") == 0) {
        return deep(0);
    }
    if (argc > 1 && strcmp(argv[1], "spin") == 0) {
        zero = 1;
        for (int i = 0; i < 300000; i++) {
            compute(&here, 1000);
        }
        return 0;
    }
    zero = 2;
    printf("%d\n", compute(&here, 5)); // PRINT
    return 0;
}
