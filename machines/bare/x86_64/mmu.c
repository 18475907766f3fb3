// SPDX-License-Identifier: GPL-3.0-or-later
// Page tables, four levels. Memory is mapped at its own address in large pages (boot.S did the
// first 4 GiB); the image is mapped in small pages with what each part may do; page 0 and the page
// below the machine's stack show nothing. The window for reservations begins at 1 TiB.
// Source  Intel SDM volume 3, section 4.5.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/platform.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/frames.h"
#include "machines/bare/x86_64/cpu.h"

enum { PAGE = PLATFORM_PAGE_BYTES, LEVELS = 4, ENTRIES = 512 };
#define PRESENT ((u64)1)
#define WRITABLE ((u64)2)
#define UNCACHED ((u64)0x18) // write-through, cache disabled
#define LARGE ((u64)0x80)
#define NO_EXECUTE ((u64)1 << 63)
#define ADDRESS ((u64)0x000ffffffffff000)
#define GIB ((u64)1 << 30)
#define LARGE_PAGE ((u64)2 << 20)
#define IDENTITY_END (512 * GIB)
#define WINDOW_START (1024 * GIB)
#define WINDOW_END (65536 * GIB)

extern u64 cpu_page_root[ENTRIES];
extern u64 boot_pointers[ENTRIES]; // below it, the first 512 GiB
extern u8 image_start[], image_text_end[], image_rodata_end[], image_end[];
extern u8 machine_stack_guard[];
static u64 identity_end = 4 * GIB;

static u64 *table_of(u64 entry)
{
    return (u64 *)(uintptr_t)(entry & ADDRESS);
}

static u32 index_at(u64 address, u32 level)
{
    return (u32)(address >> (12 + 9 * level)) & (ENTRIES - 1);
}

static void forget(u64 address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

// The entry of `level` (0: of a small page) for an address, making the tables on the way; NULL: no
// frame left.
static u64 *entry_make(u64 address, u32 level)
{
    u64 *table = cpu_page_root;
    for (u32 at = LEVELS - 1; at > level; at--) {
        u64 *entry = &table[index_at(address, at)];
        if (!(*entry & PRESENT)) {
            u64 frame = frames_take();
            if (frame == 0) {
                return NULL;
            }
            mem_zero((void *)(uintptr_t)frame, PAGE);
            *entry = frame | PRESENT | WRITABLE;
        }
        ASSERT(!(*entry & LARGE));
        table = table_of(*entry);
    }
    return &table[index_at(address, level)];
}

// Replaces a large page of the identity map by small ones.
static void split(u64 address)
{
    u64 *entry = entry_make(address, 1);
    ASSERT(entry != NULL && (*entry & PRESENT));
    if (!(*entry & LARGE)) {
        return;
    }
    u64 frame = frames_take();
    ASSERT(frame != 0);
    u64 *table = (u64 *)(uintptr_t)frame;
    for (u32 i = 0; i < ENTRIES; i++) {
        table[i] = ((*entry & ADDRESS) + (u64)i * PAGE) | PRESENT | WRITABLE | NO_EXECUTE;
    }
    *entry = frame | PRESENT | WRITABLE;
}

static void protect_image(void)
{
    u64 end = ((uintptr_t)image_end + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    for (u64 at = 0; at < end; at += LARGE_PAGE) {
        split(at);
    }
    u64 start = (uintptr_t)image_start;
    for (u64 at = start; at < (uintptr_t)image_text_end; at += PAGE) {
        *entry_make(at, 0) = at | PRESENT;
    }
    for (u64 at = (uintptr_t)image_text_end; at < (uintptr_t)image_rodata_end; at += PAGE) {
        *entry_make(at, 0) = at | PRESENT | NO_EXECUTE;
    }
    *entry_make(0, 0) = 0;
    *entry_make((uintptr_t)machine_stack_guard, 0) = 0;
}

void mmu_start(void)
{
    protect_image();
    for (u64 at = (((uintptr_t)image_end + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1)); at < 4 * GIB;
         at += LARGE_PAGE) {
        *entry_make(at, 1) |= NO_EXECUTE;
    }
    u64 root = (uintptr_t)cpu_page_root;
    __asm__ volatile("mov %0, %%cr3" ::"r"(root) : "memory");
}

// Pages of 1 GiB need no table. A CPU without them uses no memory above 4 GiB.
void mmu_extend(void)
{
    enum { HAS_GIB_PAGES = 1 << 26 };
    if (cpuid(0x80000000).a < 0x80000001 || !(cpuid(0x80000001).d & HAS_GIB_PAGES)) {
        return;
    }
    for (u32 i = 4; i < ENTRIES; i++) {
        boot_pointers[i] = (u64)i * GIB | PRESENT | WRITABLE | LARGE | NO_EXECUTE;
    }
    identity_end = IDENTITY_END;
}

void mmu_uncache(u64 at)
{
    ASSERT(at < 4 * GIB);
    *entry_make(at, 1) |= UNCACHED;
    forget(at);
}

u64 cpu_identity_end(void)
{
    return identity_end;
}

void cpu_window(u64 *start, u64 *end)
{
    *start = WINDOW_START;
    *end = WINDOW_END;
}

enum err cpu_map(u64 at, u64 frame)
{
    ASSERT(at >= WINDOW_START && at < WINDOW_END);
    u64 *entry = entry_make(at, 0);
    if (entry == NULL) {
        return ERR_NO_MEMORY;
    }
    ASSERT(!(*entry & PRESENT));
    *entry = frame | PRESENT | WRITABLE | NO_EXECUTE;
    return ERR_OK;
}

// The entry of a small page, or NULL and in *skip the end of what is not mapped.
static u64 *entry_find(u64 address, u64 *skip)
{
    u64 *table = cpu_page_root;
    for (u32 level = LEVELS - 1; level > 0; level--) {
        u64 entry = table[index_at(address, level)];
        if (!(entry & PRESENT)) {
            u64 size = (u64)1 << (12 + 9 * level);
            *skip = (address & ~(size - 1)) + size;
            return NULL;
        }
        table = table_of(entry);
    }
    return &table[index_at(address, 0)];
}

void cpu_unmap(u64 start, u64 end)
{
    ASSERT(start >= WINDOW_START && start <= end && end <= WINDOW_END);
    for (u64 at = start; at < end;) {
        u64 skip = at + PAGE;
        u64 *entry = entry_find(at, &skip);
        if (entry != NULL && (*entry & PRESENT)) {
            u64 frame = *entry & ADDRESS;
            *entry = 0;
            forget(at);
            frames_give(frame);
        }
        at = skip;
    }
}

void cpu_map_executable(u64 at)
{
    u64 skip;
    u64 *entry = entry_find(at, &skip);
    ASSERT(entry != NULL && (*entry & PRESENT));
    *entry &= ~(WRITABLE | NO_EXECUTE);
    forget(at);
}
