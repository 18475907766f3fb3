// SPDX-License-Identifier: GPL-3.0-or-later
// The tests that a bare machine runs on itself: its own machine_main, in place of the system's. The
// command line says which: nothing for all that must pass, `end=NAME` for one that must end the
// machine badly.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/platform.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/frames.h"
#include "machines/bare/common/heap.h"
#include "machines/bare/common/pages.h"
#include "machines/bare/common/random.h"
#include "machines/bare/common/tick.h"

static u32 passed;
static u32 failed;
static struct heap heap;

static void say(const char *what, u64 value)
{
    char buffer[160];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, what);
    text_u64(&text, value);
    platform_log(span_of(text.data, text.size));
}

static void check(bool good, const char *what)
{
    char buffer[160];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, good ? "ok    " : "FAIL  ");
    text_string(&text, what);
    platform_log(span_of(text.data, text.size));
    passed += good;
    failed += !good;
}

// ---- the four functions that the compiler calls, against loops

enum { AREA = 512, LONGEST = 160 };
static u8 area[AREA];
static u8 model[AREA];

static void area_fill(void)
{
    for (u32 i = 0; i < AREA; i++) {
        area[i] = model[i] = (u8)(i * 7 + i / 13);
    }
}

static bool move_agrees(u32 to, u32 from, u32 size)
{
    area_fill();
    mem_move(area + to, area + from, size);
    if (to <= from) {
        for (u32 i = 0; i < size; i++) {
            model[to + i] = model[from + i];
        }
    } else {
        for (u32 i = size; i-- > 0;) {
            model[to + i] = model[from + i];
        }
    }
    for (u32 i = 0; i < AREA; i++) {
        if (area[i] != model[i]) {
            return false;
        }
    }
    return true;
}

static bool copies_agree(void)
{
    for (u32 size = 0; size <= LONGEST; size++) {
        for (u32 from = 96; from < 104; from++) {
            for (u32 to = 64; to < 160; to += 1 + size / 24) {
                if (!move_agrees(to, from, size)) {
                    return false;
                }
            }
        }
        area_fill();
        mem_copy(area + 300, area + 17, size);
        if (!mem_equal(area + 300, model + 17, size) || area[300 + size] != model[300 + size] ||
            area[299] != model[299]) {
            return false;
        }
    }
    return true;
}

static bool fills_agree(void)
{
    for (u32 size = 0; size <= LONGEST; size++) {
        area_fill();
        mem_fill(area + 33, 0xa5, size);
        for (u32 i = 0; i < AREA; i++) {
            u8 want = i >= 33 && i < 33 + size ? 0xa5 : model[i];
            if (area[i] != want) {
                return false;
            }
        }
    }
    return true;
}

static bool compares_agree(void)
{
    for (u32 size = 1; size <= 40; size++) {
        for (u32 at = 0; at < size; at++) {
            area_fill();
            model[at] = 0x80;
            area[at] = 0x7f;
            if (mem_compare(area, model, size) >= 0 || mem_compare(model, area, size) <= 0 ||
                mem_compare(area, model, at) != 0) {
                return false;
            }
        }
    }
    return true;
}

// ---- memory

static bool pages_work(void)
{
    u64 before = frames_free();
    u8 *at = platform_pages_reserve(64 << 20);
    u8 *other = platform_pages_reserve(1 << 20);
    if (at == NULL || other == NULL || other == at ||
        platform_pages_commit(at + (1 << 20), 128 << 10) != ERR_OK) {
        return false;
    }
    for (u32 i = 0; i < 128 << 10; i++) {
        if (at[(1 << 20) + i] != 0) {
            return false;
        }
    }
    mem_fill(at + (1 << 20), 0xee, 128 << 10);
    platform_pages_decommit(at + (1 << 20), 64 << 10);
    if (platform_pages_commit(at + (1 << 20), 64 << 10) != ERR_OK || at[1 << 20] != 0 ||
        at[(1 << 20) + (64 << 10)] != 0xee) {
        return false;
    }
    u64 between = frames_free();
    if (platform_pages_commit(other, ((u64)1 << 20)) != ERR_OK) {
        return false;
    }
    platform_pages_release(other, 1 << 20);
    platform_pages_release(at, 64 << 20);
    say("      frames kept for tables: ", before - frames_free());
    return between < before && before - frames_free() < 16;
}

