// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/kad_server.h: answers questions of the local network's DHT, so that a network of
// redshirts alone can keep who has what.
//
// Use     for KAD_LAN only (put it among the host's protocols); never for the public one. For each
//         stream that a peer opened: kad_serving_init, then kad_server_receive what arrives, and
//         write what is answered. kad_server_tick once a minute. The table (server.table) learns of
//         peers through its own functions.
// Owner   the structs are the caller's: one struct kad_server of about 300 KiB, and a struct
//         kad_serving of 12 KiB for each stream. One thread at a time.
// Limits  P2P_KAD_RECORDS provider records of P2P_KAD_RECORD_PEERS peers, of one of them
//         P2P_KAD_PEER_RECORDS; they die after P2P_KAD_RECORD_MS. P2P_KAD_NAMES records of names of
//         P2P_KAD_NAME_BYTES, brought by one peer P2P_KAD_PEER_NAMES, by ourselves
//         P2P_KAD_OWN_NAMES, which others leave free. At a bound what is new is not taken, and what
//         is there lives out its time. A peer announces itself and nobody else. One answer for one
//         question, of at most P2P_KAD_ANSWER_BYTES. A guest, who is not of the local network,
//         hears the names that we brought ourselves, and of nobody.
// Source  libp2p specifications, "kad-dht".
#pragma once
#include "lib/p2p/kad_table.h"

// A peer that provides, and where it is.
struct kad_record_peer {
    u32 records; // 0: the place is free
    struct p2p_hint hint;
};

struct kad_record {
    bool is_used;
    u16 peer; // index of it
    struct kad_place key;
    u64 until_ns;
};

struct kad_name {
    bool is_used;
    struct peer_id name, from; // from whom it came
    u64 until_ns;
    u32 size;
    u8 bytes[P2P_KAD_NAME_BYTES];
};

struct kad_server {
    const struct p2p_crypto *crypto;
    struct kad_table table;
    struct kad_record_peer peers[P2P_KAD_RECORD_PEERS];
    struct kad_record records[P2P_KAD_RECORDS];
    struct kad_name names[P2P_KAD_NAMES];
    u8 scratch[IPNS_SCRATCH_BYTES];
};

void kad_server_init(struct kad_server *server, const struct p2p_crypto *crypto,
                     const struct peer_id *self);

// One stream of a peer.
struct kad_serving {
    struct p2p_hint peer; // who speaks, and its addresses as identify told them
    bool is_guest;        // may only ask for names of ours; kad_serving_init says false
    u32 questions;
    bool has_type, has_provider, has_value;
    enum kad_type type;
    struct kad_key key; // empty: none yet
    struct p2p_hint provider;
    u32 value_size;
    u8 value[P2P_KAD_NAME_BYTES];
    struct kad_reader reader;
};

//   peer  who opened it, and its addresses of the local network
void kad_serving_init(struct kad_serving *serving, const struct p2p_hint *peer);

// Takes bytes until a question is whole; call it again with what is left until it has taken all and
// says size 0.
//   now_unix_ns  of the wall clock, for names; 0: there is none, and names are not taken
//   taken        receives how many bytes were taken
//   out          receives the answer, of `size` bytes; 0: none is due
// Errors as kad_read; ERR_INVALID  a question that has no answer: without a key, or a name that is
// not taken; ERR_LIMIT  more than P2P_KAD_QUESTIONS. Reset the stream then.
enum err kad_server_receive(struct kad_server *server, struct kad_serving *serving,
                            struct span bytes, u64 now_ns, u64 now_unix_ns, size_t *taken,
                            u8 out[P2P_KAD_ANSWER_BYTES], size_t *size, struct report *report);

// Lets what is too old go.
void kad_server_tick(struct kad_server *server, u64 now_ns);

// What we have ourselves: told to others without a message, until it is withdrawn.
//   self  we, with the addresses at which we listen
// ERR_LIMIT  P2P_KAD_RECORDS, P2P_KAD_RECORD_PEERS
enum err kad_server_provide(struct kad_server *server, const struct kad_key *key,
                            const struct p2p_hint *self);
void kad_server_withdraw(struct kad_server *server, const struct kad_key *key);
