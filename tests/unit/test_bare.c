// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a bare machine that need no machine: frames, address space, the heap and the
// manifest. This file stands in for the CPU: its window is a piece of this process, and a table of
// its own says which frame each page shows.
#include "core/base/report.h"
#include "core/platform.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/frames.h"
#include "machines/bare/common/heap.h"
#include "machines/bare/common/manifest.h"
#include "machines/bare/common/pages.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = PLATFORM_PAGE_BYTES, WINDOW = 64 << 20, FRAMES = 4096 };

static u8 *window;               // WINDOW bytes, aligned to 64 KiB
static u8 *frames;               // FRAMES pages that the machine has
static u64 shown[WINDOW / PAGE]; // the frame each page of the window shows; 0: none

u64 cpu_identity_end(void)
{
    return UINT64_MAX & ~(u64)(PAGE - 1);
}

void cpu_window(u64 *start, u64 *end)
{
    *start = (uintptr_t)window;
    *end = *start + WINDOW;
}

enum err cpu_map(u64 at, u64 frame)
{
    u64 page = (at - (uintptr_t)window) / PAGE;
    assert_true(page < WINDOW / PAGE);
    assert_int_equal(shown[page], 0);
    shown[page] = frame;
    return ERR_OK;
}

void cpu_unmap(u64 start, u64 end)
{
    for (u64 at = start; at < end; at += PAGE) {
        u64 page = (at - (uintptr_t)window) / PAGE;
        if (shown[page] != 0) {
            frames_give(shown[page]);
            shown[page] = 0;
        }
    }
}

void cpu_map_executable(u64 at)
{
    (void)at;
}

static struct boot_info boot;

static int make_machine(void **state)
{
    (void)state;
    window = window == NULL ? aligned_alloc(65536, WINDOW) : window;
    frames = frames == NULL ? aligned_alloc(PAGE, (size_t)FRAMES * PAGE) : frames;
    assert_non_null(window);
    assert_non_null(frames);
    memset(&boot, 0, sizeof boot);
    memset(shown, 0, sizeof shown);
    boot.usable[0] = (struct boot_range){(uintptr_t)frames, (uintptr_t)frames + (u64)FRAMES * PAGE};
    boot.usable_count = 1;
    frames_init(&boot);
    pages_init();
    return 0;
}

// ---- frames

static u64 at_frame(u64 index)
{
    return (uintptr_t)frames + index * PAGE;
}

// Whatever the firmware says, in whatever order: each frame is given out once, and none that is
// reserved.
static void frames_believe_no_map(void **state)
{
    (void)state;
    static u8 taken[FRAMES];
    srand(7);
    for (u32 round = 0; round < 200; round++) {
        memset(&boot, 0, sizeof boot);
        memset(taken, 0, sizeof taken);
        boot.usable_count = (u32)rand() % 12;
        boot.reserved_count = (u32)rand() % 12;
        for (u32 i = 0; i < boot.usable_count + boot.reserved_count; i++) {
            u64 from = (u64)rand() % (FRAMES * PAGE);
            u64 size = (u64)rand() % (64 * PAGE);
            u64 end = from + size > (u64)FRAMES * PAGE ? (u64)FRAMES * PAGE : from + size;
            struct boot_range range = {(uintptr_t)frames + from, (uintptr_t)frames + end};
            if (i < boot.usable_count) {
                boot.usable[i] = range;
            } else {
                boot.reserved[i - boot.usable_count] = range;
            }
        }
        frames_init(&boot);
        u64 count = 0;
        for (u64 frame = frames_take(); frame != 0; frame = frames_take()) {
            u64 index = (frame - (uintptr_t)frames) / PAGE;
            assert_true(index < FRAMES && taken[index]++ == 0);
            count++;
            for (u32 i = 0; i < boot.reserved_count; i++) {
                assert_true(boot.reserved[i].start >= boot.reserved[i].end ||
                            frame + PAGE <= boot.reserved[i].start ||
                            frame >= boot.reserved[i].end);
            }
        }
        assert_int_equal(count, frames_count());
        assert_int_equal(frames_free(), 0);
    }
}

static void frames_come_back(void **state)
{
    (void)state;
    assert_int_equal(frames_count(), FRAMES);
    u64 first = frames_take();
    u64 second = frames_take();
    assert_true(first >= at_frame(0) && second < at_frame(FRAMES) && first != second);
    frames_give(first);
    frames_give(second);
    assert_int_equal(frames_free(), FRAMES);
    assert_int_equal(frames_take(), second);
}

// ---- address space

