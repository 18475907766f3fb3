// SPDX-License-Identifier: GPL-3.0-or-later
// Writes 1 MiB in one call, to the standard output or to the file that is its argument. Its exit
// code: 0, or the errno of what failed; 99: less was written.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **words)
{
    static char bytes[1 << 20];
    memset(bytes, 'x', sizeof bytes);
    int to = count > 1 ? open(words[1], O_WRONLY | O_CREAT | O_TRUNC, 0600) : STDOUT_FILENO;
    if (to < 0) {
        return errno;
    }
    ssize_t size = write(to, bytes, sizeof bytes);
    return size == (ssize_t)sizeof bytes ? 0 : size < 0 ? errno : 99;
}
