// SPDX-License-Identifier: GPL-3.0-or-later
// The tree of entries: which functions are around an address. Units are read one after another,
// the entries of one from front to back; a tree's shape follows from where its lists end.
#include "core/base/compiler.h"
#include "lib/dwarf/internal.h"

enum { TAG_INLINED = 0x1d, TAG_FUNCTION = 0x2e };
enum { UNIT_COMPILE = 1, UNIT_PARTIAL = 3 };

// Attributes that matter here, and the numbers they have.
enum attribute {
    NAME,
    LINES,
    LOW,
    HIGH,
    DIRECTORY,
    ORIGIN,
    SPECIFICATION,
    RANGES,
    CALL_COLUMN,
    CALL_FILE,
    CALL_LINE,
    TEXT_BASE,
    ADDRESS_BASE,
    RANGES_BASE,
    ATTRIBUTE_COUNT
};
static const u8 numbers[ATTRIBUTE_COUNT] = {
    [NAME] = 0x03,         [LINES] = 0x10,       [LOW] = 0x11,           [HIGH] = 0x12,
    [DIRECTORY] = 0x1b,    [ORIGIN] = 0x31,      [SPECIFICATION] = 0x47, [RANGES] = 0x55,
    [CALL_COLUMN] = 0x57,  [CALL_FILE] = 0x58,   [CALL_LINE] = 0x59,     [TEXT_BASE] = 0x72,
    [ADDRESS_BASE] = 0x73, [RANGES_BASE] = 0x74,
};

struct unit {
    const struct dwarf *dwarf;
    struct dwarf_scratch *scratch;       // NULL: its abbreviations are searched each time
    const struct dwarf_visitor *visitor; // or NULL
    i64 *work;
    struct dwarf_sizes sizes;
    u64 start;             // in .debug_info
    u64 end;               //
    u64 abbreviations;     // offset in .debug_abbrev
    struct reader entries; // those behind the first
    // Of the first entry.
    u64 low;
    u64 text_base;
    u64 address_base;
    u64 ranges_base;
    u64 lines;
    bool has_lines;
    struct span directory;
};

struct entry {
    u64 tag; // 0: the end of a list
    bool has_children;
    struct dwarf_value values[ATTRIBUTE_COUNT];
};

// ---- abbreviations

// Past the tag and the attributes of one.
static enum err abbreviation_pass(struct reader *in)
{
    u64 number;
    u64 form;
    i64 constant;
    u8 children;
    TRY(reader_leb_u64(in, &number, NULL));
    TRY(reader_u8(in, &children, NULL));
    do {
        TRY(reader_leb_u64(in, &number, NULL));
        TRY(reader_leb_u64(in, &form, NULL));
        if (form == DWARF_FORM_IMPLICIT_CONST) {
            TRY(reader_leb_i64(in, &constant, NULL));
        }
    } while (number != 0 || form != 0);
    return ERR_OK;
}

// Looks through those of the unit for one, or, with 0, notes all of them.
static enum err abbreviation_search(struct unit *unit, u64 wanted, struct reader *out)
{
    struct reader in;
    TRY(dwarf_at(unit->dwarf->abbrev, unit->abbreviations, &in));
    for (;;) {
        const u8 *from = in.next;
        u64 code;
        TRY(reader_leb_u64(&in, &code, NULL));
        if (code == 0) {
            return wanted == 0 ? ERR_OK : ERR_NOT_FOUND;
        }
        if (code == wanted) {
            *out = in;
            return ERR_OK;
        }
        u32 *known =
            code < DWARF_ABBREVIATIONS && wanted == 0 ? &unit->scratch->abbreviations[code] : NULL;
        if (known != NULL && *known == 0) {
            *known = (u32)(in.next - in.start - unit->abbreviations) + 1;
        }
        TRY(abbreviation_pass(&in));
        TRY(dwarf_pay(unit->work, (u64)(in.next - from)));
    }
}

static enum err abbreviation_find(struct unit *unit, u64 code, struct reader *out)
{
    if (unit->scratch == NULL || code >= DWARF_ABBREVIATIONS) {
        return abbreviation_search(unit, code, out);
    }
    u32 known = unit->scratch->abbreviations[code];
    if (known == 0) {
        return ERR_MALFORMED;
    }
    TRY(dwarf_at(unit->dwarf->abbrev, unit->abbreviations, out));
    out->next += known - 1;
    return ERR_OK;
}

// ---- entries

