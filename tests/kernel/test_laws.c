// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_laws.c: the laws of docs/abi.md, each with real processes on the simulated
// machine.
#include "core/kernel/limits.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

static const struct stage_interface alpha = {"test:laws/alpha", {{"one", 0}, {"two", 0}}};
static const struct stage_interface alpha_small = {"test:laws/alpha", {{"two", 0}}};
static const struct stage_interface alpha_changed = {"test:laws/alpha", {{"one", 1}, {"two", 0}}};
static const struct stage_interface beta = {"test:laws/beta", {{"call", 0}}};
static const struct stage_interface gamma_ = {"test:laws/gamma", {{"call", 0}}};

// Two processes: one handles alpha, the other is bonded to it.
struct pair {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *client;
    struct puppet *handler;
    u32 bond;
    u32 registration;
    u64 one;
};

static void pair_open(struct pair *pair, u64 seed)
{
    stage_open(&pair->stage, seed, 2, NULL);
    const struct stage_interface *interfaces[] = {&alpha, &beta, &gamma_};
    stage_program(&pair->stage, interfaces, 3, pair->cid);
    pair->client = stage_start(&pair->stage, pair->cid);
    pair->handler = stage_start(&pair->stage, pair->cid);
    i64 registration = puppet_register(&pair->stage, pair->handler, &alpha);
    assert_true(registration > 0);
    i64 bond = puppet_bind(&pair->stage, pair->client, &alpha, false);
    assert_true(bond > 0);
    pair->registration = (u32)registration;
    pair->bond = (u32)bond;
    pair->one = stage_function_id(&alpha, 0);
}

static i64 send_one(struct pair *pair, const char *body, u32 flags)
{
    return puppet_send(&pair->stage, pair->client, pair->bond, pair->one, span_string(body), flags);
}

// The next notification of a puppet, which must be there.
static struct notification next_of(struct pair *pair, struct puppet *puppet)
{
    static struct notification note;
    assert_true(puppet_next(&pair->stage, puppet, &note));
    return note;
}

static void expect_error(struct pair *pair, struct puppet *puppet, i64 id, i32 error)
{
    struct notification note = next_of(pair, puppet);
    assert_int_equal(note.header.kind, NOTIFICATION_ANSWER);
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.header.flags, NOTIFICATION_IS_ERROR);
    assert_int_equal(note.header.body_len, 4);
    assert_int_equal(mem_load_u32(note.body), -error);
}

static void expect_nothing(struct pair *pair, struct puppet *puppet)
{
    struct notification note;
    assert_false(puppet_next(&pair->stage, puppet, &note));
}

static void notification_says_what_was_sent(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 2);
    i64 id = send_one(&pair, "hello", 0);
    assert_true(id > 0);
    struct notification note = next_of(&pair, pair.handler);
    assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
    assert_int_equal(note.header.size, 48);
    assert_int_equal(note.header.flags, 0);
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.header.function, pair.one);
    assert_int_equal(note.header.registration, pair.registration);
    assert_int_not_equal(note.header.client, 0);
    assert_int_equal(note.header.body_len, 5);
    assert_memory_equal(note.body, "hello\0\0\0", 8);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, SPAN_LITERAL("world!"), 0),
                     0);
    note = next_of(&pair, pair.client);
    assert_int_equal(note.header.kind, NOTIFICATION_ANSWER);
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.header.flags, 0);
    assert_int_equal(note.header.body_len, 6);
    assert_memory_equal(note.body, "world!", 6);
    expect_nothing(&pair, pair.client);
    stage_close(&pair.stage);
}

static void law_at_most_one_answer(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 3);
    i64 id = send_one(&pair, "x", 0);
    // Not delivered yet: nobody can answer it.
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, SPAN_LITERAL("a"), 0),
                     E_HANDLE);
    (void)next_of(&pair, pair.handler);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, SPAN_LITERAL("a"), 0), 0);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, SPAN_LITERAL("b"), 0),
                     E_HANDLE);
    (void)next_of(&pair, pair.client);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, SPAN_LITERAL("c"), 0),
                     E_HANDLE);
    expect_nothing(&pair, pair.client);
    // One that wants none cannot be answered at all.
    assert_int_equal(send_one(&pair, "quiet", SEND_NO_ANSWER), 0);
    struct notification note = next_of(&pair, pair.handler);
    assert_int_equal(note.header.id, 0);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, 0, SPAN_LITERAL("d"), 0), E_HANDLE);
    stage_close(&pair.stage);
}

