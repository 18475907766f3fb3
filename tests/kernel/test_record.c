// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_record.c: a process that is recorded does the same when it is replayed, on
// another machine, where nobody is whom it talks to; and whatever is not the same is said.
#include "core/kernel/limits.h"
#include "core/kernel/record.h"
#include "core/kernel/recording.h"
#include "interfaces/puppet.h"
#include "interfaces/system.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { TAPE_BYTES = 8 << 20, SETTLE = 100000 };

static const struct stage_interface shop = {"test:record/shop", {{"buy", 0}, {"sell", 0}}};
static const struct stage_interface *const interfaces[] = {&shop};

// What is recorded, and what came of it.
struct tape {
    size_t size;
    u32 records_left; // that are kept
    u32 sent;
    u32 sent_to_shop;
    u32 endings;
    struct kernel_record_state state;
    u8 bytes[TAPE_BYTES];
};

static bool tape_put(void *context, const struct span *pieces, u32 count)
{
    struct tape *tape = context;
    if (tape->records_left == 0) {
        return false;
    }
    tape->records_left--;
    for (u32 i = 0; i < count; i++) {
        assert_true(pieces[i].size <= sizeof tape->bytes - tape->size);
        mem_copy(tape->bytes + tape->size, pieces[i].data, pieces[i].size);
        tape->size += pieces[i].size;
    }
    return true;
}

static void tape_sent(void *context, const struct kernel_record_sent *sent)
{
    struct tape *tape = context;
    u8 hash[32];
    stage_interface_hash(&shop, hash);
    tape->sent++;
    tape->sent_to_shop += sent->hash != NULL && memcmp(sent->hash, hash, 32) == 0 &&
                          span_equal(sent->interface, span_string(shop.name));
}

static void tape_ended(void *context, const struct kernel_record_state *state)
{
    struct tape *tape = context;
    tape->state = *state;
    tape->endings++;
}

static struct tape *tape_new(void)
{
    struct tape *tape = calloc(1, sizeof *tape);
    assert_non_null(tape);
    tape->records_left = UINT32_MAX;
    return tape;
}

// ---- a puppet that is recorded

struct scene {
    struct stage stage;
    struct tape *tape;
    struct puppet *puppet; // recorded
    struct puppet *keeper; // handles the shop
    i64 bond;
    char cid[KERNEL_CID_TEXT_BYTES];
};

static void scene_open(struct scene *scene, u64 seed)
{
    memset(scene, 0, sizeof *scene);
    struct stage *stage = &scene->stage;
    stage_open(stage, seed, 1, NULL);
    scene->tape = tape_new();
    stage_program(stage, interfaces, 1, scene->cid);
    scene->keeper = stage_start(stage, scene->cid);
    assert_true(puppet_register(stage, scene->keeper, &shop) > 0);
}

static void scene_record(struct scene *scene)
{
    struct kernel_record_config config = {.context = scene->tape,
                                          .put = tape_put,
                                          .words = SPAN_LITERAL("a test"),
                                          .ended = tape_ended};
    assert_int_equal(kernel_record_create(scene->stage.kernel, &config, &scene->stage.record),
                     ERR_OK);
    scene->puppet = stage_start(&scene->stage, scene->cid);
    scene->bond = puppet_bind(&scene->stage, scene->puppet, &shop, false);
    assert_true(scene->bond > 0);
}

static struct tape *scene_close(struct scene *scene)
{
    struct tape *tape = scene->tape;
    stage_close(&scene->stage);
    assert_int_equal(tape->endings, 1);
    return tape;
}

static i64 order(struct scene *scene, u32 kind, u64 a)
{
    struct puppet_order told = {.kind = kind, .a = a};
    return puppet_do(&scene->stage, scene->puppet, &told);
}

