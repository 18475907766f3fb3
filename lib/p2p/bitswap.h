// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/bitswap.h: gets blocks from peers, and gives them blocks.
//
// Use     bitswap_init. For each connection whose peer may speak it: bitswap_peer_add when it is
//         OPENED, bitswap_peer_remove before p2p_connection_drop. Each p2p_event goes to
//         bitswap_event, which says whether it was about a stream of bitswap; the rest is the
//         caller's. After every call, and at bitswap_wake at the latest: bitswap_run, then
//         bitswap_next until NONE and, as far as the caller has room for answers,
//         bitswap_order_next until false; then send what the connections have.
//
//         To get: bitswap_want each block, for a session (a number of the caller's choice: the file
//         that is fetched). The engine asks peers, several for different blocks of one session,
//         takes one that is slow, silent or lies for another's, and tells BLOCK with verified
//         bytes once, MISSING when everyone who was asked has said no or has said nothing in time
//         (bitswap_said tells who said what). A want that is MISSING stays: a new peer, a new hint
//         or a late answer bring it back to life. bitswap_session_end forgets a session.
//         To give: bitswap_order_next says what a peer wants and bitswap_answer answers it, at
//         once or any time later.
// Owner   everything that bitswap_config points at is the caller's and outlives the engine; so are
//         struct bitswap_peer, at fixed addresses, and connections. Streams of bitswap are the
//         engine's. The bytes of a BLOCK are the caller's until its next bitswap_next; the bytes of
//         an answer are the engine's until RELEASED.
// Trust   a peer chooses what it sends, its prefix included: a block is what its bytes hash to
//         under sha2-256, wanted or not. Nothing is held for a peer beyond limits.h; what it sends
//         unasked is counted, and at P2P_BITSWAP_UNWANTED_BYTES the engine says DROP.
// Limits  P2P_BITSWAP_*, and the memory that is given.
// Time    now_ns of each call, never backwards.
// Source  specs.ipfs.tech/bitswap-protocol, version 1.2.0.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/span.h"
#include "lib/p2p/bitswap_message.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/limits.h"

#define BITSWAP_PROTOCOL SPAN_LITERAL("/ipfs/bitswap/1.2.0")

// ---- memory; the fields are the engine's own, but for what is said of struct bitswap_peer

struct bitswap_buffer;
struct bitswap_peer;

// A block that is wanted.
struct bitswap_want {
    struct list_node of_engine; // free, to be looked at, missing and to be told so, or idle
    struct list_node of_hash;
    struct list asks;
    struct cid cid;
    u32 sessions; // a bit for each
    u32 serial;   // the older, the more urgent
    bool is_told; // that everyone who was asked has said no
    bool waits;   // for something that only time brings
};

// That a peer was asked for a block, and what it said.
struct bitswap_ask {
    struct list_node of_want; // the engine's free ones, or a want's
    struct list_node of_peer;
    struct bitswap_want *want;
    struct bitswap_peer *peer;
    bool is_block; // not only whether the peer has it
    u8 state;
    u8 tries;
    u64 since_ns;
};

// What a peer wants of us.
struct bitswap_order {
    struct list_node of_peer; // the engine's free or released ones, or one of a peer's
    struct list_node of_hash;
    struct bitswap_peer *peer;
    struct cid cid;
    bool is_version_0;
    bool is_block;
    bool wants_no;  // an answer also when we have it not
    bool was_block; // when the caller was asked
    bool has;       // the answer
    u8 state;
    u8 rank;        // of its priority
    u32 generation; // of its id
    u32 serial;     // of the message that it came in
    struct span bytes;
    u64 token;
};

// A stream on which a peer sends.
struct bitswap_inbox {
    struct list_node of_peer; // the engine's free ones, or a peer's
    struct p2p_stream *stream;
    struct bitswap_outbox *outbox; // whose stream it is; NULL: the peer opened it
    struct bitswap_peer *peer;
    struct bitswap_reader reader;
    struct bitswap_buffer *buffer; // of the block that arrives
    u32 block_bytes;               // of it
    bool waits;                    // for a buffer
    u32 serial;                    // of the message, 0: none has begun
    u32 progress_bytes;
    u64 progress_ns;
};

// Room for a block that arrives.
struct bitswap_buffer {
    struct list_node of_engine; // free, or ready
    u8 *bytes;
    u32 size;
    struct cid cid;
    u32 sessions;
    struct bitswap_peer *peer; // NULL when it is gone
};

// A stream on which we send; opened when there is something, closed when there was nothing for
// P2P_BITSWAP_IDLE_MS.
struct bitswap_outbox {
    struct p2p_stream *stream;
    struct bitswap_inbox *inbox; // of what comes back on it: answers may
    u64 used_ns;
};

