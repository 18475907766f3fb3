// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/rfc3339.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"

enum {
    FRACTION_DIGITS = 9,
    YEAR_FIRST = 1970,
    YEAR_LAST = 2553,
    MONTHS = 12,
    HOUR_S = 3600,
    MINUTE_S = 60,
    DAY_S = 24 * HOUR_S,
};

#define SECOND_NS ((u64)1000000000)

static bool is_leap(u32 year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static u32 days_of(u32 year, u32 month)
{
    static const u8 days[MONTHS] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (u32)(month == 2 && is_leap(year));
}

static void put(struct text *out, u64 value, u32 digits)
{
    u64 unit = 1;
    for (u32 i = 1; i < digits; i++) {
        unit *= 10;
    }
    for (; unit != 0; unit /= 10) {
        text_char(out, (char)('0' + value / unit % 10));
    }
}

void rfc3339_write(u64 unix_ns, char out[RFC3339_BYTES + 1])
{
    struct text text = text_over(out, RFC3339_BYTES + 1);
    u64 second = unix_ns / SECOND_NS, day = second / DAY_S;
    u32 year = YEAR_FIRST, month = 1;
    for (; day >= 365 + (u64)is_leap(year); year++) {
        day -= 365 + (u64)is_leap(year);
    }
    for (; day >= days_of(year, month); month++) {
        day -= days_of(year, month);
    }
    put(&text, year, 4);
    text_char(&text, '-');
    put(&text, month, 2);
    text_char(&text, '-');
    put(&text, day + 1, 2);
    text_char(&text, 'T');
    put(&text, second % DAY_S / HOUR_S, 2);
    text_char(&text, ':');
    put(&text, second % HOUR_S / MINUTE_S, 2);
    text_char(&text, ':');
    put(&text, second % MINUTE_S, 2);
    text_char(&text, '.');
    put(&text, unix_ns % SECOND_NS, FRACTION_DIGITS);
    text_char(&text, 'Z');
    ASSERT(!text.cut);
}

static enum err malformed(const struct reader *in, struct report *report)
{
    return report_err(report, ERR_MALFORMED, reader_offset(in), "not a time of RFC 3339");
}

// A number of so many digits, in bounds.
static enum err take(struct reader *in, u32 digits, u32 least, u32 most, u32 *out,
                     struct report *report)
{
    struct span text;
    u32 value = 0;
    TRY(reader_bytes(in, digits, &text, report));
    for (u32 i = 0; i < digits; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return malformed(in, report);
        }
        value = value * 10 + (u32)(text.data[i] - '0');
    }
    if (value < least || value > most) {
        return malformed(in, report);
    }
    *out = value;
    return ERR_OK;
}

static enum err take_char(struct reader *in, char c, struct report *report)
{
    u8 byte;
    TRY(reader_u8(in, &byte, report));
    return byte == (u8)c ? ERR_OK : malformed(in, report);
}

// The days since 1970.
static enum err take_date(struct reader *in, u64 *days, struct report *report)
{
    u32 year, month, day;
    TRY(take(in, 4, 0, 9999, &year, report));
    TRY(take_char(in, '-', report));
    TRY(take(in, 2, 1, MONTHS, &month, report));
    TRY(take_char(in, '-', report));
    TRY(take(in, 2, 1, days_of(year, month), &day, report));
    if (year < YEAR_FIRST || year > YEAR_LAST) {
        return report_err(report, ERR_LIMIT, 0, "a year before 1970 or after 2553");
    }
    *days = day - 1;
    for (u32 i = YEAR_FIRST; i < year; i++) {
        *days += 365 + (u64)is_leap(i);
    }
    for (u32 i = 1; i < month; i++) {
        *days += days_of(year, i);
    }
    return ERR_OK;
}

static enum err take_fraction(struct reader *in, u64 *ns, struct report *report)
{
    u64 unit = SECOND_NS;
    *ns = 0;
    while (reader_left(in) != 0 && in->next[0] >= '0' && in->next[0] <= '9') {
        unit /= 10; // 0 from the tenth digit on
        *ns += unit * (u64)(in->next[0] - '0');
        in->next++;
    }
    return unit != SECOND_NS ? ERR_OK : malformed(in, report);
}

// What must be taken from the local time to have UTC; "Z" or an offset.
static enum err take_offset(struct reader *in, i64 *seconds, struct report *report)
{
    u32 hours, minutes;
    u8 sign;
    TRY(reader_u8(in, &sign, report));
    if (sign == 'Z') {
        *seconds = 0;
        return ERR_OK;
    }
    if (sign != '+' && sign != '-') {
        return malformed(in, report);
    }
    TRY(take(in, 2, 0, 23, &hours, report));
    TRY(take_char(in, ':', report));
    TRY(take(in, 2, 0, 59, &minutes, report));
    i64 size = (i64)hours * HOUR_S + (i64)minutes * MINUTE_S;
    *seconds = sign == '+' ? size : -size;
    return ERR_OK;
}

enum err rfc3339_read(struct span text, u64 *out, struct report *report)
{
    struct reader in = reader_over(text);
    u64 days, fraction = 0;
    u32 hour, minute, second;
    i64 offset;
    TRY(take_date(&in, &days, report));
    TRY(take_char(&in, 'T', report));
    TRY(take(&in, 2, 0, 23, &hour, report));
    TRY(take_char(&in, ':', report));
    TRY(take(&in, 2, 0, 59, &minute, report));
    TRY(take_char(&in, ':', report));
    TRY(take(&in, 2, 0, 59, &second, report));
    if (reader_left(&in) != 0 && in.next[0] == '.') {
        in.next++;
        TRY(take_fraction(&in, &fraction, report));
    }
    TRY(take_offset(&in, &offset, report));
    i64 seconds = (i64)days * DAY_S + (i64)hour * HOUR_S + (i64)minute * MINUTE_S + (i64)second;
    if (reader_left(&in) != 0 || seconds < offset) {
        return malformed(&in, report);
    }
    *out = (u64)(seconds - offset) * SECOND_NS + fraction;
    return ERR_OK;
}
