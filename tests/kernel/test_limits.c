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
static const struct stage_interface beta = {"test:limits/beta", {{"one", 0}}};
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
    const struct stage_interface *interfaces[] = {&alpha, &beta, &inspect, &loader};
    stage_program(&scene->stage, interfaces, COUNT_OF(interfaces), scene->cid);
    scene->client = stage_start(&scene->stage, scene->cid);
    scene->handler = stage_start(&scene->stage, scene->cid);
    assert_true(puppet_register(&scene->stage, scene->handler, &alpha) > 0);
    scene->bond = (u32)puppet_bind(&scene->stage, scene->client, &alpha, false);
    scene->one = stage_function_id(&alpha, 0);
}

static i64 send(struct scene *scene, struct puppet *puppet, u32 bond, u64 at, u64 size, u64 flags)
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
static u64 grow(struct stage *stage, struct puppet *puppet, u32 pages)
{
    struct puppet_order order = {.kind = PUPPET_GROW, .a = pages};
    i64 old = puppet_do(stage, puppet, &order);
    assert_true(old > 0);
    return (u64)old << 16;
}

// ---- programs made of bytes

// A custom section of that name, which lies behind a module.
struct section {
    struct span name;
    u32 size;        // bytes behind the name, zeros unless `write` says otherwise
    u32 number;      // the first four of them
    const u8 *bytes; // NULL, or all of them
    u32 tables[2];   // elements of as many tables, up to the first that has none
};

static void write_leb(struct wire_writer *out, u32 value)
{
    for (u32 i = 0; i < 5; i++) { // always five bytes
        wire_write_u8(out, (u8)((value >> 7 * i & 0x7f) | (i < 4 ? 0x80 : 0)));
    }
}

// A module that does nothing.
static struct span module_of(const struct section *section)
{
    static const u8 head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0};
    static const u8 tail[] = {5,   3,   1,   0,   0,  7, 19, 2,   6,   'm', 'e',
                              'm', 'o', 'r', 'y', 2,  0, 6,  '_', 's', 't', 'a',
                              'r', 't', 0,   0,   10, 4, 1,  2,   0,   0x0b};
    size_t room = sizeof head + sizeof tail + 64 + section->size;
    u8 *bytes = calloc(1, room);
    struct wire_writer out = wire_writer_over(bytes, room);
    wire_write_raw(&out, span_of(head, sizeof head));
    u32 tables = section->tables[0] == 0 ? 0 : section->tables[1] == 0 ? 1 : 2;
    if (tables > 0) {
        wire_write_u8(&out, 4);
        write_leb(&out, 1 + 7 * tables);
        wire_write_u8(&out, (u8)tables);
    }
    for (u32 i = 0; i < tables; i++) { // of funcref, at least so many
        wire_write_raw(&out, SPAN_LITERAL("\x70\x00"));
        write_leb(&out, section->tables[i]);
    }
    wire_write_raw(&out, span_of(tail, sizeof tail));
    wire_write_u8(&out, 0);
    write_leb(&out, 1 + (u32)section->name.size + section->size);
    wire_write_u8(&out, (u8)section->name.size);
    wire_write_raw(&out, section->name);
    if (section->bytes != NULL) {
        wire_write_raw(&out, span_of(section->bytes, section->size));
        return span_of(bytes, out.size);
    }
    mem_store_u32(bytes + out.size, section->number);
    return span_of(bytes, out.size + section->size);
}