static enum err attributes_read(const struct unit *unit, struct reader *abbreviation,
                                struct reader *in, struct entry *out)
{
    static const u64 indirect = 0x16; // the form stands before the value
    for (;;) {
        u64 number;
        u64 form;
        i64 constant = 0;
        TRY(reader_leb_u64(abbreviation, &number, NULL));
        TRY(reader_leb_u64(abbreviation, &form, NULL));
        if (form == DWARF_FORM_IMPLICIT_CONST) {
            TRY(reader_leb_i64(abbreviation, &constant, NULL));
        }
        if (number == 0 && form == 0) {
            return ERR_OK;
        }
        if (form == indirect) {
            TRY(reader_leb_u64(in, &form, NULL));
        }
        struct dwarf_value value;
        TRY(dwarf_pay(unit->work, DWARF_VALUE_UNITS));
        TRY(dwarf_form_read(in, unit->sizes, form, constant, &value));
        if (value.kind == DWARF_EXPRESSION && unit->visitor != NULL) {
            unit->visitor->expression(unit->visitor->context, value.text);
        }
        for (u32 i = 0; i < ATTRIBUTE_COUNT; i++) {
            if (numbers[i] == number) {
                out->values[i] = value;
            }
        }
    }
}

static enum err entry_read(struct unit *unit, struct reader *in, struct entry *out)
{
    const u8 *from = in->next;
    u64 code;
    *out = (struct entry){0};
    TRY(dwarf_pay(unit->work, ATTRIBUTE_COUNT)); // as long as clearing it takes
    TRY(reader_leb_u64(in, &code, NULL));
    if (code == 0) {
        return ERR_OK;
    }
    struct reader abbreviation;
    u8 children;
    TRY(abbreviation_find(unit, code, &abbreviation));
    const u8 *shape = abbreviation.next;
    TRY(reader_leb_u64(&abbreviation, &out->tag, NULL));
    TRY(reader_u8(&abbreviation, &children, NULL));
    out->has_children = children != 0;
    enum err err = out->tag == 0 ? ERR_MALFORMED : attributes_read(unit, &abbreviation, in, out);
    TRY(dwarf_pay(unit->work, (u64)(in->next - from) + (u64)(abbreviation.next - shape)));
    return err;
}

static enum err text_of(const struct unit *unit, const struct dwarf_value *value, struct span *out)
{
    const struct dwarf *dwarf = unit->dwarf;
    u64 offset;
    switch (value->kind) {
    case DWARF_TEXT:
        *out = value->text;
        return ERR_OK;
    case DWARF_TEXT_OFFSET:
        return dwarf_string_at(dwarf->str, value->number, out);
    case DWARF_LINE_TEXT_OFFSET:
        return dwarf_string_at(dwarf->line_str, value->number, out);
    case DWARF_TEXT_INDEX:
        TRY(dwarf_indexed(dwarf->str_offsets, unit->text_base, value->number, unit->sizes.offset,
                          &offset));
        return dwarf_string_at(dwarf->str, offset, out);
    default:
        return ERR_NOT_FOUND;
    }
}

static enum err address_of(const struct unit *unit, const struct dwarf_value *value, u64 *out)
{
    if (value->kind == DWARF_ADDRESS_INDEX) {
        return dwarf_indexed(unit->dwarf->addr, unit->address_base, value->number,
                             unit->sizes.address, out);
    }
    *out = value->number;
    return value->kind == DWARF_ADDRESS ? ERR_OK : ERR_NOT_FOUND;
}

// ---- ranges

struct search {
    u64 address;
    bool is_inside;
};

// A function that the linker has removed begins at 0.
static void range_look(struct search *search, u64 start, u64 end)
{
    search->is_inside |= start != 0 && start <= search->address && search->address < end;
}

// Before version 5: pairs of addresses.
static enum err old_ranges(struct unit *unit, u64 offset, struct search *search)
{
    u32 size = unit->sizes.address;
    u64 base = unit->low;
    u64 last = size >= 8 ? UINT64_MAX : ((u64)1 << 8 * size) - 1;
    struct reader in;
    TRY(dwarf_at(unit->dwarf->ranges, offset, &in));
    while (!search->is_inside) {
        u64 start;
        u64 end;
        TRY(dwarf_pay(unit->work, 2 * sizeof(u64)));
        TRY(dwarf_number(&in, size, &start));
        TRY(dwarf_number(&in, size, &end));
        if (start == 0 && end == 0) {
            return ERR_OK;
        }
        if (start == last) {
            base = end;
        } else {
            range_look(search, base + start, base + end);
        }
    }
    return ERR_OK;
}

