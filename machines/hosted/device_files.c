// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/files: handles over descriptors of the host, in the folders that the user
// gave (folders.h). Whatever may wait for a disk (host_file.h) happens on libuv's file threads, and
// is answered in the loop, where it ends; what was read before and is at hand is read there at
// once.
//
// A handle that is closed while the host works on it stays until that has ended. What was opened
// for a client that has gone meanwhile is closed at once.
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/base/wire.h"
#include "core/kernel/device.h"
#include "core/kernel/limits.h"
#include "interfaces/files.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/folders.h"
#include "machines/hosted/host_file.h"
#include "machines/hosted/loop.h"

struct files {
    struct hosted_device device;
    struct calls calls;
    bool has_given_none; // atomic: a client asked for its folders, and has none
};

struct handle {
    struct thing thing;
    int fd;
    enum files_kind kind;
    bool reads;
    bool writes;
    bool is_read_only;        // of a folder that was given so: nothing beneath is changed
    bool is_slow;             // the host never says whether bytes are at hand
    bool is_closed;           // not a thing any more
    u32 users;                // works under way
    pthread_mutex_t position; // of the descriptor: for listings and what is appended
};

// One call under way. Spans lie in the message, which stays until it is answered.
struct work {
    struct call call;
    struct files *files;
    struct handle *handle; // or NULL
    struct handle *other;  // or NULL
    bool is_unwanted;      // nobody waits for the answer any more
    int error;             // of host_file.h, where the answer is given in the loop
    union {
        struct files_read_call read;
        struct files_write_call write;
        struct files_resize_call resize;
        struct files_allocate_call allocate;
        struct files_advise_call advise;
        struct files_sync_call sync;
        struct files_set_times_call times;
        struct files_list_call list;
        struct files_path_status_call path_status;
        struct files_path_set_times_call path_times;
        struct {
            struct files_how how;
            struct host_opened opened;
        } open;
        struct {
            u8 *limits;
            size_t limits_size;
            u32 count;
            struct opened_folder *opened;
        } folders;
    } as;
    char *path; // zero-terminated, from malloc; or NULL
    char *to_path;
    uv_work_t request;
    void (*run)(struct work *work);  // on one of the host's file threads
    void (*done)(struct work *work); // in the loop, afterwards; or NULL: it answers with:
    u8 *answer;                      // from malloc, or `small`
    size_t answer_size;
    i32 refusal; // in place of it: an error of abi.h
    u8 small[64];
};

// ---- answers

static void answer_error(struct files *files, u64 message, enum files_error error)
{
    // all results begin with the byte that says which, and an error is one more
    u8 body[FILES_CLOSE_RESULT_BYTES];
    struct files_result_none_error result = {.error = error};
    size_t size = files_close_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&files->device, message, span_of(body, size));
}

// What a run ends with: it is told in the loop, where the call ends too.
static void work_answers(struct work *work, const u8 *body, size_t size)
{
    ASSERT(size <= sizeof work->small);
    mem_copy(work->small, body, size);
    work->answer = work->small;
    work->answer_size = size;
}

// The same, of memory from malloc, which is taken over.
static void work_answers_with(struct work *work, u8 *body, size_t size)
{
    work->answer = body;
    work->answer_size = size;
}

// To all whose results hold nothing, or that failed; `error` as in host_file.h.
static void answer_none(struct work *work, int error)
{
    u8 body[FILES_CLOSE_RESULT_BYTES];
    struct files_result_none_error result = {.ok = error == 0};
    if (error != 0) {
        result.error = host_file_error(error);
    }
    work_answers(work, body, files_close_encode_result(body, sizeof body, &result));
}

static void answer_about(struct work *work, int error, const struct files_about *about)
{
    if (error != 0) {
        answer_none(work, error);
        return;
    }
    u8 body[FILES_STATUS_RESULT_BYTES];
    struct files_result_about_error result = {.ok = true, .value = *about};
    work_answers(work, body, files_status_encode_result(body, sizeof body, &result));
}

// What stands before the bytes of a read: that it is one, and how many there are.
enum { READ_PREFIX_BYTES = 5 };
// A read of so many is worth a room of its own.
enum { ROOM_BYTES = 16384 };

static void read_prefix(u8 *body, u32 size)
{
    struct wire_writer out = wire_writer_over(body, READ_PREFIX_BYTES);
    wire_write_bool(&out, false); // not an error
    wire_write_u32(&out, size);
    ASSERT(out.size == READ_PREFIX_BYTES);
}

