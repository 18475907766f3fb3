// SPDX-License-Identifier: GPL-3.0-or-later
// The engines that ours is compared with: native code, another engine in this process, and node.
#include "tests/bench/bench.h"
#include "tests/bench/engines.h"
#include "tests/bench/peer.h"
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
    "wasm3", peer_is_there, peer_open_kernel, peer_run_kernel, peer_close_kernel,
};

// ---- node: a child that runs what it is told to on its standard input

struct node {
    pid_t pid;
    FILE *to;
    FILE *from;
};

static bool node_is_there(void)
{
    return system("node --version >/dev/null 2>&1") == 0;
}

static void node_main(int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execlp("node", "node", "--no-wasm-tier-up", "--no-liftoff", "tests/bench/peer_node.mjs",
           (char *)NULL);
    _exit(127);
}

static struct node *node_start(void)
{
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) {
        return NULL;
    }
    struct node *node = calloc(1, sizeof *node);
    fflush(stdout);
    node->pid = fork();
    if (node->pid == 0) {
        close(to[1]);
        close(from[0]);
        node_main(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    node->to = fdopen(to[1], "w");
    node->from = fdopen(from[0], "r");
    return node;
}

static void *node_open(const struct kernel_case *kernel, struct span wasm)
{
    (void)kernel;
    struct node *node = node_start();
    if (node != NULL) {
        fprintf(node->to, "%zu\n", wasm.size);
        fwrite(wasm.data, 1, wasm.size, node->to);
        fflush(node->to);
    }
    return node;
}

static bool node_run(void *self, u32 n, u64 *result, f64 *seconds)
{
    struct node *node = self;
    unsigned long long sum;
    fprintf(node->to, "%u\n", n);
    fflush(node->to);
    bool good = fscanf(node->from, "%llu %lf", &sum, seconds) == 2;
    *result = good ? sum : 0;
    return good;
}

static void node_close(void *self)
{
    struct node *node = self;
    fclose(node->to); // at whose end it ends
    fclose(node->from);
    waitpid(node->pid, NULL, 0);
    free(node);
}

const struct engine engine_node = {"node", node_is_there, node_open, node_run, node_close};
