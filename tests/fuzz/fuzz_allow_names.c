// SPDX-License-Identifier: GPL-3.0-or-later
// Limits on names (machines/hosted/allow_names.h): a limit, a newline, and a name. What is refused
// says where, and has no name; what has a name has it in other letters, too.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "machines/hosted/allow_names.h"

enum { NAME_MOST = 256 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    size_t end = 0;
    while (end < size && data[end] != '\n') {
        end++;
    }
    struct span limit = span_of(data, end);
    size_t start = end + (end < size);
    struct span name = span_of(data + start, size - start);
    struct report report = {0};
    bool is_good = allow_names_check(limit, &report) == ERR_OK;
    bool has = allow_names_has(limit, name);
    if (!is_good) {
        ASSERT(report.text[0] != 0 && report.offset <= limit.size && !has);
        return 0;
    }
    if (name.size > NAME_MOST) {
        return 0;
    }
    u8 other[NAME_MOST];
    for (size_t i = 0; i < name.size; i++) {
        bool is_letter = name.data[i] >= 'a' && name.data[i] <= 'z';
        other[i] = is_letter ? (u8)(name.data[i] - 'a' + 'A') : name.data[i];
    }
    ASSERT(allow_names_has(limit, span_of(other, name.size)) == has);
    return 0;
}
