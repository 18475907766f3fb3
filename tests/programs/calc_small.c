// SPDX-License-Identifier: GPL-3.0-or-later
// A client of redshirt:test/calc that was built with `add` alone. Binds to a handler of more, adds,
// and prints "2 + 3 = 5"; waits for the handler when its first argument is "patient". A message of
// a function that its definition does not list is refused.
#include "interfaces/calc_small.h"
#include "core/base/text.h"
#include "interfaces/calc.h"
#include "interfaces/calc_small_client.h"
#include "interfaces/calc_small_section.h"
#include "programs/rt/redshirt.h"

u32 program_main(void)
{
    u64 sum;
    char line[64];
    struct text text = text_over(line, sizeof line);
    struct calc_small_add_call call = {2, 3};
    bool patient = span_equal(rt_argument(1), SPAN_LITERAL("patient"));
    i64 bond = rt_bind(&calc_small_interface, patient);
    if (bond < 0) {
        text_string(&text, rt_error_name(bond));
        text_char(&text, '\n');
        (void)rt_print(line);
        return 1;
    }
    if (calc_small_add((u32)bond, &call, &sum) < 0) {
        return 2;
    }
    u8 body[CALC_SUBTRACT_CALL_BYTES];
    struct calc_subtract_call other = {3, 2};
    size_t size = calc_subtract_encode_call(body, sizeof body, &other);
    if (rt_call((u32)bond, CALC_SUBTRACT_ID, body, (u32)size, body, sizeof body) != E_FUNCTION) {
        return 3;
    }
    text_string(&text, "2 + 3 = ");
    text_u64(&text, sum);
    text_char(&text, '\n');
    return rt_print(line) == 0 ? 0 : 4;
}
