// SPDX-License-Identifier: GPL-3.0-or-later
// A hostile client against the WASI adapter: a run of calls with any arguments, over a client's
// memory of which the fuzzer chooses the contents. The adapter's own files run natively here;
// messages are answered by this one, also badly.
//
// What must hold: no access outside either memory (the sanitizers see to that), every answer is an
// errno of preview1, bytes written reach the right stream in order, no input is lost or made up,
// and every handle of a file, and every socket, is closed once.
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "interfaces/files.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/ahead.c"       // the same
#include "programs/wasi/descriptors.c" // whole, because what it keeps must begin anew each time
#include "programs/wasi/here.c"        // the same
#include "programs/wasi/tcp.h"
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

i32 message_write(u8 stream, struct span bytes, u32 *count)
{
    ASSERT((stream == STREAM_OUTPUT || stream == STREAM_ERROR) && bytes.size <= CHUNK_BYTES);
    u8 sum = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        sum ^= bytes.data[i];
    }
    *count = sum == 99 ? 0 : (u32)bytes.size;
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

// What sockets wait for.
enum { SOCKETS = 4096, ARRIVALS = 64 };
static struct {
    u64 id;
    u32 max; // 0: a connection
} arrivals[ARRIVALS];
static u32 arrival_count;

static void arrival_remove(u32 index)
{
    arrivals[index] = arrivals[--arrival_count];
}

void message_cancel(u64 id)
{
    if (id == timer) {
        timer = 0;
        return;
    }
    if (id == read_under_way) {
        read_under_way = 0;
        return;
    }
    u32 at = 0;
    while (at < arrival_count && arrivals[at].id != id) {
        at++;
    }
    ASSERT(at < arrival_count);
    arrival_remove(at);
}

static u8 list_bytes[32];

struct system_list_bytes message_start(u32 list)
{
    static struct span strings[3];
    ASSERT(list == LIST_ARGUMENTS || list == LIST_ENVIRONMENT);
    for (u32 i = 0; i < COUNT_OF(strings); i++) {
        strings[i] = span_of(list_bytes, pick() % sizeof list_bytes);
    }
    if (list == LIST_ENVIRONMENT && pick() & 1) {
        strings[1] = SPAN_LITERAL("REDSHIRT_LISTEN=one,,two,three");
        strings[2] = SPAN_LITERAL("PWD=/given/sub");
    }
    return (struct system_list_bytes){.count = COUNT_OF(strings), .items = strings};
}

// ---- sockets

static bool open_sockets[SOCKETS];
static u64 next_socket;

static u64 socket_give(void)
{
    u64 socket = 1 + next_socket++ % (SOCKETS - 1);
    open_sockets[socket] = true;
    return socket;
}

static void socket_check(u64 socket)
{
    ASSERT(socket < SOCKETS && open_sockets[socket]);
}

i32 socket_listen(struct span at, u64 *listener)
{
    if (at.size == 0) {
        return WASI_INVAL;
    }
    *listener = socket_give();
    return WASI_OK;
}

static i32 arrival_send(u64 socket, u32 max, u64 *id)
{
    socket_check(socket);
    if (arrival_count == ARRIVALS || pick() == 255) {
        *id = 0;
        return WASI_IO;
    }
    *id = arrivals[arrival_count].id = ++next_id;
    arrivals[arrival_count++].max = max;
    return WASI_OK;
}

i32 socket_accept_send(u64 listener, u64 *id)
{
    return arrival_send(listener, 0, id);
}

i32 socket_accept_answer(struct span body, u64 *connection)
{
    ASSERT(body.size == 0);
    *connection = pick() == 255 ? 0 : socket_give();
    return *connection == 0 ? WASI_CONNRESET : WASI_OK;
}

i32 socket_read(u64 socket, u32 max, struct span *bytes)
{
    socket_check(socket);
    ASSERT(max > 0 && max <= CHUNK_BYTES);
    *bytes = span_of(answer_bytes, pick() < max ? pick() % (max + 1) : max);
    return pick() == 255 ? WASI_IO : WASI_OK;
}

i32 socket_read_send(u64 socket, u32 max, u64 *id)
{
    ASSERT(max > 0);
    return arrival_send(socket, max, id);
}

i32 socket_read_answer(struct span body, u32 max, struct span *bytes)
{
    ASSERT(body.size <= max);
    *bytes = body;
    return WASI_OK;
}

i32 socket_write(u64 socket, struct span bytes, u32 *count)
{
    socket_check(socket);
    ASSERT(bytes.size <= CHUNK_BYTES);
    bool is_good = pick() != 255;
    *count = is_good ? (u32)bytes.size : 0;
    return is_good ? WASI_OK : WASI_PIPE;
}

