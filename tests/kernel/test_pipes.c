// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_pipes.c: what core/kernel/pipe.h and interfaces/processes.wit promise of pipes.
#include "interfaces/budget.h"
#include "tests/kernel/children.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

static struct notification note;

// Two children and the pipe from one to the other, of which the shell has closed its ends.
struct pair {
    struct puppet *left;
    struct puppet *right;
    u32 writes; // the left one's bond to stdio
    u32 reads;
};

static struct pair pair_open(struct family *family)
{
    struct family_ends ends = family_pipe(family);
    struct pair pair;
    pair.left = family_spawn(family, family_nothing, family_end(ends.writer), family_nothing);
    pair.right = family_spawn(family, family_end(ends.reader), family_nothing, family_nothing);
    assert_int_equal(family_close(family, ends.writer), 0);
    assert_int_equal(family_close(family, ends.reader), 0);
    pair.writes = family_bind(family, pair.left, &family_stdio);
    pair.reads = family_bind(family, pair.right, &family_stdio);
    return pair;
}

static i64 put(struct family *family, const struct pair *pair, struct span bytes)
{
    return child_write(family, pair->left, pair->writes, STDIO_STREAM_OUTPUT, bytes);
}

static i64 get(struct family *family, const struct pair *pair, u32 max)
{
    return child_read(family, pair->right, pair->reads, max);
}

// Bytes of a stream of any length, each unlike those before it at the usual sizes.
static struct span pattern(u64 start, u32 size)
{
    static u8 bytes[KERNEL_PIPE_BYTES + 1];
    for (u32 i = 0; i < size; i++) {
        u64 at = start + i;
        bytes[i] = (u8)(at ^ at >> 8 ^ at >> 16);
    }
    return span_of(bytes, size);
}

static void expect_pattern(u64 start, i64 count)
{
    assert_true(count > 0);
    struct span wanted = pattern(start, (u32)count);
    assert_memory_equal(family_room, wanted.data, wanted.size);
}

// ---- bytes

static void bytes_go_from_child_to_child(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 5);
    struct family_ends ends = family_pipe(&family);
    struct puppet *left =
        family_spawn(&family, family_nothing, family_end(ends.writer), family_nothing);
    struct puppet *right =
        family_spawn(&family, family_end(ends.reader), family_nothing, family_nothing);
    assert_int_equal(family_close(&family, ends.writer), 0);
    assert_int_equal(family_close(&family, ends.reader), 0);
    u32 writes = family_bind(&family, left, &family_stdio);
    u32 reads = family_bind(&family, right, &family_stdio);
    assert_int_equal(child_read_tell(&family, right, reads, 100, SEND_WAIT), BLOCKED);
    assert_int_equal(child_write(&family, left, writes, STDIO_STREAM_OUTPUT, SPAN_LITERAL("one")),
                     0);
    family_expect(family_result_bytes(&family, right, puppet_resume(&family.stage, right)), "one");
    assert_int_equal(child_write(&family, left, writes, STDIO_STREAM_OUTPUT, SPAN_LITERAL("two")),
                     0);
    assert_int_equal(child_write(&family, left, writes, STDIO_STREAM_OUTPUT, SPAN_LITERAL("three")),
                     0);
    family_expect(child_read(&family, right, reads, 4), "twot");
    child_ends(&family, left);
    family_expect(child_read(&family, right, reads, 100), "hree");
    assert_int_equal(child_read(&family, right, reads, 100), 0);
    assert_int_equal(child_read(&family, right, reads, 100), 0);
    assert_int_equal(child_is_terminal(&family, right, reads, STDIO_STREAM_INPUT), 0);
    stage_close(&family.stage);
}

