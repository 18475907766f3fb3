// SPDX-License-Identifier: GPL-3.0-or-later
// Many small functions with several parameters, some recursive: a triple recursion and a walk over
// a tree.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

static NOINLINE i32 tak(i32 x, i32 y, i32 z)
{
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

enum { NODES = 1 << 12 };

struct node {
    struct node *left;
    struct node *right;
    u32 key;
};

static struct node nodes[NODES];
static u32 node_count;

static NOINLINE struct node *insert(struct node *tree, u32 key)
{
    if (tree == NULL) {
        struct node *node = &nodes[node_count++];
        *node = (struct node){NULL, NULL, key};
        return node;
    }
    if (key < tree->key) {
        tree->left = insert(tree->left, key);
    } else {
        tree->right = insert(tree->right, key);
    }
    return tree;
}

static NOINLINE u64 walk(const struct node *tree, u64 sum)
{
    if (tree == NULL) {
        return sum;
    }
    return walk(tree->right, kernel_fold(walk(tree->left, sum), tree->key));
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    for (u32 i = 0; i < n; i++) {
        u64 state = i + 1;
        struct node *tree = NULL;
        sum = kernel_fold(sum, (u64)tak(12, 6, (i32)(i & 3)));
        node_count = 0;
        for (u32 k = 0; k < NODES / 4; k++) {
            tree = insert(tree, (u32)kernel_random(&state));
        }
        sum = walk(tree, sum);
    }
    return sum;
}
