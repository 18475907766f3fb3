// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_limits.c: the limits of programs, of one process and of one message that
// test_hostile.c does not come to: the last that is accepted, the first that is refused, how it is
// told, and that a place given back can be had again.
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "core/kernel/device.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "interfaces/inspect.h"
#include "interfaces/loader.h"
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

static const struct stage_interface alpha = {"test:limits/alpha", {{"one", 0}}};
static const struct stage_interface inspect = {INSPECT_NAME, .real = &inspect_interface};
static const struct stage_interface loader = {LOADER_NAME, .real = &loader_interface};

struct scene {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *client;
    struct puppet *handler;
    u32 bond;
    u64 one;
};

static void scene_open(struct scene *scene, u64 seed)
{
    stage_open(&scene->stage, seed, 1, NULL);
    const struct stage_interface *interfaces[] = {&alpha, &inspect, &loader};
    stage_program(&scene->stage, interfaces, 3, scene->cid);
    scene->client = stage_start(&scene->stage, scene->cid);
    scene->handler = stage_start(&scene->stage, scene->cid);
    assert_true(puppet_register(&scene->stage, scene->handler, &alpha) > 0);
    scene->bond = (u32)puppet_bind(&scene->stage, scene->client, &alpha, false);
    scene->one = stage_function_id(&alpha, 0);
}

__attribute__((unused)) static i64 send(struct scene *scene, struct puppet *puppet, u32 bond,
                                        u64 at, u64 size, u64 flags)
{
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = scene->one,
                                 .c = at,
                                 .d = size,
                                 .e = at,
                                 .f = 64,
                                 .g = flags};
    return puppet_do(&scene->stage, puppet, &order);
}

// Where so many new pages begin.
__attribute__((unused)) static u64 grow(struct stage *stage, struct puppet *puppet, u32 pages)
{
    struct puppet_order order = {.kind = PUPPET_GROW, .a = pages};
    i64 old = puppet_do(stage, puppet, &order);
    assert_true(old > 0);
    return (u64)old << 16;
}

// ---- programs made of bytes

// A module that does nothing, with a custom section behind it of `size` zeros and a number that
// makes it another program.
static struct span module_bytes(u32 size, u32 number)
{
    static const u8 head[] = {0,   'a', 's', 'm', 1,   0,   0,   0, 1, 4, 1,   0x60, 0,
                              0,   3,   2,   1,   0,   5,   3,   1, 0, 0, 7,   19,   2,
                              6,   'm', 'e', 'm', 'o', 'r', 'y', 2, 0, 6, '_', 's',  't',
                              'a', 'r', 't', 0,   0,   10,  4,   1, 2, 0, 0x0b};
    u8 *bytes = calloc(1, sizeof head + 16 + size);
    struct wire_writer out = wire_writer_over(bytes, sizeof head + 16 + size);
    wire_write_raw(&out, span_of(head, sizeof head));
    u32 section = size + 5;
    wire_write_u8(&out, 0);
    for (u32 i = 0; i < 5; i++) { // LEB128 in five bytes
        wire_write_u8(&out, (u8)((section >> 7 * i & 0x7f) | (i < 4 ? 0x80 : 0)));
    }
    wire_write_u8(&out, 0); // no name
    wire_write_u32(&out, number);
    return span_of(bytes, out.size + size);
}

static void name_of(struct span bytes, char cid[CID_TEXT_BYTES])
{
    struct cid name;
    struct arena scratch;
    arena_init(&scratch, sim_memory(), KERNEL_NAME_SCRATCH);
    assert_int_equal(unixfs_cid(bytes, platform_sha256, &scratch, &name), ERR_OK);
    arena_drop(&scratch);
    cid_write_text(&name, cid);
}

// A well-formed name that no program has.
static void number_name(u32 number, char cid[CID_TEXT_BYTES])
{
    struct cid name = {.codec = CID_RAW};
    mem_store_u32(name.digest, number);
    cid_write_text(&name, cid);
}

// ---- a loader that is a device

struct shelf {
    struct stage *stage;
    struct kernel_device *device;
    struct span program; // the only one that it gives; what else it is asked for waits
    char cid[CID_TEXT_BYTES];
    u64 held; // the last message that waits, or 0
    u32 asked;
    u32 cancelled;
};