// A want that was given up after the peer was asked.
struct bitswap_recent {
    u64 since_ns; // when it was asked
    struct cid cid;
    bool is_owed; // the block may still come
    bool cancels; // the peer is to be told
};

struct bitswap_peer {
    // What the caller may read.
    struct p2p_connection *connection;
    u64 tag;            // the caller's
    bool is_taker;      // the caller may set it: it is given blocks and asked for none
    bool is_behind;     // the caller may set it: where room is scarce, others come first
    u64 wanted_bytes;   // of blocks that were wanted
    u64 wanted_count;   // of them
    u64 unwanted_bytes; // what is counted; wanted ones count down
    u64 served_bytes;
    u64 served_count; // blocks that it has got of us
    u32 late_count;   // how often it was not waited for any more
    u32 liar_count;   // blocks that it sent instead of those it was asked for
    enum err failure;
    const char *reason;

    struct list_node of_engine;
    struct list_node of_notices;
    u8 notices;
    bool is_mute;    // it does not speak bitswap
    bool is_stalled; // without progress, or it lied: others are asked first
    u32 sessions;    // for which it gave something, or says that it has it
    u32 hints;       // for which the caller thinks so
    u32 mark;
    // What we want of it.
    struct list asks;
    u32 asked_count;  // blocks it was asked for, on their way or to be sent
    u32 unsent_count; // asks that are to be sent
    u32 cancel_count; // cancels that are to be sent
    u64 progress_ns;  // when it last sent bytes of blocks, enough to be called progress
    struct bitswap_outbox want_box;
    struct bitswap_recent recent[P2P_BITSWAP_RECENT];
    u32 recent_at;
    // What it sends.
    struct list inboxes;
    u32 inbox_count;
    // What it wants of us: whether we have something or blocks, each by rank; what the caller was
    // asked for; what is to be sent, and what is in the message that is being sent.
    struct list orders[2][P2P_BITSWAP_RANKS];
    struct list given;
    struct list ready;
    struct list sending;
    u32 order_count;  // all of them
    u32 lookup_count; // blocks that the caller was asked for
    u64 out_bytes;    // of blocks in `ready` and `sending`
    u64 item_sent;    // of the first in `sending`
    u32 head_size;
    u32 head_sent;
    u8 head[BITSWAP_HEAD_BYTES];
    i64 saved_bytes; // of its budget; below 0: it has had more
    u64 saved_ns;
    u32 serial;  // of messages
    u64 sent_ns; // when it last took bytes of ours
    struct bitswap_outbox answer_box;
};

struct bitswap_config {
    const struct p2p_crypto *crypto; // its sha256 is called once for each block
    u32 protocol;                    // index of BITSWAP_PROTOCOL in the host's names
    struct bitswap_want *wants;      // blocks wanted at once
    u32 want_count;
    struct bitswap_ask *asks; // a few for each want; more, where there are many peers
    u32 ask_count;
    struct bitswap_inbox *inboxes; // two for each peer do; at most P2P_BITSWAP_INBOXES are used
    u32 inbox_count;
    struct bitswap_order *orders; // what peers want of us, all together
    u32 order_count;
    struct bitswap_buffer *buffers; // blocks that arrive at the same time; two are enough
    u32 buffer_count;
    u8 *buffer_memory; // buffer_count * buffer_bytes
    u32 buffer_bytes;  // at most P2P_BLOCK_BYTES. A longer block is read over
    u64 budget_bytes;  // that one peer gets in a second, saved up for 10 s; 0: no bound
};

struct bitswap {
    struct bitswap_config config;
    u64 secret; // of the hashes
    struct list peers;
    struct list free_wants, look_wants, missing_wants, idle_wants;
    struct list free_asks;
    struct list free_inboxes;
    struct list free_orders, released;
    struct list free_buffers, ready_buffers;
    struct list want_hash[P2P_BITSWAP_HASHES];
    struct list order_hash[P2P_BITSWAP_HASHES];
    struct list notices;
    struct bitswap_buffer *told; // with the caller until its next bitswap_next
    u32 want_count;
    u32 want_serial;
    u32 mark;
    u32 waiting_count; // inboxes that wait for a buffer
    u64 now_ns;
    u64 tick_ns; // when time is looked at next
    u8 scratch[P2P_BITSWAP_BATCH_BYTES];
};

// ---- life

void bitswap_init(struct bitswap *engine, const struct bitswap_config *config);
// No peer is left. What was answered is not RELEASED any more.
void bitswap_drop(struct bitswap *engine);

