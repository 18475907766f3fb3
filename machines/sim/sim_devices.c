// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/sim/sim_devices.h"
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "interfaces/blocks.h"
#include "interfaces/log.h"
#include "interfaces/random.h"
#include "interfaces/stdio.h"
#include "interfaces/time.h"
#include "machines/sim/sim.h"
#include <stdlib.h>

enum {
    PENDING_MOST = 1 << 16, // answers under way; more are E_BUSY
    RANDOM_BYTES_MOST = 65536,
    STDIO_BYTES_MOST = 65536,
};

enum device_kind {
    DEVICE_LOG,
    DEVICE_TIME,
    DEVICE_RANDOM,
    DEVICE_BLOCKS,
    DEVICE_STDIO,
    DEVICE_COUNT
};

// An answer that is to be given.
struct pending {
    u64 due_ns;
    u64 order; // of two that are due at once
    u64 id;
    u32 device;
    u32 error; // 0, or the code of an error answer
    u8 *body;
    size_t size;
};

struct sim_devices {
    struct kernel *kernel;
    struct sim_devices_config config;
    struct kernel_device *devices[DEVICE_COUNT];
    struct pending *pending; // a heap, the first due on top
    u32 pending_count;
    u64 order;
    size_t input_read;
    u8 *output;
    size_t output_size;
    size_t output_room;
    u32 device; // whose message is being looked at
};

// ---- the heap of answers

