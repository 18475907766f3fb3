// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/bitswap_internal.h: what the parts of the engine share.
//
// bitswap.c          peers, events, time
// bitswap_want.c     whom to ask for what, and the messages that ask
// bitswap_receive.c  what peers send
// bitswap_serve.c    what peers want, and the messages that answer
#pragma once
#include "lib/p2p/bitswap.h"

#define BITSWAP_NS_PER_MS ((u64)1000000)

enum bitswap_ask_state {
    BITSWAP_ASK_NEW, // to be sent
    BITSWAP_ASK_SENT,
    BITSWAP_ASK_HAS,
    BITSWAP_ASK_LACKS,
    BITSWAP_ASK_LATE,
};

enum bitswap_order_state {
    BITSWAP_ORDER_FREE,
    BITSWAP_ORDER_NEW,
    BITSWAP_ORDER_GIVEN, // to the caller
    BITSWAP_ORDER_READY, // to be sent
    BITSWAP_ORDER_SENDING,
    BITSWAP_ORDER_RELEASED, // its bytes are to be given back
};

enum bitswap_notice {
    BITSWAP_NOTICE_UNWANTED = 1,
    BITSWAP_NOTICE_LATE = 2,
    BITSWAP_NOTICE_DROP = 4,
};

// ---- bitswap.c

// The list of a hash table in which this CID is found; strangers who choose CIDs do not know where.
u32 bitswap_hash(const struct bitswap *engine, const struct cid *cid);
void bitswap_notify(struct bitswap *engine, struct bitswap_peer *peer, enum bitswap_notice notice);
// It broke a rule: nothing more is asked of it, and nothing that it sends is read.
void bitswap_fail(struct bitswap *engine, struct bitswap_peer *peer, enum err err,
                  const char *reason);
// Whether it may be asked.
bool bitswap_is_usable(const struct bitswap *engine, const struct bitswap_peer *peer);
// The stream of an outbox, opened when it is not; NULL: not now.
struct p2p_stream *bitswap_outbox_open(struct bitswap *engine, struct bitswap_peer *peer,
                                       struct bitswap_outbox *box);
void bitswap_outbox_close(struct bitswap *engine, struct bitswap_outbox *box);

// ---- bitswap_want.c

void bitswap_wants_init(struct bitswap *engine);
// What the peer was asked for is asked of others.
void bitswap_wants_leave(struct bitswap *engine, struct bitswap_peer *peer);
// Looks again at the wants that have nobody who would send them, or at all.
void bitswap_wants_look(struct bitswap *engine, bool all);
// Looks at those that the peer was asked for.
void bitswap_wants_of(struct bitswap *engine, struct bitswap_peer *peer);
// Asks of a want are late, and peers without progress stalled.
void bitswap_wants_tick(struct bitswap *engine);
void bitswap_wants_run(struct bitswap *engine);
// A block came, whatever it is. True: it was wanted, and is not any more; *cid and *sessions say by
// whom.
bool bitswap_wants_block(struct bitswap *engine, struct bitswap_peer *peer,
                         const u8 digest[CID_DIGEST_BYTES], u32 size, struct cid *cid,
                         u32 *sessions);
// Bytes of a block that cannot be one that is wanted.
void bitswap_wants_unwanted(struct bitswap *engine, struct bitswap_peer *peer, u32 size);
// A block was read over. It may be one that was wanted before.
void bitswap_wants_skipped(struct bitswap *engine, struct bitswap_peer *peer, u32 size);
void bitswap_wants_presence(struct bitswap *engine, struct bitswap_peer *peer,
                            const struct cid *cid, bool has);
// The next want that is missing and was not told.
bool bitswap_wants_missing(struct bitswap *engine, struct bitswap_event *out);

// ---- bitswap_receive.c

void bitswap_inboxes_init(struct bitswap *engine);
// Listens to a stream. False: there are too many, and it is to be reset.
bool bitswap_inboxes_accept(struct bitswap *engine, struct bitswap_peer *peer,
                            struct p2p_stream *stream, struct bitswap_outbox *outbox);
void bitswap_inbox_close(struct bitswap *engine, struct bitswap_inbox *inbox);
void bitswap_inboxes_changed(struct bitswap *engine, struct bitswap_inbox *inbox);
void bitswap_inboxes_leave(struct bitswap *engine, struct bitswap_peer *peer);
void bitswap_inboxes_tick(struct bitswap *engine, struct bitswap_peer *peer);
// Goes on with those that wait for a buffer.
void bitswap_inboxes_run(struct bitswap *engine);
void bitswap_buffer_free(struct bitswap *engine, struct bitswap_buffer *buffer);

// ---- bitswap_serve.c

void bitswap_orders_init(struct bitswap *engine);
void bitswap_orders_peer(struct bitswap *engine, struct bitswap_peer *peer);
void bitswap_orders_entry(struct bitswap *engine, struct bitswap_peer *peer,
                          const struct bitswap_item *entry, u32 serial);
// The wantlist that has just ended, of the message `serial`, was all that the peer wants.
void bitswap_orders_full(struct bitswap *engine, struct bitswap_peer *peer, u32 serial);
void bitswap_orders_leave(struct bitswap *engine, struct bitswap_peer *peer);
void bitswap_orders_run(struct bitswap *engine, struct bitswap_peer *peer);
void bitswap_orders_tick(struct bitswap *engine, struct bitswap_peer *peer);
// Its stream is gone: what was in the message is given up.
void bitswap_orders_lost(struct bitswap *engine, struct bitswap_peer *peer);
bool bitswap_orders_released(struct bitswap *engine, struct bitswap_event *out);
