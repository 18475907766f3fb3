// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/random.h: random bytes fit for keys.
//
// Use     random_start once the clock runs; then random_fill (which platform_random is).
// Source  fast key erasure (Bernstein 2017): each call's keystream begins with the next key, so
//         what was given out cannot be found again in memory. The stream is ChaCha20.
#pragma once
#include "core/base/types.h"

// Gathers the seed: the CPU's own generator where there is one, and always the jitter of its clock.
void random_start(void);
void random_fill(void *out, size_t size);