// One message held, one queued, and the handler goes away.
static void exactly_one_answer(u64 seed, u32 kind, bool is_killed, bool is_unregistered)
{
    struct pair pair;
    pair_open(&pair, seed);
    i64 held = send_one(&pair, "held", 0);
    (void)next_of(&pair, pair.handler);
    i64 queued = send_one(&pair, "queued", 0);
    assert_int_equal(send_one(&pair, "quiet", SEND_NO_ANSWER), 0);
    if (is_killed) {
        stage_kill(&pair.stage, pair.handler);
        stage_settle(&pair.stage, 1000);
    } else if (is_unregistered) {
        assert_int_equal(puppet_unregister(&pair.stage, pair.handler, pair.registration), 0);
    } else {
        struct puppet_order order = {.kind = kind, .a = 7};
        assert_int_equal(puppet_do(&pair.stage, pair.handler, &order), ENDED);
    }
    struct notification first = next_of(&pair, pair.client);
    struct notification second = next_of(&pair, pair.client);
    assert_int_equal(first.header.flags, NOTIFICATION_IS_ERROR);
    assert_int_equal(second.header.flags, NOTIFICATION_IS_ERROR);
    assert_int_equal(mem_load_u32(first.body), -E_GONE);
    assert_int_equal(mem_load_u32(second.body), -E_GONE);
    assert_int_equal(first.header.id + second.header.id, held + queued);
    assert_int_not_equal(first.header.id, second.header.id);
    expect_nothing(&pair, pair.client);
    if (is_unregistered) {
        expect_nothing(&pair, pair.handler);
        assert_int_equal(
            puppet_answer(&pair.stage, pair.handler, (u64)held, SPAN_LITERAL("late"), 0), E_HANDLE);
    }
    stage_close(&pair.stage);
}

static void law_exactly_one_answer_when_the_handler_exits(void **state)
{
    (void)state;
    exactly_one_answer(4, PUPPET_RETURN, false, false);
}

static void law_exactly_one_answer_when_the_handler_traps(void **state)
{
    (void)state;
    exactly_one_answer(5, PUPPET_TRAP, false, false);
}

static void law_exactly_one_answer_when_the_handler_dies(void **state)
{
    (void)state;
    exactly_one_answer(6, 0, true, false);
}

static void law_exactly_one_answer_when_the_handler_unregisters(void **state)
{
    (void)state;
    exactly_one_answer(7, 0, false, true);
}

static void law_exactly_one_answer_to_a_client_that_waits(void **state)
{
    (void)state;
    for (u64 seed = 0; seed < 8; seed++) {
        struct pair pair;
        pair_open(&pair, 100 + seed);
        assert_int_equal(send_one(&pair, "x", SEND_WAIT), BLOCKED);
        if (seed % 2 == 0) {
            stage_settle(&pair.stage, 1000);
            (void)next_of(&pair, pair.handler);
        }
        stage_kill(&pair.stage, pair.handler);
        assert_int_equal(puppet_resume(&pair.stage, pair.client), 4 | ANSWER_IS_ERROR);
        struct span code =
            puppet_peek(&pair.stage, pair.client, puppet_answer_address(pair.client), 4);
        assert_int_equal(mem_load_u32(code.data), -E_GONE);
        expect_nothing(&pair, pair.client);
        stage_close(&pair.stage);
    }
}

static void law_exactly_one_answer_when_cancelled(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 8);
    // Queued: the handler never sees it.
    i64 queued = send_one(&pair, "queued", 0);
    assert_int_equal(puppet_cancel(&pair.stage, pair.client, (u64)queued), 0);
    expect_error(&pair, pair.client, queued, E_CANCELLED);
    expect_nothing(&pair, pair.handler);
    assert_int_equal(puppet_cancel(&pair.stage, pair.client, (u64)queued), -1000);
    // Held: the handler is told, and its answer goes nowhere.
    i64 held = send_one(&pair, "held", 0);
    (void)next_of(&pair, pair.handler);
    assert_int_equal(puppet_cancel(&pair.stage, pair.client, (u64)held), 0);
    assert_int_equal(puppet_cancel(&pair.stage, pair.client, (u64)held), -1000);
    expect_error(&pair, pair.client, held, E_CANCELLED);
    struct notification note = next_of(&pair, pair.handler);
    assert_int_equal(note.header.kind, NOTIFICATION_CANCELLED);
    assert_int_equal(note.header.id, held);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)held, SPAN_LITERAL("a"), 0), 0);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)held, SPAN_LITERAL("a"), 0),
                     E_HANDLE);
    // Answered, not yet taken: too late.
    i64 answered = send_one(&pair, "answered", 0);
    (void)next_of(&pair, pair.handler);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)answered, SPAN_LITERAL("a"), 0),
                     0);
    assert_int_equal(puppet_cancel(&pair.stage, pair.client, (u64)answered), -1000);
    note = next_of(&pair, pair.client);
    assert_int_equal(note.header.id, answered);
    assert_int_equal(note.header.flags, 0);
    // Cancelled and answered before the handler takes CANCELLED: that note goes.
    i64 crossed = send_one(&pair, "crossed", 0);
    (void)next_of(&pair, pair.handler);
    assert_int_equal(puppet_cancel(&pair.stage, pair.client, (u64)crossed), 0);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)crossed, SPAN_LITERAL("a"), 0),
                     0);
    expect_nothing(&pair, pair.handler);
    expect_error(&pair, pair.client, crossed, E_CANCELLED);
    expect_nothing(&pair, pair.client);
    stage_close(&pair.stage);
}

