// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_recording.c: the format of recordings: what is written is read again, and what is
// damaged, cut or made up is refused.
#include "core/base/abi.h"
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/wire.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
#include "core/kernel/recording.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 4096 };

struct file {
    u8 bytes[BYTES];
    size_t size;
};

static const u8 hash[32] = {9, 8, 7};

static const struct recording_record start = {.kind = RECORDING_START, .words = {(u8 *)"me", 2}};
static const struct recording_record program = {
    .kind = RECORDING_MODULE, .module = {.cid = {(u8 *)"bafk", 4}, .bytes = {(u8 *)"\0asm", 4}}};
static const struct recording_record adapter = {.kind = RECORDING_MODULE,
                                                .module = {.is_adapter = true,
                                                           .cid = {(u8 *)"bafq", 4},
                                                           .adapts = {(u8 *)"wasi", 4},
                                                           .bytes = {(u8 *)"\0asm2", 5}}};
static const struct recording_record memory = {.kind = RECORDING_MEMORY, .memory = {2, 100}};
static const struct recording_record grown = {.kind = RECORDING_GROWN, .grown = {2, 3, true}};
static const struct recording_record bond = {.kind = RECORDING_BOND,
                                             .bond = {5, hash, {(u8 *)"a:b/c", 5}}};
static const struct recording_record call = {
    .kind = RECORDING_CALL,
    .call = {.kind = RECORDING_SEND,
             .has_result = true,
             .arguments = {5, 0xf00d, 64, 3, 128, 16, SEND_WAIT},
             .digest = 77,
             .result = 6,
             .bytes = {(u8 *)"answer", 6}},
};
static const struct recording_record last = {
    .kind = RECORDING_CALL,
    .call = {.kind = RECORDING_WAIT, .arguments = {64, 128, 0}},
};
static const struct recording_record end = {
    .kind = RECORDING_END, .end = {.kind = KERNEL_KILLED, .code = 3, .text = {(u8 *)"why", 3}}};

static bool put(void *context, const struct span *pieces, u32 count)
{
    struct file *file = context;
    for (u32 i = 0; i < count; i++) {
        assert_true(pieces[i].size <= BYTES - file->size);
        mem_copy(file->bytes + file->size, pieces[i].data, pieces[i].size);
        file->size += pieces[i].size;
    }
    return true;
}

static void write(struct file *file, const struct recording_record *const *records, u32 count)
{
    struct recording_out out = {.put = put, .context = file};
    file->size = 0;
    assert_true(recording_begin(&out));
    for (u32 i = 0; i < count; i++) {
        assert_true(recording_put(&out, records[i]));
        assert_int_equal(file->size % 8, 0);
    }
    assert_int_equal(out.bytes, file->size);
}

static const struct recording_record *const whole[] = {&start, &program, &adapter, &memory, &grown,
                                                       &bond,  &call,    &last,    &end};

static struct span all(const struct file *file)
{
    return span_of(file->bytes, file->size);
}

