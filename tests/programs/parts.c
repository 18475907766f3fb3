// SPDX-License-Identifier: GPL-3.0-or-later
// tests/programs/parts.c: writes bytes to the standard error, in parts of which each is seen alone.
//
//     parts HEX...    one part each, half a second apart, the first after that too; then it stays
#include "core/base/text.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum { PART_BYTES = 64, REST_NS = 500000000 };

static void rest(u32 clock, u64 ns)
{
    u64 now = 0;
    (void)time_monotonic(clock, &now);
    struct time_wait_until_call until = {now + ns};
    (void)time_wait_until(clock, &until);
}

static u8 digit(u8 c)
{
    return (u8)(c <= '9' ? c - '0' : c - 'a' + 10);
}

u32 program_main(void)
{
    i64 clock = rt_bind(&time_interface, true);
    if (clock < 0) {
        return 1;
    }
    struct span hex;
    for (u32 i = 1; (hex = rt_argument(i)).data != NULL; i++) {
        char bytes[PART_BYTES];
        struct text part = text_over(bytes, sizeof bytes);
        for (size_t at = 0; at + 2 <= hex.size; at += 2) {
            text_char(&part, (char)(digit(hex.data[at]) << 4 | digit(hex.data[at + 1])));
        }
        rest((u32)clock, REST_NS);
        (void)rt_print_error(bytes);
    }
    rest((u32)clock, INT64_MAX);
    return 0;
}