static void the_maker_reads_and_writes_by_number(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 6);
    struct family_ends to = family_pipe(&family);
    struct family_ends from = family_pipe(&family);
    struct puppet *child =
        family_spawn(&family, family_end(to.reader), family_end(from.writer), family_inherit);
    assert_int_equal(family_close(&family, from.writer), 0);
    assert_int_equal(family_write(&family, to.writer, SPAN_LITERAL("hello")), 0);
    assert_int_equal(family_close(&family, to.writer), 0);
    u32 bond = family_bind(&family, child, &family_stdio);
    family_expect(child_read(&family, child, bond, 65536), "hello");
    assert_int_equal(child_read(&family, child, bond, 65536), 0);
    assert_int_equal(child_write(&family, child, bond, STDIO_STREAM_OUTPUT, SPAN_LITERAL("back")),
                     0);
    family_expect(family_read(&family, from.reader, 2), "ba");
    family_expect(family_read(&family, from.reader, 65536), "ck");
    child_ends(&family, child);
    assert_int_equal(family_read(&family, from.reader, 65536), 0);
    assert_int_equal(family_close(&family, from.reader), 0);
    assert_int_equal(family_read(&family, from.reader, 65536), NOT_FOUND);
    stage_close(&family.stage);
}

// Writes of 64 KiB into a pipe of as many, read in pieces of all sizes.
static void a_mib_goes_through_whole(void **state)
{
    (void)state;
    enum { ALL = 1 << 20 };
    struct family family;
    family_open(&family, 3);
    struct pair pair = pair_open(&family);
    u64 sent = 0;
    u64 got = 0;
    u32 waits = 0;
    for (u32 max = 1; got < ALL; max = max * 7 % 65537 + 1) {
        if (sent < ALL && !pair.left->is_blocked) {
            i64 result = put(&family, &pair, pattern(sent, KERNEL_PIPE_BYTES));
            assert_true(result == 0 || result == BLOCKED);
            sent += KERNEL_PIPE_BYTES;
        }
        i64 count = get(&family, &pair, max);
        assert_true(count <= max);
        expect_pattern(got, count);
        got += (u64)count;
        if (pair.left->is_blocked) {
            waits++;
            i64 result = puppet_resume(&family.stage, pair.left);
            assert_true(result == BLOCKED || family_result(&family, pair.left, result) == 0);
        }
    }
    assert_true(waits > 16);
    child_ends(&family, pair.left);
    assert_int_equal(get(&family, &pair, 1), 0);
    stage_close(&family.stage);
}

static void bytes_of_one_call_stay_together(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 4);
    struct family_ends ends = family_pipe(&family);
    struct puppet *children[2];
    u32 bonds[2];
    for (u32 i = 0; i < 2; i++) {
        children[i] =
            family_spawn(&family, family_nothing, family_end(ends.writer), family_nothing);
        bonds[i] = family_bind(&family, children[i], &family_stdio);
    }
    static u8 bytes[2][40000];
    for (u32 i = 0; i < 2; i++) {
        memset(bytes[i], 'a' + (int)i, sizeof bytes[i]);
    }
    for (u32 i = 0; i < 2; i++) { // the second one's has room in part
        i64 result = child_write(&family, children[i], bonds[i], STDIO_STREAM_OUTPUT,
                                 span_of(bytes[i], sizeof bytes[i]));
        assert_int_equal(result, i == 0 ? 0 : BLOCKED);
    }
    struct processes_write_call third = {ends.writer, SPAN_LITERAL("c")};
    size_t size = processes_write_encode_call(family_room, sizeof family_room, &third);
    assert_true(family_tell(&family, family.shell, family.bond, PROCESSES_WRITE_ID, size, 0) > 0);
    u32 got = 0;
    while (got < 2 * sizeof bytes[0] + 1) {
        i64 count = family_read(&family, ends.reader, 30000);
        assert_true(count > 0);
        for (i64 i = 0; i < count; i++, got++) {
            assert_int_equal(family_room[i], 'a' + (int)(got / sizeof bytes[0]));
        }
    }
    stage_close(&family.stage);
}

// ---- ends

static void a_reader_killed_on_the_way_ends_the_writer_with_an_error(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 5);
    struct pair pair = pair_open(&family);
    assert_int_equal(put(&family, &pair, pattern(0, KERNEL_PIPE_BYTES)), 0);
    assert_int_equal(get(&family, &pair, 1000), 1000);
    assert_int_equal(put(&family, &pair, pattern(0, KERNEL_PIPE_BYTES)), BLOCKED);
    stage_kill(&family.stage, pair.right);
    i64 result = puppet_resume(&family.stage, pair.left);
    assert_int_equal(family_result(&family, pair.left, result), STREAM_CLOSED);
    assert_int_equal(put(&family, &pair, SPAN_LITERAL("more")), STREAM_CLOSED);
    assert_int_equal(put(&family, &pair, SPAN_LITERAL("")), STREAM_CLOSED);
    stage_close(&family.stage);
}

