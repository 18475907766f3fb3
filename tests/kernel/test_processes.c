// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_processes.c: children with streams of their own and the pipes between them, as
// interfaces/processes.wit and core/kernel/pipe.h promise.
#include "core/kernel/limits.h"
#include "core/kernel/names.h"
#include "interfaces/processes.h"
#include "interfaces/stdio.h"
#include "tests/kernel/grants.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct stage_interface processes = {PROCESSES_NAME, .real = &processes_interface};
static const struct stage_interface standard = {STDIO_NAME, .real = &stdio_interface};
static const struct stage_interface alpha = {"test:processes/alpha", {{"one", 0}}};

// What a call came to, beside its length: the codes of the error types, moved out of its way.
enum {
    ERROR_OF = -1000,
    NOT_FOUND = ERROR_OF - PROCESSES_PIPE_ERROR_NOT_FOUND,
    GONE = ERROR_OF - PROCESSES_PIPE_ERROR_CLOSED,
    TOO_MANY = ERROR_OF - PROCESSES_PIPE_ERROR_LIMIT,
    STREAM_CLOSED = ERROR_OF - STDIO_ERROR_CLOSED,
    STREAM_FAILED = ERROR_OF - STDIO_ERROR_FAILED,
    NO_RIGHT = ERROR_OF - SYSTEM_SPAWN_ERROR_DENIED,
    NO_PROGRAM = ERROR_OF - SYSTEM_SPAWN_ERROR_NOT_FOUND,
    TOO_MUCH = ERROR_OF - SYSTEM_SPAWN_ERROR_LIMIT,
    BODY_MOST = 3 << 15, // of a command: the area's first half, less what an answer needs
};

struct scene {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *handler; // of stdio
    struct puppet *shell;
    u32 bond; // the shell's, to processes
};

static u8 room[BODY_MOST];

static void scene_open(struct scene *scene, u64 seed)
{
    const struct stage_interface *interfaces[] = {&processes, &standard, &alpha};
    *scene = (struct scene){0};
    stage_open(&scene->stage, seed, 1, NULL);
    stage_program(&scene->stage, interfaces, 3, scene->cid);
    scene->handler = stage_start(&scene->stage, scene->cid);
    assert_true(puppet_register(&scene->stage, scene->handler, &standard) > 0);
    scene->shell = stage_start(&scene->stage, scene->cid);
    i64 bond = puppet_bind(&scene->stage, scene->shell, &processes, false);
    assert_true(bond > 0);
    scene->bond = (u32)bond;
}

// ---- calls

// Tells the puppet to send what is in `room`, its answer to come behind that.
static i64 tell(struct scene *scene, struct puppet *puppet, u32 bond, u64 function, size_t size,
                u32 flags)
{
    assert_true(size <= sizeof room);
    puppet_poke(&scene->stage, puppet, puppet->area, span_of(room, size));
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = function,
                                 .c = puppet->area,
                                 .d = size,
                                 .e = puppet->area,
                                 .f = PUPPET_AREA_BYTES / 2,
                                 .g = flags};
    return puppet_do(&scene->stage, puppet, &order);
}

// The answer to what `tell` came to with SEND_WAIT; empty when it was none.
static struct span answer(struct scene *scene, struct puppet *puppet, i64 result)
{
    if (result <= 0 || (result & ANSWER_IS_ERROR) != 0) {
        return (struct span){0};
    }
    return puppet_peek(&scene->stage, puppet, puppet->area, (u32)result);
}

// What an answer of bytes says: how many, which are then at room, or what is wrong.
static i64 bytes_of(struct scene *scene, struct puppet *puppet, i64 result)
{
    if (result < 0 || (result & ANSWER_IS_ERROR) != 0) {
        return result;
    }
    struct stdio_result_bytes_error bytes; // both interfaces say it alike
    assert_true(answer(scene, puppet, result).size > 0);
    struct span body = puppet_peek(&scene->stage, puppet, puppet->area, (u32)result);
    if (body.data[0] == 1) {
        return ERROR_OF - body.data[1];
    }
    assert_int_equal(stdio_read_decode_result(body, &bytes), ERR_OK);
    memcpy(room, bytes.value.data, bytes.value.size);
    return (i64)bytes.value.size;
}

// The same of an answer of nothing but an error.
static i64 done_of(struct scene *scene, struct puppet *puppet, i64 result)
{
    if (result < 0 || (result & ANSWER_IS_ERROR) != 0) {
        return result;
    }
    struct span body = answer(scene, puppet, result);
    assert_true(body.size == 1 + (size_t)(body.data[0] == 1));
    return body.data[0] == 0 ? 0 : ERROR_OF - body.data[1];
}

