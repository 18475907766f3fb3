// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/engines.h: the engines that run the same kernels, in turns and within one run, since
// absolute times mean nothing.
//
// Use     is_there, then open for each kernel, run as often as wanted, close.
#pragma once
#include "core/base/compiler.h"
#include "core/base/span.h"
#include "core/base/types.h"

struct kernel_case {
    const char *name;
    u32 n;
    u64 (*native)(u32 n);
};

// Instructions that it takes no module with, or takes too long for.
enum engine_lacks { ENGINE_LACKS_VECTORS = 1, ENGINE_LACKS_BULK = 2 };

struct engine {
    const char *name;
    // Whether this machine has it; NULL: always.
    bool (*is_there)(void);
    // Makes a kernel ready to run; NULL when the engine cannot.
    //   wasm  its module, whose export `run` takes an i32 and returns an i64; outlives the result
    void *(*open)(const struct kernel_case *kernel, struct span wasm);
    // Runs it once. False when it trapped. `seconds` receives what the run took, without what it
    // takes to ask for it.
    bool (*run)(void *self, u32 n, u64 *result, f64 *seconds);
    void (*close)(void *self);
    // Gets a whole module ready to run, drops nothing, and says what that took. False: it cannot.
    // NULL: nobody has asked for it.
    //   code_bytes  receives the size of machine code, 0 where there is none
    bool (*compile)(struct span wasm, f64 *seconds, u64 *code_bytes);
    const char *source; // where it comes from, if it may not be there
    u8 lacks;           // enum engine_lacks
};

extern const struct engine engine_native;      // the same source, compiled by clang -O2
extern const struct engine engine_interpreter; // ours
extern const struct engine engine_compiled;    // ours
// Interrupts it every so many us from now on, as the end of a slice does; 0: no more.
void engine_compiled_ticks(u32 every_us);
extern const struct engine engine_slices; // ours, paused after every few steps
extern const struct engine engine_peer;   // in this process: peer.h
// Each in a process of its own: V8's two tiers; Cranelift; an interpreter; what is installed.
extern const struct engine engine_turbofan;
extern const struct engine engine_liftoff;
extern const struct engine engine_wasmtime;
extern const struct engine engine_iwasm;
extern const struct engine engine_wasmer;
