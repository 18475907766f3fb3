// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/channel_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/kernel/limits.h"
#include "core/platform.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/store.h"
#include "tools/redshirt/channel.h"
#include "tools/redshirt/channel_answer.h"
#include "tools/redshirt/channel_place.h"
#include "tools/redshirt/life.h"
#include "tools/redshirt/session.h"

enum { NS_OF_MS = 1000000, TICK_MS = 500 };

struct client {
    int file; // -1: nobody
    u64 moved_ns;
    struct channel channel;
    u8 *rest; // of an answer, that is not read yet; NULL: it is
    size_t rest_size;
    size_t rest_done;
    u8 room[CHANNEL_CALL_BYTES];
};

struct channel_server {
    struct session *session;
    int folder;
    int listener;
    int stop[2];   // a pipe: closed when it is to end
    bool is_short; // the host had no descriptor for who came, who is left waiting for a tick
    pthread_t thread;
    struct client clients[CHANNEL_CLIENTS];
    u8 answer[CHANNEL_ANSWER_BYTES];
};

// ---- one client

static void client_close(struct client *client)
{
    close(client->file);
    free(client->rest);
    client->rest = NULL;
    client->file = -1;
}

// Sends as much as goes without waiting. False: there is nobody any more.
static bool client_send(struct client *client, struct span bytes, size_t *done)
{
    ssize_t sent = 0;
    while (*done < bytes.size && sent >= 0) {
        sent =
            send(client->file, bytes.data + *done, bytes.size - *done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            *done += (size_t)sent;
            client->moved_ns = platform_clock_ns();
        } else if (sent < 0 && errno == EINTR) {
            sent = 0;
        }
    }
    return sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK;
}

// What does not go at once is kept beside; meanwhile the client is not asked for more.
static bool client_answer(struct client *client, struct span answer)
{
    size_t done = 0;
    bool is_there = client_send(client, answer, &done);
    if (is_there && done < answer.size) {
        client->rest_size = answer.size - done;
        client->rest_done = 0;
        client->rest = malloc(client->rest_size);
        if (client->rest == NULL) {
            return false;
        }
        mem_copy(client->rest, answer.data + done, client->rest_size);
    }
    return is_there;
}

static bool client_rest(struct client *client)
{
    struct span rest = span_of(client->rest, client->rest_size);
    bool is_there = client_send(client, rest, &client->rest_done);
    if (client->rest_done == client->rest_size) {
        free(client->rest);
        client->rest = NULL;
    }
    return is_there;
}

// Answers the calls that are there whole. False: it is not one to talk with.
static bool calls_answer(struct channel_server *server, struct client *client)
{
    while (client->rest == NULL) {
        u64 function;
        struct span body;
        enum err err = channel_take_call(&client->channel, &function, &body);
        if (err != ERR_OK) {
            return err == ERR_PAUSED;
        }
        size_t size;
        u32 code = channel_answer(server->session, function, body,
                                  server->answer + CHANNEL_ANSWER_HEAD, &size);
        channel_write_answer(server->answer, code, size);
        if (!client_answer(client, span_of(server->answer, CHANNEL_ANSWER_HEAD + size))) {
            return false;
        }
    }
    return true;
}

static bool client_read(struct channel_server *server, struct client *client)
{
    u8 *to;
    size_t room = channel_room(&client->channel, &to);
    ssize_t got = recv(client->file, to, room, MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    }
    if (got == 0) {
        return false;
    }
    channel_got(&client->channel, (size_t)got);
    client->moved_ns = platform_clock_ns();
    return calls_answer(server, client);
}

static bool client_turn(struct channel_server *server, struct client *client)
{
    if (client->rest == NULL) {
        return client_read(server, client);
    }
    return client_rest(client) && calls_answer(server, client);
}

// ---- all of them

