// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/spawner.c: starts the program of the fifth argument by
// redshirt:kernel/processes and waits for its end, COUNT times.
#include "interfaces/processes.h"
#include "interfaces/processes_client.h"
#include "interfaces/processes_section.h"
#include "programs/rt/redshirt.h"

static u32 number(struct span text)
{
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (u32)(text.data[i] - '0');
    }
    return value;
}

u32 program_main(void)
{
    u8 buffer[1024];
    i64 bond = rt_bind(&processes_interface, true);
    if (bond < 0) {
        return 2;
    }
    struct processes_spawn_call spawn = {
        .request = {.program = {PROCESSES_PROGRAM_CID, {rt_argument(5)}}}};
    for (u32 count = number(rt_argument(1)); count > 0; count--) {
        struct processes_result_u64_system_spawn_error started;
        if (processes_spawn((u32)bond, buffer, sizeof buffer, &spawn, &started) < 0 ||
            !started.ok) {
            return 3;
        }
        struct processes_wait_call wait = {started.value};
        struct processes_result_system_ending_system_error ended;
        if (processes_wait((u32)bond, buffer, sizeof buffer, &wait, &ended) < 0 || !ended.ok ||
            ended.value.kind != SYSTEM_ENDING_EXITED || ended.value.as.exited != 0) {
            return 4;
        }
    }
    return 0;
}
