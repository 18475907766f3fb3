// SPDX-License-Identifier: GPL-3.0-or-later
// Asks redshirt:io/keep for what it gives to one program only, and prints what it was told.
#include "interfaces/keep.h"
#include "core/base/compiler.h"
#include "interfaces/keep_client.h"
#include "interfaces/keep_section.h"
#include "programs/rt/redshirt.h"

static u8 buffer[1024];

u32 program_main(void)
{
    i64 bond = rt_bind(&keep_interface, false);
    struct keep_get_call get = {SPAN_LITERAL("seed")};
    struct keep_set_call set = {SPAN_LITERAL("seed"), SPAN_LITERAL("mine")};
    struct keep_block_call block = {
        SPAN_LITERAL("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        SPAN_LITERAL("")};
    struct keep_replace_call replace = {SPAN_LITERAL("seed"), SPAN_LITERAL(""),
                                        SPAN_LITERAL("mine")};
    struct keep_add_call add = {SPAN_LITERAL("why"), SPAN_LITERAL("mine"), 100};
    struct keep_tell_call tell = {SPAN_LITERAL("peers"), SPAN_LITERAL("mine")};
    struct keep_result_bytes_error bytes;
    struct keep_result_none_error none;
    struct keep_result_bool_error is_done;
    if (bond < 0) {
        (void)rt_print(rt_error_name(bond));
        return 1;
    }
    i64 error[] = {
        keep_get((u32)bond, buffer, sizeof buffer, &get, &bytes),
        keep_set((u32)bond, buffer, sizeof buffer, &set, &none),
        keep_replace((u32)bond, buffer, sizeof buffer, &replace, &is_done),
        keep_block((u32)bond, buffer, sizeof buffer, &block, &none),
        keep_add((u32)bond, buffer, sizeof buffer, &add, &none),
        keep_tell((u32)bond, buffer, sizeof buffer, &tell, &none),
    };
    for (u32 i = 0; i < COUNT_OF(error); i++) {
        (void)rt_print(rt_error_name(error[i]));
        (void)rt_print("\n");
    }
    return 0;
}
