// SPDX-License-Identifier: GPL-3.0-or-later
// Looks ahead over a loop for the locals that are assigned in it: those, and no others, can have
// another value when the loop begins again. A loop that lies in no other is read once, and what is
// found is noted for all loops in it.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/jit/builder.h"

// A local found in a loop that is not yet at its end.
struct found {
    u32 local;
    u32 before; // builder.assigned_in, before it was found here
};

// A block that the scan is in.
struct open {
    u32 note;  // of a loop; IR_NONE
    u32 outer; // note of the loop around it, plus 1; 0: none
    u32 first; // of a loop: in `found`
};

struct scan {
    struct found *found;
    u32 found_count;
    u32 found_capacity;
    struct open *open;
    u32 depth;
    u32 open_capacity;
    u32 inner; // note of the innermost loop, plus 1
};

static bool scan_open(struct builder *b, struct scan *scan, bool is_loop, u32 offset)
{
    struct open *open =
        builder_grow(b, scan->open, &scan->open_capacity, scan->depth + 1, sizeof *open);
    if (open == NULL) {
        return false;
    }
    scan->open = open;
    open[scan->depth++] = (struct open){IR_NONE, scan->inner, scan->found_count};
    if (!is_loop) {
        return true;
    }
    struct loop_note *loops =
        builder_grow(b, b->loops, &b->loop_capacity, b->loop_count + 1, sizeof *loops);
    if (loops == NULL) {
        return false;
    }
    b->loops = loops;
    loops[b->loop_count] = (struct loop_note){.offset = offset};
    open[scan->depth - 1].note = b->loop_count++;
    scan->inner = b->loop_count;
    return true;
}

static bool scan_assign(struct builder *b, struct scan *scan, u32 local)
{
    ASSERT(local < b->local_count);
    if (b->assigned_in[local] == scan->inner) {
        return true;
    }
    struct found *found =
        builder_grow(b, scan->found, &scan->found_capacity, scan->found_count + 1, sizeof *found);
    if (found == NULL) {
        return false;
    }
    scan->found = found;
    found[scan->found_count++] = (struct found){local, b->assigned_in[local]};
    b->assigned_in[local] = scan->inner;
    return true;
}

// Writes down what a loop assigns, all of which the loop around it assigns too.
static bool scan_close(struct builder *b, struct scan *scan)
{
    struct open open = scan->open[--scan->depth];
    if (open.note == IR_NONE) {
        return true;
    }
    u32 count = scan->found_count - open.first;
    u32 *locals = builder_grow(b, b->loop_locals, &b->loop_local_capacity,
                               b->loop_local_count + count, sizeof *locals);
    if (locals == NULL || !build_work(b, count)) {
        return false;
    }
    b->loop_locals = locals;
    b->loops[open.note].locals = b->loop_local_count;
    b->loops[open.note].count = count;
    u32 kept = open.first;
    for (u32 i = open.first; i < scan->found_count; i++) {
        struct found found = scan->found[i];
        locals[b->loop_local_count++] = found.local;
        b->assigned_in[found.local] = open.outer;
        if (found.before != open.outer) {
            scan->found[kept++] = found;
        }
    }
    scan->found_count = kept;
    scan->inner = open.outer;
    return true;
}

static void scan_loop(struct builder *b, struct body_reader in, u32 offset)
{
    struct scan scan = {0};
    bool good = scan_open(b, &scan, true, offset);
    (void)body_signed(&in); // the block type
    while (good && scan.depth > 0) {
        u32 at = (u32)(in.at - b->start);
        enum row row = body_row(&in);
        if (row == ROW_LOCAL_SET || row == ROW_LOCAL_TEE) {
            good = scan_assign(b, &scan, body_u32(&in));
            continue;
        }
        if (row == ROW_END) {
            good = scan_close(b, &scan);
            continue;
        }
        if (body_opens(row)) {
            good = scan_open(b, &scan, row == ROW_LOOP, at);
        }
        body_skip_immediate(&in, row);
    }
    b->scanned = in.at;
}

const struct loop_note *loop_look_up(struct builder *b, const struct body_reader *in)
{
    if (in->at >= b->scanned) {
        scan_loop(b, *in, b->origin);
    }
    while (b->next_loop < b->loop_count && b->loops[b->next_loop].offset < b->origin) {
        b->next_loop++; // one that cannot be reached
    }
    if (b->failed != ERR_OK) {
        return NULL;
    }
    ASSERT(b->next_loop < b->loop_count && b->loops[b->next_loop].offset == b->origin);
    return &b->loops[b->next_loop];
}