struct ends {
    u64 reader;
    u64 writer;
};

static i64 make_pipe(struct scene *scene, struct puppet *puppet, u32 bond, struct ends *out)
{
    struct processes_result_pipe_ends_pipe_error result;
    i64 size = tell(scene, puppet, bond, PROCESSES_PIPE_ID, 0, SEND_WAIT);
    assert_int_equal(processes_pipe_decode_result(answer(scene, puppet, size), &result), ERR_OK);
    if (!result.ok) {
        return ERROR_OF - result.error;
    }
    *out = (struct ends){result.value.reader, result.value.writer};
    return 0;
}

static struct ends new_pipe(struct scene *scene)
{
    struct ends ends;
    assert_int_equal(make_pipe(scene, scene->shell, scene->bond, &ends), 0);
    return ends;
}

static i64 pipe_read(struct scene *scene, u64 end, u32 max)
{
    struct processes_read_call call = {end, max};
    size_t size = processes_read_encode_call(room, sizeof room, &call);
    return bytes_of(scene, scene->shell,
                    tell(scene, scene->shell, scene->bond, PROCESSES_READ_ID, size, SEND_WAIT));
}

static i64 pipe_write(struct scene *scene, u64 end, struct span bytes)
{
    struct processes_write_call call = {end, bytes};
    size_t size = processes_write_encode_call(room, sizeof room, &call);
    return done_of(scene, scene->shell,
                   tell(scene, scene->shell, scene->bond, PROCESSES_WRITE_ID, size, SEND_WAIT));
}

static i64 pipe_close(struct scene *scene, u64 end)
{
    struct processes_close_call call = {end};
    size_t size = processes_close_encode_call(room, sizeof room, &call);
    return done_of(scene, scene->shell,
                   tell(scene, scene->shell, scene->bond, PROCESSES_CLOSE_ID, size, SEND_WAIT));
}

// ---- children

static const struct processes_stream inherit = {.kind = PROCESSES_STREAM_INHERIT};
static const struct processes_stream nothing = {.kind = PROCESSES_STREAM_NOTHING};

static struct processes_stream of_end(u64 end)
{
    return (struct processes_stream){.kind = PROCESSES_STREAM_PIPE, .as.pipe = end};
}

static struct processes_spawn_request request_of(struct scene *scene)
{
    return (struct processes_spawn_request){
        .program = {.kind = PROCESSES_PROGRAM_CID, .as.cid = span_string(scene->cid)}};
}

// Its number, or what is wrong.
static i64 spawn_by(struct scene *scene, struct puppet *parent, u32 bond,
                    const struct processes_spawn_request *request)
{
    struct processes_spawn_call call = {*request};
    size_t size = processes_spawn_encode_call(room, sizeof room, &call);
    i64 sent = tell(scene, parent, bond, PROCESSES_SPAWN_ID, size, SEND_WAIT);
    if (sent < 0 || (sent & ANSWER_IS_ERROR) != 0) {
        return sent;
    }
    struct processes_result_u64_system_spawn_error result;
    assert_int_equal(processes_spawn_decode_result(answer(scene, parent, sent), &result), ERR_OK);
    return result.ok ? (i64)result.value : ERROR_OF - (i64)result.error.kind;
}

// A child of the shell with those streams.
static struct puppet *spawn(struct scene *scene, struct processes_stream input,
                            struct processes_stream output, struct processes_stream error)
{
    struct processes_spawn_request request = request_of(scene);
    request.input = input;
    request.output = output;
    request.error = error;
    i64 number = spawn_by(scene, scene->shell, scene->bond, &request);
    assert_true(number > 0);
    return stage_find(&scene->stage, (u64)number);
}

static u32 bind(struct scene *scene, struct puppet *puppet, const struct stage_interface *interface)
{
    i64 bond = puppet_bind(&scene->stage, puppet, interface, false);
    assert_true(bond > 0);
    return (u32)bond;
}

static i64 write_tell(struct scene *scene, struct puppet *child, u32 bond, enum stdio_stream stream,
                      struct span bytes, u32 flags)
{
    struct stdio_write_call call = {stream, bytes};
    size_t size = stdio_write_encode_call(room, sizeof room, &call);
    return tell(scene, child, bond, STDIO_WRITE_ID, size, flags);
}

static i64 child_write(struct scene *scene, struct puppet *child, u32 bond,
                       enum stdio_stream stream, struct span bytes)
{
    return done_of(scene, child, write_tell(scene, child, bond, stream, bytes, SEND_WAIT));
}

