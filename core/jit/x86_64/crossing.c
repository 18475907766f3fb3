// SPDX-License-Identifier: GPL-3.0-or-later
// The pieces of code between compiled functions and the rest (docs/jit.md, "Crossings"). All keep
// r14, so that whoever interrupts them finds the thread; what is interrupted between the switch of
// stacks and its neighbours is not compiled code (struct jit_code.is_stub).
#include "core/jit/x86_64/crossing.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/registers.h"
#include "core/jit/aside.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/layout.h"
#include "core/jit/limits.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/jit/x86_64/asm.h"
#include "core/jit/x86_64/bulk.h"
#include "core/jit/x86_64/convention.h"

#define THREAD(field) ((i32)offsetof(struct jit_thread, field))
#define ASIDE(field) ((i32)offsetof(struct jit_aside, field))
#define SAVED(field) ((i32)offsetof(struct jit_thread, registers.field))

static const u8 of_worker[] = {X64_RBX, X64_RBP, X64_R12, X64_R13, X64_R14, X64_R15};
static const u8 preserved[] = {X64_RBX, X64_RBP, X64_R12, X64_R13};
enum { PRESERVED_BYTES = sizeof preserved * 8, RESUME_BYTES = 8 };

static void load(struct assembler *as, u8 reg, u8 base, i32 offset)
{
    asm_rm(as, X64_MOV, true, reg, asm_at(base, offset));
}

static void store(struct assembler *as, u8 reg, u8 base, i32 offset)
{
    asm_rm(as, X64_MOV_MR, true, reg, asm_at(base, offset));
}

// ---- stubs

// From C, with the thread in rdi: the worker's registers and stack are kept.
static void put_worker_leave(struct assembler *as, const struct jit_options *options)
{
    for (u32 i = 0; i < COUNT_OF(of_worker); i++) {
        asm_r(as, X64_PUSH, true, of_worker[i]);
    }
    store(as, X64_RSP, X64_RDI, THREAD(worker_sp));
    load(as, X64_R14, X64_RDI, THREAD(instance));
    if (options->segment) {
        load(as, X64_R15, X64_RDI, THREAD(memory));
        asm_r(as, X64_WRGSBASE, true, X64_R15);
    }
}

static void put_stub_enter(struct assembler *as, const struct jit_options *options)
{
    put_worker_leave(as, options);
    load(as, X64_R15, X64_RDI, THREAD(memory));
    load(as, X64_RSP, X64_RDI, THREAD(sp));
    asm_m(as, X64_JMP_M, true, asm_at(X64_RSP, 0));
}

static void put_stub_resume(struct assembler *as, const struct jit_options *options)
{
    put_worker_leave(as, options);
    asm_m(as, X64_PUSH_M, true, asm_at(X64_RDI, SAVED(flags)));
    asm_none(as, X64_POPFQ, true); // nothing below changes the flags
    for (u8 i = 0; i < 16; i++) {
        asm_rm(as, X64_MOVUPS, false, (u8)(X64_XMM0 + i), asm_at(X64_RDI, SAVED(vector) + 16 * i));
    }
    for (u8 i = X64_RAX; i <= X64_R15; i++) {
        if (i != X64_RDI && i != X64_R14) {
            load(as, i, X64_RDI, SAVED(integer) + 8 * i);
        }
    }
    load(as, X64_RDI, X64_RDI, SAVED(integer) + 8 * X64_RDI);
    asm_m(as, X64_JMP_M, true, asm_at(X64_R14, JIT_INSTANCE_RESUME));
}

