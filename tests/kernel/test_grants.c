// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_grants.c: the user's words, as core/kernel/grant.h promises them, and what
// handlers are told of their clients. What whoever handles `consent` is asked: test_consent.c.
#include "core/kernel/device.h"
#include "core/kernel/grant.h"
#include "core/kernel/limits.h"
#include "machines/sim/sim.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { BIND_DENIED = -1003, REGISTER_DENIED = -1002, NOT_FOUND = -1000, SPAWN_LIMIT = -1004 };

static const struct stage_interface alpha = {"test:grants/alpha", {{"one", 0}, {"two", 0}}};
static const struct stage_interface beta = {"test:grants/beta", {{"call", 0}}};
static const struct stage_interface marks[] = {
    {"test:grants/a", {{"f", 0}}}, {"test:grants/b", {{"f", 0}}}, {"test:grants/c", {{"f", 0}}}};

// Programs that differ in one interface, of which the first is chosen to handle alpha and beta.
struct scene {
    struct stage stage;
    char cids[3][KERNEL_CID_TEXT_BYTES];
    struct puppet *handler;
    u64 one;
};

static void scene_open(struct scene *scene, u64 seed)
{
    grants_stage_open(&scene->stage, seed, KERNEL_DENY);
    for (u32 i = 0; i < 3; i++) {
        const struct stage_interface *interfaces[] = {&alpha, &beta, &marks[i]};
        stage_program(&scene->stage, interfaces, 3, scene->cids[i]);
    }
    grants_say(&scene->stage, KERNEL_HANDLE, KERNEL_ALLOW, scene->cids[0], &alpha, "");
    grants_say(&scene->stage, KERNEL_HANDLE, KERNEL_ALLOW, scene->cids[0], &beta, "");
    scene->handler = stage_start(&scene->stage, scene->cids[0]);
    assert_true(puppet_register(&scene->stage, scene->handler, &alpha) > 0);
    scene->one = stage_function_id(&alpha, 0);
}

static void use(struct scene *scene, enum kernel_word word, u32 program, const char *limit)
{
    grants_say(&scene->stage, KERNEL_USE, word, scene->cids[program], &alpha, limit);
}

static u32 bind(struct scene *scene, struct puppet *puppet)
{
    i64 bond = puppet_bind(&scene->stage, puppet, &alpha, false);
    assert_true(bond > 0);
    return (u32)bond;
}

static i64 send(struct scene *scene, struct puppet *puppet, u32 bond, u32 flags)
{
    return puppet_send(&scene->stage, puppet, bond, scene->one, SPAN_LITERAL("body"), flags);
}

static struct notification next_of(struct scene *scene, struct puppet *puppet)
{
    static struct notification note;
    assert_true(puppet_next(&scene->stage, puppet, &note));
    return note;
}

static void expect_denied(struct scene *scene, struct puppet *puppet, i64 id)
{
    struct notification note = next_of(scene, puppet);
    assert_int_equal(note.header.kind, NOTIFICATION_ANSWER);
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.header.flags, NOTIFICATION_IS_ERROR);
    assert_int_equal(mem_load_u32(note.body), -E_DENIED);
}

static void expect_kind(struct scene *scene, struct puppet *puppet, u32 kind, u64 id)
{
    struct notification note = next_of(scene, puppet);
    assert_int_equal(note.header.kind, kind);
    assert_int_equal(note.header.id, id);
}

static void expect_nothing(struct scene *scene, struct puppet *puppet)
{
    struct notification note;
    assert_false(puppet_next(&scene->stage, puppet, &note));
}

// ---- words

static void nothing_said_is_denied(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    assert_int_equal(puppet_bind(&scene.stage, client, &alpha, false), BIND_DENIED);
    assert_int_equal(puppet_bind(&scene.stage, client, &alpha, true), BIND_DENIED);
    assert_int_equal(puppet_register(&scene.stage, client, &beta), REGISTER_DENIED);
    use(&scene, KERNEL_ASK, 1, ""); // and nobody is there to be asked
    assert_int_equal(puppet_bind(&scene.stage, client, &alpha, false), BIND_DENIED);
    use(&scene, KERNEL_ALLOW, 1, "");
    (void)bind(&scene, client);
    stage_close(&scene.stage);
}

