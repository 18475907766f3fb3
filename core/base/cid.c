// SPDX-License-Identifier: GPL-3.0-or-later
// The binary form is <version> <codec> <hash function> <digest size> <digest>, all but the digest
// as varints. The text form is the letter of its base, here always "b" for base32 in lower case,
// and the binary form.
#include "core/base/cid.h"
#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/varint.h"

enum {
    CID_VERSION = 1,
    HASH_SHA2_256 = 0x12,
    LETTER_BITS = 5,
    BYTE_BITS = 8,
    LOOKED_AT_BYTES = CID_LETTERS_LOOKED_AT * LETTER_BITS / BYTE_BITS,
};

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

struct code_name {
    u64 code;
    const char *name;
};

// The hash functions that people meet in CIDs.
static const struct code_name hash_names[] = {
    {0x00, "identity"},      {0x11, "sha1"},          {0x12, "sha2-256"},
    {0x13, "sha2-512"},      {0x14, "sha3-512"},      {0x15, "sha3-384"},
    {0x16, "sha3-256"},      {0x17, "sha3-224"},      {0x18, "shake-128"},
    {0x19, "shake-256"},     {0x1b, "keccak-256"},    {0x1d, "keccak-512"},
    {0x1e, "blake3"},        {0x20, "sha2-384"},      {0x22, "murmur3-x64"},
    {0x56, "dbl-sha2-256"},  {0xb220, "blake2b-256"}, {0xb240, "blake2b-512"},
    {0xb260, "blake2s-256"},
};

static const struct code_name codec_names[] = {
    {0x51, "cbor"},       {0x55, "raw"},     {0x70, "dag-pb"},   {0x71, "dag-cbor"},
    {0x72, "libp2p-key"}, {0x78, "git-raw"}, {0x85, "dag-jose"}, {0x0129, "dag-json"},
    {0x0200, "json"},     {0x0202, "car"},
};

// What the first letter of a text says about its base, when it is not ours.
static const struct code_name base_names[] = {
    {'B', "base32 in upper case"},
    {'c', "base32 with padding"},
    {'v', "base32hex"},
    {'t', "base32hex"},
    {'h', "base32z"},
    {'k', "base36"},
    {'K', "base36"},
    {'z', "base58btc"},
    {'Z', "base58flickr"},
    {'f', "base16"},
    {'F', "base16"},
    {'m', "base64"},
    {'M', "base64"},
    {'u', "base64url"},
    {'U', "base64url"},
};

static enum err refuse_code(struct report *report, u64 offset, const char *text, u64 code,
                            const struct code_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].code == code) {
            return report_err_detail(report, ERR_UNSUPPORTED, offset, text,
                                     span_string(names[i].name));
        }
    }
    char number[24];
    struct text out = text_over(number, sizeof number);
    text_string(&out, "0x");
    text_hex(&out, code, 2);
    return report_err_detail(report, ERR_UNSUPPORTED, offset, text, span_of(number, out.size));
}

// Reads all that stands before the digest.
static enum err read_head(struct reader *in, u8 *codec_out, struct report *report)
{
    u64 offset = reader_offset(in);
    u64 version, codec, hash, size;
    TRY(varint_read(in, &version, report));
    if (version == HASH_SHA2_256) {
        return report_err(report, ERR_UNSUPPORTED, offset,
                          "CID is of version 0; only version 1 is supported");
    }
    if (version != CID_VERSION) {
        return refuse_code(report, offset, "CID is not of version 1 but of", version, NULL, 0);
    }
    offset = reader_offset(in);
    TRY(varint_read(in, &codec, report));
    if (codec != CID_RAW && codec != CID_DAG_PB) {
        return refuse_code(report, offset, "CID's codec is neither raw nor dag-pb but", codec,
                           codec_names, COUNT_OF(codec_names));
    }
    offset = reader_offset(in);
    TRY(varint_read(in, &hash, report));
    if (hash != HASH_SHA2_256) {
        return refuse_code(report, offset, "CID's hash function is not sha2-256 but", hash,
                           hash_names, COUNT_OF(hash_names));
    }
    offset = reader_offset(in);
    TRY(varint_read(in, &size, report));
    if (size != CID_DIGEST_BYTES) {
        return report_err(report, ERR_MALFORMED, offset,
                          "CID's sha2-256 digest is not of 32 bytes");
    }
    *codec_out = (u8)codec;
    return ERR_OK;
}

enum err cid_read(struct reader *in, struct cid *out, struct report *report)
{
    struct reader ahead = *in;
    struct cid cid;
    struct span digest;
    TRY(read_head(&ahead, &cid.codec, report));
    if (reader_left(&ahead) < CID_DIGEST_BYTES) {
        return report_err(report, ERR_MALFORMED, reader_offset(&ahead),
                          "CID is too short: its digest is cut off");
    }
    TRY(reader_bytes(&ahead, CID_DIGEST_BYTES, &digest, report));
    mem_copy(cid.digest, digest.data, CID_DIGEST_BYTES);
    in->next = ahead.next;
    *out = cid;
    return ERR_OK;
}

