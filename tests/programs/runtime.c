// SPDX-License-Identifier: GPL-3.0-or-later
// Checks programs/rt from inside: memory, calls whose answers do not fit, long and many answers as
// events, polling, cancelling. Needs a handler of redshirt:demo/ping. Prints "good", or what is
// not.
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "interfaces/ping.h"
#include "interfaces/ping_client.h"
#include "interfaces/ping_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum {
    BLOCKS = 64,
    STEPS = 20000,
    LONG_BYTES = 1 << 20, // beyond what the event buffer keeps
    MANY = 200,
};

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fail(#cond, __LINE__);                                                                 \
        }                                                                                          \
    } while (0)

extern u8 __heap_base; // the linker's

static u32 failures;

static void fail(const char *claim, int line)
{
    char words[200];
    struct text text = text_over(words, sizeof words);
    text_u64(&text, (u64)line);
    text_string(&text, ": ");
    text_string(&text, claim);
    text_char(&text, '\n');
    (void)rt_print(words);
    failures++;
}

static u32 dice(void)
{
    static u64 state = 88172645463325252ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)(state >> 16);
}

// ---- memory

struct block {
    u8 *bytes;
    u32 size;
    u8 mark;
};

static bool block_holds(const struct block *block)
{
    for (u32 i = 0; i < block->size; i++) {
        if (block->bytes[i] != block->mark) {
            return false;
        }
    }
    return true;
}