//   tag  the caller's, of no meaning here
void bitswap_peer_add(struct bitswap *engine, struct bitswap_peer *peer,
                      struct p2p_connection *connection, u64 tag, u64 now_ns);
// Its streams are closed, what it was asked for is asked of others, what it wanted is forgotten.
void bitswap_peer_remove(struct bitswap *engine, struct bitswap_peer *peer, u64 now_ns);

// Takes an event of that peer's connection. True: it was about a stream of bitswap.
bool bitswap_event(struct bitswap *engine, struct bitswap_peer *peer, struct p2p_event event,
                   u64 now_ns);

// Decides whom to ask, and writes messages into streams.
void bitswap_run(struct bitswap *engine, u64 now_ns);
// When to call it, UINT64_MAX: when something happens.
u64 bitswap_wake(const struct bitswap *engine);

// ---- getting

// Wants a block for a session, 0 .. P2P_BITSWAP_SESSIONS - 1.
// ERR_BUSY  config.want_count blocks are wanted already
enum err bitswap_want(struct bitswap *engine, u32 session, const struct cid *cid, u64 now_ns);
// No more. Peers that were asked are told.
void bitswap_cancel(struct bitswap *engine, u32 session, const struct cid *cid, u64 now_ns);
void bitswap_session_end(struct bitswap *engine, u32 session, u64 now_ns);
// The peer may have what the session wants: it is asked first.
void bitswap_hint(struct bitswap *engine, u32 session, struct bitswap_peer *peer, u64 now_ns);

// Walks what is wanted: *at is 0 at first, and is moved on. False: there is no more.
//   is_missing  nobody who was asked has it, and MISSING was told
bool bitswap_wanted(const struct bitswap *engine, u32 *at, struct cid *cid, u32 *sessions,
                    bool *is_missing);

enum bitswap_said {
    BITSWAP_NOT_ASKED,
    BITSWAP_ASKED, // and may still answer
    BITSWAP_HAS,   // so it says
    BITSWAP_LACKS, // so it says
    BITSWAP_LATE,  // it said nothing, or did not send what it has
};
// What a peer has said about a block that is wanted.
enum bitswap_said bitswap_said(const struct bitswap *engine, const struct cid *cid,
                               const struct bitswap_peer *peer);

enum bitswap_event_kind {
    BITSWAP_EVENT_NONE,
    BITSWAP_EVENT_BLOCK,    // `cid` of `sessions` is here, checked: `bytes`, from `peer`, which may
                            // be NULL when it has gone since
    BITSWAP_EVENT_MISSING,  // `cid` of `sessions`: nobody who was asked has it
    BITSWAP_EVENT_UNWANTED, // `peer` has sent bytes that nobody asked it for: peer->unwanted_bytes
    BITSWAP_EVENT_LATE,     // `peer` was asked for blocks and has sent none; others are asked
    BITSWAP_EVENT_DROP,     // `peer` broke a rule: `err`, `reason`; end its connection. It is asked
                            // for nothing any more, and not listened to
    BITSWAP_EVENT_RELEASED, // the bytes of an answer, by its `token`
};

struct bitswap_event {
    enum bitswap_event_kind kind;
    struct bitswap_peer *peer;
    struct cid cid;
    u32 sessions; // a bit for each
    struct span bytes;
    u64 token;
    enum err err;
    const char *reason;
};

struct bitswap_event bitswap_next(struct bitswap *engine);

// ---- giving

struct bitswap_request {
    u64 id;
    struct bitswap_peer *peer;
    struct cid cid;
    bool is_block; // the bytes are wanted; else, whether we have it
};

// What a peer wants that has not been told to the caller; false: nothing now. Each is to be
// answered once. Of one peer, not more than P2P_BITSWAP_LOOKUPS blocks are asked for before they
// are answered, and none while P2P_BITSWAP_OUT_BYTES are on their way to it or its budget is used
// up.
//   is_scarce  the caller has little room left: only of peers for which nothing is looked up or on
//              its way, so that those who want much leave some to the others; and first of those
//              who are not is_behind
bool bitswap_order_next(struct bitswap *engine, bool is_scarce, struct bitswap_request *out);
// Whether bitswap_order_next would say something, where room is scarce.
bool bitswap_orders_wait(struct bitswap *engine);

// Answers one. True: `bytes` are the engine's until RELEASED. False: they are not needed; perhaps
// nobody wants them any more.
//   has    the block is there and this peer may know it
//   bytes  of the block, where they were asked for; they stay where they are until RELEASED.
//          Beyond P2P_BLOCK_BYTES: as if it was not there
bool bitswap_answer(struct bitswap *engine, u64 id, bool has, struct span bytes, u64 token);
