// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/manifest.h: the text that says what a bare machine starts. It is the first
// root of the archive, a raw block, so whoever knows its CID knows the whole system.
//
//     # a comment
//     loader CID NAME             comes with the system; the others come through it
//     adapter MODULE CID NAME     comes with the system; programs may import from MODULE
//     serve CID NAME [WORD...]    is started, and may run for as long as the machine
//     run CID NAME [WORD...]      is started; the machine stops when all of these have ended
//
// Use     manifest_open, then manifest_next until it says there is no more.
// Owner   entries borrow the text.
// Limits  MANIFEST_BYTES, MANIFEST_LINES, MANIFEST_ARGUMENTS.
#pragma once
#include "core/base/err.h"
#include "core/base/reader.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "machines/bare/common/limits.h"
struct report;

enum manifest_kind { MANIFEST_LOADER, MANIFEST_ADAPTER, MANIFEST_SERVE, MANIFEST_RUN };

struct manifest_entry {
    enum manifest_kind kind;
    struct span module;                        // ADAPTER
    struct span cid;                           // as text, not yet parsed
    struct span arguments[MANIFEST_ARGUMENTS]; // the first is the program's name
    u32 argument_count;
};

// Checks the whole text.
//   run_count  receives how many entries are MANIFEST_RUN
// ERR_MALFORMED  a line that is none of the above; the report says where and which
// ERR_LIMIT      beyond the limits
enum err manifest_open(struct span text, u32 *run_count, struct report *report);

// The next entry of a text that manifest_open has accepted; `at` starts as reader_over(text).
// False: there are no more.
bool manifest_next(struct reader *at, struct manifest_entry *out);
