// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/dwarf keep its header's promises on sections written by hand: lines in both versions,
// calls that were inlined, each limit at its bound, and damage at every byte? Whether it reads what
// compilers write is the question of tests/diff/run_lines.
#include "lib/dwarf/dwarf.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLACES = 64, CODE_BYTES = 200 };

// One section under way.
struct part {
    struct wasm_bytes bytes;
};

static void number(struct part *part, u64 value, size_t size)
{
    put_bytes(&part->bytes, &value, size);
}

static void string(struct part *part, const char *text)
{
    put_bytes(&part->bytes, text, strlen(text) + 1);
}

static void bytes(struct part *part, const void *data, size_t size)
{
    put_bytes(&part->bytes, data, size);
}
#define BYTES(part, ...) bytes(part, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

// A unit, or a header, behind the four bytes of its length.
static void unit(struct part *part, struct part *content)
{
    number(part, content->bytes.size, 4);
    bytes(part, content->bytes.data, content->bytes.size);
    wasm_bytes_free(&content->bytes);
    *content = (struct part){0};
}

struct sections {
    struct part line;
    struct part line_str;
    struct part info;
    struct part abbrev;
};

static void custom(struct wasm_bytes *module, const char *name, struct part *part)
{
    if (part->bytes.size != 0) {
        put_section(module, 0);
        put_name(module, name);
        put_bytes(module, part->bytes.data, part->bytes.size);
        end_section(module);
        wasm_bytes_free(&part->bytes);
    }
}

// A module of those sections, which are freed. Its code is no code, which nobody here minds.
static struct wasm_bytes module_of(struct sections *sections)
{
    struct wasm_bytes module = wasm_bytes_begin();
    put_section(&module, 10);
    put_run(&module, 0, CODE_BYTES);
    end_section(&module);
    custom(&module, ".debug_line", &sections->line);
    custom(&module, ".debug_line_str", &sections->line_str);
    custom(&module, ".debug_info", &sections->info);
    custom(&module, ".debug_abbrev", &sections->abbrev);
    return module;
}

// ---- lines

