// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and strings out of sections.
#include "lib/dwarf/internal.h"

enum { LENGTH_64 = 0xffffffff, LENGTH_RESERVED = 0xfffffff0 };

enum err dwarf_pay(i64 *work, u64 units)
{
    if (*work <= 0 || units > (u64)*work) {
        *work = 0;
        return ERR_LIMIT;
    }
    *work -= (i64)units;
    return ERR_OK;
}

enum err dwarf_number(struct reader *in, u32 size, u64 *out)
{
    struct span bytes;
    if (size == 0 || size > sizeof *out) {
        return ERR_UNSUPPORTED;
    }
    TRY(reader_bytes(in, size, &bytes, NULL));
    *out = 0;
    mem_copy(out, bytes.data, size);
    return ERR_OK;
}

enum err dwarf_string(struct reader *in, struct span *out)
{
    for (const u8 *at = in->next; at < in->end; at++) {
        if (*at == 0) {
            *out = span_of(in->next, (size_t)(at - in->next));
            in->next = at + 1;
            return ERR_OK;
        }
    }
    return ERR_MALFORMED;
}

enum err dwarf_at(struct span section, u64 offset, struct reader *out)
{
    if (offset > section.size) {
        return ERR_MALFORMED;
    }
    *out = reader_over(section);
    if (offset != 0) { // else the section may be empty, and NULL
        out->next += offset;
    }
    return ERR_OK;
}

enum err dwarf_string_at(struct span section, u64 offset, struct span *out)
{
    struct reader in;
    TRY(dwarf_at(section, offset, &in));
    if (reader_left(&in) > DWARF_NAME_BYTES + 1) {
        in.end = in.next + DWARF_NAME_BYTES + 1;
    }
    return dwarf_string(&in, out);
}

enum err dwarf_indexed(struct span section, u64 base, u64 index, u32 size, u64 *out)
{
    struct reader in;
    if (base > section.size || index > section.size) { // so that nothing below wraps
        return ERR_MALFORMED;
    }
    TRY(dwarf_at(section, base + index * size, &in));
    return dwarf_number(&in, size, out);
}

enum err dwarf_unit(struct reader *in, struct reader *out, u32 *offset_size)
{
    u64 length;
    u32 size = 4;
    TRY(dwarf_number(in, 4, &length));
    if (length == LENGTH_64) {
        size = 8;
        TRY(dwarf_number(in, 8, &length));
    } else if (length >= LENGTH_RESERVED) {
        return ERR_UNSUPPORTED;
    }
    if (length > reader_left(in)) {
        return ERR_MALFORMED;
    }
    TRY(reader_sub(in, (size_t)length, out, NULL));
    *offset_size = size;
    return ERR_OK;
}
