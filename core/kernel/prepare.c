// SPDX-License-Identifier: GPL-3.0-or-later
// A program's bytes become a program: the name recomputed, the module loaded, its definitions read,
// its imports and exports linked. Everything happens in steps, without the lock, in the hands of
// one worker at a time.
#include "core/kernel/prepare.h"
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "core/wasm/features.h"
#include "core/wasm/load.h"

enum {
    LINK_UNITS = 200,          // for an import
    EXPORT_UNITS = 4,          // for an export that is looked at
    DROP_BYTES = 4 << 20,      // of working space, given back at once:
    DROP_BYTES_PER_UNIT = 128, //
};

enum prepare_stage {
    PREPARE_NAME,
    PREPARE_MODULE,
    PREPARE_SECTIONS,
    PREPARE_IMPORTS,
    PREPARE_EXPORTS,
    PREPARE_DROP
};

struct preparation {
    struct program *program;
    u32 stage;  // enum prepare_stage
    u32 failed; // the stage that found a fault, when `err` is one
    enum err err;
    struct report report;
    struct arena scratch;
    union { // the stage's own
        struct unixfs_naming naming;
        struct wasm_load load;
        struct section_reader sections;
        u32 import;
    };
};

// ---- the name

static enum err check_name(struct preparation *p, i64 *fuel)
{
    struct program *program = p->program;
    struct cid wanted = {.codec = program->codec};
    struct cid found;
    mem_copy(wanted.digest, program->digest, sizeof wanted.digest);
    enum err err;
    do {
        if (*fuel <= 0) {
            return ERR_PAUSED;
        }
        size_t before = p->naming.left.size;
        err = unixfs_naming_step(&p->naming, &found);
        bool is_leaf = err == ERR_PAUSED;
        *fuel -= 1 + (i64)(is_leaf ? before - p->naming.left.size : before);
    } while (err == ERR_PAUSED);
    if (err != ERR_OK) {
        return report_err(&p->report, err, 0, "no memory to compute the program's name");
    }
    if (!cid_equal(&wanted, &found)) {
        char text[CID_TEXT_BYTES];
        cid_write_text(&found, text);
        return report_err_detail(&p->report, ERR_MISMATCH, 0, "the bytes are another program",
                                 span_string(text));
    }
    return ERR_OK;
}

// ---- imports and exports

static bool type_equal(const struct wasm_func_type *a, const struct wasm_func_type *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           mem_equal(a->types, b->types, a->param_count + a->result_count);
}

static const struct wasm_func_type *function_type(const struct wasm_module *module, u32 function)
{
    return &module->types[module->function_types[function]];
}

static enum err refuse_import(const struct wasm_import *import, const char *why,
                              struct report *report)
{
    return report_err_detail(report, ERR_MISMATCH, 0, why, import->name);
}

static enum err link_host(struct program *program, const struct wasm_import *import,
                          struct program_import *out, struct report *report)
{
    static const struct {
        struct span module;
        struct span name;
    } host[HOST_COUNT] = {
        [HOST_SEND] = {SPAN_LITERAL("redshirt"), SPAN_LITERAL("send")},
        [HOST_ANSWER] = {SPAN_LITERAL("redshirt"), SPAN_LITERAL("answer")},
        [HOST_WAIT] = {SPAN_LITERAL("redshirt"), SPAN_LITERAL("wait")},
        [HOST_CLIENT_READ] = {SPAN_LITERAL("client"), SPAN_LITERAL("read")},
        [HOST_CLIENT_WRITE] = {SPAN_LITERAL("client"), SPAN_LITERAL("write")},
    };
    for (u32 i = 0; i < HOST_COUNT; i++) {
        if (span_equal(import->module, host[i].module) && span_equal(import->name, host[i].name)) {
            const struct wasm_func_type *type = &program->module->types[import->function_type];
            if (!type_equal(type, program->kernel->host[i].type)) {
                return refuse_import(import, "an import of redshirt has another type", report);
            }
            *out = (struct program_import){.index = i};
            return ERR_OK;
        }
    }
    return refuse_import(import, "redshirt has no such function", report);
}

// Whether it is the adapter for imports from that module: the one that it adapts, or what stands
// before the first `_` of its name, as `wasi` does of `wasi_snapshot_preview1`.
static bool serves(const struct program *adapter, struct span module)
{
    size_t size = 0;
    while (size < adapter->adapts.size && adapter->adapts.data[size] != '_') {
        size++;
    }
    return span_equal(adapter->adapts, module) ||
           span_equal(span_of(adapter->adapts.data, size), module);
}

