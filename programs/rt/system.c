// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/system.c: what every program asks of the kernel.
#include "interfaces/system.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "interfaces/system_client.h"
#include "interfaces/system_section.h"
#include "programs/rt/redshirt.h"

enum {
    ANSWER_BYTES = 512,      // of bind: its longest names a function
    START_BYTES_FIRST = 512, // of start: most programs get a few words
};

static struct system_hash hash_of(const struct interface_definition *interface)
{
    return (struct system_hash){
        .a = mem_load_u64(interface->hash),
        .b = mem_load_u64(interface->hash + 8),
        .c = mem_load_u64(interface->hash + 16),
        .d = mem_load_u64(interface->hash + 24),
    };
}

i64 rt_bind(const struct interface_definition *interface, bool patient)
{
    static const i32 errors[] = {
        [SYSTEM_BIND_ERROR_NOT_DECLARED] = E_FUNCTION,
        [SYSTEM_BIND_ERROR_NO_HANDLER] = E_NO_HANDLER,
        [SYSTEM_BIND_ERROR_MISSING_FUNCTION] = E_FUNCTION,
        [SYSTEM_BIND_ERROR_DENIED] = E_DENIED,
        [SYSTEM_BIND_ERROR_LIMIT] = E_LIMIT,
    };
    u8 buffer[ANSWER_BYTES];
    struct system_bind_call call = {.interface = hash_of(interface), .patient = patient};
    struct system_result_u32_bind_error result;
    i64 error = system_bind(RT_SYSTEM_BOND, buffer, sizeof buffer, &call, &result);
    if (error < 0) {
        return error;
    }
    return result.ok ? (i64)result.value : errors[result.error.kind];
}

i64 rt_register(const struct interface_definition *interface)
{
    static const i32 errors[] = {
        [SYSTEM_REGISTER_ERROR_NOT_DECLARED] = E_FUNCTION,
        [SYSTEM_REGISTER_ERROR_TAKEN] = E_BUSY,
        [SYSTEM_REGISTER_ERROR_DENIED] = E_DENIED,
        [SYSTEM_REGISTER_ERROR_LIMIT] = E_LIMIT,
    };
    struct system_register_call call = {.interface = hash_of(interface)};
    struct system_result_u32_register_error result;
    i64 error = system_register(RT_SYSTEM_BOND, &call, &result);
    if (error < 0) {
        return error;
    }
    return result.ok ? (i64)result.value : errors[result.error.kind];
}

void rt_exit(u32 code)
{
    struct system_exit_call call = {code};
    (void)system_exit(RT_SYSTEM_BOND, &call);
    __builtin_trap(); // exit is never answered
}

// Not by rt_call_large: an answer that has to wait for its room counts in the budget of the
// process, which may leave nothing; one that fits where it is awaited does not.
static struct span start_answer(void)
{
    for (size_t room = START_BYTES_FIRST;; room *= 2) {
        u8 *block = memory_take(rt_memory(), room);
        ASSERT(block != NULL);
        i64 size = rt_call(RT_SYSTEM_BOND, SYSTEM_START_ID, NULL, 0, block, (u32)room);
        if (size != E_BUFFER) {
            ASSERT(size >= 0);
            return span_of(block, (size_t)size);
        }
        memory_give(rt_memory(), block, room);
    }
}

const struct system_start_info *rt_start_info(void)
{
    static struct system_start_info info;
    static bool known;
    if (!known) {
        enum err err = system_start_decode_result(start_answer(), &info); // which stays
        ASSERT(err == ERR_OK);
        known = true;
    }
    return &info;
}

struct span rt_argument(u32 index)
{
    struct system_list_bytes list = rt_start_info()->arguments;
    struct span argument;
    for (u32 i = 0; system_list_bytes_next(&list, &argument); i++) {
        if (i == index) {
            return argument;
        }
    }
    return (struct span){0};
}

struct interface_message rt_message(const struct rt_event *event)
{
    return (struct interface_message){event->id, event->function, event->client, event->body};
}

enum abi_error rt_dispatch_error(enum err err)
{
    switch (err) {
    case ERR_NOT_FOUND:
        return E_FUNCTION;
    case ERR_UNSUPPORTED:
        return E_UNSUPPORTED;
    default:
        return E_MALFORMED;
    }
}
