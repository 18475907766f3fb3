// SPDX-License-Identifier: GPL-3.0-or-later
// What a boot loader hands to a bare machine: archives, and the manifests in them. What is accepted
// must hold what the headers promise.
#include "core/base/assert.h"
#include "core/base/car.h"
#include "core/base/report.h"
#include "machines/bare/common/manifest.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void try_archive(struct span input)
{
    struct car car;
    struct report report;
    struct car_block block;
    report_clear(&report);
    enum err err = car_open(input, &car, &report);
    ASSERT((err == ERR_OK) == (report.err == ERR_OK));
    if (err != ERR_OK) {
        return;
    }
    struct reader at = car.blocks;
    u32 count = 0;
    while (car_next(&at, &block)) {
        struct span found;
        ASSERT(block.bytes.size <= CAR_BLOCK_BYTES);
        ASSERT(block.bytes.data >= input.data &&
               block.bytes.data + block.bytes.size <= input.data + input.size);
        ASSERT(car_find(&car, &block.cid, &found) == ERR_OK);
        count++;
    }
    ASSERT(count == car.block_count);
    ASSERT(car.root_count <= CAR_ROOTS);
}

static void try_manifest(struct span input)
{
    u32 runs;
    struct manifest_entry entry;
    struct report report;
    report_clear(&report);
    enum err err = manifest_open(input, &runs, &report);
    ASSERT((err == ERR_OK) == (report.err == ERR_OK));
    if (err != ERR_OK) {
        return;
    }
    struct reader at = reader_over(input);
    while (manifest_next(&at, &entry)) {
        ASSERT(entry.argument_count >= 1 && entry.argument_count <= MANIFEST_ARGUMENTS);
        ASSERT(entry.cid.size > 0 && entry.arguments[0].size > 0);
        ASSERT((entry.kind == MANIFEST_ADAPTER) == (entry.module.size > 0));
        runs -= entry.kind == MANIFEST_RUN;
    }
    ASSERT(runs == 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct span input = span_of(data, size);
    try_archive(input);
    try_manifest(input);
    return 0;
}
