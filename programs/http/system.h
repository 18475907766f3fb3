// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/system.h: /api/system: what runs and who talks to whom, as JSON for the page.
//
// Limits  programs/http/limits.h: SERVER_PROCESSES; a view's own (view.h).
#pragma once
#include "core/base/types.h"
struct text;
struct view;

// Bytes that hold the JSON whatever the names are.
size_t system_bytes(const struct view *view);
void system_write(struct text *out, const struct view *view);
