// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/wasm/module.h"
#include "core/wasm/translator.h"

enum { CAPACITY_FIRST = 256 }; // of growing arrays, items

enum kind kind_of(u8 type)
{
    static const u8 kinds[4] = {[WASM_I32 & 3] = KIND_I,
                                [WASM_I64 & 3] = KIND_L,
                                [WASM_F32 & 3] = KIND_F,
                                [WASM_F64 & 3] = KIND_D};
    STATIC_ASSERT((WASM_F64 & ~3) == 0x7c && (WASM_I32 & ~3) == 0x7c);
    return (type & ~3) == 0x7c ? kinds[type & 3] : type == WASM_V128 ? KIND_V : KIND_L;
}

void *translator_grow(struct arena *arena, void *array, u32 *capacity, u32 count, size_t item_bytes)
{
    if (count <= *capacity) {
        return array;
    }
    u32 larger = *capacity == 0 ? CAPACITY_FIRST : *capacity;
    while (larger < count) {
        larger *= 2;
    }
    void *result = arena_alloc(arena, larger, item_bytes, _Alignof(u64));
    if (result != NULL) {
        mem_copy(result, array, *capacity * item_bytes);
        *capacity = larger;
    }
    return result;
}

static void fail(struct translator *t, enum err err)
{
    if (t->failed == ERR_OK) {
        t->failed = err;
    }
}

// ---- emission

static bool code_grow(struct translator *t)
{
    u32 page = t->capacity / CODE_PAGE;
    struct code_page **pages =
        translator_grow(t->scratch, t->pages, &t->page_capacity, page + 1, sizeof *t->pages);
    if (pages == NULL) {
        return false;
    }
    t->pages = pages;
    pages[page] = ARENA_ROOM(t->scratch, struct code_page, 1);
    if (pages[page] == NULL) {
        return false;
    }
    t->capacity += CODE_PAGE;
    return true;
}

bool translator_prepare(struct translator *t)
{
    t->values =
        translator_grow(t->scratch, NULL, &t->value_capacity, CAPACITY_FIRST, sizeof *t->values);
    return t->values != NULL && code_grow(t);
}

static struct ins *emit_ins(struct translator *t)
{
    if (UNLIKELY(t->count == t->capacity) && !code_grow(t)) {
        fail(t, ERR_NO_MEMORY);
        t->count = 0; // overwrites what will never run
    }
    struct code_page *page = t->pages[t->count / CODE_PAGE];
    u32 at = t->count++ % CODE_PAGE;
    page->origins[at] = t->origin;
    return &page->ins[at];
}

u32 emit(struct translator *t, handler *run, u32 a, u32 b, u32 c)
{
    ASSERT(run != NULL);
    struct ins *ins = emit_ins(t);
    ins->run = run;
    ins->a = (u16)a;
    ins->b = (u16)b;
    ins->c = c;
    return t->count - 1;
}

u32 emit_two(struct translator *t, handler *run, u32 a, u32 low, u32 high)
{
    return emit(t, run, a, 0, low | high << 16);
}

void emit_data(struct translator *t, const void *data)
{
    struct ins *ins = emit_ins(t);
    *ins = (struct ins){.data = data};
}

void emit_bits(struct translator *t, u64 bits)
{
    struct ins *ins = emit_ins(t);
    ins->data = NULL;
    __builtin_memcpy(&ins->a, &bits, sizeof bits);
}

void acc_forget(struct translator *t)
{
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        ASSERT(!t->acc[bank].holds_value);
        t->acc[bank].mirrors_slot = false;
    }
}

void label(struct translator *t)
{
    t->barrier = t->count;
    acc_forget(t);
}

void slot_written(struct translator *t, u32 slot)
{
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        if (t->acc[bank].slot == slot) {
            t->acc[bank].mirrors_slot = false;
        }
    }
}

