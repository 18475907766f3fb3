// SPDX-License-Identifier: GPL-3.0-or-later
// A formatter of the kind of printf: letters looked at one by one, numbers in three bases, padding.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

static u8 out[512];

static u32 put_number(u8 *to, u64 value, u32 base, u32 width, u8 pad, bool is_negative)
{
    static const u8 digits[] = "0123456789abcdef";
    u8 reversed[64];
    u32 count = 0;
    do {
        reversed[count++] = digits[value % base];
        value /= base;
    } while (value != 0);
    if (is_negative) {
        reversed[count++] = '-';
    }
    u32 at = 0;
    while (at + count < width) {
        to[at++] = pad;
    }
    while (count > 0) {
        to[at++] = reversed[--count];
    }
    return at;
}

static u32 format(const char *words, const u64 *arguments)
{
    u32 at = 0;
    for (; *words != 0; words++) {
        if (*words != '%') {
            out[at++] = (u8)*words;
            continue;
        }
        u8 pad = ' ';
        u32 width = 0;
        words++;
        if (*words == '0') {
            pad = '0';
            words++;
        }
        for (; *words >= '0' && *words <= '9'; words++) {
            width = width * 10 + (u32)(*words - '0');
        }
        switch (*words) {
        case 'd': {
            i64 value = (i32)*arguments++;
            at +=
                put_number(out + at, (u64)(value < 0 ? -value : value), 10, width, pad, value < 0);
            break;
        }
        case 'u':
            at += put_number(out + at, *arguments++, 10, width, pad, false);
            break;
        case 'x':
            at += put_number(out + at, *arguments++, 16, width, pad, false);
            break;
        case 'b':
            at += put_number(out + at, (u8)*arguments++, 2, width, pad, false);
            break;
        case 'c':
            out[at++] = (u8)(' ' + *arguments++ % 90);
            break;
        default:
            out[at++] = (u8)*words;
            break;
        }
    }
    return at;
}

u64 KERNEL_RUN(u32 n)
{
    static const char *const lines[] = {
        "%d of %u: 0x%08x, %c%c",
        "%5d|%12u|%b",
        "left %u, right %u, %d%%",
        "%016x %x %c",
    };
    u64 sum = 0;
    u64 state = 3;
    for (u32 turn = 0; turn < n; turn++) {
        u64 arguments[5];
        for (u32 i = 0; i < 5; i++) {
            u64 random = kernel_random(&state);
            arguments[i] = random >> (random & 63);
        }
        u32 length = format(lines[turn % 4], arguments);
        for (u32 i = 0; i < length; i += 3) {
            sum = sum * 31 + out[i];
        }
    }
    return sum;
}