static void the_nearest_word_counts(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, NULL, &alpha, "");
    u32 bond = bind(&scene, client);
    // All but what moves it.
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, scene.cids[1], &grants_puppet, "");
    grants_say(&scene.stage, KERNEL_USE, KERNEL_DENY, scene.cids[1], NULL, "");
    assert_int_equal(send(&scene, client, bond, 0), E_HANDLE);
    assert_int_equal(puppet_bind(&scene.stage, client, &alpha, false), BIND_DENIED);
    use(&scene, KERNEL_ALLOW, 1, "");
    bond = bind(&scene, client);
    grants_forget(&scene.stage, KERNEL_USE, scene.cids[1], &alpha);
    assert_int_equal(send(&scene, client, bond, 0), E_HANDLE);
    grants_forget(&scene.stage, KERNEL_USE, scene.cids[1], NULL);
    bond = bind(&scene, client);
    grants_forget(&scene.stage, KERNEL_USE, NULL, &alpha);
    assert_int_equal(send(&scene, client, bond, 0), E_HANDLE);
    assert_int_equal(puppet_bind(&scene.stage, client, &alpha, false), BIND_DENIED);
    stage_close(&scene.stage);
}

// For all programs and all interfaces it is what the machine said at first, and comes last.
static void the_rest_can_be_said_too(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 15);
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    struct puppet *other = stage_start(&scene.stage, scene.cids[2]);
    u32 rows = grants_count(&scene.stage);
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, NULL, NULL, "");
    assert_int_equal(grants_count(&scene.stage), rows);
    u32 bond = bind(&scene, client);
    use(&scene, KERNEL_ALLOW, 2, "");
    u32 others = bind(&scene, other);
    struct kernel_grant limited = {.word = KERNEL_ALLOW, .limit = SPAN_LITERAL("some")};
    assert_int_equal(kernel_grant_set(scene.stage.kernel, &limited), ERR_INVALID);
    grants_say(&scene.stage, KERNEL_USE, KERNEL_DENY, NULL, NULL, "");
    assert_int_equal(send(&scene, client, bond, 0), E_HANDLE);
    assert_true(send(&scene, other, others, 0) > 0);
    stage_close(&scene.stage);
}

// A refusal names the program that is in the way, and what a child was started as is not its.
static u32 refusals;
static struct kernel_refusal refusal;
static char refused_cid[KERNEL_CID_TEXT_BYTES];
static char refused_name[64];

static void note_refusal(void *context, const struct kernel_refusal *said)
{
    assert_ptr_equal(context, &refusals);
    refusals++;
    refusal = *said;
    snprintf(refused_cid, sizeof refused_cid, "%.*s", (int)said->cid.size, said->cid.data);
    snprintf(refused_name, sizeof refused_name, "%.*s", (int)said->started_as.size,
             said->started_as.data);
    assert_true(span_equal(said->name, span_string(alpha.name)));
}