static void what_was_written_before_the_writer_went_is_read(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 6);
    struct pair pair = pair_open(&family);
    assert_int_equal(put(&family, &pair, pattern(0, KERNEL_PIPE_BYTES)), 0);
    struct span more = pattern(KERNEL_PIPE_BYTES, KERNEL_PIPE_BYTES);
    assert_int_equal(put(&family, &pair, more), BLOCKED); // has sent it
    stage_kill(&family.stage, pair.left);
    u64 got = 0;
    for (i64 count; (count = get(&family, &pair, 50000)) != 0; got += (u64)count) {
        expect_pattern(got, count);
    }
    assert_int_equal(got, 2 * KERNEL_PIPE_BYTES);
    stage_close(&family.stage);
}

static void calls_without_answers_arrive_after_their_sender_has_ended(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 7);
    struct pair pair = pair_open(&family);
    for (u32 i = 0; i < 3; i++) {
        i64 result = child_write_tell(&family, pair.left, pair.writes, STDIO_STREAM_OUTPUT,
                                      pattern((u64)i * 40000, 40000), SEND_NO_ANSWER);
        assert_int_equal(result, 0);
    }
    child_ends(&family, pair.left);
    assert_int_equal(family_wait_by(&family, family.shell, family.bond, pair.left->process), 0);
    u64 got = 0;
    for (i64 count; (count = get(&family, &pair, 7000)) != 0; got += (u64)count) {
        expect_pattern(got, count);
    }
    assert_int_equal(got, 3 * 40000);
    stage_close(&family.stage);
}

static void who_waits_at_the_end_is_told_of_it(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 8);
    struct pair pair = pair_open(&family);
    assert_int_equal(get(&family, &pair, 10), BLOCKED);
    stage_kill(&family.stage, pair.left);
    i64 result = puppet_resume(&family.stage, pair.right);
    assert_int_equal(family_result_bytes(&family, pair.right, result), 0);
    stage_close(&family.stage);
}

static void a_stream_that_is_inherited_has_a_share(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 9);
    struct family_ends ends = family_pipe(&family);
    struct puppet *middle =
        family_spawn(&family, family_nothing, family_end(ends.writer), family_nothing);
    assert_int_equal(family_close(&family, ends.writer), 0);
    struct processes_spawn_request request = family_request(&family);
    u32 bond = family_bind(&family, middle, &family_processes);
    i64 number = family_spawn_by(&family, middle, bond, &request);
    assert_true(number > 0);
    struct puppet *last = stage_find(&family.stage, (u64)number);
    // The system interface knows nothing of streams: its children have their parents'.
    number = puppet_spawn(&family.stage, last, span_string(family.cid));
    assert_true(number > 0);
    struct puppet *beyond = stage_find(&family.stage, (u64)number);
    child_ends(&family, middle);
    struct puppet *writers[] = {last, beyond};
    for (u32 i = 0; i < 2; i++) {
        u32 stdio = family_bind(&family, writers[i], &family_stdio);
        assert_int_equal(
            child_write(&family, writers[i], stdio, STDIO_STREAM_OUTPUT, SPAN_LITERAL("by way")),
            0);
        assert_int_equal(
            child_write(&family, writers[i], stdio, STDIO_STREAM_ERROR, SPAN_LITERAL("nowhere")),
            0);
        family_expect(family_read(&family, ends.reader, 100), "by way");
        child_ends(&family, writers[i]);
    }
    assert_int_equal(family_read(&family, ends.reader, 100), 0);
    stage_close(&family.stage);
}

// ---- who may

