// SPDX-License-Identifier: GPL-3.0-or-later
// The image is the module's bytes, changed in place where they name locals, and sections behind
// them. What is looked at is the module; what is written is the copy, at the same offset.
#include "lib/dwarf/image.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "lib/dwarf/internal.h"

enum { SECTION_CUSTOM = 0, LEB_U32_BYTES = 5, NAME_BYTES = 32, HEADS_BYTES = 1024 };
enum { ABBREVIATION_UNIT = 1, ABBREVIATION_FUNCTION = 2 };
static const u32 covered = (u32)1 << 31;

struct body {
    u32 start; // from the start of the code section's contents; `covered`: an entry has it
    u32 size;
};

struct image {
    struct span module;
    struct dwarf dwarf;
    u32 import_count; // of functions
    u32 body_count;
    struct body *bodies; // those that the module defines, in order
    u32 register_count;
    bool is_full;
    u8 *bytes;
    size_t size;
    size_t capacity;
};

// ---- the module's functions

static enum err limits_pass(struct reader *in)
{
    enum { HAS_MOST = 1, HAS_PAGE_SIZE = 8 };
    u64 number;
    u8 flags;
    TRY(reader_u8(in, &flags, NULL));
    TRY(reader_leb_u64(in, &number, NULL));
    if ((flags & HAS_MOST) != 0) {
        TRY(reader_leb_u64(in, &number, NULL));
    }
    return (flags & HAS_PAGE_SIZE) != 0 ? reader_leb_u64(in, &number, NULL) : ERR_OK;
}

static enum err type_pass(struct reader *in)
{
    enum { REFERENCE = 0x64, REFERENCE_OR_NULL = 0x63 };
    u8 type;
    i64 heap_type;
    TRY(reader_u8(in, &type, NULL));
    bool is_long = type == REFERENCE || type == REFERENCE_OR_NULL;
    return is_long ? reader_leb_i33(in, &heap_type, NULL) : ERR_OK;
}

static enum err import_read(struct reader *in, bool *is_function)
{
    enum { FUNCTION, TABLE, MEMORY, GLOBAL, TAG };
    u32 number;
    struct span name;
    u8 kind;
    for (u32 i = 0; i < 2; i++) {
        TRY(reader_leb_u32(in, &number, NULL));
        TRY(reader_bytes(in, number, &name, NULL));
    }
    TRY(reader_u8(in, &kind, NULL));
    *is_function = kind == FUNCTION;
    switch (kind) {
    case TABLE:
        TRY(type_pass(in));
        return limits_pass(in);
    case MEMORY:
        return limits_pass(in);
    case GLOBAL:
        TRY(type_pass(in));
        return reader_u8(in, &kind, NULL);
    case TAG:
        TRY(reader_u8(in, &kind, NULL));
        return reader_leb_u32(in, &number, NULL);
    default:
        return kind == FUNCTION ? reader_leb_u32(in, &number, NULL) : ERR_MALFORMED;
    }
}

static enum err imports_count(struct image *image)
{
    u32 count = 0;
    struct reader in = reader_over(image->dwarf.imports);
    if (image->dwarf.imports.size != 0) {
        TRY(reader_leb_u32(&in, &count, NULL));
    }
    for (u32 i = 0; i < count; i++) {
        bool is_function;
        TRY(import_read(&in, &is_function));
        image->import_count += is_function;
    }
    return ERR_OK;
}

static enum err bodies_read(struct image *image, struct arena *arena)
{
    const struct dwarf *dwarf = &image->dwarf;
    if (dwarf->code_size == 0) {
        return ERR_OK;
    }
    struct reader in =
        reader_over(span_of(image->module.data + dwarf->code_start, (size_t)dwarf->code_size));
    TRY(reader_leb_u32(&in, &image->body_count, NULL));
    if (image->body_count > reader_left(&in)) {
        return ERR_MALFORMED;
    }
    image->bodies = ARENA_ROOM(arena, struct body, image->body_count);
    if (image->bodies == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < image->body_count; i++) {
        struct span body;
        u32 size;
        TRY(reader_leb_u32(&in, &size, NULL));
        image->bodies[i] = (struct body){(u32)reader_offset(&in), size};
        TRY(reader_bytes(&in, size, &body, NULL));
    }
    return ERR_OK;
}

