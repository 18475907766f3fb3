// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/kernel/stage.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "interfaces/puppet.h"
#include "interfaces/system.h"
#include "machines/sim/sim.h"
#include <stdlib.h>
#include <string.h>

#ifndef PUPPET_FILE
#define PUPPET_FILE "build/test/kernel/puppet.wasm"
#endif

enum { SETTLE_TURNS = 200000 };

static struct span puppet_program;
static struct stage *current; // whose processes' ends come in
static void *kept[256];       // programs' bytes, which the kernel borrows
static u32 kept_count;

// ---- programs

static void read_puppet(void)
{
    FILE *file = fopen(PUPPET_FILE, "rb");
    ASSERT(file != NULL);
    static u8 bytes[1 << 20];
    puppet_program = span_of(bytes, fread(bytes, 1, sizeof bytes, file));
    ASSERT(puppet_program.size > 0 && puppet_program.size < sizeof bytes);
    fclose(file);
}

static void function_hash(const struct stage_interface *interface, u32 function, u8 out[32])
{
    if (interface->real != NULL) {
        memcpy(out, interface->real->functions[function].hash, 32);
        return;
    }
    char text[256];
    const struct stage_function *at = &interface->functions[function];
    int size = snprintf(text, sizeof text, "%s#%s#%u", interface->name, at->name, at->variant);
    platform_sha256(span_of(text, (size_t)size), out);
}

u64 stage_function_id(const struct stage_interface *interface, u32 function)
{
    u8 hash[32];
    function_hash(interface, function, hash);
    return mem_load_u64(hash);
}

static u32 function_count(const struct stage_interface *interface)
{
    u32 count = 0;
    if (interface->real != NULL) {
        return interface->real->function_count;
    }
    while (count < STAGE_FUNCTIONS && interface->functions[count].name != NULL) {
        count++;
    }
    return count;
}

void stage_interface_hash(const struct stage_interface *interface, u8 out[32])
{
    u8 hashes[32][32];
    ASSERT(function_count(interface) <= 32);
    static u8 preimage[INTERFACE_PREIMAGE_BYTES];
    u32 count = function_count(interface);
    for (u32 i = 0; i < count; i++) {
        function_hash(interface, i, hashes[i]);
    }
    size_t size = interface_preimage(span_string(interface->name), (const u8(*)[32])hashes, count,
                                     preimage, sizeof preimage);
    platform_sha256(span_of(preimage, size), out);
}

static void write_interface(struct wire_writer *out, const struct stage_interface *interface)
{
    u32 count = function_count(interface);
    wire_write_bytes(out, span_string(interface->name));
    wire_write_u32(out, count);
    for (u32 i = 0; i < count; i++) {
        u8 hash[32];
        function_hash(interface, i, hash);
        wire_write_raw(out, span_of(hash, 32));
        wire_write_bytes(out,
                         span_string(interface->real != NULL ? interface->real->functions[i].name
                                                             : interface->functions[i].name));
    }
}

static void write_leb(struct wire_writer *out, u32 value)
{
    for (; value >= 0x80; value >>= 7) {
        wire_write_u8(out, (u8)(value | 0x80));
    }
    wire_write_u8(out, (u8)value);
}

struct span stage_program_bytes(const struct stage_interface *const *interfaces, u32 count)
{
    static u8 section[1 << 16];
    struct wire_writer body = wire_writer_over(section, sizeof section);
    write_leb(&body, 19);
    wire_write_raw(&body, SPAN_LITERAL("redshirt:interfaces"));
    wire_write_u32(&body, count);
    for (u32 i = 0; i < count; i++) {
        write_interface(&body, interfaces[i]);
    }
    ASSERT(body.size <= sizeof section);
    u8 *bytes = malloc(puppet_program.size + body.size + 8);
    struct wire_writer out = wire_writer_over(bytes, puppet_program.size + body.size + 8);
    wire_write_raw(&out, puppet_program);
    wire_write_u8(&out, 0);
    write_leb(&out, (u32)body.size);
    wire_write_raw(&out, span_of(section, body.size));
    return span_of(bytes, out.size);
}

void stage_keep(struct span bytes)
{
    ASSERT(kept_count < sizeof kept / sizeof *kept);
    kept[kept_count++] = (void *)bytes.data;
}

