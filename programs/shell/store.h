// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/store.h: programs in files: their bytes go into the machine's store, from where
// the kernel loads them by their CID.
//
// The machine lets one process of a session write there (`redshirt:io/keep`): the shell, unless the
// session fetches programs from others, when it is who does that.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"

// Puts a file into the store.
//   path  from the root
//   cid   receives its name, zero-terminated
// Returns NULL, or a word for people.
const char *store_add(struct span path, char cid[CID_TEXT_BYTES]);
