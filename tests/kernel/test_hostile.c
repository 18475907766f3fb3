// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_hostile.c: everything from a guest is hostile. Pointers, lengths, ids, flags
// and bodies that no honest program would pass, on all three syscalls; and each limit at its bound.
#include "core/base/report.h"
#include "core/base/wire.h"
#include "core/kernel/limits.h"
#include "interfaces/inspect.h"
#include "interfaces/loader.h"
#include "interfaces/system.h"
#include "machines/sim/sim.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct stage_interface alpha = {"test:hostile/alpha", {{"one", 0}, {"two", 0}}};
static const struct stage_interface inspect = {"redshirt:kernel/inspect",
                                               .real = &inspect_interface};

struct scene {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *client;
    struct puppet *handler;
    u32 bond;
    u32 registration;
    u64 one;
    u64 memory_bytes; // of the client
};

static void scene_open(struct scene *scene, u64 seed)
{
    stage_open(&scene->stage, seed, 1, NULL);
    const struct stage_interface *interfaces[] = {&alpha, &inspect};
    stage_program(&scene->stage, interfaces, 2, scene->cid);
    scene->client = stage_start(&scene->stage, scene->cid);
    scene->handler = stage_start(&scene->stage, scene->cid);
    scene->registration = (u32)puppet_register(&scene->stage, scene->handler, &alpha);
    scene->bond = (u32)puppet_bind(&scene->stage, scene->client, &alpha, false);
    scene->one = stage_function_id(&alpha, 0);
    struct puppet_order size = {.kind = PUPPET_GROW, .a = 0};
    scene->memory_bytes = (u64)puppet_do(&scene->stage, scene->client, &size) << 16;
    assert_true(scene->memory_bytes > 0);
}

// Ranges that do not lie in a memory of `bytes`.
static u32 bad_ranges(u64 bytes, u64 (*out)[2])
{
    u64 ranges[][2] = {
        {bytes, 1},
        {bytes - 1, 2},
        {bytes + 1, 0},
        {0, bytes + 1},
        {UINT32_MAX, 1},
        {UINT32_MAX, 0},
        {UINT32_MAX, UINT32_MAX},
        {1, UINT32_MAX},
        {bytes - 8, 9},
        {0x80000000, 0x80000000},
        {4, UINT32_MAX - 3},
        {bytes / 2, bytes / 2 + 1},
    };
    memcpy(out, ranges, sizeof ranges);
    return sizeof ranges / sizeof *ranges;
}

static i64 raw_send(struct scene *scene, u64 bond, u64 function, const u64 body[2],
                    const u64 answer[2], u64 flags)
{
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = function,
                                 .c = body[0],
                                 .d = body[1],
                                 .e = answer[0],
                                 .f = answer[1],
                                 .g = flags};
    return puppet_do(&scene->stage, scene->client, &order);
}

static void hostile_pointers_of_send(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    u64 bad[16][2];
    u32 count = bad_ranges(scene.memory_bytes, bad);
    u64 good[2] = {scene.client->area, 4};
    for (u32 i = 0; i < count; i++) {
        for (u32 bond = 0; bond < 2; bond++) {
            u64 to = bond == 0 ? 0 : scene.bond;
            u64 function = bond == 0 ? SYSTEM_CANCEL_ID : scene.one;
            for (u64 flags = 0; flags <= 2; flags++) {
                assert_int_equal(raw_send(&scene, to, function, bad[i], good, flags), E_FAULT);
            }
            assert_int_equal(raw_send(&scene, to, function, good, bad[i], SEND_WAIT), E_FAULT);
        }
        // Nobody looks at where an answer would go when none is waited for.
        assert_int_equal(raw_send(&scene, scene.bond, scene.one, good, bad[i], SEND_NO_ANSWER), 0);
    }
    // The very ends are inside.
    u64 end[2] = {scene.memory_bytes, 0};
    u64 last[2] = {scene.memory_bytes - 1, 1};
    assert_int_equal(raw_send(&scene, scene.bond, scene.one, end, good, SEND_NO_ANSWER), 0);
    assert_int_equal(raw_send(&scene, scene.bond, scene.one, last, good, SEND_NO_ANSWER), 0);
    struct notification note;
    for (u32 i = 0; i < count + 2; i++) {
        assert_true(puppet_next(&scene.stage, scene.handler, &note));
    }
    assert_false(puppet_next(&scene.stage, scene.handler, &note));
    stage_close(&scene.stage);
}