static bool pages_refuse(void)
{
    u64 start;
    u64 end;
    cpu_window(&start, &end);
    u64 bytes = (frames_free() + 1) * PLATFORM_PAGE_BYTES;
    void *at = platform_pages_reserve(bytes);
    if (platform_pages_reserve(end - start + 65536) != NULL || platform_pages_reserve(0) != NULL) {
        return false;
    }
    if (at != NULL) { // there is more address space than memory
        u64 before = frames_free();
        if (platform_pages_commit(at, bytes) != ERR_NO_MEMORY || frames_free() != before) {
            return false;
        }
        platform_pages_release(at, bytes);
    }
    return true;
}

// Takes all of memory in one reservation, and gives it back: the last frame must be reachable too.
// Of much memory only the highest GiB, which is what frames are taken from first.
static bool pages_exhaust(void)
{
    u64 bytes = frames_free() * PLATFORM_PAGE_BYTES;
    bytes = bytes > (u64)1 << 30 ? (u64)1 << 30 : bytes;
    u64 half = (bytes / 2) & ~(u64)65535;
    u8 *at = platform_pages_reserve(bytes);
    while (at == NULL && (bytes = half) != 0) {
        at = platform_pages_reserve(bytes);
    }
    u64 done = 0;
    while (done + 65536 <= bytes && platform_pages_commit(at + done, 65536) == ERR_OK) {
        at[done] = (u8)(done >> 16);
        done += 65536;
    }
    for (u64 i = 0; i < done; i += 65536) {
        if (at[i] != (u8)(i >> 16)) {
            return false;
        }
    }
    say("      MiB committed at once: ", done >> 20);
    platform_pages_release(at, bytes);
    return done > (bytes / 4) * 3;
}

static bool heap_works(void)
{
    enum { PIECES = 64, ROUNDS = 20000 };
    static struct {
        u8 *at;
        size_t size;
    } pieces[PIECES];
    u32 dice = 1;
    for (u32 round = 0; round < ROUNDS; round++) {
        dice = dice * 1664525 + 1013904223;
        u32 slot = (dice >> 8) % PIECES;
        if (pieces[slot].at != NULL) {
            if (pieces[slot].at[0] != (u8)slot ||
                pieces[slot].at[pieces[slot].size - 1] != (u8)slot) {
                return false;
            }
            memory_give(&heap.memory, pieces[slot].at, pieces[slot].size);
            pieces[slot].at = NULL;
        } else {
            size_t size = 1 + ((dice >> 14) % 64) * ((dice >> 20) % 512);
            pieces[slot].at = memory_take(&heap.memory, size);
            pieces[slot].size = size;
            if (pieces[slot].at == NULL || (uintptr_t)pieces[slot].at % 16 != 0) {
                return false;
            }
            mem_fill(pieces[slot].at, (u8)slot, size);
        }
    }
    heap_check(&heap);
    return true;
}

// ---- time and chance

static bool slice_ends(void)
{
    static bool over;
    u64 start = platform_clock_ns();
    u64 turns = 0;
    platform_slice(0, 10000000, &over);
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        turns++;
        if (platform_clock_ns() - start > 2000000000) {
            return false;
        }
    }
    u64 took = platform_clock_ns() - start;
    say("      us that a slice of 10000 took: ", took / 1000);
    return took >= 10000000 && turns > 10;
}

static bool slice_is_taken_back(void)
{
    static bool over;
    platform_slice(0, 3000000, &over);
    platform_slice(0, 0, NULL);
    u64 start = platform_clock_ns();
    while (platform_clock_ns() - start < 10000000) {
    }
    return !over;
}

static bool waits(void)
{
    u64 start = platform_clock_ns();
    platform_wait(0, start + 20000000);
    u64 took = platform_clock_ns() - start;
    platform_wake(0);
    u64 again = platform_clock_ns();
    platform_wait(0, UINT64_MAX);
    return took >= 20000000 && took < 1000000000 && platform_clock_ns() - again < 1000000000;
}

// Floats must come through interrupts unharmed: the same sum twice, one of them with ticks in it.
static bool floats_survive(void)
{
    f64 sums[2];
    for (u32 round = 0; round < 2; round++) {
        volatile f64 zero = 0;
        f64 a = zero, b = zero + 1, c = zero + 2, d = zero + 3;
        for (u32 i = 0; i < 400000; i++) {
            a = a * 0.5 + b;
            b = b * 0.25 + c;
            c = c * 0.125 + d;
            d = d * 0.75 + 1;
        }
        sums[round] = a + b + c + d;
    }
    return sums[0] == sums[1] && sums[0] > 0;
}

