// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/fuzz_replay.c: a process that is replayed from a recording which somebody has changed.
// The bytes are changes to the recording of a puppet's life, 12 bytes each: which record, which of
// its fields, and what is there now. The sums are right again. Whatever it says, the kernel stays
// whole, the process comes to its end or its calls do, and its outcome is told once.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/kernel/record.h"
#include "core/kernel/recording.h"
#include "tests/kernel/stage.h"
#include <stdio.h>
#include <stdlib.h>

enum { TAPE_BYTES = 1 << 20, CHANGE_BYTES = 12, CHANGES = 8, TURNS = 3000, FUEL = 20000 };

struct tape {
    size_t size;
    u32 endings;
    u8 bytes[TAPE_BYTES];
};

static struct tape life;
static struct tape changed;

static bool put(void *context, const struct span *pieces, u32 count)
{
    struct tape *tape = context;
    for (u32 i = 0; i < count; i++) {
        ASSERT(pieces[i].size <= TAPE_BYTES - tape->size);
        mem_copy(tape->bytes + tape->size, pieces[i].data, pieces[i].size);
        tape->size += pieces[i].size;
    }
    return true;
}

static void ended(void *context, const struct kernel_record_state *state)
{
    struct tape *tape = context;
    tape->endings++;
    ASSERT(state->outcome <= KERNEL_RECORD_LOST);
}

// A puppet that binds, asks, waits, grows and ends.
static void live(void)
{
    static struct stage stage;
    static const struct stage_interface shop = {"test:fuzz/shop", {{"buy", 0}}};
    const struct stage_interface *const interfaces[] = {&shop};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_open(&stage, 1, 1, NULL);
    stage_program(&stage, interfaces, 1, cid);
    struct kernel_record_config config = {.context = &life, .put = put, .ended = ended};
    enum err err = kernel_record_create(stage.kernel, &config, &stage.record);
    ASSERT(err == ERR_OK);
    struct puppet *puppet = stage_start(&stage, cid);
    i64 bond = puppet_bind(&stage, puppet, &shop, true);
    ASSERT(bond == BLOCKED);
    struct puppet *keeper = stage_start(&stage, cid);
    (void)puppet_register(&stage, keeper, &shop);
    bond = puppet_bind_end(&stage, puppet);
    ASSERT(bond > 0);
    u64 buy = stage_function_id(&shop, 0);
    (void)puppet_send(&stage, puppet, (u32)bond, buy, SPAN_LITERAL("bread"), 0);
    static struct notification note;
    bool is_told = puppet_next(&stage, keeper, &note);
    ASSERT(is_told);
    (void)puppet_answer(&stage, keeper, note.header.id, SPAN_LITERAL("butter"), 0);
    is_told = puppet_next(&stage, puppet, &note);
    ASSERT(is_told);
    (void)puppet_do(&stage, puppet, &(struct puppet_order){.kind = PUPPET_GROW, .a = 1});
    (void)puppet_wait(&stage, puppet, 64, 1);
    (void)puppet_do(&stage, puppet, &(struct puppet_order){.kind = PUPPET_RETURN, .a = 3});
    stage_close(&stage);
    ASSERT(life.endings == 1);
}

// Changes a record. Its bytes, if it is a call with some, are copied to `bytes` to be changed
// there.
static void change(struct recording_record *record, const u8 *how, u8 *bytes)
{
    u64 value = mem_load_u64(how + 4);
    u8 field = how[2];
    switch (record->kind) {
    case RECORDING_MEMORY:
        *(field % 2 == 0 ? &record->memory.pages : &record->memory.pages_max) = (u32)value;
        break;
    case RECORDING_GROWN:
        record->grown.is_refused = field % 3 == 0;
        record->grown.after = field % 3 == 1 ? (u32)value : record->grown.after;
        break;
    case RECORDING_BOND:
        record->bond.id = (u32)value;
        break;
    case RECORDING_CALL:
        if (field < RECORDING_ARGUMENTS) {
            record->call.arguments[field] = value;
        } else if (field % 4 == 0) {
            record->call.result = (i64)value;
        } else if (field % 4 == 1) {
            record->call.has_result = !record->call.has_result;
        } else if (record->call.bytes.size > 0) {
            mem_copy(bytes, record->call.bytes.data, record->call.bytes.size);
            bytes[(how[3] | (u32)field << 6) % record->call.bytes.size] = (u8)value;
            record->call.bytes.data = bytes;
        }
        break;
    default:
        record->end.kind = field % 4;
        record->end.code = (u32)value;
        break;
    }
}

static void change_all(const u8 *data, u32 count)
{
    struct recording from;
    struct recording_record record;
    struct recording_out to = {.put = put, .context = &changed};
    static u8 bytes[TAPE_BYTES];
    changed.size = 0;
    changed.endings = 0;
    enum err err = recording_open(span_of(life.bytes, life.size), &from, NULL);
    ASSERT(err == ERR_OK);
    (void)recording_begin(&to);
    record = (struct recording_record){.kind = RECORDING_START, .words = from.words};
    (void)recording_put(&to, &record);
    record = (struct recording_record){.kind = RECORDING_MODULE, .module = from.program};
    (void)recording_put(&to, &record);
    for (u32 number = 0; recording_next(&from, &record, NULL) == ERR_OK; number++) {
        for (u32 i = 0; i < count; i++) {
            if (mem_load_u16(data + i * CHANGE_BYTES) == number) {
                change(&record, data + i * CHANGE_BYTES, bytes);
            }
        }
        (void)recording_put(&to, &record);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (life.size == 0) {
        live();
    }
    u32 count = size / CHANGE_BYTES < CHANGES ? (u32)(size / CHANGE_BYTES) : CHANGES;
    change_all(data, count);
    struct recording recording;
    if (recording_open(span_of(changed.bytes, changed.size), &recording, NULL) != ERR_OK) {
        return 0;
    }
    static struct stage stage;
    stage = (struct stage){0};
    stage_open(&stage, 2, 1, NULL);
    stage.check = true;
    stage.fuel_most = FUEL; // a puppet may be told to work for ever
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_add(&stage, recording.program.bytes, (struct span){0}, cid);
    struct kernel_record_config config = {
        .context = &changed, .replay = &recording, .ended = ended};
    enum err err = kernel_record_create(stage.kernel, &config, &stage.record);
    ASSERT(err == ERR_OK);
    const struct puppet *puppet = stage_start_any(&stage, cid);
    stage_settle(&stage, TURNS);
    bool has_ended = puppet->has_ended;
    ASSERT(changed.endings == (has_ended ? 1 : 0));
    stage_close_running(&stage);
    ASSERT(changed.endings == 1);
    return 0;
}
