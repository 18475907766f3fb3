// SPDX-License-Identifier: GPL-3.0-or-later
// Waits for input by poll, telling what happens: "timeout", or the line that came. Ends with the
// input.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    struct pollfd out = {.fd = 1, .events = POLLOUT};
    printf("out %d\n", poll(&out, 1, 1000) == 1 && (out.revents & POLLOUT) != 0);
    fcntl(0, F_SETFL, O_NONBLOCK);
    char byte;
    printf("nonblocking %d\n", read(0, &byte, 1) == -1 && errno == EAGAIN);
    fcntl(0, F_SETFL, 0);
    for (;;) {
        struct pollfd in = {.fd = 0, .events = POLLIN};
        int count = poll(&in, 1, 100);
        if (count == 0) {
            printf("timeout\n");
            continue;
        }
        char line[256];
        ssize_t size = read(0, line, sizeof line - 1);
        if (count != 1 || size < 0) {
            printf("poll %d, read %zd, errno %d\n", count, size, errno);
            return 1;
        }
        if (size == 0) {
            printf("end\n");
            return 0;
        }
        line[size] = 0;
        printf("line %s", line);
    }
}
