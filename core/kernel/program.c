// SPDX-License-Identifier: GPL-3.0-or-later
// Programs by name: fetched through the loader, their name recomputed, decoded, validated,
// translated and linked once, shared by all who run them, and kept for a while after the last.
// Everything but the first and the last step happens without the lock, on the worker that finds it
// to do.
//
// A program that could not be loaded leaves the map at once, so the next start tries again; its
// record lives until those who waited for it were told.
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/unixfs.h"
#include "core/kernel/internal.h"
#include "core/kernel/prepare.h"
#include "core/platform.h"
#include "interfaces/loader.h"

STATIC_ASSERT((int)KERNEL_CID_TEXT_BYTES >= (int)CID_TEXT_BYTES);

// ---- records

static struct program *find_locked(struct kernel *kernel, const struct cid *cid)
{
    struct map_node *node = map_find(&kernel->program_map, mem_load_u64(cid->digest));
    for (; node != NULL; node = map_find_next(node)) {
        struct program *program = CONTAINER_OF(node, struct program, by_digest);
        if (program->codec == cid->codec &&
            mem_equal(program->digest, cid->digest, sizeof cid->digest)) {
            return program;
        }
    }
    return NULL;
}

// NULL: KERNEL_PROGRAMS, or no memory.
static struct program *new_locked(struct kernel *kernel, const struct cid *cid)
{
    struct program *program =
        kernel->program_count < KERNEL_PROGRAMS ? pool_take(&kernel->programs) : NULL;
    if (program == NULL) {
        return NULL;
    }
    kernel->program_count++;
    program->kernel = kernel;
    program->codec = cid->codec;
    mem_copy(program->digest, cid->digest, sizeof program->digest);
    cid_write_text(cid, program->cid);
    list_init(&program->waiting);
    arena_init(&program->arena, kernel_memory(kernel), KERNEL_PROGRAM_BYTES);
    map_add(&kernel->program_map, &program->by_digest, mem_load_u64(program->digest));
    program->is_mapped = true;
    return program;
}

void program_drop(struct program *program)
{
    compiled_program_drop(program);
    arena_drop(&program->arena);
    if (program->buffer != NULL) {
        memory_give(kernel_memory(program->kernel), program->buffer, program->buffer_size);
        program->buffer = NULL;
    }
}

static void unmap_locked(struct program *program)
{
    if (program->is_mapped) {
        map_remove(&program->kernel->program_map, &program->by_digest);
        program->is_mapped = false;
    }
}

u64 program_cache_cost(const struct program *program)
{
    return program->buffer_size + program->arena.used_bytes + compiled_program_bytes(program);
}

// Gives back a large one in portions: a hundred megabytes take longer than a slice.
static bool drop_step(struct job *job, i64 *fuel)
{
    struct program *program = CONTAINER_OF(job, struct program, job);
    struct kernel *kernel = program->kernel;
    compiled_program_drop(program); // its code is known to the module, which goes next
    while (program->arena.used_bytes > 0) {
        if (*fuel <= 0) {
            return true;
        }
        size_t before = program->arena.used_bytes;
        (void)arena_drop_part(&program->arena, KERNEL_FREE_PART);
        *fuel -= 1 + (i64)(before - program->arena.used_bytes) / KERNEL_FUEL_FREE_BYTES;
    }
    *fuel -= 1 + (i64)program->buffer_size / KERNEL_FUEL_FREE_BYTES;
    program_drop(program);
    kernel_lock(kernel);
    pool_give(&kernel->programs, program);
    kernel_unlock(kernel);
    return false;
}

// Frees what nobody can find any more.
static void dispose_locked(struct kernel *kernel, struct program *program)
{
    ASSERT(program->family == NULL && !program->is_mapped && program->preparation == NULL);
    struct program *adapter = program->adapter;
    if (program_cache_cost(program) > KERNEL_FREE_LOCKED) {
        job_start_locked(kernel, &program->job, JOB_NORMAL, drop_step);
    } else {
        program_drop(program);
        pool_give(&kernel->programs, program);
    }
    if (adapter != NULL) {
        ASSERT(adapter->is_fixed && adapter->reference_count > 0);
        adapter->reference_count--;
    }
}

// Takes it out of the map and the count: its place is free.
static void retire_locked(struct kernel *kernel, struct program *program)
{
    ASSERT(program->reference_count == 0 && list_is_empty(&program->waiting));
    ASSERT(program->family == NULL && kernel->program_count > 0);
    kernel->program_count--;
    unmap_locked(program);
}