// Reads all of it. Returns what came behind the last record.
static enum err read_all(struct span bytes, struct recording *recording, u32 *count,
                         struct report *report)
{
    struct recording_record record;
    *count = 0;
    report_clear(report);
    enum err err = recording_open(bytes, recording, report);
    while (err == ERR_OK) {
        err = recording_next(recording, &record, report);
        *count += err == ERR_OK;
    }
    return err;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct file file;
    struct recording in;
    struct recording_record read;
    write(&file, whole, COUNT_OF(whole));
    assert_int_equal(recording_open(all(&file), &in, NULL), ERR_OK);
    assert_true(span_equal(in.words, start.words));
    assert_true(span_equal(in.program.cid, program.module.cid));
    assert_true(span_equal(in.program.bytes, program.module.bytes));
    assert_true(span_equal(in.adapter.adapts, adapter.module.adapts));
    assert_true(span_equal(in.adapter.bytes, adapter.module.bytes));
    assert_int_equal(recording_next(&in, &read, NULL), ERR_OK);
    assert_int_equal(read.memory.pages_max, 100);
    assert_int_equal(recording_next(&in, &read, NULL), ERR_OK);
    assert_true(read.grown.is_refused && read.grown.after == 3);
    assert_int_equal(recording_next(&in, &read, NULL), ERR_OK);
    assert_memory_equal(read.bond.hash, hash, sizeof hash);
    assert_true(read.bond.id == 5 && span_equal(read.bond.name, bond.bond.name));
    assert_int_equal(recording_next(&in, &read, NULL), ERR_OK);
    assert_memory_equal(read.call.arguments, call.call.arguments, sizeof call.call.arguments);
    assert_true(read.call.digest == 77 && read.call.result == 6 && read.call.has_result);
    assert_true(span_equal(read.call.bytes, call.call.bytes));
    assert_int_equal(recording_next(&in, &read, NULL), ERR_OK);
    assert_false(read.call.has_result);
    assert_int_equal(recording_next(&in, &read, NULL), ERR_OK);
    assert_int_equal(read.end.kind, KERNEL_KILLED);
    assert_true(read.end.code == 3 && span_equal(read.end.text, end.end.text));
    assert_int_equal(recording_next(&in, &read, NULL), ERR_CLOSED);
}

static void a_bit_that_changes_is_found(void **state)
{
    (void)state;
    struct file file;
    struct recording in;
    struct report report;
    u32 count;
    write(&file, whole, COUNT_OF(whole));
    for (size_t bit = 0; bit < file.size * 8; bit++) {
        file.bytes[bit / 8] ^= (u8)(1 << bit % 8);
        enum err err = read_all(all(&file), &in, &count, &report);
        // a size that grew is as if the rest were missing
        assert_true(err == ERR_MALFORMED || err == ERR_UNSUPPORTED ||
                    (err == ERR_CLOSED && !in.has_ended));
        assert_int_equal(report.err, err);
        file.bytes[bit / 8] ^= (u8)(1 << bit % 8);
    }
}

static void a_cut_is_told_from_damage(void **state)
{
    (void)state;
    struct file file;
    struct recording in;
    struct report report;
    u32 count;
    write(&file, whole, COUNT_OF(whole));
    for (size_t size = 1; size < file.size; size++) {
        assert_int_equal(read_all(span_of(file.bytes, size), &in, &count, &report), ERR_CLOSED);
        assert_false(in.has_ended);
    }
    assert_int_equal(read_all((struct span){0}, &in, &count, &report), ERR_MALFORMED);
}

// Each is refused at its last record but those behind it, whose sums are right.
static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct recording_record other = call;
    struct recording_record bad[16];
    u32 count = 0;
    other.call.result = 7; // than there are bytes
    bad[count++] = other;
    other = call;
    other.call.arguments[5] = 5; // shorter than what was written
    bad[count++] = other;
    other = call;
    other.call.arguments[6] = 0; // it wrote nothing then
    bad[count++] = other;
    other = call;
    other.call.kind = RECORDING_CALL_KINDS;
    bad[count++] = other;
    other = call;
    other.call.kind = RECORDING_PARK;
    bad[count++] = other;
    other = last;
    other.call.bytes = call.call.bytes; // without a result
    bad[count++] = other;
    other = end;
    other.end.kind = KERNEL_NOT_LOADED + 1;
    bad[count++] = other;
    other = end;
    other.end.load = KERNEL_LOAD_BUDGET + 1;
    bad[count++] = other;
    bad[count++] = program;
    bad[count++] = start;
    for (u32 i = 0; i < count; i++) {
        const struct recording_record *const records[] = {&start, &program, &bad[i]};
        struct file file;
        struct recording in;
        struct report report;
        u32 read;
        write(&file, records, COUNT_OF(records));
        assert_int_equal(read_all(all(&file), &in, &read, &report), ERR_MALFORMED);
        assert_int_equal(read, 0);
    }
}

