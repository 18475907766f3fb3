// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/vandal.c: takes what it can get of one thing, for ever. Its first argument
// says of what:
//
//   fork    starts itself again and again, as do those
//   flood   sends redshirt:demo/ping messages and takes no answers
//   hoard   memory, of which it writes to each page again and again
//   spin    time
#include "core/base/mem.h"
#include "core/base/span.h"
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"

enum { PAGE_BYTES = 65536, BODY_BYTES = 1024 };

static void fork(void)
{
    static u8 answer[256];
    struct span arguments[] = {SPAN_LITERAL("vandal"), SPAN_LITERAL("fork")};
    struct system_spawn_call call = {
        .request = {.program = rt_start_info()->program,
                    .arguments = {.count = COUNT_OF(arguments), .items = arguments}}};
    for (;;) {
        struct system_result_u64_spawn_error child;
        (void)system_spawn(RT_SYSTEM_BOND, answer, sizeof answer, &call, &child);
    }
}

static void flood(void)
{
    static u8 body[BODY_BYTES];
    i64 bond = rt_bind(&ping_interface, true);
    mem_store_u32(body, BODY_BYTES - 4);
    for (;;) {
        (void)redshirt_send((u32)bond, PING_PING_ID, body, sizeof body, NULL, 0, 0);
    }
}

static void hoard(void)
{
    for (;;) {
        (void)__builtin_wasm_memory_grow(0, 1);
        size_t pages = __builtin_wasm_memory_size(0);
        for (size_t i = pages - 1; i > 2; i--) { // what it is made of lies before that
            *(volatile u8 *)(uintptr_t)(i * PAGE_BYTES) += 1;
        }
    }
}

u32 program_main(void)
{
    struct span what = rt_argument(1);
    if (span_equal(what, SPAN_LITERAL("fork"))) {
        fork();
    } else if (span_equal(what, SPAN_LITERAL("flood"))) {
        flood();
    } else if (span_equal(what, SPAN_LITERAL("hoard"))) {
        hoard();
    }
    for (volatile u32 i = 0;; i = i + 1) {
    }
}
