// SPDX-License-Identifier: GPL-3.0-or-later
// programs/hello: says hello, who it is and what it was told. On a machine without standard streams
// it says so to the log.
#include "core/base/text.h"
#include "interfaces/log.h"
#include "interfaces/log_client.h"
#include "interfaces/log_section.h"
#include "interfaces/stdio.h"
#include "interfaces/system.h"
#include "programs/rt/redshirt.h"

enum { LINE_BYTES = 500, MESSAGE_BYTES = LINE_BYTES + 64 };

// `line` ends in a newline, which the log does not want. One message, so that no other program's
// words come in between.
static bool say(struct span line)
{
    if (rt_print_span(line) == 0) {
        return true;
    }
    i64 bond = rt_bind(&log_interface, false);
    u8 buffer[MESSAGE_BYTES];
    struct log_write_call call = {LOG_LEVEL_INFO, span_slice(line, 0, line.size - 1)};
    return bond >= 0 && log_write((u32)bond, buffer, sizeof buffer, &call) == 0;
}

u32 program_main(void)
{
    const struct system_start_info *info = rt_start_info();
    char bytes[LINE_BYTES];
    struct text line = text_over(bytes, sizeof bytes);
    text_string(&line, "Hello from redshirt! I am process ");
    text_u64(&line, info->process);
    text_string(&line, ", program ");
    text_bytes(&line, info->program);
    struct system_list_bytes arguments = info->arguments;
    struct span argument;
    (void)system_list_bytes_next(&arguments, &argument); // the first is the program's own name
    while (system_list_bytes_next(&arguments, &argument)) {
        text_char(&line, ' ');
        text_printable(&line, argument);
    }
    bytes[line.size] = '\n'; // where the zero was
    return say(span_of(bytes, line.size + 1)) ? 0 : 1;
}