void stage_program(struct stage *stage, const struct stage_interface *const *interfaces, u32 count,
                   char cid[KERNEL_CID_TEXT_BYTES])
{
    struct span bytes = stage_program_bytes(interfaces, count);
    stage_keep(bytes);
    stage_add(stage, bytes, (struct span){0}, cid);
}

void stage_add(struct stage *stage, struct span bytes, struct span adapts,
               char cid[KERNEL_CID_TEXT_BYTES])
{
    struct report report = {0};
    enum err err = kernel_program_add(stage->kernel, bytes, adapts, cid, &report);
    if (err != ERR_OK) {
        fprintf(stderr, "stage: %s\n", report.text);
    }
    ASSERT(err == ERR_OK);
}

struct span stage_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "stage: no file %s\n", path);
    }
    ASSERT(file != NULL);
    u8 *bytes = malloc(1 << 20);
    size_t size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    stage_keep(span_of(bytes, size));
    return span_of(bytes, size);
}

// ---- the device that moves them

static void wake(void *context)
{
    (void)context;
}

struct puppet *stage_find(struct stage *stage, u64 process)
{
    for (u32 i = 0; i < stage->puppet_count; i++) {
        if (stage->puppets[i]->process == process) {
            return stage->puppets[i];
        }
    }
    return NULL;
}

static struct puppet *add_puppet(struct stage *stage, u64 process)
{
    ASSERT(stage->puppet_count < STAGE_PUPPETS);
    struct puppet *puppet = calloc(1, sizeof *puppet);
    ASSERT(puppet != NULL);
    puppet->process = process;
    stage->puppets[stage->puppet_count++] = puppet;
    return puppet;
}

static void on_next(void *context, const struct interface_message *message,
                    const struct puppet_next_call *call)
{
    struct stage *stage = context;
    struct puppet *puppet = stage_find(stage, call->process);
    if (puppet == NULL) {
        puppet = add_puppet(stage, call->process);
    }
    if (puppet->area == 0) {
        puppet->area = (u32)call->outcome;
    }
    ASSERT(call->bytes.size <= sizeof puppet->bytes);
    puppet->client = message->client;
    puppet->message = message->id;
    puppet->result = call->outcome;
    puppet->bytes_len = (u32)call->bytes.size;
    mem_copy(puppet->bytes, call->bytes.data, call->bytes.size);
    puppet->is_idle = true;
    puppet->is_blocked = false;
}

// A device answers each message, also when nobody is there any more.
static void on_gone(struct stage *stage, u64 client)
{
    for (u32 i = 0; i < stage->puppet_count; i++) {
        struct puppet *puppet = stage->puppets[i];
        if (puppet->client == client && puppet->message != 0) {
            kernel_device_answer(stage->device, puppet->message, (struct span){0});
            puppet->message = 0;
        }
        if (puppet->client == client) {
            puppet->has_ended = true;
            puppet->is_idle = false;
            puppet->is_blocked = false;
        }
    }
}

static bool take(struct stage *stage)
{
    static const struct puppet_handler handler = {on_next};
    struct kernel_event event;
    if (!kernel_device_take(stage->device, &event)) {
        return false;
    }
    if (event.kind == KERNEL_EVENT_CLIENT_GONE) {
        on_gone(stage, event.client);
    }
    if (event.kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = {event.id, event.function, event.client, event.body};
        if (puppet_dispatch(&handler, stage, &message) != ERR_OK && event.id != 0) {
            kernel_device_answer_error(stage->device, event.id, -E_MALFORMED);
        }
    }
    return true;
}

void stage_take(struct stage *stage)
{
    while (take(stage)) {
    }
}

// ---- the stage

void stage_open(struct stage *stage, u64 seed, u32 workers, FILE *trace)
{
    struct kernel_config config = sim_kernel_config(workers);
    stage_open_config(stage, seed, &config, trace);
}

void stage_open_config(struct stage *stage, u64 seed, const struct kernel_config *config,
                       FILE *trace)
{
    if (puppet_program.size == 0) {
        read_puppet();
    }
    sim_reset(seed, trace);
    *stage = (struct stage){.workers = config->workers, .fuel_most = 20000, .check = true};
    current = stage;
    enum err err = kernel_create(config, &stage->kernel, NULL);
    ASSERT(err == ERR_OK);
    struct kernel_device_config device = {.interface = &puppet_interface, .wake = wake};
    err = kernel_device_register(stage->kernel, &device, &stage->device);
    ASSERT(err == ERR_OK);
}