static void law_order_per_client_and_handler(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 9);
    struct puppet *other = stage_start(&pair.stage, pair.cid);
    i64 bond = puppet_bind(&pair.stage, other, &alpha, false);
    enum { EACH = 40 };
    u64 ids[EACH];
    for (u32 i = 0; i < EACH; i++) {
        u8 body[300] = {1, (u8)i};
        // Long and short, with and without an answer: all of one order.
        ids[i] =
            (u64)puppet_send(&pair.stage, pair.client, pair.bond, pair.one,
                             span_of(body, i % 3 == 0 ? 300 : 2), i % 5 == 4 ? SEND_NO_ANSWER : 0);
        body[0] = 2;
        (void)puppet_send(&pair.stage, other, (u32)bond, pair.one, span_of(body, 2),
                          SEND_NO_ANSWER);
    }
    u32 next[3] = {0};
    for (u32 i = 0; i < 2 * EACH; i++) {
        struct notification note = next_of(&pair, pair.handler);
        assert_int_equal(note.body[1], next[note.body[0]]++);
    }
    // Answers arrive in the order in which they were given: here the reverse.
    for (u32 i = EACH; i-- > 0;) {
        if (ids[i] != 0) {
            assert_int_equal(puppet_answer(&pair.stage, pair.handler, ids[i], (struct span){0}, 0),
                             0);
        }
    }
    for (u32 i = EACH; i-- > 0;) {
        if (ids[i] != 0) {
            assert_int_equal(next_of(&pair, pair.client).header.id, ids[i]);
        }
    }
    stage_close(&pair.stage);
}

static void law_ids_checked_for_ownership(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 10);
    struct puppet *thief = stage_start(&pair.stage, pair.cid);
    struct span body = SPAN_LITERAL("mine");
    assert_int_equal(puppet_send(&pair.stage, thief, pair.bond, pair.one, body, 0), E_HANDLE);
    assert_int_equal(puppet_unbind(&pair.stage, thief, pair.bond), -1000);
    assert_int_equal(puppet_unregister(&pair.stage, thief, pair.registration), -1000);
    i64 id = send_one(&pair, "x", 0);
    (void)next_of(&pair, pair.handler);
    assert_int_equal(puppet_answer(&pair.stage, thief, (u64)id, body, 0), E_HANDLE);
    assert_int_equal(puppet_answer(&pair.stage, pair.client, (u64)id, body, 0), E_HANDLE);
    assert_int_equal(puppet_cancel(&pair.stage, thief, (u64)id), -1000);
    assert_int_equal(puppet_cancel(&pair.stage, pair.handler, (u64)id), -1000);
    assert_int_equal(puppet_kill(&pair.stage, thief, pair.client->process), -1000);
    // Neighbours of a real id, and what nobody ever had.
    u64 wrong[] = {0,
                   1,
                   (u64)id + 1,
                   (u64)id - 1,
                   (u64)id ^ (1ull << 40),
                   (u64)id | 1ull << 63,
                   UINT64_MAX,
                   (u64)id + (1ull << 24),
                   (u64)id & 0xffffff,
                   (u64)-5};
    for (u32 i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(puppet_answer(&pair.stage, pair.handler, wrong[i], body, 0), E_HANDLE);
        assert_int_equal(puppet_cancel(&pair.stage, pair.client, wrong[i]), -1000);
        u32 bond = pair.bond ^ (1u << (i * 3));
        assert_int_equal(puppet_send(&pair.stage, pair.client, bond, pair.one, body, 0), E_HANDLE);
        assert_int_equal(puppet_unbind(&pair.stage, pair.client, bond), -1000);
        assert_int_equal(
            puppet_unregister(&pair.stage, pair.handler, pair.registration ^ (1u << (i * 3))),
            -1000);
    }
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, body, 0), 0);
    // A bond that was given up is nobody's.
    assert_int_equal(puppet_unbind(&pair.stage, pair.client, pair.bond), 0);
    assert_int_equal(puppet_unbind(&pair.stage, pair.client, pair.bond), -1000);
    assert_int_equal(send_one(&pair, "x", 0), E_HANDLE);
    stage_close(&pair.stage);
}

static void law_a_dead_handlers_interface_is_free_at_once(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 11);
    struct puppet *next = stage_start(&pair.stage, pair.cid);
    assert_int_equal(puppet_register(&pair.stage, next, &alpha), -1001); // taken
    stage_kill(&pair.stage, pair.handler);
    stage_settle(&pair.stage, 1000);
    assert_int_equal(send_one(&pair, "x", 0), E_NO_HANDLER);
    assert_int_equal(send_one(&pair, "x", SEND_WAIT), E_NO_HANDLER);
    assert_int_equal(puppet_bind(&pair.stage, next, &alpha, false), -1001);
    assert_true(puppet_register(&pair.stage, next, &alpha) > 0);
    // The bond has survived.
    i64 id = send_one(&pair, "again", 0);
    assert_true(id > 0);
    struct notification note = next_of(&pair, next);
    assert_memory_equal(note.body, "again", 5);
    assert_int_equal(puppet_answer(&pair.stage, next, (u64)id, SPAN_LITERAL("yes"), 0), 0);
    assert_int_equal(next_of(&pair, pair.client).header.id, id);
    stage_close(&pair.stage);
}

