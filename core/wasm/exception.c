// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/exception.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/wasm/code.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/thread.h"

enum {
    PLACES_FIRST = 16,
    SLOTS_FIRST = 1024,
    WORDS_PER_FUEL = 8, // looked at by a mark, for a unit
};

// ---- handles: 16 bits that say what it is, 24 of the generation, 24 of the place
enum { HANDLE_MARK = 0xe8c9, GENERATION_BITS = 24, PLACE_BITS = 24 };
STATIC_ASSERT(WASM_EXCEPTION_COUNT <= 1 << PLACE_BITS);

static u32 handle_generation(u32 generation)
{
    return generation & (((u32)1 << GENERATION_BITS) - 1);
}

static wasm_slot handle_of(const struct wasm_exceptions *all, u32 place)
{
    u32 generation = handle_generation(all->places[place].generation);
    return (u64)HANDLE_MARK << 48 | (u64)generation << PLACE_BITS | place;
}

// The place that a handle names; UINT32_MAX: none.
static u32 handle_place(const struct wasm_exceptions *all, wasm_slot handle)
{
    u32 place = (u32)(handle & (((u32)1 << PLACE_BITS) - 1));
    if (handle >> 48 != HANDLE_MARK || place >= all->capacity || all->places[place].tag == NULL ||
        handle_of(all, place) != handle) {
        return UINT32_MAX;
    }
    return place;
}

struct wasm_exception *wasm_exception_find(const struct wasm_store *store, wasm_slot handle)
{
    u32 place = handle_place(&store->exceptions, handle);
    return place == UINT32_MAX ? NULL : &store->exceptions.places[place];
}

// ---- places

static bool is_large(const struct wasm_exception *exception)
{
    return exception->slot_count > COUNT_OF(exception->own);
}

static void free_place(struct wasm_store *store, u32 place)
{
    struct wasm_exceptions *all = &store->exceptions;
    struct wasm_exception *exception = &all->places[place];
    if (is_large(exception)) {
        memory_give(store->memory, exception->slots, exception->slot_count * sizeof(wasm_slot));
        all->slot_count -= exception->slot_count;
    }
    exception->tag = NULL;
    exception->generation++;
    exception->next = all->free;
    all->free = place + 1;
    all->live_count--;
}

void wasm_exception_caught(struct wasm_store *store, wasm_slot handle)
{
    u32 place = handle_place(&store->exceptions, handle);
    if (place != UINT32_MAX && !store->exceptions.places[place].has_reference) {
        free_place(store, place);
    }
}

// Twice as many places. Values that lie in their places move with them.
static enum trap grow_places(struct wasm_store *store)
{
    struct wasm_exceptions *all = &store->exceptions;
    u32 capacity = all->capacity == 0 ? PLACES_FIRST : all->capacity * 2;
    if (capacity > WASM_EXCEPTION_COUNT) {
        return TRAP_EXCEPTIONS;
    }
    struct wasm_exception *places = memory_take(store->memory, capacity * sizeof *places);
    if (places == NULL) {
        return TRAP_NO_MEMORY;
    }
    mem_zero(places, capacity * sizeof *places);
    if (all->places != NULL) {
        mem_copy(places, all->places, all->capacity * sizeof *places);
        memory_give(store->memory, all->places, all->capacity * sizeof *places);
    }
    for (u32 i = 0; i < all->capacity; i++) {
        if (!is_large(&places[i])) {
            places[i].slots = places[i].own;
        }
    }
    for (u32 i = capacity; i-- > all->capacity;) {
        places[i].next = all->free;
        all->free = i + 1;
    }
    all->places = places;
    all->capacity = capacity;
    return TRAP_NONE;
}

// ---- the mark

static void mark(struct wasm_exceptions *all, wasm_slot handle)
{
    u32 place = handle_place(all, handle);
    if (place != UINT32_MAX && !all->places[place].is_marked) {
        all->places[place].is_marked = true;
        all->places[place].next = all->pending;
        all->pending = place + 1;
    }
}

// Returns how many words it has looked at.
static u64 mark_words(struct wasm_exceptions *all, struct wasm_words words)
{
    const wasm_slot *word = words.first;
    for (u32 i = 0; i < words.count; i++) {
        mark(all, word[i]);
    }
    return words.count;
}

static u64 mark_instance(struct wasm_exceptions *all, struct wasm_instance *instance)
{
    const struct wasm_module *module = instance->module;
    u32 globals = module->global_count - module->global_import_count;
    u64 words = globals;
    for (u32 i = 0; i < globals; i++) {
        if (instance->own_globals[i].type.type == WASM_EXNREF) {
            mark(all, instance->own_globals[i].value[0]);
        }
    }
    for (u32 i = 0; i < module->table_count - module->table_import_count; i++) {
        const struct wasm_table *table = &instance_own_tables(instance)[i];
        if (table->element == WASM_EXNREF) {
            words += mark_words(all, (struct wasm_words){table->elements, table->count});
        }
    }
    return words;
}

