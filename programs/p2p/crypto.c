// SPDX-License-Identifier: GPL-3.0-or-later
// A cipher's key travels once: the handler's number for it stays in `held`.
#include "programs/p2p/crypto.h"
#include "core/base/assert.h"
#include "interfaces/crypto.h"
#include "interfaces/crypto_client.h"
#include "interfaces/random.h"
#include "interfaces/random_client.h"
#include "lib/p2p/limits.h"

// ---- what always has an answer

static void take(i64 error, const struct crypto_result_bytes_error *result, u8 *out, size_t size)
{
    if (error < 0 || !result->ok || result->value.size != size) {
        (void)rt_print_error("p2p: redshirt:io/crypto does not answer as it must\n");
        rt_exit(1);
    }
    mem_copy(out, result->value.data, size);
}

static void block_sha256(struct p2p_machine *machine, struct span block, u8 out[P2P_SHA256_BYTES])
{
    u8 saved[sizeof(u32)], answer[P2P_SHA256_BYTES + 8];
    size_t offset = (size_t)(block.data - machine->blocks);
    ASSERT(machine->blocks != NULL && offset >= P2P_MACHINE_HEAD_BYTES &&
           offset <= machine->blocks_bytes && block.size <= machine->blocks_bytes - offset);
    u8 *body = machine->blocks + offset - sizeof saved;
    struct crypto_sha256_call call = {block};
    struct crypto_result_bytes_error result = {0};
    mem_copy(saved, body, sizeof saved);
    // The bytes are already where the encoding puts them, so the copy has nothing to move.
    size_t size = crypto_sha256_encode_call(body, sizeof saved + block.size, &call);
    ASSERT(size == sizeof saved + block.size);
    i64 got =
        rt_call(machine->crypto_bond, CRYPTO_SHA256_ID, body, (u32)size, answer, sizeof answer);
    mem_copy(body, saved, sizeof saved);
    if (got < 0 || crypto_sha256_decode_result(span_of(answer, (size_t)got), &result) != ERR_OK) {
        got = got < 0 ? got : E_MALFORMED;
    }
    take(got, &result, out, P2P_SHA256_BYTES);
}

static void machine_sha256(void *context, struct span first, struct span second,
                           u8 out[P2P_SHA256_BYTES])
{
    struct p2p_machine *machine = context;
    struct crypto_result_bytes_error result = {0};
    size_t size = first.size + second.size;
    if (size > P2P_MACHINE_BYTES) {
        ASSERT(second.size == 0);
        block_sha256(machine, first, out);
        return;
    }
    u8 *bytes = machine->buffer + sizeof(u32); // where the message has them
    mem_copy(bytes, first.data, first.size);
    mem_copy(bytes + first.size, second.data, second.size);
    struct crypto_sha256_call call = {span_of(bytes, size)};
    i64 error = crypto_sha256(machine->crypto_bond, machine->buffer, sizeof machine->buffer, &call,
                              &result);
    take(error, &result, out, P2P_SHA256_BYTES);
}

static void machine_identity(void *context, const u8 seed[P2P_SECRET_BYTES],
                             u8 out[P2P_POINT_BYTES])
{
    struct p2p_machine *machine = context;
    struct crypto_result_bytes_error result = {0};
    struct crypto_ed25519_public_call call = {span_of(seed, P2P_SECRET_BYTES)};
    i64 error = crypto_ed25519_public(machine->crypto_bond, machine->buffer, sizeof machine->buffer,
                                      &call, &result);
    take(error, &result, out, P2P_POINT_BYTES);
}

static void machine_sign(void *context, const u8 seed[P2P_SECRET_BYTES], struct span message,
                         u8 out[P2P_SIGNATURE_BYTES])
{
    struct p2p_machine *machine = context;
    struct crypto_result_bytes_error result = {0};
    struct crypto_ed25519_sign_call call = {span_of(seed, P2P_SECRET_BYTES), message};
    i64 error = crypto_ed25519_sign(machine->crypto_bond, machine->buffer, sizeof machine->buffer,
                                    &call, &result);
    take(error, &result, out, P2P_SIGNATURE_BYTES);
}

static void machine_random(void *context, u8 *out, size_t size)
{
    struct p2p_machine *machine = context;
    struct random_bytes_call call = {(u32)size};
    struct span bytes = {0};
    i64 error =
        random_bytes(machine->random_bond, machine->buffer, sizeof machine->buffer, &call, &bytes);
    struct crypto_result_bytes_error result = {.ok = true, .value = bytes};
    take(error, &result, out, size);
}

// ---- what may fail

static bool machine_x25519(void *context, const u8 secret[P2P_SECRET_BYTES], const u8 *point,
                           u8 out[P2P_POINT_BYTES])
{
    struct p2p_machine *machine = context;
    struct crypto_result_bytes_error result = {0};
    struct crypto_x25519_call call = {.secret = span_of(secret, P2P_SECRET_BYTES),
                                      .point = {.some = point != NULL}};
    if (point != NULL) {
        call.point.value = span_of(point, P2P_POINT_BYTES);
    }
    i64 error = crypto_x25519(machine->crypto_bond, machine->buffer, sizeof machine->buffer, &call,
                              &result);
    if (error < 0 || !result.ok || result.value.size != P2P_POINT_BYTES) {
        return false;
    }
    mem_copy(out, result.value.data, P2P_POINT_BYTES);
    return true;
}

