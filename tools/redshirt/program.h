// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/program.h: which program somebody means.
//
// A CID is taken as one; whatever looks like a path, or is a file, is a file, and is put into the
// store; NAME@KEY is what its key says, who may be asked for over the network; a name is that of a
// program that comes with the command.
#pragma once
#include "core/base/cid.h"
struct network;
struct store;

// Its CID, zero-terminated. Says what fails; returns EXIT_GOOD or the exit code.
int program_find(struct store *store, struct network *network, const char *program,
                 char cid[CID_TEXT_BYTES]);
// The same, and no file and nothing of the command's is put into the store.
int program_look(struct store *store, struct network *network, const char *program,
                 char cid[CID_TEXT_BYTES]);
