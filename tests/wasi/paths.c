// SPDX-License-Identifier: GPL-3.0-or-later
// Opens each path that it is given, behind `r` to print what is there and behind `w` to make it,
// and says why it cannot; `x` ends it with 1.
#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char line[64] = "ok\n";
        if (strcmp(argv[i], "x") == 0) {
            return 1;
        }
        FILE *file = fopen(argv[i] + 1, argv[i][0] == 'r' ? "r" : "w");
        if (file == NULL) {
            printf("%s\n", strerror(errno));
            continue;
        }
        if (argv[i][0] == 'r' && fgets(line, sizeof line, file) == NULL) {
            printf("empty\n");
        }
        fputs(line, stdout);
        fclose(file);
    }
    return 0;
}