static void the_machine_is_told_of_refusals(void **state)
{
    (void)state;
    struct stage stage;
    struct kernel_config config = sim_kernel_config(2);
    char cid[KERNEL_CID_TEXT_BYTES];
    char parent_cid[KERNEL_CID_TEXT_BYTES];
    config.unknown[KERNEL_USE] = KERNEL_DENY;
    config.unknown[KERNEL_HANDLE] = KERNEL_DENY;
    config.refused = note_refusal;
    config.refused_context = &refusals;
    stage_open_config(&stage, 16, &config, NULL);
    grants_say(&stage, KERNEL_USE, KERNEL_ALLOW, NULL, &grants_puppet, "");
    const struct stage_interface *interfaces[] = {&alpha, &marks[0]};
    stage_program(&stage, interfaces, 1, cid);
    stage_program(&stage, interfaces, 2, parent_cid);
    refusals = 0;
    struct puppet *parent = stage_start(&stage, parent_cid);
    assert_int_equal(puppet_register(&stage, parent, &alpha), REGISTER_DENIED);
    assert_int_equal(refusals, 1);
    assert_int_equal(refusal.right, KERNEL_HANDLE);
    assert_string_equal(refused_cid, parent_cid);
    i64 process = puppet_spawn(&stage, parent, span_string(cid));
    assert_true(process > 0);
    stage_settle(&stage, 1000);
    struct puppet *child = stage_find(&stage, (u64)process);
    assert_int_equal(puppet_bind(&stage, child, &alpha, false), BIND_DENIED);
    assert_int_equal(refusals, 2);
    assert_int_equal(refusal.right, KERNEL_USE);
    assert_string_equal(refused_cid, cid);
    assert_string_equal(refused_name, "child");
    grants_say(&stage, KERNEL_USE, KERNEL_ALLOW, cid, &alpha, "");
    assert_int_equal(puppet_bind(&stage, child, &alpha, false), BIND_DENIED);
    assert_string_equal(refused_cid, parent_cid);
    assert_string_equal(refused_name, "");
    assert_int_equal(refusals, 3);
    stage_close(&stage);
}

// A bind that waits for a handler is judged when there is one.
static void a_patient_bind_is_judged_at_its_end(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, scene.cids[1], &beta, "");
    assert_int_equal(puppet_bind(&scene.stage, client, &beta, true), BLOCKED);
    grants_forget(&scene.stage, KERNEL_USE, scene.cids[1], &beta);
    assert_true(puppet_register(&scene.stage, scene.handler, &beta) > 0);
    assert_int_equal(puppet_bind_end(&scene.stage, client), BIND_DENIED);
    stage_close(&scene.stage);
}

static void who_handles_is_chosen(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 4);
    use(&scene, KERNEL_ALLOW, 1, "");
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    u32 bond = bind(&scene, client);
    i64 id = send(&scene, client, bond, 0);
    grants_forget(&scene.stage, KERNEL_HANDLE, scene.cids[0], &alpha);
    stage_settle(&scene.stage, 1000);
    assert_true(scene.handler->has_ended);
    struct notification note = next_of(&scene, client);
    assert_int_equal(note.header.id, id);
    assert_int_equal(mem_load_u32(note.body), -E_GONE);
    assert_int_equal(send(&scene, client, bond, 0), E_NO_HANDLER); // the bond survives
    assert_int_equal(puppet_register(&scene.stage, client, &alpha), REGISTER_DENIED);
    grants_say(&scene.stage, KERNEL_HANDLE, KERNEL_ALLOW, scene.cids[2], &alpha, "");
    struct puppet *other = stage_start(&scene.stage, scene.cids[2]);
    assert_true(puppet_register(&scene.stage, other, &alpha) > 0);
    assert_true(send(&scene, client, bond, 0) > 0);
    stage_close(&scene.stage);
}

// ---- revoking

// Everything that can be under way on a bond.
static void revoking_gives_each_message_one_error(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 5);
    use(&scene, KERNEL_ALLOW, 1, "");
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    u32 bond = bind(&scene, client);
    i64 answered = send(&scene, client, bond, 0);
    i64 held = send(&scene, client, bond, 0);
    (void)next_of(&scene, scene.handler);
    (void)next_of(&scene, scene.handler);
    assert_int_equal(
        puppet_answer(&scene.stage, scene.handler, (u64)answered, SPAN_LITERAL("done"), 0), 0);
    i64 queued = send(&scene, client, bond, 0);
    assert_int_equal(send(&scene, client, bond, SEND_NO_ANSWER), 0);
    use(&scene, KERNEL_DENY, 1, "");
    assert_int_equal(send(&scene, client, bond, 0), E_HANDLE);
    struct notification note = next_of(&scene, client);
    assert_int_equal(note.header.id, answered);
    assert_int_equal(note.header.flags, 0);
    expect_denied(&scene, client, held);
    expect_denied(&scene, client, queued);
    expect_nothing(&scene, client);
    // The handler is told of what it holds, then that its client is gone.
    expect_kind(&scene, scene.handler, NOTIFICATION_CANCELLED, (u64)held);
    expect_kind(&scene, scene.handler, NOTIFICATION_CLIENT_GONE, 0);
    expect_nothing(&scene, scene.handler);
    assert_int_equal(puppet_answer(&scene.stage, scene.handler, (u64)held, SPAN_LITERAL("a"), 0),
                     0); // and goes nowhere
    assert_int_equal(puppet_answer(&scene.stage, scene.handler, (u64)queued, SPAN_LITERAL("a"), 0),
                     E_HANDLE);
    expect_nothing(&scene, client);
    assert_int_equal(puppet_unbind(&scene.stage, client, bond), NOT_FOUND);
    stage_close(&scene.stage);
}

