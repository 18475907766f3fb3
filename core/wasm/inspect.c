// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/inspect.h"
#include "core/wasm/code.h"
#include "core/wasm/crossing.h"
#include "core/wasm/instance.h"
#include "core/wasm/module.h"
#include "core/wasm/thread.h"

bool wasm_probe_stops(struct wasm_probe *probe, const struct wasm_instance *instance, u32 offset)
{
    if (probe->is_passing) {
        probe->is_passing = false;
        return false;
    }
    if (instance->module != probe->module) {
        return false;
    }
    bool stops = __atomic_load_n(&probe->is_wanted, __ATOMIC_RELAXED);
    u32 low = 0;
    u32 high = probe->offset_count;
    while (!stops && low < high) {
        u32 middle = low + (high - low) / 2;
        stops = probe->offsets[middle] == offset;
        if (probe->offsets[middle] < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    probe->is_passing = stops;
    return stops;
}

static bool frame_find(const struct wasm_thread *thread, u32 frame, struct wasm_walk *out)
{
    wasm_walk_start(out, thread);
    for (u32 i = 0; wasm_walk_next(out) == WASM_WALK_FRAME; i++) {
        if (i == frame) {
            return true;
        }
    }
    return false;
}

static struct wasm_value value_at(u8 type, const u64 *slot)
{
    struct wasm_value value = {.type = type, .bits = {slot[0]}};
    if (type == WASM_V128) {
        value.bits[1] = slot[1];
    } else if (type == WASM_I32 || type == WASM_F32) {
        value.bits[0] = (u32)value.bits[0];
    }
    return value;
}

bool wasm_thread_local(const struct wasm_thread *thread, u32 frame, u32 local,
                       struct wasm_value *out)
{
    struct wasm_walk walk;
    if (!frame_find(thread, frame, &walk)) {
        return false;
    }
    const struct wasm_module *module = walk.frame.instance->module;
    u32 function = walk.frame.function;
    const struct wasm_func_type *type = &module->types[module->function_types[function]];
    const struct wasm_body *body = &module->bodies[function - module->function_import_count];
    if (local < type->param_count) {
        *out = value_at(type->types[local], walk.slots + wasm_slots_of(type->types, local));
        return true;
    }
    local -= type->param_count;
    u32 slot = walk.code->header + 1u;
    for (u32 i = 0; i < body->local_run_count; i++) {
        const struct wasm_local_run *run = &body->locals[i];
        u32 size = run->type == WASM_V128 ? 2 : 1;
        if (local < run->count) {
            *out = value_at(run->type, walk.slots + slot + local * size);
            return true;
        }
        local -= run->count;
        slot += run->count * size;
    }
    return false;
}

// The slots of a frame's operand stack. The probe before an instruction says how many there are.
static u32 height_of(const struct wasm_walk *walk, u32 frame, u32 base)
{
    if (frame > 0) { // it waits for a call, whose arguments are where the callee's frame begins
        return walk->at->a - base;
    }
    for (const struct ins *at = walk->at; at >= walk->code->first; at--) {
        if (at->run == wasm_run_probe) {
            return at->a;
        }
    }
    return 0;
}

bool wasm_thread_operand(const struct wasm_thread *thread, u32 frame, u32 operand,
                         struct wasm_value *out)
{
    struct wasm_walk walk;
    if (!frame_find(thread, frame, &walk) || !walk.frame.instance->module->has_probes) {
        return false;
    }
    u32 base = walk.code->header + 1u + walk.code->zero_count;
    if (operand >= height_of(&walk, frame, base)) {
        return false;
    }
    *out = value_at(WASM_I64, walk.slots + base + operand);
    return true;
}

bool wasm_thread_global(const struct wasm_thread *thread, u32 frame, u32 global,
                        struct wasm_value *out)
{
    struct wasm_walk walk;
    if (!frame_find(thread, frame, &walk)) {
        return false;
    }
    const struct wasm_instance *instance = walk.frame.instance;
    const struct wasm_module *module = instance->module;
    if (global >= module->global_count) {
        return false;
    }
    *out = value_at(module->globals[global].type, instance->globals[global]->value);
    return true;
}