// ---- changes in place

static void expression_visit(void *context, struct span expression)
{
    struct image *image = context;
    size_t at = expression.size == 0 ? 0 : (size_t)(expression.data - image->module.data);
    dwarf_expression_rewrite(expression, image->bytes + at, &image->register_count);
}

// Notes that a function has an entry.
static void function_visit(void *context, u64 start)
{
    struct image *image = context;
    u32 low = 0;
    u32 high = image->body_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if ((image->bodies[middle].start & ~covered) < start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < image->body_count && image->bodies[low].start == start) {
        image->bodies[low].start |= covered;
    }
}

static void rewrite(struct image *image, struct dwarf_scratch *scratch)
{
    const struct dwarf_visitor visitor = {image, expression_visit, function_visit};
    i64 work = (i64)image->module.size * DWARF_IMAGE_WORK;
    dwarf_entries_visit(&image->dwarf, scratch, &work, &visitor);
    dwarf_locations_visit(&image->dwarf, &visitor);
}

// ---- sections behind

static void put(struct image *image, struct span bytes)
{
    image->is_full |= bytes.size > image->capacity - image->size;
    if (!image->is_full && bytes.size != 0) {
        mem_copy(image->bytes + image->size, bytes.data, bytes.size);
        image->size += bytes.size;
    }
}

static void put_number(struct image *image, u64 number, u32 size)
{
    put(image, span_of(&number, size)); // little-endian, as all machines that this runs on
}

static void put_leb(struct image *image, u32 number)
{
    do {
        put_number(image, (number & 0x7f) | (number > 0x7f ? 0x80 : 0), 1);
        number >>= 7;
    } while (number != 0);
}

// Returns what section_end wants.
static size_t section_begin(struct image *image, struct span name)
{
    put_number(image, SECTION_CUSTOM, 1);
    size_t start = image->size;
    put_number(image, 0, LEB_U32_BYTES); // the size, which is not known yet
    put_leb(image, (u32)name.size);
    put(image, name);
    return start;
}

static void section_end(struct image *image, size_t start)
{
    u32 size = (u32)(image->size - start - LEB_U32_BYTES);
    for (u32 i = 0; i < LEB_U32_BYTES && !image->is_full; i++) {
        bool is_last = i + 1 == LEB_U32_BYTES;
        image->bytes[start + i] = (u8)((size >> 7 * i & 0x7f) | (is_last ? 0 : 0x80));
    }
}

// What a section of the module holds now; the section itself, whose name stands before it, is
// renamed, as debuggers want one of a name.
static void put_again(struct image *image, struct span section, struct span name)
{
    if (section.size != 0) {
        u8 *at = image->bytes + (section.data - image->module.data);
        put(image, span_of(at, section.size));
        *(at - name.size) = 'x';
    }
}

// Behind the unit's length, and other lengths of four bytes.
static void length_end(struct image *image, size_t start)
{
    u32 length = (u32)(image->size - start - sizeof length);
    if (!image->is_full) {
        mem_copy(image->bytes + start, &length, sizeof length);
    }
}

// A kind of entry, and its attributes, each with its form.
static void put_abbreviation(struct image *image, u8 number, u8 tag, bool has_children,
                             struct span attributes)
{
    put_leb(image, number);
    put_leb(image, tag);
    put_leb(image, has_children);
    put(image, attributes);
    put_leb(image, 0);
    put_leb(image, 0);
}

