// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/fuzz_syscalls.c: bytes that drive three processes through the three syscalls and the
// system and inspect interfaces, with arguments from a table of what is real, nearly real and
// absurd. After every few turns the kernel checks itself; at the end nothing may be left.
//
// An input is a run of orders of 10 bytes: who and what, seven indexes of arguments, two bytes of
// its own.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/kernel/limits.h"
#include "interfaces/inspect.h"
#include "interfaces/system.h"
#include "tests/kernel/grants.h"
#include "tests/kernel/stage.h"
#include <string.h>

enum { PUPPETS = 3, ORDER_BYTES = 10, ORDERS = 200, RECENT = 8 };

static const struct stage_interface a = {"test:fuzz/a", {{"one", 0}, {"two", 0}}};
static const struct stage_interface b = {"test:fuzz/b", {{"one", 0}}};
static const struct stage_interface inspect = {INSPECT_NAME, .real = &inspect_interface};

struct fuzz {
    struct stage stage;
    struct puppet *puppets[PUPPETS];
    u64 recent[RECENT]; // results: ids, bonds
    u32 recent_at;
    u64 bonds[PUPPETS];
    u64 watching[PUPPETS]; // bonds to inspect
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

static void order(struct fuzz *fuzz, const u8 *bytes)
{
    struct puppet *puppet = fuzz->puppets[(bytes[0] >> 4) % PUPPETS];
    u32 what = bytes[0] & 15;
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

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct fuzz fuzz;
    memset(&fuzz, 0, sizeof fuzz);
    stage_open(&fuzz.stage, size == 0 ? 0 : data[0], 2, NULL);
    fuzz.stage.check = false;
    const struct stage_interface *interfaces[] = {&a, &b, &inspect};
    char *cid = fuzz.cid;
    stage_program(&fuzz.stage, interfaces, 3, cid);
    for (u32 i = 0; i < PUPPETS; i++) {
        fuzz.puppets[i] = stage_start(&fuzz.stage, cid);
        prepare(&fuzz, fuzz.puppets[i], cid);
    }
    (void)puppet_register(&fuzz.stage, fuzz.puppets[0], &a);
    (void)puppet_register(&fuzz.stage, fuzz.puppets[1], &b);
    for (u32 i = 0; i < PUPPETS; i++) {
        fuzz.bonds[i] = (u64)puppet_bind(&fuzz.stage, fuzz.puppets[i], i == 0 ? &b : &a, false);
        fuzz.watching[i] = (u64)puppet_bind(&fuzz.stage, fuzz.puppets[i], &inspect, false);
        prepare(&fuzz, fuzz.puppets[i], cid);
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
