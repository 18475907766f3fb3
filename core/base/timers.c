// SPDX-License-Identifier: GPL-3.0-or-later
// The places are numbered from 1: those below place p are 2p and 2p + 1, and wait no shorter.
#include "core/base/timers.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"

enum { PIECE_BYTES = TIMERS_PIECE * sizeof(struct timers_place) };

static size_t table_bytes(const struct timers *timers)
{
    return ((size_t)timers->limit + TIMERS_PIECE - 1) / TIMERS_PIECE * sizeof *timers->pieces;
}

enum err timers_init(struct timers *timers, struct memory *memory, u32 limit)
{
    ASSERT(limit > 0 && limit < 1u << 31); // so that 2p + 1 is a u32
    *timers = (struct timers){.memory = memory, .limit = limit};
    timers->pieces = memory_take(memory, table_bytes(timers));
    if (timers->pieces == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_zero(timers->pieces, table_bytes(timers));
    return ERR_OK;
}

void timers_drop(struct timers *timers)
{
    if (timers->pieces == NULL) {
        return;
    }
    for (u32 i = 0; i < timers->piece_count; i++) {
        memory_give(timers->memory, timers->pieces[i], PIECE_BYTES);
    }
    memory_give(timers->memory, timers->pieces, table_bytes(timers));
    *timers = (struct timers){0};
}

bool timers_reserve(struct timers *timers, u32 count)
{
    ASSERT(count <= timers->limit);
    while (timers->piece_count * TIMERS_PIECE < count) {
        struct timers_place *piece = memory_take(timers->memory, PIECE_BYTES);
        if (piece == NULL) {
            return false;
        }
        timers->pieces[timers->piece_count++] = piece;
    }
    return true;
}

static struct timers_place *place_at(const struct timers *timers, u32 place)
{
    return &timers->pieces[(place - 1) / TIMERS_PIECE][(place - 1) % TIMERS_PIECE];
}

static void put(struct timers *timers, u32 place, struct timers_place what)
{
    *place_at(timers, place) = what;
    what.timer->place = place;
    timers->moves++;
}

// Puts it at the free place, or above it where others wait longer.
static void put_up(struct timers *timers, u32 place, struct timers_place what)
{
    while (place > 1 && what.until_ns < place_at(timers, place / 2)->until_ns) {
        put(timers, place, *place_at(timers, place / 2));
        place /= 2;
    }
    put(timers, place, what);
}

// Puts it at the free place, or below it where others wait shorter.
static void put_down(struct timers *timers, u32 place, struct timers_place what)
{
    for (u32 below = place * 2; below <= timers->count; below = place * 2) {
        if (below < timers->count &&
            place_at(timers, below + 1)->until_ns < place_at(timers, below)->until_ns) {
            below++;
        }
        if (what.until_ns <= place_at(timers, below)->until_ns) {
            break;
        }
        put(timers, place, *place_at(timers, below));
        place = below;
    }
    put(timers, place, what);
}

void timers_add(struct timers *timers, struct timer *timer, u64 until_ns)
{
    ASSERT(!timer_is_added(timer));
    ASSERT(timers->count < timers->piece_count * TIMERS_PIECE);
    timers->count++;
    put_up(timers, timers->count, (struct timers_place){until_ns, timer});
}

void timers_remove(struct timers *timers, struct timer *timer)
{
    u32 place = timer->place;
    ASSERT(place >= 1 && place <= timers->count);
    ASSERT(place_at(timers, place)->timer == timer);
    struct timers_place last = *place_at(timers, timers->count);
    timers->count--;
    timer->place = 0;
    if (last.timer == timer) {
        return;
    }
    // The last one fills the gap, and belongs above or below it.
    if (place > 1 && last.until_ns < place_at(timers, place / 2)->until_ns) {
        put_up(timers, place, last);
    } else {
        put_down(timers, place, last);
    }
}

void timers_check(const struct timers *timers)
{
    ASSERT(timers->count <= timers->limit);
    for (u32 place = 1; place <= timers->count; place++) {
        ASSERT(place_at(timers, place)->timer->place == place);
        ASSERT(place == 1 ||
               place_at(timers, place / 2)->until_ns <= place_at(timers, place)->until_ns);
    }
}
