// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of lines: a header that lists files, then a program whose output is the table. It is run
// until it comes to the address.
#include "core/base/compiler.h"
#include "lib/dwarf/internal.h"

// Standard instructions of the program, those that begin with 0, and what a field of a file says.
enum {
    LINE_EXTENDED = 0,
    LINE_COPY = 1,
    LINE_ADVANCE_PC = 2,
    LINE_ADVANCE_LINE = 3,
    LINE_SET_FILE = 4,
    LINE_SET_COLUMN = 5,
    LINE_CONST_ADD_PC = 8,
    LINE_FIXED_ADVANCE_PC = 9,
    LINE_STANDARD_COUNT = 13,
};
enum { EXTENDED_END = 1, EXTENDED_SET_ADDRESS = 2 };
enum { FIELD_PATH = 1, FIELD_DIRECTORY = 2 };
// Addresses that linkers give to what they removed: 0, and the last two.
enum { ADDRESS_REMOVED = 0xfffffffe };

// ---- the header

enum err dwarf_table_read(struct reader *unit, u32 offset_size, struct dwarf_table *out)
{
    u64 version;
    u64 address_size = 4;
    u64 number;
    u64 header_size;
    TRY(dwarf_number(unit, 2, &version));
    if (version < 2 || version > 5) {
        return ERR_UNSUPPORTED;
    }
    if (version == 5) {
        TRY(dwarf_number(unit, 1, &address_size));
        TRY(dwarf_number(unit, 1, &number)); // size of a segment: of no use here
    }
    *out = (struct dwarf_table){
        .sizes = {(u8)address_size, (u8)offset_size, (u16)version},
    };
    TRY(dwarf_number(unit, offset_size, &header_size));
    if (header_size > reader_left(unit)) {
        return ERR_MALFORMED;
    }
    TRY(reader_sub(unit, (size_t)header_size, &out->directories, NULL));
    out->program = *unit;
    struct reader *in = &out->directories;
    TRY(reader_u8(in, &out->instruction_min, NULL));
    if (version >= 4) {
        TRY(dwarf_number(in, 1, &number)); // operations for an instruction
    }
    TRY(dwarf_number(in, 1, &number)); // whether a row is where a statement begins, at first
    TRY(dwarf_number(in, 1, &number));
    out->line_base = (i8)number;
    TRY(reader_u8(in, &out->line_range, NULL));
    TRY(reader_u8(in, &out->opcode_base, NULL));
    if (out->line_range == 0 || out->opcode_base == 0) {
        return ERR_MALFORMED;
    }
    return reader_bytes(in, out->opcode_base - 1u, &out->operands, NULL);
}

// Before version 5: strings, the last one empty; of files three numbers follow. `index` from 1.
static enum err old_entry(struct reader *in, u64 index, bool is_file, struct span *name,
                          u64 *directory)
{
    struct span at;
    for (u64 i = 1;; i++) {
        TRY(dwarf_string(in, &at));
        if (at.size == 0) {
            return ERR_OK;
        }
        u64 numbers[3] = {0};
        for (u32 j = 0; is_file && j < COUNT_OF(numbers); j++) {
            TRY(reader_leb_u64(in, &numbers[j], NULL));
        }
        if (i == index) {
            *name = at;
            *directory = numbers[0];
        }
    }
}

static enum err old_file(struct reader in, u64 file, struct dwarf_place *out)
{
    struct reader directories = in;
    struct span none;
    u64 ignored = 0;
    u64 directory = 0;
    TRY(old_entry(&in, 0, false, &none, &ignored));
    TRY(old_entry(&in, file, true, &out->file, &directory));
    return old_entry(&directories, directory, false, &out->directory, &ignored);
}

static enum err text_of(const struct dwarf *dwarf, const struct dwarf_value *value,
                        struct span *out)
{
    switch (value->kind) {
    case DWARF_TEXT:
        *out = value->text;
        return ERR_OK;
    case DWARF_TEXT_OFFSET:
        return dwarf_string_at(dwarf->str, value->number, out);
    case DWARF_LINE_TEXT_OFFSET:
        return dwarf_string_at(dwarf->line_str, value->number, out);
    default:
        return ERR_UNSUPPORTED;
    }
}

