// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes of a connection against the server of the debuggers' protocol: the first byte says how they
// are cut, a byte 0xff lets the target stop. It asks its target for nothing beyond what its header
// says, and what it answers is packets.
#include "core/base/assert.h"
#include "lib/gdb/server.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { MEMORY_BYTES = 100 };

static struct toy {
    struct gdb_stop stop;
    u8 memory[MEMORY_BYTES];
    bool is_interrupted;
} toy;

static void needs_stop(void)
{
    ASSERT(toy.stop.state == GDB_STOPPED);
}

static struct gdb_stop toy_stop(void *context)
{
    (void)context;
    return toy.stop;
}

static u32 toy_frames(void *context, struct gdb_frame *out, u32 count)
{
    (void)context;
    needs_stop();
    ASSERT(count >= 1 && count <= GDB_FRAMES);
    for (u32 i = 0; i < count; i++) {
        out[i] = (struct gdb_frame){GDB_CODE + i, 8 * (u64)(count - i)};
    }
    return count;
}

static struct gdb_image toy_image(void *context)
{
    (void)context;
    needs_stop();
    return (struct gdb_image){SPAN_LITERAL("image"), 3};
}

static u32 toy_read(void *context, u64 address, u8 *to, u32 size)
{
    (void)context;
    needs_stop();
    ASSERT(size <= GDB_MEMORY_BYTES);
    u32 done = 0;
    while (done < size && address < MEMORY_BYTES - done) {
        to[done] = toy.memory[address + done];
        done++;
    }
    return done;
}

static bool toy_write(void *context, u64 address, struct span bytes)
{
    (void)context;
    needs_stop();
    ASSERT(bytes.size <= GDB_MEMORY_BYTES);
    if (address > MEMORY_BYTES || bytes.size > MEMORY_BYTES - address) {
        return false;
    }
    mem_copy(toy.memory + address, bytes.data, bytes.size);
    return true;
}

static bool toy_breakpoint(void *context, u64 address, bool set)
{
    (void)context;
    needs_stop();
    return address % 2 == 0 && set;
}

static u32 toy_value(void *context, enum gdb_value what, u32 frame, u32 index, u8 out[16])
{
    (void)context;
    needs_stop();
    mem_fill(out, (u8)index, 16);
    return frame > 3 ? 0 : what == GDB_LOCAL ? 4 : what == GDB_GLOBAL ? 16 : 8;
}

static bool toy_go(void *context, bool step)
{
    (void)context;
    if (toy.stop.state != GDB_STOPPED) {
        return false;
    }
    toy.stop.state = step ? GDB_STOPPED : GDB_RUNS;
    return true;
}

static void toy_interrupt(void *context)
{
    (void)context;
    toy.is_interrupted = true;
}

static void toy_kill(void *context)
{
    (void)context;
    toy.stop.state = GDB_KILLED;
}

static bool toy_detach(void *context)
{
    (void)context;
    return !toy.is_interrupted;
}

// All of it is acknowledgements and whole packets.
static void look(struct gdb_server *server)
{
    size_t at = 0;
    while (at < server->out_size) {
        if (server->out[at] == '$') {
            while (server->out[at] != '#') {
                at++;
                ASSERT(at < server->out_size && server->out[at] != '$');
            }
            at += 3;
        } else {
            ASSERT(server->out[at] == '+' || server->out[at] == '-');
            at++;
        }
        ASSERT(at <= server->out_size);
    }
    server->out_size = 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static const struct gdb_target target = {
        .name = {(const u8 *)"a<b>.wasm", 9},
        .process = 7,
        .stop = toy_stop,
        .frames = toy_frames,
        .image = toy_image,
        .read = toy_read,
        .write = toy_write,
        .breakpoint = toy_breakpoint,
        .value = toy_value,
        .go = toy_go,
        .interrupt = toy_interrupt,
        .kill = toy_kill,
        .detach = toy_detach,
    };
    static struct gdb_server server;
    toy = (struct toy){.stop = {.state = GDB_STOPPED, .signal = 5, .reason = "signal"}};
    toy.stop.words = SPAN_LITERAL("words");
    gdb_server_begin(&server, &target);
    size_t chunk = size == 0 ? 1 : 1 + data[0] % 16;
    for (size_t at = 1; at < size && !server.is_over;) {
        if (data[at] == 0xff) {
            toy.stop.state = GDB_STOPPED;
            gdb_server_stopped(&server);
            look(&server);
            at++;
            continue;
        }
        size_t left = size - at < chunk ? size - at : chunk;
        u8 *bytes = malloc(left); // of its own, so that the sanitizer sees its end
        mem_copy(bytes, data + at, left);
        size_t taken = gdb_server_take(&server, span_of(bytes, left));
        ASSERT(taken >= 1 && taken <= left);
        at += taken;
        free(bytes);
        look(&server);
    }
    return 0;
}