static void free_locked(struct kernel *kernel, struct program *program)
{
    retire_locked(kernel, program);
    dispose_locked(kernel, program);
}

static void uncache_locked(struct kernel *kernel, struct program *program)
{
    list_remove(&program->work);
    kernel->cache_bytes -= program_cache_cost(program);
}

static void evict_oldest_locked(struct kernel *kernel)
{
    struct program *oldest = LIST_ITEM(list_first(&kernel->cache), struct program, work);
    uncache_locked(kernel, oldest);
    free_locked(kernel, oldest);
}

// Somebody of that family took it up: it is charged until nobody has it.
static void charge_locked(struct program *program, struct process *family)
{
    ASSERT(program->family == NULL && family->family_programs < KERNEL_FAMILY_PROGRAMS);
    program->family = family;
    family->family_programs++;
    family->code_bytes += program->code_bytes;
}

static void uncharge_locked(struct kernel *kernel, struct program *program)
{
    struct process *family = program->family;
    ASSERT(family->family_programs > 0);
    program->family = NULL;
    family->family_programs--;
    ASSERT(family->code_bytes >= program->code_bytes);
    family->code_bytes -= program->code_bytes;
    process_release_locked(kernel, family);
}

// Nobody waits any more for what is being fetched or checked: its place is free at once, however
// long the loader takes, and a check goes no further.
static void give_up_locked(struct kernel *kernel, struct program *program)
{
    ASSERT(program->reference_count == 1 && list_is_empty(&program->waiting));
    if (program->state == PROGRAM_CHECKING) {
        program->reference_count = 0;
        uncharge_locked(kernel, program);
        retire_locked(kernel, program);
        job_cancel(&program->job); // which disposes of it
        return;
    }
    if (program->state == PROGRAM_EXPECTING) {
        list_remove(&program->work);
    } else {
        message_withdraw_locked(kernel, program->load);
        program->load = NULL;
    }
    program->reference_count = 0;
    uncharge_locked(kernel, program);
    free_locked(kernel, program);
}

void program_give_locked(struct kernel *kernel, struct program *program)
{
    ASSERT(program->reference_count > 0);
    bool is_loading = program->state <= PROGRAM_CHECKING && !program->is_fixed;
    if (--program->reference_count == 1 && is_loading) {
        give_up_locked(kernel, program);
        return;
    }
    if (program->reference_count > 0 || program->is_fixed) {
        return;
    }
    uncharge_locked(kernel, program);
    if (program->state != PROGRAM_READY) {
        free_locked(kernel, program);
        return;
    }
    list_append(&kernel->cache, &program->work);
    kernel->cache_bytes += program_cache_cost(program);
    while (kernel->cache_bytes > KERNEL_CACHE_BYTES) {
        evict_oldest_locked(kernel);
    }
}

// ---- the end of a load

// Everybody who waited gets it, as it is now.
static void settle_locked(struct kernel *kernel, struct program *program)
{
    struct list_node *node;
    while ((node = list_take(&program->waiting)) != NULL) {
        process_ready_locked(kernel, LIST_ITEM(node, struct process, run));
    }
    bool failed = program->state == PROGRAM_FAILED;
    kernel_trace(kernel, KERNEL_TRACE_LOAD, mem_load_u64(program->digest),
                 failed ? 1 + program->error : 0);
    program_give_locked(kernel, program);
}

static void fail_locked(struct kernel *kernel, struct program *program,
                        enum kernel_load_error error, const char *why, struct span detail)
{
    struct text text = text_over(program->text, sizeof program->text);
    text_string(&text, why);
    if (detail.size > 0) {
        text_string(&text, ": ");
        text_printable(&text, detail);
    }
    program->state = PROGRAM_FAILED;
    program->error = (u8)error;
    unmap_locked(program);
    settle_locked(kernel, program);
}

// ---- asking the loader