enum range {
    RANGE_END,
    RANGE_BASE_INDEX,
    RANGE_INDICES,
    RANGE_INDEX_LENGTH,
    RANGE_OFFSETS,
    RANGE_BASE,
    RANGE_START_END,
    RANGE_START_LENGTH,
    RANGE_COUNT
};

// The operands of one, as start and end; of RANGE_BASE and RANGE_BASE_INDEX the base.
static enum err range_read(struct unit *unit, enum range kind, struct reader *in, u64 *first,
                           u64 *second)
{
    bool is_address = kind == RANGE_BASE || kind >= RANGE_START_END;
    bool is_index = kind == RANGE_BASE_INDEX || kind == RANGE_INDICES || kind == RANGE_INDEX_LENGTH;
    u32 size = unit->sizes.address;
    *second = 0;
    if (is_address) {
        TRY(dwarf_number(in, size, first));
    } else {
        TRY(reader_leb_u64(in, first, NULL));
    }
    if (is_index) {
        TRY(dwarf_indexed(unit->dwarf->addr, unit->address_base, *first, size, first));
    }
    if (kind == RANGE_START_END) {
        return dwarf_number(in, size, second);
    }
    if (kind == RANGE_BASE || kind == RANGE_BASE_INDEX) {
        return ERR_OK;
    }
    TRY(reader_leb_u64(in, second, NULL));
    if (kind == RANGE_INDICES) {
        return dwarf_indexed(unit->dwarf->addr, unit->address_base, *second, size, second);
    }
    *second += kind == RANGE_OFFSETS ? 0 : *first; // else a length
    return ERR_OK;
}

static enum err new_ranges(struct unit *unit, u64 offset, struct search *search)
{
    u64 base = unit->low;
    struct reader in;
    TRY(dwarf_at(unit->dwarf->rnglists, offset, &in));
    while (!search->is_inside) {
        u8 kind;
        u64 first;
        u64 second;
        TRY(dwarf_pay(unit->work, 2 * sizeof(u64)));
        TRY(reader_u8(&in, &kind, NULL));
        if (kind == RANGE_END || kind >= RANGE_COUNT) {
            return kind == RANGE_END ? ERR_OK : ERR_MALFORMED;
        }
        TRY(range_read(unit, kind, &in, &first, &second));
        if (kind == RANGE_BASE || kind == RANGE_BASE_INDEX) {
            base = first;
        } else if (kind == RANGE_OFFSETS) {
            range_look(search, base + first, base + second);
        } else {
            range_look(search, first, second);
        }
    }
    return ERR_OK;
}

static enum err ranges_look(struct unit *unit, const struct dwarf_value *ranges,
                            struct search *search)
{
    u64 offset = ranges->number;
    if (unit->sizes.version < 5) {
        return old_ranges(unit, offset, search);
    }
    if (ranges->kind == DWARF_RANGES_INDEX) {
        TRY(dwarf_indexed(unit->dwarf->rnglists, unit->ranges_base, offset, unit->sizes.offset,
                          &offset));
        offset += unit->ranges_base;
    }
    return new_ranges(unit, offset, search);
}

// Whether an entry's code has the address. ERR_NOT_FOUND: it has no code.
static enum err entry_look(struct unit *unit, const struct entry *entry, struct search *search)
{
    const struct dwarf_value *high = &entry->values[HIGH];
    if (entry->values[RANGES].kind != DWARF_NOTHING) {
        return ranges_look(unit, &entry->values[RANGES], search);
    }
    u64 start;
    u64 end = high->number;
    TRY(address_of(unit, &entry->values[LOW], &start));
    if (high->kind == DWARF_NUMBER) { // a length
        end += start;
    } else {
        TRY(address_of(unit, high, &end));
    }
    range_look(search, start, end);
    return ERR_OK;
}

// ---- units

// Reads the header of the unit at `offset` of .debug_info, and gets past it.
static enum err unit_header(struct unit *unit, struct reader *in)
{
    u64 version;
    u64 type = UNIT_COMPILE;
    u64 address_size;
    u32 offset_size;
    unit->start = reader_offset(in);
    TRY(dwarf_unit(in, &unit->entries, &offset_size));
    unit->end = reader_offset(in);
    TRY(dwarf_number(&unit->entries, 2, &version));
    if (version < 2 || version > 5) {
        return ERR_UNSUPPORTED;
    }
    if (version == 5) {
        TRY(dwarf_number(&unit->entries, 1, &type));
        TRY(dwarf_number(&unit->entries, 1, &address_size));
    }
    TRY(dwarf_number(&unit->entries, offset_size, &unit->abbreviations));
    if (version < 5) {
        TRY(dwarf_number(&unit->entries, 1, &address_size));
    }
    unit->sizes = (struct dwarf_sizes){(u8)address_size, (u8)offset_size, (u16)version};
    return type == UNIT_COMPILE || type == UNIT_PARTIAL ? ERR_OK : ERR_UNSUPPORTED;
}

