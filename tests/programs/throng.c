// SPDX-License-Identifier: GPL-3.0-or-later
// tests/programs/throng.c: many processes of any name that have bonds and do little.
//
//     throng PROGRAM COUNT NAME   starts COUNT processes of that CID (its own) that run `stay` and
//                                 are called NAME, in which ~ is a new line; prints `started N`
//                                 and stays
//     NAME stay                   has bonds to four interfaces, and asks for the time ten times a
//                                 second
#include "core/base/text.h"
#include "interfaces/log.h"
#include "interfaces/log_section.h"
#include "interfaces/random.h"
#include "interfaces/random_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_section.h"
#include "interfaces/system.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum { BODY_BYTES = 512, NAME_BYTES = 128, REST_NS = 100000000 };

static u32 stay(void)
{
    i64 clock = rt_bind(&time_interface, true);
    if (clock < 0 || rt_bind(&log_interface, true) < 0 || rt_bind(&random_interface, true) < 0 ||
        rt_bind(&stdio_interface, true) < 0) {
        return 1;
    }
    for (;;) {
        u64 now = 0;
        (void)time_monotonic((u32)clock, &now);
        struct time_wait_until_call until = {now + REST_NS};
        (void)time_wait_until((u32)clock, &until);
    }
}

static bool spawn(struct span program, struct span name)
{
    u8 body[BODY_BYTES];
    struct span arguments[] = {name, SPAN_LITERAL("stay")};
    struct system_spawn_call call = {
        .request = {.program = program, .arguments = {.count = 2, .items = arguments}}};
    size_t size = system_spawn_encode_call(body, sizeof body, &call);
    struct system_result_u64_spawn_error result;
    i64 got = rt_call(RT_SYSTEM_BOND, SYSTEM_SPAWN_ID, body, (u32)size, body, sizeof body);
    return got >= 0 && system_spawn_decode_result(span_of(body, (size_t)got), &result) == ERR_OK &&
           result.ok;
}

u32 program_main(void)
{
    struct system_list_bytes arguments = rt_start_info()->arguments;
    struct span words[4] = {0};
    for (u32 i = 0; i < 4 && system_list_bytes_next(&arguments, &words[i]); i++) {
    }
    if (span_equal(words[1], SPAN_LITERAL("stay"))) {
        return stay();
    }
    u32 count = 0;
    for (size_t i = 0; i < words[2].size; i++) {
        count = count * 10 + (words[2].data[i] - '0');
    }
    char name[NAME_BYTES];
    struct text called = text_over(name, sizeof name);
    for (size_t i = 0; i < words[3].size; i++) {
        text_char(&called, words[3].data[i] == '~' ? '\n' : (char)words[3].data[i]);
    }
    u32 started = 0;
    for (u32 i = 0; i < count; i++) {
        started += spawn(words[1], span_of(name, called.size));
    }
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "started ");
    text_u64(&text, started);
    text_string(&text, "\n");
    return rt_print(line) == 0 && started == count ? stay() : 1;
}