// One with `size` more bytes than the shortest, and different from those of other numbers.
static struct span module_bytes(u32 size, u32 number)
{
    struct section section = {.size = size + 4, .number = number};
    return module_of(&section);
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

// ---- what a program may be

static enum err add(struct stage *stage, const struct section *section, struct report *report)
{
    struct span bytes = module_of(section);
    char cid[KERNEL_CID_TEXT_BYTES];
    report_clear(report);
    enum err err = kernel_program_add(stage->kernel, bytes, (struct span){0}, cid, report);
    stage_keep(bytes);
    return err;
}

// Lists of the same interface again and again, of exactly so many bytes.
static const u8 *long_section(u32 size)
{
    u32 count = (size - 4) / 9;
    u32 rest = size - 4 - 9 * count; // goes into one longer name
    u8 *bytes = malloc(size);
    struct wire_writer out = wire_writer_over(bytes, size);
    wire_write_u32(&out, count);
    for (u32 i = 0; i < count; i++) {
        wire_write_bytes(&out,
                         i == 0 ? span_of((const u8 *)"xxxxxxxxxx", 1 + rest) : SPAN_LITERAL("x"));
        wire_write_u32(&out, 0);
    }
    assert_int_equal(out.size, size);
    return bytes;
}

static void limit_of_section_bytes(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 5, 1, NULL);
    struct report report;
    for (u32 beyond = 0; beyond < 2; beyond++) {
        u32 size = KERNEL_SECTION_BYTES + beyond;
        struct section section = {
            .name = SPAN_LITERAL("redshirt:interfaces"), .size = size, .bytes = long_section(size)};
        assert_int_equal(add(&stage, &section, &report), beyond ? ERR_LIMIT : ERR_OK);
        assert_string_equal(report.text, beyond ? "redshirt:interfaces is too long" : "");
        free((void *)section.bytes);
    }
    stage_close(&stage);
}

static void limit_of_definitions(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 6, 1, NULL);
    struct report report;
    static u8 bytes[16 * (KERNEL_DEFINITIONS + 1)];
    for (u32 beyond = 0; beyond < 2; beyond++) {
        struct wire_writer out = wire_writer_over(bytes, sizeof bytes);
        wire_write_u32(&out, KERNEL_DEFINITIONS + beyond);
        for (u32 i = 0; i < KERNEL_DEFINITIONS + beyond; i++) {
            char name[8];
            int size = snprintf(name, sizeof name, "i%u", i);
            wire_write_bytes(&out, span_of(name, (size_t)size));
            wire_write_u32(&out, 0);
        }
        assert_true(out.size <= sizeof bytes);
        struct section section = {
            .name = SPAN_LITERAL("redshirt:interfaces"), .size = (u32)out.size, .bytes = bytes};
        assert_int_equal(add(&stage, &section, &report), beyond ? ERR_LIMIT : ERR_OK);
        assert_string_equal(report.text,
                            beyond ? "too many interfaces in redshirt:interfaces" : "");
    }
    stage_close(&stage);
}

// Asks for a program that the puppet, which handles the loader, then answers with `size` zeros
// behind `head`.
static i64 answer_load(struct scene *scene, const char *cid, u64 at, struct span head, u32 size)
{
    struct notification note;
    (void)start(&scene->stage, cid);
    stage_settle(&scene->stage, 100);
    assert_true(puppet_next(&scene->stage, scene->handler, &note));
    u8 prefix[5] = {0};
    mem_store_u32(prefix + 1, (u32)head.size + size);
    puppet_poke(&scene->stage, scene->handler, (u32)at, span_of(prefix, 5));
    puppet_poke(&scene->stage, scene->handler, (u32)at + 5, head);
    struct puppet_order answer = {
        .kind = PUPPET_ANSWER, .a = note.header.id, .b = at, .c = 5 + head.size + size};
    i64 result = puppet_do(&scene->stage, scene->handler, &answer);
    stage_settle(&scene->stage, 1000);
    if (result != 0) { // it can still be answered
        answer.c = 4;
        answer.f = ANSWER_ERROR;
        puppet_poke(&scene->stage, scene->handler, (u32)at, SPAN_LITERAL("\x0d\0\0\0"));
        assert_int_equal(puppet_do(&scene->stage, scene->handler, &answer), 0);
        stage_settle(&scene->stage, 1000);
        assert_int_equal(last.load, KERNEL_LOAD_FAILED);
    }
    return result;
}

// The longest program comes through; a longer one is told what it is, and what does not even fit a
// loader's answer is the loader's error.
static void limit_of_a_loaded_program(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 7);
    scene.stage.check = false;
    assert_true(puppet_register(&scene.stage, scene.handler, &loader) > 0);
    u64 at = grow(&scene.stage, scene.handler, (KERNEL_LOAD_BYTES >> 16) + 2);
    struct span shortest = module_bytes(0, 0);
    for (u32 beyond = 0; beyond < 2; beyond++) {
        u32 more = WASM_MODULE_BYTES - (u32)shortest.size + beyond;
        struct span bytes = module_bytes(more, 0);
        char cid[CID_TEXT_BYTES];
        name_of(bytes, cid);
        struct span head = span_of(bytes.data, shortest.size);
        exited = 0;
        assert_int_equal(answer_load(&scene, cid, at, head, more), 0);
        assert_int_equal(exited, 1 - beyond);
        free((void *)bytes.data);
    }
    expect_limit("not a program: the module is too long");
    char cid[CID_TEXT_BYTES];
    number_name(1, cid);
    assert_int_equal(answer_load(&scene, cid, at, (struct span){0}, KERNEL_LOAD_BYTES - 5), 0);
    assert_int_equal(last.load, KERNEL_LOAD_WRONG_BYTES);
    assert_int_equal(answer_load(&scene, cid, at, (struct span){0}, KERNEL_LOAD_BYTES - 4),
                     E_TOO_LONG);
    kernel_check(scene.stage.kernel);
    stage_close(&scene.stage);
    free((void *)shortest.data);
}