// A client that waits for its answer is told at once.
static void revoking_ends_a_wait(bool is_held, u32 answer_len)
{
    struct scene scene;
    scene_open(&scene, 6 + answer_len);
    use(&scene, KERNEL_ALLOW, 1, "");
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    u32 bond = bind(&scene, client);
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = scene.one,
                                 .c = client->area,
                                 .e = puppet_answer_address(client),
                                 .f = answer_len,
                                 .g = SEND_WAIT};
    assert_int_equal(puppet_do(&scene.stage, client, &order), BLOCKED);
    if (is_held) {
        (void)next_of(&scene, scene.handler);
    }
    grants_forget(&scene.stage, KERNEL_USE, scene.cids[1], &alpha);
    i64 result = puppet_resume(&scene.stage, client);
    if (answer_len >= 4) {
        assert_int_equal(result, 4 | ANSWER_IS_ERROR);
        struct span answer = puppet_peek(&scene.stage, client, puppet_answer_address(client), 4);
        assert_int_equal(mem_load_u32(answer.data), -E_DENIED);
    } else {
        assert_int_equal(result, E_BUFFER);
        struct notification note = next_of(&scene, client);
        assert_int_equal(note.header.flags, NOTIFICATION_IS_ERROR);
        assert_int_equal(mem_load_u32(note.body), -E_DENIED);
    }
    expect_nothing(&scene, client);
    stage_close(&scene.stage);
}

static void a_wait_ends_with_the_grant(void **state)
{
    (void)state;
    revoking_ends_a_wait(true, 4);
    revoking_ends_a_wait(true, 3);
    revoking_ends_a_wait(true, 0);
    revoking_ends_a_wait(false, 4);
    revoking_ends_a_wait(false, 3);
}

// While a long body is on its way from one worker's process to the other's.
static void revoking_while_a_handler_waits(void **state)
{
    (void)state;
    for (u64 seed = 0; seed < 40; seed++) {
        struct scene scene;
        scene_open(&scene, 100 + seed);
        use(&scene, KERNEL_ALLOW, 1, "");
        struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
        u32 bond = bind(&scene, client);
        struct puppet_order echo = {.kind = PUPPET_ECHO};
        puppet_tell(&scene.stage, scene.handler, &echo);
        stage_settle(&scene.stage, 1000);
        struct puppet_order call = {
            .kind = PUPPET_CALL, .a = bond, .b = scene.one, .c = 5000, .d = 100000};
        puppet_tell(&scene.stage, client, &call);
        stage_settle(&scene.stage, 20 + (u32)seed);
        use(&scene, KERNEL_DENY, 1, "");
        stage_settle(&scene.stage, 100000);
        assert_true(client->is_idle && client->result < 0); // it ends with what it was refused
        stage_close_running(&scene.stage);
    }
}

static void others_keep_their_bonds(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 7);
    use(&scene, KERNEL_ALLOW, 1, "");
    use(&scene, KERNEL_ALLOW, 2, "");
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    struct puppet *other = stage_start(&scene.stage, scene.cids[2]);
    u32 bond = bind(&scene, client);
    u32 others = bind(&scene, other);
    use(&scene, KERNEL_DENY, 1, "");
    assert_int_equal(send(&scene, client, bond, 0), E_HANDLE);
    assert_true(send(&scene, other, others, 0) > 0);
    // The same again changes nothing; another limit does, as its handler may know the old one.
    use(&scene, KERNEL_ALLOW, 2, "");
    assert_true(send(&scene, other, others, 0) > 0);
    use(&scene, KERNEL_ALLOW, 2, "less");
    assert_int_equal(send(&scene, other, others, 0), E_HANDLE);
    others = bind(&scene, other);
    use(&scene, KERNEL_ALLOW, 2, "less");
    assert_true(send(&scene, other, others, 0) > 0);
    stage_close(&scene.stage);
}

