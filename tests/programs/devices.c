// SPDX-License-Identifier: GPL-3.0-or-later
// Uses what every machine answers (log, time, random, stdio, blocks) well and badly, and prints
// what it saw.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/blocks.h"
#include "interfaces/blocks_client.h"
#include "interfaces/blocks_section.h"
#include "interfaces/log.h"
#include "interfaces/log_client.h"
#include "interfaces/log_section.h"
#include "interfaces/random.h"
#include "interfaces/random_client.h"
#include "interfaces/random_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/stdio_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum { BUFFER_BYTES = (2 << 20) + 64, TIMERS = 500 };

static u8 buffer[BUFFER_BYTES];
static u8 second[65536 + 16];
static u32 failed;
static u32 log_bond, time_bond, random_bond, stdio_bond, blocks_bond;

static void check(bool good, const char *what)
{
    (void)rt_print(good ? "ok    " : "FAIL  ");
    (void)rt_print(what);
    (void)rt_print("\n");
    failed += !good;
}

static u32 bind(const struct interface_definition *interface)
{
    i64 bond = rt_bind(interface, false);
    check(bond >= 0, interface->name);
    return bond < 0 ? 0 : (u32)bond;
}

static void test_log(void)
{
    char line[5000];
    struct log_write_call call = {LOG_LEVEL_WARNING,
                                  SPAN_LITERAL("one line\nand \x1b[31mno colour")};
    check(log_write(log_bond, buffer, sizeof buffer, &call) == 0, "log takes a line");
    mem_fill(line, 'x', sizeof line);
    call = (struct log_write_call){LOG_LEVEL_DEBUG, span_of(line, sizeof line)};
    i64 error = log_write(log_bond, buffer, sizeof buffer, &call);
    check(error == 0 || error == E_TOO_LONG || error == E_MALFORMED, "log bears a long line");
    u8 body[6] = {9, 1, 0, 0, 0, 'x'}; // there is no level 9
    check(rt_call(log_bond, LOG_WRITE_ID, body, sizeof body, buffer, 16) == E_MALFORMED,
          "log refuses a level that is not");
}

static u64 now_ns(void)
{
    u64 ns = 0;
    (void)time_monotonic(time_bond, &ns);
    return ns;
}

// Timers of many deadlines, sent in no order, must end in the order of their deadlines.
static bool timers_end_in_order(void)
{
    static u64 ids[TIMERS];
    static u64 deadlines[TIMERS];
    u64 start = now_ns();
    for (u32 i = 0; i < TIMERS; i++) {
        deadlines[i] = start + 20000000 + (u64)(i * 7919 % TIMERS) * 100000;
        mem_store_u64(buffer, deadlines[i]);
        i64 id = rt_send(time_bond, TIME_WAIT_UNTIL_ID, buffer, 8);
        if (id <= 0) {
            return false;
        }
        ids[i] = (u64)id;
    }
    u64 last = 0;
    for (u32 count = 0; count < TIMERS; count++) {
        struct rt_event event;
        u32 i = 0;
        rt_next(&event);
        while (i < TIMERS && ids[i] != event.id) {
            i++;
        }
        if (i == TIMERS || event.error != 0 || deadlines[i] < last || now_ns() < deadlines[i]) {
            return false;
        }
        last = deadlines[i];
    }
    return true;
}

static void test_time(void)
{
    u64 resolution = 0;
    u64 start = now_ns();
    struct time_wait_until_call call = {start + 30000000};
    check(time_resolution(time_bond, &resolution) == 0 && resolution > 0, "clocks have steps");
    check(time_wait_until(time_bond, &call) == 0 && now_ns() >= start + 30000000,
          "a wait of 30 ms takes them");
    call.monotonic = 1;
    check(time_wait_until(time_bond, &call) == 0, "a wait until the past ends at once");
    check(timers_end_in_order(), "500 timers end in the order of their times");
    mem_store_u64(buffer, UINT64_MAX);
    i64 id = rt_send(time_bond, TIME_WAIT_UNTIL_ID, buffer, 8);
    struct system_cancel_call cancel = {(u64)id};
    struct system_result_none_error result;
    struct rt_event event = {0};
    i64 error = system_cancel(RT_SYSTEM_BOND, &cancel, &result);
    rt_next(&event);
    check(error == 0 && result.ok && event.id == (u64)id && event.error == E_CANCELLED,
          "a wait for ever can be cancelled");
    check(rt_call(time_bond, 12345, NULL, 0, buffer, 8) == E_FUNCTION,
          "a function that is not is refused");
    check(rt_call(time_bond, TIME_WAIT_UNTIL_ID, buffer, 7, buffer, 8) == E_MALFORMED,
          "a body that is too short is refused");
    // Left under way: whoever ends leaves no timer behind.
    mem_store_u64(buffer, UINT64_MAX);
    check(rt_send(time_bond, TIME_WAIT_UNTIL_ID, buffer, 8) > 0, "a wait for ever begins");
}

