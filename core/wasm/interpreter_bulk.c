// SPDX-License-Identifier: GPL-3.0-or-later
// The handlers of bulk operations and of growing: work that depends on an operand, done in parts
// that fuel pays for. A part that is not the last leaves its progress in the operands' slots and
// pauses, and the instruction is run again.
#include "core/base/mem.h"
#include "core/wasm/code.h"
#include "core/wasm/handlers.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"

enum step { STEP_DONE, STEP_PAUSED, STEP_TRAPPED };

// Runs a function on the state, fuel in run->fuel.
#define HANDLER_SLOW(name)                                                                         \
    static enum step do_##name(struct run *run, u64 *fp, const struct ins *pc);                    \
    HANDLER_SHARED(name)                                                                           \
    {                                                                                              \
        run->fuel = FUEL;                                                                          \
        memory = memory_reload(run); /* another thread may have made it larger */                  \
        enum step step = do_##name(run, fp, pc);                                                   \
        FUEL = run->fuel;                                                                          \
        if (UNLIKELY(step != STEP_DONE)) {                                                         \
            if (step == STEP_TRAPPED) {                                                            \
                TAIL(wasm_run_raise);                                                              \
            }                                                                                      \
            TAIL(wasm_run_pause);                                                                  \
        }                                                                                          \
        memory = memory_reload(run);                                                               \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static enum step do_##name(struct run *run, u64 *fp, const struct ins *pc)

static enum step trapped(struct run *run, enum trap trap)
{
    run->trap = trap;
    return STEP_TRAPPED;
}

// Takes the fuel for the next part of `left` items of `bytes` each, and says how many items that
// is; 0 when there is no fuel.
static u32 part(struct run *run, u32 left, u32 bytes)
{
    u32 per_unit = WASM_FUEL_BULK_BYTES / bytes;
    u64 units = ((u64)left + per_unit - 1) / per_unit;
    if (run->fuel <= 0) {
        return 0;
    }
    if (units > (u64)run->fuel) {
        left = (u32)run->fuel * per_unit; // below the old `left`, so it fits
        units = (u64)run->fuel;
    }
    run->fuel -= (i64)units;
    return left;
}

// The operands of a copy, fill or init, in three slots that keep its progress: [to, to + count)
// and, but for a fill, [from, from + count).
struct operands {
    u32 to;
    u32 from;
    u32 count;
};

static struct operands operands_read(const u64 *slots)
{
    return (struct operands){(u32)slots[0], (u32)slots[1], (u32)slots[2]};
}

static enum step progress(u64 *slots, u32 to, u32 from, u32 left)
{
    slots[0] = to;
    slots[1] = from;
    slots[2] = left;
    return left == 0 ? STEP_DONE : STEP_PAUSED;
}

HANDLER_SLOW(memory_fill)
{
    struct operands o = operands_read(fp + pc->a);
    const struct wasm_memory *to = run->instance->memories[pc->c];
    if (!range_inside(o.to, o.count, wasm_memory_bytes(to))) {
        return trapped(run, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    if (o.count == 0) {
        return STEP_DONE;
    }
    u32 count = part(run, o.count, 1);
    mem_fill(to->base + o.to, (u8)o.from, count);
    return progress(fp + pc->a, o.to + count, o.from, o.count - count);
}

// Copies [from, from + count) of an array to [to, to + count), which may overlap, in the order that
// never overwrites what is still to be copied. Two arrays are one where they begin at one place.
static enum step copy_part(struct run *run, u64 *slots, u8 *to, const u8 *from, u32 item_bytes)
{
    struct operands o = operands_read(slots);
    u32 count = part(run, o.count, item_bytes);
    u32 left = o.count - count;
    bool goes_up = to != from || o.to <= o.from;
    u32 skip = goes_up ? 0 : left;
    mem_move(to + ((size_t)o.to + skip) * item_bytes, from + ((size_t)o.from + skip) * item_bytes,
             (size_t)count * item_bytes);
    return goes_up ? progress(slots, o.to + count, o.from + count, left)
                   : progress(slots, o.to, o.from, left);
}

HANDLER_SLOW(memory_copy)
{
    struct operands o = operands_read(fp + pc->a);
    const struct wasm_memory *to = run->instance->memories[pc->low];
    const struct wasm_memory *from = run->instance->memories[pc->high];
    if (!range_inside(o.to, o.count, wasm_memory_bytes(to)) ||
        !range_inside(o.from, o.count, wasm_memory_bytes(from))) {
        return trapped(run, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    if (o.count == 0) {
        return STEP_DONE;
    }
    return copy_part(run, fp + pc->a, to->base, from->base, 1);
}

HANDLER_SLOW(memory_init)
{
    struct operands o = operands_read(fp + pc->a);
    const struct wasm_module *module = run->instance->module;
    const struct wasm_memory *to = run->instance->memories[pc->b];
    struct span bytes = module->datas[pc->c].bytes;
    if (instance_dropped(run->instance, module->elem_count + pc->c)) {
        bytes.size = 0;
    }
    if (!range_inside(o.to, o.count, wasm_memory_bytes(to)) ||
        !range_inside(o.from, o.count, bytes.size)) {
        return trapped(run, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    if (o.count == 0) {
        return STEP_DONE;
    }
    return copy_part(run, fp + pc->a, to->base, bytes.data, 1);
}

HANDLER_SLOW(data_drop)
{
    (void)fp;
    instance_drop(run->instance, run->instance->module->elem_count + pc->c);
    return STEP_DONE;
}

HANDLER_SLOW(elem_drop)
{
    (void)fp;
    instance_drop(run->instance, pc->c);
    return STEP_DONE;
}

// Not inline: a handler has no stack.
static NOINLINE enum step memory_grow(struct run *run, struct wasm_memory *memory, u64 *slot)
{
    u32 before;
    enum err err = wasm_memory_grow(memory, (u32)*slot, &before);
    if (err == ERR_PAUSED) {
        run->fuel -= WASM_FUEL_GROW; // so that it looks again a bounded number of times
        return STEP_PAUSED;
    }
    *slot = err == ERR_OK ? before : UINT32_MAX;
    return STEP_DONE;
}

HANDLER_SLOW(memory_grow)
{
    return memory_grow(run, run->instance->memories[pc->c], fp + pc->a);
}

HANDLER_SLOW(table_init)
{
    struct operands o = operands_read(fp + pc->a);
    struct wasm_instance *instance = run->instance;
    const struct wasm_table *table = instance->tables[pc->b];
    const struct wasm_elem *segment = &instance->module->elems[pc->c];
    u32 available = instance_dropped(instance, pc->c) ? 0 : segment->count;
    if (!range_inside(o.to, o.count, table->count) || !range_inside(o.from, o.count, available)) {
        return trapped(run, TRAP_TABLE_OUT_OF_BOUNDS);
    }
    u32 count = part(run, o.count, sizeof(wasm_slot));
    for (u32 i = 0; i < count; i++) {
        table->elements[o.to + i] = wasm_instance_item(instance, &segment->items[o.from + i]);
    }
    return progress(fp + pc->a, o.to + count, o.from + count, o.count - count);
}

HANDLER_SLOW(table_copy)
{
    struct operands o = operands_read(fp + pc->a);
    const struct wasm_table *to = run->instance->tables[pc->low];
    const struct wasm_table *from = run->instance->tables[pc->high];
    if (!range_inside(o.to, o.count, to->count) || !range_inside(o.from, o.count, from->count)) {
        return trapped(run, TRAP_TABLE_OUT_OF_BOUNDS);
    }
    if (o.count == 0) {
        return STEP_DONE;
    }
    return copy_part(run, fp + pc->a, (u8 *)to->elements, (const u8 *)from->elements,
                     sizeof(wasm_slot));
}

HANDLER_SLOW(table_fill)
{
    u64 *slots = fp + pc->a;
    const struct wasm_table *table = run->instance->tables[pc->c];
    u32 to = (u32)slots[0];
    u32 left = (u32)slots[2];
    if (!range_inside(to, left, table->count)) {
        return trapped(run, TRAP_TABLE_OUT_OF_BOUNDS);
    }
    u32 count = part(run, left, sizeof(wasm_slot));
    for (u32 i = 0; i < count; i++) {
        table->elements[to + i] = slots[1];
    }
    slots[0] = to + count;
    slots[2] = left - count;
    return slots[2] == 0 ? STEP_DONE : STEP_PAUSED;
}

// A table's elements move when it grows, as many at a time as the fuel pays for.
HANDLER_SLOW(table_grow)
{
    u64 *slots = fp + pc->a;
    struct wasm_thread *thread = run->thread;
    struct wasm_table *table = run->instance->tables[pc->c];
    u32 before = table->count;
    enum err err =
        wasm_table_grow_step(table, !thread->is_growing, (u32)slots[1], slots[0], &run->fuel);
    thread->is_growing = err == ERR_PAUSED;
    if (err == ERR_PAUSED) {
        return STEP_PAUSED;
    }
    slots[0] = err == ERR_OK ? before : UINT32_MAX;
    return STEP_DONE;
}
