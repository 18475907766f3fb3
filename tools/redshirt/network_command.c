// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt network`: shows and changes what the file of settings says (settings.h).
#include <stdio.h>
#include <string.h>

#include "tools/redshirt/command.h"
#include "tools/redshirt/settings.h"

static bool is_on(const struct settings *settings, enum setting_kind kind)
{
    for (u32 i = 0; i < settings->count; i++) {
        if (settings->lines[i].kind == kind) {
            return strcmp(settings->lines[i].value, "on") == 0;
        }
    }
    return false;
}

static int settings_print(const struct settings *settings)
{
    bool has_bootstrap = false;
    printf("lan %s\npublic %s\n", is_on(settings, SETTING_LAN) ? "on" : "off",
           is_on(settings, SETTING_PUBLIC) ? "on" : "off");
    for (u32 i = 0; i < settings->count; i++) {
        const struct setting *line = &settings->lines[i];
        if (line->kind != SETTING_LAN && line->kind != SETTING_PUBLIC) {
            printf("%s %s\n", setting_word(line->kind), line->value);
        }
        has_bootstrap = has_bootstrap || line->kind == SETTING_BOOTSTRAP;
    }
    if (!has_bootstrap) {
        printf("bootstrap %s\n", SETTINGS_BOOTSTRAP);
    }
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
}

static void public_warn(void)
{
    say("the public network is asked from now on for what nobody near has. Strangers (nodes of its "
        "DHT, routers, gateways, and whoever they say has it) learn which CID or name is looked "
        "for, and this machine's address; `serve` tells them what is pinned, under its identity. "
        "`redshirt network public off` ends it");
}

static int change(struct settings *settings, const char *verb, enum setting_kind kind,
                  const char *value)
{
    if (strcmp(verb, "remove") == 0) {
        if (!settings_remove(settings, kind, value)) {
            say("there is no %s %s to remove; `redshirt network` lists what there is",
                setting_word(kind), value);
            return EXIT_NOT_FOUND;
        }
        return EXIT_GOOD;
    }
    return settings_set(settings, kind, value);
}

static int settings_change(struct store *store, const char *verb, enum setting_kind kind,
                           const char *value)
{
    struct settings settings;
    int code = settings_lock(store);
    if (code != EXIT_GOOD) {
        return code;
    }
    code = settings_load(store, &settings);
    if (code == EXIT_GOOD) {
        code = change(&settings, verb, kind, value);
        if (code == EXIT_GOOD) {
            code = settings_save(store, &settings);
        }
        settings_free(&settings);
    }
    settings_unlock(store);
    if (code == EXIT_GOOD && kind == SETTING_PUBLIC && strcmp(value, "on") == 0) {
        public_warn();
    }
    return code;
}

static int settings_show(struct store *store)
{
    struct settings settings;
    int code = settings_load(store, &settings);
    if (code == EXIT_GOOD) {
        code = settings_print(&settings);
        settings_free(&settings);
    }
    return code;
}

static int network_run(const struct command *command, int count, char **arguments)
{
    const char *verb = "add", *why;
    enum setting_kind kind = SETTING_LAN;
    bool is_switch = count == 2 && setting_kind_of(arguments[0], &kind) &&
                     (kind == SETTING_LAN || kind == SETTING_PUBLIC);
    if (count == 3) {
        verb = arguments[0];
        bool is_verb = strcmp(verb, "add") == 0 || strcmp(verb, "remove") == 0;
        if (!is_verb || !setting_kind_of(arguments[1], &kind) || kind == SETTING_LAN ||
            kind == SETTING_PUBLIC) {
            return say_usage(command,
                             "add or remove, then peer, bootstrap, router or gateway are wanted");
        }
    } else if (count != 0 && !is_switch) {
        return say_usage(command, "lan or public, then on or off are wanted");
    }
    const char *value = count == 0 ? "" : arguments[count - 1];
    if (count != 0 && !setting_is_good(kind, value, &why)) {
        return say_usage(command, "%s %s: %s", setting_word(kind), value, why);
    }
    struct store store;
    int code = store_open_home(&store);
    if (code == EXIT_GOOD) {
        code = count == 0 ? settings_show(&store) : settings_change(&store, verb, kind, value);
        store_close(&store);
    }
    return code;
}

const struct command command_network = {
    "network",
    "says who may be asked for what the store lacks",
    "Usage: redshirt network\n"
    "       redshirt network lan|public on|off\n"
    "       redshirt network add|remove peer|bootstrap|router|gateway ADDRESS\n"
    "\n"
    "Shows or changes what `run`, `get` and `serve` do without options: whom they ask. It is kept "
    "in\n"
    "REDSHIRT_HOME/network. They ask the local store, then the local network, peers, the public "
    "network,\n"
    "and gateways, each 300 ms after the one before said nothing. All is off until it is turned "
    "on.\n"
    "\n"
    "  lan on         peers of the local network, as --lan\n"
    "  public on      the public network, as --public\n"
    "  peer           somebody who is asked, as --peer: /ip4/10.0.0.1/tcp/4001/p2p/12D3...\n"
    "  bootstrap      a node of the public DHT to begin with, with its /p2p/ID, in place of the "
    "built-in\n"
    "                 one; \"none\": the DHT is not asked\n"
    "  router         a web server that knows who has what: http://HOST[:PORT]\n"
    "  gateway        a web server that has blocks, asked last: http://HOST[:PORT]\n"
    "\n"
    "What `public on` reveals: to nodes of the DHT, and to each router, the CID or the name that "
    "nobody\n"
    "near has; to gateways, and to peers that are said to have it, the CID of each missing block; "
    "to all\n"
    "of them your IP address, and to all but web servers a peer ID: a new one for each `run` and "
    "`get`,\n"
    "always the same of `serve`, which also tells the DHT the CIDs of what is pinned and the names "
    "that\n"
    "are published, with the addresses it listens at, if they are public ones. Nodes and peers "
    "hear that\n"
    "it is redshirt, of which version, and the protocols. Whoever is on the way to a router or "
    "gateway reads\n"
    "it too: it is plain HTTP; and the name server hears their names, and those of bootstrap nodes "
    "and peers.\n"
    "What comes is checked as always.\n"
    "\n"
    "Exit codes: 64 not an address of that kind, 65 the file is not understood, 66 nothing to "
    "remove,\n"
    "73 too many of one kind.\n",
    network_run,
};
