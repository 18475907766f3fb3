// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/limits.h: every bound of the peer-to-peer transport. Each is the largest value that is
// accepted, and what happens beyond it stands beside it.
#pragma once

enum {
    // ---- names

    // A digest in a multihash; the longest in use has 512 bits. Beyond: malformed.
    P2P_DIGEST_BYTES = 64,
    // A public key up to this size is its own peer id, a longer one is hashed (peer id spec).
    P2P_INLINE_KEY_BYTES = 42,
    P2P_PEER_ID_BYTES = 2 + P2P_INLINE_KEY_BYTES,
    // Ending zero included. The longest is base36 of such an id as a CID.
    P2P_PEER_ID_TEXT_BYTES = 80,
    // A key in its protobuf form: RSA of 8192 bits takes 1062. Beyond: refused unread, because the
    // cost of a signature's check grows with the key (CVE-2023-39533).
    P2P_KEY_BYTES = 1100,
    // What multibase decodes; base58 costs the square of it. Beyond: malformed.
    P2P_MULTIBASE_BYTES = 64,
    // In binary; one host name (253) and a peer id are the most that addresses in use hold.
    P2P_MULTIADDR_BYTES = 320,
    P2P_MULTIADDR_PARTS = 16,
    P2P_MULTIADDR_TEXT_BYTES = 1024,
    P2P_HOST_NAME_BYTES = 253, // RFC 1035

    // ---- multistream-select

    // A protocol's name; the specification's own cap on a line is 1024 with its newline.
    P2P_PROTOCOL_BYTES = 256,
    P2P_LINE_BYTES = 1024, // beyond: malformed, the stream or connection ends
    // Names that a peer may try in vain on one stream; js and Go try one or two.
    P2P_PROPOSALS = 16,
    // Protocols of one host, so that a peer's choice among them fits one word.
    P2P_PROTOCOLS = 64,

    // ---- noise

    P2P_NOISE_MESSAGE_BYTES = 65535, // its length has 16 bits
    P2P_NOISE_TAG_BYTES = 16,
    P2P_NOISE_PLAIN_BYTES = P2P_NOISE_MESSAGE_BYTES - P2P_NOISE_TAG_BYTES,
    // A message of the handshake: two keys, two tags, and a payload with a key, its signature and a
    // list of muxers. Beyond: malformed.
    P2P_HANDSHAKE_BYTES = 4096,
    P2P_MUXERS = 8, // names in the peer's list; further ones are read over

    // ---- memory

    P2P_CHUNK_BYTES = 4096, // the unit in which queued bytes are kept, its link included
    // Unread bytes of one connection: what is in flight of several wide streams. At this bound the
    // connection takes no more bytes from the wire until the application has read.
    P2P_RECEIVE_CHUNKS = 512,
    // Written and not yet sent bytes of one connection. At this bound writes are cut short.
    P2P_SEND_CHUNKS = 256,

    // ---- yamux

    YAMUX_WINDOW_BYTES = 256 * 1024, // of each new stream, by the specification
    // What we widen it to at once: 1 MiB is a block of the largest leaves in flight. With 16 MiB a
    // js peer had to cut less, but one that echoes 5 MB never came to an end.
    P2P_WINDOW_BYTES = 1024 * 1024,
    // Data in one frame: large enough that its header costs nothing, small enough that another
    // stream's frame fits into the same noise message.
    P2P_FRAME_BYTES = 32 * 1024,
    // Streams of one connection opened by the peer: beyond, a stream is refused with RST.
    P2P_STREAMS_IN = 64,
    // Opened by us: beyond, ERR_BUSY. Below 256, the backlog of unconfirmed streams that the
    // specification allows.
    P2P_STREAMS_OUT = 64,
    // Written and not yet sent bytes of one stream, so that one that the peer does not read leaves
    // room to others. Beyond: writes are cut short.
    P2P_STREAM_SEND_BYTES = 256 * 1024,
    // Of P2P_SEND_CHUNKS, what an application's writes leave to negotiations and services: a chunk
    // for each stream that the peer may open.
    P2P_SEND_RESERVE_CHUNKS = P2P_STREAMS_IN,
    // Free chunks at which streams that were cut are told to go on.
    P2P_SEND_RECALL_CHUNKS = (P2P_SEND_CHUNKS + P2P_SEND_RESERVE_CHUNKS) / 2,
    // Pings that we owe an answer. Peers have one under way. Beyond: the connection ends.
    P2P_PONGS = 8,
    // Streams that we owe a refusal: the backlog that the specification allows. Beyond: the
    // connection ends.
    P2P_REFUSALS = 256,

