// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/refusals.h"

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kernel/kernel.h"

// What untrusted bytes look like on a terminal.
static void show(char *out, size_t size, struct span bytes)
{
    struct text text = text_over(out, size);
    text_printable(&text, bytes);
}

bool refusals_note(struct refusals *refusals, const struct kernel_refusal *refusal)
{
    u32 count = refusals->count;
    for (u32 i = 0; i < count; i++) {
        const struct refusal *item = &refusals->items[i];
        if (item->right == refusal->right && mem_equal(item->program, refusal->program, 32) &&
            mem_equal(item->interface, refusal->interface, 32)) {
            return false;
        }
    }
    if (count == REFUSALS_MOST) {
        __atomic_store_n(&refusals->has_more, true, __ATOMIC_RELEASE);
        return false;
    }
    struct refusal *note = &refusals->items[count];
    note->right = refusal->right;
    mem_copy(note->program, refusal->program, 32);
    mem_copy(note->interface, refusal->interface, 32);
    show(note->cid, sizeof note->cid, refusal->cid);
    show(note->started_as, sizeof note->started_as, refusal->started_as);
    show(note->name, sizeof note->name, refusal->name);
    __atomic_store_n(&refusals->count, count + 1, __ATOMIC_RELEASE);
    return true;
}

void refusals_said_no(struct refusals *refusals, const u8 program[32], const u8 interface[32],
                      u8 right)
{
    u32 count = refusals->no_count;
    if (count < REFUSALS_MOST) { // beyond, he is told what he knows
        mem_copy(refusals->noes[count], program, 32);
        mem_copy(refusals->noes[count] + 32, interface, 32);
        refusals->noes[count][64] = right;
        __atomic_store_n(&refusals->no_count, count + 1, __ATOMIC_RELEASE);
    }
}

static bool was_said_no(const struct refusals *refusals, const struct refusal *refusal)
{
    for (u32 i = 0; i < refusals->no_count; i++) {
        if (mem_equal(refusals->noes[i], refusal->program, 32) &&
            mem_equal(refusals->noes[i] + 32, refusal->interface, 32) &&
            refusals->noes[i][64] == refusal->right) {
            return true;
        }
    }
    return false;
}

const struct refusal *refusals_next(struct refusals *refusals)
{
    u32 count = __atomic_load_n(&refusals->count, __ATOMIC_ACQUIRE);
    while (refusals->told < count) {
        const struct refusal *next = &refusals->items[refusals->told++];
        if (!was_said_no(refusals, next)) {
            return next;
        }
    }
    return NULL;
}

bool refusals_is_any(const struct refusals *refusals)
{
    return __atomic_load_n(&refusals->count, __ATOMIC_ACQUIRE) >
           __atomic_load_n(&refusals->no_count, __ATOMIC_ACQUIRE);
}