// `size` bytes lie READ_PREFIX_BYTES behind `body`: what is before them is written here, so that
// they are copied once only, into the kernel.
static void answer_read(struct files *files, u64 message, u8 *body, size_t size)
{
    read_prefix(body, (u32)size);
    hosted_answer(&files->device, message, span_of(body, READ_PREFIX_BYTES + size));
}

// ---- handles

static struct handle *handle_of(struct thing *thing)
{
    return thing == NULL ? NULL : CONTAINER_OF(thing, struct handle, thing);
}

static struct handle *handle_find(struct files *files, u64 client, u64 id)
{
    return handle_of(things_find(&files->calls, client, id));
}

static void handle_release(struct handle *handle)
{
    if (handle->is_closed && handle->users == 0) {
        close(handle->fd);
        pthread_mutex_destroy(&handle->position);
        free(handle);
    }
}

static void handle_close(struct files *files, struct handle *handle)
{
    ASSERT(!handle->is_closed);
    handle->is_closed = true;
    things_end(&files->calls, &handle->thing);
    handle_release(handle);
}

// Takes over the descriptor, also when there is no room: then NULL, and it is closed.
static struct handle *handle_make(struct files *files, u64 client, int fd, enum files_kind kind)
{
    struct handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL || things_begin(&files->calls, &handle->thing, client) != ERR_OK) {
        free(handle);
        close(fd);
        return NULL;
    }
    handle->fd = fd;
    handle->kind = kind;
    pthread_mutex_init(&handle->position, NULL);
    return handle;
}

// ---- works

static void work_free(struct work *work)
{
    free(work->path);
    free(work->to_path);
    if (work->answer != work->small) {
        free(work->answer);
    }
    free(work);
}

static void work_end(struct work *work)
{
    struct handle *handles[] = {work->handle, work->other};
    calls_end(&work->files->calls, &work->call);
    for (size_t i = 0; i < COUNT_OF(handles); i++) {
        if (handles[i] != NULL) {
            ASSERT(handles[i]->users > 0);
            handles[i]->users--;
        }
    }
    if (work->handle != NULL) {
        bool is_same = work->handle == work->other;
        handle_release(work->handle);
        if (work->other != NULL && !is_same) {
            handle_release(work->other);
        }
    }
    work_free(work);
}

static void work_run(uv_work_t *request)
{
    struct work *work = CONTAINER_OF(request, struct work, request);
    work->run(work);
}

static void work_done(uv_work_t *request, int status)
{
    struct work *work = CONTAINER_OF(request, struct work, request);
    struct hosted_device *device = &work->files->device;
    if (status != 0) { // cancelled before it began
        hosted_answer_error(device, work->call.message, E_CANCELLED);
    } else if (work->done != NULL) {
        work->done(work);
    } else if (work->refusal != 0) {
        hosted_answer_error(device, work->call.message, work->refusal);
    } else {
        hosted_answer(device, work->call.message, span_of(work->answer, work->answer_size));
    }
    work_end(work);
}

// NULL: answered already, or nobody wants an answer.
static struct work *work_make(struct files *files, const struct interface_message *message)
{
    if (message->id == 0) {
        return NULL; // who does not wait would not hear that it failed
    }
    struct work *work = calloc(1, sizeof *work);
    enum err err = work == NULL
                       ? ERR_NO_MEMORY
                       : calls_begin(&files->calls, &work->call, message->client, message->id);
    if (err != ERR_OK) {
        free(work);
        answer_error(files, message->id, FILES_ERROR_LIMIT);
        return NULL;
    }
    work->files = files;
    return work;
}

// Answers with an error before anything was asked of the host.
static void work_fail(struct work *work, enum files_error error)
{
    answer_error(work->files, work->call.message, error);
    work_end(work);
}

static void work_start(struct work *work, void (*run)(struct work *))
{
    work->run = run;
    int failed = uv_queue_work(&work->files->device.loop->uv, &work->request, work_run, work_done);
    ASSERT(failed == 0); // it fails for a missing function only
}

// What a call needs of its handle.
enum needs {
    NEEDS_READ = 1 << 0,
    NEEDS_WRITE = 1 << 1,
    NEEDS_FOLDER = 1 << 2,
    NEEDS_FILE = 1 << 3,
    NEEDS_CHANGE = 1 << 4, // it changes what is there, and not by writing
};