bool recent_made(const struct translator *t, const struct value *value)
{
    const struct accumulator *acc = &t->acc[BANK_INTEGER];
    return value->place == PLACE_ACC && bank_of(value->kind) == BANK_INTEGER &&
           t->recent.end != 0 && t->recent.end == t->count && acc->end == t->count &&
           acc->producer == t->recent.start && t->recent.start >= t->barrier;
}

struct recent recent_take_back(struct translator *t)
{
    struct recent recent = t->recent;
    ASSERT(recent.end == t->count && recent.start >= t->barrier && recent.start < recent.end);
    t->count = recent.start;
    t->acc[BANK_INTEGER].mirrors_slot = recent.mirrors_slot;
    t->acc[BANK_INTEGER].slot = recent.slot;
    t->recent.end = 0;
    return recent;
}

// ---- the operand stack

static void note_height(struct translator *t)
{
    if (t->height > t->height_max) {
        t->height_max = t->height;
        if (home(t, t->height) > SLOTS_MAX) {
            fail(t, ERR_LIMIT);
            t->height_max = 0;
        }
    }
}

static bool values_grow(struct translator *t, u32 count)
{
    void *values = translator_grow(t->scratch, t->values, &t->value_capacity, t->height + count,
                                   sizeof *t->values);
    if (values == NULL) {
        fail(t, ERR_NO_MEMORY);
        t->height = 0;
        t->settled = 0;
        t->at_home = 0;
        return false;
    }
    t->values = values;
    return true;
}

struct value *push(struct translator *t, enum kind kind)
{
    if (UNLIKELY(t->height == t->value_capacity)) {
        (void)values_grow(t, 1);
    }
    struct value *value = &t->values[t->height++];
    value->kind = (u8)kind;
    value->dirty = false;
    note_height(t);
    return value;
}

void push_const(struct translator *t, enum kind kind, u64 bits)
{
    struct value *value = push(t, kind);
    value->place = PLACE_CONST;
    value->bits = bits;
}

// The run of a declared local.
static u32 local_run(struct translator *t, u32 local)
{
    u32 low = 0;
    u32 high = t->body->local_run_count;
    u32 run = t->run;
    while (local >= t->run_ends[run] || (run > 0 && local < t->run_ends[run - 1])) {
        run = low + (high - low) / 2;
        if (local >= t->run_ends[run]) {
            low = run + 1;
        } else {
            high = run;
        }
        run = low + (high - low) / 2;
    }
    t->run = run;
    return run;
}

static enum kind local_kind(struct translator *t, u32 local)
{
    return kind_of(local < t->param_count ? t->type->types[local]
                                          : t->body->locals[local_run(t, local)].type);
}

u32 local_slot(struct translator *t, u32 local)
{
    if (local < t->param_count) {
        return t->type->param_at == NULL ? local : t->type->param_at[local];
    }
    if (!t->has_vectors) {
        return t->header + 1 + (local - t->param_count);
    }
    u32 run = local_run(t, local);
    u32 first = run == 0 ? t->param_count : t->run_ends[run - 1];
    u32 width = t->body->locals[run].type == WASM_V128 ? 2 : 1;
    return t->run_slots[run] + (local - first) * width;
}

static void push_local_slot(struct translator *t, enum kind kind, u32 slot)
{
    struct value *value = push(t, kind);
    value->place = PLACE_LOCAL;
    value->slot = (u16)slot;
    t->local_uses[value->slot]++;
}

void push_local(struct translator *t, u32 local)
{
    enum kind kind = local_kind(t, local);
    u32 slot = local_slot(t, local);
    push_local_slot(t, kind, slot);
    if (kind == KIND_V) {
        push_local_slot(t, kind, slot + 1);
    }
}

void push_result(struct translator *t, enum kind kind)
{
    slot_written(t, home(t, t->height));
    struct value *value = push(t, kind);
    value->place = PLACE_HOME;
    value->end = t->count;
}

