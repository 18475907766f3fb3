// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/debugger.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "core/kernel/debug.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
#include "core/wasm/module.h"
#include "lib/dwarf/dwarf.h"
#include "lib/dwarf/image.h"
#include "lib/gdb/server.h"
#include "machines/hosted/memory.h"
#include "tools/redshirt/command.h"

enum {
    AGAIN_MS = 10,    // between two attempts to stop a program
    BUSY_US = 500,    // while a program that has just been woken comes to rest
    BUSY_TRIES = 400, //
    SEND_S = 5,       // a debugger that reads nothing for so long is gone
    IN_BYTES = 4096,
    WORDS_BYTES = 400, // of a trap
};
enum { SIGNAL_INTERRUPT = 2, SIGNAL_TRAP = 5, SIGNAL_ABORT = 6, SIGNAL_KILL = 9 }; // GDB's numbers
#define IMAGE_BYTES ((size_t)1 << 32) // of what an image takes
// What the image calls registers is what the protocol calls so.
STATIC_ASSERT((int)GDB_REGISTER_OPERANDS == (int)DWARF_REGISTER_OPERANDS);
STATIC_ASSERT((int)GDB_REGISTER_LOCALS_AGAIN == (int)DWARF_REGISTER_LOCALS_AGAIN);
STATIC_ASSERT((int)GDB_REGISTER_PC == (int)DWARF_REGISTER_PC);
STATIC_ASSERT((int)GDB_REGISTER_CALLER == (int)DWARF_REGISTER_CALLER);
STATIC_ASSERT((int)GDB_REGISTER_GLOBALS == (int)DWARF_REGISTER_GLOBALS);
STATIC_ASSERT((int)GDB_GLOBALS == (int)DWARF_GLOBALS);

struct debugger {
    struct kernel *kernel;
    struct kernel_debug *debug;
    struct gdb_target target;
    struct gdb_server server;
    char name[PATH_MAX];
    char words[WORDS_BYTES];
    struct hosted_memory memory;
    struct arena arena; // of the image
    struct dwarf_image image;
    bool has_tried; // to make the image
    pthread_t thread;
    int event;            // it has stopped, or this is to stop
    int listeners[2];     // -1: none
    int connection;       // -1: none
    bool is_stopping;     // atomic
    bool is_interrupting; // it is to stop, and has not yet
    bool is_leaving;      // the debugger has gone: as soon as it stops, it is let go
};

// ---- what is asked

// Whether a call that was refused as too early is worth another attempt: a program that was stopped
// in a wait, and has been woken, runs for a moment until it is stopped for good.
static bool again(struct debugger *debugger, enum err err, u32 *tries)
{
    enum kernel_stop stop = kernel_debug_look(debugger->debug).stop;
    bool is_stopped = stop != KERNEL_STOP_NONE && stop != KERNEL_STOP_ENDED;
    if (err != ERR_BUSY || !is_stopped || ++*tries > BUSY_TRIES) {
        return false;
    }
    usleep(BUSY_US);
    return true;
}
#define PATIENTLY(debugger, err, call)                                                             \
    do {                                                                                           \
        u32 tries_ = 0;                                                                            \
        do {                                                                                       \
            (err) = (call);                                                                        \
        } while (again(debugger, err, &tries_));                                                   \
    } while (0)

static struct gdb_stop stopped_of(struct debugger *debugger, enum kernel_stop why)
{
    static const char *const reasons[] = {
        [KERNEL_STOP_ENTRY] = "signal",   [KERNEL_STOP_BREAKPOINT] = "breakpoint",
        [KERNEL_STOP_STEP] = "trace",     [KERNEL_STOP_INTERRUPT] = "signal",
        [KERNEL_STOP_TRAP] = "exception",
    };
    struct gdb_stop stop = {
        .state = GDB_STOPPED,
        .signal = why == KERNEL_STOP_TRAP        ? SIGNAL_ABORT
                  : why == KERNEL_STOP_INTERRUPT ? SIGNAL_INTERRUPT
                                                 : SIGNAL_TRAP,
        .reason = reasons[why],
    };
    if (why == KERNEL_STOP_TRAP) {
        struct text text = text_over(debugger->words, sizeof debugger->words);
        kernel_debug_describe(debugger->debug, &text);
        stop.words = span_of(text.data, text.size);
    }
    return stop;
}

