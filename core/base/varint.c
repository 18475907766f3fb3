// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/varint.h"
#include "core/base/reader.h"
#include "core/base/report.h"

enum err varint_read(struct reader *in, u64 *out, struct report *report)
{
    struct reader ahead = *in;
    u64 value;
    TRY(reader_leb_u64(&ahead, &value, report));
    if ((size_t)(ahead.next - in->next) != varint_size(value)) {
        return report_err(report, ERR_MALFORMED, reader_offset(in),
                          "integer is not in its shortest form");
    }
    in->next = ahead.next;
    *out = value;
    return ERR_OK;
}

size_t varint_write(u64 value, u8 *out)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) {
        out[size++] = (u8)(value | 0x80);
    }
    out[size++] = (u8)value;
    return size;
}

size_t varint_size(u64 value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7) {
        size++;
    }
    return size;
}
