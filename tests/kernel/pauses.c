// SPDX-License-Identifier: GPL-3.0-or-later
// The stage's device counts as one that is to be woken all the time: the kernel does that whenever
// it has given its lock back.
#include "tests/kernel/pauses.h"
#include "core/kernel/internal.h"
#include "tests/kernel/stage.h"

static struct pauses *current;

static void arm(struct pauses *pauses)
{
    struct kernel_device *device = pauses->stage->device;
    if (!device->is_to_wake) {
        device->is_to_wake = true;
        device->next_to_wake = pauses->stage->kernel->wake_devices;
        pauses->stage->kernel->wake_devices = device;
    }
}

static void on_wake(void *context)
{
    (void)context;
    struct pauses *pauses = current;
    if (pauses->is_inside) {
        return;
    }
    pauses->is_inside = true;
    pauses->count++;
    if (pauses->meanwhile != NULL) {
        pauses->meanwhile(pauses->context, pauses->count);
    }
    pauses->is_inside = false;
    arm(pauses);
}

void pauses_begin(struct pauses *pauses, struct stage *stage)
{
    ASSERT(current == NULL);
    current = pauses;
    pauses->stage = stage;
    pauses->wake = stage->device->config.wake;
    stage->device->config.wake = on_wake;
    arm(pauses);
}

void pauses_end(struct pauses *pauses)
{
    ASSERT(current == pauses);
    pauses->stage->device->config.wake = pauses->wake;
    current = NULL;
}
