// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/compile.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/image.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/space.h"
#include "core/wasm/module.h"

enum {
    BATCH_FIRST = 16,
    PLACE_UNITS = 10000, // of time, for a batch and for what it holds: about 60 us for the largest
    PLACE_BYTES_PER_UNIT = 16,
};

void jit_compile_begin(struct jit_compiler *compiler, struct jit_module *module,
                       struct memory *memory)
{
    *compiler = (struct jit_compiler){.module = module, .memory = memory};
    arena_init(&compiler->scratch, memory, JIT_SCRATCH_BYTES);
    arena_init(&compiler->batch, memory, JIT_SCRATCH_BYTES);
}

size_t jit_scratch_limit(size_t body_bytes)
{
    size_t limit = JIT_SCRATCH_KEPT + body_bytes * JIT_SCRATCH_EACH;
    return limit < JIT_SCRATCH_BYTES ? limit : JIT_SCRATCH_BYTES;
}

bool jit_compile_is_paused(const struct jit_compiler *compiler)
{
    return compiler->aside.is_begun;
}

static void batch_clear(struct jit_compiler *compiler)
{
    arena_drop(&compiler->batch);
    compiler->placed = NULL;
    compiler->capacity = 0;
    compiler->placed_count = 0;
    compiler->placed_bytes = 0;
}

static enum err batch_place(struct jit_compiler *compiler)
{
    compiler->scratch.limit_bytes = JIT_SCRATCH_BYTES;
    enum err err = jit_module_place(compiler->module, compiler->placed, compiler->placed_count,
                                    &compiler->scratch);
    if (compiler->work != NULL) {
        *compiler->work -= PLACE_UNITS + (i64)(compiler->placed_bytes / PLACE_BYTES_PER_UNIT);
    }
    arena_reset(&compiler->scratch, JIT_SCRATCH_KEPT);
    if (err == ERR_OK && compiler->image != NULL) {
        jit_image_add(compiler->image, compiler->placed, compiler->placed_count);
    }
    batch_clear(compiler);
    return err;
}

static struct jit_placed *batch_next(struct jit_compiler *compiler)
{
    if (compiler->placed_count == compiler->capacity) {
        u32 capacity = compiler->capacity == 0 ? BATCH_FIRST : compiler->capacity * 2;
        struct jit_placed *grown = ARENA_ARRAY(&compiler->batch, struct jit_placed, capacity);
        if (grown == NULL) {
            return NULL;
        }
        mem_copy(grown, compiler->placed, compiler->placed_count * sizeof *grown);
        compiler->placed = grown;
        compiler->capacity = capacity;
    }
    return &compiler->placed[compiler->placed_count];
}

static void compile_source(void *context)
{
    struct jit_compiler *compiler = context;
    struct jit_source *source = &compiler->source;
    enum err *outcome = &compiler->outcome;
    *outcome = jit_compile_source(source, &compiler->scratch, &compiler->batch, compiler->out);
    if (*outcome == ERR_NO_MEMORY) { // compiled at all is several times as fast as interpreted
        arena_reset(&compiler->scratch, JIT_SCRATCH_KEPT);
        source->is_coarse = true;
        *outcome = jit_compile_source(source, &compiler->scratch, &compiler->batch, compiler->out);
    }
}

// Without a stack to leave it on, a function is compiled in one step, as where nobody waits.
static bool can_pause(struct jit_compiler *compiler)
{
    return compiler->work != NULL &&
           (compiler->aside.stack != NULL ||
            jit_aside_open(&compiler->aside, compiler->module->space) == ERR_OK);
}

