// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/fuzz_syscalls.c: bytes that drive three processes through the three syscalls and the
// interfaces that the kernel handles, with arguments from a table of what is real, nearly real and
// absurd. The third is a child of the first, and two of its streams lead into a pipe. After every
// few turns the kernel checks itself; at the end nothing may be left.
//
// An input is a run of orders of 10 bytes: who and what, seven indexes of arguments, two bytes of
// its own; or a call of processes or stdio that is well-formed.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/kernel/limits.h"
#include "core/kernel/names.h"
#include "interfaces/inspect.h"
#include "interfaces/processes.h"
#include "interfaces/stdio.h"
#include "interfaces/system.h"
#include "tests/kernel/grants.h"
#include "tests/kernel/stage.h"
#include <string.h>

enum { PUPPETS = 3, ORDER_BYTES = 10, ORDERS = 200, RECENT = 8 };

static const struct stage_interface a = {"test:fuzz/a", {{"one", 0}, {"two", 0}}};
static const struct stage_interface b = {"test:fuzz/b", {{"one", 0}}};
static const struct stage_interface inspect = {INSPECT_NAME, .real = &inspect_interface};

static const struct stage_interface processes = {PROCESSES_NAME, .real = &processes_interface};
static const struct stage_interface standard = {STDIO_NAME, .real = &stdio_interface};

struct fuzz {
    struct stage stage;
    struct puppet *puppets[PUPPETS];
    u64 ends[2];        // of the first one's pipe
    u64 recent[RECENT]; // results: ids, bonds
    u32 recent_at;
    u64 bonds[PUPPETS];
    u64 watching[PUPPETS]; // bonds to inspect,
    u64 family[PUPPETS];   // to processes,
    u64 stdio[PUPPETS];    // and to stdio
    char cid[KERNEL_CID_TEXT_BYTES];
};

// What stands at the start of each puppet's area: bodies of system calls.
static void prepare(struct fuzz *fuzz, struct puppet *puppet, const char *cid)
{
    u8 book[512] = {0};
    stage_interface_hash(&a, book);
    stage_interface_hash(&b, book + 64);
    mem_copy(book + 128, inspect_interface.hash, 32);
    struct system_spawn_call call = {.request = {.program = span_string(cid)}};
    (void)system_spawn_encode_call(book + 192, 128, &call);
    mem_store_u64(book + 320, puppet->process + 3);
    puppet_poke(&fuzz->stage, puppet, puppet->area, span_of(book, sizeof book));
}

static const u64 numbers[] = {
    0,
    1,
    2,
    3,
    4,
    8,
    32,
    33,
    40,
    64,
    200,
    4096,
    5000,
    65536,
    1 << 20,
    KERNEL_BODY_BYTES,
    KERNEL_BODY_BYTES + 1,
    0x7fffffff,
    0x80000000,
    UINT32_MAX,
    UINT64_MAX,
};

static u64 argument(struct fuzz *fuzz, const struct puppet *puppet, u8 index, u16 own)
{
    u64 area = puppet->area;
    const u64 table[] = {
        area,
        area + 64,
        area + 128,
        area + 192,
        area + 320,
        area + own,
        own,
        puppet_answer_address(puppet),
        area + PUPPET_AREA_BYTES - 8,
        SYSTEM_BIND_ID,
        SYSTEM_UNBIND_ID,
        SYSTEM_REGISTER_ID,
        SYSTEM_UNREGISTER_ID,
        SYSTEM_CANCEL_ID,
        SYSTEM_START_ID,
        SYSTEM_SPAWN_ID,
        SYSTEM_AWAIT_END_ID,
        SYSTEM_KILL_ID,
        SYSTEM_EXIT_ID,
        stage_function_id(&a, 0),
        stage_function_id(&a, 1),
        stage_function_id(&b, 0),
        INSPECT_PROCESSES_ID,
        INSPECT_SUMMARY_ID,
        fuzz->bonds[0],
        fuzz->bonds[1],
        fuzz->bonds[2],
        fuzz->bonds[own % PUPPETS] + 1,
        fuzz->recent[own % RECENT],
        fuzz->recent[0],
        fuzz->recent[1],
        fuzz->recent[2],
        fuzz->recent[3] ^ 1,
        71,
        72,
        73,
        79,
        59,
        67,
        100,
        SYSTEM_CLIENT_LIMITS_ID,
        INSPECT_BUDGETS_ID,
        INSPECT_BONDS_ID,
        INSPECT_REFUSALS_ID,
        INSPECT_INTERFACES_ID,
        fuzz->watching[own % PUPPETS],
        PROCESSES_SPAWN_ID,
        PROCESSES_WAIT_ID,
        PROCESSES_KILL_ID,
        PROCESSES_DESCENDANTS_ID,
        PROCESSES_PIPE_ID,
        PROCESSES_READ_ID,
        PROCESSES_WRITE_ID,
        PROCESSES_CLOSE_ID,
        PROCESSES_NAMES_ID,
        STDIO_READ_ID,
        STDIO_WRITE_ID,
        STDIO_IS_TERMINAL_ID,
        fuzz->family[own % PUPPETS],
        fuzz->stdio[own % PUPPETS],
        fuzz->ends[own % 2],
    };
    u32 at = index % (COUNT_OF(numbers) + COUNT_OF(table));
    return at < COUNT_OF(numbers) ? numbers[at] : table[at - COUNT_OF(numbers)];
}

