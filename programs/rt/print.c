// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/print.c: words to the standard streams.
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/stdio_section.h"
#include "programs/rt/redshirt.h"

enum { PRINT_BYTES = 512 }; // of one message; longer words take several

static i32 print(enum stdio_stream stream, struct span bytes)
{
    static i64 bond = -1;
    if (bond < 0) {
        bond = rt_bind(&stdio_interface, false);
    }
    while (bond >= 0 && bytes.size != 0) {
        u8 buffer[PRINT_BYTES + 16];
        size_t part = bytes.size < PRINT_BYTES ? bytes.size : PRINT_BYTES;
        struct stdio_write_call call = {stream, span_slice(bytes, 0, part)};
        struct stdio_result_none_error result;
        i64 error = stdio_write((u32)bond, buffer, sizeof buffer, &call, &result);
        if (error < 0 || !result.ok) {
            return error < 0 ? (i32)error : E_GONE;
        }
        bytes = span_slice(bytes, part, bytes.size);
    }
    return bond < 0 ? (i32)bond : 0;
}

i32 rt_print(const char *string)
{
    return print(STDIO_STREAM_OUTPUT, span_string(string));
}

i32 rt_print_span(struct span bytes)
{
    return print(STDIO_STREAM_OUTPUT, bytes);
}

i32 rt_print_error(const char *string)
{
    return print(STDIO_STREAM_ERROR, span_string(string));
}
