// SPDX-License-Identifier: GPL-3.0-or-later
// Translates one body after another, each in one pass over its bytes. The validator has proved all
// that is taken for granted here: types, indices, depths, encodings.
#include "core/wasm/translate.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/wasm/load.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translator.h"

enum {
    NOTE_UNITS = 4, // of work, for a function that may be referred to
};

// ---- a body

// Goes on with the body until its end, a failure, or about the end of the step's work, which gives
// ERR_PAUSED.
static enum err translate_instructions(struct translator *t)
{
    struct body_reader in = t->in;
    const u8 *code = t->body->code.data;
    const u8 *from = in.at;
    u64 bytes = t->work <= 0 ? 1 : (u64)t->work / WASM_WORK_TRANSLATE_BYTE + 1;
    const u8 *stop = bytes < (size_t)(in.end - in.at) ? in.at + bytes : in.end;
    while (t->depth > 0 && LIKELY(t->failed == ERR_OK) && in.at < stop) {
        if (!t->reachable && !body_skip_dead(&in, stop, &t->dead_depth)) {
            break;
        }
        const u8 *start = in.at;
        t->origin = (u32)(start - code);
        enum row row = body_row(&in);
        if (t->reachable) {
            emit_pay(t, WASM_FUEL_STRAIGHT);
        }
        if (UNLIKELY(t->module->has_probes) && t->reachable) {
            emit_probe(t);
        }
        if (row == ROW_END) {
            if (!translate_end(t)) {
                in.at = start;
                break;
            }
        } else if (row == ROW_ELSE) {
            translate_else(t, t->reachable);
            t->reachable = true;
        } else if (body_ops[row].class == WASM_CLASS_CONTROL) {
            t->reachable = translate_control(t, &in, row);
        } else {
            translate_plain(t, &in, row);
        }
    }
    t->work -= (i64)(in.at - from) * WASM_WORK_TRANSLATE_BYTE;
    t->in = in;
    if (t->failed != ERR_OK) {
        return t->failed;
    }
    ASSERT((in.at == in.end) == (t->depth == 0));
    return t->depth == 0 ? ERR_OK : ERR_PAUSED;
}

static bool locals_prepare(struct translator *t, const struct wasm_func_type *type,
                           const struct wasm_body *body)
{
    t->type = type;
    t->body = body;
    t->param_count = type->param_count;
    t->header = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    void *ends = translator_grow(t->scratch, t->run_ends, &t->run_capacity,
                                 body->local_run_count + 1, sizeof *t->run_ends);
    void *slots = translator_grow(t->scratch, t->run_slots, &t->run_slot_capacity,
                                  body->local_run_count + 1, sizeof *t->run_slots);
    if (ends == NULL || slots == NULL) {
        t->failed = ERR_NO_MEMORY;
        return false;
    }
    t->run_ends = ends;
    t->run_slots = slots;
    t->run = 0;
    t->has_vectors = false;
    u32 end = type->param_count;
    u32 slot = t->header + 1;
    for (u32 i = 0; i < body->local_run_count; i++) {
        const struct wasm_local_run *run = &body->locals[i];
        end += run->count;
        t->run_ends[i] = end;
        t->run_slots[i] = slot;
        t->has_vectors |= run->type == WASM_V128;
        slot += run->type == WASM_V128 ? 2 * run->count : run->count;
    }
    t->stack_base = slot;
    if (home(t, 0) > SLOTS_MAX) {
        t->failed = ERR_LIMIT;
        return false;
    }
    void *uses = translator_grow(t->scratch, t->local_uses, &t->use_capacity, t->stack_base,
                                 sizeof *t->local_uses);
    if (uses == NULL) {
        t->failed = ERR_NO_MEMORY;
        return false;
    }
    t->local_uses = uses;
    return true;
}

static enum err body_begin(struct translator *t, u32 index)
{
    struct wasm_module *module = t->module;
    const struct wasm_body *body = &module->bodies[index];
    u32 function = module->function_import_count + index;
    const struct wasm_func_type *type = &module->types[module->function_types[function]];
    t->count = 0;
    t->paid = 0;
    t->barrier = 0;
    t->height = 0;
    t->height_max = 0;
    t->settled = 0;
    t->at_home = 0;
    t->recent.end = 0;
    t->try = 0;
    t->body_tries = t->try_count;
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        t->acc[bank].holds_value = false;
        t->acc[bank].mirrors_slot = false;
    }
    t->in = (struct body_reader){body->code.data, body->code.data + body->code.size};
    t->reachable = true;
    t->dead_depth = 0;
    t->measured = 0;
    t->moved = 0;
    t->origin_bytes = 0;
    t->origin_before = 0;
    t->first = NULL;
    if (!locals_prepare(t, type, body)) {
        return t->failed;
    }
    struct control *control = translate_open(t, WASM_OP_BLOCK);
    if (control == NULL) {
        return t->failed;
    }
    control->param_slots = type->param_slots;
    control->result_slots = type->result_slots;
    return ERR_OK;
}

