// SPDX-License-Identifier: GPL-3.0-or-later
// The sections of a module, and one look-up: first the line, which every program with debugging
// information has, then the functions around it, which take more.
#include "lib/dwarf/dwarf.h"
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "lib/dwarf/internal.h"

enum { MODULE_HEADER_BYTES = 8, SECTION_CUSTOM = 0, SECTION_IMPORT = 2, SECTION_CODE = 10 };

static void custom(struct dwarf *dwarf, struct reader *in)
{
    const struct {
        struct span name;
        struct span *at;
    } sections[] = {
        {SPAN_LITERAL(".debug_abbrev"), &dwarf->abbrev},
        {SPAN_LITERAL(".debug_addr"), &dwarf->addr},
        {SPAN_LITERAL(".debug_info"), &dwarf->info},
        {SPAN_LITERAL(".debug_line"), &dwarf->line},
        {SPAN_LITERAL(".debug_line_str"), &dwarf->line_str},
        {SPAN_LITERAL(".debug_loc"), &dwarf->loc},
        {SPAN_LITERAL(".debug_loclists"), &dwarf->loclists},
        {SPAN_LITERAL(".debug_ranges"), &dwarf->ranges},
        {SPAN_LITERAL(".debug_rnglists"), &dwarf->rnglists},
        {SPAN_LITERAL(".debug_str"), &dwarf->str},
        {SPAN_LITERAL(".debug_str_offsets"), &dwarf->str_offsets},
        {SPAN_LITERAL("name"), &dwarf->names},
    };
    u32 size;
    struct span name;
    if (reader_leb_u32(in, &size, NULL) != ERR_OK ||
        reader_bytes(in, size, &name, NULL) != ERR_OK) {
        return;
    }
    for (u32 i = 0; i < COUNT_OF(sections); i++) {
        if (span_equal(name, sections[i].name)) {
            *sections[i].at = span_of(in->next, reader_left(in));
        }
    }
}

enum err dwarf_open(struct span module, struct dwarf *out)
{
    static const u8 magic[] = {0, 'a', 's', 'm'};
    struct reader in = reader_over(module);
    struct span header;
    TRY(reader_bytes(&in, MODULE_HEADER_BYTES, &header, NULL));
    if (!mem_equal(header.data, magic, sizeof magic)) {
        return ERR_MALFORMED;
    }
    *out = (struct dwarf){0};
    for (u32 i = 0; i < DWARF_SECTIONS && reader_left(&in) > 0; i++) {
        u8 id;
        u32 size;
        struct reader section;
        TRY(reader_u8(&in, &id, NULL));
        TRY(reader_leb_u32(&in, &size, NULL));
        TRY(reader_sub(&in, size, &section, NULL));
        if (id == SECTION_CUSTOM) {
            custom(out, &section);
        } else if (id == SECTION_IMPORT) {
            out->imports = span_of(section.next, reader_left(&section));
        } else if (id == SECTION_CODE) {
            out->code_start = reader_offset(&section);
            out->code_size = reader_left(&section);
        }
    }
    return out->line.size == 0 || out->code_size == 0 ? ERR_NOT_FOUND : ERR_OK;
}

u32 dwarf_find(const struct dwarf *dwarf, u64 offset, struct dwarf_scratch *scratch, i64 *work,
               struct dwarf_place *out, u32 count)
{
    if (count == 0 || offset < dwarf->code_start ||
        offset - dwarf->code_start >= dwarf->code_size) {
        return 0;
    }
    u64 address = offset - dwarf->code_start;
    out[0] = (struct dwarf_place){0};
    if (dwarf_line_find(dwarf, address, work, &out[0]) != ERR_OK) {
        out[0] = (struct dwarf_place){0};
    }
    return dwarf_functions_find(dwarf, address, scratch, work, out, count);
}
