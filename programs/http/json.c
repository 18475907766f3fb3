// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/http/json.h"
#include "core/base/text.h"

struct span json_name_cut(struct span name)
{
    size_t size = name.size < SERVER_NAME_BYTES ? name.size : SERVER_NAME_BYTES;
    while (size != 0 && size < name.size && (name.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return span_slice(name, 0, size);
}

bool json_is_c1(struct span bytes)
{
    return bytes.size >= 2 && bytes.data[0] == 0xc2 && bytes.data[1] >= 0x80 &&
           bytes.data[1] < 0xa0;
}

void json_string(struct text *out, struct span string)
{
    string = json_name_cut(string);
    text_char(out, '"');
    for (size_t i = 0; i < string.size; i++) {
        u8 c = string.data[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            text_string(out, "\\u");
            text_hex(out, c, 4);
        } else if (json_is_c1(span_slice(string, i, string.size))) {
            text_string(out, "\\u");
            text_hex(out, string.data[++i], 4);
        } else {
            text_char(out, (char)c);
        }
    }
    text_char(out, '"');
}

void json_number(struct text *out, const char *name, u64 value)
{
    text_string(out, ",\"");
    text_string(out, name);
    text_string(out, "\":");
    text_u64(out, value);
}

void json_name(struct text *out, const char *name, struct span value)
{
    text_string(out, ",\"");
    text_string(out, name);
    text_string(out, "\":");
    json_string(out, value);
}
