// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/peer.h: another engine that runs the same module in the same process, for comparison.
//
// Use     peer_none.c stands in when there is no other; peer_wasm3.c is wasm3, out of a source tree
//         that the environment variable WASM3_DIR names when the benchmark is built.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct peer;

// The engine's name, or NULL when there is none: then nothing below may be called.
const char *peer_name(void);
// Loads a module whose export `run` takes an i32 and returns an i64; NULL when it cannot.
struct peer *peer_open(struct span wasm);
// Runs it once. False when it trapped.
bool peer_run(struct peer *peer, u32 n, u64 *result);
void peer_close(struct peer *peer);
