// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/ponger.c: handles redshirt:demo/ping by the imports alone, without the runtime's event loop:
// what a message costs the kernel, and as little else as can be.
#include "core/base/abi.h"
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "programs/rt/redshirt.h"

static ALIGNED(16) u8 notes[65536 + 128];

u32 program_main(void)
{
    if (rt_register(&ping_interface) < 0) {
        return 1;
    }
    const struct abi_notification *header = (const void *)notes;
    i32 got = redshirt_wait(notes, sizeof notes, 0);
    while (got > 0) {
        if (header->kind != NOTIFICATION_MESSAGE || (u32)got != header->size) {
            got = redshirt_wait(notes, sizeof notes, 0);
            continue;
        }
        got = redshirt_answer(header->id, notes + sizeof *header, header->body_len, notes,
                              sizeof notes, ANSWER_WAIT);
    }
    return 2;
}