static void order_is_kept(void **state)
{
    (void)state;
    const struct recording_record *const rows[][4] = {
        {&program, &start, &end},           // no start first
        {&start, &adapter, &end},           // no program
        {&start, &end},                     //
        {&start, &program, &end, &end},     // behind the end
        {&start, &program, &end, &memory},  //
        {&start, &program, &last, &memory}, // behind a call that never came back
        {&start, &program, &memory, &adapter},
        {&start, &program, &bond, &bond}, // no call between them
        {&start, &program, &program, &end},
    };
    for (u32 i = 0; i < COUNT_OF(rows); i++) {
        struct file file;
        struct recording in;
        struct report report;
        u32 read;
        write(&file, rows[i], rows[i][2] == NULL ? 2 : rows[i][3] == NULL ? 3 : 4);
        assert_int_equal(read_all(all(&file), &in, &read, &report), ERR_MALFORMED);
    }
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    struct file file;
    struct recording in;
    write(&file, whole, COUNT_OF(whole));
    file.bytes[16]++;
    assert_int_equal(recording_open(all(&file), &in, NULL), ERR_UNSUPPORTED);
    file.bytes[16]--;
    file.bytes[0]++;
    assert_int_equal(recording_open(all(&file), &in, NULL), ERR_MALFORMED);
}

// What a header of a notification is to be, which a wait without room for more gets.
static void a_call_writes_what_its_result_says(void **state)
{
    (void)state;
    const struct {
        struct recording_call call;
        u32 bytes;
    } rows[] = {
        {{RECORDING_WAIT, true, {0, 100}, 0, E_BUFFER, {0}}, 40},
        {{RECORDING_WAIT, true, {0, 40}, 0, E_BUFFER, {0}}, 40},
        {{RECORDING_WAIT, true, {0, 39}, 0, E_BUFFER, {0}}, 0},
        {{RECORDING_WAIT, true, {0, 100}, 0, 48, {0}}, 48},
        {{RECORDING_WAIT, true, {0, 100}, 0, 0, {0}}, 0},
        {{RECORDING_WAIT, true, {0, 100}, 0, E_FAULT, {0}}, 0},
        {{RECORDING_ANSWER, true, {1, 0, 0, 0, 100, ANSWER_WAIT}, 0, 48, {0}}, 48},
        {{RECORDING_ANSWER, true, {1, 0, 0, 0, 100, 0}, 0, 48, {0}}, 0},
        {{RECORDING_SEND, true, {1, 0, 0, 0, 0, 9, SEND_WAIT}, 0, (i64)1 << 32 | 4, {0}}, 4},
        {{RECORDING_SEND, true, {1, 0, 0, 0, 0, 9, 0}, 0, 1234, {0}}, 0},
        {{RECORDING_SEND, false, {1, 0, 0, 0, 0, 9, SEND_WAIT}, 0, 5, {0}}, 0},
        {{RECORDING_PARK, true, {1}, 0, 2, {0}}, 0},
    };
    for (u32 i = 0; i < COUNT_OF(rows); i++) {
        u32 pointer;
        assert_int_equal(recording_call_bytes(&rows[i].call, &pointer), rows[i].bytes);
    }
}

// Long runs are summed in another way than short ones: no byte of either is left out.
static void a_sum_sees_every_byte(void **state)
{
    (void)state;
    static u8 bytes[600];
    for (size_t size = 0; size <= sizeof bytes; size += 1 + size / 7) {
        u64 sum = recording_sum(1, span_of(bytes, size));
        for (size_t i = 0; i < size; i++) {
            bytes[i] = 0x40;
            assert_true(recording_sum(1, span_of(bytes, size)) != sum);
            bytes[i] = 0;
        }
    }
    bytes[0] = 1; // places that change places
    u64 first = recording_sum(1, span_of(bytes, 512));
    bytes[0] = 0;
    bytes[8] = 1;
    u64 second = recording_sum(1, span_of(bytes, 512));
    bytes[8] = 0;
    bytes[32] = 1;
    assert_true(first != second && second != recording_sum(1, span_of(bytes, 512)));
    bytes[32] = 0;
}

// ---- the bounds

