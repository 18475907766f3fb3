// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/code.h: the interpreter's own code, and what runs it. Private to translate.c,
// interpreter.c, instance.c and thread.c, and to core/jit, which shares instances and threads with
// them; docs/wasm.md describes it as a whole.
//
// A function becomes an array of struct ins, each a pointer to its handler and up to four operands.
// Operands are slots (8 bytes) of the running frame, immediates, or an accumulator: the handler
// before left the value in a register of the CPU. Each handler ends by jumping to the next
// instruction's handler.
#pragma once
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/types.h"
#include "core/wasm/instance.h"
#include "core/wasm/module.h"
#include "core/wasm/thread.h"
#include "core/wasm/trap.h"

struct ins;

// What every handler is given and passes on, in registers where the CPU has enough:
//   pc      the instruction      fp    slots of the running frame     memory  base of memory 0
//   run     all else             acc   accumulator for i32 and i64    fuel    units left
//   facc    for f32              dacc  for f64
// WORD_STATE, a word of the compiler (mk/compiler.mk), is WIDE or NARROW. NARROW is for a CPU that
// passes four words in registers: the rest of the state then lies in struct run.
#define STATE_PASTE_(name, word) name##word
#define STATE_PASTE(name, word) STATE_PASTE_(name, word)
#define STATE_PICK(name) STATE_PASTE(name, WORD_STATE)
#define STATE_PARAMS_NARROW                                                                        \
    const struct ins *pc UNUSED, u64 *fp UNUSED, u8 *memory UNUSED, struct run *run UNUSED
#define STATE_PARAMS_WIDE                                                                          \
    STATE_PARAMS_NARROW, u64 acc UNUSED, i64 fuel UNUSED, f32 facc UNUSED, f64 dacc UNUSED
#define STATE_NARROW pc, fp, memory, run
#define STATE_WIDE STATE_NARROW, acc, fuel, facc, dacc
#define STATE_PARAMS STATE_PICK(STATE_PARAMS_)
#define STATE STATE_PICK(STATE_)
#define ACC_WIDE acc
#define ACC_NARROW run->acc
#define ACC STATE_PICK(ACC_)
#define FUEL_WIDE fuel
#define FUEL_NARROW run->fuel
#define FUEL STATE_PICK(FUEL_)
#define FACC_WIDE facc
#define FACC_NARROW run->facc
#define FACC STATE_PICK(FACC_)
#define DACC_WIDE dacc
#define DACC_NARROW run->dacc
#define DACC STATE_PICK(DACC_)

struct run;
typedef WORD_PRESERVE_NONE void handler(STATE_PARAMS);

// One instruction. The meaning of a, b and c is each handler's own; `c` of a branch is the distance
// in bytes from this instruction to its target. Some instructions are followed by a second struct
// ins that holds an address in `data` or 64 bits in the place of a, b and c (ins_bits). That of a
// call or a throw also says, for exceptions, a: where its function has its return address (header),
// and c: the innermost try_table around it, its number in the module plus 1; 0: none.
struct ins {
    union {
        handler *run;
        const void *data;
    };
    u16 a;
    u16 b;
    union {
        u32 c;
        struct {
            u16 low;
            u16 high;
        };
    };
};
STATIC_ASSERT(sizeof(struct ins) == 8 + sizeof(void *));

static inline u64 ins_bits(const struct ins *ins)
{
    u64 bits;
    __builtin_memcpy(&bits, &ins->a, sizeof bits);
    return bits;
}

enum { CODE_KINDS = 2 }; // of compiled code

// A translated function. Its frame, from slot 0: parameters (and later results) up to `header`;
// there, the address to return to; then the declared locals, then the operand stack.
struct wasm_code {
    // Where a call begins: at `first`, or at a wasm_run_compiled that stands for compiled code.
    // Another worker may change it at any time: read by code_entry.
    const struct ins *entry;
    const struct ins *first;
    // Where compiled code goes to call it, by the kind of that code (enum jit_bounds); set before
    // the first function of the module is compiled so.
    const void *compiled[CODE_KINDS];
    u32 frame_slots; // of the whole frame
    u16 header;      // max(parameters, results)
    u16 zero_count;  // declared locals, which start as zero
    u32 cost;        // fuel of a call
    u32 function;    // index in its module
    u32 ins_count;
    u32 try_first; // of module->tries: its own, in the order of the body
    u32 try_count;
    u32 origins_bytes;
    const u8
        *origins; // for each instruction an LEB128: how much further in the file its origin lies
};

