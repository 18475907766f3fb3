// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/kad_provide.h"

#define MS ((u64)1000000)

static struct kad_provide *find(struct kad_provides *provides, const struct kad_key *key)
{
    for (u32 i = 0; i < provides->count; i++) {
        const struct kad_key *item = &provides->items[i].key;
        if (span_equal(span_of(item->bytes, item->size), span_of(key->bytes, key->size))) {
            return &provides->items[i];
        }
    }
    return NULL;
}

enum err kad_provides_add(struct kad_provides *provides, const struct kad_key *key, u64 now_ns)
{
    if (find(provides, key) != NULL) {
        return ERR_OK;
    }
    if (provides->count == P2P_KAD_PROVIDES) {
        return ERR_LIMIT;
    }
    provides->items[provides->count++] = (struct kad_provide){*key, now_ns};
    return ERR_OK;
}

void kad_provides_remove(struct kad_provides *provides, const struct kad_key *key)
{
    struct kad_provide *item = find(provides, key);
    if (item != NULL) {
        *item = provides->items[--provides->count];
    }
}

// The index of the one that is due first; `count` when there is none.
static u32 first_due(const struct kad_provides *provides)
{
    u32 first = 0;
    for (u32 i = 1; i < provides->count; i++) {
        if (provides->items[i].due_ns < provides->items[first].due_ns) {
            first = i;
        }
    }
    return first;
}

const struct kad_key *kad_provides_next(struct kad_provides *provides, u64 now_ns)
{
    u32 first = first_due(provides);
    if (first == provides->count || provides->items[first].due_ns > now_ns) {
        return NULL;
    }
    provides->items[first].due_ns = now_ns + P2P_KAD_RETRY_MS * MS;
    return &provides->items[first].key;
}

void kad_provides_done(struct kad_provides *provides, const struct kad_key *key, bool was_taken,
                       u64 now_ns)
{
    struct kad_provide *item = find(provides, key);
    if (item != NULL) {
        item->due_ns = now_ns + (was_taken ? P2P_KAD_REPROVIDE_MS : P2P_KAD_RETRY_MS) * MS;
    }
}

u64 kad_provides_wake(const struct kad_provides *provides)
{
    u32 first = first_due(provides);
    return first == provides->count ? UINT64_MAX : provides->items[first].due_ns;
}

size_t kad_provide_message(const struct kad_key *key, const struct p2p_hint *self, u8 *out,
                           size_t capacity)
{
    struct kad_message message = {.type = KAD_ADD_PROVIDER,
                                  .key = span_of(key->bytes, key->size),
                                  .providers = &self,
                                  .provider_count = 1};
    return kad_write(&message, out, capacity);
}
