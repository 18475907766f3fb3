// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/settings.h: what the user has said once for all about the network: the file
// REDSHIRT_HOME/network, made by `redshirt network`, or by hand.
//
// Each line is one of these; what stands behind # is read over, and so are empty lines:
//     lan on               peers of the local network are asked (default: off)
//     public on            the public network is asked (default: off)
//     peer ADDRESS         somebody who is asked, as --peer
//     bootstrap ADDRESS    a node of the public DHT to begin with, that ends in /p2p/ID; or "none".
//                          Without any: SETTINGS_BOOTSTRAP
//     router URL           a web server that knows who has what (delegated routing), http://HOST
//     gateway URL          a web server that has blocks (a trustless gateway)
//
// Use     settings_load; settings_set, settings_save to change the file, between settings_lock and
//         settings_unlock.
// Owner   values point into the text of the settings, which settings_free gives back.
// Errors  each says what fails and returns EXIT_GOOD or the exit code. A file with a line that is
//         none is not believed at all.
// Limits  SETTINGS_FILE_BYTES; SETTINGS_LINES; of the kinds of the public network what
//         lib/p2p/limits.h says.
#pragma once
#include "core/base/types.h"
struct store;

// The bootstrappers of the public DHT are known by DNS records of a kind that the interface dns
// does not look up, and all but this one have RSA keys, which nobody here can check. It is taken at
// the port that they all have.
#define SETTINGS_BOOTSTRAP                                                                         \
    "/dns4/va1.bootstrap.libp2p.io/tcp/4001/p2p/"                                                  \
    "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8"
#define SETTINGS_NONE "none"

enum {
    SETTINGS_LINES = 64,             // beyond: the file is refused
    SETTINGS_FILE_BYTES = 32 * 1024, // of long lines as many as that; beyond: it is refused
    SETTINGS_VALUE_BYTES = 320,      // of an address; beyond: refused
};

enum setting_kind {
    SETTING_LAN,
    SETTING_PUBLIC,
    SETTING_PEER,
    SETTING_BOOTSTRAP,
    SETTING_ROUTER,
    SETTING_GATEWAY,
    SETTING_KINDS,
};

struct setting {
    enum setting_kind kind;
    const char *value;
};

struct settings {
    u32 count;
    struct setting lines[SETTINGS_LINES];
    char *text;     // what was read, cut into words
    char *original; // the same, whole: comments stay where the file is changed
};

// False: there is no such kind.
bool setting_kind_of(const char *word, enum setting_kind *out);
const char *setting_word(enum setting_kind kind);
// Whether the value is one of that kind; `why` receives a sentence, or NULL.
bool setting_is_good(enum setting_kind kind, const char *value, const char **why);

int settings_load(struct store *store, struct settings *out);
void settings_free(struct settings *settings);
// Adds or takes away a line; of SETTING_LAN and _PUBLIC there is one.
//   value  outlives the settings
int settings_set(struct settings *settings, enum setting_kind kind, const char *value);
// False: there is no such line.
bool settings_remove(struct settings *settings, enum setting_kind kind, const char *value);
// Writes the lines of the file that still hold as they were, with all comments and empty lines, and
// behind them what is new. A line that is removed takes its comment with it.
int settings_save(struct store *store, const struct settings *settings);

// Others who change the file wait meanwhile.
int settings_lock(struct store *store);
void settings_unlock(struct store *store);