static void reservations_do_not_overlap(void **state)
{
    (void)state;
    enum { MOST = 64 };
    struct {
        u8 *at;
        u64 bytes;
    } made[MOST] = {0};
    srand(3);
    for (u32 round = 0; round < 20000; round++) {
        u32 i = (u32)rand() % MOST;
        if (made[i].at != NULL) {
            platform_pages_release(made[i].at, made[i].bytes);
            made[i].at = NULL;
            continue;
        }
        u64 bytes = 1 + (u64)rand() % (2 << 20);
        u8 *at = platform_pages_reserve(bytes);
        if (at == NULL) {
            continue;
        }
        assert_true(at >= window && at + bytes <= window + WINDOW);
        assert_int_equal((uintptr_t)at % 65536, 0);
        for (u32 j = 0; j < MOST; j++) {
            assert_true(made[j].at == NULL || at + bytes <= made[j].at ||
                        at >= made[j].at + made[j].bytes);
        }
        made[i].at = at;
        made[i].bytes = bytes;
    }
    for (u32 i = 0; i < MOST; i++) {
        if (made[i].at != NULL) {
            platform_pages_release(made[i].at, made[i].bytes);
        }
    }
    assert_non_null(platform_pages_reserve(WINDOW)); // all of it is free again
}

static void reservations_have_a_limit(void **state)
{
    (void)state;
    assert_null(platform_pages_reserve(0));
    assert_null(platform_pages_reserve((u64)WINDOW + 1));
    assert_null(platform_pages_reserve(UINT64_MAX));
    for (u32 i = 0; i < WINDOW / 65536; i++) {
        void *at = platform_pages_reserve(1);
        assert_true((at != NULL) == (i < PAGES_RESERVATIONS && i < WINDOW / 65536));
    }
    assert_null(platform_pages_reserve(1));
}

static void commits_take_frames_and_refuse_whole(void **state)
{
    (void)state;
    u8 *at = platform_pages_reserve(WINDOW);
    memset(window, 0xee, WINDOW);
    assert_int_equal(platform_pages_commit(at, 10 * PAGE), ERR_OK);
    assert_int_equal(frames_free(), FRAMES - 10);
    for (u32 i = 0; i < 10 * PAGE; i++) {
        assert_int_equal(at[i], 0);
    }
    assert_int_equal(platform_pages_commit(at + 16 * PAGE, (u64)FRAMES * PAGE), ERR_NO_MEMORY);
    assert_int_equal(frames_free(), FRAMES - 10);
    assert_int_equal(platform_pages_commit(at + 10 * PAGE, (u64)(FRAMES - 10) * PAGE), ERR_OK);
    assert_int_equal(frames_free(), 0);
    platform_pages_decommit(at, 2 * PAGE);
    assert_int_equal(frames_free(), 2);
    platform_pages_release(at, WINDOW);
    assert_int_equal(frames_free(), FRAMES);
}

// ---- the heap

static void heap_keeps_its_books(void **state)
{
    (void)state;
    enum { PIECES = 200 };
    static struct {
        u8 *at;
        size_t size;
    } pieces[PIECES];
    struct heap heap;
    assert_int_equal(heap_init(&heap, 2 << 20), ERR_OK);
    srand(1);
    u32 refused = 0;
    for (u32 round = 0; round < 50000; round++) {
        u32 i = (u32)rand() % PIECES;
        if (pieces[i].at != NULL) {
            for (size_t j = 0; j < pieces[i].size; j += 97) {
                assert_int_equal(pieces[i].at[j], (u8)i);
            }
            memory_give(&heap.memory, pieces[i].at, pieces[i].size);
            pieces[i].at = NULL;
        } else {
            size_t size = 1 + (size_t)rand() % ((size_t)1 << (rand() % 20));
            pieces[i].at = memory_take(&heap.memory, size);
            pieces[i].size = size;
            if (pieces[i].at == NULL) {
                refused++;
                continue;
            }
            assert_int_equal((uintptr_t)pieces[i].at % 16, 0);
            memset(pieces[i].at, (int)i, size);
        }
        if (round % 500 == 0) {
            heap_check(&heap);
        }
    }
    assert_true(refused > 0 && refused < 25000); // it was full at times, and not for good
    for (u32 i = 0; i < PIECES; i++) {
        memory_give(&heap.memory, pieces[i].at, pieces[i].at == NULL ? 0 : pieces[i].size);
    }
    heap_check(&heap);
    assert_int_equal(heap.used_bytes, 0);
    // All free pieces have joined: the largest possible one fits.
    u8 *all = memory_take(&heap.memory, (size_t)(heap.end - heap.start) / 16 * 15);
    assert_non_null(all);
}

