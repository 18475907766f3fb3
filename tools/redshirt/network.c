// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/network.h"

#include <string.h>

#include "core/base/report.h"
#include "lib/p2p/multiaddr.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/session.h"

// Adds the address to the list.
static int address_take(const struct command *command, const char *option, const char *value,
                        const char **list, u32 *count)
{
    struct multiaddr address;
    struct multiaddr_target target;
    struct report report = {0};
    if (value == NULL) {
        return say_usage(command, "--%s wants an address, as /ip4/127.0.0.1/tcp/4001", option);
    }
    enum err err = multiaddr_parse(span_string(value), &address, &report);
    if (err == ERR_OK) {
        err = multiaddr_target(span_of(address.bytes, address.size), &target, &report);
    }
    if (err != ERR_OK) {
        return say_usage(command, "--%s %s: %s", option, value, report.text);
    }
    if (*count == KERNEL_ARGUMENTS) {
        return say_usage(command, "there are too many addresses");
    }
    list[(*count)++] = value;
    return EXIT_GOOD;
}

int network_option(const struct command *command, struct network *network, struct options *options,
                   const char *option, const char *value, bool *is_mine)
{
    *is_mine = true;
    if (strcmp(option, "peer") == 0) {
        return address_take(command, option, options_value(options, value), network->peers,
                            &network->peer_count);
    }
    if (strcmp(option, "listen") == 0 || strcmp(option, "l") == 0) {
        return address_take(command, "listen", options_value(options, value), network->listens,
                            &network->listen_count);
    }
    if (strcmp(option, "lan") == 0) {
        network->lan = true;
        return value == NULL ? EXIT_GOOD : say_usage(command, "--lan takes no value");
    }
    *is_mine = false;
    return EXIT_GOOD;
}

int network_start(struct session *session, const struct network *network, bool is_main)
{
    static struct span arguments[KERNEL_ARGUMENTS];
    u32 count = 0;
    u32 wanted = 7 + 2 * (network->peer_count + network->listen_count);
    struct session_program program = {
        .name = "p2p-loader", .arguments = arguments, .is_main = is_main, .is_keeper = true};
    int code = session_embedded(session, "p2p-loader", &program.cid);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (program.cid == NULL) {
        say("the program p2p-loader does not come with this build");
        return EXIT_NO_LOADER;
    }
    if (wanted > KERNEL_ARGUMENTS) {
        say("there are too many addresses");
        return EXIT_USAGE;
    }
    arguments[count++] = span_string("p2p-loader");
    for (u32 i = 0; i < network->peer_count; i++) {
        arguments[count++] = span_string("--peer");
        arguments[count++] = span_string(network->peers[i]);
    }
    for (u32 i = 0; i < network->listen_count; i++) {
        arguments[count++] = span_string("--listen");
        arguments[count++] = span_string(network->listens[i]);
    }
    if (network->get != NULL) {
        arguments[count++] = span_string("--get");
        arguments[count++] = span_string(network->get);
    }
    if (network->resolve != NULL) {
        arguments[count++] = span_string("--resolve");
        arguments[count++] = span_string(network->resolve);
    }
    if (network->lan) {
        arguments[count++] = span_string("--lan");
    }
    if (network->stays) {
        arguments[count++] = span_string("--stay");
    }
    program.argument_count = count;
    return session_start(session, &program);
}

int network_alone(struct store *store, const struct network *network)
{
    struct session session;
    struct session_config config = {.workers = 1, .has_log = true};
    int code = session_open(&session, store, &config);
    if (code != EXIT_GOOD) {
        return code;
    }
    code = network_start(&session, network, true);
    if (code == EXIT_GOOD) {
        code = session_run(&session, network->stays);
    }
    session_close(&session);
    return code;
}