static struct gdb_stop target_stop(void *context)
{
    struct debugger *debugger = context;
    struct kernel_debug_state state = kernel_debug_look(debugger->debug);
    if (state.stop == KERNEL_STOP_NONE) {
        return (struct gdb_stop){.state = GDB_RUNS};
    }
    if (state.stop != KERNEL_STOP_ENDED) {
        return stopped_of(debugger, state.stop);
    }
    if (state.is_killed || state.has_trapped) {
        return (struct gdb_stop){.state = GDB_KILLED,
                                 .signal = state.is_killed ? SIGNAL_KILL : SIGNAL_ABORT};
    }
    return (struct gdb_stop){.state = GDB_EXITED, .code = state.code};
}

static u32 target_frames(void *context, struct gdb_frame *out, u32 count)
{
    struct debugger *debugger = context;
    struct kernel_debug_frame frames[KERNEL_DEBUG_FRAMES];
    u32 most = count < KERNEL_DEBUG_FRAMES ? count : KERNEL_DEBUG_FRAMES;
    u32 written = 0;
    enum err err;
    PATIENTLY(debugger, err, kernel_debug_frames(debugger->debug, frames, most, &written));
    if (err != ERR_OK) {
        return 0;
    }
    for (u32 i = 0; i < written; i++) {
        out[i] = (struct gdb_frame){
            .address = (frames[i].is_adapter ? GDB_CODE_ELSEWHERE : GDB_CODE) + frames[i].offset,
            .place = frames[i].place,
        };
    }
    return written;
}

static u32 code_read(struct debugger *debugger, u64 offset, u8 *to, u32 size)
{
    u32 done = 0;
    enum err err;
    PATIENTLY(debugger, err, kernel_debug_module_read(debugger->debug, offset, to, size, &done));
    return err == ERR_OK ? done : 0;
}

static u32 target_read(void *context, u64 address, u8 *to, u32 size)
{
    struct debugger *debugger = context;
    if (address >= GDB_CODE) {
        return code_read(debugger, address - GDB_CODE, to, size);
    }
    u32 done = 0;
    enum err err;
    PATIENTLY(debugger, err, kernel_debug_read(debugger->debug, address, to, size, &done));
    return err == ERR_OK ? done : 0;
}

// All of the module's file, to be freed. NULL: there is no memory, or the program does not stand.
static u8 *module_read(struct debugger *debugger, size_t *size)
{
    size_t capacity = 0;
    u8 *bytes = NULL;
    *size = 0;
    for (;;) {
        if (capacity - *size < KERNEL_COPY_LOCKED) {
            capacity = capacity == 0 ? (size_t)1 << 20 : 2 * capacity;
            u8 *more = realloc(bytes, capacity);
            if (more == NULL) {
                free(bytes);
                return NULL;
            }
            bytes = more;
        }
        u32 done = code_read(debugger, *size, bytes + *size, KERNEL_COPY_LOCKED);
        *size += done;
        if (done < KERNEL_COPY_LOCKED) {
            return bytes;
        }
    }
}

// Made when it is first asked for, which a debugger does while it connects.
static struct gdb_image target_image(void *context)
{
    struct debugger *debugger = context;
    if (!debugger->has_tried) {
        size_t size;
        u8 *module = module_read(debugger, &size);
        struct dwarf_scratch *scratch = malloc(sizeof *scratch);
        debugger->has_tried = true;
        if (module != NULL && scratch != NULL &&
            dwarf_image_make(span_of(module, size), scratch, &debugger->arena, &debugger->image) !=
                ERR_OK) {
            debugger->image = (struct dwarf_image){0};
        }
        free(scratch);
        free(module);
    }
    return (struct gdb_image){debugger->image.bytes, debugger->image.register_count};
}

static bool target_write(void *context, u64 address, struct span bytes)
{
    struct debugger *debugger = context;
    enum err err;
    PATIENTLY(debugger, err, kernel_debug_write(debugger->debug, address, bytes));
    return err == ERR_OK;
}

static bool target_breakpoint(void *context, u64 address, bool set)
{
    struct debugger *debugger = context;
    if (address < GDB_CODE || address - GDB_CODE > UINT32_MAX) {
        return false;
    }
    enum err err;
    PATIENTLY(debugger, err, kernel_debug_break(debugger->debug, (u32)(address - GDB_CODE), set));
    return err == ERR_OK;
}

static u32 target_value(void *context, enum gdb_value what, u32 frame, u32 index, u8 out[16])
{
    static const enum kernel_debug_what kinds[] = {
        [GDB_LOCAL] = KERNEL_DEBUG_LOCAL,
        [GDB_GLOBAL] = KERNEL_DEBUG_GLOBAL,
        [GDB_OPERAND] = KERNEL_DEBUG_OPERAND,
    };
    struct debugger *debugger = context;
    u8 type = 0;
    u64 bits[2] = {0};
    enum err err;
    PATIENTLY(debugger, err,
              kernel_debug_value(debugger->debug, kinds[what], frame, index, &type, bits));
    if (err != ERR_OK) {
        return 0;
    }
    memcpy(out, bits, sizeof bits);
    return type == WASM_I32 || type == WASM_F32 ? 4 : type == WASM_V128 ? 16 : 8;
}

