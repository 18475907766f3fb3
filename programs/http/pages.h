// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/pages.h: what the server serves.
//
// Owner   a page's body is constant, or lies in memory from rt_memory that the caller gives back
//         (`owned`).
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct page {
    u32 status;
    const char *content_type;
    struct span body;
    size_t owned_bytes; // of the block that begins at body.data; 0: constant
};

// The page at `path`; one that says why when there is none.
struct page page_get(struct span path);
// The page that says a status in words.
struct page page_status(u32 status);
