// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/kernel/children.h"
#include "machines/sim/sim.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

const struct stage_interface family_processes = {PROCESSES_NAME, .real = &processes_interface};
const struct stage_interface family_stdio = {STDIO_NAME, .real = &stdio_interface};
const struct stage_interface family_alpha = {"test:processes/alpha", {{"one", 0}}};

u8 family_room[FAMILY_ROOM_BYTES];

void family_open_config(struct family *family, u64 seed, const struct kernel_config *config)
{
    const struct stage_interface *interfaces[] = {&family_processes, &family_stdio, &family_alpha};
    *family = (struct family){0};
    stage_open_config(&family->stage, seed, config, NULL);
    stage_program(&family->stage, interfaces, 3, family->cid);
    family->handler = stage_start(&family->stage, family->cid);
    assert_true(puppet_register(&family->stage, family->handler, &family_stdio) > 0);
    family->shell = stage_start(&family->stage, family->cid);
    i64 bond = puppet_bind(&family->stage, family->shell, &family_processes, false);
    assert_true(bond > 0);
    family->bond = (u32)bond;
}

void family_open(struct family *family, u64 seed)
{
    struct kernel_config config = sim_kernel_config(1);
    family_open_config(family, seed, &config);
}

// ---- calls

i64 family_tell(struct family *family, struct puppet *puppet, u32 bond, u64 function, size_t size,
                u32 flags)
{
    assert_true(size <= sizeof family_room);
    puppet_poke(&family->stage, puppet, puppet->area, span_of(family_room, size));
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = function,
                                 .c = puppet->area,
                                 .d = size,
                                 .e = puppet->area,
                                 .f = PUPPET_AREA_BYTES / 2,
                                 .g = flags};
    return puppet_do(&family->stage, puppet, &order);
}

// What family_tell came to with SEND_WAIT: an error answer as its code.
static i64 outcome(struct family *family, struct puppet *puppet, i64 result)
{
    if (result < 0 || (result & ANSWER_IS_ERROR) == 0) {
        return result;
    }
    return -(i64)mem_load_u32(puppet_peek(&family->stage, puppet, puppet->area, 4).data);
}

static struct span answer(struct family *family, struct puppet *puppet, i64 size)
{
    return puppet_peek(&family->stage, puppet, puppet->area, (u32)size);
}

i64 family_result_bytes(struct family *family, struct puppet *puppet, i64 result)
{
    i64 got = outcome(family, puppet, result);
    if (got < 0) {
        return got;
    }
    struct stdio_result_bytes_error bytes; // both interfaces say it alike
    struct span body = answer(family, puppet, got);
    if (body.data[0] == 1) {
        return ERROR_OF - body.data[1];
    }
    assert_int_equal(stdio_read_decode_result(body, &bytes), ERR_OK);
    memcpy(family_room, bytes.value.data, bytes.value.size);
    return (i64)bytes.value.size;
}

i64 family_result(struct family *family, struct puppet *puppet, i64 result)
{
    i64 got = outcome(family, puppet, result);
    if (got < 0) {
        return got;
    }
    struct span body = answer(family, puppet, got);
    assert_true(body.size == 1 + (size_t)(body.data[0] == 1));
    return body.data[0] == 0 ? 0 : ERROR_OF - body.data[1];
}

// Sends so much of family_room and waits. An error; or 0, and what the answer says.
static i64 ask(struct family *family, struct puppet *puppet, u32 bond, u64 function, size_t size,
               struct span *out)
{
    i64 sent =
        outcome(family, puppet, family_tell(family, puppet, bond, function, size, SEND_WAIT));
    if (sent < 0) {
        return sent;
    }
    *out = answer(family, puppet, sent);
    return 0;
}

// The same of a function that gives nothing back but an error.
static i64 ask_none(struct family *family, struct puppet *puppet, u32 bond, u64 function,
                    size_t size)
{
    return family_result(family, puppet,
                         family_tell(family, puppet, bond, function, size, SEND_WAIT));
}

i64 family_pipe_of(struct family *family, struct puppet *puppet, u32 bond, struct family_ends *out)
{
    struct processes_result_pipe_ends_pipe_error result;
    struct span body;
    assert_int_equal(ask(family, puppet, bond, PROCESSES_PIPE_ID, 0, &body), 0);
    assert_int_equal(processes_pipe_decode_result(body, &result), ERR_OK);
    if (!result.ok) {
        return ERROR_OF - (i64)result.error;
    }
    *out = (struct family_ends){result.value.reader, result.value.writer};
    return 0;
}

struct family_ends family_pipe(struct family *family)
{
    struct family_ends ends;
    assert_int_equal(family_pipe_of(family, family->shell, family->bond, &ends), 0);
    return ends;
}

i64 family_read(struct family *family, u64 end, u32 max)
{
    struct processes_read_call call = {end, max};
    size_t size = processes_read_encode_call(family_room, sizeof family_room, &call);
    return family_result_bytes(
        family, family->shell,
        family_tell(family, family->shell, family->bond, PROCESSES_READ_ID, size, SEND_WAIT));
}

i64 family_write(struct family *family, u64 end, struct span bytes)
{
    struct processes_write_call call = {end, bytes};
    size_t size = processes_write_encode_call(family_room, sizeof family_room, &call);
    return ask_none(family, family->shell, family->bond, PROCESSES_WRITE_ID, size);
}