// Reads the first entry, which says how others are to be read.
static enum err unit_open(struct unit *unit, struct entry *root)
{
    if (unit->scratch != NULL) {
        TRY(dwarf_pay(unit->work, DWARF_ABBREVIATIONS / 2));
        mem_zero(unit->scratch->abbreviations, sizeof unit->scratch->abbreviations);
        TRY(abbreviation_search(unit, 0, NULL));
    }
    TRY(entry_read(unit, &unit->entries, root));
    unit->text_base = root->values[TEXT_BASE].number;
    unit->address_base = root->values[ADDRESS_BASE].number;
    unit->ranges_base = root->values[RANGES_BASE].number;
    unit->lines = root->values[LINES].number;
    unit->has_lines = root->values[LINES].kind == DWARF_NUMBER;
    if (address_of(unit, &root->values[LOW], &unit->low) != ERR_OK) {
        unit->low = 0;
    }
    if (text_of(unit, &root->values[DIRECTORY], &unit->directory) != ERR_OK) {
        unit->directory = (struct span){0};
    }
    return ERR_OK;
}

// The entry at an offset in .debug_info, and the unit it is in when that is another one.
static enum err entry_at(struct unit *unit, u64 offset, struct entry *out)
{
    struct reader in = reader_over(unit->dwarf->info);
    while (offset < unit->start || offset >= unit->end) {
        TRY(dwarf_pay(unit->work, sizeof(u64)));
        if (unit->end <= offset) {
            TRY(dwarf_at(unit->dwarf->info, unit->end, &in));
        }
        struct unit other = {.dwarf = unit->dwarf, .work = unit->work};
        struct entry root;
        enum err err = unit_header(&other, &in);
        if (other.end <= other.start) { // its length is damaged: nobody knows where it ends
            return ERR_MALFORMED;
        }
        if (other.end <= offset && (err == ERR_OK || err == ERR_UNSUPPORTED)) {
            *unit = other;
            continue;
        }
        TRY(err);
        TRY(unit_open(&other, &root));
        *unit = other;
    }
    TRY(dwarf_at(unit->dwarf->info, offset, &in));
    in.end = unit->dwarf->info.data + unit->end;
    return entry_read(unit, &in, out);
}

// The name of a function, which may stand in the entry that this one is an instance of.
static struct span name_of(const struct unit *unit, const struct entry *entry)
{
    struct unit at = *unit;
    struct entry now = *entry;
    struct span name = {0};
    for (u32 hop = 0; hop < DWARF_HOPS; hop++) {
        if (text_of(&at, &now.values[NAME], &name) == ERR_OK) {
            return name;
        }
        const struct dwarf_value *next = &now.values[ORIGIN];
        next = next->kind == DWARF_NOTHING ? &now.values[SPECIFICATION] : next;
        u64 offset = next->number + (next->kind == DWARF_ENTRY ? at.start : 0);
        bool leads = next->kind == DWARF_ENTRY || next->kind == DWARF_ENTRY_FAR;
        if (!leads || entry_at(&at, offset, &now) != ERR_OK) {
            break;
        }
    }
    return (struct span){0};
}

// ---- functions around an address

// Reads the unit's entries until the function with the address has been passed. In the scratch's
// calls comes the function, then what was inlined into it.
static enum err calls_read(struct unit *unit, u64 address, u32 *count)
{
    struct reader in = unit->entries;
    u64 depth = 1;
    u64 function_depth = 0;
    while (depth > 0 && reader_left(&in) > 0) {
        struct entry entry;
        TRY(entry_read(unit, &in, &entry));
        if (entry.tag == 0) {
            depth--;
        }
        if (*count != 0 && depth <= function_depth) {
            return ERR_OK;
        }
        struct search search = {.address = address};
        bool is_function = entry.tag == TAG_FUNCTION || (entry.tag == TAG_INLINED && *count != 0);
        if (is_function && entry_look(unit, &entry, &search) == ERR_OK && search.is_inside &&
            *count < DWARF_DEPTH) {
            function_depth = *count == 0 ? depth : function_depth;
            unit->scratch->calls[(*count)++] = (struct dwarf_call){
                .function = name_of(unit, &entry),
                .file = entry.values[CALL_FILE].number,
                .line = entry.values[CALL_LINE].number,
                .column = entry.values[CALL_COLUMN].number,
            };
        }
        depth += entry.tag != 0 && entry.has_children;
    }
    return ERR_OK;
}

