/* tree.h -- the canonical binary tree over G groups: which nodes a run of groups has, and how nodes become
 * the root.
 *
 * A node is an aligned run of 2^i groups. The maximal nodes of [a, b) are what a rank exchanges; the merges
 * turn the nodes of all ranks, in order, into the root. Integers only, so it can be tested without any
 * arithmetic. */
#ifndef THALWEG_TREE_H
#define THALWEG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t first, size;
} tw_node;

typedef struct {
    size_t left, right; /* indices of nodes: left = left (+) right */
} tw_merge;

/** Right is the sibling of left: both halves of one node. */
bool tw_node_siblings(tw_node left, tw_node right);

/** Maximal nodes of groups [a, b), in order; at most 2 log2(b - a) + 2. Returns their number; nodes may be
 * NULL. */
size_t tw_tree_nodes(int64_t a, int64_t b, tw_node *nodes);

/** Merges of siblings among count ordered nodes of neighbouring groups, and among what becomes of them. Of
 * nodes that cover [0, G) there are count - 1, and the root is left at index 0. Overwrites nodes. Returns
 * their number.
 * @param stack [count] out: in its first places the nodes that are left, in order */
size_t tw_tree_merges(size_t count, tw_node *nodes, size_t *stack, tw_merge *merges);

#endif
