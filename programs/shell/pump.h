// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/pump.h: what moves bytes between a pipe and a file or a stream of the shell's own,
// or into a pipe: a redirection.
//
// Each has one message under way and waits for nobody, so any number of them run side by side, and
// beside children. The end of a pipe that a pump is given is closed when there is nothing more to
// move; so is the file.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Who is told when a pump has ended.
struct pump_owner {
    u32 pumps; // under way
    void (*ended)(struct pump_owner *owner);
};

// Each returns false when there are SHELL_PUMPS already; then everything is closed as well.
//   name  of the file, for messages; up to SHELL_NAME_SHOWN bytes of it are copied
bool pump_from_file(struct pump_owner *owner, u64 file, struct span name, u64 writer);
bool pump_to_file(struct pump_owner *owner, u64 reader, u64 file, struct span name, bool appends);
//   stream  as stdio.wit numbers them. Who writes is told when that is closed
bool pump_to_stream(struct pump_owner *owner, u64 reader, u32 stream);
// The bytes are copied.
bool pump_from_memory(struct pump_owner *owner, struct span bytes, u64 writer);

// Closes an end of a pipe that this process holds.
void pipe_close(u64 end);
