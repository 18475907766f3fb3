// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p/crypto.h: the cryptography of lib/p2p as messages to redshirt:io/crypto and
// redshirt:io/random.
//
// Use     a program that speaks to peers includes interfaces/crypto_section.h and random_section.h,
//         binds both, and fills a host's config with p2p_crypto_over. It links programs/p2p/*.c.
// Owner   a struct p2p_machine outlives the table and its hosts; about 128 KiB, so static.
// Errors  what may fail in a connection (to seal, to open, a product) is false, and the connection
//         ends. Where lib/p2p expects an answer always (a digest, a signature, random bytes) and
//         the handler gives none, the program ends: it must not go on with a guess.
// Limits  P2P_MACHINE_BYTES and _BOXES of one message, as crypto.wit allows; more boxes are several
//         messages. A hash may be of P2P_MACHINE_BYTES, or of a block that lies in `blocks`.
#pragma once
#include "core/base/types.h"
#include "lib/p2p/crypto.h"

enum {
    P2P_MACHINE_BYTES = 131072,
    P2P_MACHINE_BOXES = 64,
    P2P_MACHINE_HEAD_BYTES = 128, // more than any message has before its bytes
    // A message: its boxes, what stands around them, and the sizes of all.
    P2P_MACHINE_BUFFER_BYTES = P2P_MACHINE_BYTES + 4 * P2P_MACHINE_BOXES + 64,
};

struct p2p_machine {
    u32 crypto_bond;
    u32 random_bond;
    u8 buffer[P2P_MACHINE_BUFFER_BYTES];
    // NULL, or memory of the caller's in which blocks lie, P2P_MACHINE_HEAD_BYTES from its start at
    // the least. They are hashed where they are: what stands before them is used for the message's
    // head, and put back.
    u8 *blocks;
    size_t blocks_bytes;
};

struct p2p_crypto p2p_crypto_over(struct p2p_machine *machine);
