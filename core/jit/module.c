// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/module.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/ir.h"
#include "core/jit/limits.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/wasm/crossing.h"

enum { CODE_ALIGN = 16, CODE_PAD = 0xcc };

static struct wasm_code *code_of(const struct wasm_module *module, u32 function)
{
    return module->bodies[function - module->function_import_count].translated;
}

static const struct wasm_func_type *type_of(const struct wasm_module *module, u32 function)
{
    const struct wasm_func_type *type = &module->types[module->function_types[function]];
    return &module->types[type->canonical];
}

static const struct wasm_func_type *tag_type(const struct wasm_module *module, u32 tag)
{
    return &module->types[module->types[module->tag_types[tag]].canonical];
}

// Where calls go that are not direct: functions, then helpers, then tags.
static u32 slot_count(const struct wasm_module *module)
{
    return module->function_count + IR_HELPER_COUNT + module->tag_count;
}

// ---- creation

// How many words every call keeps free for tail calls: as many as one of the module's may need.
static u8 tail_words(const struct jit_space *space, const struct wasm_module *module)
{
    u32 most = 0;
    for (u32 i = 0; i < module->type_count && module->has_tail_calls; i++) {
        u32 words = space->target->stack_words(&module->types[i]);
        most = words > most && words <= JIT_TAIL_WORDS ? words : most;
    }
    return (u8)most;
}

enum err jit_module_create(struct jit_space *space, const struct wasm_module *module,
                           enum jit_bounds bounds, size_t limit_bytes, struct jit_module *out)
{
    ASSERT(module->is_translated);
    mem_zero(out, sizeof *out);
    out->space = space;
    out->module = module;
    out->code_bytes_most = JIT_SPACE_BYTES;
    out->options = jit_space_options(space, bounds);
    out->options.tail_words = tail_words(space, module);
    arena_init(&out->arena, space->memory, limit_bytes);
    u32 defined = module->function_count - module->function_import_count;
    out->enters = ARENA_ARRAY(&out->arena, const u8 *, module->type_count);
    out->leaves[JIT_WAY_CALL] = ARENA_ARRAY(&out->arena, const u8 *, module->type_count);
    out->leaves[JIT_WAY_JUMP] = ARENA_ARRAY(&out->arena, const u8 *, module->type_count);
    out->loop_enters = ARENA_ARRAY(&out->arena, const u8 *, module->type_count);
    out->has = ARENA_ARRAY(&out->arena, bool, module->function_count);
    out->loops = ARENA_ARRAY(&out->arena, struct jit_loop, JIT_LOOPS);
    out->stand_ins = ARENA_ARRAY(&out->arena, struct wasm_stand_in, defined);
    out->slots = (void *)jit_space_take(space, &out->runs, slot_count(module) * sizeof(u8 *));
    if (out->enters == NULL || out->leaves[JIT_WAY_CALL] == NULL ||
        out->leaves[JIT_WAY_JUMP] == NULL || out->stand_ins == NULL || out->slots == NULL ||
        out->has == NULL || out->loop_enters == NULL || out->loops == NULL) {
        jit_module_destroy(out);
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < defined; i++) {
        wasm_stand_in_init(&out->stand_ins[i], module->bodies[i].translated);
    }
    return ERR_OK;
}

void jit_module_destroy(struct jit_module *module)
{
    const struct wasm_module *wasm = module->module;
    for (u32 i = wasm->function_import_count; module->is_started && i < wasm->function_count; i++) {
        struct wasm_code *code = code_of(wasm, i);
        code->entry = code->first;
        code->compiled[module->options.bounds] = NULL;
    }
    jit_space_give(module->space, &module->runs);
    arena_drop(&module->arena);
}

void jit_module_attach(struct jit_module *module, struct wasm_instance *instance)
{
    ASSERT(instance->module == module->module);
    instance->compiled = module;
}

bool jit_module_has(const struct jit_module *module, u32 function)
{
    return __atomic_load_n(&module->has[function], __ATOMIC_ACQUIRE);
}

const u8 *jit_module_code(const struct jit_module *module, u32 function)
{
    return __atomic_load_n(&module->slots[function], __ATOMIC_RELAXED);
}

