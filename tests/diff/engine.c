// SPDX-License-Identifier: GPL-3.0-or-later
// Runs every exported function of modules and prints all that can be seen of it, as
// tests/diff/reference.mjs does on another engine. tests/diff/run compares the two.
//
//     diff_engine [--slice FUEL] [--mode interpreter|compiled|mixed] FILE.wasm...
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/wasm/module.h"
#include "tests/diff/digest.h"
#include "tests/spec/embed.h"
#include "tests/spec/values.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 30, ARGS = 1 << 11, SLICE = 1000 };

// The arguments are drawn from here, the same in reference.mjs.
static u32 random_state;

static u32 draw(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state;
}

// Every fourth number is small, and every fourth one of those at which things happen.
static u32 draw_u32(void)
{
    static const u32 edges[] = {0, 1, UINT32_MAX, 0x80000000u, 0x7fffffffu, 5, 0x8000, 0xffff8000u};
    u32 choice = draw() >> 16;
    u32 value = draw();
    return choice % 4 == 0 ? value >> 28 : choice % 4 == 1 ? edges[value >> 29] : value;
}

// Any float that is neither infinite nor a NaN, or one of a few.
static wasm_slot draw_float(u8 type)
{
    static const f64 edges[] = {0.0, -0.0, 1.0,          -1.0,
                                5.0, 0.5,  2147483648.0, -9223372036854775808.0};
    u32 choice = draw() >> 16;
    u32 high = draw();
    u32 low = draw();
    f64 wide = edges[low >> 29];
    f32 narrow = (f32)wide;
    u64 bits;
    if (type == WASM_F32) {
        if (choice % 2 == 0 && (high & 0x7f800000u) != 0x7f800000u) {
            return high;
        }
        u32 narrow_bits;
        mem_copy(&narrow_bits, &narrow, sizeof narrow_bits);
        return narrow_bits;
    }
    if (choice % 2 == 0 && (high & 0x7ff00000u) != 0x7ff00000u) {
        return (u64)high << 32 | low;
    }
    mem_copy(&bits, &wide, sizeof bits);
    return bits;
}

static wasm_slot draw_arg(u8 type)
{
    u64 high;
    switch (type) {
    case WASM_I32:
        return draw_u32();
    case WASM_I64:
        high = draw() % 2 == 0 ? draw_u32() : 0;
        return high << 32 | draw_u32();
    case WASM_F32:
    case WASM_F64:
        return draw_float(type);
    default:
        return 0; // a null reference
    }
}

