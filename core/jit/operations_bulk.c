// SPDX-License-Identifier: GPL-3.0-or-later
// Bulk operations on memories and tables. All are helpers, but copies and fills of a few bytes, a
// constant number, as compilers make them of structures: these become loads and stores.
#include "core/base/assert.h"
#include "core/jit/builder.h"
#include "core/jit/limits.h"

// ---- few bytes

enum { VECTOR_BYTES = 16, PIECES = JIT_BULK_FEW / VECTOR_BYTES };
STATIC_ASSERT(JIT_BULK_FEW % VECTOR_BYTES == 0 && (u32)JIT_BULK_FEW < (u32)IR_AT_ALIGNED);

// Bytes that one load or store moves. Together they cover the range; two may share some.
struct piece {
    u8 offset;
    u8 bytes; // a power of two
};

static u32 power_at_least(u32 number)
{
    u32 power = 1;
    while (power < number) {
        power *= 2;
    }
    return power;
}

// From the start of the range on; the last ends with it. At most PIECES of them.
static u32 pieces_of(u32 count, struct piece *out)
{
    u32 number = 0;
    for (u32 at = 0; at < count; number++) {
        ASSERT(number < PIECES);
        u32 left = count - at;
        u32 bytes = left >= VECTOR_BYTES ? VECTOR_BYTES : power_at_least(left);
        if (bytes > count) {
            bytes /= 2; // nothing before it to share bytes with
        }
        u32 start = bytes <= left ? at : count - bytes;
        out[number] = (struct piece){(u8)start, (u8)bytes};
        at = start + bytes;
    }
    return number;
}

// The kinds and instructions of pieces, by their size.
static const struct {
    u16 load;
    u16 store;
    u8 kind;
} moves[] = {
    [1] = {ROW_I32_LOAD8_U, ROW_I32_STORE8, KIND_I},
    [2] = {ROW_I32_LOAD16_U, ROW_I32_STORE16, KIND_I},
    [4] = {ROW_I32_LOAD, ROW_I32_STORE, KIND_I},
    [8] = {ROW_I64_LOAD, ROW_I64_STORE, KIND_L},
    [16] = {ROW_V128_LOAD, ROW_V128_STORE, KIND_V},
};

// A range of a memory: where an access to its byte 0 would be.
struct place {
    u32 address; // as an access has it
    u32 offset;
};

// Of another memory than 0 the whole range is checked here.
static struct place place_of(struct builder *b, u32 memory, u32 address, u32 count)
{
    struct place place = {address, 0};
    if (memory != 0) {
        place.address = build_memory_at(b, memory, address, 0, (u8)count);
        return place;
    }
    place.address = build_address(b, address, &place.offset);
    if (place.offset > UINT32_MAX - JIT_BULK_FEW) {
        place = (struct place){address, 0};
    }
    return place;
}

// The byte `value` as often as the piece is long.
static u32 repeated(struct builder *b, u32 value, u32 bytes)
{
    static const u64 ones = 0x0101010101010101;
    struct ir_ins word = {.op = ROW_I64_EXTEND_I32_U, .kind = KIND_L, .a = value};
    word.a = build_simplify(b, word);
    word.op = ROW_I64_AND;
    word.b = build_const(b, KIND_L, UINT8_MAX);
    word.a = build_simplify(b, word);
    word.op = ROW_I64_MUL;
    word.b = build_const(b, KIND_L, ones);
    u32 repeated = build_simplify(b, word);
    const struct ir_ins *known = value_ins(b, repeated);
    if (bytes == VECTOR_BYTES && known->op == IR_CONST) {
        return build_const(b, KIND_V, vector_index(b, known->bits, known->bits));
    }
    if (bytes == VECTOR_BYTES) {
        struct ir_ins splat = {.op = ROW_I64X2_SPLAT, .kind = KIND_V, .a = repeated};
        return build_pure(b, &splat);
    }
    struct ir_ins low = {.op = ROW_I32_WRAP_I64, .kind = KIND_I, .a = repeated};
    return bytes == sizeof(u64) ? repeated : build_simplify(b, low);
}

// The store behind which all others are inside the memory comes first: nothing is written before
// it is certain that all will be.
static void store_pieces(struct builder *b, struct place to, const struct piece *pieces, u32 number,
                         const u32 *values)
{
    for (u32 i = number; i-- > 0;) {
        (void)build_append(b, &(struct ir_ins){.op = moves[pieces[i].bytes].store,
                                               .kind = IR_KIND_NONE,
                                               .a = to.address,
                                               .b = values[i],
                                               .c = to.offset + pieces[i].offset});
    }
}