    // ---- identify

    P2P_IDENTIFY_BYTES = 8192,       // what Go and js accept. Beyond: the stream is reset
    P2P_IDENTIFY_NAMES = 256,        // protocols and addresses that are looked at; CVE-2023-40583
    P2P_IDENTIFY_ADDRESSES = 8,      // listen addresses that are kept
    P2P_IDENTIFY_ADDRESS_BYTES = 64, // of those; longer ones are read over
    P2P_AGENT_BYTES = 64,            // of the agent's name that is kept, ending zero included
    P2P_PING_BYTES = 32,             // of the ping protocol; by its specification
    P2P_PINGS = 2,                   // streams for ping of one peer; by its specification

    // ---- finding peers, blocks and names

    // Connections in an hour to where others said that a peer is. A local network has some hundreds
    // of machines; announcing everything asks some ten thousand nodes of the public one. Beyond:
    // such addresses are not dialled until the hour is over.
    P2P_HEARSAY_LAN_HOUR = 1024,
    P2P_HEARSAY_PUBLIC_HOUR = 32768,
    // What is kept of where a peer may be: its own network's addresses and its public ones.
    P2P_HINT_ADDRESSES = 6,
    // Of each: /ip6 and /tcp take 20, a host's name the rest. Longer ones are read over.
    P2P_HINT_ADDRESS_BYTES = 64,

    // A packet of mDNS: what Ethernet carries with IPv6 and UDP around it (RFC 6762, section 17
    // allows more when a record needs it; ours never does). Longer ones are refused.
    MDNS_PACKET_BYTES = 1452,
    MDNS_NAME_BYTES = 255, // RFC 1035
    MDNS_LABEL_BYTES = 63, // RFC 1035; the specification's random name has 32 to 63
    // Records of one packet, questions included; a small peer's answer has 2, others add 3 for each
    // of their own addresses. Beyond: refused.
    MDNS_RECORDS = 64,
    // Pointers in one name, each to an earlier place. Beyond: malformed.
    MDNS_JUMPS = 16,
    MDNS_ADDRESSES = 8,    // of ours; further ones are not told
    MDNS_PACKET_HINTS = 4, // peers in one packet; every peer speaks for itself. Further: read over
    MDNS_HINTS = 16,       // that wait for the caller; the oldest goes
    MDNS_TTL_S = 120,      // of our records; what other peers say
    MDNS_QUERY_MS = 1000,  // between two questions at least, and the first interval
    MDNS_QUERY_MAX_MS = 60000,
    MDNS_ANSWER_MS = 1000, // between two answers at least (RFC 6762, section 6)
    MDNS_DELAY_MIN_MS = 20,
    MDNS_DELAY_MAX_MS = 120,

    IPNS_RECORD_BYTES = 10 * 1024, // what everybody must take. Beyond: refused
    IPNS_VALUE_BYTES = 1024,       // a path; beyond: refused
    IPNS_FIELDS = 16, // of the signed document: 5, and what others add. Beyond: refused
    IPNS_SCRATCH_BYTES = IPNS_RECORD_BYTES + 16, // what is signed has a word before it