// False: the handle is not what the call needs, and *error says why.
static bool handle_serves(const struct handle *handle, u32 needs, enum files_error *error)
{
    if (handle == NULL) {
        *error = FILES_ERROR_NOT_OPEN;
    } else if ((needs & NEEDS_FOLDER) != 0 && handle->kind != FILES_KIND_FOLDER) {
        *error = FILES_ERROR_NOT_FOLDER;
    } else if ((needs & NEEDS_FILE) != 0 && handle->kind == FILES_KIND_FOLDER) {
        *error = FILES_ERROR_IS_FOLDER;
    } else if (((needs & NEEDS_READ) != 0 && !handle->reads) ||
               ((needs & NEEDS_WRITE) != 0 && !handle->writes)) {
        *error = FILES_ERROR_WRONG_MODE;
    } else if ((needs & NEEDS_CHANGE) != 0 && handle->is_read_only) {
        *error = FILES_ERROR_READ_ONLY;
    } else {
        return true;
    }
    return false;
}

// A work on a handle; NULL: answered already.
static struct work *work_on(struct files *files, const struct interface_message *message, u64 id,
                            u32 needs)
{
    struct work *work = work_make(files, message);
    enum files_error error;
    if (work == NULL) {
        return NULL;
    }
    struct handle *handle = handle_find(files, message->client, id);
    if (!handle_serves(handle, needs, &error)) {
        work_fail(work, error);
        return NULL;
    }
    work->handle = handle;
    handle->users++;
    return work;
}

// A path from a message, checked and zero-terminated; NULL: *error says why.
static char *path_copy(struct span path, enum files_error *error)
{
    if (path.size > HOSTED_FILE_PATH_BYTES) {
        *error = FILES_ERROR_NAME_TOO_LONG;
        return NULL;
    }
    if (!utf8_is_valid(path) || (path.size > 0 && memchr(path.data, 0, path.size) != NULL)) {
        *error = FILES_ERROR_BAD_NAME;
        return NULL;
    }
    char *copy = malloc(path.size + 1);
    *error = path.size == 0 ? FILES_ERROR_NOT_FOUND : FILES_ERROR_LIMIT;
    if (copy == NULL || path.size == 0) {
        free(copy);
        return NULL;
    }
    mem_copy(copy, path.data, path.size);
    copy[path.size] = 0;
    return copy;
}

// A work on a path in a folder; NULL: answered already.
static struct work *work_at(struct files *files, const struct interface_message *message,
                            u64 folder, struct span path, u32 needs)
{
    struct work *work = work_on(files, message, folder, needs | NEEDS_FOLDER);
    enum files_error error;
    if (work != NULL) {
        work->path = path_copy(path, &error);
        if (work->path == NULL) {
            work_fail(work, error);
            return NULL;
        }
    }
    return work;
}

// The same on a second one. False: answered already.
static bool work_and_at(struct work *work, u64 folder, struct span path)
{
    enum files_error error;
    struct handle *other = handle_find(work->files, work->call.client->node.key, folder);
    if (handle_serves(other, NEEDS_FOLDER | NEEDS_CHANGE, &error)) {
        work->other = other;
        other->users++;
        work->to_path = path_copy(path, &error);
    }
    bool is_good = work->to_path != NULL;
    if (!is_good) {
        work_fail(work, error);
    }
    return is_good;
}

// ---- the folders that were given

static void folders_run(struct work *work)
{
    work->as.folders.count = folders_open(
        span_of(work->as.folders.limits, work->as.folders.limits_size), work->as.folders.opened);
}

static void folders_answer(struct work *work, const struct files_granted *granted, u32 count)
{
    struct files_result_list_granted_error result = {.ok = true};
    result.value.count = count;
    result.value.items = granted;
    size_t size = files_folders_encode_result(NULL, 0, &result);
    u8 *body = malloc(size);
    if (body == NULL) {
        hosted_answer_error(&work->files->device, work->call.message, E_NO_MEMORY);
        return;
    }
    size_t used = files_folders_encode_result(body, size, &result);
    ASSERT(used == size);
    hosted_answer(&work->files->device, work->call.message, span_of(body, size));
    free(body);
}

