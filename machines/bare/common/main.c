// SPDX-License-Identifier: GPL-3.0-or-later
// The boot sequence: memory, CPU, kernel, devices, and what the archive's manifest says. Then
// programs and devices take turns until all that the manifest runs has ended.
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/car.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/unixfs.h"
#include "core/kernel/grant.h"
#include "core/kernel/kernel.h"
#include "core/platform.h"
#include "machines/bare/common/console.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/devices.h"
#include "machines/bare/common/frames.h"
#include "machines/bare/common/heap.h"
#include "machines/bare/common/manifest.h"
#include "machines/bare/common/pages.h"
#include "machines/bare/common/random.h"
#include "machines/bare/common/tick.h"

static struct heap heap;
static struct car archive;
static struct kernel *kernel;
static u32 runs_left; // of the manifest's `run` entries
static bool all_went_well = true;

static void say(const char *what, u64 value, const char *then)
{
    char buffer[160];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, what);
    text_u64(&text, value);
    text_string(&text, then);
    platform_log(span_of(text.data, text.size));
}

// Says what is wrong with the system that was handed over, and ends.
static NORETURN void give_up(const char *what, enum err err, const struct report *report)
{
    char buffer[ENDING_WORDS_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "redshirt: ");
    text_string(&text, what);
    text_string(&text, ": ");
    text_string(&text, report != NULL && report->err != ERR_OK ? report->text : err_name(err));
    if (report != NULL && report->err != ERR_OK) {
        text_string(&text, " (at byte ");
        text_u64(&text, report->offset);
        text_string(&text, ")");
    }
    platform_log(span_of(text.data, text.size));
    platform_halt(1);
}

static void check(const char *what, enum err err, const struct report *report)
{
    if (err != ERR_OK) {
        give_up(what, err, report);
    }
}

// A block of the archive, by its name as text, compared with that name.
static struct span archive_block(struct span name)
{
    struct report report;
    struct cid cid;
    struct span bytes;
    report_clear(&report);
    check("a CID in the manifest", cid_parse_text(name, &cid, &report), &report);
    check("a block that the manifest names", car_find(&archive, &cid, &bytes), NULL);
    struct cid got = cid_of_block((enum cid_codec)cid.codec, bytes, platform_sha256);
    check("a block of the archive", cid_equal(&cid, &got) ? ERR_OK : ERR_MISMATCH, NULL);
    return bytes;
}

// ---- programs

static void describe(struct text *text, struct kernel_ending ending)
{
    switch (ending.kind) {
    case KERNEL_EXITED:
        text_string(text, " exited with ");
        text_u64(text, ending.code);
        break;
    case KERNEL_TRAPPED:
        text_string(text, " trapped: ");
        text_printable(text, ending.text);
        break;
    case KERNEL_KILLED:
        text_string(text, " was killed");
        break;
    case KERNEL_NOT_LOADED:
        text_string(text, " could not be loaded: ");
        text_printable(text, ending.text);
        break;
    }
}

// Names of the programs of the manifest, by entry, for the words about their end.
static struct {
    struct span name;
    bool counts; // the machine stops when all of these have ended
} started[MANIFEST_LINES];
static u32 started_count;