static void put_abbreviations(struct image *image)
{
    enum { UNIT = 0x11, FUNCTION = 0x2e };
    enum { NAME = 0x03, LOW = 0x11, HIGH = 0x12, LANGUAGE = 0x13, EXTERNAL = 0x3f, RANGES = 0x55 };
    enum { ADDRESS = 0x01, DATA_4 = 0x06, STRING = 0x08, DATA_1 = 0x0b, OFFSET = 0x17 };
    enum { PRESENT = 0x19 };
    static const u8 unit[] = {NAME, STRING, LANGUAGE, DATA_1, LOW, ADDRESS, RANGES, OFFSET};
    static const u8 function[] = {NAME, STRING, LOW, ADDRESS, HIGH, DATA_4, EXTERNAL, PRESENT};
    const struct span name = SPAN_LITERAL(".debug_abbrev");
    size_t section = section_begin(image, name);
    put_again(image, image->dwarf.abbrev, name);
    put_abbreviation(image, ABBREVIATION_UNIT, UNIT, true, span_of(unit, sizeof unit));
    put_abbreviation(image, ABBREVIATION_FUNCTION, FUNCTION, false,
                     span_of(function, sizeof function));
    put_leb(image, 0);
    section_end(image, section);
}

// Where the code of put_functions' unit is: functions that follow each other are one range.
static void put_ranges(struct image *image)
{
    const struct span name = SPAN_LITERAL(".debug_ranges");
    size_t section = section_begin(image, name);
    put_again(image, image->dwarf.ranges, name);
    for (u32 i = 0; i < image->body_count; i++) {
        u32 start = image->bodies[i].start;
        if ((start & covered) != 0) {
            continue;
        }
        while (i + 1 < image->body_count && (image->bodies[i + 1].start & covered) == 0) {
            i++;
        }
        put_number(image, start, 4);
        put_number(image, image->bodies[i].start + image->bodies[i].size, 4);
    }
    put_number(image, 0, 8);
    section_end(image, section);
}

// The names of functions, which come in order of their indices.
struct names {
    struct reader in;
    u32 left;
    u32 index; // of the name that is next
    struct span name;
};

static void names_next(struct names *names)
{
    u32 size;
    if (names->left == 0 || reader_leb_u32(&names->in, &names->index, NULL) != ERR_OK ||
        reader_leb_u32(&names->in, &size, NULL) != ERR_OK ||
        reader_bytes(&names->in, size, &names->name, NULL) != ERR_OK) {
        names->left = 0;
        names->index = UINT32_MAX;
        return;
    }
    names->left--;
}

static struct names names_begin(struct span section)
{
    enum { FUNCTIONS = 1 };
    struct names names = {.index = UINT32_MAX};
    struct reader in = reader_over(section);
    u8 id;
    u32 size;
    while (reader_u8(&in, &id, NULL) == ERR_OK && reader_leb_u32(&in, &size, NULL) == ERR_OK &&
           reader_sub(&in, size, &names.in, NULL) == ERR_OK) {
        if (id == FUNCTIONS && reader_leb_u32(&names.in, &names.left, NULL) == ERR_OK) {
            names_next(&names);
            break;
        }
    }
    return names;
}