const u8 *jit_module_enter(const struct jit_module *module, u32 function)
{
    return module->enters[type_of(module->module, function)->canonical];
}

const u8 *jit_module_enter_loop(const struct jit_module *module, u32 function)
{
    return module->loop_enters[type_of(module->module, function)->canonical];
}

const struct jit_loop *jit_module_loop(const struct jit_module *module, const struct ins *head)
{
    u32 count = __atomic_load_n(&module->loop_count, __ATOMIC_ACQUIRE);
    for (u32 i = 0; i < count; i++) {
        if (module->loops[i].head == head) {
            return &module->loops[i];
        }
    }
    return NULL;
}

const struct wasm_stand_in *jit_module_stand_in(struct jit_module *module, u32 function)
{
    return &module->stand_ins[function - module->module->function_import_count];
}

// ---- placing

// What is about to become a batch.
struct placing {
    struct jit_module *module;
    struct arena *scratch;
    struct jit_function *codes; // functions, then crossings
    struct jit_code *facts;     // of each, and of links
    u32 code_count;             //
    u32 capacity;
    u32 *links; // by slot: number of the link, plus 1; 0: none is needed
    u32 *link_slots;
    u32 link_count;
    u32 *entered; // by type: index in codes, plus 1
    u32 *loop_entered;
    u32 *left[JIT_WAY_COUNT];
    u32 left_helpers[JIT_AWAY_COUNT];
    u32 *placed; // by defined function: index in codes, plus 1
    u64 bytes;
    u8 *base;
};

static bool add(struct placing *p, const struct jit_function *code, enum jit_code_kind kind,
                u32 function)
{
    if (p->code_count == p->capacity) {
        return false;
    }
    p->codes[p->code_count] = *code;
    p->facts[p->code_count++] = (struct jit_code){
        .function = function,
        .frame_bytes = code->frame_bytes,
        .prologue_bytes = code->prologue_bytes,
        .again_start = code->again_start,
        .again_end = code->again_end,
        .site_count = code->site_count,
        .sites = code->sites,
        .kind = (u8)kind,
    };
    return true;
}

static enum err need_enter(struct placing *p, const struct wasm_func_type *type)
{
    if (p->module->enters[type->canonical] != NULL || p->entered[type->canonical] != 0) {
        return ERR_OK;
    }
    const struct jit_space *space = p->module->space;
    struct jit_function code;
    TRY(space->target->emit_enter(type, &p->module->options, p->scratch, p->scratch, &code));
    if (!add(p, &code, JIT_CODE_ENTER, 0)) {
        return ERR_LIMIT;
    }
    p->entered[type->canonical] = p->code_count;
    return ERR_OK;
}

// The same for versions that begin at a loop: their one argument is an address.
static enum err need_loop_enter(struct placing *p, const struct wasm_func_type *type)
{
    u32 canonical = type->canonical;
    if (p->module->loop_enters[canonical] != NULL || p->loop_entered[canonical] != 0) {
        return ERR_OK;
    }
    u8 *types = ARENA_ARRAY(p->scratch, u8, 1 + type->result_count);
    if (types == NULL) {
        return ERR_NO_MEMORY;
    }
    types[0] = WASM_I64;
    mem_copy(types + 1, type->types + type->param_count, type->result_count);
    struct wasm_func_type made = *type;
    made.types = types;
    made.param_count = 1;
    made.param_slots = 1;
    const struct jit_space *space = p->module->space;
    struct jit_function code;
    TRY(space->target->emit_enter(&made, &p->module->options, p->scratch, p->scratch, &code));
    if (!add(p, &code, JIT_CODE_ENTER, 0)) {
        return ERR_LIMIT;
    }
    p->loop_entered[canonical] = p->code_count;
    return ERR_OK;
}

static enum err need_leave(struct placing *p, const struct wasm_func_type *type, enum jit_way way)
{
    if (p->module->leaves[way][type->canonical] != NULL || p->left[way][type->canonical] != 0) {
        return ERR_OK;
    }
    const struct jit_space *space = p->module->space;
    struct jit_function code;
    TRY(space->target->emit_leave(type, way, &p->module->options, p->scratch, p->scratch, &code));
    if (!add(p, &code, JIT_CODE_LEAVE, 0)) {
        return ERR_LIMIT;
    }
    p->left[way][type->canonical] = p->code_count;
    return ERR_OK;
}

