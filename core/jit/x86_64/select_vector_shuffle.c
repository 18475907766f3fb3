// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_vector_shuffle.c: bytes in another order. The patterns that the CPU has an
// instruction for are looked for first; any other is one PSHUFB for each source.
#include "core/jit/x86_64/select_vector.h"

enum { BYTES = VECTOR_BYTES, ZERO = LANE_ZERO };

static u64 half_of(const u8 *lanes)
{
    u64 out = 0;
    for (u32 i = 0; i < 8; i++) {
        out |= (u64)lanes[i] << 8 * i;
    }
    return out;
}

static bool lanes_are(const struct shuffle *it, const u8 *lanes)
{
    return half_of(it->lanes) == half_of(lanes) && half_of(it->lanes + 8) == half_of(lanes + 8);
}

// The lanes as ones of `bytes` bytes. False: some are torn apart, or 0.
static bool lanes_wide(const struct shuffle *it, u32 bytes, u8 *out)
{
    for (u32 i = 0; i < BYTES; i += bytes) {
        u8 first = it->lanes[i];
        if (first >= ZERO || first % bytes != 0) {
            return false;
        }
        for (u32 k = 1; k < bytes; k++) {
            if (it->lanes[i + k] != first + k) {
                return false;
            }
        }
        out[i / bytes] = (u8)(first / bytes);
    }
    return true;
}

static u8 order_of(const u8 *four)
{
    return (u8)((four[0] & 3) | (four[1] & 3) << 2 | (four[2] & 3) << 4 | (four[3] & 3) << 6);
}

static struct rm lanes_rm(struct selector *s, const u8 *lanes)
{
    return rm_vector(s, half_of(lanes), half_of(lanes + 8));
}

// ---- patterns that unpacking makes

struct unpack {
    u16 op;
    u8 bytes;
    bool is_high;
};

static const struct unpack unpacks[] = {
    {X64_PUNPCKLBW, 1, false},  {X64_PUNPCKHBW, 1, true},  {X64_PUNPCKLWD, 2, false},
    {X64_PUNPCKHWD, 2, true},   {X64_PUNPCKLDQ, 4, false}, {X64_PUNPCKHDQ, 4, true},
    {X64_PUNPCKLQDQ, 8, false}, {X64_PUNPCKHQDQ, 8, true},
};

// Lanes of one half, of the first and of the second source in turns; `second` is the number of the
// second source's first byte.
static void unpack_lanes(const struct unpack *unpack, u8 second, u8 *lanes)
{
    for (u32 i = 0; i < BYTES; i++) {
        u32 number = i / unpack->bytes;
        u32 at = (number / 2) * unpack->bytes + i % unpack->bytes + (unpack->is_high ? 8 : 0);
        lanes[i] = (u8)(at + ((number & 1) != 0 ? second : 0));
    }
}

static bool try_unpack(struct selector *s, const struct shuffle *it, bool is_single)
{
    u8 lanes[BYTES];
    for (u32 i = 0; i < COUNT_OF(unpacks); i++) {
        unpack_lanes(&unpacks[i], is_single ? 0 : BYTES, lanes);
        if (lanes_are(it, lanes)) {
            u32 from = x64_use(s, it->a);
            struct rm rm = is_single ? rm_reg(from) : x64_vector_rm(s, it->b);
            x64_put_sse(s, (enum x64_op)unpacks[i].op, it->def, from, rm);
            return true;
        }
    }
    return false;
}

// Neighbouring bytes of b above a, from `by` on.
static bool is_rotation(const struct shuffle *it, u8 mask, u8 *by)
{
    *by = it->lanes[0];
    for (u32 i = 0; i < BYTES; i++) {
        if (it->lanes[i] != ((*by + i) & mask)) {
            return false;
        }
    }
    return *by < BYTES;
}

// ---- one source

