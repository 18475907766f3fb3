// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/keys.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "interfaces/terminal.h"
#include "interfaces/terminal_client.h"
#include "interfaces/terminal_section.h"
#include "programs/rt/redshirt.h"
#include "programs/tools/common/tool.h"

enum { CTRL_C = 3, MS_OF_S = 1000, NS_OF_MS = 1000000 };

static i64 bond; // to the terminal, when positive
static bool has_keys;

void keys_begin(void)
{
    bond = rt_bind(&terminal_interface, false);
    struct terminal_set_mode_call call = {TERMINAL_MODE_RAW};
    struct terminal_result_none_error result;
    has_keys = bond > 0 && terminal_set_mode((u32)bond, &call, &result) == 0 && result.ok;
}

bool keys_wait(u64 ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec time = {(time_t)(ms / MS_OF_S), (long)(ms % MS_OF_S * NS_OF_MS)};
    int ready = has_keys ? poll(&input, 1, (int)ms) : nanosleep(&time, NULL);
    char key = 0;
    if (ready < 0) {
        tool_say_error(NULL);
        tool_end(1);
    }
    return ready == 0 || (read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != CTRL_C);
}

u64 keys_rows(void)
{
    struct terminal_option_extent extent;
    bool is_known = bond > 0 && terminal_size((u32)bond, &extent) == 0 && extent.some;
    return is_known ? extent.value.rows : 0;
}