i32 socket_shutdown(u64 socket)
{
    socket_check(socket);
    return WASI_OK;
}

i32 socket_close(u64 socket)
{
    socket_check(socket);
    open_sockets[socket] = false;
    return WASI_OK;
}

// ---- events

static bool event_make(struct rt_event *event, bool waits)
{
    u8 which = pick();
    *event = (struct rt_event){.kind = NOTIFICATION_ANSWER};
    if (arrival_count > 0 && (which & 2 || (read_under_way == 0 && timer == 0))) {
        u32 at = which / 4 % arrival_count;
        event->id = arrivals[at].id;
        event->error = which == 254 ? E_GONE : 0;
        event->body = span_of(answer_bytes, pick() < arrivals[at].max ? pick() : arrivals[at].max);
        event->body.size =
            event->body.size < arrivals[at].max ? event->body.size : arrivals[at].max;
        arrival_remove(at);
        return true;
    }
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

static void *plain_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return pick() == 255 ? NULL : malloc(new_size);
}

struct memory *rt_memory(void)
{
    static struct memory memory = {plain_resize};
    return &memory;
}

// ---- files: answers that are well formed, and mostly say yes

enum { BOND = 5, FILES_MOST = 4096 };

static bool open_files[FILES_MOST]; // by handle
static u64 next_handle;

i64 rt_bind(const struct interface_definition *interface, bool patient)
{
    (void)patient;
    ASSERT(interface == &files_interface);
    return pick() == 255 ? E_DENIED : BOND;
}

static u64 handle_give(void)
{
    u64 handle = 1 + next_handle++ % (FILES_MOST - 1);
    open_files[handle] = true;
    return handle;
}

static void bytes_fill(size_t size)
{
    for (size_t i = 0; i < size; i++) {
        answer_bytes[i] = (u8)(i + size);
    }
}

static size_t answer_list(void *answer, u32 room, u32 max)
{
    static struct files_entry entries[8];
    struct files_result_list_entry_error result = {.ok = true};
    bytes_fill(255);
    result.value.items = entries;
    result.value.count = pick() % 8;
    for (u32 i = 0; i < result.value.count; i++) {
        entries[i] = (struct files_entry){span_of(answer_bytes, pick()),
                                          (enum files_kind)(pick() % 8), pick(), pick()};
    }
    ASSERT(max > 0);
    return files_list_encode_result(answer, room, &result);
}

static size_t answer_folders(void *answer, u32 room)
{
    static struct files_granted granted[80];
    struct files_result_list_granted_error result = {.ok = true};
    u32 count = pick() % COUNT_OF(granted);
    for (u32 i = 0; i < count; i++) {
        u8 size = pick();
        granted[i] = (struct files_granted){
            handle_give(), size < 4 ? SPAN_LITERAL("/given") : span_of(answer_bytes, size), false};
    }
    result.value.items = granted;
    result.value.count = count;
    return files_folders_encode_result(answer, room, &result);
}

static size_t answer_bytes_of(void *answer, u32 room, u32 max)
{
    u32 size = pick() * 300u < max ? pick() * 300u : max;
    size = size < max ? size : max;
    bytes_fill(size);
    struct files_result_bytes_error result = {.ok = true, .value = span_of(answer_bytes, size)};
    return files_read_encode_result(answer, room, &result);
}

static size_t answer_about(void *answer, u32 room)
{
    struct files_result_about_error result = {.ok = true};
    result.value.kind = (enum files_kind)(pick() % 8);
    result.value.size = pick_u32();
    return files_status_encode_result(answer, room, &result);
}

static size_t answer_written(void *answer, u32 room, const struct files_write_call *call)
{
    struct files_result_written_error result = {.ok = true};
    ASSERT(call->bytes.size <= CHUNK_BYTES);
    u32 missing = pick() == 255 ? 1 : 0;
    result.value.count = (u32)call->bytes.size - missing;
    result.value.position = call->position + result.value.count;
    return files_write_encode_result(answer, room, &result);
}

