// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/bulk.h: short copies, fills and initialisations in compiled code.
#pragma once
#include "core/base/types.h"
struct assembler;
struct jit_options;

// What stands before the code that leaves for a helper: does its work and returns, or goes on
// behind itself with nothing changed. Nothing, where the helper is none of these.
//   helper  enum ir_helper
void x64_put_bulk(struct assembler *as, u32 helper, const struct jit_options *options);