static void law_bonds_wait_for_a_compatible_handler(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 12);
    const struct stage_interface *changed[] = {&alpha_changed};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&pair.stage, changed, 1, cid);
    struct puppet *other = stage_start(&pair.stage, cid);
    assert_int_equal(puppet_unregister(&pair.stage, pair.handler, pair.registration), 0);
    i64 registration = puppet_register(&pair.stage, other, &alpha_changed);
    assert_true(registration > 0);
    // `one` means something else there: they never meet.
    assert_int_equal(send_one(&pair, "x", 0), E_NO_HANDLER);
    assert_int_equal(puppet_unregister(&pair.stage, other, (u32)registration), 0);
    assert_true(puppet_register(&pair.stage, pair.handler, &alpha) > 0);
    assert_true(send_one(&pair, "x", 0) > 0);
    stage_close(&pair.stage);
}

static void law_fewer_functions_fit_and_changed_ones_do_not(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 13);
    const struct stage_interface *small[] = {&alpha_small};
    const struct stage_interface *changed[] = {&alpha_changed};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&pair.stage, small, 1, cid);
    struct puppet *fewer = stage_start(&pair.stage, cid);
    i64 bond = puppet_bind(&pair.stage, fewer, &alpha_small, false);
    assert_true(bond > 0);
    u64 two = stage_function_id(&alpha_small, 0);
    assert_true(puppet_send(&pair.stage, fewer, (u32)bond, two, SPAN_LITERAL("x"), 0) > 0);
    // The handler has `one`, but this client was not built with it.
    assert_int_equal(puppet_send(&pair.stage, fewer, (u32)bond, pair.one, SPAN_LITERAL("x"), 0),
                     E_FUNCTION);
    assert_int_equal(puppet_bind(&pair.stage, fewer, &alpha, false), -1000); // not declared
    stage_program(&pair.stage, changed, 1, cid);
    struct puppet *other = stage_start(&pair.stage, cid);
    assert_int_equal(puppet_bind(&pair.stage, other, &alpha_changed, false), -1002);
    // The answer names the function: case, case, length, text.
    assert_int_equal(other->bytes_len, 1 + 1 + 4 + 3);
    assert_memory_equal(other->bytes + 6, "one", 3);
    stage_close(&pair.stage);
}

static void law_a_patient_bind_waits_for_a_handler_that_fits(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 14);
    const struct stage_interface *changed[] = {&alpha_changed};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&pair.stage, changed, 1, cid);
    struct puppet *waiter = stage_start(&pair.stage, cid);
    assert_int_equal(puppet_bind(&pair.stage, waiter, &alpha_changed, true), BLOCKED);
    stage_settle(&pair.stage, 1000);
    assert_true(waiter->is_blocked);
    assert_int_equal(puppet_unregister(&pair.stage, pair.handler, pair.registration), 0);
    stage_settle(&pair.stage, 1000);
    assert_true(waiter->is_blocked);
    assert_true(puppet_register(&pair.stage, pair.handler, &alpha) > 0); // does not fit
    stage_settle(&pair.stage, 1000);
    assert_true(waiter->is_blocked);
    // One that waits for what never comes can be killed.
    struct puppet *second = stage_start(&pair.stage, cid);
    assert_int_equal(puppet_bind(&pair.stage, second, &alpha_changed, true), BLOCKED);
    stage_kill(&pair.stage, second);
    stage_kill(&pair.stage, pair.handler);
    stage_settle(&pair.stage, 1000);
    assert_true(second->has_ended);
    struct puppet *fits = stage_start(&pair.stage, cid);
    assert_true(puppet_register(&pair.stage, fits, &alpha_changed) > 0);
    assert_true(puppet_resume(&pair.stage, waiter) > 0);
    stage_close(&pair.stage);
}

