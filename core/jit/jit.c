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

enum err jit_compile_source(const struct jit_source *source, struct arena *scratch,
                            struct arena *arena, struct jit_function *out)
{
    struct ir ir;
    struct mach mach;
    if (source->is_loop) {
        TRY(ir_build_loop(source->module, source->function, source->origin, source->pace, scratch,
                          &ir));
    } else {
        TRY(ir_build(source->module, source->function, source->pace, scratch, &ir));
    }
    TRY(ir_improve(&ir));
    if (SLOW_ASSERTS) {
        ir_verify(&ir);
    }
    TRY(source->target->select(&ir, source->options, &mach));
    if (SLOW_ASSERTS) {
        TRY(mach_verify(&mach, scratch));
    }
    mach.is_coarse = source->is_coarse;
    TRY(mach_allocate(&mach, scratch));
    return source->target->emit(&mach, &ir, source->options, arena, out);
}

enum err jit_compile(const struct jit_target *target, const struct jit_options *options,
                     const struct wasm_module *module, u32 function, struct arena *scratch,
                     struct arena *arena, struct jit_function *out)
{
    const struct jit_source source = {
        .target = target, .options = options, .module = module, .function = function};
    return jit_compile_source(&source, scratch, arena, out);
}