static enum err link_adapter(struct program *program, const struct wasm_import *import,
                             struct program_import *out, struct report *report)
{
    const struct program *adapter = program->adapter;
    if (adapter == NULL || !serves(adapter, import->module)) {
        return report_err_detail(report, ERR_MISMATCH, 0, "imports from an unknown module",
                                 import->module);
    }
    const struct wasm_export *export = wasm_module_export(adapter->module, import->name);
    if (export == NULL || export->kind != WASM_FUNCTION) {
        return refuse_import(import, "the adapter has no such function", report);
    }
    if (!type_equal(&program->module->types[import->function_type],
                    function_type(adapter->module, export->index))) {
        return refuse_import(import, "an import has another type than the adapter's", report);
    }
    *out = (struct program_import){.is_adapter = true, .index = export->index};
    return ERR_OK;
}

// The adapter that the program's imports call for, with one more reference; or NULL. All imports
// that are not the kernel's own must be one adapter's, so the first of them says which.
static struct program *find_adapter(struct program *program)
{
    struct kernel *kernel = program->kernel;
    const struct wasm_module *module = program->module;
    u32 first = 0;
    while (first < module->import_count &&
           (module->imports[first].kind != WASM_FUNCTION ||
            span_equal(module->imports[first].module, SPAN_LITERAL("redshirt")))) {
        first++;
    }
    if (first == module->import_count) {
        return NULL;
    }
    struct program *found = NULL;
    kernel_lock(kernel);
    for (struct list_node *node = list_first(&kernel->adapters); node != NULL && found == NULL;
         node = list_next(&kernel->adapters, node)) {
        struct program *adapter = LIST_ITEM(node, struct program, of_adapters);
        found = serves(adapter, module->imports[first].module) ? adapter : NULL;
    }
    if (found != NULL) {
        found->reference_count++;
    }
    kernel_unlock(kernel);
    return found;
}

