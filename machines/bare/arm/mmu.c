// SPDX-License-Identifier: GPL-3.0-or-later
// Page tables, two levels, short descriptors. Memory is mapped at its own address in sections of 1
// MiB; the image in small pages with what each part may do; page 0 and the page below the machine's
// stack show nothing. The window for reservations is what lies above the devices: 3 GiB of
// addresses for at most 1 GiB of memory.
// Source  ARM Architecture Reference Manual ARMv7-A, B3.5.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/platform.h"
#include "machines/bare/arm/cpu.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/frames.h"

enum { PAGE = PLATFORM_PAGE_BYTES, SECTION_BITS = 20, TABLE_ENTRIES = 256 };
#define MIB ((u64)1 << SECTION_BITS)
#define WINDOW_START ((u64)0x41000000)
#define WINDOW_END ((u64)0xff000000)

// First level. Normal memory is write-back, write-allocate, shareable; nothing is executable but
// the image.
enum {
    KIND = 3,
    KIND_TABLE = 1,
    KIND_SECTION = 2,
    SECTION_NORMAL = KIND_SECTION | 1 << 12 | 3 << 2 | 1 << 16 | 1 << 10,
    SECTION_DEVICE = KIND_SECTION | 1 << 2 | 1 << 10,
    SECTION_NO_EXECUTE = 1 << 4,
};
// Second level.
enum {
    SMALL = 2,
    SMALL_NO_EXECUTE = 1,
    SMALL_NORMAL = SMALL | 1 << 6 | 3 << 2 | 1 << 10 | 1 << 4,
    SMALL_READ_ONLY = 1 << 9,
};
// A frame holds four tables of the second level, for four sections side by side.
enum { TABLE_BYTES = TABLE_ENTRIES * 4, TABLES_IN_FRAME = PAGE / TABLE_BYTES };

extern u8 image_start[], image_text_end[], image_rodata_end[], image_end[];
extern u8 machine_stack_guard[];
static ALIGNED(16384) u32 root[4096];

static void tables_changed(void)
{
    __asm__ volatile("dsb; isb" ::: "memory");
}

static void forget(u64 address)
{
    tables_changed(); // the table's new entry is in memory before the old one is forgotten
    __asm__ volatile("mcr p15, 0, %0, c8, c7, 1" ::"r"((u32)address & ~(u32)(PAGE - 1)));
    tables_changed();
}

void mmu_enable(void)
{
    for (u32 i = 0; i < COUNT_OF(root); i++) {
        u32 at = i << SECTION_BITS;
        root[i] = at < BOARD_DEVICES       ? at | SECTION_NORMAL
                  : at < BOARD_LOCAL + MIB ? at | SECTION_DEVICE | SECTION_NO_EXECUTE
                                           : 0;
    }
    enum {
        ACTLR_SMP = 1 << 6, // caches take part in coherence: wanted before they are switched on
        SCTLR_ON =
            1 << 0 | 1 << 2 | 1 << 11 | 1 << 12, // MMU, data cache, prediction, instruction cache
        SCTLR_OFF = 1 << 1 | 1 << 28 | 1 << 29,  // alignment faults, TEX remap, access flag
    };
    u32 word;
    __asm__ volatile("mrc p15, 0, %0, c1, c0, 1" : "=r"(word));
    __asm__ volatile("mcr p15, 0, %0, c1, c0, 1" ::"r"(word | ACTLR_SMP));
    __asm__ volatile("mcr p15, 0, %0, c8, c7, 0" ::"r"(0)); // forget all translations
    __asm__ volatile("mcr p15, 0, %0, c7, c5, 0" ::"r"(0)); // and instructions
    __asm__ volatile("mcr p15, 0, %0, c2, c0, 2" ::"r"(0)); // TTBCR: one table for all
    __asm__ volatile(
        "mcr p15, 0, %0, c2, c0, 0" ::"r"((u32)(uintptr_t)root | 0x4a)); // TTBR0, cached
    __asm__ volatile("mcr p15, 0, %0, c3, c0, 0" ::"r"(1));              // DACR: permissions count
    tables_changed();
    __asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(word));
    __asm__ volatile("mcr p15, 0, %0, c1, c0, 0" ::"r"((word | SCTLR_ON) & ~(u32)SCTLR_OFF));
    tables_changed();
}