// The puppet sends, the keeper is told and answers; `wait`: it waits for that in the send.
static void trade(struct scene *scene, u32 function, struct span body, u32 flags, u32 answer_flags)
{
    struct stage *stage = &scene->stage;
    i64 result = puppet_send(stage, scene->puppet, (u32)scene->bond,
                             stage_function_id(&shop, function), body, flags);
    assert_true(flags == SEND_WAIT ? result == BLOCKED : result >= 0);
    struct notification note;
    assert_true(puppet_next(stage, scene->keeper, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
    if (flags != SEND_NO_ANSWER) {
        struct span answer = (answer_flags & ANSWER_ERROR) != 0
                                 ? SPAN_LITERAL("\x0c\0\0\0") // E_DENIED
                                 : span_of(note.body, note.header.body_len);
        assert_int_equal(puppet_answer(stage, scene->keeper, note.header.id, answer, answer_flags),
                         0);
    }
    if (flags == SEND_WAIT) {
        assert_true(puppet_resume(stage, scene->puppet) >= 0);
    } else if (flags == 0) {
        assert_true(puppet_next(stage, scene->puppet, &note));
    }
}

// A little of all that a process can do.
static void live(struct scene *scene)
{
    struct stage *stage = &scene->stage;
    struct puppet *puppet = scene->puppet;
    static const u8 large[20000] = {1, 2, 3};
    trade(scene, 0, SPAN_LITERAL("bread"), SEND_WAIT, 0);
    trade(scene, 1, SPAN_LITERAL("a horse"), 0, 0);
    trade(scene, 0, span_of(large, sizeof large), SEND_WAIT, 0);
    trade(scene, 0, (struct span){0}, SEND_NO_ANSWER, 0);
    trade(scene, 1, SPAN_LITERAL("the sea"), SEND_WAIT, ANSWER_ERROR);
    trade(scene, 1, SPAN_LITERAL("the sky"), 0, ANSWER_ERROR);
    assert_int_equal(puppet_send(stage, puppet, 77, 1, SPAN_LITERAL("x"), 0), E_HANDLE);
    assert_int_equal(puppet_send(stage, puppet, (u32)scene->bond, 1, SPAN_LITERAL("x"), 3),
                     E_FLAGS);
    assert_int_equal(puppet_wait(stage, puppet, 64, WAIT_POLL), 0);
    // two messages under way at once, and a wait whose buffer has room for a header alone
    u64 buy = stage_function_id(&shop, 0);
    struct notification notes[2];
    for (u32 i = 0; i < 2; i++) {
        assert_true(puppet_send(stage, puppet, (u32)scene->bond, buy, SPAN_LITERAL("twice"), 0) >
                    0);
        assert_true(puppet_next(stage, scene->keeper, &notes[i]));
    }
    for (u32 i = 2; i > 0; i--) {
        assert_int_equal(puppet_answer(stage, scene->keeper, notes[i - 1].header.id,
                                       SPAN_LITERAL("here you are"), 0),
                         0);
    }
    assert_int_equal(puppet_wait(stage, puppet, 40, 0), E_BUFFER);
    assert_int_equal(puppet_wait(stage, puppet, 4096, 0), 2 * 56);
    assert_true(order(scene, PUPPET_GROW, 1) > 0);
    assert_int_equal(order(scene, PUPPET_GROW, 60000), -1);
    assert_int_equal(order(scene, PUPPET_SPIN, 1000), 0);
}

// ---- the same from the tape

// Replays it on a machine of another seed. `again`: NULL, or what it is recorded to.
//   ending  receives how the process ended
static enum kernel_record_outcome replay(struct tape *tape, struct tape *again, u32 *kind,
                                         u32 *code)
{
    static struct stage stage;
    struct recording recording;
    struct tape *out = again == NULL ? tape_new() : again;
    assert_int_equal(recording_open(span_of(tape->bytes, tape->size), &recording, NULL), ERR_OK);
    memset(&stage, 0, sizeof stage);
    stage_open(&stage, 99, 1, NULL);
    char cid[KERNEL_CID_TEXT_BYTES];
    if (recording.adapter.bytes.size > 0) {
        stage_add(&stage, recording.adapter.bytes, recording.adapter.adapts, cid);
    }
    stage_add(&stage, recording.program.bytes, (struct span){0}, cid);
    assert_true(span_equal(recording.program.cid, span_string(cid)));
    struct kernel_record_config config = {.context = out,
                                          .put = again == NULL ? NULL : tape_put,
                                          .replay = &recording,
                                          .sent = tape_sent,
                                          .ended = tape_ended};
    assert_int_equal(kernel_record_create(stage.kernel, &config, &stage.record), ERR_OK);
    struct puppet *puppet = stage_start_any(&stage, cid);
    stage_settle(&stage, SETTLE);
    assert_true(puppet->has_ended);
    assert_int_equal(out->endings, 1);
    *kind = (u32)puppet->ending.kind;
    *code = puppet->ending.code;
    stage_close(&stage);
    tape->state = out->state;
    tape->sent = out->sent;
    tape->sent_to_shop = out->sent_to_shop;
    if (again == NULL) {
        free(out);
    }
    return tape->state.outcome;
}

static void ends_the_same(struct tape *tape, u32 kind, u32 code)
{
    struct tape *again = tape_new();
    u32 kind_again;
    u32 code_again;
    u64 calls = tape->state.calls;
    assert_int_equal(tape->state.outcome, KERNEL_RECORD_WHOLE);
    assert_int_equal(replay(tape, again, &kind_again, &code_again), KERNEL_RECORD_WHOLE);
    assert_string_equal(tape->state.words, "");
    assert_int_equal(kind_again, kind);
    assert_int_equal(code_again, code);
    assert_int_equal(tape->state.calls, calls);
    assert_int_equal(again->size, tape->size);
    assert_memory_equal(again->bytes, tape->bytes, tape->size);
    free(again);
    free(tape);
}

static void what_happened_happens_again(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 5; seed++) {
        struct scene scene;
        scene_open(&scene, seed);
        scene_record(&scene);
        live(&scene);
        assert_int_equal(order(&scene, PUPPET_RETURN, 42), ENDED);
        struct tape *tape = scene_close(&scene);
        u32 kind;
        u32 code;
        assert_int_equal(replay(tape, NULL, &kind, &code), KERNEL_RECORD_WHOLE);
        assert_int_equal(tape->sent_to_shop, 9);
        assert_true(tape->sent > 30);
        ends_the_same(tape, KERNEL_EXITED, 42);
    }
}

// It handles an interface, and answers and waits in one.
static void who_answers_is_replayed(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 7);
    struct stage *stage = &scene.stage;
    static const struct stage_interface inn = {"test:record/inn", {{"sleep", 0}}};
    const struct stage_interface *both[] = {&shop, &inn};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(stage, both, 2, cid);
    memcpy(scene.cid, cid, sizeof cid);
    scene_record(&scene);
    assert_true(puppet_register(stage, scene.puppet, &inn) > 0);
    struct puppet *guest = stage_start(stage, cid);
    i64 bond = puppet_bind(stage, guest, &inn, false);
    u64 sleep = stage_function_id(&inn, 0);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(
            puppet_send(stage, guest, (u32)bond, sleep, SPAN_LITERAL("a bed"), SEND_WAIT), BLOCKED);
        struct notification note;
        assert_true(puppet_next(stage, scene.puppet, &note));
        i64 result = puppet_answer(stage, scene.puppet, note.header.id, SPAN_LITERAL("room 5"),
                                   i == 1 ? 0 : ANSWER_WAIT);
        assert_int_equal(result, i == 1 ? 0 : BLOCKED);
        assert_int_equal(puppet_resume(stage, guest), 6);
        if (i != 1) { // something for its wait
            assert_true(puppet_send(stage, guest, (u32)bond, sleep, SPAN_LITERAL("hello"),
                                    SEND_NO_ANSWER) == 0);
            assert_true(puppet_resume(stage, scene.puppet) > 0);
        }
    }
    assert_int_equal(puppet_answer(stage, scene.puppet, 12345, SPAN_LITERAL("?"), 0), E_HANDLE);
    (void)puppet_unbind(stage, guest, (u32)bond);
    assert_int_equal(order(&scene, PUPPET_RETURN, 0), ENDED);
    ends_the_same(scene_close(&scene), KERNEL_EXITED, 0);
}