// From C, with the aside in rdi: its registers and stack for those of the other side.
static void put_stub_swap(struct assembler *as, bool begins)
{
    for (u32 i = 0; i < COUNT_OF(of_worker); i++) {
        asm_r(as, X64_PUSH, true, of_worker[i]);
    }
    load(as, X64_RAX, X64_RDI, ASIDE(sp));
    store(as, X64_RSP, X64_RDI, ASIDE(sp));
    asm_rr(as, X64_MOV, true, X64_RSP, X64_RAX);
    if (begins) {
        asm_m(as, X64_CALL_M, true, asm_at(X64_RDI, ASIDE(run)));
        asm_none(as, X64_UD2, true);
        return;
    }
    for (u32 i = COUNT_OF(of_worker); i-- > 0;) {
        asm_r(as, X64_POP, true, of_worker[i]);
    }
    asm_none(as, X64_RET, true);
}

// With the reason in eax. What is on the stack decides where an entry goes on.
static void put_stub_leave(struct assembler *as)
{
    load(as, X64_RCX, X64_R14, JIT_INSTANCE_RUNNER);
    store(as, X64_RSP, X64_RCX, THREAD(sp));
    load(as, X64_RSP, X64_RCX, THREAD(worker_sp));
    for (u32 i = COUNT_OF(of_worker); i-- > 0;) {
        asm_r(as, X64_POP, true, of_worker[i]);
    }
    asm_none(as, X64_RET, true);
}

// ---- values that cross

struct crossing {
    struct assembler as;
    const struct wasm_func_type *type;
    i32 slots; // offset of the slots from slots_base
    u8 slots_base;
    i32 stack; // offset from rsp of what lies at the stack pointer of the call
};

static enum x64_op move_op(u8 type, bool to_memory)
{
    switch (type) {
    case WASM_F32:
        return to_memory ? X64_MOVSS_MR : X64_MOVSS;
    case WASM_F64:
        return to_memory ? X64_MOVSD_MR : X64_MOVSD;
    case WASM_V128:
        return to_memory ? X64_MOVUPS_MR : X64_MOVUPS;
    default:
        return to_memory ? X64_MOV_MR : X64_MOV;
    }
}

// Moves the values in registers, or those on the stack (by way of r11), between where a call has
// them and the slots. An i32 or f32 in a slot has zeros above it: it is read as 32 bits and written
// as 64, f32 by way of r11 as well.
static void put_values(struct crossing *c, bool are_results, bool to_slots, bool in_registers)
{
    struct assembler *as = &c->as;
    const struct wasm_func_type *type = c->type;
    const u8 *types = type->types + (are_results ? type->param_count : 0);
    u32 count = are_results ? type->result_count : type->param_count;
    struct x64_cursor cursor = {0};
    i32 slot = c->slots;
    for (u32 i = 0; i < count; i++) {
        struct x64_location at = x64_next(&cursor, types[i], are_results);
        struct asm_mem here = asm_at(c->slots_base, slot);
        slot += types[i] == WASM_V128 ? 16 : 8;
        if ((at.reg != X64_NONE) != in_registers) {
            continue;
        }
        if (at.reg != X64_NONE) {
            if (to_slots && types[i] == WASM_F32) {
                asm_mi(as, X64_MOV_I, true, here, 0);
            }
            bool is_wide = types[i] != WASM_I32 || to_slots;
            asm_rm(as, move_op(types[i], to_slots), is_wide, at.reg, here);
            continue;
        }
        struct asm_mem there = asm_at(X64_RSP, c->stack + (i32)at.offset);
        for (i32 part = 0; part < (types[i] == WASM_V128 ? 16 : 8); part += 8) {
            bool is_short = types[i] == WASM_I32 || types[i] == WASM_F32;
            asm_rm(as, X64_MOV, !is_short, X64_R11, to_slots ? there : here);
            asm_rm(as, X64_MOV_MR, true, X64_R11, to_slots ? here : there);
            there.disp += 8;
            here.disp += 8;
        }
    }
}

u32 x64_stack_words(const struct wasm_func_type *type)
{
    struct x64_cursor arguments = {0};
    struct x64_cursor results = {0};
    for (u32 i = 0; i < type->param_count; i++) {
        (void)x64_next(&arguments, type->types[i], false);
    }
    for (u32 i = 0; i < type->result_count; i++) {
        (void)x64_next(&results, type->types[type->param_count + i], true);
    }
    u32 bytes =
        arguments.stack_bytes > results.stack_bytes ? arguments.stack_bytes : results.stack_bytes;
    return bytes / (u32)sizeof(u64);
}