static void a_child_has_no_end_that_it_was_not_given(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 10);
    struct family_ends ends = family_pipe(&family);
    struct puppet *shell = family.shell;
    u32 shell_bond = family.bond;
    struct puppet *child =
        family_spawn(&family, family_nothing, family_end(ends.writer), family_nothing);
    assert_int_equal(family_write(&family, ends.writer, SPAN_LITERAL("secret")), 0);
    family.shell = child; // tries what the shell may
    family.bond = family_bind(&family, child, &family_processes);
    assert_int_equal(family_read(&family, ends.reader, 10), NOT_FOUND);
    assert_int_equal(family_write(&family, ends.writer, SPAN_LITERAL("x")), NOT_FOUND);
    assert_int_equal(family_close(&family, ends.reader), NOT_FOUND);
    struct processes_spawn_request request = family_request(&family);
    request.input = family_end(ends.reader);
    assert_int_equal(family_spawn_by(&family, child, family.bond, &request), NO_RIGHT);
    for (u64 id = 0; id < 64; id++) {
        assert_int_equal(family_read(&family, id, 10), NOT_FOUND);
        assert_int_equal(family_read(&family, ends.reader ^ id << 24, 10), NOT_FOUND);
    }
    u32 stdio = family_bind(&family, child, &family_stdio);
    assert_int_equal(child_read(&family, child, stdio, 10), 0); // nothing was what it was given
    family.shell = shell;
    family.bond = shell_bond;
    family_expect(family_read(&family, ends.reader, 100), "secret");
    stage_close(&family.stage);
}

static void an_end_is_of_one_kind(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 11);
    struct family_ends ends = family_pipe(&family);
    assert_int_equal(family_read(&family, ends.writer, 10), NOT_FOUND);
    assert_int_equal(family_write(&family, ends.reader, SPAN_LITERAL("x")), NOT_FOUND);
    struct processes_spawn_request request = family_request(&family);
    request.input = family_end(ends.writer);
    assert_int_equal(family_spawn_by(&family, family.shell, family.bond, &request), NO_RIGHT);
    request.input = family_inherit;
    request.error = family_end(ends.reader);
    assert_int_equal(family_spawn_by(&family, family.shell, family.bond, &request), NO_RIGHT);
    assert_int_equal(family_close(&family, ends.reader), 0);
    request.error = family_inherit;
    request.input = family_end(ends.reader); // not any more
    assert_int_equal(family_spawn_by(&family, family.shell, family.bond, &request), NO_RIGHT);
    assert_int_equal(family_write(&family, ends.writer, SPAN_LITERAL("x")), GONE);
    stage_close(&family.stage);
}

// ---- calls that are given up

// A call of the shell whose answer comes as a notification: the message's id.
static u64 read_later(struct family *family, u64 end, u32 max)
{
    struct processes_read_call call = {end, max};
    size_t size = processes_read_encode_call(family_room, sizeof family_room, &call);
    i64 id = family_tell(family, family->shell, family->bond, PROCESSES_READ_ID, size, 0);
    assert_true(id > 0);
    return (u64)id;
}

static u64 write_later(struct family *family, u64 end, struct span bytes)
{
    struct processes_write_call call = {end, bytes};
    size_t size = processes_write_encode_call(family_room, sizeof family_room, &call);
    i64 id = family_tell(family, family->shell, family->bond, PROCESSES_WRITE_ID, size, 0);
    assert_true(id > 0);
    return (u64)id;
}

// The next notification of a puppet answers that: with an error of the ABI or of the interface.
static void expect_error(struct family *family, struct puppet *puppet, u64 id, i64 error)
{
    assert_true(puppet_next(&family->stage, puppet, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_ANSWER);
    assert_int_equal(note.header.id, id);
    if (note.header.flags == NOTIFICATION_IS_ERROR) {
        assert_int_equal(-(i64)mem_load_u32(note.body), error);
    } else {
        assert_int_equal(note.body[0], 1);
        assert_int_equal(ERROR_OF - note.body[1], error);
    }
}

static void closing_an_end_answers_who_waits_with_it(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 12);
    struct family_ends ends = family_pipe(&family);
    u64 reads = read_later(&family, ends.reader, 10);
    assert_int_equal(family_close(&family, ends.reader), 0);
    expect_error(&family, family.shell, reads, NOT_FOUND);
    assert_int_equal(family_close(&family, ends.writer), 0);
    ends = family_pipe(&family);
    assert_int_equal(family_write(&family, ends.writer, pattern(0, KERNEL_PIPE_BYTES)), 0);
    u64 writes = write_later(&family, ends.writer, SPAN_LITERAL("more"));
    assert_int_equal(family_close(&family, ends.writer), 0);
    expect_error(&family, family.shell, writes, NOT_FOUND);
    expect_pattern(0, family_read(&family, ends.reader, KERNEL_PIPE_BYTES));
    assert_int_equal(family_read(&family, ends.reader, 1), 0);
    stage_close(&family.stage);
}

