/* test_reduction.c -- the one exchange gives the bits of one recursive expression, on any number of ranks.
 *
 * The expression is written again below as the page has it: plain recursion over blocks and groups, without a
 * stack, without MPI. It is checked with numbers whose sum depends on the order, and with a merge that hashes
 * its operands: it is neither commutative nor associative, so equal bits mean that the very same tree was
 * carried out. */
#include "support.h"
#include "thalweg/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tw_comm *comm, *alone;
static int rank, size;

enum { NONE, EVERY_THIRD, ALL }; /* groups without rows */

typedef struct {
    int64_t rows, groups;
    size_t n, short_bytes;
    const tw_merge_ops *merge;
    int absent;
    int64_t hole[2]; /* groups [hole[0], hole[1]) are absent too */
} setup;

/* ---------------------------------------------------------------- what is summed */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Element j of a block: cancellation, subnormals, zeros of both signs. Column 3 is -0 throughout. */
static double element(uint64_t block, size_t j)
{
    static const double odd[] = {1e16, 1,   -1e16, 0x1p-1074, -0x1p-1060, -0.0,
                                 0.0,  0.1, -0.3,  1e300,     -1e300,     3};
    const uint64_t h = mix(block * 100003 + j + 1);
    return j == 3 ? -0.0 : odd[h % 12] * (h % 12 > 6 && h % 12 < 9 ? (double)(1 + h / 12 % 97) : 1);
}

static uint64_t bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* A number in [1, 2) that depends on both operands and their order. */
static void merge_hash(size_t n, const double *right, double *left)
{
    for (size_t j = 0; j < n; j++) {
        if (bits_of(right[j]) == bits_of(-0.0)) continue;
        const uint64_t h = mix(mix(bits_of(left[j])) + 3 * bits_of(right[j]));
        left[j] = bits_of(left[j]) == bits_of(-0.0) ? right[j] : 1 + ldexp((double)(h >> 12), -52);
    }
}

/* Every column depends on the first ones, as in the merge of means: it cannot be cut into slices. */
static void merge_whole(size_t n, const double *right, double *left)
{
    const double a = left[0], b = right[0];
    merge_hash(n, right, left);
    if (bits_of(a) == bits_of(-0.0) || bits_of(b) == bits_of(-0.0)) return; /* absent */
    for (size_t j = 1; j < n; j++) {
        merge_hash(1, &a, left + j);
        merge_hash(1, &b, left + j);
    }
}

static const tw_merge_ops hash = {.name = "hash", .merge = merge_hash, .identity = -0.0, .elementwise = true};
static const tw_merge_ops whole = {
    .name = "whole", .merge = merge_whole, .identity = -0.0, .elementwise = false};

static void fill(const setup *s, int64_t k, int64_t block, double *v)
{
    for (size_t j = 0; j < s->n; j++) {
        const uint64_t id = (uint64_t)(k << 20 | block);
        v[j] = s->merge == &tw_merge_sum ? element(id, j)
                                         : 1 + ldexp((double)(mix(id * 1000003 + j) >> 12), -52);
    }
}

static int64_t blocks_of(const setup *s, int64_t k)
{
    const int64_t rows = s->rows * (k + 1) / s->groups - s->rows * k / s->groups;
    if (s->hole[0] <= k && k < s->hole[1]) return 0;
    if (s->absent == ALL || (s->absent == EVERY_THIRD && mix((uint64_t)k) % 3 == 0)) return 0;
    return (rows + TW_BLOCK_ROWS - 1) / TW_BLOCK_ROWS;
}

/* ---------------------------------------------------------------- the expression */

/* Blocks [first, first + count) of group k: a full subtree on the left, the rest on the right. */
static void expect_group(const setup *s, int64_t k, int64_t first, int64_t count, double *v)
{
    if (count == 1) {
        fill(s, k, first, v);
        return;
    }
    int64_t left = 1;
    while (2 * left < count) left *= 2;
    double *right = malloc(s->n * sizeof *right);
    expect_group(s, k, first, left, v);
    expect_group(s, k, first + left, count - left, right);
    s->merge->merge(s->n, right, v);
    free(right);
}

/* Groups [first, first + count) of which only those from begin to end exist; false: all of them are absent.
 */
