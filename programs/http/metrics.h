// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/metrics.h: /metrics: the same for Prometheus, in its text format.
//
// Limits  SERVER_SERIES samples: of SERVER_PROCESSES processes, SERVER_INTERFACES interfaces, a
//         view's edges and refusals; the totals count the others, too. Names of processes are cut
//         as json.h cuts strings.
// Source  "Exposition formats" of Prometheus, text-based format, version 0.0.4.
#pragma once
#include "core/base/types.h"
struct text;
struct view;

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

// Bytes that hold them whatever the names are.
size_t metrics_bytes(const struct view *view);
void metrics_write(struct text *out, const struct view *view);