// Words that stay in their half, the other half as it is.
static bool try_words(struct selector *s, const struct shuffle *it)
{
    u8 words[8];
    if (!lanes_wide(it, 2, words)) {
        return false;
    }
    bool keeps_low = true;
    bool keeps_high = true;
    bool stays = true;
    for (u32 i = 0; i < 8; i++) {
        keeps_low &= i >= 4 || words[i] == i;
        keeps_high &= i < 4 || words[i] == i;
        stays &= (words[i] ^ i) < 4;
    }
    if (!stays) {
        return false;
    }
    u32 from = x64_use(s, it->a);
    if (keeps_high) {
        x64_put_def_rm_i(s, X64_PSHUFLW, false, it->def, rm_reg(from), order_of(words));
    } else if (keeps_low) {
        x64_put_def_rm_i(s, X64_PSHUFHW, false, it->def, rm_reg(from), order_of(words + 4));
    } else {
        return false;
    }
    return true;
}

static void select_one(struct selector *s, const struct shuffle *it)
{
    u8 four[4];
    u8 by;
    if (lanes_wide(it, 4, four)) {
        if (order_of(four) == 0xe4) {
            x64_put_copy(s, it->def, x64_use(s, it->a));
        } else {
            x64_put_def_rm_i(s, X64_PSHUFD, false, it->def, x64_vector_rm(s, it->a),
                             order_of(four));
        }
        return;
    }
    if (try_words(s, it) || try_unpack(s, it, true)) {
        return;
    }
    u32 from = x64_use(s, it->a);
    if (is_rotation(it, BYTES - 1, &by)) {
        x64_put_sse_i(s, X64_PALIGNR, false, it->def, from, rm_reg(from), by);
    } else {
        x64_put_sse(s, X64_PSHUFB, it->def, from, lanes_rm(s, it->lanes));
    }
}

// Some bytes are 0: those of twice as wide lanes, or what is shifted in.
static void select_one_and_zero(struct selector *s, const struct shuffle *it)
{
    static const struct {
        u16 op;
        u8 lanes[BYTES];
    } extends[] = {
        {X64_PMOVZXBW, {0, 128, 1, 128, 2, 128, 3, 128, 4, 128, 5, 128, 6, 128, 7, 128}},
        {X64_PMOVZXWD, {0, 1, 128, 128, 2, 3, 128, 128, 4, 5, 128, 128, 6, 7, 128, 128}},
        {X64_PMOVZXDQ, {0, 1, 2, 3, 128, 128, 128, 128, 4, 5, 6, 7, 128, 128, 128, 128}},
        {X64_PMOVZXBD, {0, 128, 128, 128, 1, 128, 128, 128, 2, 128, 128, 128, 3, 128, 128, 128}},
        {X64_PMOVZXWQ, {0, 1, 128, 128, 128, 128, 128, 128, 2, 3, 128, 128, 128, 128, 128, 128}},
    };
    for (u32 i = 0; i < COUNT_OF(extends); i++) {
        if (lanes_are(it, extends[i].lanes)) {
            enum x64_op op = (enum x64_op)extends[i].op;
            x64_put_def_rm(s, op, false, it->def, x64_vector_rm_low(s, op, it->a));
            return;
        }
    }
    u32 from = x64_use(s, it->a);
    for (u32 by = 1; by < BYTES; by++) {
        u8 up[BYTES];
        u8 down[BYTES];
        for (u32 i = 0; i < BYTES; i++) {
            up[i] = (u8)(i < by ? ZERO : i - by);
            down[i] = (u8)(i + by < BYTES ? i + by : ZERO);
        }
        if (lanes_are(it, up) || lanes_are(it, down)) {
            bool is_up = lanes_are(it, up);
            x64_put_sse_shift(s, is_up ? X64_PSLLDQ_I : X64_PSRLDQ_I, it->def, from, (u8)by);
            return;
        }
    }
    x64_put_sse(s, X64_PSHUFB, it->def, from, lanes_rm(s, it->lanes));
}

// ---- two sources

