// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/keep over the store (store.h) and the records (records.h). All of it waits
// for the disk, so it happens on libuv's file threads, and is answered from there. One process may
// use it, the one that hosted_keep_allow named; for everybody else there is nothing here.
#include <stdlib.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "interfaces/keep.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/records.h"
#include "machines/hosted/store.h"

struct keep {
    struct hosted_device device;
    struct calls calls;
    struct store *store;
    u32 owner; // of the clients that may; 0: none
    u64 tag;   // of what is told
    bool has_told;
};

enum work_kind { WORK_BLOCK, WORK_GET, WORK_SET, WORK_REPLACE, WORK_ADD, WORK_TELL };

// One call under way. `name`, `bytes` and `was` lie in the message, which stays until it is
// answered.
struct work {
    struct call call;
    struct keep *keep;
    enum work_kind kind;
    struct span name;
    struct span bytes;
    struct span was;
    u32 most;
    uv_work_t request;
};

static struct keep_error error_of(enum err err, const struct report *report)
{
    struct keep_error error = {.kind = KEEP_ERROR_FAILED};
    switch (err) {
    case ERR_NOT_FOUND:
        error.kind = KEEP_ERROR_NOT_FOUND;
        break;
    case ERR_INVALID:
        error.kind = KEEP_ERROR_BAD_NAME;
        break;
    case ERR_MALFORMED:
    case ERR_UNSUPPORTED:
        error.kind = KEEP_ERROR_BAD_CID;
        error.as.bad_cid = span_string(report->text);
        break;
    case ERR_MISMATCH:
        error.kind = KEEP_ERROR_MISMATCH;
        break;
    case ERR_LIMIT:
        error.kind = KEEP_ERROR_LIMIT;
        break;
    default:
        error.as.failed = span_string(report->text);
        break;
    }
    return error;
}

// ---- on one of the host's file threads

static enum err block_put(struct work *work, struct report *report)
{
    struct cid cid;
    TRY(cid_parse_text(work->name, &cid, report));
    if (work->bytes.size > HOSTED_BLOCK_BYTES) {
        return ERR_LIMIT;
    }
    struct cid named = cid_of_block((enum cid_codec)cid.codec, work->bytes, platform_sha256);
    return cid_equal(&cid, &named) ? store_put_soon(work->keep->store, &cid, work->bytes, report)
                                   : ERR_MISMATCH;
}

static void answer_done(struct work *work, enum err err, const struct report *report)
{
    u8 body[REPORT_TEXT_BYTES + 16];
    struct keep_result_none_error result = {.ok = err == ERR_OK};
    if (err != ERR_OK) {
        result.error = error_of(err, report);
    }
    size_t size = keep_set_encode_result(body, sizeof body, &result); // others look the same
    ASSERT(size <= sizeof body);
    hosted_answer(&work->keep->device, work->call.message, span_of(body, size));
}

static void answer_replaced(struct work *work, struct report *report)
{
    u8 body[REPORT_TEXT_BYTES + 16];
    struct keep_result_bool_error result = {0};
    enum err err = record_replace(work->keep->store->home, work->name, work->was, work->bytes,
                                  &result.value, report);
    result.ok = err == ERR_OK;
    if (err != ERR_OK) {
        result.error = error_of(err, report);
    }
    size_t size = keep_replace_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&work->keep->device, work->call.message, span_of(body, size));
}

static void answer_bytes(struct work *work, enum err err, struct span bytes,
                         const struct report *report)
{
    struct keep_result_bytes_error result = {.ok = err == ERR_OK};
    if (err == ERR_OK) {
        result.value = bytes;
    } else {
        result.error = error_of(err, report);
    }
    size_t size = keep_get_encode_result(NULL, 0, &result);
    u8 *body = malloc(size);
    if (body == NULL) {
        hosted_answer_error(&work->keep->device, work->call.message, E_NO_MEMORY);
        return;
    }
    size_t used = keep_get_encode_result(body, size, &result);
    ASSERT(used == size);
    hosted_answer(&work->keep->device, work->call.message, span_of(body, size));
    mem_zero(body, size); // it may be a key
    free(body);
}

static void work_do(uv_work_t *request)
{
    struct work *work = CONTAINER_OF(request, struct work, request);
    struct report report = {0};
    struct span bytes = {0};
    int home = work->keep->store->home;
    switch (work->kind) {
    case WORK_BLOCK:
        answer_done(work, block_put(work, &report), &report);
        return;
    case WORK_SET:
        answer_done(work, record_set(home, work->name, work->bytes, &report), &report);
        return;
    case WORK_REPLACE:
        answer_replaced(work, &report);
        return;
    case WORK_ADD:
        answer_done(work, record_add(home, work->name, work->bytes, work->most, &report), &report);
        return;
    case WORK_TELL:
        answer_done(work, record_tell(home, work->name, work->keep->tag, work->bytes, &report),
                    &report);
        return;
    case WORK_GET:
        answer_bytes(work, record_get(home, work->name, &bytes, &report), bytes, &report);
        if (bytes.data != NULL) {
            mem_zero((void *)bytes.data, bytes.size);
            free((void *)bytes.data);
        }
        return;
    }
}