// A→B→C→A, every budget used up, nobody taking anything: then each answers what it holds.
static void law_ring_of_full_queues_makes_progress(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 15, 2, NULL);
    const struct stage_interface *interfaces[] = {&alpha, &beta, &gamma_};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&stage, interfaces, 3, cid);
    struct puppet *ring[3];
    u32 bonds[3];
    for (u32 i = 0; i < 3; i++) {
        ring[i] = stage_start(&stage, cid);
        assert_true(puppet_register(&stage, ring[i], interfaces[i]) > 0);
    }
    for (u32 i = 0; i < 3; i++) {
        bonds[i] = (u32)puppet_bind(&stage, ring[i], interfaces[(i + 1) % 3], false);
    }
    stage.check = false; // thousands of messages: looked at between the steps below
    u32 sent[3] = {0};
    for (u32 i = 0; i < 3; i++) {
        u64 function = stage_function_id(interfaces[(i + 1) % 3], 0);
        i64 result =
            puppet_fill(&stage, ring[i], bonds[i], function, 5, 0, KERNEL_MESSAGES - 1, &sent[i]);
        assert_int_equal(result, 0);
        assert_int_equal(sent[i], KERNEL_MESSAGES - 1);
    }
    kernel_check(stage.kernel);
    for (u32 i = 0; i < 3; i++) {
        struct notification note;
        u32 answered = 0;
        while (puppet_next(&stage, ring[i], &note)) {
            if (note.header.kind == NOTIFICATION_MESSAGE) {
                assert_int_equal(
                    puppet_answer(&stage, ring[i], note.header.id, SPAN_LITERAL("and round"), 0),
                    0);
                answered++;
            }
        }
        assert_int_equal(answered, sent[(i + 2) % 3]);
        kernel_check(stage.kernel);
    }
    for (u32 i = 0; i < 3; i++) { // and what was answered is taken, so that there is room again
        struct notification note;
        while (puppet_next(&stage, ring[i], &note)) {
            assert_int_equal(note.header.flags, 0);
        }
        u64 function = stage_function_id(interfaces[(i + 1) % 3], 0);
        assert_true(puppet_send(&stage, ring[i], bonds[i], function, SPAN_LITERAL("x"), 0) > 0);
    }
    stage_close(&stage);
}

static void law_room_for_the_answer_is_taken_at_send(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 16);
    // The client's budget of messages is used up; each can still be answered.
    pair.stage.check = false;
    u32 sent;
    assert_int_equal(puppet_fill(&pair.stage, pair.client, pair.bond, pair.one, 1, 0, 0, &sent),
                     E_LIMIT);
    assert_int_equal(sent, KERNEL_MESSAGES - 1);
    for (u32 i = 0; i < sent; i++) {
        struct notification note = next_of(&pair, pair.handler);
        assert_int_equal(puppet_answer(&pair.stage, pair.handler, note.header.id,
                                       SPAN_LITERAL("a longer answer than what was sent, "
                                                    "and longer than a message keeps inside"),
                                       0),
                         0);
    }
    for (u32 i = 0; i < sent; i++) {
        assert_int_equal(next_of(&pair, pair.client).header.flags, 0);
    }
    stage_close(&pair.stage);
}

static void law_an_answer_beyond_the_senders_budget_is_an_error(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 17);
    struct puppet_order grow = {.kind = PUPPET_GROW, .a = 64};
    i64 pages = puppet_do(&pair.stage, pair.handler, &grow);
    assert_true(pages > 0);
    enum { LONG = 4 << 20, BUDGET = 16 << 20 };
    for (u32 i = 0; i < BUDGET / LONG + 1; i++) {
        i64 id = send_one(&pair, "x", 0);
        (void)next_of(&pair, pair.handler);
        struct puppet_order answer = {
            .kind = PUPPET_ANSWER, .a = (u64)id, .b = (u64)pages << 16, .c = LONG};
        assert_int_equal(puppet_do(&pair.stage, pair.handler, &answer), 0);
    }
    // Those that fit its budget are there, whole; the others became errors.
    struct puppet_order room = {.kind = PUPPET_GROW, .a = 6 * 65};
    i64 start = puppet_do(&pair.stage, pair.client, &room) << 16;
    assert_true(start > 0);
    struct puppet_order wait = {
        .kind = PUPPET_WAIT, .a = (u64)start, .b = (6 * 65) << 16, .c = WAIT_POLL};
    i64 end = start + puppet_do(&pair.stage, pair.client, &wait);
    u32 whole = 0;
    u32 errors = 0;
    for (u32 at = (u32)start; at < end;) {
        struct span bytes = puppet_peek(&pair.stage, pair.client, at, 48);
        struct abi_notification header;
        memcpy(&header, bytes.data, sizeof header);
        if (header.flags == NOTIFICATION_IS_ERROR) {
            assert_int_equal(mem_load_u32(bytes.data + 40), -E_TOO_LONG);
            errors++;
        } else {
            assert_int_equal(header.body_len, LONG);
            whole++;
        }
        at += header.size;
    }
    // The puppet's own messages take a little of the budget.
    assert_int_equal(whole, BUDGET / LONG - 1);
    assert_int_equal(errors, 2);
    stage_close(&pair.stage);
}