// Every byte in its place, of one source or the other.
static bool try_blend(struct selector *s, const struct shuffle *it)
{
    u32 words = 0;
    u32 fours = 0;
    bool is_words = true;
    bool is_fours = true;
    for (u32 i = 0; i < BYTES; i++) {
        if ((it->lanes[i] & 15) != i || it->lanes[i] >= ZERO) {
            return false;
        }
        u32 of_b = it->lanes[i] >> 4;
        is_words &= of_b == it->lanes[i & ~1u] >> 4;
        is_fours &= of_b == it->lanes[i & ~3u] >> 4;
        words |= of_b << i / 2;
        fours |= of_b << i / 4;
    }
    if (!is_words) {
        return false;
    }
    u32 from = x64_use(s, it->a);
    x64_put_sse_i(s, is_fours ? X64_BLENDPS : X64_PBLENDW, false, it->def, from,
                  x64_vector_rm(s, it->b), (u8)(is_fours ? fours : words));
    return true;
}

// All lanes of four bytes as they are but one.
static bool try_insert(struct selector *s, const struct shuffle *it)
{
    u8 four[4];
    u32 others = 0;
    u32 lane = 0;
    if (!lanes_wide(it, 4, four)) {
        return false;
    }
    for (u32 i = 0; i < 4; i++) {
        if (four[i] != i) {
            others++;
            lane = i;
        }
    }
    if (others != 1 || four[lane] < 4) {
        return false;
    }
    u32 from = x64_use(s, it->a);
    u32 of_b = x64_use(s, it->b);
    u8 imm = (u8)((four[lane] & 3) << 6 | lane << 4);
    x64_put_sse_i(s, X64_INSERTPS, false, it->def, from, rm_reg(of_b), imm);
    return true;
}

static bool try_fours(struct selector *s, const struct shuffle *it)
{
    u8 four[4];
    if (!lanes_wide(it, 4, four) || four[0] > 3 || four[1] > 3 || four[2] < 4 || four[3] < 4) {
        return false;
    }
    u32 from = x64_use(s, it->a);
    x64_put_sse_i(s, X64_SHUFPS, false, it->def, from, x64_vector_rm(s, it->b), order_of(four));
    return true;
}

// Every second byte or word: cut or shifted, then packed.
static bool try_pack(struct selector *s, const struct shuffle *it)
{
    enum { ODD_WORDS = 0xaa };
    for (u32 bytes = 1; bytes <= 2; bytes++) {
        for (u32 odd = 0; odd < 2; odd++) {
            u8 lanes[BYTES];
            for (u32 i = 0; i < BYTES; i++) {
                lanes[i] = (u8)(i / bytes * 2 * bytes + odd * bytes + i % bytes);
            }
            if (!lanes_are(it, lanes)) {
                continue;
            }
            u32 a = x64_use(s, it->a);
            u32 b = x64_use(s, it->b);
            u32 left;
            u32 right;
            if (odd != 0) {
                enum x64_op op = bytes == 1 ? X64_PSRLW_I : X64_PSRLD_I;
                left = vector_shift(s, op, a, (u8)(8 * bytes));
                right = vector_shift(s, op, b, (u8)(8 * bytes));
            } else {
                struct rm low = rm_splat(s, bytes == 1 ? 0xff : 0xffff, 2 * bytes);
                left = vector_binary(s, X64_PAND, a, low);
                right = vector_binary(s, X64_PAND, b, low);
            }
            x64_put_sse(s, bytes == 1 ? X64_PACKUSWB : X64_PACKUSDW, it->def, left, rm_reg(right));
            return true;
        }
    }
    return false;
}

static bool try_two(struct selector *s, const struct shuffle *it)
{
    u8 by;
    if (is_rotation(it, 2 * BYTES - 1, &by)) {
        u32 above = x64_use(s, it->b);
        x64_put_sse_i(s, X64_PALIGNR, false, it->def, above, x64_vector_rm(s, it->a), by);
        return true;
    }
    return try_unpack(s, it, false) || try_blend(s, it) || try_insert(s, it) || try_fours(s, it) ||
           try_pack(s, it);
}

