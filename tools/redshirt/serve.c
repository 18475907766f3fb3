// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt serve`: a node that stays and gives peers what was added or pinned.
#include "tools/redshirt/command.h"
#include "tools/redshirt/network.h"

#define LISTEN_DEFAULT "/ip4/127.0.0.1/tcp/4001"

static int serve_run(const struct command *command, int count, char **arguments)
{
    static struct network network = {.stays = true}; // too large for a stack
    struct options options = {count, arguments, 0};
    const char *option;
    const char *value;
    int code = EXIT_GOOD;
    while (code == EXIT_GOOD && (option = options_next(&options, &value)) != NULL) {
        bool is_mine;
        code = network_option(command, &network, &options, option, value, &is_mine);
        if (!is_mine) {
            return say_usage(command, "there is no option \"%s\"", option);
        }
    }
    if (code == EXIT_GOOD && options.next != count) {
        return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
    }
    if (code == EXIT_GOOD && network.listen_count == 0) {
        network.listens[network.listen_count++] = LISTEN_DEFAULT;
    }
    struct store store;
    if (code == EXIT_GOOD) {
        code = store_open_home(&store);
    }
    if (code == EXIT_GOOD) {
        code = network_settings(&store, &network);
        code = code == EXIT_GOOD ? network_alone(&store, &network) : code;
        store_close(&store);
    }
    return code;
}

const struct command command_serve = {
    "serve",
    "gives peers of the IPFS network what was added or pinned",
    "Usage: redshirt serve [--listen ADDRESS]... [--peer ADDRESS]... [--lan] [--public]\n"
    "\n"
    "Stays, and gives whoever connects the files that were added or pinned, and nothing else. "
    "Prints\n"
    "`listening ADDRESS` for each address: what others put behind --peer. Its identity, the end "
    "of that\n"
    "address, is made at the first use and kept. Ctrl-C ends it, with exit code 0.\n"
    "\n"
    "  -l, --listen ADDRESS  where: /ip4/0.0.0.0/tcp/4001 is every address of this machine, port 0 "
    "any\n"
    "                        free one (default: " LISTEN_DEFAULT ")\n"
    "      --peer ADDRESS    whom to ask for what it fetches\n"
    "      --lan             tells peers of the local network of the addresses that it listens "
    "at\n"
    "      --public          tells the public network what is pinned and published, and where it "
    "listens,\n"
    "                        and asks it; `redshirt network --help`\n"
    "\n"
    "What is pinned and published is told to the DHT of the local network: to peers of it that "
    "--peer and\n"
    "--lan lead to, at the start and every 22 hours.\n",
    serve_run,
};