static void never(void *context)
{
    (void)context;
}

static void shelf_open(struct shelf *shelf, struct stage *stage)
{
    *shelf = (struct shelf){.stage = stage};
    struct kernel_device_config config = {.interface = &loader_interface, .wake = never};
    assert_int_equal(kernel_device_register(stage->kernel, &config, &shelf->device), ERR_OK);
}

static void shelf_answer(struct shelf *shelf, u64 id)
{
    struct loader_result_bytes_error result = {.ok = true, .value = shelf->program};
    size_t size = loader_load_encode_result(NULL, 0, &result);
    u8 *body = malloc(size);
    (void)loader_load_encode_result(body, size, &result);
    kernel_device_answer(shelf->device, id, span_of(body, size));
    free(body);
}

static void shelf_take(struct shelf *shelf, const struct kernel_event *event)
{
    if (event->kind == KERNEL_EVENT_CANCELLED) {
        shelf->cancelled++;
        kernel_device_answer(shelf->device, event->id, (struct span){0});
        return;
    }
    struct loader_load_call call;
    assert_int_equal(loader_load_decode_call(event->body, &call), ERR_OK);
    shelf->asked++;
    if (span_equal(call.cid, span_string(shelf->cid))) {
        shelf_answer(shelf, event->id);
    } else {
        shelf->held = event->id;
    }
}

// Lets all run until nothing is ready.
static void shelf_settle(struct shelf *shelf)
{
    struct kernel_event event;
    do {
        while (kernel_device_take(shelf->device, &event)) {
            shelf_take(shelf, &event);
        }
    } while (stage_turn(shelf->stage));
}

static u32 exited;
static struct kernel_ending last;
static char last_text[256];

static void note_end(void *context, struct kernel_process_id process, struct kernel_ending ending)
{
    (void)context;
    (void)process;
    exited += ending.kind == KERNEL_EXITED;
    last = ending;
    assert_true(ending.text.size < sizeof last_text);
    mem_copy(last_text, ending.text.data, ending.text.size);
    last_text[ending.text.size] = 0;
}

static struct kernel_process_id start(struct stage *stage, const char *cid)
{
    struct kernel_start start = {.cid = span_string(cid), .on_end = note_end};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(stage->kernel, &start, &id, NULL), ERR_OK);
    return id;
}

// Starts the program of these bytes, which ends at once. Whether its bytes had to be asked for.
static bool run(struct shelf *shelf, struct span bytes)
{
    shelf_settle(shelf);
    shelf->program = bytes;
    name_of(bytes, shelf->cid);
    u32 asked = shelf->asked;
    exited = 0;
    (void)start(shelf->stage, shelf->cid);
    shelf_settle(shelf);
    assert_int_equal(exited, 1);
    return shelf->asked > asked;
}

static void expect_limit(const char *text)
{
    assert_int_equal(last.kind, KERNEL_NOT_LOADED);
    assert_int_equal(last.load, KERNEL_LOAD_LIMIT);
    assert_string_equal(last_text, text);
    last = (struct kernel_ending){0};
}

