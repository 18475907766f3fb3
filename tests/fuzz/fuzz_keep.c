// SPDX-License-Identifier: GPL-3.0-or-later
// Messages to the device redshirt:io/keep, with a store in a folder of its own. An input is a list
// of messages: a byte that says which function and client, one for its size, its body. Whatever it
// is, it is answered once; whoever may not is answered E_DENIED.
#define _GNU_SOURCE 1
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/keep.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/store.h"
#include "tests/fuzz/one_device.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { OWNER = 7 };

static void deliver(u8 how, const u8 *data, size_t size)
{
    bool may = how % 8 != 0;
    struct kernel_event event = {.kind = KERNEL_EVENT_MESSAGE,
                                 .id = 1,
                                 .function =
                                     keep_interface.functions[how / 8 % KEEP_FUNCTION_COUNT].id,
                                 .client = (u64)(may ? OWNER : OWNER + 1) << 31 | 1,
                                 .body = span_of(data, size)};
    i32 error = one_device_tell(&event);
    ASSERT(may || error == E_DENIED);
}

static char folder[] = "/tmp/redshirt-fuzz-keep-XXXXXX";

static void folder_remove(void)
{
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    (void)!system(command);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct store store;
    static bool is_made;
    struct keep *keep;
    if (!is_made) {
        ASSERT(mkdtemp(folder) != NULL && store_open(&store, folder, NULL) == ERR_OK);
        atexit(folder_remove);
        is_made = true;
    }
    ASSERT(hosted_keep_add(&one_device_loop, NULL, &store, &keep) == ERR_OK);
    hosted_keep_allow(keep, OWNER);
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
