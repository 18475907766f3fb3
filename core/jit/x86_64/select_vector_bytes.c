// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_vector_bytes.c: shuffles, zero extensions, splats of lanes, and lanes put
// into other vectors are all the same thing: bytes that come from some place. Several in a row
// become one shuffle, where that is fewer instructions.
#include "core/jit/x86_64/select_vector.h"

enum { STEPS = 32, SOURCES = 2 };

// The bytes of a vector by where they are in its sources, which are values.
struct origin {
    u32 sources[SOURCES];
    u32 count;
    u8 lanes[VECTOR_BYTES]; // VECTOR_BYTES * source + byte, or LANE_ZERO
    u32 weight;             // about how many instructions it stands for
};

static u8 lane_bytes(u16 op)
{
    return body_ops[op].bytes;
}

// ---- one instruction

static void of_shuffle(const struct selector *s, const struct ir_ins *ins, struct origin *out)
{
    const u64 *order = s->ir->vectors[ins->c];
    *out = (struct origin){.sources = {ins->a, ins->b}, .count = 2, .weight = 1};
    for (u32 i = 0; i < VECTOR_BYTES; i++) {
        out->lanes[i] = (u8)(order[i / 8] >> 8 * (i % 8)) & (2 * VECTOR_BYTES - 1);
    }
}

static void of_extend(const struct ir_ins *ins, u32 bytes, bool is_high, struct origin *out)
{
    *out = (struct origin){.sources = {ins->a}, .count = 1, .weight = 1};
    for (u32 i = 0; i < VECTOR_BYTES; i++) {
        u32 within = i % (2 * bytes);
        u32 from = i / (2 * bytes) * bytes + within + (is_high ? 8 : 0);
        out->lanes[i] = (u8)(within < bytes ? from : LANE_ZERO);
    }
}

// The vector and the byte that an integer or float of at least `bytes` bytes was taken from.
static bool of_scalar(const struct selector *s, u32 value, u32 bytes, u32 *vector, u32 *byte)
{
    const struct ir_ins *ins = sel_ins(s, value);
    switch (ins->op) {
    case ROW_I8X16_EXTRACT_LANE_S:
    case ROW_I8X16_EXTRACT_LANE_U:
    case ROW_I16X8_EXTRACT_LANE_S:
    case ROW_I16X8_EXTRACT_LANE_U:
    case ROW_I32X4_EXTRACT_LANE:
    case ROW_I64X2_EXTRACT_LANE:
    case ROW_F32X4_EXTRACT_LANE:
    case ROW_F64X2_EXTRACT_LANE:
        *vector = ins->a;
        *byte = (u32)ins->lane * lane_bytes(ins->op);
        return lane_bytes(ins->op) >= bytes && x64_is_alone(s, value);
    default:
        return false;
    }
}

static bool of_replace(const struct selector *s, const struct ir_ins *ins, struct origin *out)
{
    u32 bytes = lane_bytes(ins->op);
    u32 vector;
    u32 byte;
    if (!of_scalar(s, ins->b, bytes, &vector, &byte)) {
        return false;
    }
    *out = (struct origin){.sources = {ins->a, vector}, .count = 2, .weight = 2};
    for (u32 i = 0; i < VECTOR_BYTES; i++) {
        bool is_new = i / bytes == ins->lane;
        out->lanes[i] = (u8)(is_new ? VECTOR_BYTES + byte + i % bytes : i);
    }
    return true;
}

static bool of_splat(const struct selector *s, const struct ir_ins *ins, u32 bytes,
                     struct origin *out)
{
    u32 vector;
    u32 byte;
    if (!of_scalar(s, ins->a, bytes, &vector, &byte)) {
        return false;
    }
    *out = (struct origin){.sources = {vector}, .count = 1, .weight = 2};
    for (u32 i = 0; i < VECTOR_BYTES; i++) {
        out->lanes[i] = (u8)(byte + i % bytes);
    }
    return true;
}

