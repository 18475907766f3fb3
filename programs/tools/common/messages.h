// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/messages.h: what a tool needs that sends messages of its own, beside those
// of libc.
//
// Use     messages_bind once, then the calls of the interface's client header (programs/rt). Only
//         calls that wait: events are libc's.
#pragma once
#include "core/base/types.h"
struct interface_definition;

// The bond. Says why there is none, and ends the tool.
//   name  as a user may call it: "inspect"
u32 messages_bind(const struct interface_definition *interface, const char *name);
// Says that a call failed, a negative number of docs/abi.md, and ends the tool.
void messages_fail(const char *name, i64 error);
