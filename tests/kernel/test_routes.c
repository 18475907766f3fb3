// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_routes.c: who is led to which handler, as core/kernel/route.h promises.
#include "core/base/wire.h"
#include "core/kernel/limits.h"
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

enum { TAKEN = -1001, NO_HANDLER = -1001 };

static const struct stage_interface alpha = {"test:routes/alpha", {{"one", 0}, {"two", 0}}};
static const struct stage_interface less = {"test:routes/alpha", {{"one", 0}}}; // another hash
static const struct stage_interface marks[] = {{"test:routes/a", {{"f", 0}}},
                                               {"test:routes/b", {{"f", 0}}},
                                               {"test:routes/c", {{"f", 0}}},
                                               {"test:routes/d", {{"f", 0}}}};

enum { END, FIRST, SECOND, CLIENT, PROGRAMS };
#define DEFAULT ((u32)PROGRAMS)
#define ALL ((u32)PROGRAMS)

// Programs that differ in one interface. END handles alpha as anybody would.
struct scene {
    struct stage stage;
    char cids[PROGRAMS][KERNEL_CID_TEXT_BYTES];
    struct puppet *end;
    u64 one;
};

static void scene_open(struct scene *scene, u64 seed)
{
    grants_stage_open(&scene->stage, seed, KERNEL_ALLOW);
    for (u32 i = 0; i < PROGRAMS; i++) {
        const struct stage_interface *interfaces[] = {&alpha, &less, &marks[i]};
        stage_program(&scene->stage, interfaces, 3, scene->cids[i]);
    }
    scene->end = stage_start(&scene->stage, scene->cids[END]);
    assert_true(puppet_register(&scene->stage, scene->end, &alpha) > 0);
    scene->one = stage_function_id(&alpha, 0);
}

static struct kernel_route route_of(struct scene *scene, u32 client, u32 handler)
{
    struct kernel_route route = {.name = span_string(alpha.name)};
    struct kernel_grant named = {0};
    if (client != ALL) {
        grants_name(&named, scene->cids[client], NULL);
        memcpy(route.client, named.program, sizeof route.client);
    }
    if (handler != DEFAULT) {
        grants_name(&named, scene->cids[handler], NULL);
        memcpy(route.handler, named.program, sizeof route.handler);
    }
    return route;
}

static void lead(struct scene *scene, u32 client, u32 handler)
{
    struct kernel_route route = route_of(scene, client, handler);
    assert_int_equal(kernel_route_set(scene->stage.kernel, &route), ERR_OK);
    kernel_check(scene->stage.kernel);
}

static void forget(struct scene *scene, u32 client)
{
    struct kernel_route route = route_of(scene, client, DEFAULT);
    assert_int_equal(kernel_route_forget(scene->stage.kernel, route.name, route.client), ERR_OK);
    kernel_check(scene->stage.kernel);
}

static struct puppet *handler_of(struct scene *scene, u32 program)
{
    struct puppet *puppet = stage_start(&scene->stage, scene->cids[program]);
    assert_true(puppet_register(&scene->stage, puppet, &alpha) > 0);
    return puppet;
}

static u32 bind(struct scene *scene, struct puppet *puppet)
{
    i64 bond = puppet_bind(&scene->stage, puppet, &alpha, false);
    assert_true(bond > 0);
    return (u32)bond;
}

static struct notification next_of(struct scene *scene, struct puppet *puppet, u32 kind)
{
    static struct notification note;
    assert_true(puppet_next(&scene->stage, puppet, &note));
    assert_int_equal(note.header.kind, kind);
    return note;
}

static void expect_nothing(struct scene *scene, struct puppet *puppet)
{
    struct notification note;
    assert_false(puppet_next(&scene->stage, puppet, &note));
}

static void expect_error(struct scene *scene, struct puppet *client, i64 id, i32 error)
{
    struct notification note = next_of(scene, client, NOTIFICATION_ANSWER);
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.header.flags, NOTIFICATION_IS_ERROR);
    assert_int_equal((i32)mem_load_u32(note.body), error);
    expect_nothing(scene, client);
}

// What the client sends over the bond comes to that handler, which answers.
static void expect_led(struct scene *scene, struct puppet *client, u32 bond, struct puppet *handler)
{
    struct stage *stage = &scene->stage;
    i64 id = puppet_send(stage, client, bond, scene->one, SPAN_LITERAL("there"), 0);
    assert_true(id > 0);
    struct notification note = next_of(scene, handler, NOTIFICATION_MESSAGE);
    assert_int_equal(puppet_answer(stage, handler, note.header.id, SPAN_LITERAL("back"), 0), 0);
    note = next_of(scene, client, NOTIFICATION_ANSWER);
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.header.flags, 0);
}