static void print_value(u8 type, const wasm_slot *slot)
{
    u64 bits = *slot;
    switch (type) {
    case WASM_I32:
        printf(" %08x", (unsigned)bits);
        break;
    case WASM_I64:
        printf(" %016llx", (unsigned long long)bits);
        break;
    case WASM_F32:
        if ((bits & 0x7fffffffu) > 0x7f800000u) {
            printf(" nan");
        } else {
            printf(" f%08x", (unsigned)bits);
        }
        break;
    case WASM_F64:
        if ((bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u) {
            printf(" nan");
        } else {
            printf(" f%016llx", (unsigned long long)bits);
        }
        break;
    default:
        printf(bits == 0 ? " null" : " ref");
        break;
    }
}

static void hear(struct embed *embed, const struct wasm_func *function, const wasm_slot *args)
{
    (void)embed;
    printf("log");
    for (u32 i = 0; i < function->type->param_count; i++) {
        print_value(function->type->types[i], &args[i]);
    }
    printf("\n");
}

// The other engine's interface has no v128.
static bool has_vectors(const struct wasm_func_type *type)
{
    u32 count = type->param_count + type->result_count;
    return wasm_slots_of(type->types, count) != count;
}

// Calls one function. False when nothing can be said about what comes after.
static bool call(struct embed *embed, struct span name, struct wasm_func *function)
{
    static wasm_slot args[ARGS];
    static struct embed_outcome outcome;
    const struct wasm_func_type *type = function->type;
    for (u32 i = 0; i < type->param_count; i++) {
        args[i] = draw_arg(type->types[i]);
    }
    enum err err = embed_call(embed, function, args, &outcome);
    printf("call %.*s", (int)name.size, (const char *)name.data);
    if (err != ERR_OK) {
        printf(" %s\n", err_name(err));
        return false;
    }
    if (outcome.trap != TRAP_NONE) {
        printf(" trap %s\n", trap_class(outcome.trap));
        return outcome.trap != TRAP_STACK_EXHAUSTED;
    }
    for (u32 i = 0; i < type->result_count; i++) {
        print_value(type->types[type->param_count + i], &outcome.results[i]);
    }
    printf("\n");
    return true;
}

static void print_memory(const struct wasm_memory *memory)
{
    u32 hash = 2166136261u;
    for (u64 i = 0; i < memory->size_bytes; i++) {
        hash = (hash ^ memory->base[i]) * 16777619u;
    }
    printf("memory %u %08x\n", (unsigned)(memory->size_bytes >> 16), hash);
}

// A number; the other engine does not tell which of an i32 and a float it is.
static void print_global(struct span name, const struct wasm_global *global)
{
    u8 type = global->type.type;
    wasm_slot slot = global->value[0];
    f32 narrow;
    f64 wide;
    mem_copy(&narrow, &slot, sizeof narrow);
    wide = type == WASM_I32 ? (f64)(i32)slot : (f64)narrow;
    if (type == WASM_V128 || wasm_is_reference(type)) {
        return;
    }
    if (type == WASM_I32 || type == WASM_F32) {
        mem_copy(&slot, &wide, sizeof slot);
    }
    printf("global %.*s", (int)name.size, (const char *)name.data);
    print_value(type == WASM_I64 ? WASM_I64 : WASM_F64, &slot);
    printf("\n");
}

// The exported memories and globals.
static void print_state(struct wasm_instance *instance)
{
    const struct wasm_module *module = wasm_instance_module(instance);
    for (u32 i = 0; i < module->export_count; i++) {
        struct span name = module->exports[i].name;
        struct wasm_extern export;
        enum err err = wasm_instance_export(instance, name, &export);
        if (err == ERR_OK && export.kind == WASM_MEMORY) {
            print_memory(export.memory);
        } else if (err == ERR_OK && export.kind == WASM_GLOBAL) {
            print_global(name, export.global);
        }
    }
}

static void run_exports(struct embed *embed, struct wasm_instance *instance)
{
    const struct wasm_module *module = wasm_instance_module(instance);
    struct wasm_extern limit;
    bool has_limit =
        wasm_instance_export(instance, SPAN_LITERAL("hangLimitInitializer"), &limit) == ERR_OK;
    static struct embed_outcome ignored;
    for (u32 i = 0; i < module->export_count; i++) {
        const struct wasm_export *export = &module->exports[i];
        if (export->kind != WASM_FUNCTION) {
            continue;
        }
        struct wasm_func *function = wasm_instance_func(instance, export->index);
        if (has_vectors(function->type)) {
            continue;
        }
        if (has_limit && embed_call(embed, limit.function, NULL, &ignored) != ERR_OK) {
            return;
        }
        if (!call(embed, export->name, function)) {
            return;
        }
    }
    print_state(instance);
}

static enum err run_module(struct embed *embed, struct span bytes, struct arena *arena,
                           struct report *report)
{
    struct wasm_module *module;
    struct wasm_instance *instance = NULL;
    enum trap trap = TRAP_NONE;
    TRY(embed_load(embed, bytes, arena, &module, report));
    struct wasm_extern *imports = ARENA_ARRAY(arena, struct wasm_extern, module->import_count);
    if (imports == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < module->import_count; i++) {
        imports[i].kind = WASM_FUNCTION;
        imports[i].function = embed_host(embed, module->imports[i].name);
        if (imports[i].function == NULL) {
            return report_err_detail(report, ERR_NOT_FOUND, 0, "unknown import",
                                     module->imports[i].name);
        }
    }
    enum err err =
        wasm_instance_create(module, imports, &embed->store, arena, &instance, &trap, report);
    if (instance != NULL) {
        embed_attach(embed, instance);
    }
    if (err == ERR_OK) {
        run_exports(embed, instance);
    } else if (trap != TRAP_NONE) {
        printf("start trap %s\n", trap_class(trap));
        err = ERR_OK;
    }
    if (instance != NULL) {
        wasm_instance_destroy(instance);
    }
    return err;
}

static struct span read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    static u8 bytes[16 << 20];
    size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return span_of(bytes, size);
}

int main(int argc, char **argv)
{
    static struct embed embed;
    i64 slice = SLICE;
    enum embed_mode mode = EMBED_INTERPRETER;
    int first = 1;
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        if (strcmp(argv[first], "--slice") == 0) {
            slice = strtol(argv[first + 1], NULL, 10);
        } else if (strcmp(argv[first], "--mode") != 0 || !embed_mode_read(argv[first + 1], &mode)) {
            fprintf(stderr, "usage: diff_engine [--slice UNITS] [--mode MODE] FILE...\n");
            return 2;
        }
    }
    for (int i = first; i < argc; i++) {
        struct arena arena;
        struct report report;
        embed_create(&embed, mode, slice);
        embed.seed = (u32)i;
        embed.heard = hear;
        random_state = 1;
        report_clear(&report);
        arena_init(&arena, &embed.memory, ARENA_BYTES);
        printf("module %s\n", argv[i]);
        enum err err = run_module(&embed, read_file(argv[i]), &arena, &report);
        if (err != ERR_OK) {
            printf("refused: %s: %s at %u\n", err_name(err), report.text, (unsigned)report.offset);
        }
        embed_forget(&embed);
        arena_drop(&arena);
        embed_destroy(&embed);
    }
    return 0;
}