static void check_memory(void)
{
    static struct block blocks[BLOCKS];
    for (u32 i = 0; i < STEPS; i++) {
        struct block *block = &blocks[dice() % BLOCKS];
        if (block->bytes != NULL) {
            CHECK(block_holds(block));
            memory_give(rt_memory(), block->bytes, block->size);
        }
        block->size = 1 + dice() % (dice() % 16 == 0 ? 20000 : 200);
        block->mark = (u8)i;
        block->bytes = memory_take(rt_memory(), block->size);
        CHECK(block->bytes != NULL && (uintptr_t)block->bytes % 16 == 0);
        if (block->bytes == NULL) {
            return;
        }
        mem_fill(block->bytes, block->mark, block->size);
    }
    for (u32 i = 0; i < BLOCKS; i++) {
        CHECK(block_holds(&blocks[i]));
        memory_give(rt_memory(), blocks[i].bytes, blocks[i].size);
    }
    // all of it was joined again: the whole heap is there in one piece, without growing
    size_t pages = __builtin_wasm_memory_size(0);
    size_t whole = pages * 65536 - (((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15);
    u8 *piece = memory_take(rt_memory(), whole);
    CHECK(piece != NULL && __builtin_wasm_memory_size(0) == pages);
    memory_give(rt_memory(), piece, whole);
    CHECK(memory_take(rt_memory(), (size_t)1 << 31) == NULL);
}

// ---- calls

static u8 body[LONG_BYTES + 16];
static u8 back[LONG_BYTES + 16];

static size_t ping_of(u32 bytes, u8 mark)
{
    mem_fill(back, mark, bytes);
    struct ping_ping_call call = {span_of(back, bytes)};
    return ping_ping_encode_call(body, sizeof body, &call);
}

static void check_calls(u32 bond)
{
    static const u32 sizes[] = {0, 1, 4, 100, 70000, LONG_BYTES};
    for (u32 i = 0; i < COUNT_OF(sizes); i++) {
        size_t size = ping_of(sizes[i], (u8)(i + 1));
        struct span large = {0};
        CHECK(rt_call(bond, PING_PING_ID, body, (u32)size, back, sizeof back) == (i64)size);
        CHECK(mem_equal(body, back, size));
        // one byte too few: refused, dropped, and the next call has its own answer
        CHECK(rt_call(bond, PING_PING_ID, body, (u32)size, back, (u32)size - 1) == E_BUFFER);
        CHECK(rt_call_large(bond, PING_PING_ID, body, (u32)size, &large) == (i64)size);
        CHECK(large.size == size && mem_equal(large.data, body, size));
        memory_give(rt_memory(), (void *)large.data, large.size);
    }
    u8 short_body[2] = {1, 2};
    struct span none;
    CHECK(rt_call(bond, PING_PING_ID, short_body, 2, back, sizeof back) == E_MALFORMED);
    CHECK(rt_call(bond, PING_PING_ID, short_body, 2, NULL, 0) == E_MALFORMED);
    CHECK(rt_call_large(bond, PING_PING_ID, short_body, 2, &none) == E_MALFORMED);
    CHECK(rt_call(bond, 12345, NULL, 0, back, sizeof back) == E_FUNCTION);
    CHECK(rt_call(bond + 1, PING_PING_ID, NULL, 0, back, sizeof back) == E_HANDLE);
    CHECK(rt_call(bond, PING_PING_ID, (void *)~(uintptr_t)15, 100, NULL, 0) == E_FAULT);
    CHECK(rt_error_name(E_FAULT)[2] == 'F' && rt_error_name(-99)[2] == '?');
}

// ---- events

static void check_events(u32 bond)
{
    static u64 ids[MANY];
    struct rt_event event;
    CHECK(!rt_poll(&event));
    for (u32 i = 0; i < MANY; i++) {
        size_t size = ping_of(i % 7 == 0 ? 3000 : i, (u8)i);
        i64 id = rt_send(bond, PING_PING_ID, body, (u32)size);
        CHECK(id > 0);
        ids[i] = (u64)id;
    }
    CHECK(rt_tell(bond, PING_PING_ID, body, 5) == 0);
    for (u32 i = 0; i < MANY; i++) { // answers keep the order; a call in between disturbs nothing
        rt_next(&event);
        CHECK(event.kind == NOTIFICATION_ANSWER && event.id == ids[i] && event.error == 0);
        CHECK(event.body.size == (i % 7 == 0 ? 3000 : i) + 4u);
        CHECK(event.body.size == 4 || event.body.data[4] == (u8)i);
        if (i % 50 == 0) {
            size_t size = ping_of(9, 9);
            CHECK(rt_call(bond, PING_PING_ID, body, (u32)size, back, sizeof back) == (i64)size);
        }
    }
    size_t size = ping_of(LONG_BYTES, 77);
    i64 id = rt_send(bond, PING_PING_ID, body, (u32)size);
    rt_next(&event);
    CHECK(event.id == (u64)id && event.body.size == size);
    CHECK(mem_equal(event.body.data, body, size));
    CHECK(!rt_poll(&event));
}

static void check_cancel(void)
{
    i64 bond = rt_bind(&time_interface, true);
    u8 call_body[TIME_WAIT_UNTIL_CALL_BYTES];
    struct time_wait_until_call never = {UINT64_MAX};
    size_t size = time_wait_until_encode_call(call_body, sizeof call_body, &never);
    i64 id = rt_send((u32)bond, TIME_WAIT_UNTIL_ID, call_body, (u32)size);
    struct system_cancel_call cancel = {(u64)id};
    struct system_result_none_error result;
    struct rt_event event;
    CHECK(id > 0 && system_cancel(RT_SYSTEM_BOND, &cancel, &result) == 0 && result.ok);
    rt_next(&event);
    CHECK(event.kind == NOTIFICATION_ANSWER && event.id == (u64)id && event.error == E_CANCELLED);
    CHECK(system_cancel(RT_SYSTEM_BOND, &cancel, &result) == 0 && !result.ok);
}

u32 program_main(void)
{
    check_memory();
    i64 bond = rt_bind(&ping_interface, true);
    CHECK(bond > 0);
    check_calls((u32)bond);
    check_events((u32)bond);
    check_cancel();
    CHECK(rt_argument(0).size != 0 && rt_argument(99).size == 0);
    CHECK(rt_register(&ping_interface) == E_BUSY);
    return failures == 0 && rt_print("good\n") == 0 ? 0 : 1;
}