static void a_trap_is_at_the_same_place(void **state)
{
    (void)state;
    const u32 kinds[] = {PUPPET_TRAP, PUPPET_RECURSE};
    for (u32 i = 0; i < COUNT_OF(kinds); i++) {
        struct scene scene;
        scene_open(&scene, 1);
        scene_record(&scene);
        trade(&scene, 0, SPAN_LITERAL("bread"), SEND_WAIT, 0);
        assert_int_equal(order(&scene, kinds[i], 0), ENDED);
        ends_the_same(scene_close(&scene), KERNEL_TRAPPED, 0);
    }
}

static void whoever_is_killed_is_killed_again(void **state)
{
    (void)state;
    for (u32 where = 0; where < 3; where++) {
        struct scene scene;
        scene_open(&scene, 1);
        scene_record(&scene);
        struct puppet_order told = {.kind = PUPPET_POLL, .a = 0};
        if (where == 0) { // in a wait
            assert_int_equal(puppet_wait(&scene.stage, scene.puppet, 64, 0), BLOCKED);
        } else if (where == 1) { // in a send
            assert_int_equal(puppet_send(&scene.stage, scene.puppet, (u32)scene.bond,
                                         stage_function_id(&shop, 0), SPAN_LITERAL("bread"),
                                         SEND_WAIT),
                             BLOCKED);
        } else { // between two calls
            puppet_tell(&scene.stage, scene.puppet, &told);
            stage_settle(&scene.stage, 3);
        }
        stage_kill(&scene.stage, scene.puppet);
        stage_settle(&scene.stage, SETTLE);
        ends_the_same(scene_close(&scene), KERNEL_KILLED, 0);
    }
}

