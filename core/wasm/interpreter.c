// SPDX-License-Identifier: GPL-3.0-or-later
// The handlers of struct ins. Each does its work on slots, accumulators and memory, and jumps to
// the next one by a call in tail position, so the state stays in registers. Handlers of numeric
// instructions are made from opcodes.def and numeric.h, one for each form of operands; the rest is
// written out below, and work that is not worth a register in interpreter_bulk.c.
#include "core/base/assert.h"
#include "core/wasm/code.h"
#include "core/wasm/handlers.h"
#include "core/wasm/inspect.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/numeric.h"
#include "core/wasm/opcode.h"

// ---- leaving

NOINLINE HANDLER(leave)
{
    thread_leave(run->thread, run, pc, fp, FUEL);
    run->fp = fp;
    run->acc = ACC;
    run->facc = FACC;
    run->dacc = DACC;
}

// Stops at pc, which a later slice runs again.
NOINLINE HANDLER_SHARED(pause)
{
    run->status = WASM_RUN_PAUSED;
    TAIL(leave);
}

// The same at the beginning of a loop, where compiled code can take over. The last unit of fuel may
// have gone earlier: compiled code that the loop calls takes several at once.
NOINLINE HANDLER(pause_at_loop)
{
    run->at_loop = true;
    TAIL(wasm_run_pause);
}

// What is more than the fuel that is left is paid before the thread goes on.
NOINLINE HANDLER(pay_part)
{
    i64 has = FUEL < 0 ? 0 : FUEL;
    run->thread->owed = (u32)(pc->c - has);
    FUEL -= has;
    pc++;
    TAIL(wasm_run_pause);
}

// In code without calls and branches back.
HANDLER_SHARED(pay)
{
    if (UNLIKELY(FUEL < pc->c)) {
        TAIL(pay_part);
    }
    FUEL -= pc->c;
    NEXT(1);
}

// Before an instruction of a module with probes.
HANDLER_SHARED(probe)
{
    struct wasm_probe *probe = run->thread->probe;
    if (probe != NULL && wasm_probe_stops(probe, run->instance, pc->c)) {
        run->status = WASM_RUN_STOPPED;
        TAIL(leave);
    }
    NEXT(1);
}

// Stops at pc for run->trap.
NOINLINE HANDLER_SHARED(raise)
{
    ASSERT(run->trap != TRAP_NONE);
    run->status = WASM_RUN_TRAPPED;
    TAIL(leave);
}

// Another thread may have made a shared memory larger since its size was last read.
NOINLINE HANDLER_SHARED(raise_memory)
{
    u64 size = wasm_memory_bytes(run->other != NULL ? run->other : run->instance->memory);
    if (size > run->memory_size) {
        run->memory_size = size;
        DISPATCH();
    }
    run->trap = TRAP_MEMORY_OUT_OF_BOUNDS;
    TAIL(wasm_run_raise);
}

NOINLINE HANDLER_SHARED(raise_table)
{
    run->trap = TRAP_TABLE_OUT_OF_BOUNDS;
    TAIL(wasm_run_raise);
}

HANDLER_SHARED(unreachable)
{
    run->trap = TRAP_UNREACHABLE;
    TAIL(wasm_run_raise);
}

HANDLER(done)
{
    run->status = WASM_RUN_DONE;
    TAIL(leave);
}

// A function that core/jit has code for: it runs there, unless this instance must not.
HANDLER_SHARED(compiled)
{
    if (UNLIKELY(run->instance->compiled == NULL)) {
        pc = pc[2].data;
        DISPATCH();
    }
    run->status = WASM_RUN_COMPILED;
    TAIL(leave);
}

HANDLER(back)
{
    run->status = WASM_RUN_RETURNED;
    TAIL(leave);
}

NOINLINE HANDLER_SHARED(raise_thrown)
{
    run->status = WASM_RUN_THROWN;
    TAIL(leave);
}

// ---- operands that handlers.h does not know: K an immediate

#define IMMEDIATE_I (pc->c)
#define IMMEDIATE_L ((u64)(i64)(i32)pc->c)
#define IMMEDIATE_F f32_bits(pc->c)
#define IMMEDIATE_D f64_bits(ins_bits(pc + 1))
#define LENGTH_I 1
#define LENGTH_L 1
#define LENGTH_F 1
#define LENGTH_D 2
#define CHECK_no(name, ...)
#define CHECK_yes(name, ...)                                                                       \
    run->trap = check_##name(__VA_ARGS__);                                                         \
    if (UNLIKELY(run->trap != TRAP_NONE)) {                                                        \
        TAIL(wasm_run_raise);                                                                      \
    }

// ---- arithmetic, comparisons, conversions