// Version 5: the fields that each entry has, then the entries; `index` from 0. Reads past them all.
static enum err new_entry(const struct dwarf *dwarf, struct dwarf_sizes sizes, i64 *work,
                          struct reader *in, u64 index, struct span *name, u64 *directory)
{
    u64 fields[DWARF_FORMATS][2];
    u8 field_count;
    u64 count;
    TRY(reader_u8(in, &field_count, NULL));
    if (field_count > DWARF_FORMATS) {
        return ERR_LIMIT;
    }
    for (u32 i = 0; i < field_count; i++) {
        TRY(reader_leb_u64(in, &fields[i][0], NULL));
        TRY(reader_leb_u64(in, &fields[i][1], NULL));
    }
    TRY(reader_leb_u64(in, &count, NULL));
    for (u64 i = 0; i < count; i++) {
        const u8 *before = in->next;
        for (u32 j = 0; j < field_count; j++) {
            struct dwarf_value value;
            TRY(dwarf_pay(work, DWARF_VALUE_UNITS));
            TRY(dwarf_form_read(in, sizes, fields[j][1], 0, &value));
            if (i == index && fields[j][0] == FIELD_PATH) {
                TRY(text_of(dwarf, &value, name));
            } else if (i == index && fields[j][0] == FIELD_DIRECTORY) {
                *directory = value.number;
            }
        }
        if (in->next == before) { // or nothing would bound the count
            return ERR_MALFORMED;
        }
    }
    return ERR_OK;
}

enum err dwarf_table_file(const struct dwarf *dwarf, const struct dwarf_table *table, u64 file,
                          i64 *work, struct dwarf_place *out)
{
    TRY(dwarf_pay(work, 2 * reader_left(&table->directories)));
    out->file = (struct span){0};
    out->directory = (struct span){0};
    struct reader in = table->directories;
    if (table->sizes.version < 5) {
        return old_file(in, file, out);
    }
    struct reader directories = in;
    struct span name;
    u64 directory = 0;
    u64 ignored;
    TRY(new_entry(dwarf, table->sizes, work, &in, UINT64_MAX, &name, &ignored));
    TRY(new_entry(dwarf, table->sizes, work, &in, file, &out->file, &directory));
    return new_entry(dwarf, table->sizes, work, &directories, directory, &out->directory, &ignored);
}

// ---- the program

struct row {
    u64 address;
    u64 file;
    u64 line;
    u64 column;
};

struct machine {
    const struct dwarf_table *table;
    struct reader in;
    u64 address; // that is looked for
    struct row now;
    struct row before; // the row before, of the same sequence
    bool has_before;
    bool is_removed; // the sequence is of a function that is not there
    bool is_found;   // it is of `before`
};

static void sequence_begin(struct machine *machine)
{
    machine->now = (struct row){.file = 1, .line = 1};
    machine->has_before = false;
    machine->is_removed = true; // until it says where it is
}

static void row_emit(struct machine *machine)
{
    machine->is_found = machine->has_before && !machine->is_removed &&
                        machine->before.address <= machine->address &&
                        machine->address < machine->now.address;
    if (!machine->is_found) {
        machine->before = machine->now;
        machine->has_before = true;
    }
}

static void advance(struct machine *machine, u64 instructions)
{
    machine->now.address += instructions * machine->table->instruction_min;
}

static void special(struct machine *machine, u8 opcode)
{
    u32 adjusted = (u32)opcode - machine->table->opcode_base;
    advance(machine, adjusted / machine->table->line_range);
    i64 lines = machine->table->line_base + (i64)(adjusted % machine->table->line_range);
    machine->now.line += (u64)lines;
    row_emit(machine);
}

