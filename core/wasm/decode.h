// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/decode.h: bytes to module. First of the three passes a module goes through.
//
// Owner   everything decoded lies in `arena`, which the caller drops with the module, also after a
//         failure. `bytes` must outlive the module.
// Limits  core/wasm/limits.h; work is linear in the size of the file.
// Source  WebAssembly Core 2.0, chapter 5.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct report;
struct wasm_decoder;
struct wasm_module;

// Decodes a binary module. What chapter 5 calls malformed is refused here, but for the instructions
// inside function bodies, whose encoding wasm_module_validate checks as it goes through them.
// wasm_module_decode lets it use every feature (features.h).
//   out     receives the module on success; untouched on failure
//   report  NULL, or receives the offset in the file and the reason, in the words of the core test
//           suite
// ERR_MALFORMED  the bytes do not follow the format
// ERR_LIMIT      legal, but beyond core/wasm/limits.h
// ERR_NO_MEMORY  the arena has no more
enum err wasm_module_decode(struct span bytes, struct arena *arena, struct wasm_module **out,
                            struct report *report);

// The same in portions (core/wasm/load.h): begin, then step until it returns something other than
// ERR_PAUSED. The decoder lies in the arena. `report` is the same at each call.
//   features  enum wasm_feature: what the module may use beyond Core 2.0
enum err wasm_decoder_begin(struct span bytes, u32 features, struct arena *arena,
                            struct wasm_decoder **out, struct report *report);
enum err wasm_decoder_step(struct wasm_decoder *decoder, i64 *work, struct wasm_module **out,
                           struct report *report);
