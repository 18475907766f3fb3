// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/devices.h: the interfaces that a bare machine answers itself: log, time,
// random, stdio (all on the serial line) and blocks (the archive).
//
// Use     devices_add once; then devices_run between turns of the programs, and devices_deadline_ns
//         to know how long the machine may sleep.
// Owner   the archive and the memory outlive the kernel.
// Limits  DEVICE_... of limits.h. Devices run on the one worker, between programs.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct car;
struct device;
struct interface_definition;
struct interface_message;
struct kernel;
struct kernel_device;
struct kernel_event;
struct memory;
struct span;

enum err devices_add(struct kernel *kernel, struct memory *memory, const struct car *archive);

// Takes and answers what there is. True: something was done, and there may be more.
bool devices_run(void);

// When a device next has something to do by itself; UINT64_MAX: when it is woken.
u64 devices_deadline_ns(void);

// ---- between the devices' own files

// What a device is; each device_*.c defines one.
struct device_kind {
    const struct interface_definition *interface;
    // Handles one event.
    void (*handle)(struct device *device, const struct kernel_event *event);
    // Does what time or the line allow; NULL: nothing ever. True: something was done.
    bool (*run)(struct device *device);
    // False while the device can take no more events; NULL: it always can.
    bool (*ready)(void);
};

struct device {
    const struct device_kind *kind;
    struct kernel_device *handle;
    bool woken; // there may be events to take
};

extern const struct device_kind device_blocks;
extern const struct device_kind device_log;
extern const struct device_kind device_random;
extern const struct device_kind device_stdio;
extern const struct device_kind device_time;

// The event as a dispatch function takes it.
struct interface_message device_message(const struct kernel_event *event);
// Answers what a dispatch function did not.
void device_dispatched(struct device *device, u64 message, enum err err);
// Nothing happens for message 0, which wants no answer.
void device_answer(struct device *device, u64 message, struct span body);
// `error` is an enum abi_error.
void device_refuse(struct device *device, u64 message, int error);
// Where answers are encoded, DEVICE_BYTES and room around them. One answer at a time.
u8 *device_scratch(void);
enum { DEVICE_SCRATCH_BYTES = (64 << 10) + 64 };

const struct car *device_archive(void);
struct memory *device_memory(void);
// The earliest timer, or UINT64_MAX. (device_time.c)
u64 device_time_deadline_ns(void);