// ---- children

static struct puppet *child_of(struct scene *scene, struct puppet *parent, u32 program)
{
    i64 process = puppet_spawn(&scene->stage, parent, span_string(scene->cids[program]));
    assert_true(process > 0);
    stage_settle(&scene->stage, 1000);
    struct puppet *child = stage_find(&scene->stage, (u64)process);
    assert_non_null(child);
    return child;
}

static void a_child_has_no_more_than_its_parent(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 8);
    use(&scene, KERNEL_ALLOW, 2, "");
    struct puppet *parent = stage_start(&scene.stage, scene.cids[1]);
    struct puppet *child = child_of(&scene, parent, 2);
    struct puppet *free = stage_start(&scene.stage, scene.cids[2]);
    assert_int_equal(puppet_bind(&scene.stage, child, &alpha, false), BIND_DENIED);
    u32 frees = bind(&scene, free);
    use(&scene, KERNEL_ALLOW, 1, "");
    u32 bond = bind(&scene, child);
    // Also when the parent is gone, and for what the child starts.
    assert_int_equal(puppet_kill(&scene.stage, parent, 0), NOT_FOUND);
    stage_kill(&scene.stage, parent);
    stage_settle(&scene.stage, 1000);
    struct puppet *grandchild = child_of(&scene, child, 2);
    u32 grandchilds = bind(&scene, grandchild);
    use(&scene, KERNEL_DENY, 1, "");
    assert_int_equal(send(&scene, child, bond, 0), E_HANDLE);
    assert_int_equal(send(&scene, grandchild, grandchilds, 0), E_HANDLE);
    assert_int_equal(puppet_bind(&scene.stage, grandchild, &alpha, false), BIND_DENIED);
    assert_true(send(&scene, free, frees, 0) > 0);
    // Nor does it handle what its parent was not chosen for.
    grants_say(&scene.stage, KERNEL_HANDLE, KERNEL_ALLOW, scene.cids[2], &beta, "");
    assert_int_equal(puppet_register(&scene.stage, child, &beta), REGISTER_DENIED);
    assert_true(puppet_register(&scene.stage, free, &beta) > 0);
    stage_close(&scene.stage);
}

static const char *longest_limit(void)
{
    static char limit[KERNEL_GRANT_LIMIT_BYTES + 1];
    memset(limit, 'l', KERNEL_GRANT_LIMIT_BYTES);
    return limit;
}

// Neither a program more, nor a byte more of what they are limited to.
static void limit_of_programs_above(void **state)
{
    (void)state;
    struct stage stage;
    char cids[KERNEL_LINEAGE + 2][KERNEL_CID_TEXT_BYTES];
    char names[KERNEL_LINEAGE + 2][32];
    struct stage_interface many[KERNEL_LINEAGE + 2] = {0};
    grants_stage_open(&stage, 9, KERNEL_ALLOW);
    for (u32 i = 0; i < KERNEL_LINEAGE + 2; i++) {
        snprintf(names[i], sizeof names[i], "test:grants/m%u", i);
        many[i] = (struct stage_interface){names[i], {{"f", 0}}, NULL};
        const struct stage_interface *interfaces[] = {&many[i]};
        stage_program(&stage, interfaces, 1, cids[i]);
        grants_say(&stage, KERNEL_USE, KERNEL_ALLOW, cids[i], &grants_puppet, longest_limit());
    }
    struct puppet *puppet = stage_start(&stage, cids[0]);
    for (u32 i = 1; i <= KERNEL_LINEAGE; i++) {
        i64 process = puppet_spawn(&stage, puppet, span_string(cids[i]));
        assert_true(process > 0);
        stage_settle(&stage, 1000);
        puppet = stage_find(&stage, (u64)process);
    }
    assert_int_equal(puppet_spawn(&stage, puppet, span_string(cids[KERNEL_LINEAGE + 1])),
                     SPAWN_LIMIT);
    // With the longest limit from each, a handler is told as much as there is room for.
    static u8 told[KERNEL_LIMITS_BYTES];
    size_t size;
    assert_int_equal(kernel_device_limits(stage.device, puppet->client, told, &size), ERR_OK);
    assert_int_equal(size, KERNEL_LIMITS_BYTES);
    assert_int_equal(mem_load_u32(told), KERNEL_LINEAGE + 1);
    stage_close(&stage);
}