static bool expect_node(const setup *s, int64_t first, int64_t count, int64_t begin, int64_t end, double *v)
{
    if (first + count <= begin || end <= first) return false;
    if (count == 1) {
        if (blocks_of(s, first) > 0) expect_group(s, first, 0, blocks_of(s, first), v);
        return blocks_of(s, first) > 0;
    }
    double *right = malloc(s->n * sizeof *right);
    const bool a = expect_node(s, first, count / 2, begin, end, v);
    const bool b = expect_node(s, first + count / 2, count / 2, begin, end, right);
    if (a && b)
        s->merge->merge(s->n, right, v);
    else if (b)
        memcpy(v, right, s->n * sizeof *v);
    free(right);
    return a || b;
}

static double *expected(const setup *s, int64_t begin, int64_t end)
{
    double *v = malloc(s->n * sizeof *v);
    if (!expect_node(s, 0, s->groups, begin, end, v))
        for (size_t j = 0; j < s->n; j++) v[j] = -0.0;
    return v;
}

static bool is_expression(const setup *s, const double *out)
{
    double *truth = expected(s, 0, s->groups);
    const bool same = same_bits(s->n, out, truth);
    free(truth);
    return same;
}

/* ---------------------------------------------------------------- the product */

static bool dirty; /* a block did not start with zeros */

/* One pass of a rank over its groups; it breaks off at block `block` of group `group` (-1: never). */
typedef struct {
    const setup *s;
    int64_t group, block;
} pass;

static tw_status fill_group(void *context, int thread, int64_t k, tw_branch *branch)
{
    const pass *p = context;
    (void)thread;
    for (int64_t b = 0; b < blocks_of(p->s, k); b++) {
        if (k == p->group && b == p->block) return tw_fail(TW_DATA, "broken off");
        double *v = tw_branch_block(branch);
        for (size_t j = 0; j < p->s->n; j++)
            if (bits_of(v[j]) != 0) dirty = true;
        fill(p->s, k, b, v);
        tw_branch_push(branch);
    }
    return TW_OK;
}

static bool sweep(tw_reduction *r, const setup *s, int64_t group, int64_t block)
{
    pass p = {s, group, block};
    return tw_reduction_sweep(r, fill_group, &p) == TW_OK;
}

/* Some reductions have one thread a rank, some more, some more than groups. */
static int next_threads(void)
{
    static const int counts[] = {1, 2, 3, 7};
    static int calls;
    return counts[calls++ % 4];
}

/* Collective over c. The result of `passes` passes is in out; the flags are checked. */
static bool reduce(const setup *s, tw_comm *c, tw_reduction_mode mode, int passes, double *out)
{
    tw_partition p;
    tw_reduction *r;
    const int me = tw_comm_rank(c), ranks = tw_comm_size(c);
    const tw_reduction_plan plan = {
        .mode = mode, .merge = s->merge, .n = s->n, .short_bytes = s->short_bytes, .threads = next_threads()};
    bool ok = tw_partition_init(&p, s->rows, s->groups, ranks) == TW_OK;
    ok = tw_reduction_new(&r, c, &p, &plan) == TW_OK && ok;
    for (int i = 0; i < passes; i++) {
        double flags[TW_N_FLAGS] = {me == 1, me == ranks - 1, 2};
        ok = sweep(r, s, -1, 0) && ok;
        ok = tw_reduction_finish(r, flags, out) == TW_OK && ok;
        ok = ok && flags[TW_FLAG_FAILED] == (ranks > 1) && flags[TW_FLAG_STOP] == 1 &&
             flags[TW_FLAG_TIME] == 2 * ranks;
    }
    ok = ok && !dirty && tw_reduction_exchanges(r) == (uint64_t)passes;
    tw_reduction_free(r);
    tw_partition_release(&p);
    return ok;
}

/* The exchange of each form: long, by the rule, short. */
static const size_t forms[] = {1, 0, (size_t)1 << 30};

static bool gives_the_expression(setup s, int first_form, int last_form)
{
    double *out = malloc(s.n * sizeof *out), *truth = expected(&s, 0, s.groups);
    bool ok = true;
    for (int form = first_form; form <= last_form; form++) {
        s.short_bytes = forms[form];
        ok = reduce(&s, comm, TW_REPRODUCIBLE, 2, out) && ok && same_bits(s.n, out, truth);
    }
    free(truth);
    free(out);
    return ok;
}

/* ---------------------------------------------------------------- tests */

static const size_t lengths[] = {1, 7, 8, 9, 1000, 5003};
static const int64_t shapes[][2] = {{5000, 1}, {600, 2}, {64 * 600 + 17, 64}, {256 * 150, 256}, {100, 256}};
enum { N_LENGTHS = 6, N_SHAPES = 5 };