static bool machine_verify(void *context, const u8 key[P2P_POINT_BYTES], struct span message,
                           const u8 signature[P2P_SIGNATURE_BYTES])
{
    struct p2p_machine *machine = context;
    struct crypto_result_bool_error result = {0};
    struct crypto_ed25519_verify_call call = {span_of(key, P2P_POINT_BYTES), message,
                                              span_of(signature, P2P_SIGNATURE_BYTES)};
    i64 error = crypto_ed25519_verify(machine->crypto_bond, machine->buffer, sizeof machine->buffer,
                                      &call, &result);
    return error >= 0 && result.ok && result.value;
}

// ---- boxes

static bool hold(struct p2p_machine *machine, struct p2p_cipher *cipher)
{
    struct crypto_result_u64_error result = {0};
    struct crypto_hold_call call = {span_of(cipher->key, sizeof cipher->key)};
    if (cipher->held != 0) {
        return true;
    }
    i64 error =
        crypto_hold(machine->crypto_bond, machine->buffer, sizeof machine->buffer, &call, &result);
    if (error < 0 || !result.ok) {
        return false;
    }
    cipher->held = result.value;
    return true;
}

// One message about boxes.
struct batch {
    const struct p2p_cipher *cipher;
    u64 nonce;
    struct span data;
    struct p2p_box *boxes;
    u32 count;
    size_t bytes; // of all of them, as they are sent
};

// Bytes of the message before those of its boxes: key, nonce, data, sizes, and the counts of three.
static size_t head_bytes(const struct batch *batch)
{
    return 2 * sizeof(u64) + 3 * sizeof(u32) + batch->data.size + batch->count * sizeof(u32);
}

// Sends them, and puts what is answered in their places.
//   sent, answered  bytes that each box has beside its plaintext, going and coming
static bool exchange(struct p2p_machine *machine, const struct batch *batch, size_t sent,
                     size_t answered)
{
    u32 sizes[P2P_MACHINE_BOXES];
    u8 *bytes = machine->buffer + head_bytes(batch); // where the message has them
    size_t at = 0;
    for (u32 i = 0; i < batch->count; i++) {
        sizes[i] = batch->boxes[i].size + (u32)sent;
        mem_copy(bytes + at, batch->boxes[i].bytes, sizes[i]);
        at += sizes[i];
    }
    struct crypto_seal_call call = {.key = batch->cipher->held,
                                    .nonce = batch->nonce,
                                    .data = batch->data,
                                    .sizes = {.count = batch->count, .items = sizes},
                                    .bytes = span_of(bytes, at)};
    struct crypto_open_call open = {call.key, call.nonce, call.data, call.sizes, call.bytes};
    struct crypto_result_bytes_error result = {0};
    i64 error = sent == 0 ? crypto_seal(machine->crypto_bond, machine->buffer,
                                        sizeof machine->buffer, &call, &result)
                          : crypto_open(machine->crypto_bond, machine->buffer,
                                        sizeof machine->buffer, &open, &result);
    size_t expected = at - batch->count * sent + batch->count * answered;
    if (error < 0 || !result.ok || result.value.size != expected) {
        return false;
    }
    at = 0;
    for (u32 i = 0; i < batch->count; i++) {
        size_t size = batch->boxes[i].size + answered;
        mem_copy(batch->boxes[i].bytes, result.value.data + at, size);
        at += size;
    }
    return true;
}

// As many messages as it takes.
static bool exchange_all(struct p2p_machine *machine, struct p2p_cipher *cipher, struct span data,
                         struct p2p_box *boxes, size_t count, size_t sent, size_t answered)
{
    if (!hold(machine, cipher)) {
        return false;
    }
    for (size_t start = 0; start < count;) {
        struct batch batch = {.cipher = cipher,
                              .nonce = cipher->nonce + start,
                              .data = data,
                              .boxes = boxes + start,
                              .bytes = data.size};
        for (; start < count && batch.count < P2P_MACHINE_BOXES; start++, batch.count++) {
            size_t size = boxes[start].size + (size_t)P2P_NOISE_TAG_BYTES;
            if (batch.bytes + size > P2P_MACHINE_BYTES) {
                break;
            }
            batch.bytes += size;
        }
        ASSERT(batch.count > 0); // one message of Noise always fits
        if (!exchange(machine, &batch, sent, answered)) {
            return false;
        }
    }
    return true;
}

static bool machine_seal(void *context, struct p2p_cipher *cipher, struct span data,
                         struct p2p_box *boxes, size_t count)
{
    return exchange_all(context, cipher, data, boxes, count, 0, P2P_NOISE_TAG_BYTES);
}

static bool machine_open(void *context, struct p2p_cipher *cipher, struct span data,
                         struct p2p_box *boxes, size_t count)
{
    return exchange_all(context, cipher, data, boxes, count, P2P_NOISE_TAG_BYTES, 0);
}

static void machine_forget(void *context, struct p2p_cipher *cipher)
{
    struct p2p_machine *machine = context;
    struct crypto_result_none_error result;
    struct crypto_forget_call call = {cipher->held};
    if (cipher->held != 0) {
        (void)crypto_forget(machine->crypto_bond, &call, &result);
        cipher->held = 0;
    }
}

struct p2p_crypto p2p_crypto_over(struct p2p_machine *machine)
{
    return (struct p2p_crypto){.context = machine,
                               .sha256 = machine_sha256,
                               .x25519 = machine_x25519,
                               .seal = machine_seal,
                               .open = machine_open,
                               .forget = machine_forget,
                               .identity = machine_identity,
                               .sign = machine_sign,
                               .verify = machine_verify,
                               .random = machine_random};
}