static void a_call_that_waits_can_be_cancelled(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 13);
    struct family_ends ends = family_pipe(&family);
    u64 reads = read_later(&family, ends.reader, 10);
    assert_int_equal(puppet_cancel(&family.stage, family.shell, reads), 0);
    expect_error(&family, family.shell, reads, E_CANCELLED);
    assert_int_equal(family_write(&family, ends.writer, pattern(0, KERNEL_PIPE_BYTES)), 0);
    u64 first = write_later(&family, ends.writer, SPAN_LITERAL("one"));
    u64 second = write_later(&family, ends.writer, SPAN_LITERAL("two"));
    assert_int_equal(puppet_cancel(&family.stage, family.shell, first), 0);
    expect_error(&family, family.shell, first, E_CANCELLED);
    expect_pattern(0, family_read(&family, ends.reader, KERNEL_PIPE_BYTES));
    assert_true(puppet_next(&family.stage, family.shell, &note));
    assert_int_equal(note.header.id, second);
    assert_int_equal(note.body[0], 0);
    family_expect(family_read(&family, ends.reader, 10), "two");
    stage_close(&family.stage);
}

static void an_answer_that_does_not_fit_is_not_lost(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 14);
    struct family_ends ends = family_pipe(&family);
    assert_int_equal(family_write(&family, ends.writer, SPAN_LITERAL("wide")), 0);
    struct processes_read_call call = {ends.reader, 10};
    u8 body[PROCESSES_READ_CALL_BYTES];
    size_t size = processes_read_encode_call(body, sizeof body, &call);
    puppet_poke(&family.stage, family.shell, family.shell->area, span_of(body, size));
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = family.bond,
                                 .b = PROCESSES_READ_ID,
                                 .c = family.shell->area,
                                 .d = size,
                                 .e = family.shell->area,
                                 .f = 8, // one too few
                                 .g = SEND_WAIT};
    assert_int_equal(puppet_do(&family.stage, family.shell, &order), E_BUFFER);
    assert_true(puppet_next(&family.stage, family.shell, &note));
    assert_int_equal(note.header.body_len, 9);
    assert_memory_equal(note.body + 5, "wide", 4);
    stage_close(&family.stage);
}

static void a_right_that_is_revoked_ends_calls_that_wait(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 15);
    struct pair pair = pair_open(&family);
    assert_int_equal(get(&family, &pair, 10), BLOCKED);
    grants_say(&family.stage, KERNEL_USE, KERNEL_DENY, family.cid, &family_stdio, "");
    i64 result = puppet_resume(&family.stage, pair.right);
    assert_int_equal(family_result_bytes(&family, pair.right, result), E_DENIED);
    stage_close(&family.stage);
}

// ---- bounds

static void limit_of_a_call(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 20);
    struct pair pair = pair_open(&family);
    struct family_ends ends = family_pipe(&family);
    assert_int_equal(family_write(&family, ends.writer, pattern(0, KERNEL_PIPE_BYTES + 1)),
                     TOO_MANY);
    assert_int_equal(family_write(&family, ends.writer, pattern(0, KERNEL_PIPE_BYTES)), 0);
    assert_int_equal(put(&family, &pair, pattern(0, KERNEL_PIPE_BYTES + 1)), STREAM_FAILED);
    assert_int_equal(put(&family, &pair, pattern(0, KERNEL_PIPE_BYTES)), 0);
    assert_int_equal(family_read(&family, ends.reader, 0), E_MALFORMED);
    assert_int_equal(get(&family, &pair, 0), E_MALFORMED);
    expect_pattern(0, family_read(&family, ends.reader, UINT32_MAX));
    assert_int_equal(get(&family, &pair, UINT32_MAX), KERNEL_PIPE_BYTES);
    stage_close(&family.stage);
}

