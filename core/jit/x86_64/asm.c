// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/asm.c: see asm.h. `bytes` holds everything whose length is known when it is
// written; branches, alignment and distances are events between the bytes. asm_finish first lets
// every branch be long, then shortens those whose targets are near even so (lengths only shrink, so
// a branch that is near stays near), and last copies bytes and events to their places.
#include "core/jit/x86_64/asm.h"

#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/limits.h"
#include "core/jit/pace.h"

const struct x64_op_facts x64_ops[X64_OP_COUNT] = {
#define X64_OP(name, text, form, prefix, map, opcode, ext, vex, imm, size)                         \
    {text,          X64_FORM_##form, prefix,         map, opcode, ext,                             \
     X64_VEX_##vex, X64_IMM_##imm,   X64_SIZE_##size},
#include "core/jit/x86_64/ops.def"
};

enum event_kind {
    EVENT_LABEL,    // value: label
    EVENT_MARK,     // value: mark
    EVENT_BRANCH,   // value: label, detail: condition
    EVENT_ALIGN,    // detail: log2
    EVENT_RELATIVE, // value: label, detail: bytes of the instruction behind the distance
    EVENT_DISTANCE, // value: label, other: label it is measured from
};

struct asm_constant {
    u64 low;
    u64 high;
    u32 bytes;
    u32 label;
};

enum {
    BYTES_FIRST = 1024, // first room for bytes
    ITEMS_FIRST = 64,   // first room for events, labels, marks, constants
    INS_BYTES_MAX = 15,
    SHORT_BYTES = 2,
    JUMP_BYTES = 5,
    BRANCH_BYTES = 6,
    ALIGN_LOG2_MAX = 5,
    EVENT_UNITS = 8,    // of time, to write one
    SHORTEN_ROUNDS = 2, // a third finds next to nothing
    CONSTANT_ALIGN = 16,
    PROBES = 16,
    UNBOUND = UINT32_MAX,
};

static void fail(struct assembler *as, enum err err)
{
    if (as->err == ERR_OK) {
        as->err = err;
    }
}

// Room for one more item: doubles. False after a failure.
static bool grow(struct assembler *as, void **items, u32 count, u32 *capacity, u32 item_bytes,
                 u32 first)
{
    if (LIKELY(count < *capacity)) {
        return as->err == ERR_OK;
    }
    u32 more = *capacity == 0 ? first : *capacity * 2;
    if (as->err != ERR_OK || more > JIT_CODE_BYTES) {
        fail(as, ERR_LIMIT);
        return false;
    }
    void *place = arena_alloc(as->arena, more, item_bytes, 16);
    if (place == NULL) {
        fail(as, ERR_NO_MEMORY);
        return false;
    }
    mem_copy(place, *items, (size_t)count * item_bytes);
    *items = place;
    *capacity = more;
    return true;
}

void asm_init(struct assembler *as, u32 features, struct arena *arena)
{
    *as = (struct assembler){.arena = arena, .has_avx = (features & X64_HAS_AVX) != 0};
}

// ---- events

static void put_event(struct assembler *as, struct asm_event event)
{
    void *items = as->events;
    if (grow(as, &items, as->event_count, &as->event_capacity, sizeof event, ITEMS_FIRST)) {
        as->events = items;
        event.at = as->size;
        as->events[as->event_count++] = event;
    }
}

u32 asm_label(struct assembler *as)
{
    void *items = as->labels;
    if (!grow(as, &items, as->label_count, &as->label_capacity, sizeof(u32), ITEMS_FIRST)) {
        return 0;
    }
    as->labels = items;
    as->labels[as->label_count] = UNBOUND;
    return as->label_count++;
}

void asm_bind(struct assembler *as, u32 label)
{
    if (as->err == ERR_OK) {
        ASSERT(label < as->label_count && as->labels[label] == UNBOUND);
        as->labels[label] = 0;
    }
    put_event(as, (struct asm_event){.kind = EVENT_LABEL, .value = label});
}

void asm_branch(struct assembler *as, enum x64_condition condition, u32 label)
{
    ASSERT(condition <= X64_ALWAYS);
    put_event(as, (struct asm_event){.kind = EVENT_BRANCH,
                                     .detail = (u8)condition,
                                     .size = condition == X64_ALWAYS ? JUMP_BYTES : BRANCH_BYTES,
                                     .value = label});
}

void asm_align(struct assembler *as, u32 log2)
{
    ASSERT(log2 <= ALIGN_LOG2_MAX);
    put_event(as, (struct asm_event){
                      .kind = EVENT_ALIGN, .detail = (u8)log2, .size = (u8)(((u32)1 << log2) - 1)});
}

void asm_distance(struct assembler *as, u32 base, u32 label)
{
    put_event(as,
              (struct asm_event){.kind = EVENT_DISTANCE, .size = 4, .value = label, .other = base});
}

u32 asm_mark(struct assembler *as)
{
    void *items = as->marks;
    if (!grow(as, &items, as->mark_count, &as->mark_capacity, sizeof(u32), ITEMS_FIRST)) {
        return 0;
    }
    as->marks = items;
    put_event(as, (struct asm_event){.kind = EVENT_MARK, .value = as->mark_count});
    return as->mark_count++;
}

// ---- constants

static bool constant_is(const struct asm_constant *it, u64 low, u64 high, u32 bytes)
{
    return it->low == low && it->high == high && it->bytes == bytes;
}

static u32 constant_hash(u64 low, u64 high, u32 bytes)
{
    u64 mix = (low ^ high * 0x9e3779b97f4a7c15 ^ bytes) * 0xd6e8feb86659fd93;
    return (u32)(mix >> 32);
}

// The map keeps at least half of its places free. Who chooses constants may make many of them meet
// at one place: after PROBES others a constant is not looked for any longer, nor put there.
static bool constant_map_grow(struct assembler *as)
{
    if (as->constant_count * 2 < as->constant_map_size) {
        return true;
    }
    u32 size = as->constant_map_size == 0 ? ITEMS_FIRST : as->constant_map_size * 2;
    u32 *map = ARENA_ARRAY(as->arena, u32, size);
    if (map == NULL) {
        fail(as, ERR_NO_MEMORY);
        return false;
    }
    for (u32 i = 0; i < as->constant_count; i++) {
        const struct asm_constant *it = &as->constants[i];
        u32 hash = constant_hash(it->low, it->high, it->bytes);
        for (u32 k = 0; k < PROBES; k++) {
            u32 *place = &map[(hash + k) & (size - 1)];
            if (*place == 0) {
                *place = i + 1;
                break;
            }
        }
    }
    as->constant_map = map;
    as->constant_map_size = size;
    return true;
}

struct asm_mem asm_constant(struct assembler *as, u64 low, u64 high, u32 bytes)
{
    ASSERT(bytes == 4 || bytes == 8 || bytes == 16);
    struct asm_mem mem = asm_at(ASM_BASE_LABEL, 0);
    void *items = as->constants;
    if (!grow(as, &items, as->constant_count, &as->constant_capacity, sizeof *as->constants,
              ITEMS_FIRST)) {
        return mem;
    }
    as->constants = items;
    if (!constant_map_grow(as)) {
        return mem;
    }
    u32 hash = constant_hash(low, high, bytes);
    u32 *place = NULL;
    for (u32 k = 0; k < PROBES && place == NULL; k++) {
        u32 *at = &as->constant_map[(hash + k) & (as->constant_map_size - 1)];
        if (*at == 0) {
            place = at;
        } else if (constant_is(&as->constants[*at - 1], low, high, bytes)) {
            mem.disp = (i32)as->constants[*at - 1].label;
            return mem;
        }
    }
    u32 label = asm_label(as);
    if (as->err == ERR_OK) {
        as->labels[label] = 0;
        as->constants[as->constant_count++] =
            (struct asm_constant){.low = low, .high = high, .bytes = bytes, .label = label};
        if (place != NULL) {
            *place = as->constant_count;
        }
    }
    mem.disp = (i32)label;
    return mem;
}

// ---- instructions

struct bytes {
    u8 at[INS_BYTES_MAX];
    u32 count;
    u32 relative; // where four bytes of distance to a label belong; 0: nowhere
};

static void byte(struct bytes *out, u8 value)
{
    ASSERT(out->count < INS_BYTES_MAX);
    out->at[out->count++] = value;
}

static void little(struct bytes *out, u64 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++) {
        byte(out, (u8)(value >> 8 * i));
    }
}

