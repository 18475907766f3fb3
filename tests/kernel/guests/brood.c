// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/brood.c: one who has children, and stays. Arguments: their CID, and how many
// small ones it has before it ends the first of them and has another. Without a number they are
// fast, until that is refused; then it gives one's place back, has it again, is refused again, and
// has one more that may be small. What happens otherwise ends it with SURPRISE or more.
#include "core/base/mem.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"

enum { SURPRISE = 100, ANSWER_BYTES = 1024 };

static void expect(bool holds, u32 code)
{
    if (!holds) {
        rt_exit(SURPRISE + code);
    }
}

// A child's number. 0: it was refused, as a limit.
static u64 spawn(enum system_memory_kind memory)
{
    static u8 answer[ANSWER_BYTES];
    struct system_spawn_within_call call = {
        .request = {.program = rt_argument(1)},
        .limits = {.memory = memory},
    };
    struct system_result_u64_spawn_error result;
    i64 error = system_spawn_within(RT_SYSTEM_BOND, answer, sizeof answer, &call, &result);
    expect(error >= 0, 1);
    expect(result.ok || result.error.kind == SYSTEM_SPAWN_ERROR_LIMIT, 2);
    return result.ok ? result.value : 0;
}

static void end(u64 child)
{
    static u8 answer[ANSWER_BYTES];
    struct system_kill_call kill = {child};
    struct system_result_none_error killed;
    expect(system_kill(RT_SYSTEM_BOND, &kill, &killed) >= 0 && killed.ok, 3);
    struct system_await_end_call await = {child};
    struct system_result_ending_error ended;
    expect(system_await_end(RT_SYSTEM_BOND, answer, sizeof answer, &await, &ended) >= 0, 4);
    expect(ended.ok && ended.value.kind == SYSTEM_ENDING_KILLED, 5);
}

static u32 number(struct span text)
{
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (u32)(text.data[i] - '0');
    }
    return value;
}

static void have_small(u32 count)
{
    u64 first = 0;
    for (u32 i = 0; i < count; i++) {
        u64 child = spawn(SYSTEM_MEMORY_KIND_SMALL);
        expect(child != 0, 9);
        first = i == 0 ? child : first;
    }
    end(first);
    expect(spawn(SYSTEM_MEMORY_KIND_SMALL) != 0, 10);
}

static void have_fast(void)
{
    u64 last = 0;
    for (u64 child = 1; child != 0; child = spawn(SYSTEM_MEMORY_KIND_FAST)) {
        last = child;
    }
    end(last);
    expect(spawn(SYSTEM_MEMORY_KIND_FAST) != 0, 6);
    expect(spawn(SYSTEM_MEMORY_KIND_FAST) == 0, 7);
    expect(spawn(SYSTEM_MEMORY_KIND_AUTOMATIC) != 0, 8);
}

u32 program_main(void)
{
    u32 small = number(rt_argument(2));
    if (small > 0) {
        have_small(small);
    } else {
        have_fast();
    }
    u8 note[64];
    while (redshirt_wait(note, sizeof note, 0) > 0) {
    }
    return SURPRISE;
}
