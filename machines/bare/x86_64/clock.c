// SPDX-License-Identifier: GPL-3.0-or-later
// The clock is the time stamp counter, the tick is the local APIC's timer. How fast both run is
// measured once against the programmable interval timer, whose rate is fixed. The file is compiled
// for general registers only, because the tick runs in the middle of anything.
// Source  Intel SDM volume 3, chapter 11; Intel 8254 data sheet; Motorola MC146818 data sheet.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/x86_64/cpu.h"
#include "machines/bare/x86_64/vectors.h"

enum { PIC_1 = 0x20, PIC_2 = 0xa0 };
enum { PIT_HZ = 1193182, PIT_CHANNEL_2 = 0x42, PIT_COMMAND = 0x43, PIT_GATE = 0x61 };
enum { MSR_APIC_BASE = 0x1b, MSR_X2APIC = 0x800, APIC_ENABLED = 1 << 11, APIC_X2 = 1 << 10 };
enum {
    APIC_EOI = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_TIMER = 0x320,
    APIC_COUNT = 0x380,
    APIC_LEFT = 0x390,
    APIC_DIVIDE = 0x3e0,
};
enum { TIMER_MASKED = 1 << 16, TIMER_PERIODIC = 1 << 17, DIVIDE_16 = 3, SPURIOUS_ENABLE = 1 << 8 };
enum {
    CALIBRATION_PIT = PIT_HZ / 100, // 10 ms
    CALIBRATION_TRIES = 24,      // the tightest of them counts: an emulator is interrupted at times
    CALIBRATION_READS = 1 << 20, // of a timer that does not move, before it is taken for dead
};

static u64 tsc_start;
static u64 ns_per_tsc; // times 2^32
static u64 apic;       // address of its registers; 0: they are MSRs
static u64 wall_start_ns;

void cpu_tick(void);

static void apic_write(u32 reg, u32 value)
{
    if (apic == 0) {
        msr_write(MSR_X2APIC + reg / 16, value);
    } else {
        *(volatile u32 *)(uintptr_t)(apic + reg) = value;
    }
}

static u32 apic_read(u32 reg)
{
    if (apic == 0) {
        return (u32)msr_read(MSR_X2APIC + reg / 16);
    }
    return *(volatile u32 *)(uintptr_t)(apic + reg);
}

// The three counters at one moment.
struct sample {
    u64 tsc;
    u32 pit;  // counts down
    u32 apic; // counts down
};

static u32 pit_read(void)
{
    u32 low = port_read8(PIT_CHANNEL_2);
    return low | (u32)port_read8(PIT_CHANNEL_2) << 8;
}

static struct sample sample(void)
{
    struct sample best = {0};
    u64 best_width = UINT64_MAX;
    for (u32 i = 0; i < CALIBRATION_TRIES; i++) {
        u64 before = tsc_read();
        port_write8(PIT_COMMAND, 0x80); // latch channel 2
        u32 left = apic_read(APIC_LEFT);
        u64 after = tsc_read();
        u32 pit = pit_read();
        if (after - before < best_width) {
            best_width = after - before;
            best = (struct sample){before + best_width / 2, pit, left};
        }
    }
    return best;
}

// Sets ns_per_tsc, and returns how far the APIC's timer counts in one tick.
static u32 calibrate(void)
{
    port_write8(PIT_GATE,
                (port_read8(PIT_GATE) & 0xfc) | 1); // channel 2 counts, the speaker is off
    port_write8(PIT_COMMAND, 0xb4);                 // channel 2, both bytes, rate generator
    port_write8(PIT_CHANNEL_2, 0);
    port_write8(PIT_CHANNEL_2, 0);
    apic_write(APIC_DIVIDE, DIVIDE_16);
    apic_write(APIC_TIMER, TIMER_MASKED | VECTOR_TICK);
    apic_write(APIC_COUNT, UINT32_MAX);
    struct sample first = sample();
    u32 passed = 0;
    u32 reads = 0;
    while (passed < CALIBRATION_PIT) {
        port_write8(PIT_COMMAND, 0x80);
        passed = (first.pit - pit_read()) & 0xffff;
        if (++reads == CALIBRATION_READS) {
            machine_panic(SPAN_LITERAL("no interval timer to measure the clock with"));
        }
    }
    struct sample last = sample();
    u64 pit = (first.pit - last.pit) & 0xffff;
    u64 span_ns = pit * 1000000000 / PIT_HZ;
    ASSERT(last.tsc > first.tsc && span_ns > 0);
    ns_per_tsc = (span_ns << 32) / (last.tsc - first.tsc);
    ASSERT(ns_per_tsc != 0);
    u64 count = (u64)(first.apic - last.apic) * (1000000000 / TICK_HZ) / span_ns;
    return count == 0 ? 1 : (u32)count;
}

static u8 cmos_read(u8 reg)
{
    port_write8(0x70, reg);
    return port_read8(0x71);
}

