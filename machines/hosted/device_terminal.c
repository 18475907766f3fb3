// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/terminal: the terminal's size and mode (terminal.h), and signals as
// answers. A signal handler can do no more than count: how many interrupts it may take is counted
// beforehand, by the loop, so that it knows at once whether one ends the session.
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/terminal.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/terminal.h"
#include "machines/hosted/visits.h"

// A call that waits for a signal.
struct wait {
    struct call call; // of_queue: in `interrupted` or `resized`
};

// A client that has asked to be told of interrupts, and is until it is gone.
struct listener {
    struct thing thing;
    bool is_kept; // one came since its last answer
};

struct terminal {
    struct hosted_device device;
    struct calls calls;
    uv_async_t signalled;
    struct list interrupted; // struct call by of_queue
    struct list resized;
    u64 raw_client; // who has put it into mode raw; 0: nobody
    // Of interrupts, all atomic: how many were taken, and how many may have been, since the start;
    // and how many of those taken the loop has seen.
    u32 taken;
    u32 most;
    u32 seen;
    u32 resizes; // atomic: the same of the other signal, and of questions to the user
    u32 resizes_seen;
    struct sigaction before; // of SIGWINCH
};

// Whom SIGWINCH tells: one at a time.
static struct {
    struct visits visits;
    struct terminal *terminal;
} watching;

// ---- signals