void push_homes(struct translator *t, const u8 *types, u32 slots)
{
    if (!values_grow(t, slots)) {
        return;
    }
    u32 first = home(t, t->height);
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        struct accumulator *acc = &t->acc[bank];
        acc->mirrors_slot &= acc->slot < first || acc->slot >= first + slots;
    }
    struct value *values = &t->values[t->height];
    for (u32 at = 0; at < slots; types++) {
        values[at++] = (struct value){.place = PLACE_HOME, .kind = (u8)kind_of(*types)};
        if (*types == WASM_V128) {
            values[at++] = (struct value){.place = PLACE_HOME, .kind = KIND_V};
        }
    }
    if (t->at_home == t->height) {
        t->at_home += slots;
        t->settled = t->at_home;
    }
    t->height += slots;
    note_height(t);
}

static void use(struct translator *t, u16 slot)
{
    if (slot != SLOT_NONE) {
        t->local_uses[slot]++;
    }
}

static void unuse(struct translator *t, u16 slot)
{
    if (slot != SLOT_NONE) {
        t->local_uses[slot]--;
    }
}

// ---- sums

bool value_sum(const struct value *value, struct sum *out)
{
    *out = (struct sum){.base = SLOT_NONE, .index = SLOT_NONE};
    switch (value->place) {
    case PLACE_CONST:
        out->constant = (u32)value->bits;
        return true;
    case PLACE_LOCAL:
        out->base = value->slot;
        return true;
    case PLACE_SUM:
        *out = (struct sum){value->base, value->index, value->shift, (u32)value->bits};
        return true;
    default:
        return false;
    }
}

void push_sum(struct translator *t, const struct sum *sum)
{
    struct value *value = push(t, KIND_I);
    value->place = PLACE_SUM;
    value->base = sum->base;
    value->index = sum->index;
    value->shift = sum->shift;
    value->bits = sum->constant;
    use(t, sum->base);
    use(t, sum->index);
}

bool sum_add(const struct sum *a, const struct sum *b, struct sum *out)
{
    struct sum sum = *a;
    sum.constant += b->constant;
    if (b->index != SLOT_NONE) {
        if (sum.index != SLOT_NONE) {
            return false;
        }
        sum.index = b->index;
        sum.shift = b->shift;
    }
    if (b->base != SLOT_NONE) {
        if (sum.base == SLOT_NONE) {
            sum.base = b->base;
        } else if (sum.index == SLOT_NONE) {
            sum.index = b->base;
            sum.shift = 0;
        } else {
            return false;
        }
    }
    bool is_pair = sum.base != SLOT_NONE && sum.index != SLOT_NONE;
    if (is_pair && sum.constant != (u32)(i16)sum.constant) {
        return false; // would need an instruction of its own in any case
    }
    *out = sum;
    return true;
}

// Emits a sum. Returns the instruction that has the result, and in *with_slot its form for OUT_S.
static u32 emit_sum(struct translator *t, const struct sum *sum, enum sum_out out, u32 slot,
                    handler **with_slot)
{
#define SUM_HANDLERS(name) {wasm_run_##name##_a, wasm_run_##name##_s, wasm_run_##name##_q}
    static handler *const constants[4][SUM_OUT_COUNT] = {
        SUM_HANDLERS(sum_k), SUM_HANDLERS(sum_1k), SUM_HANDLERS(sum_2k), SUM_HANDLERS(sum_3k)};
    static handler *const pairs[2][SUM_OUT_COUNT] = {SUM_HANDLERS(sum_x), SUM_HANDLERS(sum_pk)};
    bool has_base = sum->base != SLOT_NONE;
    if (!has_base || sum->index == SLOT_NONE) {
        u32 shift = has_base ? 0 : sum->shift;
        *with_slot = constants[shift][SUM_S];
        return emit(t, constants[shift][out], slot, has_base ? sum->base : sum->index,
                    sum->constant);
    }
    bool is_plain = sum->shift == 0 && sum->constant != 0;
    u32 high = is_plain ? (u16)sum->constant : sum->shift;
    *with_slot = pairs[is_plain][SUM_S];
    u32 index = emit_two(t, pairs[is_plain][out], slot, sum->index, high);
    ins_at(t, index)->b = sum->base;
    if (is_plain || sum->constant == 0) {
        return index;
    }
    if (out == SUM_A) {
        handler *const *add = wasm_handlers[ROW_I32_ADD];
        *with_slot = add[FORM_AK * OUT_COUNT + OUT_S];
        return emit(t, add[FORM_AK * OUT_COUNT + OUT_A], 0, 0, sum->constant);
    }
    return emit(t, constants[0][out], slot, slot, sum->constant);
}

