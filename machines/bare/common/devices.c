// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel says that a device has something to take by `wake`; that only sets a flag, and
// devices_run does the work between two turns of the programs.
#include "machines/bare/common/devices.h"
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/wire.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "machines/bare/common/limits.h"

static const struct device_kind *const kinds[] = {
    &device_blocks, &device_log, &device_random, &device_stdio, &device_time,
};
static struct device devices[COUNT_OF(kinds)];
static const struct car *the_archive;
static struct memory *the_memory;
static u8 scratch[DEVICE_SCRATCH_BYTES];
STATIC_ASSERT(DEVICE_SCRATCH_BYTES >= DEVICE_BYTES + 64);

static void wake(void *context)
{
    struct device *device = context;
    __atomic_store_n(&device->woken, true, __ATOMIC_RELAXED);
}

enum err devices_add(struct kernel *kernel, struct memory *memory, const struct car *archive)
{
    the_archive = archive;
    the_memory = memory;
    for (u32 i = 0; i < COUNT_OF(kinds); i++) {
        devices[i] = (struct device){.kind = kinds[i]};
        struct kernel_device_config config = {
            .interface = kinds[i]->interface, .wake = wake, .context = &devices[i]};
        TRY(kernel_device_register(kernel, &config, &devices[i].handle));
    }
    return ERR_OK;
}

static bool device_run(struct device *device)
{
    const struct device_kind *kind = device->kind;
    bool worked = kind->run != NULL && kind->run(device);
    u32 left = DEVICE_BATCH;
    while (__atomic_load_n(&device->woken, __ATOMIC_RELAXED) && left-- > 0 &&
           (kind->ready == NULL || kind->ready())) {
        struct kernel_event event;
        // Before the look, so that a wake that comes after it is kept.
        __atomic_store_n(&device->woken, false, __ATOMIC_RELAXED);
        if (kernel_device_take(device->handle, &event)) {
            __atomic_store_n(&device->woken, true, __ATOMIC_RELAXED);
            kind->handle(device, &event);
            worked = true;
        }
    }
    return worked;
}

bool devices_run(void)
{
    bool worked = false;
    for (u32 i = 0; i < COUNT_OF(devices); i++) {
        worked = device_run(&devices[i]) || worked;
    }
    return worked;
}

u64 devices_deadline_ns(void)
{
    u64 deadline_ns = device_time_deadline_ns();
    for (u32 i = 0; i < COUNT_OF(kinds); i++) {
        if (kinds[i]->ready != NULL &&
            !kinds[i]->ready()) { // the line may have moved by the next tick
            u64 tick_ns = platform_clock_ns() + 1000000000 / TICK_HZ;
            return deadline_ns < tick_ns ? deadline_ns : tick_ns;
        }
    }
    return deadline_ns;
}

struct interface_message device_message(const struct kernel_event *event)
{
    return (struct interface_message){event->id, event->function, event->client, event->body};
}

void device_dispatched(struct device *device, u64 message, enum err err)
{
    switch (err) {
    case ERR_OK:
        break;
    case ERR_NOT_FOUND:
        device_refuse(device, message, E_FUNCTION);
        break;
    case ERR_UNSUPPORTED:
        device_refuse(device, message, E_UNSUPPORTED);
        break;
    default:
        device_refuse(device, message, E_MALFORMED);
        break;
    }
}

void device_answer(struct device *device, u64 message, struct span body)
{
    if (message != 0) {
        kernel_device_answer(device->handle, message, body);
    }
}

void device_refuse(struct device *device, u64 message, int error)
{
    ASSERT(error < 0);
    if (message != 0) {
        kernel_device_answer_error(device->handle, message, (u32)-error);
    }
}

u8 *device_scratch(void)
{
    return scratch;
}

const struct car *device_archive(void)
{
    return the_archive;
}

struct memory *device_memory(void)
{
    return the_memory;
}