// What was marked may hold others.
static u64 mark_pending(struct wasm_exceptions *all)
{
    u64 words = 0;
    while (all->pending != 0) {
        const struct wasm_exception *exception = &all->places[all->pending - 1];
        all->pending = exception->next;
        words += mark_words(all, (struct wasm_words){exception->slots, exception->slot_count});
    }
    return words;
}

// Frees what nothing can reach.
static void collect(struct wasm_store *store, i64 *fuel)
{
    struct wasm_exceptions *all = &store->exceptions;
    u64 words = all->capacity;
    ASSERT(all->pending == 0);
    for (const struct wasm_thread *t = store->threads; t != NULL; t = t->next) {
        words += mark_words(
            all, (struct wasm_words){(const void *)t->stack, t->stack_bytes / sizeof(wasm_slot)});
        for (u32 i = 0; i < COUNT_OF(t->others); i++) {
            words += mark_words(all, t->others[i]);
        }
        mark(all, t->unwind.exception);
    }
    for (struct wasm_instance *i = store->instances; i != NULL; i = i->next) {
        words += mark_instance(all, i);
    }
    words += mark_pending(all);
    for (u32 i = 0; i < all->capacity; i++) {
        if (all->places[i].tag != NULL && !all->places[i].is_marked) {
            free_place(store, i);
        }
        all->places[i].is_marked = false;
    }
    *fuel -= (i64)(words / WORDS_PER_FUEL);
}

// Sees to it that there is a place, and room for so many values beside the places.
static enum trap make_room(struct wasm_store *store, u32 slots, i64 *fuel)
{
    struct wasm_exceptions *all = &store->exceptions;
    all->slot_limit = all->slot_limit == 0 ? SLOTS_FIRST : all->slot_limit;
    bool is_full = all->free == 0 && all->capacity != 0;
    if (is_full || slots > all->slot_limit - all->slot_count) {
        collect(store, fuel);
    }
    while (slots > all->slot_limit - all->slot_count || all->slot_count > all->slot_limit / 2) {
        if (all->slot_limit == WASM_EXCEPTION_SLOTS) {
            break;
        }
        all->slot_limit *= 2;
    }
    if (slots > all->slot_limit - all->slot_count) {
        return TRAP_EXCEPTIONS;
    }
    bool is_narrow = is_full && all->live_count > all->capacity / 2;
    if (all->free == 0 || (is_narrow && all->capacity < WASM_EXCEPTION_COUNT)) {
        return grow_places(store);
    }
    return TRAP_NONE;
}
STATIC_ASSERT((WASM_EXCEPTION_SLOTS & (WASM_EXCEPTION_SLOTS - 1)) == 0);
STATIC_ASSERT(2 * WASM_PARAMS <= WASM_EXCEPTION_SLOTS);

enum trap wasm_exception_make(struct wasm_store *store, const struct wasm_tag *tag,
                              const wasm_slot *slots, i64 *fuel, wasm_slot *out)
{
    struct wasm_exceptions *all = &store->exceptions;
    u32 count = tag->type->param_slots;
    u32 outside = count > COUNT_OF(all->places->own) ? count : 0;
    enum trap trap = make_room(store, outside, fuel);
    if (trap != TRAP_NONE) {
        return trap;
    }
    ASSERT(all->free != 0);
    u32 place = all->free - 1;
    struct wasm_exception *exception = &all->places[place];
    wasm_slot *values = exception->own;
    if (outside != 0) {
        values = memory_take(store->memory, count * sizeof *values);
        if (values == NULL) {
            return TRAP_NO_MEMORY;
        }
        all->slot_count += count;
    }
    all->free = exception->next;
    all->live_count++;
    exception->tag = tag;
    exception->next = 0;
    exception->has_reference = false;
    exception->slot_count = count;
    exception->slots = values;
    mem_copy(values, slots, count * sizeof *values);
    *out = handle_of(all, place);
    return TRAP_NONE;
}

void wasm_exceptions_drop(struct wasm_store *store)
{
    struct wasm_exceptions *all = &store->exceptions;
    for (u32 i = 0; i < all->capacity; i++) {
        if (all->places[i].tag != NULL) {
            free_place(store, i);
        }
    }
    if (all->places != NULL) {
        memory_give(store->memory, all->places, all->capacity * sizeof *all->places);
    }
    *all = (struct wasm_exceptions){0};
}
