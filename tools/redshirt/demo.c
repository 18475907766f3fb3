// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt demo`: a whole small system: loader, log, a web server that shows what runs, and a
// program or two; and a node of the IPFS network where one is asked for.
#define _GNU_SOURCE 1
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/report.h"
#include "machines/hosted/limits.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/embedded.h"
#include "tools/redshirt/network.h"
#include "tools/redshirt/session.h"

enum { PORT_DEFAULT = 8000, NUMBER_BYTES = 8 };

struct demo {
    u64 port;
    u64 workers;
    struct network network;
};

// Whether the port can be listened on, errno saying why not; a person would rather hear it from us
// than from the web server.
static bool port_is_free(u16 port)
{
    int socket_file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_file < 0) {
        return true; // the web server will say what is wrong
    }
    int on = 1;
    (void)setsockopt(socket_file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool is_free =
        bind(socket_file, (struct sockaddr *)&at, sizeof at) == 0 && listen(socket_file, 1) == 0;
    int why = errno;
    close(socket_file);
    errno = why;
    return is_free;
}

// Starts one of the programs that come with the command; the others of the system do without it.
static int program_start(struct session *session, const char *name, const char *argument)
{
    struct span arguments[2] = {span_string(name)};
    struct session_program program = {
        .name = name,
        .arguments = arguments,
        .argument_count = 1,
    };
    int code = session_embedded(session, name, &program.cid);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (program.cid == NULL) {
        say("the program %s does not come with this build", name);
        return EXIT_GOOD;
    }
    if (argument != NULL) {
        arguments[program.argument_count++] = span_string(argument);
    }
    return session_start(session, &program);
}

static int system_run(struct store *store, struct demo *demo)
{
    bool has_node = demo->network.listen_count != 0 || network_is_on(&demo->network);
    int code = has_node ? network_settings(store, &demo->network) : EXIT_GOOD;
    if (code != EXIT_GOOD) {
        return code;
    }
    u16 port = (u16)demo->port;
    char number[NUMBER_BYTES];
    snprintf(number, sizeof number, "%u", port);
    struct session session;
    struct session_config config = {.workers = (u32)demo->workers,
                                    .has_log = !embedded_has("log"),
                                    .fetches = has_node,
                                    .command = "demo"};
    code = session_open(&session, store, &config);
    if (code != EXIT_GOOD) {
        return code;
    }
    static const char *const names[] = {"log", "http", "hello"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && code == EXIT_GOOD; i++) {
        if (strcmp(names[i], "log") != 0 || embedded_has("log")) {
            code = program_start(&session, names[i], strcmp(names[i], "http") == 0 ? number : NULL);
        }
    }
    if (code == EXIT_GOOD && has_node) {
        code = network_start(&session, &demo->network, false);
    }
    if (code == EXIT_GOOD) {
        say("what runs is at http://127.0.0.1:%u/ ; Ctrl-C stops it", port);
        code = session_run(&session, true);
    }
    session_close(&session);
    return code;
}

static int option_take(const struct command *command, struct demo *demo, struct options *options,
                       const char *option, const char *value)
{
    bool is_network;
    if (strcmp(option, "port") == 0 || strcmp(option, "p") == 0) {
        value = options_value(options, value);
        if (value == NULL || !number_parse(value, 65535, &demo->port) || demo->port == 0) {
            return say_usage(command, "--port wants a number from 1 to 65535");
        }
        return EXIT_GOOD;
    }
    if (strcmp(option, "workers") == 0 || strcmp(option, "w") == 0) {
        value = options_value(options, value);
        if (value == NULL || !number_parse(value, HOSTED_WORKERS, &demo->workers) ||
            demo->workers == 0) {
            return say_usage(command, "--workers wants a number from 1 to %d", HOSTED_WORKERS);
        }
        return EXIT_GOOD;
    }
    int code = network_option(command, &demo->network, options, option, value, &is_network);
    return is_network ? code : say_usage(command, "there is no option \"%s\"", option);
}

static int demo_run(const struct command *command, int count, char **arguments)
{
    static struct demo demo = {.port = PORT_DEFAULT,
                               .network.stays = true}; // too large for a stack
    struct options options = {count, arguments, 0};
    const char *option;
    const char *value;
    while ((option = options_next(&options, &value)) != NULL) {
        int code = option_take(command, &demo, &options, option, value);
        if (code != EXIT_GOOD) {
            return code;
        }
    }
    if (options.next != count) {
        return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
    }
    if (!port_is_free((u16)demo.port)) {
        say("port %u of 127.0.0.1 is taken (%s); `redshirt demo --port N` takes another",
            (unsigned)demo.port, strerror(errno));
        return EXIT_MACHINE;
    }
    struct store store;
    int code = store_open_home(&store);
    if (code == EXIT_GOOD) {
        code = system_run(&store, &demo);
        store_close(&store);
    }
    return code;
}

const struct command command_demo = {
    "demo",
    "starts a small system with a web page of what runs in it",
    "Usage: redshirt demo [--port N] [--workers N] [--listen ADDRESS]... [--peer ADDRESS]... "
    "[--lan]\n"
    "\n"
    "Starts a system: the programs store-loader (loads programs from the store), log, http (a web "
    "server\n"
    "on 127.0.0.1:8000 with a live page of processes, interfaces and messages) and hello. Ctrl-C "
    "stops\n"
    "it, with exit code 0. With --listen, --peer or --lan it is a node of the IPFS network as "
    "well, "
    "as\n"
    "`redshirt serve` is one, and the page shows its peers.\n"
    "\n"
    "  -p, --port N          the web server's port\n"
    "  -w, --workers N       so many programs run at once (default: one for each CPU, at most 8)\n"
    "  -l, --listen ADDRESS  where peers may come, as /ip4/0.0.0.0/tcp/4001\n"
    "      --peer ADDRESS    whom to ask for what it fetches, as /ip4/10.0.0.1/tcp/4001\n"
    "      --lan             peers of the local network are asked, too, and told where it listens\n"
    "\n"
    "Exit codes: 64 the command line is wrong, 71 the host refused something, the port for one.\n",
    demo_run,
};
