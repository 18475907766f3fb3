// SPDX-License-Identifier: GPL-3.0-or-later
// The definitions a program was built with, out of its custom sections, and a device's, out of its
// tables: both become the same sorted form. An interface's hash is computed here and believed from
// nobody.
//
// Source  docs/abi.md, "What a program is"; docs/interfaces.md.
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/utf8.h"
#include "core/base/wire.h"
#include "core/kernel/internal.h"
#include "core/platform.h"

enum { SECTION_BYTE_UNITS = 8 }; // of fuel

#define SECTION_NAME SPAN_LITERAL("redshirt:interfaces")

static enum err damaged(struct report *report, u64 offset, const char *why)
{
    return report_err(report, ERR_MALFORMED, offset, why);
}

// Sinks the function into the sorted run [0, count); refuses an id that is there already.
static bool insert_sorted(struct function_definition *functions, u32 count,
                          const struct function_definition *function)
{
    u32 at = count;
    while (at > 0 && functions[at - 1].id > function->id) {
        functions[at] = functions[at - 1];
        at--;
    }
    functions[at] = *function;
    return at == 0 || functions[at - 1].id != function->id;
}

static enum err read_name(struct reader *in, struct span *out, struct report *report)
{
    u32 size;
    u64 offset = reader_offset(in);
    TRY(reader_u32_le(in, &size, report));
    if (size == 0 || size > INTERFACE_NAME_BYTES) {
        return damaged(report, offset, "a name in redshirt:interfaces is empty or too long");
    }
    TRY(reader_bytes(in, size, out, report));
    return utf8_is_valid(*out)
               ? ERR_OK
               : damaged(report, offset, "a name in redshirt:interfaces is not UTF-8");
}

static enum err hash_definition(struct arena *scratch, struct definition *definition)
{
    u8(*hashes)[32] = arena_alloc(scratch, definition->function_count, 32, 1);
    u8 *preimage = arena_alloc(scratch, INTERFACE_PREIMAGE_BYTES, 1, 1);
    if (hashes == NULL || preimage == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < definition->function_count; i++) {
        mem_copy(hashes[i], definition->functions[i].hash, 32);
    }
    size_t size =
        interface_preimage(definition->name, (const u8(*)[32])hashes, definition->function_count,
                           preimage, INTERFACE_PREIMAGE_BYTES);
    ASSERT(size > 0);
    platform_sha256(span_of(preimage, size), definition->hash);
    return ERR_OK;
}

// Reads one interface.
static enum err read_definition(struct reader *in, struct arena *arena, struct arena *scratch,
                                struct definition *out, struct report *report)
{
    TRY(read_name(in, &out->name, report));
    u64 offset = reader_offset(in);
    TRY(reader_u32_le(in, &out->function_count, report));
    if (out->function_count > INTERFACE_FUNCTIONS) {
        return damaged(report, offset, "too many functions in an interface");
    }
    struct function_definition *functions =
        ARENA_ARRAY(arena, struct function_definition, out->function_count);
    if (functions == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < out->function_count; i++) {
        struct function_definition function;
        struct span hash;
        TRY(reader_bytes(in, 32, &hash, report));
        mem_copy(function.hash, hash.data, 32);
        function.id = mem_load_u64(hash.data);
        TRY(read_name(in, &function.name, report));
        if (!insert_sorted(functions, i, &function)) {
            return damaged(report, offset, "two functions of an interface have one id");
        }
    }
    out->functions = functions;
    return hash_definition(scratch, out);
}

static bool is_known(const struct program *program, const struct definition *definition)
{
    for (u32 i = 0; i < program->definition_count; i++) {
        if (mem_equal(program->definitions[i].hash, definition->hash, 32)) {
            return true;
        }
    }
    return false;
}

// Reads the next interface of a list.
static enum err read_listed(struct program *program, struct reader *in, struct report *report)
{
    struct arena scratch;
    arena_init(&scratch, kernel_memory(program->kernel), KERNEL_DEFINITION_SCRATCH);
    struct definition definition = {0};
    enum err err = read_definition(in, &program->arena, &scratch, &definition, report);
    arena_drop(&scratch);
    TRY(err);
    if (is_known(program, &definition)) {
        return ERR_OK;
    }
    if (program->definition_count == KERNEL_DEFINITIONS) {
        return report_err(report, ERR_LIMIT, reader_offset(in),
                          "too many interfaces in redshirt:interfaces");
    }
    program->definitions[program->definition_count++] = definition;
    return ERR_OK;
}