enum err cid_read_any(struct reader *in, struct cid *out, struct report *report)
{
    struct reader ahead = *in;
    struct span digest;
    u64 hash, size;
    if (reader_left(in) == 0 || *in->next != HASH_SHA2_256) {
        return cid_read(in, out, report);
    }
    TRY(varint_read(&ahead, &hash, report));
    TRY(varint_read(&ahead, &size, report));
    if (size != CID_DIGEST_BYTES) {
        return report_err(report, ERR_MALFORMED, reader_offset(in),
                          "CID's sha2-256 digest is not of 32 bytes");
    }
    TRY(reader_bytes(&ahead, CID_DIGEST_BYTES, &digest, report));
    out->codec = CID_DAG_PB;
    mem_copy(out->digest, digest.data, CID_DIGEST_BYTES);
    in->next = ahead.next;
    return ERR_OK;
}

enum err cid_parse_binary(struct span bytes, struct cid *out, struct report *report)
{
    struct reader in = reader_over(bytes);
    struct cid cid;
    TRY(cid_read(&in, &cid, report));
    if (reader_left(&in) != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(&in),
                          "CID is too long: bytes follow its digest");
    }
    *out = cid;
    return ERR_OK;
}

// Decodes base32 letters, at most LOOKED_AT_BYTES of bytes, and checks all of them.
static enum err decode_letters(struct span letters, u8 out[LOOKED_AT_BYTES], size_t *size_out,
                               struct report *report)
{
    u32 bits = 0, bit_count = 0;
    size_t size = 0;
    for (size_t i = 0; i < letters.size; i++) {
        u8 letter = letters.data[i];
        u32 value;
        if (letter >= 'a' && letter <= 'z') {
            value = letter - 'a';
        } else if (letter >= '2' && letter <= '7') {
            value = 26u + letter - '2';
        } else {
            return report_err_detail(report, ERR_MALFORMED, i + 1,
                                     "CID holds a letter that base32 in lower case does not have:",
                                     span_slice(letters, i, i + 1));
        }
        bits = (bits << LETTER_BITS | value) & 0xfff;
        bit_count += LETTER_BITS;
        if (bit_count >= BYTE_BITS) {
            bit_count -= BYTE_BITS;
            if (size < LOOKED_AT_BYTES) {
                out[size++] = (u8)(bits >> bit_count);
            }
        }
    }
    if (bit_count >= LETTER_BITS || (bits & ((1u << bit_count) - 1)) != 0) {
        return report_err(report, ERR_MALFORMED, letters.size,
                          "CID's last letter holds bits that belong to no byte");
    }
    *size_out = size;
    return ERR_OK;
}

enum err cid_parse_text(struct span text, struct cid *out, struct report *report)
{
    if (text.size == 0) {
        return report_err(report, ERR_MALFORMED, 0, "CID is empty");
    }
    if (text.size == 46 && text.data[0] == 'Q' && text.data[1] == 'm') {
        return report_err(report, ERR_UNSUPPORTED, 0,
                          "CID is of version 0 (Qm...); only version 1 in base32 is supported");
    }
    if (text.data[0] != 'b') {
        for (size_t i = 0; i < COUNT_OF(base_names); i++) {
            if (base_names[i].code == text.data[0]) {
                return report_err_detail(report, ERR_UNSUPPORTED, 0,
                                         "CID is not in base32 in lower case (b...) but in",
                                         span_string(base_names[i].name));
            }
        }
        return report_err(report, ERR_MALFORMED, 0, "not a CID: it does not begin with b");
    }
    u8 bytes[LOOKED_AT_BYTES];
    size_t size;
    if (text.size > CID_LETTERS_LOOKED_AT) { // its head says what it is, if anything
        u8 codec;
        TRY(decode_letters(span_slice(text, 1, 41), bytes, &size, report));
        struct reader in = reader_over(span_of(bytes, size));
        TRY(read_head(&in, &codec, report));
        return report_err(report, ERR_MALFORMED, CID_TEXT_LETTERS, "CID is too long");
    }
    TRY(decode_letters(span_slice(text, 1, text.size), bytes, &size, report));
    return cid_parse_binary(span_of(bytes, size), out, report);
}

void cid_write_binary(const struct cid *cid, u8 out[CID_BINARY_BYTES])
{
    ASSERT(cid->codec == CID_RAW || cid->codec == CID_DAG_PB);
    out[0] = CID_VERSION;
    out[1] = cid->codec;
    out[2] = HASH_SHA2_256;
    out[3] = CID_DIGEST_BYTES;
    mem_copy(out + 4, cid->digest, CID_DIGEST_BYTES);
}

void cid_write_text(const struct cid *cid, char out[CID_TEXT_BYTES])
{
    u8 bytes[CID_BINARY_BYTES];
    cid_write_binary(cid, bytes);
    size_t letters = 0;
    u32 bits = 0, bit_count = 0;
    out[letters++] = 'b';
    for (size_t i = 0; i < sizeof bytes; i++) {
        bits = (bits << BYTE_BITS | bytes[i]) & 0xfff;
        bit_count += BYTE_BITS;
        while (bit_count >= LETTER_BITS) {
            bit_count -= LETTER_BITS;
            out[letters++] = alphabet[bits >> bit_count & 31];
        }
    }
    if (bit_count != 0) {
        out[letters++] = alphabet[bits << (LETTER_BITS - bit_count) & 31];
    }
    ASSERT(letters == CID_TEXT_LETTERS);
    out[letters] = 0;
}

bool cid_equal(const struct cid *a, const struct cid *b)
{
    return a->codec == b->codec && mem_equal(a->digest, b->digest, CID_DIGEST_BYTES);
}

struct cid cid_of_block(enum cid_codec codec, struct span bytes, sha256_function sha256)
{
    struct cid cid = {.codec = (u8)codec};
    sha256(bytes, cid.digest);
    return cid;
}