static setup combination(int i, const tw_merge_ops *merge)
{
    return (setup){.rows = shapes[i / N_LENGTHS][0],
                   .groups = shapes[i / N_LENGTHS][1],
                   .n = lengths[i % N_LENGTHS],
                   .merge = merge};
}

START_TEST(the_result_is_the_expression_in_the_short_and_the_long_exchange)
{
    const tw_merge_ops *const merges[] = {&hash, &tw_merge_sum, &whole}; /* whole: never cut into slices */
    for (int i = 0; i < 3; i++) {
        const setup s = combination(_i, merges[i]);
        ck_assert_msg(all_ranks(comm, gives_the_expression(s, 0, i == 2 ? 0 : 2)), "%s, n %zu, G %lld",
                      s.merge->name, s.n, (long long)s.groups);
    }
}
END_TEST

START_TEST(absent_groups_are_skipped)
{
    for (int i = 0; i < 2; i++) {
        setup s = combination(_i, i ? &hash : &tw_merge_sum);
        const int form = (_i + i) % 2;
        s.absent = EVERY_THIRD;
        ck_assert(all_ranks(comm, gives_the_expression(s, form, form)));
        s.absent = ALL;
        ck_assert(all_ranks(comm, gives_the_expression(s, form, form))); /* -0.0 in every place */
    }
}
END_TEST

