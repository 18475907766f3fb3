// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/lessons.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/kernel/kernel.h"

void lessons_note(struct lessons *lessons, const struct kernel_learned *learned)
{
    u32 noted = lessons->noted;
    struct lesson *lesson = &lessons->items[noted % LESSONS_MOST];
    if (noted - __atomic_load_n(&lessons->kept, __ATOMIC_ACQUIRE) == LESSONS_MOST) {
        __atomic_store_n(&lessons->has_lost, true, __ATOMIC_RELEASE);
    } else if (grants_name_fits(learned->name) &&
               cid_parse_text(learned->cid, &lesson->program, NULL) == ERR_OK) {
        lesson->right = (enum kernel_right)learned->right;
        mem_copy(lesson->interface, learned->interface, sizeof lesson->interface);
        mem_copy(lesson->name, learned->name.data, learned->name.size);
        lesson->name_size = (u32)learned->name.size;
        __atomic_store_n(&lessons->noted, noted + 1, __ATOMIC_RELEASE);
    }
}

bool lessons_next(const struct lessons *lessons, struct grants_line *out)
{
    if (lessons->kept == __atomic_load_n(&lessons->noted, __ATOMIC_ACQUIRE)) {
        return false;
    }
    const struct lesson *lesson = &lessons->items[lessons->kept % LESSONS_MOST];
    *out = (struct grants_line){.right = lesson->right,
                                .word = KERNEL_ALLOW,
                                .program = lesson->program,
                                .name = span_of(lesson->name, lesson->name_size)};
    mem_copy(out->interface, lesson->interface, sizeof out->interface);
    return true;
}

void lessons_took(struct lessons *lessons)
{
    ASSERT(lessons->kept != __atomic_load_n(&lessons->noted, __ATOMIC_ACQUIRE));
    __atomic_store_n(&lessons->kept, lessons->kept + 1, __ATOMIC_RELEASE);
}

bool lessons_lost(struct lessons *lessons)
{
    return __atomic_exchange_n(&lessons->has_lost, false, __ATOMIC_ACQ_REL);
}