static void hostile_pointers_of_answer_and_wait(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    u64 bad[16][2];
    u32 count = bad_ranges(scene.memory_bytes, bad);
    i64 id = puppet_send(&scene.stage, scene.client, scene.bond, scene.one, SPAN_LITERAL("x"), 0);
    struct notification note;
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    for (u32 i = 0; i < count; i++) {
        for (u64 flags = 0; flags < 4; flags++) {
            struct puppet_order answer = {
                .kind = PUPPET_ANSWER, .a = (u64)id, .b = bad[i][0], .c = bad[i][1], .f = flags};
            assert_int_equal(puppet_do(&scene.stage, scene.handler, &answer), E_FAULT);
        }
        struct puppet_order answer = {
            .kind = PUPPET_ANSWER, .a = (u64)id, .d = bad[i][0], .e = bad[i][1], .f = ANSWER_WAIT};
        assert_int_equal(puppet_do(&scene.stage, scene.handler, &answer), E_FAULT);
        for (u64 flags = 0; flags < 2; flags++) {
            struct puppet_order wait = {
                .kind = PUPPET_WAIT, .a = bad[i][0], .b = bad[i][1], .c = flags};
            assert_int_equal(puppet_do(&scene.stage, scene.handler, &wait), E_FAULT);
        }
    }
    // Nothing has happened: the message can still be answered.
    assert_int_equal(puppet_answer(&scene.stage, scene.handler, (u64)id, SPAN_LITERAL("ok"), 0), 0);
    assert_true(puppet_next(&scene.stage, scene.client, &note));
    stage_close(&scene.stage);
}

static void hostile_flags(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    i64 id = puppet_send(&scene.stage, scene.client, scene.bond, scene.one, SPAN_LITERAL("x"), 0);
    struct notification note;
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    u64 range[2] = {scene.client->area, 4};
    u64 flags[] = {4, 8, 5, 6, 7, 0x100, 0x80000000, UINT32_MAX, 0x7fffffff};
    for (u32 i = 0; i < sizeof flags / sizeof *flags; i++) {
        assert_int_equal(raw_send(&scene, scene.bond, scene.one, range, range, flags[i]), E_FLAGS);
        assert_int_equal(raw_send(&scene, 0, SYSTEM_EXIT_ID, range, range, flags[i]), E_FLAGS);
        struct puppet_order answer = {.kind = PUPPET_ANSWER, .a = (u64)id, .f = flags[i]};
        assert_int_equal(puppet_do(&scene.stage, scene.handler, &answer), E_FLAGS);
        struct puppet_order wait = {.kind = PUPPET_WAIT, .c = flags[i]};
        assert_int_equal(puppet_do(&scene.stage, scene.handler, &wait), E_FLAGS);
    }
    assert_int_equal(
        raw_send(&scene, scene.bond, scene.one, range, range, SEND_NO_ANSWER | SEND_WAIT), E_FLAGS);
    struct puppet_order wait = {.kind = PUPPET_WAIT, .c = 2};
    assert_int_equal(puppet_do(&scene.stage, scene.handler, &wait), E_FLAGS);
    stage_close(&scene.stage);
}

static void hostile_functions(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 4);
    u64 range[2] = {scene.client->area, 4};
    u64 ids[] = {
        0, 1, UINT64_MAX, scene.one + 1, scene.one ^ (1ull << 63), scene.one >> 32, SYSTEM_EXIT_ID};
    for (u32 i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_int_equal(raw_send(&scene, scene.bond, ids[i], range, range, 0), E_FUNCTION);
        if (ids[i] != SYSTEM_EXIT_ID) {
            assert_int_equal(raw_send(&scene, 0, ids[i], range, range, SEND_WAIT), E_FUNCTION);
        }
    }
    stage_close(&scene.stage);
}

// Every call of the system interface with bodies of every short length, zeros and ones: an error
// answer, an error, or the process's own end; nothing else.
static void hostile_bodies_of_system_calls(void **state)
{
    (void)state;
    for (u32 function = 0; function < system_interface.function_count; function++) {
        u64 id = system_interface.functions[function].id;
        for (u32 fill = 0; fill < 3; fill++) {
            struct scene scene;
            scene_open(&scene, 5 + function);
            for (u32 len = 0; len < 80 && !scene.client->has_ended; len++) {
                u8 body[80];
                memset(body, fill == 0 ? 0 : fill == 1 ? 0xff : 1, sizeof body);
                i64 result = puppet_send(&scene.stage, scene.client, 0, id, span_of(body, len),
                                         len % 3 == 2 ? SEND_NO_ANSWER : SEND_WAIT);
                assert_true(result >= 0 || result == ENDED || result == BLOCKED);
                if (result == BLOCKED) {
                    stage_kill(&scene.stage, scene.client);
                    stage_settle(&scene.stage, 1000);
                }
            }
            stage_close(&scene.stage);
        }
    }
}

