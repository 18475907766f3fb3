// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/no_limits.c: a kernel that has limits for nobody, for what reads limits given as text.
#include "core/kernel/device.h"

enum err kernel_device_limits(struct kernel_device *device, u64 client, u8 *to, size_t *size)
{
    (void)device;
    (void)client;
    (void)to;
    (void)size;
    return ERR_NOT_FOUND;
}
