// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/devices.h: the devices of the hosted machine, one interface each
// (interfaces/*.wit).
//
// Use     after hosted_loop_init, add each that the machine shall have.
// Owner   the loop: hosted_loop_drop drops them.
// Errors  ERR_EXISTS: the interface has a handler; ERR_NO_MEMORY; ERR_IO: the host refused a
//         descriptor.
// Limits  machines/hosted/limits.h.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct files;
struct hosted_loop;
struct keep;
struct kernel;
struct log_ring;
struct store;
struct stream;
struct terminal;

// The descriptors 0, 1 and 2 as streams (stream.h), which stdio and log share.
struct hosted_standard {
    struct stream *streams; // three
    struct log_ring *log;   // what goes to the standard error is kept here, too
    bool is_terminal[3];
    bool is_abandoned; // atomic: what is not written yet may be lost
};

// Starts the three streams' threads.
enum err hosted_standard_start(struct hosted_standard *standard);
// Writes what was taken over, unless is_abandoned, and ends the threads. Between hosted_loop_stop
// and hosted_loop_drop.
void hosted_standard_stop(struct hosted_standard *standard);

enum err hosted_stdio_add(struct hosted_loop *loop, struct kernel *kernel,
                          struct hosted_standard *standard);
enum err hosted_log_add(struct hosted_loop *loop, struct kernel *kernel,
                        struct hosted_standard *standard);
enum err hosted_terminal_add(struct hosted_loop *loop, struct kernel *kernel,
                             struct terminal **out);
// Somebody has sent SIGINT. True: a client of the terminal is told, so it ends nothing. Allowed in
// a signal handler, until hosted_loop_stop.
bool hosted_terminal_interrupt(struct terminal *terminal);
enum err hosted_time_add(struct hosted_loop *loop, struct kernel *kernel);
enum err hosted_random_add(struct hosted_loop *loop, struct kernel *kernel);
enum err hosted_crypto_add(struct hosted_loop *loop, struct kernel *kernel);
enum err hosted_tcp_add(struct hosted_loop *loop, struct kernel *kernel);
enum err hosted_udp_add(struct hosted_loop *loop, struct kernel *kernel);
enum err hosted_dns_add(struct hosted_loop *loop, struct kernel *kernel);
// `store` stays open as long as the loop.
enum err hosted_blocks_add(struct hosted_loop *loop, struct kernel *kernel, struct store *store);
enum err hosted_keep_add(struct hosted_loop *loop, struct kernel *kernel, struct store *store,
                         struct keep **out);
// From now on the clients of this owner (kernel_process_owner), and no others, may use it.
void hosted_keep_allow(struct keep *keep, u32 owner);
enum err hosted_files_add(struct hosted_loop *loop, struct kernel *kernel, struct files **out);
// Whether a program has asked for its folders and has none; from any thread.
bool hosted_files_has_given_none(const struct files *files);
