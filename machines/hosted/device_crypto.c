// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/crypto, on libsodium and the platform's hash. Calls are computed at once,
// in the loop: the longest takes about as long as writing as many bytes to a socket. Only the hash
// of a whole block takes longer, and is computed on libuv's file threads. Keys that are held belong
// to their client; what was secret is overwritten.
#include <sodium.h>
#include <stdlib.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "interfaces/crypto.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"

enum {
    HASH_BYTES = 32,
    POINT_BYTES = crypto_scalarmult_curve25519_BYTES,
    SEED_BYTES = crypto_sign_ed25519_SEEDBYTES,
    SIGNATURE_BYTES = crypto_sign_ed25519_BYTES,
    KEY_BYTES = crypto_aead_chacha20poly1305_ietf_KEYBYTES,
    NONCE_BYTES = crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_chacha20poly1305_ietf_ABYTES,
    PREFIX_BYTES = 1 + 4, // of an answer of bytes: that it is one, and their count
};

struct crypto {
    struct hosted_device device;
    struct calls calls; // calls: hashes of blocks; things: keys
    u8 answer[PREFIX_BYTES + HOSTED_CRYPTO_BYTES];
};

struct held_key {
    struct thing thing;
    u8 key[KEY_BYTES];
};

// ---- answers

static void answer_error(struct crypto *crypto, u64 message, enum crypto_error error)
{
    u8 body[PREFIX_BYTES];
    struct crypto_result_bytes_error result = {.error = error};
    size_t size = crypto_sha256_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&crypto->device, message, span_of(body, size)); // the same for every result
}

// The bytes lie in crypto->answer from PREFIX_BYTES on.
static void answer_bytes(struct crypto *crypto, u64 message, size_t size)
{
    ASSERT(size <= HOSTED_CRYPTO_BYTES);
    struct crypto_result_bytes_error result = {.ok = true};
    size_t used = crypto_sha256_encode_result(crypto->answer, PREFIX_BYTES, &result);
    ASSERT(used == PREFIX_BYTES);
    mem_store_u32(crypto->answer + used - sizeof(u32), (u32)size); // it ends with the count
    hosted_answer(&crypto->device, message, span_of(crypto->answer, PREFIX_BYTES + size));
    sodium_memzero(crypto->answer, PREFIX_BYTES + size); // it may be somebody's secret
}

static u8 *answer_room(struct crypto *crypto)
{
    return crypto->answer + PREFIX_BYTES;
}

// libsodium asks for a pointer also where there are no bytes.
static const u8 *bytes_of(struct span span)
{
    static const u8 none;
    return span.size == 0 ? &none : span.data;
}

// ---- the hash of a block

// The bytes lie in the message, which stays until it is answered.
struct hashing {
    struct call call;
    struct crypto *crypto;
    struct span bytes;
    uv_work_t work;
};

// On one of the host's file threads.
static void hashing_do(uv_work_t *work)
{
    struct hashing *hashing = CONTAINER_OF(work, struct hashing, work);
    u8 hash[HASH_BYTES], body[PREFIX_BYTES + HASH_BYTES];
    platform_sha256(hashing->bytes, hash);
    struct crypto_result_bytes_error result = {.ok = true, .value = span_of(hash, sizeof hash)};
    size_t size = crypto_sha256_encode_result(body, sizeof body, &result);
    ASSERT(size == sizeof body);
    hosted_answer(&hashing->crypto->device, hashing->call.message, span_of(body, size));
}

static void hashing_end(uv_work_t *work, int status)
{
    struct hashing *hashing = CONTAINER_OF(work, struct hashing, work);
    ASSERT(status == 0); // nobody cancels it: it ends by itself, and soon
    calls_end(&hashing->crypto->calls, &hashing->call);
    free(hashing);
}

static void hashing_begin(struct crypto *crypto, const struct interface_message *message,
                          struct span bytes)
{
    struct hashing *hashing = calloc(1, sizeof *hashing);
    if (hashing == NULL ||
        calls_begin(&crypto->calls, &hashing->call, message->client, message->id) != ERR_OK) {
        free(hashing);
        answer_error(crypto, message->id, CRYPTO_ERROR_LIMIT);
        return;
    }
    hashing->crypto = crypto;
    hashing->bytes = bytes;
    int failed = uv_queue_work(&crypto->device.loop->uv, &hashing->work, hashing_do, hashing_end);
    ASSERT(failed == 0); // it fails for a missing function only
}

