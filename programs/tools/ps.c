// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/ps.c: lists the processes of this system.
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/seen.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "ps",
    "Usage: ps [-l]\n"
    "\n"
    "Lists the processes of this system: number, whose child, what it does, time that it has run,\n"
    "memory, name.\n"
    "\n"
    "  -l  and the messages that it has sent, and its program's CID\n",
    1,
};

int tool_main(int count, char **words)
{
    struct options options;
    struct seen seen = {0};
    bool is_long = false;
    options_begin(&options, count, words, "l");
    while (options_next(&options) != 0) {
        is_long = true;
    }
    if (options.operand_count != 0) {
        tool_fail_usage(options.words[0], "ps lists all processes");
    }
    seen_read(&seen);
    out_string(is_long ? "PROCESS  PARENT    STATE       TIME MEMORY     SENT PROGRAM"
                         "                                                     NAME\n"
                       : "PROCESS  PARENT    STATE       TIME MEMORY NAME\n");
    for (size_t i = 0; i < seen.count; i++) {
        const struct seen_process *process = &seen.processes[i];
        out_u64(process->id, 7);
        out_u64(process->parent, 8);
        out_string("  ");
        out_string(process->state); // seven letters, or five
        out_blanks(0, process->state[5] == 0 ? 2 : 0);
        seen_time_put(process->time_ns, 11);
        seen_bytes_put(process->memory_bytes, 7);
        if (is_long) {
            out_u64(process->sent, 9);
            out_char(' ');
            out_string(process->program);
            out_blanks(out_name_width(process->program), 59);
        }
        out_char(' ');
        out_name(process->name);
        out_char('\n');
    }
    return 0;
}
