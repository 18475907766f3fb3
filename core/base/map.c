// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/map.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"

static size_t bucket_bytes(const struct map *map)
{
    return sizeof(struct map_node *) << map->bucket_bits;
}

// Fibonacci hashing: the high bits of the product depend on every bit of the key.
static struct map_node **bucket_of(const struct map *map, u64 key)
{
    return &map->buckets[key * 0x9e3779b97f4a7c15ull >> (64 - map->bucket_bits)];
}

enum err map_init(struct map *map, struct memory *memory, u32 bucket_bits)
{
    ASSERT(bucket_bits > 0 && bucket_bits < 32);
    *map = (struct map){.memory = memory, .bucket_bits = bucket_bits};
    map->buckets = memory_take(memory, bucket_bytes(map));
    if (map->buckets == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_zero(map->buckets, bucket_bytes(map));
    return ERR_OK;
}

void map_drop(struct map *map)
{
    if (map->buckets != NULL) {
        memory_give(map->memory, map->buckets, bucket_bytes(map));
    }
    *map = (struct map){0};
}

void map_add(struct map *map, struct map_node *node, u64 key)
{
    struct map_node **bucket = bucket_of(map, key);
    node->key = key;
    node->next = *bucket;
    *bucket = node;
    map->count++;
}

void map_remove(struct map *map, struct map_node *node)
{
    struct map_node **at = bucket_of(map, node->key);
    while (*at != node) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    ASSERT(map->count > 0);
    map->count--;
}

struct map_node *map_find(const struct map *map, u64 key)
{
    struct map_node *node = *bucket_of(map, key);
    while (node != NULL && node->key != key) {
        node = node->next;
    }
    return node;
}

struct map_node *map_find_next(const struct map_node *node)
{
    u64 key = node->key;
    do {
        node = node->next;
    } while (node != NULL && node->key != key);
    return (struct map_node *)node;
}
