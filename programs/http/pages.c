// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/pages.c: which page is where. What runs is asked anew for each request; the names
// in it come from programs, so who writes them escapes them.
#include "programs/http/pages.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "lib/http/http.h"
#include "programs/http/metrics.h"
#include "programs/http/peers.h"
#include "programs/http/system.h"
#include "programs/http/view.h"
#include "programs/rt/redshirt.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

static const u8 live_page[] = {
#embed "programs/http/page.html"
};

// ---- what is made of a view

static const struct view_writer {
    const char *path;
    const char *content_type;
    size_t (*bytes)(const struct view *view);
    void (*write)(struct text *out, const struct view *view);
} view_writers[] = {
    {"/api/system", "application/json", system_bytes, system_write},
    {"/metrics", METRICS_TYPE, metrics_bytes, metrics_write},
};

static struct page view_page(const struct view_writer *writer)
{
    struct view view;
    struct page page = page_status(503);
    bool asked = view_ask(&view);
    size_t bytes = asked ? writer->bytes(&view) : 0;
    char *block = asked ? memory_take(rt_memory(), bytes) : NULL;
    if (block != NULL) {
        struct text text = text_over(block, bytes);
        writer->write(&text, &view);
        ASSERT(!text.cut);
        // what was reserved for the worst of names and not used goes back, in place
        (void)rt_memory()->resize(rt_memory(), block, bytes, text.size);
        page = (struct page){.status = 200,
                             .content_type = writer->content_type,
                             .body = span_of(block, text.size),
                             .owned_bytes = text.size};
    }
    view_drop(&view);
    return page;
}

// ---- pages

struct page page_status(u32 status)
{
    return (struct page){.status = status,
                         .content_type = TEXT_PLAIN,
                         .body = span_string(http_status_name(status))};
}

struct page page_get(struct span path)
{
    if (span_equal(path, SPAN_LITERAL("/hello"))) {
        return (struct page){.status = 200,
                             .content_type = TEXT_PLAIN,
                             .body = SPAN_LITERAL("Hello from redshirt!\n")};
    }
    if (span_equal(path, SPAN_LITERAL("/"))) {
        return (struct page){.status = 200,
                             .content_type = "text/html; charset=utf-8",
                             .body = span_of(live_page, sizeof live_page)};
    }
    for (u32 i = 0; i < COUNT_OF(view_writers); i++) {
        if (span_equal(path, span_string(view_writers[i].path))) {
            return view_page(&view_writers[i]);
        }
    }
    if (span_equal(path, SPAN_LITERAL("/api/peers"))) {
        return peers_page();
    }
    return page_status(404);
}
