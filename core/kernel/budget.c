// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/budget.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/kernel/limits.h"

struct kernel_budget kernel_budget_most(void)
{
    return (struct kernel_budget){
        .addressing = KERNEL_MEMORY_AUTO,
        .memory_bytes = KERNEL_BUDGET_BYTES,
        .children = KERNEL_FAMILY,
        .messages = KERNEL_MESSAGES,
        .queued_bytes = KERNEL_MESSAGE_BYTES,
        .cpu = KERNEL_CPU_EACH,
    };
}

static void lower(u32 *value, u32 most)
{
    *value = *value < most ? *value : most;
}

void budget_narrow(struct kernel_budget *budget, const struct kernel_budget *said, bool is_own)
{
    bool is_forced = is_own && said->addressing == KERNEL_MEMORY_FAST;
    if (said->addressing == KERNEL_MEMORY_SMALL ||
        (is_forced && budget->addressing == KERNEL_MEMORY_AUTO)) {
        budget->addressing = said->addressing;
    }
    if (said->memory_bytes < budget->memory_bytes) {
        budget->memory_bytes = said->memory_bytes;
    }
    lower(&budget->children, said->children);
    lower(&budget->messages, said->messages);
    lower(&budget->queued_bytes, said->queued_bytes);
    lower(&budget->cpu, said->cpu);
}

struct scan {
    struct span text;
    size_t next;
    struct report *report;
};

static enum err wrong(const struct scan *scan, const char *why)
{
    return report_err(scan->report, ERR_MALFORMED, scan->next, why);
}

static bool is_at_end(const struct scan *scan)
{
    return scan->next == scan->text.size;
}

static bool take(struct scan *scan, const char *text)
{
    struct span word = span_string(text);
    if (word.size > scan->text.size - scan->next ||
        !mem_equal(scan->text.data + scan->next, word.data, word.size)) {
        return false;
    }
    scan->next += word.size;
    return true;
}

static enum err read_number(struct scan *scan, u64 most, u64 *out)
{
    size_t start = scan->next;
    u64 value = 0;
    while (!is_at_end(scan)) {
        u8 digit = (u8)(scan->text.data[scan->next] - '0');
        if (digit > 9) {
            break;
        }
        if (value > most / 10 || value * 10 + digit > most) {
            return report_err(scan->report, ERR_LIMIT, start, "the number is too large");
        }
        value = value * 10 + digit;
        scan->next++;
    }
    *out = value;
    return scan->next == start ? wrong(scan, "expected a number") : ERR_OK;
}

// Bytes, or with KiB, MiB or GiB so many times as many.
static enum err read_size(struct scan *scan, u64 most, u64 *out)
{
    static const struct {
        const char *name;
        u32 bits;
    } units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    size_t start = scan->next;
    u64 value;
    TRY(read_number(scan, most, &value));
    for (u32 i = 0; i < COUNT_OF(units); i++) {
        if (!take(scan, units[i].name)) {
            continue;
        }
        if (value > most >> units[i].bits) {
            return report_err(scan->report, ERR_LIMIT, start, "the number is too large");
        }
        value <<= units[i].bits;
        break;
    }
    *out = value;
    return ERR_OK;
}

static enum err read_addressing(struct scan *scan, u8 *out)
{
    static const struct {
        const char *name;
        enum kernel_memory addressing;
    } kinds[] = {
        {"auto", KERNEL_MEMORY_AUTO}, {"fast", KERNEL_MEMORY_FAST}, {"small", KERNEL_MEMORY_SMALL}};
    for (u32 i = 0; i < COUNT_OF(kinds); i++) {
        if (take(scan, kinds[i].name)) {
            *out = (u8)kinds[i].addressing;
            return ERR_OK;
        }
    }
    return wrong(scan, "expected auto, fast or small");
}

static enum err read_count(struct scan *scan, u32 most, u32 *out)
{
    u64 value;
    TRY(read_number(scan, most, &value));
    *out = (u32)value;
    return ERR_OK;
}

static enum err read_bytes(struct scan *scan, u32 most, u32 *out)
{
    u64 value;
    TRY(read_size(scan, most, &value));
    *out = (u32)value;
    return ERR_OK;
}

static enum err read_share(struct scan *scan, u32 *out)
{
    TRY(read_count(scan, KERNEL_CPU_ALL, out));
    return *out == 0 ? wrong(scan, "expected a share from 1 to 100") : ERR_OK;
}

enum part {
    PART_MEMORY,
    PART_ADDRESSING,
    PART_CHILDREN,
    PART_MESSAGES,
    PART_QUEUED,
    PART_CPU,
    PARTS
};

static enum err read_part(struct scan *scan, struct kernel_budget *budget, u32 *seen)
{
    static const char *const names[PARTS] = {
        [PART_MEMORY] = "memory:",     [PART_ADDRESSING] = "addressing:",
        [PART_CHILDREN] = "children:", [PART_MESSAGES] = "messages:",
        [PART_QUEUED] = "queued:",     [PART_CPU] = "cpu:",
    };
    size_t start = scan->next;
    u32 part = 0;
    while (part < PARTS && !take(scan, names[part])) {
        part++;
    }
    if (part == PARTS) {
        return wrong(scan, "expected memory:, addressing:, children:, messages:, queued: or cpu:");
    }
    if ((*seen & 1u << part) != 0) {
        scan->next = start;
        return wrong(scan, "said already");
    }
    *seen |= 1u << part;
    switch ((enum part)part) {
    case PART_MEMORY:
        return read_size(scan, KERNEL_BUDGET_BYTES, &budget->memory_bytes);
    case PART_ADDRESSING:
        return read_addressing(scan, &budget->addressing);
    case PART_CHILDREN:
        return read_count(scan, KERNEL_FAMILY, &budget->children);
    case PART_MESSAGES:
        return read_count(scan, KERNEL_MESSAGES, &budget->messages);
    case PART_QUEUED:
        return read_bytes(scan, KERNEL_MESSAGE_BYTES, &budget->queued_bytes);
    case PART_CPU:
        return read_share(scan, &budget->cpu);
    default:
        UNREACHABLE();
    }
}

enum err kernel_budget_parse(struct span text, struct kernel_budget *out, struct report *report)
{
    struct scan scan = {.text = text, .report = report};
    struct kernel_budget budget = kernel_budget_most();
    u32 seen = 0; // one bit for each part
    bool has_more = text.size > 0;
    while (has_more) {
        TRY(read_part(&scan, &budget, &seen));
        has_more = take(&scan, ",");
    }
    if (!is_at_end(&scan)) {
        return wrong(&scan, "expected a comma, or the end");
    }
    *out = budget;
    return ERR_OK;
}