bool hosted_terminal_interrupt(struct terminal *terminal)
{
    u32 taken = __atomic_load_n(&terminal->taken, __ATOMIC_ACQUIRE);
    do {
        if ((i32)(__atomic_load_n(&terminal->most, __ATOMIC_ACQUIRE) - taken) <= 0) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&terminal->taken, &taken, taken + 1, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    (void)uv_async_send(&terminal->signalled);
    return true;
}

// Its size has changed, or what is shown on it.
static void look_changed(void)
{
    if (visit_begin(&watching.visits)) {
        __atomic_fetch_add(&watching.terminal->resizes, 1, __ATOMIC_ACQ_REL);
        (void)uv_async_send(&watching.terminal->signalled);
        visit_end(&watching.visits);
    }
}

static void size_changed(int number)
{
    (void)number;
    look_changed();
}

static void wait_end(struct terminal *terminal, struct call *call)
{
    u64 message = call->message;
    list_remove(&call->of_queue);
    calls_end(&terminal->calls, call);
    free(CONTAINER_OF(call, struct wait, call));
    hosted_answer(&terminal->device, message, (struct span){0});
}

static void queue_answer(struct terminal *terminal, struct list *queue)
{
    struct list_node *node;
    while ((node = list_first(queue)) != NULL) {
        wait_end(terminal, LIST_ITEM(node, struct call, of_queue));
    }
}

static struct listener *listener_of(struct terminal *terminal, u64 client)
{
    struct thing *thing = things_of_client(&terminal->calls, client);
    return thing == NULL ? NULL : CONTAINER_OF(thing, struct listener, thing);
}

// One for everybody who waits, and one that is kept for who has been told before.
static void interrupts_allow(struct terminal *terminal)
{
    u32 more = list_is_empty(&terminal->interrupted) ? 0 : 2;
    for (struct list_node *node = list_first(&terminal->calls.things); node != NULL && more == 0;
         node = list_next(&terminal->calls.things, node)) {
        more =
            !CONTAINER_OF(LIST_ITEM(node, struct thing, of_all), struct listener, thing)->is_kept;
    }
    __atomic_store_n(&terminal->most, terminal->seen + more, __ATOMIC_RELEASE);
}

static void interrupts_tell(struct terminal *terminal)
{
    if (!list_is_empty(&terminal->interrupted)) {
        queue_answer(terminal, &terminal->interrupted);
        return;
    }
    for (struct list_node *node = list_first(&terminal->calls.things); node != NULL;
         node = list_next(&terminal->calls.things, node)) {
        CONTAINER_OF(LIST_ITEM(node, struct thing, of_all), struct listener, thing)->is_kept = true;
    }
}

static void signals_take(uv_async_t *async)
{
    struct terminal *terminal = async->data;
    hosted_loop_awake(terminal->device.loop);
    while (terminal->seen != __atomic_load_n(&terminal->taken, __ATOMIC_ACQUIRE)) {
        terminal->seen++;
        interrupts_tell(terminal);
    }
    interrupts_allow(terminal);
    u32 resizes = __atomic_load_n(&terminal->resizes, __ATOMIC_ACQUIRE);
    if (resizes != terminal->resizes_seen) {
        terminal->resizes_seen = resizes;
        queue_answer(terminal, &terminal->resized);
    }
}

// ---- the interface

static void wait_begin(struct terminal *terminal, const struct interface_message *message,
                       struct list *queue)
{
    struct wait *wait = calloc(1, sizeof *wait);
    if (wait == NULL) {
        hosted_answer_error(&terminal->device, message->id, E_NO_MEMORY);
        return;
    }
    if (calls_begin(&terminal->calls, &wait->call, message->client, message->id) != ERR_OK) {
        free(wait);
        hosted_answer_error(&terminal->device, message->id, E_BUSY);
        return;
    }
    list_append(queue, &wait->call.of_queue);
}

static void do_interrupted(void *context, const struct interface_message *message)
{
    struct terminal *terminal = context;
    if (message->id == 0) {
        return;
    }
    struct listener *listener = listener_of(terminal, message->client);
    if (listener != NULL && listener->is_kept) {
        listener->is_kept = false;
        hosted_answer(&terminal->device, message->id, (struct span){0});
        interrupts_allow(terminal);
        return;
    }
    if (listener == NULL) {
        listener = calloc(1, sizeof *listener);
        if (listener == NULL ||
            things_begin(&terminal->calls, &listener->thing, message->client) != ERR_OK) {
            free(listener);
            hosted_answer_error(&terminal->device, message->id, E_BUSY);
            return;
        }
    }
    wait_begin(terminal, message, &terminal->interrupted);
    interrupts_allow(terminal);
}

static void do_resized(void *context, const struct interface_message *message)
{
    struct terminal *terminal = context;
    if (message->id != 0) {
        wait_begin(terminal, message, &terminal->resized);
    }
}

static void do_size(void *context, const struct interface_message *message)
{
    struct terminal *terminal = context;
    struct terminal_option_extent size = {0};
    u8 body[TERMINAL_SIZE_RESULT_BYTES];
    size.some = terminal_size(&size.value.columns, &size.value.rows);
    size_t bytes = terminal_size_encode_result(body, sizeof body, &size);
    ASSERT(bytes <= sizeof body);
    hosted_answer(&terminal->device, message->id, span_of(body, bytes));
}

static void do_set_mode(void *context, const struct interface_message *message,
                        const struct terminal_set_mode_call *arguments)
{
    struct terminal *terminal = context;
    bool is_raw = arguments->mode == TERMINAL_MODE_RAW;
    bool is_taken = terminal->raw_client != 0 && terminal->raw_client != message->client;
    struct terminal_result_none_error result = {.error = TERMINAL_ERROR_TAKEN};
    if (!is_taken) {
        enum err err = terminal_set_raw(is_raw);
        result.ok = err == ERR_OK;
        if (result.ok) {
            terminal->raw_client = is_raw ? message->client : 0;
        } else {
            result.error =
                err == ERR_NOT_FOUND ? TERMINAL_ERROR_NO_TERMINAL : TERMINAL_ERROR_FAILED;
        }
    }
    u8 body[TERMINAL_SET_MODE_RESULT_BYTES];
    size_t bytes = terminal_set_mode_encode_result(body, sizeof body, &result);
    ASSERT(bytes <= sizeof body);
    hosted_answer(&terminal->device, message->id, span_of(body, bytes));
}

static const struct terminal_handler handler = {
    .size = do_size,
    .set_mode = do_set_mode,
    .interrupted = do_interrupted,
    .resized = do_resized,
};

// ---- events

static void client_gone(struct terminal *terminal, u64 client)
{
    struct call *call;
    while ((call = calls_of_client(&terminal->calls, client)) != NULL) {
        wait_end(terminal, call);
    }
    struct listener *listener = listener_of(terminal, client);
    if (listener != NULL) {
        things_end(&terminal->calls, &listener->thing);
        free(listener);
    }
    if (terminal->raw_client == client) {
        terminal->raw_client = 0;
        (void)terminal_set_raw(false); // the terminal may be gone as well
    }
    interrupts_allow(terminal);
}

static void terminal_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct terminal *terminal = CONTAINER_OF(device, struct terminal, device);
    struct interface_message message = hosted_message(event);
    struct call *call;
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, terminal_dispatch(&handler, terminal, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        client_gone(terminal, event->client);
        return;
    case KERNEL_EVENT_CANCELLED:
        call = calls_find(&terminal->calls, event->id);
        if (call != NULL) {
            wait_end(terminal, call);
            interrupts_allow(terminal);
        }
        return;
    }
}