static bool hash_is_right(void)
{
    static const u8 want[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    u8 got[32];
    platform_sha256(SPAN_LITERAL("abc"), got);
    return mem_equal(got, want, sizeof want);
}

static bool chance_varies(void)
{
    u8 a[1024];
    u8 b[1024];
    random_fill(a, sizeof a);
    random_fill(b, sizeof b);
    u32 bits = 0;
    for (u32 i = 0; i < sizeof a; i++) {
        bits += (u32)__builtin_popcount(a[i]);
    }
    char buffer[64];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "      chance: ");
    text_hex_bytes(&text, span_of(a, 8)); // the boot test compares two boots
    platform_log(span_of(text.data, text.size));
    return !mem_equal(a, b, sizeof a) && bits > 3800 && bits < 4400;
}

// How often the commonest interval between two reads of the counter occurs, of 16384: what the seed
// of random.c relies on, at 1/32 of a bit a read, is less than 16032.
static bool clock_jitters(void)
{
    enum { READS = 16384, VALUES = 4096, MOST = 16032 };
    static u16 seen[VALUES];
    u32 commonest = 0;
    u64 last = cpu_cycles();
    for (u32 i = 0; i < READS; i++) {
        u64 now = cpu_cycles();
        u32 value = (u32)(now - last) % VALUES;
        last = now;
        seen[value]++;
        commonest = seen[value] > commonest ? seen[value] : commonest;
    }
    say("      of 16384 intervals the commonest: ", commonest);
    return commonest < MOST;
}

static void test_all(void)
{
    check(frames_count() > 1024, "there is memory");
    check(copies_agree(), "memcpy and memmove agree with loops");
    check(fills_agree(), "memset agrees with a loop");
    check(compares_agree(), "memcmp orders by the first byte that differs");
    check(pages_work(), "pages: reserve, commit, decommit, release");
    check(pages_refuse(), "pages: what is too much is refused and changes nothing");
    check(pages_exhaust(), "pages: all of memory can be used");
    check(heap_works(), "heap: 20000 pieces taken and given, books agree");
    check(hash_is_right(), "SHA-256 of abc");
    check(chance_varies(), "random bytes");
    check(clock_jitters(), "the clock's intervals vary");
    check(slice_ends(), "the tick ends a slice");
    check(slice_is_taken_back(), "a slice taken back never ends");
    check(waits(), "waiting: until a time, and until a wake that came before");
    check(floats_survive(), "floats come through interrupts unharmed");
    check(tick_count() > 10, "ticks are counted");
}

// ---- ends

static NOINLINE u64 recurse(volatile u64 *deeper)
{
    volatile u64 room[64];
    room[0] = *deeper + 1;
    return room[0] == 0 ? 0 : recurse(&room[0]) + room[63]; // 0 only after 2^64 calls
}

extern u8 image_start[];

static void end_badly(const char *name)
{
    struct span end = span_string(name);
    if (span_equal(end, SPAN_LITERAL("assert"))) {
        ASSERT(passed == 12345);
    } else if (span_equal(end, SPAN_LITERAL("null"))) {
        volatile u32 *nowhere = NULL;
        __asm__("" : "+r"(nowhere));
        *nowhere = 1;
    } else if (span_equal(end, SPAN_LITERAL("text"))) {
        volatile u32 *code = (volatile u32 *)(void *)image_start;
        *code = 1;
    } else if (span_equal(end, SPAN_LITERAL("execute"))) {
        static u32 data[4];
        void (*jump)(void) = (void (*)(void))(void *)data;
        __asm__("" : "+r"(jump));
        jump();
    } else if (span_equal(end, SPAN_LITERAL("instruction"))) {
        __builtin_trap();
    } else if (span_equal(end, SPAN_LITERAL("overflow"))) {
        u64 deep = 0;
        say("", recurse(&deep));
    } else if (span_equal(end, SPAN_LITERAL("unmapped"))) {
        u8 *at = platform_pages_reserve(1 << 20);
        *(volatile u8 *)at = 1;
    } else if (span_equal(end, SPAN_LITERAL("halt"))) {
        platform_halt(1);
    }
    platform_log(SPAN_LITERAL("still here"));
}

void machine_main(const struct boot_info *boot)
{
    platform_log(span_string(boot->machine));
    platform_log(span_string(boot->loader));
    platform_log(span_string(boot->command_line));
    frames_init(boot);
    say("KiB of memory: ", frames_count() * (PLATFORM_PAGE_BYTES / 1024));
    say("bytes of archive: ", boot->archive.size);
    cpu_start();
    pages_init();
    random_start();
    ASSERT(heap_init(&heap, 64 << 20) == ERR_OK);
    const char *command = boot->command_line;
    if (mem_equal(command, "end=", 4)) {
        end_badly(command + 4);
        platform_halt(0); // the test wants failure
    }
    test_all();
    say("passed: ", passed);
    say("failed: ", failed);
    platform_halt(failed == 0 ? 0 : 1);
}
