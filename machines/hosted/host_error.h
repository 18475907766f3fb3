// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/host_error.h: what the host says when it refuses something, in a report.
#pragma once
#include "core/base/err.h"
struct report;

// ERR_IO; the report says `what` and the words for errno, and names `name`.
enum err host_error(struct report *report, const char *what, const char *name);
