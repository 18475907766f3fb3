// SPDX-License-Identifier: GPL-3.0-or-later
// Linear memories lie in blocks of a power of two, cut out of a few large reservations of the
// machine, one size to a reservation: a hundred thousand mappings would be more than Linux allows.
// What a block's memory does not use yet is reserved and costs nothing.
#include "core/jit/limits.h"
#include "core/kernel/internal.h"
#include "core/platform.h"

static u64 order_bytes(u32 order)
{
    return (u64)WASM_PAGE_BYTES << order;
}

// The smallest order whose blocks hold that many pages.
static u32 order_for(u32 pages)
{
    u32 order = 0;
    while (((u64)1 << order) < pages) {
        order++;
    }
    ASSERT(order < GUEST_ORDERS);
    return order;
}

// A new reservation of that order, of as many blocks as the machine grants; NULL: not even one.
static struct guest_reservation *reserve(struct kernel *kernel, u32 order)
{
    for (u32 blocks = KERNEL_GUEST_BLOCKS; blocks > 0; blocks /= 8) {
        u64 bytes = order_bytes(order) * blocks;
        void *base = bytes > SIZE_MAX ? NULL : platform_pages_reserve(bytes);
        if (base == NULL) {
            continue;
        }
        size_t size = sizeof(struct guest_reservation) + blocks * sizeof(u32);
        struct guest_reservation *made = memory_take(kernel_memory(kernel), size);
        if (made == NULL) {
            platform_pages_release(base, bytes);
            return NULL;
        }
        *made = (struct guest_reservation){.base = base, .block_count = blocks};
        return made;
    }
    return NULL;
}

static u8 *take_free(struct guest_memory *guest, u32 order)
{
    struct guest_reservation *at = guest->reservations[order];
    while (at != NULL && at->free_count == 0 && at->fresh == at->block_count) {
        at = at->next;
    }
    if (at == NULL) {
        return NULL;
    }
    u32 block = at->free_count > 0 ? at->free[--at->free_count] : at->fresh++;
    return at->base + order_bytes(order) * block;
}

static u8 *take_block(struct kernel *kernel, u32 order)
{
    struct guest_memory *guest = &kernel->guest;
    kernel_lock_take(&kernel->guest_lock, LOCK_NONE);
    u8 *base = take_free(guest, order);
    if (base == NULL) {
        struct guest_reservation *made = reserve(kernel, order);
        if (made != NULL) {
            made->next = guest->reservations[order];
            guest->reservations[order] = made;
            base = take_free(guest, order);
        }
    }
    lock_release(&kernel->guest_lock);
    return base;
}

static void give_block(struct kernel *kernel, u32 order, u8 *base)
{
    kernel_lock_take(&kernel->guest_lock, LOCK_NONE);
    struct guest_reservation *at = kernel->guest.reservations[order];
    while (base < at->base || base >= at->base + order_bytes(order) * at->block_count) {
        at = at->next;
        ASSERT(at != NULL);
    }
    ASSERT(at->free_count < at->block_count);
    at->free[at->free_count++] = (u32)((u64)(base - at->base) / order_bytes(order));
    lock_release(&kernel->guest_lock);
}

// Takes `bytes` from what the process, and all guests together, may use.
static bool charge(struct kernel *kernel, struct process *process, u64 bytes)
{
    if (!budget_take(process, bytes)) {
        return false;
    }
    kernel_lock_take(&kernel->guest_lock, LOCK_NONE);
    bool fits = bytes <= kernel->guest.limit_bytes - kernel->guest.used_bytes;
    if (fits) {
        kernel->guest.used_bytes += bytes;
    }
    lock_release(&kernel->guest_lock);
    if (fits) {
        __atomic_fetch_add(&process->linear_bytes, bytes, __ATOMIC_RELAXED);
    } else {
        budget_give(process, bytes);
    }
    return fits;
}

static void uncharge(struct kernel *kernel, struct process *process, u64 bytes)
{
    kernel_lock_take(&kernel->guest_lock, LOCK_NONE);
    ASSERT(kernel->guest.used_bytes >= bytes);
    kernel->guest.used_bytes -= bytes;
    lock_release(&kernel->guest_lock);
    __atomic_fetch_sub(&process->linear_bytes, bytes, __ATOMIC_RELAXED);
    budget_give(process, bytes);
}

static enum err commit(struct process *process, u8 *start, u64 bytes)
{
    if (bytes == 0) {
        return ERR_OK;
    }
    if (!charge(process->kernel, process, bytes)) {
        return ERR_NO_MEMORY;
    }
    enum err err = platform_pages_commit(start, bytes);
    if (err != ERR_OK) {
        uncharge(process->kernel, process, bytes);
    }
    return err;
}