// ---- one process

// How a program with such tables ends.
static struct kernel_ending run_tables(struct shelf *shelf, u32 first, u32 second)
{
    struct section section = {.tables = {first, second}};
    struct span bytes = module_of(&section);
    shelf->program = bytes;
    name_of(bytes, shelf->cid);
    (void)start(shelf->stage, shelf->cid);
    shelf_settle(shelf);
    free((void *)bytes.data);
    return last;
}

static void limit_of_a_processs_memory(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 8, 1, NULL);
    stage.check = false;
    struct shelf shelf;
    shelf_open(&shelf, &stage);
    assert_int_equal(run_tables(&shelf, WASM_TABLE_ELEMENTS, 0).kind, KERNEL_EXITED);
    (void)run_tables(&shelf, WASM_TABLE_ELEMENTS + 1, 0);
    expect_limit("a table has too many elements");
    // With another one it comes to the process's own limit.
    u32 least = 0;
    u32 most = (KERNEL_PROCESS_BYTES - WASM_TABLE_ELEMENTS * 8) / 8;
    (void)run_tables(&shelf, WASM_TABLE_ELEMENTS, most);
    expect_limit("no memory for a memory or a table");
    u32 beyond = most;
    while (beyond - least > 1) {
        u32 middle = least + (beyond - least) / 2;
        bool fits = run_tables(&shelf, WASM_TABLE_ELEMENTS, middle).kind == KERNEL_EXITED;
        *(fits ? &least : &beyond) = middle;
    }
    assert_true(most - least < 8192); // what else it is made of
    (void)run_tables(&shelf, WASM_TABLE_ELEMENTS, beyond);
    expect_limit("no memory for a memory or a table");
    assert_int_equal(run_tables(&shelf, WASM_TABLE_ELEMENTS, least).kind, KERNEL_EXITED);
    kernel_check(stage.kernel);
    stage_close(&stage);
}

static void limit_of_message_bytes_to_the_byte(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 9);
    u64 at = grow(&scene.stage, scene.client, (KERNEL_BODY_BYTES >> 16) + 1);
    u32 left = 1024;
    for (u32 i = KERNEL_MESSAGE_BYTES / KERNEL_BODY_BYTES; i > 0; i--) {
        u64 size = i == 1 ? KERNEL_BODY_BYTES - left : KERNEL_BODY_BYTES;
        assert_true(send(&scene, scene.client, scene.bond, at, size, 0) > 0);
    }
    assert_int_equal(send(&scene, scene.client, scene.bond, at, left + 1, SEND_WAIT), E_LIMIT);
    assert_int_equal(send(&scene, scene.client, scene.bond, at, left, SEND_WAIT), BLOCKED);
    kernel_check(scene.stage.kernel);
    stage_kill(&scene.stage, scene.handler); // which gives it an answer, and room
    assert_int_equal(puppet_resume(&scene.stage, scene.client), 4 | ANSWER_IS_ERROR);
    stage_close(&scene.stage);
}

static void limit_of_a_memorys_addresses(void **state)
{
    (void)state;
    struct stage stage;
    struct kernel_config config = sim_kernel_config(1);
    config.guest_memory_bytes = (u64)4 * KERNEL_GUEST_PAGES * WASM_PAGE_BYTES;
    stage_open_config(&stage, 10, &config, NULL);
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&stage, NULL, 0, cid);
    struct puppet *puppet = stage_start(&stage, cid);
    struct puppet_order order = {.kind = PUPPET_GROW, .a = 0};
    i64 pages = puppet_do(&stage, puppet, &order);
    order.a = KERNEL_GUEST_PAGES - (u64)pages + 1;
    assert_int_equal(puppet_do(&stage, puppet, &order), -1);
    order.a--;
    assert_int_equal(puppet_do(&stage, puppet, &order), pages);
    order.a = 1;
    assert_int_equal(puppet_do(&stage, puppet, &order), -1);
    order.a = 0;
    assert_int_equal(puppet_do(&stage, puppet, &order), KERNEL_GUEST_PAGES);
    stage_close(&stage);
}

