// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/pins.h: the files that the user wants to keep and to give to others: the record
// `pins`, one CID in each line, read by programs/p2p-loader.
//
// Errors  each says what fails and returns EXIT_GOOD or the exit code.
#pragma once
#include "core/base/cid.h"
struct store;

// Adds one; one that is there stays where it is.
int pin_add(struct store *store, const struct cid *cid);
// Takes one away. EXIT_NOT_FOUND: it is not there.
int pin_remove(struct store *store, const struct cid *cid);
// Prints them.
int pins_print(struct store *store);