static enum jit_away helper_away(u32 helper)
{
    if (!ir_helper_is_bulk(helper)) {
        return JIT_AWAY_ANY;
    }
    return helper >= IR_HELPER_MEMORY_FILL_OF ? JIT_AWAY_FILL_OF + helper - IR_HELPER_MEMORY_FILL_OF
                                              : JIT_AWAY_FILL + helper - IR_HELPER_MEMORY_FILL;
}

static enum err need_leave_helper(struct placing *p, u32 helper)
{
    enum jit_away index = helper_away(helper);
    if (p->module->leave_helpers[index] != NULL || p->left_helpers[index] != 0) {
        return ERR_OK;
    }
    const struct jit_space *space = p->module->space;
    struct jit_function code;
    TRY(space->target->emit_leave_helper(helper, &p->module->options, p->scratch, p->scratch,
                                         &code));
    if (!add(p, &code, JIT_CODE_LEAVE, 0)) {
        return ERR_LIMIT;
    }
    p->left_helpers[index] = p->code_count;
    return ERR_OK;
}

static bool is_direct(const struct placing *p, u32 function)
{
    const struct wasm_module *module = p->module->module;
    return function >= module->function_import_count &&
           (p->placed[function - module->function_import_count] != 0 ||
            jit_module_has(p->module, function));
}

static u32 slot_of(const struct wasm_module *module, u32 callee)
{
    if (callee & JIT_CALLEE_TAG) {
        return module->function_count + IR_HELPER_COUNT + (callee & ~(u32)JIT_CALLEE_TAG);
    }
    return callee & JIT_CALLEE_HELPER ? module->function_count + (callee & ~JIT_CALLEE_HELPER)
                                      : callee;
}

// Sees to it that a call has somewhere to go.
static enum err need_callee(struct placing *p, u32 callee)
{
    const struct wasm_module *module = p->module->module;
    if (callee & JIT_CALLEE_ELEMENT) {
        return need_leave(p, &module->types[callee & ~JIT_CALLEE_ELEMENT], JIT_WAY_CALL);
    }
    if (callee & JIT_CALLEE_HELPER) {
        TRY(need_leave_helper(p, callee & ~(u32)JIT_CALLEE_HELPER));
    } else if (callee & JIT_CALLEE_TAG) {
        TRY(need_leave(p, tag_type(module, callee & ~(u32)JIT_CALLEE_TAG), JIT_WAY_CALL));
    } else if (is_direct(p, callee)) {
        return ERR_OK;
    } else {
        enum jit_way way = ir_callee_way(callee, module->function_import_count);
        TRY(need_leave(p, type_of(module, callee), way));
    }
    u32 slot = slot_of(module, callee);
    if (p->links[slot] == 0) {
        p->link_slots[p->link_count++] = slot;
        p->links[slot] = p->link_count;
    }
    return ERR_OK;
}

// Everything that the functions need beside themselves.
static enum err needs(struct placing *p, const struct jit_placed *functions, u32 count)
{
    const struct wasm_module *module = p->module->module;
    for (u32 i = 0; i < count; i++) {
        const struct wasm_func_type *type = type_of(module, functions[i].function);
        TRY(functions[i].loop == NULL ? need_enter(p, type) : need_loop_enter(p, type));
        for (u32 j = 0; j < functions[i].code.call_count; j++) {
            TRY(need_callee(p, functions[i].code.calls[j].function));
        }
    }
    for (u32 i = 0; !p->module->is_started && i < module->reference_count; i++) {
        TRY(need_callee(p, module->referenced[i]->function));
    }
    return ERR_OK;
}

static u64 round_up(u64 value, u64 to)
{
    return (value + to - 1) / to * to;
}