// Names that a loader does not answer for fill all places. Each that nobody waits for any more
// gives its place back, however mute the loader is; so does each that ends.
static void limit_of_programs(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, 1, NULL);
    stage.check = false;
    struct shelf shelf;
    shelf_open(&shelf, &stage);
    struct kernel_process_id ids[KERNEL_PROGRAMS];
    char cid[CID_TEXT_BYTES];
    for (u32 i = 0; i < KERNEL_PROGRAMS; i++) {
        number_name(i, cid);
        ids[i] = start(&stage, cid);
        if (i == KERNEL_PROGRAMS / 2) { // half of them are held by the loader, half are queued
            shelf_settle(&shelf);
        }
    }
    assert_int_equal(last.kind, 0);
    number_name(KERNEL_PROGRAMS, cid);
    (void)start(&stage, cid);
    stage_settle(&stage, 10);
    expect_limit("too many programs at once");
    kernel_check(stage.kernel);
    for (u32 i = 0; i < KERNEL_PROGRAMS; i += KERNEL_PROGRAMS - 1) { // one held, one queued
        assert_int_equal(kernel_kill(stage.kernel, ids[i]), ERR_OK);
        stage_settle(&stage, 10);
        assert_int_equal(last.kind, KERNEL_KILLED);
        number_name(KERNEL_PROGRAMS + i, cid);
        (void)start(&stage, cid);
        stage_settle(&stage, 10);
        assert_int_equal(last.kind, KERNEL_KILLED);
        number_name(3 * KERNEL_PROGRAMS, cid);
        (void)start(&stage, cid);
        stage_settle(&stage, 10);
        expect_limit("too many programs at once");
    }
    u32 asked = shelf.asked;
    shelf_settle(&shelf);
    assert_int_equal(shelf.cancelled, 1);
    assert_int_equal(shelf.asked, asked + KERNEL_PROGRAMS / 2); // less the queued one, and two more
    // The one it still holds is answered, and ends: a place.
    kernel_device_answer_error(shelf.device, shelf.held, -E_BUSY);
    stage_settle(&stage, 10);
    assert_int_equal(last.load, KERNEL_LOAD_FAILED);
    struct span bytes = module_bytes(0, 1);
    assert_true(run(&shelf, bytes));
    kernel_check(stage.kernel);
    stage_close(&stage);
    free((void *)bytes.data);
}

// Spawns one of numbered names, and goes on.
static void spawn_later(struct scene *scene, u32 number)
{
    char cid[CID_TEXT_BYTES];
    number_name(number, cid);
    u8 body[256];
    struct system_spawn_call call = {.request.program = span_string(cid)};
    size_t size = system_spawn_encode_call(body, sizeof body, &call);
    assert_true(
        puppet_send(&scene->stage, scene->client, 0, SYSTEM_SPAWN_ID, span_of(body, size), 0) > 0);
}

// One family comes to its eighth; the next one has all the rest.
static void limit_of_a_familys_programs(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    scene.stage.check = false;
    struct shelf shelf;
    shelf_open(&shelf, &scene.stage);
    char cid[CID_TEXT_BYTES];
    struct kernel_process_id first = {scene.stage.kernel->next_process};
    for (u32 i = 0; i < KERNEL_FAMILY_PROGRAMS; i++) {
        spawn_later(&scene, i);
    }
    number_name(KERNEL_FAMILY_PROGRAMS, cid);
    assert_int_equal(puppet_spawn(&scene.stage, scene.client, span_string(cid)), -1004);
    // One that somebody of the family waits for already is no more of them; nor is what came with
    // the system, nor what others start.
    spawn_later(&scene, 0);
    assert_true(puppet_spawn(&scene.stage, scene.client, span_string(scene.cid)) > 0);
    struct span bytes = module_bytes(0, 1);
    assert_true(run(&shelf, bytes));
    assert_int_equal(puppet_spawn(&scene.stage, scene.client, span_string(shelf.cid)), -1004);
    kernel_check(scene.stage.kernel);
    // Two wait for the first: its place is free when both have gone.
    assert_int_equal(kernel_kill(scene.stage.kernel, first), ERR_OK);
    stage_settle(&scene.stage, 100);
    assert_int_equal(puppet_spawn(&scene.stage, scene.client, span_string(shelf.cid)), -1004);
    first.value += KERNEL_FAMILY_PROGRAMS + 1; // and the one that was refused
    assert_int_equal(kernel_kill(scene.stage.kernel, first), ERR_OK);
    stage_settle(&scene.stage, 100);
    assert_true(puppet_spawn(&scene.stage, scene.client, span_string(shelf.cid)) > 0);
    kernel_check(scene.stage.kernel);
    stage_close(&scene.stage);
    free((void *)bytes.data);
}

// ---- the cache

// What a program costs there: with the bytes, what was made of them.
static u64 cost_of(struct shelf *shelf, u32 size, u32 number)
{
    struct span bytes = module_bytes(size, number);
    u64 before = shelf->stage->kernel->cache_bytes;
    assert_true(run(shelf, bytes));
    free((void *)bytes.data);
    return shelf->stage->kernel->cache_bytes - before;
}