static enum err compile(struct jit_compiler *compiler, struct jit_placed *next, u32 origin)
{
    if (!jit_compile_is_paused(compiler)) {
        const struct wasm_module *wasm = compiler->module->module;
        u32 body = next->function - wasm->function_import_count;
        compiler->scratch.limit_bytes = jit_scratch_limit(wasm->bodies[body].code.size);
        bool pauses = can_pause(compiler);
        compiler->out = &next->code;
        compiler->source = (struct jit_source){.target = compiler->module->space->target,
                                               .options = &compiler->module->options,
                                               .module = compiler->module->module,
                                               .function = next->function,
                                               .is_loop = next->loop != NULL,
                                               .origin = origin,
                                               .pace = pauses ? &compiler->aside.pace : NULL};
        if (pauses) {
            jit_aside_begin(&compiler->aside, compile_source, compiler);
        } else {
            compile_source(compiler);
        }
    }
    if (jit_compile_is_paused(compiler)) {
        ASSERT(compiler->source.function == next->function &&
               compiler->source.is_loop == (next->loop != NULL) && compiler->out == &next->code);
        if (*compiler->work <= 0 || !jit_aside_step(&compiler->aside, compiler->work)) {
            return ERR_PAUSED;
        }
    }
    arena_reset(&compiler->scratch, JIT_SCRATCH_KEPT);
    return compiler->outcome;
}

static enum err batch_add(struct jit_compiler *compiler, u32 function, u32 origin,
                          const struct ins *head)
{
    const struct wasm_module *wasm = compiler->module->module;
    struct jit_placed *next = batch_next(compiler);
    if (next == NULL) {
        return ERR_NO_MEMORY;
    }
    next->function = function;
    next->loop = head;
    enum err err = compile(compiler, next, origin);
    if (err != ERR_OK) {
        compiler->refused += err != ERR_PAUSED;
        compiler->refusal = err != ERR_PAUSED ? err : compiler->refusal;
        return err == ERR_PAUSED ? err : ERR_OK;
    }
    compiler->body_bytes += wasm->bodies[function - wasm->function_import_count].code.size;
    compiler->code_bytes += next->code.code_bytes;
    compiler->placed_bytes += next->code.code_bytes;
    compiler->placed_count++;
    bool is_full =
        compiler->placed_bytes >= JIT_BATCH_BYTES || compiler->placed_count >= JIT_BATCH_FUNCTIONS;
    return is_full ? batch_place(compiler) : ERR_OK;
}

static bool is_in_batch(const struct jit_compiler *compiler, u32 function, const struct ins *head)
{
    for (u32 i = 0; i < compiler->placed_count; i++) {
        const struct jit_placed *placed = &compiler->placed[i];
        if (placed->function == function && placed->loop == head) {
            return true;
        }
    }
    return false;
}

enum err jit_compile_one(struct jit_compiler *compiler, u32 function)
{
    bool is_there =
        jit_module_has(compiler->module, function) || is_in_batch(compiler, function, NULL);
    return is_there ? ERR_OK : batch_add(compiler, function, 0, NULL);
}

enum err jit_compile_one_loop(struct jit_compiler *compiler, u32 function, u32 origin,
                              const struct ins *head)
{
    u32 loops = compiler->module->loop_count + compiler->placed_count;
    bool is_there = jit_module_loop(compiler->module, head) != NULL ||
                    is_in_batch(compiler, function, head) || loops >= JIT_LOOPS;
    return is_there ? ERR_OK : batch_add(compiler, function, origin, head);
}

enum err jit_compile_all(struct jit_compiler *compiler)
{
    const struct wasm_module *wasm = compiler->module->module;
    for (u32 i = wasm->function_import_count; i < wasm->function_count; i++) {
        TRY(jit_compile_one(compiler, i));
    }
    return ERR_OK;
}

enum err jit_compile_end(struct jit_compiler *compiler)
{
    enum err err = ERR_OK;
    ASSERT(!jit_compile_is_paused(compiler));
    jit_aside_close(&compiler->aside);
    if (compiler->placed_count == 0) {
        batch_clear(compiler);
    } else {
        err = batch_place(compiler);
    }
    arena_drop(&compiler->scratch);
    return err;
}

void jit_compile_give_up(struct jit_compiler *compiler)
{
    jit_aside_close(&compiler->aside);
    batch_clear(compiler);
    arena_drop(&compiler->scratch);
}
