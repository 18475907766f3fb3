// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/list.h: a doubly linked list through nodes that lie inside what is listed.
//
// Use     list_init the head; a node is linked into at most one list at a time. LIST_ITEM gets from
//         a node to the struct that holds it.
// Owner   the list owns nothing. A node that is not linked is zero.
#pragma once
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/types.h"

struct list_node {
    struct list_node *next;
    struct list_node *previous;
};

struct list {
    struct list_node head; // next: the first item, previous: the last
};

#define LIST_ITEM(node, type, member) CONTAINER_OF(node, type, member)

static inline void list_init(struct list *list)
{
    list->head.next = &list->head;
    list->head.previous = &list->head;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool list_is_linked(const struct list_node *node)
{
    return node->next != NULL;
}

static inline void list_insert_between(struct list_node *previous, struct list_node *node,
                                       struct list_node *next)
{
    ASSERT(node->next == NULL);
    node->previous = previous;
    node->next = next;
    previous->next = node;
    next->previous = node;
}

static inline void list_append(struct list *list, struct list_node *node)
{
    list_insert_between(list->head.previous, node, &list->head);
}

static inline void list_prepend(struct list *list, struct list_node *node)
{
    list_insert_between(&list->head, node, list->head.next);
}

static inline void list_remove(struct list_node *node)
{
    ASSERT(node->next != NULL);
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->next = NULL;
    node->previous = NULL;
}

// Moves all of `from` before what `list` holds.
static inline void list_prepend_all(struct list *list, struct list *from)
{
    struct list_node *first = from->head.next;
    struct list_node *last = from->head.previous;
    if (list_is_empty(from)) {
        return;
    }
    last->next = list->head.next;
    list->head.next->previous = last;
    first->previous = &list->head;
    list->head.next = first;
    list_init(from);
}

// The first node, or NULL.
static inline struct list_node *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->head.next;
}

// The one behind `node`, or NULL.
static inline struct list_node *list_next(const struct list *list, const struct list_node *node)
{
    return node->next == &list->head ? NULL : node->next;
}

// Unlinks the first node and returns it, or NULL.
static inline struct list_node *list_take(struct list *list)
{
    struct list_node *node = list_first(list);
    if (node != NULL) {
        list_remove(node);
    }
    return node;
}
