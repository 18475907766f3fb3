// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/messages.c: the adapter's calls as messages, but for files (files.c) and
// sockets (tcp.c); and what it declares to use.
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "interfaces/files.h"
#include "interfaces/files_section.h"
#include "interfaces/random.h"
#include "interfaces/random_client.h"
#include "interfaces/random_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/stdio_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/bond.h"
#include "programs/wasi/wasi.h"

// 0: there is none yet.
static u32 stdio_bond;
static u32 time_bond;
static u32 random_bond;

static bool stdio_bound(void)
{
    return bond_to(&stdio_interface, &stdio_bond) != 0;
}

static bool time_bound(void)
{
    return bond_to(&time_interface, &time_bond) != 0;
}

static i32 stdio_errno(enum stdio_error error)
{
    return error == STDIO_ERROR_CLOSED ? WASI_PIPE : WASI_IO;
}

// ---- streams

i32 message_read(u32 max, struct span *bytes)
{
    struct stdio_read_call call = {max};
    struct stdio_result_bytes_error result;
    *bytes = (struct span){0};
    if (!stdio_bound()) {
        return WASI_IO;
    }
    i64 sent = stdio_read(stdio_bond, message_buffer, sizeof message_buffer, &call, &result);
    if (sent < 0) {
        return sent_errno(sent);
    }
    if (!result.ok) {
        return stdio_errno(result.error);
    }
    if (result.value.size > max) {
        return WASI_IO; // not what the interface promises
    }
    *bytes = result.value;
    return WASI_OK;
}

i32 message_read_send(u32 max, u64 *id)
{
    struct stdio_read_call call = {max};
    u8 body[STDIO_READ_CALL_BYTES];
    size_t size = stdio_read_encode_call(body, sizeof body, &call);
    i64 sent = stdio_bound() ? rt_send(stdio_bond, STDIO_READ_ID, body, (u32)size) : -1;
    if (sent <= 0) {
        return WASI_IO;
    }
    *id = (u64)sent;
    return WASI_OK;
}

i32 message_read_answer(struct span body, u32 max, struct span *bytes)
{
    struct stdio_result_bytes_error result;
    *bytes = (struct span){0};
    if (stdio_read_decode_result(body, &result) != ERR_OK) {
        return WASI_IO;
    }
    if (!result.ok) {
        return stdio_errno(result.error);
    }
    if (result.value.size > max) {
        return WASI_IO;
    }
    *bytes = result.value;
    return WASI_OK;
}

i32 message_write(u8 stream, struct span bytes, u32 *count)
{
    u32 most = (u32)bytes.size;
    i32 error = stdio_bound() ? WASI_OK : WASI_IO;
    *count = 0;
    while (error == WASI_OK && *count < bytes.size) {
        u32 part = (u32)bytes.size - *count;
        part = part < most ? part : most;
        struct span piece = span_slice(bytes, *count, *count + part);
        struct stdio_write_call call = {(enum stdio_stream)stream, piece};
        struct stdio_result_none_error result;
        i64 sent = stdio_write(stdio_bond, message_buffer, sizeof message_buffer, &call, &result);
        if (sent_halves(sent, part, &most)) {
            continue;
        }
        error = sent < 0 ? sent_errno(sent) : result.ok ? WASI_OK : stdio_errno(result.error);
        *count += error == WASI_OK ? part : 0;
    }
    return error;
}

bool message_is_terminal(u8 stream)
{
    struct stdio_is_terminal_call call = {(enum stdio_stream)stream};
    bool result;
    return stdio_bound() && stdio_is_terminal(stdio_bond, &call, &result) == 0 && result;
}

// ---- chance and time

i32 message_random(u32 count, struct span *bytes)
{
    struct random_bytes_call call = {count};
    if (bond_to(&random_interface, &random_bond) == 0 ||
        random_bytes(random_bond, message_buffer, sizeof message_buffer, &call, bytes) < 0) {
        return WASI_IO;
    }
    return bytes->size <= count ? WASI_OK : WASI_IO;
}

i32 message_clock(enum wasi_clock clock, u64 *now_ns)
{
    i64 error = -1;
    if (time_bound()) {
        error = clock == WASI_CLOCK_REALTIME ? time_wall(time_bond, now_ns)
                                             : time_monotonic(time_bond, now_ns);
    }
    return error < 0 ? WASI_IO : WASI_OK;
}

i32 message_resolution(u64 *step_ns)
{
    return time_bound() && time_resolution(time_bond, step_ns) >= 0 ? WASI_OK : WASI_IO;
}

i32 message_sleep(u64 until_ns)
{
    struct time_wait_until_call call = {until_ns};
    return time_bound() && time_wait_until(time_bond, &call) >= 0 ? WASI_OK : WASI_IO;
}

i32 message_sleep_send(u64 until_ns, u64 *id)
{
    struct time_wait_until_call call = {until_ns};
    u8 body[TIME_WAIT_UNTIL_CALL_BYTES];
    size_t size = time_wait_until_encode_call(body, sizeof body, &call);
    i64 sent = time_bound() ? rt_send(time_bond, TIME_WAIT_UNTIL_ID, body, (u32)size) : -1;
    if (sent <= 0) {
        return WASI_IO;
    }
    *id = (u64)sent;
    return WASI_OK;
}

void message_cancel(u64 id)
{
    struct system_cancel_call call = {id};
    struct system_result_none_error result;
    (void)system_cancel(RT_SYSTEM_BOND, &call, &result); // answered already: nothing to cancel
}

// ---- the start

struct system_list_bytes message_start(u32 list)
{
    const struct system_start_info *info = rt_start_info();
    return list == LIST_ARGUMENTS ? info->arguments : info->environment;
}
