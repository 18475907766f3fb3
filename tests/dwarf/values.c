// SPDX-License-Identifier: GPL-3.0-or-later
// Values of every kind in frames one inside another; for a debugger that is to show them.
#include <stdio.h>
#include <string.h>

enum color { RED, GREEN, BLUE };

struct inner {
    double real;
    float half;
};

struct record {
    int id;
    const char *name;
    struct inner inner;
    int numbers[4];
    struct record *next;
};

static int steps;
long long total = 77;

static inline __attribute__((always_inline)) int square(int side)
{
    int area = side * side;
    return area + steps; // SQUARE
}

__attribute__((noinline)) double work(struct record *record, int count, long long large, float f,
                                      double d, enum color color)
{
    char text[16] = "hello";
    int sum = 0;
    for (int i = 0; i < count; i++) {
        sum += record->numbers[i & 3] * i; // LOOP
        text[0] = (char)('a' + i);
    }
    int squared = square(sum);                                                             // CALL
    return squared + (double)large + (double)f + d + record->inner.real + color + text[0]; // WORK
}

__attribute__((noinline)) void first(void)
{
    steps++; // FIRST
}

__attribute__((noinline)) void second(void)
{
    steps += 2; // SECOND
}

__attribute__((noinline)) int climb(int level)
{
    if (level == 0) {
        return 0; // BOTTOM
    }
    int below = climb(level - 1); // CLIMB
    return below + level;         // ABOVE
}

__attribute__((noinline)) void spin(void)
{
    volatile int turns = 0;
    for (;;) {
        turns++; // SPIN
    }
}

int main(int argc, char **argv)
{
    struct record two = {.id = 2, .name = "two", .inner = {2.5, 1.5f}};
    struct record one = {1, "one", {1.25, 0.5f}, {1, 2, 3, 4}, &two};
    if (argc > 1 && strcmp(argv[1], "spin") == 0) {
        spin(); // MAIN SPIN
    }
    double result = work(&one, 5, 1LL << 40, 3.5f, 6.25, BLUE); // MAIN
    first();                                                    // CALLS
    second();
    int height = climb(argc + 3); // MAIN CLIMB
    total += height;
    printf("%.2f %d %d %lld\n", result, height, steps, total); // PRINT
    return 0;
}
