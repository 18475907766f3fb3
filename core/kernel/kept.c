// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/kept.h"
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/jit/compile.h"
#include "core/jit/image.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/space.h"
#include "core/jit/version.h"
#include "core/kernel/internal.h"
#include "core/platform.h"

STATIC_ASSERT((u32)JIT_IMAGE_NAME_BYTES == (u32)PLATFORM_NAME_BYTES);

struct kept {
    struct program *program;
    enum jit_bounds bounds;
    kept_arrived *arrived;
    u8 name[JIT_IMAGE_NAME_BYTES];
    bool is_answered; // atomic; before it the machine's, then whoever compiles the program's
    u8 *bytes;        // what has come; NULL: nothing, or no longer needed
    size_t size;
    struct arena arena; // of reading it
    struct jit_image image;
    bool is_open;
    bool is_checked;
    bool is_placed; // all of it
    bool is_writing;
    struct jit_image_writer writer;
};

static struct kept *kept_of(const struct program *program, enum jit_bounds bounds)
{
    return __atomic_load_n(&program->kept[bounds], __ATOMIC_ACQUIRE);
}

// ---- words

static struct text words(char *buffer, size_t size, const struct program *program)
{
    struct text text = text_over(buffer, size);
    text_string(&text, "redshirt: ");
    text_string(&text, program->cid);
    text_string(&text, ": ");
    return text;
}

static void say(const struct text *text)
{
    platform_log(span_of(text->data, text->size));
}

static void say_count(const struct program *program, u64 count, const char *what)
{
    if (program->kernel->config.is_verbose) {
        char buffer[192];
        struct text text = words(buffer, sizeof buffer, program);
        text_u64(&text, count);
        text_string(&text, what);
        say(&text);
    }
}

void kept_say_begins(const struct program *program)
{
    char buffer[192];
    struct text text = words(buffer, sizeof buffer, program);
    text_string(&text, "begins");
    say(&text);
}

// ---- asking

static void request_end(struct kernel *kernel)
{
    __atomic_fetch_sub(&kernel->kept_requests, 1, __ATOMIC_RELEASE);
}

static void request_begin(struct kernel *kernel)
{
    __atomic_fetch_add(&kernel->kept_requests, 1, __ATOMIC_RELAXED);
}

void kept_settle(struct kernel *kernel)
{
    while (__atomic_load_n(&kernel->kept_requests, __ATOMIC_ACQUIRE) != 0) {
        platform_relax();
    }
}

static void bytes_drop(struct kept *kept)
{
    if (kept->bytes != NULL) {
        memory_give(kernel_memory(kept->program->kernel), kept->bytes, kept->size);
        kept->bytes = NULL;
    }
}

// In the machine's thread.
static void loaded(void *context, struct span bytes)
{
    struct kept *kept = context;
    struct program *program = kept->program;
    struct kernel *kernel = program->kernel;
    if (bytes.size > 0 && bytes.size <= JIT_IMAGE_BYTES) {
        kept->bytes = memory_take(kernel_memory(kernel), bytes.size);
        if (kept->bytes != NULL) {
            kept->size = bytes.size;
            mem_copy(kept->bytes, bytes.data, bytes.size);
        }
    }
    if (kept->bytes != NULL && kept->arrived != NULL) {
        kept->arrived(program, kept->bounds);
    }
    __atomic_store_n(&kept->is_answered, true, __ATOMIC_RELEASE);
    kernel_lock(kernel);
    program_give_locked(kernel, program);
    kernel_unlock(kernel);
    request_end(kernel);
}

static struct kept *kept_new(struct program *program, enum jit_bounds bounds)
{
    struct kernel *kernel = program->kernel;
    struct kept *kept = memory_take(kernel_memory(kernel), sizeof *kept);
    if (kept == NULL) {
        return NULL;
    }
    mem_zero(kept, sizeof *kept);
    kept->program = program;
    kept->bounds = bounds;
    arena_init(&kept->arena, kernel_memory(kernel), JIT_SCRATCH_BYTES);
    struct cid cid = {.codec = program->codec};
    mem_copy(cid.digest, program->digest, sizeof cid.digest);
    struct jit_options options = jit_space_options(kernel->space, bounds);
    jit_image_name(&cid, jit_version, kernel->space->target, &options, platform_sha256, kept->name);
    return kept;
}

