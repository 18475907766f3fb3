// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/file_work.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

// ---- answers

void file_answer_error(struct files *files, u64 message, enum files_error error)
{
    // all results begin with the byte that says which, and an error is one more
    u8 body[FILES_CLOSE_RESULT_BYTES];
    struct files_result_none_error result = {.error = error};
    size_t size = files_close_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&files->device, message, span_of(body, size));
}

void file_answers(struct file_work *work, const u8 *body, size_t size)
{
    ASSERT(size <= sizeof work->small);
    mem_copy(work->small, body, size);
    work->answer = work->small;
    work->answer_size = size;
}

void file_answers_with(struct file_work *work, u8 *body, size_t size)
{
    work->answer = body;
    work->answer_size = size;
}

void file_answer_none(struct file_work *work, int error)
{
    u8 body[FILES_CLOSE_RESULT_BYTES];
    struct files_result_none_error result = {.ok = error == 0};
    if (error != 0) {
        result.error = host_file_error(error);
    }
    file_answers(work, body, files_close_encode_result(body, sizeof body, &result));
}

void file_answer_about(struct file_work *work, int error, const struct files_about *about)
{
    if (error != 0) {
        file_answer_none(work, error);
        return;
    }
    u8 body[FILES_STATUS_RESULT_BYTES];
    struct files_result_about_error result = {.ok = true, .value = *about};
    file_answers(work, body, files_status_encode_result(body, sizeof body, &result));
}

void file_read_prefix(u8 *body, u32 size)
{
    struct wire_writer out = wire_writer_over(body, FILE_READ_PREFIX_BYTES);
    wire_write_bool(&out, false); // not an error
    wire_write_u32(&out, size);
    ASSERT(out.size == FILE_READ_PREFIX_BYTES);
}

// ---- handles

struct guest_file *file_handle_of(struct thing *thing)
{
    return thing == NULL ? NULL : CONTAINER_OF(thing, struct guest_file, thing);
}

struct guest_file *file_handle_find(struct files *files, u64 client, u64 id)
{
    return file_handle_of(things_find(&files->calls, client, id));
}

static void handle_release(struct guest_file *handle)
{
    if (handle->is_closed && handle->users == 0) {
        close(handle->fd);
        pthread_mutex_destroy(&handle->position);
        free(handle);
    }
}

void file_handle_close(struct files *files, struct guest_file *handle)
{
    ASSERT(!handle->is_closed);
    handle->is_closed = true;
    things_end(&files->calls, &handle->thing);
    handle_release(handle);
}

struct guest_file *file_handle_make(struct files *files, u64 client, int fd, enum files_kind kind)
{
    struct guest_file *handle = calloc(1, sizeof *handle);
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

static void work_free(struct file_work *work)
{
    free(work->path);
    free(work->to_path);
    if (work->answer != work->small) {
        free(work->answer);
    }
    free(work);
}

static void work_end(struct file_work *work)
{
    struct guest_file *handles[] = {work->handle, work->other};
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
    struct file_work *work = CONTAINER_OF(request, struct file_work, request);
    work->run(work);
}

static void work_done(uv_work_t *request, int status)
{
    struct file_work *work = CONTAINER_OF(request, struct file_work, request);
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

struct file_work *file_work_make(struct files *files, const struct interface_message *message)
{
    if (message->id == 0) {
        return NULL; // who does not wait would not hear that it failed
    }
    struct file_work *work = calloc(1, sizeof *work);
    enum err err = work == NULL
                       ? ERR_NO_MEMORY
                       : calls_begin(&files->calls, &work->call, message->client, message->id);
    if (err != ERR_OK) {
        free(work);
        file_answer_error(files, message->id, FILES_ERROR_LIMIT);
        return NULL;
    }
    work->files = files;
    return work;
}

void file_work_fail(struct file_work *work, enum files_error error)
{
    file_answer_error(work->files, work->call.message, error);
    work_end(work);
}

void file_work_start(struct file_work *work, void (*run)(struct file_work *))
{
    work->run = run;
    int failed = uv_queue_work(&work->files->device.loop->uv, &work->request, work_run, work_done);
    ASSERT(failed == 0); // it fails for a missing function only
}

bool file_handle_serves(const struct guest_file *handle, u32 needs, enum files_error *error)
{
    if (handle == NULL) {
        *error = FILES_ERROR_NOT_OPEN;
    } else if ((needs & FILE_NEEDS_FOLDER) != 0 && handle->kind != FILES_KIND_FOLDER) {
        *error = FILES_ERROR_NOT_FOLDER;
    } else if ((needs & FILE_NEEDS_FILE) != 0 && handle->kind == FILES_KIND_FOLDER) {
        *error = FILES_ERROR_IS_FOLDER;
    } else if (((needs & FILE_NEEDS_READ) != 0 && !handle->reads) ||
               ((needs & FILE_NEEDS_WRITE) != 0 && !handle->writes)) {
        *error = FILES_ERROR_WRONG_MODE;
    } else if ((needs & FILE_NEEDS_CHANGE) != 0 && handle->is_read_only) {
        *error = FILES_ERROR_READ_ONLY;
    } else {
        return true;
    }
    return false;
}

struct file_work *file_work_on(struct files *files, const struct interface_message *message, u64 id,
                               u32 needs)
{
    struct file_work *work = file_work_make(files, message);
    enum files_error error;
    if (work == NULL) {
        return NULL;
    }
    struct guest_file *handle = file_handle_find(files, message->client, id);
    if (!file_handle_serves(handle, needs, &error)) {
        file_work_fail(work, error);
        return NULL;
    }
    work->handle = handle;
    handle->users++;
    return work;
}

char *file_path_copy(struct span path, enum files_error *error)
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

struct file_work *file_work_at(struct files *files, const struct interface_message *message,
                               u64 folder, struct span path, u32 needs)
{
    struct file_work *work = file_work_on(files, message, folder, needs | FILE_NEEDS_FOLDER);
    enum files_error error;
    if (work != NULL) {
        work->path = file_path_copy(path, &error);
        if (work->path == NULL) {
            file_work_fail(work, error);
            return NULL;
        }
    }
    return work;
}

bool file_work_and_at(struct file_work *work, u64 folder, struct span path)
{
    enum files_error error;
    struct guest_file *other = file_handle_find(work->files, work->call.client->node.key, folder);
    if (file_handle_serves(other, FILE_NEEDS_FOLDER | FILE_NEEDS_CHANGE, &error)) {
        work->other = other;
        other->users++;
        work->to_path = file_path_copy(path, &error);
    }
    bool is_good = work->to_path != NULL;
    if (!is_good) {
        file_work_fail(work, error);
    }
    return is_good;
}