static void fetch_locked(struct kernel *kernel, struct program *program)
{
    struct span none = {0};
    struct registration *loader = handler_find_locked(kernel, &kernel->loader);
    if (loader == NULL && kernel->expects_loader) {
        program->state = PROGRAM_EXPECTING;
        list_append(&kernel->expecting, &program->work);
        return;
    }
    program->state = PROGRAM_FETCHING;
    if (loader == NULL) {
        fail_locked(kernel, program, KERNEL_LOAD_NO_LOADER, "nobody handles the loader interface",
                    none);
        return;
    }
    u8 buffer[KERNEL_BODY_INLINE];
    STATIC_ASSERT(4 + CID_TEXT_LETTERS <= KERNEL_BODY_INLINE);
    struct message *message = message_new_locked(kernel, NULL, true);
    if (message == NULL) {
        fail_locked(kernel, program, KERNEL_LOAD_LIMIT, "no memory to ask the loader", none);
        return;
    }
    struct loader_load_call call = {.cid = span_string(program->cid)};
    size_t size = loader_load_encode_call(buffer, sizeof buffer, &call);
    ASSERT(size <= sizeof buffer);
    message->function = LOADER_LOAD_ID;
    message->client_number = 0;
    message->bond = NULL;
    message->program = program;
    program->load = message;
    message_set_body_locked(kernel, message, span_of(buffer, size), NULL);
    message_queue_locked(kernel, message, loader);
}

// At most KERNEL_PROGRAMS of them, and mostly one: what a machine starts before its loader is up.
void program_expected_locked(struct kernel *kernel)
{
    if (list_is_empty(&kernel->expecting) ||
        (kernel->expects_loader && handler_find_locked(kernel, &kernel->loader) == NULL)) {
        return;
    }
    struct list_node *node;
    while ((node = list_take(&kernel->expecting)) != NULL) {
        fetch_locked(kernel, LIST_ITEM(node, struct program, work));
    }
}

void kernel_expect_loader(struct kernel *kernel, bool expected)
{
    kernel_lock(kernel);
    kernel->expects_loader = expected;
    program_expected_locked(kernel);
    kernel_unlock(kernel);
}

// The process ends as one that was not loaded, with a sentence.
static void refuse_locked(struct kernel *kernel, struct process *process,
                          enum kernel_load_error error, const char *why)
{
    struct span text = span_string(why);
    process->end_load = (u8)error;
    process->end_text = memory_take(kernel_memory(kernel), text.size + 1);
    if (process->end_text != NULL) {
        mem_copy(process->end_text, why, text.size + 1);
        process->end_text_size = (u32)text.size + 1;
    }
    process_ready_locked(kernel, process);
}

// A program that has a record. Out of the cache it is taken up as if it were new.
static void start_known_locked(struct kernel *kernel, struct program *program,
                               struct process *process)
{
    if (program->reference_count == 0 && !program->is_fixed) {
        uncache_locked(kernel, program);
        charge_locked(program, process->family);
    }
    program->reference_count++;
    process->program = program;
    if (program->state == PROGRAM_READY) {
        process_ready_locked(kernel, process);
    } else {
        list_append(&program->waiting, &process->run);
    }
}

void program_start_locked(struct kernel *kernel, struct span text, struct process *process)
{
    struct cid cid;
    struct report report;
    report_clear(&report);
    if (cid_parse_text(text, &cid, &report) != ERR_OK) {
        refuse_locked(kernel, process, KERNEL_LOAD_BAD_CID, report.text);
        return;
    }
    if (!budget_begin_locked(kernel, process, &cid)) {
        refuse_locked(kernel, process, KERNEL_LOAD_DENIED, "the user has taken back its budget");
        return;
    }
    struct program *program = find_locked(kernel, &cid);
    bool is_taken_up = program == NULL || (program->reference_count == 0 && !program->is_fixed);
    if (is_taken_up && process->family->family_programs == KERNEL_FAMILY_PROGRAMS) {
        refuse_locked(kernel, process, KERNEL_LOAD_LIMIT, "too many programs of one family");
        return;
    }
    if (program != NULL) {
        start_known_locked(kernel, program, process);
        return;
    }
    if (kernel->program_count == KERNEL_PROGRAMS && !list_is_empty(&kernel->cache)) {
        evict_oldest_locked(kernel);
    }
    bool is_full = kernel->program_count == KERNEL_PROGRAMS;
    program = new_locked(kernel, &cid);
    if (program == NULL) {
        refuse_locked(kernel, process, KERNEL_LOAD_LIMIT,
                      is_full ? "too many programs at once" : "no memory for another program");
        return;
    }
    program->reference_count = 2; // the process's, and one until the load has come to its end
    charge_locked(program, process->family);
    process->program = program;
    list_append(&program->waiting, &process->run);
    fetch_locked(kernel, program);
}

