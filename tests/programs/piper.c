// SPDX-License-Identifier: GPL-3.0-or-later
// Starts programs by their CIDs through redshirt:kernel/processes. "chain CID...": each reads what
// the one before it prints; prints what the last one does, in capitals, and how they ended.
// "time CID": how long it takes to start one and see it end, in ns, the least of a few. With no
// argument: copies its input to its output; prints a lot when there is none, and ends with 3.
#include "core/base/text.h"
#include "interfaces/processes.h"
#include "interfaces/processes_client.h"
#include "interfaces/processes_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/stdio_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

static u32 bond;
static u8 buffer[65536 + 64];

static void fail(const char *what)
{
    (void)rt_print_error("piper: ");
    (void)rt_print_error(what);
    (void)rt_print_error("\n");
    rt_exit(1);
}

static struct processes_pipe_ends make_pipe(void)
{
    struct processes_result_pipe_ends_pipe_error result;
    if (processes_pipe(bond, &result) < 0 || !result.ok) {
        fail("no pipe");
    }
    return result.value;
}

static void close_end(u64 end)
{
    struct processes_close_call call = {end};
    struct processes_result_none_pipe_error result;
    if (processes_close(bond, &call, &result) < 0 || !result.ok) {
        fail("not closed");
    }
}

static struct processes_stream of_end(u64 end)
{
    return (struct processes_stream){.kind = PROCESSES_STREAM_PIPE, .as.pipe = end};
}

static u64 start(struct span cid, struct processes_stream input, struct processes_stream output)
{
    struct span name = SPAN_LITERAL("piped");
    struct processes_spawn_call call = {
        .request = {.program = {.kind = PROCESSES_PROGRAM_CID, .as.cid = cid},
                    .arguments = {.count = 1, .items = &name},
                    .input = input,
                    .output = output}};
    struct processes_result_u64_system_spawn_error result;
    if (processes_spawn(bond, buffer, sizeof buffer, &call, &result) < 0 || !result.ok) {
        fail("not started");
    }
    return result.value;
}

static void wait_for(u64 child, bool says)
{
    struct processes_wait_call call = {child};
    struct processes_result_system_ending_system_error result;
    if (processes_wait(bond, buffer, sizeof buffer, &call, &result) < 0 || !result.ok) {
        fail("no end");
    }
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, result.value.kind == SYSTEM_ENDING_EXITED ? "ended " : "was ended ");
    text_u64(&text, result.value.kind == SYSTEM_ENDING_EXITED ? result.value.as.exited
                                                              : result.value.kind);
    text_string(&text, "\n");
    if (says) {
        (void)rt_print(line);
    }
}

// Prints what comes until the end of the stream, in capitals.
static void take(u64 reader)
{
    for (;;) {
        struct processes_read_call call = {reader, 65536};
        struct processes_result_bytes_pipe_error result;
        if (processes_read(bond, buffer, sizeof buffer, &call, &result) < 0 || !result.ok) {
            fail("not read");
        }
        if (result.value.size == 0) {
            return;
        }
        u8 *bytes = buffer + (result.value.data - buffer);
        for (size_t i = 0; i < result.value.size; i++) {
            bytes[i] -= bytes[i] >= 'a' && bytes[i] <= 'z' ? 'a' - 'A' : 0;
        }
        (void)rt_print_span(result.value);
    }
}

static void chain(u32 count)
{
    struct processes_stream input = {.kind = PROCESSES_STREAM_NOTHING};
    struct processes_pipe_ends ends = {0};
    u64 children[8];
    for (u32 i = 0; i < count; i++) {
        u64 before = ends.reader;
        ends = make_pipe();
        children[i] = start(rt_argument(2 + i), input, of_end(ends.writer));
        close_end(ends.writer);
        if (i > 0) {
            close_end(before);
        }
        input = of_end(ends.reader);
    }
    take(ends.reader);
    for (u32 i = 0; i < count; i++) {
        wait_for(children[i], true);
    }
}

static u64 now_ns(u32 clock)
{
    u64 ns = 0;
    return time_monotonic(clock, &ns) < 0 ? 0 : ns;
}

static void measure(u32 clock)
{
    enum { COUNT = 2000 };
    struct processes_stream nothing = {.kind = PROCESSES_STREAM_NOTHING};
    u64 least = UINT64_MAX;
    for (u32 round = 0; round < 5; round++) {
        u64 start_ns = now_ns(clock);
        for (u32 i = 0; i < COUNT; i++) {
            wait_for(start(rt_argument(2), nothing, nothing), false);
        }
        u64 each = (now_ns(clock) - start_ns) / COUNT;
        least = each < least ? each : least;
    }
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "ns ");
    text_u64(&text, least);
    text_string(&text, "\n");
    (void)rt_print(line);
}

static u32 copy(void)
{
    i64 stdio = rt_bind(&stdio_interface, false);
    for (u32 pieces = 0; stdio > 0; pieces++) {
        struct stdio_read_call call = {5000};
        struct stdio_result_bytes_error result;
        if (stdio_read((u32)stdio, buffer, sizeof buffer, &call, &result) < 0 || !result.ok) {
            fail("no input");
        }
        for (u32 i = 0; i < 20000 && pieces == 0 && result.value.size == 0; i++) {
            (void)rt_print("abcdefghi\n");
        }
        if (result.value.size == 0) {
            break;
        }
        (void)rt_print_span(result.value);
    }
    return 3;
}

u32 program_main(void)
{
    if (rt_argument(1).size == 0) {
        return copy();
    }
    i64 processes = rt_bind(&processes_interface, false);
    i64 clock = rt_bind(&time_interface, false);
    if (processes < 0 || clock < 0) {
        fail("no bond");
    }
    bond = (u32)processes;
    u32 count = 0;
    while (count < 8 && rt_argument(2 + count).size > 0) {
        count++;
    }
    if (span_equal(rt_argument(1), SPAN_LITERAL("time"))) {
        measure((u32)clock);
    } else {
        chain(count);
    }
    return 0;
}