static void put_name(struct image *image, struct names *names, u32 function)
{
    while (names->index < function) {
        names_next(names);
    }
    char buffer[NAME_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    struct span name = names->name;
    if (names->index != function || name.size == 0 || name.size > DWARF_NAME_BYTES) {
        text_string(&text, "wasm-function[");
        text_u64(&text, function);
        text_char(&text, ']');
        name = span_of(text.data, text.size);
    }
    for (size_t i = 0; i < name.size && name.data[i] != 0; i++) {
        put_number(image, name.data[i], 1);
    }
    put_number(image, 0, 1);
}

// A unit of the functions that have no entry.
static void put_functions(struct image *image)
{
    enum { VERSION = 4, ADDRESS_BYTES = 4, LANGUAGE_C99 = 0x0c };
    const struct span name = SPAN_LITERAL(".debug_info");
    size_t section = section_begin(image, name);
    put_again(image, image->dwarf.info, name);
    size_t unit = image->size;
    put_number(image, 0, 4);
    put_number(image, VERSION, 2);
    put_number(image, image->dwarf.abbrev.size, 4);
    put_number(image, ADDRESS_BYTES, 1);
    put_number(image, ABBREVIATION_UNIT, 1);
    put_number(image, 0, 1); // its name is empty
    put_number(image, LANGUAGE_C99, 1);
    put_number(image, 0, 4); // what its ranges count from
    put_number(image, image->dwarf.ranges.size, 4);
    struct names names = names_begin(image->dwarf.names);
    for (u32 i = 0; i < image->body_count; i++) {
        const struct body *body = &image->bodies[i];
        if ((body->start & covered) == 0) {
            put_number(image, ABBREVIATION_FUNCTION, 1);
            put_name(image, &names, image->import_count + i);
            put_number(image, body->start, 4);
            put_number(image, body->size, 4);
        }
    }
    put_number(image, 0, 1);
    length_end(image, unit);
    section_end(image, section);
}

// One rule for all code.
static void put_frames(struct image *image)
{
    enum { CFA = 0x0c, SAVED = 0x05, VERSION = 4, ADDRESS_BYTES = 4, UNIT_BYTES = 8 };
    size_t section = section_begin(image, SPAN_LITERAL(".debug_frame"));
    size_t common = image->size;
    put_number(image, 0, 4);
    put_number(image, UINT32_MAX, 4);
    put_number(image, VERSION, 1);
    put_number(image, 0, 1); // no augmentation
    put_number(image, ADDRESS_BYTES, 1);
    put_number(image, 0, 1); // no segments
    put_number(image, 1, 1);
    put_number(image, UNIT_BYTES, 1);
    put_leb(image, DWARF_REGISTER_PC);
    put_number(image, CFA, 1);
    put_leb(image, DWARF_REGISTER_CALLER);
    put_leb(image, 0);
    put_number(image, SAVED, 1);
    put_leb(image, DWARF_REGISTER_PC);
    put_leb(image, 0);
    put_number(image, SAVED, 1);
    put_leb(image, DWARF_REGISTER_CALLER);
    put_leb(image, 1);
    for (u32 i = 0; i < image->register_count; i++) {
        put_number(image, SAVED, 1);
        put_leb(image, i);
        put_leb(image, 2 + 2 * i);
    }
    length_end(image, common);
    size_t all = image->size;
    put_number(image, 0, 4);
    put_number(image, 0, 4); // of the first
    put_number(image, 0, 4); // all addresses
    put_number(image, image->dwarf.code_size, 4);
    length_end(image, all);
    section_end(image, section);
}

// ---- all of it

// Room for the image: the module, three sections again, names, and for each function what stands
// beside its name, for each register its rule.
static size_t room(const struct image *image)
{
    enum { FUNCTION_BYTES = 1 + NAME_BYTES + 1 + 4 + 4 + 8, RULE_BYTES = 1 + 2 + 2 };
    const struct dwarf *dwarf = &image->dwarf;
    return image->module.size + dwarf->info.size + dwarf->abbrev.size + dwarf->names.size +
           dwarf->ranges.size + (size_t)image->body_count * FUNCTION_BYTES +
           DWARF_REGISTERS * RULE_BYTES + HEADS_BYTES;
}

enum err dwarf_image_make(struct span module, struct dwarf_scratch *scratch, struct arena *arena,
                          struct dwarf_image *out)
{
    struct image image = {.module = module};
    if (module.size > DWARF_IMAGE_BYTES) {
        return ERR_LIMIT;
    }
    enum err err = dwarf_open(module, &image.dwarf);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return err;
    }
    TRY(imports_count(&image));
    TRY(bodies_read(&image, arena));
    image.capacity = room(&image);
    image.bytes = ARENA_ROOM(arena, u8, image.capacity);
    if (image.bytes == NULL) {
        return ERR_NO_MEMORY;
    }
    put(&image, module);
    rewrite(&image, scratch);
    put_abbreviations(&image);
    put_ranges(&image);
    put_functions(&image);
    put_frames(&image);
    ASSERT(!image.is_full);
    *out = (struct dwarf_image){span_of(image.bytes, image.size), image.register_count};
    return ERR_OK;
}