    // The numbers of Amino, the public DHT; the local one has the same.
    P2P_KAD_K = 20,     // how many are nearest, and keep a record
    P2P_KAD_ALPHA = 10, // asked at a time
    P2P_KAD_BETA = 3,   // whose answers mean that nobody nearer will be found
    // A key in a request: a multihash of 64 bytes, "/ipns/" and a peer id. Beyond: read over.
    P2P_KAD_KEY_BYTES = 80,
    // A message. Go accepts 4 MiB; 20 peers with all their addresses are 40 KiB, a popular block's
    // hundreds of providers 300 KiB. Beyond: the peer is passed over.
    P2P_KAD_MESSAGE_BYTES = 1 << 20,
    P2P_KAD_MESSAGE_PEERS = 1024, // of one message; beyond: refused
    // A record of a name is the longest field that matters. Beyond: read over.
    P2P_KAD_FIELD_BYTES = IPNS_RECORD_BYTES + 512,
    P2P_KAD_VALUE_BYTES = IPNS_RECORD_BYTES,
    // Ours with a key and one peer: no record is in it.
    P2P_KAD_REQUEST_BYTES = 1024,
    // Known to a lookup: six times k. The farthest goes.
    P2P_KAD_CANDIDATES = 128,
    P2P_KAD_PREFIX = 3,            // of one network, in the public DHT; further ones are read over
    P2P_KAD_PROVIDERS = 32,        // that are told; further ones are read over
    P2P_KAD_ASKS = 256,            // in one lookup; a hundred are many. Then it ends
    P2P_KAD_ASK_LAN_MS = 1500,     // for one answer, connecting included
    P2P_KAD_ASK_PUBLIC_MS = 10000, // the same, with the world between
    P2P_KAD_LOOKUP_MS = 60000,     // for all of it
    P2P_KAD_PROVIDES = 1024,       // keys that we announce; beyond: ERR_LIMIT
    P2P_KAD_REPROVIDE_MS = 22 * 3600 * 1000,
    P2P_KAD_RETRY_MS = 10 * 60 * 1000, // after nobody took it

    // The local DHT's table: from the 16th bit in common on all share the last bucket; a LAN with
    // 65,536 peers is none.
    P2P_KAD_BUCKETS = 16,
    P2P_KAD_BUCKET_PEERS = P2P_KAD_K,
    P2P_KAD_STALE_MS = 3600 * 1000, // after this a peer makes room for a new one
    P2P_KAD_RECORDS = 1024,         // provider records of all; beyond: not taken
    P2P_KAD_RECORD_PEERS = 64,      // whose they are; beyond: not taken
    P2P_KAD_PEER_RECORDS = 256,     // of one peer; beyond: not taken
    P2P_KAD_RECORD_MS = 48 * 3600 * 1000,
    P2P_KAD_NAMES = 96,     // records of names; beyond: not taken
    P2P_KAD_PEER_NAMES = 8, // brought by one peer; beyond: not taken
    // Our own, which the user has published; the rest is for others. Beyond: told to nobody.
    P2P_KAD_OWN_NAMES = P2P_KAD_NAMES / 3,
    // Of one: ours take 250 bytes, others' with a signature V1 400. Longer ones are not taken.
    P2P_KAD_NAME_BYTES = 1024,
    P2P_KAD_QUESTIONS = 256, // on one stream; beyond: reset
    // k peers and as many providers with all that is kept of them.
    P2P_KAD_ANSWER_BYTES = 24 * 1024,

    MANIFEST_NAME_BYTES = 64,
    MANIFEST_VERSION_BYTES = 32,
    MANIFEST_INTERFACES = 64,            // a program of more asks for everything
    MANIFEST_INTERFACE_NAME_BYTES = 256, // as core/base/wire.h
    MANIFEST_LIMITS_BYTES = 256,
    MANIFEST_YANKS = 64, // the latest; the oldest can be left out, they were replaced long ago
    MANIFEST_REASON_BYTES = 128,
    MANIFEST_BYTES = 64 * 1024, // all of that, and room

    // What a user may name of the public network; beyond: refused.
    P2P_BOOTSTRAPS = 8, // nodes of the DHT to begin with
    P2P_ROUTERS = 4,    // all are asked at once
    P2P_GATEWAYS = 4,   // asked one after another
    // "http://" and a host with its port, which fit one word of what `redshirt why` shows.
    WEB_ADDRESS_BYTES = 72,
    ROUTING_REQUEST_BYTES = 1024,
    ROUTING_RECORDS =
        512, // servers send 100 at most, lines until they are stopped. Beyond: ERR_LIMIT

    // ---- time

    P2P_HANDSHAKE_MS = 10000, // from the connection's start to its first stream. Beyond: closed
    P2P_NEGOTIATE_MS = 10000, // for a stream to agree on its protocol. Beyond: reset
    P2P_LINGER_MS = 30000,    // for a stream that we closed to be closed by the peer. Beyond: reset
    P2P_RECALL_MS = 100,      // until a stream whose write was cut is looked at, if not before
    P2P_PING_MS = 15000,      // after so much silence the peer is asked whether it is there
    P2P_PONG_MS = 15000,      // and closed when it has not answered after this
    P2P_FAREWELL_MS = 2000,   // for what is queued to leave after a close. Beyond: dropped