static void law_no_message_with_a_client_that_is_gone_follows(void **state)
{
    (void)state;
    for (u32 way = 0; way < 3; way++) {
        struct pair pair;
        pair_open(&pair, 18 + way);
        i64 held = send_one(&pair, "held", 0);
        struct notification note = next_of(&pair, pair.handler);
        u64 client = note.header.client;
        i64 queued = send_one(&pair, "queued", 0);
        assert_int_equal(send_one(&pair, "quiet", SEND_NO_ANSWER), 0);
        if (way == 0) {
            assert_int_equal(puppet_unbind(&pair.stage, pair.client, pair.bond), 0);
            // What was under way is cancelled; what wanted no answer still arrives.
            expect_error(&pair, pair.client, held, E_CANCELLED);
            expect_error(&pair, pair.client, queued, E_CANCELLED);
            note = next_of(&pair, pair.handler);
            assert_memory_equal(note.body, "quiet", 5);
            note = next_of(&pair, pair.handler);
            assert_int_equal(note.header.kind, NOTIFICATION_CANCELLED);
            assert_int_equal(note.header.id, held);
        } else {
            if (way == 1) {
                struct puppet_order order = {.kind = PUPPET_RETURN};
                assert_int_equal(puppet_do(&pair.stage, pair.client, &order), ENDED);
            } else {
                stage_kill(&pair.stage, pair.client);
                stage_settle(&pair.stage, 1000);
            }
            note = next_of(&pair, pair.handler);
            assert_memory_equal(note.body, "queued", 6);
            assert_int_equal(note.header.id, 0); // nobody wants its answer any more
            note = next_of(&pair, pair.handler);
            assert_memory_equal(note.body, "quiet", 5);
        }
        note = next_of(&pair, pair.handler);
        assert_int_equal(note.header.kind, NOTIFICATION_CLIENT_GONE);
        assert_int_equal(note.header.client, client);
        assert_int_equal(note.header.registration, pair.registration);
        assert_int_equal(note.header.size, 40);
        expect_nothing(&pair, pair.handler);
        assert_int_equal(
            puppet_answer(&pair.stage, pair.handler, (u64)held, SPAN_LITERAL("late"), 0),
            way == 0 ? 0 : E_HANDLE);
        stage_close(&pair.stage);
    }
}

static void an_answer_too_long_for_its_send_comes_as_the_first_notification(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 22);
    i64 other = send_one(&pair, "other", 0);
    (void)next_of(&pair, pair.handler);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)other, SPAN_LITERAL("1"), 0), 0);
    struct puppet_order send = {.kind = PUPPET_SEND,
                                .a = pair.bond,
                                .b = pair.one,
                                .c = pair.client->area,
                                .d = 1,
                                .e = puppet_answer_address(pair.client),
                                .f = 3,
                                .g = SEND_WAIT};
    assert_int_equal(puppet_do(&pair.stage, pair.client, &send), BLOCKED);
    struct notification note = next_of(&pair, pair.handler);
    assert_int_equal(
        puppet_answer(&pair.stage, pair.handler, note.header.id, SPAN_LITERAL("four"), 0), 0);
    assert_int_equal(puppet_resume(&pair.stage, pair.client), E_BUFFER);
    struct notification first = next_of(&pair, pair.client);
    assert_int_equal(first.header.id, note.header.id);
    assert_memory_equal(first.body, "four", 4);
    assert_int_equal(next_of(&pair, pair.client).header.id, other);
    stage_close(&pair.stage);
}

static void answer_wait_does_not_wait_when_the_answer_is_refused(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 23);
    struct span body = SPAN_LITERAL("x");
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, 77, body, ANSWER_WAIT), E_HANDLE);
    i64 id = send_one(&pair, "x", 0);
    (void)next_of(&pair, pair.handler);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, body, ANSWER_WAIT), BLOCKED);
    assert_int_equal(next_of(&pair, pair.client).header.id, id);
    (void)send_one(&pair, "y", 0);
    assert_int_equal(puppet_resume(&pair.stage, pair.handler), 48);
    stage_close(&pair.stage);
}

static void wait_writes_as_many_whole_notifications_as_fit(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 24);
    (void)send_one(&pair, "123456789", 0); // 56 bytes
    (void)send_one(&pair, "12345678", 0);  // 48
    (void)send_one(&pair, "", 0);          // 40
    u32 at = puppet_answer_address(pair.handler);
    struct span mark = SPAN_LITERAL("untouched");
    puppet_poke(&pair.stage, pair.handler, at, mark);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, 39, WAIT_POLL), E_BUFFER);
    struct span bytes = puppet_peek(&pair.stage, pair.handler, at, 9);
    assert_memory_equal(bytes.data, "untouched", 9);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, 55, 0), E_BUFFER);
    bytes = puppet_peek(&pair.stage, pair.handler, at, 40);
    assert_int_equal(mem_load_u32(bytes.data), 56);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, 56 + 48 + 39, 0), 56 + 48);
    bytes = puppet_peek(&pair.stage, pair.handler, at, 56 + 48);
    assert_memory_equal(bytes.data + 40, "123456789\0\0\0\0\0\0\0", 16);
    assert_memory_equal(bytes.data + 96, "12345678", 8);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, 40, 0), 40);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, 40, WAIT_POLL), 0);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, 40, 0), BLOCKED);
    (void)send_one(&pair, "", 0);
    assert_int_equal(puppet_resume(&pair.stage, pair.handler), 40);
    // Blocked with a buffer that turns out to be too small.
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, 40, 0), BLOCKED);
    (void)send_one(&pair, "1", 0);
    assert_int_equal(puppet_resume(&pair.stage, pair.handler), E_BUFFER);
    stage_close(&pair.stage);
}