// ---- who is led where

static void without_routes_there_is_one_handler(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    struct puppet *other = stage_start(&scene.stage, scene.cids[FIRST]);
    assert_int_equal(puppet_register(&scene.stage, other, &alpha), TAKEN);
    stage_close(&scene.stage);
}

static void one_may_stand_between_any_two(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    lead(&scene, ALL, FIRST);
    struct puppet *between = handler_of(&scene, FIRST);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    expect_led(&scene, client, bind(&scene, client), between);
    expect_led(&scene, between, bind(&scene, between), scene.end); // led on
    for (u32 i = 0; i < PROGRAMS; i++) {
        struct kernel_route named = route_of(&scene, ALL, i);
        bool handles = kernel_program_handles(scene.stage.kernel, named.name, named.handler);
        assert_int_equal(handles, i == END || i == FIRST);
    }
    struct puppet *second = stage_start(&scene.stage, scene.cids[FIRST]);
    assert_int_equal(puppet_register(&scene.stage, second, &alpha), TAKEN);
    stage_close(&scene.stage);
}

static void a_client_may_have_its_own(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    lead(&scene, CLIENT, FIRST);
    struct puppet *between = handler_of(&scene, FIRST);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    struct puppet *other = stage_start(&scene.stage, scene.cids[SECOND]);
    expect_led(&scene, client, bind(&scene, client), between);
    expect_led(&scene, other, bind(&scene, other), scene.end);
    stage_close(&scene.stage);
}

static void several_stand_in_a_row(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 4);
    lead(&scene, ALL, FIRST);
    lead(&scene, FIRST, SECOND);
    lead(&scene, SECOND, DEFAULT);
    struct puppet *first = handler_of(&scene, FIRST);
    struct puppet *second = handler_of(&scene, SECOND);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    expect_led(&scene, client, bind(&scene, client), first);
    expect_led(&scene, first, bind(&scene, first), second);
    expect_led(&scene, second, bind(&scene, second), scene.end);
    stage_close(&scene.stage);
}

static void nobody_evades_a_route_by_a_child(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 5);
    lead(&scene, CLIENT, FIRST);
    struct puppet *between = handler_of(&scene, FIRST);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    i64 process = puppet_spawn(&scene.stage, client, span_string(scene.cids[SECOND]));
    assert_true(process > 0);
    struct puppet *child = stage_find(&scene.stage, (u64)process);
    expect_led(&scene, child, bind(&scene, child), between);
    lead(&scene, SECOND, DEFAULT); // what the user says of the child itself counts first
    expect_led(&scene, child, bind(&scene, child), scene.end);
    stage_close(&scene.stage);
}

static void another_hash_of_the_name_is_led_alike(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 6);
    lead(&scene, ALL, FIRST);
    struct puppet *between = handler_of(&scene, FIRST);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    i64 bond = puppet_bind(&scene.stage, client, &less, false);
    assert_true(bond > 0);
    expect_led(&scene, client, (u32)bond, between);
    stage_close(&scene.stage);
}

static void a_seat_survives_who_sits_there(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 7);
    lead(&scene, ALL, FIRST);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    // Never the handler behind it, although that is there.
    assert_int_equal(puppet_bind(&scene.stage, client, &alpha, false), NO_HANDLER);
    struct puppet *between = handler_of(&scene, FIRST);
    u32 bond = bind(&scene, client);
    i64 id = puppet_send(&scene.stage, client, bond, scene.one, SPAN_LITERAL("lost"), 0);
    stage_kill(&scene.stage, between);
    expect_error(&scene, client, id, -E_GONE);
    expect_nothing(&scene, scene.end);
    expect_led(&scene, client, bond, handler_of(&scene, FIRST));
    stage_close(&scene.stage);
}

// ---- routes that change

static void a_changed_route_revokes_what_it_led(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 8);
    lead(&scene, SECOND, DEFAULT);
    struct puppet *client = stage_start(&scene.stage, scene.cids[CLIENT]);
    struct puppet *other = stage_start(&scene.stage, scene.cids[SECOND]);
    u32 bond = bind(&scene, client);
    u32 kept = bind(&scene, other);
    i64 id = puppet_send(&scene.stage, client, bond, scene.one, SPAN_LITERAL("under way"), 0);
    lead(&scene, ALL, FIRST);
    expect_error(&scene, client, id, -E_DENIED);
    assert_int_equal(puppet_send(&scene.stage, client, bond, scene.one, SPAN_LITERAL("x"), 0),
                     E_HANDLE);
    next_of(&scene, scene.end, NOTIFICATION_CLIENT_GONE);
    expect_led(&scene, other, kept, scene.end);
    struct puppet *between = handler_of(&scene, FIRST);
    bond = bind(&scene, client);
    expect_led(&scene, client, bond, between);
    lead(&scene, CLIENT, FIRST); // to where it led already: stays
    forget(&scene, ALL);
    expect_led(&scene, client, bond, between);
    forget(&scene, CLIENT);
    assert_int_equal(puppet_send(&scene.stage, client, bond, scene.one, SPAN_LITERAL("x"), 0),
                     E_HANDLE);
    expect_led(&scene, client, bind(&scene, client), scene.end);
    stage_close(&scene.stage);
}