static inline const struct ins *code_entry(const struct wasm_code *code)
{
    return __atomic_load_n(&code->entry, __ATOMIC_RELAXED); // what it points to depends on it
}

// Locals cleared for the one unit of fuel that a call costs; each further lot costs one more.
enum { CODE_ZERO_COUNT_PER_FUEL = 64 };

// Operand forms of a handler. S: a slot; A: the accumulator of its type; K: an immediate; W: an
// immediate of 64 bits in a second struct ins.
enum form {
    FORM_SS,
    FORM_SK,
    FORM_AS,
    FORM_SA,
    FORM_AK,
    FORM_KS,
    FORM_KA,
    FORM_SW,
    FORM_AW,
    FORM_BINARY_COUNT
};
enum form_unary { FORM_S, FORM_A, FORM_K, FORM_UNARY_COUNT };

// Forms of an address. `offset` is that of the instruction in the file, added without wrapping;
// everything else wraps at 32 bits. `scale` is log2 of the bytes accessed. Of a load the first slot
// is b, of a store a.
enum address {
    ADDRESS_S,  // slot                         + offset c
    ADDRESS_A,  // acc                          + offset c
    ADDRESS_K,  // immediate c, the offset included; loads only
    ADDRESS_SK, // slot + c
    ADDRESS_AK, // acc + c
    ADDRESS_AS, // acc + slot                   + offset c
    ADDRESS_N,  // (slot << scale) + c
    ADDRESS_P,  // slot + slot low              + offset high
    ADDRESS_PK, // slot + slot low + high (signed)
    ADDRESS_X,  // slot + (slot low << scale)   + offset high
    ADDRESS_XK, // slot + (slot low << scale) + high (signed)
    ADDRESS_COUNT
};

// Where a handler puts its result: into the accumulator alone, or also into slot a.
enum out { OUT_A, OUT_S, OUT_COUNT };
// Branches that go back cost fuel.
enum direction { DIRECTION_FORWARD, DIRECTION_BACK, DIRECTION_COUNT };

// Instructions of opcodes.def by row.
enum row {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##name,
#include "core/wasm/opcodes.def"
    ROW_COUNT
};

// Handlers of comparisons, arithmetic and conversions: [form * OUT_COUNT + out]; of loads:
// [address * OUT_COUNT + out]; of stores: [address * FORM_UNARY_COUNT + form_value]. NULL where
// there is none.
//   BINARY  SS b, c   SK b, c   AS b   SA b   AK c   KS b, c   KA c   SW b   AW      out a
//   UNARY   S b   A                                                                  out a
//   LOAD    see enum address                                                         out a
//   STORE   see enum address; value S b, A, K b (signed)
// The immediate of an f64 is in the second struct ins, that of an i64 is extended from c with its
// sign. W is for i64 alone.
extern handler *const *const wasm_handlers[ROW_COUNT];

// Branches on a comparison: [(direction * 2 + sense) * FORM_BINARY_COUNT + form], taken when the
// comparison is `sense` (0 only for floats: an integer comparison has an opposite).
//   SS a, b   SK a, b (signed)   AS b   SA a   AK b (signed)   SW a   AW; c the distance
// No K and W for floats.
extern handler *const *const wasm_branches[ROW_COUNT];

// The end of a counting loop: a += low (signed), then a branch back by `high` (signed,
// instructions) if the sum compares so with b: a slot, or (second) an immediate with its sign. NULL
// for most rows.
extern handler *const *const wasm_loops[ROW_COUNT];

// Instructions on v128, each of which lies in the slot that is named and the one behind it.
//   by operands  V b   VV b, low   VVV b, low, high   a scalar in slot b     [0]           out a
//   shifts       vector b, count in slot low (FORM_S) or immediate c (K)     [form]        out a
//   to a scalar  vector b, lane c                                            [out]
//   new lane     vector b, scalar in slot low, lane high                     [0]           out a
//   shuffle      b, low; then two ins: the lanes' numbers                    [0]           out a
//   memory       a load's or a store's address; a store's value b            [address]     out a
//   of a lane    address: slot b + c; then ins: a other lanes, b lane        [0]           out a
//                a store: slot a + c, vector b; then ins: b lane             [0]
extern handler *const *const wasm_vectors[ROW_COUNT];

