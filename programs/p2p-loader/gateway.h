// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/gateway.h: blocks from trustless gateways, which are web servers: the last
// that are asked, one block after another.
//
// Use     gateway_begin where there are any; gateway_turn in each turn. What comes is hashed, then
//         handed to fetch_block. gateways_hear when something new is looked for.
// Limits  one question at a time, of LOADER_WEB_MS; a block has P2P_BLOCK_BYTES. A gateway that
//         lacks a block is not asked for another of that file; one that sends something else is
//         asked nothing more.
#pragma once
#include "core/base/types.h"
struct node;

//   buffer  P2P_BLOCK_BYTES within node->machine.blocks
void gateway_begin(u8 *buffer);
void gateways_hear(void);
// Whether one may still give what is looked for.
bool gateways_are_coming(const struct node *node);
void gateway_turn(struct node *node);
