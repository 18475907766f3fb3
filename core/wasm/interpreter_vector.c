// SPDX-License-Identifier: GPL-3.0-or-later
// The handlers of instructions on v128, made from opcodes.def and vector.h: one for each row, or
// one for each form of address. A v128 lies in two slots and never in an accumulator; what becomes
// a scalar goes to one, as with all other instructions.
#include "core/wasm/code.h"
#include "core/wasm/handlers.h"
#include "core/wasm/opcode.h"
#include "core/wasm/vector.h"

#define SLOT_V(index) vec_get(&fp[index])
#define OUT_V(value) vec_put(&fp[pc->a], value)
#define LANE_AT(vector, bytes, lane) ((u8 *)(vector) + (size_t)(lane) * (bytes))

// ---- one set of handlers for each row

// The one result of each row: a v128 in slot a.
#define VECTOR_HANDLER(name, value)                                                                \
    HANDLER(name##_V)                                                                              \
    {                                                                                              \
        OUT_V(value);                                                                              \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static handler *const forms_##name[] = {name##_V};
// The same for a scalar, into its accumulator or into slot a as well.
#define SCALAR_HANDLER(name, result, value)                                                        \
    HANDLER(name##_A)                                                                              \
    {                                                                                              \
        OUT_A_##result(value);                                                                     \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name##_S)                                                                              \
    {                                                                                              \
        OUT_S_##result(value);                                                                     \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static handler *const forms_##name[OUT_COUNT] = {[OUT_A] = name##_A, [OUT_S] = name##_S};

#define MAKE_NONE_V_V(name, bytes) VECTOR_HANDLER(name, vec_##name(SLOT_V(pc->b)))
#define MAKE_NONE_VV_V(name, bytes) VECTOR_HANDLER(name, vec_##name(SLOT_V(pc->b), SLOT_V(pc->low)))
#define MAKE_NONE_VVV_V(name, bytes)                                                               \
    VECTOR_HANDLER(name, vec_##name(SLOT_V(pc->b), SLOT_V(pc->low), SLOT_V(pc->high)))
#define MAKE_NONE_VI_V(name, bytes)                                                                \
    HANDLER(name##_S)                                                                              \
    {                                                                                              \
        OUT_V(vec_##name(SLOT_V(pc->b), SLOT_I(pc->low)));                                         \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name##_K)                                                                              \
    {                                                                                              \
        OUT_V(vec_##name(SLOT_V(pc->b), pc->c));                                                   \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static handler *const forms_##name[FORM_UNARY_COUNT] = {                                       \
        [FORM_S] = name##_S,                                                                       \
        [FORM_K] = name##_K,                                                                       \
    };
#define MAKE_NONE_I_V(name, bytes) VECTOR_HANDLER(name, vec_##name(SLOT_I(pc->b)))
#define MAKE_NONE_L_V(name, bytes) VECTOR_HANDLER(name, vec_##name(SLOT_L(pc->b)))
#define MAKE_NONE_F_V(name, bytes) VECTOR_HANDLER(name, vec_##name(SLOT_F(pc->b)))
#define MAKE_NONE_D_V(name, bytes) VECTOR_HANDLER(name, vec_##name(SLOT_D(pc->b)))
#define MAKE_NONE_V_I(name, bytes) SCALAR_HANDLER(name, I, vec_##name(SLOT_V(pc->b)))

// A lane is read where it lies.
#define LANE_READ(name, bytes) EXTRACT_##name(LANE_AT(fp + pc->b, bytes, pc->c))
#define EXTRACT_I8X16_EXTRACT_LANE_S num_I32_LOAD8_S
#define EXTRACT_I8X16_EXTRACT_LANE_U num_I32_LOAD8_U
#define EXTRACT_I16X8_EXTRACT_LANE_S num_I32_LOAD16_S
#define EXTRACT_I16X8_EXTRACT_LANE_U num_I32_LOAD16_U
#define EXTRACT_I32X4_EXTRACT_LANE num_I32_LOAD
#define EXTRACT_I64X2_EXTRACT_LANE num_I64_LOAD
#define EXTRACT_F32X4_EXTRACT_LANE num_F32_LOAD
#define EXTRACT_F64X2_EXTRACT_LANE num_F64_LOAD
#define MAKE_LANE_V_I(name, bytes) SCALAR_HANDLER(name, I, LANE_READ(name, bytes))
#define MAKE_LANE_V_L(name, bytes) SCALAR_HANDLER(name, L, LANE_READ(name, bytes))
#define MAKE_LANE_V_F(name, bytes) SCALAR_HANDLER(name, F, LANE_READ(name, bytes))
#define MAKE_LANE_V_D(name, bytes) SCALAR_HANDLER(name, D, LANE_READ(name, bytes))

// A scalar's low bytes are the lane, floats included. It is read first: slot a may be its slot.
#define REPLACE_HANDLER(name, bytes)                                                               \
    HANDLER(name##_V)                                                                              \
    {                                                                                              \
        u64 scalar = fp[pc->low];                                                                  \
        OUT_V(SLOT_V(pc->b));                                                                      \
        __builtin_memcpy(LANE_AT(fp + pc->a, bytes, pc->high), &scalar, bytes);                    \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static handler *const forms_##name[] = {name##_V};
#define MAKE_LANE_VI_V(name, bytes) REPLACE_HANDLER(name, bytes)
#define MAKE_LANE_VL_V(name, bytes) REPLACE_HANDLER(name, bytes)
#define MAKE_LANE_VF_V(name, bytes) REPLACE_HANDLER(name, bytes)
#define MAKE_LANE_VD_V(name, bytes) REPLACE_HANDLER(name, bytes)

#define SIXTEEN_BYTES() ((v128){ins_bits(pc + 1), ins_bits(pc + 2)})
#define MAKE_LANES_VV_V(name, bytes)                                                               \
    HANDLER(name##_V)                                                                              \
    {                                                                                              \
        OUT_V(vec_##name(SLOT_V(pc->b), SLOT_V(pc->low), SIXTEEN_BYTES()));                        \
        NEXT(3);                                                                                   \
    }                                                                                              \
    static handler *const forms_##name[] = {name##_V};

// ---- memory

#define LOAD_HANDLER(name, bytes, form)                                                            \
    HANDLER(name##_##form)                                                                         \
    {                                                                                              \
        u64 at = AT_##form(pc->b, bytes);                                                          \
        if (UNLIKELY(at + bytes > run->memory_size)) {                                             \
            TAIL(wasm_run_raise_memory);                                                           \
        }                                                                                          \
        OUT_V(vec_##name(memory + (size_t)at));                                                    \
        NEXT(1);                                                                                   \
    }
#define MAKE_MEMARG_I_V(name, bytes)                                                               \
    LOAD_HANDLER(name, bytes, S)                                                                   \
    LOAD_HANDLER(name, bytes, A)                                                                   \
    LOAD_HANDLER(name, bytes, K)                                                                   \
    LOAD_HANDLER(name, bytes, SK)                                                                  \
    LOAD_HANDLER(name, bytes, AK)                                                                  \
    LOAD_HANDLER(name, bytes, AS)                                                                  \
    LOAD_HANDLER(name, bytes, N)                                                                   \
    LOAD_HANDLER(name, bytes, P)                                                                   \
    LOAD_HANDLER(name, bytes, PK)                                                                  \
    LOAD_HANDLER(name, bytes, X)                                                                   \
    LOAD_HANDLER(name, bytes, XK)                                                                  \
    static handler *const forms_##name[ADDRESS_COUNT] = {                                          \
        [ADDRESS_S] = name##_S,   [ADDRESS_A] = name##_A,   [ADDRESS_K] = name##_K,                \
        [ADDRESS_SK] = name##_SK, [ADDRESS_AK] = name##_AK, [ADDRESS_AS] = name##_AS,              \
        [ADDRESS_N] = name##_N,   [ADDRESS_P] = name##_P,   [ADDRESS_PK] = name##_PK,              \
        [ADDRESS_X] = name##_X,   [ADDRESS_XK] = name##_XK,                                        \
    };

#define STORE_HANDLER(name, bytes, form)                                                           \
    HANDLER(name##_##form)                                                                         \
    {                                                                                              \
        u64 at = AT_##form(pc->a, bytes);                                                          \
        if (UNLIKELY(at + bytes > run->memory_size)) {                                             \
            TAIL(wasm_run_raise_memory);                                                           \
        }                                                                                          \
        vec_put(memory + (size_t)at, SLOT_V(pc->b));                                               \
        NEXT(1);                                                                                   \
    }
#define MAKE_MEMARG_IV_N(name, bytes)                                                              \
    STORE_HANDLER(name, bytes, S)                                                                  \
    STORE_HANDLER(name, bytes, A)                                                                  \
    STORE_HANDLER(name, bytes, SK)                                                                 \
    STORE_HANDLER(name, bytes, AK)                                                                 \
    STORE_HANDLER(name, bytes, AS)                                                                 \
    STORE_HANDLER(name, bytes, N)                                                                  \
    STORE_HANDLER(name, bytes, P)                                                                  \
    STORE_HANDLER(name, bytes, PK)                                                                 \
    STORE_HANDLER(name, bytes, X)                                                                  \
    STORE_HANDLER(name, bytes, XK)                                                                 \
    static handler *const forms_##name[ADDRESS_COUNT] = {                                          \
        [ADDRESS_S] = name##_S,   [ADDRESS_A] = name##_A,   [ADDRESS_SK] = name##_SK,              \
        [ADDRESS_AK] = name##_AK, [ADDRESS_AS] = name##_AS, [ADDRESS_N] = name##_N,                \
        [ADDRESS_P] = name##_P,   [ADDRESS_PK] = name##_PK, [ADDRESS_X] = name##_X,                \
        [ADDRESS_XK] = name##_XK,                                                                  \
    };

// One lane: the address is in slot b (of a store: a) and has one form, c the offset; the second
// instruction names the lane in b and, for a load, the other lanes' vector in a.
#define MAKE_MEMARG_LANE_IV_V(name, bytes)                                                         \
    HANDLER(name##_V)                                                                              \
    {                                                                                              \
        u64 at = AT_S(pc->b, bytes);                                                               \
        if (UNLIKELY(at + bytes > run->memory_size)) {                                             \
            TAIL(wasm_run_raise_memory);                                                           \
        }                                                                                          \
        u64 lane = 0;                                                                              \
        __builtin_memcpy(&lane, memory + (size_t)at, bytes);                                       \
        OUT_V(SLOT_V(pc[1].a));                                                                    \
        __builtin_memcpy(LANE_AT(fp + pc->a, bytes, pc[1].b), &lane, bytes);                       \
        NEXT(2);                                                                                   \
    }                                                                                              \
    static handler *const forms_##name[] = {name##_V};
#define MAKE_MEMARG_LANE_IV_N(name, bytes)                                                         \
    HANDLER(name##_V)                                                                              \
    {                                                                                              \
        u64 at = AT_S(pc->a, bytes);                                                               \
        if (UNLIKELY(at + bytes > run->memory_size)) {                                             \
            TAIL(wasm_run_raise_memory);                                                           \
        }                                                                                          \
        __builtin_memcpy(memory + (size_t)at, LANE_AT(fp + pc->b, bytes, pc[1].b), bytes);         \
        NEXT(2);                                                                                   \
    }                                                                                              \
    static handler *const forms_##name[] = {name##_V};

// ---- the table

#define MAKE_0(name, immediate, operands, results, bytes)
#define MAKE_0xfc(name, immediate, operands, results, bytes)
#define MAKE_0xfd(name, immediate, operands, results, bytes)                                       \
    MAKE_##immediate##_##operands##_##results(name, bytes)
#define MAKE_0xfe(name, immediate, operands, results, bytes)
#define MAKE_V128_N_V(name, bytes) // v128.const: the handler const_128
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    MAKE_##prefix(name, immediate, operands, results, bytes)
#include "core/wasm/opcodes.def"

#define FORMS_CONTROL(name)
#define FORMS_PARAMETRIC(name)
#define FORMS_VARIABLE(name)
#define FORMS_TABLE(name)
#define FORMS_LOAD(name)
#define FORMS_STORE(name)
#define FORMS_MEMORY(name)
#define FORMS_CONST(name)
#define FORMS_COMPARE(name)
#define FORMS_UNARY(name)
#define FORMS_BINARY(name)
#define FORMS_CONVERT(name)
#define FORMS_REFERENCE(name)
#define FORMS_BULK(name)
#define FORMS_VECTOR(name) [ROW_##name] = forms_##name,
#define FORMS_VECTOR_LOAD(name) [ROW_##name] = forms_##name,
#define FORMS_VECTOR_STORE(name) [ROW_##name] = forms_##name,
#define FORMS_ATOMIC(name)
#define FORMS_WAIT(name)
#define FORMS_FENCE(name)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    FORMS_##class(name)
handler *const *const wasm_vectors[ROW_COUNT] = {
#include "core/wasm/opcodes.def"
};

// ---- values

HANDLER_SHARED(const_128)
{
    OUT_V(SIXTEEN_BYTES());
    NEXT(3);
}

HANDLER_SHARED(select_v_s)
{
    OUT_V(SLOT_V(SLOT_I(pc->b) != 0 ? pc->low : pc->high));
    NEXT(1);
}

HANDLER_SHARED(select_v_a)
{
    OUT_V(SLOT_V(ACC_I != 0 ? pc->low : pc->high));
    NEXT(1);
}

HANDLER_SHARED(global_get_v)
{
    OUT_V(vec_get(run->globals[pc->c]->value));
    NEXT(1);
}

HANDLER_SHARED(global_set_v)
{
    vec_put(run->globals[pc->c]->value, SLOT_V(pc->b));
    NEXT(1);
}
