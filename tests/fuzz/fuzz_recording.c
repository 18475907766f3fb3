// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/fuzz_recording.c: bytes as a recording. An odd first byte: as they are. An even one:
// as records whose sums are made right, so that what stands behind them is reached. What is
// accepted is the same bytes when it is written again.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/kernel/kernel.h"
#include "core/kernel/recording.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { BYTES = 1 << 16, RECORD_MOST = 256 };

struct buffer {
    u8 bytes[BYTES];
    size_t size;
};

static bool put(void *context, const struct span *pieces, u32 count)
{
    struct buffer *to = context;
    for (u32 i = 0; i < count; i++) {
        ASSERT(pieces[i].size <= BYTES - to->size);
        mem_copy(to->bytes + to->size, pieces[i].data, pieces[i].size);
        to->size += pieces[i].size;
    }
    return true;
}

// What the sum takes by itself, of each kind.
static size_t fixed_bytes(u8 kind)
{
    static const u8 bytes[] = {0, 0, 112, 8, 8, 40, 72, 16};
    return kind < sizeof bytes ? bytes[kind] : 0;
}

// Records of a kind, a detail, a size and so many bytes.
static void make(struct buffer *to, const u8 *data, size_t size)
{
    struct recording_out out = {.put = put, .context = to};
    (void)recording_begin(&out);
    u64 sum = out.sum;
    size_t at = 0;
    while (size - at >= 3 && BYTES - to->size >= RECORD_MOST + 32) {
        size_t said = data[at + 2];
        said = said < size - at - 3 ? said : size - at - 3;
        size_t padded = (8 + said + 7) & ~(size_t)7;
        u8 *record = to->bytes + to->size;
        mem_zero(record, padded);
        mem_store_u32(record, (u32)said);
        record[4] = data[at];
        record[5] = data[at + 1];
        mem_copy(record + 8, data + at + 3, said);
        size_t fixed = fixed_bytes(data[at]);
        fixed = fixed < said ? fixed : said;
        sum = recording_sum(sum, span_of(record, 8 + fixed));
        sum = recording_sum(sum, span_of(record + 8 + fixed, said - fixed));
        mem_store_u64(record + padded, sum);
        to->size += padded + 8;
        at += 3 + said;
    }
}

static void write_again(const struct recording *recording, struct span bytes)
{
    static struct buffer again;
    struct recording in;
    struct recording_out out = {.put = put, .context = &again};
    again.size = 0;
    ASSERT(recording_open(bytes, &in, NULL) == ERR_OK);
    (void)recording_begin(&out);
    struct recording_record record = {.kind = RECORDING_START, .words = in.words};
    (void)recording_put(&out, &record);
    const struct recording_module *modules[] = {&in.program, &in.adapter};
    for (u32 i = 0; i < 2 && modules[i]->bytes.size > 0; i++) {
        record = (struct recording_record){.kind = RECORDING_MODULE, .module = *modules[i]};
        (void)recording_put(&out, &record);
    }
    while (in.at < recording->at) {
        ASSERT(recording_next(&in, &record, NULL) == ERR_OK);
        (void)recording_put(&out, &record);
    }
    ASSERT(again.size == in.at && mem_equal(again.bytes, bytes.data, again.size));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct buffer buffer;
    if (size == 0 || size > BYTES) {
        return 0;
    }
    struct span bytes = span_of(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        buffer.size = 0;
        make(&buffer, data + 1, size - 1);
        bytes = span_of(buffer.bytes, buffer.size);
    }
    struct recording recording;
    struct report report;
    report_clear(&report);
    enum err err = recording_open(bytes, &recording, &report);
    if (err != ERR_OK) {
        ASSERT(report.err == err);
        return 0;
    }
    struct recording_record record;
    struct recording before = recording;
    while ((err = recording_next(&recording, &record, &report)) == ERR_OK) {
        ASSERT(recording.at > before.at && recording.at <= bytes.size);
        before = recording;
    }
    ASSERT(report.err == err);
    write_again(&before, bytes);
    return 0;
}