static void a_system_call_that_does_not_decode_is_malformed(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 30);
    i64 result =
        puppet_send(&scene.stage, scene.client, 0, SYSTEM_BIND_ID, SPAN_LITERAL("abc"), SEND_WAIT);
    assert_int_equal(result, 4 | ANSWER_IS_ERROR);
    struct span code =
        puppet_peek(&scene.stage, scene.client, puppet_answer_address(scene.client), 4);
    assert_int_equal(mem_load_u32(code.data), -E_MALFORMED);
    stage_close(&scene.stage);
}

// ---- limits

static void limit_of_bonds(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 31);
    scene.stage.check = false;
    struct puppet *hoarder = stage_start(&scene.stage, scene.cid);
    i64 last = 0;
    for (u32 i = 1; i < KERNEL_BONDS; i++) { // the puppet's own is one of them
        last = puppet_bind(&scene.stage, hoarder, &alpha, false);
        assert_true(last > 0);
    }
    assert_int_equal(puppet_bind(&scene.stage, hoarder, &alpha, false), -1004);
    assert_int_equal(puppet_bind(&scene.stage, hoarder, &alpha, true), -1004);
    kernel_check(scene.stage.kernel);
    assert_int_equal(puppet_unbind(&scene.stage, hoarder, (u32)last), 0);
    assert_true(puppet_bind(&scene.stage, hoarder, &alpha, false) > 0);
    stage_close(&scene.stage);
}

// A bind that waited while its process came to the limit.
static void limit_of_bonds_for_a_patient_bind(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 38);
    scene.stage.check = false;
    struct puppet *hoarder = stage_start(&scene.stage, scene.cid);
    assert_int_equal(puppet_unregister(&scene.stage, scene.handler, scene.registration), 0);
    u8 body[33] = {[32] = 1};
    stage_interface_hash(&alpha, body);
    i64 patient = puppet_send(&scene.stage, hoarder, 0, SYSTEM_BIND_ID, span_of(body, 33), 0);
    assert_true(patient > 0);
    struct notification note;
    assert_false(puppet_next(&scene.stage, hoarder, &note));
    // Interfaces that the kernel handles do not wake it; the puppet's own is one bond already.
    for (u32 i = 1; i < KERNEL_BONDS; i++) {
        assert_true(puppet_bind(&scene.stage, hoarder, &inspect, false) > 0);
    }
    assert_true(puppet_register(&scene.stage, scene.handler, &alpha) > 0);
    assert_true(puppet_next(&scene.stage, hoarder, &note));
    assert_int_equal(note.header.id, patient);
    struct system_result_u32_bind_error result;
    assert_int_equal(system_bind_decode_result(span_of(note.body, note.header.body_len), &result),
                     0);
    assert_false(result.ok);
    assert_int_equal(result.error.kind, SYSTEM_BIND_ERROR_LIMIT);
    kernel_check(scene.stage.kernel);
    stage_close(&scene.stage);
}

static void limit_of_registrations(void **state)
{
    (void)state;
    static struct stage_interface many[KERNEL_REGISTRATIONS + 1];
    static char names[KERNEL_REGISTRATIONS + 1][32];
    const struct stage_interface *pointers[KERNEL_REGISTRATIONS + 1];
    for (u32 i = 0; i <= KERNEL_REGISTRATIONS; i++) {
        snprintf(names[i], sizeof names[i], "test:many/i%u", i);
        many[i] = (struct stage_interface){names[i], {{"call", 0}}};
        pointers[i] = &many[i];
    }
    struct stage stage;
    stage_open(&stage, 32, 1, NULL);
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&stage, pointers, KERNEL_REGISTRATIONS + 1, cid);
    struct puppet *puppet = stage_start(&stage, cid);
    i64 first = puppet_register(&stage, puppet, &many[0]);
    for (u32 i = 1; i < KERNEL_REGISTRATIONS; i++) {
        assert_true(puppet_register(&stage, puppet, &many[i]) > 0);
    }
    assert_int_equal(puppet_register(&stage, puppet, &many[KERNEL_REGISTRATIONS]), -1003);
    assert_int_equal(puppet_unregister(&stage, puppet, (u32)first), 0);
    assert_true(puppet_register(&stage, puppet, &many[KERNEL_REGISTRATIONS]) > 0);
    stage_close(&stage);
}