// More small processes than one reservation has blocks: it takes another one.
static void more_memories_than_a_reservation_has_blocks(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 11, 1, NULL);
    stage.check = false;
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_add(&stage, stage_file("build/test/kernel/idle.wasm"), (struct span){0}, cid);
    const struct guest_reservation *const *first =
        (const struct guest_reservation *const *)&stage.kernel->guest.reservations[0];
    for (u32 i = 0; i <= KERNEL_GUEST_BLOCKS; i++) {
        (void)start(&stage, cid);
        stage_settle(&stage, 10);
        assert_int_equal((*first)->next != NULL, i == KERNEL_GUEST_BLOCKS);
    }
    assert_int_equal((*first)->next->fresh, KERNEL_GUEST_BLOCKS);
    assert_int_equal((*first)->fresh, 1);
    kernel_check(stage.kernel);
    stage_close(&stage);
}

// ---- one message, one wait

// Bodies around the lengths at which they are kept, or copied, in another way.
static void bodies_of_all_kinds_come_through_whole(void **state)
{
    (void)state;
    static const u32 sizes[] = {0,
                                1,
                                KERNEL_BODY_INLINE - 1,
                                KERNEL_BODY_INLINE,
                                KERNEL_BODY_INLINE + 1,
                                KERNEL_COPY_LOCKED - 1,
                                KERNEL_COPY_LOCKED,
                                KERNEL_COPY_LOCKED + 1};
    struct scene scene;
    scene_open(&scene, 12);
    struct puppet_order echo = {.kind = PUPPET_ECHO};
    puppet_tell(&scene.stage, scene.handler, &echo);
    stage_settle(&scene.stage, 100);
    static u8 body[KERNEL_COPY_LOCKED + 1];
    for (u32 i = 0; i < sizeof body; i++) {
        body[i] = (u8)(i * 7 + 1);
    }
    for (u32 i = 0; i < COUNT_OF(sizes); i++) {
        struct span sent = span_of(body, sizes[i]);
        i64 len = puppet_send(&scene.stage, scene.client, scene.bond, scene.one, sent, SEND_WAIT);
        assert_int_equal(len, sizes[i]);
        struct span got =
            puppet_peek(&scene.stage, scene.client, puppet_answer_address(scene.client), sizes[i]);
        assert_true(span_equal(got, sent));
        i64 id = puppet_send(&scene.stage, scene.client, scene.bond, scene.one, sent, 0);
        stage_settle(&scene.stage, 100);
        static struct notification note;
        assert_true(puppet_next(&scene.stage, scene.client, &note));
        assert_int_equal(note.header.id, id);
        assert_true(span_equal(span_of(note.body, note.header.body_len), sent));
    }
    stage_close(&scene.stage);
}

// What a handler needs to charge a process for all its bonds: one part of their numbers is alike.
static void bonds_of_one_process_are_told_apart_and_together(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 15);
    struct puppet *other = stage_start(&scene.stage, scene.cid);
    struct puppet *clients[] = {scene.client, scene.client, other};
    u64 numbers[3];
    for (u32 i = 0; i < 3; i++) {
        i64 bond = puppet_bind(&scene.stage, clients[i], &alpha, false);
        assert_true(
            puppet_send(&scene.stage, clients[i], (u32)bond, scene.one, (struct span){0}, 0) > 0);
        static struct notification note;
        assert_true(puppet_next(&scene.stage, scene.handler, &note));
        numbers[i] = note.header.client;
    }
    assert_int_not_equal(numbers[0], numbers[1]);
    assert_int_equal(abi_client_owner(numbers[0]), abi_client_owner(numbers[1]));
    assert_int_not_equal(abi_client_owner(numbers[0]), abi_client_owner(numbers[2]));
    assert_int_not_equal(abi_client_owner(numbers[0]), 0);
    stage_close(&scene.stage);
}

