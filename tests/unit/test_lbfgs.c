/* test_lbfgs.c -- the two-loop recursion against the dense matrix it stands for (Nocedal and Wright
 * 2006, 7.16): H = gamma I, then for each pair kept, oldest first, H = (I - rho s y') H (I - rho y s') + rho
 * s s'; d = -H g. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 6, MOST = 40 };

typedef struct {
    double w[MOST][N], g[MOST][N];
    int count;
} path;

typedef struct {
    long double s[N], y[N];
} pair;

/* g = A w for a random symmetric positive definite A, at random points. */
static void quadratic_path(path *p, int count)
{
    double factor[N][N], a[N][N] = {{0}};
    for (int i = 0; i < N * N; i++) factor[i / N][i % N] = test_uniform();
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++) a[i][j] += factor[i][k] * factor[j][k] + (i == j ? 0.1 : 0);
    p->count = count;
    for (int k = 0; k < count; k++)
        for (int i = 0; i < N; i++) p->w[k][i] = test_uniform();
    for (int k = 0; k < count; k++)
        for (int i = 0; i < N; i++) {
            p->g[k][i] = 0;
            for (int j = 0; j < N; j++) p->g[k][i] += a[i][j] * p->w[k][j];
        }
}

static long double dot(const long double *a, const long double *b)
{
    long double sum = 0;
    for (int i = 0; i < N; i++) sum += a[i] * b[i];
    return sum;
}

/* H = (I - rho s y') H (I - rho y s') + rho s s', by elements. */
static void update(long double h[N][N], const pair *p)
{
    long double hy[N], yhy, rho = 1 / dot(p->s, p->y);
    for (int i = 0; i < N; i++) hy[i] = dot(h[i], p->y); /* H is symmetric */
    yhy = dot(hy, p->y);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            h[i][j] += rho * ((1 + rho * yhy) * p->s[i] * p->s[j] - p->s[i] * hy[j] - hy[i] * p->s[j]);
}

/* -H g at the last point of the path, from the newest `memory` pairs whose curvature is positive. */
static void dense_direction(const path *p, int memory, long double *d)
{
    pair kept[MOST];
    int n = 0;
    long double h[N][N] = {{0}}, g[N];
    for (int k = 1; k < p->count; k++) {
        for (int i = 0; i < N; i++) {
            kept[n].s[i] = (long double)p->w[k][i] - p->w[k - 1][i];
            kept[n].y[i] = (long double)p->g[k][i] - p->g[k - 1][i];
        }
        if (dot(kept[n].s, kept[n].y) > 0x1p-52L * dot(kept[n].y, kept[n].y)) n++;
    }
    const pair *newest = &kept[n - 1];
    for (int i = 0; i < N; i++) h[i][i] = dot(newest->s, newest->y) / dot(newest->y, newest->y);
    for (int k = n > memory ? n - memory : 0; k < n; k++) update(h, &kept[k]);
    for (int i = 0; i < N; i++) g[i] = p->g[p->count - 1][i];
    for (int i = 0; i < N; i++) d[i] = -dot(h[i], g);
}

/* The product's direction at the last point of the path. */
static void direction(const path *p, size_t memory, double *d)
{
    tw_optimizer o;
    tw_iterate it;
    const tw_optimizer_settings set = {.memory = memory};
    ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &set, N), TW_OK);
    ck_assert(tw_iterate_init(&it, N));
    for (int k = 0; k < p->count; k++) {
        memcpy(it.w, p->w[k], sizeof p->w[k]);
        memcpy(it.g, p->g[k], sizeof p->g[k]);
        it.k = k;
        ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
    }
    memcpy(d, it.d, N * sizeof *d);
    tw_iterate_release(&it);
    tw_optimizer_release(&o);
}

/* Largest difference, relative to the size of the truth. */
static double difference(const double *d, const long double *truth)
{
    long double most = 0, size = 0;
    for (int i = 0; i < N; i++) {
        most = fmaxl(most, fabsl(d[i] - truth[i]));
        size = fmaxl(size, fabsl(truth[i]));
    }
    return (double)(most / size);
}

static double difference_from_dense(const path *p, int memory)
{
    double d[N];
    long double truth[N];
    direction(p, (size_t)memory, d);
    dense_direction(p, memory, truth);
    return difference(d, truth);
}

START_TEST(the_direction_is_that_of_the_dense_matrix_for_any_memory)
{
    static const int memories[] = {1, 2, 3, 5, N, N + 3, 30};
    path p;
    for (int round = 0; round < 20; round++)
        for (int count = 2; count < 16; count++) {
            quadratic_path(&p, count);
            const int memory = memories[(round + count) % 7];
            const double off = difference_from_dense(&p, memory);
            ck_assert_msg(off < 1e-9, "memory %d, %d pairs: %g", memory, count - 1, off);
        }
}
END_TEST

START_TEST(another_memory_would_give_another_direction)
{
    path p;
    double d[N];
    long double truth[N];
    quadratic_path(&p, 8);
    direction(&p, 3, d);
    dense_direction(&p, 4, truth);
    ck_assert_double_gt(difference(d, truth), 1e-3);
    dense_direction(&p, 2, truth);
    ck_assert_double_gt(difference(d, truth), 1e-3);
}
END_TEST