// ---- checking: the job's own until it is READY or FAILED

static enum kernel_load_error load_error(enum err err)
{
    switch (err) {
    case ERR_LIMIT:
    case ERR_NO_MEMORY:
        return KERNEL_LOAD_LIMIT;
    default:
        return KERNEL_LOAD_NOT_A_PROGRAM;
    }
}

// The report as one sentence, with the place in the file where there is one.
static struct span sentence(const struct report *report, enum err err, char *buffer, size_t size)
{
    struct text text = text_over(buffer, size);
    text_string(&text, report->text[0] != 0 ? report->text : err_name(err));
    if (report->offset != 0) {
        text_string(&text, " at offset 0x");
        text_hex(&text, report->offset, 1);
    }
    return span_of(text.data, text.size);
}

// The program is what `err` says; everybody who waits for it learns that.
static void checked_locked(struct kernel *kernel, struct program *program, enum err err,
                           bool is_name, const struct report *report)
{
    if (err == ERR_OK) {
        program->state = PROGRAM_READY;
        settle_locked(kernel, program);
        return;
    }
    enum kernel_load_error error = load_error(err);
    const char *why = "not a program";
    if (is_name) {
        error = err == ERR_MISMATCH ? KERNEL_LOAD_WRONG_BYTES : KERNEL_LOAD_LIMIT;
        why = err == ERR_MISMATCH ? "wrong bytes" : "not checked";
    }
    char buffer[160];
    fail_locked(kernel, program, error, why, sentence(report, err, buffer, sizeof buffer));
}

// A step of a program's check. Nobody but the job frees the program while it is CHECKING.
static bool check_step(struct job *job, i64 *fuel)
{
    struct program *program = CONTAINER_OF(job, struct program, job);
    struct kernel *kernel = program->kernel;
    if (job_is_cancelled(job)) {
        prepare_cancel(program->preparation);
    }
    if (!prepare_step(program->preparation, fuel)) {
        return true;
    }
    bool is_name;
    struct report report;
    enum err err = prepare_end(program->preparation, &is_name, &report);
    program->preparation = NULL;
    kernel_lock(kernel);
    if (job_is_cancelled(job)) { // it may have been just now
        dispose_locked(kernel, program);
    } else {
        checked_locked(kernel, program, err, is_name, &report);
    }
    kernel_unlock(kernel);
    return false;
}

static void check_start_locked(struct kernel *kernel, struct program *program)
{
    program->state = PROGRAM_CHECKING;
    program->preparation = prepare_begin(program, false);
    if (program->preparation == NULL) {
        fail_locked(kernel, program, KERNEL_LOAD_LIMIT, "no memory to check the program",
                    (struct span){0});
        return;
    }
    job_start_locked(kernel, &program->job, JOB_NORMAL, check_step);
}

// ---- what the loader answered

static void loaded_bytes_locked(struct kernel *kernel, struct program *program, struct span bytes,
                                u8 *buffer, size_t buffer_size)
{
    program->buffer = buffer;
    program->buffer_size = buffer_size;
    program->bytes = bytes;
    check_start_locked(kernel, program);
}

// What the loader refused, in the kernel's words.
static void refused_locked(struct kernel *kernel, struct program *program,
                           const struct loader_error *error)
{
    switch (error->kind) {
    case LOADER_ERROR_NOT_FOUND:
        fail_locked(kernel, program, KERNEL_LOAD_NOT_FOUND, "not found", error->as.not_found);
        break;
    case LOADER_ERROR_DAMAGED:
        fail_locked(kernel, program, KERNEL_LOAD_WRONG_BYTES, "damaged", error->as.damaged);
        break;
    case LOADER_ERROR_TOO_LARGE:
        fail_locked(kernel, program, KERNEL_LOAD_LIMIT, "too large", error->as.too_large);
        break;
    case LOADER_ERROR_UNSUPPORTED:
        fail_locked(kernel, program, KERNEL_LOAD_BAD_CID, "unsupported", error->as.unsupported);
        break;
    default:
        fail_locked(kernel, program, KERNEL_LOAD_FAILED, "the loader failed", error->as.failed);
        break;
    }
}

