// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a name and numbers with scanf, prints them with printf, and what is in the environment
// under GREETING.
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char name[32];
    int count = 0;
    double sum = 0;
    double value;
    const char *greeting = getenv("GREETING");
    if (scanf("%31s", name) != 1) {
        fprintf(stderr, "no name\n");
        return 3;
    }
    while (scanf("%lf", &value) == 1) {
        sum += value;
        count++;
    }
    printf("%s, %s: %d numbers, sum %.3f\n", greeting ? greeting : "(none)", name, count, sum);
    fprintf(stderr, "to stderr\n");
    return 0;
}