static void limit_of_messages(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 33);
    scene.stage.check = false;
    // One is taken back so that the puppet can say so: at its limit it is mute.
    u32 sent;
    assert_int_equal(puppet_fill(&scene.stage, scene.client, scene.bond, scene.one, 4, 0, 0, &sent),
                     E_LIMIT);
    assert_int_equal(sent, KERNEL_MESSAGES - 1);
    kernel_check(scene.stage.kernel);
    struct notification note;
    for (u32 i = 0; i < sent; i++) {
        assert_true(puppet_next(&scene.stage, scene.handler, &note));
        assert_int_equal(
            puppet_answer(&scene.stage, scene.handler, note.header.id, SPAN_LITERAL("y"), 0), 0);
    }
    stage_close(&scene.stage);
}

// A handler that takes everything and answers nothing costs its clients nothing once they cancel.
static void limit_of_cancelled_messages_is_the_handlers(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 41);
    scene.stage.check = false;
    static u64 ids[KERNEL_MESSAGES + KERNEL_CANCELLED];
    struct notification note;
    for (u32 i = 0; i < sizeof ids / sizeof *ids; i++) {
        i64 id =
            puppet_send(&scene.stage, scene.client, scene.bond, scene.one, SPAN_LITERAL("x"), 0);
        assert_true(id > 0);
        ids[i] = (u64)id;
        do { // a CANCELLED of one before may come first
            assert_true(puppet_next(&scene.stage, scene.handler, &note));
        } while (note.header.kind == NOTIFICATION_CANCELLED);
        assert_int_equal(note.header.id, id);
        assert_int_equal(puppet_cancel(&scene.stage, scene.client, ids[i]), 0);
        assert_true(puppet_next(&scene.stage, scene.client, &note));
        assert_int_equal(note.header.id, id);
        assert_int_equal(mem_load_u32(note.body), -E_CANCELLED);
    }
    kernel_check(scene.stage.kernel);
    // It keeps the latest, and is told of the last one too.
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_CANCELLED);
    struct span answer = SPAN_LITERAL("y");
    for (u32 i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_int_equal(puppet_answer(&scene.stage, scene.handler, ids[i], answer, 0),
                         i < KERNEL_MESSAGES ? E_HANDLE : 0);
    }
    assert_false(puppet_next(&scene.stage, scene.client, &note));
    kernel_check(scene.stage.kernel);
    // And what it keeps goes with it.
    i64 id = puppet_send(&scene.stage, scene.client, scene.bond, scene.one, SPAN_LITERAL("x"), 0);
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    assert_int_equal(puppet_cancel(&scene.stage, scene.client, (u64)id), 0);
    assert_true(puppet_next(&scene.stage, scene.client, &note));
    kernel_check(scene.stage.kernel);
    stage_kill(&scene.stage, scene.handler);
    stage_settle(&scene.stage, 1000);
    assert_false(puppet_next(&scene.stage, scene.client, &note));
    kernel_check(scene.stage.kernel);
    stage_close(&scene.stage);
}

static void limit_of_message_bytes_and_of_a_body(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 34);
    struct puppet_order grow = {.kind = PUPPET_GROW, .a = 70};
    u64 at = (u64)puppet_do(&scene.stage, scene.client, &grow) << 16;
    u64 body[2] = {at, KERNEL_BODY_BYTES};
    u64 longer[2] = {at, KERNEL_BODY_BYTES + 1};
    for (u64 flags = 0; flags <= 2; flags++) {
        assert_int_equal(raw_send(&scene, scene.bond, scene.one, longer, body, flags), E_TOO_LONG);
        assert_int_equal(raw_send(&scene, 0, SYSTEM_SPAWN_ID, longer, body, flags), E_TOO_LONG);
    }
    // As many as the budget has room for; a little is left for what the puppet itself has under
    // way.
    u64 most[2] = {at, KERNEL_BODY_BYTES - 1024};
    for (u32 i = 0; i < KERNEL_MESSAGE_BYTES / KERNEL_BODY_BYTES; i++) {
        assert_true(raw_send(&scene, scene.bond, scene.one, most, body, 0) > 0);
    }
    u64 more[2] = {at, 4 * 1024 + 1};
    assert_int_equal(raw_send(&scene, scene.bond, scene.one, more, body, 0), E_LIMIT);
    assert_int_equal(raw_send(&scene, scene.bond, scene.one, more, body, SEND_NO_ANSWER), E_LIMIT);
    assert_int_equal(raw_send(&scene, scene.bond, scene.one, more, body, SEND_WAIT), E_LIMIT);
    // What is answered makes room.
    struct puppet_order room = {.kind = PUPPET_GROW, .a = 70};
    u64 buffer = (u64)puppet_do(&scene.stage, scene.handler, &room) << 16;
    struct puppet_order wait = {.kind = PUPPET_WAIT, .a = buffer, .b = 70 << 16};
    assert_true(puppet_do(&scene.stage, scene.handler, &wait) > KERNEL_BODY_BYTES / 2);
    assert_true(raw_send(&scene, scene.bond, scene.one, more, body, 0) > 0);
    // An answer beyond the limit of a body is refused to the handler.
    struct span header = puppet_peek(&scene.stage, scene.handler, (u32)buffer, 40);
    struct puppet_order answer = {.kind = PUPPET_ANSWER,
                                  .a = mem_load_u64(header.data + 8),
                                  .b = buffer,
                                  .c = KERNEL_BODY_BYTES + 1};
    assert_int_equal(puppet_do(&scene.stage, scene.handler, &answer), E_TOO_LONG);
    stage_close(&scene.stage);
}

