// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/engine.h: the options that say how programs run, whatever they are: --engine,
// --memory, --perf-map, --verbose. They go into the environment, which session_open reads.
#pragma once
#include "core/base/types.h"
struct command;
struct options;

// Takes the option if it is one of those. Says what is wrong; returns EXIT_GOOD or the exit code.
//   is_one  whether it is
int engine_option(const struct command *command, struct options *options, const char *option,
                  const char *value, bool *is_one);