static size_t files_answer(u64 function, struct span body, void *answer, u32 room)
{
    struct files_result_none_error none = {.ok = pick() < 240};
    none.error = none.ok ? 0 : (enum files_error)(pick() % (FILES_ERROR_FAILED + 1));
    struct files_close_call close;
    if (function == FILES_CLOSE_ID && files_close_decode_call(body, &close) == ERR_OK) {
        ASSERT(close.handle < FILES_MOST && open_files[close.handle]);
        open_files[close.handle] = false;
        return files_close_encode_result(answer, room, &none);
    }
    if (!none.ok) { // all results say so in the same way
        return files_close_encode_result(answer, room, &none);
    }
    union {
        struct files_read_call read;
        struct files_write_call write;
        struct files_list_call list;
        struct files_read_link_call link;
    } call;
    if (function == FILES_FOLDERS_ID) {
        return answer_folders(answer, room);
    }
    if (function == FILES_OPEN_ID) {
        struct files_result_opened_error opened = {.ok = true};
        opened.value = (struct files_opened){handle_give(), (enum files_kind)(1 + pick() % 2)};
        return files_open_encode_result(answer, room, &opened);
    }
    if (function == FILES_READ_ID && files_read_decode_call(body, &call.read) == ERR_OK) {
        ASSERT(call.read.max > 0 && call.read.max <= CHUNK_BYTES);
        return answer_bytes_of(answer, room, call.read.max);
    }
    if (function == FILES_WRITE_ID && files_write_decode_call(body, &call.write) == ERR_OK) {
        return answer_written(answer, room, &call.write);
    }
    if (function == FILES_LIST_ID && files_list_decode_call(body, &call.list) == ERR_OK) {
        return answer_list(answer, room, call.list.max);
    }
    if (function == FILES_READ_LINK_ID && files_read_link_decode_call(body, &call.link) == ERR_OK) {
        return answer_bytes_of(answer, room, 4095);
    }
    if (function == FILES_STATUS_ID || function == FILES_PATH_STATUS_ID) {
        return answer_about(answer, room);
    }
    return files_close_encode_result(answer, room, &none);
}

// The kernel refuses threads here, and whatever else is sent to it.
i64 rt_call(u32 bond, u64 function, const void *body, u32 body_len, void *answer, u32 answer_len)
{
    static u8 copy[MESSAGE_BYTES];
    ASSERT(body_len <= sizeof copy);
    mem_copy(copy, body, body_len); // the answer may be put where the call was
    u8 how = pick();
    if (bond != BOND || how == 255) {
        return E_GONE;
    }
    if (how >= 250) { // nonsense
        u32 size = pick() < answer_len ? pick() : answer_len;
        size = size < answer_len ? size : answer_len;
        for (u32 i = 0; i < size; i++) {
            ((u8 *)answer)[i] = pick();
        }
        return size;
    }
    size_t size = files_answer(function, span_of(copy, body_len), answer, answer_len);
    return size <= answer_len ? (i64)size : E_BUFFER;
}

i32 rt_print_error(const char *string)
{
    ASSERT(string[0] != 0);
    return 0;
}

void rt_exit(u32 code)
{
    (void)code;
    longjmp(leave, 1);
}

// ---- the calls

i32 wasi_sock_accept(u32, u32, u32);
i32 wasi_sock_recv(u32, u32, u32, u32, u32, u32);
i32 wasi_sock_send(u32, u32, u32, u32, u32);
i32 wasi_sock_shutdown(u32, u32);
i32 wasi_fd_read(u32, u32, u32, u32);
i32 wasi_fd_write(u32, u32, u32, u32);
i32 wasi_fd_pread(u32, u32, u32, u64, u32);
i32 wasi_fd_pwrite(u32, u32, u32, u64, u32);
i32 wasi_fd_seek(u32, i64, u32, u32);
i32 wasi_fd_tell(u32, u32);
i32 wasi_fd_advise(u32, u64, u64, u32);
i32 wasi_fd_allocate(u32, u64, u64);
i32 wasi_fd_filestat_set_size(u32, u64);
i32 wasi_fd_filestat_set_times(u32, u64, u64, u32);
i32 wasi_fd_sync(u32);
i32 wasi_fd_datasync(u32);
i32 wasi_fd_readdir(u32, u32, u32, u64, u32);
i32 wasi_path_open(u32, u32, u32, u32, u32, u64, u64, u32, u32);
i32 wasi_path_filestat_get(u32, u32, u32, u32, u32);
i32 wasi_path_filestat_set_times(u32, u32, u32, u32, u64, u64, u32);
i32 wasi_path_readlink(u32, u32, u32, u32, u32, u32);
i32 wasi_path_create_directory(u32, u32, u32);
i32 wasi_path_remove_directory(u32, u32, u32);
i32 wasi_path_unlink_file(u32, u32, u32);
i32 wasi_path_rename(u32, u32, u32, u32, u32, u32);
i32 wasi_path_link(u32, u32, u32, u32, u32, u32, u32);
i32 wasi_path_symlink(u32, u32, u32, u32, u32);
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

