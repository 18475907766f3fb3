// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/rfc3339.h: times as records write them: "2026-01-31T23:59:59.000000001Z".
//
// Limits  years 1970 to 2553; nanoseconds since 1970 UTC, without leap seconds.
// Source  RFC 3339. An offset "+hh:mm" is understood; the second 60 is not.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
struct report;

enum { RFC3339_BYTES = 30 }; // as they are written here, always with nine digits of a second

void rfc3339_write(u64 unix_ns, char out[RFC3339_BYTES + 1]);

// ERR_MALFORMED  not such a time; ERR_LIMIT  a year beyond those above
enum err rfc3339_read(struct span text, u64 *out, struct report *report);