// ---- places

// Makes the producer of an accumulator's value also write a slot.
static void acc_write(struct translator *t, struct accumulator *acc, u32 slot)
{
    struct ins *ins = ins_at(t, acc->producer);
    ins->run = acc->with_slot;
    ins->a = (u16)slot;
    slot_written(t, slot);
    acc->holds_value = false;
    acc->mirrors_slot = true;
    acc->slot = (u16)slot;
}

void settle(struct translator *t, u32 position)
{
    struct value *value = &t->values[position];
    u32 slot = home(t, position);
    if (value->place == PLACE_HOME && !value->dirty) {
        return;
    }
    struct accumulator *acc = &t->acc[bank_of(value->kind)];
    if (value->place == PLACE_ACC && !value->dirty) {
        acc_write(t, acc, slot);
    } else {
        struct operand operand = operand_at(t, position);
        operand_copy(t, &operand, slot);
        slot_written(t, slot);
        if (value->place == PLACE_LOCAL) {
            unuse(t, value->slot);
        } else if (value->place == PLACE_SUM) {
            unuse(t, value->base);
            unuse(t, value->index);
        } else if (value->place == PLACE_ACC) {
            acc->holds_value = false;
        }
    }
    value->place = PLACE_HOME;
    value->dirty = false;
    value->end = 0;
}

void settle_top(struct translator *t, u32 count)
{
    u32 start = t->height - count;
    for (u32 at = start > t->at_home ? start : t->at_home; at < t->height; at++) {
        settle(t, at);
    }
    if (start <= t->at_home) {
        t->at_home = t->height;
        t->settled = t->height;
    }
}

// All but the `top` values that are about to be assigned; so that no value is looked at here twice.
static void settle_below_top(struct translator *t, u32 top)
{
    for (u32 position = t->settled; position + top < t->height; position++) {
        if (t->values[position].place != PLACE_CONST) {
            settle(t, position);
        }
    }
    if (t->settled + top < t->height) {
        t->settled = t->height - top;
    }
}

void settle_all(struct translator *t, u32 params)
{
    for (u32 position = t->settled; position < t->height; position++) {
        if (t->values[position].place != PLACE_CONST) {
            settle(t, position);
        }
    }
    t->settled = t->height;
    settle_top(t, params);
}

void emit_pay(struct translator *t, u32 units)
{
    u32 due = (t->count - t->paid) / WASM_FUEL_INS;
    if (LIKELY(due < units)) {
        return;
    }
    acc_claim(t, BANK_INTEGER); // a handle of an exception is looked for in slots
    emit(t, wasm_run_pay, 0, 0, due);
    t->paid = t->count;
}

void emit_probe(struct translator *t)
{
    settle_top(t, t->height);
    emit(t, wasm_run_probe, t->height, 0, (u32)t->body->offset + t->origin);
    label(t);
}

void acc_claim(struct translator *t, enum bank bank)
{
    if (t->acc[bank].holds_value) {
        settle(t, t->acc[bank].position);
    }
    t->acc[bank].mirrors_slot = false;
}

static void acc_hold(struct translator *t, enum bank bank, u32 position, u32 producer,
                     handler *with_slot)
{
    ASSERT(!t->acc[bank].holds_value);
    t->acc[bank] = (struct accumulator){
        .holds_value = true,
        .position = position,
        .producer = producer,
        .end = t->count,
        .with_slot = with_slot,
    };
}

