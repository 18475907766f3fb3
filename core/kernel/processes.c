// SPDX-License-Identifier: GPL-3.0-or-later
// The processes interface: children with streams of their own, and pipes
// (interfaces/processes.wit). What the system interface can say as well is done there, and answered
// alike.
#include "interfaces/processes.h"
#include "core/kernel/answer.h"
#include "core/kernel/internal.h"

// One call, as the functions below see it.
struct processes_call {
    struct kernel *kernel;
    struct process *process;
    struct message *message; // NULL: no answer wanted
};

// ---- spawn

// The streams that a request names, looked up: for each the end, or NULL.
struct wanted {
    const struct processes_stream *streams[STREAMS];
    struct pipe_end *ends[STREAMS];
};

// False: it holds no such end.
static bool wanted_find(const struct processes_call *call,
                        const struct processes_spawn_request *request, struct wanted *out)
{
    *out = (struct wanted){.streams = {&request->input, &request->output, &request->error}};
    for (u32 i = 0; i < STREAMS; i++) {
        if (out->streams[i]->kind != PROCESSES_STREAM_PIPE) {
            continue;
        }
        u64 id = out->streams[i]->as.pipe;
        out->ends[i] = pipe_end_find_locked(call->kernel, call->process, id);
        if (out->ends[i] == NULL || out->ends[i]->is_writer != (i != STREAM_INPUT)) {
            return false;
        }
    }
    return true;
}

static void wanted_set(struct kernel *kernel, struct process *child, const struct wanted *wanted)
{
    for (u32 i = 0; i < STREAMS; i++) {
        if (wanted->streams[i]->kind != PROCESSES_STREAM_INHERIT) {
            stream_set_locked(kernel, child, i, wanted->ends[i]);
        }
    }
}

static void spawn_refuse(const struct processes_call *call, enum system_spawn_error_kind kind,
                         struct span text)
{
    system_answer_no_child_locked(call->kernel, call->message, kind, text);
}

// The program that the request means; false: it has no such name, and the call was answered.
static bool find_program(const struct processes_call *call, const struct processes_program *program,
                         struct span *cid)
{
    if (program->kind == PROCESSES_PROGRAM_CID) {
        *cid = program->as.cid;
        return true;
    }
    *cid = name_find_locked(call->kernel, program->as.name);
    if (cid->size == 0) {
        struct span name = program->as.name;
        name.size = name.size <= KERNEL_PROGRAM_NAME_BYTES ? name.size : 0;
        spawn_refuse(call, SYSTEM_SPAWN_ERROR_NOT_FOUND, name);
        return false;
    }
    return true;
}

static void call_spawn(void *context, const struct interface_message *unused,
                       const struct processes_spawn_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    const struct processes_spawn_request *request = &body->request;
    struct process *leader = call->process->leader;
    struct wanted wanted;
    struct span cid;
    struct fence *fence = NULL;
    if (!find_program(call, &request->program, &cid)) {
        return;
    }
    if (!wanted_find(call, request, &wanted)) {
        spawn_refuse(call, SYSTEM_SPAWN_ERROR_DENIED, (struct span){0});
        return;
    }
    if (request->only.some &&
        fence_new(call->kernel, leader->fence, &request->only.value, &fence) != ERR_OK) {
        spawn_refuse(call, SYSTEM_SPAWN_ERROR_LIMIT, (struct span){0});
        return;
    }
    // Both lists are alike: docs/wire.md.
    struct start_lists lists = {
        .arguments = {request->arguments.count, NULL, request->arguments.encoded},
        .environment = {request->environment.count, NULL, request->environment.encoded},
    };
    struct process *child = system_child_new_locked(call->kernel, call->process, call->message,
                                                    &lists, call->process->limits);
    if (child == NULL) {
        fence_give(call->kernel, fence);
        return;
    }
    if (fence != NULL) {
        fence_give(call->kernel, child->fence); // its parent's
        child->fence = fence;
    }
    wanted_set(call->kernel, child, &wanted);
    program_start_locked(call->kernel, cid, child);
}

