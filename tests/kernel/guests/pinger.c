// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/pinger.c: sends COUNT messages of BYTES to redshirt:demo/ping and waits for
// each answer; with a third argument, keeps that many under way instead of waiting; with a fourth,
// to redshirt:test/lane instead.
#include "interfaces/lane.h"
#include "interfaces/lane_section.h"
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "programs/rt/redshirt.h"

enum { MOST_BYTES = 65536 + 128 };
static ALIGNED(16) u8 body[MOST_BYTES];
static ALIGNED(16) u8 notes[MOST_BYTES];

static u32 number(u32 index)
{
    struct span text = rt_argument(index);
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (u32)(text.data[i] - '0');
    }
    return value;
}

static u32 one_by_one(u32 bond, u64 function, u32 count, u32 bytes)
{
    for (u32 i = 0; i < count; i++) {
        mem_store_u32(body + 4, i);
        i64 got = redshirt_send(bond, function, body, bytes + 4, notes, sizeof notes, SEND_WAIT);
        if (got != bytes + 4 || mem_load_u32(notes + 4) != i) {
            return 3;
        }
    }
    return 0;
}

static u32 many_at_once(u32 bond, u64 function, u32 count, u32 bytes, u32 most)
{
    u32 sent = 0;
    u32 answered = 0;
    while (answered < count) {
        while (sent < count && sent - answered < most) {
            if (redshirt_send(bond, function, body, bytes + 4, NULL, 0, 0) <= 0) {
                return 4;
            }
            sent++;
        }
        i32 got = redshirt_wait(notes, sizeof notes, 0);
        if (got <= 0) {
            return 5;
        }
        for (u32 at = 0; at < (u32)got; at += mem_load_u32(notes + at)) {
            answered++;
        }
    }
    return 0;
}

u32 program_main(void)
{
    u32 count = number(1);
    u32 bytes = number(2);
    u32 most = number(3);
    bool is_lane = number(4) != 0;
    u64 function = is_lane ? LANE_PING_ID : PING_PING_ID;
    i64 bond = rt_bind(is_lane ? &lane_interface : &ping_interface, true);
    if (bond < 0 || bytes + 4 > MOST_BYTES - 64) {
        return 2;
    }
    mem_store_u32(body, bytes);
    return most == 0 ? one_by_one((u32)bond, function, count, bytes)
                     : many_at_once((u32)bond, function, count, bytes, most);
}
