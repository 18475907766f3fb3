// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/process.c: arguments, environment, clocks, chance, yielding and the end.
#include "core/base/mem.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/wasi.h"

// ---- arguments and environment: lists of strings, each ending in zero for the client

static i32 list_sizes(u32 which, u32 count_at, u32 bytes_at)
{
    struct system_list_bytes list = message_start(which);
    struct span string;
    u32 count = list.count;
    u64 bytes = 0;
    while (system_list_bytes_next(&list, &string)) {
        bytes += string.size + 1;
    }
    if (bytes > UINT32_MAX) {
        return WASI_OVERFLOW;
    }
    if (!client_has(bytes_at, sizeof(u32)) || client_store_u32(count_at, count) != WASI_OK) {
        return WASI_FAULT;
    }
    return client_store_u32(bytes_at, (u32)bytes);
}

// Writes the strings one after another at `bytes_at`, and their addresses at `pointers_at`.
static i32 list_get(u32 which, u32 pointers_at, u32 bytes_at)
{
    struct system_list_bytes list = message_start(which);
    struct span string;
    u64 pointer = pointers_at;
    u64 byte = bytes_at;
    while (system_list_bytes_next(&list, &string)) {
        static const u8 zero = 0;
        u64 end = byte + string.size;
        if (pointer > UINT32_MAX || end > UINT32_MAX ||
            client_store_u32((u32)pointer, (u32)byte) != WASI_OK ||
            client_write((u32)byte, string.data, (u32)string.size) != 0 ||
            client_write((u32)end, &zero, 1) != 0) {
            return WASI_FAULT;
        }
        pointer += sizeof(u32);
        byte = end + 1;
    }
    return WASI_OK;
}

WASI_EXPORT(args_sizes_get, u32 count_at, u32 bytes_at)
{
    return list_sizes(LIST_ARGUMENTS, count_at, bytes_at);
}

WASI_EXPORT(args_get, u32 pointers_at, u32 bytes_at)
{
    return list_get(LIST_ARGUMENTS, pointers_at, bytes_at);
}

WASI_EXPORT(environ_sizes_get, u32 count_at, u32 bytes_at)
{
    return list_sizes(LIST_ENVIRONMENT, count_at, bytes_at);
}

WASI_EXPORT(environ_get, u32 pointers_at, u32 bytes_at)
{
    return list_get(LIST_ENVIRONMENT, pointers_at, bytes_at);
}

struct span environment_value(struct span name)
{
    struct system_list_bytes list = message_start(LIST_ENVIRONMENT);
    struct span each;
    struct span value = {0};
    while (system_list_bytes_next(&list, &each)) {
        if (each.size > name.size && mem_equal(each.data, name.data, name.size) &&
            each.data[name.size] == '=') {
            value = span_slice(each, name.size + 1, each.size);
        }
    }
    return value;
}

// ---- clocks. Limit: the two clocks of CPU time do not exist.

static bool is_clock(u32 id)
{
    return id == WASI_CLOCK_REALTIME || id == WASI_CLOCK_MONOTONIC;
}

WASI_EXPORT(clock_res_get, u32 id, u32 out)
{
    u64 step_ns;
    if (!is_clock(id)) {
        return WASI_INVAL;
    }
    i32 error = message_resolution(&step_ns);
    return error == WASI_OK ? client_store_u64(out, step_ns) : error;
}

WASI_EXPORT(clock_time_get, u32 id, u64 precision, u32 out)
{
    (void)precision;
    u64 now_ns;
    if (!is_clock(id)) {
        return WASI_INVAL;
    }
    i32 error = message_clock((enum wasi_clock)id, &now_ns);
    return error == WASI_OK ? client_store_u64(out, now_ns) : error;
}

// ---- chance

WASI_EXPORT(random_get, u32 at, u32 len)
{
    u64 end = (u64)at + len;
    u8 last;
    if (end > (u64)UINT32_MAX + 1 || (len != 0 && client_read(&last, (u32)(end - 1), 1) != 0)) {
        return WASI_FAULT;
    }
    while (len != 0) {
        struct span bytes;
        i32 error = message_random(len < CHUNK_BYTES ? len : CHUNK_BYTES, &bytes);
        if (error != WASI_OK) {
            return error;
        }
        if (bytes.size == 0 || bytes.size > len) {
            return WASI_IO;
        }
        if (client_write(at, bytes.data, (u32)bytes.size) != 0) {
            return WASI_FAULT;
        }
        at += (u32)bytes.size;
        len -= (u32)bytes.size;
    }
    return WASI_OK;
}

// ---- yielding and the end

WASI_EXPORT(sched_yield, void)
{
    return message_sleep(0); // a message and its answer: everybody else gets a turn
}

WASI_EXPORT(proc_raise, u32 signal)
{
    (void)signal;
    return WASI_NOSYS;
}

// What wasi-threads imports from the module `wasi`: a thread's number, above 0, or below 0.
__attribute__((export_name("thread-spawn"))) i32 wasi_thread_spawn(u32 argument);

i32 wasi_thread_spawn(u32 argument)
{
    struct system_spawn_thread_call call = {.argument = argument};
    struct system_result_u32_error result;
    i64 error = system_spawn_thread(RT_SYSTEM_BOND, &call, &result);
    return error >= 0 && result.ok ? (i32)result.value : -1;
}

__attribute__((export_name("proc_exit"))) NORETURN void wasi_proc_exit(u32 code);

void wasi_proc_exit(u32 code)
{
    rt_exit(code);
}
