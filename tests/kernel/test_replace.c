// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_replace.c: a handler gives way to a new version, as core/kernel/replace.h
// promises.
#include "core/kernel/replace.h"
#include "core/kernel/route.h"
#include "machines/sim/sim.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

enum { TAKEN = -1001 };

static const struct stage_interface alpha = {"test:replace/alpha", {{"one", 0}, {"two", 0}}};
static const struct stage_interface more = {"test:replace/alpha",
                                            {{"one", 0}, {"two", 0}, {"three", 0}}};
static const struct stage_interface less = {"test:replace/alpha", {{"one", 0}}};
static const struct stage_interface beta = {"test:replace/beta", {{"f", 0}}};
static const struct stage_interface marks[] = {
    {"test:replace/a", {{"f", 0}}}, {"test:replace/b", {{"f", 0}}}, {"test:replace/c", {{"f", 0}}}};

enum { OLD, NEW, CLIENT, PROGRAMS };

struct scene {
    struct stage stage;
    char cids[PROGRAMS][KERNEL_CID_TEXT_BYTES];
    u8 digests[PROGRAMS][32];
    u64 one;
};

static const u8 nobody[32];

static void scene_open(struct scene *scene, u64 seed)
{
    grants_stage_open(&scene->stage, seed, KERNEL_ALLOW);
    for (u32 i = 0; i < PROGRAMS; i++) {
        const struct stage_interface *interfaces[] = {&alpha, &more, &less, &beta, &marks[i]};
        stage_program(&scene->stage, interfaces, 5, scene->cids[i]);
        struct kernel_grant named = {0};
        grants_name(&named, scene->cids[i], NULL);
        memcpy(scene->digests[i], named.program, 32);
    }
    scene->one = stage_function_id(&alpha, 0);
}

static struct puppet *handler_of(struct scene *scene, u32 program)
{
    struct puppet *puppet = stage_start(&scene->stage, scene->cids[program]);
    assert_true(puppet_register(&scene->stage, puppet, &alpha) > 0);
    kernel_check(scene->stage.kernel);
    return puppet;
}

static enum err follow(struct scene *scene, u32 program, const u8 successor[32])
{
    return kernel_replace(scene->stage.kernel, span_string(alpha.name), scene->digests[program],
                          successor);
}

static u32 bind(struct scene *scene, struct puppet *puppet)
{
    i64 bond = puppet_bind(&scene->stage, puppet, &alpha, false);
    assert_true(bond > 0);
    return (u32)bond;
}

static i64 send(struct scene *scene, struct puppet *client, u32 bond)
{
    i64 id = puppet_send(&scene->stage, client, bond, scene->one, SPAN_LITERAL("body"), 0);
    assert_true(id > 0);
    return id;
}