static bool fits_i8(i64 value)
{
    return value == (i8)value;
}

static void put_modrm_mem(struct bytes *out, u8 reg, const struct asm_mem *mem)
{
    u8 digit = (u8)((reg & 7) << 3);
    if (mem->base == ASM_BASE_LABEL) {
        ASSERT(mem->index == X64_NONE && !mem->is_segment);
        byte(out, digit | 5);
        out->relative = out->count;
        return;
    }
    ASSERT(mem->index != X64_RSP && mem->scale <= 3);
    bool has_base = mem->base != X64_NONE;
    u8 mod = 0;
    if (has_base && (mem->disp != 0 || (mem->base & 7) == X64_RBP)) {
        mod = fits_i8(mem->disp) ? 1 : 2;
    }
    if (has_base && mem->index == X64_NONE && (mem->base & 7) != X64_RSP) {
        byte(out, (u8)(mod << 6 | digit | (mem->base & 7)));
    } else {
        u8 index = mem->index == X64_NONE ? 4 : mem->index & 7;
        byte(out, (u8)(mod << 6 | digit | 4));
        byte(out, (u8)(mem->scale << 6 | index << 3 | (has_base ? mem->base & 7 : 5)));
    }
    little(out, (u32)mem->disp, !has_base || mod == 2 ? 4 : mod);
}

