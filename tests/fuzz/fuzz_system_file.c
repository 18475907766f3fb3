// SPDX-License-Identifier: GPL-3.0-or-later
// System files (tools/redshirt/system_file.h). What is accepted must hold what its header promises;
// what is not must say where.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "tools/redshirt/system_file.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct system_file file;

// Lies in the file's text and ends in a zero there.
static void check_span(struct span span)
{
    const u8 *text = (const u8 *)file.text;
    ASSERT(span.data >= text && span.data + span.size < text + sizeof file.text);
    ASSERT(span.data[span.size] == 0);
}

static void check_program(const struct system_program *program)
{
    check_span(program->name);
    check_span(program->what);
    ASSERT(program->word_count <= SYSTEM_WORDS && program->variable_count <= SYSTEM_VARIABLES);
    ASSERT(program->grant_count <= SYSTEM_GRANTS);
    for (u32 i = 0; i < program->word_count; i++) {
        check_span(program->words[i]);
    }
    for (u32 i = 0; i < program->variable_count; i++) {
        check_span(program->variables[i]);
    }
    for (u32 i = 0; i < program->grant_count; i++) {
        check_span(program->grants[i].interface);
    }
}

static void check_route(const struct system_route *route)
{
    check_span(route->interface);
    ASSERT(route->count > 0 && route->count <= SYSTEM_ROW);
    ASSERT(route->client == SYSTEM_ALL || route->client < file.program_count);
    for (u32 i = 0; i < route->count; i++) {
        ASSERT(route->row[i] < file.program_count && route->row[i] != route->client);
        for (u32 k = 0; k < i; k++) {
            ASSERT(route->row[i] != route->row[k]);
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct report report = {0};
    struct system_place place = {0};
    enum err err = system_parse(span_of(data, size), &file, &place, &report);
    ASSERT(place.line > 0 && place.column > 0);
    ASSERT((err == ERR_OK) == (report.text[0] == 0));
    if (err != ERR_OK) {
        return 0;
    }
    for (u32 i = 0; i < file.program_count; i++) {
        check_program(&file.programs[i]);
        ASSERT(system_find(&file, file.programs[i].name) == i);
    }
    for (u32 i = 0; i < file.route_count; i++) {
        check_route(&file.routes[i]);
    }
    return 0;
}