// Everything else.
#define CODE_OTHERS(X)                                                                             \
    X(br)                   /* c */                                                                \
    X(br_back)              /* c */                                                                \
    X(br_table_s)           /* a slot, c count; then count + 1 ins: c, from the first of them */   \
    X(br_table_a)           /* c as above */                                                       \
    X(ret)                  /* a header */                                                         \
    X(ret_s)                /* a header, b slot: one result */                                     \
    X(ret_a)                /* a header */                                                         \
    X(ret_a_f)              /* a header */                                                         \
    X(ret_a_d)              /* a header */                                                         \
    X(ret_k)                /* a header, c value, zero-extended */                                 \
    X(call)                 /* a slot of first argument; then ins: data a struct wasm_code */      \
    X(call_import)          /* a as above, c index of the import; then an empty ins */             \
    X(call_indirect_s)      /* a same, b slot, c table; then ins: data a type */                   \
    X(call_indirect_a)      /* the same without b */                                               \
    X(tail_call)            /* a as call, c slots of parameters; the second ins: a header */       \
    X(tail_call_import)     /* as call_import; the second ins: a header */                         \
    X(tail_call_indirect_s) /* as call_indirect_s; the second ins: a header */                     \
    X(tail_call_indirect_a) /* the same without b */                                               \
    X(copy)                 /* a to, b from */                                                     \
    X(copy_br)              /* a to, b from, then c */                                             \
    X(copy_br_back)         /* a to, b from, then c */                                             \
    X(copy_two)             /* a to, b from; then low to, high from */                             \
    X(copy_32)              /* a to, b from: the low half, zero-extended */                        \
    X(put_32)               /* a to, from acc: the same */                                         \
    X(copy_many)            /* a to, b from, c count; overlapping ones go down */                  \
    X(put)                  /* a to, from acc */                                                   \
    X(put_f)                /* a to, from facc */                                                  \
    X(put_d)                /* a to, from dacc */                                                  \
    X(const_32)             /* a to, c zero-extended */                                            \
    X(const_64)             /* a to; then ins: bits */                                             \
    X(select_s)             /* a to, b condition, low, high: slots */                              \
    X(select_a)             /* a to, low, high */                                                  \
    X(global_get_a)         /* c global */                                                         \
    X(global_get_s)         /* a to, c global */                                                   \
    X(global_get_a_f)       /* */                                                                  \
    X(global_get_s_f)       /* */                                                                  \
    X(global_get_a_d)       /* */                                                                  \
    X(global_get_s_d)       /* */                                                                  \
    X(global_set_s)         /* b from, c global */                                                 \
    X(global_set_a)         /* c global */                                                         \
    X(global_set_a_f)       /* */                                                                  \
    X(global_set_a_d)       /* */                                                                  \
    X(table_get)            /* a to, b index, c table */                                           \
    X(table_set)            /* a index, b from, c table */                                         \
    X(table_size)           /* a to, c table */                                                    \
    X(memory_size)          /* a to */                                                             \
    X(memory_size_of)       /* a to, c memory */                                                   \
    X(memory_use)           /* c memory of the next instruction, a load or store; then */          \
    X(memory_back)          /* comes this one */                                                   \
    X(ref_func)             /* a to, c function */                                                 \
    X(throw)                /* a slot of first value, c tag; then an empty ins: see struct ins */  \
    X(throw_ref)            /* a slot; then the same */                                            \
    X(unreachable)          /* */                                                                  \
    X(atomic)               /* a first operand and to, b kind and width (core/wasm/atomic.h), c */ \
    X(fence)                /* */                                                                  \
    X(park)         /* a first operand and to, b wasm_park_bits, c offset; then an empty ins */    \
    X(memory_grow)  /* a to and from, c memory */                                                  \
    X(memory_init)  /* a first of three slots, b memory, c segment */                              \
    X(memory_copy)  /* a, low memory to, high memory from */                                       \
    X(memory_fill)  /* a, c memory */                                                              \
    X(data_drop)    /* c segment */                                                                \
    X(table_init)   /* a, b table, c segment */                                                    \
    X(table_copy)   /* a, low table to, high table from */                                         \
    X(table_fill)   /* a, c table */                                                               \
    X(table_grow)   /* a first of two slots and to, c table */                                     \
    X(elem_drop)    /* c segment */                                                                \
    X(compiled)     /* c function; then ret; then data the function's own first instruction */     \
    X(const_128)    /* a to, a and its neighbour as everywhere below; then two ins: bits */        \
    X(select_v_s)   /* a to, b condition, low, high: slots */                                      \
    X(select_v_a)   /* a to, low, high */                                                          \
    X(pay)          /* c units of fuel, for what comes before it */                                \
    X(probe)        /* a slots of the operand stack, c offset in the file: see load.h */           \
    X(global_get_v) /* a to, c global */                                                           \
    X(global_set_v) /* b from, c global */