void stage_close(struct stage *stage)
{
    stage_settle(stage, SETTLE_TURNS);
    stage_close_running(stage);
}

void stage_close_running(struct stage *stage)
{
    kernel_check(stage->kernel);
    kernel_destroy(stage->kernel);
    for (u32 i = 0; i < stage->puppet_count; i++) {
        free(stage->puppets[i]);
    }
    for (u32 i = 0; i < kept_count; i++) {
        free(kept[i]);
    }
    kept_count = 0;
    current = NULL;
    sim_memory_fails(0);
    sim_close();
}

bool stage_turn(struct stage *stage)
{
    bool did = take(stage);
    did = sim_turn(stage->kernel, stage->workers, stage->fuel_most, stage->devices) || did;
    if (stage->check) {
        kernel_check(stage->kernel);
    }
    return did;
}

void stage_settle(struct stage *stage, u32 turns)
{
    for (u32 i = 0; i < turns && stage_turn(stage); i++) {
    }
}

static void on_end(void *context, struct kernel_process_id id, struct kernel_ending ending)
{
    (void)context;
    struct puppet *puppet = current == NULL ? NULL : stage_find(current, id.value);
    if (puppet == NULL) {
        return;
    }
    puppet->has_ended = true;
    puppet->is_idle = false;
    puppet->is_blocked = false;
    puppet->ending = ending;
    size_t size = ending.text.size < sizeof puppet->ending_text - 1
                      ? ending.text.size
                      : sizeof puppet->ending_text - 1;
    mem_copy(puppet->ending_text, ending.text.data, size);
    puppet->ending_text[size] = 0;
    puppet->ending.text = span_of(puppet->ending_text, size);
}

struct puppet *stage_start_any(struct stage *stage, const char *cid)
{
    struct span argument = SPAN_LITERAL("puppet");
    struct kernel_start start = {.cid = span_string(cid),
                                 .arguments = &argument,
                                 .argument_count = 1,
                                 .on_end = on_end,
                                 .record = stage->record};
    stage->record = NULL;
    struct kernel_process_id id;
    enum err err = kernel_start(stage->kernel, &start, &id, NULL);
    ASSERT(err == ERR_OK);
    return add_puppet(stage, id.value);
}

struct puppet *stage_start(struct stage *stage, const char *cid)
{
    struct puppet *puppet = stage_start_any(stage, cid);
    for (u32 i = 0; i < SETTLE_TURNS && !puppet->is_idle && !puppet->has_ended; i++) {
        stage_turn(stage);
    }
    if (puppet->has_ended) {
        fprintf(stderr, "stage: the puppet ended: %d %s\n", (int)puppet->ending.kind,
                puppet->ending_text);
    }
    ASSERT(puppet->is_idle);
    return puppet;
}

void stage_kill(struct stage *stage, struct puppet *puppet)
{
    (void)!kernel_kill(stage->kernel, (struct kernel_process_id){puppet->process});
}

// ---- orders

void puppet_tell(struct stage *stage, struct puppet *puppet, const struct puppet_order *order)
{
    ASSERT(puppet->is_idle);
    static u8 body[PUPPET_AREA_BYTES];
    struct puppet_command command = {order->kind, order->a, order->b, order->c,    order->d,
                                     order->e,    order->f, order->g, order->bytes};
    size_t size = puppet_next_encode_result(body, sizeof body, &command);
    ASSERT(size <= sizeof body);
    puppet->is_idle = false;
    puppet->is_blocked = true;
    kernel_device_answer(stage->device, puppet->message, span_of(body, size));
    puppet->message = 0;
}

static i64 outcome(const struct puppet *puppet)
{
    return puppet->has_ended ? ENDED : puppet->is_idle ? puppet->result : BLOCKED;
}

i64 puppet_resume(struct stage *stage, struct puppet *puppet)
{
    stage_settle(stage, SETTLE_TURNS);
    return outcome(puppet);
}

i64 puppet_do(struct stage *stage, struct puppet *puppet, const struct puppet_order *order)
{
    puppet_tell(stage, puppet, order);
    // As soon as it is back: others may go on for ever.
    for (u32 i = 0; i < SETTLE_TURNS && puppet->is_blocked && stage_turn(stage); i++) {
    }
    return outcome(puppet);
}