static void folders_done(struct work *work)
{
    struct files *files = work->files;
    struct files_granted granted[HOSTED_FOLDERS];
    u32 count = 0;
    bool is_full = false;
    for (u32 i = 0; i < work->as.folders.count; i++) {
        struct opened_folder *opened = &work->as.folders.opened[i];
        if (work->is_unwanted || is_full) {
            close(opened->fd);
            continue;
        }
        struct handle *handle =
            handle_make(files, work->call.client->node.key, opened->fd, FILES_KIND_FOLDER);
        is_full = handle == NULL;
        if (handle != NULL) {
            handle->reads = true;
            handle->is_read_only = opened->is_read_only;
            granted[count++] = (struct files_granted){
                handle->thing.node.key, span_string(opened->guest), opened->is_read_only};
        }
    }
    if (work->is_unwanted) {
        hosted_answer_error(&files->device, work->call.message, E_CANCELLED);
    } else if (is_full) {
        for (u32 i = 0; i < count; i++) {
            handle_close(files, handle_find(files, work->call.client->node.key, granted[i].folder));
        }
        answer_error(files, work->call.message, FILES_ERROR_LIMIT);
    } else {
        if (count == 0) {
            __atomic_store_n(&files->has_given_none, true, __ATOMIC_RELAXED);
        }
        folders_answer(work, granted, count);
    }
    for (u32 i = 0; i < work->as.folders.count; i++) {
        free(work->as.folders.opened[i].guest);
    }
    free(work->as.folders.opened);
    free(work->as.folders.limits);
}

static void do_folders(void *context, const struct interface_message *message)
{
    struct files *files = context;
    struct work *work = work_make(files, message);
    if (work == NULL) {
        return;
    }
    u8 *limits = malloc(KERNEL_LIMITS_BYTES);
    struct opened_folder *opened = calloc(HOSTED_FOLDERS, sizeof *opened);
    size_t size = 0;
    if (limits == NULL || opened == NULL ||
        kernel_device_limits(files->device.kernel, message->client, limits, &size) != ERR_OK) {
        free(limits);
        free(opened);
        work_fail(work, FILES_ERROR_LIMIT);
        return;
    }
    work->as.folders.limits = limits;
    work->as.folders.limits_size = size;
    work->as.folders.opened = opened;
    work->done = folders_done;
    work_start(work, folders_run);
}

// ---- open and close

static void open_run(struct work *work)
{
    work->error = host_file_open(work->handle->fd, work->path, work->as.open.how,
                                 work->handle->is_read_only, &work->as.open.opened);
}

static void open_done(struct work *work)
{
    struct files *files = work->files;
    if (work->error != 0) {
        answer_error(files, work->call.message, host_file_error(work->error));
        return;
    }
    if (work->is_unwanted) {
        close(work->as.open.opened.fd);
        hosted_answer_error(&files->device, work->call.message, E_CANCELLED);
        return;
    }
    struct handle *handle = handle_make(files, work->call.client->node.key, work->as.open.opened.fd,
                                        work->as.open.opened.kind);
    if (handle == NULL) {
        answer_error(files, work->call.message, FILES_ERROR_LIMIT);
        return;
    }
    handle->reads = (work->as.open.how.bits & FILES_HOW_READ) != 0;
    handle->writes = (work->as.open.how.bits & FILES_HOW_WRITE) != 0;
    handle->is_read_only = work->handle->is_read_only;
    struct files_result_opened_error result = {.ok = true};
    result.value = (struct files_opened){handle->thing.node.key, handle->kind};
    u8 body[FILES_OPEN_RESULT_BYTES];
    size_t size = files_open_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&files->device, work->call.message, span_of(body, size));
}

static void do_open(void *context, const struct interface_message *message,
                    const struct files_open_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, 0);
    if (work != NULL) {
        work->as.open.how = call->how;
        work->done = open_done;
        work_start(work, open_run);
    }
}

static void do_close(void *context, const struct interface_message *message,
                     const struct files_close_call *call)
{
    struct files *files = context;
    struct handle *handle = handle_find(files, message->client, call->handle);
    if (handle == NULL) {
        answer_error(files, message->id, FILES_ERROR_NOT_OPEN);
        return;
    }
    handle_close(files, handle);
    u8 body[FILES_CLOSE_RESULT_BYTES];
    struct files_result_none_error result = {.ok = true};
    size_t size = files_close_encode_result(body, sizeof body, &result);
    hosted_answer(&files->device, message->id, span_of(body, size));
}

// ---- bytes

