// SPDX-License-Identifier: GPL-3.0-or-later
// A block is {"key": bytes, "signed": bytes, "signature": bytes}, and what is signed a map of seven
// fields, each in the one place that the order of keys gives it: so it is compared rather than
// searched, and what was read can only have been written in these bytes.
#include "lib/p2p/manifest.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "lib/p2p/cbor.h"
#include "lib/p2p/proto.h"

enum {
    BLOCK_FIELDS = 3,
    FIELDS = 7,
    YANK_ITEMS = 2,
    INTERFACE_ITEMS = 3,
    VERSION = 1, // of this format
    // What the signature is over: this word, and the hash of what is signed.
    WORD_BYTES = 18,
};

#define SIGNED_WORD "redshirt-manifest:"
STATIC_ASSERT(sizeof SIGNED_WORD - 1 == WORD_BYTES);

// Everything at its bound fits: 64 bytes are more than the heads and the CID or hash of an item,
// 512 more than what stands around them.
STATIC_ASSERT(MANIFEST_INTERFACES * (64 + MANIFEST_INTERFACE_NAME_BYTES + MANIFEST_LIMITS_BYTES) +
                  MANIFEST_YANKS * (64 + MANIFEST_REASON_BYTES) + 512 <=
              MANIFEST_BYTES);

static const u8 block_start[] = {0xa3, 0x63, 'k', 'e', 'y', 0x58, P2P_POINT_BYTES};

bool manifest_is_one(struct span block)
{
    return block.size >= sizeof block_start &&
           mem_equal(block.data, block_start, sizeof block_start);
}

// ---- rules

static bool is_printable(struct span text, u8 least)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < least || text.data[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        u8 c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') {
            return false;
        }
    }
    return true;
}

static enum err check_size(struct span text, size_t least, size_t most, const char *what,
                           struct report *report)
{
    if (text.size < least) {
        return report_err(report, ERR_INVALID, 0, what);
    }
    return text.size <= most ? ERR_OK : report_err(report, ERR_LIMIT, 0, what);
}

static enum err invalid(const char *why, struct report *report)
{
    return report_err(report, ERR_INVALID, 0, why);
}

static enum err check_interfaces(const struct manifest *manifest, struct report *report)
{
    if (manifest->interface_count > MANIFEST_INTERFACES) {
        return report_err(report, ERR_LIMIT, 0, "manifest: more than 64 interfaces");
    }
    for (u32 i = 0; i < manifest->interface_count; i++) {
        const struct manifest_interface *at = &manifest->interfaces[i];
        TRY(check_size(at->name, 1, MANIFEST_INTERFACE_NAME_BYTES,
                       "manifest: the name of an interface has 1 to 256 letters", report));
        TRY(check_size(at->limits, 0, MANIFEST_LIMITS_BYTES, "manifest: limits beyond 256 letters",
                       report));
        if (!is_printable(at->name, '!') || !is_printable(at->limits, ' ')) {
            return invalid("manifest: an interface in letters that cannot be printed", report);
        }
        if (i > 0 && mem_compare(at[-1].hash, at->hash, sizeof at->hash) >= 0) {
            return invalid("manifest: interfaces are not in their order", report);
        }
    }
    return ERR_OK;
}

static int compare_cids(const struct cid *a, const struct cid *b)
{
    u8 first[CID_BINARY_BYTES], second[CID_BINARY_BYTES];
    cid_write_binary(a, first);
    cid_write_binary(b, second);
    return mem_compare(first, second, sizeof first);
}