static enum err link_begin(struct preparation *p)
{
    struct program *program = p->program;
    u32 count = program->module->import_count;
    if (program->adapts.size == 0) {
        program->adapter = find_adapter(program);
    }
    p->import = 0;
    program->memory_import = PROGRAM_NO_IMPORT;
    program->imports = ARENA_ROOM(&program->arena, struct program_import, count);
    return program->imports == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static enum err link_imports(struct preparation *p, i64 *fuel)
{
    struct program *program = p->program;
    const struct wasm_module *module = program->module;
    bool is_adapter = program->adapts.size > 0;
    for (; p->import < module->import_count; p->import++) {
        if (*fuel <= 0) {
            return ERR_PAUSED;
        }
        *fuel -= LINK_UNITS;
        const struct wasm_import *import = &module->imports[p->import];
        struct program_import *out = &program->imports[p->import];
        if (import->kind == WASM_MEMORY && import->memory.limits.is_shared && !is_adapter &&
            program->memory_import == PROGRAM_NO_IMPORT) {
            program->memory_import = p->import; // whatever its name
            continue;
        }
        if (import->kind != WASM_FUNCTION) {
            return refuse_import(import, "imports something other than a function", &p->report);
        }
        bool is_host = span_equal(import->module, SPAN_LITERAL("redshirt")) ||
                       (is_adapter && span_equal(import->module, SPAN_LITERAL("client")));
        TRY(is_host ? link_host(program, import, out, &p->report)
                    : link_adapter(program, import, out, &p->report));
    }
    return ERR_OK;
}

// What a new thread runs; PROGRAM_NO_FUNCTION: there is none of that type.
static u32 thread_function(const struct wasm_module *module)
{
    const struct wasm_export *export =
        wasm_module_export(module, SPAN_LITERAL("wasi_thread_start"));
    if (export == NULL || export->kind != WASM_FUNCTION) {
        return PROGRAM_NO_FUNCTION;
    }
    static const u8 types[] = {WASM_I32, WASM_I32};
    static const struct wasm_func_type wanted = {.types = types, .param_count = 2};
    return type_equal(function_type(module, export->index), &wanted) ? export->index
                                                                     : PROGRAM_NO_FUNCTION;
}

static enum err link_exports(struct program *program, struct report *report)
{
    const struct wasm_module *module = program->module;
    bool is_adapter = program->adapts.size > 0;
    struct span name = is_adapter ? SPAN_LITERAL("_initialize") : SPAN_LITERAL("_start");
    const struct wasm_export *start = wasm_module_export(module, name);
    program->start_function = PROGRAM_NO_FUNCTION;
    if (start != NULL && start->kind == WASM_FUNCTION) {
        const struct wasm_func_type *type = function_type(module, start->index);
        if (type->param_count != 0 || type->result_count != 0) {
            return report_err_detail(report, ERR_MISMATCH, 0, "takes or gives something", name);
        }
        program->start_function = start->index;
    } else if (!is_adapter) {
        return report_err(report, ERR_MISMATCH, 0, "exports no function _start");
    }
    program->thread_function = thread_function(module);
    const struct wasm_export *memory = wasm_module_export(module, SPAN_LITERAL("memory"));
    if (memory == NULL || memory->kind != WASM_MEMORY) {
        return report_err(report, ERR_MISMATCH, 0, "exports no memory");
    }
    if (memory->index != 0) { // what all pointers mean
        return report_err(report, ERR_MISMATCH, 0, "exports as memory another than memory 0");
    }
    return ERR_OK;
}

// ---- the stages

// Each returns ERR_PAUSED until it is done, and has then begun the next.

// What a debugger stops in is a program, not its adapter.
static void load_begin(struct preparation *p)
{
    struct program *program = p->program;
    wasm_load_begin(&p->load, program->bytes, WASM_FEATURES_ALL, &program->arena, &p->scratch);
    p->load.has_probes = program->kernel->config.has_probes && program->adapts.size == 0;
}

static enum err step_name(struct preparation *p, i64 *fuel)
{
    TRY(check_name(p, fuel));
    load_begin(p);
    return ERR_OK;
}

static enum err step_module(struct preparation *p, i64 *fuel)
{
    TRY(wasm_load_step(&p->load, fuel, &p->report));
    p->program->module = p->load.module;
    p->sections = (struct section_reader){0};
    return ERR_OK;
}

static enum err step_sections(struct preparation *p, i64 *fuel)
{
    TRY(interface_parse_sections(p->program, &p->sections, fuel, &p->report));
    return link_begin(p);
}

static enum err step_exports(struct preparation *p, i64 *fuel)
{
    *fuel -= (i64)p->program->module->export_count * EXPORT_UNITS; // WASM_EXPORTS
    return link_exports(p->program, &p->report);
}

static enum err step_drop(struct preparation *p, i64 *fuel)
{
    bool is_left = true;
    while (is_left) {
        if (*fuel <= 0) {
            return ERR_PAUSED;
        }
        size_t before = p->scratch.used_bytes;
        is_left = arena_drop_part(&p->scratch, DROP_BYTES);
        *fuel -= 1 + (i64)(before - p->scratch.used_bytes) / DROP_BYTES_PER_UNIT;
    }
    return ERR_OK;
}

static enum err (*const stages[])(struct preparation *p, i64 *fuel) = {
    [PREPARE_NAME] = step_name,         [PREPARE_MODULE] = step_module,
    [PREPARE_SECTIONS] = step_sections, [PREPARE_IMPORTS] = link_imports,
    [PREPARE_EXPORTS] = step_exports,   [PREPARE_DROP] = step_drop,
};

static void refuse(struct preparation *p, enum err err)
{
    p->failed = p->stage;
    p->err = err;
    p->stage = PREPARE_DROP;
}

struct preparation *prepare_begin(struct program *program, bool is_named)
{
    struct memory *memory = kernel_memory(program->kernel);
    struct preparation *p = memory_take(memory, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    *p = (struct preparation){.program = program};
    report_clear(&p->report);
    arena_init(&p->scratch, memory, KERNEL_PROGRAM_BYTES);
    unixfs_naming_begin(&p->naming, program->bytes, platform_sha256, &p->scratch);
    if (is_named) {
        p->stage = PREPARE_MODULE;
        load_begin(p);
    }
    return p;
}

bool prepare_step(struct preparation *p, i64 *fuel)
{
    while (p->stage != PREPARE_DROP) {
        enum err err = stages[p->stage](p, fuel);
        if (err == ERR_PAUSED) {
            return false;
        }
        if (err != ERR_OK) {
            refuse(p, err);
        } else {
            p->stage++;
        }
    }
    return step_drop(p, fuel) == ERR_OK;
}

void prepare_cancel(struct preparation *p)
{
    if (p->stage != PREPARE_DROP) {
        refuse(p, ERR_CLOSED);
    }
}

enum err prepare_end(struct preparation *p, bool *is_name, struct report *report)
{
    ASSERT(p->stage == PREPARE_DROP && p->scratch.used_bytes == 0);
    enum err err = p->err;
    *is_name = p->failed == PREPARE_NAME;
    if (report != NULL) {
        *report = p->report;
    }
    memory_give(kernel_memory(p->program->kernel), p, sizeof *p);
    return err;
}