static u32 slots_bytes(const u8 *types, u32 count)
{
    u32 bytes = 0;
    for (u32 i = 0; i < count; i++) {
        bytes += types[i] == WASM_V128 ? 16 : 8;
    }
    return bytes;
}

static u32 round_up(u32 value, u32 to)
{
    return (value + to - 1) / to * to;
}

static void put_sp_add(struct assembler *as, enum x64_op op, u32 bytes)
{
    asm_ri(as, op, true, X64_RSP, bytes);
}

// Leaves through the stub, the thread in rbx; resumed, goes on behind it. Jumps, so that the CPU's
// memory of calls and returns stays that of the C code around: the stub's return is the one for the
// call that brought us here.
static void put_leave(struct assembler *as, enum jit_leave reason)
{
    u32 resume = asm_label(as);
    asm_rm(as, X64_LEA, true, X64_RCX,
           (struct asm_mem){.base = ASM_BASE_LABEL, .index = X64_NONE, .disp = (i32)resume});
    store(as, X64_RCX, X64_RSP, 0);
    asm_mov_imm(as, X64_RAX, reason);
    asm_m(as, X64_JMP_M, true, asm_at(X64_RBX, THREAD(leave)));
    asm_bind(as, resume);
}

// Completes `out`, whose frame is known.
static enum err finish(struct assembler *as, u32 prologue, struct arena *arena,
                       struct jit_function *out)
{
    TRY(asm_finish(as, arena, &out->code, &out->code_bytes));
    out->prologue_bytes = asm_mark_offset(as, prologue);
    return ERR_OK;
}

// Arguments and results on the stack and, when they are used no more, where put_leave writes.
static u32 enter_outgoing(const struct wasm_func_type *type, const struct jit_options *options)
{
    u32 words = x64_stack_words(type);
    u32 outgoing = (words > options->tail_words ? words : options->tail_words) * (u32)sizeof(u64);
    return outgoing < RESUME_BYTES ? RESUME_BYTES : outgoing;
}

static u32 enter_frame(const struct wasm_func_type *type, const struct jit_options *options)
{
    u32 results = slots_bytes(type->types + type->param_count, type->result_count);
    return round_up(enter_outgoing(type, options) + results, 16) +
           8; // 16-aligned: entered like a function
}

static u32 leave_frame(const struct wasm_func_type *type)
{
    u32 arguments = slots_bytes(type->types, type->param_count);
    u32 results = slots_bytes(type->types + type->param_count, type->result_count);
    u32 most = arguments > results ? arguments : results;
    return round_up(RESUME_BYTES + PRESERVED_BYTES + most, 16) + 8;
}

bool x64_is_tail(const u8 *entered, const struct wasm_func_type *entered_type, const u8 *left,
                 const struct wasm_func_type *left_type, const struct jit_options *options)
{
    const u8 *return_address = entered - enter_frame(entered_type, options) - 8;
    return left + leave_frame(left_type) == return_address;
}

// rbx: the thread, rbp: its slots; both are preserved by the function that is called.
enum err x64_emit_enter(const struct wasm_func_type *type, const struct jit_options *options,
                        struct arena *scratch, struct arena *arena, struct jit_function *out)
{
    u32 outgoing = enter_outgoing(type, options);
    u32 frame = enter_frame(type, options);
    struct crossing c = {.type = type, .slots_base = X64_RBP};
    struct assembler *as = &c.as;
    asm_init(as, options->features, scratch);
    put_sp_add(as, X64_SUB_I, frame);
    u32 prologue = asm_mark(as);
    load(as, X64_RBX, X64_R14, JIT_INSTANCE_RUNNER);
    load(as, X64_RBP, X64_RBX, THREAD(slots));
    put_values(&c, false, false, false);
    put_values(&c, false, false, true);
    asm_m(as, X64_CALL_M, true, asm_at(X64_RBX, THREAD(target)));
    c.slots_base = X64_RSP;
    c.slots = (i32)outgoing;
    put_values(&c, true, true, true);
    put_values(&c, true, true, false);
    asm_rm(as, X64_LEA, true, X64_RCX, asm_at(X64_RSP, (i32)outgoing));
    store(as, X64_RCX, X64_RBX, THREAD(slots));
    put_leave(as, JIT_LEAVE_RETURN);
    asm_none(as, X64_UD2, true);
    *out = (struct jit_function){.frame_bytes = frame};
    return finish(as, prologue, arena, out);
}