static void test_random(void)
{
    struct random_bytes_call call = {100000};
    struct span first = {0};
    struct span again = {0};
    i64 error = random_bytes(random_bond, buffer, sizeof buffer, &call, &first);
    check(error == 0 && first.size == 65536, "random gives at most 65536 bytes");
    call.count = 32;
    error = random_bytes(random_bond, second, sizeof second, &call, &again);
    check(error == 0 && again.size == 32 && !mem_equal(first.data, again.data, 32),
          "random bytes differ");
    call.count = 0;
    error = random_bytes(random_bond, second, sizeof second, &call, &again);
    check(error == 0 && again.size == 0, "no random bytes are none");
}

static void test_stdio(void)
{
    struct stdio_write_call call = {STDIO_STREAM_INPUT, SPAN_LITERAL("x")};
    struct stdio_result_none_error result;
    i64 error = stdio_write(stdio_bond, buffer, sizeof buffer, &call, &result);
    check(error == 0 && !result.ok, "nobody writes to the input");
    mem_fill(second, '.', 65536);
    second[65535] = '\n';
    call = (struct stdio_write_call){STDIO_STREAM_OUTPUT, span_of(second, 65536)};
    error = stdio_write(stdio_bond, buffer, sizeof buffer, &call, &result);
    check(error == 0 && result.ok, "65536 bytes are written");
}

static enum blocks_error_kind get(struct span cid, struct blocks_result_bytes_error *result)
{
    struct blocks_get_call call = {cid};
    i64 error = blocks_get(blocks_bond, buffer, sizeof buffer, &call, result);
    return error < 0 || result->ok ? (enum blocks_error_kind)99 : result->error.kind;
}

static void test_blocks(void)
{
    struct blocks_result_bytes_error result;
    struct blocks_result_bool_error has;
    struct span nobodys =
        SPAN_LITERAL("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    check(get(nobodys, &result) == BLOCKS_ERROR_NOT_FOUND, "a block that is not there");
    check(get(SPAN_LITERAL("bafy"), &result) == BLOCKS_ERROR_BAD_CID, "a CID that is none");
    check(get((struct span){0}, &result) == BLOCKS_ERROR_BAD_CID, "a CID of nothing");
    struct blocks_has_call call = {nobodys};
    i64 error = blocks_has(blocks_bond, buffer, sizeof buffer, &call, &has);
    check(error == 0 && has.ok && !has.value, "has says no");
    struct span program = rt_start_info()->program;
    char own[128];
    size_t size = program.size < sizeof own ? program.size : sizeof own;
    mem_copy(own, program.data, size);
    call.cid = span_of(own, size);
    error = blocks_has(blocks_bond, buffer, sizeof buffer, &call, &has);
    check(error == 0 && has.ok && has.value, "has knows this program");
    (void)get(span_of(own, size), &result);
    check(result.ok && result.value.size > 8 && mem_equal(result.value.data, "\0asm", 4),
          "get gives this program");
}

u32 program_main(void)
{
    log_bond = bind(&log_interface);
    time_bond = bind(&time_interface);
    random_bond = bind(&random_interface);
    stdio_bond = bind(&stdio_interface);
    blocks_bond = bind(&blocks_interface);
    test_log();
    test_random();
    test_stdio();
    test_blocks();
    test_time();
    return failed == 0 ? 0 : 1;
}
