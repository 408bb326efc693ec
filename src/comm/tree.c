#include "comm/tree.h"

bool tw_node_siblings(tw_node left, tw_node right)
{
    return left.size == right.size && left.first % (2 * left.size) == 0 &&
           left.first + left.size == right.first;
}

size_t tw_tree_nodes(int64_t a, int64_t b, tw_node *nodes)
{
    size_t count = 0;
    while (a < b) {
        int64_t size = 1;
        while (a % (2 * size) == 0 && a + 2 * size <= b) size *= 2;
        if (nodes) nodes[count] = (tw_node){a, size};
        count++;
        a += size;
    }
    return count;
}

size_t tw_tree_merges(size_t count, tw_node *nodes, size_t *stack, tw_merge *merges)
{
    size_t top = 0, done = 0;
    for (size_t i = 0; i < count; i++) {
        stack[top++] = i;
        while (top >= 2 && tw_node_siblings(nodes[stack[top - 2]], nodes[stack[top - 1]])) {
            merges[done++] = (tw_merge){stack[top - 2], stack[top - 1]};
            nodes[stack[top - 2]].size *= 2;
            top--;
        }
    }
    return done;
}
