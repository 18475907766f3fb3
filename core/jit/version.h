// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/version.h: which compiler this is. A hash that the build computes over the sources of
// core/base, core/wasm and core/jit (mk/jit.mk): any change of theirs may change the code, or what
// the code expects of the structures around it, and nobody has to remember a number.
#pragma once
#include "core/base/types.h"

enum { JIT_VERSION_BYTES = 32 };
extern const u8 jit_version[JIT_VERSION_BYTES];
