// SPDX-License-Identifier: GPL-3.0-or-later
// A hostile client against the WASI adapter: a run of calls with any arguments, over a client's
// memory of which the fuzzer chooses the contents. The adapter's own files run natively here;
// messages are answered by this one, also badly.
//
// What must hold: no access outside either memory (the sanitizers see to that), every answer is an
// errno of preview1, bytes written reach the right stream in order, and no input is lost or made
// up.
#include "core/base/assert.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/streams.c" // whole, because what it keeps must begin anew with each input
#include "programs/wasi/wasi.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT_BYTES = 4096,
    CALLS = 64,
    ERRNO_LAST = 76,
    INPUT_BYTES = 20000, // what the standard input holds
};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

// ---- what the fuzzer chooses

static const u8 *next_byte;
static const u8 *last_byte;

static u8 pick(void)
{
    return next_byte == last_byte ? 0 : *next_byte++;
}

static u32 pick_u32(void)
{
    u32 value = 0;
    for (u32 i = 0; i < 4; i++) {
        value = value << 8 | pick();
    }
    return value;
}

// Mostly a place or a size that fits the client's memory, so that calls get past the first check.
static u32 pick_near(void)
{
    u8 kind = pick();
    if (kind < 200) {
        return (u32)(kind & 7) * 512 + pick();
    }
    return kind < 220 ? CLIENT_BYTES - pick() : kind < 240 ? pick() : pick_u32();
}

// ---- the client's memory, the kernel's two copying functions

static u8 *client;

i32 client_read(void *to, u32 from, u32 len)
{
    if ((u64)from + len > CLIENT_BYTES) {
        return E_FAULT;
    }
    mem_copy(to, client + from, len);
    return 0;
}

i32 client_write(u32 to, const void *from, u32 len)
{
    if ((u64)to + len > CLIENT_BYTES) {
        return E_FAULT;
    }
    mem_copy(client + to, from, len);
    return 0;
}

// ---- messages. Input is a sequence of bytes that count up, so that a lost one shows.

static u8 answer_bytes[CHUNK_BYTES];
static u32 input_at;       // bytes given out
static u32 input_seen;     // bytes that reached the client
static u64 read_under_way; // id
static u32 read_max;
static u64 next_id;
static u64 timer;
static u64 now_ns;

static struct span input_give(u32 max)
{
    u32 size = pick() * 16u + 1;
    size = size < max ? size : max;
    size = size < INPUT_BYTES - input_at ? size : INPUT_BYTES - input_at;
    for (u32 i = 0; i < size; i++) {
        answer_bytes[i] = (u8)((input_at + i) * 7);
    }
    input_at += size;
    return span_of(answer_bytes, size);
}

i32 message_read(u32 max, struct span *bytes)
{
    ASSERT(max >= 1 && max <= CHUNK_BYTES && read_under_way == 0);
    *bytes = input_give(max);
    return WASI_OK;
}

i32 message_read_send(u32 max, u64 *id)
{
    ASSERT(read_under_way == 0);
    if (pick() == 255) {
        return WASI_IO;
    }
    read_under_way = *id = ++next_id;
    read_max = max;
    return WASI_OK;
}

i32 message_read_answer(struct span body, u32 max, struct span *bytes)
{
    ASSERT(body.size <= max);
    *bytes = body;
    return WASI_OK;
}

i32 message_write(u8 stream, struct span bytes)
{
    ASSERT((stream == STREAM_OUTPUT || stream == STREAM_ERROR) && bytes.size <= CHUNK_BYTES);
    u8 sum = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        sum ^= bytes.data[i];
    }
    return sum == 99 ? WASI_PIPE : WASI_OK;
}

bool message_is_terminal(u8 stream)
{
    ASSERT(stream < STREAM_COUNT);
    return pick() & 1;
}

i32 message_random(u32 count, struct span *bytes)
{
    ASSERT(count >= 1 && count <= CHUNK_BYTES);
    *bytes = span_of(answer_bytes, pick() == 255 ? 0 : count);
    return WASI_OK;
}

i32 message_clock(enum wasi_clock clock, u64 *now)
{
    (void)clock;
    now_ns += pick();
    *now = now_ns;
    return pick() == 255 ? WASI_IO : WASI_OK;
}

i32 message_resolution(u64 *step_ns)
{
    *step_ns = 1;
    return WASI_OK;
}

static jmp_buf leave; // where a call goes that would wait for ever

i32 message_sleep(u64 until_ns)
{
    if (until_ns == UINT64_MAX) {
        longjmp(leave, 1);
    }
    now_ns = until_ns > now_ns ? until_ns : now_ns;
    return WASI_OK;
}

i32 message_sleep_send(u64 until_ns, u64 *id)
{
    ASSERT(timer == 0);
    timer = *id = ++next_id;
    now_ns = until_ns > now_ns ? until_ns : now_ns;
    return WASI_OK;
}

void message_cancel(u64 id)
{
    ASSERT(id == timer);
    timer = 0;
}

static u8 list_bytes[32];

struct system_list_bytes message_start(u32 list)
{
    static struct span strings[3];
    ASSERT(list == LIST_ARGUMENTS || list == LIST_ENVIRONMENT);
    for (u32 i = 0; i < COUNT_OF(strings); i++) {
        strings[i] = span_of(list_bytes, pick() % sizeof list_bytes);
    }
    return (struct system_list_bytes){.count = COUNT_OF(strings), .items = strings};
}

