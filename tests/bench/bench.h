// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/bench.h: what benchmarks of the engine share: a heap, a clock, and programs in files.
// A claim of core/ that does not hold ends the benchmark.
#pragma once
#include "core/base/memory.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct wasm_module;

enum { BENCH_FILE_BYTES = 64 << 20 };

// The C library's memory.
extern struct memory bench_heap;

// CPU time of the calling thread, so that what else the machine does is not counted.
f64 seconds_now(void);

// A file's bytes, in memory that the next call takes again; ends the benchmark where it cannot be
// read or has more than BENCH_FILE_BYTES.
struct span bench_read(const char *path);

// A module, decoded and validated; of bytes that outlive it, or of a file as above. Ends the
// benchmark when it is not valid.
const struct wasm_module *bench_module(struct span bytes, struct arena *arena);
const struct wasm_module *bench_load(const char *path, struct arena *arena);