// A path that lies in the client's memory, and a place for what is answered.
static i32 path_call(u8 which)
{
    u32 fd = 3 + pick() % 8;
    u32 to = 3 + pick() % 8;
    u32 path = pick_near();
    u32 size = pick() < 200 ? pick() & 31 : pick_near();
    switch (which % 12) {
    case 0:
        return wasi_path_filestat_get(fd, pick() & 3, path, size, pick_near());
    case 1:
        return wasi_path_filestat_set_times(fd, pick() & 1, path, size, pick(), pick(), pick());
    case 2:
        return wasi_path_readlink(fd, path, size, pick_near(), pick_near(), pick_near());
    case 3:
        return wasi_path_create_directory(fd, path, size);
    case 4:
        return wasi_path_remove_directory(fd, path, size);
    case 5:
        return wasi_path_unlink_file(fd, path, size);
    case 6:
        return wasi_path_rename(fd, path, size, to, pick_near(), pick() & 63);
    case 7:
        return wasi_path_link(fd, pick() & 1, path, size, to, pick_near(), pick() & 63);
    case 8:
        return wasi_path_symlink(path, size, fd, pick_near(), pick() & 63);
    default:
        return wasi_path_open(fd, pick() & 1, path, size, pick() & 15, (u64)pick_u32() & pick_u32(),
                              pick_u32(), pick() & 31, pick_near());
    }
}

static i32 file_call(u8 which)
{
    u32 fd = 3 + pick() % 8;
    switch (which % 20) {
    case 16:
        return wasi_sock_accept(fd, pick() & 7, pick_near());
    case 17:
        return wasi_sock_recv(fd, pick_near(), pick_near(), pick() & 3, pick_near(), pick_near());
    case 18:
        return wasi_sock_send(fd, pick_near(), pick_near(), pick() / 250, pick_near());
    case 19:
        return wasi_sock_shutdown(fd, pick() & 3);
    case 0:
        return wasi_fd_pread(fd, pick_near(), pick_near(), pick(), pick_near());
    case 1:
        return wasi_fd_pwrite(fd, pick_near(), pick_near(), pick(), pick_near());
    case 2:
        return wasi_fd_seek(fd, (i32)pick_u32(), pick() & 3, pick_near());
    case 3:
        return wasi_fd_tell(fd, pick_near());
    case 4:
        return wasi_fd_advise(fd, pick(), pick(), pick() & 7);
    case 5:
        return wasi_fd_allocate(fd, pick(), pick());
    case 6:
        return wasi_fd_filestat_set_size(fd, pick_u32());
    case 7:
        return wasi_fd_filestat_set_times(fd, pick(), pick(), pick() & 31);
    case 8:
        return wasi_fd_sync(fd);
    case 9:
        return wasi_fd_datasync(fd);
    case 10:
        return wasi_fd_readdir(fd, pick_near(), pick_near(), pick(), pick_near());
    case 11:
        return wasi_fd_prestat_get(fd, pick_near());
    case 12:
        return wasi_fd_prestat_dir_name(fd, pick_near(), pick());
    case 13:
        return wasi_fd_read(fd, pick_near(), pick_near(), pick_near());
    case 14:
        return wasi_fd_close(fd);
    default:
        return wasi_fd_write(fd, pick_near(), pick_near(), pick_near());
    }
}

static i32 call(u8 which)
{
    u32 fd = pick() & 15;
    fd = fd < 12 ? fd & 3 : fd - 9;
    if (which >= 120) {
        return which & 1 ? path_call(which / 2) : file_call(which / 2);
    }
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
    mem_zero(&table, sizeof table);
    mem_zero(first_table, sizeof first_table);
    mem_zero(&names, sizeof names);
    mem_zero(&here, sizeof here);
    mem_zero(&ahead_input, sizeof ahead_input);
    first = NULL;
    arrival_count = 0;
    mem_zero(open_sockets, sizeof open_sockets);
    mem_zero(open_files, sizeof open_files);
}

// What is open on both sides is the same.
static void adapter_end(void)
{
    for (u32 i = 0; i < table.size; i++) {
        struct descriptor *descriptor = &table.at[i];
        if (descriptor->kind == DESCRIPTOR_FILE || descriptor->kind == DESCRIPTOR_FOLDER) {
            ASSERT(open_files[descriptor->handle]);
            open_files[descriptor->handle] = false;
        } else if (descriptor->kind > DESCRIPTOR_STREAM) {
            (void)socket_release(descriptor);
        }
    }
    for (u32 i = 0; i < SOCKETS; i++) {
        ASSERT(!open_sockets[i]);
    }
    if (table.at != first_table) {
        free(table.at);
    }
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
    adapter_end();
    free(client);
    return 0;
}