static bool put_longer(void *context, const struct span *pieces, u32 count)
{
    struct span *file = context;
    u8 *to = (u8 *)file->data;
    for (u32 i = 0; i < count; i++) {
        mem_copy(to + file->size, pieces[i].data, pieces[i].size);
        file->size += pieces[i].size;
    }
    return true;
}

// What a recording comes to whose only happening is that.
static enum err read_one(const struct recording_record *record, size_t rest)
{
    struct span file = {malloc(BYTES + rest), 0};
    struct recording_out out = {.put = put_longer, .context = &file};
    assert_non_null(file.data);
    assert_true(recording_begin(&out) && recording_put(&out, &start) &&
                recording_put(&out, &program) && recording_put(&out, record));
    struct recording in;
    struct recording_record read;
    assert_int_equal(recording_open(file, &in, NULL), ERR_OK);
    enum err err = recording_next(&in, &read, NULL);
    free((void *)file.data);
    return err;
}

// Nothing longer was ever written, and a reader makes no sum of it.
static void a_record_has_a_bound(void **state)
{
    (void)state;
    static u8 bytes[KERNEL_RECORD_CALL_BYTES + 1];
    static const enum err expected[] = {ERR_OK, ERR_MALFORMED};
    for (u32 more = 0; more < COUNT_OF(expected); more++) {
        struct recording_record record = bond;
        size_t size = INTERFACE_NAME_BYTES + more;
        record.bond.name = span_of(bytes, size);
        assert_int_equal(read_one(&record, size), expected[more]);
        record = end;
        size = KERNEL_END_TEXT + more;
        record.end.text = span_of(bytes, size);
        assert_int_equal(read_one(&record, size), expected[more]);
        size = KERNEL_RECORD_CALL_BYTES + more;
        record = (struct recording_record){
            .kind = RECORDING_CALL,
            .call = {.kind = RECORDING_WAIT,
                     .has_result = true,
                     .arguments = {0, size},
                     .result = (i64)size,
                     .bytes = {bytes, size}},
        };
        assert_int_equal(read_one(&record, size), expected[more]);
    }
}

static bool swallow(void *context, const struct span *pieces, u32 count)
{
    u64 *bytes = context;
    for (u32 i = 0; i < count; i++) {
        *bytes += pieces[i].size;
    }
    return true;
}

static void a_recording_has_a_bound(void **state)
{
    (void)state;
    enum { AROUND = 8 + 8 }; // of a record with no fixed part
    static u8 words[1 << 16];
    u64 bytes = 0;
    struct recording_out out = {.put = swallow, .context = &bytes};
    assert_true(recording_begin(&out));
    out.bytes = bytes = KERNEL_RECORD_BYTES - 2 * sizeof words; // as if so much had been written
    struct recording_record record = {.kind = RECORDING_START,
                                      .words = span_of(words, sizeof words)};
    assert_true(recording_put(&out, &record));
    u64 left = KERNEL_RECORD_BYTES - bytes;
    record.words.size = (size_t)left - AROUND;
    struct recording_record one_more = record;
    one_more.words.size++;
    assert_false(recording_put(&out, &one_more));
    assert_true(recording_put(&out, &record));
    assert_int_equal(bytes, KERNEL_RECORD_BYTES);
    record.words.size = 0;
    assert_false(recording_put(&out, &record));
    assert_int_equal(bytes, KERNEL_RECORD_BYTES);

    struct file file; // the reader's: it looks no further than it has to
    struct recording in;
    write(&file, whole, COUNT_OF(whole));
    assert_int_equal(
        recording_open(span_of(file.bytes, (size_t)KERNEL_RECORD_BYTES + 1), &in, NULL), ERR_LIMIT);
    assert_int_equal(recording_open(span_of(file.bytes, KERNEL_RECORD_BYTES), &in, NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_bit_that_changes_is_found),
        cmocka_unit_test(a_cut_is_told_from_damage),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(a_call_writes_what_its_result_says),
        cmocka_unit_test(a_sum_sees_every_byte),
        cmocka_unit_test(a_record_has_a_bound),
        cmocka_unit_test(a_recording_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
