// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/large_bodies.h: functions of shapes that are hard on the compiler, of any size.
// Whether they come to an end is not the point.
//
// Use     large_module for each shape below large_shape_count; wasm_bytes_free.
#pragma once
#include "core/base/types.h"
#include "tests/unit/wasm_bytes.h"

extern const u32 large_shape_count;
const char *large_shape_name(u32 shape);

// A valid module whose function 0 has a body of at most `body_bytes` (5,000 or more), and of not
// much less. Nobody calls it; it is a program that ends at once.
struct wasm_bytes large_module(u32 shape, u32 body_bytes);