u32 puppet_answer_address(const struct puppet *puppet)
{
    return puppet->area + PUPPET_AREA_BYTES / 4;
}

void puppet_poke(struct stage *stage, struct puppet *puppet, u32 address, struct span bytes)
{
    struct puppet_order order = {.kind = PUPPET_POKE, .a = address, .bytes = bytes};
    i64 result = puppet_do(stage, puppet, &order);
    ASSERT(result == 0);
}

struct span puppet_peek(struct stage *stage, struct puppet *puppet, u32 address, u32 len)
{
    struct puppet_order order = {.kind = PUPPET_PEEK, .a = address, .b = len};
    i64 result = puppet_do(stage, puppet, &order);
    ASSERT(result == 0 && puppet->bytes_len == len);
    return span_of(puppet->bytes, len);
}

i64 puppet_send(struct stage *stage, struct puppet *puppet, u32 bond, u64 function,
                struct span body, u32 flags)
{
    if (body.size > 0) {
        puppet_poke(stage, puppet, puppet->area, body);
    }
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = function,
                                 .c = puppet->area,
                                 .d = body.size,
                                 .e = puppet_answer_address(puppet),
                                 .f = PUPPET_AREA_BYTES / 4,
                                 .g = flags};
    return puppet_do(stage, puppet, &order);
}

i64 puppet_answer(struct stage *stage, struct puppet *puppet, u64 message, struct span body,
                  u32 flags)
{
    if (body.size > 0) {
        puppet_poke(stage, puppet, puppet->area, body);
    }
    struct puppet_order order = {.kind = PUPPET_ANSWER,
                                 .a = message,
                                 .b = puppet->area,
                                 .c = body.size,
                                 .d = puppet_answer_address(puppet),
                                 .e = PUPPET_AREA_BYTES / 4,
                                 .f = flags};
    return puppet_do(stage, puppet, &order);
}

i64 puppet_wait(struct stage *stage, struct puppet *puppet, u32 len, u32 flags)
{
    struct puppet_order order = {
        .kind = PUPPET_WAIT, .a = puppet_answer_address(puppet), .b = len, .c = flags};
    return puppet_do(stage, puppet, &order);
}

bool puppet_next(struct stage *stage, struct puppet *puppet, struct notification *out)
{
    // Room for exactly one: its header says how much.
    i64 result = puppet_wait(stage, puppet, sizeof out->header, WAIT_POLL);
    u32 at = puppet_answer_address(puppet);
    if (result == 0) {
        return false;
    }
    ASSERT(result == E_BUFFER || result == sizeof out->header);
    struct span bytes = puppet_peek(stage, puppet, at, sizeof out->header);
    mem_copy(&out->header, bytes.data, sizeof out->header);
    ASSERT(out->header.body_len <= sizeof out->body && out->header.size % 8 == 0);
    if (result == E_BUFFER) {
        result = puppet_wait(stage, puppet, out->header.size, WAIT_POLL);
        ASSERT(result == out->header.size);
        bytes = puppet_peek(stage, puppet, at, out->header.size);
        mem_copy(out->body, bytes.data + sizeof out->header, out->header.body_len);
    }
    return true;
}

i64 puppet_fill(struct stage *stage, struct puppet *puppet, u32 bond, u64 function, u32 len,
                u32 flags, u32 most, u32 *sent)
{
    struct puppet_order order = {
        .kind = PUPPET_FILL, .a = bond, .b = function, .c = len, .d = flags, .e = most};
    i64 result = puppet_do(stage, puppet, &order);
    if (result <= 0) {
        fprintf(stderr, "stage: fill gave %lld, %d %u %s\n", (long long)result,
                (int)puppet->ending.kind, puppet->ending.code, puppet->ending_text);
    }
    ASSERT(result > 0);
    *sent = (u32)(result >> 8);
    return -(result & 0xff);
}

// ---- the system interface

// What came of a call that waits; the body of the answer is then in puppet->bytes.
static i64 answer_take(struct stage *stage, struct puppet *puppet, i64 result)
{
    if (result < 0) {
        return result;
    }
    u32 len = (u32)result;
    struct span answer = puppet_peek(stage, puppet, puppet_answer_address(puppet), len);
    if ((result & ANSWER_IS_ERROR) != 0) {
        return -(i64)mem_load_u32(answer.data);
    }
    return len;
}

