// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/refusal.h"
#include "core/base/cid.h"
#include "core/kernel/internal.h"
#include "core/platform.h"

static bool is_of(const struct refusal_row *row, const struct kernel_refusal *refusal)
{
    return row->right == refusal->right && mem_equal(row->program, refusal->program, 32) &&
           mem_equal(row->interface, refusal->interface, 32);
}

// Some of the rows: how many, and the oldest.
struct share {
    struct refusal_row *oldest;
    u32 count;
};

static void share_add(struct share *share, struct refusal_row *row)
{
    share->count++;
    if (share->oldest == NULL || row->number < share->oldest->number) { // a free one has 0
        share->oldest = row;
    }
}

// The row that such a refusal is counted in: its own, a free one, or one that has to go.
static struct refusal_row *find(struct refusals *refusals, const struct kernel_refusal *refusal,
                                u64 family)
{
    struct share all = {0}, programs = {0}, familys = {0};
    for (u32 i = 0; i < KERNEL_REFUSALS; i++) {
        struct refusal_row *row = &refusals->rows[i];
        if (row->count != 0 && is_of(row, refusal)) {
            return row;
        }
        share_add(&all, row);
        if (row->count != 0 && mem_equal(row->program, refusal->program, 32)) {
            share_add(&programs, row);
        }
        if (row->count != 0 && row->family == family) {
            share_add(&familys, row);
        }
    }
    if (programs.count >= KERNEL_PROGRAM_REFUSALS) {
        return programs.oldest;
    }
    return familys.count >= KERNEL_FAMILY_REFUSALS ? familys.oldest : all.oldest;
}

static void note(struct refusals *refusals, const struct process *process,
                 const struct kernel_refusal *refusal, u8 codec)
{
    u64 family = process->family->by_id.key;
    struct refusal_row *row = find(refusals, refusal, family);
    if (row->count == 0 || !is_of(row, refusal)) {
        ASSERT(refusal->name.size <= sizeof row->name);
        row->count = 0;
        row->right = refusal->right;
        row->codec = codec;
        mem_copy(row->program, refusal->program, sizeof row->program);
        mem_copy(row->interface, refusal->interface, sizeof row->interface);
        mem_copy(row->name, refusal->name.data, refusal->name.size);
        row->name_size = (u32)refusal->name.size;
    }
    struct span started_as = process_started_as(process);
    ASSERT(started_as.size <= sizeof row->started_as);
    mem_copy(row->started_as, started_as.data, started_as.size);
    row->started_as_size = (u32)started_as.size;
    row->process = process->by_id.key;
    row->family = family;
    row->last_ns = platform_clock_ns();
    row->number = ++refusals->total;
    row->count++;
}

void refusal_note_locked(struct kernel *kernel, const struct process *process,
                         struct kernel_refusal *refusal, u8 codec)
{
    note(&kernel->refusals, process->leader, refusal, codec);
    if (kernel->config.refused == NULL) {
        return;
    }
    char text[CID_TEXT_BYTES];
    struct cid cid = {.codec = codec};
    mem_copy(cid.digest, refusal->program, sizeof cid.digest);
    cid_write_text(&cid, text);
    refusal->cid = span_string(text);
    kernel->config.refused(kernel->config.refused_context, refusal);
    refusal->cid = (struct span){0};
}

const struct refusal_row *refusal_before(const struct refusals *refusals, u64 before)
{
    const struct refusal_row *found = NULL;
    for (u32 i = 0; i < KERNEL_REFUSALS; i++) {
        const struct refusal_row *row = &refusals->rows[i];
        bool is_nearer = found == NULL || row->number > found->number;
        if (row->count != 0 && row->number < before && is_nearer) {
            found = row;
        }
    }
    return found;
}