i64 family_close(struct family *family, u64 end)
{
    struct processes_close_call call = {end};
    size_t size = processes_close_encode_call(family_room, sizeof family_room, &call);
    return ask_none(family, family->shell, family->bond, PROCESSES_CLOSE_ID, size);
}

// ---- children

const struct processes_stream family_inherit = {.kind = PROCESSES_STREAM_INHERIT};
const struct processes_stream family_nothing = {.kind = PROCESSES_STREAM_NOTHING};

struct processes_stream family_end(u64 end)
{
    return (struct processes_stream){.kind = PROCESSES_STREAM_PIPE, .as.pipe = end};
}

struct processes_spawn_request family_request(struct family *family)
{
    return (struct processes_spawn_request){
        .program = {.kind = PROCESSES_PROGRAM_CID, .as.cid = span_string(family->cid)}};
}

// Its number, or what is wrong.
i64 family_spawn_by(struct family *family, struct puppet *parent, u32 bond,
                    const struct processes_spawn_request *request)
{
    struct processes_spawn_call call = {*request};
    size_t size = processes_spawn_encode_call(family_room, sizeof family_room, &call);
    struct span body;
    i64 error = ask(family, parent, bond, PROCESSES_SPAWN_ID, size, &body);
    if (error < 0) {
        return error;
    }
    struct processes_result_u64_system_spawn_error result;
    assert_int_equal(processes_spawn_decode_result(body, &result), ERR_OK);
    return result.ok ? (i64)result.value : ERROR_OF - (i64)result.error.kind;
}

// A child of the shell with those streams.
struct puppet *family_spawn(struct family *family, struct processes_stream input,
                            struct processes_stream output, struct processes_stream error)
{
    struct processes_spawn_request request = family_request(family);
    request.input = input;
    request.output = output;
    request.error = error;
    i64 number = family_spawn_by(family, family->shell, family->bond, &request);
    assert_true(number > 0);
    struct puppet *child = stage_find(&family->stage, (u64)number);
    while (child == NULL && stage_turn(&family->stage)) { // its parent may be told first
        child = stage_find(&family->stage, (u64)number);
    }
    assert_non_null(child);
    return child;
}

u32 family_bind(struct family *family, struct puppet *puppet,
                const struct stage_interface *interface)
{
    i64 bond = puppet_bind(&family->stage, puppet, interface, false);
    assert_true(bond > 0);
    return (u32)bond;
}

i64 child_write_tell(struct family *family, struct puppet *child, u32 bond,
                     enum stdio_stream stream, struct span bytes, u32 flags)
{
    struct stdio_write_call call = {stream, bytes};
    size_t size = stdio_write_encode_call(family_room, sizeof family_room, &call);
    return family_tell(family, child, bond, STDIO_WRITE_ID, size, flags);
}

i64 child_write(struct family *family, struct puppet *child, u32 bond, enum stdio_stream stream,
                struct span bytes)
{
    return family_result(family, child,
                         child_write_tell(family, child, bond, stream, bytes, SEND_WAIT));
}

i64 child_read_tell(struct family *family, struct puppet *child, u32 bond, u32 max, u32 flags)
{
    struct stdio_read_call call = {max};
    size_t size = stdio_read_encode_call(family_room, sizeof family_room, &call);
    return family_tell(family, child, bond, STDIO_READ_ID, size, flags);
}

i64 child_read(struct family *family, struct puppet *child, u32 bond, u32 max)
{
    return family_result_bytes(family, child, child_read_tell(family, child, bond, max, SEND_WAIT));
}

i64 child_is_terminal(struct family *family, struct puppet *child, u32 bond, u8 stream)
{
    family_room[0] = stream;
    struct span body;
    i64 error = ask(family, child, bond, STDIO_IS_TERMINAL_ID, 1, &body);
    return error < 0 ? error : body.data[0];
}

i64 family_wait_by(struct family *family, struct puppet *puppet, u32 bond, u64 process)
{
    struct processes_wait_call call = {process};
    size_t size = processes_wait_encode_call(family_room, sizeof family_room, &call);
    struct span body;
    i64 error = ask(family, puppet, bond, PROCESSES_WAIT_ID, size, &body);
    if (error < 0) {
        return error;
    }
    struct processes_result_system_ending_system_error result;
    assert_int_equal(processes_wait_decode_result(body, &result), ERR_OK);
    if (!result.ok) {
        return ERROR_OF - (i64)result.error;
    }
    return result.value.kind == SYSTEM_ENDING_EXITED ? (i64)result.value.as.exited
                                                     : -(i64)result.value.kind;
}

i64 family_kill_by(struct family *family, struct puppet *puppet, u32 bond, u64 process)
{
    struct processes_kill_call call = {process};
    size_t size = processes_kill_encode_call(family_room, sizeof family_room, &call);
    return ask_none(family, puppet, bond, PROCESSES_KILL_ID, size);
}

void child_ends(struct family *family, struct puppet *puppet)
{
    struct puppet_order leave = {.kind = PUPPET_RETURN};
    assert_int_equal(puppet_do(&family->stage, puppet, &leave), ENDED);
}

void family_expect(i64 result, const char *text)
{
    assert_int_equal(result, strlen(text));
    assert_memory_equal(family_room, text, strlen(text));
}
