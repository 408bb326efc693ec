/* The local half: blocks to groups by a binary counter, groups to maximal tree nodes. The exchange:
 * exchange.c. */
#include "comm/reduction_impl.h"

#include "thalweg/fault.h"
#include "thalweg/phase.h"
#include "thalweg/vec.h"

#include <stdlib.h>
#include <string.h>

static void merge_sum(size_t n, const double *right, double *left)
{
    tw_vec_add(n, right, left);
}

const tw_merge_ops tw_merge_sum = {.name = "sum", .merge = merge_sum, .identity = -0.0, .elementwise = true};

/* Entries the stack can hold: one a block level of the open group, and two a tree level of the closed ones.
 */
static size_t stack_depth(const tw_partition *p)
{
    size_t depth = 4;
    for (int64_t rows = p->rows / p->groups + 1; rows > TW_BLOCK_ROWS; rows /= 2) depth++;
    for (int64_t groups = p->groups; groups > 1; groups /= 2) depth += 2;
    return depth;
}

static tw_status allocate_stack(tw_reduction *r)
{
    const size_t depth = stack_depth(r->partition);
    r->stack = calloc(depth, sizeof *r->stack);
    r->vectors = aligned_alloc(64, (depth * r->n * sizeof(double) + 127) / 64 * 64);
    if (!r->stack || !r->vectors)
        return tw_fail(TW_MEMORY, "out of memory for %zu partial sums of %zu numbers", depth, r->n);
    for (size_t i = 0; i < depth; i++) r->stack[i].v = r->vectors + i * r->n;
    return TW_OK;
}

tw_status tw_reduction_new(tw_reduction **out, tw_comm *comm, const tw_partition *partition,
                           const tw_reduction_plan *plan)
{
    tw_reduction *r = calloc(1, sizeof *r);
    *out = r;
    if (!r) return tw_fail(TW_MEMORY, "out of memory for a reduction");
    r->comm = comm;
    r->partition = partition;
    r->mode = plan->mode;
    r->merge = plan->merge;
    r->n = plan->n;
    r->meter.off = plan->no_barriers;
    TW_TRY(allocate_stack(r));
    return tw_exchange_init(r, plan->short_bytes ? plan->short_bytes : (size_t)512 << 10);
}

void tw_reduction_free(tw_reduction *r)
{
    if (!r) return;
    tw_exchange_release(r);
    free(r->vectors);
    free(r->stack);
    free(r);
}

/* Fold entry top-1 into top-2; absent (+) x = x moves the vector instead of adding. */
static void fold(tw_reduction *r)
{
    tw_entry *left = &r->stack[r->top - 2], *right = &r->stack[r->top - 1];
    if (left->present && right->present) {
        r->merge->merge(r->n, right->v, left->v);
    } else if (right->present) {
        double *swap = left->v;
        left->v = right->v;
        right->v = swap;
        left->present = true;
    }
    r->top--;
}

double *tw_reduction_block(tw_reduction *r)
{
    double *v = r->stack[r->top].v;
    memset(v, 0, r->n * sizeof *v);
    return v;
}

void tw_reduction_push(tw_reduction *r)
{
    if (tw_fault_armed) tw_fault_sums(r->n, r->stack[r->top].v);
    tw_phase_tick();
    r->stack[r->top].present = true;
    r->stack[r->top].level = 0;
    r->top++;
    while (r->top >= r->base + 2 && r->stack[r->top - 2].level == r->stack[r->top - 1].level) {
        fold(r);
        r->stack[r->top - 1].level++;
    }
}

void tw_reduction_group(tw_reduction *r, int64_t k)
{
    if (r->top == r->base) r->stack[r->top++].present = false;
    while (r->top > r->base + 1) fold(r);
    r->stack[r->top - 1].node = (tw_node){k, 1};
    while (r->top >= 2 && tw_node_siblings(r->stack[r->top - 2].node, r->stack[r->top - 1].node)) {
        fold(r);
        r->stack[r->top - 1].node.size *= 2;
    }
    r->base = r->top;
    tw_phase_tick();
}

/* A pass that broke off: drop the open group and count the rest as absent. */
static void close_missing_groups(tw_reduction *r)
{
    const int rank = tw_comm_rank(r->comm);
    const int64_t end = r->partition->start[rank + 1];
    int64_t k = r->partition->start[rank];
    if (r->base > 0) k = r->stack[r->base - 1].node.first + r->stack[r->base - 1].node.size;
    if (k < end) r->top = r->base;
    for (; k < end; k++) tw_reduction_group(r, k);
}

tw_status tw_reduction_finish(tw_reduction *r, double *flags, double *out)
{
    close_missing_groups(r);
    for (size_t i = 0; i < r->top; i++)
        if (!r->stack[i].present)
            for (size_t j = 0; j < r->n; j++) r->stack[i].v[j] = r->merge->identity;
    const tw_status status = tw_exchange_run(r, flags, out);
    r->top = r->base = 0;
    return status;
}

uint64_t tw_reduction_exchanges(const tw_reduction *r)
{
    return r->exchanges;
}