static void remember(struct fuzz *fuzz, const struct puppet *puppet)
{
    if (puppet->result > 0) {
        fuzz->recent[fuzz->recent_at++ % RECENT] = (u64)puppet->result;
    }
    for (u32 at = 0; at + 40 <= puppet->bytes_len; at += 8) { // ids in what it peeked at
        u64 id = mem_load_u64(puppet->bytes + at + 8);
        if (id >> 24 != 0 && id >> 56 == 0) {
            fuzz->recent[fuzz->recent_at++ % RECENT] = id;
        }
    }
}

// A word of the user about the puppets, or about all programs.
static void change_mind(struct fuzz *fuzz, const u8 *bytes)
{
    struct kernel_grant grant = {.right = bytes[0] % 8 == 0 ? KERNEL_HANDLE : KERNEL_USE,
                                 .word = (enum kernel_word)(bytes[1] % 3),
                                 .limit = span_of(bytes, bytes[2] % 4)};
    grants_name(&grant, bytes[3] % 4 == 0 ? NULL : fuzz->cid, bytes[4] % 2 == 0 ? &a : &b);
    if (bytes[5] % 4 != 0) {
        (void)!kernel_grant_set(fuzz->stage.kernel, &grant);
    } else {
        (void)!kernel_grant_forget(fuzz->stage.kernel, grant.right, grant.program, grant.interface);
    }
}

static struct processes_stream stream_of(const struct fuzz *fuzz, u8 byte)
{
    u64 ids[] = {fuzz->ends[0], fuzz->ends[1], fuzz->recent[byte / 16 % RECENT], byte};
    return (struct processes_stream){.kind = (enum processes_stream_kind)(byte % 3),
                                     .as.pipe = ids[byte / 3 % 4]};
}

static size_t spawn_body(const struct fuzz *fuzz, const u8 *bytes, u8 *body, size_t room)
{
    static const struct span names[] = {SPAN_LITERAL("redshirt:test/puppet"),
                                        SPAN_LITERAL(PROCESSES_NAME), SPAN_LITERAL(STDIO_NAME)};
    struct processes_spawn_call call = {
        .request = {.program = {.kind = PROCESSES_PROGRAM_CID, .as.cid = span_string(fuzz->cid)},
                    .input = stream_of(fuzz, bytes[1]),
                    .output = stream_of(fuzz, bytes[2]),
                    .error = stream_of(fuzz, bytes[3]),
                    .only = {.some = bytes[4] % 4 == 0,
                             .value = {.count = bytes[4] / 4 % 4, .items = names}}}};
    if (bytes[4] % 8 == 1) {
        call.request.program.kind = PROCESSES_PROGRAM_NAME;
        call.request.program.as.name = SPAN_LITERAL("puppet");
    }
    return processes_spawn_encode_call(body, room, &call);
}

