// SPDX-License-Identifier: GPL-3.0-or-later
// Serves connections of the listener that it begins with, descriptor 3: what a client's first line
// says is what is done with it. `end` ends the program.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wasi/api.h>

static char buffer[1 << 20];

static size_t read_line(int client)
{
    size_t size = 0;
    while (size < sizeof buffer && (size == 0 || buffer[size - 1] != '\n')) {
        ssize_t count = recv(client, buffer + size, 1, 0);
        if (count <= 0) {
            break;
        }
        size++;
    }
    buffer[size] = 0;
    return size;
}

// Sends back whatever comes, until the client ends its side.
static void echo(int client)
{
    ssize_t count;
    while ((count = read(client, buffer, sizeof buffer)) > 0) {
        write(client, buffer, (size_t)count);
    }
    shutdown(client, SHUT_WR);
}

static void look(int client)
{
    char first[4] = {0};
    char whole[11] = {0};
    recv(client, first, 3, MSG_PEEK);
    ssize_t count = recv(client, whole, 10, MSG_WAITALL);
    dprintf(client, "%s %d %s\n", first, (int)count, whole);
}

// Tells how often it found nothing before there was something.
static void wait(int client)
{
    struct pollfd fds[2] = {{client, POLLIN, 0}, {3, POLLIN, 0}};
    int early = poll(fds, 2, 10);
    fcntl(client, F_SETFL, O_NONBLOCK);
    ssize_t count = recv(client, buffer, sizeof buffer, 0);
    int again = count < 0 && errno == EAGAIN;
    dprintf(client, "%d %d\n", early, again);
    early = poll(fds, 2, 10000);
    int ready = (fds[0].revents & POLLIN) != 0;
    count = recv(client, buffer, sizeof buffer, 0);
    dprintf(client, "%d %d %.*s\n", early, ready, (int)(count > 0 ? count : 0), buffer);
}

static void refuse(int client)
{
    __wasi_fdstat_t status;
    __wasi_fd_t other;
    int unknown = __wasi_fd_fdstat_get((__wasi_fd_t)client, &status);
    int bad = recv(client, buffer, 1, 0x40) < 0 ? errno : 0;
    dprintf(client, "%d %d %d %d %d %d\n",
            unknown == 0 && status.fs_filetype == __WASI_FILETYPE_SOCKET_STREAM,
            (int)lseek(client, 0, SEEK_CUR), errno, bad,
            (int)__wasi_sock_accept((__wasi_fd_t)client, 0, &other),
            (int)__wasi_sock_shutdown(3, __WASI_SDFLAGS_RD));
}

int main(void)
{
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int client = accept(3, NULL, NULL);
        if (client < 0) {
            perror("accept");
            return 1;
        }
        read_line(client);
        if (strcmp(buffer, "end\n") == 0) {
            close(client);
            return 0;
        }
        if (strcmp(buffer, "echo\n") == 0) {
            echo(client);
        } else if (strcmp(buffer, "look\n") == 0) {
            look(client);
        } else if (strcmp(buffer, "wait\n") == 0) {
            wait(client);
        } else {
            refuse(client);
        }
        close(client);
    }
}