// What prefixes need to know of an instruction: the fourth bits of its registers.
struct high_bits {
    u8 r;
    u8 x;
    u8 b;
    bool w;
    bool needs_rex; // spl to dil
};

static u8 high(u8 reg)
{
    return reg == X64_NONE ? 0 : reg >> 3 & 1;
}

static bool is_odd_byte(u8 reg)
{
    return reg >= X64_RSP && reg <= X64_RDI;
}

static struct high_bits high_bits(const struct asm_ins *ins, const struct x64_op_facts *facts,
                                  u8 reg)
{
    struct high_bits bits = {.r = high(reg)};
    if (!ins->is_mem) {
        bits.b = high(ins->rm);
    } else if (ins->mem.base != ASM_BASE_LABEL) {
        bits.b = high(ins->mem.base);
        bits.x = high(ins->mem.index);
    }
    bool is_byte = facts->size == X64_SIZE_8;
    bool has_reg = facts->form != X64_FORM_M && facts->form != X64_FORM_MI;
    bits.needs_rex =
        ((is_byte || facts->size == X64_SIZE_8_RM) && !ins->is_mem && is_odd_byte(ins->rm)) ||
        (is_byte && has_reg && is_odd_byte(reg));
    switch ((enum x64_size)facts->size) {
    case X64_SIZE_32:
    case X64_SIZE_16:
    case X64_SIZE_8:
    case X64_SIZE_64_DEF:
    case X64_SIZE_S:
    case X64_SIZE_D:
    case X64_SIZE_X:
    case X64_SIZE_Y:
    case X64_SIZE_S_1:
    case X64_SIZE_S_2:
    case X64_SIZE_XG_1:
    case X64_SIZE_XG_2:
    case X64_SIZE_GX:
        break;
    case X64_SIZE_64:
    case X64_SIZE_32_RM:
        bits.w = true;
        break;
    default:
        bits.w = ins->is_wide;
        break;
    }
    return bits;
}

