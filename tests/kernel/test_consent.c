// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_consent.c: whoever handles `consent` is asked once, may be slow, dead or
// hostile, and is believed about nothing but the answer (core/kernel/consent.c).
#include "core/base/cid.h"
#include "core/base/compiler.h"
#include "core/kernel/device.h"
#include "core/kernel/internal.h"
#include "core/kernel/replace.h"
#include "core/kernel/route.h"
#include "interfaces/consent.h"
#include "interfaces/ping.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { BIND_NO_HANDLER = -1001, BIND_DENIED = -1003, BIND_LIMIT = -1004 };
enum { REGISTER_TAKEN = -1001, REGISTER_DENIED = -1002, REGISTER_LIMIT = -1003 };

static const struct stage_interface alpha = {"test:consent/alpha", {{"one", 0}}};
static const struct stage_interface beta = {"test:consent/beta", {{"two", 0}}};
static const struct stage_interface consent = {.name = CONSENT_NAME, .real = &consent_interface};

// What a client may want, that it is asked about: to use alpha, to handle beta.
struct wish {
    const struct stage_interface *interface;
    enum kernel_right right;
    enum consent_right asked;
    i64 denied;
};
static const struct wish wishes[] = {
    {&alpha, KERNEL_USE, CONSENT_RIGHT_USE, BIND_DENIED},
    {&beta, KERNEL_HANDLE, CONSENT_RIGHT_HANDLE, REGISTER_DENIED},
};
static const struct wish *const wishes_end = wishes + COUNT_OF(wishes);
static const struct wish *const use_alpha = &wishes[0];
static const struct wish *const handle_beta = &wishes[1];

// One program that handles consent and alpha, and one that wants alpha.
struct scene {
    struct stage stage;
    char asked_cid[KERNEL_CID_TEXT_BYTES];
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *asked; // handles consent
    struct puppet *client;
};

static void scene_open(struct scene *scene, u64 seed)
{
    grants_stage_open(&scene->stage, seed, KERNEL_ASK);
    const struct stage_interface *asked[] = {&consent, &alpha};
    const struct stage_interface *client[] = {&alpha, &beta};
    stage_program(&scene->stage, asked, 2, scene->asked_cid);
    stage_program(&scene->stage, client, 2, scene->cid);
    grants_say(&scene->stage, KERNEL_HANDLE, KERNEL_ALLOW, scene->asked_cid, &consent, "");
    grants_say(&scene->stage, KERNEL_HANDLE, KERNEL_ALLOW, scene->asked_cid, &alpha, "");
    scene->asked = stage_start(&scene->stage, scene->asked_cid);
    assert_true(puppet_register(&scene->stage, scene->asked, &consent) > 0);
    assert_true(puppet_register(&scene->stage, scene->asked, &alpha) > 0);
    scene->client = stage_start(&scene->stage, scene->cid);
}

static i64 want(struct scene *scene, struct puppet *puppet, const struct wish *wish)
{
    return wish->right == KERNEL_USE ? puppet_bind(&scene->stage, puppet, wish->interface, false)
                                     : puppet_register(&scene->stage, puppet, wish->interface);
}

// The same with an answer that comes as a notification; the message's id.
static u64 want_later(struct scene *scene, struct puppet *puppet, const struct wish *wish)
{
    i64 id = wish->right == KERNEL_USE
                 ? puppet_bind_later(&scene->stage, puppet, wish->interface)
                 : puppet_register_later(&scene->stage, puppet, wish->interface, 0);
    assert_true(id > 0);
    return (u64)id;
}

// What came of it when it was BLOCKED.
static void expect_end(struct scene *scene, struct puppet *puppet, const struct wish *wish,
                       bool is_allowed)
{
    i64 result = wish->right == KERNEL_USE ? puppet_bind_end(&scene->stage, puppet)
                                           : puppet_register_end(&scene->stage, puppet);
    assert_true(is_allowed ? result > 0 : result == wish->denied);
}