// A call of processes or stdio that is well-formed.
static void family_order(struct fuzz *fuzz, u32 who, const u8 *bytes)
{
    static u8 body[70000];
    static u8 data[65536];
    struct puppet *puppet = fuzz->puppets[who];
    u32 count = mem_load_u16(bytes + 5);
    u64 number = bytes[1] % 4 < 2 ? fuzz->ends[bytes[1] % 4] : fuzz->recent[bytes[1] % RECENT];
    u64 function = PROCESSES_PIPE_ID;
    size_t size = 0;
    u64 bond = fuzz->family[who];
    struct processes_write_call put = {number, span_of(data, count)};
    struct processes_read_call get = {number, count};
    struct stdio_write_call write = {(enum stdio_stream)(bytes[1] % 3), span_of(data, count)};
    struct stdio_read_call read = {count};
    static const u64 by_number[] = {PROCESSES_WAIT_ID, PROCESSES_KILL_ID, PROCESSES_CLOSE_ID,
                                    PROCESSES_DESCENDANTS_ID};
    switch (bytes[0] % 8) {
    case 0:
        function = PROCESSES_SPAWN_ID;
        size = spawn_body(fuzz, bytes, body, sizeof body);
        break;
    case 1:
        function = by_number[bytes[2] % 4];
        mem_store_u64(body, bytes[2] % 4 == 2 ? number : puppet->process + bytes[3] % 8);
        size = 8;
        break;
    case 2:
        function = PROCESSES_WRITE_ID;
        size = processes_write_encode_call(body, sizeof body, &put);
        break;
    case 3:
        function = PROCESSES_READ_ID;
        size = processes_read_encode_call(body, sizeof body, &get);
        break;
    case 4:
        bond = fuzz->stdio[who];
        function = STDIO_WRITE_ID;
        size = stdio_write_encode_call(body, sizeof body, &write);
        break;
    case 5:
        bond = fuzz->stdio[who];
        function = STDIO_READ_ID;
        size = stdio_read_encode_call(body, sizeof body, &read);
        break;
    default:
        break;
    }
    ASSERT(size <= PUPPET_AREA_BYTES / 2);
    puppet_poke(&fuzz->stage, puppet, puppet->area + 1024, span_of(body, size));
    struct puppet_order made = {.kind = PUPPET_SEND,
                                .a = bond,
                                .b = function,
                                .c = puppet->area + 1024,
                                .d = size,
                                .e = puppet->area + 1024,
                                .f = count % 3 == 0 ? 8 : 66000,
                                .g = bytes[4] % 3};
    if (puppet->is_idle) {
        puppet_tell(&fuzz->stage, puppet, &made);
    }
}

static void order(struct fuzz *fuzz, const u8 *bytes)
{
    u32 who = (bytes[0] >> 4) % PUPPETS;
    struct puppet *puppet = fuzz->puppets[who];
    u32 what = bytes[0] & 15;
    if (what == 14 && bytes[9] % 4 == 1) {
        if (puppet->is_idle) {
            remember(fuzz, puppet);
            family_order(fuzz, who, bytes + 1);
        }
        return;
    }
    if (what == 15) {
        stage_kill(&fuzz->stage, puppet);
    }
    if (what == 14) {
        if (mem_load_u16(bytes + 8) >= 1 << 15) {
            change_mind(fuzz, bytes + 1);
        }
        stage_settle(&fuzz->stage, 50);
    }
    if (!puppet->is_idle || what >= 14) {
        return;
    }
    remember(fuzz, puppet);
    u16 own = mem_load_u16(bytes + 8);
    u64 arguments[7];
    for (u32 i = 0; i < 7; i++) {
        arguments[i] = argument(fuzz, puppet, bytes[1 + i], own);
    }
    static const u32 kinds[14] = {PUPPET_SEND, PUPPET_SEND,   PUPPET_SEND,   PUPPET_SEND,
                                  PUPPET_SEND, PUPPET_ANSWER, PUPPET_ANSWER, PUPPET_ANSWER,
                                  PUPPET_WAIT, PUPPET_WAIT,   PUPPET_PEEK,   PUPPET_POKE,
                                  PUPPET_POKE, PUPPET_GROW};
    struct puppet_order made = {.kind = kinds[what],
                                .a = arguments[0],
                                .b = arguments[1],
                                .c = arguments[2],
                                .d = arguments[3],
                                .e = arguments[4],
                                .f = arguments[5],
                                .g = arguments[6]};
    static u8 poked[8];
    switch (made.kind) {
    case PUPPET_PEEK:
        made.a = puppet->area + own % 1000;
        made.b = 200;
        break;
    case PUPPET_POKE:
        made.a = puppet->area + own % 500;
        mem_store_u64(poked, arguments[0]);
        made.bytes = span_of(poked, 8);
        break;
    case PUPPET_GROW:
        made.a %= 4;
        break;
    default:
        break;
    }
    puppet_tell(&fuzz->stage, puppet, &made);
}

