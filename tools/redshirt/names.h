// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/names.h: names that are keys: NAME@KEY stands for a program that changes.
//
// A key's owner signs an IPNS record (lib/p2p/ipns.h) that points to a manifest
// (lib/p2p/manifest.h), and the manifest names the program. The newest record that was seen of each
// key lies in the record `names` of this home (lib/p2p/name_list.h has its lines): `mine` is made
// by `redshirt publish`, `seen` comes from the network (programs/p2p-loader). Whoever has seen a
// record never takes an older one, so none comes back.
//
// Errors  each says what fails and returns EXIT_GOOD or the exit code.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/manifest.h"
#include "lib/p2p/name_list.h"
struct network;
struct store;

// The newest record of a key that this home knows, checked.
struct known_name {
    bool is_known;
    bool is_expired;
    bool is_damaged; // it is not known, and a line that may have been its own cannot be read
    struct ipns_record record; // its value points into `line`
    struct name_line line;
};
int name_find(struct store *store, const struct peer_id *key, struct known_name *out);

// Puts a record of our own in the place of the one before. The caller has held record_lock since it
// read that one, so that no two have the same sequence.
int name_keep(struct store *store, const struct name_line *line);

// The manifest that a record points to, out of the store, checked.
//   block  receives its bytes, from malloc, which the manifest points into
int name_manifest(struct store *store, const struct peer_id *key, const struct ipns_record *record,
                  struct manifest *out, struct span *block);

// Does the text look like NAME@KEY? Fills in both.
bool name_is(const char *text, struct span *name, struct peer_id *key);

// What program NAME@KEY stands for, after asking the network where it is on.
int name_resolve(struct store *store, struct network *network, const char *text, struct cid *out);

// Tells each NAME@KEY that this home knows, as it is known here, with the program that it stands
// for. What has expired, was taken back, or has no manifest in the store is left out.
typedef void names_tell(void *context, const char *text, const struct cid *program);
int names_known(struct store *store, names_tell *tell, void *context);
