// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/shell/pump.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/memory.h"
#include "interfaces/files.h"
#include "interfaces/processes.h"
#include "interfaces/stdio.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/folders.h"
#include "programs/shell/loop.h"
#include "programs/shell/shell.h"

enum { FRAME_BYTES = 64 }; // around the bytes of a write

struct pump {
    struct wait wait;
    struct pump_owner *owner; // NULL: it is free
    u64 end;                  // of the pipe
    bool has_file;
    bool appends;
    u64 file;
    u64 position;      // in the file
    u32 stream;        // of the shell's own, where a pipe leads and there is no file
    u32 asked;         // bytes of a write under way
    struct span bytes; // of memory; owned
    size_t moved;      // of them
    u8 name_size;
    u8 name[SHELL_NAME_SHOWN];
};
STATIC_ASSERT(SHELL_NAME_SHOWN <= UINT8_MAX);

static struct pump pumps[SHELL_PUMPS];
static u8 body[SHELL_PIECE_BYTES + FRAME_BYTES]; // of the message that is being sent

void pipe_close(u64 end)
{
    struct processes_close_call call = {end};
    u8 small[PROCESSES_CLOSE_CALL_BYTES];
    size_t size = processes_close_encode_call(small, sizeof small, &call);
    (void)rt_tell((u32)shell.processes, PROCESSES_CLOSE_ID, small, (u32)size);
}

static void finish(struct pump *pump)
{
    struct pump_owner *owner = pump->owner;
    pipe_close(pump->end);
    if (pump->has_file) {
        folders_close(pump->file);
    }
    if (pump->bytes.size > 0) {
        memory_give(rt_memory(), (void *)pump->bytes.data, pump->bytes.size);
    }
    pump->owner = NULL;
    owner->pumps--;
    owner->ended(owner);
}

static void fail(struct pump *pump, const char *word)
{
    shell_say(span_of(pump->name, pump->name_size), word);
    finish(pump);
}

static void message_send(struct pump *pump, u32 bond, u64 function, size_t size,
                         void (*done)(struct wait *wait, i32 error, struct span body))
{
    ASSERT(size <= sizeof body);
    pump->wait.done = done;
    if (!wait_send(&pump->wait, bond, function, body, size)) {
        fail(pump, "the machine failed");
    }
}

static struct pump *pump_of(struct wait *wait)
{
    return CONTAINER_OF(wait, struct pump, wait);
}

// ---- into a pipe

static void source_next(struct pump *pump);

static void pipe_written(struct wait *wait, i32 error, struct span answer)
{
    struct pump *pump = pump_of(wait);
    struct processes_result_none_pipe_error result;
    bool is_good =
        error == 0 && processes_write_decode_result(answer, &result) == ERR_OK && result.ok;
    if (!is_good) {
        finish(pump); // nobody reads any more
        return;
    }
    source_next(pump);
}

static void pipe_write(struct pump *pump, struct span bytes)
{
    struct processes_write_call call = {pump->end, bytes};
    size_t size = processes_write_encode_call(body, sizeof body, &call);
    message_send(pump, (u32)shell.processes, PROCESSES_WRITE_ID, size, pipe_written);
}

static void file_was_read(struct wait *wait, i32 error, struct span answer)
{
    struct pump *pump = pump_of(wait);
    struct files_result_bytes_error result;
    if (error != 0 || files_read_decode_result(answer, &result) != ERR_OK || !result.ok) {
        fail(pump, folders_word(error != 0 ? FILES_ERROR_FAILED : result.error));
    } else if (result.value.size == 0 || result.value.size > SHELL_PIECE_BYTES) {
        finish(pump);
    } else {
        pump->position += result.value.size;
        pipe_write(pump, result.value);
    }
}

static void source_next(struct pump *pump)
{
    if (pump->has_file) {
        struct files_read_call call = {pump->file, pump->position, SHELL_PIECE_BYTES};
        size_t size = files_read_encode_call(body, sizeof body, &call);
        message_send(pump, (u32)shell.files, FILES_READ_ID, size, file_was_read);
    } else if (pump->moved == pump->bytes.size) {
        finish(pump);
    } else {
        size_t rest = pump->bytes.size - pump->moved;
        size_t piece = rest < SHELL_PIECE_BYTES ? rest : SHELL_PIECE_BYTES;
        struct span bytes = span_slice(pump->bytes, pump->moved, pump->moved + piece);
        pump->moved += piece;
        pipe_write(pump, bytes);
    }
}

// ---- into a file, or a stream of the shell's own

static void sink_next(struct pump *pump);