static i64 system_call(struct stage *stage, struct puppet *puppet, u64 function, const u8 *body,
                       size_t size)
{
    return answer_take(stage, puppet,
                       puppet_send(stage, puppet, 0, function, span_of(body, size), SEND_WAIT));
}

static struct system_hash system_hash_of(const struct stage_interface *interface)
{
    u8 hash[32];
    stage_interface_hash(interface, hash);
    return (struct system_hash){mem_load_u64(hash), mem_load_u64(hash + 8), mem_load_u64(hash + 16),
                                mem_load_u64(hash + 24)};
}

static struct span answer_of(const struct puppet *puppet, i64 len)
{
    return span_of(puppet->bytes, (size_t)len);
}

static i64 bind_result(const struct puppet *puppet, i64 len)
{
    if (len < 0) {
        return len;
    }
    struct system_result_u32_bind_error result;
    ASSERT(system_bind_decode_result(answer_of(puppet, len), &result) == ERR_OK);
    return result.ok ? (i64)result.value : -1000 - (i64)result.error.kind;
}

i64 puppet_bind(struct stage *stage, struct puppet *puppet, const struct stage_interface *interface,
                bool patient)
{
    u8 body[64];
    struct system_bind_call call = {system_hash_of(interface), patient};
    size_t size = system_bind_encode_call(body, sizeof body, &call);
    return bind_result(puppet, system_call(stage, puppet, SYSTEM_BIND_ID, body, size));
}

i64 puppet_bind_later(struct stage *stage, struct puppet *puppet,
                      const struct stage_interface *interface)
{
    u8 body[64];
    struct system_bind_call call = {system_hash_of(interface), false};
    size_t size = system_bind_encode_call(body, sizeof body, &call);
    return puppet_send(stage, puppet, 0, SYSTEM_BIND_ID, span_of(body, size), 0);
}

i64 puppet_bind_end(struct stage *stage, struct puppet *puppet)
{
    return bind_result(puppet, answer_take(stage, puppet, puppet_resume(stage, puppet)));
}

i64 puppet_client_limits(struct stage *stage, struct puppet *puppet, u64 client,
                         struct span limits[STAGE_LIMITS])
{
    u8 body[8];
    struct system_client_limits_call call = {client};
    size_t size = system_client_limits_encode_call(body, sizeof body, &call);
    i64 len = system_call(stage, puppet, SYSTEM_CLIENT_LIMITS_ID, body, size);
    if (len < 0) {
        return len;
    }
    struct system_result_list_bytes_error result;
    ASSERT(system_client_limits_decode_result(answer_of(puppet, len), &result) == ERR_OK);
    if (!result.ok) {
        return -1000 - (i64)result.error;
    }
    ASSERT(result.value.count <= STAGE_LIMITS);
    struct system_list_bytes at = result.value;
    for (u32 i = 0; system_list_bytes_next(&at, &limits[i]); i++) {
    }
    return result.value.count;
}

static i64 register_result(struct puppet *puppet, i64 len)
{
    if (len < 0) {
        return len;
    }
    struct system_result_u32_register_error result;
    ASSERT(system_register_decode_result(answer_of(puppet, len), &result) == ERR_OK);
    return result.ok ? (i64)result.value : -1000 - (i64)result.error.kind;
}

i64 puppet_register(struct stage *stage, struct puppet *puppet,
                    const struct stage_interface *interface)
{
    u8 body[64];
    struct system_register_call call = {system_hash_of(interface)};
    size_t size = system_register_encode_call(body, sizeof body, &call);
    return register_result(puppet, system_call(stage, puppet, SYSTEM_REGISTER_ID, body, size));
}

i64 puppet_register_later(struct stage *stage, struct puppet *puppet,
                          const struct stage_interface *interface, u32 flags)
{
    u8 body[64];
    struct system_register_call call = {system_hash_of(interface)};
    size_t size = system_register_encode_call(body, sizeof body, &call);
    return puppet_send(stage, puppet, 0, SYSTEM_REGISTER_ID, span_of(body, size), flags);
}

i64 puppet_register_end(struct stage *stage, struct puppet *puppet)
{
    return register_result(puppet, answer_take(stage, puppet, puppet_resume(stage, puppet)));
}

