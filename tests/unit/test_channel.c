// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_channel.c: tools/redshirt/channel.h.
#include "core/base/mem.h"
#include "tools/redshirt/channel.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>

static u8 room[CHANNEL_CALL_BYTES];
static u8 frames[2 * CHANNEL_CALL_BYTES];

static void put(struct channel *channel, const u8 *bytes, size_t size)
{
    u8 *to;
    assert_true(channel_room(channel, &to) >= size);
    mem_copy(to, bytes, size);
    channel_got(channel, size);
}

static void calls_are_taken_in_order(void **state)
{
    (void)state;
    struct channel channel = channel_over(room, sizeof room);
    channel_write_call(frames, 7, 3);
    mem_copy(frames + CHANNEL_CALL_HEAD, "abc", 3);
    channel_write_call(frames + CHANNEL_CALL_HEAD + 3, 0xfedcba9876543210, 0);
    put(&channel, frames, 2 * CHANNEL_CALL_HEAD + 3);
    u64 function;
    struct span body;
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_OK);
    assert_true(function == 7 && span_equal(body, SPAN_LITERAL("abc")));
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_OK);
    assert_true(function == 0xfedcba9876543210 && body.size == 0);
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_PAUSED);
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_PAUSED);
}

static void a_frame_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct channel channel = channel_over(room, sizeof room);
    u32 code;
    struct span body;
    channel_write_answer(frames, 9, 2);
    frames[CHANNEL_ANSWER_HEAD] = 'x';
    frames[CHANNEL_ANSWER_HEAD + 1] = 'y';
    for (size_t i = 0; i < CHANNEL_ANSWER_HEAD + 2; i++) {
        assert_int_equal(channel_take_answer(&channel, &code, &body), ERR_PAUSED);
        put(&channel, frames + i, 1);
    }
    assert_int_equal(channel_take_answer(&channel, &code, &body), ERR_OK);
    assert_true(code == 9 && span_equal(body, SPAN_LITERAL("xy")));
}

static void a_frame_has_its_bounds(void **state)
{
    (void)state;
    u64 function;
    u32 code;
    struct span body;
    struct channel channel = channel_over(room, sizeof room);
    channel_write_call(frames, 1, CHANNEL_CALL_BYTES - CHANNEL_CALL_HEAD); // the longest
    put(&channel, frames, CHANNEL_CALL_BYTES);
    u8 *to;
    assert_int_equal(channel_room(&channel, &to), 0);
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_OK);
    assert_int_equal(body.size, CHANNEL_CALL_BYTES - CHANNEL_CALL_HEAD);
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_PAUSED); // and it is gone
    channel = channel_over(room, sizeof room);
    mem_store_u32(frames, CHANNEL_CALL_BYTES - 4 + 1);
    put(&channel, frames, 4);
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_MALFORMED);
    channel = channel_over(room, sizeof room);
    mem_store_u32(frames, UINT32_MAX);
    put(&channel, frames, 4);
    assert_int_equal(channel_take_answer(&channel, &code, &body), ERR_MALFORMED);
    channel = channel_over(room, sizeof room);
    mem_store_u32(frames, CHANNEL_CALL_HEAD - 4 - 1); // less than what stands before a body
    put(&channel, frames, 12);
    assert_int_equal(channel_take_call(&channel, &function, &body), ERR_MALFORMED);
    assert_int_equal(channel_take_answer(&channel, &code, &body), ERR_OK); // one of 3 bytes
    assert_int_equal(body.size, CHANNEL_CALL_HEAD - 4 - 1 - 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_taken_in_order),
        cmocka_unit_test(a_frame_may_come_byte_by_byte),
        cmocka_unit_test(a_frame_has_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