// A free place, or that of who has been silent longest.
static struct client *place_find(struct channel_server *server)
{
    struct client *found = &server->clients[0];
    for (u32 i = 0; i < CHANNEL_CLIENTS; i++) {
        struct client *client = &server->clients[i];
        if (client->file < 0) {
            return client;
        }
        found = client->moved_ns < found->moved_ns ? client : found;
    }
    client_close(found);
    return found;
}

static void client_accept(struct channel_server *server)
{
    int file = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (file < 0) {
        server->is_short = true;
        return;
    }
    if (!channel_is_mine(file)) {
        close(file);
        return;
    }
    struct client *client = place_find(server);
    client->file = file;
    client->moved_ns = platform_clock_ns();
    client->channel = channel_over(client->room, sizeof client->room);
}

static void turn(struct channel_server *server, const struct pollfd *files)
{
    u64 now_ns = platform_clock_ns();
    for (u32 i = 0; i < CHANNEL_CLIENTS; i++) {
        struct client *client = &server->clients[i];
        if (client->file < 0) {
            continue;
        }
        bool is_late = now_ns > client->moved_ns + (u64)CHANNEL_IDLE_MS * NS_OF_MS;
        if (is_late || (files[i].revents != 0 && !client_turn(server, client))) {
            client_close(client);
        }
    }
}

static void *serve(void *context)
{
    struct channel_server *server = context;
    enum { LISTENER = CHANNEL_CLIENTS, STOP };
    struct pollfd files[CHANNEL_CLIENTS + 2];
    files[LISTENER] = (struct pollfd){server->listener, POLLIN, 0};
    files[STOP] = (struct pollfd){server->stop[0], POLLIN, 0};
    do {
        bool has_work = life_tick();
        for (u32 i = 0; i < CHANNEL_CLIENTS; i++) {
            const struct client *client = &server->clients[i];
            short wants = client->rest == NULL ? POLLIN : POLLOUT;
            files[i] = (struct pollfd){client->file, wants, 0}; // poll ignores those below 0
            has_work = has_work || client->file >= 0;
        }
        files[LISTENER].fd = server->is_short ? -1 : server->listener;
        has_work = has_work || server->is_short;
        server->is_short = false;
        if (poll(files, COUNT_OF(files), has_work ? TICK_MS : -1) < 0) {
            continue; // none was looked at
        }
        turn(server, files);
        if (files[LISTENER].revents != 0) {
            client_accept(server);
        }
    } while (files[STOP].revents == 0);
    return NULL;
}

// ---- life

struct channel_server *channel_server_start(struct session *session)
{
    struct channel_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    server->session = session;
    for (u32 i = 0; i < CHANNEL_CLIENTS; i++) {
        server->clients[i].file = -1;
    }
    server->folder = channel_folder(session->store->home, true);
    server->listener = server->folder < 0 ? -1 : channel_listen(server->folder);
    bool is_good = server->listener >= 0 && pipe2(server->stop, O_CLOEXEC) == 0;
    if (is_good) {
        hosted_signals_block(true);
        is_good = pthread_create(&server->thread, NULL, serve, server) == 0;
        hosted_signals_block(false);
        if (is_good) {
            return server;
        }
        close(server->stop[0]);
        close(server->stop[1]);
    }
    if (server->listener >= 0) {
        channel_unlisten(server->folder, server->listener);
    }
    if (server->folder >= 0) {
        close(server->folder);
    }
    free(server);
    return NULL;
}

void channel_server_stop(struct channel_server *server)
{
    if (server == NULL) {
        return;
    }
    channel_unlisten(server->folder, server->listener);
    close(server->stop[1]); // wakes it, for good
    int failed = pthread_join(server->thread, NULL);
    ASSERT(failed == 0);
    for (u32 i = 0; i < CHANNEL_CLIENTS; i++) {
        if (server->clients[i].file >= 0) {
            client_close(&server->clients[i]);
        }
    }
    close(server->stop[0]);
    close(server->folder);
    free(server);
}