// ---- what needs no key that is held

static void do_sha256(void *context, const struct interface_message *message,
                      const struct crypto_sha256_call *call)
{
    struct crypto *crypto = context;
    if (call->bytes.size > HOSTED_BLOCK_BYTES) {
        answer_error(crypto, message->id, CRYPTO_ERROR_LIMIT);
        return;
    }
    if (call->bytes.size > HOSTED_CRYPTO_BYTES) {
        if (message->id != 0) {
            hashing_begin(crypto, message, call->bytes);
        }
        return;
    }
    platform_sha256(call->bytes, answer_room(crypto));
    answer_bytes(crypto, message->id, HASH_BYTES);
}

static void do_x25519(void *context, const struct interface_message *message,
                      const struct crypto_x25519_call *call)
{
    struct crypto *crypto = context;
    if (call->secret.size != POINT_BYTES ||
        (call->point.some && call->point.value.size != POINT_BYTES)) {
        answer_error(crypto, message->id, CRYPTO_ERROR_MALFORMED);
        return;
    }
    int failed = call->point.some
                     ? crypto_scalarmult_curve25519(answer_room(crypto), call->secret.data,
                                                    call->point.value.data)
                     : crypto_scalarmult_curve25519_base(answer_room(crypto), call->secret.data);
    if (failed != 0) {
        answer_error(crypto, message->id, CRYPTO_ERROR_REFUSED);
        return;
    }
    answer_bytes(crypto, message->id, POINT_BYTES);
}

static void do_ed25519_public(void *context, const struct interface_message *message,
                              const struct crypto_ed25519_public_call *call)
{
    struct crypto *crypto = context;
    u8 secret[crypto_sign_ed25519_SECRETKEYBYTES];
    if (call->seed.size != SEED_BYTES) {
        answer_error(crypto, message->id, CRYPTO_ERROR_MALFORMED);
        return;
    }
    crypto_sign_ed25519_seed_keypair(answer_room(crypto), secret, call->seed.data);
    sodium_memzero(secret, sizeof secret);
    answer_bytes(crypto, message->id, POINT_BYTES);
}

static void do_ed25519_sign(void *context, const struct interface_message *message,
                            const struct crypto_ed25519_sign_call *call)
{
    struct crypto *crypto = context;
    u8 public[POINT_BYTES], secret[crypto_sign_ed25519_SECRETKEYBYTES];
    if (call->seed.size != SEED_BYTES || call->message.size > HOSTED_CRYPTO_BYTES) {
        answer_error(crypto, message->id,
                     call->seed.size != SEED_BYTES ? CRYPTO_ERROR_MALFORMED : CRYPTO_ERROR_LIMIT);
        return;
    }
    crypto_sign_ed25519_seed_keypair(public, secret, call->seed.data);
    crypto_sign_ed25519_detached(answer_room(crypto), NULL, bytes_of(call->message),
                                 call->message.size, secret);
    sodium_memzero(secret, sizeof secret);
    answer_bytes(crypto, message->id, SIGNATURE_BYTES);
}

static void do_ed25519_verify(void *context, const struct interface_message *message,
                              const struct crypto_ed25519_verify_call *call)
{
    struct crypto *crypto = context;
    if (call->key.size != POINT_BYTES || call->signature.size != SIGNATURE_BYTES) {
        answer_error(crypto, message->id, CRYPTO_ERROR_MALFORMED);
        return;
    }
    if (call->message.size > HOSTED_CRYPTO_BYTES) {
        answer_error(crypto, message->id, CRYPTO_ERROR_LIMIT);
        return;
    }
    int failed = crypto_sign_ed25519_verify_detached(call->signature.data, bytes_of(call->message),
                                                     call->message.size, call->key.data);
    u8 body[CRYPTO_ED25519_VERIFY_RESULT_BYTES];
    struct crypto_result_bool_error result = {.ok = true, .value = failed == 0};
    size_t size = crypto_ed25519_verify_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&crypto->device, message->id, span_of(body, size));
}

