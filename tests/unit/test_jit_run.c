// SPDX-License-Identifier: GPL-3.0-or-later
// Do crossings, traps, interrupts and backtraces keep the promises of core/jit/thread.h? On machine
// code written by hand, so that nothing of the compiler is needed.
#include "core/base/arena.h"
#include "core/base/text.h"
#include "core/jit/ir.h"
#include "core/jit/layout.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/jit/x86_64/asm.h"
#include "core/jit/x86_64/crossing.h"
#include "core/platform.h"
#include "core/wasm/features.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "tests/unit/jit_host.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MODULE_BYTES = 1 << 16, SOME = 1000000, FAKE_ORIGIN = 2 };

static const struct jit_target target = {
    .name = "crossings of x86-64",
    .instance_register = X64_R14,
    .reason_register = X64_RAX,
    .has_frame = x64_has_frame,
    .is_tail = x64_is_tail,
    .stack_words = x64_stack_words,
    .emit_enter = x64_emit_enter,
    .emit_leave = x64_emit_leave,
    .emit_leave_helper = x64_emit_leave_helper,
    .emit_stub = x64_emit_stub,
    .link_call = x64_link_call,
    .link_bytes = X64_LINK_BYTES,
    .link_slot = x64_link_slot,
};

struct world {
    struct test_memory memory;
    struct wasm_store store;
    struct jit_host host;
    struct arena arena;
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct wasm_thread wasm;
    struct jit_thread thread;
    struct jit_module compiled;
    struct wasm_func ask;
};

static struct wasm_func *export(struct wasm_instance *instance, const char *name)
{
    struct wasm_extern found;
    assert_int_equal(wasm_instance_export(instance, span_string(name), &found), ERR_OK);
    assert_int_equal(found.kind, WASM_FUNCTION);
    return found.function;
}

static u32 number_of(struct world *world, const char *name)
{
    return export(world->instance, name)->index;
}

// ---- functions written by hand

struct writer {
    struct assembler as;
    struct arena arena;
    u32 calls[4];
    u32 callees[4];
    u32 call_count;
    u32 trap; // mark of an instruction that may fault
    bool has_trap;
    u32 frame;
    u32 prologue;
};

static void begin(struct writer *w, u32 frame)
{
    asm_init(&w->as, 0, &w->arena);
    w->call_count = 0;
    w->has_trap = false;
    w->frame = frame;
    if (frame != 0) {
        asm_ri(&w->as, X64_SUB_I, true, X64_RSP, frame);
    }
    w->prologue = asm_mark(&w->as);
}

static void call(struct writer *w, u32 callee)
{
    w->calls[w->call_count] = asm_call(&w->as);
    w->callees[w->call_count++] = callee;
}

static void finish(struct world *world, struct writer *w, const char *name)
{
    if (w->frame != 0) {
        asm_ri(&w->as, X64_ADD_I, true, X64_RSP, w->frame);
    }
    asm_none(&w->as, X64_RET, true);
    struct jit_placed placed = {.function = number_of(world, name)};
    struct jit_site sites[5];
    struct jit_call calls[4];
    struct jit_function *code = &placed.code;
    assert_int_equal(asm_finish(&w->as, &w->arena, &code->code, &code->code_bytes), ERR_OK);
    code->frame_bytes = w->frame;
    code->prologue_bytes = asm_mark_offset(&w->as, w->prologue);
    code->calls = calls;
    code->sites = sites;
    for (u32 i = 0; i < w->call_count; i++) {
        u32 at = asm_mark_offset(&w->as, w->calls[i]);
        calls[code->call_count++] = (struct jit_call){at, w->callees[i]};
        sites[code->site_count++] = (struct jit_site){at + 4, FAKE_ORIGIN, TRAP_NONE};
    }
    if (w->has_trap) {
        sites[code->site_count++] = (struct jit_site){asm_mark_offset(&w->as, w->trap), FAKE_ORIGIN,
                                                      TRAP_MEMORY_OUT_OF_BOUNDS};
    }
    assert_int_equal(jit_module_place(&world->compiled, &placed, 1, &w->arena), ERR_OK);
    assert_true(jit_module_has(&world->compiled, placed.function));
}