static u64 take(struct scene *scene, struct puppet *handler)
{
    static struct notification note;
    assert_true(puppet_next(&scene->stage, handler, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
    return note.header.id;
}

static void answer(struct scene *scene, struct puppet *handler, u64 id)
{
    assert_int_equal(puppet_answer(&scene->stage, handler, id, SPAN_LITERAL("back"), 0), 0);
}

static void expect_answer(struct scene *scene, struct puppet *client, i64 id)
{
    static struct notification note;
    assert_true(puppet_next(&scene->stage, client, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_ANSWER);
    assert_int_equal(note.header.flags, 0);
    assert_int_equal(note.header.id, id);
}

static void expect_ended(struct puppet *puppet)
{
    assert_true(puppet->has_ended);
    assert_int_equal(puppet->ending.kind, KERNEL_EXITED);
    assert_int_equal(puppet->ending.code, 0);
}

static void who_held_answers_and_who_follows_has_the_rest(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    struct puppet *old = handler_of(&scene, OLD);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    u32 bond = bind(&scene, client);
    i64 sent[4];
    for (u32 i = 0; i < 3; i++) {
        sent[i] = send(&scene, client, bond);
    }
    u64 held = take(&scene, old);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    struct puppet *new = handler_of(&scene, NEW);
    sent[3] = send(&scene, client, bond);
    for (u32 i = 1; i < 4; i++) { // in the order they were sent
        answer(&scene, new, take(&scene, new));
        expect_answer(&scene, client, sent[i]);
    }
    assert_false(old->has_ended);
    answer(&scene, old, held);
    expect_answer(&scene, client, sent[0]);
    assert_int_equal(puppet_wait(&scene.stage, old, 64, 0), ENDED);
    expect_ended(old);
    answer(&scene, new, (send(&scene, client, bond), take(&scene, new)));
    stage_close(&scene.stage);
}

static void who_waits_idle_ends_at_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    struct puppet *old = handler_of(&scene, OLD);
    assert_int_equal(puppet_wait(&scene.stage, old, 64, 0), BLOCKED);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    (void)handler_of(&scene, NEW);
    stage_settle(&scene.stage, 100);
    expect_ended(old);
    stage_close(&scene.stage);
}

static void who_is_called_directly_gives_way_too(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    struct puppet *old = handler_of(&scene, OLD);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    u32 bond = bind(&scene, client);
    struct span body = SPAN_LITERAL("body");
    assert_int_equal(puppet_send(&scene.stage, client, bond, scene.one, body, SEND_WAIT), BLOCKED);
    u64 held = take(&scene, old);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    struct puppet *new = handler_of(&scene, NEW);
    // Answers and waits for the next, which is the end.
    i64 result = puppet_answer(&scene.stage, old, held, body, ANSWER_WAIT);
    assert_int_equal(result, ENDED);
    expect_ended(old);
    assert_int_equal(puppet_resume(&scene.stage, client), body.size);
    (void)send(&scene, client, bond);
    answer(&scene, new, take(&scene, new));
    stage_close(&scene.stage);
}

static void who_handles_something_else_stays(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 9);
    struct puppet *old = handler_of(&scene, OLD);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    (void)handler_of(&scene, NEW);
    assert_true(puppet_register(&scene.stage, old, &beta) > 0); // since
    assert_int_equal(puppet_wait(&scene.stage, old, 64, 0), BLOCKED);
    assert_false(old->has_ended);
    stage_close(&scene.stage);
}

static void nobody_follows_into_two_seats(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 10);
    struct kernel_route route = {.name = span_string(alpha.name)};
    memcpy(route.handler, scene.digests[OLD], sizeof route.handler);
    assert_int_equal(kernel_route_set(scene.stage.kernel, &route), ERR_OK);
    struct puppet *old = handler_of(&scene, OLD);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    memcpy(route.client, scene.digests[CLIENT], sizeof route.client); // a seat of its own, since
    memcpy(route.handler, scene.digests[NEW], sizeof route.handler);
    assert_int_equal(kernel_route_set(scene.stage.kernel, &route), ERR_OK);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_EXISTS);
    struct puppet *new = handler_of(&scene, NEW); // and there it sits
    assert_true(kernel_program_handles(scene.stage.kernel, route.name, scene.digests[OLD]));
    assert_false(old->has_ended || new->has_ended);
    stage_close(&scene.stage);
}

static void nobody_else_follows(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 4);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_NOT_FOUND);
    struct puppet *old = handler_of(&scene, OLD);
    struct puppet *new = stage_start(&scene.stage, scene.cids[NEW]);
    assert_int_equal(puppet_register(&scene.stage, new, &alpha), TAKEN);
    assert_int_equal(follow(&scene, NEW, scene.digests[OLD]), ERR_NOT_FOUND);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    assert_int_equal(puppet_register(&scene.stage, old, &alpha), TAKEN);
    struct puppet *other = stage_start(&scene.stage, scene.cids[CLIENT]);
    assert_int_equal(puppet_register(&scene.stage, other, &alpha), TAKEN);
    assert_int_equal(puppet_register(&scene.stage, new, &less), TAKEN); // lacks a function
    assert_int_equal(follow(&scene, OLD, nobody), ERR_OK);              // said no more
    assert_int_equal(puppet_register(&scene.stage, new, &alpha), TAKEN);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    assert_true(puppet_register(&scene.stage, new, &more) > 0);
    struct puppet *again = stage_start(&scene.stage, scene.cids[NEW]); // once
    assert_int_equal(puppet_register(&scene.stage, again, &more), TAKEN);
    stage_close(&scene.stage);
}

