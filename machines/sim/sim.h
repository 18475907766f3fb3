// SPDX-License-Identifier: GPL-3.0-or-later
// machines/sim/sim.h: a machine made of a seed. One OS thread, a clock that moves when it is told
// to, dice that repeat, workers that are turns: one seed gives one run, byte for byte.
//
// Use     sim_reset(seed), then kernel_create over sim_memory(), then sim_devices.h, then sim_turn
//         as often as wanted: it runs one virtual worker for a random portion, or lets time pass to
//         the next thing that is due. At the end kernel_destroy, then sim_close, which finds what
//         leaked.
// Owner   there is one such machine in a program; it is the platform.h that the program links.
// Trace   everything that happens goes into a hash, and to a file when there is one.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/kernel.h"
#include <stdio.h>
struct memory;
struct sim_devices;

// Starts the clock and the dice anew. trace: NULL, or where a line goes for all that happens.
void sim_reset(u64 seed, FILE *trace);
// Asserts that all memory and address space was given back.
void sim_close(void);

// A random number below `count`, from the seed.
u64 sim_below(u64 count);
void sim_clock_advance(u64 ns);

// The C library's, counted. One allocation in `one_in` fails (0: none).
struct memory *sim_memory(void);
void sim_memory_fails(u32 one_in);
u64 sim_memory_bytes(void);

// The kernel's trace goes here (struct kernel_config).
void sim_trace_kernel(void *context, enum kernel_trace_kind kind, u64 a, u64 b);
void sim_trace_note(const char *what, u64 a, u64 b);
void sim_trace_bytes(const char *what, struct span bytes);
// What happened so far, as a number.
u64 sim_trace_hash(void);

// A config for a kernel on this machine.
struct kernel_config sim_kernel_config(u32 workers);

// One turn: of a worker chosen by the dice with at most `fuel_most` units, of the devices (NULL:
// none), or of the clock. False: nothing is ready, and nothing is due ever.
bool sim_turn(struct kernel *kernel, u32 workers, i64 fuel_most, struct sim_devices *devices);