static void limit_of_calls_that_wait_for_one_pipe(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 21);
    struct family_ends ends = family_pipe(&family);
    u64 ids[KERNEL_PIPE_WAITING];
    for (u32 i = 0; i < KERNEL_PIPE_WAITING; i++) {
        ids[i] = read_later(&family, ends.reader, 1);
    }
    assert_int_equal(family_read(&family, ends.reader, 1), TOO_MANY);
    // One call of as many bytes answers all of them.
    assert_int_equal(family_write(&family, ends.writer, pattern(0, KERNEL_PIPE_WAITING)), 0);
    for (u32 i = 0; i < KERNEL_PIPE_WAITING; i++) {
        assert_true(puppet_next(&family.stage, family.shell, &note));
        assert_int_equal(note.header.id, ids[i]);
        assert_int_equal(note.body[5], pattern(i, 1).data[0]);
    }
    assert_int_equal(family_write(&family, ends.writer, pattern(0, KERNEL_PIPE_BYTES)), 0);
    for (u32 i = 0; i < KERNEL_PIPE_WAITING; i++) {
        ids[i] = write_later(&family, ends.writer, pattern(KERNEL_PIPE_BYTES + i, 1));
    }
    assert_int_equal(family_write(&family, ends.writer, pattern(0, 1)), TOO_MANY);
    struct puppet *child =
        family_spawn(&family, family_nothing, family_end(ends.writer), family_nothing);
    u32 stdio = family_bind(&family, child, &family_stdio);
    assert_int_equal(child_write(&family, child, stdio, STDIO_STREAM_OUTPUT, pattern(0, 1)),
                     STREAM_FAILED);
    expect_pattern(0, family_read(&family, ends.reader, KERNEL_PIPE_BYTES));
    expect_pattern(KERNEL_PIPE_BYTES, family_read(&family, ends.reader, KERNEL_PIPE_BYTES));
    for (u32 i = 0; i < KERNEL_PIPE_WAITING; i++) {
        assert_true(puppet_next(&family.stage, family.shell, &note));
        assert_int_equal(note.header.id, ids[i]);
    }
    stage_close(&family.stage);
}

static void limit_of_pipes_of_a_family(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 22);
    family.stage.check = false; // each turn would look at all of them
    struct family_ends ends = {0};
    struct family_ends more;
    for (u32 i = 0; i < KERNEL_FAMILY_PIPES; i++) {
        ends = family_pipe(&family);
    }
    assert_int_equal(family_pipe_of(&family, family.shell, family.bond, &more), TOO_MANY);
    struct puppet *child =
        family_spawn(&family, family_end(ends.reader), family_end(ends.writer), family_nothing);
    u32 bond = family_bind(&family, child, &family_processes);
    assert_int_equal(family_pipe_of(&family, child, bond, &more), TOO_MANY);
    assert_int_equal(family_close(&family, ends.reader), 0);
    assert_int_equal(family_close(&family, ends.writer), 0);
    assert_int_equal(family_pipe_of(&family, child, bond, &more), TOO_MANY); // the child has both
    stage_kill(&family.stage, child);
    stage_settle(&family.stage, 100);
    ends = family_pipe(&family);
    assert_int_equal(family_pipe_of(&family, family.shell, family.bond, &more), TOO_MANY);
    kernel_check(family.stage.kernel);
    stage_close(&family.stage);
}

static void limit_of_all_pipes(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 23);
    family.stage.check = false;
    struct family_ends ends;
    u32 count = 0;
    while (count < KERNEL_PIPES) {
        struct puppet *maker = stage_start(&family.stage, family.cid);
        u32 bond = family_bind(&family, maker, &family_processes);
        for (u32 i = 0; i < KERNEL_FAMILY_PIPES; i++, count++) {
            assert_int_equal(family_pipe_of(&family, maker, bond, &ends), 0);
        }
    }
    assert_int_equal(family_pipe_of(&family, family.shell, family.bond, &ends), TOO_MANY);
    kernel_check(family.stage.kernel);
    stage_close(&family.stage);
}

static void pipes_count_in_the_budget_of_their_family(void **state)
{
    (void)state;
    static const struct stage_interface budget = {.name = BUDGET_NAME};
    struct family family;
    family_open(&family, 24);
    struct family_ends ends = family_pipe(&family);
    struct family_ends more;
    grants_say(&family.stage, KERNEL_USE, KERNEL_ALLOW, family.cid, &budget, "memory:2MiB");
    u32 count = 0;
    while (family_pipe_of(&family, family.shell, family.bond, &more) == 0) {
        count++;
    }
    assert_true(count < (2 << 20) / KERNEL_PIPE_BYTES);
    assert_int_equal(family_close(&family, ends.reader), 0);
    assert_int_equal(family_pipe_of(&family, family.shell, family.bond, &more), TOO_MANY);
    assert_int_equal(family_close(&family, ends.writer), 0);
    assert_int_equal(family_pipe_of(&family, family.shell, family.bond, &more), 0);
    stage_close(&family.stage);
}

