// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/path.h: paths as a user sees them, all below one root.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/limits.h"

struct path {
    u32 size;
    u8 bytes[SHELL_PATH_BYTES];
};

// The path that `relative` means in the folder `base`: it begins with `/`, and has neither `.` nor
// `..` nor empty names in it. `..` goes up as the path is written, whatever links there are, and
// stays at the root. One that begins with `/` is not relative.
// ERR_LIMIT  longer than SHELL_PATH_BYTES; nothing was changed
enum err path_join(struct span base, struct span relative, struct path *out);

static inline struct span path_span(const struct path *path)
{
    return span_of(path->bytes, path->size);
}

// Whether the path is the folder or lies below it; `rest` receives what is below, without a `/` in
// front. Both as path_join makes them.
bool path_below(struct span path, struct span folder, struct span *rest);
