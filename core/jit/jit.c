// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/jit.c: the passes, one behind the other.
#include "core/jit/jit.h"

#include "core/base/assert.h"
#include "core/jit/alloc.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/mach.h"
#include "core/jit/passes.h"
#include "core/jit/target.h"

// What comes behind building.
static enum err compile(const struct jit_target *target, const struct jit_options *options,
                        struct ir *ir, struct arena *scratch, struct arena *arena,
                        struct jit_function *out)
{
    struct mach mach;
    TRY(ir_improve(ir));
    if (SLOW_ASSERTS) {
        ir_verify(ir);
    }
    TRY(target->select(ir, options, &mach));
    if (SLOW_ASSERTS) {
        TRY(mach_verify(&mach, scratch));
    }
    TRY(mach_allocate(&mach, scratch));
    return target->emit(&mach, ir, options, arena, out);
}

enum err jit_compile(const struct jit_target *target, const struct jit_options *options,
                     const struct wasm_module *module, u32 function, struct arena *scratch,
                     struct arena *arena, struct jit_function *out)
{
    struct ir ir;
    TRY(ir_build(module, function, scratch, &ir));
    return compile(target, options, &ir, scratch, arena, out);
}

enum err jit_compile_loop(const struct jit_target *target, const struct jit_options *options,
                          const struct wasm_module *module, u32 function, u32 origin,
                          struct arena *scratch, struct arena *arena, struct jit_function *out)
{
    struct ir ir;
    TRY(ir_build_loop(module, function, origin, scratch, &ir));
    return compile(target, options, &ir, scratch, arena, out);
}
