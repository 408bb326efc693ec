/* l2 and l1 on the penalised parameters, and what takes the place of the gradient where l1 > 0. */
#include "objective/impl.h"

#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

static double norm1(size_t n, const double *w)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum = sum + fabs(w[j]);
    return sum;
}

double tw_objective_penalised(const tw_objective *F, const double *w, double loss)
{
    double f = loss;
    if (F->l2 != 0) f = f + 0.5 * F->l2 * tw_vec_dot(F->n_weights, w, w);
    if (F->l1 != 0) f = f + F->l1 * norm1(F->n_weights, w);
    return f;
}

void tw_objective_add_l2(const tw_objective *F, const double *w, double *g)
{
    if (F->l2 != 0) tw_vec_axpy(F->n_weights, F->l2, w, g);
}

/* Source: Andrew and Gao 2007, equation 4. */
void tw_objective_subgradient(const tw_objective *F, const double *w, const double *g, double *out)
{
    if (out != g) memcpy(out, g, F->n * sizeof *out);
    if (F->l1 == 0) return;
    for (size_t j = 0; j < F->n_weights; j++) {
        if (w[j] > 0)
            out[j] = g[j] + F->l1;
        else if (w[j] < 0)
            out[j] = g[j] - F->l1;
        else
            out[j] = g[j] < -F->l1 ? g[j] + F->l1 : g[j] > F->l1 ? g[j] - F->l1 : 0;
    }
}

double tw_objective_stationarity(tw_objective *F, const double *w, const double *g)
{
    if (F->l1 == 0) return tw_vec_norm(F->n, g);
    tw_objective_subgradient(F, w, g, F->scratch);
    return tw_vec_norm(F->n, F->scratch);
}

/* |w + d| - |w|: without rounding when no sign changes, or the slope of a short d would be noise. */
static double change_of_size(double w, double d)
{
    const double to = w + d;
    if (w == 0) return fabs(d);
    if (w > 0 ? to >= 0 : to <= 0) return w > 0 ? d : -d;
    return fabs(to) - fabs(w);
}

/* The l1 part of a slope: linear between w and w + d when no sign changes, as after an orthant projection. */
static double promised(const tw_objective *F, const double *w, const double *d, double smooth)
{
    double change = 0;
    if (F->l1 == 0) return smooth;
    for (size_t j = 0; j < F->n_weights; j++) change = change + change_of_size(w[j], d[j]);
    return smooth + F->l1 * change;
}

double tw_objective_slope(const tw_objective *F, const double *w, const double *g, const double *d)
{
    return promised(F, w, d, tw_vec_dot(F->n, g, d));
}

double tw_objective_penalty_slope(const tw_objective *F, const double *at, const double *w, const double *d,
                                  double slope)
{
    if (F->l2 != 0) slope = slope + F->l2 * tw_vec_dot(F->n_weights, at, d);
    return promised(F, w, d, slope);
}

size_t tw_objective_nonzeros(const tw_objective *F, const double *w)
{
    size_t count = 0;
    for (size_t j = 0; j < F->n_weights; j++) count += w[j] != 0;
    return count;
}
