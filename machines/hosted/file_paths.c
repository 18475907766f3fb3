// SPDX-License-Identifier: GPL-3.0-or-later
// Listings, and what is done by a path: redshirt:io/files beneath the handle of a folder.
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/wire.h"
#include "machines/hosted/file_work.h"

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
static int list_read(struct file_work *work, struct listing *listing, u32 *count)
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

static void list_run(struct file_work *work)
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
        file_answer_none(work, error);
    } else {
        result.value.items = listing->entries;
        size_t size = files_list_encode_result(NULL, 0, &result);
        u8 *body = malloc(size);
        work->refusal = body == NULL ? E_NO_MEMORY : 0;
        if (body != NULL) {
            size_t used = files_list_encode_result(body, size, &result);
            ASSERT(used == size);
            file_answers_with(work, body, size);
        }
    }
    free(listing);
}

void file_do_list(void *context, const struct interface_message *message,
                  const struct files_list_call *call)
{
    struct file_work *work = file_work_on(context, message, call->folder, FILE_NEEDS_FOLDER);
    if (work != NULL) {
        work->as.list = *call;
        file_work_start(work, list_run);
    }
}

// ---- paths

static void path_status_run(struct file_work *work)
{
    struct files_about about = {0};
    int error =
        host_file_path_about(work->handle->fd, work->path, work->as.path_status.follow, &about);
    file_answer_about(work, error, &about);
}

void file_do_path_status(void *context, const struct interface_message *message,
                         const struct files_path_status_call *call)
{
    struct file_work *work = file_work_at(context, message, call->folder, call->path, 0);
    if (work != NULL) {
        work->as.path_status = *call;
        file_work_start(work, path_status_run);
    }
}

static void path_times_run(struct file_work *work)
{
    const struct files_path_set_times_call *call = &work->as.path_times;
    file_answer_none(work, host_file_path_times(work->handle->fd, work->path, call->follow,
                                                &call->accessed, &call->modified));
}

void file_do_path_set_times(void *context, const struct interface_message *message,
                            const struct files_path_set_times_call *call)
{
    struct file_work *work =
        file_work_at(context, message, call->folder, call->path, FILE_NEEDS_CHANGE);
    if (work != NULL) {
        work->as.path_times = *call;
        file_work_start(work, path_times_run);
    }
}

static void create_folder_run(struct file_work *work)
{
    file_answer_none(work, host_file_folder_make(work->handle->fd, work->path));
}

void file_do_create_folder(void *context, const struct interface_message *message,
                           const struct files_create_folder_call *call)
{
    struct file_work *work =
        file_work_at(context, message, call->folder, call->path, FILE_NEEDS_CHANGE);
    if (work != NULL) {
        file_work_start(work, create_folder_run);
    }
}

static void remove_folder_run(struct file_work *work)
{
    file_answer_none(work, host_file_folder_remove(work->handle->fd, work->path));
}

void file_do_remove_folder(void *context, const struct interface_message *message,
                           const struct files_remove_folder_call *call)
{
    struct file_work *work =
        file_work_at(context, message, call->folder, call->path, FILE_NEEDS_CHANGE);
    if (work != NULL) {
        file_work_start(work, remove_folder_run);
    }
}

static void remove_file_run(struct file_work *work)
{
    file_answer_none(work, host_file_remove(work->handle->fd, work->path));
}

void file_do_remove_file(void *context, const struct interface_message *message,
                         const struct files_remove_file_call *call)
{
    struct file_work *work =
        file_work_at(context, message, call->folder, call->path, FILE_NEEDS_CHANGE);
    if (work != NULL) {
        file_work_start(work, remove_file_run);
    }
}

static void rename_run(struct file_work *work)
{
    file_answer_none(
        work, host_file_rename(work->handle->fd, work->path, work->other->fd, work->to_path));
}

void file_do_rename(void *context, const struct interface_message *message,
                    const struct files_rename_call *call)
{
    struct file_work *work =
        file_work_at(context, message, call->folder, call->path, FILE_NEEDS_CHANGE);
    if (work != NULL && file_work_and_at(work, call->to_folder, call->to_path)) {
        file_work_start(work, rename_run);
    }
}

static void link_run(struct file_work *work)
{
    file_answer_none(work,
                     host_file_link(work->handle->fd, work->path, work->other->fd, work->to_path));
}

// The old name's folder must be writable too, or a new name would make the file so.
void file_do_link(void *context, const struct interface_message *message,
                  const struct files_link_call *call)
{
    struct file_work *work =
        file_work_at(context, message, call->folder, call->path, FILE_NEEDS_CHANGE);
    if (work != NULL && file_work_and_at(work, call->to_folder, call->to_path)) {
        file_work_start(work, link_run);
    }
}

static void create_link_run(struct file_work *work)
{
    file_answer_none(work, host_file_link_make(work->handle->fd, work->path, work->to_path));
}

void file_do_create_link(void *context, const struct interface_message *message,
                         const struct files_create_link_call *call)
{
    struct file_work *work =
        file_work_at(context, message, call->folder, call->path, FILE_NEEDS_CHANGE);
    enum files_error error;
    if (work != NULL) {
        work->to_path = file_path_copy(call->target, &error);
        if (work->to_path == NULL) {
            file_work_fail(work, error);
            return;
        }
        file_work_start(work, create_link_run);
    }
}

static void read_link_run(struct file_work *work)
{
    u8 *body = malloc(FILE_READ_PREFIX_BYTES + HOSTED_FILE_PATH_BYTES); // looks as that of a read
    size_t size = 0;
    if (body == NULL) {
        work->refusal = E_NO_MEMORY;
        return;
    }
    int error = host_file_link_read(work->handle->fd, work->path,
                                    (char *)body + FILE_READ_PREFIX_BYTES, &size);
    if (error != 0) {
        free(body);
        file_answer_none(work, error);
        return;
    }
    file_read_prefix(body, (u32)size);
    file_answers_with(work, body, FILE_READ_PREFIX_BYTES + size);
}

void file_do_read_link(void *context, const struct interface_message *message,
                       const struct files_read_link_call *call)
{
    struct file_work *work = file_work_at(context, message, call->folder, call->path, 0);
    if (work != NULL) {
        file_work_start(work, read_link_run);
    }
}