#define BINARY_HANDLER(name, type, result, traps, form, out, left, right, length)                  \
    HANDLER(name##_##form##_##out)                                                                 \
    {                                                                                              \
        TYPE_##type left_operand = left;                                                           \
        TYPE_##type right_operand = right;                                                         \
        CHECK_##traps(name, left_operand, right_operand);                                          \
        OUT_##out##_##result(num_##name(left_operand, right_operand));                             \
        NEXT(length);                                                                              \
    }
#define BINARY_FORM(name, type, result, traps, form, left, right, length)                          \
    BINARY_HANDLER(name, type, result, traps, form, A, left, right, length)                        \
    BINARY_HANDLER(name, type, result, traps, form, S, left, right, length)
#define BINARY_ENTRY(name, form)                                                                   \
    [FORM_##form * OUT_COUNT + OUT_A] = name##_##form##_A,                                         \
                               [FORM_##form * OUT_COUNT + OUT_S] = name##_##form##_S
#define BINARY_USUAL(name, type, result, traps)                                                    \
    BINARY_FORM(name, type, result, traps, SS, SLOT_##type(pc->b), SLOT_##type(pc->low), 1)        \
    BINARY_FORM(name, type, result, traps, SK, SLOT_##type(pc->b), IMMEDIATE_##type,               \
                LENGTH_##type)                                                                     \
    BINARY_FORM(name, type, result, traps, AS, ACC_##type, SLOT_##type(pc->b), 1)                  \
    BINARY_FORM(name, type, result, traps, SA, SLOT_##type(pc->b), ACC_##type, 1)                  \
    BINARY_FORM(name, type, result, traps, AK, ACC_##type, IMMEDIATE_##type, LENGTH_##type)        \
    BINARY_FORM(name, type, result, traps, KS, IMMEDIATE_##type, SLOT_##type(pc->b),               \
                LENGTH_##type)                                                                     \
    BINARY_FORM(name, type, result, traps, KA, IMMEDIATE_##type, ACC_##type, LENGTH_##type)
#define BINARY_ENTRIES(name)                                                                       \
    BINARY_ENTRY(name, SS), BINARY_ENTRY(name, SK), BINARY_ENTRY(name, AS),                        \
        BINARY_ENTRY(name, SA), BINARY_ENTRY(name, AK), BINARY_ENTRY(name, KS),                    \
        BINARY_ENTRY(name, KA)
#define BINARY_ALL(name, type, result, traps)                                                      \
    BINARY_USUAL(name, type, result, traps)                                                        \
    static handler *const forms_##name[FORM_BINARY_COUNT * OUT_COUNT] = {BINARY_ENTRIES(name)};
#define BINARY_WIDE(name, result, traps)                                                           \
    BINARY_USUAL(name, L, result, traps)                                                           \
    BINARY_FORM(name, L, result, traps, SW, SLOT_L(pc->b), ins_bits(pc + 1), 2)                    \
    BINARY_FORM(name, L, result, traps, AW, ACC_L, ins_bits(pc + 1), 2)                            \
    static handler *const forms_##name[FORM_BINARY_COUNT * OUT_COUNT] = {                          \
        BINARY_ENTRIES(name),                                                                      \
        BINARY_ENTRY(name, SW),                                                                    \
        BINARY_ENTRY(name, AW),                                                                    \
    };

#define UNARY_HANDLER(name, type, result, traps, form, out, operand)                               \
    HANDLER(name##_##form##_##out)                                                                 \
    {                                                                                              \
        TYPE_##type value = operand;                                                               \
        CHECK_##traps(name, value);                                                                \
        OUT_##out##_##result(num_##name(value));                                                   \
        NEXT(1);                                                                                   \
    }
#define UNARY_ALL(name, type, result, traps)                                                       \
    UNARY_HANDLER(name, type, result, traps, S, A, SLOT_##type(pc->b))                             \
    UNARY_HANDLER(name, type, result, traps, S, S, SLOT_##type(pc->b))                             \
    UNARY_HANDLER(name, type, result, traps, A, A, ACC_##type)                                     \
    UNARY_HANDLER(name, type, result, traps, A, S, ACC_##type)                                     \
    static handler *const forms_##name[FORM_UNARY_COUNT * OUT_COUNT] = {                           \
        BINARY_ENTRY(name, S),                                                                     \
        BINARY_ENTRY(name, A),                                                                     \
    };

// Pays for a branch back, which is where a slice may end: it is then run again as a whole. Or,
// where the thread stops at loops, the slice ends behind `land`, which takes the branch.
#define PAY_BRANCH_BACK(land)                                                                      \
    if (UNLIKELY(FUEL <= 1)) {                                                                     \
        if (run->thread->stops_at_loops) {                                                         \
            FUEL--;                                                                                \
            land;                                                                                  \
            TAIL(pause_at_loop);                                                                   \
        }                                                                                          \
        if (FUEL <= 0) {                                                                           \
            TAIL(wasm_run_pause);                                                                  \
        }                                                                                          \
    }                                                                                              \
    FUEL--

#define BRANCH_FORWARD() pc = (const struct ins *)((const u8 *)pc + (i32)pc->c)
#define BRANCH_BACK()                                                                              \
    PAY_BRANCH_BACK(BRANCH_FORWARD());                                                             \
    BRANCH_FORWARD()

#define BRANCH_HANDLER(name, type, form, sense, direction, left, right, length)                    \
    HANDLER(branch_##name##_##form##_##sense##_##direction)                                        \
    {                                                                                              \
        if (num_##name(left, right) == sense) {                                                    \
            BRANCH_##direction();                                                                  \
            DISPATCH();                                                                            \
        }                                                                                          \
        NEXT(length);                                                                              \
    }
#define BRANCH_FORM(name, type, form, sense, left, right, length)                                  \
    BRANCH_HANDLER(name, type, form, sense, FORWARD, left, right, length)                          \
    BRANCH_HANDLER(name, type, form, sense, BACK, left, right, length)
#define BRANCH_ENTRY(name, form, sense)                                                            \
    [(DIRECTION_FORWARD * 2 + sense) * FORM_BINARY_COUNT + FORM_##                                 \
        form] = branch_##name##_##form##_##sense##_FORWARD,                                        \
 [(DIRECTION_BACK * 2 + sense) * FORM_BINARY_COUNT + FORM_##form] =                                \
        branch_##name##_##form##_##sense##_BACK
#define BRANCH_SLOTS(name, type, sense)                                                            \
    BRANCH_FORM(name, type, SS, sense, SLOT_##type(pc->a), SLOT_##type(pc->b), 1)                  \
    BRANCH_FORM(name, type, AS, sense, ACC_##type, SLOT_##type(pc->b), 1)                          \
    BRANCH_FORM(name, type, SA, sense, SLOT_##type(pc->a), ACC_##type, 1)
#define BRANCH_ENTRIES(name, sense)                                                                \
    BRANCH_ENTRY(name, SS, sense), BRANCH_ENTRY(name, AS, sense), BRANCH_ENTRY(name, SA, sense)
#define BRANCH_INTEGER(name, type)                                                                 \
    BRANCH_SLOTS(name, type, 1)                                                                    \
    BRANCH_FORM(name, type, SK, 1, SLOT_##type(pc->a), (TYPE_##type)(i64)(i16)pc->b, 1)            \
    BRANCH_FORM(name, type, AK, 1, ACC_##type, (TYPE_##type)(i64)(i16)pc->b, 1)                    \
    BRANCH_FORM(name, type, SW, 1, SLOT_##type(pc->a), (TYPE_##type)ins_bits(pc + 1), 2)           \
    BRANCH_FORM(name, type, AW, 1, ACC_##type, (TYPE_##type)ins_bits(pc + 1), 2)                   \
    static handler *const branches_##name[DIRECTION_COUNT * 2 * FORM_BINARY_COUNT] = {             \
        BRANCH_ENTRIES(name, 1),   BRANCH_ENTRY(name, SK, 1), BRANCH_ENTRY(name, AK, 1),           \
        BRANCH_ENTRY(name, SW, 1), BRANCH_ENTRY(name, AW, 1),                                      \
    };
#define BRANCH_FLOAT(name, type)                                                                   \
    BRANCH_SLOTS(name, type, 0)                                                                    \
    BRANCH_SLOTS(name, type, 1)                                                                    \
    static handler *const branches_##name[DIRECTION_COUNT * 2 * FORM_BINARY_COUNT] = {             \
        BRANCH_ENTRIES(name, 0),                                                                   \
        BRANCH_ENTRIES(name, 1),                                                                   \
    };

// ---- memory

#define LOAD_HANDLER(name, result, bytes, form, out)                                               \
    HANDLER(name##_##form##_##out)                                                                 \
    {                                                                                              \
        u64 at = AT_##form(pc->b, bytes);                                                          \
        if (UNLIKELY(at + bytes > run->memory_size)) {                                             \
            TAIL(wasm_run_raise_memory);                                                           \
        }                                                                                          \
        OUT_##out##_##result(num_##name(memory + (size_t)at));                                     \
        NEXT(1);                                                                                   \
    }
#define LOAD_FORM(name, result, bytes, form)                                                       \
    LOAD_HANDLER(name, result, bytes, form, A)                                                     \
    LOAD_HANDLER(name, result, bytes, form, S)
#define LOAD_ENTRY(name, form)                                                                     \
    [ADDRESS_##form * OUT_COUNT + OUT_A] = name##_##form##_A,                                      \
                                  [ADDRESS_##form * OUT_COUNT + OUT_S] = name##_##form##_S
#define LOAD_ALL(name, result, bytes)                                                              \
    LOAD_FORM(name, result, bytes, S)                                                              \
    LOAD_FORM(name, result, bytes, A)                                                              \
    LOAD_FORM(name, result, bytes, K)                                                              \
    LOAD_FORM(name, result, bytes, SK)                                                             \
    LOAD_FORM(name, result, bytes, AK)                                                             \
    LOAD_FORM(name, result, bytes, AS)                                                             \
    LOAD_FORM(name, result, bytes, N)                                                              \
    LOAD_FORM(name, result, bytes, P)                                                              \
    LOAD_FORM(name, result, bytes, PK)                                                             \
    LOAD_FORM(name, result, bytes, X)                                                              \
    LOAD_FORM(name, result, bytes, XK)                                                             \
    static handler *const forms_##name[ADDRESS_COUNT * OUT_COUNT] = {                              \
        LOAD_ENTRY(name, S),  LOAD_ENTRY(name, A),  LOAD_ENTRY(name, K),  LOAD_ENTRY(name, SK),    \
        LOAD_ENTRY(name, AK), LOAD_ENTRY(name, AS), LOAD_ENTRY(name, N),  LOAD_ENTRY(name, P),     \
        LOAD_ENTRY(name, PK), LOAD_ENTRY(name, X),  LOAD_ENTRY(name, XK),                          \
    };

#define STORE_HANDLER(name, bytes, form, place, value)                                             \
    HANDLER(name##_##form##_##place)                                                               \
    {                                                                                              \
        u64 at = AT_##form(pc->a, bytes);                                                          \
        if (UNLIKELY(at + bytes > run->memory_size)) {                                             \
            TAIL(wasm_run_raise_memory);                                                           \
        }                                                                                          \
        num_##name(memory + (size_t)at, value);                                                    \
        NEXT(1);                                                                                   \
    }
#define STORE_VALUE_S(name, type, bytes, form)                                                     \
    STORE_HANDLER(name, bytes, form, S, SLOT_##type(pc->b))
#define STORE_VALUE_A(name, type, bytes, form) STORE_HANDLER(name, bytes, form, A, ACC_##type)
#define STORE_VALUE_K(name, type, bytes, form)                                                     \
    STORE_HANDLER(name, bytes, form, K, (TYPE_##type)(i64)(i16)pc->b)
#define STORE_ENTRY(name, form, place)                                                             \
    [ADDRESS_##form * FORM_UNARY_COUNT + FORM_##place] = name##_##form##_##place
// Makes EACH of every address without the accumulator, and of every one with it.
#define STORE_SLOTS(EACH, name, type, bytes)                                                       \
    EACH(name, type, bytes, S)                                                                     \
    EACH(name, type, bytes, SK)                                                                    \
    EACH(name, type, bytes, N)                                                                     \
    EACH(name, type, bytes, P)                                                                     \
    EACH(name, type, bytes, PK)                                                                    \
    EACH(name, type, bytes, X)                                                                     \
    EACH(name, type, bytes, XK)
#define STORE_ACCS(EACH, name, type, bytes)                                                        \
    EACH(name, type, bytes, A)                                                                     \
    EACH(name, type, bytes, AK)                                                                    \
    EACH(name, type, bytes, AS)
#define STORE_SLOT_ENTRIES(name, place)                                                            \
    STORE_ENTRY(name, S, place), STORE_ENTRY(name, SK, place), STORE_ENTRY(name, N, place),        \
        STORE_ENTRY(name, P, place), STORE_ENTRY(name, PK, place), STORE_ENTRY(name, X, place),    \
        STORE_ENTRY(name, XK, place)
#define STORE_ACC_ENTRIES(name, place)                                                             \
    STORE_ENTRY(name, A, place), STORE_ENTRY(name, AK, place), STORE_ENTRY(name, AS, place)
#define STORE_INTEGER(name, type, bytes)                                                           \
    STORE_SLOTS(STORE_VALUE_S, name, type, bytes)                                                  \
    STORE_SLOTS(STORE_VALUE_A, name, type, bytes)                                                  \
    STORE_SLOTS(STORE_VALUE_K, name, type, bytes)                                                  \
    STORE_ACCS(STORE_VALUE_S, name, type, bytes)                                                   \
    STORE_ACCS(STORE_VALUE_K, name, type, bytes)                                                   \
    static handler *const forms_##name[ADDRESS_COUNT * FORM_UNARY_COUNT] = {                       \
        STORE_SLOT_ENTRIES(name, S), STORE_SLOT_ENTRIES(name, A), STORE_SLOT_ENTRIES(name, K),     \
        STORE_ACC_ENTRIES(name, S),  STORE_ACC_ENTRIES(name, K),                                   \
    };
#define STORE_FLOAT(name, type, bytes)                                                             \
    STORE_SLOTS(STORE_VALUE_S, name, type, bytes)                                                  \
    STORE_SLOTS(STORE_VALUE_A, name, type, bytes)                                                  \
    STORE_ACCS(STORE_VALUE_S, name, type, bytes)                                                   \
    STORE_ACCS(STORE_VALUE_A, name, type, bytes)                                                   \
    static handler *const forms_##name[ADDRESS_COUNT * FORM_UNARY_COUNT] = {                       \
        STORE_SLOT_ENTRIES(name, S),                                                               \
        STORE_SLOT_ENTRIES(name, A),                                                               \
        STORE_ACC_ENTRIES(name, S),                                                                \
        STORE_ACC_ENTRIES(name, A),                                                                \
    };

// Sums that did not become part of an address.
#define SUM(name, value)                                                                           \
    HANDLER_SHARED(name##_a)                                                                       \
    {                                                                                              \
        ACC = (u32)(value);                                                                        \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER_SHARED(name##_s)                                                                       \
    {                                                                                              \
        fp[pc->a] = ACC = (u32)(value);                                                            \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER_SHARED(name##_q)                                                                       \
    {                                                                                              \
        fp[pc->a] = (u32)(value);                                                                  \
        NEXT(1);                                                                                   \
    }
SUM(sum_k, SLOT_I(pc->b) + pc->c)
SUM(sum_1k, (SLOT_I(pc->b) << 1) + pc->c)
SUM(sum_2k, (SLOT_I(pc->b) << 2) + pc->c)
SUM(sum_3k, (SLOT_I(pc->b) << 3) + pc->c)
SUM(sum_x, SLOT_I(pc->b) + (SLOT_I(pc->low) << pc->high))
SUM(sum_pk, SLOT_I(pc->b) + SLOT_I(pc->low) + (u32)(i16)pc->high)

// ---- one set of handlers for each row of opcodes.def

#define MAKE_COMPARE_I(name, results, traps) UNARY_ALL(name, I, I, no)
#define MAKE_COMPARE_L(name, results, traps) UNARY_ALL(name, L, I, no)
#define MAKE_COMPARE_II(name, results, traps) BINARY_ALL(name, I, I, no) BRANCH_INTEGER(name, I)
#define MAKE_COMPARE_LL(name, results, traps) BINARY_ALL(name, L, I, no) BRANCH_INTEGER(name, L)
#define MAKE_COMPARE_FF(name, results, traps) BINARY_ALL(name, F, I, no) BRANCH_FLOAT(name, F)
#define MAKE_COMPARE_DD(name, results, traps) BINARY_ALL(name, D, I, no) BRANCH_FLOAT(name, D)
#define MAKE_BINARY_II(name, results, traps) BINARY_ALL(name, I, results, traps)
#define MAKE_BINARY_LL(name, results, traps) BINARY_WIDE(name, results, traps)
#define MAKE_BINARY_FF(name, results, traps) BINARY_ALL(name, F, results, traps)
#define MAKE_BINARY_DD(name, results, traps) BINARY_ALL(name, D, results, traps)
#define MAKE_STORE_II(name, bytes) STORE_INTEGER(name, I, bytes)
#define MAKE_STORE_IL(name, bytes) STORE_INTEGER(name, L, bytes)
#define MAKE_STORE_IF(name, bytes) STORE_FLOAT(name, F, bytes)
#define MAKE_STORE_ID(name, bytes) STORE_FLOAT(name, D, bytes)

#define MAKE_CONTROL(name, operands, results, bytes, traps)
#define MAKE_PARAMETRIC(name, operands, results, bytes, traps)
#define MAKE_VARIABLE(name, operands, results, bytes, traps)
#define MAKE_TABLE(name, operands, results, bytes, traps)
#define MAKE_LOAD(name, operands, results, bytes, traps) LOAD_ALL(name, results, bytes)
#define MAKE_STORE(name, operands, results, bytes, traps) MAKE_STORE_##operands(name, bytes)
#define MAKE_MEMORY(name, operands, results, bytes, traps)
#define MAKE_CONST(name, operands, results, bytes, traps)
#define MAKE_COMPARE(name, operands, results, bytes, traps)                                        \
    MAKE_COMPARE_##operands(name, results, traps)
#define MAKE_UNARY(name, operands, results, bytes, traps) UNARY_ALL(name, operands, results, traps)
#define MAKE_BINARY(name, operands, results, bytes, traps)                                         \
    MAKE_BINARY_##operands(name, results, traps)
#define MAKE_CONVERT(name, operands, results, bytes, traps)                                        \
    UNARY_ALL(name, operands, results, traps)
#define MAKE_REFERENCE(name, operands, results, bytes, traps)
#define MAKE_BULK(name, operands, results, bytes, traps)
#define MAKE_VECTOR(name, operands, results, bytes, traps)
#define MAKE_VECTOR_LOAD(name, operands, results, bytes, traps)
#define MAKE_VECTOR_STORE(name, operands, results, bytes, traps)
#define MAKE_ATOMIC(name, operands, results, bytes, traps)
#define MAKE_WAIT(name, operands, results, bytes, traps)
#define MAKE_FENCE(name, operands, results, bytes, traps)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    MAKE_##class(name, operands, results, bytes, traps)
#include "core/wasm/opcodes.def"

#define FORMS_CONTROL(name)
#define FORMS_PARAMETRIC(name)
#define FORMS_VARIABLE(name)
#define FORMS_TABLE(name)
#define FORMS_LOAD(name) [ROW_##name] = forms_##name,
#define FORMS_STORE(name) [ROW_##name] = forms_##name,
#define FORMS_MEMORY(name)
#define FORMS_CONST(name)
#define FORMS_COMPARE(name) [ROW_##name] = forms_##name,
#define FORMS_UNARY(name) [ROW_##name] = forms_##name,
#define FORMS_BINARY(name) [ROW_##name] = forms_##name,
#define FORMS_CONVERT(name) [ROW_##name] = forms_##name,
#define FORMS_REFERENCE(name)
#define FORMS_BULK(name)
#define FORMS_VECTOR(name)
#define FORMS_VECTOR_LOAD(name)
#define FORMS_VECTOR_STORE(name)
#define FORMS_ATOMIC(name)
#define FORMS_WAIT(name)
#define FORMS_FENCE(name)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    FORMS_##class(name)
handler *const *const wasm_handlers[ROW_COUNT] = {
#include "core/wasm/opcodes.def"
};

#define BRANCHES_I(name)
#define BRANCHES_L(name)
#define BRANCHES_II(name) [ROW_##name] = branches_##name,
#define BRANCHES_LL(name) [ROW_##name] = branches_##name,
#define BRANCHES_FF(name) [ROW_##name] = branches_##name,
#define BRANCHES_DD(name) [ROW_##name] = branches_##name,
#define BRANCHED_CONTROL(name, operands)
#define BRANCHED_PARAMETRIC(name, operands)
#define BRANCHED_VARIABLE(name, operands)
#define BRANCHED_TABLE(name, operands)
#define BRANCHED_LOAD(name, operands)
#define BRANCHED_STORE(name, operands)
#define BRANCHED_MEMORY(name, operands)
#define BRANCHED_CONST(name, operands)
#define BRANCHED_COMPARE(name, operands) BRANCHES_##operands(name)
#define BRANCHED_UNARY(name, operands)
#define BRANCHED_BINARY(name, operands)
#define BRANCHED_CONVERT(name, operands)
#define BRANCHED_REFERENCE(name, operands)
#define BRANCHED_BULK(name, operands)
#define BRANCHED_VECTOR(name, operands)
#define BRANCHED_VECTOR_LOAD(name, operands)
#define BRANCHED_VECTOR_STORE(name, operands)
#define BRANCHED_ATOMIC(name, operands)
#define BRANCHED_WAIT(name, operands)
#define BRANCHED_FENCE(name, operands)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    BRANCHED_##class(name, operands)
handler *const *const wasm_branches[ROW_COUNT] = {
#include "core/wasm/opcodes.def"
};

// ---- counting loops

#define LOOP_BACK()                                                                                \
    fp[pc->a] = ACC = sum;                                                                         \
    pc += (i16)pc->high
#define LOOP_HANDLER(name, form, bound)                                                            \
    HANDLER(loop_##name##_##form)                                                                  \
    {                                                                                              \
        u32 sum = SLOT_I(pc->a) + (u32)(i16)pc->low;                                               \
        if (num_##name(sum, bound)) {                                                              \
            PAY_BRANCH_BACK(LOOP_BACK());                                                          \
            LOOP_BACK();                                                                           \
            DISPATCH();                                                                            \
        }                                                                                          \
        fp[pc->a] = ACC = sum;                                                                     \
        NEXT(1);                                                                                   \
    }
#define LOOP(name)                                                                                 \
    LOOP_HANDLER(name, S, SLOT_I(pc->b))                                                           \
    LOOP_HANDLER(name, K, (u32)(i16)pc->b)                                                         \
    static handler *const loops_##name[2] = {loop_##name##_S, loop_##name##_K};
LOOP(I32_NE)
LOOP(I32_LT_U)
LOOP(I32_LT_S)
LOOP(I32_GT_U)
LOOP(I32_GT_S)

handler *const *const wasm_loops[ROW_COUNT] = {
    [ROW_I32_NE] = loops_I32_NE,     [ROW_I32_LT_U] = loops_I32_LT_U,
    [ROW_I32_LT_S] = loops_I32_LT_S, [ROW_I32_GT_U] = loops_I32_GT_U,
    [ROW_I32_GT_S] = loops_I32_GT_S,
};

// ---- control

HANDLER_SHARED(br)
{
    BRANCH_FORWARD();
    DISPATCH();
}

HANDLER_SHARED(br_back)
{
    BRANCH_BACK();
    DISPATCH();
}

#define BR_TABLE_LAND() pc = (const struct ins *)((const u8 *)entries + distance)
#define BR_TABLE(index_operand)                                                                    \
    u32 index = index_operand;                                                                     \
    const struct ins *entries = pc + 1;                                                            \
    i32 distance = (i32)entries[index < pc->c ? index : pc->c].c;                                  \
    if (distance < 0) {                                                                            \
        PAY_BRANCH_BACK(BR_TABLE_LAND());                                                          \
    }                                                                                              \
    BR_TABLE_LAND();                                                                               \
    DISPATCH()

HANDLER_SHARED(br_table_s)
{
    BR_TABLE(SLOT_I(pc->a));
}

HANDLER_SHARED(br_table_a)
{
    BR_TABLE(ACC_I);
}

// Back to the caller. Its frame begins below ours by what its call instruction says.
#define RETURN()                                                                                   \
    pc = (const struct ins *)(uintptr_t)fp[pc->a];                                                 \
    fp -= pc[-2].a;                                                                                \
    DISPATCH()

HANDLER_SHARED(ret)
{
    RETURN();
}

HANDLER_SHARED(ret_s)
{
    u64 value = fp[pc->b];
    fp[0] = value;
    RETURN();
}

HANDLER_SHARED(ret_a)
{
    fp[0] = ACC;
    RETURN();
}

HANDLER_SHARED(ret_a_f)
{
    fp[0] = bits_f32(FACC);
    RETURN();
}

HANDLER_SHARED(ret_a_d)
{
    fp[0] = bits_f64(DACC);
    RETURN();
}

HANDLER_SHARED(ret_k)
{
    fp[0] = pc->c;
    RETURN();
}

NOINLINE HANDLER_SHARED(grow_stack)
{
    struct wasm_thread *thread = run->thread;
    size_t offset = (size_t)((u8 *)fp - thread->stack);
    run->trap = wasm_thread_stack_ensure(thread, fp, run->stack_need);
    fp = (u64 *)(void *)(thread->stack + offset);
    run->stack_end = (u64 *)(void *)(thread->stack + thread->stack_bytes);
    if (run->trap != TRAP_NONE) {
        TAIL(wasm_run_raise);
    }
    DISPATCH();
}

// Enters a function of the same instance, whose arguments begin at slot a. Nothing has changed when
// the stack must grow or the slice ends here: the instruction is run again.
#define CALL(code_operand)                                                                         \
    const struct wasm_code *code = code_operand;                                                   \
    u64 *frame = fp + pc->a;                                                                       \
    if (UNLIKELY((size_t)(run->stack_end - frame) < code->frame_slots)) {                          \
        run->stack_need = pc->a + code->frame_slots;                                               \
        TAIL(wasm_run_grow_stack);                                                                 \
    }                                                                                              \
    if (UNLIKELY(FUEL <= 0)) {                                                                     \
        TAIL(wasm_run_pause);                                                                      \
    }                                                                                              \
    FUEL -= code->cost;                                                                            \
    code_frame_enter(code, frame, pc + 2);                                                         \
    fp = frame;                                                                                    \
    pc = code_entry(code);                                                                         \
    DISPATCH()

HANDLER_SHARED(call)
{
    CALL(pc[1].data);
}

NOINLINE HANDLER_SHARED(call_host)
{
    if (UNLIKELY(FUEL <= 0)) {
        TAIL(wasm_run_pause);
    }
    struct wasm_thread *thread = run->thread;
    thread_leave(thread, run, pc, fp, FUEL - 1);
    thread->host.function = run->callee;
    thread->host.caller = run->instance;
    thread->host.slots = fp + pc->a;
    run->status = WASM_RUN_HOST;
}

// Enters run->callee, a function of another instance: its frame gets a copy of the arguments, and
// its return goes through wasm_stub_cross, which brings the results and the instance back.
NOINLINE HANDLER(call_cross)
{
    const struct wasm_func *callee = run->callee;
    const struct wasm_code *code = callee->code;
    u64 *arguments = fp + pc->a;
    u32 above = code->header + CROSS_SLOTS;
    if (UNLIKELY((size_t)(run->stack_end - arguments) < above + code->frame_slots)) {
        run->stack_need = pc->a + above + code->frame_slots;
        TAIL(wasm_run_grow_stack);
    }
    if (UNLIKELY(FUEL <= 0)) {
        TAIL(wasm_run_pause);
    }
    FUEL -= code->cost;
    u64 *cross = arguments + code->header;
    cross_put(cross, pc + 2, run->instance, code->header, callee->type->result_slots);
    fp = cross + CROSS_SLOTS;
    mem_copy(fp, arguments, callee->type->param_slots * sizeof *fp);
    code_frame_enter(code, fp, &wasm_stub_cross[2]);
    run->instance = callee->instance;
    run->globals = run->instance->globals;
    memory = memory_reload(run);
    pc = code_entry(code);
    DISPATCH();
}

HANDLER(cross_return)
{
    const u64 *cross = fp - CROSS_SLOTS;
    u64 *arguments = fp - CROSS_SLOTS - (u32)cross[2];
    pc = (const struct ins *)(uintptr_t)cross[0];
    run->instance = (struct wasm_instance *)(uintptr_t)cross[1];
    run->globals = run->instance->globals;
    memory = memory_reload(run);
    mem_move(arguments, fp, (u32)(cross[2] >> 32) * sizeof *fp);
    fp = arguments - pc[-2].a;
    DISPATCH();
}

const struct ins wasm_stub_done[3] = {[2] = {.run = done}};
const struct ins wasm_stub_cross[3] = {[2] = {.run = cross_return}};
const struct ins wasm_stub_back[3] = {[2] = {.run = back}};

HANDLER_SHARED(call_import)
{
    struct wasm_func *callee = run->instance->imports[pc->c];
    run->callee = callee;
    if (callee->instance != run->instance) {
        if (LIKELY(callee->instance == NULL)) {
            TAIL(wasm_run_call_host);
        }
        TAIL(call_cross);
    }
    CALL(callee->code);
}

#define CALL_INDIRECT(index)                                                                       \
    struct wasm_func *callee = indirect(run, pc, index);                                           \
    if (UNLIKELY(callee == NULL)) {                                                                \
        TAIL(wasm_run_raise);                                                                      \
    }                                                                                              \
    if (UNLIKELY(callee->instance != run->instance)) {                                             \
        run->callee = callee;                                                                      \
        if (callee->instance == NULL) {                                                            \
            TAIL(wasm_run_call_host);                                                              \
        }                                                                                          \
        TAIL(call_cross);                                                                          \
    }                                                                                              \
    CALL(callee->code)

HANDLER_SHARED(call_indirect_s)
{
    CALL_INDIRECT(SLOT_I(pc->b));
}

HANDLER_SHARED(call_indirect_a)
{
    CALL_INDIRECT(ACC_I);
}

// ---- values

HANDLER_SHARED(copy)
{
    fp[pc->a] = fp[pc->b];
    NEXT(1);
}

HANDLER_SHARED(copy_two)
{
    fp[pc->a] = fp[pc->b];
    fp[pc->low] = fp[pc->high];
    NEXT(1);
}

HANDLER_SHARED(copy_br)
{
    fp[pc->a] = fp[pc->b];
    BRANCH_FORWARD();
    DISPATCH();
}

HANDLER_SHARED(copy_br_back)
{
    fp[pc->a] = fp[pc->b]; // again when the slice ends here: nothing has changed in between
    BRANCH_BACK();
    DISPATCH();
}

HANDLER_SHARED(copy_32)
{
    fp[pc->a] = SLOT_I(pc->b);
    NEXT(1);
}

HANDLER_SHARED(put_32)
{
    fp[pc->a] = ACC_I;
    NEXT(1);
}

HANDLER_SHARED(copy_many)
{
    mem_move(fp + pc->a, fp + pc->b, pc->c * sizeof *fp);
    NEXT(1);
}

HANDLER_SHARED(put)
{
    fp[pc->a] = ACC;
    NEXT(1);
}

HANDLER_SHARED(put_f)
{
    fp[pc->a] = bits_f32(FACC);
    NEXT(1);
}

HANDLER_SHARED(put_d)
{
    fp[pc->a] = bits_f64(DACC);
    NEXT(1);
}

HANDLER_SHARED(const_32)
{
    fp[pc->a] = pc->c;
    NEXT(1);
}

HANDLER_SHARED(const_64)
{
    fp[pc->a] = ins_bits(pc + 1);
    NEXT(2);
}

HANDLER_SHARED(select_s)
{
    fp[pc->a] = fp[SLOT_I(pc->b) != 0 ? pc->low : pc->high];
    NEXT(1);
}

HANDLER_SHARED(select_a)
{
    fp[pc->a] = fp[ACC_I != 0 ? pc->low : pc->high];
    NEXT(1);
}

#define GLOBAL_GET(name, out, type)                                                                \
    HANDLER_SHARED(name)                                                                           \
    {                                                                                              \
        const u64 *value = run->globals[pc->c]->value;                                             \
        OUT_##out##_##type;                                                                        \
        NEXT(1);                                                                                   \
    }
GLOBAL_GET(global_get_a, A, L(*value))
GLOBAL_GET(global_get_s, S, L(*value))
GLOBAL_GET(global_get_a_f, A, F(f32_bits((u32)*value)))
GLOBAL_GET(global_get_s_f, S, F(f32_bits((u32)*value)))
GLOBAL_GET(global_get_a_d, A, D(f64_bits(*value)))
GLOBAL_GET(global_get_s_d, S, D(f64_bits(*value)))

#define GLOBAL_SET(name, bits)                                                                     \
    HANDLER_SHARED(name)                                                                           \
    {                                                                                              \
        run->globals[pc->c]->value[0] = bits;                                                      \
        NEXT(1);                                                                                   \
    }
GLOBAL_SET(global_set_s, fp[pc->b])
GLOBAL_SET(global_set_a, ACC)
GLOBAL_SET(global_set_a_f, bits_f32(FACC))
GLOBAL_SET(global_set_a_d, bits_f64(DACC))

HANDLER_SHARED(table_get)
{
    const struct wasm_table *table = run->instance->tables[pc->c];
    u32 index = SLOT_I(pc->b);
    if (UNLIKELY(index >= table->count)) {
        TAIL(wasm_run_raise_table);
    }
    fp[pc->a] = table->elements[index];
    NEXT(1);
}

HANDLER_SHARED(table_set)
{
    const struct wasm_table *table = run->instance->tables[pc->c];
    u32 index = SLOT_I(pc->a);
    if (UNLIKELY(index >= table->count)) {
        TAIL(wasm_run_raise_table);
    }
    table->elements[index] = fp[pc->b];
    NEXT(1);
}

HANDLER_SHARED(table_size)
{
    fp[pc->a] = run->instance->tables[pc->c]->count;
    NEXT(1);
}

HANDLER_SHARED(memory_size)
{
    fp[pc->a] = wasm_memory_bytes(run->instance->memory) / WASM_PAGE_BYTES;
    NEXT(1);
}

HANDLER_SHARED(memory_size_of)
{
    fp[pc->a] = wasm_memory_bytes(run->instance->memories[pc->c]) / WASM_PAGE_BYTES;
    NEXT(1);
}

// Around a load or store of another memory than 0: it runs as if that were memory 0. No slice ends
// in between; where it traps, the run is over.
HANDLER_SHARED(memory_use)
{
    run->other = run->instance->memories[pc->c];
    run->memory_size = wasm_memory_bytes(run->other);
    memory = run->other->base;
    NEXT(1);
}

HANDLER_SHARED(memory_back)
{
    run->other = NULL;
    memory = memory_reload(run);
    NEXT(1);
}

HANDLER_SHARED(ref_func)
{
    fp[pc->a] = (u64)(uintptr_t)wasm_instance_func(run->instance, pc->c);
    NEXT(1);
}

// ---- entering

#define ENTER_STATE_NARROW pc, fp, memory, run
#define ENTER_STATE_WIDE pc, fp, memory, run, run->acc, run->fuel, run->facc, run->dacc

NOINLINE void wasm_run_enter(struct run *run, const struct ins *pc, u64 *fp, u8 *memory)
{
    pc->run(STATE_PICK(ENTER_STATE_));
}
