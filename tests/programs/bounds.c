// SPDX-License-Identifier: GPL-3.0-or-later
// Comes to what a machine's devices bear of one process, by several bonds, and prints what it was
// told. Argument: `reads` of an input in which nothing comes, `sockets`, `blocks`, or `memory`
// and how many pages others have already.
#include "core/base/text.h"
#include "interfaces/blocks.h"
#include "interfaces/blocks_client.h"
#include "interfaces/blocks_section.h"
#include "interfaces/net.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_section.h"
#include "interfaces/system_client.h"
#include "interfaces/udp.h"
#include "interfaces/udp_client.h"
#include "interfaces/udp_section.h"
#include "programs/rt/redshirt.h"

enum { BONDS = 3, READS = 64, BLOCKS = 64, GETS = 600, LOCALHOST = 127 | 1 << 24 };

static u32 bonds[BONDS];

static void print_number(const char *before, u64 number)
{
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, before);
    text_u64(&text, number);
    text_char(&text, '\n');
    (void)rt_print(line);
}

static void bind(const struct interface_definition *interface)
{
    for (u32 i = 0; i < BONDS; i++) {
        i64 bond = rt_bind(interface, true);
        if (bond < 0) {
            rt_exit(2);
        }
        bonds[i] = (u32)bond;
    }
}

static u64 send_read(u32 number)
{
    u8 body[4] = {1};
    i64 id = rt_send(bonds[number % BONDS], STDIO_READ_ID, body, sizeof body);
    if (id < 0) {
        rt_exit(3);
    }
    return (u64)id;
}

// The next event must be this error of that message.
static void expect_error(u64 id, i32 error)
{
    struct rt_event event;
    rt_next(&event);
    if (event.id != id || event.error != error) {
        print_number("another message, or error ", (u64)-event.error);
        rt_exit(4);
    }
}

static void do_reads(void)
{
    bind(&stdio_interface);
    u64 first = send_read(0);
    for (u32 i = 1; i < READS; i++) {
        (void)send_read(i);
    }
    for (u32 i = 0; i < 2; i++) {
        expect_error(send_read(READS + i), E_BUSY);
    }
    struct system_cancel_call cancel = {first};
    struct system_result_none_error result;
    if (system_cancel(RT_SYSTEM_BOND, &cancel, &result) < 0 || !result.ok) {
        rt_exit(5);
    }
    expect_error(first, E_CANCELLED);
    (void)send_read(0); // has the place of the first
    expect_error(send_read(1), E_BUSY);
    print_number("reads ", READS);
}

static bool open(u32 number, u64 *socket, enum net_error *error)
{
    struct udp_open_call call = {
        .at = {.address = {.kind = NET_ADDRESS_IPV4, .as.ipv4 = LOCALHOST}}};
    struct udp_result_socket_net_error result;
    if (udp_open(bonds[number % BONDS], &call, &result) < 0) {
        rt_exit(3);
    }
    *error = result.error;
    *socket = result.value.socket;
    return result.ok;
}

static void do_sockets(void)
{
    bind(&udp_interface);
    u64 first;
    u64 socket;
    enum net_error error;
    u32 count = open(0, &first, &error);
    while (open(count, &socket, &error)) {
        count++;
    }
    print_number("limit ", error == NET_ERROR_LIMIT);
    struct udp_close_call close = {first};
    struct udp_result_none_net_error closed;
    if (udp_close(bonds[0], &close, &closed) < 0 || !closed.ok) {
        rt_exit(4);
    }
    bool again = open(0, &first, &error);
    print_number("again ", again);
    print_number("beyond ", open(0, &socket, &error));
    print_number("sockets ", count);
    // The store has descriptors still.
    bind(&blocks_interface);
    struct blocks_get_call get = {
        SPAN_LITERAL("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")};
    static u8 body[256];
    struct blocks_result_bytes_error block;
    bool found = blocks_get(bonds[0], body, sizeof body, &get, &block) >= 0 &&
                 (block.ok || block.error.kind == BLOCKS_ERROR_NOT_FOUND);
    print_number("store ", found);
}

static void do_blocks(void)
{
    bind(&blocks_interface);
    u8 body[128];
    struct blocks_get_call call = {
        SPAN_LITERAL("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")};
    size_t size = blocks_get_encode_call(body, sizeof body, &call);
    for (u32 i = 0; i < GETS; i++) {
        if (rt_send(bonds[i % BONDS], BLOCKS_GET_ID, body, (u32)size) < 0) {
            rt_exit(3);
        }
    }
    u32 answered = 0;
    u32 busy = 0;
    for (u32 i = 0; i < GETS; i++) {
        struct rt_event event;
        rt_next(&event);
        answered += event.error == 0;
        busy += event.error == E_BUSY;
    }
    print_number("answers ", answered + busy);
    print_number("not fewer than the bound ", answered >= BLOCKS);
}

// Takes as many pages as it gets, touches none, and lets a child do the same: until there are none.
static void do_memory(void)
{
    u64 pages = 0;
    struct span before = rt_argument(2);
    for (size_t i = 0; i < before.size; i++) {
        pages = pages * 10 + (before.data[i] - '0');
    }
    for (u32 step = 4096; step > 0; step /= 2) {
        while (__builtin_wasm_memory_grow(0, step) != (size_t)-1) {
            pages += step;
        }
    }
    char number[24];
    struct text text = text_over(number, sizeof number);
    text_u64(&text, pages);
    struct span arguments[] = {SPAN_LITERAL("bounds"), SPAN_LITERAL("memory"),
                               span_of(text.data, text.size)};
    struct system_spawn_call spawn = {
        .request = {.program = rt_start_info()->program,
                    .arguments = {.count = COUNT_OF(arguments), .items = arguments}}};
    static u8 answer[512];
    struct system_result_u64_spawn_error child;
    if (system_spawn(RT_SYSTEM_BOND, answer, sizeof answer, &spawn, &child) < 0) {
        rt_exit(3);
    }
    if (!child.ok) {
        print_number("pages ", pages);
        return;
    }
    struct system_await_end_call await = {child.value};
    struct system_result_ending_error ending;
    if (system_await_end(RT_SYSTEM_BOND, answer, sizeof answer, &await, &ending) < 0 ||
        !ending.ok || ending.value.kind != SYSTEM_ENDING_EXITED) {
        rt_exit(4);
    }
    rt_exit(ending.value.as.exited);
}

u32 program_main(void)
{
    struct span what = rt_argument(1);
    if (span_equal(what, SPAN_LITERAL("reads"))) {
        do_reads();
    } else if (span_equal(what, SPAN_LITERAL("sockets"))) {
        do_sockets();
    } else if (span_equal(what, SPAN_LITERAL("memory"))) {
        do_memory();
    } else {
        do_blocks();
    }
    return 0;
}
