// SPDX-License-Identifier: GPL-3.0-or-later
// machines/sim/sim_devices.h: the simulated machine's devices: log, time, random, blocks and stdio.
// Each message is answered after a delay from the dice, so answers overtake each other.
//
// Use     sim_devices_create once; sim_turn drives them. What programs printed is in `output`.
// Owner   the caller frees with sim_devices_drop, before kernel_destroy.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;
struct sim_devices;

struct sim_block {
    const char *cid;
    struct span bytes;
    bool is_damaged; // the device says so
};

struct sim_devices_config {
    const struct sim_block *blocks;
    u32 block_count;
    struct span input; // of stdio
    u64 delay_ns;      // most for one answer
    u32 fails_one_in;  // answers that are E_BUSY instead; 0: none
};

struct sim_devices *sim_devices_create(struct kernel *kernel,
                                       const struct sim_devices_config *config);
void sim_devices_drop(struct sim_devices *devices);
// Takes one event or gives one answer that is due. False: there is neither.
bool sim_devices_turn(struct sim_devices *devices);
// When the next answer is due; UINT64_MAX: none is under way.
u64 sim_devices_due_ns(const struct sim_devices *devices);
// What was written to stdio's output and error.
struct span sim_devices_output(const struct sim_devices *devices);
