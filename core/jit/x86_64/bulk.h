// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/bulk.h: short copies, fills and initialisations in compiled code.
#pragma once
#include "core/base/types.h"
struct assembler;
struct jit_options;

// Marks around code that begins anew when it was interrupted (struct jit_function).
struct x64_again {
    bool is_there;
    u32 start;
    u32 end;
};

// What stands before the code that leaves for a helper: does its work and returns, or goes on
// behind itself with nothing changed. Nothing, where the helper is none of these.
//   helper  enum ir_helper
struct x64_again x64_put_bulk(struct assembler *as, u32 helper, const struct jit_options *options);
