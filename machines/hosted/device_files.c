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
#include "machines/hosted/file_work.h"
#include "machines/hosted/loop.h"

// ---- the folders that were given

static void folders_run(struct file_work *work)
{
    work->as.folders.count = folders_open(
        span_of(work->as.folders.limits, work->as.folders.limits_size), work->as.folders.opened);
}

static void folders_answer(struct file_work *work, const struct files_granted *granted, u32 count)
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

static void folders_done(struct file_work *work)
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
        struct guest_file *handle =
            file_handle_make(files, work->call.client->node.key, opened->fd, FILES_KIND_FOLDER);
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
            file_handle_close(
                files, file_handle_find(files, work->call.client->node.key, granted[i].folder));
        }
        file_answer_error(files, work->call.message, FILES_ERROR_LIMIT);
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
    struct file_work *work = file_work_make(files, message);
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
        file_work_fail(work, FILES_ERROR_LIMIT);
        return;
    }
    work->as.folders.limits = limits;
    work->as.folders.limits_size = size;
    work->as.folders.opened = opened;
    work->done = folders_done;
    file_work_start(work, folders_run);
}

// ---- open and close

static void open_run(struct file_work *work)
{
    work->error = host_file_open(work->handle->fd, work->path, work->as.open.how,
                                 work->handle->is_read_only, &work->as.open.opened);
}

static void open_done(struct file_work *work)
{
    struct files *files = work->files;
    if (work->error != 0) {
        file_answer_error(files, work->call.message, host_file_error(work->error));
        return;
    }
    if (work->is_unwanted) {
        close(work->as.open.opened.fd);
        hosted_answer_error(&files->device, work->call.message, E_CANCELLED);
        return;
    }
    struct guest_file *handle = file_handle_make(
        files, work->call.client->node.key, work->as.open.opened.fd, work->as.open.opened.kind);
    if (handle == NULL) {
        file_answer_error(files, work->call.message, FILES_ERROR_LIMIT);
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
    struct file_work *work = file_work_at(context, message, call->folder, call->path, 0);
    if (work != NULL) {
        work->as.open.how = call->how;
        work->done = open_done;
        file_work_start(work, open_run);
    }
}

static void do_close(void *context, const struct interface_message *message,
                     const struct files_close_call *call)
{
    struct files *files = context;
    struct guest_file *handle = file_handle_find(files, message->client, call->handle);
    if (handle == NULL) {
        file_answer_error(files, message->id, FILES_ERROR_NOT_OPEN);
        return;
    }
    file_handle_close(files, handle);
    u8 body[FILES_CLOSE_RESULT_BYTES];
    struct files_result_none_error result = {.ok = true};
    size_t size = files_close_encode_result(body, sizeof body, &result);
    hosted_answer(&files->device, message->id, span_of(body, size));
}

// ---- bytes

// A read of so many is worth a room of its own.
enum { ROOM_BYTES = 16384 };

// `size` bytes lie FILE_READ_PREFIX_BYTES behind `body`: what is before them is written here, so
// that they are copied once only, into the kernel.
static void answer_read(struct files *files, u64 message, u8 *body, size_t size)
{
    file_read_prefix(body, (u32)size);
    hosted_answer(&files->device, message, span_of(body, FILE_READ_PREFIX_BYTES + size));
}

static void read_run(struct file_work *work)
{
    const struct files_read_call *call = &work->as.read;
    u8 *body = malloc(FILE_READ_PREFIX_BYTES + (size_t)call->max);
    if (body == NULL) {
        work->refusal = E_NO_MEMORY;
        return;
    }
    i64 count =
        host_file_read(work->handle->fd, body + FILE_READ_PREFIX_BYTES, call->max, call->position);
    if (count < 0) {
        free(body);
        file_answer_none(work, (int)count);
        return;
    }
    file_read_prefix(body, (u32)count);
    file_answers_with(work, body, FILE_READ_PREFIX_BYTES + (size_t)count);
}

// Whether what was read is all that there is to answer with: the read is whole, or the file ends.
static bool is_whole(struct guest_file *handle, const struct files_read_call *call, i64 count)
{
    struct files_about about;
    handle->is_slow = count == -EOPNOTSUPP;
    return count == (i64)call->max || (count >= 0 && host_file_about(handle->fd, &about) == 0 &&
                                       call->position + (u64)count >= about.size);
}

// Answers at once if the bytes are at hand: a thread would cost more than the read. A long read
// goes where the kernel keeps the answer, and from there into the client's memory.
static bool read_now(struct files *files, u64 message, struct guest_file *handle,
                     const struct files_read_call *call)
{
    struct kernel_device *kernel = files->device.kernel;
    u32 size = FILE_READ_PREFIX_BYTES + call->max;
    u8 *room = NULL;
    if (handle->is_slow) {
        return false;
    }
    if (call->max >= ROOM_BYTES) {
        room = kernel_device_room(kernel, size);
    }
    u8 *body = room == NULL ? files->device.loop->scratch : room;
    i64 count =
        host_file_read_now(handle->fd, body + FILE_READ_PREFIX_BYTES, call->max, call->position);
    bool is_good = is_whole(handle, call, count); // else the thread waits, or meets the error again
    if (is_good && room != NULL && count == (i64)call->max) {
        file_read_prefix(body, (u32)count);
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
    struct guest_file *handle = file_handle_find(files, message->client, call->file);
    enum files_error error;
    if (!file_handle_serves(handle, FILE_NEEDS_FILE | FILE_NEEDS_READ, &error)) {
        file_answer_error(files, message->id, error);
        return;
    }
    if (message->id == 0 || read_now(files, message->id, handle, &some)) {
        return;
    }
    struct file_work *work =
        file_work_on(files, message, call->file, FILE_NEEDS_FILE | FILE_NEEDS_READ);
    if (work != NULL) {
        work->as.read = some;
        file_work_start(work, read_run);
    }
}

static void write_run(struct file_work *work)
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
        file_answer_none(work, error);
        return;
    }
    u8 body[FILES_WRITE_RESULT_BYTES];
    file_answers(work, body, files_write_encode_result(body, sizeof body, &result));
}