static i64 read_tell(struct scene *scene, struct puppet *child, u32 bond, u32 max, u32 flags)
{
    struct stdio_read_call call = {max};
    size_t size = stdio_read_encode_call(room, sizeof room, &call);
    return tell(scene, child, bond, STDIO_READ_ID, size, flags);
}

static i64 child_read(struct scene *scene, struct puppet *child, u32 bond, u32 max)
{
    return bytes_of(scene, child, read_tell(scene, child, bond, max, SEND_WAIT));
}

static i64 is_terminal(struct scene *scene, struct puppet *child, u32 bond, u8 stream)
{
    room[0] = stream;
    i64 size = tell(scene, child, bond, STDIO_IS_TERMINAL_ID, 1, SEND_WAIT);
    return size == 1 ? answer(scene, child, size).data[0] : size;
}

static i64 ending_of(struct scene *scene, struct puppet *child)
{
    struct processes_wait_call call = {child->process};
    size_t size = processes_wait_encode_call(room, sizeof room, &call);
    i64 sent = tell(scene, scene->shell, scene->bond, PROCESSES_WAIT_ID, size, SEND_WAIT);
    if (sent < 0) {
        return sent;
    }
    struct processes_result_system_ending_system_error result;
    assert_int_equal(processes_wait_decode_result(answer(scene, scene->shell, sent), &result), 0);
    if (!result.ok) {
        return ERROR_OF - (i64)result.error;
    }
    return result.value.kind == SYSTEM_ENDING_EXITED ? (i64)result.value.as.exited
                                                     : -(i64)result.value.kind;
}

static i64 kill_by(struct scene *scene, struct puppet *puppet, u32 bond, u64 process)
{
    struct processes_kill_call call = {process};
    size_t size = processes_kill_encode_call(room, sizeof room, &call);
    return done_of(scene, puppet, tell(scene, puppet, bond, PROCESSES_KILL_ID, size, SEND_WAIT));
}

static void ends_by_itself(struct scene *scene, struct puppet *puppet)
{
    struct puppet_order leave = {.kind = PUPPET_RETURN};
    assert_int_equal(puppet_do(&scene->stage, puppet, &leave), ENDED);
}

static void expect_bytes(i64 result, const char *text)
{
    assert_int_equal(result, strlen(text));
    assert_memory_equal(room, text, strlen(text));
}

// ---- spawning

static void a_child_is_spawned_by_cid_waited_for_and_killed(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    struct puppet *child = spawn(&scene, inherit, inherit, inherit);
    ends_by_itself(&scene, child);
    assert_int_equal(ending_of(&scene, child), 0);
    assert_int_equal(ending_of(&scene, child), ERROR_OF - SYSTEM_ERROR_NOT_FOUND);
    child = spawn(&scene, inherit, inherit, inherit);
    assert_int_equal(kill_by(&scene, scene.shell, scene.bond, child->process), 0);
    assert_int_equal(ending_of(&scene, child), -(i64)SYSTEM_ENDING_KILLED);
    assert_int_equal(kill_by(&scene, scene.shell, scene.bond, child->process),
                     ERROR_OF - SYSTEM_ERROR_NOT_FOUND);
    stage_close(&scene.stage);
}

static void a_child_is_spawned_by_name(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    struct processes_spawn_request request = request_of(&scene);
    request.program =
        (struct processes_program){.kind = PROCESSES_PROGRAM_NAME, .as.name = SPAN_LITERAL("cat")};
    assert_int_equal(spawn_by(&scene, scene.shell, scene.bond, &request), NO_PROGRAM);
    assert_int_equal(
        kernel_name_add(scene.stage.kernel, SPAN_LITERAL("cat"), span_string(scene.cid)), ERR_OK);
    i64 number = spawn_by(&scene, scene.shell, scene.bond, &request);
    assert_true(number > 0);
    ends_by_itself(&scene, stage_find(&scene.stage, (u64)number));
    stage_close(&scene.stage);
}

// ---- streams

static void inherited_streams_go_to_the_handler(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    struct puppet *child = spawn(&scene, nothing, inherit, nothing);
    u32 bond = bind(&scene, child, &standard);
    assert_int_equal(
        write_tell(&scene, child, bond, STDIO_STREAM_OUTPUT, SPAN_LITERAL("out"), 0) > 0, true);
    static struct notification note;
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
    assert_int_equal(note.header.function, STDIO_WRITE_ID);
    struct stdio_write_call call;
    assert_int_equal(stdio_write_decode_call(span_of(note.body, note.header.body_len), &call),
                     ERR_OK);
    assert_int_equal(call.stream, STDIO_STREAM_OUTPUT);
    assert_true(span_equal(call.bytes, SPAN_LITERAL("out")));
    // Its handler is told when such a client goes, though the last it sent was for nobody.
    assert_int_equal(child_write(&scene, child, bond, STDIO_STREAM_ERROR, SPAN_LITERAL("e")), 0);
    stage_kill(&scene.stage, child);
    stage_settle(&scene.stage, 1000);
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_CLIENT_GONE);
    stage_close(&scene.stage);
}

