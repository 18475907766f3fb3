// SPDX-License-Identifier: GPL-3.0-or-later
// Spawns all the programs that its arguments name, at once, and waits for the end of each: prints
// "N started, M good", good being exit code 0.
#include "core/base/text.h"
#include "interfaces/system.h"
#include "programs/rt/redshirt.h"

enum { BODY_BYTES = 256 };

static u32 started;
static u32 good;

static void spawn_send(struct span program)
{
    u8 body[BODY_BYTES];
    struct system_spawn_call call = {
        .request = {.program = program, .arguments = {.count = 1, .items = &program}}};
    size_t size = system_spawn_encode_call(body, sizeof body, &call);
    (void)rt_send(RT_SYSTEM_BOND, SYSTEM_SPAWN_ID, body, (u32)size);
}

// The number of the child, or 0 when there is none.
static u64 spawn_answer(const struct rt_event *event)
{
    struct system_result_u64_spawn_error result;
    if (event->error != 0 || system_spawn_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        return 0;
    }
    return result.value;
}

static bool end_is_good(u64 child)
{
    u8 body[BODY_BYTES];
    struct system_await_end_call call = {child};
    struct system_result_ending_error result;
    size_t size = system_await_end_encode_call(body, sizeof body, &call);
    i64 got = rt_call(RT_SYSTEM_BOND, SYSTEM_AWAIT_END_ID, body, (u32)size, body, sizeof body);
    return got >= 0 &&
           system_await_end_decode_result(span_of(body, (size_t)got), &result) == ERR_OK &&
           result.ok && result.value.kind == SYSTEM_ENDING_EXITED && result.value.as.exited == 0;
}

u32 program_main(void)
{
    struct system_list_bytes arguments = rt_start_info()->arguments;
    struct span program;
    u32 count = 0;
    (void)system_list_bytes_next(&arguments, &program);
    while (system_list_bytes_next(&arguments, &program)) {
        spawn_send(program);
        count++;
    }
    for (u32 i = 0; i < count; i++) {
        struct rt_event event;
        rt_next(&event);
        u64 child = spawn_answer(&event);
        started += child != 0;
        good += child != 0 && end_is_good(child);
    }
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_u64(&text, started);
    text_string(&text, " started, ");
    text_u64(&text, good);
    text_string(&text, " good\n");
    return rt_print(line) == 0 && good == count ? 0 : 1;
}
