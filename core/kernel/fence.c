// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/fence.h"
#include "core/kernel/internal.h"
#include "interfaces/processes.h"

struct fence {
    u32 reference_count;
    u32 size;   // of `names`
    u8 names[]; // of each its length, u16, and its bytes
};

STATIC_ASSERT(INTERFACE_NAME_BYTES <= UINT16_MAX);

// The next name behind *at, which is moved behind that. False: no more.
static bool next_name(const struct fence *fence, u32 *at, struct span *out)
{
    if (*at == fence->size) {
        return false;
    }
    *out = span_of(fence->names + *at + 2, mem_load_u16(fence->names + *at));
    *at += 2 + (u32)out->size;
    return true;
}

bool fence_allows(const struct fence *fence, struct span name)
{
    u32 at = 0;
    struct span allowed;
    while (fence != NULL && next_name(fence, &at, &allowed)) { // at most KERNEL_FENCE_NAMES
        if (span_equal(allowed, name)) {
            return true;
        }
    }
    return fence == NULL;
}

// Whether the name goes into a fence within that one: what is too long is no interface's.
static bool is_taken(const struct fence *within, struct span name)
{
    return name.size <= INTERFACE_NAME_BYTES && fence_allows(within, name);
}

enum err fence_new(struct kernel *kernel, const struct fence *within,
                   const struct processes_list_string *names, struct fence **out)
{
    if (names->count > KERNEL_FENCE_NAMES) {
        return ERR_LIMIT;
    }
    struct processes_list_string list = *names;
    struct span name;
    u32 size = 0;
    while (processes_list_string_next(&list, &name)) {
        size += is_taken(within, name) ? 2 + (u32)name.size : 0;
    }
    struct fence *fence = memory_take(kernel_memory(kernel), sizeof *fence + size);
    if (fence == NULL) {
        return ERR_NO_MEMORY;
    }
    *fence = (struct fence){.reference_count = 1, .size = size};
    list = *names;
    u32 at = 0;
    while (processes_list_string_next(&list, &name)) {
        if (is_taken(within, name)) {
            mem_store_u16(fence->names + at, (u16)name.size);
            mem_copy(fence->names + at + 2, name.data, name.size);
            at += 2 + (u32)name.size;
        }
    }
    ASSERT(at == size);
    *out = fence;
    return ERR_OK;
}

struct fence *fence_share(struct fence *fence)
{
    if (fence != NULL) {
        fence->reference_count++;
    }
    return fence;
}

void fence_give(struct kernel *kernel, struct fence *fence)
{
    if (fence == NULL) {
        return;
    }
    ASSERT(fence->reference_count > 0);
    if (--fence->reference_count == 0) {
        memory_give(kernel_memory(kernel), fence, sizeof *fence + fence->size);
    }
}