static enum err check_yanks(const struct manifest *manifest, struct report *report)
{
    if (manifest->yank_count > MANIFEST_YANKS) {
        return report_err(report, ERR_LIMIT, 0, "manifest: more than 64 yanked programs");
    }
    for (u32 i = 0; i < manifest->yank_count; i++) {
        const struct manifest_yank *at = &manifest->yanked[i];
        TRY(check_size(at->reason, 0, MANIFEST_REASON_BYTES,
                       "manifest: a reason beyond 128 letters", report));
        if (!is_printable(at->reason, ' ')) {
            return invalid("manifest: a reason in letters that cannot be printed", report);
        }
        if (i > 0 && compare_cids(&at[-1].program, &at->program) >= 0) {
            return invalid("manifest: yanked programs are not in their order", report);
        }
    }
    return ERR_OK;
}

enum err manifest_check(const struct manifest *manifest, struct report *report)
{
    TRY(check_size(manifest->name, 1, MANIFEST_NAME_BYTES, "manifest: a name has 1 to 64 letters",
                   report));
    TRY(check_size(manifest->version, 1, MANIFEST_VERSION_BYTES,
                   "manifest: a version has 1 to 32 letters", report));
    if (!is_name(manifest->name)) {
        return invalid("manifest: a name has letters, digits, '-', '_' and '.' only", report);
    }
    if (!is_printable(manifest->version, '!')) {
        return invalid("manifest: a version in letters that cannot be printed", report);
    }
    TRY(check_interfaces(manifest, report));
    return check_yanks(manifest, report);
}

const struct manifest_yank *manifest_yanked(const struct manifest *manifest,
                                            const struct cid *program)
{
    for (u32 i = 0; i < manifest->yank_count; i++) {
        if (cid_equal(&manifest->yanked[i].program, program)) {
            return &manifest->yanked[i];
        }
    }
    return NULL;
}

// ---- writing

static void write_signed(struct proto_writer *out, const struct manifest *manifest)
{
    cbor_write_head(out, CBOR_MAP, FIELDS);
    cbor_write_text(out, SPAN_LITERAL("name"));
    cbor_write_text(out, manifest->name);
    cbor_write_text(out, SPAN_LITERAL("yanked"));
    cbor_write_head(out, CBOR_ARRAY, manifest->yank_count);
    for (u32 i = 0; i < manifest->yank_count; i++) {
        cbor_write_head(out, CBOR_ARRAY, YANK_ITEMS);
        cbor_write_link(out, &manifest->yanked[i].program);
        cbor_write_text(out, manifest->yanked[i].reason);
    }
    cbor_write_text(out, SPAN_LITERAL("program"));
    cbor_write_link(out, &manifest->program);
    cbor_write_text(out, SPAN_LITERAL("version"));
    cbor_write_text(out, manifest->version);
    cbor_write_text(out, SPAN_LITERAL("manifest"));
    cbor_write_head(out, CBOR_NUMBER, VERSION);
    cbor_write_text(out, SPAN_LITERAL("sequence"));
    cbor_write_head(out, CBOR_NUMBER, manifest->sequence);
    cbor_write_text(out, SPAN_LITERAL("interfaces"));
    cbor_write_head(out, CBOR_ARRAY, manifest->interface_count);
    for (u32 i = 0; i < manifest->interface_count; i++) {
        const struct manifest_interface *at = &manifest->interfaces[i];
        cbor_write_head(out, CBOR_ARRAY, INTERFACE_ITEMS);
        cbor_write_bytes(out, span_of(at->hash, sizeof at->hash));
        cbor_write_text(out, at->name);
        cbor_write_text(out, at->limits);
    }
}

// What the key signs: a word that nothing else here is signed with, and a hash.
static struct span signed_message(const struct p2p_crypto *crypto, struct span payload,
                                  u8 out[WORD_BYTES + P2P_SHA256_BYTES])
{
    mem_copy(out, SIGNED_WORD, WORD_BYTES);
    crypto->sha256(crypto->context, payload, span_of(NULL, 0), out + WORD_BYTES);
    return span_of(out, WORD_BYTES + P2P_SHA256_BYTES);
}