static void wait_writes_no_more_than_its_share(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 25);
    pair.stage.check = false;
    struct puppet *other = stage_start(&pair.stage, pair.cid);
    i64 bond = puppet_bind(&pair.stage, other, &alpha, false);
    u32 each = KERNEL_TOLD / 2 + 1;
    struct puppet_order fill = {
        .kind = PUPPET_FILL, .a = pair.bond, .b = pair.one, .c = 8, .d = 0, .e = each};
    assert_int_equal(puppet_do(&pair.stage, pair.client, &fill), each << 8);
    fill.a = (u64)bond;
    assert_int_equal(puppet_do(&pair.stage, other, &fill), each << 8);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, PUPPET_AREA_BYTES / 2, 0),
                     KERNEL_TOLD * 48);
    assert_int_equal(puppet_wait(&pair.stage, pair.handler, PUPPET_AREA_BYTES / 2, 0), 2 * 48);
    stage_close(&pair.stage);
}

// Queued and held messages of two registrations, more than one sweep of each, in turns.
static void law_unregistering_leaves_other_messages_in_order(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 26);
    i64 registration = puppet_register(&pair.stage, pair.handler, &beta);
    u32 bonds[2] = {pair.bond, (u32)puppet_bind(&pair.stage, pair.client, &beta, false)};
    u64 functions[2] = {pair.one, stage_function_id(&beta, 0)};
    enum { EACH = KERNEL_SWEEP + 5, HELD = 20 };
    u64 ids[2][EACH];
    for (u32 i = 0; i < 2 * EACH; i++) {
        u32 which = i % 2;
        ids[which][i / 2] = (u64)puppet_send(&pair.stage, pair.client, bonds[which],
                                             functions[which], (struct span){0}, 0);
    }
    for (u32 i = 0; i < 2 * HELD; i++) {
        assert_int_equal(next_of(&pair, pair.handler).header.id, ids[i % 2][i / 2]);
    }
    // One that is held and cancelled is a note of its registration again.
    for (u32 which = 0; which < 2; which++) {
        assert_int_equal(puppet_cancel(&pair.stage, pair.client, ids[which][0]), 0);
        expect_error(&pair, pair.client, (i64)ids[which][0], E_CANCELLED);
    }
    assert_int_equal(puppet_unregister(&pair.stage, pair.handler, (u32)registration), 0);
    for (u32 i = 1; i < EACH; i++) {
        expect_error(&pair, pair.client, (i64)ids[1][i], E_GONE);
    }
    expect_nothing(&pair, pair.client);
    for (u32 i = HELD; i < EACH; i++) {
        assert_int_equal(next_of(&pair, pair.handler).header.id, ids[0][i]);
    }
    struct notification note = next_of(&pair, pair.handler);
    assert_int_equal(note.header.kind, NOTIFICATION_CANCELLED);
    assert_int_equal(note.header.id, ids[0][0]);
    expect_nothing(&pair, pair.handler);
    for (u32 i = 1; i < EACH; i++) {
        assert_int_equal(puppet_answer(&pair.stage, pair.handler, ids[0][i], SPAN_LITERAL("y"), 0),
                         0);
        assert_int_equal(puppet_answer(&pair.stage, pair.handler, ids[1][i], SPAN_LITERAL("y"), 0),
                         E_HANDLE);
    }
    stage_close(&pair.stage);
}

static void an_error_answer_carries_its_code(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 25);
    i64 id = send_one(&pair, "x", 0);
    (void)next_of(&pair, pair.handler);
    u8 code[5] = {12};
    struct span wrong[] = {span_of(code, 0),           span_of(code, 3),
                           span_of(code, 5),           SPAN_LITERAL("\0\0\0\0"),
                           SPAN_LITERAL("\x10\0\0\0"), SPAN_LITERAL("\xff\xff\xff\xff")};
    for (u32 i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, wrong[i], ANSWER_ERROR),
                         E_MALFORMED);
    }
    assert_int_equal(
        puppet_answer(&pair.stage, pair.handler, (u64)id, span_of(code, 4), ANSWER_ERROR), 0);
    expect_error(&pair, pair.client, id, E_DENIED);
    assert_int_equal(send_one(&pair, "y", SEND_WAIT), BLOCKED);
    struct notification note = next_of(&pair, pair.handler);
    assert_int_equal(
        puppet_answer(&pair.stage, pair.handler, note.header.id, span_of(code, 4), ANSWER_ERROR),
        0);
    assert_int_equal(puppet_resume(&pair.stage, pair.client), 4 | ANSWER_IS_ERROR);
    stage_close(&pair.stage);
}