static void file_written(struct wait *wait, i32 error, struct span answer)
{
    struct pump *pump = pump_of(wait);
    struct files_result_written_error result;
    if (error != 0 || files_write_decode_result(answer, &result) != ERR_OK || !result.ok) {
        fail(pump, folders_word(error != 0 ? FILES_ERROR_FAILED : result.error));
    } else if (result.value.count != pump->asked) {
        fail(pump, folders_word(FILES_ERROR_NO_SPACE)); // as the next write would say
    } else {
        pump->position = result.value.position;
        sink_next(pump);
    }
}

static void stream_written(struct wait *wait, i32 error, struct span answer)
{
    struct pump *pump = pump_of(wait);
    struct stdio_result_none_error result;
    bool is_good = error == 0 && stdio_write_decode_result(answer, &result) == ERR_OK && result.ok;
    if (is_good) {
        sink_next(pump);
    } else {
        finish(pump); // so that who writes is told
    }
}

static void sink_write(struct pump *pump, struct span bytes)
{
    if (!pump->has_file) {
        struct stdio_write_call call = {(enum stdio_stream)pump->stream, bytes};
        size_t size = stdio_write_encode_call(body, sizeof body, &call);
        message_send(pump, (u32)shell.stdio, STDIO_WRITE_ID, size, stream_written);
        return;
    }
    pump->asked = (u32)bytes.size;
    struct files_write_call call = {
        pump->file, pump->position, {pump->appends ? FILES_WRITING_APPEND : 0}, bytes};
    size_t size = files_write_encode_call(body, sizeof body, &call);
    message_send(pump, (u32)shell.files, FILES_WRITE_ID, size, file_written);
}

static void pipe_was_read(struct wait *wait, i32 error, struct span answer)
{
    struct pump *pump = pump_of(wait);
    struct processes_result_bytes_pipe_error result;
    bool is_good =
        error == 0 && processes_read_decode_result(answer, &result) == ERR_OK && result.ok;
    if (!is_good || result.value.size == 0 || result.value.size > SHELL_PIECE_BYTES) {
        finish(pump);
        return;
    }
    sink_write(pump, result.value);
}

static void sink_next(struct pump *pump)
{
    struct processes_read_call call = {pump->end, SHELL_PIECE_BYTES};
    size_t size = processes_read_encode_call(body, sizeof body, &call);
    message_send(pump, (u32)shell.processes, PROCESSES_READ_ID, size, pipe_was_read);
}

// ---- from outside

static struct pump *begin(struct pump_owner *owner, u64 end, struct span name)
{
    for (u32 i = 0; i < SHELL_PUMPS; i++) {
        struct pump *pump = &pumps[i];
        if (pump->owner == NULL) {
            *pump = (struct pump){.owner = owner, .end = end};
            pump->name_size = (u8)(name.size < SHELL_NAME_SHOWN ? name.size : SHELL_NAME_SHOWN);
            mem_copy(pump->name, name.data, pump->name_size);
            owner->pumps++;
            return pump;
        }
    }
    pipe_close(end);
    return NULL;
}

bool pump_from_file(struct pump_owner *owner, u64 file, struct span name, u64 writer)
{
    struct pump *pump = begin(owner, writer, name);
    if (pump == NULL) {
        folders_close(file);
        return false;
    }
    pump->has_file = true;
    pump->file = file;
    source_next(pump);
    return true;
}

bool pump_to_file(struct pump_owner *owner, u64 reader, u64 file, struct span name, bool appends)
{
    struct pump *pump = begin(owner, reader, name);
    if (pump == NULL) {
        folders_close(file);
        return false;
    }
    pump->has_file = true;
    pump->file = file;
    pump->appends = appends;
    sink_next(pump);
    return true;
}

bool pump_to_stream(struct pump_owner *owner, u64 reader, u32 stream)
{
    struct pump *pump = begin(owner, reader, (struct span){0});
    if (pump == NULL) {
        return false;
    }
    pump->stream = stream;
    sink_next(pump);
    return true;
}

bool pump_from_memory(struct pump_owner *owner, struct span bytes, u64 writer)
{
    u8 *copy = bytes.size == 0 ? NULL : memory_take(rt_memory(), bytes.size);
    struct pump *pump =
        copy == NULL && bytes.size > 0 ? NULL : begin(owner, writer, (struct span){0});
    if (pump == NULL) {
        if (copy != NULL) {
            memory_give(rt_memory(), copy, bytes.size);
        } else if (bytes.size > 0) {
            pipe_close(writer);
        }
        return false;
    }
    mem_copy(copy, bytes.data, bytes.size);
    pump->bytes = span_of(copy, bytes.size);
    source_next(pump);
    return true;
}
