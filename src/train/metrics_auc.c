/* Area under the ROC curve by ranks (Mann and Whitney 1947), exactly: twice the weight of the pairs that are
 * in order, ties counting once, is a whole number of squared units, added up over pairs of sorted runs. Every
 * thread of every rank has a run of either class; the runs of the rarer class pass all ranks in pieces. */
#include "thalweg/interrupt.h"
#include "thalweg/phase.h"
#include "thalweg/threads.h"
#include "train/metrics_impl.h"

#include <stdlib.h>

enum { PIECE = 16384, PIECES_A_LOOK = 64 };

/* Rows of one score: ties travel as one. */
typedef struct {
    uint64_t key, weight[2]; /* low and high half of the units */
} entry;

typedef struct {
    size_t begin, middle, end; /* class 0 from begin, class 1 from middle */
    size_t at;                 /* of the own run: up to here less than every entry so far */
    tw_u128 below;             /* weight of the entries so far */
    tw_u256 pairs;             /* twice what is in order */
} share;

typedef struct {
    tw_pass *pass;
    double *weights; /* [rows] copied, to be sorted with the keys; NULL: all 1 */
    share *shares;   /* [threads] */
    entry *piece;    /* [PIECE] */
    size_t count;
    bool guest, last; /* class that travels; the piece ends its run */
} auc;

static size_t own_begin(const auc *a, const share *s)
{
    return a->guest ? s->begin : s->middle;
}

static size_t guest_begin(const auc *a, const share *s)
{
    return a->guest ? s->middle : s->begin;
}

static size_t guest_end(const auc *a, const share *s)
{
    return a->guest ? s->end : s->middle;
}

static void swap_rows(auc *a, size_t i, size_t j)
{
    uint64_t *const keys = a->pass->keys, key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
    if (!a->weights) return;
    const double weight = a->weights[i];
    a->weights[i] = a->weights[j];
    a->weights[j] = weight;
}

/* Class 0 in front. A row is looked at before it can have moved, so labels stay where they are. */
static tw_status sort_share(int thread, void *context)
{
    auc *const a = context;
    share *const s = &a->shares[thread];
    const double *const y = a->pass->in->shard->y;
    uint64_t *const keys = a->pass->keys;
    size_t i = s->begin, j = s->end;
    for (;;) {
        while (i < j && !(y[i] > 0)) i++;
        while (i < j && y[j - 1] > 0) j--;
        if (i == j) break;
        swap_rows(a, i++, --j);
    }
    s->middle = i;
    tw_score_sort(keys + s->begin, a->weights ? a->weights + s->begin : NULL, i - s->begin, thread == 0);
    tw_score_sort(keys + i, a->weights ? a->weights + i : NULL, s->end - i, thread == 0);
    return TW_OK;
}

static void add_pairs(share *s, tw_u128 own, tw_u128 below)
{
    if (own == 0) return;
    const tw_u256 pairs = tw_u256_product(own, below);
    tw_u256_add(&s->pairs, &pairs);
}

/* A piece against the own run of the other class. */
static tw_status merge_share(int thread, void *context)
{
    const auc *a = context;
    share *const s = &a->shares[thread];
    const uint64_t *const keys = a->pass->keys;
    const size_t end = a->guest ? s->middle : s->end;
    for (size_t k = 0; k < a->count; k++) {
        const entry e = a->piece[k];
        const tw_u128 weight = (tw_u128)e.weight[1] << 64 | e.weight[0];
        tw_u128 less = 0, equal = 0;
        for (; s->at < end && keys[s->at] < e.key; s->at++) less += tw_pass_units(a->pass, a->weights, s->at);
        for (; s->at < end && keys[s->at] == e.key; s->at++)
            equal += tw_pass_units(a->pass, a->weights, s->at);
        add_pairs(s, less, 2 * s->below);
        add_pairs(s, equal, 2 * s->below + weight);
        s->below += weight;
    }
    if (!a->last) return TW_OK;
    tw_u128 rest = 0;
    for (; s->at < end; s->at++) rest += tw_pass_units(a->pass, a->weights, s->at);
    add_pairs(s, rest, 2 * s->below);
    s->at = own_begin(a, s);
    s->below = 0;
    return TW_OK;
}

/* The next entries of a run [*at, end). */
static void fill_piece(auc *a, size_t *at, size_t end)
{
    const uint64_t *const keys = a->pass->keys;
    for (a->count = 0; a->count < PIECE && *at < end; a->count++) {
        const uint64_t key = keys[*at];
        tw_u128 weight = 0;
        for (; *at < end && keys[*at] == key; ++*at) weight += tw_pass_units(a->pass, a->weights, *at);
        a->piece[a->count] = (entry){key, {(uint64_t)weight, (uint64_t)(weight >> 64)}};
    }
    a->last = *at == end;
}