START_TEST(one_rank_without_mpi_gives_the_same_bits)
{
    const setup s = combination(_i, &tw_merge_sum);
    double *here = malloc(s.n * sizeof *here), *there = malloc(s.n * sizeof *there);
    bool ok = reduce(&s, comm, TW_REPRODUCIBLE, 1, here);
    ok = reduce(&s, alone, TW_REPRODUCIBLE, 1, there) && ok && same_bits(s.n, here, there);
    free(there);
    free(here);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* More columns than one round of the long exchange takes. On two ranks, for the memory. */
START_TEST(four_million_columns_go_in_two_rounds)
{
    const setup s = {.rows = 600, .groups = 2, .n = ((size_t)1 << 22) + 13, .merge = &tw_merge_sum};
    ck_assert(all_ranks(comm, gives_the_expression(s, 1, 1)));
}
END_TEST

START_TEST(minus_zero_stays_minus_zero)
{
    const setup s = {.rows = 64 * 300, .groups = 64, .n = 9, .merge = &tw_merge_sum};
    double out[9];
    const bool ok = reduce(&s, comm, TW_REPRODUCIBLE, 1, out);
    ck_assert(all_ranks(comm, ok && out[3] == 0 && signbit(out[3])));
}
END_TEST

/* A thread of rank `bad` breaks off before block `stop`: its closed groups count, the open one and the rest
 * are absent; those of other threads count. */
static bool survives(const setup *s, int threads, int bad, int64_t stop)
{
    tw_partition p;
    tw_reduction *r;
    double *out = malloc(s->n * sizeof *out), flags[TW_N_FLAGS] = {rank == bad};
    const tw_reduction_plan plan = {.mode = TW_REPRODUCIBLE,
                                    .merge = s->merge,
                                    .n = s->n,
                                    .short_bytes = s->short_bytes,
                                    .threads = threads};
    bool ok = tw_partition_init(&p, s->rows, s->groups, size) == TW_OK;
    ok = tw_reduction_new(&r, comm, &p, &plan) == TW_OK && ok;
    int64_t k = p.start[bad], end = p.start[bad + 1];
    while (k < end && stop >= blocks_of(s, k)) stop -= blocks_of(s, k++);
    ok = sweep(r, s, rank == bad ? k : -1, stop) == (rank != bad || k == end) && ok;
    ok = tw_reduction_finish(r, flags, out) == TW_OK && ok && flags[TW_FLAG_FAILED] == 1;
    setup broken = *s;
    broken.hole[0] = broken.hole[1] = k;
    for (int t = 0; t < threads && k < end; t++) {
        const int64_t last = p.start[bad] + tw_threads_first(end - p.start[bad], t + 1, threads);
        if (broken.hole[1] == k && last > k) broken.hole[1] = last;
    }
    ok = ok && is_expression(&broken, out);
    ok = sweep(r, s, -1, 0) && ok;
    flags[TW_FLAG_FAILED] = 0;
    ok = tw_reduction_finish(r, flags, out) == TW_OK && ok && flags[TW_FLAG_FAILED] == 0;
    ok = ok && is_expression(s, out);
    free(out);
    tw_reduction_free(r);
    tw_partition_release(&p);
    return ok;
}

START_TEST(a_pass_that_breaks_off_takes_part_and_the_next_one_is_whole)
{
    for (int bad = 0; bad < size; bad++)
        for (int64_t stop = 0; stop < 11; stop++) {
            const setup s = {
                .rows = 64 * 1500, .groups = 64, .n = 9, .merge = &hash, .short_bytes = (size_t)stop % 2};
            ck_assert_msg(all_ranks(comm, survives(&s, 1 + (int)stop % 3, bad, stop)), "rank %d, block %lld",
                          bad, (long long)stop);
        }
}
END_TEST

/* ---------------------------------------------------------------- allreduce */

START_TEST(allreduce_gives_the_sum_within_its_bound_and_the_same_bits_on_all_ranks)
{
    enum { N = 100 };
    const setup s = {.rows = 64 * 600, .groups = 64, .n = N, .merge = &tw_merge_sum, .absent = EVERY_THIRD};
    double out[N], most[N], v[N], count = 0;
    long double sum[N] = {0}, size_of[N] = {0};
    bool ok = reduce(&s, comm, TW_ALLREDUCE, 2, out);
    for (int64_t k = 0; k < s.groups; k++)
        for (int64_t b = 0; b < blocks_of(&s, k); b++, count++) {
            fill(&s, k, b, v);
            for (int j = 0; j < N; j++) sum[j] += v[j], size_of[j] += fabs(v[j]);
        }
    for (int j = 0; j < N; j++) ok = ok && fabsl(out[j] - sum[j]) <= (count + 9) * 0x1p-53L * size_of[j];
    memcpy(most, out, sizeof most);
    ok = tw_comm_allreduce(comm, TW_MAX, N, most) == TW_OK && ok && memcmp(most, out, sizeof out) == 0;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* What ranks would hold who fold their own nodes and then add up, in rank order. */
static void fold_and_add(const setup *s, int ranks, double *sum)
{
    tw_partition p;
    if (tw_partition_init(&p, s->rows, s->groups, ranks)) abort();
    for (int r = 0; r < ranks; r++) {
        double *part = expected(s, p.start[r], p.start[r + 1]);
        for (size_t j = 0; j < s->n; j++) sum[j] = r == 0 ? part[j] : sum[j] + part[j];
        free(part);
    }
    tw_partition_release(&p);
}

START_TEST(with_these_numbers_three_and_four_ranks_would_differ_if_they_just_added)
{
    enum { N = 100 };
    const setup s = {.rows = 64 * 600, .groups = 64, .n = N, .merge = &tw_merge_sum};
    double three[N], four[N], *truth = expected(&s, 0, s.groups);
    fold_and_add(&s, 3, three);
    fold_and_add(&s, 4, four);
    const bool differ = !same_bits(N, three, four) && !same_bits(N, three, truth);
    free(truth);
    ck_assert(all_ranks(comm, differ));
}
END_TEST

START_TEST(the_hash_tells_every_order_apart)
{
    const double a = 1.25, b = 1.5, c = 1.75;
    double ab = a, ba = b, left, right = b, all = a;
    merge_hash(1, &b, &ab);
    merge_hash(1, &a, &ba);
    left = ab;
    merge_hash(1, &c, &left);
    merge_hash(1, &c, &right);
    merge_hash(1, &right, &all);
    ck_assert(all_ranks(comm, ab != ba && left != all));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) || tw_comm_local(&alone)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("reduction");
    TCase *t = tcase_create("reduction");
    tcase_add_loop_test(t, the_result_is_the_expression_in_the_short_and_the_long_exchange, 0,
                        N_SHAPES * N_LENGTHS);
    tcase_add_loop_test(t, absent_groups_are_skipped, 0, N_SHAPES * N_LENGTHS);
    tcase_add_loop_test(t, one_rank_without_mpi_gives_the_same_bits, 0, N_SHAPES * N_LENGTHS);
    if (size == 2) tcase_add_test(t, four_million_columns_go_in_two_rounds);
    tcase_add_test(t, minus_zero_stays_minus_zero);
    tcase_add_test(t, a_pass_that_breaks_off_takes_part_and_the_next_one_is_whole);
    tcase_add_test(t, allreduce_gives_the_sum_within_its_bound_and_the_same_bits_on_all_ranks);
    tcase_add_test(t, with_these_numbers_three_and_four_ranks_would_differ_if_they_just_added);
    tcase_add_test(t, the_hash_tells_every_order_apart);
    suite_add_tcase(s, t);
    const int failed = test_run_ranks(s, comm);
    tw_comm_release(alone);
    return failed;
}
