// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/blocks over the store (store.h). Reading and hashing a block takes
// milliseconds, so it happens on libuv's file threads; the answer is given from there.
#include <stdlib.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "interfaces/blocks.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/store.h"

enum { PREFIX_BYTES = 5 }; // of a get's answer, before the bytes themselves

struct blocks {
    struct hosted_device device;
    struct calls calls;
    struct store *store;
};

struct reading {
    struct call call;
    struct blocks *blocks;
    struct cid cid;
    uv_work_t work;
};

static struct blocks_error error_of(enum err err, const struct report *report)
{
    struct span text = span_string(report->text);
    struct blocks_error error = {.kind = BLOCKS_ERROR_FAILED};
    switch (err) {
    case ERR_NOT_FOUND:
        error.kind = BLOCKS_ERROR_NOT_FOUND;
        break;
    case ERR_MISMATCH:
        error.kind = BLOCKS_ERROR_DAMAGED;
        error.as.damaged = text;
        break;
    case ERR_LIMIT:
        error.kind = BLOCKS_ERROR_TOO_LARGE;
        error.as.too_large = report->offset;
        break;
    case ERR_MALFORMED:
    case ERR_UNSUPPORTED:
        error.kind = BLOCKS_ERROR_BAD_CID;
        error.as.bad_cid = text;
        break;
    default:
        error.as.failed = text;
        break;
    }
    return error;
}

static void answer_error(struct blocks *blocks, u64 message, enum err err,
                         const struct report *report)
{
    u8 body[REPORT_TEXT_BYTES + 16];
    struct blocks_result_bytes_error result = {.error = error_of(err, report)};
    size_t size = blocks_get_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&blocks->device, message, span_of(body, size));
}

// On one of the host's file threads. The block is read to where the answer has it.
static void block_read(uv_work_t *work)
{
    struct reading *reading = CONTAINER_OF(work, struct reading, work);
    struct blocks *blocks = reading->blocks;
    struct report report = {0};
    struct span block;
    enum err err = store_get_behind(blocks->store, &reading->cid, PREFIX_BYTES, &block, &report);
    if (err != ERR_OK) {
        answer_error(blocks, reading->call.message, err, &report);
        return;
    }
    u8 *body = (u8 *)block.data - PREFIX_BYTES;
    struct wire_writer out = wire_writer_over(body, PREFIX_BYTES);
    wire_write_bool(&out, false); // not an error
    wire_write_u32(&out, (u32)block.size);
    ASSERT(out.size == PREFIX_BYTES);
    hosted_answer(&blocks->device, reading->call.message, span_of(body, PREFIX_BYTES + block.size));
    free(body);
}

static void block_read_end(uv_work_t *work, int status)
{
    struct reading *reading = CONTAINER_OF(work, struct reading, work);
    struct blocks *blocks = reading->blocks;
    if (status != 0) { // cancelled before it began
        hosted_answer_error(&blocks->device, reading->call.message, E_CANCELLED);
    }
    calls_end(&blocks->calls, &reading->call);
    free(reading);
}

static void do_get(void *context, const struct interface_message *message,
                   const struct blocks_get_call *arguments)
{
    struct blocks *blocks = context;
    if (message->id == 0) {
        return;
    }
    struct cid cid;
    struct report report = {0};
    enum err err = cid_parse_text(arguments->cid, &cid, &report);
    if (err != ERR_OK) {
        answer_error(blocks, message->id, err, &report);
        return;
    }
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        hosted_answer_error(&blocks->device, message->id, E_NO_MEMORY);
        return;
    }
    if (calls_begin(&blocks->calls, &reading->call, message->client, message->id) != ERR_OK) {
        free(reading);
        hosted_answer_error(&blocks->device, message->id, E_BUSY);
        return;
    }
    reading->blocks = blocks;
    reading->cid = cid;
    int failed =
        uv_queue_work(&blocks->device.loop->uv, &reading->work, block_read, block_read_end);
    ASSERT(failed == 0); // it fails for a missing function only
}

static void do_has(void *context, const struct interface_message *message,
                   const struct blocks_has_call *arguments)
{
    struct blocks *blocks = context;
    struct cid cid;
    struct report report = {0};
    struct blocks_result_bool_error result = {.ok = true};
    enum err err = cid_parse_text(arguments->cid, &cid, &report);
    if (err == ERR_OK) {
        result.value = store_has(blocks->store, &cid);
    } else {
        result = (struct blocks_result_bool_error){.error = error_of(err, &report)};
    }
    u8 body[16 + REPORT_TEXT_BYTES];
    size_t size = blocks_has_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&blocks->device, message->id, span_of(body, size));
}

static const struct blocks_handler handler = {.get = do_get, .has = do_has};

// One that has begun goes on: it ends by itself.
static void reading_cancel(struct call *call)
{
    if (call != NULL) {
        (void)uv_cancel((uv_req_t *)&CONTAINER_OF(call, struct reading, call)->work);
    }
}

static void blocks_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct blocks *blocks = CONTAINER_OF(device, struct blocks, device);
    struct interface_message message = hosted_message(event);
    struct call *call;
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, blocks_dispatch(&handler, blocks, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        call = calls_of_client(&blocks->calls, event->client);
        if (call != NULL) {
            struct list *all = &call->client->calls; // stays: the callbacks come later
            for (struct list_node *node = list_first(all); node != NULL;
                 node = list_next(all, node)) {
                reading_cancel(LIST_ITEM(node, struct call, of_client));
            }
        }
        return;
    case KERNEL_EVENT_CANCELLED:
        reading_cancel(calls_find(&blocks->calls, event->id));
        return;
    }
}

static void blocks_drop(struct hosted_device *device)
{
    struct blocks *blocks = CONTAINER_OF(device, struct blocks, device);
    calls_drop(&blocks->calls);
    free(blocks);
}

enum err hosted_blocks_add(struct hosted_loop *loop, struct kernel *kernel, struct store *store)
{
    struct blocks *blocks = calloc(1, sizeof *blocks);
    if (blocks == NULL) {
        return ERR_NO_MEMORY;
    }
    blocks->store = store;
    enum err err = calls_init(&blocks->calls,
                              (struct calls_limits){HOSTED_CLIENT_BLOCKS, HOSTED_BLOCKS, 0, 0});
    if (err == ERR_OK) {
        blocks->device = (struct hosted_device){.handle = blocks_handle, .drop = blocks_drop};
        err = hosted_device_add(loop, kernel, &blocks_interface, &blocks->device);
        if (err == ERR_OK) {
            return ERR_OK;
        }
        calls_drop(&blocks->calls);
    }
    free(blocks);
    return err;
}