// ---- in the loop

static void work_end(uv_work_t *request, int status)
{
    struct work *work = CONTAINER_OF(request, struct work, request);
    struct keep *keep = work->keep;
    if (status != 0) { // cancelled before it began
        hosted_answer_error(&keep->device, work->call.message, E_CANCELLED);
    }
    calls_end(&keep->calls, &work->call);
    free(work);
}

//   what  its kind, name, bytes and the like
static void work_begin(struct keep *keep, const struct interface_message *message, struct work what)
{
    if (message->id == 0) {
        return; // who does not wait would not hear that it failed
    }
    struct work *work = malloc(sizeof *work);
    if (work == NULL) {
        hosted_answer_error(&keep->device, message->id, E_NO_MEMORY);
        return;
    }
    *work = what;
    work->keep = keep;
    if (calls_begin(&keep->calls, &work->call, message->client, message->id) != ERR_OK) {
        free(work);
        hosted_answer_error(&keep->device, message->id, E_BUSY);
        return;
    }
    int failed = uv_queue_work(&keep->device.loop->uv, &work->request, work_do, work_end);
    ASSERT(failed == 0); // it fails for a missing function only
}

static void do_block(void *context, const struct interface_message *message,
                     const struct keep_block_call *call)
{
    work_begin(context, message,
               (struct work){.kind = WORK_BLOCK, .name = call->cid, .bytes = call->bytes});
}

static void do_get(void *context, const struct interface_message *message,
                   const struct keep_get_call *call)
{
    work_begin(context, message, (struct work){.kind = WORK_GET, .name = call->name});
}

static void do_set(void *context, const struct interface_message *message,
                   const struct keep_set_call *call)
{
    work_begin(context, message,
               (struct work){.kind = WORK_SET, .name = call->name, .bytes = call->bytes});
}

static void do_replace(void *context, const struct interface_message *message,
                       const struct keep_replace_call *call)
{
    work_begin(
        context, message,
        (struct work){
            .kind = WORK_REPLACE, .name = call->name, .bytes = call->bytes, .was = call->was});
}

static void do_add(void *context, const struct interface_message *message,
                   const struct keep_add_call *call)
{
    work_begin(context, message,
               (struct work){
                   .kind = WORK_ADD, .name = call->name, .bytes = call->lines, .most = call->most});
}

static void do_tell(void *context, const struct interface_message *message,
                    const struct keep_tell_call *call)
{
    struct keep *keep = context;
    keep->has_told = true;
    work_begin(keep, message,
               (struct work){.kind = WORK_TELL, .name = call->name, .bytes = call->bytes});
}

static const struct keep_handler handler = {.block = do_block,
                                            .get = do_get,
                                            .set = do_set,
                                            .replace = do_replace,
                                            .add = do_add,
                                            .tell = do_tell};

// What has begun goes on: a client that goes leaves its last block in the store.
static void keep_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct keep *keep = CONTAINER_OF(device, struct keep, device);
    struct interface_message message = hosted_message(event);
    if (event->kind != KERNEL_EVENT_MESSAGE) {
        return;
    }
    u32 owner = __atomic_load_n(&keep->owner, __ATOMIC_ACQUIRE);
    if (owner == 0 || abi_client_owner(event->client) != owner) {
        hosted_answer_error(device, event->id, E_DENIED);
        return;
    }
    hosted_dispatched(device, event->id, keep_dispatch(&handler, keep, &message));
}

static void keep_drop(struct hosted_device *device)
{
    struct keep *keep = CONTAINER_OF(device, struct keep, device);
    calls_drop(&keep->calls);
    if (keep->has_told) {
        record_tell_end(keep->store->home, keep->tag);
    }
    free(keep);
}

enum err hosted_keep_add(struct hosted_loop *loop, struct kernel *kernel, struct store *store,
                         struct keep **out)
{
    struct keep *keep = calloc(1, sizeof *keep);
    if (keep == NULL) {
        return ERR_NO_MEMORY;
    }
    keep->store = store;
    platform_random(&keep->tag, sizeof keep->tag);
    enum err err =
        calls_init(&keep->calls, (struct calls_limits){HOSTED_CLIENT_BLOCKS, HOSTED_BLOCKS, 0, 0});
    if (err == ERR_OK) {
        keep->device = (struct hosted_device){.handle = keep_handle, .drop = keep_drop};
        err = hosted_device_add(loop, kernel, &keep_interface, &keep->device);
        if (err == ERR_OK) {
            *out = keep;
            return ERR_OK;
        }
        calls_drop(&keep->calls);
    }
    free(keep);
    return err;
}

void hosted_keep_allow(struct keep *keep, u32 owner)
{
    __atomic_store_n(&keep->owner, owner, __ATOMIC_RELEASE);
}