static void what_never_began_is_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    struct kernel_record_config config = {
        .context = scene.tape, .put = tape_put, .ended = tape_ended};
    assert_int_equal(kernel_record_create(scene.stage.kernel, &config, &scene.stage.record),
                     ERR_OK);
    (void)stage_start_any(&scene.stage,
                          "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
    stage_settle(&scene.stage, SETTLE);
    struct tape *tape = scene_close(&scene);
    assert_int_equal(tape->state.outcome, KERNEL_RECORD_NOTHING);
    assert_int_equal(tape->size, 0);
    free(tape);
}

// More bonds than are known at once: each message is told with the interface of its bond.
static void every_bond_has_its_name(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    scene_record(&scene);
    i64 bonds[KERNEL_RECORD_BONDS + 20];
    for (u32 i = 0; i < COUNT_OF(bonds); i++) {
        bonds[i] = puppet_bind(&scene.stage, scene.puppet, &shop, false);
        assert_true(bonds[i] > 0);
    }
    for (u32 i = 0; i < 2 * COUNT_OF(bonds); i++) {
        assert_int_equal(puppet_send(&scene.stage, scene.puppet, (u32)bonds[i % COUNT_OF(bonds)],
                                     stage_function_id(&shop, 1), SPAN_LITERAL("x"),
                                     SEND_NO_ANSWER),
                         0);
    }
    assert_int_equal(order(&scene, PUPPET_RETURN, 0), ENDED);
    struct tape *tape = scene_close(&scene);
    u32 kind;
    u32 code;
    assert_int_equal(replay(tape, NULL, &kind, &code), KERNEL_RECORD_WHOLE);
    assert_int_equal(tape->sent_to_shop, 2 * COUNT_OF(bonds));
    ends_the_same(tape, KERNEL_EXITED, 0);
}

// ---- what is not the same

static struct tape *a_life(void)
{
    struct scene scene;
    scene_open(&scene, 11);
    scene_record(&scene);
    live(&scene);
    assert_int_equal(order(&scene, PUPPET_RETURN, 5), ENDED);
    return scene_close(&scene);
}

// The tape with its record of that number changed, left out or written twice. How often it is.
typedef u32 edit(struct recording_record *record);

static struct tape *edited(const struct tape *tape, u32 number, edit *change)
{
    struct tape *out = tape_new();
    struct recording_out to = {.put = tape_put, .context = out};
    struct recording from;
    assert_int_equal(recording_open(span_of(tape->bytes, tape->size), &from, NULL), ERR_OK);
    assert_true(recording_begin(&to));
    struct recording_record record = {.kind = RECORDING_START, .words = from.words};
    assert_true(recording_put(&to, &record));
    record = (struct recording_record){.kind = RECORDING_MODULE, .module = from.program};
    assert_true(recording_put(&to, &record));
    for (u32 i = 0; recording_next(&from, &record, NULL) == ERR_OK; i++) {
        for (u32 times = i == number ? change(&record) : 1; times > 0; times--) {
            assert_true(recording_put(&to, &record));
        }
    }
    return out;
}

static u32 leave_out(struct recording_record *record)
{
    (void)record;
    return 0;
}

static u32 twice(struct recording_record *record)
{
    (void)record;
    return 2;
}

static u32 other_argument(struct recording_record *record)
{
    record->call.arguments[2]++;
    return 1;
}

static u32 other_body(struct recording_record *record)
{
    record->call.digest++;
    return 1;
}