// ---- keys

static void key_drop(struct crypto *crypto, struct thing *thing)
{
    struct held_key *held = CONTAINER_OF(thing, struct held_key, thing);
    things_end(&crypto->calls, thing);
    sodium_memzero(held, sizeof *held);
    free(held);
}

static void do_hold(void *context, const struct interface_message *message,
                    const struct crypto_hold_call *call)
{
    struct crypto *crypto = context;
    if (call->key.size != KEY_BYTES) {
        answer_error(crypto, message->id, CRYPTO_ERROR_MALFORMED);
        return;
    }
    if (message->id == 0) { // nobody would learn its number
        return;
    }
    struct held_key *held = calloc(1, sizeof *held);
    if (held == NULL || things_begin(&crypto->calls, &held->thing, message->client) != ERR_OK) {
        free(held);
        answer_error(crypto, message->id, CRYPTO_ERROR_LIMIT);
        return;
    }
    mem_copy(held->key, call->key.data, KEY_BYTES);
    u8 body[CRYPTO_HOLD_RESULT_BYTES];
    struct crypto_result_u64_error result = {.ok = true, .value = held->thing.node.key};
    size_t size = crypto_hold_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&crypto->device, message->id, span_of(body, size));
}

static void do_forget(void *context, const struct interface_message *message,
                      const struct crypto_forget_call *call)
{
    struct crypto *crypto = context;
    struct thing *thing = things_find(&crypto->calls, message->client, call->key);
    if (thing == NULL) {
        answer_error(crypto, message->id, CRYPTO_ERROR_UNKNOWN);
        return;
    }
    key_drop(crypto, thing);
    u8 body[CRYPTO_FORGET_RESULT_BYTES];
    struct crypto_result_none_error result = {.ok = true};
    size_t size = crypto_forget_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&crypto->device, message->id, span_of(body, size));
}

// ---- boxes

// A call of either kind, and what was found out about it.
struct boxes {
    const struct held_key *key;
    u64 nonce;
    struct span data;
    struct crypto_list_u32 sizes;
    struct span bytes;
};

// Checks all of it before anything is computed.
//   tag  bytes that each box must have at least
static bool boxes_check(struct crypto *crypto, u64 message, const struct boxes *boxes, size_t tag,
                        size_t added)
{
    struct crypto_list_u32 sizes = boxes->sizes;
    size_t sum = 0;
    u32 size, count = 0;
    bool well = true;
    if (boxes->key == NULL) {
        answer_error(crypto, message, CRYPTO_ERROR_UNKNOWN);
        return false;
    }
    if (sizes.count > HOSTED_CRYPTO_BOXES || boxes->bytes.size > HOSTED_CRYPTO_BYTES ||
        boxes->data.size > HOSTED_CRYPTO_BYTES ||
        boxes->data.size + boxes->bytes.size + sizes.count * added > HOSTED_CRYPTO_BYTES) {
        answer_error(crypto, message, CRYPTO_ERROR_LIMIT);
        return false;
    }
    for (; crypto_list_u32_next(&sizes, &size); count++) {
        well = well && size >= tag && size <= boxes->bytes.size - sum;
        sum += well ? size : 0;
    }
    if (!well || sum != boxes->bytes.size || boxes->nonce > UINT64_MAX - count) {
        answer_error(crypto, message, CRYPTO_ERROR_MALFORMED);
        return false;
    }
    return true;
}

static const struct held_key *key_find(struct crypto *crypto, const struct interface_message *from,
                                       u64 number)
{
    struct thing *thing = things_find(&crypto->calls, from->client, number);
    return thing == NULL ? NULL : CONTAINER_OF(thing, struct held_key, thing);
}

static void nonce_write(u8 out[NONCE_BYTES], u64 nonce)
{
    mem_zero(out, NONCE_BYTES);
    mem_store_u64(out + NONCE_BYTES - sizeof nonce, nonce);
}

