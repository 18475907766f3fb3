// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/keys.h: what lib/p2p needs to sign and to check names, out of libsodium.
#pragma once
#include "lib/p2p/crypto.h"

// A table with digests, signatures and random bytes. Its ciphers are NULL: no connection uses it.
extern const struct p2p_crypto keys_crypto;