static u32 other_pages(struct recording_record *record)
{
    record->grown.after++;
    return 1;
}

static u32 other_memory(struct recording_record *record)
{
    record->memory.pages++;
    return 1;
}

static u32 less_memory(struct recording_record *record)
{
    record->memory.pages_max = record->memory.pages;
    return 1;
}

static u32 other_code(struct recording_record *record)
{
    record->end.code++;
    return 1;
}

static u32 other_end(struct recording_record *record)
{
    record->end.kind = KERNEL_TRAPPED;
    return 1;
}

// The number of the last record of a kind; of a call, of the last send that waits for its answer.
static u32 last_of(const struct tape *tape, u8 kind)
{
    struct recording from;
    struct recording_record record;
    u32 found = UINT32_MAX;
    assert_int_equal(recording_open(span_of(tape->bytes, tape->size), &from, NULL), ERR_OK);
    for (u32 i = 0; recording_next(&from, &record, NULL) == ERR_OK; i++) {
        bool is_it = record.kind == kind;
        if (is_it && kind == RECORDING_CALL) {
            is_it = record.call.kind == RECORDING_SEND && record.call.arguments[6] == SEND_WAIT &&
                    record.call.has_result;
        }
        found = is_it ? i : found;
    }
    assert_true(found != UINT32_MAX);
    return found;
}

static void whatever_differs_is_said(void **state)
{
    (void)state;
    static const struct {
        u8 kind;
        edit *change;
        enum kernel_record_outcome outcome;
        const char *words;
    } rows[] = {
        {RECORDING_CALL, leave_out, KERNEL_RECORD_DIFFERENT, ", and now comes send of "},
        {RECORDING_CALL, other_argument, KERNEL_RECORD_DIFFERENT, ": argument 2 was 0x"},
        {RECORDING_CALL, other_body, KERNEL_RECORD_DIFFERENT, ", with other bytes in it"},
        {RECORDING_GROWN, leave_out, KERNEL_RECORD_DIFFERENT, "and now comes memory growing"},
        {RECORDING_GROWN, other_pages, KERNEL_RECORD_DIFFERENT, "came memory growing from "},
        {RECORDING_MEMORY, other_memory, KERNEL_RECORD_DIFFERENT, "and now comes a memory of "},
        {RECORDING_MEMORY, less_memory, KERNEL_RECORD_DIFFERENT, "came memory growing from "},
        {RECORDING_BOND, twice, KERNEL_RECORD_DAMAGED, "a bond is followed by another"},
        {RECORDING_END, leave_out, KERNEL_RECORD_CUT, "cut short"},
        {RECORDING_END, other_end, KERNEL_RECORD_DAMAGED, "ends as none can"},
    };
    struct tape *tape = a_life();
    for (u32 i = 0; i < COUNT_OF(rows); i++) {
        struct tape *other = edited(tape, last_of(tape, rows[i].kind), rows[i].change);
        u32 kind;
        u32 code;
        enum kernel_record_outcome outcome = replay(other, NULL, &kind, &code);
        if (outcome != rows[i].outcome || strstr(other->state.words, rows[i].words) == NULL) {
            fail_msg("row %u: outcome %d: %s", i, (int)outcome, other->state.words);
        }
        assert_int_equal(kind, KERNEL_KILLED);
        free(other);
    }
    free(tape);
}

// It came to an end of its own where the tape says something else.
static void another_end_is_said(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    scene_record(&scene);
    assert_int_equal(order(&scene, PUPPET_TRAP, 0), ENDED);
    struct tape *tape = scene_close(&scene);
    struct tape *other = edited(tape, last_of(tape, RECORDING_END), other_code);
    u32 kind;
    u32 code;
    assert_int_equal(replay(other, NULL, &kind, &code), KERNEL_RECORD_DIFFERENT);
    assert_non_null(strstr(other->state.words, ", and now comes a trap: "));
    free(other);
    free(tape);
}

