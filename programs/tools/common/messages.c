// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/messages.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "programs/rt/redshirt.h"
#include "programs/tools/common/tool.h"

u32 messages_bind(const struct interface_definition *interface, const char *name)
{
    i64 bond = rt_bind(interface, false);
    if (bond == E_DENIED) {
        tool_fail(name, "not allowed (redshirt grant, or redshirt run --allow)");
    }
    if (bond < 0) {
        tool_fail(name, bond == E_NO_HANDLER ? "nobody answers this interface here"
                                             : rt_error_name(bond));
    }
    return (u32)bond;
}

void messages_fail(const char *name, i64 error)
{
    tool_fail(name, rt_error_name(error));
}

// The runtime's memory is libc's: both would take what lies behind the data.
static void *memory_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_size);
}

struct memory *rt_memory(void)
{
    static struct memory memory = {memory_resize};
    return &memory;
}