static void put_legacy(struct bytes *out, const struct x64_op_facts *facts, struct high_bits bits)
{
    static const u8 maps[4][2] = {{0}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
    if (facts->prefix != 0) {
        byte(out, facts->prefix);
    }
    u8 rex = (u8)(bits.w << 3 | bits.r << 2 | bits.x << 1 | bits.b);
    if (rex != 0 || bits.needs_rex) {
        byte(out, 0x40 | rex);
    }
    for (u32 i = 0; i < 2 && maps[facts->map][i] != 0; i++) {
        byte(out, maps[facts->map][i]);
    }
}

static void put_vex(struct bytes *out, const struct x64_op_facts *facts, struct high_bits bits,
                    u8 vvvv)
{
    u8 pp = facts->prefix == 0 ? 0 : facts->prefix == 0x66 ? 1 : facts->prefix == 0xf3 ? 2 : 3;
    u8 is_long = facts->size == X64_SIZE_Y;
    u8 last = (u8)((~vvvv & 15) << 3 | is_long << 2 | pp);
    if (bits.x == 0 && bits.b == 0 && !bits.w && facts->map == 1) {
        byte(out, 0xc5);
        byte(out, (u8)(!bits.r << 7 | last));
        return;
    }
    byte(out, 0xc4);
    byte(out, (u8)(!bits.r << 7 | !bits.x << 6 | !bits.b << 5 | facts->map));
    byte(out, (u8)(bits.w << 7 | last));
}

// Bytes of the immediate. Changes `opcode` when there is a shorter form.
static u32 immediate_bytes(const struct x64_op_facts *facts, u64 imm, u8 *opcode)
{
    switch ((enum x64_imm)facts->imm) {
    case X64_IMM_NO:
        return 0;
    case X64_IMM_8:
        return 1;
    case X64_IMM_16:
        return 2;
    case X64_IMM_32:
        return 4;
    case X64_IMM_64:
        return 8;
    case X64_IMM_SHORT:
        if (!fits_i8((i32)imm)) {
            return 4;
        }
        *opcode |= 2;
        return 1;
    case X64_IMM_SHIFT:
        if (imm != 1) {
            return 1;
        }
        *opcode |= 0x10;
        return 0;
    }
    UNREACHABLE();
}

static void put_bytes(struct assembler *as, const struct bytes *from, u32 first, u32 end)
{
    // Room for a whole instruction, so that `grow` is told of a full buffer a little early.
    u32 used = as->size + INS_BYTES_MAX;
    void *items = as->bytes;
    if (UNLIKELY(used > as->capacity)) {
        u32 size = as->capacity; // all of it is copied
        if (!grow(as, &items, size, &as->capacity, 1, BYTES_FIRST)) {
            return;
        }
        as->bytes = items;
    }
    for (u32 i = first; i < end; i++) {
        as->bytes[as->size++] = from->at[i];
    }
}

static bool form_has_digit(u8 form)
{
    return form == X64_FORM_M || form == X64_FORM_MI || form == X64_FORM_VM || form == X64_FORM_VMI;
}

static bool form_has_vvvv(u8 form)
{
    return form == X64_FORM_RVM || form == X64_FORM_RVMI || form == X64_FORM_RMV ||
           form == X64_FORM_VM || form == X64_FORM_RVMR || form == X64_FORM_VMI;
}

void asm_put(struct assembler *as, const struct asm_ins *ins)
{
    const struct x64_op_facts *facts = &x64_ops[ins->op];
    ASSERT(ins->op < X64_OP_COUNT && facts->text != NULL);
    struct bytes out = {0};
    u8 opcode = facts->opcode;
    u8 reg = form_has_digit(facts->form) ? facts->ext : ins->reg;
    bool is_vex = facts->vex == X64_VEX_ONLY || (facts->vex != X64_VEX_NO && as->has_avx);
    bool is_in_opcode = facts->form == X64_FORM_O || facts->form == X64_FORM_OI;
    if (ins->op == X64_SETCC || ins->op == X64_CMOVCC) {
        ASSERT(ins->condition < X64_ALWAYS);
        opcode |= ins->condition;
    }
    if (ins->is_mem && ins->mem.is_segment) {
        byte(&out, 0x65);
        byte(&out, 0x67);
    }
    u32 imm_bytes = immediate_bytes(facts, ins->imm, &opcode);
    if (facts->form == X64_FORM_NONE && is_vex) {
        put_vex(&out, facts, (struct high_bits){0}, 0);
        byte(&out, opcode);
    } else if (facts->form == X64_FORM_NONE) {
        put_legacy(&out, facts, (struct high_bits){.w = facts->size == X64_SIZE_64});
        byte(&out, opcode);
    } else if (is_in_opcode) {
        struct asm_ins only = {.rm = ins->reg, .is_wide = ins->is_wide};
        put_legacy(&out, facts, high_bits(&only, facts, 0));
        byte(&out, opcode | (ins->reg & 7));
    } else {
        struct high_bits bits = high_bits(ins, facts, reg);
        if (is_vex) {
            put_vex(&out, facts, bits, form_has_vvvv(facts->form) ? ins->vvvv : 0);
        } else {
            u8 same = facts->form == X64_FORM_VMI ? ins->rm : reg;
            ASSERT(facts->vex != X64_VEX_THREE || ins->vvvv == same);
            put_legacy(&out, facts, bits);
        }
        byte(&out, opcode);
        if (ins->is_mem) {
            put_modrm_mem(&out, reg, &ins->mem);
        } else {
            byte(&out, (u8)(0xc0 | (reg & 7) << 3 | (ins->rm & 7)));
        }
    }
    u32 head = out.count;
    if (facts->form == X64_FORM_RVMR) {
        imm_bytes = 1;
        byte(&out, (u8)((ins->imm & 15) << 4));
    } else {
        little(&out, ins->imm, imm_bytes);
    }
    put_bytes(as, &out, 0, head);
    if (out.relative != 0) {
        put_event(as, (struct asm_event){.kind = EVENT_RELATIVE,
                                         .detail = (u8)imm_bytes,
                                         .size = 4,
                                         .value = (u32)ins->mem.disp});
    }
    put_bytes(as, &out, head, out.count);
}

void asm_none(struct assembler *as, enum x64_op op, bool is_wide)
{
    asm_put(as, &(struct asm_ins){.op = (u16)op, .is_wide = is_wide});
}

void asm_r(struct assembler *as, enum x64_op op, bool is_wide, u8 rm)
{
    asm_put(as, &(struct asm_ins){.op = (u16)op, .is_wide = is_wide, .reg = rm, .rm = rm});
}

void asm_m(struct assembler *as, enum x64_op op, bool is_wide, struct asm_mem mem)
{
    asm_put(as, &(struct asm_ins){.op = (u16)op, .is_wide = is_wide, .is_mem = true, .mem = mem});
}

void asm_rr(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 rm)
{
    bool is_mr = x64_ops[op].form == X64_FORM_MR;
    asm_put(as, &(struct asm_ins){.op = (u16)op,
                                  .is_wide = is_wide,
                                  .reg = is_mr ? rm : reg,
                                  .rm = is_mr ? reg : rm});
}

void asm_rm(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, struct asm_mem mem)
{
    asm_put(as, &(struct asm_ins){
                    .op = (u16)op, .is_wide = is_wide, .reg = reg, .is_mem = true, .mem = mem});
}

void asm_ri(struct assembler *as, enum x64_op op, bool is_wide, u8 rm, u64 imm)
{
    asm_put(as,
            &(struct asm_ins){.op = (u16)op, .is_wide = is_wide, .reg = rm, .rm = rm, .imm = imm});
}

void asm_mi(struct assembler *as, enum x64_op op, bool is_wide, struct asm_mem mem, u64 imm)
{
    asm_put(as, &(struct asm_ins){
                    .op = (u16)op, .is_wide = is_wide, .is_mem = true, .mem = mem, .imm = imm});
}

void asm_rri(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 rm, u64 imm)
{
    asm_put(as,
            &(struct asm_ins){
                .op = (u16)op, .is_wide = is_wide, .reg = reg, .vvvv = reg, .rm = rm, .imm = imm});
}

void asm_rmi(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, struct asm_mem mem,
             u64 imm)
{
    asm_put(as, &(struct asm_ins){.op = (u16)op,
                                  .is_wide = is_wide,
                                  .is_mem = true,
                                  .reg = reg,
                                  .vvvv = reg,
                                  .mem = mem,
                                  .imm = imm});
}

void asm_vrr(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 vvvv, u8 rm)
{
    asm_put(as, &(struct asm_ins){
                    .op = (u16)op, .is_wide = is_wide, .reg = reg, .vvvv = vvvv, .rm = rm});
}

void asm_vrm(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 vvvv,
             struct asm_mem mem)
{
    asm_put(as, &(struct asm_ins){.op = (u16)op,
                                  .is_wide = is_wide,
                                  .is_mem = true,
                                  .reg = reg,
                                  .vvvv = vvvv,
                                  .mem = mem});
}

void asm_mov_imm(struct assembler *as, u8 reg, u64 value)
{
    if (value <= UINT32_MAX) {
        asm_ri(as, X64_MOV_OI, false, reg, value);
    } else if ((i64)value == (i32)value) {
        asm_ri(as, X64_MOV_I, true, reg, value);
    } else {
        asm_ri(as, X64_MOVABS, true, reg, value);
    }
}

void asm_mov(struct assembler *as, bool is_wide, u8 to, u8 from)
{
    if (to == from) {
        return;
    }
    bool to_float = to >= X64_XMM0;
    bool from_float = from >= X64_XMM0;
    if (to_float && from_float) {
        asm_rr(as, X64_MOVAPS, false, to, from);
    } else if (to_float) {
        asm_rr(as, X64_MOVD, is_wide, to, from);
    } else if (from_float) {
        asm_rr(as, X64_MOVD_MR, is_wide, to, from);
    } else {
        asm_rr(as, X64_MOV, is_wide, to, from);
    }
}

u32 asm_call(struct assembler *as)
{
    struct bytes out = {.at = {0xe8}, .count = 5};
    put_bytes(as, &out, 0, 1);
    u32 mark = asm_mark(as);
    put_bytes(as, &out, 1, 5);
    return mark;
}

u32 asm_tail(struct assembler *as)
{
    struct bytes out = {.at = {0x48, 0xe9}, .count = 6};
    put_bytes(as, &out, 0, 2);
    u32 mark = asm_mark(as);
    put_bytes(as, &out, 2, 6);
    return mark;
}

// ---- layout

// Gives labels the offsets that follow from the events' sizes.
static void place_labels(struct assembler *as)
{
    u32 extra = 0;
    for (u32 i = 0; i < as->event_count; i++) {
        const struct asm_event *event = &as->events[i];
        if (event->kind == EVENT_LABEL) {
            as->labels[event->value] = event->at + extra;
        }
        extra += event->size;
    }
}

// Shortens each branch that reaches its label with one byte. Alignment still has its full size, so
// that no distance can grow again.
static void shorten_branches(struct assembler *as)
{
    u32 extra = 0;
    for (u32 i = 0; i < as->event_count; i++) {
        struct asm_event *event = &as->events[i];
        u32 size = event->size;
        if (event->kind == EVENT_BRANCH && size != SHORT_BYTES) {
            i64 here = (i64)event->at + extra;
            i64 target = as->labels[event->value];
            i64 distance = target > here ? target - (here + size) : target - (here + SHORT_BYTES);
            if (fits_i8(distance)) {
                event->size = SHORT_BYTES;
            }
        }
        extra += size;
    }
}

static u32 place_events(struct assembler *as)
{
    u32 extra = 0;
    for (u32 i = 0; i < as->event_count; i++) {
        struct asm_event *event = &as->events[i];
        u32 here = event->at + extra;
        if (event->kind == EVENT_LABEL) {
            as->labels[event->value] = here;
        } else if (event->kind == EVENT_MARK) {
            as->marks[event->value] = here;
        } else if (event->kind == EVENT_ALIGN) {
            event->size = (u8)(-here & (((u32)1 << event->detail) - 1));
        }
        extra += event->size;
    }
    return as->size + extra;
}

// Offsets for the constants from `size` on, the largest first, so that each is aligned. The end.
static u32 place_constants(struct assembler *as, u32 size)
{
    if (as->constant_count == 0) {
        return size;
    }
    size = (size + CONSTANT_ALIGN - 1) & ~(u32)(CONSTANT_ALIGN - 1);
    for (u32 bytes = 16; bytes >= 4; bytes /= 2) {
        for (u32 i = 0; i < as->constant_count; i++) {
            if (as->constants[i].bytes == bytes) {
                as->labels[as->constants[i].label] = size;
                size += bytes;
            }
        }
    }
    return size;
}

static void write_nops(u8 *to, u32 count)
{
    static const u8 nops[9][9] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    while (count > 0) {
        u32 part = count < 9 ? count : 9;
        mem_copy(to, nops[part - 1], part);
        to += part;
        count -= part;
    }
}

static void write_branch(u8 *to, const struct asm_event *event, u32 distance)
{
    bool is_jump = event->detail == X64_ALWAYS;
    if (event->size == SHORT_BYTES) {
        ASSERT(fits_i8((i32)distance));
        to[0] = is_jump ? 0xeb : 0x70 | event->detail;
        to[1] = (u8)distance;
    } else if (is_jump) {
        to[0] = 0xe9;
        mem_store_u32(to + 1, distance);
    } else {
        to[0] = 0x0f;
        to[1] = 0x80 | event->detail;
        mem_store_u32(to + 2, distance);
    }
}

static void write_event(const struct assembler *as, const struct asm_event *event, u8 *to, u32 here)
{
    if (event->kind == EVENT_BRANCH) {
        write_branch(to, event, as->labels[event->value] - (here + event->size));
    } else if (event->kind == EVENT_ALIGN) {
        write_nops(to, event->size);
    } else if (event->kind == EVENT_RELATIVE) {
        mem_store_u32(to, as->labels[event->value] - (here + 4 + event->detail));
    } else if (event->kind == EVENT_DISTANCE) {
        mem_store_u32(to, as->labels[event->value] - as->labels[event->other]);
    }
}

// A function may have nothing but events, and then there are no bytes at all.
static void copy_bytes(u8 *to, const struct assembler *as, u32 from, u32 end)
{
    if (from < end) {
        mem_copy(to, as->bytes + from, end - from);
    }
}

enum err asm_finish(struct assembler *as, struct arena *arena, u8 **bytes, u32 *size)
{
    TRY(as->err);
    for (u32 i = 0; i < as->label_count; i++) {
        ASSERT(as->labels[i] != UNBOUND);
    }
    for (u32 round = 0; round < SHORTEN_ROUNDS; round++) {
        place_labels(as);
        jit_pace(as->pace, as->event_count);
        shorten_branches(as);
        jit_pace(as->pace, as->event_count);
    }
    u32 code_size = place_events(as);
    jit_pace(as->pace, as->event_count);
    u32 total = place_constants(as, code_size);
    if (total > JIT_CODE_BYTES) {
        return ERR_LIMIT;
    }
    u8 *out = arena_alloc(arena, total, 1, CONSTANT_ALIGN);
    if (out == NULL) {
        return ERR_NO_MEMORY;
    }
    u32 from = 0;
    u32 to = 0;
    for (u32 i = 0; i < as->event_count; i++) {
        const struct asm_event *event = &as->events[i];
        copy_bytes(out + to, as, from, event->at);
        to += event->at - from;
        from = event->at;
        write_event(as, event, out + to, to);
        to += event->size;
        jit_pace(as->pace, EVENT_UNITS);
    }
    copy_bytes(out + to, as, from, as->size);
    ASSERT(to + as->size - from == code_size);
    for (u32 i = 0; i < as->constant_count; i++) {
        const u64 value[2] = {as->constants[i].low, as->constants[i].high};
        mem_copy(out + as->labels[as->constants[i].label], value, as->constants[i].bytes);
    }
    *bytes = out;
    *size = total;
    return ERR_OK;
}

u32 asm_mark_offset(const struct assembler *as, u32 mark)
{
    ASSERT(mark < as->mark_count);
    return as->marks[mark];
}

u32 asm_label_offset(const struct assembler *as, u32 label)
{
    ASSERT(label < as->label_count);
    return as->labels[label];
}