static void write_calls(struct world *world, struct writer *w)
{
    static const struct {
        const char *name;
        const char *callee;
    } plain[] = {{"c_down", "i_down"}, {"c_deep", "c_deep"}};
    for (u32 i = 0; i < COUNT_OF(plain); i++) {
        begin(w, 8);
        call(w, number_of(world, plain[i].callee));
        finish(world, w, plain[i].name);
    }
    begin(w, 8);
    call(w, 0); // the import
    finish(world, w, "c_ask");
    begin(w, 8);
    call(w, JIT_CALLEE_HELPER | IR_HELPER_MEMORY_GROW);
    finish(world, w, "c_grow");
    begin(w, 8);
    call(w, JIT_CALLEE_HELPER | IR_HELPER_MEMORY_FILL);
    finish(world, w, "c_fill");
}

static void write_many(struct world *world, struct writer *w)
{
    enum { WORDS = 4, FRAME = WORDS * 8 + 8 };
    begin(w, FRAME);
    for (i32 i = 0; i < WORDS; i++) {
        asm_rm(&w->as, X64_MOV, true, X64_R11, asm_at(X64_RSP, FRAME + 8 + 8 * i));
        asm_rm(&w->as, X64_MOV_MR, true, X64_R11, asm_at(X64_RSP, 8 * i));
    }
    call(w, number_of(world, "i_many"));
    for (i32 i = 0; i < WORDS; i++) {
        asm_rm(&w->as, X64_MOV, true, X64_R11, asm_at(X64_RSP, 8 * i));
        asm_rm(&w->as, X64_MOV_MR, true, X64_R11, asm_at(X64_RSP, FRAME + 8 + 8 * i));
    }
    finish(world, w, "c_many");
}

// An indirect call as docs/jit.md says it, without the check of the table's size.
static void write_element(struct world *world, struct writer *w)
{
    struct assembler *as = &w->as;
    u32 canonical = export(world->instance, "i_add")->canonical;
    begin(w, 8);
    u32 other = asm_label(as);
    u32 end = asm_label(as);
    i32 table = (i32)jit_own_table(world->module, 0);
    asm_rm(as, X64_MOV, true, X64_RAX, asm_at(X64_R14, table + JIT_TABLE_ELEMENTS));
    asm_rm(as, X64_MOV, true, X64_R11,
           (struct asm_mem){.base = X64_RAX, .index = X64_RDI, .scale = 3});
    asm_ri(as, X64_MOV_I, false, X64_RDI, 30);
    asm_ri(as, X64_MOV_I, false, X64_RSI, 12);
    asm_rm(as, X64_CMP, true, X64_R14, asm_at(X64_R11, JIT_FUNC_INSTANCE));
    asm_branch(as, X64_NE, other);
    asm_mi(as, X64_CMP_I, false, asm_at(X64_R11, JIT_FUNC_CANONICAL), canonical);
    asm_branch(as, X64_NE, other);
    asm_rm(as, X64_MOV, true, X64_RAX, asm_at(X64_R11, JIT_FUNC_CODE));
    asm_m(as, X64_CALL_M, true, asm_at(X64_RAX, JIT_CODE_COMPILED));
    asm_branch(as, X64_ALWAYS, end);
    asm_bind(as, other);
    call(w, JIT_CALLEE_ELEMENT | canonical);
    asm_bind(as, end);
    finish(world, w, "c_element");
}

