// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/embedded.h: the programs that come with the command, as
// build/gen/redshirt/embedded.c holds them (mk/hosted.mk makes it out of build/programs/*.wasm).
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct embedded {
    const char *name; // "store-loader"
    const u8 *start;
    const u8 *end;
};

extern const struct embedded embedded_programs[];
extern const size_t embedded_count;

// Whether a program of that name comes with the command.
bool embedded_has(const char *name);
