// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/perf.h: tells `perf` where compiled functions lie, by the file /tmp/perf-PID.map,
// one line for each as it is placed: start, size (both hexadecimal), name.
//
// Use     hosted_perf_open before the kernel is created, hosted_perf_placed as its code_placed,
//         hosted_perf_close when it is destroyed.
// Owner   one map at a time in a process. The file stays: perf reads it when the process is gone.
#pragma once
#include "core/base/err.h"
struct kernel_code;
struct report;

// ERR_IO  the file cannot be made, or is somebody else's
enum err hosted_perf_open(struct report *report);
void hosted_perf_close(void);

// kernel_config.code_placed.
void hosted_perf_placed(void *context, const struct kernel_code *code);