// Those that answer result<_, error>, whose encodings are alike.
static i64 none_result(struct stage *stage, struct puppet *puppet, u64 function, const u8 *body,
                       size_t size)
{
    i64 len = system_call(stage, puppet, function, body, size);
    if (len < 0) {
        return len;
    }
    struct system_result_none_error result;
    ASSERT(system_unbind_decode_result(answer_of(puppet, len), &result) == ERR_OK);
    return result.ok ? 0 : -1000 - (i64)result.error;
}

i64 puppet_unbind(struct stage *stage, struct puppet *puppet, u32 bond)
{
    u8 body[8];
    struct system_unbind_call call = {bond};
    return none_result(stage, puppet, SYSTEM_UNBIND_ID, body,
                       system_unbind_encode_call(body, sizeof body, &call));
}

i64 puppet_unregister(struct stage *stage, struct puppet *puppet, u32 registration)
{
    u8 body[8];
    struct system_unregister_call call = {registration};
    return none_result(stage, puppet, SYSTEM_UNREGISTER_ID, body,
                       system_unregister_encode_call(body, sizeof body, &call));
}

i64 puppet_cancel(struct stage *stage, struct puppet *puppet, u64 message)
{
    u8 body[8];
    struct system_cancel_call call = {message};
    return none_result(stage, puppet, SYSTEM_CANCEL_ID, body,
                       system_cancel_encode_call(body, sizeof body, &call));
}

i64 puppet_kill(struct stage *stage, struct puppet *puppet, u64 process)
{
    u8 body[8];
    struct system_kill_call call = {process};
    return none_result(stage, puppet, SYSTEM_KILL_ID, body,
                       system_kill_encode_call(body, sizeof body, &call));
}

i64 puppet_ending(struct puppet *puppet, size_t len)
{
    struct system_result_ending_error result;
    ASSERT(system_await_end_decode_result(span_of(puppet->bytes, len), &result) == ERR_OK);
    if (!result.ok) {
        return -1000 - (i64)result.error;
    }
    switch (result.value.kind) {
    case SYSTEM_ENDING_EXITED:
        return result.value.as.exited;
    case SYSTEM_ENDING_TRAPPED:
        memmove(puppet->bytes, result.value.as.trapped.data, result.value.as.trapped.size);
        puppet->bytes[result.value.as.trapped.size] = 0;
        return -1;
    default:
        return -2;
    }
}

i64 puppet_await_end(struct stage *stage, struct puppet *puppet, u64 process)
{
    u8 body[8];
    struct system_await_end_call call = {process};
    size_t size = system_await_end_encode_call(body, sizeof body, &call);
    i64 len = system_call(stage, puppet, SYSTEM_AWAIT_END_ID, body, size);
    return len < 0 ? len : puppet_ending(puppet, (size_t)len);
}

static i64 spawn_with(struct stage *stage, struct puppet *puppet, u64 function, struct span body)
{
    i64 len = system_call(stage, puppet, function, body.data, body.size);
    if (len < 0) {
        return len;
    }
    struct system_result_u64_spawn_error result;
    ASSERT(system_spawn_decode_result(answer_of(puppet, len), &result) == ERR_OK);
    return result.ok ? (i64)result.value : -1000 - (i64)result.error.kind;
}

i64 puppet_spawn(struct stage *stage, struct puppet *puppet, struct span cid)
{
    u8 body[512];
    struct span argument = SPAN_LITERAL("child");
    struct system_spawn_call call = {
        .request = {.program = cid, .arguments = {.count = 1, .items = &argument}}};
    size_t size = system_spawn_encode_call(body, sizeof body, &call);
    ASSERT(size <= sizeof body);
    return spawn_with(stage, puppet, SYSTEM_SPAWN_ID, span_of(body, size));
}

i64 puppet_spawn_within(struct stage *stage, struct puppet *puppet, struct span cid, u32 memory)
{
    u8 body[512];
    struct system_spawn_within_call call = {.request = {.program = cid},
                                            .limits = {.memory = (enum system_memory_kind)memory}};
    size_t size = system_spawn_within_encode_call(body, sizeof body, &call);
    ASSERT(size <= sizeof body);
    return spawn_with(stage, puppet, SYSTEM_SPAWN_WITHIN_ID, span_of(body, size));
}
