// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/sort.h: sorts indices, with a bound on the work that no input can break.
#pragma once
#include "core/base/types.h"

// Sorts `items` in place so that no item is before its predecessor. Not stable: let `before`
// compare the items themselves last where order among equals matters. At most 2 * count *
// log2(count) comparisons.
//   before  whether `a` must stand in front of `b`; a strict order
void sort_u32(u32 *items, size_t count, bool (*before)(const void *context, u32 a, u32 b),
              const void *context);
