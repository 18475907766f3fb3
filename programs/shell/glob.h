// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/glob.h: the files that a pattern with folders stands for.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
struct expansion;

// Adds the paths that fit, in order of their bytes, as they are written in the pattern: relative or
// from the root. Where none fits, the pattern itself, without its backslashes.
// ERR_LIMIT  more than fit in there, or on the way
enum err glob_add(struct span pattern, struct expansion *out);