// Standard instructions of a program of lines, and how they are used here: rows of one byte.
static void line_head(struct part *line)
{
    number(line, 1, 1); // bytes of an instruction
    number(line, 1, 1);
    number(line, 1, 1);
    number(line, (u8)-3, 1); // line base
    number(line, 12, 1);     // line range
    number(line, 13, 1);     // opcode base
    BYTES(line, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
}

static void address_set(struct part *program, u32 address)
{
    BYTES(program, 0, 5, 2);
    number(program, address, 4);
}

// A row `further` bytes on: special opcodes change the line, too.
static void row(struct part *program, u32 further, i32 lines)
{
    number(program, 13 + further * 12 + (u32)(lines + 3), 1);
}

static void sequence(struct part *program, u32 start, u32 size)
{
    address_set(program, start);
    BYTES(program, 3, 9); // line 10
    BYTES(program, 5, 7); // column 7
    BYTES(program, 1);
    row(program, 4, 2); // line 12 from 4 on
    BYTES(program, 2);
    put_u32(&program->bytes, size - 4);
    BYTES(program, 0, 1, 1); // the end
}

static struct part line_old(void (*write)(struct part *program))
{
    struct part head = {0};
    struct part whole = {0};
    struct part out = {0};
    line_head(&head);
    string(&head, "include");
    string(&head, "");
    string(&head, "a.c");
    BYTES(&head, 0, 0, 0);
    string(&head, "b.h");
    BYTES(&head, 1, 0, 0);
    string(&head, "");
    number(&whole, 4, 2);
    unit(&whole, &head);
    write(&whole);
    unit(&out, &whole);
    return out;
}

static struct dwarf_scratch scratch;
static struct dwarf_place places[PLACES];
static i64 work; // that the last look-up left

static u32 find(const struct wasm_bytes *module, u64 address)
{
    struct dwarf dwarf;
    assert_int_equal(dwarf_open(wasm_bytes_span(module), &dwarf), ERR_OK);
    assert_int_equal(dwarf.code_size, CODE_BYTES);
    memset(&scratch, 0xaa, sizeof scratch); // nothing is taken over from before
    memset(places, 0xaa, sizeof places);
    work = DWARF_WORK;
    return dwarf_find(&dwarf, dwarf.code_start + address, &scratch, &work, places, PLACES);
}

static void assert_text(struct span span, const char *text)
{
    assert_int_equal(span.size, strlen(text));
    assert_memory_equal(span.data, text, span.size);
}

static void assert_place(const struct dwarf_place *place, const char *file, u32 line, u32 column)
{
    assert_text(place->file, file);
    assert_int_equal(place->line, line);
    assert_int_equal(place->column, column);
}

static void write_two(struct part *program)
{
    sequence(program, 0, 200); // the linker has removed it
    sequence(program, 0xfffffffe, 1);
    sequence(program, 20, 10);
    BYTES(program, 4, 2); // file 2, but a new sequence begins with 1
    address_set(program, 50);
    BYTES(program, 4, 2, 1);
    BYTES(program, 9, 8, 0, 0, 1, 1); // 8 bytes by a fixed advance
}

static void lines_of_version_4(void **state)
{
    (void)state;
    struct sections sections = {.line = line_old(write_two)};
    struct wasm_bytes module = module_of(&sections);
    assert_int_equal(find(&module, 19), 0);
    assert_int_equal(find(&module, 20), 1);
    assert_place(&places[0], "a.c", 10, 7);
    assert_text(places[0].directory, "");
    assert_text(places[0].function, "");
    assert_int_equal(find(&module, 23), 1);
    assert_place(&places[0], "a.c", 10, 7);
    assert_int_equal(find(&module, 24), 1);
    assert_place(&places[0], "a.c", 12, 7);
    assert_int_equal(find(&module, 29), 1);
    assert_int_equal(find(&module, 30), 0);
    assert_int_equal(find(&module, 57), 1);
    assert_place(&places[0], "b.h", 1, 0);
    assert_text(places[0].directory, "include");
    assert_int_equal(find(&module, 58), 0);
    assert_int_equal(find(&module, CODE_BYTES), 0);
    assert_int_equal(find(&module, UINT64_MAX / 2), 0);
    wasm_bytes_free(&module);
}

// Version 5, where files have as many fields as the header says, one of them their name.
static struct wasm_bytes version_5(u32 fields, u64 file_count, u32 name_bytes)
{
    struct sections sections = {0};
    struct part head = {0};
    struct part whole = {0};
    line_head(&head);
    BYTES(&head, 1, 1, 8, 1); // folders: a name in place, one
    string(&head, "/src");
    number(&head, fields, 1);
    for (u32 i = 0; i < fields; i++) {
        if (i + 1 == fields) {
            BYTES(&head, 1, 0x1f); // the name, in .debug_line_str
        } else {
            BYTES(&head, 2, 0x0b); // the folder
        }
    }
    put_u32(&head.bytes, (u32)file_count);
    for (u64 i = 0; fields != 0 && i < file_count; i++) {
        for (u32 j = 0; j + 1 < fields; j++) {
            BYTES(&head, 0);
        }
        number(&head, 4, 4);
    }
    number(&whole, 5, 2);
    BYTES(&whole, 4, 0);
    unit(&whole, &head);
    sequence(&whole, 20, 10);
    unit(&sections.line, &whole);
    string(&sections.line_str, "xyz");
    put_run(&sections.line_str.bytes, 'n', name_bytes);
    BYTES(&sections.line_str, 0);
    return module_of(&sections);
}

static void lines_of_version_5(void **state)
{
    (void)state;
    struct wasm_bytes module = version_5(2, 2, 3);
    assert_int_equal(find(&module, 25), 1);
    assert_place(&places[0], "nnn", 12, 7);
    assert_text(places[0].directory, "/src");
    wasm_bytes_free(&module);
}

static void limits_of_files(void **state)
{
    (void)state;
    struct wasm_bytes module = version_5(DWARF_FORMATS, 2, 3);
    assert_int_equal(find(&module, 25), 1);
    wasm_bytes_free(&module);
    module = version_5(DWARF_FORMATS + 1, 2, 3);
    assert_int_equal(find(&module, 25), 0);
    wasm_bytes_free(&module);
    module = version_5(2, 2, DWARF_NAME_BYTES);
    assert_int_equal(find(&module, 25), 1);
    assert_int_equal(places[0].file.size, DWARF_NAME_BYTES);
    wasm_bytes_free(&module);
    module = version_5(2, 2, DWARF_NAME_BYTES + 1);
    assert_int_equal(find(&module, 25), 0);
    wasm_bytes_free(&module);
    module = version_5(0, UINT32_MAX, 3); // so many files of no fields, which take no bytes
    assert_int_equal(find(&module, 25), 0);
    wasm_bytes_free(&module);
}

static void sections_beyond_the_limit(void **state)
{
    (void)state;
    for (u32 more = 0; more < 2; more++) {
        struct wasm_bytes module = wasm_bytes_begin();
        put_section(&module, 10);
        put_run(&module, 0, 4);
        end_section(&module);
        for (u32 i = 0; i < DWARF_SECTIONS - 2 + more; i++) {
            put_section(&module, 0);
            put_name(&module, "x");
            end_section(&module);
        }
        put_section(&module, 0);
        put_name(&module, ".debug_line");
        put_u8(&module, 1);
        end_section(&module);
        struct dwarf dwarf;
        assert_int_equal(dwarf_open(wasm_bytes_span(&module), &dwarf),
                         more == 0 ? ERR_OK : ERR_NOT_FOUND);
        wasm_bytes_free(&module);
    }
}

static void what_is_no_module(void **state)
{
    (void)state;
    struct dwarf dwarf;
    assert_int_equal(dwarf_open(span_of(NULL, 0), &dwarf), ERR_MALFORMED);
    assert_int_equal(dwarf_open(SPAN_LITERAL("\x7f"
                                             "ELF\1\0\0\0"),
                                &dwarf),
                     ERR_MALFORMED);
    assert_int_equal(dwarf_open(SPAN_LITERAL("\0asm\1\0\0\0"), &dwarf), ERR_NOT_FOUND);
    assert_int_equal(dwarf_open(SPAN_LITERAL("\0asm\1\0\0\0\0\5"), &dwarf), ERR_MALFORMED);
}

// ---- functions

enum { SHAPE_UNIT = 1, SHAPE_FUNCTION, SHAPE_CALL, SHAPE_NAMED, SHAPE_LINK, SHAPE_FAR = 5000 };

static void shapes(struct part *abbrev, u32 padding)
{
    BYTES(abbrev, SHAPE_UNIT, 0x11, 1, 0x10, 0x17, 0x1b, 0x08, 0, 0); // lines, folder
    BYTES(abbrev, SHAPE_FUNCTION, 0x2e, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x0b, 0, 0);
    BYTES(abbrev, SHAPE_CALL, 0x1d, 1, 0x31, 0x13, 0x11, 0x01, 0x12, 0x0b, 0x58, 0x0b, 0x59, 0x0b,
          0x57, 0x0b, 0, 0);
    BYTES(abbrev, SHAPE_NAMED, 0x2e, 0, 0x03, 0x08, 0, 0);
    BYTES(abbrev, SHAPE_LINK, 0x2e, 0, 0x31, 0x13, 0, 0);
    for (u32 i = 0; i < padding; i++) { // attributes of a constant, which take no bytes where used
        BYTES(abbrev, 0xff, 0x7f, 0x34, 0);
        for (u32 j = 0; j < 1000; j++) {
            BYTES(abbrev, 0x3a, 0x21, 0);
        }
        BYTES(abbrev, 0, 0);
    }
    put_u32(&abbrev->bytes, SHAPE_FAR);
    BYTES(abbrev, 0x34, 0, 0, 0);
    BYTES(abbrev, 0);
}

enum { HEADER_BYTES = 11, ROOT_BYTES = 1 + 4 + 5 };

static void info_begin(struct part *info)
{
    number(info, 4, 2);
    number(info, 0, 4);
    number(info, 4, 1);
    BYTES(info, SHAPE_UNIT, 0, 0, 0, 0);
    string(info, "/top");
}

static void function_put(struct part *info, const char *name)
{
    BYTES(info, SHAPE_FUNCTION);
    string(info, name);
    number(info, 20, 4);
    number(info, 10, 1);
}

// A call of the function described at `origin` of the unit.
static void call_put(struct part *info, u32 origin, u32 line)
{
    BYTES(info, SHAPE_CALL);
    number(info, origin, 4);
    number(info, 22, 4);
    number(info, 4, 1);
    BYTES(info, 1);
    number(info, line, 1);
    BYTES(info, 3);
}

static void write_one(struct part *program)
{
    sequence(program, 20, 10);
}

// `depth` calls within each other; the first function named is what all of them call, through so
// many links.
static struct wasm_bytes functions(u32 depth, u32 links, u32 far, u32 padding)
{
    struct sections sections = {.line = line_old(write_one)};
    struct part info = {0};
    info_begin(&info);
    u32 at = HEADER_BYTES + ROOT_BYTES;
    BYTES(&info, SHAPE_NAMED);
    string(&info, "in");
    u32 next = at + 4;
    for (u32 i = 0; i < links; i++) {
        BYTES(&info, SHAPE_LINK);
        number(&info, at, 4);
        at = next;
        next += 5;
    }
    for (u32 i = 0; i < far; i++) {
        put_u32(&info.bytes, SHAPE_FAR);
    }
    function_put(&info, "around");
    for (u32 i = 0; i < depth; i++) {
        call_put(&info, at, i + 1);
    }
    put_run(&info.bytes, 0, depth + 2);
    unit(&sections.info, &info);
    shapes(&sections.abbrev, padding);
    return module_of(&sections);
}

static void functions_around(void **state)
{
    (void)state;
    struct wasm_bytes module = functions(2, 1, 3, 0);
    assert_int_equal(find(&module, 21), 1); // the calls begin at 22
    assert_text(places[0].function, "around");
    assert_place(&places[0], "a.c", 10, 7);
    assert_text(places[0].directory, "/top");
    assert_int_equal(find(&module, 25), 3);
    assert_text(places[0].function, "in");
    assert_place(&places[0], "a.c", 12, 7);
    assert_text(places[1].function, "in");
    assert_place(&places[1], "a.c", 2, 3);
    assert_text(places[2].function, "around");
    assert_place(&places[2], "a.c", 1, 3);
    assert_int_equal(find(&module, 26), 1);
    assert_int_equal(find(&module, 40), 0);
    wasm_bytes_free(&module);
}

static void limits_of_functions(void **state)
{
    (void)state;
    struct wasm_bytes module = functions(DWARF_DEPTH - 1, 0, 0, 0);
    assert_int_equal(find(&module, 25), DWARF_DEPTH);
    assert_text(places[DWARF_DEPTH - 1].function, "around");
    wasm_bytes_free(&module);
    module = functions(DWARF_DEPTH, 0, 0, 0); // the innermost is not told
    assert_int_equal(find(&module, 25), DWARF_DEPTH);
    assert_text(places[DWARF_DEPTH - 1].function, "around");
    wasm_bytes_free(&module);
    module = functions(1, DWARF_HOPS - 2, 0, 0);
    assert_int_equal(find(&module, 25), 2);
    assert_text(places[0].function, "in");
    wasm_bytes_free(&module);
    module = functions(1, DWARF_HOPS - 1, 0, 0);
    assert_int_equal(find(&module, 25), 2);
    assert_text(places[0].function, "");
    wasm_bytes_free(&module);
}

// Entries whose abbreviation is searched each time, behind long ones: what all of it may cost.
static void work_ends(void **state)
{
    (void)state;
    enum { PADDING = 50, PADDING_BYTES = PADDING * 3006 };
    u32 affordable = DWARF_WORK / PADDING_BYTES - 4;
    struct wasm_bytes module = functions(0, 0, affordable, PADDING);
    assert_int_equal(find(&module, 25), 1);
    assert_text(places[0].function, "around");
    wasm_bytes_free(&module);
    module = functions(0, 0, affordable + 8, PADDING);
    assert_int_equal(find(&module, 25), 1); // its line alone
    assert_text(places[0].function, "");
    assert_place(&places[0], "a.c", 12, 7);
    wasm_bytes_free(&module);
}

enum { FLAGS = 20000 };

// Entries of so many attributes whose values take no bytes.
static struct wasm_bytes flags(u32 entries)
{
    struct sections sections = {.line = line_old(write_one)};
    struct part info = {0};
    info_begin(&info);
    put_run(&info.bytes, SHAPE_FUNCTION, entries);
    BYTES(&info, 0);
    unit(&sections.info, &info);
    BYTES(&sections.abbrev, SHAPE_UNIT, 0x11, 1, 0x10, 0x17, 0x1b, 0x08, 0, 0);
    BYTES(&sections.abbrev, SHAPE_FUNCTION, 0x2e, 0);
    for (u32 i = 0; i < FLAGS; i++) {
        BYTES(&sections.abbrev, 0x01, 0x19);
    }
    BYTES(&sections.abbrev, 0, 0, 0);
    return module_of(&sections);
}

// Values without bytes are paid for, and what one place has used up the next ones lack.
static void work_is_shared(void **state)
{
    (void)state;
    enum { FRAMES = 32 };
    struct wasm_bytes module = flags(100);
    assert_int_equal(find(&module, 25), 1);
    assert_in_range(work, 1, DWARF_WORK - 4 * 100 * FLAGS);
    wasm_bytes_free(&module);
    module = flags(4000);
    assert_int_equal(find(&module, 25), 1); // its line alone
    assert_int_equal(work, 0);
    struct dwarf dwarf;
    assert_int_equal(dwarf_open(wasm_bytes_span(&module), &dwarf), ERR_OK);
    for (u32 i = 1; i < FRAMES; i++) {
        u64 offset = dwarf.code_start + 25;
        assert_int_equal(dwarf_find(&dwarf, offset, &scratch, &work, places, PLACES), 0);
        assert_int_equal(work, 0);
    }
    wasm_bytes_free(&module);
}

// ---- damage

// A function whose name is said to be in a unit of a reserved length: nobody knows its end.
static void reserved_lengths(void **state)
{
    (void)state;
    struct sections sections = {.line = line_old(write_one)};
    struct part info = {0};
    number(&sections.info, 0xfffffff0, 4);
    info_begin(&info);
    BYTES(&info, SHAPE_FUNCTION, 0, 0, 0, 0, 20, 0, 0, 0, 10, 0);
    unit(&sections.info, &info);
    BYTES(&sections.abbrev, SHAPE_UNIT, 0x11, 1, 0x10, 0x17, 0x1b, 0x08, 0, 0);
    BYTES(&sections.abbrev, SHAPE_FUNCTION, 0x2e, 0, 0x31, 0x10, 0x11, 0x01, 0x12, 0x0b, 0, 0, 0);
    struct wasm_bytes module = module_of(&sections);
    assert_int_equal(find(&module, 25), 1);
    assert_place(&places[0], "a.c", 12, 7);
    assert_text(places[0].function, "");
    assert_in_range(work, DWARF_WORK - 10000, DWARF_WORK);
    wasm_bytes_free(&module);
}

static void damage_everywhere(void **state)
{
    (void)state;
    struct wasm_bytes sound[] = {functions(3, 2, 1, 0), version_5(3, 2, 20)};
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        for (size_t at = 8; at < sound[i].size; at++) {
            // A copy of its own size, cut behind that byte, and whole with the byte changed.
            for (u32 change = 0; change < 4; change++) {
                size_t size = change == 0 ? at : sound[i].size;
                u8 *copy = malloc(size);
                memcpy(copy, sound[i].data, size);
                if (change != 0) {
                    copy[at] = (u8)(change == 1 ? 0 : change == 2 ? 0xff : copy[at] ^ 1);
                }
                struct dwarf dwarf;
                if (dwarf_open(span_of(copy, size), &dwarf) == ERR_OK) {
                    u64 offset = dwarf.code_start + 25;
                    work = DWARF_WORK;
                    (void)dwarf_find(&dwarf, offset, &scratch, &work, places, 1 + change);
                }
                free(copy);
            }
        }
        wasm_bytes_free(&sound[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_version_4),  cmocka_unit_test(lines_of_version_5),
        cmocka_unit_test(limits_of_files),     cmocka_unit_test(sections_beyond_the_limit),
        cmocka_unit_test(what_is_no_module),   cmocka_unit_test(functions_around),
        cmocka_unit_test(limits_of_functions), cmocka_unit_test(work_ends),
        cmocka_unit_test(work_is_shared),      cmocka_unit_test(reserved_lengths),
        cmocka_unit_test(damage_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
