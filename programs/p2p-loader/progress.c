// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/progress.h"
#include "core/base/cid.h"
#include "core/base/text.h"
#include "programs/p2p-loader/fetch.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"
#include "programs/rt/redshirt.h"

enum {
    PROGRESS_FIRST_MS = 300, // a fetch that is shorter draws nothing
    PROGRESS_EVERY_MS = 200,
    RATE_MS = 1000, // over which blocks are counted
    COLUMNS_MOST = 200,
    NAME_FIRST = 8, // letters of a CID that are shown, at its beginning and its end
    NAME_LAST = 4,
};

#define CLEAR_REST "\x1b[K"

static u32 columns; // 0: nothing is drawn
static bool is_drawn;
static u64 drawn_ns;
static struct cid of_rate; // the file that is counted
static u64 rate_ns, rate_blocks, rate;

void progress_begin(u32 width)
{
    columns = width < COLUMNS_MOST ? width : COLUMNS_MOST;
}

void progress_clear(void)
{
    if (is_drawn) {
        (void)rt_print_error(CLEAR_REST);
        is_drawn = false;
    }
}

static void write_name(struct text *out, const struct cid *cid)
{
    char name[CID_TEXT_BYTES];
    cid_write_text(cid, name);
    text_bytes(out, span_of(name, NAME_FIRST));
    text_string(out, "..");
    text_bytes(out, span_of(name + CID_TEXT_LETTERS - NAME_LAST, NAME_LAST));
}

static void write_mib(struct text *out, u64 bytes)
{
    text_u64(out, bytes >> 20);
    text_char(out, '.');
    text_u64(out, (bytes & 0xfffff) * 10 >> 20);
}

static void write_count(struct text *out, u64 count, const char *one)
{
    text_u64(out, count);
    text_char(out, ' ');
    text_string(out, one);
    text_string(out, count == 1 ? "" : "s");
}

static u32 peers_open(const struct node *node)
{
    u32 count = 0;
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        count += link_is_open(LIST_ITEM(item, struct link, of_node));
    }
    return count;
}

// Blocks a second, once for each second.
static void rate_count(const struct node *node, const struct fetch_state *state)
{
    u64 past_ms = (node->now_ns - rate_ns) / NS_PER_MS;
    if (!cid_equal(&of_rate, &state->root)) {
        of_rate = state->root;
        rate_ns = state->began_ns;
        rate_blocks = 0;
        past_ms = (node->now_ns - rate_ns) / NS_PER_MS;
    }
    if (past_ms >= RATE_MS || (rate_blocks == 0 && past_ms != 0)) {
        rate = (state->got_blocks - rate_blocks) * 1000 / past_ms;
    }
    if (past_ms >= RATE_MS) {
        rate_ns = node->now_ns;
        rate_blocks = state->got_blocks;
    }
}

static void draw(struct node *node, const struct fetch_state *state, u32 others)
{
    char line[COLUMNS_MOST + sizeof CLEAR_REST + 1];
    struct text text = text_over(line, columns); // a line that is full would begin another
    rate_count(node, state);
    write_name(&text, &state->root);
    if (state->has_size) {
        text_string(&text, "  ");
        write_mib(&text, state->done_bytes);
        text_string(&text, " of ");
        write_mib(&text, state->size_bytes);
        text_string(&text, " MiB, ");
        write_count(&text, rate, "block");
        text_string(&text, "/s, ");
    } else {
        text_string(&text, "  asking ");
    }
    write_count(&text, peers_open(node), "peer");
    if (others != 0) {
        text_string(&text, ", ");
        write_count(&text, others, "file");
        text_string(&text, " more");
    }
    text.capacity = sizeof line;
    text_string(&text, CLEAR_REST "\r");
    (void)rt_print_error(line);
    is_drawn = true;
}

u64 progress_turn(struct node *node)
{
    struct fetch_state state, oldest;
    u32 count = 0;
    for (u32 i = 0; columns != 0 && i < LOADER_FETCHES; i++) {
        if (fetch_state(i, &state) && (count++ == 0 || state.began_ns < oldest.began_ns)) {
            oldest = state;
        }
    }
    if (count == 0) {
        return UINT64_MAX;
    }
    u64 next_ns = is_drawn ? drawn_ns + PROGRESS_EVERY_MS * NS_PER_MS
                           : oldest.began_ns + PROGRESS_FIRST_MS * NS_PER_MS;
    if (node->now_ns < next_ns) {
        return next_ns;
    }
    drawn_ns = node->now_ns;
    draw(node, &oldest, count - 1);
    return drawn_ns + PROGRESS_EVERY_MS * NS_PER_MS;
}

void progress_done(struct node *node, const struct fetch_state *state)
{
    char line[LOADER_TEXT_BYTES];
    struct text text = text_over(line, sizeof line);
    progress_clear();
    if (state->got_blocks == 0) {
        return; // it was all here
    }
    if (columns != 0) {
        write_name(&text, &state->root);
    } else {
        char name[CID_TEXT_BYTES];
        cid_write_text(&state->root, name);
        text_string(&text, name);
    }
    text_string(&text, ": ");
    if (state->got_bytes < 1 << 20) {
        write_count(&text, state->got_bytes, "byte");
    } else {
        write_mib(&text, state->got_bytes);
        text_string(&text, " MiB");
    }
    text_string(&text, " fetched in ");
    text_u64(&text, (node->now_ns - state->began_ns) / NS_PER_MS);
    text_string(&text, " ms");
    if (columns != 0) {
        text_char(&text, '\n');
        (void)rt_print_error(line);
    } else if (node->stays || node->is_verbose) {
        node_say(node, NODE_INFO, span_of(text.data, text.size));
    }
}