static void a_death_in_between_is_an_ordinary_one(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 5);
    struct puppet *old = handler_of(&scene, OLD);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    u32 bond = bind(&scene, client);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    stage_kill(&scene.stage, old); // and with it the word
    struct puppet *next = handler_of(&scene, OLD);
    struct puppet *new = stage_start(&scene.stage, scene.cids[NEW]);
    assert_int_equal(puppet_register(&scene.stage, new, &alpha), TAKEN);
    i64 first = send(&scene, client, bond);
    answer(&scene, next, take(&scene, next));
    expect_answer(&scene, client, first);
    // One that has followed dies with what it has taken over: an error for each, as ever.
    assert_int_equal(follow(&scene, OLD, scene.digests[CLIENT]), ERR_OK);
    i64 held = send(&scene, client, bond);
    u64 taken = take(&scene, next);
    i64 queued = send(&scene, client, bond);
    struct puppet *last = handler_of(&scene, CLIENT);
    stage_kill(&scene.stage, last);
    static struct notification note;
    assert_true(puppet_next(&scene.stage, client, &note));
    assert_int_equal(note.header.id, queued);
    assert_int_equal(note.header.flags, NOTIFICATION_IS_ERROR);
    answer(&scene, next, taken);
    expect_answer(&scene, client, held);
    stage_close(&scene.stage);
}

static void routes_lead_to_who_follows(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 6);
    struct kernel_route route = {.name = span_string(alpha.name)};
    memcpy(route.handler, scene.digests[OLD], sizeof route.handler);
    assert_int_equal(kernel_route_set(scene.stage.kernel, &route), ERR_OK);
    (void)handler_of(&scene, OLD);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    u32 bond = bind(&scene, client);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    struct puppet *new = handler_of(&scene, NEW);
    (void)send(&scene, client, bond);
    answer(&scene, new, take(&scene, new));
    stage_kill(&scene.stage, new); // its seat is its program's
    new = handler_of(&scene, NEW);
    (void)send(&scene, client, bond);
    answer(&scene, new, take(&scene, new));
    stage_close(&scene.stage);
}

static void clients_that_are_gone_are_told_to_who_follows(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 7);
    (void)handler_of(&scene, OLD);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    (void)send(&scene, client, bind(&scene, client));
    stage_kill(&scene.stage, client);
    assert_int_equal(follow(&scene, OLD, scene.digests[NEW]), ERR_OK);
    struct puppet *new = handler_of(&scene, NEW);
    assert_int_equal(take(&scene, new), 0); // nobody wants its answer
    static struct notification note;
    assert_true(puppet_next(&scene.stage, new, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_CLIENT_GONE);
    stage_close(&scene.stage);
}

// ---- under load

enum { CLIENTS = 4, AT_ONCE = 3, HELD = 64, TURNS = 1000 };

struct sender {
    struct puppet *puppet;
    u32 bond;
    i64 waits_for[HELD];
    u32 count;
    u32 answered;
};

struct holder {
    struct puppet *puppet; // NULL: none
    u64 held[HELD];
    u32 count;
};

static u32 roll(u32 *seed, u32 below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % below;
}