static bool is_cached(struct shelf *shelf, u32 size, u32 number)
{
    struct span bytes = module_bytes(size, number);
    bool is_asked = run(shelf, bytes);
    free((void *)bytes.data);
    return !is_asked;
}

static void limit_of_cached_bytes(void **state)
{
    (void)state;
    enum { LARGE = KERNEL_BODY_BYTES - 1024, MOST = KERNEL_CACHE_BYTES / LARGE };
    struct stage stage;
    stage_open(&stage, 3, 1, NULL);
    stage.check = false;
    struct shelf shelf;
    shelf_open(&shelf, &stage);
    const struct kernel *kernel = stage.kernel;
    u64 others = cost_of(&shelf, 0, 0);
    u64 each = cost_of(&shelf, LARGE, 1);
    for (u32 i = 2; i < MOST; i++) {
        assert_int_equal(cost_of(&shelf, LARGE, i), each);
    }
    // The last one fills it to the byte.
    u32 left = (u32)(KERNEL_CACHE_BYTES - kernel->cache_bytes - others);
    assert_true(left < KERNEL_BODY_BYTES - 64);
    assert_int_equal(cost_of(&shelf, left, MOST), left + others);
    assert_int_equal(kernel->cache_bytes, KERNEL_CACHE_BYTES);
    assert_int_equal(kernel->program_count, MOST + 1);
    // Another one: the oldest goes, and that is enough.
    assert_false(is_cached(&shelf, 0, MOST + 1));
    assert_int_equal(kernel->cache_bytes, KERNEL_CACHE_BYTES);
    assert_true(is_cached(&shelf, 0, MOST + 1));
    assert_true(is_cached(&shelf, LARGE, 1));
    assert_false(is_cached(&shelf, 0, 0)); // and now 2 is gone
    assert_true(is_cached(&shelf, left, MOST));
    assert_false(is_cached(&shelf, LARGE, 2));
    kernel_check(stage.kernel);
    stage_close(&stage);
}

// All places are taken and what nobody runs has to go, the oldest first, also when it is large and
// not freed at once.
static void limit_of_programs_lets_the_oldest_go(void **state)
{
    (void)state;
    enum { LARGE = KERNEL_FREE_LOCKED + 1, KEPT = 3 };
    struct stage stage;
    stage_open(&stage, 4, 1, NULL);
    stage.check = false;
    struct shelf shelf;
    shelf_open(&shelf, &stage);
    for (u32 i = 0; i < KEPT; i++) {
        assert_false(is_cached(&shelf, LARGE, i));
    }
    char cid[CID_TEXT_BYTES];
    struct kernel_process_id id;
    for (u32 i = 0; i < KERNEL_PROGRAMS - KEPT; i++) {
        number_name(i, cid);
        id = start(&stage, cid);
    }
    assert_int_equal(stage.kernel->program_count, KERNEL_PROGRAMS);
    for (u32 i = 0; i < KEPT; i++) {
        assert_true(is_cached(&shelf, LARGE, i));
    }
    last = (struct kernel_ending){0};
    number_name(KERNEL_PROGRAMS, cid);
    (void)start(&stage, cid);
    assert_int_equal(stage.kernel->program_count, KERNEL_PROGRAMS);
    kernel_check(stage.kernel);
    stage_settle(&stage, 100);
    assert_int_equal(last.kind, 0);
    // All but the oldest are there still.
    for (u32 i = 1; i < KEPT; i++) {
        assert_true(is_cached(&shelf, LARGE, i));
    }
    assert_false(is_cached(&shelf, LARGE, 0)); // which lets 1 go
    assert_int_equal(kernel_kill(stage.kernel, id), ERR_OK);
    stage_settle(&stage, 100);
    assert_false(is_cached(&shelf, LARGE, 1));
    assert_true(is_cached(&shelf, LARGE, 2));
    kernel_check(stage.kernel);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_of_programs),
        cmocka_unit_test(limit_of_a_familys_programs),
        cmocka_unit_test(limit_of_cached_bytes),
        cmocka_unit_test(limit_of_programs_lets_the_oldest_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
