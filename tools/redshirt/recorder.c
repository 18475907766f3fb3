// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/kernel/limits.h"
#include "tools/redshirt/command.h"

struct recorder {
    const char *path;
    int file;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; // of all below
    pthread_cond_t news;  // there is something to write, or is_ending
    bool is_ending;
    bool has_failed; // said
    bool has_any;    // bytes in the file
    bool is_short;   // the recording is not whole
    size_t used;
    u8 buffer[RECORDER_BYTES];
};

// ---- writing

static void keep_locked(struct recorder *recorder, struct span bytes)
{
    if (recorder->has_failed || bytes.size == 0) {
        return;
    }
    recorder->has_any = true;
    if (!write_all(recorder->file, bytes)) {
        recorder->has_failed = true;
        say("%s: the recording breaks off here: %s; the program goes on", recorder->path,
            strerror(errno));
    }
}

static void flush_locked(struct recorder *recorder)
{
    keep_locked(recorder, span_of(recorder->buffer, recorder->used));
    recorder->used = 0;
}

static void *write_often(void *context)
{
    struct recorder *recorder = context;
    const struct timespec a_while = {.tv_nsec = RECORDER_NS};
    (void)pthread_mutex_lock(&recorder->lock);
    while (!recorder->is_ending) {
        if (recorder->used == 0) {
            (void)pthread_cond_wait(&recorder->news, &recorder->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&recorder->lock); // so that more can come together
        (void)nanosleep(&a_while, NULL);
        (void)pthread_mutex_lock(&recorder->lock);
        flush_locked(recorder);
    }
    (void)pthread_mutex_unlock(&recorder->lock);
    return NULL;
}

bool recorder_put(void *context, const struct span *pieces, u32 count)
{
    struct recorder *recorder = context;
    (void)pthread_mutex_lock(&recorder->lock);
    bool was_empty = recorder->used == 0;
    for (u32 i = 0; i < count; i++) {
        struct span piece = pieces[i];
        if (piece.size > RECORDER_BYTES - recorder->used) {
            flush_locked(recorder);
        }
        if (piece.size > RECORDER_BYTES) {
            keep_locked(recorder, piece);
            continue;
        }
        mem_copy(recorder->buffer + recorder->used, piece.data, piece.size);
        recorder->used += piece.size;
    }
    bool is_kept = !recorder->has_failed;
    if (was_empty && recorder->used > 0) {
        (void)pthread_cond_signal(&recorder->news);
    }
    (void)pthread_mutex_unlock(&recorder->lock);
    return is_kept;
}

// ---- from its opening to its end

// Signals are the session's.
static bool thread_start(struct recorder *recorder)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    recorder->has_thread = pthread_create(&recorder->thread, NULL, write_often, recorder) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return recorder->has_thread;
}

// A file that was there before may be everybody's. Before anything is in it.
static bool is_made_private(int file)
{
    struct stat status;
    return fstat(file, &status) == 0 &&
           (!S_ISREG(status.st_mode) || (status.st_mode & 077) == 0 || fchmod(file, 0600) == 0);
}

int recorder_open(const char *path, struct recorder **out)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (recorder == NULL) {
        say("%s: no memory to record", path);
        return EXIT_MACHINE;
    }
    recorder->path = path;
    recorder->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (recorder->file < 0) {
        say("%s: cannot be written (%s)", path, strerror(errno));
        free(recorder);
        return EXIT_IO;
    }
    if (!is_made_private(recorder->file)) {
        say("%s: it holds all that the program is given, and cannot be made its owner's alone (%s)",
            path, strerror(errno));
        close(recorder->file);
        free(recorder);
        return EXIT_IO;
    }
    (void)pthread_mutex_init(&recorder->lock, NULL);
    (void)pthread_cond_init(&recorder->news, NULL);
    if (!thread_start(recorder)) {
        say("%s: the host has no thread to record it by", path);
        return recorder_close(recorder, EXIT_MACHINE);
    }
    *out = recorder;
    return EXIT_GOOD;
}

void recorder_end(struct recorder *recorder, const struct kernel_record_state *state)
{
    (void)pthread_mutex_lock(&recorder->lock);
    flush_locked(recorder);
    bool has_failed = recorder->has_failed;
    recorder->is_short = has_failed || state->outcome == KERNEL_RECORD_LOST;
    (void)pthread_mutex_unlock(&recorder->lock);
    if (state->outcome == KERNEL_RECORD_LOST && !has_failed) {
        say("%s: the recording breaks off before the program's end: it has at most %d MiB",
            recorder->path, KERNEL_RECORD_BYTES >> 20);
    }
    if (state->wanted_thread) {
        say("a program that is recorded has one thread, and this one was refused another");
    }
}

int recorder_close(struct recorder *recorder, int code)
{
    if (recorder == NULL) {
        return code;
    }
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->is_ending = true;
    (void)pthread_cond_signal(&recorder->news);
    (void)pthread_mutex_unlock(&recorder->lock);
    if (recorder->has_thread) {
        (void)pthread_join(recorder->thread, NULL);
    }
    (void)pthread_cond_destroy(&recorder->news);
    (void)pthread_mutex_destroy(&recorder->lock);
    struct stat status;
    bool is_empty = !recorder->has_any && fstat(recorder->file, &status) == 0 &&
                    S_ISREG(status.st_mode) && status.st_size == 0;
    if (is_empty) {
        (void)unlink(recorder->path);
    }
    bool is_short = recorder->is_short;
    if (close(recorder->file) != 0 && !is_short) {
        say("%s: cannot be written (%s)", recorder->path, strerror(errno));
        is_short = true;
    }
    free(recorder);
    return code == EXIT_GOOD && is_short ? EXIT_IO : code;
}