void push_acc(struct translator *t, enum kind kind, u32 producer, handler *with_slot)
{
    acc_hold(t, bank_of(kind), t->height, producer, with_slot);
    push(t, kind)->place = PLACE_ACC;
}

void force(struct translator *t, u32 position)
{
    struct value *value = &t->values[position];
    struct sum sum;
    if (value->place != PLACE_SUM || !value_sum(value, &sum)) {
        return;
    }
    acc_claim(t, BANK_INTEGER);
    handler *with_slot;
    u32 producer = emit_sum(t, &sum, SUM_A, 0, &with_slot);
    unuse(t, sum.base);
    unuse(t, sum.index);
    acc_hold(t, BANK_INTEGER, position, producer, with_slot);
    value->place = PLACE_ACC;
}

void force_top(struct translator *t, u32 count)
{
    for (u32 position = t->height - count; position < t->height; position++) {
        force(t, position);
    }
}

struct operand pop(struct translator *t)
{
    ASSERT(t->height > 0 || t->failed != ERR_OK);
    if (UNLIKELY(t->height == 0)) {
        return (struct operand){0};
    }
    force(t, t->height - 1);
    struct operand operand = operand_at(t, t->height - 1);
    truncate(t, t->height - 1);
    return operand;
}

void truncate(struct translator *t, u32 height)
{
    while (t->height > height && t->height > t->settled) {
        const struct value *value = &t->values[--t->height];
        if (value->place == PLACE_LOCAL) {
            unuse(t, value->slot);
        } else if (value->place == PLACE_ACC) {
            t->acc[bank_of(value->kind)].holds_value = false;
        } else if (value->place == PLACE_SUM) {
            unuse(t, value->base);
            unuse(t, value->index);
        }
    }
    t->height = height; // what is settled leaves nothing behind
    t->settled = t->settled < height ? t->settled : height;
    t->at_home = t->at_home < height ? t->at_home : height;
}

// ---- operands

struct operand operand_at(const struct translator *t, u32 position)
{
    const struct value *value = &t->values[position];
    const struct accumulator *acc = &t->acc[bank_of(value->kind)];
    struct operand operand = {
        .kind = value->kind, .dirty = value->dirty, .home = (u16)home(t, position)};
    switch (value->place) {
    case PLACE_CONST:
        operand.mode = MODE_CONST;
        operand.bits = value->bits;
        return operand;
    case PLACE_SUM:
        operand.mode = MODE_SUM;
        (void)value_sum(value, &operand.sum);
        return operand;
    case PLACE_ACC:
        ASSERT(acc->holds_value && acc->position == position);
        operand.mode = MODE_ACC;
        return operand;
    case PLACE_LOCAL:
        operand.slot = value->slot;
        break;
    case PLACE_HOME:
        operand.slot = operand.home;
        break;
    }
    operand.has_slot = true;
    operand.mode = acc->mirrors_slot && acc->slot == operand.slot ? MODE_ACC : MODE_SLOT;
    return operand;
}

static void copy_slot(struct translator *t, u32 from, u32 to)
{
    // Two copies in a row become one instruction.
    if (t->count > t->barrier && ins_at(t, t->count - 1)->run == wasm_run_copy) {
        struct ins *last = ins_at(t, t->count - 1);
        last->run = wasm_run_copy_two;
        last->low = (u16)to;
        last->high = (u16)from;
        return;
    }
    emit(t, wasm_run_copy, to, from, 0);
}

