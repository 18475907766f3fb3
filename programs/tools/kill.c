// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/kill.c: ends processes.
#include <string.h>

#include "interfaces/processes.h"
#include "interfaces/processes_client.h"
#include "interfaces/processes_section.h"
#include "programs/tools/common/messages.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "kill",
    "Usage: kill PROCESS...\n"
    "\n"
    "Ends each PROCESS, a number as ps tells it, at once. A program may end those that it has\n"
    "started, and theirs; a shell's own command `kill` those of the shell.\n",
    1,
};

static bool process_kill(u32 bond, const char *word)
{
    struct processes_kill_call call;
    struct processes_result_none_system_error result;
    if (!tool_number(word, &call.process)) {
        tool_say(word, "this is no number of a process");
        return false;
    }
    i64 error = processes_kill(bond, &call, &result);
    if (error < 0) {
        messages_fail("processes", error);
    }
    if (!result.ok) {
        tool_say(word, "no such process, or none that this one may end");
    }
    return result.ok;
}

int tool_main(int count, char **words)
{
    struct options options;
    options_begin(&options, count, words, "");
    while (options_next(&options) != 0) {
    }
    if (options.operand_count == 0) {
        tool_fail_usage(NULL, "which process?");
    }
    u32 bond = messages_bind(&processes_interface, "processes");
    bool is_good = true;
    for (int i = 0; i < options.operand_count; i++) {
        is_good = process_kill(bond, options.words[i]) && is_good;
    }
    return is_good ? 0 : 1;
}
