// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/yamux_wire.h: the frames of yamux. A header of 12 bytes, all numbers big-endian:
// version (1), type (1), flags (2), stream (4), length (4); behind one of type DATA, the data.
//
// Source  github.com/hashicorp/yamux, spec.md; libp2p specifications, "yamux".
#pragma once
#include "core/base/types.h"

enum { YAMUX_HEADER_BYTES = 12 };

enum yamux_type {
    YAMUX_DATA = 0,    // length: bytes that follow
    YAMUX_WINDOW = 1,  // length: what the window grows by
    YAMUX_PING = 2,    // length: a value to be echoed
    YAMUX_GO_AWAY = 3, // length: enum yamux_reason
};

enum yamux_flags {
    YAMUX_SYN = 1,
    YAMUX_ACK = 2,
    YAMUX_FIN = 4,
    YAMUX_RST = 8,
    YAMUX_FLAGS = 15,
};

enum yamux_reason {
    YAMUX_NORMAL = 0,
    YAMUX_PROTOCOL_ERROR = 1,
    YAMUX_INTERNAL_ERROR = 2,
};

struct yamux_header {
    u8 version;
    u8 type;
    u16 flags;
    u32 stream; // 0: the connection itself
    u32 length;
};

static inline u32 yamux_load(const u8 *bytes)
{
    return (u32)bytes[0] << 24 | (u32)bytes[1] << 16 | (u32)bytes[2] << 8 | bytes[3];
}

static inline void yamux_store(u8 *out, u32 value)
{
    out[0] = (u8)(value >> 24);
    out[1] = (u8)(value >> 16);
    out[2] = (u8)(value >> 8);
    out[3] = (u8)value;
}

static inline struct yamux_header yamux_header_read(const u8 bytes[YAMUX_HEADER_BYTES])
{
    return (struct yamux_header){bytes[0], bytes[1], (u16)(bytes[2] << 8 | bytes[3]),
                                 yamux_load(bytes + 4), yamux_load(bytes + 8)};
}

static inline void yamux_header_write(u8 out[YAMUX_HEADER_BYTES], struct yamux_header header)
{
    out[0] = header.version;
    out[1] = header.type;
    out[2] = (u8)(header.flags >> 8);
    out[3] = (u8)header.flags;
    yamux_store(out + 4, header.stream);
    yamux_store(out + 8, header.length);
}