static void read_run(struct work *work)
{
    const struct files_read_call *call = &work->as.read;
    u8 *body = malloc(READ_PREFIX_BYTES + (size_t)call->max);
    if (body == NULL) {
        work->refusal = E_NO_MEMORY;
        return;
    }
    i64 count =
        host_file_read(work->handle->fd, body + READ_PREFIX_BYTES, call->max, call->position);
    if (count < 0) {
        free(body);
        answer_none(work, (int)count);
        return;
    }
    read_prefix(body, (u32)count);
    work_answers_with(work, body, READ_PREFIX_BYTES + (size_t)count);
}

// Whether what was read is all that there is to answer with: the read is whole, or the file ends.
static bool is_whole(struct handle *handle, const struct files_read_call *call, i64 count)
{
    struct files_about about;
    handle->is_slow = count == -EOPNOTSUPP;
    return count == (i64)call->max || (count >= 0 && host_file_about(handle->fd, &about) == 0 &&
                                       call->position + (u64)count >= about.size);
}

// Answers at once if the bytes are at hand: a thread would cost more than the read. A long read
// goes where the kernel keeps the answer, and from there into the client's memory.
static bool read_now(struct files *files, u64 message, struct handle *handle,
                     const struct files_read_call *call)
{
    struct kernel_device *kernel = files->device.kernel;
    u32 size = READ_PREFIX_BYTES + call->max;
    u8 *room = NULL;
    if (handle->is_slow) {
        return false;
    }
    if (call->max >= ROOM_BYTES) {
        room = kernel_device_room(kernel, size);
    }
    u8 *body = room == NULL ? files->device.loop->scratch : room;
    i64 count = host_file_read_now(handle->fd, body + READ_PREFIX_BYTES, call->max, call->position);
    bool is_good = is_whole(handle, call, count); // else the thread waits, or meets the error again
    if (is_good && room != NULL && count == (i64)call->max) {
        read_prefix(body, (u32)count);
        kernel_device_answer_room(kernel, message, room, size);
        return true;
    }
    if (is_good) {
        answer_read(files, message, body, (size_t)count);
    }
    if (room != NULL) {
        kernel_device_room_drop(kernel, room, size);
    }
    return is_good;
}

static void do_read(void *context, const struct interface_message *message,
                    const struct files_read_call *call)
{
    struct files *files = context;
    struct files_read_call some = *call;
    some.max = call->max < HOSTED_IO_BYTES ? call->max : HOSTED_IO_BYTES;
    struct handle *handle = handle_find(files, message->client, call->file);
    enum files_error error;
    if (!handle_serves(handle, NEEDS_FILE | NEEDS_READ, &error)) {
        answer_error(files, message->id, error);
        return;
    }
    if (message->id == 0 || read_now(files, message->id, handle, &some)) {
        return;
    }
    struct work *work = work_on(files, message, call->file, NEEDS_FILE | NEEDS_READ);
    if (work != NULL) {
        work->as.read = some;
        work_start(work, read_run);
    }
}

static void write_run(struct work *work)
{
    const struct files_write_call *call = &work->as.write;
    struct files_result_written_error result = {.ok = true};
    bool appends = (call->writing.bits & FILES_WRITING_APPEND) != 0;
    if (appends) {
        pthread_mutex_lock(&work->handle->position);
    }
    int error = host_file_write(work->handle->fd, call->bytes, call->position, call->writing,
                                &result.value);
    if (appends) {
        pthread_mutex_unlock(&work->handle->position);
    }
    if (error != 0) {
        answer_none(work, error);
        return;
    }
    u8 body[FILES_WRITE_RESULT_BYTES];
    work_answers(work, body, files_write_encode_result(body, sizeof body, &result));
}

static void do_write(void *context, const struct interface_message *message,
                     const struct files_write_call *call)
{
    struct work *work = work_on(context, message, call->file, NEEDS_FILE | NEEDS_WRITE);
    if (work == NULL) {
        return;
    }
    if (call->bytes.size > HOSTED_IO_BYTES) {
        work_fail(work, FILES_ERROR_INVALID);
        return;
    }
    work->as.write = *call;
    work_start(work, write_run);
}

// ---- what is asked of a handle

static void status_run(struct work *work)
{
    struct files_about about = {0};
    int error = host_file_about(work->handle->fd, &about);
    answer_about(work, error, &about);
}

