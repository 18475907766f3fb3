// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/shell/loop.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "interfaces/system.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/limits.h"

enum {
    BUCKET_BITS = 6,
    LOOKED_AT = 512, // more than there are at any time: one for each wait
};
STATIC_ASSERT(LOOKED_AT >= SHELL_CHILDREN + SHELL_PUMPS + 64);

static struct map waits;

void loop_init(void)
{
    enum err err = map_init(&waits, rt_memory(), BUCKET_BITS);
    ASSERT(err == ERR_OK);
}

bool wait_send(struct wait *wait, u32 bond, u64 function, const void *body, size_t size)
{
    ASSERT(!wait->is_waiting && wait->done != NULL);
    i64 id = rt_send(bond, function, body, (u32)size);
    if (id <= 0) {
        return false;
    }
    wait->is_waiting = true;
    map_add(&waits, &wait->node, (u64)id);
    return true;
}

void wait_cancel(struct wait *wait)
{
    if (!wait->is_waiting) {
        return;
    }
    struct system_cancel_call call = {wait->node.key};
    u8 body[SYSTEM_CANCEL_CALL_BYTES];
    size_t size = system_cancel_encode_call(body, sizeof body, &call);
    map_remove(&waits, &wait->node);
    wait->is_waiting = false;
    (void)rt_tell(RT_SYSTEM_BOND, SYSTEM_CANCEL_ID, body, (u32)size);
}

static void event_take(const struct rt_event *event)
{
    struct map_node *node = event->kind == NOTIFICATION_ANSWER ? map_find(&waits, event->id) : NULL;
    if (node == NULL) {
        return; // of what was cancelled
    }
    struct wait *wait = CONTAINER_OF(node, struct wait, node);
    map_remove(&waits, node);
    wait->is_waiting = false;
    wait->done(wait, event->error, event->body);
}

void loop_turn(void)
{
    struct rt_event event;
    rt_next(&event);
    event_take(&event);
}

void loop_look(void)
{
    struct rt_event event;
    for (u32 i = 0; i < LOOKED_AT && rt_poll(&event); i++) { // pumps make new ones all the time
        event_take(&event);
    }
}