void operand_copy(struct translator *t, const struct operand *operand, u32 slot)
{
    static handler *const puts[BANK_COUNT] = {wasm_run_put, wasm_run_put_f, wasm_run_put_d};
    handler *with_slot;
    switch (operand->mode) {
    case MODE_SLOT:
        if (operand->dirty) {
            emit(t, wasm_run_copy_32, slot, operand->slot, 0);
        } else {
            copy_slot(t, operand->slot, slot);
        }
        break;
    case MODE_ACC:
        emit(t, operand->dirty ? wasm_run_put_32 : puts[bank_of(operand->kind)], slot, 0, 0);
        break;
    case MODE_SUM:
        emit_sum(t, &operand->sum, SUM_Q, slot, &with_slot);
        break;
    case MODE_CONST:
        if (operand->bits <= UINT32_MAX) {
            emit(t, wasm_run_const_32, slot, 0, (u32)operand->bits);
        } else {
            emit(t, wasm_run_const_64, slot, 0, 0);
            emit_bits(t, operand->bits);
        }
        break;
    }
}

void operand_to_slot(struct translator *t, struct operand *operand)
{
    if (!operand->has_slot) {
        operand_copy(t, operand, operand->home);
        slot_written(t, operand->home);
        operand->slot = operand->home;
        operand->has_slot = true;
        operand->dirty = false;
    }
    operand->mode = MODE_SLOT;
}

void operand_no_const(struct translator *t, struct operand *operand)
{
    if (operand->mode == MODE_CONST) {
        operand_to_slot(t, operand);
    }
}

void operand_clean(struct translator *t, struct operand *operand)
{
    if (operand->dirty) {
        operand->has_slot = false;
        operand_to_slot(t, operand);
    }
}

void operands_part(struct operand *left, struct operand *right)
{
    if (left->mode == MODE_ACC && right->mode == MODE_ACC &&
        bank_of(left->kind) == bank_of(right->kind)) {
        struct operand *other = right->has_slot ? right : left;
        ASSERT(other->has_slot);
        other->mode = MODE_SLOT;
    }
}

bool operand_is_short(const struct operand *operand)
{
    i64 value = operand->kind == KIND_I ? (i32)operand->bits : (i64)operand->bits;
    return operand->mode == MODE_CONST && bank_of(operand->kind) == BANK_INTEGER &&
           value == (i16)value;
}

// ---- locals

// Changes the instruction that made the value on top, when it is the last one, to write the local
// itself.
static bool redirect(struct translator *t, u32 slot)
{
    const struct value *value = &t->values[t->height - 1];
    if (t->count <= t->barrier || value->dirty) {
        return false;
    }
    struct accumulator *acc = &t->acc[bank_of(value->kind)];
    if (value->place == PLACE_ACC && acc->end == t->count) {
        acc_write(t, acc, slot);
        return true;
    }
    if (value->place == PLACE_HOME && value->end == t->count) {
        ins_at(t, t->count - 1)->a = (u16)slot;
        slot_written(t, home(t, t->height - 1)); // it is not there any more
        slot_written(t, slot);
        return true;
    }
    return false;
}

static void mirror(struct translator *t, enum bank bank, u32 slot)
{
    t->acc[bank].mirrors_slot = true;
    t->acc[bank].slot = (u16)slot;
}

// The value on top into a local, which is none of its own.
static void assign(struct translator *t, u32 slot)
{
    struct operand operand = operand_at(t, t->height - 1);
    if (operand.mode == MODE_SUM) {
        handler *with_slot;
        acc_claim(t, BANK_INTEGER);
        emit_sum(t, &operand.sum, SUM_S, slot, &with_slot);
        slot_written(t, slot);
        mirror(t, BANK_INTEGER, slot);
    } else if (!redirect(t, slot)) {
        operand_copy(t, &operand, slot);
        slot_written(t, slot);
        if (operand.mode == MODE_ACC && !operand.dirty) {
            mirror(t, bank_of(operand.kind), slot);
        }
    }
}

// How many of the uses of a local are by the value on top itself.
static u32 uses_on_top(const struct translator *t, u32 slot)
{
    const struct value *value = &t->values[t->height - 1];
    if (value->place == PLACE_SUM) {
        return (value->base == slot) + (value->index == slot);
    }
    return value->place == PLACE_LOCAL && value->slot == slot;
}