static void do_write(void *context, const struct interface_message *message,
                     const struct files_write_call *call)
{
    struct file_work *work =
        file_work_on(context, message, call->file, FILE_NEEDS_FILE | FILE_NEEDS_WRITE);
    if (work == NULL) {
        return;
    }
    if (call->bytes.size > HOSTED_IO_BYTES) {
        file_work_fail(work, FILES_ERROR_INVALID);
        return;
    }
    work->as.write = *call;
    file_work_start(work, write_run);
}

// ---- what is asked of a handle

static void status_run(struct file_work *work)
{
    struct files_about about = {0};
    int error = host_file_about(work->handle->fd, &about);
    file_answer_about(work, error, &about);
}

static void do_status(void *context, const struct interface_message *message,
                      const struct files_status_call *call)
{
    struct file_work *work = file_work_on(context, message, call->handle, 0);
    if (work != NULL) {
        file_work_start(work, status_run);
    }
}

static void resize_run(struct file_work *work)
{
    file_answer_none(work, host_file_resize(work->handle->fd, work->as.resize.size));
}

static void do_resize(void *context, const struct interface_message *message,
                      const struct files_resize_call *call)
{
    struct file_work *work =
        file_work_on(context, message, call->file, FILE_NEEDS_FILE | FILE_NEEDS_WRITE);
    if (work != NULL) {
        work->as.resize = *call;
        file_work_start(work, resize_run);
    }
}

static void allocate_run(struct file_work *work)
{
    file_answer_none(work, host_file_allocate(work->handle->fd, work->as.allocate.position,
                                              work->as.allocate.size));
}

static void do_allocate(void *context, const struct interface_message *message,
                        const struct files_allocate_call *call)
{
    struct file_work *work =
        file_work_on(context, message, call->file, FILE_NEEDS_FILE | FILE_NEEDS_WRITE);
    if (work != NULL) {
        work->as.allocate = *call;
        file_work_start(work, allocate_run);
    }
}

static void advise_run(struct file_work *work)
{
    const struct files_advise_call *call = &work->as.advise;
    file_answer_none(work,
                     host_file_advise(work->handle->fd, call->position, call->size, call->advice));
}

static void do_advise(void *context, const struct interface_message *message,
                      const struct files_advise_call *call)
{
    struct file_work *work = file_work_on(context, message, call->file, FILE_NEEDS_FILE);
    if (work != NULL) {
        work->as.advise = *call;
        file_work_start(work, advise_run);
    }
}

static void sync_run(struct file_work *work)
{
    file_answer_none(work, host_file_sync(work->handle->fd, work->as.sync.data));
}

static void do_sync(void *context, const struct interface_message *message,
                    const struct files_sync_call *call)
{
    struct file_work *work = file_work_on(context, message, call->handle, 0);
    if (work != NULL) {
        work->as.sync = *call;
        file_work_start(work, sync_run);
    }
}

static void times_run(struct file_work *work)
{
    file_answer_none(work, host_file_times(work->handle->fd, &work->as.times.accessed,
                                           &work->as.times.modified));
}

static void do_set_times(void *context, const struct interface_message *message,
                         const struct files_set_times_call *call)
{
    struct file_work *work = file_work_on(context, message, call->handle, FILE_NEEDS_CHANGE);
    if (work != NULL) {
        work->as.times = *call;
        file_work_start(work, times_run);
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
    .list = file_do_list,
    .path_status = file_do_path_status,
    .path_set_times = file_do_path_set_times,
    .create_folder = file_do_create_folder,
    .remove_folder = file_do_remove_folder,
    .remove_file = file_do_remove_file,
    .rename = file_do_rename,
    .link = file_do_link,
    .create_link = file_do_create_link,
    .read_link = file_do_read_link,
};

// Nobody waits for it any more. One that has begun goes on: it ends by itself.
static void work_forget(struct call *call)
{
    struct file_work *work = CONTAINER_OF(call, struct file_work, call);
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
        file_handle_close(files, file_handle_of(thing));
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
        file_handle_close(files, file_handle_of(thing));
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
