// SPDX-License-Identifier: GPL-3.0-or-later
// The engines that ours is compared with: native code, another engine in this process, and those
// that tests/bench/peer finds.
#include "tests/bench/bench.h"
#include "tests/bench/engines.h"
#include "tests/bench/peer.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- native

static void *native_open(const struct kernel_case *kernel, struct span wasm)
{
    (void)wasm;
    return (void *)(uintptr_t)kernel;
}

static bool native_run(void *self, u32 n, u64 *result, f64 *seconds)
{
    const struct kernel_case *kernel = self;
    f64 before = seconds_now();
    *result = kernel->native(n);
    *seconds = seconds_now() - before;
    return true;
}

static void native_close(void *self)
{
    (void)self;
}

const struct engine engine_native = {"native", NULL, native_open, native_run, native_close};

// ---- an engine in this process

static bool peer_is_there(void)
{
    return peer_name() != NULL;
}

static void *peer_open_kernel(const struct kernel_case *kernel, struct span wasm)
{
    (void)kernel;
    return peer_open(wasm);
}

static bool peer_run_kernel(void *self, u32 n, u64 *result, f64 *seconds)
{
    f64 before = seconds_now();
    bool good = peer_run(self, n, result);
    *seconds = seconds_now() - before;
    return good;
}

static void peer_close_kernel(void *self)
{
    peer_close(self);
}

const struct engine engine_peer = {
    .name = "wasm3",
    .is_there = peer_is_there,
    .open = peer_open_kernel,
    .run = peer_run_kernel,
    .close = peer_close_kernel,
    .source = "WASM3_DIR, or tests/bench/fetch",
    .lacks = ENGINE_LACKS_VECTORS,
};

// ---- engines in a process of their own: a child that runs what its standard input tells it

struct child {
    pid_t pid;
    FILE *to;
    FILE *from;
};

static bool child_is_there(const char *name)
{
    char command[128];
    snprintf(command, sizeof command, "tests/bench/peer %s --there </dev/null >/dev/null 2>&1",
             name);
    return system(command) == 0;
}

static void child_main(const char *name, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execl("tests/bench/peer", "peer", name, (char *)NULL);
    _exit(127);
}

static struct child *child_start(const char *name)
{
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) {
        return NULL;
    }
    struct child *child = calloc(1, sizeof *child);
    fflush(stdout);
    child->pid = fork();
    if (child->pid == 0) {
        close(to[1]);
        close(from[0]);
        child_main(name, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    fcntl(to[1], F_SETFD, FD_CLOEXEC); // another child would keep it open
    fcntl(from[0], F_SETFD, FD_CLOEXEC);
    child->to = fdopen(to[1], "w");
    child->from = fdopen(from[0], "r");
    return child;
}

static void *child_open(const char *name, struct span wasm)
{
    struct child *child = child_start(name);
    if (child != NULL) {
        fprintf(child->to, "%zu\n", wasm.size);
        fwrite(wasm.data, 1, wasm.size, child->to);
        fflush(child->to);
    }
    return child;
}

static bool child_run(void *self, u32 n, u64 *result, f64 *seconds)
{
    struct child *child = self;
    unsigned long long sum;
    fprintf(child->to, "%u\n", n);
    fflush(child->to);
    bool good = fscanf(child->from, "%llu %lf", &sum, seconds) == 2;
    *result = good ? sum : 0;
    return good;
}

static void child_close(void *self)
{
    struct child *child = self;
    fclose(child->to); // at whose end it ends
    fclose(child->from);
    waitpid(child->pid, NULL, 0);
    free(child);
}

#define CHILD(id, where, without)                                                                  \
    static bool id##_is_there(void)                                                                \
    {                                                                                              \
        return child_is_there(#id);                                                                \
    }                                                                                              \
    static void *id##_open(const struct kernel_case *kernel, struct span wasm)                     \
    {                                                                                              \
        (void)kernel;                                                                              \
        return child_open(#id, wasm);                                                              \
    }                                                                                              \
    const struct engine engine_##id = {                                                            \
        .name = #id,                                                                               \
        .is_there = id##_is_there,                                                                 \
        .open = id##_open,                                                                         \
        .run = child_run,                                                                          \
        .close = child_close,                                                                      \
        .source = where,                                                                           \
        .lacks = (without),                                                                        \
    };
CHILD(turbofan, "node", 0)
CHILD(liftoff, "node", 0)
CHILD(wasmtime, "tests/bench/fetch", 0)
CHILD(iwasm, "tests/bench/fetch", ENGINE_LACKS_VECTORS | ENGINE_LACKS_BULK)
CHILD(wasmer, "a command of that name", 0)