static void do_status(void *context, const struct interface_message *message,
                      const struct files_status_call *call)
{
    struct work *work = work_on(context, message, call->handle, 0);
    if (work != NULL) {
        work_start(work, status_run);
    }
}

static void resize_run(struct work *work)
{
    answer_none(work, host_file_resize(work->handle->fd, work->as.resize.size));
}

static void do_resize(void *context, const struct interface_message *message,
                      const struct files_resize_call *call)
{
    struct work *work = work_on(context, message, call->file, NEEDS_FILE | NEEDS_WRITE);
    if (work != NULL) {
        work->as.resize = *call;
        work_start(work, resize_run);
    }
}

static void allocate_run(struct work *work)
{
    answer_none(work, host_file_allocate(work->handle->fd, work->as.allocate.position,
                                         work->as.allocate.size));
}

static void do_allocate(void *context, const struct interface_message *message,
                        const struct files_allocate_call *call)
{
    struct work *work = work_on(context, message, call->file, NEEDS_FILE | NEEDS_WRITE);
    if (work != NULL) {
        work->as.allocate = *call;
        work_start(work, allocate_run);
    }
}

static void advise_run(struct work *work)
{
    const struct files_advise_call *call = &work->as.advise;
    answer_none(work, host_file_advise(work->handle->fd, call->position, call->size, call->advice));
}

static void do_advise(void *context, const struct interface_message *message,
                      const struct files_advise_call *call)
{
    struct work *work = work_on(context, message, call->file, NEEDS_FILE);
    if (work != NULL) {
        work->as.advise = *call;
        work_start(work, advise_run);
    }
}

static void sync_run(struct work *work)
{
    answer_none(work, host_file_sync(work->handle->fd, work->as.sync.data));
}

static void do_sync(void *context, const struct interface_message *message,
                    const struct files_sync_call *call)
{
    struct work *work = work_on(context, message, call->handle, 0);
    if (work != NULL) {
        work->as.sync = *call;
        work_start(work, sync_run);
    }
}

static void times_run(struct work *work)
{
    answer_none(work, host_file_times(work->handle->fd, &work->as.times.accessed,
                                      &work->as.times.modified));
}

static void do_set_times(void *context, const struct interface_message *message,
                         const struct files_set_times_call *call)
{
    struct work *work = work_on(context, message, call->handle, NEEDS_CHANGE);
    if (work != NULL) {
        work->as.times = *call;
        work_start(work, times_run);
    }
}

// ---- listings

// What a listing of the host's becomes.
struct listing {
    u64 host[HOSTED_LIST_BYTES / sizeof(u64)];
    struct files_entry entries[HOSTED_LIST_BYTES / 24]; // the shortest takes as much
};

// Takes the entries of one listing over.
static u32 entries_take(struct listing *listing, size_t size, u64 inode)
{
    u32 count = 0;
    for (size_t at = 0; at < size;) {
        struct files_entry *entry = &listing->entries[count];
        ASSERT(count < COUNT_OF(listing->entries));
        if (host_file_entry(listing->host, &at, entry)) {
            // what is above the folder is nobody's business
            entry->inode = span_equal(entry->name, SPAN_LITERAL("..")) ? inode : entry->inode;
            count++;
        }
    }
    return count;
}

// Entries from `next` on, more than none unless there are no more.
static int list_read(struct work *work, struct listing *listing, u32 *count)
{
    int fd = work->handle->fd;
    u64 next = work->as.list.next;
    struct files_about about;
    int error = host_file_about(fd, &about);
    *count = 0;
    while (error == 0 && *count == 0) {
        size_t size;
        error = host_file_list(fd, next, work->as.list.max, listing->host, &size);
        if (size == 0) {
            break;
        }
        *count = entries_take(listing, size, about.inode);
        if (*count == 0) { // none with a name that can be said: those behind them
            struct files_entry last;
            for (size_t at = 0; at < size;) {
                (void)host_file_entry(listing->host, &at, &last);
            }
            next = last.next;
        }
    }
    return error;
}

