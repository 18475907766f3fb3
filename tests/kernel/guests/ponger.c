// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/ponger.c: handles redshirt:demo/ping, or with an argument redshirt:test/lane,
// by the imports alone, without the runtime's event loop: what a message costs the kernel, and as
// little else as can be.
#include "core/base/abi.h"
#include "interfaces/lane.h"
#include "interfaces/lane_section.h"
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "programs/rt/redshirt.h"

static ALIGNED(16) u8 notes[65536 + 128];

static void answer(const struct abi_notification *header)
{
    if (header->kind == NOTIFICATION_MESSAGE) {
        (void)redshirt_answer(header->id, (const u8 *)(header + 1), header->body_len, NULL, 0, 0);
    }
}

u32 program_main(void)
{
    struct span lane = rt_argument(4);
    bool is_lane = lane.size != 0 && lane.data[0] != '0';
    if (rt_register(is_lane ? &lane_interface : &ping_interface) < 0) {
        return 1;
    }
    i32 got = redshirt_wait(notes, sizeof notes, 0);
    while (got > 0) {
        u32 at = 0;
        const struct abi_notification *header = (const void *)notes;
        for (; at + header->size < (u32)got; header = (const void *)(notes + at)) {
            answer(header);
            at += header->size;
        }
        if (header->kind != NOTIFICATION_MESSAGE) {
            got = redshirt_wait(notes, sizeof notes, 0);
            continue;
        }
        got = redshirt_answer(header->id, (const u8 *)(header + 1), header->body_len, notes,
                              sizeof notes, ANSWER_WAIT);
        if (got == E_HANDLE) { // its client is gone
            got = redshirt_wait(notes, sizeof notes, 0);
        }
    }
    return 2;
}