// The loader's answer, whole, in `body`; `allocated` is NULL when it is short.
static void answered_locked(struct kernel *kernel, struct program *program, struct span body,
                            u8 *allocated)
{
    struct span none = {0};
    struct loader_result_bytes_error result;
    if (loader_load_decode_result(body, &result) != ERR_OK) {
        fail_locked(kernel, program, KERNEL_LOAD_FAILED, "the loader's answer does not decode",
                    none);
    } else if (!result.ok) {
        refused_locked(kernel, program, &result.error);
    } else {
        u8 *buffer = allocated;
        size_t offset = (size_t)(result.value.data - body.data);
        if (buffer == NULL) {
            buffer = memory_take(kernel_memory(kernel), body.size);
            if (buffer == NULL) {
                fail_locked(kernel, program, KERNEL_LOAD_LIMIT, "no memory for the program", none);
                return;
            }
            mem_copy(buffer, body.data, body.size);
        }
        loaded_bytes_locked(kernel, program, span_of(buffer + offset, result.value.size), buffer,
                            body.size);
        return;
    }
    if (allocated != NULL) {
        memory_give(kernel_memory(kernel), allocated, body.size);
    }
}

void program_loaded_locked(struct kernel *kernel, struct message *message, struct span body,
                           u8 *allocated, u32 error)
{
    struct span none = {0};
    struct program *program = message->program;
    ASSERT(program->state == PROGRAM_FETCHING && program->load == message);
    program->load = NULL;
    message->program = NULL;
    message_free_locked(kernel, message);
    if (error == -E_GONE) {
        fail_locked(kernel, program, KERNEL_LOAD_FAILED, "the loader ended before it answered",
                    none);
    } else if (error != 0) {
        fail_locked(kernel, program, KERNEL_LOAD_FAILED, "the loader gave an error answer", none);
    } else if (body.size > KERNEL_BODY_INLINE && allocated == NULL) {
        fail_locked(kernel, program, KERNEL_LOAD_LIMIT, "no memory for the program", none);
    } else {
        answered_locked(kernel, program, body, allocated);
    }
}

// ---- programs that come with the system

static enum err prepare_whole(struct program *program, struct report *report)
{
    struct preparation *preparation = prepare_begin(program, true);
    if (preparation == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory to check the program");
    }
    i64 fuel;
    do {
        fuel = INT64_MAX;
    } while (!prepare_step(preparation, &fuel));
    bool is_name;
    return prepare_end(preparation, &is_name, report);
}

static enum err add_checked(struct kernel *kernel, struct program *program, struct report *report)
{
    enum err err = prepare_whole(program, report);
    kernel_lock(kernel);
    if (err == ERR_OK) {
        program->state = PROGRAM_READY;
        if (program->adapts.size > 0) {
            list_append(&kernel->adapters, &program->of_adapters);
        }
        struct list_node *node;
        while ((node = list_take(&program->waiting)) != NULL) {
            process_ready_locked(kernel, LIST_ITEM(node, struct process, run));
        }
    } else { // nobody may be waiting: the machine adds its programs before it starts any
        ASSERT(program->reference_count == 0);
        program->is_fixed = false;
        free_locked(kernel, program);
    }
    kernel_unlock(kernel);
    return err;
}

enum err kernel_program_add(struct kernel *kernel, struct span bytes, struct span adapts,
                            char cid_text[KERNEL_CID_TEXT_BYTES], struct report *report)
{
    struct cid cid;
    struct arena scratch;
    arena_init(&scratch, kernel_memory(kernel), KERNEL_NAME_SCRATCH);
    enum err err = unixfs_cid(bytes, platform_sha256, &scratch, &cid);
    arena_drop(&scratch);
    if (err != ERR_OK) {
        return report_err(report, err, 0, "no memory to compute the program's name");
    }
    cid_write_text(&cid, cid_text);
    kernel_lock(kernel);
    if (find_locked(kernel, &cid) != NULL) {
        kernel_unlock(kernel);
        return report_err(report, ERR_EXISTS, 0, "this program was added already");
    }
    struct program *program = new_locked(kernel, &cid);
    if (program != NULL) {
        program->is_fixed = true;
        program->state = PROGRAM_CHECKING;
        program->bytes = bytes;
        program->adapts = adapts;
    }
    kernel_unlock(kernel);
    if (program == NULL) {
        return report_err(report, ERR_LIMIT, 0, "too many programs");
    }
    return add_checked(kernel, program, report);
}
