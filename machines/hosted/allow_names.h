// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/allow_names.h: which names a client of dns may resolve: the limits of its grants.
//
// Use     allow_names_check before a limit is written; allow_names_client at each lookup, which
//         takes so long that nothing need be remembered of a client.
// Limits  HOSTED_ALLOW_PARTS of one limit; a name has HOSTED_NAME_BYTES.
// Source  docs/grants.md, Names.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel_device;
struct report;

// ERR_MALFORMED  the report says what is wrong, and its offset where
// ERR_LIMIT      HOSTED_ALLOW_PARTS, or a name that is too long
enum err allow_names_check(struct span limit, struct report *report);

// Whether a limit has that name. One that allow_names_check refuses has none.
bool allow_names_has(struct span limit, struct span name);

// Whether all limits of a client of this device have it.
bool allow_names_client(struct kernel_device *device, u64 client, struct span name);
