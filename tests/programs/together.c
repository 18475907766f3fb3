// SPDX-License-Identifier: GPL-3.0-or-later
// Runs several programs side by side: together CID ARGUMENT... , CID ARGUMENT... , and so on. When
// the last one has ended, says how, ends the others and leaves with the last one's code; 134 for a
// trap, 66 when one cannot be spawned.
#include "core/base/memory.h"
#include "core/base/text.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"

enum { PROGRAMS = 8, ARGUMENTS = 32, BODY_BYTES = 8192 };

static u8 body[BODY_BYTES];
static u64 children[PROGRAMS];
static u32 child_count;

static void say(const char *words, struct span detail)
{
    char line[600];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "together: ");
    text_string(&text, words);
    text_printable(&text, detail);
    text_char(&text, '\n');
    (void)rt_print_error(line);
}

static struct span spawn_error(const struct system_spawn_error *error)
{
    switch (error->kind) {
    case SYSTEM_SPAWN_ERROR_BAD_CID:
        return error->as.bad_cid;
    case SYSTEM_SPAWN_ERROR_NOT_FOUND:
        return error->as.not_found;
    case SYSTEM_SPAWN_ERROR_WRONG_BYTES:
        return error->as.wrong_bytes;
    case SYSTEM_SPAWN_ERROR_NOT_A_PROGRAM:
        return error->as.not_a_program;
    case SYSTEM_SPAWN_ERROR_LOAD_FAILED:
        return error->as.load_failed;
    default:
        return SPAN_LITERAL("at a limit, or denied");
    }
}

static bool spawn(const struct span *words, u32 count)
{
    struct system_spawn_call call = {
        .request = {.program = words[0], .arguments = {.count = count, .items = words}}};
    struct system_result_u64_spawn_error result;
    i64 error = system_spawn(RT_SYSTEM_BOND, body, sizeof body, &call, &result);
    if (error < 0) {
        say("spawn is refused: ", span_string(rt_error_name(error)));
        return false;
    }
    if (!result.ok) {
        say("spawn failed: ", spawn_error(&result.error));
        return false;
    }
    children[child_count++] = result.value;
    return true;
}

static bool spawn_all(void)
{
    struct system_list_bytes arguments = rt_start_info()->arguments;
    struct span words[ARGUMENTS];
    struct span word;
    u32 count = 0;
    (void)system_list_bytes_next(&arguments, &word); // our own name
    while (system_list_bytes_next(&arguments, &word)) {
        if (!span_equal(word, SPAN_LITERAL(","))) {
            if (count == ARGUMENTS) {
                return false;
            }
            words[count++] = word;
        } else if (count == 0 || child_count == PROGRAMS - 1 || !spawn(words, count)) {
            return false;
        } else {
            count = 0;
        }
    }
    return count != 0 && spawn(words, count);
}

static u32 await_last(void)
{
    struct system_await_end_call call = {children[child_count - 1]};
    struct system_result_ending_error result;
    if (system_await_end(RT_SYSTEM_BOND, body, sizeof body, &call, &result) < 0 || !result.ok) {
        say("await-end failed", (struct span){0});
        return 70;
    }
    switch (result.value.kind) {
    case SYSTEM_ENDING_EXITED:
        return result.value.as.exited;
    case SYSTEM_ENDING_TRAPPED:
        say("trapped: ", result.value.as.trapped);
        return 134;
    case SYSTEM_ENDING_KILLED:
        say("killed", (struct span){0});
        return 137;
    }
    return 70;
}

u32 program_main(void)
{
    u32 code = spawn_all() ? await_last() : 66;
    for (u32 i = 0; i + 1 < child_count; i++) {
        struct system_kill_call call = {children[i]};
        struct system_result_none_error result;
        (void)system_kill(RT_SYSTEM_BOND, &call, &result);
    }
    return code;
}
