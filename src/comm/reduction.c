/* The local half: blocks to groups by a binary counter, groups to maximal tree nodes. The exchange:
 * exchange.c. */
#include "comm/reduction_impl.h"

#include "thalweg/fault.h"
#include "thalweg/phase.h"
#include "thalweg/threads.h"
#include "thalweg/vec.h"

#include <math.h>
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

static tw_status allocate_branch(tw_reduction *r, tw_branch *b)
{
    const size_t depth = stack_depth(r->partition);
    b->stack = calloc(depth, sizeof *b->stack);
    b->vectors = aligned_alloc(64, (depth * r->n * sizeof(double) + 127) / 64 * 64);
    if (!b->stack || !b->vectors)
        return tw_fail(TW_MEMORY, "out of memory for %zu partial sums of %zu numbers", depth, r->n);
    for (size_t i = 0; i < depth; i++) b->stack[i].v = b->vectors + i * r->n;
    return TW_OK;
}

static tw_status allocate_branches(tw_reduction *r)
{
    const int rank = tw_comm_rank(r->comm);
    const int64_t first = r->partition->start[rank], groups = r->partition->start[rank + 1] - first;
    r->branches = calloc((size_t)r->threads, sizeof *r->branches);
    if (!r->branches) return tw_fail(TW_MEMORY, "out of memory for %d threads", r->threads);
    for (int t = 0; t < r->threads; t++) {
        r->branches[t] = (tw_branch){.reduction = r,
                                     .first = first + tw_threads_first(groups, t, r->threads),
                                     .end = first + tw_threads_first(groups, t + 1, r->threads),
                                     .ticks = t == 0};
        TW_TRY(allocate_branch(r, &r->branches[t]));
    }
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
    r->threads = plan->threads > 1 ? plan->threads : 1;
    TW_TRY(allocate_branches(r));
    return tw_exchange_init(r, plan->short_bytes ? plan->short_bytes : (size_t)512 << 10);
}

void tw_reduction_free(tw_reduction *r)
{
    if (!r) return;
    tw_exchange_release(r);
    for (int t = 0; r->branches && t < r->threads; t++) {
        free(r->branches[t].vectors);
        free(r->branches[t].stack);
    }
    free(r->branches);
    free(r);
}

/* ---- one branch ---- */

/* Fold entry top-1 into top-2; absent (+) x = x moves the vector instead of adding. */
static void fold(tw_branch *b)
{
    tw_entry *left = &b->stack[b->top - 2], *right = &b->stack[b->top - 1];
    if (left->present && right->present) {
        b->reduction->merge->merge(b->reduction->n, right->v, left->v);
    } else if (right->present) {
        double *swap = left->v;
        left->v = right->v;
        right->v = swap;
        left->present = true;
    }
    b->top--;
}

double *tw_branch_block(tw_branch *b)
{
    double *v = b->stack[b->top].v;
    memset(v, 0, b->reduction->n * sizeof *v);
    return v;
}

void tw_branch_push(tw_branch *b)
{
    if (tw_fault_armed && b->ticks) tw_fault_sums(b->reduction->n, b->stack[b->top].v);
    if (b->ticks) tw_phase_tick();
    b->stack[b->top].present = true;
    b->stack[b->top].level = 0;
    b->top++;
    while (b->top >= b->base + 2 && b->stack[b->top - 2].level == b->stack[b->top - 1].level) {
        fold(b);
        b->stack[b->top - 1].level++;
    }
}

/* Siblings among the closed nodes become one. */
static void join(tw_branch *b)
{
    while (b->top >= 2 && tw_node_siblings(b->stack[b->top - 2].node, b->stack[b->top - 1].node)) {
        fold(b);
        b->stack[b->top - 1].node.size *= 2;
    }
    b->base = b->top;
}

/* Group k, the next one, is complete; without a block it is absent. */
static void close_group(tw_branch *b, int64_t k)
{
    if (b->top == b->base) b->stack[b->top++].present = false;
    while (b->top > b->base + 1) fold(b);
    b->stack[b->top - 1].node = (tw_node){k, 1};
    join(b);
    if (b->ticks) tw_phase_tick();
}

/* ---- all branches ---- */

typedef struct {
    tw_reduction *r;
    tw_group_work *work;
    void *context;
} sweep;

static tw_status sweep_branch(int thread, void *context)
{
    const sweep *s = context;
    tw_branch *b = &s->r->branches[thread];
    for (int64_t k = b->first; k < b->end; k++) {
        TW_TRY(s->work(s->context, thread, k, b));
        close_group(b, k);
    }
    return TW_OK;
}

tw_status tw_reduction_sweep(tw_reduction *r, tw_group_work *work, void *context)
{
    sweep s = {.r = r, .work = work, .context = context};
    return tw_threads_run(r->threads, sweep_branch, &s);
}

/* A pass that broke off, or never was: drop the open group and count the rest as absent. */
static void close_missing_groups(tw_branch *b)
{
    int64_t k = b->first;
    if (b->base > 0) k = b->stack[b->base - 1].node.first + b->stack[b->base - 1].node.size;
    if (k < b->end) b->top = b->base;
    for (; k < b->end; k++) close_group(b, k);
}

/* The nodes of all branches, in order, onto the first. */
static void join_branches(tw_reduction *r)
{
    tw_branch *all = &r->branches[0];
    for (int t = 1; t < r->threads; t++) {
        tw_branch *b = &r->branches[t];
        for (size_t i = 0; i < b->top; i++) {
            const tw_entry entry = b->stack[i];
            b->stack[i].v = all->stack[all->top].v;
            all->stack[all->top++] = entry;
            join(all);
        }
        b->top = b->base = 0;
    }
}

tw_status tw_reduction_finish(tw_reduction *r, double *flags, double *out)
{
    tw_branch *all = &r->branches[0];
    for (int t = 0; t < r->threads; t++) close_missing_groups(&r->branches[t]);
    join_branches(r);
    for (size_t i = 0; i < all->top; i++)
        if (!all->stack[i].present)
            for (size_t j = 0; j < r->n; j++) all->stack[i].v[j] = r->merge->identity;
    const tw_status status = tw_exchange_run(r, flags, out);
    all->top = all->base = 0;
    return status;
}

tw_status tw_reduction_counts(size_t n, const double *sums)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(sums[i]))
            return tw_fail(TW_INTERNAL,
                           "a sum over the ranks is NaN although it counts rows or weights, so a memory, a "
                           "processor or the network is at fault; run the same command again");
    return TW_OK;
}

uint64_t tw_reduction_exchanges(const tw_reduction *r)
{
    return r->exchanges;
}

tw_status tw_reduction_once(tw_comm *comm, const tw_partition *partition, const tw_reduction_plan *plan,
                            tw_group_work *work, void *context, double *out)
{
    double flags[TW_N_FLAGS] = {0};
    tw_reduction *r;
    tw_status status = tw_comm_agree(comm, tw_reduction_new(&r, comm, partition, plan));
    if (status == TW_OK) {
        const tw_status local = tw_reduction_sweep(r, work, context);
        flags[TW_FLAG_FAILED] = local != TW_OK;
        status = tw_reduction_finish(r, flags, out);
        if (status == TW_OK && flags[TW_FLAG_FAILED] > 0) status = tw_comm_agree(comm, local);
    }
    tw_reduction_free(r);
    return status;
}