// Where the bytes of a value come from. False: they are computed.
static bool origin_of(const struct selector *s, u32 value, struct origin *out)
{
    const struct ir_ins *ins = sel_ins(s, value);
    switch (ins->op) {
    case ROW_I8X16_SHUFFLE:
        of_shuffle(s, ins, out);
        return true;
    case ROW_I16X8_EXTEND_LOW_I8X16_U:
    case ROW_I16X8_EXTEND_HIGH_I8X16_U:
        of_extend(ins, 1, ins->op == ROW_I16X8_EXTEND_HIGH_I8X16_U, out);
        return true;
    case ROW_I32X4_EXTEND_LOW_I16X8_U:
    case ROW_I32X4_EXTEND_HIGH_I16X8_U:
        of_extend(ins, 2, ins->op == ROW_I32X4_EXTEND_HIGH_I16X8_U, out);
        return true;
    case ROW_I64X2_EXTEND_LOW_I32X4_U:
    case ROW_I64X2_EXTEND_HIGH_I32X4_U:
        of_extend(ins, 4, ins->op == ROW_I64X2_EXTEND_HIGH_I32X4_U, out);
        return true;
    case ROW_I8X16_SPLAT:
        return of_splat(s, ins, 1, out);
    case ROW_I16X8_SPLAT:
        return of_splat(s, ins, 2, out);
    case ROW_I32X4_SPLAT:
    case ROW_F32X4_SPLAT:
        return of_splat(s, ins, 4, out);
    case ROW_I64X2_SPLAT:
    case ROW_F64X2_SPLAT:
        return of_splat(s, ins, 8, out);
    case ROW_I8X16_REPLACE_LANE:
    case ROW_I16X8_REPLACE_LANE:
    case ROW_I32X4_REPLACE_LANE:
    case ROW_I64X2_REPLACE_LANE:
    case ROW_F32X4_REPLACE_LANE:
    case ROW_F64X2_REPLACE_LANE:
        return of_replace(s, ins, out);
    default:
        return false;
    }
}

// ---- several

// The number of a source, which is added. SOURCES: there is no room.
static u32 source_number(struct origin *it, u32 value)
{
    for (u32 i = 0; i < it->count; i++) {
        if (it->sources[i] == value) {
            return i;
        }
    }
    if (it->count < SOURCES) {
        it->sources[it->count++] = value;
        return it->count - 1;
    }
    return SOURCES;
}

// Puts the origin of a source in its place; `part` NULL: only leaves out what is not read. False:
// there would be too many sources.
static bool replace_source(struct origin *it, u32 which, const struct origin *part)
{
    struct origin next = {.weight = it->weight + (part == NULL ? 0 : part->weight)};
    for (u32 i = 0; i < VECTOR_BYTES; i++) {
        const struct origin *from = it;
        u8 lane = it->lanes[i];
        if (part != NULL && lane < LANE_ZERO && lane / VECTOR_BYTES == which) {
            from = part;
            lane = part->lanes[lane % VECTOR_BYTES];
        }
        if (lane >= LANE_ZERO) {
            next.lanes[i] = LANE_ZERO;
            continue;
        }
        u32 number = source_number(&next, from->sources[lane / VECTOR_BYTES]);
        if (number == SOURCES) {
            return false;
        }
        next.lanes[i] = (u8)(number * VECTOR_BYTES + lane % VECTOR_BYTES);
    }
    *it = next;
    return true;
}

static bool is_zero(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return ins->op == IR_CONST && s->ir->vectors[ins->a][0] == 0 && s->ir->vectors[ins->a][1] == 0;
}

// Looks through one source. False: none can be looked through.
static bool step(const struct selector *s, struct origin *it)
{
    for (u32 i = 0; i < it->count; i++) {
        struct origin part = {0};
        u32 value = it->sources[i];
        if (is_zero(s, value)) {
            for (u32 k = 0; k < VECTOR_BYTES; k++) {
                part.lanes[k] = LANE_ZERO;
            }
        } else if (!x64_is_alone(s, value) || !origin_of(s, value, &part)) {
            continue;
        }
        if (replace_source(it, i, &part)) {
            return true;
        }
    }
    return false;
}

bool x64_select_bytes(struct selector *s, u32 value)
{
    enum { WORTH_TWO = 4 }; // two sources may take three instructions
    const struct ir_ins *ins = sel_ins(s, value);
    struct origin it;
    if (!origin_of(s, value, &it)) {
        return false;
    }
    struct origin root = it;
    bool is_good = replace_source(&root, 0, NULL);
    ASSERT(is_good);
    it = root;
    for (u32 i = 0; i < STEPS && step(s, &it); i++) {
    }
    bool is_wide = ins->op != ROW_I8X16_SHUFFLE && lane_bytes(ins->op) >= 4;
    bool is_worth = it.count <= 1 ? it.weight > 1 : is_wide || it.weight >= WORTH_TWO;
    if (!is_worth && ins->op != ROW_I8X16_SHUFFLE) {
        return false;
    }
    const struct origin *out = is_worth ? &it : &root;
    u32 def = x64_def(s, value);
    if (out->count == 0) {
        x64_put_copy(s, def, vector_zero(s));
        return true;
    }
    struct shuffle shuffle = {.def = def, .a = out->sources[0]};
    shuffle.b = out->count == 2 ? out->sources[1] : shuffle.a;
    __builtin_memcpy(shuffle.lanes, out->lanes, sizeof shuffle.lanes);
    x64_put_shuffle(s, &shuffle);
    return true;
}