// Back to where it was called, like `ret`, or without the CPU's memory of calls and returns, in
// which a jump has left nothing. r11 is nobody's between a call and what follows it.
static void put_return(struct assembler *as, enum jit_way way, u32 frame)
{
    if (way == JIT_WAY_CALL) {
        put_sp_add(as, X64_ADD_I, frame);
        asm_none(as, X64_RET, true);
        return;
    }
    load(as, X64_R11, X64_RSP, (i32)frame);
    put_sp_add(as, X64_ADD_I, frame + (u32)sizeof(u64));
    asm_r(as, X64_JMP_TAIL, true, X64_R11);
}

// Behind what may have made it needless.
static enum err put_away(struct crossing *c, enum jit_way way, struct arena *arena,
                         struct jit_function *out)
{
    const struct wasm_func_type *type = c->type;
    u32 frame = leave_frame(type);
    c->slots_base = X64_RSP;
    c->slots = RESUME_BYTES + PRESERVED_BYTES;
    c->stack = (i32)frame + 8;
    struct assembler *as = &c->as;
    put_sp_add(as, X64_SUB_I, frame);
    u32 prologue = asm_mark(as);
    for (u32 i = 0; i < COUNT_OF(preserved); i++) {
        store(as, preserved[i], X64_RSP, (i32)(RESUME_BYTES + 8 * i));
    }
    load(as, X64_RBX, X64_R14, JIT_INSTANCE_RUNNER);
    store(as, X64_R11, X64_RBX, THREAD(callee));
    put_values(c, false, true, true);
    put_values(c, false, true, false);
    asm_rm(as, X64_LEA, true, X64_RCX, asm_at(X64_RSP, c->slots));
    store(as, X64_RCX, X64_RBX, THREAD(slots));
    asm_mi(as, X64_MOV_I, false, asm_at(X64_RBX, THREAD(type)), type->canonical);
    put_leave(as, JIT_LEAVE_CALL);
    put_values(c, true, false, false);
    put_values(c, true, false, true);
    for (u32 i = 0; i < COUNT_OF(preserved); i++) {
        load(as, preserved[i], X64_RSP, (i32)(RESUME_BYTES + 8 * i));
    }
    put_return(as, way, frame);
    *out = (struct jit_function){.frame_bytes = frame};
    return finish(as, prologue, arena, out);
}

enum err x64_emit_leave(const struct wasm_func_type *type, enum jit_way way,
                        const struct jit_options *options, struct arena *scratch,
                        struct arena *arena, struct jit_function *out)
{
    struct crossing c = {.type = type};
    asm_init(&c.as, options->features, scratch);
    return put_away(&c, way, arena, out);
}

enum err x64_emit_leave_helper(u32 helper, const struct jit_options *options, struct arena *scratch,
                               struct arena *arena, struct jit_function *out)
{
    static const u8 types[] = {WASM_I64, WASM_I64, WASM_I64, WASM_I64, WASM_I64, WASM_I64};
    static const struct wasm_func_type type = {types, 5, 1, 0};
    struct crossing c = {.type = &type};
    asm_init(&c.as, options->features, scratch);
    struct x64_again again = x64_put_bulk(&c.as, helper, options);
    TRY(put_away(&c, ir_callee_way(JIT_CALLEE_HELPER | helper, 0), arena, out));
    if (again.is_there) {
        out->again_start = asm_mark_offset(&c.as, again.start);
        out->again_end = asm_mark_offset(&c.as, again.end);
    }
    return ERR_OK;
}

