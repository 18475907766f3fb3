// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/embedded.h: the programs that come with the command, as
// build/gen/redshirt/embedded.c holds them (mk/hosted.mk makes it out of build/programs/*.wasm).
//
// Limits  EMBEDDED_MOST programs; each is one block.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct store;

enum { EMBEDDED_MOST = 64 }; // some dozens come with the command

struct embedded {
    const char *name; // "store-loader"
    const u8 *start;
    const u8 *end;
};

extern const struct embedded embedded_programs[];
extern const size_t embedded_count;

// Whether a program of that name comes with the command.
bool embedded_has(const char *name);
// The index of that program, or embedded_count.
size_t embedded_find(const char *name);

struct span embedded_bytes(size_t index);
// Its name as a block.
const struct cid *embedded_cid(size_t index);

// Puts it into the store, where the loader finds it, and writes its CID, zero-terminated. Says what
// fails; returns EXIT_GOOD or the exit code.
int embedded_put(struct store *store, size_t index, char cid[CID_TEXT_BYTES]);