static void expect_asked_nothing(struct scene *scene)
{
    struct notification note;
    assert_false(puppet_next(&scene->stage, scene->asked, &note));
}

// Another process of the program wants it, too: nobody is asked again, and a seat that is taken is
// taken.
static void expect_known(struct scene *scene, const struct wish *wish, bool is_allowed)
{
    i64 result = want(scene, stage_start(&scene->stage, scene->cid), wish);
    assert_true(!is_allowed                    ? result == wish->denied
                : wish->right == KERNEL_HANDLE ? result == REGISTER_TAKEN
                                               : result > 0);
    expect_asked_nothing(scene);
}

// The question that is there; its message's id.
static u64 question_of(struct scene *scene, struct consent_ask_call *out)
{
    static struct notification note;
    assert_true(puppet_next(&scene->stage, scene->asked, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
    assert_int_equal(note.header.function, CONSENT_ASK_ID);
    assert_int_equal(note.header.client, 0);
    assert_int_equal(consent_ask_decode_call(span_of(note.body, note.header.body_len), out),
                     ERR_OK);
    return note.header.id;
}

static void answer(struct scene *scene, u64 id, enum consent_answer with)
{
    u8 body[8];
    size_t size = consent_ask_encode_result(body, sizeof body, with);
    assert_int_equal(puppet_answer(&scene->stage, scene->asked, id, span_of(body, size), 0), 0);
    stage_settle(&scene->stage, 10000);
}

static void the_question_says_who_wants_what(void **state)
{
    (void)state;
    for (const struct wish *wish = wishes; wish < wishes_end; wish++) {
        struct scene scene;
        struct consent_ask_call call;
        scene_open(&scene, 1);
        assert_int_equal(want(&scene, scene.client, wish), BLOCKED);
        (void)question_of(&scene, &call);
        assert_true(span_equal(call.question.program, span_string(scene.cid)));
        assert_int_equal(call.question.wish, wish->asked);
        assert_true(span_equal(call.question.wanted, span_string(wish->interface->name)));
        assert_int_equal(call.question.hash.size, 64);
        assert_int_equal(call.question.words.size, 0); // a puppet does not say what it gives
        stage_close_running(&scene.stage);
    }
}

static void wake_nobody(void *context)
{
    (void)context;
}

// What a handler says of its interface is passed on up to a bound, in whole characters.
static void limit_of_words(void **state)
{
    (void)state;
    static const struct stage_interface ping = {.name = PING_NAME, .real = &ping_interface};
    static char words[KERNEL_WORDS + 2];
    static const struct {
        u32 size;
        const char *end;
        u32 told;
    } cases[] = {{KERNEL_WORDS, "x", KERNEL_WORDS},
                 {KERNEL_WORDS + 1, "x", KERNEL_WORDS},
                 {KERNEL_WORDS, "\xc3\xa4", KERNEL_WORDS},
                 {KERNEL_WORDS + 1, "\xc3\xa4", KERNEL_WORDS - 1}};
    for (u32 i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;
        struct consent_ask_call call;
        char cid[KERNEL_CID_TEXT_BYTES];
        scene_open(&scene, 20 + i);
        memset(words, 'w', cases[i].size);
        size_t end = strlen(cases[i].end);
        memcpy(words + cases[i].size - end, cases[i].end, end + 1);
        struct interface_definition said = ping_interface;
        said.words = words;
        struct kernel_device_config config = {.interface = &said, .wake = wake_nobody};
        struct kernel_device *device;
        assert_int_equal(kernel_device_register(scene.stage.kernel, &config, &device), ERR_OK);
        const struct stage_interface *interfaces[] = {&ping};
        stage_program(&scene.stage, interfaces, 1, cid);
        struct puppet *client = stage_start(&scene.stage, cid);
        assert_int_equal(puppet_bind(&scene.stage, client, &ping, false), BLOCKED);
        (void)question_of(&scene, &call);
        assert_int_equal(call.question.words.size, cases[i].told);
        assert_memory_equal(call.question.words.data, words, cases[i].told);
        stage_close_running(&scene.stage);
    }
}

// What the machine was told of.
struct lessons {
    const struct scene *scene;
    const struct wish *wish;
    u32 count;
};

static void note_lesson(void *context, const struct kernel_learned *learned)
{
    struct lessons *lessons = context;
    lessons->count++;
    assert_int_equal(learned->right, lessons->wish->right);
    assert_true(span_equal(learned->cid, span_string(lessons->scene->cid)));
    assert_true(span_equal(learned->name, span_string(lessons->wish->interface->name)));
}

// It is not asked again; what is for ever can be told, and the machine is told of that alone.
static void expect_answer(const struct wish *wish, enum consent_answer with)
{
    static u8 limit[KERNEL_GRANT_LIMIT_BYTES];
    struct scene scene;
    struct consent_ask_call call;
    struct lessons lessons = {&scene, wish, 0};
    scene_open(&scene, 2);
    scene.stage.kernel->config.learned = note_lesson;
    scene.stage.kernel->config.learned_context = &lessons;
    assert_int_equal(want(&scene, scene.client, wish), BLOCKED);
    answer(&scene, question_of(&scene, &call), with);
    expect_end(&scene, scene.client, wish, with != CONSENT_ANSWER_NO);
    expect_known(&scene, wish, with != CONSENT_ANSWER_NO);
    struct kernel_grant grant;
    u32 learned = 0;
    for (u32 at = 0; kernel_grant_next(scene.stage.kernel, &at, &grant, limit);) {
        learned += grant.is_learned;
    }
    assert_int_equal(learned, with == CONSENT_ANSWER_ALWAYS);
    assert_int_equal(lessons.count, with == CONSENT_ANSWER_ALWAYS);
    stage_close(&scene.stage);
}

static void once_and_always_allow_and_no_denies(void **state)
{
    (void)state;
    for (const struct wish *wish = wishes; wish < wishes_end; wish++) {
        expect_answer(wish, CONSENT_ANSWER_ONCE);
        expect_answer(wish, CONSENT_ANSWER_ALWAYS);
        expect_answer(wish, CONSENT_ANSWER_NO);
    }
}

// A route says who is asked; while nobody sits there, nobody is.
static void questions_take_routes(void **state)
{
    (void)state;
    struct scene scene;
    struct consent_ask_call call;
    scene_open(&scene, 33);
    char cid[KERNEL_CID_TEXT_BYTES];
    const struct stage_interface *interfaces[] = {&consent};
    stage_program(&scene.stage, interfaces, 1, cid);
    grants_say(&scene.stage, KERNEL_HANDLE, KERNEL_ALLOW, cid, &consent, "");
    struct kernel_route route = {.name = span_string(consent.name)};
    struct kernel_grant named = {0};
    grants_name(&named, cid, NULL);
    memcpy(route.handler, named.program, sizeof route.handler);
    assert_int_equal(kernel_route_set(scene.stage.kernel, &route), ERR_OK);
    assert_int_equal(want(&scene, scene.client, use_alpha), BIND_DENIED);
    expect_asked_nothing(&scene);
    struct puppet *other = stage_start(&scene.stage, cid);
    assert_true(puppet_register(&scene.stage, other, &consent) > 0);
    assert_int_equal(want(&scene, scene.client, use_alpha), BLOCKED);
    expect_asked_nothing(&scene);
    scene.asked = other;
    answer(&scene, question_of(&scene, &call), CONSENT_ANSWER_ONCE);
    assert_true(puppet_bind_end(&scene.stage, scene.client) > 0);
    stage_close_running(&scene.stage);
}

static void one_question_for_many_binds(void **state)
{
    (void)state;
    struct scene scene;
    struct consent_ask_call call;
    struct puppet *more[80]; // more than KERNEL_SWEEP
    scene_open(&scene, 3);
    for (u32 i = 0; i < 80; i++) {
        more[i] = stage_start(&scene.stage, scene.cid);
        assert_int_equal(want(&scene, more[i], use_alpha), BLOCKED);
    }
    u64 id = question_of(&scene, &call);
    expect_asked_nothing(&scene);
    answer(&scene, id, CONSENT_ANSWER_ONCE);
    for (u32 i = 0; i < 80; i++) {
        assert_true(puppet_bind_end(&scene.stage, more[i]) > 0);
    }
    stage_close(&scene.stage);
}

// Patient binds go on waiting, for the handler.
static void a_patient_bind_waits_for_both(void **state)
{
    (void)state;
    struct scene scene;
    struct consent_ask_call call;
    scene_open(&scene, 4);
    assert_int_equal(puppet_bind(&scene.stage, scene.client, &beta, true), BLOCKED);
    answer(&scene, question_of(&scene, &call), CONSENT_ANSWER_ONCE);
    assert_int_equal(puppet_resume(&scene.stage, scene.client), BLOCKED);
    grants_say(&scene.stage, KERNEL_HANDLE, KERNEL_ALLOW, scene.cid, &beta, "");
    struct puppet *handler = stage_start(&scene.stage, scene.cid);
    assert_true(puppet_register(&scene.stage, handler, &beta) > 0);
    assert_true(puppet_bind_end(&scene.stage, scene.client) > 0);
    // Who does not wait is told that there is none.
    assert_int_equal(puppet_kill(&scene.stage, scene.client, 0), -1000);
    stage_kill(&scene.stage, handler);
    assert_int_equal(puppet_bind(&scene.stage, scene.client, &beta, false), BIND_NO_HANDLER);
    stage_close(&scene.stage);
}

static void expect_no_answer(struct scene *scene, const struct wish *wish, struct span body,
                             u32 flags)
{
    struct consent_ask_call call;
    assert_int_equal(want(scene, scene->client, wish), BLOCKED);
    u64 id = question_of(scene, &call);
    assert_int_equal(puppet_answer(&scene->stage, scene->asked, id, body, flags), 0);
    expect_end(scene, scene->client, wish, false);
}

// What is no answer denies those who wait, and is forgotten: the next one asks again.
static void what_is_no_answer_denies(void **state)
{
    (void)state;
    const struct span nonsense[] = {
        {0}, SPAN_LITERAL("\3"), SPAN_LITERAL("\0\0"), SPAN_LITERAL("\xff\xff\xff\xff")};
    u8 code[4];
    mem_store_u32(code, -E_BUSY);
    for (const struct wish *wish = wishes; wish < wishes_end; wish++) {
        struct scene scene;
        scene_open(&scene, 5);
        for (u32 i = 0; i < COUNT_OF(nonsense); i++) {
            expect_no_answer(&scene, wish, nonsense[i], 0);
        }
        expect_no_answer(&scene, wish, span_of(code, sizeof code), ANSWER_ERROR);
        stage_close(&scene.stage);
    }
}

// Whoever is asked ends, before it has taken the question or after that.
static void who_does_not_answer_denies(void **state)
{
    (void)state;
    for (const struct wish *wish = wishes; wish < wishes_end; wish++) {
        struct scene scene;
        struct consent_ask_call call;
        scene_open(&scene, 5);
        for (u32 taken = 0; taken < 2; taken++) {
            assert_int_equal(want(&scene, scene.client, wish), BLOCKED);
            if (taken == 1) {
                (void)question_of(&scene, &call);
            }
            stage_kill(&scene.stage, scene.asked);
            expect_end(&scene, scene.client, wish, false);
            assert_int_equal(want(&scene, scene.client, wish), wish->denied); // nobody is there
            scene.asked = stage_start(&scene.stage, scene.asked_cid);
            assert_true(puppet_register(&scene.stage, scene.asked, &consent) > 0);
        }
        stage_close(&scene.stage);
    }
}

static void expect_can_leave(const struct wish *wish, bool is_taken)
{
    struct scene scene;
    struct consent_ask_call call;
    struct notification note;
    u64 question = 0;
    scene_open(&scene, 6);
    u64 id = want_later(&scene, scene.client, wish);
    struct puppet *other = stage_start(&scene.stage, scene.cid);
    assert_int_equal(want(&scene, other, wish), BLOCKED);
    if (is_taken) {
        question = question_of(&scene, &call);
    }
    assert_int_equal(puppet_cancel(&scene.stage, scene.client, id), 0);
    assert_true(puppet_next(&scene.stage, scene.client, &note));
    assert_int_equal(mem_load_u32(note.body), -E_CANCELLED);
    stage_kill(&scene.stage, other); // the last one: the question is taken back
    if (is_taken) {
        assert_true(puppet_next(&scene.stage, scene.asked, &note));
        assert_int_equal(note.header.kind, NOTIFICATION_CANCELLED);
        assert_int_equal(note.header.id, question);
        answer(&scene, question, CONSENT_ANSWER_ALWAYS); // and means nothing
    } else {
        expect_asked_nothing(&scene);
    }
    assert_int_equal(want(&scene, scene.client, wish), BLOCKED);
    answer(&scene, question_of(&scene, &call), CONSENT_ANSWER_NO);
    expect_end(&scene, scene.client, wish, false);
    stage_close(&scene.stage);
}

static void who_waits_can_leave(void **state)
{
    (void)state;
    for (const struct wish *wish = wishes; wish < wishes_end; wish++) {
        expect_can_leave(wish, false);
        expect_can_leave(wish, true);
    }
}

static void nobody_is_asked_about_itself(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 8);
    assert_int_equal(want(&scene, scene.asked, use_alpha), BIND_DENIED);
    struct puppet *same = stage_start(&scene.stage, scene.asked_cid); // nor about its program
    assert_int_equal(want(&scene, same, use_alpha), BIND_DENIED);
    expect_asked_nothing(&scene);
    stage_close(&scene.stage);
}

// A row that the user sets meanwhile wins, and one about the other right means nothing.
static void expect_word(const struct wish *wish, enum kernel_word word)
{
    struct scene scene;
    struct consent_ask_call call;
    struct notification note;
    scene_open(&scene, 9);
    struct stage *stage = &scene.stage;
    enum kernel_right other = wish->right == KERNEL_USE ? KERNEL_HANDLE : KERNEL_USE;
    bool is_allowed = word == KERNEL_ALLOW;
    assert_int_equal(want(&scene, scene.client, wish), BLOCKED);
    u64 id = question_of(&scene, &call);
    grants_say(stage, other, word, scene.cid, wish->interface, "");
    assert_int_equal(puppet_resume(stage, scene.client), BLOCKED);
    grants_say(stage, wish->right, word, scene.cid, wish->interface, "");
    expect_end(&scene, scene.client, wish, is_allowed);
    assert_true(puppet_next(stage, scene.asked, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_CANCELLED);
    answer(&scene, id, is_allowed ? CONSENT_ANSWER_NO : CONSENT_ANSWER_ALWAYS); // too late
    expect_known(&scene, wish, is_allowed);
    stage_close(stage);
}

static void the_users_own_word_comes_first(void **state)
{
    (void)state;
    for (const struct wish *wish = wishes; wish < wishes_end; wish++) {
        expect_word(wish, KERNEL_DENY);
        expect_word(wish, KERNEL_ALLOW);
    }
}

// What a child wants asks about its own program, then about each above it.
static void expect_parents(const struct wish *wish, enum consent_answer with)
{
    struct scene scene;
    struct consent_ask_call call;
    char cid[KERNEL_CID_TEXT_BYTES];
    scene_open(&scene, 10);
    const struct stage_interface *interfaces[] = {&beta, &alpha};
    stage_program(&scene.stage, interfaces, 2, cid);
    i64 process = puppet_spawn(&scene.stage, scene.client, span_string(cid));
    assert_true(process > 0);
    stage_settle(&scene.stage, 10000);
    struct puppet *child = stage_find(&scene.stage, (u64)process);
    assert_int_equal(want(&scene, child, wish), BLOCKED);
    u64 id = question_of(&scene, &call);
    assert_true(span_equal(call.question.program, span_string(cid)));
    assert_true(span_equal(call.question.name, SPAN_LITERAL("child")));
    answer(&scene, id, CONSENT_ANSWER_ONCE);
    id = question_of(&scene, &call);
    assert_true(span_equal(call.question.program, span_string(scene.cid)));
    assert_int_equal(call.question.name.size, 0);
    assert_int_equal(call.question.wish, wish->asked);
    answer(&scene, id, with);
    expect_end(&scene, child, wish, with != CONSENT_ANSWER_NO);
    stage_close(&scene.stage);
}

static void parents_are_asked_about_too(void **state)
{
    (void)state;
    for (const struct wish *wish = wishes; wish < wishes_end; wish++) {
        expect_parents(wish, CONSENT_ANSWER_ONCE);
        expect_parents(wish, CONSENT_ANSWER_NO);
    }
}

// ---- handling

// Who is asked handles alpha, too: the client's program is to follow it there.
static void replace_asked(struct scene *scene)
{
    struct kernel_grant old = {0}, new = {0};
    grants_name(&old, scene->asked_cid, NULL);
    grants_name(&new, scene->cid, NULL);
    assert_int_equal(
        kernel_replace(scene->stage.kernel, span_string(alpha.name), old.program, new.program),
        ERR_OK);
}

// May a program use it, and may it handle it, are two questions with an answer each.
static void one_question_for_each_right(void **state)
{
    (void)state;
    struct scene scene;
    struct consent_ask_call call;
    scene_open(&scene, 54);
    struct puppet *other = stage_start(&scene.stage, scene.cid);
    struct puppet *third = stage_start(&scene.stage, scene.cid);
    assert_int_equal(want(&scene, scene.client, handle_beta), BLOCKED);
    assert_int_equal(puppet_bind(&scene.stage, other, &beta, true), BLOCKED);
    assert_int_equal(want(&scene, third, handle_beta), BLOCKED); // the same question as the first
    u64 handle = question_of(&scene, &call);
    assert_int_equal(call.question.wish, CONSENT_RIGHT_HANDLE);
    u64 use = question_of(&scene, &call);
    assert_int_equal(call.question.wish, CONSENT_RIGHT_USE);
    expect_asked_nothing(&scene);
    answer(&scene, use, CONSENT_ANSWER_ONCE);
    assert_int_equal(puppet_resume(&scene.stage, other), BLOCKED); // until somebody handles it
    answer(&scene, handle, CONSENT_ANSWER_ONCE);
    assert_true(puppet_register_end(&scene.stage, scene.client) > 0);
    assert_int_equal(puppet_register_end(&scene.stage, third), REGISTER_TAKEN);
    assert_true(puppet_bind_end(&scene.stage, other) > 0);
    stage_close(&scene.stage);
}

// Who wants no answer could not be told of one: it is denied, and nobody is asked.
static void who_wants_no_answer_is_not_asked_about(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 56);
    i64 sent = puppet_register_later(&scene.stage, scene.client, &beta, SEND_NO_ANSWER);
    assert_int_equal(sent, 0);
    expect_asked_nothing(&scene);
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, scene.cid, &beta, "");
    struct puppet *other = stage_start(&scene.stage, scene.cid);
    assert_int_equal(puppet_bind(&scene.stage, other, &beta, false), BIND_NO_HANDLER);
    stage_close(&scene.stage);
}

