// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/calls.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/p2p-loader/limits.h"
#include "programs/rt/redshirt.h"

enum { MAP_BITS = 10 };

static struct map waiting;

void calls_init(void)
{
    enum err err = map_init(&waiting, rt_memory(), MAP_BITS);
    ASSERT(err == ERR_OK);
}

bool call_send(struct call *call, u32 bond, u64 function, const void *body, size_t size,
               void (*done)(struct call *call, const struct rt_event *event))
{
    ASSERT(!call->is_waiting);
    if (waiting.count == LOADER_CALLS) {
        return false;
    }
    i64 id = rt_send(bond, function, body, (u32)size);
    if (id <= 0) {
        return false;
    }
    call->is_waiting = true;
    call->done = done;
    map_add(&waiting, &call->node, (u64)id);
    return true;
}

void call_cancel(struct call *call)
{
    struct system_cancel_call cancel = {call->node.key};
    struct system_result_none_error result;
    if (call->is_waiting) {
        (void)system_cancel(RT_SYSTEM_BOND, &cancel, &result);
    }
}

void call_drop(struct call *call)
{
    call_cancel(call);
    if (call->is_waiting) {
        map_remove(&waiting, &call->node); // the answer finds nobody
        call->is_waiting = false;
    }
}

void calls_answer(const struct rt_event *event)
{
    struct map_node *node = map_find(&waiting, event->id);
    if (node == NULL) {
        return;
    }
    struct call *call = CONTAINER_OF(node, struct call, node);
    map_remove(&waiting, node);
    call->is_waiting = false;
    call->done(call, event);
}