// ---- wait, kill, descendants

static void call_wait(void *context, const struct interface_message *unused,
                      const struct processes_wait_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    system_await_end_locked(call->kernel, call->process, call->message, body->process);
}

// Whether the process, which has not ended, is a child of that leader or of one of its descendants.
static bool is_descendant(const struct process *process, const struct process *leader)
{
    bool can_be_told = process->state != PROCESS_ENDED && process->leader == process &&
                       process != leader && process->spawn_message == NULL;
    if (!can_be_told || process->family != leader->family) {
        return false;
    }
    if (leader->family == leader) {
        return true;
    }
    const struct process *above = process->parent;
    for (u32 i = 0; i < KERNEL_GENERATIONS && above != NULL && above != leader; i++) {
        above = above->parent;
    }
    return above == leader;
}

static void call_kill(void *context, const struct interface_message *unused,
                      const struct processes_kill_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    struct process *leader = call->process->leader;
    struct process *process = process_find_locked(call->kernel, body->process);
    struct processes_result_none_system_error result = {.error = SYSTEM_ERROR_NOT_FOUND};
    if (process != NULL && is_descendant(process, leader)) {
        process_kill_locked(call->kernel, process);
        result.ok = true;
    } else if (process != NULL && process->parent == leader && process->state == PROCESS_ENDED &&
               !process->is_unasked) {
        result.ok = true; // its end has not been asked for yet
    }
    ANSWER(call->kernel, call->message, processes_kill_encode_result, &result);
}

// Answers with a list of `count`, which `put` writes: to be measured, and then again.
static void answer_list(const struct processes_call *call, u32 count, const void *items,
                        void (*put)(struct kernel *kernel, struct wire_writer *out,
                                    const void *items, u32 count))
{
    struct kernel *kernel = call->kernel;
    struct wire_writer measure = wire_writer_over(NULL, 0);
    put(kernel, &measure, items, count);
    size_t size = 4 + measure.size;
    ASSERT(size <= KERNEL_BODY_BYTES);
    struct answer_room room;
    if (!answer_room_take(kernel, &room, (u32)size)) {
        message_answer_error_locked(kernel, call->message, -E_NO_MEMORY);
        return;
    }
    mem_store_u32(room.bytes, count); // a list is its count and its items: docs/wire.md
    struct wire_writer out = wire_writer_over(room.bytes + 4, size - 4);
    put(kernel, &out, items, count);
    ASSERT(4 + out.size == size);
    message_answer_locked(kernel, call->message, span_of(room.bytes, size), room.allocated);
}

static void write_descendants(struct kernel *kernel, struct wire_writer *out, const void *items,
                              u32 count)
{
    struct process *const *processes = items;
    (void)kernel;
    for (u32 i = 0; i < count; i++) {
        const struct process *process = processes[i];
        struct processes_descendant record = {
            .process = process->by_id.key,
            .parent = process->parent_id,
            .program = span_string(process->program == NULL ? "" : process->program->cid),
            .name = process_started_as(process),
        };
        processes_descendant_write(out, &record);
    }
}

// The lock is given back while others are passed over, but not once somebody was found.
static void call_descendants(void *context, const struct interface_message *unused,
                             const struct processes_descendants_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    const struct process *leader = call->process->leader;
    struct process *found[KERNEL_DESCENDANTS];
    u32 count = 0;
    struct kernel *kernel = call->kernel;
    struct list_node *node = inspect_after_locked(kernel, body->after, &call->process->items);
    while (node != NULL && count < KERNEL_DESCENDANTS) {
        struct process *process = LIST_ITEM(node, struct process, of_kernel);
        // what one that ends was started with is being freed, without the lock
        if (is_descendant(process, leader) && !process->is_ending) {
            found[count++] = process;
        }
        bool pauses = ++call->process->items % KERNEL_SWEEP == 0;
        if (pauses && count > 0) { // enough for one answer
            break;
        }
        node = pauses ? inspect_pause_locked(kernel, process)
                      : list_next(&kernel->all_processes, node);
    }
    if (call->message != NULL) {
        answer_list(call, count, found, write_descendants);
    }
}

