// SPDX-License-Identifier: GPL-3.0-or-later
// Prints the name and the linear memory, in bytes, of each process.
#include "core/base/text.h"
#include "interfaces/inspect.h"
#include "interfaces/inspect_client.h"
#include "interfaces/inspect_section.h"
#include "programs/rt/redshirt.h"

static u8 buffer[65536];

u32 program_main(void)
{
    i64 bond = rt_bind(&inspect_interface, true);
    struct inspect_processes_call call = {0};
    struct inspect_list_process list;
    struct inspect_process process;
    if (bond < 0 || inspect_processes((u32)bond, buffer, sizeof buffer, &call, &list) < 0) {
        return 1;
    }
    while (inspect_list_process_next(&list, &process)) {
        char line[128];
        struct text text = text_over(line, sizeof line);
        text_printable(&text, process.name);
        text_char(&text, ' ');
        text_u64(&text, process.memory);
        text_char(&text, '\n');
        (void)rt_print(line);
    }
    return 0;
}
