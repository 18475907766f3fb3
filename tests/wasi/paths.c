// SPDX-License-Identifier: GPL-3.0-or-later
// Opens each path that it is given, behind `r` to print what is there and behind `w` to make it,
// and says why it cannot; behind `m` as often as it can. `x` ends it with 1.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The lowest numbers are used again.
static void many(const char *path)
{
    int count = 0;
    int file;
    while ((file = open(path, O_RDONLY)) >= 0) {
        count++;
    }
    printf("%d %s\n", count, strerror(errno));
    close(100);
    printf("%d\n", open(path, O_RDONLY));
    for (int i = 5; i < 5 + count; i++) { // behind two folders
        close(i);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char line[64] = "ok\n";
        if (strcmp(argv[i], "x") == 0) {
            return 1;
        }
        if (argv[i][0] == 'm') {
            many(argv[i] + 1);
            continue;
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
