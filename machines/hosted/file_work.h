// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/file_work.h: calls of redshirt:io/files under way: what they are about, checked,
// and how they come to their answers. Whatever may wait for a disk happens on one of libuv's file
// threads (`run`); the loop then answers and ends the call.
//
// Use     file_work_on a handle, or file_work_at a path beneath one; fill in `as`; file_work_start.
//         Each of them that returns NULL or false has answered.
// Owner   a work has its handles until it ends: one that is closed meanwhile stays until then.
// Threads `run` is called on a file thread, everything else in the loop.
#pragma once
#include <pthread.h>
#include <uv.h>

#include "core/base/types.h"
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

struct guest_file {
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
struct file_work {
    struct call call;
    struct files *files;
    struct guest_file *handle; // or NULL
    struct guest_file *other;  // or NULL
    bool is_unwanted;          // nobody waits for the answer any more
    int error;                 // of host_file.h, where the answer is given in the loop
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
    void (*run)(struct file_work *work);  // on one of the host's file threads
    void (*done)(struct file_work *work); // in the loop, afterwards; or NULL: it answers with:
    u8 *answer;                           // from malloc, or `small`
    size_t answer_size;
    i32 refusal; // in place of it: an error of abi.h
    u8 small[64];
};

// What a call needs of its handle.
enum file_needs {
    FILE_NEEDS_READ = 1 << 0,
    FILE_NEEDS_WRITE = 1 << 1,
    FILE_NEEDS_FOLDER = 1 << 2,
    FILE_NEEDS_FILE = 1 << 3,
    FILE_NEEDS_CHANGE = 1 << 4, // it changes what is there, and not by writing
};

// ---- answers

// Answers at once, in the loop.
void file_answer_error(struct files *files, u64 message, enum files_error error);
// What a run ends with: it is told in the loop, where the call ends too.
void file_answers(struct file_work *work, const u8 *body, size_t size);
// The same, of memory from malloc, which is taken over.
void file_answers_with(struct file_work *work, u8 *body, size_t size);
// The same, to all whose results hold nothing, or that failed; `error` as in host_file.h.
void file_answer_none(struct file_work *work, int error);
void file_answer_about(struct file_work *work, int error, const struct files_about *about);
// What stands before the bytes of a read, and of a link's target: that it is one, and how many
// there are.
enum { FILE_READ_PREFIX_BYTES = 5 };
void file_read_prefix(u8 *body, u32 size);

// ---- handles

struct guest_file *file_handle_of(struct thing *thing);

struct guest_file *file_handle_find(struct files *files, u64 client, u64 id);

void file_handle_close(struct files *files, struct guest_file *handle);

// Takes over the descriptor, also when there is no room: then NULL, and it is closed.
struct guest_file *file_handle_make(struct files *files, u64 client, int fd, enum files_kind kind);

// False: the handle is not what the call needs, and *error says why.
bool file_handle_serves(const struct guest_file *handle, u32 needs, enum files_error *error);

// ---- works

// NULL: answered already, or nobody wants an answer.
struct file_work *file_work_make(struct files *files, const struct interface_message *message);

// Answers with an error before anything was asked of the host.
void file_work_fail(struct file_work *work, enum files_error error);

void file_work_start(struct file_work *work, void (*run)(struct file_work *));

// A work on a handle; NULL: answered already.
struct file_work *file_work_on(struct files *files, const struct interface_message *message, u64 id,
                               u32 needs);

// A path from a message, checked and zero-terminated, from malloc; NULL: *error says why.
char *file_path_copy(struct span path, enum files_error *error);

// A work on a path in a folder; NULL: answered already.
struct file_work *file_work_at(struct files *files, const struct interface_message *message,
                               u64 folder, struct span path, u32 needs);

// The same on a second one. False: answered already.
bool file_work_and_at(struct file_work *work, u64 folder, struct span path);

// ---- paths and listings (file_paths.c): as the interface's functions

void file_do_list(void *context, const struct interface_message *message,
                  const struct files_list_call *call);
void file_do_path_status(void *context, const struct interface_message *message,
                         const struct files_path_status_call *call);
void file_do_path_set_times(void *context, const struct interface_message *message,
                            const struct files_path_set_times_call *call);
void file_do_create_folder(void *context, const struct interface_message *message,
                           const struct files_create_folder_call *call);
void file_do_remove_folder(void *context, const struct interface_message *message,
                           const struct files_remove_folder_call *call);
void file_do_remove_file(void *context, const struct interface_message *message,
                         const struct files_remove_file_call *call);
void file_do_rename(void *context, const struct interface_message *message,
                    const struct files_rename_call *call);
void file_do_link(void *context, const struct interface_message *message,
                  const struct files_link_call *call);
void file_do_create_link(void *context, const struct interface_message *message,
                         const struct files_create_link_call *call);
void file_do_read_link(void *context, const struct interface_message *message,
                       const struct files_read_link_call *call);