enum err x64_emit_stub(enum jit_stub stub, const struct jit_options *options, struct arena *scratch,
                       struct arena *arena, struct jit_function *out)
{
    struct assembler as;
    asm_init(&as, options->features, scratch);
    switch (stub) {
    case JIT_STUB_ENTER:
        put_stub_enter(&as, options);
        break;
    case JIT_STUB_RESUME:
        put_stub_resume(&as, options);
        break;
    case JIT_STUB_LEAVE:
        put_stub_leave(&as);
        break;
    default:
        ASSERT(stub == JIT_STUB_BEGIN || stub == JIT_STUB_SWAP);
        put_stub_swap(&as, stub == JIT_STUB_BEGIN);
        break;
    }
    *out = (struct jit_function){0};
    return asm_finish(&as, arena, &out->code, &out->code_bytes);
}

// ---- placing

bool x64_link_call(u8 *at, const u8 *to)
{
    i64 distance = (i64)((u64)(uintptr_t)to - (u64)(uintptr_t)(at + 4));
    if (distance != (i32)distance) {
        return false;
    }
    mem_store_u32(at, (u32)distance);
    return true;
}

// mov r11d, tag; jmp [rip + distance]
bool x64_link_slot(u8 *at, u32 tag, const void *slot)
{
    static const u8 bytes[X64_LINK_BYTES] = {0x41, 0xbb, 0, 0, 0,    0,    0xff, 0x25,
                                             0,    0,    0, 0, 0xcc, 0xcc, 0xcc, 0xcc};
    mem_copy(at, bytes, sizeof bytes);
    mem_store_u32(at + 2, tag);
    return x64_link_call(at + 8, slot);
}

// How long a push or pop is (`opcode` is that of rax), 0 where there is none.
static u32 stack_move_bytes(const u8 *at, u8 opcode)
{
    enum { REX_B = 0x41, REGISTERS = 8 };
    u32 prefix = *at == REX_B;
    return (u8)(at[prefix] - opcode) < REGISTERS ? prefix + 1 : 0;
}

// Whether this is the jump of a tail call: no other has REX.W.
static bool is_tail_jump(const u8 *at)
{
    enum { REX_W = 0x48, REX_B = 1, JMP = 0xe9, GROUP = 0xff, JMP_SHORT = 0x60, REGISTER = 7 };
    return (at[0] & ~REX_B) == REX_W &&
           (at[1] == JMP || (at[1] == GROUP && (at[2] & ~REGISTER) == JMP_SHORT));
}

// Whether this is how code returns that is reached by jumps (put_return): jmp r11 with REX.W.
static bool is_jump_back(const u8 *at)
{
    return at[0] == 0x49 && at[1] == 0xff && at[2] == 0xe3;
}

// A prologue begins with pushes, and what returns ends with as many pops; there are none elsewhere.
// A call by a jump (x64_call) looks like a tail call once the return address is pushed, and so it
// is taken for one whose caller is the same function.
bool x64_has_frame(const u8 *start, u32 offset, u32 prologue_bytes, i32 *bytes)
{
    enum { PUSH = 0x50, POP = 0x58, RET = 0xc3 };
    u32 count = 0;
    const u8 *at = start;
    if (offset < prologue_bytes) {
        for (u32 size; at < start + offset && (size = stack_move_bytes(at, PUSH)) != 0;
             at += size) {
            count++;
        }
        *bytes = (i32)(count * sizeof(u64));
        return false;
    }
    at += offset;
    if (is_jump_back(at)) {
        *bytes = -(i32)sizeof(u64);
        return false;
    }
    for (u32 size; (size = stack_move_bytes(at, POP)) != 0; at += size) {
        count++;
    }
    *bytes = (i32)(count * sizeof(u64));
    return *at != RET && !is_tail_jump(at);
}
