// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/client.c: small things to and from the client's memory.
#include "core/base/assert.h"
#include "programs/wasi/wasi.h"

u8 chunk[CHUNK_BYTES];
u8 message_buffer[MESSAGE_BYTES];

bool client_has(u32 at, u32 len)
{
    u8 bytes[64];
    ASSERT(len <= sizeof bytes);
    return client_read(bytes, at, len) == 0;
}

i32 client_store_u32(u32 at, u32 value)
{
    return client_write(at, &value, sizeof value) == 0 ? WASI_OK : WASI_FAULT;
}

i32 client_store_u64(u32 at, u64 value)
{
    return client_write(at, &value, sizeof value) == 0 ? WASI_OK : WASI_FAULT;
}
