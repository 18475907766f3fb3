// SPDX-License-Identifier: GPL-3.0-or-later
// Leaves in the way that its first argument says: return N, exit N, or trap.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    printf("leaving");
    if (argc == 3 && strcmp(argv[1], "return") == 0) {
        return atoi(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "exit") == 0) {
        exit(atoi(argv[2]));
    }
    fflush(stdout);
    __builtin_trap();
}