// The end of the portion of instructions that begins at `from`.
static u32 portion_end(const struct translator *t, u32 from)
{
    return t->count - from < CODE_PAGE ? t->count : from + CODE_PAGE;
}

// Adds up how long the origins are as LEB128 steps; see struct wasm_code. They never go back.
static enum err measure(struct translator *t)
{
    u32 before = t->origin_before;
    while (t->measured < t->count) {
        u32 end = portion_end(t, t->measured);
        u32 bytes = end - t->measured;
        for (u32 i = t->measured; i < end; i++) {
            u32 origin = *origin_at(t, i);
            for (u32 step = (origin - before) >> 7; step != 0; step >>= 7) {
                bytes++;
            }
            before = origin;
        }
        t->origin_bytes += bytes;
        t->measured = end;
        t->origin_before = before;
        t->work -= end == t->count ? 0 : CODE_PAGE;
        if (t->work <= 0 && end < t->count) {
            return ERR_PAUSED;
        }
    }
    return ERR_OK;
}

// Moves instructions and packed origins to where they stay.
static enum err move(struct translator *t)
{
    if (t->first == NULL) {
        t->first = ARENA_ROOM(t->module->arena, struct ins, t->count);
        t->origins_at = ARENA_ROOM(t->module->arena, u8, t->origin_bytes);
        if (t->first == NULL || t->origins_at == NULL) {
            return ERR_NO_MEMORY;
        }
        t->origin_before = 0;
    }
    u8 *at = t->origins_at;
    while (t->moved < t->count) {
        u32 end = portion_end(t, t->moved);
        for (u32 i = t->moved; i < end; i++) {
            t->first[i] = *ins_at(t, i);
            u32 step = *origin_at(t, i) - t->origin_before;
            t->origin_before += step;
            for (; step >= 0x80; step >>= 7) {
                *at++ = (u8)(step | 0x80);
            }
            *at++ = (u8)step;
        }
        t->moved = end;
        t->origins_at = at;
        t->work -= end == t->count ? 0 : 4 * CODE_PAGE;
        if (t->work <= 0 && end < t->count) {
            return ERR_PAUSED;
        }
    }
    return ERR_OK;
}

static enum err body_finish(struct translator *t, u32 index)
{
    TRY(measure(t));
    TRY(move(t));
    struct wasm_body *body = &t->module->bodies[index];
    struct wasm_code *code = &t->codes[index];
    u32 zero_count = t->stack_base - t->header - 1;
    *code = (struct wasm_code){
        .entry = t->first,
        .first = t->first,
        .frame_slots = t->stack_base + t->height_max,
        .header = (u16)t->header,
        .zero_count = (u16)zero_count,
        .cost = 1 + zero_count / CODE_ZERO_COUNT_PER_FUEL,
        .function = t->module->function_import_count + index,
        .ins_count = t->count,
        .try_first = t->body_tries,
        .try_count = t->try_count - t->body_tries,
        .origins_bytes = t->origin_bytes,
        .origins = t->origins_at - t->origin_bytes,
    };
    body->translated = code;
    return ERR_OK;
}

// ---- functions as values

static void reference_note(struct wasm_module *module, u32 function)
{
    if (function >= module->function_import_count) {
        u32 *number = &module->references[function - module->function_import_count];
        if (*number == UINT32_MAX) {
            *number = module->reference_count++;
        }
    }
}

// ---- the module, in stages that stop and go on

struct wasm_translation {
    struct translator t;
    u32 stage;
    u32 index; // of the stage's items
    u32 inner; // of an element segment's items
    bool is_begun;
    u32 body_stage;
};

// Calls `item` with the index of each of `count` items. ERR_PAUSED: it goes on with the same when
// called again.
static enum err each(struct wasm_translation *c, u32 count,
                     enum err (*item)(struct wasm_translation *c, u32 index))
{
    for (; c->index < count; c->index++) {
        if (c->t.work <= 0) {
            return ERR_PAUSED;
        }
        TRY(item(c, c->index));
    }
    return ERR_OK;
}

static enum err clear_reference(struct wasm_translation *c, u32 index)
{
    c->t.module->references[index] = UINT32_MAX;
    c->t.work--;
    return ERR_OK;
}

static enum err clear_references(struct wasm_translation *c)
{
    const struct wasm_module *module = c->t.module;
    return each(c, module->function_count - module->function_import_count, clear_reference);
}

static enum err note_export(struct wasm_translation *c, u32 index)
{
    const struct wasm_export *export = &c->t.module->exports[index];
    if (export->kind == WASM_FUNCTION) {
        reference_note(c->t.module, export->index);
    }
    c->t.work -= WASM_WORK_ITEM;
    return ERR_OK;
}

static enum err note_exports(struct wasm_translation *c)
{
    return each(c, c->t.module->export_count, note_export);
}

static enum err note_elem(struct wasm_translation *c, u32 index)
{
    const struct wasm_elem *elem = &c->t.module->elems[index];
    for (; c->inner < elem->count; c->inner++) {
        if (c->t.work <= 0) {
            return ERR_PAUSED;
        }
        c->t.work -= NOTE_UNITS;
        if (elem->items[c->inner].kind == WASM_CONST_FUNCTION) {
            reference_note(c->t.module, elem->items[c->inner].index);
        }
    }
    c->inner = 0;
    c->t.work -= WASM_WORK_ITEM;
    return ERR_OK;
}