static void on_end(void *context, struct kernel_process_id process, struct kernel_ending ending)
{
    u32 entry = (u32)(uintptr_t)context;
    if (runs_left == 0) {
        return; // the machine stops: who serves is not asked any more
    }
    char buffer[ENDING_WORDS_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    ASSERT(entry < started_count);
    text_string(&text, "redshirt: ");
    text_printable(&text, started[entry].name);
    text_string(&text, " (process ");
    text_u64(&text, process.value);
    text_string(&text, ")");
    describe(&text, ending);
    platform_log(span_of(text.data, text.size));
    if (started[entry].counts) {
        ASSERT(runs_left > 0);
        runs_left--;
    }
    // A handler that is gone leaves others waiting for ever: the machine goes on, but not well.
    if (ending.kind != KERNEL_EXITED || ending.code != 0) {
        all_went_well = false;
    }
}

static void start(const struct manifest_entry *entry)
{
    struct report report;
    struct kernel_process_id process;
    report_clear(&report);
    ASSERT(started_count < MANIFEST_LINES);
    started[started_count].name = entry->arguments[0];
    started[started_count].counts = entry->kind == MANIFEST_RUN;
    struct kernel_start how = {
        .cid = entry->cid,
        .arguments = entry->arguments,
        .argument_count = entry->argument_count,
        .on_end = on_end,
        .context = (void *)(uintptr_t)started_count++,
    };
    check("a program of the manifest", kernel_start(kernel, &how, &process, &report), &report);
}

// Devices run after each slice, before its program goes to the end of the queue: so whom they wake
// is next. The tick ends a slice early when a device has something to do.
static bool run_devices(void)
{
    bool worked = devices_run();
    tick_alarm(devices_deadline_ns());
    console_drain();
    return worked;
}

static void on_slice_over(void *context)
{
    (void)context;
    (void)run_devices();
}

// One turn of programs and devices. False: there was nothing to do.
static bool turn(void)
{
    bool worked = kernel_worker_step(kernel, 0, INT64_MAX);
    return run_devices() || worked;
}

static void start_all(struct span manifest)
{
    struct reader at = reader_over(manifest);
    struct manifest_entry entry;
    while (manifest_next(&at, &entry)) {
        if (entry.kind == MANIFEST_LOADER || entry.kind == MANIFEST_ADAPTER) {
            struct report report;
            char cid[KERNEL_CID_TEXT_BYTES];
            report_clear(&report);
            check("a program that comes with the system",
                  kernel_program_add(kernel, archive_block(entry.cid), entry.module, cid, &report),
                  &report);
        }
        if (entry.kind != MANIFEST_ADAPTER) {
            start(&entry);
        }
        if (entry.kind == MANIFEST_LOADER) {
            // What follows comes through it, so it has its turns first, until it waits for
            // somebody.
            while (turn()) {
            }
        }
    }
}

// ---- the sequence

static void kernel_make(void)
{
    struct report report;
    report_clear(&report);
    u64 bytes = frames_free() * PLATFORM_PAGE_BYTES;
    check("the kernel's memory", heap_init(&heap, bytes / KERNEL_SHARE), NULL);
    struct kernel_config config = {
        .memory = &heap.memory,
        .memory_bytes = bytes / KERNEL_SHARE,
        .guest_memory_bytes = bytes - bytes / KERNEL_SHARE,
        .workers = 1,
        .slice_over = on_slice_over,
        .unknown = {KERNEL_ALLOW, KERNEL_ALLOW}, // all programs come with the image
    };
    check("the kernel", kernel_create(&config, &kernel, &report), &report);
    check("a device", devices_add(kernel, &heap.memory, &archive), NULL);
}

static struct span archive_open(const struct boot_info *boot)
{
    struct report report;
    char name[CID_TEXT_BYTES];
    report_clear(&report);
    if (boot->archive.size == 0) {
        give_up("no archive was handed over", ERR_NOT_FOUND, NULL);
    }
    check("the archive", car_open(boot->archive, &archive, &report), &report);
    check("the archive has a root", archive.root_count > 0 ? ERR_OK : ERR_NOT_FOUND, NULL);
    cid_write_text(&archive.roots[0], name);
    struct span manifest = archive_block(span_string(name));
    check("the manifest", manifest_open(manifest, &runs_left, &report), &report);
    say("redshirt: archive of ", archive.block_count, " blocks, manifest:");
    platform_log(span_string(name));
    return manifest;
}

static void run(void)
{
    while (runs_left > 0) {
        if (!turn()) {
            u64 devices_ns = devices_deadline_ns();
            u64 kernel_ns = kernel_deadline_ns(kernel);
            platform_wait(0, devices_ns < kernel_ns ? devices_ns : kernel_ns);
        }
    }
}

void machine_main(const struct boot_info *boot)
{
    frames_init(boot);
    cpu_start();
    pages_init();
    random_start();
    platform_log(SPAN_LITERAL(""));
    say("redshirt: ", frames_count() * PLATFORM_PAGE_BYTES >> 20,
        " MiB of memory, machine and loader:");
    platform_log(span_string(boot->machine));
    platform_log(span_string(boot->loader));
    struct span manifest = archive_open(boot);
    kernel_make();
    start_all(manifest);
    run();
    kernel_destroy(kernel);
    heap_check(&heap);
    ASSERT(heap.used_bytes == 0); // the kernel gives back what it took
    say("redshirt: stopped after ", platform_clock_ns() / 1000000, " ms");
    platform_halt(all_went_well ? 0 : 1);
}