static void list_run(struct work *work)
{
    struct listing *listing = malloc(sizeof *listing);
    struct files_result_list_entry_error result = {.ok = true};
    if (listing == NULL) {
        work->refusal = E_NO_MEMORY;
        return;
    }
    pthread_mutex_lock(&work->handle->position);
    int error = list_read(work, listing, &result.value.count);
    pthread_mutex_unlock(&work->handle->position);
    if (error != 0) {
        answer_none(work, error);
    } else {
        result.value.items = listing->entries;
        size_t size = files_list_encode_result(NULL, 0, &result);
        u8 *body = malloc(size);
        work->refusal = body == NULL ? E_NO_MEMORY : 0;
        if (body != NULL) {
            size_t used = files_list_encode_result(body, size, &result);
            ASSERT(used == size);
            work_answers_with(work, body, size);
        }
    }
    free(listing);
}

static void do_list(void *context, const struct interface_message *message,
                    const struct files_list_call *call)
{
    struct work *work = work_on(context, message, call->folder, NEEDS_FOLDER);
    if (work != NULL) {
        work->as.list = *call;
        work_start(work, list_run);
    }
}

// ---- paths

static void path_status_run(struct work *work)
{
    struct files_about about = {0};
    int error =
        host_file_path_about(work->handle->fd, work->path, work->as.path_status.follow, &about);
    answer_about(work, error, &about);
}

static void do_path_status(void *context, const struct interface_message *message,
                           const struct files_path_status_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, 0);
    if (work != NULL) {
        work->as.path_status = *call;
        work_start(work, path_status_run);
    }
}

static void path_times_run(struct work *work)
{
    const struct files_path_set_times_call *call = &work->as.path_times;
    answer_none(work, host_file_path_times(work->handle->fd, work->path, call->follow,
                                           &call->accessed, &call->modified));
}

static void do_path_set_times(void *context, const struct interface_message *message,
                              const struct files_path_set_times_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, NEEDS_CHANGE);
    if (work != NULL) {
        work->as.path_times = *call;
        work_start(work, path_times_run);
    }
}

static void create_folder_run(struct work *work)
{
    answer_none(work, host_file_folder_make(work->handle->fd, work->path));
}

static void do_create_folder(void *context, const struct interface_message *message,
                             const struct files_create_folder_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, NEEDS_CHANGE);
    if (work != NULL) {
        work_start(work, create_folder_run);
    }
}

static void remove_folder_run(struct work *work)
{
    answer_none(work, host_file_folder_remove(work->handle->fd, work->path));
}

static void do_remove_folder(void *context, const struct interface_message *message,
                             const struct files_remove_folder_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, NEEDS_CHANGE);
    if (work != NULL) {
        work_start(work, remove_folder_run);
    }
}

static void remove_file_run(struct work *work)
{
    answer_none(work, host_file_remove(work->handle->fd, work->path));
}

static void do_remove_file(void *context, const struct interface_message *message,
                           const struct files_remove_file_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, NEEDS_CHANGE);
    if (work != NULL) {
        work_start(work, remove_file_run);
    }
}

static void rename_run(struct work *work)
{
    answer_none(work,
                host_file_rename(work->handle->fd, work->path, work->other->fd, work->to_path));
}

static void do_rename(void *context, const struct interface_message *message,
                      const struct files_rename_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, NEEDS_CHANGE);
    if (work != NULL && work_and_at(work, call->to_folder, call->to_path)) {
        work_start(work, rename_run);
    }
}

static void link_run(struct work *work)
{
    answer_none(work, host_file_link(work->handle->fd, work->path, work->other->fd, work->to_path));
}

// The old name's folder must be writable too, or a new name would make the file so.
static void do_link(void *context, const struct interface_message *message,
                    const struct files_link_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, NEEDS_CHANGE);
    if (work != NULL && work_and_at(work, call->to_folder, call->to_path)) {
        work_start(work, link_run);
    }
}

static void create_link_run(struct work *work)
{
    answer_none(work, host_file_link_make(work->handle->fd, work->path, work->to_path));
}

static void do_create_link(void *context, const struct interface_message *message,
                           const struct files_create_link_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, NEEDS_CHANGE);
    enum files_error error;
    if (work != NULL) {
        work->to_path = path_copy(call->target, &error);
        if (work->to_path == NULL) {
            work_fail(work, error);
            return;
        }
        work_start(work, create_link_run);
    }
}

static void read_link_run(struct work *work)
{
    u8 *body = malloc(READ_PREFIX_BYTES + HOSTED_FILE_PATH_BYTES); // looks as that of a read
    size_t size = 0;
    if (body == NULL) {
        work->refusal = E_NO_MEMORY;
        return;
    }
    int error =
        host_file_link_read(work->handle->fd, work->path, (char *)body + READ_PREFIX_BYTES, &size);
    if (error != 0) {
        free(body);
        answer_none(work, error);
        return;
    }
    read_prefix(body, (u32)size);
    work_answers_with(work, body, READ_PREFIX_BYTES + size);
}