// ---- events

static bool event_make(struct rt_event *event, bool waits)
{
    u8 which = pick();
    *event = (struct rt_event){.kind = NOTIFICATION_ANSWER};
    if (read_under_way != 0 && (which & 1 || timer == 0)) {
        event->id = read_under_way;
        read_under_way = 0;
        if (which == 255) {
            event->error = E_GONE;
        } else {
            event->body = input_give(read_max);
        }
        return true;
    }
    if (timer != 0) {
        event->id = timer;
        timer = 0;
        return true;
    }
    ASSERT(!waits); // nothing is under way: it would wait for ever
    return false;
}

void rt_next(struct rt_event *event)
{
    ASSERT(event_make(event, true));
}

bool rt_poll(struct rt_event *event)
{
    return pick() & 1 && event_make(event, false);
}

// The kernel refuses threads here.
i64 rt_call(u32 bond, u64 function, const void *body, u32 body_len, void *answer, u32 answer_len)
{
    (void)bond, (void)function, (void)body, (void)body_len, (void)answer, (void)answer_len;
    return E_LIMIT;
}

void rt_exit(u32 code)
{
    (void)code;
    longjmp(leave, 1);
}

// ---- the calls

i32 wasi_args_sizes_get(u32, u32);
i32 wasi_args_get(u32, u32);
i32 wasi_environ_sizes_get(u32, u32);
i32 wasi_environ_get(u32, u32);
i32 wasi_clock_res_get(u32, u32);
i32 wasi_clock_time_get(u32, u64, u32);
i32 wasi_random_get(u32, u32);
i32 wasi_sched_yield(void);
i32 wasi_poll_oneoff(u32, u32, u32, u32);
void wasi_proc_exit(u32);

// A read into one buffer that is known to be good: what arrives must go on where the last read
// ended.
static void read_checked(void)
{
    struct wasi_iovec iovec = {1024, pick() * 8u};
    u32 size = 0;
    mem_copy(client, &iovec, sizeof iovec);
    if (wasi_fd_read(pick() & 3, 0, 1, 8) != WASI_OK) {
        return;
    }
    mem_copy(&size, client + 8, sizeof size);
    ASSERT(size <= iovec.size);
    for (u32 i = 0; i < size; i++) {
        ASSERT(client[1024 + i] == (u8)((input_seen + i) * 7));
    }
    input_seen += size;
}

// A write of a list of buffers, together longer than a message. The adapter must send all of it.
static i32 write_list(void)
{
    u32 count = 1 + pick() % 64;
    struct wasi_iovec iovec = {pick() * 4u, 2048 + pick() * 4u};
    for (u32 i = 0; i < count; i++) {
        mem_copy(client + 64 + i * sizeof iovec, &iovec, sizeof iovec);
    }
    return wasi_fd_write(pick() & 3, 64, count, 8);
}

static i32 call(u8 which)
{
    u32 fd = pick() & 3;
    switch (which % 20) {
    case 0:
        return wasi_fd_write(fd, pick_near(), pick_near(), pick_near());
    case 1:
        return wasi_fd_close(fd);
    case 2:
        return wasi_fd_renumber(fd, pick() & 3);
    case 3:
        return wasi_fd_fdstat_get(fd, pick_near());
    case 4:
        return wasi_fd_fdstat_set_flags(fd, pick());
    case 5:
        return wasi_fd_fdstat_set_rights(fd, (u64)pick_u32(), pick() & 1);
    case 6:
        return wasi_fd_filestat_get(fd, pick_near());
    case 7:
        return wasi_args_sizes_get(pick_near(), pick_near());
    case 8:
        return wasi_args_get(pick_near(), pick_near());
    case 9:
        return wasi_environ_sizes_get(pick_near(), pick_near());
    case 10:
        return wasi_environ_get(pick_near(), pick_near());
    case 11:
        return wasi_clock_res_get(pick() & 3, pick_near());
    case 12:
        return wasi_clock_time_get(pick() & 3, pick(), pick_near());
    case 13:
        return wasi_random_get(pick_near(), pick_near());
    case 14:
        return wasi_sched_yield();
    case 15:
    case 16:
        return wasi_poll_oneoff(pick_near(), pick_near(), pick() & 3, pick_near());
    case 17:
        return write_list();
    default:
        read_checked();
        return WASI_OK;
    }
}

// As a new instance of the adapter has it.
static void adapter_begin(void)
{
    static struct stream first[STREAM_COUNT];
    static bool known;
    if (!known) {
        mem_copy(first, streams, sizeof first);
        known = true;
    }
    mem_copy(streams, first, sizeof first);
    mem_zero(&ahead, sizeof ahead);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    next_byte = data;
    last_byte = data + size;
    client = malloc(CLIENT_BYTES); // of its own, so that the sanitizer sees its end
    for (u32 i = 0; i < CLIENT_BYTES; i++) {
        client[i] = size == 0 ? 0 : data[i % size];
    }
    adapter_begin();
    input_at = input_seen = 0;
    read_under_way = timer = 0;
    if (setjmp(leave) == 0) {
        for (u32 i = 0; i < CALLS && next_byte != last_byte; i++) {
            i32 error = call(pick());
            ASSERT(error >= 0 && error <= ERRNO_LAST);
        }
    }
    free(client);
    return 0;
}
