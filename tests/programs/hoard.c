// SPDX-License-Identifier: GPL-3.0-or-later
// Takes as many pages of memory as it gets, 16 at a time and then one, touches none, and prints how
// many it has.
#include "core/base/span.h"
#include "core/base/text.h"
#include "programs/rt/redshirt.h"

u32 program_main(void)
{
    for (u32 step = 16; step > 0; step /= 16) {
        while (__builtin_wasm_memory_grow(0, step) != (size_t)-1) {
        }
    }
    char line[32];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "pages ");
    text_u64(&text, __builtin_wasm_memory_size(0));
    text_char(&text, '\n');
    (void)rt_print_span(span_of(text.data, text.size));
    return 0;
}
