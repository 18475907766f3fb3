// SPDX-License-Identifier: GPL-3.0-or-later
// Messages to the device redshirt:io/crypto. An input is a list of messages: a byte that says which
// function and client, one for its size, its body. Whatever it is, it is answered once.
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/crypto.h"
#include "machines/hosted/devices.h"
#include "tests/fuzz/one_device.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void deliver(u8 how, const u8 *data, size_t size)
{
    struct kernel_event event = {
        .kind = how == 127 ? KERNEL_EVENT_CLIENT_GONE : KERNEL_EVENT_MESSAGE,
        .id = 1,
        .function = crypto_interface.functions[how % CRYPTO_FUNCTION_COUNT].id,
        .client = 1 + how / 128,
        .body = span_of(data, size)};
    (void)one_device_tell(&event);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    ASSERT(hosted_crypto_add(&one_device_loop, NULL) == ERR_OK);
    for (size_t at = 0; at + 2 <= size;) {
        u8 how = data[at];
        size_t length = data[at + 1];
        at += 2;
        length = length < size - at ? length : size - at;
        deliver(how, data + at, length);
        at += length;
    }
    one_device_drop();
    return 0;
}