static void write_leaves(struct world *world, struct writer *w)
{
    struct assembler *as = &w->as;
    begin(w, 0);
    asm_rm(as, X64_LEA, false, X64_RAX,
           (struct asm_mem){.base = X64_RDI, .index = X64_RSI, .scale = 0});
    finish(world, w, "c_add");
    begin(w, 0);
    finish(world, w, "c_leaf");
    begin(w, 0);
    w->trap = asm_mark(as);
    w->has_trap = true;
    asm_rm(as, X64_MOV, false, X64_RAX,
           (struct asm_mem){.base = X64_R15, .index = X64_RDI, .scale = 0});
    finish(world, w, "c_load");
    // Keeps something in every register, and the flags, across each turn.
    begin(w, 0);
    u32 again = asm_label(as);
    asm_ri(as, X64_MOV_I, false, X64_RAX, 7);
    for (u8 i = 0; i < 16; i++) {
        asm_mov_imm(as, X64_R9, 1000 + i);
        asm_rr(as, X64_MOVD, true, (u8)(X64_XMM0 + i), X64_R9);
    }
    asm_bind(as, again);
    asm_ri(as, X64_SUB_I, false, X64_RDI, 1);
    asm_branch(as, X64_NE, again);
    for (u8 i = 0; i < 16; i++) {
        asm_rr(as, X64_MOVD_MR, true, X64_R9, (u8)(X64_XMM0 + i));
        asm_ri(as, X64_SUB_I, false, X64_R9, 1000 + i);
        asm_rr(as, X64_ADD, false, X64_RAX, X64_R9);
    }
    finish(world, w, "c_spin");
}

// ---- a world

static u8 module_bytes[MODULE_BYTES];
static struct span module_span;

static int read_module(void **state)
{
    (void)state;
    FILE *file = fopen("build/test/wasm/cross.wasm", "rb");
    assert_non_null(file);
    module_span = span_of(module_bytes, fread(module_bytes, 1, MODULE_BYTES, file));
    fclose(file);
    return 0;
}

static const u8 ask_types[] = {WASM_I32, WASM_I32};
static const struct wasm_func_type ask_type = {
    .types = ask_types, .param_count = 1, .result_count = 1, .param_slots = 1, .result_slots = 1};

static void world_open(struct world *world, bool is_compiled)
{
    memset(world, 0, sizeof *world);
    world->memory = test_memory_over_malloc(-1);
    world->store = (struct wasm_store){jit_host_memory_create, jit_host_memory_grow,
                                       jit_host_memory_destroy, &world->memory.memory};
    world->ask = (struct wasm_func){.type = &ask_type, .index = 5};
    arena_init(&world->arena, &world->memory.memory, SIZE_MAX);
    assert_int_equal(jit_host_open(&world->host, &target, &world->memory.memory), ERR_OK);
    struct writer w;
    arena_init(&w.arena, &world->memory.memory, SIZE_MAX);
    struct wasm_load load;
    wasm_load_begin(&load, module_span, WASM_FEATURES_ALL, &world->arena, &w.arena);
    i64 work = INT64_MAX;
    assert_int_equal(wasm_load_step(&load, &work, NULL), ERR_OK);
    world->module = load.module;
    struct wasm_extern imports[] = {{WASM_FUNCTION, {.function = &world->ask}}};
    enum trap trap;
    assert_int_equal(wasm_instance_create(world->module, imports, &world->store, &world->arena,
                                          &world->instance, &trap, NULL),
                     ERR_OK);
    assert_int_equal(jit_module_create(&world->host.space, world->module, JIT_BOUNDS_GUARD, 1 << 20,
                                       &world->compiled),
                     ERR_OK);
    if (is_compiled) {
        write_calls(world, &w);
        write_leaves(world, &w);
        write_many(world, &w);
        write_element(world, &w);
        jit_module_attach(&world->compiled, world->instance);
    }
    arena_drop(&w.arena);
    wasm_thread_init(&world->wasm, &world->store, WASM_STACK_BYTES);
    jit_thread_init(&world->thread, &world->wasm, &world->host.space, JIT_BOUNDS_GUARD,
                    platform_clock_ns);
}

static void world_close(struct world *world)
{
    jit_thread_drop(&world->thread);
    wasm_thread_drop(&world->wasm);
    wasm_instance_destroy(world->instance);
    jit_module_destroy(&world->compiled);
    jit_host_close(&world->host);
    arena_drop(&world->arena);
    assert_int_equal(world->memory.blocks, 0);
}