// Sums for addresses, i32. In three ways each: into acc (_a), into slot a and acc (_s), into slot a
// alone (_q).
#define CODE_SUMS(X)                                                                               \
    X(sum_k)  /* slot b + c */                                                                     \
    X(sum_1k) /* (slot b << 1) + c */                                                              \
    X(sum_2k) /* (slot b << 2) + c */                                                              \
    X(sum_3k) /* (slot b << 3) + c */                                                              \
    X(sum_x)  /* slot b + (slot low << high) */                                                    \
    X(sum_pk) /* slot b + slot low + high (signed) */
enum sum_out { SUM_A, SUM_S, SUM_Q, SUM_OUT_COUNT };

#define CODE_SUM_DECLARE(name)                                                                     \
    handler wasm_run_##name##_a;                                                                   \
    handler wasm_run_##name##_s;                                                                   \
    handler wasm_run_##name##_q;
CODE_SUMS(CODE_SUM_DECLARE)

#define CODE_HANDLER_DECLARE(name) handler wasm_run_##name;
CODE_OTHERS(CODE_HANDLER_DECLARE)

// The state of a slice: what handlers need beside their registers, and how it ended.
struct run {
    u64 memory_size;                 // bytes of memory 0
    const struct wasm_memory *other; // that is in its place, see memory_use; NULL: none
    u64 *stack_end;
    struct wasm_instance *instance;
    struct wasm_global *const *globals; // of the instance
    struct wasm_thread *thread;
    u64 acc;
    i64 fuel;
    f64 dacc;
    f32 facc;
    enum trap trap;
    enum wasm_run status;
    bool at_loop;             // PAUSED: pc is where a loop begins, and no accumulator is needed
    u32 stack_need;           // slots behind fp that the call under way needs
    struct wasm_func *callee; // of the call under way
    i64 *units;               // what is left of the caller's fuel; written at the end
    u64 *fp;                  // at the end, but for HOST
};

// Globals, tables and further memories that the instance defined follow it in the same piece of
// memory.
struct wasm_instance {
    const struct wasm_module *module;
    struct wasm_store *store;
    struct wasm_memory *memory;    // memory 0, own or imported; NULL: none
    struct wasm_memory **memories; // by index; [0] is `memory`
    struct wasm_global **globals;  // by index
    struct wasm_table **tables;    // by index
    struct wasm_func **imports;    // imported functions by index
    struct wasm_func *functions;   // those that can become values, see wasm_module.reference_count
    u32 *dropped;                  // bits: element segments, then data segments
    void *compiled;        // struct jit_module: calls of its functions may go there; NULL: none may
    void *runner;          // struct jit_thread: the thread that runs compiled code of this instance
    const void *resume;    // where such a thread goes on that was interrupted
    const void *stack_end; // the lowest address to which its stack pointer may go
    struct wasm_memory own_memory; // the first that the module defines; store NULL: none
    struct wasm_tag **tags;        // by index
    // Among the instances of the store that may hold an exnref: where the one before names it.
    struct wasm_instance *next;
    struct wasm_instance **link; // NULL: it is none of them
    struct wasm_global own_globals[];
};
STATIC_ASSERT(sizeof(struct wasm_instance) == offsetof(struct wasm_instance, own_globals));

// Offset of the first table that the instance defined, which is behind its globals.
static inline size_t instance_tables_offset(const struct wasm_module *module)
{
    return sizeof(struct wasm_instance) +
           (module->global_count - module->global_import_count) * sizeof(struct wasm_global);
}

static inline struct wasm_table *instance_own_tables(struct wasm_instance *instance)
{
    return (struct wasm_table *)(void *)((u8 *)instance + instance_tables_offset(instance->module));
}

// Offset of the second memory that the instance defined, which is behind its tables.
static inline size_t instance_memories_offset(const struct wasm_module *module)
{
    return instance_tables_offset(module) +
           (module->table_count - module->table_import_count) * sizeof(struct wasm_table);
}

// By its number among those that the instance defined.
static inline struct wasm_memory *instance_own_memory(struct wasm_instance *instance, u32 number)
{
    u8 *more = (u8 *)instance + instance_memories_offset(instance->module);
    return number == 0 ? &instance->own_memory : (struct wasm_memory *)(void *)more + (number - 1);
}

