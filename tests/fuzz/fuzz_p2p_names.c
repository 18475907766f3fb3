// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes and letters of addresses, peer ids, CIDs, keys and lists of names: what is accepted is
// written as it was read.
#include "core/base/assert.h"
#include "core/base/text.h"
#include "lib/http/client.h"
#include "lib/p2p/cid_text.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/name_list.h"
#include "lib/p2p/peer_id.h"
#include "lib/p2p/web_address.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static void try_address(const struct multiaddr *address)
{
    char buffer[P2P_MULTIADDR_TEXT_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    struct span bytes = span_of(address->bytes, address->size);
    multiaddr_write(&text, bytes);
    ASSERT(!text.cut);
    struct multiaddr again;
    // Sizes before values may have been longer than they need be only where they were refused.
    ASSERT(multiaddr_parse(span_of(buffer, text.size), &again, NULL) == ERR_OK);
    ASSERT(span_equal(span_of(again.bytes, again.size), bytes));
    struct multiaddr_target target;
    if (multiaddr_target(bytes, &target, NULL) == ERR_OK) {
        ASSERT(target.host.size != 0 && target.host.size <= P2P_HOST_NAME_BYTES);
    }
}

static void try_id(const struct peer_id *id)
{
    char buffer[P2P_PEER_ID_TEXT_BYTES];
    struct peer_id again;
    struct text text = text_over(buffer, sizeof buffer);
    peer_id_write(&text, id);
    ASSERT(!text.cut && peer_id_parse(span_of(buffer, text.size), &again, NULL) == ERR_OK);
    ASSERT(peer_id_equal(id, &again));
    text = text_over(buffer, sizeof buffer);
    peer_id_write_name(&text, id);
    ASSERT(!text.cut && peer_id_parse(span_of(buffer, text.size), &again, NULL) == ERR_OK);
    ASSERT(peer_id_equal(id, &again));
}

// What goes into a request cannot say anything else.
static void try_web(struct span text)
{
    struct web_address web;
    if (web_address_parse(text, &web, NULL) == ERR_OK) {
        ASSERT(web.port != 0 && web.host.size != 0 && http_host_is_valid(web.host));
        ASSERT((web.kind == WEB_HOST_NAME) == (web.name.size != 0));
    }
}

static u32 lines_count(struct span list, const struct peer_id *except)
{
    static struct name_line line;
    u32 count = 0;
    for (size_t at = 0; name_list_next(list, &at, &line);) {
        count += !peer_id_equal(&line.key, except);
    }
    return count;
}

// Setting a key leaves all others, and leaves one line of it.
static void try_list(struct span list)
{
    static struct name_line line, other;
    size_t at = 0;
    if (!name_list_next(list, &at, &line)) {
        return;
    }
    char *out = malloc(list.size + NAME_LINE_BYTES + 1);
    size_t size = name_list_set(list, &line, out);
    ASSERT(size <= list.size + NAME_LINE_BYTES);
    ASSERT(size != 0); // no input is so long
    struct span written = span_of(out, size);
    (void)name_list_is_damaged(list);
    ASSERT(lines_count(written, &line.key) == lines_count(list, &line.key));
    ASSERT(name_list_find(written, &line.key, &other) && other.is_mine == line.is_mine);
    ASSERT(span_equal(span_of(other.bytes, other.size), span_of(line.bytes, line.size)));
    free(out);
}

static void try_cid(struct span text)
{
    struct cid cid, again;
    char name[CID_TEXT_BYTES];
    if (p2p_cid_parse_word(text, &cid, NULL) == ERR_OK) {
        cid_write_text(&cid, name);
        ASSERT(p2p_cid_parse_word(span_string(name), &again, NULL) == ERR_OK);
        ASSERT(cid_equal(&cid, &again));
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    try_cid(span_of(data, size));
    try_list(span_of(data, size));
    try_web(span_of(data, size));
    struct multiaddr address;
    struct peer_id id;
    struct peer_key key;
    struct span bytes = span_of(data, size);
    if (multiaddr_read(bytes, &address, NULL) == ERR_OK) {
        try_address(&address);
    }
    if (multiaddr_parse(bytes, &address, NULL) == ERR_OK) {
        try_address(&address);
    }
    if (peer_id_read(bytes, &id, NULL) == ERR_OK) {
        try_id(&id);
    }
    if (peer_id_parse(bytes, &id, NULL) == ERR_OK) {
        try_id(&id);
    }
    if (peer_key_read(bytes, &key, NULL) == ERR_OK) {
        ASSERT(key.data.size <= P2P_KEY_BYTES);
    }
    return 0;
}