// The entry of a small page, making its table; NULL: no frame left.
static u32 *entry_make(u64 address)
{
    u32 section = (u32)(address >> SECTION_BITS);
    if ((root[section] & KIND) == 0) {
        u64 frame = frames_take();
        if (frame == 0) {
            return NULL;
        }
        mem_zero((void *)(uintptr_t)frame, PAGE);
        u32 first = section & ~(u32)(TABLES_IN_FRAME - 1);
        for (u32 i = 0; i < TABLES_IN_FRAME; i++) {
            ASSERT(root[first + i] == 0);
            root[first + i] = ((u32)frame + i * TABLE_BYTES) | KIND_TABLE;
        }
        tables_changed();
    }
    ASSERT((root[section] & KIND) == KIND_TABLE);
    u32 *table = (u32 *)(uintptr_t)(root[section] & ~(u32)(TABLE_BYTES - 1));
    return &table[(address / PAGE) % TABLE_ENTRIES];
}

// Replaces a section of the identity map by small pages, each with what `of` says.
static void split(u32 section, u32 (*of)(u32 address))
{
    u64 frame = frames_take();
    ASSERT(frame != 0);
    u32 *table = (u32 *)(uintptr_t)frame;
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        u32 at = (section << SECTION_BITS) + i * PAGE;
        table[i] = of(at);
    }
    root[section] = (u32)frame | KIND_TABLE;
}

static u32 image_page(u32 at)
{
    if (at == 0 || at == (uintptr_t)machine_stack_guard) {
        return 0;
    }
    if (at >= (uintptr_t)image_start && at < (uintptr_t)image_text_end) {
        return at | SMALL_NORMAL | SMALL_READ_ONLY;
    }
    if (at >= (uintptr_t)image_text_end && at < (uintptr_t)image_rodata_end) {
        return at | SMALL_NORMAL | SMALL_READ_ONLY | SMALL_NO_EXECUTE;
    }
    return at | SMALL_NORMAL | SMALL_NO_EXECUTE;
}

void mmu_start(void)
{
    u32 sections = (u32)(((uintptr_t)image_end + MIB - 1) >> SECTION_BITS);
    for (u32 i = 0; i < sections; i++) {
        split(i, image_page);
    }
    for (u32 i = sections; i < BOARD_DEVICES >> SECTION_BITS; i++) {
        root[i] |= SECTION_NO_EXECUTE;
    }
    tables_changed();
    __asm__ volatile("mcr p15, 0, %0, c8, c7, 0" ::"r"(0));
    tables_changed();
}

u64 cpu_identity_end(void)
{
    return BOARD_DEVICES;
}

void cpu_window(u64 *start, u64 *end)
{
    *start = WINDOW_START;
    *end = WINDOW_END;
}

enum err cpu_map(u64 at, u64 frame)
{
    ASSERT(at >= WINDOW_START && at < WINDOW_END);
    u32 *entry = entry_make(at);
    if (entry == NULL) {
        return ERR_NO_MEMORY;
    }
    ASSERT(*entry == 0);
    *entry = (u32)frame | SMALL_NORMAL | SMALL_NO_EXECUTE;
    tables_changed();
    return ERR_OK;
}

void cpu_unmap(u64 start, u64 end)
{
    ASSERT(start >= WINDOW_START && start <= end && end <= WINDOW_END);
    for (u64 at = start; at < end; at += PAGE) {
        if ((root[at >> SECTION_BITS] & KIND) == 0) {
            at = (at | (MIB - 1)) + 1 - PAGE;
            continue;
        }
        u32 *entry = entry_make(at);
        if (*entry != 0) {
            u64 frame = *entry & ~(u32)(PAGE - 1);
            *entry = 0;
            forget(at);
            frames_give(frame);
        }
    }
}

void cpu_map_executable(u64 at)
{
    u32 *entry = entry_make(at);
    ASSERT(entry != NULL && *entry != 0);
    *entry = (*entry | SMALL_READ_ONLY) & ~(u32)SMALL_NO_EXECUTE;
    // What was written goes to memory, and what was fetched before is forgotten.
    for (u64 line = at; line < at + PAGE; line += 32) {
        __asm__ volatile("mcr p15, 0, %0, c7, c11, 1" ::"r"((u32)line));
    }
    tables_changed();
    __asm__ volatile("mcr p15, 0, %0, c7, c5, 0" ::"r"(0));
    forget(at);
}
