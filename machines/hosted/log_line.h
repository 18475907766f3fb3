// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/log_line.h: a line of redshirt:io/log as it is shown.
#pragma once
#include "core/base/span.h"
#include "interfaces/log.h"
struct text;

enum { HOSTED_LOG_BESIDE = 16 }; // bytes that it has beside the line's own, at most

// Writes the level's word, HOSTED_LOG_BYTES of the line (limits.h) at most, and a newline.
//   line  UTF-8, as the decoder has made sure; what would move a terminal's cursor becomes '?'
void hosted_log_line(struct text *out, enum log_level level, struct span line);