static inline bool instance_dropped(const struct wasm_instance *instance, u32 bit)
{
    return instance->dropped[bit / 32] >> bit % 32 & 1;
}

static inline void instance_drop(struct wasm_instance *instance, u32 bit)
{
    instance->dropped[bit / 32] |= (u32)1 << bit % 32;
}

// Whether [offset, offset + count) lies inside [0, size).
static inline bool range_inside(u64 offset, u64 count, u64 size)
{
    return offset <= size && count <= size - offset;
}

// What a constant expression gives, and what an item of a segment is.
wasm_slot wasm_instance_const(struct wasm_instance *instance, const struct wasm_const *value);
wasm_slot wasm_instance_item(struct wasm_instance *instance, const struct wasm_elem_item *item);

// Puts `count` more elements into a table. False when its type or the machine has no room.
bool wasm_table_grow(struct wasm_table *table, u32 count, wasm_slot value);
// The same in portions that *fuel pays for, one unit for WASM_FUEL_BULK_BYTES that are written: the
// new elements, and all that were there when the block has no room and they move to another. Until
// it is done the table is what it was.
//   is_new      not the continuation of the one that returned ERR_PAUSED
// ERR_LIMIT, ERR_NO_MEMORY  refused
enum err wasm_table_grow_step(struct wasm_table *table, bool is_new, u32 count, wasm_slot value,
                              i64 *fuel);

// Grows a memory. *before receives how many pages it had.
// ERR_LIMIT, ERR_NO_MEMORY  its type or the machine has no room
// ERR_PAUSED                another thread grows it this moment: to be tried again
enum err wasm_memory_grow(struct wasm_memory *memory, u32 pages, u32 *before);

bool wasm_type_equal(const struct wasm_func_type *a, const struct wasm_func_type *b);

// Runs from `pc` until something ends the slice; `run` then says what.
// Not inline: a caller whose stack is realigned (by a sanitizer) keeps its frame in a register that
// no handler preserves.
void wasm_run_enter(struct run *run, const struct ins *pc, u64 *fp, u8 *memory);

// Writes back what handlers kept in registers, and where they stopped.
static ALWAYS_INLINE void thread_leave(struct wasm_thread *thread, const struct run *run,
                                       const struct ins *pc, const u64 *fp, i64 fuel)
{
    *run->units = fuel < 0 ? 0 : fuel;
    thread->pc = pc;
    thread->frame_offset = (u32)((const u8 *)fp - thread->stack);
    thread->instance = run->instance;
}

// What a frame returns to: for the first of a thread, and for one called from another instance. The
// return address of a call is two instructions behind it, so these have two before them.
extern const struct ins wasm_stub_done[3];
extern const struct ins wasm_stub_cross[3];
// The same for one called from compiled code; its frame begins as one called from another instance.
extern const struct ins wasm_stub_back[3];
// Slots between the arguments of a call into another instance and the copy of them that its frame
// begins with: return address, calling instance, and the slots of arguments and results in the low
// and high half.
enum { CROSS_SLOTS = 3 };

// Writes them: `header` slots of arguments lie below.
static inline void cross_put(u64 *cross, const struct ins *return_to,
                             struct wasm_instance *instance, u32 header, u32 result_slots)
{
    cross[0] = (u64)(uintptr_t)return_to;
    cross[1] = (u64)(uintptr_t)instance;
    cross[2] = header | (u64)result_slots << 32;
}

// Whether a frame that returns there may be one of any instance.
static inline bool stub_restores(const struct ins *return_to)
{
    return return_to == &wasm_stub_done[2] || return_to == &wasm_stub_cross[2] ||
           return_to == &wasm_stub_back[2];
}

// Makes room for `slots` more slots behind fp. A trap when the limit or the machine forbids it. The
// stack may move: offsets within it stay.
enum trap wasm_thread_stack_ensure(struct wasm_thread *thread, const u64 *fp, u32 slots);

// Prepares the frame of `code` on arguments at fp.
static ALWAYS_INLINE void code_frame_enter(const struct wasm_code *code, u64 *fp,
                                           const struct ins *return_to)
{
    u64 *at = fp + code->header;
    *at++ = (u64)(uintptr_t)return_to;
    for (u32 left = code->zero_count; left != 0; left--) {
        *at++ = 0;
        COMPILER_FENCE(); // a loop, not a call of memset: most functions have few locals
    }
}