// Four notifications of 4 MiB are just as much as one wait writes; when they are shorter, the fifth
// goes with them.
// When a handler comes for whom many have waited, so many of their binds are looked at in a turn.
static void limit_of_patient_binds_in_a_turn(void **state)
{
    (void)state;
    enum { BINDS = 2 * KERNEL_SWEEP + 1 };
    struct scene scene;
    scene_open(&scene, 29);
    u8 body[33] = {[32] = 1};
    stage_interface_hash(&beta, body);
    for (u32 i = 0; i < BINDS; i++) {
        assert_true(puppet_send(&scene.stage, scene.client, 0, SYSTEM_BIND_ID,
                                span_of(body, sizeof body), 0) > 0);
    }
    struct kernel *kernel = scene.stage.kernel;
    static const u8 anybody[32];
    const struct interface_entry *entry =
        entry_find_locked(kernel, span_string(beta.name), anybody);
    assert_int_equal(entry->patient_count, BINDS);
    puppet_poke(&scene.stage, scene.handler, scene.handler->area, span_of(body, 32));
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .b = SYSTEM_REGISTER_ID,
                                 .c = scene.handler->area,
                                 .d = 32,
                                 .e = scene.handler->area,
                                 .f = 64,
                                 .g = SEND_WAIT};
    puppet_tell(&scene.stage, scene.handler, &order);
    u32 full = 0; // turns that looked at as many as they may
    for (u32 left = BINDS; left > 0;) {
        assert_true(stage_turn(&scene.stage));
        u32 looked_at = left - entry->patient_count;
        assert_in_range(looked_at, 0, KERNEL_SWEEP);
        full += looked_at == KERNEL_SWEEP;
        left = entry->patient_count;
    }
    assert_int_equal(full, BINDS / KERNEL_SWEEP);
    stage_settle(&scene.stage, 1000);
    assert_int_equal(entry->bond_count, BINDS);
    kernel_check(kernel);
    stage_close(&scene.stage);
}

static void limit_of_bytes_that_one_wait_writes(void **state)
{
    (void)state;
    enum { FOUR = KERNEL_TOLD_BYTES / KERNEL_BODY_BYTES, PAGES = 7 * (KERNEL_BODY_BYTES >> 16) };
    for (u32 shorter = 0; shorter < 2; shorter++) {
        struct scene scene;
        scene_open(&scene, 13);
        struct puppet *other = stage_start(&scene.stage, scene.cid);
        struct puppet *clients[] = {scene.client, other};
        u32 bonds[] = {scene.bond, (u32)puppet_bind(&scene.stage, other, &alpha, false)};
        u64 size = KERNEL_BODY_BYTES - sizeof(struct abi_notification) - (shorter ? 8 : 0);
        for (u32 i = 0; i < 2; i++) {
            u64 at = grow(&scene.stage, clients[i], KERNEL_BODY_BYTES >> 16);
            for (u32 k = 0; k < 3; k++) {
                assert_true(send(&scene, clients[i], bonds[i], at, size, 0) > 0);
            }
        }
        u64 at = grow(&scene.stage, scene.handler, PAGES);
        struct puppet_order wait = {.kind = PUPPET_WAIT, .a = at, .b = (u64)PAGES << 16};
        u64 each = sizeof(struct abi_notification) + size;
        assert_int_equal(puppet_do(&scene.stage, scene.handler, &wait), each * (FOUR + shorter));
        assert_int_equal(puppet_do(&scene.stage, scene.handler, &wait),
                         each * (6 - FOUR - shorter));
        stage_close(&scene.stage);
    }
}

