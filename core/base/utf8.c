// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/utf8.h"

// The length of the sequence that `lead` begins, and the range of its second byte. 0: begins none.
static u32 sequence_of(u8 lead, u8 *second_min, u8 *second_max)
{
    *second_min = 0x80;
    *second_max = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *second_min = lead == 0xe0 ? 0xa0 : 0x80; // shorter forms exist below
        *second_max = lead == 0xed ? 0x9f : 0xbf; // surrogates above
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *second_min = lead == 0xf0 ? 0x90 : 0x80; // shorter forms exist below
        *second_max = lead == 0xf4 ? 0x8f : 0xbf; // beyond U+10FFFF above
        return 4;
    }
    return 0;
}

bool utf8_is_valid(struct span bytes)
{
    for (size_t i = 0; i < bytes.size;) {
        u8 lead = bytes.data[i];
        if (lead < 0x80) {
            // Eight at a time while they are ASCII, which most text is.
            while (bytes.size - i >= 8 &&
                   (mem_load_u64(bytes.data + i) & 0x8080808080808080ull) == 0) {
                i += 8;
            }
            i += i < bytes.size && bytes.data[i] < 0x80;
            continue;
        }
        u8 second_min;
        u8 second_max;
        u32 length = sequence_of(lead, &second_min, &second_max);
        if (length == 0 || length > bytes.size - i) {
            return false;
        }
        if (bytes.data[i + 1] < second_min || bytes.data[i + 1] > second_max) {
            return false;
        }
        for (u32 rest = 2; rest < length; rest++) {
            if ((bytes.data[i + rest] & 0xc0) != 0x80) {
                return false;
            }
        }
        i += length;
    }
    return true;
}

struct span utf8_first(struct span bytes, size_t most)
{
    if (bytes.size > most) {
        bytes.size = most;
        while (bytes.size > 0 && (bytes.data[bytes.size] & 0xc0) == 0x80) {
            bytes.size--;
        }
    }
    return utf8_is_valid(bytes) ? bytes : (struct span){0};
}