/* Collective: the root's piece, and whether more come. */
static tw_status share_piece(auc *a, int root, bool *more)
{
    tw_comm *const comm = a->pass->in->comm;
    size_t head[3] = {a->count, a->last, *more};
    TW_TRY(tw_comm_bcast(comm, root, head, sizeof head));
    a->count = head[0];
    a->last = head[1];
    *more = head[2];
    return tw_comm_bcast(comm, root, a->piece, a->count * sizeof *a->piece);
}

/* All runs of one rank pass. Collective. */
static tw_status pass_rank(auc *a, int rank)
{
    tw_comm *const comm = a->pass->in->comm;
    const bool own = rank == tw_comm_rank(comm);
    size_t at = guest_begin(a, &a->shares[0]);
    bool more = true;
    for (long t = 0, pieces = 1; more; pieces++) {
        if (own) {
            fill_piece(a, &at, guest_end(a, &a->shares[t]));
            if (a->last) more = ++t < a->pass->threads;
            if (a->last && more) at = guest_begin(a, &a->shares[t]);
        }
        TW_TRY(share_piece(a, rank, &more));
        TW_TRY(tw_threads_run(a->pass->threads, merge_share, a));
        tw_phase_tick();
        if (pieces % PIECES_A_LOOK == 0 || !more)
            TW_TRY(tw_comm_agree(comm, tw_interrupt_check("evaluating the model")));
    }
    return TW_OK;
}

static tw_status prepare(auc *a)
{
    const tw_shard *s = a->pass->in->shard;
    const int threads = a->pass->threads;
    a->shares = calloc((size_t)threads, sizeof *a->shares);
    a->piece = malloc(PIECE * sizeof *a->piece);
    if (s->weight) a->weights = malloc((s->rows + 1) * sizeof *a->weights);
    if (!a->shares || !a->piece || (s->weight && !a->weights))
        return tw_fail(TW_MEMORY, "out of memory for sorting the scores of %zu rows", s->rows);
    if (s->weight) memcpy(a->weights, s->weight, s->rows * sizeof *a->weights);
    for (int t = 0; t < threads; t++) {
        a->shares[t].begin = (size_t)tw_threads_first((int64_t)s->rows, t, threads);
        a->shares[t].end = (size_t)tw_threads_first((int64_t)s->rows, t + 1, threads);
    }
    return tw_threads_run(threads, sort_share, a);
}

/* The class that has fewer rows travels. Collective. */
static tw_status choose_guest(auc *a)
{
    double rows[2] = {0, 0};
    for (int t = 0; t < a->pass->threads; t++) {
        rows[0] += (double)(a->shares[t].middle - a->shares[t].begin);
        rows[1] += (double)(a->shares[t].end - a->shares[t].middle);
    }
    TW_TRY(tw_comm_allreduce(a->pass->in->comm, TW_SUM, 2, rows));
    a->guest = rows[1] < rows[0];
    for (int t = 0; t < a->pass->threads; t++) a->shares[t].at = own_begin(a, &a->shares[t]);
    return TW_OK;
}

static tw_status count_pairs(auc *a, tw_u256 *pairs)
{
    tw_comm *const comm = a->pass->in->comm;
    TW_TRY(tw_comm_agree(comm, prepare(a)));
    TW_TRY(choose_guest(a));
    for (int r = 0; r < tw_comm_size(comm); r++) TW_TRY(pass_rank(a, r));
    for (int t = 0; t < a->pass->threads; t++) tw_u256_add(pairs, &a->shares[t].pairs);
    return tw_exact_sum_wide(comm, pairs);
}

tw_status tw_metrics_auc(double *value, tw_pass *pass, tw_u128 negative, tw_u128 positive)
{
    auc a = {.pass = pass};
    tw_u256 pairs = {{0}}, all = tw_u256_product(2 * negative, positive);
    if (negative == 0 || positive == 0) return TW_OK; /* on every rank */
    const tw_status status = count_pairs(&a, &pairs);
    if (status == TW_OK) {
        tw_u256 good = pairs;
        if (a.guest) { /* own rows of class 0 above the guests: the pairs in the wrong order */
            good = all;
            tw_u256_subtract(&good, &pairs);
        }
        *value = tw_u256_double(&good) / tw_u256_double(&all);
    }
    free(a.weights);
    free(a.piece);
    free(a.shares);
    return status;
}