// A child may ask for what its parent may have, and for less; what it does not ask for it inherits.
static void limits_of_a_child_are_within_its_parents(void **state)
{
    enum { AUTOMATIC = SYSTEM_MEMORY_KIND_AUTOMATIC, FAST = SYSTEM_MEMORY_KIND_FAST };
    enum { SMALL = SYSTEM_MEMORY_KIND_SMALL, DENIED = -1000 - SYSTEM_SPAWN_ERROR_DENIED };
    (void)state;
    static const struct {
        u32 asks;
        enum kernel_memory gets;
    } cases[] = {
        {AUTOMATIC, KERNEL_MEMORY_AUTO}, {FAST, KERNEL_MEMORY_FAST}, {SMALL, KERNEL_MEMORY_SMALL}};
    struct scene scene;
    scene_open(&scene, 21);
    struct stage *stage = &scene.stage;
    struct span cid = span_string(scene.cid);
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        i64 id = puppet_spawn_within(stage, scene.client, cid, cases[i].asks);
        assert_true(id > 0);
        stage_settle(stage, 100);
        assert_int_equal(process_find_locked(stage->kernel, (u64)id)->limits.memory, cases[i].gets);
        struct puppet *child = stage_find(stage, (u64)id);
        i64 grandchild = puppet_spawn(stage, child, cid);
        assert_int_equal(process_find_locked(stage->kernel, (u64)grandchild)->limits.memory,
                         cases[i].gets);
        for (u32 j = 0; j < COUNT_OF(cases); j++) {
            grandchild = puppet_spawn_within(stage, child, cid, cases[j].asks);
            if (cases[i].asks == SMALL && cases[j].asks == FAST) {
                assert_int_equal(grandchild, DENIED);
                continue;
            }
            enum kernel_memory gets = cases[i].asks == SMALL ? KERNEL_MEMORY_SMALL : cases[j].gets;
            assert_int_equal(process_find_locked(stage->kernel, (u64)grandchild)->limits.memory,
                             gets);
        }
    }
    // No case of the enum: the body is refused before anything of it is looked at.
    assert_int_equal(puppet_spawn_within(stage, scene.client, cid, 3), E_MALFORMED);
    stage_close(stage);
}

static void limit_of_processes_that_inspect_lists(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 14);
    struct shelf shelf; // mute
    shelf_open(&shelf, &scene.stage);
    i64 bond = puppet_bind(&scene.stage, scene.client, &inspect, false);
    char cid[CID_TEXT_BYTES];
    number_name(0, cid);
    for (u32 i = 2; i <= KERNEL_INSPECT_PROCESSES; i++) { // beside client and handler
        u64 after = 0;
        i64 len = puppet_send(&scene.stage, scene.client, (u32)bond, INSPECT_PROCESSES_ID,
                              span_of(&after, 8), SEND_WAIT);
        assert_true(len > 0);
        u32 at = puppet_answer_address(scene.client);
        assert_int_equal(mem_load_u32(puppet_peek(&scene.stage, scene.client, at, 4).data), i);
        (void)start(&scene.stage, cid);
    }
    u64 after = 0;
    u32 counts[] = {KERNEL_INSPECT_PROCESSES, 1, 0};
    for (u32 i = 0; i < COUNT_OF(counts); i++) {
        i64 len = puppet_send(&scene.stage, scene.client, (u32)bond, INSPECT_PROCESSES_ID,
                              span_of(&after, 8), SEND_WAIT);
        struct span body =
            puppet_peek(&scene.stage, scene.client, puppet_answer_address(scene.client), (u32)len);
        struct inspect_list_process list;
        struct inspect_process process;
        assert_int_equal(inspect_processes_decode_result(body, &list), ERR_OK);
        assert_int_equal(list.count, counts[i]);
        while (inspect_list_process_next(&list, &process)) {
            assert_true(process.id > after);
            after = process.id;
        }
    }
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_a_child_are_within_its_parents),
        cmocka_unit_test(limit_of_programs),
        cmocka_unit_test(limit_of_a_familys_programs),
        cmocka_unit_test(limit_of_cached_bytes),
        cmocka_unit_test(limit_of_programs_lets_the_oldest_go),
        cmocka_unit_test(limit_of_section_bytes),
        cmocka_unit_test(limit_of_definitions),
        cmocka_unit_test(limit_of_a_loaded_program),
        cmocka_unit_test(limit_of_a_processs_memory),
        cmocka_unit_test(limit_of_message_bytes_to_the_byte),
        cmocka_unit_test(limit_of_a_memorys_addresses),
        cmocka_unit_test(more_memories_than_a_reservation_has_blocks),
        cmocka_unit_test(bodies_of_all_kinds_come_through_whole),
        cmocka_unit_test(bonds_of_one_process_are_told_apart_and_together),
        cmocka_unit_test(limit_of_patient_binds_in_a_turn),
        cmocka_unit_test(limit_of_bytes_that_one_wait_writes),
        cmocka_unit_test(limit_of_processes_that_inspect_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