static void a_message_to_oneself_arrives(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 26);
    i64 bond = puppet_bind(&pair.stage, pair.handler, &alpha, false);
    i64 id = puppet_send(&pair.stage, pair.handler, (u32)bond, pair.one, SPAN_LITERAL("me"), 0);
    assert_int_equal(next_of(&pair, pair.handler).header.id, id);
    assert_int_equal(puppet_answer(&pair.stage, pair.handler, (u64)id, SPAN_LITERAL("I"), 0), 0);
    assert_int_equal(next_of(&pair, pair.handler).header.kind, NOTIFICATION_ANSWER);
    id = puppet_send(&pair.stage, pair.handler, (u32)bond, pair.one, SPAN_LITERAL("me"), 0);
    // Unregistering answers what one sent to oneself, too.
    assert_int_equal(puppet_unregister(&pair.stage, pair.handler, pair.registration), 0);
    expect_error(&pair, pair.handler, id, E_GONE);
    // Waiting for oneself is one's own affair, and can be ended.
    assert_true(puppet_register(&pair.stage, pair.handler, &alpha) > 0);
    assert_int_equal(
        puppet_send(&pair.stage, pair.handler, (u32)bond, pair.one, SPAN_LITERAL("me"), SEND_WAIT),
        BLOCKED);
    stage_kill(&pair.stage, pair.handler);
    stage_settle(&pair.stage, 1000);
    assert_true(pair.handler->has_ended);
    stage_close(&pair.stage);
}

static void long_bodies_go_both_ways(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 27);
    struct puppet_order echo = {.kind = PUPPET_ECHO};
    puppet_tell(&pair.stage, pair.handler, &echo);
    stage_settle(&pair.stage, 1000);
    static u8 body[60000];
    for (u32 i = 0; i < sizeof body; i++) {
        body[i] = (u8)(i * 7 + i / 251);
    }
    u32 sizes[] = {0, 1, 8, 71, 72, 73, 74, 1000, 4095, 4096, 4097, 5000, 60000};
    for (u32 i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct span sent = span_of(body, sizes[i]);
        i64 result = puppet_send(&pair.stage, pair.client, pair.bond, pair.one, sent, SEND_WAIT);
        assert_int_equal(result, sizes[i]);
        struct span back =
            puppet_peek(&pair.stage, pair.client, puppet_answer_address(pair.client), sizes[i]);
        assert_true(span_equal(sent, back));
        i64 id = puppet_send(&pair.stage, pair.client, pair.bond, pair.one, sent, 0);
        assert_true(id > 0);
        stage_settle(&pair.stage, 1000);
        struct notification note = next_of(&pair, pair.client);
        assert_int_equal(note.header.id, id);
        assert_true(span_equal(span_of(note.body, note.header.body_len), sent));
    }
    stage_close(&pair.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notification_says_what_was_sent),
        cmocka_unit_test(law_at_most_one_answer),
        cmocka_unit_test(law_exactly_one_answer_when_the_handler_exits),
        cmocka_unit_test(law_exactly_one_answer_when_the_handler_traps),
        cmocka_unit_test(law_exactly_one_answer_when_the_handler_dies),
        cmocka_unit_test(law_exactly_one_answer_when_the_handler_unregisters),
        cmocka_unit_test(law_exactly_one_answer_to_a_client_that_waits),
        cmocka_unit_test(law_exactly_one_answer_when_cancelled),
        cmocka_unit_test(law_order_per_client_and_handler),
        cmocka_unit_test(law_ids_checked_for_ownership),
        cmocka_unit_test(law_a_dead_handlers_interface_is_free_at_once),
        cmocka_unit_test(law_bonds_wait_for_a_compatible_handler),
        cmocka_unit_test(law_fewer_functions_fit_and_changed_ones_do_not),
        cmocka_unit_test(law_a_patient_bind_waits_for_a_handler_that_fits),
        cmocka_unit_test(law_ring_of_full_queues_makes_progress),
        cmocka_unit_test(law_room_for_the_answer_is_taken_at_send),
        cmocka_unit_test(law_an_answer_beyond_the_senders_budget_is_an_error),
        cmocka_unit_test(law_no_message_with_a_client_that_is_gone_follows),
        cmocka_unit_test(an_answer_too_long_for_its_send_comes_as_the_first_notification),
        cmocka_unit_test(answer_wait_does_not_wait_when_the_answer_is_refused),
        cmocka_unit_test(wait_writes_as_many_whole_notifications_as_fit),
        cmocka_unit_test(wait_writes_no_more_than_its_share),
        cmocka_unit_test(law_unregistering_leaves_other_messages_in_order),
        cmocka_unit_test(an_error_answer_carries_its_code),
        cmocka_unit_test(a_message_to_oneself_arrives),
        cmocka_unit_test(long_bodies_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
