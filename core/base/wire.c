// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/wire.h"
#include "core/base/assert.h"
#include "core/base/utf8.h"

// Bytes of the domain that an interface's hash begins with.
#define INTERFACE_DOMAIN "redshirt:interface"

// Sorts the hashes as byte strings. Insertion: there are few, and they come nearly sorted or small
// in number.
static void sort_hashes(u8 *hashes, u32 count)
{
    for (u32 i = 1; i < count; i++) {
        u8 moving[32];
        mem_copy(moving, hashes + (size_t)i * 32, 32);
        u32 at = i;
        while (at > 0 && mem_compare(hashes + (size_t)(at - 1) * 32, moving, 32) > 0) {
            mem_copy(hashes + (size_t)at * 32, hashes + (size_t)(at - 1) * 32, 32);
            at--;
        }
        mem_copy(hashes + (size_t)at * 32, moving, 32);
    }
}

size_t interface_preimage(struct span name, const u8 (*functions)[32], u32 function_count, u8 *out,
                          size_t capacity)
{
    STATIC_ASSERT(INTERFACE_PREIMAGE_BYTES == 4 + sizeof INTERFACE_DOMAIN - 1 + 4 +
                                                  INTERFACE_NAME_BYTES + 4 +
                                                  32 * INTERFACE_FUNCTIONS);
    if (name.size > INTERFACE_NAME_BYTES || function_count > INTERFACE_FUNCTIONS) {
        return 0;
    }
    struct wire_writer writer = wire_writer_over(out, capacity);
    wire_write_bytes(&writer, SPAN_LITERAL(INTERFACE_DOMAIN));
    wire_write_bytes(&writer, name);
    wire_write_u32(&writer, function_count);
    size_t start = writer.size;
    wire_write_raw(&writer, span_of(functions, (size_t)function_count * 32));
    if (writer.size > capacity) {
        return 0;
    }
    sort_hashes(out + start, function_count);
    ASSERT(writer.size <= INTERFACE_PREIMAGE_BYTES);
    return writer.size;
}

void wire_write_raw(struct wire_writer *out, struct span bytes)
{
    u8 *to = wire_writer_take(out, bytes.size);
    if (to != NULL && to != bytes.data) { // who has a block at hand puts it there beforehand
        mem_copy(to, bytes.data, bytes.size);
    }
}

void wire_write_bytes(struct wire_writer *out, struct span bytes)
{
    wire_write_u32(out, (u32)bytes.size);
    wire_write_raw(out, bytes);
}

u32 wire_read_char(struct wire_reader *in)
{
    u32 value = wire_read_u32(in);
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        wire_reader_fail(in);
        return 0;
    }
    return value;
}

struct span wire_read_bytes(struct wire_reader *in)
{
    u32 size = wire_read_u32(in);
    const u8 *start = wire_reader_take(in, size);
    return start == NULL ? (struct span){0} : span_of(start, size);
}

struct span wire_read_string(struct wire_reader *in)
{
    struct span bytes = wire_read_bytes(in);
    if (!utf8_is_valid(bytes)) {
        wire_reader_fail(in);
        return (struct span){0};
    }
    return bytes;
}

u32 wire_read_count(struct wire_reader *in, u32 item_bytes)
{
    ASSERT(item_bytes >= 1);
    u32 count = wire_read_u32(in);
    if (count > wire_reader_left(in) / item_bytes) {
        wire_reader_fail(in);
        return 0;
    }
    return count;
}