// ---- v128

void push_vector_const(struct translator *t, u64 low, u64 high)
{
    push_const(t, KIND_V, low);
    push_const(t, KIND_V, high);
}

void push_vector(struct translator *t, u32 start)
{
    for (u32 half = 0; half < 2; half++) {
        slot_written(t, home(t, t->height));
        struct value *value = push(t, KIND_V);
        value->place = PLACE_HOME;
        value->end = half == 0 ? t->count : start;
    }
}

static void emit_vector_const(struct translator *t, const struct value *halves, u32 slot)
{
    u64 low = halves[0].bits;
    u64 high = halves[1].bits;
    emit(t, wasm_run_const_128, slot, 0, 0);
    emit_bits(t, low);
    emit_bits(t, high);
    slot_written(t, slot);
    slot_written(t, slot + 1);
}

// Whether both halves are at one place that need not be home.
static bool vector_is_at(const struct value *halves, enum place place)
{
    return halves[0].place == place && halves[1].place == place;
}

u32 pop_vector(struct translator *t)
{
    ASSERT(t->height >= 2 || t->failed != ERR_OK);
    if (UNLIKELY(t->height < 2)) {
        return 0;
    }
    u32 position = t->height - 2;
    const struct value *halves = &t->values[position];
    ASSERT(halves[0].kind == KIND_V && halves[1].kind == KIND_V);
    u32 slot = home(t, position);
    if (vector_is_at(halves, PLACE_LOCAL)) {
        slot = halves[0].slot;
        ASSERT(halves[1].slot == slot + 1);
    } else if (vector_is_at(halves, PLACE_CONST)) {
        emit_vector_const(t, halves, slot);
    } else {
        settle(t, position);
        settle(t, position + 1);
    }
    truncate(t, position);
    return slot;
}

// The v128 on top, which stays, into a local's two slots.
static void assign_vector(struct translator *t, u32 slot)
{
    u32 position = t->height - 2;
    const struct value *halves = &t->values[position];
    bool is_local = vector_is_at(halves, PLACE_LOCAL);
    if (is_local && halves[0].slot == slot) {
        return;
    }
    if (t->local_uses[slot] + t->local_uses[slot + 1] != 0) {
        settle_below_top(t, 2); // some of them are the local's old value
        halves = &t->values[position];
    }
    if (halves[0].place == PLACE_HOME && halves[0].end == t->count && t->count > t->barrier) {
        ins_at(t, halves[1].end)->a = (u16)slot; // the instruction that made it, the last one
        slot_written(t, home(t, position));      // it is not there any more
        slot_written(t, home(t, position + 1));
    } else if (vector_is_at(halves, PLACE_CONST)) {
        emit_vector_const(t, halves, slot);
    } else {
        for (u32 half = 0; half < 2; half++) {
            struct operand operand = operand_at(t, position + half);
            operand_copy(t, &operand, slot + half);
        }
    }
    slot_written(t, slot);
    slot_written(t, slot + 1);
}

void local_assign(struct translator *t, u32 local, bool keep)
{
    if (UNLIKELY(t->failed != ERR_OK)) {
        return;
    }
    u32 slot = local_slot(t, local);
    const struct value *value = &t->values[t->height - 1];
    if (value->kind == KIND_V) {
        assign_vector(t, slot);
        truncate(t, t->height - 2);
        if (keep) {
            push_local(t, local);
        }
        return;
    }
    bool is_same = value->place == PLACE_LOCAL && value->slot == slot && !value->dirty;
    if (!is_same) {
        if (t->local_uses[slot] > uses_on_top(t, slot)) {
            settle_below_top(t, 1); // some of them are the local's old value
        }
        assign(t, slot);
    }
    truncate(t, t->height - 1);
    if (keep) {
        push_local(t, local);
    }
}
