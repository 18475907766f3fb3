// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/blocks: the blocks of the archive that the boot loader handed over. Each
// is compared with its name whenever it is given out.
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/car.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "interfaces/blocks.h"
#include "machines/bare/common/devices.h"

static void answer(struct device *device, u64 message,
                   const struct blocks_result_bytes_error *result)
{
    size_t size = blocks_get_encode_result(NULL, 0, result);
    u8 *body = memory_take(device_memory(), size);
    if (body == NULL) {
        device_refuse(device, message, E_NO_MEMORY);
        return;
    }
    ASSERT(blocks_get_encode_result(body, size, result) == size);
    device_answer(device, message, span_of(body, size));
    memory_give(device_memory(), body, size);
}

static void do_get(void *context, const struct interface_message *message,
                   const struct blocks_get_call *call)
{
    struct blocks_result_bytes_error result = {0};
    struct report report;
    struct cid cid;
    report_clear(&report);
    if (message->id == 0) {
        return;
    }
    if (cid_parse_text(call->cid, &cid, &report) != ERR_OK) {
        result.error.kind = BLOCKS_ERROR_BAD_CID;
        result.error.as.bad_cid = span_string(report.text);
    } else if (car_find(device_archive(), &cid, &result.value) != ERR_OK) {
        result.error.kind = BLOCKS_ERROR_NOT_FOUND;
    } else {
        struct cid got = cid_of_block((enum cid_codec)cid.codec, result.value, platform_sha256);
        result.ok = cid_equal(&cid, &got);
        if (!result.ok) {
            result.error.kind = BLOCKS_ERROR_DAMAGED;
            result.error.as.damaged = SPAN_LITERAL("the bytes in the archive have another hash");
        }
    }
    answer(context, message->id, &result);
}

static void do_has(void *context, const struct interface_message *message,
                   const struct blocks_has_call *call)
{
    struct blocks_result_bool_error result = {0};
    struct report report;
    struct cid cid;
    struct span bytes;
    u8 body[REPORT_TEXT_BYTES + 16];
    report_clear(&report);
    if (cid_parse_text(call->cid, &cid, &report) != ERR_OK) {
        result.error.kind = BLOCKS_ERROR_BAD_CID;
        result.error.as.bad_cid = span_string(report.text);
    } else {
        result.ok = true;
        result.value = car_find(device_archive(), &cid, &bytes) == ERR_OK;
    }
    size_t size = blocks_has_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    device_answer(context, message->id, span_of(body, size));
}

static const struct blocks_handler handler = {.get = do_get, .has = do_has};

static void handle(struct device *device, const struct kernel_event *event)
{
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = device_message(event);
        device_dispatched(device, event->id, blocks_dispatch(&handler, device, &message));
    }
}

const struct device_kind device_blocks = {.interface = &blocks_interface, .handle = handle};
