// SPDX-License-Identifier: GPL-3.0-or-later
// A client of redshirt:test/calc that was built with another `add`. Binding must be refused, by an
// error that names the function: prints "refused: add".
#include "interfaces/calc_changed.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/calc_changed_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"

u32 program_main(void)
{
    const u8 *hash = calc_changed_interface.hash;
    u8 buffer[512];
    char line[300];
    struct text text = text_over(line, sizeof line);
    struct system_bind_call call = {.interface = {mem_load_u64(hash), mem_load_u64(hash + 8),
                                                  mem_load_u64(hash + 16), mem_load_u64(hash + 24)},
                                    .patient = false};
    struct system_result_u32_bind_error result;
    if (system_bind(RT_SYSTEM_BOND, buffer, sizeof buffer, &call, &result) < 0) {
        return 1;
    }
    if (result.ok || result.error.kind != SYSTEM_BIND_ERROR_MISSING_FUNCTION) {
        return 2;
    }
    text_string(&text, "refused: ");
    text_bytes(&text, result.error.as.missing_function);
    text_char(&text, '\n');
    return rt_print(line) == 0 ? 0 : 3;
}
