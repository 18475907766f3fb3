// SPDX-License-Identifier: GPL-3.0-or-later
// lib/dwarf/internal.h: what the files of this row share. A failure means that what is read is
// damaged or beyond a limit: whoever asked goes without.
#pragma once
#include "core/base/reader.h"
#include "lib/dwarf/dwarf.h"

// ---- read.c: numbers and strings

// What the value of an attribute costs beside its bytes: some forms have none.
enum { DWARF_VALUE_UNITS = 4 };
// Takes from what is left of a look-up's work. ERR_LIMIT: there is none left.
enum err dwarf_pay(i64 *work, u64 units);
// A little-endian number of 1 to 8 bytes.
enum err dwarf_number(struct reader *in, u32 size, u64 *out);
// A zero-terminated string, without its end.
enum err dwarf_string(struct reader *in, struct span *out);
// The string at an offset in a section.
enum err dwarf_string_at(struct span section, u64 offset, struct span *out);
// The rest of a section from an offset on.
enum err dwarf_at(struct span section, u64 offset, struct reader *out);
// The number of `size` bytes at base + index * size in a section.
enum err dwarf_indexed(struct span section, u64 base, u64 index, u32 size, u64 *out);
// The length that a unit begins with, as a reader over the unit. `offset_size` is 4 or 8.
enum err dwarf_unit(struct reader *in, struct reader *out, u32 *offset_size);

// ---- form.c: the value of an attribute

enum dwarf_kind {
    DWARF_NOTHING,
    DWARF_NUMBER,        // also an offset in a section
    DWARF_ADDRESS,       //
    DWARF_ADDRESS_INDEX, // in .debug_addr
    DWARF_TEXT,          // in place
    DWARF_TEXT_OFFSET,   // in .debug_str
    DWARF_LINE_TEXT_OFFSET,
    DWARF_TEXT_INDEX, // in .debug_str_offsets
    DWARF_ENTRY,      // offset in the unit
    DWARF_ENTRY_FAR,  // offset in .debug_info
    DWARF_RANGES_INDEX,
    DWARF_EXPRESSION, // in place
};

struct dwarf_value {
    u8 kind; // enum dwarf_kind
    u64 number;
    struct span text;
};

// How numbers are written in a unit.
struct dwarf_sizes {
    u8 address; // 1 .. 8
    u8 offset;  // 4 or 8
    u16 version;
};

// The value of a form, or past it.
//   constant  of DW_FORM_implicit_const
enum err dwarf_form_read(struct reader *in, struct dwarf_sizes sizes, u64 form, i64 constant,
                         struct dwarf_value *out);
enum { DWARF_FORM_IMPLICIT_CONST = 0x21 };

// ---- line.c

// A table of lines: what stands before its program.
struct dwarf_table {
    struct dwarf_sizes sizes;
    u8 instruction_min;
    i8 line_base;
    u8 line_range;
    u8 opcode_base;
    struct span operands;      // how many each standard instruction has
    struct reader directories; // and files behind them
    struct reader program;
};

//   unit  behind its length
enum err dwarf_table_read(struct reader *unit, u32 offset_size, struct dwarf_table *out);
// Fills in the file's name and directory.
enum err dwarf_table_file(const struct dwarf *dwarf, const struct dwarf_table *table, u64 file,
                          i64 *work, struct dwarf_place *out);
// The line of an address. ERR_NOT_FOUND: no table has it.
enum err dwarf_line_find(const struct dwarf *dwarf, u64 address, i64 *work,
                         struct dwarf_place *out);

// ---- info.c

// Gives out[0], whose line is known or not, its function, and appends the calls around it.
u32 dwarf_functions_find(const struct dwarf *dwarf, u64 address, struct dwarf_scratch *scratch,
                         i64 *work, struct dwarf_place *out, u32 count);

// What is told of all entries, or of all lists of locations, one after another.
struct dwarf_visitor {
    void *context;
    void (*expression)(void *context, struct span expression);
    void (*function)(void *context, u64 start); // of its code
};
void dwarf_entries_visit(const struct dwarf *dwarf, struct dwarf_scratch *scratch, i64 *work,
                         const struct dwarf_visitor *visitor);

// ---- expression.c

// Rewrites places in a frame of WebAssembly as image.h says, as far as the expression can be read.
//   to              a copy of it
//   register_count  becomes more than each number of a local or an operand that it names now
void dwarf_expression_rewrite(struct span expression, u8 *to, u32 *register_count);

// ---- location.c

// Tells every expression of the lists of locations.
void dwarf_locations_visit(const struct dwarf *dwarf, const struct dwarf_visitor *visitor);