// A seat that is taken says so at once, as no answer would change it; but for who is to follow.
static void a_taken_seat_is_not_asked_about(void **state)
{
    (void)state;
    struct scene scene;
    struct consent_ask_call call;
    scene_open(&scene, 62);
    assert_int_equal(puppet_register(&scene.stage, scene.client, &alpha), REGISTER_TAKEN);
    expect_asked_nothing(&scene);
    replace_asked(&scene);
    assert_int_equal(puppet_register(&scene.stage, scene.client, &alpha), BLOCKED);
    answer(&scene, question_of(&scene, &call), CONSENT_ANSWER_NO);
    assert_int_equal(puppet_register_end(&scene.stage, scene.client), REGISTER_DENIED);
    stage_close(&scene.stage);
}

// While what it follows is being swept by another worker, who has its yes is let in by no step: to
// wait for the sweep would give the lock back in the middle of one.
static void who_follows_is_let_in_behind_a_sweep(void **state)
{
    (void)state;
    struct scene scene;
    struct consent_ask_call call;
    scene_open(&scene, 63);
    replace_asked(&scene);
    assert_int_equal(puppet_register(&scene.stage, scene.client, &alpha), BLOCKED);
    struct kernel *kernel = scene.stage.kernel;
    struct party *old = &process_find_locked(kernel, scene.asked->process)->party;
    u64 question = question_of(&scene, &call);
    old->is_swept = true; // as handler_abandon_locked says it while the lock is free
    answer(&scene, question, CONSENT_ANSWER_ONCE);
    assert_int_equal(puppet_resume(&scene.stage, scene.client), BLOCKED);
    old->is_swept = false;
    assert_true(puppet_register_end(&scene.stage, scene.client) > 0);
    stage_close(&scene.stage);
}

