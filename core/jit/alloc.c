// SPDX-License-Identifier: GPL-3.0-or-later
// The register allocator from above: core/jit/allocator.h tells how its parts fit together.
#include "core/jit/alloc.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/jit/allocator.h"
#include "core/jit/limits.h"

enum { WORK_LEAST = 1 << 16 };

enum err mach_allocate(struct mach *mach, struct arena *scratch)
{
    ASSERT(mach->block_count != 0 && mach->ins_count >= mach->block_count);
    struct alloc *alloc = ARENA_NEW(scratch, struct alloc);
    if (alloc == NULL) {
        return ERR_NO_MEMORY;
    }
    alloc->mach = mach;
    alloc->scratch = scratch;
    alloc->work = mach->is_coarse ? 0 : (u64)mach->ins_count * JIT_ALLOC_WORK + WORK_LEAST;
    TRY(alloc_blocks(alloc));
    TRY(alloc_live(alloc));
    TRY(alloc_join(alloc));
    TRY(alloc_walk(alloc));
    return alloc_resolve(alloc);
}
