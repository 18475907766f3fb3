// SPDX-License-Identifier: GPL-3.0-or-later
// A sorted array that grows: names are added a few dozen times and looked up by people.
#include "core/kernel/names.h"
#include "core/base/cid.h"
#include "core/kernel/internal.h"

struct program_name {
    u8 name_size;
    u8 cid_size;
    u8 name[KERNEL_PROGRAM_NAME_BYTES];
    char cid[KERNEL_CID_TEXT_BYTES];
};

enum { NAMES_FIRST = 32 };

STATIC_ASSERT(KERNEL_PROGRAM_NAME_BYTES <= UINT8_MAX);
STATIC_ASSERT((int)CID_TEXT_BYTES <= (int)KERNEL_CID_TEXT_BYTES);
STATIC_ASSERT(KERNEL_NAMES % NAMES_FIRST == 0);

void names_drop(struct kernel *kernel)
{
    struct name_table *table = &kernel->names;
    if (table->capacity > 0) {
        memory_give(kernel_memory(kernel), table->items, table->capacity * sizeof *table->items);
    }
    *table = (struct name_table){0};
}

struct span name_at_locked(const struct kernel *kernel, u32 place)
{
    ASSERT(place < kernel->names.count);
    const struct program_name *item = &kernel->names.items[place];
    return span_of(item->name, item->name_size);
}

// Below zero: `a` comes first.
static int compare(struct span a, struct span b)
{
    size_t most = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < most; i++) {
        if (a.data[i] != b.data[i]) {
            return a.data[i] < b.data[i] ? -1 : 1;
        }
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

// The first place whose name does not come before this one.
static u32 place_of(const struct kernel *kernel, struct span name)
{
    u32 start = 0;
    u32 end = kernel->names.count;
    while (start < end) {
        u32 middle = (start + end) / 2;
        if (compare(name_at_locked(kernel, middle), name) < 0) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    return start;
}

static bool is_at(const struct kernel *kernel, u32 place, struct span name)
{
    return place < kernel->names.count && span_equal(name_at_locked(kernel, place), name);
}

struct span name_find_locked(const struct kernel *kernel, struct span name)
{
    u32 place = place_of(kernel, name);
    if (!is_at(kernel, place, name)) {
        return (struct span){0};
    }
    const struct program_name *item = &kernel->names.items[place];
    return span_of(item->cid, item->cid_size);
}

u32 names_begin_locked(const struct kernel *kernel, struct span prefix, u32 *count)
{
    u32 first = place_of(kernel, prefix);
    u32 end = first;
    while (end < kernel->names.count) { // at most KERNEL_NAMES
        struct span name = name_at_locked(kernel, end);
        if (name.size < prefix.size || !mem_equal(name.data, prefix.data, prefix.size)) {
            break;
        }
        end++;
    }
    *count = end - first;
    return first;
}

// ---- adding

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == '/') {
            return false;
        }
    }
    return name.size > 0 && name.size <= KERNEL_PROGRAM_NAME_BYTES;
}

static enum err grow(struct kernel *kernel)
{
    struct name_table *table = &kernel->names;
    if (table->count == KERNEL_NAMES) {
        return ERR_LIMIT;
    }
    if (table->count < table->capacity) {
        return ERR_OK;
    }
    u32 capacity = table->capacity == 0 ? NAMES_FIRST : 2 * table->capacity;
    struct program_name *items = memory_take(kernel_memory(kernel), capacity * sizeof *items);
    if (items == NULL) {
        return ERR_NO_MEMORY;
    }
    u32 count = table->count;
    mem_copy(items, table->items, count * sizeof *items);
    names_drop(kernel);
    *table = (struct name_table){count, capacity, items};
    return ERR_OK;
}

static enum err add_locked(struct kernel *kernel, struct span name, struct span cid)
{
    struct name_table *table = &kernel->names;
    u32 place = place_of(kernel, name);
    if (!is_at(kernel, place, name)) {
        TRY(grow(kernel));
        for (u32 i = table->count; i > place; i--) {
            table->items[i] = table->items[i - 1];
        }
        table->count++;
    }
    struct program_name *item = &table->items[place];
    item->name_size = (u8)name.size;
    item->cid_size = (u8)cid.size;
    mem_copy(item->name, name.data, name.size);
    mem_copy(item->cid, cid.data, cid.size);
    return ERR_OK;
}

enum err kernel_name_add(struct kernel *kernel, struct span name, struct span cid)
{
    struct cid parsed;
    if (!is_name(name) || cid.size > KERNEL_CID_TEXT_BYTES ||
        cid_parse_text(cid, &parsed, NULL) != ERR_OK) {
        return ERR_INVALID;
    }
    kernel_lock(kernel);
    enum err err = add_locked(kernel, name, cid);
    kernel_unlock(kernel);
    return err;
}