static enum err extended(struct machine *machine)
{
    u64 size;
    struct reader in;
    u8 opcode;
    TRY(reader_leb_u64(&machine->in, &size, NULL));
    if (size > reader_left(&machine->in)) {
        return ERR_MALFORMED;
    }
    TRY(reader_sub(&machine->in, (size_t)size, &in, NULL));
    TRY(reader_u8(&in, &opcode, NULL));
    if (opcode == EXTENDED_END) {
        row_emit(machine);
        if (!machine->is_found) {
            sequence_begin(machine);
        }
    } else if (opcode == EXTENDED_SET_ADDRESS) {
        TRY(dwarf_number(&in, (u32)reader_left(&in), &machine->now.address));
        machine->is_removed = machine->now.address == 0 || machine->now.address >= ADDRESS_REMOVED;
    }
    return ERR_OK;
}

// An instruction of a number that is not known to us: the header says how many operands it has.
static enum err operands_pass(struct machine *machine, u8 opcode)
{
    for (u32 i = 0; i < machine->table->operands.data[opcode - 1]; i++) {
        u64 operand;
        TRY(reader_leb_u64(&machine->in, &operand, NULL));
    }
    return ERR_OK;
}

static enum err standard(struct machine *machine, u8 opcode)
{
    u64 number;
    i64 lines;
    switch (opcode) {
    case LINE_COPY:
        row_emit(machine);
        return ERR_OK;
    case LINE_ADVANCE_PC:
        TRY(reader_leb_u64(&machine->in, &number, NULL));
        advance(machine, number);
        return ERR_OK;
    case LINE_ADVANCE_LINE:
        TRY(reader_leb_i64(&machine->in, &lines, NULL));
        machine->now.line += (u64)lines;
        return ERR_OK;
    case LINE_SET_FILE:
        return reader_leb_u64(&machine->in, &machine->now.file, NULL);
    case LINE_SET_COLUMN:
        return reader_leb_u64(&machine->in, &machine->now.column, NULL);
    case LINE_CONST_ADD_PC:
        advance(machine, (255u - machine->table->opcode_base) / machine->table->line_range);
        return ERR_OK;
    case LINE_FIXED_ADVANCE_PC:
        TRY(dwarf_number(&machine->in, 2, &number));
        machine->now.address += number;
        return ERR_OK;
    default:
        return operands_pass(machine, opcode);
    }
}

// Until the address is found, or the program ends.
static enum err run(struct machine *machine)
{
    sequence_begin(machine);
    while (!machine->is_found && reader_left(&machine->in) > 0) {
        u8 opcode;
        TRY(reader_u8(&machine->in, &opcode, NULL));
        if (opcode >= machine->table->opcode_base) {
            special(machine, opcode);
        } else if (opcode == LINE_EXTENDED) {
            TRY(extended(machine));
        } else {
            TRY(standard(machine, opcode));
        }
    }
    return machine->is_found ? ERR_OK : ERR_NOT_FOUND;
}

static u32 clamp(u64 number)
{
    return number > UINT32_MAX ? 0 : (u32)number;
}

enum err dwarf_line_find(const struct dwarf *dwarf, u64 address, i64 *work, struct dwarf_place *out)
{
    struct reader tables = reader_over(dwarf->line);
    while (reader_left(&tables) > 0) {
        struct reader unit;
        u32 offset_size;
        TRY(dwarf_unit(&tables, &unit, &offset_size));
        struct dwarf_table table;
        TRY(dwarf_pay(work, reader_left(&unit) + sizeof table / sizeof(u64)));
        if (dwarf_table_read(&unit, offset_size, &table) != ERR_OK) {
            continue; // another may be sound
        }
        struct machine machine = {.table = &table, .in = table.program, .address = address};
        if (run(&machine) != ERR_OK) {
            continue;
        }
        out->line = clamp(machine.before.line);
        out->column = clamp(machine.before.column);
        enum err err = dwarf_table_file(dwarf, &table, machine.before.file, work, out);
        return err == ERR_OK && out->file.size == 0 ? ERR_NOT_FOUND : err;
    }
    return ERR_NOT_FOUND;
}