// ---- limits

static u64 client_of(struct scene *scene, struct puppet *client, u32 bond)
{
    assert_true(send(scene, client, bond, 0) > 0);
    return next_of(scene, scene->handler).header.client;
}

static void a_handler_is_told_its_clients_limits(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 10);
    use(&scene, KERNEL_ALLOW, 0, "above");
    use(&scene, KERNEL_ALLOW, 1, "below");
    use(&scene, KERNEL_ALLOW, 2, "");
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    struct puppet *parent = stage_start(&scene.stage, scene.cids[0]);
    struct puppet *child = child_of(&scene, parent, 1);
    struct puppet *free = stage_start(&scene.stage, scene.cids[2]);
    struct span limits[STAGE_LIMITS];
    u32 bond = bind(&scene, client);
    u64 number = client_of(&scene, client, bond);
    assert_int_equal(puppet_client_limits(&scene.stage, scene.handler, number, limits), 1);
    assert_true(span_equal(limits[0], SPAN_LITERAL("below")));
    u64 childs = client_of(&scene, child, bind(&scene, child));
    assert_int_equal(puppet_client_limits(&scene.stage, scene.handler, childs, limits), 2);
    assert_true(span_equal(limits[0], SPAN_LITERAL("below")));
    assert_true(span_equal(limits[1], SPAN_LITERAL("above")));
    u64 frees = client_of(&scene, free, bind(&scene, free));
    assert_int_equal(puppet_client_limits(&scene.stage, scene.handler, frees, limits), 0);
    assert_int_equal(puppet_client_limits(&scene.stage, scene.handler, 0, limits), 0);
    assert_int_equal(puppet_unbind(&scene.stage, client, bond), 0);
    assert_int_equal(puppet_client_limits(&scene.stage, scene.handler, number, limits), NOT_FOUND);
    stage_close(&scene.stage);
}

static void nobody_else_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 11);
    use(&scene, KERNEL_ALLOW, 1, "secret");
    grants_say(&scene.stage, KERNEL_HANDLE, KERNEL_ALLOW, scene.cids[2], &beta, "");
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    struct puppet *other = stage_start(&scene.stage, scene.cids[2]);
    assert_true(puppet_register(&scene.stage, other, &beta) > 0);
    struct span limits[STAGE_LIMITS];
    u32 bond = bind(&scene, client);
    u64 number = client_of(&scene, client, bond);
    assert_int_equal(puppet_client_limits(&scene.stage, client, number, limits), NOT_FOUND);
    assert_int_equal(puppet_client_limits(&scene.stage, other, number, limits), NOT_FOUND);
    for (u32 bit = 0; bit < 64; bit++) {
        u64 wrong = number ^ (u64)1 << bit;
        assert_int_equal(puppet_client_limits(&scene.stage, scene.handler, wrong, limits),
                         NOT_FOUND);
    }
    // Nor a handler that has not been sent anything by it: the bond may be another handler's.
    i64 registration = puppet_bind(&scene.stage, client, &alpha, false);
    assert_true(registration > 0);
    u64 unsent = (number & ~(u64)0x7fffffff) | (u64)registration;
    assert_int_equal(puppet_client_limits(&scene.stage, scene.handler, unsent, limits), NOT_FOUND);
    stage_close(&scene.stage);
}