    // ---- files

    // What a node of a file may be is in core/base/limits.h: UNIXFS_DEPTH, UNIXFS_LINKS_READ,
    // UNIXFS_BLOCK_BYTES. Links that are known and not yet read: four rows of 1024, or any of 174.
    P2P_WALK_ITEMS = 4096,
    // Blocks of one file: 256 GiB in leaves of 256 KiB. A file may name one block very often, and
    // each time costs something. Beyond: it is refused.
    P2P_WALK_BLOCKS = 1 << 20,

    // ---- bitswap

    P2P_BLOCK_BYTES = 2 << 20,   // what every implementation takes. Beyond: the peer is dropped
    P2P_MESSAGE_BYTES = 4 << 20, // the same
    // An entry or a presence: a CID of at most 168 bytes, which is Kubo's own bound, and a few
    // numbers. Beyond: read over.
    P2P_BITSWAP_ITEM_BYTES = 192,
    // Files fetched at once, so that a set of them fits one word.
    P2P_BITSWAP_SESSIONS = 32,
    // Peers asked at once whether they have one block; more are asked when these have answered.
    P2P_BITSWAP_HAVES = 16,
    // Blocks that one peer is asked for at once: js answers what it knows of in one go, on a stream
    // that it opens for that. Further wants wait, or go to others.
    P2P_BITSWAP_PEER_WANTS = 64,
    // The same of a peer beside others that may have them too, so that a slow one holds up few.
    // Beyond: they wait for whoever is the first to have less to do.
    P2P_BITSWAP_SHARED_WANTS = 16,
    // A peer with more than this under way is told of new wants by the batch: js drops senders that
    // send a message for each.
    P2P_BITSWAP_BATCH = 8,
    P2P_BITSWAP_BATCH_BYTES = 4096, // of one message of wants: some 80 of them
    // Wants of a peer that were given up: for these it may still send a block, and they are not
    // asked for again within P2P_BITSWAP_REASK_MS. Beyond: the oldest is forgotten.
    P2P_BITSWAP_RECENT = P2P_BITSWAP_PEER_WANTS,
    // Streams of one peer that are read at once. Beyond: reset.
    P2P_BITSWAP_INBOXES = 16,
    // What a peer may send that was not wanted; what was wanted counts down. Beyond: it is dropped.
    P2P_BITSWAP_UNWANTED_BYTES = 16 << 20,
    // Wants of one peer that wait for their answers: Kubo's bound. Beyond: those of the lowest
    // priority give way (CVE-2023-25568).
    P2P_BITSWAP_ORDERS = 1024,
    P2P_BITSWAP_RANKS = 8,           // of priorities: each has four bits more
    P2P_BITSWAP_HASHES = 256,        // lists in which wants and orders are found
    P2P_BITSWAP_LOOKUPS = 4,         // blocks for one peer that the caller is asked for at once
    P2P_BITSWAP_OUT_BYTES = 1 << 20, // on their way to one peer, before more is asked for
    P2P_BITSWAP_TARGET_BYTES = 16 * 1024, // of a message of answers: it ends with the item beyond
    P2P_BITSWAP_SAVED_S = 10,             // seconds of its budget that a peer may save up

    P2P_BITSWAP_HAVE_MS = 1000,  // for a peer to say whether it has a block. Beyond: it is late
    P2P_BITSWAP_STALL_MS = 2000, // without progress: others are asked for the same blocks
    // Without progress: it is not waited for any more. One that sent something else than it was
    // asked for: P2P_BITSWAP_STALL_MS.
    P2P_BITSWAP_LATE_MS = 10000,
    // How often one that gave something before is asked for a block that it does not send. Messages
    // may be lost with a stream. Beyond: it is late for good.
    P2P_BITSWAP_TRIES = 3,
    P2P_BITSWAP_PROGRESS_BYTES = 64 * 1024, // or a whole block: what counts as progress
    P2P_BITSWAP_REASK_MS = 5000,            // js does not send a block again before
    P2P_BITSWAP_TICK_MS = 250,              // how often it is looked at times
    P2P_BITSWAP_IDLE_MS = 2000,             // until a stream of ours without messages is closed
    P2P_BITSWAP_SEND_MS = 10000, // for a peer to take some of what it asked for. Beyond: dropped
};