// Calls and runs to the end, host calls answered by three times the argument.
static enum wasm_run run(struct world *world, const char *name, const wasm_slot *arguments,
                         i64 slice)
{
    assert_int_equal(jit_thread_call(&world->thread, export(world->instance, name), arguments),
                     ERR_OK);
    for (;;) {
        i64 fuel = slice;
        enum wasm_run status = jit_thread_run(&world->thread, &fuel);
        if (status == WASM_RUN_HOST) {
            assert_ptr_equal(world->wasm.host.function, &world->ask);
            assert_ptr_equal(world->wasm.host.caller, world->instance);
            world->wasm.host.slots[0] = 0xffffffff00000000 | world->wasm.host.slots[0] * 3;
        } else if (status != WASM_RUN_PAUSED) {
            return status;
        }
    }
}

static u64 value(struct world *world, const char *name, u64 a, u64 b, u64 c)
{
    wasm_slot arguments[] = {a, b, c};
    assert_int_equal(run(world, name, arguments, SOME), WASM_RUN_DONE);
    return world->wasm.results[0];
}

static enum trap trap_of(struct world *world, const char *name, u64 a)
{
    assert_int_equal(run(world, name, &a, SOME), WASM_RUN_TRAPPED);
    return world->wasm.trap;
}

// ---- the tests: each on code, and on the interpreter, with the same results

static void calls_cross(void **state)
{
    (void)state;
    static struct world world;
    for (u32 is_compiled = 0; is_compiled < 2; is_compiled++) {
        world_open(&world, is_compiled != 0);
        assert_int_equal(value(&world, "c_add", 40, 0xfffffffffffffff0, 0), 24);
        assert_int_equal(value(&world, "i_down", 0, 0, 0), 0);
        assert_int_equal(value(&world, "i_down", 500, 0, 0), 500);
        assert_int_equal(value(&world, "c_down", 501, 0, 0), 501);
        assert_int_equal(value(&world, "c_ask", 14, 0, 0), 42);
        assert_int_equal(value(&world, "i_ask", 14, 0, 0), 42);
        assert_int_equal(value(&world, "c_element", 0, 0, 0), 42);
        assert_int_equal(value(&world, "c_element", 1, 0, 0), 42);
        assert_int_equal(value(&world, "c_grow", 1, 0, 0), 1);
        assert_int_equal(value(&world, "c_grow", 9, 0, 0), UINT32_MAX);
        assert_int_equal(value(&world, "c_load", 0x1fffc, 0, 0), 0);
        world_close(&world);
    }
}

static void many_values_cross(void **state)
{
    (void)state;
    enum { MANY = 20 };
    static struct world world;
    for (u32 is_compiled = 0; is_compiled < 2; is_compiled++) {
        world_open(&world, is_compiled != 0);
        wasm_slot arguments[MANY];
        for (u32 i = 0; i < MANY; i++) {
            arguments[i] = 0x100000000 + 1000 * i; // i32 and f32 lose what is above
        }
        assert_int_equal(run(&world, "c_many", arguments, SOME), WASM_RUN_DONE);
        const struct wasm_func_type *type = export(world.instance, "c_many")->type;
        for (u32 i = 0; i < MANY; i++) {
            u64 wanted = arguments[i] + (type->types[i] == WASM_I64);
            wanted = type->types[i] == WASM_I32 ? (u32)wanted : wanted;
            bool is_short = type->types[i] == WASM_F32;
            assert_int_equal(is_short ? (u32)world.wasm.results[i] : world.wasm.results[i],
                             is_short ? (u32)wanted : wanted);
        }
        world_close(&world);
    }
}

static void small_slices(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, true);
    u64 n = 200;
    assert_int_equal(run(&world, "i_down", &n, 1), WASM_RUN_DONE);
    assert_int_equal(world.wasm.results[0], 200);
    wasm_slot fill[] = {10, 0xaa, 60000};
    assert_int_equal(run(&world, "c_fill", fill, 3), WASM_RUN_DONE);
    assert_int_equal(value(&world, "c_load", 7, 0, 0), 0xaa000000);
    assert_int_equal(value(&world, "c_load", 60006, 0, 0), 0xaaaaaaaa);
    assert_int_equal(value(&world, "c_load", 60009, 0, 0), 0xaa);
    world_close(&world);
}