// ---- pipes

static void call_pipe(void *context, const struct interface_message *unused)
{
    (void)unused;
    const struct processes_call *call = context;
    if (call->message == NULL) {
        return; // nobody would know the ends
    }
    struct processes_pipe_ends ends;
    enum err err = pipe_make_locked(call->kernel, call->process, &ends.reader, &ends.writer);
    if (err == ERR_NO_MEMORY) {
        message_answer_error_locked(call->kernel, call->message, -E_NO_MEMORY);
        return;
    }
    struct processes_result_pipe_ends_pipe_error result = {.ok = err == ERR_OK};
    if (result.ok) {
        result.value = ends;
    } else {
        result.error = PROCESSES_PIPE_ERROR_LIMIT;
    }
    ANSWER(call->kernel, call->message, processes_pipe_encode_result, &result);
}

static void call_read(void *context, const struct interface_message *unused,
                      const struct processes_read_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    struct pipe_end *end = pipe_end_find_locked(call->kernel, call->process, body->reader);
    if (end != NULL && !end->is_writer) {
        pipe_read_locked(call->kernel, call->message, end->pipe, body->max);
        return;
    }
    struct processes_result_bytes_pipe_error result = {.error = PROCESSES_PIPE_ERROR_NOT_FOUND};
    ANSWER(call->kernel, call->message, processes_read_encode_result, &result);
}

static void call_write(void *context, const struct interface_message *unused,
                       const struct processes_write_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    struct pipe_end *end = pipe_end_find_locked(call->kernel, call->process, body->writer);
    if (end != NULL && end->is_writer) {
        pipe_write_locked(call->kernel, call->process, call->message, end->pipe, body->bytes);
        return;
    }
    struct processes_result_none_pipe_error result = {.error = PROCESSES_PIPE_ERROR_NOT_FOUND};
    ANSWER(call->kernel, call->message, processes_write_encode_result, &result);
}

static void call_close(void *context, const struct interface_message *unused,
                       const struct processes_close_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    struct pipe_end *end = pipe_end_find_locked(call->kernel, call->process, body->end);
    struct processes_result_none_pipe_error result = {.ok = end != NULL};
    if (end != NULL) {
        pipe_end_close_locked(call->kernel, end);
    } else {
        result.error = PROCESSES_PIPE_ERROR_NOT_FOUND;
    }
    ANSWER(call->kernel, call->message, processes_close_encode_result, &result);
}

// ---- names

static void write_names(struct kernel *kernel, struct wire_writer *out, const void *items,
                        u32 count)
{
    const u32 *first = items;
    for (u32 i = 0; i < count; i++) {
        wire_write_bytes(out, name_at_locked(kernel, *first + i));
    }
}

static void call_names(void *context, const struct interface_message *unused,
                       const struct processes_names_call *body)
{
    (void)unused;
    const struct processes_call *call = context;
    u32 count;
    u32 first = names_begin_locked(call->kernel, body->prefix, &count);
    call->process->items += 1 + count;
    if (call->message != NULL) {
        answer_list(call, count < KERNEL_NAMES_TOLD ? count : KERNEL_NAMES_TOLD, &first,
                    write_names);
    }
}

// ---- dispatch

void processes_call_locked(struct kernel *kernel, struct process *process, u64 function,
                           struct span body, struct message *message)
{
    static const struct processes_handler handler = {
        .spawn = call_spawn,
        .wait = call_wait,
        .kill = call_kill,
        .descendants = call_descendants,
        .pipe = call_pipe,
        .read = call_read,
        .write = call_write,
        .close = call_close,
        .names = call_names,
    };
    struct processes_call call = {kernel, process, message};
    struct interface_message in = {.function = function, .body = body};
    enum err err = processes_dispatch(&handler, &call, &in);
    if (err != ERR_OK && message != NULL) {
        message_answer_error_locked(kernel, message,
                                    err == ERR_NOT_FOUND ? -E_FUNCTION : -E_MALFORMED);
    }
}