// How many pages to reserve for a memory of `pages` that may grow to `pages_max`: what the type
// says, but no more than KERNEL_GUEST_PAGES or half of what the machine has for all guests.
static u32 pages_to_reserve(const struct kernel *kernel, u32 pages, u32 pages_max)
{
    u64 most = kernel->guest.limit_bytes / 2 / WASM_PAGE_BYTES;
    most = most < KERNEL_GUEST_PAGES ? most : KERNEL_GUEST_PAGES;
    most = pages_max < most ? pages_max : most;
    return most < pages ? pages : (u32)most;
}

static enum err memory_create(struct wasm_store *store, u32 pages, u32 *pages_max, u8 **base)
{
    struct process *process = CONTAINER_OF(store, struct process, store);
    u32 reserved = pages_to_reserve(process->kernel, pages, *pages_max);
    u32 order_least = order_for(pages);
    u32 order = order_for(reserved);
    u8 *block = take_block(process->kernel, order);
    while (block == NULL && order > order_least) {
        order--;
        block = take_block(process->kernel, order);
    }
    if (block == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err = commit(process, block, (u64)pages * WASM_PAGE_BYTES);
    if (err != ERR_OK) {
        give_block(process->kernel, order, block);
        return err;
    }
    // memory_destroy is told this number and gets the order from it again.
    u64 room = (u64)1 << order;
    *pages_max = *pages_max < room ? *pages_max : (u32)room;
    ASSERT(order_for(*pages_max) == order);
    *base = block;
    return ERR_OK;
}

static enum err memory_grow(struct wasm_store *store, u8 *base, u32 pages_old, u32 pages_new)
{
    struct process *process = CONTAINER_OF(store, struct process, store);
    ASSERT(pages_new >= pages_old);
    return commit(process, base + (u64)pages_old * WASM_PAGE_BYTES,
                  (u64)(pages_new - pages_old) * WASM_PAGE_BYTES);
}

static void memory_destroy(struct wasm_store *store, u8 *base, u32 pages, u32 pages_max)
{
    struct process *process = CONTAINER_OF(store, struct process, store);
    u64 bytes = (u64)pages * WASM_PAGE_BYTES;
    if (bytes > 0) {
        platform_pages_decommit(base, bytes);
        uncharge(process->kernel, process, bytes);
    }
    give_block(process->kernel, order_for(pages_max), base);
}

// Whether a memory is one of the blocks above. A fast process has others too, but for those beyond
// its first, and when the machine had no address space.
static bool is_block(struct kernel *kernel, const u8 *base)
{
    bool found = false;
    kernel_lock_take(&kernel->guest_lock, LOCK_NONE);
    for (u32 order = 0; order < GUEST_ORDERS; order++) {
        const struct guest_reservation *at = kernel->guest.reservations[order];
        for (; at != NULL; at = at->next) {
            found |= base >= at->base && base < at->base + order_bytes(order) * at->block_count;
        }
    }
    lock_release(&kernel->guest_lock);
    return found;
}

u64 guest_memory_give_part(struct process *process, struct wasm_instance *instance)
{
    const struct wasm_module *module = wasm_instance_module(instance);
    for (u32 i = 0; i < module->memory_count; i++) { // WASM_MEMORIES
        struct wasm_memory *memory = wasm_instance_memory(instance, i);
        if (memory->store != &process->store) { // the process's whose thread this is
            continue;
        }
        u64 bytes = memory->size_bytes < KERNEL_FREE_PART ? memory->size_bytes : KERNEL_FREE_PART;
        if (bytes > 0) {
            memory->size_bytes -= bytes;
            u8 *part = memory->base + memory->size_bytes;
            if (is_block(process->kernel, memory->base)) {
                platform_pages_decommit(part, bytes);
            } else { // what is committed is what the size says, to the end: fast_destroy
                platform_guarded_decommit(part, bytes);
            }
            uncharge(process->kernel, process, bytes);
            return bytes;
        }
    }
    return 0;
}

// ---- memories of fast processes: memory 0 of each instance has a reservation of its own, as large
// as addresses go; of all others compiled code checks the bounds. The one memory that a program may
// import is its memory 0 and made before its instance (group.c), so memory 0 is the first made.

static enum err fast_commit(struct process *process, u8 *base, u32 pages_old, u32 pages_new)
{
    u64 bytes = (u64)(pages_new - pages_old) * WASM_PAGE_BYTES;
    if (bytes == 0) {
        return ERR_OK;
    }
    if (!charge(process->kernel, process, bytes)) {
        return ERR_NO_MEMORY;
    }
    enum err err = platform_guarded_commit(base + (u64)pages_old * WASM_PAGE_BYTES, bytes);
    if (err != ERR_OK) {
        uncharge(process->kernel, process, bytes);
    }
    return err;
}

// A reservation that somebody has left, or a new one. No base: the machine has no address space.
static struct guest_spare spare_take(struct kernel *kernel)
{
    struct guest_memory *guest = &kernel->guest;
    struct guest_spare spare = {0};
    kernel_lock_take(&kernel->guest_lock, LOCK_NONE);
    if (guest->spare_count > 0) {
        spare = guest->spares[--guest->spare_count];
    }
    lock_release(&kernel->guest_lock);
    if (spare.base == NULL) {
        spare.base = platform_guarded_reserve(JIT_RESERVED_BYTES);
    }
    return spare;
}

// Keeps a reservation of which `spare` says what is committed, or gives it back to the machine.
static void spare_give(struct kernel *kernel, struct guest_spare spare)
{
    struct guest_memory *guest = &kernel->guest;
    bool is_kept = false;
    if (spare.committed_bytes <= KERNEL_SPARE_BYTES) {
        platform_pages_clear(spare.base, spare.committed_bytes);
        kernel_lock_take(&kernel->guest_lock, LOCK_NONE);
        is_kept = guest->spare_count < KERNEL_SPARE;
        if (is_kept) {
            guest->spares[guest->spare_count++] = spare;
        }
        lock_release(&kernel->guest_lock);
    }
    if (!is_kept) {
        platform_pages_release(spare.base, JIT_RESERVED_BYTES);
    }
}

// Makes just the first bytes of a reservation accessible, and charges them.
static enum err fast_fit(struct process *process, struct guest_spare at, u64 bytes)
{
    enum err err = ERR_OK;
    if (!charge(process->kernel, process, bytes)) {
        return ERR_NO_MEMORY;
    }
    if (at.committed_bytes > bytes) {
        platform_guarded_decommit(at.base + bytes, at.committed_bytes - bytes);
    } else if (at.committed_bytes < bytes) {
        err = platform_guarded_commit(at.base + at.committed_bytes, bytes - at.committed_bytes);
    }
    if (err != ERR_OK) {
        uncharge(process->kernel, process, bytes);
    }
    return err;
}

static enum err fast_create(struct wasm_store *store, u32 pages, u32 *pages_max, u8 **base)
{
    struct process *process = CONTAINER_OF(store, struct process, store);
    if (process->has_first_memory) {
        return memory_create(store, pages, pages_max, base);
    }
    process->has_first_memory = true;
    struct guest_spare at = spare_take(process->kernel);
    if (at.base == NULL) {
        return compiled_process_make_small(process) ? memory_create(store, pages, pages_max, base)
                                                    : ERR_NO_MEMORY;
    }
    enum err err = fast_fit(process, at, (u64)pages * WASM_PAGE_BYTES);
    if (err != ERR_OK) {
        platform_pages_release(at.base, JIT_RESERVED_BYTES);
        return err;
    }
    *base = at.base;
    return ERR_OK;
}

static enum err fast_grow(struct wasm_store *store, u8 *base, u32 pages_old, u32 pages_new)
{
    struct process *process = CONTAINER_OF(store, struct process, store);
    return is_block(process->kernel, base) ? memory_grow(store, base, pages_old, pages_new)
                                           : fast_commit(process, base, pages_old, pages_new);
}

static void fast_destroy(struct wasm_store *store, u8 *base, u32 pages, u32 pages_max)
{
    struct process *process = CONTAINER_OF(store, struct process, store);
    if (is_block(process->kernel, base)) {
        memory_destroy(store, base, pages, pages_max);
        return;
    }
    u64 bytes = (u64)pages * WASM_PAGE_BYTES;
    spare_give(process->kernel, (struct guest_spare){base, bytes});
    uncharge(process->kernel, process, bytes);
}

void guest_store_init(struct process *process)
{
    bool is_fast = process->is_fast;
    process->store = (struct wasm_store){
        .memory_create = is_fast ? fast_create : memory_create,
        .memory_grow = is_fast ? fast_grow : memory_grow,
        .memory_destroy = is_fast ? fast_destroy : memory_destroy,
        .memory = &process->charge,
    };
}

void guest_memory_drop(struct kernel *kernel)
{
    ASSERT(kernel->guest.used_bytes == 0);
    while (kernel->guest.spare_count > 0) {
        u8 *base = kernel->guest.spares[--kernel->guest.spare_count].base;
        platform_pages_release(base, JIT_RESERVED_BYTES);
    }
    for (u32 order = 0; order < GUEST_ORDERS; order++) {
        while (kernel->guest.reservations[order] != NULL) {
            struct guest_reservation *at = kernel->guest.reservations[order];
            kernel->guest.reservations[order] = at->next;
            platform_pages_release(at->base, order_bytes(order) * at->block_count);
            memory_give(kernel_memory(kernel), at,
                        sizeof(struct guest_reservation) + at->block_count * sizeof(u32));
        }
    }
}