size_t manifest_write(const struct p2p_crypto *crypto, const u8 seed[P2P_SECRET_BYTES],
                      const struct manifest *manifest, u8 block[MANIFEST_BYTES])
{
    ASSERT(manifest_check(manifest, NULL) == ERR_OK);
    u8 key[P2P_POINT_BYTES], signature[P2P_SIGNATURE_BYTES];
    u8 message[WORD_BYTES + P2P_SHA256_BYTES];
    struct proto_writer size = proto_writer_over(NULL, 0);
    write_signed(&size, manifest);
    crypto->identity(crypto->context, seed, key);
    struct proto_writer out = proto_writer_over(block, MANIFEST_BYTES);
    cbor_write_head(&out, CBOR_MAP, BLOCK_FIELDS);
    cbor_write_text(&out, SPAN_LITERAL("key"));
    cbor_write_bytes(&out, span_of(key, sizeof key));
    cbor_write_text(&out, SPAN_LITERAL("signed"));
    cbor_write_head(&out, CBOR_BYTES, size.size);
    size_t start = out.size;
    write_signed(&out, manifest);
    ASSERT(out.size == start + size.size && proto_fits(&out)); // the limits add up to less
    struct span payload = span_of(block + start, size.size);
    crypto->sign(crypto->context, seed, signed_message(crypto, payload, message), signature);
    cbor_write_text(&out, SPAN_LITERAL("signature"));
    cbor_write_bytes(&out, span_of(signature, sizeof signature));
    ASSERT(proto_fits(&out));
    return out.size;
}

// ---- reading

static enum err malformed(const struct reader *in, const char *why, struct report *report)
{
    return report_err(report, ERR_MALFORMED, reader_offset(in), why);
}

static enum err expect_key(struct reader *in, const char *name, struct report *report)
{
    struct cbor_item key;
    TRY(cbor_expect(in, CBOR_TEXT, &key, report));
    return span_equal(key.bytes, span_string(name))
               ? ERR_OK
               : malformed(in, "manifest: another field than belongs here", report);
}

static enum err read_text(struct reader *in, struct span *out, struct report *report)
{
    struct cbor_item item;
    TRY(cbor_expect(in, CBOR_TEXT, &item, report));
    *out = item.bytes;
    return ERR_OK;
}

static enum err read_sized(struct reader *in, size_t size, struct span *out, struct report *report)
{
    struct cbor_item item;
    TRY(cbor_expect(in, CBOR_BYTES, &item, report));
    if (item.bytes.size != size) {
        return malformed(in, "manifest: a key, hash or signature of another size", report);
    }
    *out = item.bytes;
    return ERR_OK;
}

// The head of an array of at most `most` items, or of exactly as many (least == most).
static enum err read_array(struct reader *in, u64 least, u64 most, u32 *out, struct report *report)
{
    struct cbor_item item;
    TRY(cbor_expect(in, CBOR_ARRAY, &item, report));
    if (item.value < least) {
        return malformed(in, "manifest: an array is too short", report);
    }
    if (item.value > most) {
        return report_err(report, ERR_LIMIT, reader_offset(in), "manifest: an array is too long");
    }
    *out = (u32)item.value;
    return ERR_OK;
}

static enum err read_yanks(struct reader *in, struct manifest *out, struct report *report)
{
    u32 items;
    TRY(read_array(in, 0, MANIFEST_YANKS, &out->yank_count, report));
    for (u32 i = 0; i < out->yank_count; i++) {
        TRY(read_array(in, YANK_ITEMS, YANK_ITEMS, &items, report));
        TRY(cbor_link(in, &out->yanked[i].program, report));
        TRY(read_text(in, &out->yanked[i].reason, report));
    }
    return ERR_OK;
}