static void heap_refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct heap heap;
    assert_int_equal(heap_init(&heap, (u64)WINDOW * 2), ERR_NO_MEMORY);
    assert_int_equal(heap_init(&heap, 1 << 20), ERR_OK);
    assert_null(memory_take(&heap.memory, SIZE_MAX));
    assert_null(memory_take(&heap.memory, SIZE_MAX - 15));
    assert_null(memory_take(&heap.memory, 2 << 20));
    assert_non_null(memory_take(&heap.memory, 1000));
    while (frames_take() != 0) { // nothing left to grow with
    }
    assert_null(memory_take(&heap.memory, 512 << 10));
    heap_check(&heap);
}

// ---- the manifest

static void manifest_lists_what_it_says(void **state)
{
    (void)state;
    struct span text = SPAN_LITERAL("# a comment\n"
                                    "\n"
                                    "loader bcid1 store-loader\n"
                                    "  adapter   wasi_snapshot_preview1 bcid2 wasi\n"
                                    "serve bcid3 http 8000\n"
                                    "run bcid4 hello one two\n"
                                    "run bcid5 bye");
    static const struct {
        enum manifest_kind kind;
        const char *cid;
        const char *name;
        u32 arguments;
    } wanted[] = {
        {MANIFEST_LOADER, "bcid1", "store-loader", 1},
        {MANIFEST_ADAPTER, "bcid2", "wasi", 1},
        {MANIFEST_SERVE, "bcid3", "http", 2},
        {MANIFEST_RUN, "bcid4", "hello", 3},
        {MANIFEST_RUN, "bcid5", "bye", 1},
    };
    u32 runs;
    struct manifest_entry entry;
    assert_int_equal(manifest_open(text, &runs, NULL), ERR_OK);
    assert_int_equal(runs, 2);
    struct reader at = reader_over(text);
    for (u32 i = 0; i < COUNT_OF(wanted); i++) {
        assert_true(manifest_next(&at, &entry));
        assert_int_equal(entry.kind, wanted[i].kind);
        assert_true(span_equal(entry.cid, span_string(wanted[i].cid)));
        assert_true(span_equal(entry.arguments[0], span_string(wanted[i].name)));
        assert_int_equal(entry.argument_count, wanted[i].arguments);
        assert_true(span_equal(entry.module,
                               i == 1 ? SPAN_LITERAL("wasi_snapshot_preview1") : (struct span){0}));
    }
    assert_false(manifest_next(&at, &entry));
}

static void manifest_refuses_with_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        const char *reason;
    } cases[] = {
        {"start bcid x\n", ERR_MALFORMED, "not a word of the manifest \"start\""},
        {"run\n", ERR_MALFORMED, "too few words after \"run\""},
        {"run bcid\n", ERR_MALFORMED, "too few words after \"run\""},
        {"adapter module bcid\n", ERR_MALFORMED, "too few words after \"adapter\""},
        {"run bcid x\ty\n", ERR_MALFORMED, "not printable ASCII"},
        {"run bcid h\xc3\xa9llo\n", ERR_MALFORMED, "not printable ASCII"},
        {"run bcid 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", ERR_LIMIT, "too many words"},
        {"run bcid 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n", ERR_LIMIT,
         "too many words"},
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        struct report report;
        u32 runs;
        report_clear(&report);
        assert_int_equal(manifest_open(span_string(cases[i].text), &runs, &report), cases[i].err);
        assert_non_null(strstr(report.text, cases[i].reason));
    }
    static char many[MANIFEST_BYTES + 1];
    u32 runs;
    for (u32 i = 0; i <= MANIFEST_LINES; i++) {
        memcpy(many + (size_t)i * 8, "run b x\n", 8);
    }
    assert_int_equal(manifest_open(span_of(many, 8 * MANIFEST_LINES), &runs, NULL), ERR_OK);
    assert_int_equal(runs, MANIFEST_LINES);
    assert_int_equal(manifest_open(span_of(many, 8 * (MANIFEST_LINES + 1)), &runs, NULL),
                     ERR_LIMIT);
    memset(many, '\n', sizeof many);
    assert_int_equal(manifest_open(span_of(many, sizeof many), &runs, NULL), ERR_LIMIT);
    assert_int_equal(manifest_open(span_of(many, sizeof many - 1), &runs, NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(frames_believe_no_map, make_machine),
        cmocka_unit_test_setup(frames_come_back, make_machine),
        cmocka_unit_test_setup(reservations_do_not_overlap, make_machine),
        cmocka_unit_test_setup(reservations_have_a_limit, make_machine),
        cmocka_unit_test_setup(commits_take_frames_and_refuse_whole, make_machine),
        cmocka_unit_test_setup(heap_keeps_its_books, make_machine),
        cmocka_unit_test_setup(heap_refuses_what_does_not_fit, make_machine),
        cmocka_unit_test(manifest_lists_what_it_says),
        cmocka_unit_test(manifest_refuses_with_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