// ---- limits

static void limit_of_questions(void **state)
{
    (void)state;
    enum { EACH = KERNEL_FAMILY_QUESTIONS + 1 };
    static struct stage_interface many[EACH];
    static char names[EACH][32];
    static char mark_names[KERNEL_QUESTIONS][32];
    struct scene scene;
    const struct stage_interface *interfaces[EACH + 1];
    scene_open(&scene, 11);
    for (u32 i = 0; i < EACH; i++) {
        snprintf(names[i], sizeof names[i], "test:consent/m%u", i);
        many[i] = (struct stage_interface){names[i], {{"f", 0}}, NULL};
        interfaces[i] = &many[i];
    }
    struct notification note;
    u32 families = KERNEL_QUESTIONS / KERNEL_FAMILY_QUESTIONS;
    for (u32 family = 0; family <= families; family++) {
        char cid[KERNEL_CID_TEXT_BYTES];
        snprintf(mark_names[family], sizeof mark_names[family], "test:consent/p%u", family);
        struct stage_interface mark = {mark_names[family], {{"f", 0}}, NULL};
        interfaces[EACH] = &mark;
        stage_program(&scene.stage, interfaces, EACH + 1, cid);
        struct puppet *puppet = stage_start(&scene.stage, cid);
        u32 most = family < families ? KERNEL_FAMILY_QUESTIONS : 0;
        for (u32 i = 0; i < most; i++) {
            i64 id = i % 2 == 0 ? puppet_bind_later(&scene.stage, puppet, &many[i])
                                : puppet_register_later(&scene.stage, puppet, &many[i], 0);
            assert_true(id > 0);
        }
        assert_false(puppet_next(&scene.stage, puppet, &note));
        assert_int_equal(puppet_bind(&scene.stage, puppet, &many[most], false), BIND_LIMIT);
        assert_int_equal(puppet_register(&scene.stage, puppet, &many[most]), REGISTER_LIMIT);
    }
    stage_close_running(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_says_who_wants_what),
        cmocka_unit_test(limit_of_words),
        cmocka_unit_test(once_and_always_allow_and_no_denies),
        cmocka_unit_test(questions_take_routes),
        cmocka_unit_test(one_question_for_many_binds),
        cmocka_unit_test(a_patient_bind_waits_for_both),
        cmocka_unit_test(what_is_no_answer_denies),
        cmocka_unit_test(who_does_not_answer_denies),
        cmocka_unit_test(who_waits_can_leave),
        cmocka_unit_test(nobody_is_asked_about_itself),
        cmocka_unit_test(the_users_own_word_comes_first),
        cmocka_unit_test(parents_are_asked_about_too),
        cmocka_unit_test(one_question_for_each_right),
        cmocka_unit_test(who_wants_no_answer_is_not_asked_about),
        cmocka_unit_test(a_taken_seat_is_not_asked_about),
        cmocka_unit_test(who_follows_is_let_in_behind_a_sweep),
        cmocka_unit_test(limit_of_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