static void binds_that_wait_follow_the_routes(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 9);
    lead(&scene, ALL, SECOND); // who never comes
    struct puppet *clients[3];
    for (u32 i = 0; i < 3; i++) {
        clients[i] = stage_start(&scene.stage, scene.cids[CLIENT]);
        assert_int_equal(puppet_bind(&scene.stage, clients[i], &alpha, true), BLOCKED);
    }
    lead(&scene, ALL, FIRST);
    assert_int_equal(puppet_bind_end(&scene.stage, clients[0]), BLOCKED);
    struct puppet *between = handler_of(&scene, FIRST);
    for (u32 i = 0; i < 3; i++) {
        i64 bond = puppet_bind_end(&scene.stage, clients[i]);
        assert_true(bond > 0);
        expect_led(&scene, clients[i], (u32)bond, between);
    }
    // To where somebody handles it already.
    lead(&scene, ALL, SECOND);
    assert_int_equal(puppet_bind(&scene.stage, clients[0], &alpha, true), BLOCKED);
    forget(&scene, ALL);
    i64 bond = puppet_bind_end(&scene.stage, clients[0]);
    assert_true(bond > 0);
    expect_led(&scene, clients[0], (u32)bond, scene.end);
    stage_close(&scene.stage);
}

// ---- the table

static void limit_of_routes(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 10);
    struct kernel *kernel = scene.stage.kernel;
    struct kernel_route route = route_of(&scene, ALL, FIRST);
    for (u32 i = 1; i <= KERNEL_ROUTES; i++) {
        memcpy(route.client, &i, sizeof i);
        assert_int_equal(kernel_route_set(kernel, &route), ERR_OK);
    }
    assert_int_equal(kernel_route_set(kernel, &route), ERR_OK); // in its place
    memset(route.client, 0xff, sizeof route.client);
    assert_int_equal(kernel_route_set(kernel, &route), ERR_LIMIT);
    kernel_check(kernel);
    static char name[INTERFACE_NAME_BYTES];
    struct kernel_route found;
    u32 count = 0;
    for (u32 at = 0; kernel_route_next(kernel, &at, &found, name); count++) {
        assert_true(span_equal(found.name, route.name));
        assert_memory_equal(found.handler, route.handler, sizeof found.handler);
    }
    assert_int_equal(count, KERNEL_ROUTES);
    assert_int_equal(kernel_route_forget(kernel, route.name, route.client), ERR_NOT_FOUND);
    assert_int_equal(kernel_route_forget(kernel, found.name, found.client), ERR_OK);
    assert_int_equal(kernel_route_set(kernel, &route), ERR_OK);
    stage_close(&scene.stage);
}

static void limit_of_a_routes_name(void **state)
{
    (void)state;
    struct scene scene;
    static char name[INTERFACE_NAME_BYTES + 1];
    scene_open(&scene, 11);
    memset(name, 'n', sizeof name);
    struct kernel_route route = {.name = span_of(name, sizeof name)};
    assert_int_equal(kernel_route_set(scene.stage.kernel, &route), ERR_INVALID);
    route.name.size--;
    assert_int_equal(kernel_route_set(scene.stage.kernel, &route), ERR_OK);
    route.name.size = 0;
    assert_int_equal(kernel_route_set(scene.stage.kernel, &route), ERR_INVALID);
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_routes_there_is_one_handler),
        cmocka_unit_test(one_may_stand_between_any_two),
        cmocka_unit_test(a_client_may_have_its_own),
        cmocka_unit_test(several_stand_in_a_row),
        cmocka_unit_test(nobody_evades_a_route_by_a_child),
        cmocka_unit_test(another_hash_of_the_name_is_led_alike),
        cmocka_unit_test(a_seat_survives_who_sits_there),
        cmocka_unit_test(a_changed_route_revokes_what_it_led),
        cmocka_unit_test(binds_that_wait_follow_the_routes),
        cmocka_unit_test(limit_of_routes),
        cmocka_unit_test(limit_of_a_routes_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
