// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/words.h"

#include <string.h>

#include "core/kernel/kernel.h"
#include "tools/redshirt/command.h"

static int word_take(const struct command *command, struct words *words, const char *option,
                     const char *value)
{
    if (value == NULL || words->count == WORDS_MOST) {
        return say_usage(
            command, value == NULL ? "--%s wants an interface" : "--%s is given too often", option);
    }
    struct grants_line *line = &words->lines[words->count++];
    line->right = strcmp(option, "handle") == 0 ? KERNEL_HANDLE : KERNEL_USE;
    line->word = strcmp(option, "deny") == 0 ? KERNEL_DENY : KERNEL_ALLOW;
    int code = grants_interface_limit((char *)value, line);
    if (code == EXIT_GOOD && line->limit.size > 0 && strcmp(option, "allow") != 0) {
        return say_usage(command, "--%s takes no limit", option);
    }
    return code;
}

int words_option(const struct command *command, struct words *words, struct options *options,
                 const char *option, const char *value, bool *is_taken)
{
    bool is_yes = strcmp(option, "yes") == 0 || strcmp(option, "y") == 0;
    *is_taken = is_yes || strcmp(option, "allow") == 0 || strcmp(option, "deny") == 0 ||
                strcmp(option, "handle") == 0;
    if (is_yes) {
        words->is_free = true;
        return value == NULL ? EXIT_GOOD : say_usage(command, "--yes takes no value");
    }
    return *is_taken ? word_take(command, words, option, options_value(options, value)) : EXIT_GOOD;
}

int words_say(struct kernel *kernel, struct words *words, const struct cid *program)
{
    int code = EXIT_GOOD;
    for (u32 right = 0; words->is_free && code == EXIT_GOOD && right < KERNEL_RIGHTS; right++) {
        struct grants_line all = {.right = (enum kernel_right)right, .word = KERNEL_ALLOW};
        code = grants_say(kernel, &all);
    }
    for (u32 i = 0; code == EXIT_GOOD && i < words->count; i++) {
        words->lines[i].program = *program;
        code = grants_say(kernel, &words->lines[i]);
    }
    return code;
}