static void copy_few(struct builder *b, u32 memory_to, u32 memory_from, u32 count)
{
    struct piece pieces[PIECES];
    u32 values[PIECES];
    u32 number = pieces_of(count, pieces);
    u32 from_address = build_pop(b);
    u32 to_address = build_pop(b);
    struct place from = place_of(b, memory_from, from_address, count);
    struct place to = place_of(b, memory_to, to_address, count);
    for (u32 i = 0; i < number; i++) {
        values[i] = build_append(b, &(struct ir_ins){.op = moves[pieces[i].bytes].load,
                                                     .kind = moves[pieces[i].bytes].kind,
                                                     .a = from.address,
                                                     .c = from.offset + pieces[i].offset});
    }
    store_pieces(b, to, pieces, number, values);
}

static void fill_few(struct builder *b, u32 memory, u32 count)
{
    struct piece pieces[PIECES];
    u32 values[PIECES];
    u32 number = pieces_of(count, pieces);
    u32 value = build_pop(b);
    struct place to = place_of(b, memory, build_pop(b), count);
    for (u32 i = 0; i < number; i++) {
        values[i] = repeated(b, value, pieces[i].bytes);
    }
    store_pieces(b, to, pieces, number, values);
}

// Takes the count off the stack if it is one of few bytes; 0: it is not. A count of 0 is not, since
// it is checked and moves nothing.
static u32 few(struct builder *b)
{
    const struct ir_ins *count = value_ins(b, value_resolve(b, b->stack[b->height - 1]));
    if (b->failed != ERR_OK || count->op != IR_CONST || count->bits > JIT_BULK_FEW) {
        return 0;
    }
    u32 bytes = (u32)count->bits;
    if (bytes != 0) {
        (void)build_pop(b);
    }
    return bytes;
}

// ---- memories

static void do_copy(struct builder *b, const u32 *memories)
{
    u32 count = few(b);
    if (count != 0) {
        copy_few(b, memories[0], memories[1], count);
    } else if (memories[0] == 0 && memories[1] == 0) {
        build_helper(b, IR_HELPER_MEMORY_COPY, 3, NULL, 0);
    } else {
        build_helper(b, IR_HELPER_MEMORY_COPY_OF, 3, memories, 2);
    }
}

static void do_fill(struct builder *b, u32 memory)
{
    u32 count = few(b);
    if (count != 0) {
        fill_few(b, memory, count);
    } else if (memory == 0) {
        build_helper(b, IR_HELPER_MEMORY_FILL, 3, NULL, 0);
    } else {
        build_helper(b, IR_HELPER_MEMORY_FILL_OF, 3, &memory, 1);
    }
}

static void do_init(struct builder *b, u32 memory, u32 segment)
{
    u32 immediates[2] = {memory, segment};
    if (memory == 0) {
        build_helper(b, IR_HELPER_MEMORY_INIT, 3, &segment, 1);
    } else {
        build_helper(b, IR_HELPER_MEMORY_INIT_OF, 3, immediates, 2);
    }
}

// ---- all

void build_bulk(struct builder *b, struct body_reader *in, enum row row)
{
    u32 immediates[2] = {body_u32(in), 0};
    switch (row) {
    case ROW_MEMORY_INIT:
        do_init(b, body_u32(in), immediates[0]); // in the file the segment comes first
        break;
    case ROW_MEMORY_COPY:
        immediates[1] = body_u32(in);
        do_copy(b, immediates);
        break;
    case ROW_MEMORY_FILL:
        do_fill(b, immediates[0]);
        break;
    case ROW_TABLE_INIT:
        immediates[1] = immediates[0]; // in the file the segment comes first
        immediates[0] = body_u32(in);
        build_helper(b, IR_HELPER_TABLE_INIT, 3, immediates, 2);
        break;
    case ROW_TABLE_COPY:
        immediates[1] = body_u32(in);
        build_helper(b, IR_HELPER_TABLE_COPY, 3, immediates, 2);
        break;
    case ROW_TABLE_FILL:
        build_helper(b, IR_HELPER_TABLE_FILL, 3, immediates, 1);
        break;
    case ROW_TABLE_GROW:
        build_helper(b, IR_HELPER_TABLE_GROW, 2, immediates, 1);
        break;
    case ROW_DATA_DROP:
        build_helper(b, IR_HELPER_DATA_DROP, 0, immediates, 1);
        break;
    default:
        ASSERT(row == ROW_ELEM_DROP);
        build_helper(b, IR_HELPER_ELEM_DROP, 0, immediates, 1);
        break;
    }
}