// What the first puppet's call of processes is answered with.
static struct span family_call(struct fuzz *fuzz, u64 function, struct span body)
{
    struct puppet *puppet = fuzz->puppets[0];
    i64 size = puppet_send(&fuzz->stage, puppet, (u32)fuzz->family[0], function, body, SEND_WAIT);
    ASSERT(size > 0 && (size & ANSWER_IS_ERROR) == 0);
    return puppet_peek(&fuzz->stage, puppet, puppet_answer_address(puppet), (u32)size);
}

// A child of the first puppet, whose input and output lead into a pipe of that one's.
static struct puppet *child_start(struct fuzz *fuzz)
{
    struct processes_result_pipe_ends_pipe_error made;
    enum err err =
        processes_pipe_decode_result(family_call(fuzz, PROCESSES_PIPE_ID, (struct span){0}), &made);
    ASSERT(err == ERR_OK && made.ok);
    fuzz->ends[0] = made.value.reader;
    fuzz->ends[1] = made.value.writer;
    static const u8 bytes[] = {0, 2, 2 + 3, 0, 3}; // its reader, its writer; no fence
    u8 body[256];
    size_t size = spawn_body(fuzz, bytes, body, sizeof body);
    ASSERT(size <= sizeof body);
    struct processes_result_u64_system_spawn_error child;
    err = processes_spawn_decode_result(family_call(fuzz, PROCESSES_SPAWN_ID, span_of(body, size)),
                                        &child);
    ASSERT(err == ERR_OK && child.ok);
    return stage_find(&fuzz->stage, child.value);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct fuzz fuzz;
    memset(&fuzz, 0, sizeof fuzz);
    stage_open(&fuzz.stage, size == 0 ? 0 : data[0], 2, NULL);
    fuzz.stage.check = false;
    const struct stage_interface *interfaces[] = {&a, &b, &inspect, &processes, &standard};
    char *cid = fuzz.cid;
    stage_program(&fuzz.stage, interfaces, COUNT_OF(interfaces), cid);
    enum err err =
        kernel_name_add(fuzz.stage.kernel, SPAN_LITERAL("puppet"), span_string(fuzz.cid));
    ASSERT(err == ERR_OK);
    fuzz.puppets[0] = stage_start(&fuzz.stage, cid);
    fuzz.puppets[1] = stage_start(&fuzz.stage, cid);
    fuzz.family[0] = (u64)puppet_bind(&fuzz.stage, fuzz.puppets[0], &processes, false);
    fuzz.puppets[2] = child_start(&fuzz);
    (void)puppet_register(&fuzz.stage, fuzz.puppets[0], &a);
    (void)puppet_register(&fuzz.stage, fuzz.puppets[1], &b);
    (void)puppet_register(&fuzz.stage, fuzz.puppets[1], &standard);
    for (u32 i = 0; i < PUPPETS; i++) {
        struct puppet *puppet = fuzz.puppets[i];
        prepare(&fuzz, puppet, cid);
        fuzz.bonds[i] = (u64)puppet_bind(&fuzz.stage, puppet, i == 0 ? &b : &a, false);
        fuzz.watching[i] = (u64)puppet_bind(&fuzz.stage, puppet, &inspect, false);
        fuzz.family[i] = (u64)puppet_bind(&fuzz.stage, puppet, &processes, false);
        fuzz.stdio[i] = (u64)puppet_bind(&fuzz.stage, puppet, &standard, false);
        prepare(&fuzz, puppet, cid);
    }
    for (u32 i = 0; i < ORDERS && (i + 1) * ORDER_BYTES <= size; i++) {
        order(&fuzz, data + i * ORDER_BYTES);
        for (u32 turn = 0; turn < 6; turn++) {
            (void)stage_turn(&fuzz.stage);
        }
        if (i % 4 == 3) {
            kernel_check(fuzz.stage.kernel);
        }
    }
    for (u64 id = 1; id < 400; id++) {
        (void)!kernel_kill(fuzz.stage.kernel, (struct kernel_process_id){id});
    }
    stage_settle(&fuzz.stage, 20000);
    kernel_check_empty(fuzz.stage.kernel);
    stage_close_running(&fuzz.stage);
    return 0;
}