static void traps_are_told(void **state)
{
    (void)state;
    static struct world world;
    char words[2][200];
    for (u32 is_compiled = 0; is_compiled < 2; is_compiled++) {
        world_open(&world, is_compiled != 0);
        assert_int_equal(trap_of(&world, "c_load", 0x10000), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(trap_of(&world, "c_load", 0xfffd), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(trap_of(&world, "i_load", 0xffffffff), TRAP_MEMORY_OUT_OF_BOUNDS);
        struct wasm_frame frames[4];
        assert_int_equal(jit_thread_backtrace(&world.thread, frames, 4), 2);
        assert_int_equal(frames[0].function, number_of(&world, "c_load"));
        assert_int_equal(frames[1].function, number_of(&world, "i_load"));
        struct text text = text_over(words[is_compiled], sizeof words[0]);
        jit_thread_describe(&world.thread, &text);
        assert_int_equal(trap_of(&world, "c_element", 3), TRAP_INDIRECT_CALL_TYPE);
        assert_int_equal(trap_of(&world, "c_element", 2), TRAP_INDIRECT_CALL_TYPE);
        assert_int_equal(trap_of(&world, "c_deep", 1), TRAP_STACK_EXHAUSTED);
        assert_int_equal(jit_thread_backtrace(&world.thread, frames, 4), 4);
        assert_int_equal(frames[3].function, number_of(&world, "c_deep"));
        assert_int_equal(trap_of(&world, "i_down", 100000000), TRAP_STACK_EXHAUSTED);
        assert_int_equal(value(&world, "i_down", 10, 0, 0), 10);
        world_close(&world);
    }
    assert_string_equal(words[0], words[1]);
}

static void refusals(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, true);
    for (u32 i = 0; i < 2; i++) {
        wasm_slot argument = 3;
        i64 fuel = SOME;
        const char *name = i == 0 ? "c_ask" : "i_ask";
        assert_int_equal(jit_thread_call(&world.thread, export(world.instance, name), &argument),
                         ERR_OK);
        assert_int_equal(jit_thread_run(&world.thread, &fuel), WASM_RUN_HOST);
        jit_thread_refuse(&world.thread, TRAP_HOST);
        assert_int_equal(jit_thread_run(&world.thread, &fuel), WASM_RUN_TRAPPED);
        assert_int_equal(world.wasm.trap, TRAP_HOST);
        struct wasm_frame frames[4];
        assert_int_equal(jit_thread_backtrace(&world.thread, frames, 4), 1 + i);
        assert_int_equal(frames[0].function, number_of(&world, "c_ask"));
    }
    // And a thread that is given up in the middle.
    wasm_slot argument = 3;
    i64 fuel = SOME;
    assert_int_equal(jit_thread_call(&world.thread, export(world.instance, "i_ask"), &argument),
                     ERR_OK);
    assert_int_equal(jit_thread_run(&world.thread, &fuel), WASM_RUN_HOST);
    world_close(&world);
}

static void ticks_change_nothing(void **state)
{
    (void)state;
    enum { TURNS = 200000000 };
    static struct world world;
    world_open(&world, true);
    jit_host_storm(&world.host, 200);
    u32 pauses = 0;
    wasm_slot argument = TURNS;
    assert_int_equal(jit_thread_call(&world.thread, export(world.instance, "c_spin"), &argument),
                     ERR_OK);
    enum wasm_run status = WASM_RUN_PAUSED;
    while (status == WASM_RUN_PAUSED) {
        i64 fuel = INT64_MAX / 2;
        status = jit_thread_run(&world.thread, &fuel);
        if (status == WASM_RUN_PAUSED) {
            struct wasm_frame frame;
            assert_int_equal(fuel, 0);
            assert_int_equal(jit_thread_backtrace(&world.thread, &frame, 1), 1);
            assert_int_equal(frame.function, number_of(&world, "c_spin"));
            pauses++;
        }
    }
    assert_int_equal(status, WASM_RUN_DONE);
    assert_int_equal(world.wasm.results[0], 7);
    assert_true(pauses >= 3);
    // Calls of all kinds in a storm: a tick may hit every piece of code there is.
    for (u32 i = 0; i < 3000; i++) {
        assert_int_equal(value(&world, "i_down", 20, 0, 0), 20);
        assert_int_equal(value(&world, "c_element", i % 2, 0, 0), 42);
        assert_int_equal(value(&world, "i_ask", 14, 0, 0), 42);
    }
    world_close(&world);
}

// What a fault's address is does not make it a guest's: only where it happened does.
static void faults_of_others(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, true);
    assert_int_equal(value(&world, "c_down", 5, 0, 0), 5); // takes a stack
    struct registers registers = {.pc = (u64)(uintptr_t)&faults_of_others};
    registers.integer[target.instance_register] = (u64)(uintptr_t)world.instance;
    const u64 addresses[] = {(u64)(uintptr_t)world.thread.memory, 0,
                             (u64)(uintptr_t)world.thread.stack - 8};
    u32 end = JIT_FAULT_ARITHMETIC;
    for (u32 i = 0; i < COUNT_OF(addresses); i++) {
        for (u32 fault = JIT_FAULT_NONE; fault <= end; fault++) {
            struct registers before = registers;
            assert_int_equal(
                jit_interrupt(&world.host.space, &registers, (enum jit_fault)fault, addresses[i]),
                JIT_INTERRUPT_NONE);
            assert_memory_equal(&registers, &before, sizeof before);
        }
    }
    world_close(&world);
}

