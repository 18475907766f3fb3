// SPDX-License-Identifier: GPL-3.0-or-later
// Budgets (core/kernel/budget.h): two texts with a newline between them. What is refused says
// where; what is accepted, narrowed by the other, is no more than either.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/kernel/budget.h"
#include "core/kernel/limits.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static bool parse(struct span text, struct kernel_budget *out)
{
    struct report report = {0};
    if (kernel_budget_parse(text, out, &report) != ERR_OK) {
        ASSERT(report.text[0] != 0 && report.offset <= text.size);
        return false;
    }
    ASSERT(out->memory_bytes <= KERNEL_BUDGET_BYTES && out->addressing <= KERNEL_MEMORY_SMALL);
    ASSERT(out->children <= KERNEL_FAMILY && out->messages <= KERNEL_MESSAGES);
    ASSERT(out->queued_bytes <= KERNEL_MESSAGE_BYTES);
    ASSERT(out->cpu >= 1 && out->cpu <= KERNEL_CPU_EACH);
    return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    size_t first = 0;
    while (first < size && data[first] != '\n') {
        first++;
    }
    size_t second = first + (first < size);
    struct kernel_budget budget;
    struct kernel_budget said;
    if (!parse(span_of(data, first), &budget) ||
        !parse(span_of(data + second, size - second), &said)) {
        return 0;
    }
    struct kernel_budget most = budget;
    budget_narrow(&budget, &said, false);
    ASSERT(budget.memory_bytes <= most.memory_bytes && budget.memory_bytes <= said.memory_bytes);
    ASSERT(budget.children <= most.children && budget.children <= said.children);
    ASSERT(budget.messages <= most.messages && budget.messages <= said.messages);
    ASSERT(budget.queued_bytes <= most.queued_bytes && budget.queued_bytes <= said.queued_bytes);
    ASSERT(budget.cpu <= most.cpu && budget.cpu <= said.cpu);
    bool is_small =
        most.addressing == KERNEL_MEMORY_SMALL || said.addressing == KERNEL_MEMORY_SMALL;
    ASSERT((budget.addressing == KERNEL_MEMORY_SMALL) == is_small);
    return 0;
}