static void select_any(struct selector *s, const struct shuffle *it)
{
    u8 four[4];
    u32 a = x64_use(s, it->a);
    u32 b = x64_use(s, it->b);
    if (lanes_wide(it, 4, four)) {
        u8 of_b = 0;
        for (u32 i = 0; i < 4; i++) {
            of_b |= (u8)((four[i] >> 2) << i);
        }
        u32 left = vector_unary_i(s, X64_PSHUFD, rm_reg(a), order_of(four));
        u32 right = vector_unary_i(s, X64_PSHUFD, rm_reg(b), order_of(four));
        x64_put_sse_i(s, X64_BLENDPS, false, it->def, left, rm_reg(right), of_b);
        return;
    }
    u8 of_a[BYTES];
    u8 of_b[BYTES];
    for (u32 i = 0; i < BYTES; i++) {
        of_a[i] = it->lanes[i] < BYTES ? it->lanes[i] : ZERO;
        of_b[i] = it->lanes[i] >= BYTES && it->lanes[i] < ZERO ? it->lanes[i] & 15 : ZERO;
    }
    u32 left = vector_binary(s, X64_PSHUFB, a, lanes_rm(s, of_a));
    u32 right = vector_binary(s, X64_PSHUFB, b, lanes_rm(s, of_b));
    x64_put_sse(s, X64_POR, it->def, left, rm_reg(right));
}

static void swap(struct shuffle *it)
{
    u32 a = it->a;
    it->a = it->b;
    it->b = a;
    for (u32 i = 0; i < BYTES; i++) {
        it->lanes[i] ^= it->lanes[i] < ZERO ? BYTES : 0;
    }
}

static bool is_zero(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return ins->op == IR_CONST && s->ir->vectors[ins->a][0] == 0 && s->ir->vectors[ins->a][1] == 0;
}

static bool takes_any_from_b(const struct shuffle *it)
{
    bool out = false;
    for (u32 i = 0; i < BYTES; i++) {
        out |= it->lanes[i] >= BYTES && it->lanes[i] < ZERO;
    }
    return out;
}

// Or has a byte that is 0.
static bool takes_from_b(const struct shuffle *it)
{
    bool out = false;
    for (u32 i = 0; i < BYTES; i++) {
        out |= it->lanes[i] >= BYTES;
    }
    return out;
}

void x64_put_shuffle(struct selector *s, struct shuffle *it)
{
    bool takes_a = false;
    for (u32 i = 0; i < BYTES; i++) {
        if (it->lanes[i] < ZERO && it->a == it->b) {
            it->lanes[i] &= 15;
        }
        takes_a |= it->lanes[i] < BYTES;
    }
    if (!takes_a || is_zero(s, it->a)) {
        swap(it);
    }
    if (!takes_from_b(it)) {
        select_one(s, it);
    } else if (!takes_any_from_b(it) || is_zero(s, it->b)) {
        for (u32 i = 0; i < BYTES; i++) {
            it->lanes[i] = it->lanes[i] >= BYTES ? ZERO : it->lanes[i];
        }
        select_one_and_zero(s, it);
    } else if (!try_two(s, it)) {
        swap(it);
        if (!try_two(s, it)) {
            select_any(s, it);
        }
    }
}

// A number of 16 or more is 0: 0x70 more has the highest bit, which PSHUFB makes 0 of.
void x64_select_swizzle(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    const struct ir_ins *order = sel_ins(s, ins->b);
    u32 def = x64_def(s, value);
    u32 from = x64_use(s, ins->a);
    if (order->op != IR_CONST) {
        u32 lanes = x64_use(s, ins->b);
        u32 marked = vector_binary(s, X64_PADDUSB, lanes, rm_splat(s, 0x70, 1));
        x64_put_sse(s, X64_PSHUFB, def, from, rm_reg(marked));
        return;
    }
    u8 lanes[BYTES];
    for (u32 i = 0; i < BYTES; i++) {
        u8 lane = (u8)(s->ir->vectors[order->a][i / 8] >> 8 * (i % 8));
        lanes[i] = lane < BYTES ? lane : ZERO;
    }
    x64_put_sse(s, X64_PSHUFB, def, from, lanes_rm(s, lanes));
}