// ---- life

static void terminal_stop(struct hosted_device *device)
{
    struct terminal *terminal = CONTAINER_OF(device, struct terminal, device);
    __atomic_store_n(&terminal->most, __atomic_load_n(&terminal->taken, __ATOMIC_ACQUIRE),
                     __ATOMIC_RELEASE);
    terminal_tell(NULL);
    visits_over(&watching.visits);
    terminal_restore();
    int failed = sigaction(SIGWINCH, &terminal->before, NULL);
    ASSERT(failed == 0);
    queue_answer(terminal, &terminal->interrupted);
    queue_answer(terminal, &terminal->resized);
    uv_close((uv_handle_t *)&terminal->signalled, NULL);
}

static void terminal_drop(struct hosted_device *device)
{
    struct terminal *terminal = CONTAINER_OF(device, struct terminal, device);
    struct thing *thing;
    while ((thing = things_first(&terminal->calls)) != NULL) {
        things_end(&terminal->calls, thing);
        free(CONTAINER_OF(thing, struct listener, thing));
    }
    calls_drop(&terminal->calls);
    free(terminal);
}

enum err hosted_terminal_add(struct hosted_loop *loop, struct kernel *kernel, struct terminal **out)
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    if (terminal == NULL) {
        return ERR_NO_MEMORY;
    }
    list_init(&terminal->interrupted);
    list_init(&terminal->resized);
    struct calls_limits limits = {HOSTED_CLIENT_WAITS, HOSTED_WAITS, HOSTED_CLIENT_LISTENERS,
                                  HOSTED_LISTENERS};
    enum err err = calls_init(&terminal->calls, limits);
    if (err != ERR_OK) {
        free(terminal);
        return err;
    }
    terminal->device = (struct hosted_device){
        .handle = terminal_handle, .stop = terminal_stop, .drop = terminal_drop};
    err = hosted_device_add(loop, kernel, &terminal_interface, &terminal->device);
    if (err != ERR_OK) {
        calls_drop(&terminal->calls);
        free(terminal);
        return err;
    }
    terminal->signalled.data = terminal;
    int failed = uv_async_init(&loop->uv, &terminal->signalled, signals_take);
    ASSERT(failed == 0); // it shares its descriptor with the loop's own
    watching.terminal = terminal;
    visits_open(&watching.visits);
    struct sigaction action = {.sa_handler = size_changed, .sa_flags = SA_RESTART | SA_ONSTACK};
    failed = sigaction(SIGWINCH, &action, &terminal->before);
    ASSERT(failed == 0);
    terminal_tell(look_changed);
    *out = terminal;
    return ERR_OK;
}