// ---- ends that come at any moment

// A transfer in which everybody is told something, without waiting for what comes of it; then one
// of them is killed after so many turns. Everything has to go on, and nothing to stay.
static void kill_at(u32 turns, u32 victim)
{
    struct family family;
    family_open(&family, 30 + turns);
    family.stage.fuel_most = 3000;
    struct family_ends ends = family_pipe(&family);
    struct pair pair = pair_open(&family);
    struct puppet *puppets[] = {pair.left, pair.right, family.shell};
    struct span bytes = pattern(0, KERNEL_PIPE_BYTES);
    (void)put(&family, &pair, bytes);
    for (u32 i = 0; i < 3; i++) {
        (void)read_later(&family, ends.reader, 100);
    }
    (void)child_write_tell(&family, pair.left, pair.writes, STDIO_STREAM_OUTPUT, bytes, 0);
    (void)child_write_tell(&family, pair.left, pair.writes, STDIO_STREAM_OUTPUT,
                           SPAN_LITERAL("no answer"), SEND_NO_ANSWER);
    struct puppet_order read = {.kind = PUPPET_SEND,
                                .a = pair.reads,
                                .b = STDIO_READ_ID,
                                .c = pair.right->area,
                                .d = 4,
                                .e = pair.right->area + 64,
                                .f = PUPPET_AREA_BYTES / 2,
                                .g = SEND_WAIT};
    puppet_poke(&family.stage, pair.right, pair.right->area, span_of("\0\0\1\0", 4));
    puppet_tell(&family.stage, pair.right, &read);
    struct puppet_order leave = {.kind = turns % 2 == 0 ? PUPPET_RETURN : PUPPET_TRAP};
    puppet_tell(&family.stage, pair.left, &leave);
    for (u32 i = 0; i < turns && stage_turn(&family.stage); i++) {
        kernel_check(family.stage.kernel);
    }
    stage_kill(&family.stage, puppets[victim]);
    stage_settle(&family.stage, 1000);
    for (u32 i = 0; i < 3; i++) {
        stage_kill(&family.stage, puppets[i]);
    }
    stage_close(&family.stage);
}

static void killing_anybody_at_any_moment_leaves_nothing(void **state)
{
    (void)state;
    for (u32 turns = 0; turns < 40; turns++) {
        for (u32 victim = 0; victim < 3; victim++) {
            kill_at(turns, victim);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_from_child_to_child),
        cmocka_unit_test(the_maker_reads_and_writes_by_number),
        cmocka_unit_test(a_mib_goes_through_whole),
        cmocka_unit_test(bytes_of_one_call_stay_together),
        cmocka_unit_test(a_reader_killed_on_the_way_ends_the_writer_with_an_error),
        cmocka_unit_test(what_was_written_before_the_writer_went_is_read),
        cmocka_unit_test(calls_without_answers_arrive_after_their_sender_has_ended),
        cmocka_unit_test(who_waits_at_the_end_is_told_of_it),
        cmocka_unit_test(a_stream_that_is_inherited_has_a_share),
        cmocka_unit_test(a_child_has_no_end_that_it_was_not_given),
        cmocka_unit_test(an_end_is_of_one_kind),
        cmocka_unit_test(closing_an_end_answers_who_waits_with_it),
        cmocka_unit_test(a_call_that_waits_can_be_cancelled),
        cmocka_unit_test(an_answer_that_does_not_fit_is_not_lost),
        cmocka_unit_test(a_right_that_is_revoked_ends_calls_that_wait),
        cmocka_unit_test(limit_of_a_call),
        cmocka_unit_test(limit_of_calls_that_wait_for_one_pipe),
        cmocka_unit_test(limit_of_pipes_of_a_family),
        cmocka_unit_test(limit_of_all_pipes),
        cmocka_unit_test(pipes_count_in_the_budget_of_their_family),
        cmocka_unit_test(killing_anybody_at_any_moment_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