static void do_read_link(void *context, const struct interface_message *message,
                         const struct files_read_link_call *call)
{
    struct work *work = work_at(context, message, call->folder, call->path, 0);
    if (work != NULL) {
        work_start(work, read_link_run);
    }
}

// ---- the device

static const struct files_handler handler = {
    .folders = do_folders,
    .open = do_open,
    .close = do_close,
    .read = do_read,
    .write = do_write,
    .status = do_status,
    .resize = do_resize,
    .allocate = do_allocate,
    .advise = do_advise,
    .sync = do_sync,
    .set_times = do_set_times,
    .list = do_list,
    .path_status = do_path_status,
    .path_set_times = do_path_set_times,
    .create_folder = do_create_folder,
    .remove_folder = do_remove_folder,
    .remove_file = do_remove_file,
    .rename = do_rename,
    .link = do_link,
    .create_link = do_create_link,
    .read_link = do_read_link,
};

// Nobody waits for it any more. One that has begun goes on: it ends by itself.
static void work_forget(struct call *call)
{
    struct work *work = CONTAINER_OF(call, struct work, call);
    work->is_unwanted = true;
    if (work->done == NULL) { // what opens must come to its end, for it may have opened
        (void)uv_cancel((uv_req_t *)&work->request);
    }
}

static void client_gone(struct files *files, u64 client)
{
    struct call *call = calls_of_client(&files->calls, client);
    struct list *all = call == NULL ? NULL : &call->client->calls; // stays: callbacks come later
    for (struct list_node *node = all == NULL ? NULL : list_first(all); node != NULL;
         node = list_next(all, node)) {
        work_forget(LIST_ITEM(node, struct call, of_client));
    }
    struct thing *thing;
    while ((thing = things_of_client(&files->calls, client)) != NULL) {
        handle_close(files, handle_of(thing));
    }
}

static void files_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct files *files = CONTAINER_OF(device, struct files, device);
    struct interface_message message = hosted_message(event);
    struct call *call;
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, files_dispatch(&handler, files, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        client_gone(files, event->client);
        return;
    case KERNEL_EVENT_CANCELLED:
        call = calls_find(&files->calls, event->id);
        if (call != NULL) {
            work_forget(call);
        }
        return;
    }
}

static void files_drop(struct hosted_device *device)
{
    struct files *files = CONTAINER_OF(device, struct files, device);
    struct thing *thing;
    while ((thing = things_first(&files->calls)) != NULL) {
        handle_close(files, handle_of(thing));
    }
    calls_drop(&files->calls);
    free(files);
}

// As many as leave the store and others some of the host's descriptors; one process half of them.
static struct calls_limits limits_make(void)
{
    struct rlimit host;
    u32 files = HOSTED_FILES;
    if (getrlimit(RLIMIT_NOFILE, &host) == 0 && host.rlim_cur / HOSTED_FILES_SHARE < files) {
        files = (u32)(host.rlim_cur / HOSTED_FILES_SHARE);
    }
    u32 of_process = files / 2 < HOSTED_CLIENT_FILES ? files / 2 : HOSTED_CLIENT_FILES;
    return (struct calls_limits){HOSTED_CLIENT_FILE_CALLS, HOSTED_FILE_CALLS, of_process, files};
}

enum err hosted_files_add(struct hosted_loop *loop, struct kernel *kernel, struct files **out)
{
    struct files *files = calloc(1, sizeof *files);
    if (files == NULL) {
        return ERR_NO_MEMORY;
    }
    // A host's limit on the size of files is an error of the write, not our end.
    (void)signal(SIGXFSZ, SIG_IGN);
    enum err err = calls_init(&files->calls, limits_make());
    if (err == ERR_OK) {
        files->device = (struct hosted_device){.handle = files_handle, .drop = files_drop};
        err = hosted_device_add(loop, kernel, &files_interface, &files->device);
        if (err == ERR_OK) {
            *out = files;
            return ERR_OK;
        }
        calls_drop(&files->calls);
    }
    free(files);
    return err;
}

bool hosted_files_has_given_none(const struct files *files)
{
    return __atomic_load_n(&files->has_given_none, __ATOMIC_RELAXED);
}