void kept_ask(struct program *program, enum jit_bounds bounds, kept_arrived *arrived)
{
    struct kernel *kernel = program->kernel;
    if (kept_of(program, bounds) != NULL) {
        return;
    }
    struct kept *kept = kept_new(program, bounds);
    if (kept == NULL) {
        return;
    }
    kept->arrived = arrived;
    kernel_lock(kernel);
    bool is_first = program->kept[bounds] == NULL;
    if (is_first) {
        program->reference_count++; // until the answer
        request_begin(kernel);
        __atomic_store_n(&program->kept[bounds], kept, __ATOMIC_RELEASE);
    }
    kernel_unlock(kernel);
    if (is_first) {
        platform_kept_load(kept->name, loaded, kept);
    } else {
        memory_give(kernel_memory(kernel), kept, sizeof *kept);
    }
}

bool kept_is_answered(const struct program *program, enum jit_bounds bounds)
{
    const struct kept *kept = kept_of(program, bounds);
    return kept != NULL && __atomic_load_n(&kept->is_answered, __ATOMIC_ACQUIRE);
}

// ---- reading

static void removed(void *context, struct span bytes)
{
    (void)bytes;
    request_end(context);
}

static enum err refuse(struct kept *kept, const struct report *report)
{
    char buffer[256];
    struct text text = words(buffer, sizeof buffer, kept->program);
    text_string(&text, "kept code is damaged, and is made again: ");
    text_string(&text, report->text);
    say(&text);
    bytes_drop(kept);
    request_begin(kept->program->kernel);
    platform_kept_save(kept->name, NULL, 0, removed, kept->program->kernel);
    return ERR_NOT_FOUND;
}

static enum err check_next(struct kept *kept, struct report *report)
{
    if (!kept->is_open) {
        TRY(jit_image_open(&kept->image, span_of(kept->bytes, kept->size), kept->name,
                           kept->program->module, platform_sha256, &kept->arena, report));
        kept->is_open = true;
        return ERR_OK;
    }
    struct arena scratch;
    arena_init(&scratch, kernel_memory(kept->program->kernel), JIT_SCRATCH_BYTES);
    enum err err = jit_image_check(&kept->image, &scratch, report);
    arena_drop(&scratch);
    if (err == ERR_OK && kept->image.checked_count == kept->image.part_count) {
        kept->is_checked = true;
        jit_image_rewind(&kept->image);
    }
    return err;
}

static enum err place_next(struct kept *kept, struct jit_module *module)
{
    struct arena scratch;
    arena_init(&scratch, kernel_memory(kept->program->kernel), JIT_SCRATCH_BYTES);
    struct jit_placed *functions;
    u32 count;
    enum err err = jit_image_read(&kept->image, &scratch, &functions, &count, NULL);
    if (err == ERR_OK) {
        err = jit_module_place(module, functions, count, &scratch);
    }
    arena_drop(&scratch);
    if (err != ERR_OK) {
        bytes_drop(kept);
        return ERR_NO_MEMORY;
    }
    kept->is_placed = kept->image.checked_count == kept->image.part_count;
    return ERR_OK;
}

static enum err step(struct kept *kept, struct jit_module *module)
{
    if (kept->is_checked) {
        return place_next(kept, module);
    }
    struct report report;
    report_clear(&report);
    enum err err = check_next(kept, &report);
    if (err == ERR_NO_MEMORY) {
        bytes_drop(kept);
        return ERR_NOT_FOUND; // it may be sound
    }
    return err == ERR_OK ? ERR_OK : refuse(kept, &report);
}