static enum err read_interfaces(struct reader *in, struct manifest *out, struct report *report)
{
    u32 items;
    struct span hash;
    TRY(read_array(in, 0, MANIFEST_INTERFACES, &out->interface_count, report));
    for (u32 i = 0; i < out->interface_count; i++) {
        struct manifest_interface *at = &out->interfaces[i];
        TRY(read_array(in, INTERFACE_ITEMS, INTERFACE_ITEMS, &items, report));
        TRY(read_sized(in, sizeof at->hash, &hash, report));
        mem_copy(at->hash, hash.data, hash.size);
        TRY(read_text(in, &at->name, report));
        TRY(read_text(in, &at->limits, report));
    }
    return ERR_OK;
}

static enum err read_signed(struct span payload, struct manifest *out, struct report *report)
{
    struct reader in = reader_over(payload);
    struct cbor_item item;
    TRY(cbor_expect(&in, CBOR_MAP, &item, report));
    if (item.value != FIELDS) {
        return malformed(&in, "manifest: more or fewer fields than it has", report);
    }
    TRY(expect_key(&in, "name", report));
    TRY(read_text(&in, &out->name, report));
    TRY(expect_key(&in, "yanked", report));
    TRY(read_yanks(&in, out, report));
    TRY(expect_key(&in, "program", report));
    TRY(cbor_link(&in, &out->program, report));
    TRY(expect_key(&in, "version", report));
    TRY(read_text(&in, &out->version, report));
    TRY(expect_key(&in, "manifest", report));
    TRY(cbor_expect(&in, CBOR_NUMBER, &item, report));
    if (item.value != VERSION) {
        return report_err(report, ERR_UNSUPPORTED, reader_offset(&in),
                          "manifest: of a version not known here");
    }
    TRY(expect_key(&in, "sequence", report));
    TRY(cbor_expect(&in, CBOR_NUMBER, &item, report));
    out->sequence = item.value;
    TRY(expect_key(&in, "interfaces", report));
    TRY(read_interfaces(&in, out, report));
    if (reader_left(&in) != 0) {
        return malformed(&in, "manifest: bytes follow it", report);
    }
    return ERR_OK;
}

struct block {
    struct span key, payload, signature;
};

static enum err read_block(struct span bytes, struct block *out, struct report *report)
{
    struct reader in = reader_over(bytes);
    struct cbor_item item;
    if (bytes.size > MANIFEST_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "manifest: a block beyond 64 KiB");
    }
    TRY(cbor_expect(&in, CBOR_MAP, &item, report));
    if (item.value != BLOCK_FIELDS) {
        return malformed(&in, "not a manifest", report);
    }
    TRY(expect_key(&in, "key", report));
    TRY(read_sized(&in, P2P_POINT_BYTES, &out->key, report));
    TRY(expect_key(&in, "signed", report));
    TRY(cbor_expect(&in, CBOR_BYTES, &item, report));
    out->payload = item.bytes;
    TRY(expect_key(&in, "signature", report));
    TRY(read_sized(&in, P2P_SIGNATURE_BYTES, &out->signature, report));
    if (reader_left(&in) != 0) {
        return malformed(&in, "manifest: bytes follow the block", report);
    }
    return ERR_OK;
}

enum err manifest_verify(const struct p2p_crypto *crypto, struct span bytes,
                         const struct peer_id *publisher, struct manifest *out,
                         struct report *report)
{
    struct block block;
    u8 message[WORD_BYTES + P2P_SHA256_BYTES];
    TRY(read_block(bytes, &block, report));
    struct peer_id signer = peer_id_of_ed25519(block.key.data);
    if (publisher != NULL && !peer_id_equal(&signer, publisher)) {
        return report_err(report, ERR_MISMATCH, 0, "manifest: signed by somebody else");
    }
    if (!crypto->verify(crypto->context, block.key.data,
                        signed_message(crypto, block.payload, message), block.signature.data)) {
        return report_err(report, ERR_MISMATCH, 0, "manifest: the signature is wrong");
    }
    out->publisher = signer;
    TRY(read_signed(block.payload, out, report));
    enum err err = manifest_check(out, report);
    return err == ERR_INVALID ? ERR_MALFORMED : err;
}