static bool target_go(void *context, bool step)
{
    struct debugger *debugger = context;
    enum err err;
    PATIENTLY(debugger, err, kernel_debug_go(debugger->debug, step));
    return err == ERR_OK;
}

static void target_interrupt(void *context)
{
    struct debugger *debugger = context;
    debugger->is_interrupting = kernel_debug_interrupt(debugger->debug) == ERR_PAUSED;
}

static void target_kill(void *context)
{
    struct debugger *debugger = context;
    struct kernel_process_id process = {kernel_debug_look(debugger->debug).process};
    enum err err = kernel_kill(debugger->kernel, process);
    (void)err; // it may have ended by itself
}

static bool target_detach(void *context)
{
    struct debugger *debugger = context;
    debugger->is_leaving = true;
    target_interrupt(context);
    return true;
}

// ---- the connection

static void wake(void *context)
{
    struct debugger *debugger = context;
    u64 one = 1;
    ssize_t written = write(debugger->event, &one, sizeof one);
    (void)written; // it cannot be full
}

static void connection_close(struct debugger *debugger)
{
    if (debugger->connection >= 0) {
        close(debugger->connection);
        debugger->connection = -1;
    }
}

// Sends what the server has to say. A debugger that does not take it is gone.
static void flush(struct debugger *debugger)
{
    struct gdb_server *server = &debugger->server;
    size_t sent = 0;
    while (sent < server->out_size && debugger->connection >= 0) {
        ssize_t some =
            send(debugger->connection, server->out + sent, server->out_size - sent, MSG_NOSIGNAL);
        if (some < 0 && errno != EINTR) {
            connection_close(debugger);
        }
        sent += some < 0 ? 0 : (size_t)some;
    }
    server->out_size = 0;
}

// The debugger has gone: the program goes on without it. Who went before he was known to be one
// changes nothing; the next may come.
static void leave(struct debugger *debugger)
{
    connection_close(debugger);
    if (debugger->server.has_spoken) {
        debugger->is_leaving = true;
        target_interrupt(debugger);
    }
}

static void listeners_close(struct debugger *debugger)
{
    for (u32 i = 0; i < COUNT_OF(debugger->listeners); i++) {
        if (debugger->listeners[i] >= 0) {
            close(debugger->listeners[i]);
            debugger->listeners[i] = -1;
        }
    }
}

static void receive(struct debugger *debugger)
{
    u8 bytes[IN_BYTES];
    ssize_t size = recv(debugger->connection, bytes, sizeof bytes, 0);
    if (size <= 0) {
        if (size == 0 || errno != EINTR) {
            leave(debugger);
        }
        return;
    }
    size_t taken = 0;
    while (taken < (size_t)size && debugger->connection >= 0 && !debugger->server.is_over) {
        struct span rest = span_of(bytes + taken, (size_t)size - taken);
        taken += gdb_server_take(&debugger->server, rest);
        flush(debugger);
    }
    if (debugger->server.has_spoken) { // there is one debugger
        listeners_close(debugger);
    }
    if (debugger->server.is_over) {
        connection_close(debugger);
    } else if (debugger->connection < 0) {
        leave(debugger);
    }
}

static void accept_from(struct debugger *debugger, int listener)
{
    int yes = 1;
    struct timeval patience = {.tv_sec = SEND_S};
    int file = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (file < 0) {
        return;
    }
    (void)setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    debugger->connection = file;
    debugger->target.process = kernel_debug_look(debugger->debug).process;
    gdb_server_begin(&debugger->server, &debugger->target);
}

// The program has stopped or ended, or the time is up.
static void look(struct debugger *debugger)
{
    if (debugger->is_interrupting) {
        target_interrupt(debugger);
    }
    if (debugger->is_leaving) {
        enum err err;
        PATIENTLY(debugger, err, kernel_debug_detach(debugger->debug));
        debugger->is_leaving = err != ERR_OK;
    } else if (debugger->connection >= 0) {
        gdb_server_stopped(&debugger->server);
        flush(debugger);
        if (debugger->server.is_over) {
            connection_close(debugger);
        }
    }
}

