// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/puppet.c: does the three syscalls with whatever arguments a test gives it.
#include "interfaces/puppet.h"
#include "core/base/mem.h"
#include "interfaces/puppet_section.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"
#include "tests/kernel/puppet.h"

enum {
    COMMAND_BYTES = 1 << 17,
    HALF = PUPPET_AREA_BYTES / 2,
};

static ALIGNED(16) u8 area[PUPPET_AREA_BYTES];
static ALIGNED(16) u8 request[COMMAND_BYTES];
static ALIGNED(16) u8 response[COMMAND_BYTES];
static volatile u32 sink;

static const u8 *at(u64 address)
{
    return (const u8 *)(uintptr_t)(u32)address;
}

NOINLINE static u32 recurse(u32 depth)
{
    sink = depth;
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + sink;
}

static void spin(u64 times)
{
    for (u64 i = 0; times == 0 || i < times; i++) {
        sink = (u32)i;
    }
}

static i64 poll(u64 times)
{
    i64 result = 0;
    for (u64 i = 0; times == 0 || i < times; i++) {
        result = redshirt_wait(area + HALF, 0, WAIT_POLL);
    }
    return result;
}

static i64 call(const struct puppet_command *command)
{
    i64 result = 0;
    for (u64 i = 0; i < command->d && result >= 0; i++) {
        result = redshirt_send((u32)command->a, command->b, area + HALF, (u32)command->c,
                               area + HALF, HALF, SEND_WAIT);
    }
    return result;
}

static i64 fill(const struct puppet_command *command)
{
    u32 count = 0;
    u64 last = 0;
    while (command->e == 0 || count < command->e) {
        i64 result = redshirt_send((u32)command->a, command->b, area + HALF, (u32)command->c, NULL,
                                   0, (u32)command->d);
        if (result >= 0) {
            count++;
            last = (u64)result;
            continue;
        }
        if (last != 0) {
            struct system_cancel_call call_cancel = {last};
            struct system_result_none_error cancelled;
            u8 note[64];
            if (system_cancel(RT_SYSTEM_BOND, &call_cancel, &cancelled) < 0 || !cancelled.ok ||
                redshirt_wait(note, sizeof note, 0) < 0) {
                return -1001;
            }
            count--;
        }
        return (i64)count << 8 | -result;
    }
    return (i64)count << 8;
}

static void echo(void)
{
    struct rt_event event;
    rt_next(&event);
    for (;;) {
        if (event.kind == NOTIFICATION_MESSAGE) {
            rt_answer_next(event.id, event.body.data, (u32)event.body.size, &event);
        } else {
            rt_next(&event);
        }
    }
}

static i64 act(const struct puppet_command *command, struct span *bytes)
{
    switch (command->kind) {
    case PUPPET_SEND:
        return redshirt_send((u32)command->a, command->b, at(command->c), (u32)command->d,
                             (void *)at(command->e), (u32)command->f, (u32)command->g);
    case PUPPET_ANSWER:
        return redshirt_answer(command->a, at(command->b), (u32)command->c, (void *)at(command->d),
                               (u32)command->e, (u32)command->f);
    case PUPPET_WAIT:
        return redshirt_wait((void *)at(command->a), (u32)command->b, (u32)command->c);
    case PUPPET_POKE:
        mem_copy((void *)at(command->a), command->bytes.data, command->bytes.size);
        return 0;
    case PUPPET_PEEK:
        *bytes = span_of(at(command->a), (u32)command->b);
        return 0;
    case PUPPET_GROW:
        return (i64)(i32)__builtin_wasm_memory_grow(0, (u32)command->a);
    case PUPPET_TRAP:
        __builtin_trap();
    case PUPPET_RECURSE:
        return recurse(0);
    case PUPPET_SPIN:
        spin(command->a);
        return 0;
    case PUPPET_POLL:
        return poll(command->a);
    case PUPPET_CALL:
        return call(command);
    case PUPPET_FILL:
        return fill(command);
    case PUPPET_ECHO:
        echo();
        return 0;
    default:
        return -1000;
    }
}

u32 program_main(void)
{
    i64 bond = rt_bind(&puppet_interface, true);
    if (bond < 0) {
        return 1;
    }
    struct puppet_next_call call_next = {.process = rt_start_info()->process,
                                         .outcome = (i64)(uintptr_t)area};
    for (;;) {
        struct puppet_command command;
        size_t size = puppet_next_encode_call(request, sizeof request, &call_next);
        i64 got = rt_call((u32)bond, PUPPET_NEXT_ID, request, (u32)size, response, sizeof response);
        if (got < 0 ||
            puppet_next_decode_result(span_of(response, (size_t)got), &command) != ERR_OK) {
            return 2;
        }
        if (command.kind == PUPPET_RETURN) {
            return (u32)command.a;
        }
        call_next.bytes = (struct span){0};
        call_next.outcome = act(&command, &call_next.bytes);
    }
}
