// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/report.h"
#include "lib/p2p/multiaddr.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/session.h"

enum {
    COLUMNS_DEFAULT = 80,
    NUMBER_BYTES = 8,
};

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
        return say_usage(command, "--%s %s: %s; an address is like /ip4/127.0.0.1/tcp/4001", option,
                         value, report.text);
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
    if (strcmp(option, "public") == 0) {
        network->is_public = true;
        return value == NULL ? EXIT_GOOD : say_usage(command, "--public takes no value");
    }
    *is_mine = false;
    return EXIT_GOOD;
}

int network_settings(struct store *store, struct network *network)
{
    int code = settings_load(store, &network->settings);
    for (u32 i = 0; code == EXIT_GOOD && i < network->settings.count; i++) {
        const struct setting *line = &network->settings.lines[i];
        bool is_on = strcmp(line->value, "on") == 0;
        network->lan = network->lan || (line->kind == SETTING_LAN && is_on);
        network->is_public = network->is_public || (line->kind == SETTING_PUBLIC && is_on);
        if (line->kind == SETTING_PEER && network->peer_count < KERNEL_ARGUMENTS) {
            network->peers[network->peer_count++] = line->value;
        }
    }
    return code;
}

// What p2p-loader is started with.
struct words {
    struct span words[KERNEL_ARGUMENTS];
    u32 count;
    bool is_full;
};

static void words_add(struct words *words, const char *option, const char *value)
{
    u32 wanted = value == NULL ? 1 : 2;
    if (words->count + wanted > KERNEL_ARGUMENTS) {
        words->is_full = true;
        return;
    }
    words->words[words->count++] = span_string(option);
    if (value != NULL) {
        words->words[words->count++] = span_string(value);
    }
}

static void words_public(struct words *words, const struct network *network)
{
    static const char *const options[SETTING_KINDS] = {[SETTING_BOOTSTRAP] = "--bootstrap",
                                                       [SETTING_ROUTER] = "--router",
                                                       [SETTING_GATEWAY] = "--gateway"};
    bool has_bootstrap = false;
    words_add(words, "--public", NULL);
    for (u32 i = 0; i < network->settings.count; i++) {
        const struct setting *line = &network->settings.lines[i];
        has_bootstrap = has_bootstrap || line->kind == SETTING_BOOTSTRAP;
        if (options[line->kind] != NULL && strcmp(line->value, SETTINGS_NONE) != 0) {
            words_add(words, options[line->kind], line->value);
        }
    }
    if (!has_bootstrap) {
        words_add(words, "--bootstrap", SETTINGS_BOOTSTRAP);
    }
}

static void words_take(struct words *words, const struct network *network)
{
    words_add(words, "p2p-loader", NULL);
    for (u32 i = 0; i < network->peer_count; i++) {
        words_add(words, "--peer", network->peers[i]);
    }
    for (u32 i = 0; i < network->listen_count; i++) {
        words_add(words, "--listen", network->listens[i]);
    }
    if (network->get != NULL) {
        words_add(words, "--get", network->get);
    }
    if (network->resolve != NULL) {
        words_add(words, "--resolve", network->resolve);
    }
    if (network->lan) {
        words_add(words, "--lan", NULL);
    }
    if (network->stays) {
        words_add(words, "--stay", NULL);
    }
    if (network->is_public) {
        words_public(words, network);
    }
}

// How many columns the terminal behind the standard error has; 0: it is none, or none that can
// clear a line.
static u32 terminal_columns(void)
{
    struct winsize size;
    const char *kind = getenv("TERM");
    if (isatty(STDERR_FILENO) != 1 || kind == NULL || strcmp(kind, "dumb") == 0) {
        return 0;
    }
    bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
    return is_known ? size.ws_col : COLUMNS_DEFAULT;
}

// What a fetch is shown by. Returns whether it is a line on the terminal.
static bool words_progress(struct words *words)
{
    static char columns[NUMBER_BYTES];
    const char *verbose = getenv("REDSHIRT_VERBOSE");
    u32 width = terminal_columns();
    if (width != 0) {
        snprintf(columns, sizeof columns, "%u", width);
        words_add(words, "--progress", columns);
    }
    if (verbose != NULL && *verbose != 0) {
        words_add(words, "--verbose", NULL);
    }
    return width != 0;
}

int network_start(struct session *session, const struct network *network, bool is_main)
{
    static struct words words; // too large for a stack
    struct session_program program = {.name = "p2p-loader", .is_main = is_main, .is_keeper = true};
    int code = session_embedded(session, "p2p-loader", &program.cid);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (program.cid == NULL) {
        say("the program p2p-loader does not come with this build");
        return EXIT_NO_LOADER;
    }
    words = (struct words){0};
    words_take(&words, network);
    program.draws = !network->stays && words_progress(&words);
    if (words.is_full) {
        say("there are too many addresses");
        return EXIT_USAGE;
    }
    program.arguments = words.words;
    program.argument_count = words.count;
    return session_start(session, &program);
}

int network_alone(struct store *store, const struct network *network)
{
    struct session session;
    struct session_config config = {
        .workers = 1, .has_log = true, .command = network->stays ? "serve" : "get"};
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