static void nothing_is_at_its_end_and_swallows(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 4);
    struct puppet *child = spawn(&scene, nothing, nothing, nothing);
    u32 bond = bind(&scene, child, &standard);
    assert_int_equal(child_read(&scene, child, bond, 10), 0);
    assert_int_equal(child_write(&scene, child, bond, STDIO_STREAM_OUTPUT, SPAN_LITERAL("out")), 0);
    assert_int_equal(child_write(&scene, child, bond, STDIO_STREAM_ERROR, SPAN_LITERAL("err")), 0);
    assert_int_equal(child_write(&scene, child, bond, STDIO_STREAM_INPUT, SPAN_LITERAL("in")),
                     STREAM_FAILED);
    for (u8 i = 0; i < 3; i++) {
        assert_int_equal(is_terminal(&scene, child, bond, i), 0);
    }
    static struct notification note;
    assert_false(puppet_next(&scene.stage, scene.handler, &note));
    stage_close(&scene.stage);
}

static void bytes_go_from_child_to_child(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 5);
    struct ends ends = new_pipe(&scene);
    struct puppet *left = spawn(&scene, nothing, of_end(ends.writer), nothing);
    struct puppet *right = spawn(&scene, of_end(ends.reader), nothing, nothing);
    assert_int_equal(pipe_close(&scene, ends.writer), 0);
    assert_int_equal(pipe_close(&scene, ends.reader), 0);
    u32 writes = bind(&scene, left, &standard);
    u32 reads = bind(&scene, right, &standard);
    assert_int_equal(read_tell(&scene, right, reads, 100, SEND_WAIT), BLOCKED);
    assert_int_equal(child_write(&scene, left, writes, STDIO_STREAM_OUTPUT, SPAN_LITERAL("one")),
                     0);
    expect_bytes(bytes_of(&scene, right, puppet_resume(&scene.stage, right)), "one");
    assert_int_equal(child_write(&scene, left, writes, STDIO_STREAM_OUTPUT, SPAN_LITERAL("two")),
                     0);
    assert_int_equal(child_write(&scene, left, writes, STDIO_STREAM_OUTPUT, SPAN_LITERAL("three")),
                     0);
    expect_bytes(child_read(&scene, right, reads, 4), "twot");
    ends_by_itself(&scene, left);
    expect_bytes(child_read(&scene, right, reads, 100), "hree");
    assert_int_equal(child_read(&scene, right, reads, 100), 0);
    assert_int_equal(child_read(&scene, right, reads, 100), 0);
    assert_int_equal(is_terminal(&scene, right, reads, STDIO_STREAM_INPUT), 0);
    stage_close(&scene.stage);
}

static void the_maker_reads_and_writes_by_number(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 6);
    struct ends to = new_pipe(&scene);
    struct ends from = new_pipe(&scene);
    struct puppet *child = spawn(&scene, of_end(to.reader), of_end(from.writer), inherit);
    assert_int_equal(pipe_close(&scene, from.writer), 0);
    assert_int_equal(pipe_write(&scene, to.writer, SPAN_LITERAL("hello")), 0);
    assert_int_equal(pipe_close(&scene, to.writer), 0);
    u32 bond = bind(&scene, child, &standard);
    expect_bytes(child_read(&scene, child, bond, 65536), "hello");
    assert_int_equal(child_read(&scene, child, bond, 65536), 0);
    assert_int_equal(child_write(&scene, child, bond, STDIO_STREAM_OUTPUT, SPAN_LITERAL("back")),
                     0);
    expect_bytes(pipe_read(&scene, from.reader, 2), "ba");
    expect_bytes(pipe_read(&scene, from.reader, 65536), "ck");
    ends_by_itself(&scene, child);
    assert_int_equal(pipe_read(&scene, from.reader, 65536), 0);
    assert_int_equal(pipe_close(&scene, from.reader), 0);
    assert_int_equal(pipe_read(&scene, from.reader, 65536), NOT_FOUND);
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_spawned_by_cid_waited_for_and_killed),
        cmocka_unit_test(a_child_is_spawned_by_name),
        cmocka_unit_test(inherited_streams_go_to_the_handler),
        cmocka_unit_test(nothing_is_at_its_end_and_swallows),
        cmocka_unit_test(bytes_go_from_child_to_child),
        cmocka_unit_test(the_maker_reads_and_writes_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
