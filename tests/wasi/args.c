// SPDX-License-Identifier: GPL-3.0-or-later
// Prints each argument but the first, and each variable of the environment, as hexadecimal bytes.
#include <stdio.h>

extern char **environ;

static void print(const char *kind, const char *string)
{
    printf("%s ", kind);
    for (; *string != 0; string++) {
        printf("%02x", (unsigned char)*string);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        print("arg", argv[i]);
    }
    for (char **variable = environ; *variable != NULL; variable++) {
        print("env", *variable);
    }
    return argv[argc] == NULL ? 0 : 1;
}