// Where a tick finds code that uses what is not kept, it is resumed at the beginning of that.
static void some_code_begins_anew(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, true);
    assert_int_equal(value(&world, "c_down", 5, 0, 0), 5); // takes a stack
    u64 helper = (u64)(uintptr_t)world.compiled.leave_helpers[JIT_AWAY_FILL];
    struct jit_module *module;
    u32 offset;
    const struct jit_code *code = jit_code_at(&world.host.space, helper, &module, &offset);
    assert_non_null(code);
    assert_int_equal(offset, 0);
    bool has_avx = (world.compiled.options.features & X64_HAS_AVX) != 0;
    assert_int_equal(code->again_start < code->again_end, has_avx);
    for (u32 i = 0; i < code->end - code->start; i++) {
        struct registers registers = {.pc = helper + i};
        registers.integer[target.instance_register] = (u64)(uintptr_t)world.instance;
        assert_int_equal(jit_interrupt(&world.host.space, &registers, JIT_FAULT_NONE, 0),
                         JIT_INTERRUPT_DONE);
        bool is_anew = i >= code->again_start && i < code->again_end;
        assert_int_equal(world.thread.registers.pc, helper + (is_anew ? code->again_start : i));
    }
    world_close(&world);
}

// All that is mapped while code is there.
static void no_page_is_both(void **state)
{
    (void)state;
    static struct world world;
    char line[512];
    u32 executable = 0;
    world_open(&world, true);
    assert_int_equal(value(&world, "c_down", 5, 0, 0), 5);
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long start;
        char rights[8];
        assert_int_equal(sscanf(line, "%llx-%*x %7s", &start, rights), 2);
        assert_false(rights[1] == 'w' && rights[2] == 'x');
        u64 space = (u64)(uintptr_t)world.host.space.base;
        executable += rights[2] == 'x' && start >= space && start < space + JIT_SPACE_BYTES;
    }
    (void)fclose(maps);
    assert_true(executable > 0);
    world_close(&world);
}

// An instance that must not run compiled code is interpreted, beside one that does.
static void unattached(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, true);
    world.instance->compiled = NULL;
    assert_int_equal(value(&world, "c_spin", 5, 0, 0), 7);
    assert_int_equal(value(&world, "c_down", 50, 0, 0), 50);
    assert_null(world.thread.stack);
    world_close(&world);
}