// Offsets of all pieces. A page's beginning stays free: see stubs_write in space.c.
static enum err lay_out(struct placing *p)
{
    u64 at = CODE_ALIGN;
    for (u32 i = 0; i < p->code_count; i++) {
        p->facts[i].start = (u32)at;
        p->facts[i].end = (u32)at + p->codes[i].code_bytes;
        at = round_up(at + p->codes[i].code_bytes, CODE_ALIGN);
        if (at > JIT_SPACE_BYTES) {
            return ERR_LIMIT;
        }
    }
    u32 link_bytes = p->module->space->target->link_bytes;
    for (u32 i = 0; i < p->link_count; i++) {
        p->facts[p->code_count + i] = (struct jit_code){
            .start = (u32)at,
            .end = (u32)at + link_bytes,
            .kind = JIT_CODE_LINK,
        };
        at += link_bytes;
    }
    p->bytes = round_up(at, JIT_PAGE_BYTES);
    u64 left = p->module->code_bytes_most - p->module->code_bytes;
    return p->bytes > left ? ERR_LIMIT : ERR_OK;
}

static const u8 *leave_of(const struct placing *p, u32 canonical)
{
    u32 index = p->left[JIT_WAY_CALL][canonical];
    return index != 0 ? p->base + p->facts[index - 1].start
                      : p->module->leaves[JIT_WAY_CALL][canonical];
}

static const u8 *address_of(const struct placing *p, u32 callee)
{
    const struct wasm_module *module = p->module->module;
    if (callee & JIT_CALLEE_ELEMENT) {
        return leave_of(p, module->types[callee & ~JIT_CALLEE_ELEMENT].canonical);
    }
    u32 link = p->links[slot_of(module, callee)];
    if (link != 0) {
        return p->base + p->facts[p->code_count + link - 1].start;
    }
    u32 index = p->placed[callee - module->function_import_count];
    return index != 0 ? p->base + p->facts[index - 1].start : jit_module_code(p->module, callee);
}

// What leaving code is told by the link of a slot: see thread.h.
static u32 link_tag(const struct wasm_module *module, u32 slot)
{
    if (slot < module->function_count) {
        return slot << 2 | JIT_TAG_FUNCTION;
    }
    u32 helper = slot - module->function_count;
    return helper < IR_HELPER_COUNT ? helper << 2 | JIT_TAG_HELPER
                                    : (helper - IR_HELPER_COUNT) << 2 | JIT_TAG_THROW;
}

// The leaving code that a slot begins with.
static const u8 *slot_leave(const struct jit_module *module, u32 slot)
{
    const struct wasm_module *wasm = module->module;
    if (slot < wasm->function_count) {
        enum jit_way way = ir_callee_way(slot, wasm->function_import_count);
        return module->leaves[way][type_of(wasm, slot)->canonical];
    }
    u32 helper = slot - wasm->function_count;
    return helper < IR_HELPER_COUNT
               ? module->leave_helpers[helper_away(helper)]
               : module->leaves[JIT_WAY_CALL][tag_type(wasm, helper - IR_HELPER_COUNT)->canonical];
}

static enum err batch_write(struct placing *p)
{
    const struct jit_target *target = p->module->space->target;
    const struct wasm_module *module = p->module->module;
    mem_fill(p->base, CODE_PAD, p->bytes);
    for (u32 i = 0; i < p->code_count; i++) {
        u8 *at = p->base + p->facts[i].start;
        const struct jit_function *code = &p->codes[i];
        mem_copy(at, code->code, code->code_bytes);
        for (u32 j = 0; j < code->call_count; j++) {
            ASSERT(code->calls[j].code + 4 <= code->code_bytes);
            bool reaches =
                target->link_call(at + code->calls[j].code, address_of(p, code->calls[j].function));
            ASSERT(reaches);
        }
    }
    for (u32 i = 0; i < p->link_count; i++) {
        u32 slot = p->link_slots[i];
        bool reaches = target->link_slot(p->base + p->facts[p->code_count + i].start,
                                         link_tag(module, slot), &p->module->slots[slot]);
        ASSERT(reaches);
    }
    return p->module->space->pages->make_executable(p->base, p->bytes);
}

// ---- making it known