static enum err note_elems(struct wasm_translation *c)
{
    return each(c, c->t.module->elem_count, note_elem);
}

static enum err note_global(struct wasm_translation *c, u32 index)
{
    const struct wasm_const *init = &c->t.module->global_inits[index];
    if (init->kind == WASM_CONST_FUNCTION) {
        reference_note(c->t.module, init->index);
    }
    c->t.work -= WASM_WORK_ITEM;
    return ERR_OK;
}

static enum err note_globals(struct wasm_translation *c)
{
    const struct wasm_module *module = c->t.module;
    return each(c, module->global_count - module->global_import_count, note_global);
}

static enum err note_start(struct wasm_translation *c)
{
    if (c->t.module->has_start) {
        reference_note(c->t.module, c->t.module->start);
    }
    return ERR_OK;
}

static enum err list_reference(struct wasm_translation *c, u32 index)
{
    struct wasm_module *module = c->t.module;
    u32 number = module->references[index];
    if (number != UINT32_MAX) {
        module->referenced[number] = &c->t.codes[index];
    }
    c->t.work -= NOTE_UNITS;
    return ERR_OK;
}

static enum err list_references(struct wasm_translation *c)
{
    struct wasm_module *module = c->t.module;
    if (!c->is_begun) {
        module->referenced =
            ARENA_ROOM(module->arena, const struct wasm_code *, module->reference_count);
        if (module->referenced == NULL) {
            return ERR_NO_MEMORY;
        }
        c->is_begun = true;
    }
    return each(c, module->function_count - module->function_import_count, list_reference);
}

enum body_stage { BODY_NEW, BODY_INSTRUCTIONS, BODY_END };

static enum err translate_body(struct wasm_translation *c, u32 index)
{
    struct translator *t = &c->t;
    if (c->body_stage == BODY_NEW) {
        t->work -= WASM_WORK_BODY;
        TRY(body_begin(t, index));
        c->body_stage = BODY_INSTRUCTIONS;
    }
    if (c->body_stage == BODY_INSTRUCTIONS) {
        TRY(translate_instructions(t));
        truncate(t, 0); // leaves local_uses all zero for the next body
        c->body_stage = BODY_END;
    }
    TRY(body_finish(t, index));
    c->body_stage = BODY_NEW;
    return ERR_OK;
}

static enum err translate_bodies(struct wasm_translation *c)
{
    return each(c, c->t.module->function_count - c->t.module->function_import_count,
                translate_body);
}

static enum err (*const stages[])(struct wasm_translation *c) = {
    clear_references, note_exports,    note_elems,       note_globals,
    note_start,       list_references, translate_bodies,
};

static enum err go_on(struct wasm_translation *c, struct report *report)
{
    for (; c->stage < COUNT_OF(stages); c->stage++) {
        enum err err = stages[c->stage](c);
        if (err == ERR_PAUSED) {
            return err;
        }
        if (err != ERR_OK) {
            bool is_body = stages[c->stage] == translate_bodies;
            return report_err(report, err, is_body ? c->t.module->bodies[c->index].offset : 0,
                              err == ERR_LIMIT ? "function needs too many slots"
                                               : "no memory for the module's code");
        }
        c->index = 0;
        c->is_begun = false;
    }
    return ERR_OK;
}

enum err wasm_translation_begin(struct wasm_module *module, struct arena *scratch,
                                struct wasm_translation **out, struct report *report)
{
    ASSERT(module->is_valid && !module->is_translated);
    u32 defined = module->function_count - module->function_import_count;
    struct wasm_translation *c = ARENA_NEW(scratch, struct wasm_translation);
    module->references = ARENA_ROOM(module->arena, u32, defined);
    module->tries = ARENA_ROOM(module->arena, struct wasm_try, module->try_count);
    module->catches = ARENA_ROOM(module->arena, struct wasm_catch, module->catch_count);
    if (c == NULL || module->references == NULL || module->tries == NULL ||
        module->catches == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for the module's code");
    }
    c->t.module = module;
    c->t.scratch = scratch;
    c->t.codes = ARENA_ROOM(module->arena, struct wasm_code, defined);
    if (c->t.codes == NULL || !translator_prepare(&c->t)) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for the module's code");
    }
    *out = c;
    return ERR_OK;
}

enum err wasm_translation_step(struct wasm_translation *translation, i64 *work,
                               struct report *report)
{
    translation->t.work = *work;
    enum err err = go_on(translation, report);
    *work = translation->t.work;
    if (err == ERR_OK) {
        translation->t.module->is_translated = true;
    }
    return err;
}

enum err wasm_module_translate(struct wasm_module *module, struct arena *scratch,
                               struct report *report)
{
    struct wasm_translation *translation;
    TRY(wasm_translation_begin(module, scratch, &translation, report));
    i64 work = INT64_MAX;
    return wasm_translation_step(translation, &work, report);
}