static void *serve(void *context)
{
    struct debugger *debugger = context;
    while (!__atomic_load_n(&debugger->is_stopping, __ATOMIC_ACQUIRE)) {
        bool is_taken = debugger->connection >= 0;
        struct pollfd files[] = {
            {.fd = debugger->event, .events = POLLIN},
            {.fd = debugger->connection, .events = POLLIN}, // negative ones are passed over
            {.fd = is_taken ? -1 : debugger->listeners[0], .events = POLLIN},
            {.fd = is_taken ? -1 : debugger->listeners[1], .events = POLLIN},
        };
        bool is_urgent = debugger->is_interrupting || debugger->is_leaving;
        int ready = poll(files, COUNT_OF(files), is_urgent ? AGAIN_MS : -1);
        if (files[0].revents != 0 && ready > 0) {
            u64 count;
            ssize_t size = read(debugger->event, &count, sizeof count);
            (void)size;
        }
        if (ready > 0 && files[1].revents != 0) {
            receive(debugger);
        }
        for (u32 i = 2; ready > 0 && i < COUNT_OF(files); i++) {
            if (files[i].revents != 0 && debugger->connection < 0) {
                accept_from(debugger, files[i].fd);
            }
        }
        if (ready == 0 || files[0].revents != 0 || is_urgent) {
            look(debugger);
        }
    }
    look(debugger); // how it ended
    connection_close(debugger);
    return NULL;
}

// ---- from outside

static int listen_at(int family, const void *address, socklen_t size)
{
    int yes = 1;
    int file = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return -1;
    }
    (void)setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (family == AF_INET6) {
        (void)setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    }
    if (bind(file, address, size) != 0 || listen(file, 1) != 0) {
        int why = errno;
        close(file);
        errno = why;
        return -1;
    }
    return file;
}

// A host without IPv6 has one listener.
static bool listeners_open(struct debugger *debugger, u16 port)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    six.sin6_addr = in6addr_loopback;
    debugger->listeners[0] = listen_at(AF_INET, &four, sizeof four);
    int why = errno;
    debugger->listeners[1] = listen_at(AF_INET6, &six, sizeof six);
    errno = why;
    return debugger->listeners[0] >= 0;
}

static bool thread_start(struct debugger *debugger)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all); // signals are for the others
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&debugger->thread, NULL, serve, debugger);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

int debugger_open(struct kernel *kernel, u16 port, const char *name, struct debugger **out)
{
    struct debugger *debugger = calloc(1, sizeof *debugger);
    if (debugger == NULL) {
        say("no memory for a debugger");
        return EXIT_MACHINE;
    }
    debugger->kernel = kernel;
    debugger->connection = -1;
    debugger->listeners[0] = -1;
    debugger->listeners[1] = -1;
    hosted_memory_init(&debugger->memory, IMAGE_BYTES);
    arena_init(&debugger->arena, &debugger->memory.base, IMAGE_BYTES);
    debugger->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (realpath(name, debugger->name) == NULL) {
        snprintf(debugger->name, sizeof debugger->name, "%s", name);
    }
    debugger->target = (struct gdb_target){
        .context = debugger,
        .name = span_string(debugger->name),
        .stop = target_stop,
        .frames = target_frames,
        .image = target_image,
        .read = target_read,
        .write = target_write,
        .breakpoint = target_breakpoint,
        .value = target_value,
        .go = target_go,
        .interrupt = target_interrupt,
        .kill = target_kill,
        .detach = target_detach,
    };
    if (debugger->event < 0 || !listeners_open(debugger, port) ||
        kernel_debug_create(kernel, wake, debugger, &debugger->debug) != ERR_OK ||
        !thread_start(debugger)) {
        say("no debugger can be let in at port %u: %s", port, strerror(errno));
        debugger_free(debugger);
        return EXIT_MACHINE;
    }
    say("waits for a debugger at 127.0.0.1:%u", port);
    *out = debugger;
    return EXIT_GOOD;
}

struct kernel_debug *debugger_debug(struct debugger *debugger)
{
    return debugger->debug;
}

void debugger_stop(struct debugger *debugger)
{
    if (debugger != NULL) {
        __atomic_store_n(&debugger->is_stopping, true, __ATOMIC_RELEASE);
        wake(debugger);
        int failed = pthread_join(debugger->thread, NULL);
        ASSERT(failed == 0);
    }
}

void debugger_free(struct debugger *debugger)
{
    if (debugger == NULL) {
        return;
    }
    listeners_close(debugger);
    if (debugger->event >= 0) {
        close(debugger->event);
    }
    arena_drop(&debugger->arena);
    free(debugger);
}