enum err kept_step(struct program *program, enum jit_bounds bounds, struct jit_module *module,
                   i64 *fuel)
{
    struct kept *kept = kept_of(program, bounds);
    if (kept == NULL || kept->bytes == NULL) {
        return ERR_NOT_FOUND;
    }
    do {
        u64 start_ns = platform_clock_ns();
        TRY(step(kept, module));
        *fuel -= 1 + (i64)((platform_clock_ns() - start_ns) / JIT_FUEL_NS);
    } while (!kept->is_placed && *fuel > 0);
    if (!kept->is_placed) {
        return ERR_PAUSED;
    }
    say_count(program, kept->image.function_count, " functions of kept code");
    arena_drop(&kept->arena);
    if (kept->image.is_whole) {
        bytes_drop(kept);
    }
    return ERR_OK;
}

bool kept_is_whole(const struct program *program, enum jit_bounds bounds)
{
    const struct kept *kept = kept_of(program, bounds);
    return kept != NULL && kept->is_placed && kept->image.is_whole;
}

// ---- writing

void kept_write(struct program *program, enum jit_bounds bounds, struct jit_compiler *compiler)
{
    struct kept *kept = kept_of(program, bounds);
    // What was placed in part is neither in the image nor compiled again.
    if (kept == NULL || (kept->is_checked && !kept->is_placed)) {
        return;
    }
    jit_image_begin(&kept->writer, program->module, platform_sha256,
                    kernel_memory(program->kernel));
    if (kept->is_placed) {
        jit_image_add_parts(&kept->writer, &kept->image);
    }
    kept->is_writing = true;
    compiler->image = &kept->writer;
}

// What must stay until the machine has written it.
struct saving {
    struct kernel *kernel;
    struct jit_image_writer writer;
    u8 *bytes;
    size_t size;
};

static void saved(void *context, struct span none)
{
    (void)none;
    struct saving *saving = context;
    struct kernel *kernel = saving->kernel;
    jit_image_end(&saving->writer);
    if (saving->bytes != NULL) {
        memory_give(kernel_memory(kernel), saving->bytes, saving->size);
    }
    memory_give(kernel_memory(kernel), saving, sizeof *saving);
    request_end(kernel);
}

static void save(struct kept *kept, bool is_whole)
{
    struct kernel *kernel = kept->program->kernel;
    struct span *pieces;
    u32 piece_count;
    enum err err = jit_image_finish(&kept->writer, kept->name, is_whole, &pieces, &piece_count);
    struct saving *saving =
        err == ERR_OK ? memory_take(kernel_memory(kernel), sizeof *saving) : NULL;
    if (saving == NULL) {
        jit_image_end(&kept->writer);
        bytes_drop(kept);
        return;
    }
    *saving = (struct saving){kernel, kept->writer, kept->bytes, kept->size};
    kept->bytes = NULL;
    request_begin(kernel);
    platform_kept_save(kept->name, pieces, piece_count, saved, saving);
}

void kept_save(struct program *program, enum jit_bounds bounds, struct jit_compiler *compiler,
               bool is_whole)
{
    struct kept *kept = kept_of(program, bounds);
    if (kept == NULL || !kept->is_writing) {
        return;
    }
    compiler->image = NULL;
    kept->is_writing = false;
    u32 before = kept->is_placed ? kept->image.function_count : 0;
    u32 count = kept->writer.function_count - before;
    say_count(program, count, " functions compiled");
    if (count > 0 || (is_whole && kept->is_placed)) {
        save(kept, is_whole);
    } else {
        jit_image_end(&kept->writer);
        bytes_drop(kept);
    }
}

void kept_drop(struct program *program, enum jit_bounds bounds)
{
    struct kept *kept = program->kept[bounds];
    if (kept != NULL) {
        ASSERT(kept->is_answered && !kept->is_writing);
        bytes_drop(kept);
        arena_drop(&kept->arena);
        memory_give(kernel_memory(program->kernel), kept, sizeof *kept);
        program->kept[bounds] = NULL;
    }
}