static bool is_before(const struct pending *a, const struct pending *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void swap(struct pending *a, struct pending *b)
{
    struct pending kept = *a;
    *a = *b;
    *b = kept;
}

static void push(struct sim_devices *devices, struct pending pending)
{
    ASSERT(devices->pending_count < PENDING_MOST);
    u32 at = devices->pending_count++;
    devices->pending[at] = pending;
    while (at > 0 && is_before(&devices->pending[at], &devices->pending[(at - 1) / 2])) {
        swap(&devices->pending[at], &devices->pending[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct pending pop(struct sim_devices *devices)
{
    struct pending first = devices->pending[0];
    u32 count = --devices->pending_count;
    devices->pending[0] = devices->pending[count];
    for (u32 at = 0;;) {
        u32 least = at;
        for (u32 child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            least = is_before(&devices->pending[child], &devices->pending[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        swap(&devices->pending[at], &devices->pending[least]);
        at = least;
    }
}

// ---- answering

// Notes an answer of `size` bytes; returns where they go, or NULL when nobody wants it.
static u8 *answer_at(struct sim_devices *devices, const struct interface_message *message,
                     u64 due_ns, size_t size, u32 error)
{
    if (message->id == 0) {
        return NULL;
    }
    struct pending pending = {.due_ns = due_ns,
                              .order = devices->order++,
                              .id = message->id,
                              .device = devices->device,
                              .error = error,
                              .body = malloc(size + 1),
                              .size = size};
    ASSERT(pending.body != NULL);
    push(devices, pending);
    return pending.body;
}

static u64 soon(struct sim_devices *devices)
{
    return platform_clock_ns() + sim_below(devices->config.delay_ns + 1);
}

#define ANSWER(devices, message, due_ns, encode, ...)                                              \
    do {                                                                                           \
        size_t size_ = encode(NULL, 0 __VA_OPT__(, ) __VA_ARGS__);                                 \
        u8 *body_ = answer_at((devices), (message), (due_ns), size_, 0);                           \
        if (body_ != NULL) {                                                                       \
            (void)encode(body_, size_ __VA_OPT__(, ) __VA_ARGS__);                                 \
        }                                                                                          \
    } while (0)

static void on_log(void *context, const struct interface_message *message,
                   const struct log_write_call *call)
{
    struct sim_devices *devices = context;
    sim_trace_bytes("line", call->line);
    ANSWER(devices, message, soon(devices), log_write_encode_result);
}

static void on_monotonic(void *context, const struct interface_message *message)
{
    struct sim_devices *devices = context;
    ANSWER(devices, message, soon(devices), time_monotonic_encode_result, platform_clock_ns());
}

static void on_wall(void *context, const struct interface_message *message)
{
    struct sim_devices *devices = context;
    ANSWER(devices, message, soon(devices), time_wall_encode_result, platform_wall_clock_ns());
}

static void on_resolution(void *context, const struct interface_message *message)
{
    struct sim_devices *devices = context;
    ANSWER(devices, message, soon(devices), time_resolution_encode_result, 1);
}

static void on_wait_until(void *context, const struct interface_message *message,
                          const struct time_wait_until_call *call)
{
    struct sim_devices *devices = context;
    u64 now_ns = platform_clock_ns();
    u64 due_ns = call->monotonic > now_ns ? call->monotonic : now_ns;
    ANSWER(devices, message, due_ns, time_wait_until_encode_result);
}

static void on_random(void *context, const struct interface_message *message,
                      const struct random_bytes_call *call)
{
    struct sim_devices *devices = context;
    static u8 bytes[RANDOM_BYTES_MOST];
    u32 count = call->count < RANDOM_BYTES_MOST ? call->count : RANDOM_BYTES_MOST;
    platform_random(bytes, count);
    ANSWER(devices, message, soon(devices), random_bytes_encode_result, span_of(bytes, count));
}

static const struct sim_block *find_block(const struct sim_devices *devices, struct span cid)
{
    for (u32 i = 0; i < devices->config.block_count; i++) {
        if (span_equal(span_string(devices->config.blocks[i].cid), cid)) {
            return &devices->config.blocks[i];
        }
    }
    return NULL;
}

static void on_get(void *context, const struct interface_message *message,
                   const struct blocks_get_call *call)
{
    struct sim_devices *devices = context;
    const struct sim_block *block = find_block(devices, call->cid);
    struct blocks_result_bytes_error result = {.ok = block != NULL && !block->is_damaged};
    if (result.ok) {
        result.value = block->bytes;
    } else if (block != NULL) {
        result.error.kind = BLOCKS_ERROR_DAMAGED;
        result.error.as.damaged = call->cid;
    } else {
        result.error.kind = BLOCKS_ERROR_NOT_FOUND;
    }
    ANSWER(devices, message, soon(devices), blocks_get_encode_result, &result);
}

static void on_has(void *context, const struct interface_message *message,
                   const struct blocks_has_call *call)
{
    struct sim_devices *devices = context;
    struct blocks_result_bool_error result = {.ok = true,
                                              .value = find_block(devices, call->cid) != NULL};
    ANSWER(devices, message, soon(devices), blocks_has_encode_result, &result);
}

static void on_read(void *context, const struct interface_message *message,
                    const struct stdio_read_call *call)
{
    struct sim_devices *devices = context;
    struct span input = devices->config.input;
    size_t left = input.size - devices->input_read;
    size_t count = call->max < left ? call->max : left;
    count = count > 1 ? 1 + (size_t)sim_below(count) : count;
    struct stdio_result_bytes_error result = {
        .ok = true, .value = span_slice(input, devices->input_read, devices->input_read + count)};
    devices->input_read += count;
    ANSWER(devices, message, soon(devices), stdio_read_encode_result, &result);
}

static void on_write(void *context, const struct interface_message *message,
                     const struct stdio_write_call *call)
{
    struct sim_devices *devices = context;
    size_t size = devices->output_size + call->bytes.size;
    if (size > devices->output_room) {
        devices->output_room = 2 * size;
        devices->output = realloc(devices->output, devices->output_room);
        ASSERT(devices->output != NULL);
    }
    mem_copy(devices->output + devices->output_size, call->bytes.data, call->bytes.size);
    devices->output_size = size;
    sim_trace_bytes("stdio", call->bytes);
    struct stdio_result_none_error result = {.ok = true};
    ANSWER(devices, message, soon(devices), stdio_write_encode_result, &result);
}

static void on_is_terminal(void *context, const struct interface_message *message,
                           const struct stdio_is_terminal_call *call)
{
    (void)call;
    struct sim_devices *devices = context;
    ANSWER(devices, message, soon(devices), stdio_is_terminal_encode_result, false);
}

static enum err dispatch(struct sim_devices *devices, const struct interface_message *message)
{
    static const struct log_handler on_log_handler = {on_log};
    static const struct time_handler on_time = {on_monotonic, on_wall, on_resolution,
                                                on_wait_until};
    static const struct random_handler on_random_handler = {on_random};
    static const struct blocks_handler on_blocks = {on_get, on_has};
    static const struct stdio_handler on_stdio = {on_read, on_write, on_is_terminal};
    switch (devices->device) {
    case DEVICE_LOG:
        return log_dispatch(&on_log_handler, devices, message);
    case DEVICE_TIME:
        return time_dispatch(&on_time, devices, message);
    case DEVICE_RANDOM:
        return random_dispatch(&on_random_handler, devices, message);
    case DEVICE_BLOCKS:
        return blocks_dispatch(&on_blocks, devices, message);
    default:
        return stdio_dispatch(&on_stdio, devices, message);
    }
}

// ---- turns

static void wake(void *context)
{
    (void)context; // sim_devices_turn looks by itself
}

static void give(struct sim_devices *devices)
{
    struct pending pending = pop(devices);
    struct kernel_device *device = devices->devices[pending.device];
    if (pending.error != 0) {
        kernel_device_answer_error(device, pending.id, pending.error);
    } else {
        kernel_device_answer(device, pending.id, span_of(pending.body, pending.size));
    }
    free(pending.body);
}

// A message that is given up is answered at once: that lets the kernel free it.
static void cancel(struct sim_devices *devices, u64 id)
{
    for (u32 i = 0; i < devices->pending_count; i++) {
        if (devices->pending[i].id == id) {
            devices->pending[i].due_ns = 0;
            while (i > 0) {
                swap(&devices->pending[i], &devices->pending[(i - 1) / 2]);
                i = (i - 1) / 2;
            }
            return;
        }
    }
}

static void take(struct sim_devices *devices, const struct kernel_event *event)
{
    struct interface_message message = {event->id, event->function, event->client, event->body};
    if (event->kind == KERNEL_EVENT_CANCELLED) {
        cancel(devices, event->id);
        return;
    }
    if (event->kind != KERNEL_EVENT_MESSAGE) {
        return;
    }
    u32 one_in = devices->config.fails_one_in;
    bool is_refused =
        devices->pending_count == PENDING_MOST - 1 || (one_in != 0 && sim_below(one_in) == 0);
    if (is_refused) {
        (void)answer_at(devices, &message, platform_clock_ns(), 0, -E_BUSY);
    } else if (dispatch(devices, &message) != ERR_OK) {
        (void)answer_at(devices, &message, platform_clock_ns(), 0, -E_MALFORMED);
    }
}

bool sim_devices_turn(struct sim_devices *devices)
{
    if (devices->pending_count > 0 && devices->pending[0].due_ns <= platform_clock_ns()) {
        give(devices);
        return true;
    }
    u32 first = (u32)sim_below(DEVICE_COUNT);
    for (u32 i = 0; i < DEVICE_COUNT && devices->pending_count < PENDING_MOST; i++) {
        struct kernel_event event;
        devices->device = (first + i) % DEVICE_COUNT;
        if (kernel_device_take(devices->devices[devices->device], &event)) {
            take(devices, &event);
            return true;
        }
    }
    return false;
}

u64 sim_devices_due_ns(const struct sim_devices *devices)
{
    return devices->pending_count == 0 ? UINT64_MAX : devices->pending[0].due_ns;
}

struct span sim_devices_output(const struct sim_devices *devices)
{
    return span_of(devices->output, devices->output_size);
}

struct sim_devices *sim_devices_create(struct kernel *kernel,
                                       const struct sim_devices_config *config)
{
    static const struct interface_definition *const interfaces[DEVICE_COUNT] = {
        [DEVICE_LOG] = &log_interface,       [DEVICE_TIME] = &time_interface,
        [DEVICE_RANDOM] = &random_interface, [DEVICE_BLOCKS] = &blocks_interface,
        [DEVICE_STDIO] = &stdio_interface,
    };
    struct sim_devices *devices = calloc(1, sizeof *devices);
    ASSERT(devices != NULL);
    devices->kernel = kernel;
    devices->config = *config;
    devices->pending = calloc(PENDING_MOST, sizeof *devices->pending);
    ASSERT(devices->pending != NULL);
    for (u32 i = 0; i < DEVICE_COUNT; i++) {
        struct kernel_device_config device = {.interface = interfaces[i], .wake = wake};
        enum err err = kernel_device_register(kernel, &device, &devices->devices[i]);
        ASSERT(err == ERR_OK);
    }
    return devices;
}

void sim_devices_drop(struct sim_devices *devices)
{
    while (devices->pending_count > 0) {
        free(pop(devices).body);
    }
    free(devices->pending);
    free(devices->output);
    free(devices);
}
