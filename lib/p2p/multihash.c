// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/multihash.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/varint.h"
#include "lib/p2p/crypto.h"
#include "lib/p2p/limits.h"

enum { VARINT_BITS = 63 };

enum err multihash_varint_read(struct reader *in, u64 *out, struct report *report)
{
    struct reader ahead = *in;
    u64 value;
    TRY(varint_read(&ahead, &value, report));
    if (value >> VARINT_BITS != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(in),
                          "integer has more than 63 bits");
    }
    *in = ahead;
    *out = value;
    return ERR_OK;
}

enum err multihash_read(struct reader *in, struct multihash *out, struct report *report)
{
    struct reader ahead = *in;
    struct multihash hash;
    u64 size;
    TRY(multihash_varint_read(&ahead, &hash.code, report));
    u64 offset = reader_offset(&ahead);
    TRY(multihash_varint_read(&ahead, &size, report));
    if (size > P2P_DIGEST_BYTES) {
        return report_err(report, ERR_LIMIT, offset, "multihash has a digest beyond 64 bytes");
    }
    if (hash.code == MULTIHASH_SHA2_256 && size != P2P_SHA256_BYTES) {
        return report_err(report, ERR_MALFORMED, offset,
                          "multihash has a sha2-256 digest that is not of 32 bytes");
    }
    TRY(reader_bytes(&ahead, (size_t)size, &hash.digest, report));
    *in = ahead;
    *out = hash;
    return ERR_OK;
}