static void limit_of_children(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 35);
    scene.stage.check = false;
    // A name that nobody has: each child ends at once, and none is left.
    struct span nobody =
        SPAN_LITERAL("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    for (u32 i = 0; i < 20; i++) {
        assert_int_equal(puppet_spawn(&scene.stage, scene.client, nobody), -1006);
    }
    char name[KERNEL_CID_TEXT_BYTES];
    FILE *file = fopen("build/test/kernel/exit.wasm", "rb");
    assert_non_null(file);
    static u8 bytes[4096];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(
        kernel_program_add(scene.stage.kernel, span_of(bytes, size), (struct span){0}, name, NULL),
        0);
    i64 first = 0;
    for (u32 i = 0; i < KERNEL_CHILDREN; i++) { // ended, but not awaited
        i64 child = puppet_spawn(&scene.stage, scene.client, span_string(name));
        assert_true(child > 0);
        first = i == 0 ? child : first;
    }
    assert_int_equal(puppet_spawn(&scene.stage, scene.client, span_string(name)), -1004);
    kernel_check(scene.stage.kernel);
    u8 body[8];
    mem_store_u64(body, (u64)first);
    i64 got = puppet_send(&scene.stage, scene.client, 0, SYSTEM_AWAIT_END_ID, span_of(body, 8),
                          SEND_WAIT);
    assert_true(got > 0);
    assert_true(puppet_spawn(&scene.stage, scene.client, span_string(name)) > 0);
    stage_close(&scene.stage);
}

// A process that is mute and handles the loader: whoever is started by name never begins.
static struct puppet *mute_loader(struct stage *stage, char cid[KERNEL_CID_TEXT_BYTES])
{
    static const struct stage_interface loader = {.name = LOADER_NAME, .real = &loader_interface};
    const struct stage_interface *interfaces[] = {&loader};
    stage_program(stage, interfaces, 1, cid);
    struct puppet *puppet = stage_start(stage, cid);
    assert_true(puppet_register(stage, puppet, &loader) > 0);
    return puppet;
}

// Spawns `count` that never begin, and asks for no answer.
static void spawn_unasked(struct stage *stage, struct puppet *puppet, u32 count)
{
    u8 body[256];
    struct system_spawn_call call = {
        .request.program =
            SPAN_LITERAL("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")};
    size_t size = system_spawn_encode_call(body, sizeof body, &call);
    puppet_poke(stage, puppet, puppet->area + PUPPET_AREA_BYTES / 2, span_of(body, size));
    u32 sent;
    (void)puppet_fill(stage, puppet, 0, SYSTEM_SPAWN_ID, (u32)size, SEND_NO_ANSWER, count, &sent);
    assert_int_equal(sent, count);
}

static struct puppet *spawn_puppet(struct stage *stage, struct puppet *parent, const char *cid)
{
    i64 process = puppet_spawn(stage, parent, span_string(cid));
    assert_true(process > 0);
    stage_settle(stage, 1000);
    return stage_find(stage, (u64)process);
}

static void limit_of_children_that_nobody_awaits(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 38, 1, NULL);
    stage.check = false;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *loader = mute_loader(&stage, cid);
    struct puppet *bomb = stage_start(&stage, cid);
    struct puppet *other = stage_start(&stage, cid);
    spawn_unasked(&stage, bomb, KERNEL_CHILDREN + 10);
    assert_int_equal(puppet_spawn(&stage, bomb, span_string(cid)), -1004);
    kernel_check(stage.kernel);
    (void)spawn_puppet(&stage, other, cid);
    stage_kill(&stage, loader); // they end, and nobody asks
    stage_settle(&stage, 100000);
    (void)spawn_puppet(&stage, bomb, cid);
    kernel_check(stage.kernel);
    stage_close(&stage);
}