// Goes on with the lists of one section, which stand one after another until it ends.
static enum err read_section(struct program *program, struct section_reader *at, i64 *fuel,
                             struct report *report)
{
    while (at->left > 0 || reader_left(&at->in) > 0) {
        if (*fuel <= 0) {
            return ERR_PAUSED;
        }
        if (at->left == 0) {
            TRY(reader_u32_le(&at->in, &at->left, report));
            *fuel -= 1;
            continue;
        }
        size_t before = reader_left(&at->in);
        TRY(read_listed(program, &at->in, report));
        *fuel -= KERNEL_FUEL_ITEM + (i64)(before - reader_left(&at->in)) * SECTION_BYTE_UNITS;
        at->left--;
    }
    return ERR_OK;
}

// Bytes of all sections together.
static size_t section_bytes(const struct wasm_module *module)
{
    size_t bytes = 0;
    for (u32 i = 0; i < module->custom_count; i++) {
        bytes +=
            span_equal(module->customs[i].name, SECTION_NAME) ? module->customs[i].bytes.size : 0;
    }
    return bytes;
}

// An upper bound of how many interfaces the sections can list, from their size.
static u32 count_at_most(const struct wasm_module *module)
{
    size_t count = section_bytes(module) / 9; // two counts and a name of one letter
    return count < KERNEL_DEFINITIONS ? (u32)count : KERNEL_DEFINITIONS;
}

static enum err sections_begin(struct program *program, struct report *report)
{
    const struct wasm_module *module = program->module;
    if (section_bytes(module) > KERNEL_SECTION_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "redshirt:interfaces is too long");
    }
    program->definition_count = 0;
    program->definitions = ARENA_ARRAY(&program->arena, struct definition, count_at_most(module));
    return program->definitions == NULL ? ERR_NO_MEMORY : ERR_OK;
}

enum err interface_parse_sections(struct program *program, struct section_reader *at, i64 *fuel,
                                  struct report *report)
{
    const struct wasm_module *module = program->module;
    if (!at->is_begun) {
        TRY(sections_begin(program, report));
        *fuel -= module->custom_count;
        at->is_begun = true;
    }
    for (; at->index < module->custom_count; at->index++) { // WASM_CUSTOMS
        const struct wasm_custom *custom = &module->customs[at->index];
        if (!span_equal(custom->name, SECTION_NAME)) {
            continue;
        }
        if (!at->is_inside) {
            at->in = reader_over(custom->bytes);
            at->in.base = custom->offset;
            at->is_inside = true;
        }
        TRY(read_section(program, at, fuel, report));
        at->is_inside = false;
    }
    return ERR_OK;
}

enum err interface_define(struct memory *memory, const struct interface_definition *from,
                          struct definition *out)
{
    ASSERT(from->function_count <= INTERFACE_FUNCTIONS);
    size_t bytes = from->function_count * sizeof(struct function_definition);
    struct function_definition *functions = memory_take(memory, bytes == 0 ? 1 : bytes);
    if (functions == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < from->function_count; i++) {
        struct function_definition function = {.id = from->functions[i].id,
                                               .name = span_string(from->functions[i].name)};
        mem_copy(function.hash, from->functions[i].hash, 32);
        bool is_new = insert_sorted(functions, i, &function);
        ASSERT(is_new);
    }
    *out = (struct definition){.name = span_string(from->name),
                               .words = span_string(from->words == NULL ? "" : from->words),
                               .function_count = from->function_count,
                               .functions = functions};
    mem_copy(out->hash, from->hash, 32);
    return ERR_OK;
}

void interface_undefine(struct memory *memory, struct definition *definition)
{
    if (definition->functions != NULL) {
        size_t bytes = definition->function_count * sizeof(struct function_definition);
        memory_give(memory, (void *)definition->functions, bytes == 0 ? 1 : bytes);
    }
    *definition = (struct definition){0};
}