START_TEST(as_many_pairs_as_dimensions_solve_a_quadratic_after_exact_searches)
{
    path p;
    double d[N];
    quadratic_path(&p, 1);
    for (int i = 0; i < N; i++) p.g[0][i] = (i + 1) * p.w[0][i]; /* A = diag(1 .. N) */
    for (p.count = 1; p.count < N + 1; p.count++) {
        double gd = 0, dad = 0;
        direction(&p, 30, d);
        for (int i = 0; i < N; i++) gd += p.g[p.count - 1][i] * d[i], dad += (i + 1) * d[i] * d[i];
        for (int i = 0; i < N; i++) {
            p.w[p.count][i] = p.w[p.count - 1][i] - gd / dad * d[i];
            p.g[p.count][i] = (i + 1) * p.w[p.count][i];
        }
    }
    ck_assert_double_lt(tw_vec_norm(N, p.g[N]), 1e-9);
}
END_TEST

START_TEST(the_first_direction_is_the_gradient_no_longer_than_one)
{
    path p = {.count = 1};
    double d[N];
    for (double size = 1e-3; size < 1e4; size *= 1e3) {
        for (int i = 0; i < N; i++) p.g[0][i] = size * (i - 2.5);
        direction(&p, 5, d);
        const double norm = tw_vec_norm(N, p.g[0]), t = norm > 1 ? 1 / norm : 1;
        for (int i = 0; i < N; i++) ck_assert_double_eq(d[i], -(t * p.g[0][i]));
    }
}
END_TEST

START_TEST(a_pair_without_curvature_is_left_out_and_the_older_ones_stay)
{
    path p;
    for (int round = 0; round < 20; round++) {
        quadratic_path(&p, 9);
        const int bad =
            1 + round % 8; /* the step to this point sees the gradient turn against it, or not change */
        for (int k = bad; k < 9; k++)
            for (int i = 0; i < N; i++) {
                const double s = p.w[bad][i] - p.w[bad - 1][i], y = p.g[bad][i] - p.g[bad - 1][i];
                p.g[k][i] -= k == bad ? 0 : round % 2 ? y : y + s;
            }
        for (int i = 0; i < N; i++)
            p.g[bad][i] = p.g[bad - 1][i] - (round % 2 ? 0 : p.w[bad][i] - p.w[bad - 1][i]);
        const double off = difference_from_dense(&p, 4);
        ck_assert_msg(off < 1e-9, "bad pair %d: %g", bad, off);
    }
}
END_TEST

START_TEST(a_direction_that_does_not_descend_makes_it_forget_its_pairs)
{
    tw_optimizer o;
    tw_iterate it;
    path p;
    quadratic_path(&p, 5);
    ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &(tw_optimizer_settings){.memory = 3}, N),
                     TW_OK);
    ck_assert(tw_iterate_init(&it, N));
    for (int k = 0; k < 5; k++) {
        memcpy(it.w, p.w[k], sizeof p.w[k]);
        memcpy(it.g, p.g[k], sizeof p.g[k]);
        ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
    }
    for (size_t i = 0; i < 3; i++) o.state[2 * N + 3 + i] = 0;       /* rho */
    for (size_t i = 0; i < 3 * N; i++) o.state[2 * N + 9 + i] *= -1; /* s: now gamma is negative */
    ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
    const double norm = tw_vec_norm(N, it.g), t = norm > 1 ? 1 / norm : 1;
    for (int i = 0; i < N; i++) ck_assert_double_eq(it.d[i], -(t * it.g[i]));
    ck_assert_double_eq(o.state[2 * N], 0); /* pairs held */
    tw_iterate_release(&it);
    tw_optimizer_release(&o);
}
END_TEST

/* A state that somebody has written: the counts are held to what there is. */
START_TEST(absurd_counts_in_a_resumed_state_are_held_to_the_memory)
{
    static const double absurd[] = {1e300, -1, NAN, INFINITY, 7, -INFINITY};
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        tw_optimizer o;
        tw_iterate it;
        path p;
        quadratic_path(&p, 6);
        ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &(tw_optimizer_settings){.memory = 3}, N),
                         TW_OK);
        ck_assert(tw_iterate_init(&it, N));
        for (int k = 0; k < 6; k++) {
            memcpy(it.w, p.w[k], sizeof p.w[k]);
            memcpy(it.g, p.g[k], sizeof p.g[k]);
            if (k == 5) o.state[2 * N] = o.state[2 * N + 1] = absurd[i];
            ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
        }
        ck_assert(o.state[2 * N] >= 0 && o.state[2 * N] <= 3);
        ck_assert(o.state[2 * N + 1] >= 0 && o.state[2 * N + 1] < 3);
        tw_iterate_release(&it);
        tw_optimizer_release(&o);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lbfgs");
    TCase *t = tcase_create("lbfgs");
    tcase_add_test(t, the_direction_is_that_of_the_dense_matrix_for_any_memory);
    tcase_add_test(t, another_memory_would_give_another_direction);
    tcase_add_test(t, as_many_pairs_as_dimensions_solve_a_quadratic_after_exact_searches);
    tcase_add_test(t, the_first_direction_is_the_gradient_no_longer_than_one);
    tcase_add_test(t, a_pair_without_curvature_is_left_out_and_the_older_ones_stay);
    tcase_add_test(t, a_direction_that_does_not_descend_makes_it_forget_its_pairs);
    tcase_add_test(t, absurd_counts_in_a_resumed_state_are_held_to_the_memory);
    suite_add_tcase(s, t);
    return test_run(s);
}
