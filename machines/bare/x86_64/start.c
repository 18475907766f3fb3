// SPDX-License-Identifier: GPL-3.0-or-later
// What the boot loader said, turned into a struct boot_info. Both loaders' lists are read as input:
// a size or an address that leads out of what can be read is passed over.
// Source  Xen's public header arch-x86/hvm/start_info.h (layout); Multiboot2 specification 2.0,
//         section 3.6.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/x86_64/cpu.h"

#define PVH_MAGIC 0x336ec578u
#define MULTIBOOT2_SAYS 0x36d76289u
#define REACHABLE ((u64)4 << 30) // what boot.S mapped
enum { E820_USABLE = 1 };

struct pvh_info {
    u32 magic;
    u32 version;
    u32 flags;
    u32 module_count;
    u64 modules;
    u64 command_line;
    u64 rsdp;
    u64 memory_map; // from version 1 on, as is the rest
    u32 memory_map_count;
    u32 reserved;
};

struct pvh_module {
    u64 start;
    u64 size;
    u64 command_line;
    u64 reserved;
};

struct pvh_range {
    u64 start;
    u64 size;
    u32 type;
    u32 reserved;
};

extern u8 image_start[], image_end[];
static struct boot_info info;

NORETURN void cpu_main(u32 loader, u32 said);

// Whether [at, at + size) can be read. Page 0 is still there, and loaders do leave lists in it.
static bool reachable(u64 at, u64 size)
{
    return at != 0 && at < REACHABLE && size <= REACHABLE - at;
}

static void range_add(struct boot_range *ranges, u32 *count, u64 start, u64 size)
{
    if (*count < BOOT_RANGES && size <= UINT64_MAX - start) {
        ranges[(*count)++] = (struct boot_range){start, start + size};
    }
}

static void reserve(u64 start, u64 size)
{
    // An unreserved range would be handed out as free memory: there must be room for each.
    ASSERT(info.reserved_count < BOOT_RANGES);
    range_add(info.reserved, &info.reserved_count, start, size);
}

// Firmware may list what is reserved by the hundred; only what overlaps usable memory matters, so
// the map is read twice: for what is usable, then for what is not.
enum pass { PASS_USABLE, PASS_RESERVED, PASS_COUNT };

static bool overlaps_usable(u64 start, u64 end)
{
    for (u32 i = 0; i < info.usable_count; i++) {
        if (start < info.usable[i].end && info.usable[i].start < end) {
            return true;
        }
    }
    return false;
}

static void memory_add(enum pass pass, u64 start, u64 size, u32 type)
{
    u64 end = size > UINT64_MAX - start ? UINT64_MAX : start + size;
    if (pass == PASS_USABLE && type == E820_USABLE) {
        range_add(info.usable, &info.usable_count, start, size);
    } else if (pass == PASS_RESERVED && type != E820_USABLE && overlaps_usable(start, end)) {
        if (info.reserved_count >= BOOT_RANGES - BOOT_MODULES - 4) {
            machine_panic(SPAN_LITERAL("the memory map contradicts itself too often"));
        }
        reserve(start, end - start);
    }
}

static void module_add(u64 start, u64 size)
{
    if (!reachable(start, size)) {
        return;
    }
    reserve(start, size);
    if (info.archive.size == 0) {
        info.archive = span_of((const void *)(uintptr_t)start, (size_t)size);
    }
}

static void command_line_set(u64 at)
{
    for (u32 i = 0; i < BOOT_COMMAND_BYTES - 1 && reachable(at + i, 1); i++) {
        char c = *(const char *)(uintptr_t)(at + i);
        info.command_line[i] = c;
        if (c == 0) {
            return;
        }
    }
}

static void pvh_read(u64 at)
{
    struct pvh_info said;
    mem_copy(&said, (const void *)(uintptr_t)at, sizeof said);
    info.loader = "pvh";
    reserve(at, sizeof said);
    if (said.command_line != 0) {
        command_line_set(said.command_line);
    }
    u64 ranges = (u64)said.memory_map_count * sizeof(struct pvh_range);
    if (said.version >= 1 && reachable(said.memory_map, ranges)) {
        for (u32 i = 0; i < said.memory_map_count * (u64)PASS_COUNT; i++) {
            struct pvh_range range;
            u64 from = said.memory_map + (u64)(i % said.memory_map_count) * sizeof range;
            mem_copy(&range, (const void *)(uintptr_t)from, sizeof range);
            memory_add((enum pass)(i / said.memory_map_count), range.start, range.size, range.type);
        }
    }
    for (u32 i = 0; i < said.module_count && i < BOOT_MODULES; i++) {
        u64 from = said.modules + (u64)i * sizeof(struct pvh_module);
        if (reachable(from, sizeof(struct pvh_module))) {
            struct pvh_module module;
            mem_copy(&module, (const void *)(uintptr_t)from, sizeof module);
            module_add(module.start, module.size);
        }
    }
}

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
};

static void multiboot2_memory(enum pass pass, u64 tag, u32 size)
{
    if (size < 16) {
        return;
    }
    u32 entry_size = mem_load_u32((const void *)(uintptr_t)(tag + 8));
    if (entry_size < 24) {
        return;
    }
    for (u64 at = tag + 16; at <= tag + size - 24; at += entry_size) {
        const u8 *entry = (const u8 *)(uintptr_t)at;
        memory_add(pass, mem_load_u64(entry), mem_load_u64(entry + 8), mem_load_u32(entry + 16));
    }
}

static void multiboot2_read(u64 at)
{
    info.loader = "multiboot2";
    if (!reachable(at, 8)) {
        return;
    }
    u32 total = mem_load_u32((const void *)(uintptr_t)at);
    if (total > BOOT_INFO_BYTES || !reachable(at, total)) {
        return;
    }
    reserve(at, total);
    u32 modules = 0;
    u64 offset = 8;
    while (offset + 8 <= total) {
        u64 tag = at + offset;
        u32 type = mem_load_u32((const void *)(uintptr_t)tag);
        u32 size = mem_load_u32((const void *)(uintptr_t)(tag + 4));
        if (type == TAG_END || size < 8 || size > total - offset) {
            return;
        }
        if (type == TAG_COMMAND_LINE) {
            command_line_set(tag + 8);
        } else if (type == TAG_MODULE && size >= 16 && modules++ < BOOT_MODULES) {
            u32 start = mem_load_u32((const void *)(uintptr_t)(tag + 8));
            u32 end = mem_load_u32((const void *)(uintptr_t)(tag + 12));
            module_add(start, end < start ? 0 : end - start);
        } else if (type == TAG_MEMORY_MAP) {
            multiboot2_memory(PASS_USABLE, tag, size);
            multiboot2_memory(PASS_RESERVED, tag, size);
        }
        offset += (size + 7) & ~(u64)7;
    }
}

void cpu_main(u32 loader, u32 said)
{
    info.machine = "pc";
    info.loader = "?";
    reserve(0, 1 << 20); // the firmware's
    reserve((uintptr_t)image_start, (uintptr_t)image_end - (uintptr_t)image_start);
    // One loader of PVH leaves another's magic in eax: what is in memory decides.
    if (reachable(said, sizeof(struct pvh_info)) &&
        mem_load_u32((const void *)(uintptr_t)said) == PVH_MAGIC) {
        pvh_read(said);
    } else if (loader == MULTIBOOT2_SAYS) {
        multiboot2_read(said);
    }
    mmu_extend();
    machine_main(&info);
}

void cpu_start(void)
{
    tables_start();
    mmu_start();
    clock_start();
}