// Children that leave children of their own and end.
static void limit_of_a_family(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 39, 1, NULL);
    stage.check = false;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *loader = mute_loader(&stage, cid);
    struct puppet *bomb = stage_start(&stage, cid);
    struct puppet *other = stage_start(&stage, cid);
    struct puppet *last = spawn_puppet(&stage, bomb, cid);
    struct puppet_order end = {.kind = PUPPET_RETURN};
    for (u32 left = KERNEL_FAMILY - 1; left > 0;) {
        struct puppet *child = spawn_puppet(&stage, bomb, cid);
        u32 count = left < KERNEL_CHILDREN ? left : KERNEL_CHILDREN;
        spawn_unasked(&stage, child, count);
        assert_int_equal(puppet_do(&stage, child, &end), ENDED);
        left -= count;
        assert_int_equal(puppet_await_end(&stage, bomb, child->process), 0);
    }
    (void)spawn_puppet(&stage, last, cid); // the place that the last child had
    assert_int_equal(puppet_spawn(&stage, last, span_string(cid)), -1004);
    assert_int_equal(puppet_do(&stage, bomb, &end), ENDED);
    assert_int_equal(puppet_spawn(&stage, last, span_string(cid)), -1004);
    kernel_check(stage.kernel);
    (void)spawn_puppet(&stage, other, cid);
    stage_kill(&stage, loader);
    stage_settle(&stage, 100000);
    (void)spawn_puppet(&stage, last, cid);
    kernel_check(stage.kernel);
    stage_close(&stage);
}

static void limit_of_arguments(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 36);
    static struct span arguments[KERNEL_ARGUMENTS + 1];
    static u8 long_one[KERNEL_ARGUMENT_BYTES];
    struct kernel_start start = {.cid = span_string(scene.cid),
                                 .arguments = arguments,
                                 .argument_count = KERNEL_ARGUMENTS + 1};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(scene.stage.kernel, &start, &id, NULL), ERR_LIMIT);
    start.argument_count = KERNEL_ARGUMENTS;
    start.environment = arguments;
    start.environment_count = 1;
    assert_int_equal(kernel_start(scene.stage.kernel, &start, &id, NULL), ERR_LIMIT);
    start.environment_count = 0;
    assert_int_equal(kernel_start(scene.stage.kernel, &start, &id, NULL), ERR_OK);
    arguments[0] = span_of(long_one, KERNEL_ARGUMENT_BYTES - 3);
    start.argument_count = 1;
    assert_int_equal(kernel_start(scene.stage.kernel, &start, &id, NULL), ERR_LIMIT);
    arguments[0] = span_of(long_one, KERNEL_ARGUMENT_BYTES - 4);
    assert_int_equal(kernel_start(scene.stage.kernel, &start, &id, NULL), ERR_OK);
    stage_close(&scene.stage);
}

static void limit_of_memory(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 37);
    // All linear memories together have 1 GiB in this machine: growing beyond is refused, not
    // fatal.
    struct puppet_order grow = {.kind = PUPPET_GROW, .a = 20000};
    assert_int_equal(puppet_do(&scene.stage, scene.client, &grow), -1);
    grow.a = 65535;
    assert_int_equal(puppet_do(&scene.stage, scene.client, &grow), -1);
    grow.a = UINT32_MAX;
    assert_int_equal(puppet_do(&scene.stage, scene.client, &grow), -1);
    grow.a = 1;
    assert_true(puppet_do(&scene.stage, scene.client, &grow) > 0);
    // Two that have nearly half of it each leave no room for a third.
    grow.a = 8000;
    struct puppet *third = stage_start(&scene.stage, scene.cid);
    assert_true(puppet_do(&scene.stage, scene.client, &grow) > 0);
    assert_true(puppet_do(&scene.stage, scene.handler, &grow) > 0);
    assert_int_equal(puppet_do(&scene.stage, third, &grow), -1);
    stage_kill(&scene.stage, scene.client);
    stage_settle(&scene.stage, 1000);
    assert_true(puppet_do(&scene.stage, third, &grow) > 0);
    stage_close(&scene.stage);
}