// At the last stack, and beyond it: a thread without one is interpreted.
static void no_more_stacks(void **state)
{
    (void)state;
    static struct world world;
    static u8 *stacks[JIT_STACKS];
    world_open(&world, true);
    struct jit_space *space = &world.host.space;
    for (u32 i = 0; i < JIT_STACKS; i++) {
        stacks[i] = jit_space_stack_take(space, JIT_BOUNDS_GUARD);
        assert_non_null(stacks[i]);
    }
    assert_null(jit_space_stack_take(space, JIT_BOUNDS_GUARD));
    assert_int_equal(value(&world, "i_down", 20, 0, 0), 20);
    assert_null(world.thread.stack);
    // What a guest left on a stack is not for the next one.
    memset(stacks[7], 0xaa, JIT_STACK_BYTES);
    jit_space_stack_give(space, JIT_BOUNDS_GUARD, stacks[7]);
    assert_int_equal(value(&world, "i_down", 20, 0, 0), 20);
    assert_ptr_equal(world.thread.stack, stacks[7]);
    for (u32 i = 0; i < JIT_STACK_BYTES - 2 * JIT_PAGE_BYTES; i++) {
        assert_int_equal(stacks[7][i], 0);
    }
    for (u32 i = 0; i < JIT_STACKS; i++) {
        if (i != 7) {
            jit_space_stack_give(space, JIT_BOUNDS_GUARD, stacks[i]);
        }
    }
    world_close(&world);
}

// The same of stacks without guards, which no test writes to: so many cost nothing.
static void no_more_checked_stacks(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, true);
    struct jit_space *space = &world.host.space;
    u8 *last = NULL;
    for (u32 i = 0; i < JIT_STACKS_CHECKED; i++) {
        last = jit_space_stack_take(space, JIT_BOUNDS_CHECK);
        assert_non_null(last);
    }
    assert_null(jit_space_stack_take(space, JIT_BOUNDS_CHECK));
    memset(last, 0xaa, JIT_STACK_BYTES);
    jit_space_stack_give(space, JIT_BOUNDS_CHECK, last);
    assert_ptr_equal(jit_space_stack_take(space, JIT_BOUNDS_CHECK), last);
    for (u32 i = 0; i < JIT_STACK_BYTES - 2 * JIT_PAGE_BYTES; i++) {
        assert_int_equal(last[i], 0);
    }
    world_close(&world);
}

// As many loops as a module may have, and one more.
static void no_more_loops(void **state)
{
    (void)state;
    static struct world world;
    static struct ins heads[JIT_LOOPS + 1];
    static u8 code[] = {0xc3};
    world_open(&world, true);
    struct arena scratch;
    arena_init(&scratch, &world.memory.memory, SIZE_MAX);
    struct jit_placed placed = {.function = number_of(&world, "i_down")};
    placed.code = (struct jit_function){.code = code, .code_bytes = sizeof code};
    for (u32 i = 0; i <= JIT_LOOPS; i++) {
        placed.loop = &heads[i];
        assert_int_equal(jit_module_place(&world.compiled, &placed, 1, &scratch),
                         i < JIT_LOOPS ? ERR_OK : ERR_LIMIT);
    }
    assert_non_null(jit_module_loop(&world.compiled, &heads[JIT_LOOPS - 1]));
    assert_null(jit_module_loop(&world.compiled, &heads[JIT_LOOPS]));
    arena_drop(&scratch);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_cross),
        cmocka_unit_test(many_values_cross),
        cmocka_unit_test(small_slices),
        cmocka_unit_test(traps_are_told),
        cmocka_unit_test(refusals),
        cmocka_unit_test(ticks_change_nothing),
        cmocka_unit_test(unattached),
        cmocka_unit_test(no_more_stacks),
        cmocka_unit_test(no_more_checked_stacks),
        cmocka_unit_test(no_more_loops),
        cmocka_unit_test(faults_of_others),
        cmocka_unit_test(some_code_begins_anew),
        cmocka_unit_test(no_page_is_both),
    };
    return cmocka_run_group_tests(tests, read_module, NULL);
}
