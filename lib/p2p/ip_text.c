// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/ip_text.h"
#include "core/base/text.h"

enum { GROUPS = 8, GROUP_DIGITS = 4 };

bool ip4_parse(struct span text, u8 out[4])
{
    size_t at = 0;
    for (u32 i = 0; i < 4; i++) {
        u32 value = 0;
        size_t start = at;
        while (at < text.size && at - start < 3 && text.data[at] >= '0' && text.data[at] <= '9') {
            value = value * 10 + (text.data[at++] - (u32)'0');
        }
        bool padded = at - start > 1 && text.data[start] == '0';
        if (at == start || value > 255 || padded) {
            return false;
        }
        if (i < 3 && (at == text.size || text.data[at++] != '.')) {
            return false;
        }
        out[i] = (u8)value;
    }
    return at == text.size;
}

static i32 hex_value(u8 c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20; // lower case
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Up to four hexadecimal digits at *at, which moves behind them; false where there is none.
static bool parse_group(struct span text, size_t *at, u8 out[2])
{
    u32 value = 0;
    size_t start = *at;
    while (*at < text.size && *at - start < GROUP_DIGITS && hex_value(text.data[*at]) >= 0) {
        value = value << 4 | (u32)hex_value(text.data[(*at)++]);
    }
    out[0] = (u8)(value >> 8);
    out[1] = (u8)value;
    return *at != start;
}

bool ip6_parse(struct span text, u8 out[16])
{
    size_t at = 0;
    u32 count = 0;     // groups so far
    u32 gap = GROUPS;  // groups before "::"
    bool open = false; // behind a single colon: a group must follow
    mem_zero(out, 16);
    if (text.size >= 2 && text.data[0] == ':' && text.data[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < text.size && count < GROUPS) {
        size_t start = at;
        if (!parse_group(text, &at, out + (size_t)2 * count)) {
            return false;
        }
        open = false;
        if (at < text.size && text.data[at] == '.') {
            if (count > GROUPS - 2 ||
                !ip4_parse(span_slice(text, start, text.size), out + (size_t)2 * count)) {
                return false;
            }
            count += 2;
            at = text.size;
            break;
        }
        count++;
        if (at == text.size) {
            break;
        }
        if (count == GROUPS || text.data[at++] != ':') {
            return false;
        }
        open = true;
        if (at < text.size && text.data[at] == ':') {
            if (gap != GROUPS) {
                return false;
            }
            gap = count;
            open = false;
            at++;
        }
    }
    if (at != text.size || open || (gap == GROUPS) != (count == GROUPS)) {
        return false;
    }
    size_t moved = gap == GROUPS ? 0 : (size_t)2 * (count - gap);
    size_t from = gap == GROUPS ? 16 : (size_t)2 * gap;
    mem_move(out + 16 - moved, out + from, moved);
    mem_zero(out + from, 16 - moved - from);
    return true;
}

void ip4_write(struct text *out, const u8 address[4])
{
    for (u32 i = 0; i < 4; i++) {
        if (i != 0) {
            text_char(out, '.');
        }
        text_u64(out, address[i]);
    }
}

void ip6_write(struct text *out, const u8 address[16])
{
    u32 groups[GROUPS];
    u32 best = GROUPS, best_size = 1; // a run of one is written as it is
    for (u32 i = 0; i < GROUPS; i++) {
        groups[i] = (u32)(address[2 * i] << 8 | address[2 * i + 1]);
    }
    for (u32 i = 0; i < GROUPS; i++) {
        u32 size = 0;
        while (i + size < GROUPS && groups[i + size] == 0) {
            size++;
        }
        if (size > best_size) {
            best = i;
            best_size = size;
        }
    }
    for (u32 i = 0; i < GROUPS; i++) {
        if (i == best) {
            text_string(out, "::");
            i += best_size - 1;
            continue;
        }
        if (i != 0 && i != best + best_size) {
            text_char(out, ':');
        }
        text_hex(out, groups[i], 1);
    }
}