static void a_device_is_told_its_clients_limits(void **state)
{
    (void)state;
    struct scene scene;
    static u8 told[KERNEL_LIMITS_BYTES];
    size_t size;
    scene_open(&scene, 12);
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, scene.cids[1], &grants_puppet, "abc");
    struct puppet *client = stage_start(&scene.stage, scene.cids[1]);
    assert_int_equal(kernel_device_limits(scene.stage.device, client->client, told, &size), ERR_OK);
    assert_int_equal(size, 11);
    assert_memory_equal(told, "\1\0\0\0\3\0\0\0abc", 11);
    assert_int_equal(kernel_device_limits(scene.stage.device, 0, told, &size), ERR_OK);
    assert_int_equal(size, 4);
    assert_int_equal(kernel_device_limits(scene.stage.device, client->client + 1, told, &size),
                     ERR_NOT_FOUND);
    stage_close(&scene.stage);
}

// ---- the table

static void limit_of_rows(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 13);
    struct kernel_grant grant = {.right = KERNEL_USE, .word = KERNEL_DENY};
    u32 rows = grants_count(&scene.stage);
    for (; rows < KERNEL_GRANTS; rows++) {
        memcpy(grant.program + 8, &rows, sizeof rows);
        grant.program[0] = 1;
        assert_int_equal(kernel_grant_set(scene.stage.kernel, &grant), ERR_OK);
    }
    assert_int_equal(grants_count(&scene.stage), KERNEL_GRANTS);
    assert_int_equal(kernel_grant_set(scene.stage.kernel, &grant), ERR_OK); // in its place
    grant.program[0] = 2;
    assert_int_equal(kernel_grant_set(scene.stage.kernel, &grant), ERR_LIMIT);
    grant.program[0] = 1;
    assert_int_equal(
        kernel_grant_forget(scene.stage.kernel, KERNEL_USE, grant.program, grant.interface),
        ERR_OK);
    assert_int_equal(
        kernel_grant_forget(scene.stage.kernel, KERNEL_USE, grant.program, grant.interface),
        ERR_NOT_FOUND);
    grant.program[0] = 2;
    assert_int_equal(kernel_grant_set(scene.stage.kernel, &grant), ERR_OK);
    stage_close(&scene.stage);
}

static void limit_of_a_limit(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 14);
    static u8 bytes[KERNEL_GRANT_LIMIT_BYTES + 1];
    static u8 limit[KERNEL_GRANT_LIMIT_BYTES];
    memset(bytes, 'x', sizeof bytes);
    struct kernel_grant grant = {.word = KERNEL_ALLOW, .limit = span_of(bytes, sizeof bytes)};
    grant.program[5] = 5;
    assert_int_equal(kernel_grant_set(scene.stage.kernel, &grant), ERR_LIMIT);
    grant.limit.size--;
    grant.is_learned = true;
    assert_int_equal(kernel_grant_set(scene.stage.kernel, &grant), ERR_OK);
    struct kernel_grant found = {0};
    u32 at = 0;
    do {
        assert_true(kernel_grant_next(scene.stage.kernel, &at, &found, limit));
    } while (found.program[5] != 5);
    assert_int_equal(found.word, KERNEL_ALLOW);
    assert_true(found.is_learned && span_equal(found.limit, grant.limit));
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_denied),
        cmocka_unit_test(the_nearest_word_counts),
        cmocka_unit_test(the_rest_can_be_said_too),
        cmocka_unit_test(the_machine_is_told_of_refusals),
        cmocka_unit_test(a_patient_bind_is_judged_at_its_end),
        cmocka_unit_test(who_handles_is_chosen),
        cmocka_unit_test(revoking_gives_each_message_one_error),
        cmocka_unit_test(a_wait_ends_with_the_grant),
        cmocka_unit_test(revoking_while_a_handler_waits),
        cmocka_unit_test(others_keep_their_bonds),
        cmocka_unit_test(a_child_has_no_more_than_its_parent),
        cmocka_unit_test(limit_of_programs_above),
        cmocka_unit_test(a_handler_is_told_its_clients_limits),
        cmocka_unit_test(nobody_else_is_told),
        cmocka_unit_test(a_device_is_told_its_clients_limits),
        cmocka_unit_test(limit_of_rows),
        cmocka_unit_test(limit_of_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
