// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/fuzz_section.c: a program's redshirt:interfaces sections out of bytes: what is
// accepted is sorted, within its limits, and hashed.
#include "core/base/report.h"
#include "core/kernel/internal.h"
#include "machines/sim/sim.h"

static void check_definition(const struct definition *definition)
{
    ASSERT(definition->name.size > 0 && definition->name.size <= INTERFACE_NAME_BYTES);
    ASSERT(definition->function_count <= INTERFACE_FUNCTIONS);
    for (u32 i = 0; i < definition->function_count; i++) {
        const struct function_definition *function = &definition->functions[i];
        ASSERT(function->id == mem_load_u64(function->hash));
        ASSERT(i == 0 || definition->functions[i - 1].id < function->id);
        ASSERT(definition_function(definition, function->id) == function);
    }
    ASSERT(definition_missing(definition, definition) == NULL);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct kernel *kernel;
    if (kernel == NULL) {
        sim_reset(1, NULL);
        struct kernel_config config = sim_kernel_config(1);
        ASSERT(kernel_create(&config, &kernel, NULL) == ERR_OK);
    }
    // Two sections, cut where the first byte says; one of another name between them.
    size_t cut = size == 0 ? 0 : data[0] % size;
    struct span name = SPAN_LITERAL("redshirt:interfaces");
    struct wasm_custom customs[] = {
        {name, span_of(data, cut), 0},
        {SPAN_LITERAL("name"), span_of(data, size), 0},
        {name, span_of(data + cut, size - cut), cut},
    };
    struct wasm_module module = {.custom_count = 3, .customs = customs};
    struct program program = {.kernel = kernel, .module = &module};
    arena_init(&program.arena, kernel_memory(kernel), KERNEL_PROGRAM_BYTES);
    struct report report;
    report_clear(&report);
    struct section_reader at = {0};
    enum err err;
    do { // in the smallest steps
        i64 fuel = 1;
        err = interface_parse_sections(&program, &at, &fuel, &report);
        ASSERT(fuel <= 0 || err != ERR_PAUSED);
    } while (err == ERR_PAUSED);
    ASSERT(err == ERR_OK || report.err == err);
    for (u32 i = 0; err == ERR_OK && i < program.definition_count; i++) {
        check_definition(&program.definitions[i]);
        for (u32 other = 0; other < i; other++) {
            ASSERT(!mem_equal(program.definitions[i].hash, program.definitions[other].hash, 32));
        }
    }
    arena_drop(&program.arena);
    return 0;
}
