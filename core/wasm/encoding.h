// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/encoding.h: the small pieces of the binary format that decoder and validator share.
//
// Errors  ERR_MALFORMED; a failure leaves *out alone. `features` (enum wasm_feature) says which
//         types there are beyond Core 2.0.
// Source  WebAssembly Core 2.0, sections 5.3 and 5.4.1.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct reader;
struct report;

// An enum wasm_type.
enum err wasm_read_value_type(struct reader *in, u32 features, u8 *out, struct report *report);
// One of those that wasm_is_reference (module.h).
enum err wasm_read_ref_type(struct reader *in, u32 features, u8 *out, struct report *report);
// The type index when it is 0 or more; below 0 it is a byte with its sign extended:
// WASM_BLOCK_TYPE_EMPTY - 0x80 or a value type - 0x80.
enum err wasm_read_block_type(struct reader *in, u32 features, i64 *out, struct report *report);