static void call_place(const struct unit *unit, const struct dwarf_table *table,
                       const struct dwarf_call *call, struct dwarf_place *out)
{
    if (table == NULL || dwarf_table_file(unit->dwarf, table, call->file, unit->work, out)) {
        *out = (struct dwarf_place){.function = out->function};
        return;
    }
    out->line = call->line > UINT32_MAX ? 0 : (u32)call->line;
    out->column = call->column > UINT32_MAX ? 0 : (u32)call->column;
}

// Tells the calls from the last on: each one's place is where the one before it stands.
static u32 calls_tell(const struct unit *unit, u32 call_count, struct dwarf_place *out, u32 count)
{
    const struct dwarf_call *calls = unit->scratch->calls;
    struct dwarf_table table;
    struct reader in;
    struct reader lines;
    u32 offset_size;
    bool has_table = unit->has_lines && dwarf_at(unit->dwarf->line, unit->lines, &in) == ERR_OK &&
                     dwarf_unit(&in, &lines, &offset_size) == ERR_OK &&
                     dwarf_table_read(&lines, offset_size, &table) == ERR_OK;
    u32 written = 0;
    for (u32 i = call_count; i > 0 && written < count; i--) {
        struct dwarf_place *place = &out[written++];
        if (i < call_count) {
            *place = (struct dwarf_place){0};
            call_place(unit, has_table ? &table : NULL, &calls[i], place);
        }
        place->function = calls[i - 1].function;
        if (place->directory.size == 0 && place->file.size != 0) {
            place->directory = unit->directory;
        }
    }
    return written;
}

u32 dwarf_functions_find(const struct dwarf *dwarf, u64 address, struct dwarf_scratch *scratch,
                         i64 *work, struct dwarf_place *out, u32 count)
{
    u32 known = out[0].file.size != 0 ? 1 : 0;
    struct reader in = reader_over(dwarf->info);
    while (reader_left(&in) > 0) {
        struct unit unit = {.dwarf = dwarf, .scratch = scratch, .work = work};
        struct entry root;
        u64 before = reader_offset(&in);
        enum err err = unit_header(&unit, &in);
        if (reader_offset(&in) == before || dwarf_pay(work, sizeof root) != ERR_OK) {
            return known; // its length is damaged, or it takes too long
        }
        if (err != ERR_OK || unit_open(&unit, &root) != ERR_OK) {
            continue;
        }
        struct search search = {.address = address};
        err = entry_look(&unit, &root, &search);
        if (err == ERR_OK && !search.is_inside) {
            continue;
        }
        u32 calls = 0;
        err = root.has_children ? calls_read(&unit, address, &calls) : ERR_NOT_FOUND;
        if (calls != 0) { // should damage have ended it, this is what is known
            return calls_tell(&unit, calls, out, count);
        }
    }
    return known;
}

// ---- all entries

static enum err entries_visit(struct unit *unit)
{
    struct reader in = unit->entries;
    while (reader_left(&in) > 0) {
        struct entry entry;
        u64 start;
        TRY(entry_read(unit, &in, &entry));
        if (entry.tag == TAG_FUNCTION && address_of(unit, &entry.values[LOW], &start) == ERR_OK) {
            unit->visitor->function(unit->visitor->context, start);
        }
    }
    return ERR_OK;
}

void dwarf_entries_visit(const struct dwarf *dwarf, struct dwarf_scratch *scratch, i64 *work,
                         const struct dwarf_visitor *visitor)
{
    struct reader in = reader_over(dwarf->info);
    while (reader_left(&in) > 0) {
        struct unit unit = {.dwarf = dwarf, .scratch = scratch, .visitor = visitor, .work = work};
        struct entry root;
        u64 before = reader_offset(&in);
        enum err err = unit_header(&unit, &in);
        if (reader_offset(&in) == before || dwarf_pay(work, sizeof root) != ERR_OK) {
            return; // as in dwarf_functions_find
        }
        if (err == ERR_OK && unit_open(&unit, &root) == ERR_OK &&
            entries_visit(&unit) == ERR_LIMIT) {
            return;
        }
    }
}