static void a_tape_that_was_cut_goes_as_far_as_it_goes(void **state)
{
    (void)state;
    struct tape *tape = a_life();
    struct recording recording;
    assert_int_equal(recording_open(span_of(tape->bytes, tape->size), &recording, NULL), ERR_OK);
    size_t first = recording.at;
    size_t size = tape->size;
    u32 kind;
    u32 code;
    u64 calls = 0;
    for (size_t cut = first; cut < size; cut += 1 + (size - first) / 97) {
        tape->size = cut;
        assert_int_equal(replay(tape, NULL, &kind, &code), KERNEL_RECORD_CUT);
        assert_int_equal(kind, KERNEL_KILLED);
        assert_true(tape->state.calls >= calls);
        calls = tape->state.calls;
    }
    assert_true(calls > 40);
    for (size_t cut = 0; cut < first; cut += 1 + cut / 16) { // the program itself was cut
        enum err err = recording_open(span_of(tape->bytes, cut), &recording, NULL);
        assert_int_equal(err, cut == 0 ? ERR_MALFORMED : ERR_CLOSED);
    }
    free(tape);
}

// The machine keeps no more: the process goes on as if nothing were.
static void what_cannot_be_kept_holds_up_nobody(void **state)
{
    (void)state;
    for (u32 records = 0; records < 40; records += 3) {
        struct scene scene;
        scene_open(&scene, 11);
        scene.tape->records_left = records;
        scene_record(&scene);
        live(&scene);
        assert_int_equal(order(&scene, PUPPET_RETURN, 5), ENDED);
        assert_int_equal(scene.puppet->ending.code, 5);
        struct tape *tape = scene_close(&scene);
        assert_int_equal(tape->state.outcome, KERNEL_RECORD_LOST);
        u32 kind;
        u32 code;
        if (records > 3) {
            assert_int_equal(replay(tape, NULL, &kind, &code), KERNEL_RECORD_CUT);
        }
        free(tape);
    }
}

// ---- programs that wait at addresses

struct end {
    u32 count;
    u32 kind;
    u32 code;
};

static void program_ended(void *context, struct kernel_process_id id, struct kernel_ending ending)
{
    (void)id;
    struct end *end = context;
    end->count++;
    end->kind = (u32)ending.kind;
    end->code = ending.code;
}

static struct tape *threads_record(const char *what)
{
    struct scene scene;
    struct end end = {0};
    scene_open(&scene, 1);
    struct kernel_record_config config = {
        .context = scene.tape, .put = tape_put, .ended = tape_ended};
    struct span arguments[] = {SPAN_LITERAL("threads"), span_string(what)};
    stage_add(&scene.stage, stage_file("build/test/kernel/threads.wasm"), (struct span){0},
              scene.cid);
    struct kernel_start start = {.cid = span_string(scene.cid),
                                 .arguments = arguments,
                                 .argument_count = 2,
                                 .on_end = program_ended,
                                 .context = &end};
    assert_int_equal(kernel_record_create(scene.stage.kernel, &config, &start.record), ERR_OK);
    struct kernel_process_id id;
    assert_int_equal(kernel_start(scene.stage.kernel, &start, &id, NULL), ERR_OK);
    stage_settle(&scene.stage, SETTLE);
    assert_int_equal(end.count, 1);
    assert_int_equal(end.kind, KERNEL_EXITED);
    assert_int_equal(end.code, 0);
    return scene_close(&scene);
}

static void a_wait_at_an_address_is_replayed(void **state)
{
    (void)state;
    struct tape *tape = threads_record("near");
    assert_false(tape->state.wanted_thread);
    assert_true(tape->state.calls >= 300);
    ends_the_same(tape, KERNEL_EXITED, 0);
}

// A second thread would be heard by nobody.
static void a_second_thread_is_refused(void **state)
{
    (void)state;
    struct tape *tape = threads_record("limit"); // ends with how many there were
    assert_true(tape->state.wanted_thread);
    ends_the_same(tape, KERNEL_EXITED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happened_happens_again),
        cmocka_unit_test(who_answers_is_replayed),
        cmocka_unit_test(a_trap_is_at_the_same_place),
        cmocka_unit_test(whoever_is_killed_is_killed_again),
        cmocka_unit_test(what_never_began_is_nothing),
        cmocka_unit_test(every_bond_has_its_name),
        cmocka_unit_test(whatever_differs_is_said),
        cmocka_unit_test(another_end_is_said),
        cmocka_unit_test(a_tape_that_was_cut_goes_as_far_as_it_goes),
        cmocka_unit_test(what_cannot_be_kept_holds_up_nobody),
        cmocka_unit_test(a_wait_at_an_address_is_replayed),
        cmocka_unit_test(a_second_thread_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