// What the module keeps of a batch.
static struct jit_batch *batch_make(const struct placing *p)
{
    struct arena *arena = &p->module->arena;
    u32 count = p->code_count + p->link_count;
    struct jit_batch *batch = ARENA_NEW(arena, struct jit_batch);
    struct jit_code *codes = ARENA_ARRAY(arena, struct jit_code, count);
    if (batch == NULL || codes == NULL) {
        return NULL;
    }
    for (u32 i = 0; i < count; i++) {
        codes[i] = p->facts[i];
        struct jit_site *sites = ARENA_ARRAY(arena, struct jit_site, codes[i].site_count);
        if (sites == NULL) {
            return NULL;
        }
        mem_copy(sites, codes[i].sites, codes[i].site_count * sizeof *sites);
        codes[i].sites = sites;
    }
    *batch = (struct jit_batch){
        .module = p->module,
        .base = p->base,
        .bytes = (u32)p->bytes,
        .code_count = count,
        .codes = codes,
    };
    return batch;
}

static void batch_publish(const struct placing *p, struct jit_batch *batch)
{
    struct jit_run *run = jit_space_run(p->module->space, (u64)(uintptr_t)p->base);
    batch->next = run->batches;
    __atomic_store_n(&run->batches, batch, __ATOMIC_RELEASE);
    p->module->code_bytes += p->bytes;
}

// Crossings first: nobody uses them before a function is known.
static void crossings_publish(const struct placing *p)
{
    struct jit_module *module = p->module;
    for (u32 i = 0; i < module->module->type_count; i++) {
        if (p->entered[i] != 0) {
            module->enters[i] = p->base + p->facts[p->entered[i] - 1].start;
        }
        if (p->loop_entered[i] != 0) {
            module->loop_enters[i] = p->base + p->facts[p->loop_entered[i] - 1].start;
        }
        for (u32 way = 0; way < JIT_WAY_COUNT; way++) {
            if (p->left[way][i] != 0) {
                module->leaves[way][i] = p->base + p->facts[p->left[way][i] - 1].start;
            }
        }
    }
    for (u32 i = 0; i < JIT_AWAY_COUNT; i++) {
        if (p->left_helpers[i] != 0) {
            module->leave_helpers[i] = p->base + p->facts[p->left_helpers[i] - 1].start;
        }
    }
    for (u32 i = 0; i < p->link_count; i++) {
        u32 slot = p->link_slots[i];
        __atomic_store_n(&module->slots[slot], slot_leave(module, slot), __ATOMIC_RELEASE);
    }
    for (u32 i = 0; !module->is_started && i < module->module->reference_count; i++) {
        u32 function = module->module->referenced[i]->function;
        code_of(module->module, function)->compiled[module->options.bounds] =
            address_of(p, function);
    }
    module->is_started = true;
}

static void function_publish(struct jit_module *module, u32 function, const u8 *address)
{
    struct wasm_code *code = code_of(module->module, function);
    struct wasm_stand_in *stand_in =
        &module->stand_ins[function - module->module->function_import_count];
    __atomic_store_n(&module->slots[function], address, __ATOMIC_RELEASE);
    __atomic_store_n(&code->compiled[module->options.bounds], (const void *)address,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&module->has[function], true, __ATOMIC_RELEASE);
    __atomic_store_n(&code->entry, stand_in->ins, __ATOMIC_RELEASE);
    module->compiled_count++;
}

static void functions_publish(const struct placing *p, const struct jit_placed *functions,
                              u32 count)
{
    struct jit_module *module = p->module;
    for (u32 i = 0; i < count; i++) {
        const u8 *address = p->base + p->facts[i].start;
        if (functions[i].loop == NULL) {
            function_publish(module, functions[i].function, address);
            continue;
        }
        u32 number = module->loop_count;
        ASSERT(number < JIT_LOOPS); // placing_init has seen to it
        module->loops[number] =
            (struct jit_loop){functions[i].loop, address, functions[i].function};
        __atomic_store_n(&module->loop_count, number + 1, __ATOMIC_RELEASE);
    }
}