static void do_seal(void *context, const struct interface_message *message,
                    const struct crypto_seal_call *call)
{
    struct crypto *crypto = context;
    struct boxes boxes = {key_find(crypto, message, call->key), call->nonce, call->data,
                          call->sizes, call->bytes};
    if (!boxes_check(crypto, message->id, &boxes, 0, TAG_BYTES)) {
        return;
    }
    u8 *out = answer_room(crypto);
    const u8 *in = bytes_of(boxes.bytes);
    for (u32 size; crypto_list_u32_next(&boxes.sizes, &size); in += size) {
        u8 nonce[NONCE_BYTES];
        nonce_write(nonce, boxes.nonce++);
        crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, size, bytes_of(boxes.data),
                                                  boxes.data.size, NULL, nonce, boxes.key->key);
        out += size + TAG_BYTES;
    }
    answer_bytes(crypto, message->id, (size_t)(out - answer_room(crypto)));
}

static void do_open(void *context, const struct interface_message *message,
                    const struct crypto_open_call *call)
{
    struct crypto *crypto = context;
    struct boxes boxes = {key_find(crypto, message, call->key), call->nonce, call->data,
                          call->sizes, call->bytes};
    if (!boxes_check(crypto, message->id, &boxes, TAG_BYTES, 0)) {
        return;
    }
    u8 *out = answer_room(crypto);
    const u8 *in = bytes_of(boxes.bytes);
    for (u32 size; crypto_list_u32_next(&boxes.sizes, &size); in += size) {
        u8 nonce[NONCE_BYTES];
        nonce_write(nonce, boxes.nonce++);
        if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, size,
                                                      bytes_of(boxes.data), boxes.data.size, nonce,
                                                      boxes.key->key) != 0) {
            sodium_memzero(answer_room(crypto), (size_t)(out - answer_room(crypto)));
            answer_error(crypto, message->id, CRYPTO_ERROR_REFUSED);
            return;
        }
        out += size - TAG_BYTES;
    }
    answer_bytes(crypto, message->id, (size_t)(out - answer_room(crypto)));
}

// ---- the device

static const struct crypto_handler handler = {
    .sha256 = do_sha256,
    .x25519 = do_x25519,
    .ed25519_public = do_ed25519_public,
    .ed25519_sign = do_ed25519_sign,
    .ed25519_verify = do_ed25519_verify,
    .hold = do_hold,
    .forget = do_forget,
    .seal = do_seal,
    .open = do_open,
};

static void crypto_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct crypto *crypto = CONTAINER_OF(device, struct crypto, device);
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = hosted_message(event);
        hosted_dispatched(device, event->id, crypto_dispatch(&handler, crypto, &message));
    } else if (event->kind == KERNEL_EVENT_CLIENT_GONE) {
        struct thing *thing;
        while ((thing = things_of_client(&crypto->calls, event->client)) != NULL) {
            key_drop(crypto, thing);
        }
    }
}

static void crypto_drop(struct hosted_device *device)
{
    struct crypto *crypto = CONTAINER_OF(device, struct crypto, device);
    struct thing *thing;
    while ((thing = things_first(&crypto->calls)) != NULL) {
        key_drop(crypto, thing);
    }
    calls_drop(&crypto->calls);
    free(crypto);
}

enum err hosted_crypto_add(struct hosted_loop *loop, struct kernel *kernel)
{
    struct crypto *crypto = calloc(1, sizeof *crypto);
    if (crypto == NULL) {
        return ERR_NO_MEMORY;
    }
    struct calls_limits limits = {.owner_calls = HOSTED_CLIENT_BLOCKS,
                                  .calls = HOSTED_BLOCKS,
                                  .owner_things = HOSTED_CLIENT_KEYS,
                                  .things = HOSTED_KEYS};
    enum err err = calls_init(&crypto->calls, limits);
    if (err != ERR_OK) {
        free(crypto);
        return err;
    }
    crypto->device.handle = crypto_handle;
    crypto->device.drop = crypto_drop;
    err = hosted_device_add(loop, kernel, &crypto_interface, &crypto->device);
    if (err != ERR_OK) {
        calls_drop(&crypto->calls);
        free(crypto);
    }
    return err;
}