struct date {
    u8 field[6]; // second, minute, hour, day, month, year, as the chip has them
};

static struct date date_read(void)
{
    static const u8 registers[6] = {0, 2, 4, 7, 8, 9};
    struct date date;
    for (u32 i = 0; i < 6; i++) {
        date.field[i] = cmos_read(registers[i]);
    }
    return date;
}

// Days since 1970-01-01 of a date of the Gregorian calendar.
static u64 days_of(u32 year, u32 month, u32 day)
{
    u32 y = month <= 2 ? year - 1 : year; // years begin in March: the odd day is the last one
    u32 m = month <= 2 ? month + 9 : month - 3;
    return (u64)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

// Reads the battery clock, which is taken to show UTC; 0 when it shows no date.
static u64 rtc_read_ns(void)
{
    enum { UPDATING = 0x80, BINARY = 4, HOURS_24 = 2, AFTERNOON = 0x80, TRIES = 1000 };
    struct date date = date_read();
    struct date again;
    u32 tries = 0;
    do { // until two reads agree outside of an update
        again = date;
        while ((cmos_read(10) & UPDATING) && ++tries < TRIES) {
        }
        date = date_read();
    } while (!mem_equal(&date, &again, sizeof date) && ++tries < TRIES);
    u8 mode = cmos_read(11);
    bool afternoon = date.field[2] & AFTERNOON;
    date.field[2] &= (u8)~AFTERNOON;
    u32 v[6];
    for (u32 i = 0; i < 6; i++) {
        v[i] =
            mode & BINARY ? date.field[i] : (u32)(date.field[i] >> 4) * 10 + (date.field[i] & 15);
    }
    if (!(mode & HOURS_24)) {
        v[2] = v[2] % 12 + (afternoon ? 12 : 0);
    }
    if (v[0] > 59 || v[1] > 59 || v[2] > 23 || v[3] < 1 || v[3] > 31 || v[4] < 1 || v[4] > 12 ||
        v[5] > 99) {
        return 0;
    }
    u64 seconds = (days_of(2000 + v[5], v[4], v[3]) * 24 + v[2]) * 3600 + v[1] * 60 + v[0];
    return seconds * 1000000000;
}

static void pic_mask(void)
{
    static const u8 setup[][2] = {
        {PIC_1, 0x11},           {PIC_2, 0x11},               // four words follow
        {PIC_1 + 1, VECTOR_PIC}, {PIC_2 + 1, VECTOR_PIC + 8}, // vectors
        {PIC_1 + 1, 4},          {PIC_2 + 1, 2},              // one behind the other
        {PIC_1 + 1, 1},          {PIC_2 + 1, 1},              // 8086 mode
        {PIC_1 + 1, 0xff},       {PIC_2 + 1, 0xff},           // all masked
    };
    for (u32 i = 0; i < COUNT_OF(setup); i++) {
        port_write8(setup[i][0], setup[i][1]);
    }
}

void clock_start(void)
{
    pic_mask();
    u64 base = msr_read(MSR_APIC_BASE) | APIC_ENABLED;
    msr_write(MSR_APIC_BASE, base);
    apic = base & APIC_X2 ? 0 : base & 0xfffff000;
    if (apic != 0) {
        mmu_uncache(apic);
    }
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    u32 count = calibrate();
    tsc_start = tsc_read();
    wall_start_ns = rtc_read_ns();
    apic_write(APIC_TIMER, TIMER_PERIODIC | VECTOR_TICK);
    apic_write(APIC_COUNT, count);
    __asm__ volatile("sti");
}

u64 cpu_clock_ns(void)
{
    return (u64)((unsigned __int128)(tsc_read() - tsc_start) * ns_per_tsc >> 32);
}

u64 cpu_wall_clock_ns(void)
{
    return wall_start_ns == 0 ? 0 : wall_start_ns + cpu_clock_ns();
}

u64 cpu_cycles(void)
{
    return tsc_read();
}

void cpu_tick(void)
{
    machine_tick(cpu_clock_ns());
    apic_write(APIC_EOI, 0);
}

void cpu_sleep(const bool *flag)
{
    __asm__ volatile("cli" ::: "memory");
    if (__atomic_load_n(flag, __ATOMIC_RELAXED)) {
        __asm__ volatile("sti" ::: "memory");
    } else {
        __asm__ volatile("sti; hlt" ::
                             : "memory"); // sti holds interrupts off for one instruction more
    }
}

bool cpu_random(u64 *out)
{
    enum { HAS_RDRAND = 1 << 30, TRIES = 10 };
    if (!(cpuid(1).c & HAS_RDRAND)) {
        return false;
    }
    for (u32 i = 0; i < TRIES; i++) {
        u64 word;
        bool done;
        __asm__ volatile("rdrand %0" : "=r"(word), "=@ccc"(done));
        if (done) {
            *out = word;
            return true;
        }
    }
    return false;
}