static enum err placing_init(struct placing *p, struct jit_module *module,
                             const struct jit_placed *functions, u32 count, struct arena *scratch)
{
    const struct wasm_module *wasm = module->module;
    // Each function and each of its calls asks for one crossing at most.
    u64 most = (u64)count * 2 + 1 + (module->is_started ? 0 : (u64)wasm->reference_count);
    for (u32 i = 0; i < count; i++) {
        most += functions[i].code.call_count;
    }
    if (most > UINT32_MAX / 4) {
        return ERR_LIMIT;
    }
    *p = (struct placing){.module = module, .scratch = scratch, .capacity = (u32)most};
    p->codes = ARENA_ARRAY(scratch, struct jit_function, most);
    p->facts = ARENA_ARRAY(scratch, struct jit_code, most * 2);
    p->links = ARENA_ARRAY(scratch, u32, slot_count(wasm));
    p->link_slots = ARENA_ARRAY(scratch, u32, most);
    p->entered = ARENA_ARRAY(scratch, u32, wasm->type_count);
    p->loop_entered = ARENA_ARRAY(scratch, u32, wasm->type_count);
    p->left[JIT_WAY_CALL] = ARENA_ARRAY(scratch, u32, wasm->type_count);
    p->left[JIT_WAY_JUMP] = ARENA_ARRAY(scratch, u32, wasm->type_count);
    p->placed = ARENA_ARRAY(scratch, u32, wasm->function_count);
    if (p->codes == NULL || p->facts == NULL || p->links == NULL || p->link_slots == NULL ||
        p->entered == NULL || p->loop_entered == NULL || p->left[JIT_WAY_CALL] == NULL ||
        p->left[JIT_WAY_JUMP] == NULL || p->placed == NULL) {
        return ERR_NO_MEMORY;
    }
    u32 loops = 0;
    for (u32 i = 0; i < count; i++) {
        u32 function = functions[i].function;
        ASSERT(function >= wasm->function_import_count && function < wasm->function_count);
        bool added = add(p, &functions[i].code, JIT_CODE_FUNCTION, function);
        ASSERT(added);
        if (functions[i].loop == NULL) {
            ASSERT(!jit_module_has(module, function));
            p->placed[function - wasm->function_import_count] = p->code_count;
        } else if (++loops > JIT_LOOPS - module->loop_count) {
            return ERR_LIMIT;
        }
    }
    return ERR_OK;
}

enum err jit_module_place(struct jit_module *module, const struct jit_placed *functions, u32 count,
                          struct arena *scratch)
{
    struct placing p;
    if (count == 0) {
        return ERR_OK;
    }
    TRY(placing_init(&p, module, functions, count, scratch));
    TRY(needs(&p, functions, count));
    TRY(lay_out(&p));
    p.base = jit_space_take(module->space, &module->runs, p.bytes);
    if (p.base == NULL) {
        return ERR_NO_MEMORY;
    }
    struct jit_batch *batch = batch_make(&p);
    if (batch == NULL) {
        return ERR_NO_MEMORY;
    }
    TRY(batch_write(&p));
    batch_publish(&p, batch);
    crossings_publish(&p);
    functions_publish(&p, functions, count);
    if (module->space->placed != NULL) {
        module->space->placed(module->space->placed_context, batch);
    }
    return ERR_OK;
}

// ---- looking up

const struct jit_code *jit_code_at(const struct jit_space *space, u64 address,
                                   struct jit_module **module, u32 *offset)
{
    struct jit_run *run = jit_space_run(space, address);
    const struct jit_batch *batch =
        run == NULL ? NULL : __atomic_load_n(&run->batches, __ATOMIC_ACQUIRE);
    while (batch != NULL && address - (u64)(uintptr_t)batch->base >= batch->bytes) {
        batch = batch->next;
    }
    if (batch == NULL) {
        return NULL;
    }
    u32 at = (u32)(address - (u64)(uintptr_t)batch->base);
    u32 low = 0;
    u32 high = batch->code_count;
    while (low < high) { // the first piece that ends behind it
        u32 middle = low + (high - low) / 2;
        if (batch->codes[middle].end <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == batch->code_count || batch->codes[low].start > at) {
        return NULL;
    }
    *module = batch->module;
    *offset = at - batch->codes[low].start;
    return &batch->codes[low];
}

const struct jit_site *jit_code_site(const struct jit_code *code, u32 offset, bool is_return)
{
    u32 low = 0;
    u32 high = code->site_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (code->sites[middle].code < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < code->site_count && code->sites[low].code == offset; low++) {
        if ((code->sites[low].trap == TRAP_NONE) == is_return) {
            return &code->sites[low];
        }
    }
    return NULL;
}
