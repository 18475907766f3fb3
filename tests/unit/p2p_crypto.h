// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/p2p_crypto.h: a struct p2p_crypto for tests: libsodium's, or one that only looks so.
//
// Use     p2p_crypto_sodium where the cryptography matters (link with -lsodium).
//         p2p_crypto_plain where bytes shall get past it: nothing is sealed, tags are zeros,
//         signatures are always right, secrets are their own points. For fuzzing.
// Owner   a struct p2p_dice is the tables' source of random bytes: a seed makes a run.
#pragma once
#include "lib/p2p/crypto.h"

struct p2p_dice {
    u64 state;
};

// Lets libsodium choose what is fast on this CPU; without it, it is right and slower.
bool p2p_sodium_start(void);

struct p2p_crypto p2p_crypto_sodium(struct p2p_dice *dice);
struct p2p_crypto p2p_crypto_plain(struct p2p_dice *dice);

// The next number of a sequence that the state begins.
u64 p2p_dice_roll(struct p2p_dice *dice);
