// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/map.h: finds a node by a 64-bit key. The nodes lie inside what is mapped, so that
// adding never fails; the number of buckets is fixed at the start.
//
// Use     map_init, map_add, map_find, map_remove. Several nodes may have one key (a hash of a
//         name): map_find_next goes on from one to the next.
// Owner   the map owns its buckets only. Whoever lets strangers choose keys mixes a secret into
//         them.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct memory;

struct map_node {
    struct map_node *next;
    u64 key;
};

struct map {
    struct memory *memory;
    struct map_node **buckets;
    u32 bucket_bits;
    u32 count;
};

// ERR_NO_MEMORY  no room for 2^bucket_bits buckets
enum err map_init(struct map *map, struct memory *memory, u32 bucket_bits);
void map_drop(struct map *map);

void map_add(struct map *map, struct map_node *node, u64 key);
// `node` is in the map.
void map_remove(struct map *map, struct map_node *node);
// The node of that key added last, or NULL.
struct map_node *map_find(const struct map *map, u64 key);
// The next one of the same key, or NULL.
struct map_node *map_find_next(const struct map_node *node);
