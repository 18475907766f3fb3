// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/cid_text.h: names of blocks in every way that people and peers write them.
//
// core/base/cid.h knows one text form and one binary form, so that one program has one name. The
// network has older ones: version 0 (Qm..., a bare multihash, always dag-pb), and version 1 in
// base36 and base58. They all come to the same struct cid. People copy them out of addresses, too.
//
// Limits  sha2-256 of 32 bytes, raw or dag-pb; everything else is refused by name.
// Source  github.com/multiformats/cid, /multibase
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
struct report;

// Parses a CID in any of its text forms; the whole of `text` must be one.
// ERR_MALFORMED, ERR_UNSUPPORTED  as cid_parse_text
enum err p2p_cid_parse_text(struct span text, struct cid *out, struct report *report);

// As p2p_cid_parse_text, for what a person gives: also /ipfs/CID and ipfs://CID, with a slash
// behind or not. ERR_UNSUPPORTED: a path goes on below it.
enum err p2p_cid_parse_word(struct span text, struct cid *out, struct report *report);
