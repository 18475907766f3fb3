// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/engine.h"

#include <stdlib.h>
#include <string.h>

#include "tools/redshirt/command.h"
#include "tools/redshirt/session.h"

static bool is_engine(const char *value)
{
    u8 engine;
    return session_engine(value, &engine);
}

static bool is_memory(const char *value)
{
    enum kernel_memory memory;
    return session_memory(value, &memory);
}

// An option with a value, one of a few words.
static int word_take(const struct command *command, const char *value,
                     bool (*is_word)(const char *), const char *variable, const char *wants)
{
    bool is_good = value != NULL && is_word(value) && setenv(variable, value, 1) == 0;
    return is_good ? EXIT_GOOD : say_usage(command, "%s", wants);
}

static int flag_take(const struct command *command, const char *value, const char *variable,
                     const char *name)
{
    bool is_good = value == NULL && setenv(variable, "1", 1) == 0;
    return is_good ? EXIT_GOOD : say_usage(command, "--%s takes no value", name);
}

int engine_option(const struct command *command, struct options *options, const char *option,
                  const char *value, bool *is_one)
{
    *is_one = true;
    if (strcmp(option, "engine") == 0) {
        return word_take(command, options_value(options, value), is_engine, "REDSHIRT_ENGINE",
                         "--engine wants interpreter, auto or compiled");
    }
    if (strcmp(option, "memory") == 0) {
        return word_take(command, options_value(options, value), is_memory, "REDSHIRT_MEMORY",
                         "--memory wants auto, fast or small");
    }
    if (strcmp(option, "perf-map") == 0) {
        return flag_take(command, value, "REDSHIRT_PERF_MAP", "perf-map");
    }
    if (strcmp(option, "verbose") == 0 || strcmp(option, "v") == 0) {
        return flag_take(command, value, "REDSHIRT_VERBOSE", "verbose");
    }
    *is_one = false;
    return EXIT_GOOD;
}
