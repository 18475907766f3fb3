// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/ip_text.h: IP addresses as people write them.
//
// Source  RFC 4291 section 2.2 (IPv6 text, with an IPv4 tail), RFC 5952 (how it is written); IPv4
//         as four decimal numbers without leading zeros, which some readers take as octal.
#pragma once
#include "core/base/span.h"
struct text;

// False: not such an address; `out` is undefined then.
bool ip4_parse(struct span text, u8 out[4]);
bool ip6_parse(struct span text, u8 out[16]);

void ip4_write(struct text *out, const u8 address[4]);
void ip6_write(struct text *out, const u8 address[16]);