// A process with sixteen memories takes what there is and no more, and gives back all of it.
static void many_memories_are_one_budget(void **state)
{
    (void)state;
    struct scene scene;
    char cid[KERNEL_CID_TEXT_BYTES];
    scene_open(&scene, 38);
    stage_add(&scene.stage, stage_file("build/test/kernel/memories.wasm"), (struct span){0}, cid);
    struct puppet_order grow = {.kind = PUPPET_GROW, .a = 1};
    for (u32 i = 0; i < 2; i++) {
        struct puppet *greedy = stage_start_any(&scene.stage, cid);
        stage_settle(&scene.stage, 2000);
        assert_int_equal(puppet_do(&scene.stage, scene.client, &grow), -1);
        struct puppet *late = stage_start_any(&scene.stage, cid);
        stage_settle(&scene.stage, 2000);
        assert_int_equal(late->ending.kind, KERNEL_NOT_LOADED);
        stage_kill(&scene.stage, greedy);
        stage_settle(&scene.stage, 2000);
        assert_int_equal(greedy->ending.kind, KERNEL_KILLED);
        assert_true(puppet_do(&scene.stage, scene.client, &grow) > 0);
    }
    stage_close(&scene.stage);
}

// ---- sections

// Adds a program whose section holds those bytes. What came of it; its reason is in `report`.
static enum err add_with_section(struct stage *stage, struct span section, struct report *report)
{
    static u8 bytes[1 << 17];
    struct span puppet = stage_program_bytes(NULL, 0);
    struct wire_writer out = wire_writer_over(bytes, sizeof bytes);
    wire_write_raw(&out, puppet);
    free((void *)puppet.data);
    wire_write_u8(&out, 0);
    u32 size = 20 + (u32)section.size;
    wire_write_u8(&out, (u8)(size | 0x80)); // LEB128 in three bytes
    wire_write_u8(&out, (u8)(size >> 7 | 0x80));
    wire_write_u8(&out, (u8)(size >> 14));
    wire_write_u8(&out, 19);
    wire_write_raw(&out, SPAN_LITERAL("redshirt:interfaces"));
    wire_write_raw(&out, section);
    assert_true(out.size <= sizeof bytes);
    char cid[KERNEL_CID_TEXT_BYTES];
    report_clear(report);
    return kernel_program_add(stage->kernel, span_of(bytes, out.size), (struct span){0}, cid,
                              report);
}

static size_t write_list(u8 *to, size_t capacity, u32 first, u32 interfaces, u32 functions,
                         bool same_function)
{
    struct wire_writer out = wire_writer_over(to, capacity);
    wire_write_u32(&out, interfaces);
    for (u32 i = 0; i < interfaces; i++) {
        char name[32];
        int size = snprintf(name, sizeof name, "test:section/i%u", first + i);
        wire_write_bytes(&out, span_of(name, (size_t)size));
        wire_write_u32(&out, functions);
        for (u32 f = 0; f < functions; f++) {
            u8 hash[32] = {0};
            mem_store_u32(hash, same_function ? 7 : f);
            hash[31] = (u8)f; // beyond the id
            wire_write_raw(&out, span_of(hash, 32));
            wire_write_bytes(&out, SPAN_LITERAL("f"));
        }
    }
    assert_true(out.size <= capacity);
    return out.size;
}

static void sections_that_do_not_decode(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 40, 1, NULL);
    struct report report;
    static const struct {
        struct span bytes;
        const char *word;
    } wrong[] = {
        {SPAN_LITERAL("\1"), "end"},
        {SPAN_LITERAL("\1\0\0\0"), "end"},
        {SPAN_LITERAL("\1\0\0\0\0\0\0\0\0\0\0\0"), "empty"},
        {SPAN_LITERAL("\1\0\0\0\1\1\0\0x"), "too long"},
        {SPAN_LITERAL("\1\0\0\0\1\0\0\0\xff\0\0\0\0"), "UTF-8"},
        {SPAN_LITERAL("\1\0\0\0\1\0\0\0x\1\1\0\0"), "too many"},
        {SPAN_LITERAL("\1\0\0\0\1\0\0\0x\1\0\0\0"), "end"},
        {SPAN_LITERAL("\xff\xff\xff\xff\1\0\0\0x\0\0\0\0"), "end"},
    };
    for (u32 i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(add_with_section(&stage, wrong[i].bytes, &report), ERR_MALFORMED);
        assert_non_null(strstr(report.text, wrong[i].word));
    }
    static u8 list[1 << 16];
    size_t size = write_list(list, sizeof list, 0, 1, 2, true);
    assert_int_equal(add_with_section(&stage, span_of(list, size), &report), ERR_MALFORMED);
    assert_non_null(strstr(report.text, "one id"));
    size = write_list(list, sizeof list, 0, 1, INTERFACE_FUNCTIONS, false);
    assert_int_equal(add_with_section(&stage, span_of(list, size), &report), ERR_OK);
    size = write_list(list, sizeof list, 0, 1, INTERFACE_FUNCTIONS + 1, false);
    assert_int_equal(add_with_section(&stage, span_of(list, size), &report), ERR_MALFORMED);
    // The puppet itself declares three.
    size = write_list(list, sizeof list, 0, KERNEL_DEFINITIONS, 1, false);
    assert_int_equal(add_with_section(&stage, span_of(list, size), &report), ERR_LIMIT);
    size = write_list(list, sizeof list, 0, KERNEL_DEFINITIONS - 8, 1, false);
    // Two lists behind each other, of which the second says nothing new.
    memcpy(list + size, list, size);
    assert_int_equal(add_with_section(&stage, span_of(list, 2 * size), &report), ERR_OK);
    stage_close(&stage);
}