static void sender_look(struct scene *scene, struct sender *sender)
{
    static struct notification note;
    while (puppet_next(&scene->stage, sender->puppet, &note)) {
        assert_int_equal(note.header.kind, NOTIFICATION_ANSWER);
        assert_int_equal(note.header.flags, 0); // not one is lost
        u32 at = 0;
        while (at < sender->count && sender->waits_for[at] != (i64)note.header.id) {
            at++;
        }
        assert_in_range(at, 0, sender->count - 1); // nor answered twice
        sender->waits_for[at] = sender->waits_for[--sender->count];
        sender->answered++;
    }
}

// Takes and answers some; all that it holds when it is the last time.
static void holder_move(struct scene *scene, struct holder *holder, bool is_last, u32 *seed)
{
    static struct notification note;
    while (holder->count < HELD && (is_last || roll(seed, 3) > 0) &&
           puppet_next(&scene->stage, holder->puppet, &note)) {
        assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
        holder->held[holder->count++] = note.header.id;
    }
    while (holder->count > 0 && (is_last || roll(seed, 2) > 0)) {
        u32 at = roll(seed, holder->count);
        answer(scene, holder->puppet, holder->held[at]);
        holder->held[at] = holder->held[--holder->count];
    }
}

static void senders_move(struct scene *scene, struct sender *senders, u32 *seed, u32 *sent)
{
    for (u32 i = 0; i < CLIENTS; i++) {
        struct sender *sender = &senders[i];
        for (u32 n = roll(seed, AT_ONCE + 1); n > 0 && sender->count < HELD / CLIENTS; n--) {
            sender->waits_for[sender->count++] = send(scene, sender->puppet, sender->bond);
            ++*sent;
        }
        sender_look(scene, sender);
    }
}

static void law_a_handler_is_replaced_with_no_message_lost(void **state)
{
    (void)state;
    struct scene scene;
    u32 seed = 8;
    scene_open(&scene, seed);
    struct holder old = {0};
    struct holder now = {.puppet = handler_of(&scene, OLD)};
    struct sender senders[CLIENTS] = {0};
    for (u32 i = 0; i < CLIENTS; i++) {
        senders[i].puppet = stage_start(&scene.stage, scene.cids[CLIENT]);
        senders[i].bond = bind(&scene, senders[i].puppet);
    }
    u32 sent = 0;
    for (u32 turn = 0; turn < TURNS; turn++) {
        senders_move(&scene, senders, &seed, &sent);
        holder_move(&scene, &now, false, &seed);
        if (old.puppet != NULL) { // what it held last time
            holder_move(&scene, &old, true, &seed);
            assert_int_equal(puppet_wait(&scene.stage, old.puppet, 64, 0), ENDED);
            expect_ended(old.puppet);
        }
        u32 program = turn % 2 == 0 ? OLD : NEW;
        assert_int_equal(follow(&scene, program, scene.digests[OLD + NEW - program]), ERR_OK);
        old = now;
        now = (struct holder){.puppet = handler_of(&scene, OLD + NEW - program)};
    }
    holder_move(&scene, &old, true, &seed);
    u32 answered = 0;
    for (u32 i = 0; i < CLIENTS; i++) {
        holder_move(&scene, &now, true, &seed);
        sender_look(&scene, &senders[i]);
        assert_int_equal(senders[i].count, 0);
        answered += senders[i].answered;
    }
    assert_int_equal(answered, sent);
    assert_true(sent > 2 * TURNS);
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_held_answers_and_who_follows_has_the_rest),
        cmocka_unit_test(who_waits_idle_ends_at_once),
        cmocka_unit_test(who_is_called_directly_gives_way_too),
        cmocka_unit_test(who_handles_something_else_stays),
        cmocka_unit_test(nobody_follows_into_two_seats),
        cmocka_unit_test(nobody_else_follows),
        cmocka_unit_test(a_death_in_between_is_an_ordinary_one),
        cmocka_unit_test(routes_lead_to_who_follows),
        cmocka_unit_test(clients_that_are_gone_are_told_to_who_follows),
        cmocka_unit_test(law_a_handler_is_replaced_with_no_message_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