// ---- memory that runs out

// A short life with messages of all lengths, in a machine where one allocation in `one_in` fails:
// whatever happens, the kernel agrees with itself and gives everything back.
static void life_without_memory(u64 seed, u32 one_in)
{
    struct stage stage;
    stage_open(&stage, seed, 2, NULL);
    const struct stage_interface *interfaces[] = {&alpha};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&stage, interfaces, 1, cid);
    sim_memory_fails(one_in);
    struct puppet *puppets[3] = {0};
    for (u32 i = 0; i < 3; i++) {
        struct kernel_start start = {.cid = span_string(cid)};
        struct kernel_process_id id;
        enum err err = kernel_start(stage.kernel, &start, &id, NULL);
        assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
        stage_settle(&stage, 300);
        puppets[i] = err == ERR_OK ? stage_find(&stage, id.value) : NULL;
    }
    for (u32 i = 0; i < 30; i++) {
        struct puppet *puppet = puppets[sim_below(3)];
        if (puppet == NULL || !puppet->is_idle || puppet->has_ended) {
            continue;
        }
        struct puppet_order send = {.kind = PUPPET_SEND,
                                    .a = 0,
                                    .b = SYSTEM_START_ID,
                                    .c = puppet->area,
                                    .e = puppet->area,
                                    .f = sim_below(200),
                                    .g = sim_below(2) * SEND_WAIT};
        if (sim_below(3) == 0) {
            send.b = INSPECT_PROCESSES_ID;
        }
        if (sim_below(4) == 0) {
            static u8 hash[32];
            stage_interface_hash(&alpha, hash);
            send = (struct puppet_order){
                .kind = PUPPET_POKE, .a = puppet->area, .bytes = span_of(hash, 32)};
        } else if (sim_below(3) == 0) {
            send.b = SYSTEM_REGISTER_ID;
            send.d = 32;
        } else if (sim_below(3) == 0) {
            send.b = SYSTEM_BIND_ID;
            send.d = 33;
        }
        puppet_tell(&stage, puppet, &send);
        stage_settle(&stage, 300);
    }
    sim_memory_fails(0);
    stage_close(&stage);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    for (u64 seed = 0; seed < 60; seed++) {
        life_without_memory(1000 + seed, 2 + (u32)(seed % 20));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_pointers_of_send),
        cmocka_unit_test(hostile_pointers_of_answer_and_wait),
        cmocka_unit_test(hostile_flags),
        cmocka_unit_test(hostile_functions),
        cmocka_unit_test(hostile_bodies_of_system_calls),
        cmocka_unit_test(a_system_call_that_does_not_decode_is_malformed),
        cmocka_unit_test(limit_of_bonds),
        cmocka_unit_test(limit_of_bonds_for_a_patient_bind),
        cmocka_unit_test(limit_of_registrations),
        cmocka_unit_test(limit_of_messages),
        cmocka_unit_test(limit_of_cancelled_messages_is_the_handlers),
        cmocka_unit_test(limit_of_message_bytes_and_of_a_body),
        cmocka_unit_test(limit_of_children),
        cmocka_unit_test(limit_of_children_that_nobody_awaits),
        cmocka_unit_test(limit_of_a_family),
        cmocka_unit_test(limit_of_arguments),
        cmocka_unit_test(limit_of_memory),
        cmocka_unit_test(many_memories_are_one_budget),
        cmocka_unit_test(sections_that_do_not_decode),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
