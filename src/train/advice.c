/* The diagnosis in words at the end of a run. Each symptom is one function; the first that applies speaks. */
#include "thalweg/kernels.h"
#include "thalweg/monitor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const tw_monitor *m;
    const tw_objective *F;
    const tw_iterate *it;
    double taylor, relative; /* of the last step; ||g|| over that at zero parameters */
    size_t length;
    char *text;
} patient;

#define SAY(p, ...) (snprintf((p)->text, (p)->length, __VA_ARGS__), true)

/* Largest over least spread of the features that vary, on some rows of this rank; 1 when they are scaled. */
static double spread_ratio(const tw_objective *F)
{
    enum { SAMPLE = 512 };
    if (!F->shard || !F->model || F->shard->rows < 2 || F->scaling->kind != TW_SCALING_NONE) return 1;
    const size_t n = F->shard->cols, stride = F->shard->rows / SAMPLE + 1;
    double *sums = calloc(2 * n + 1, sizeof *sums), rows = 0, least = INFINITY, most = 0;
    for (size_t i = 0; sums && i < F->shard->rows; i += stride, rows++) {
        const tw_block block = tw_shard_block(F->shard, i, 1);
        const double *x = tw_model_row(F->model, &block, 0);
        for (size_t j = 0; j < n; j++) {
            sums[j] += x[j];
            sums[n + j] += x[j] * x[j];
        }
    }
    for (size_t j = 0; sums && j < n; j++) {
        const double mean = sums[j] / rows, variance = sums[n + j] / rows - mean * mean;
        if (!(variance > 1e-12 * mean * mean)) continue; /* constant */
        least = fmin(least, sqrt(variance));
        most = fmax(most, sqrt(variance));
    }
    free(sums);
    return least < most ? most / least : 1;
}

static bool diverged(patient *p)
{
    const char *instead = p->F->batches.steps > 0
                              ? "shorten step.length, or let it decay (step.rule: inverse)"
                              : "shorten step.length, or use step.rule: backtracking";
    if (tw_reason_class(p->it->why) != 'f') return false;
    if (p->F->broken)
        return SAY(p, "a sum over the ranks is NaN although the loss of every row is finite, so a memory, a "
                      "processor or the network is at fault; --resume auto goes on from the last checkpoint");
    if (p->F->scaling && p->F->scaling->kind == TW_SCALING_NONE)
        return SAY(p,
                   "the step is too long for this data: features of very different size need scaling\n"
                   "           (data.scaling: standardize); else %s",
                   instead);
    return SAY(p, "the step is too long for this data: %s", instead);
}

static bool saddle(patient *p)
{
    if (p->it->why != TW_SADDLE) return false;
    return SAY(p, "the gradient vanishes, but along some direction the function still falls: this is a "
                  "saddle point, not a "
                  "minimum; start from another point");
}

static bool rises(patient *p)
{
    const tw_monitor *m = p->m;
    const tw_iterate *it = p->it;
    if (!(m->rises > 0 && m->last_rise == it->k && it->f > m->f_least && m->rises * 2 > it->k)) return false;
    return SAY(
        p,
        "the loss rises: it grew in %ld of %ld steps and ended above its minimum %.9g; the step is too long, "
        "shorten step.length",
        m->rises, it->k, m->f_least);
}

/* Any share of the promise is kept to nearly 1: the step could have been far longer. */
static bool timid(patient *p)
{
    const bool limit = p->it->why == TW_ITERATION_LIMIT || p->it->why == TW_TIME_LIMIT;
    const bool stalled = p->it->why == TW_LOSS_DELTA || p->it->why == TW_LOSS_DELTA_RELATIVE;
    if (!(p->taylor > 0.95) || p->it->k <= 10 || !(limit || (stalled && p->relative > 1e-3))) return false;
    if (spread_ratio(p->F) > 100)
        return SAY(p,
                   "not converged, and the steps are timid (Taylor ratio %.2f, 0.5 is ideal): the spreads of "
                   "the features "
                   "differ by a factor of %.2g; set data.scaling: standardize, then lengthen step.length",
                   p->taylor, spread_ratio(p->F));
    return SAY(
        p,
        "%s, and the steps are timid (Taylor ratio %.2f, 0.5 is ideal): lengthen step.length, or let a "
        "search find it (optimizer.type: lbfgs, step.rule: wolfe)",
        limit ? "not converged" : "the loss hardly changes while the gradient is still large", p->taylor);
}

static bool search_failed(patient *p)
{
    const tw_iterate *it = p->it;
    if (it->why != TW_SEARCH_FAILED) return false;
    if (p->relative <= 1e-4 || fabs(it->slope) <= 16 * TW_LOSS_ROUNDING * fabs(it->f))
        return SAY(p, "the search is at rounding level: this is as close as double precision gets; a smaller "
                      "tolerance cannot "
                      "be met");
    return SAY(
        p,
        "no length lowers the loss although the gradient is %.1e of its start; the best parameters are kept. "
        "Try optimizer.type: gd, scale the features, or start elsewhere",
        p->relative);
}

static bool tolerance(patient *p)
{
    const tw_monitor_settings *set = &p->m->set;
    const tw_iterate *it = p->it;
    const double floor_f = 4 * 0x1p-53 * fabs(it->f);
    if (set->loss_delta < floor_f)
        return SAY(p, "stop.loss_delta %g is below what double precision can resolve here (%.1e)",
                   set->loss_delta, floor_f);
    const bool wanted = it->g_norm > set->gradient_norm || p->relative > set->gradient_norm_relative;
    const bool stuck =
        it->why == TW_PARAMETERS_UNCHANGED || (it->f == it->f_prev && !it->rejected && it->k > 1);
    if (!wanted || !stuck || it->why == TW_GRADIENT_NORM || it->why == TW_GRADIENT_NORM_RELATIVE)
        return false;
    return SAY(p,
               "the loss no longer changes in double precision and the gradient norm stays at %.1e: a "
               "smaller tolerance "
               "cannot be met",
               it->g_norm);
}

static bool scaling_missing(patient *p)
{
    if (p->it->why != TW_ITERATION_LIMIT && p->it->why != TW_TIME_LIMIT) return false;
    const double ratio = spread_ratio(p->F);
    if (ratio <= 100) return false;
    return SAY(p,
               "not converged: the spreads of the features differ by a factor of %.2g; set data.scaling: "
               "standardize",
               ratio);
}

static bool singular(patient *p)
{
    if (p->it->regularised == 0 && !(p->it->condition > 1e13)) return false;
    return SAY(p,
               "the matrix of second derivatives is singular in double precision%s: some features depend on "
               "each other; "
               "raise model.l2, or drop such features",
               p->it->regularised > 0 ? " (its diagonal was raised)" : "");
}

static bool many_trials(patient *p)
{
    const tw_iterate *it = p->it;
    const double mean = it->k > 0 && p->F->batches.steps == 0 ? (double)p->F->evals / (double)it->k : 0;
    if (it->k < 5 || mean <= 4) return false;
    return SAY(p,
               "a step took %.1f evaluations on average: let the search begin near %.1g (step.length), or "
               "use step.rule: "
               "wolfe",
               mean, it->alpha);
}

static bool ill_conditioned(patient *p)
{
    if (p->it->why != TW_ITERATION_LIMIT || p->it->k < 100 || !(p->relative > 1e-3)) return false;
    return SAY(p,
               "not converged after %ld iterations, and the gradient is still %.1e of its start: the problem "
               "is badly "
               "conditioned for this method; use optimizer.type: newton, or lbfgs with "
               "optimizer.preconditioner: gram",
               p->it->k, p->relative);
}

void tw_monitor_advise(const tw_monitor *m, const tw_objective *F, const tw_iterate *it, size_t length,
                       char *text)
{
    bool (*const symptoms[])(patient *) = {diverged,      saddle,         rises,           timid,
                                           search_failed, tolerance,      scaling_missing, singular,
                                           many_trials,   ill_conditioned};
    patient p = {.m = m,
                 .F = F,
                 .it = it,
                 .taylor = tw_iterate_taylor(it),
                 .relative = tw_monitor_gradient_relative(m, it),
                 .length = length,
                 .text = text};
    text[0] = 0;
    for (size_t i = 0; i < sizeof symptoms / sizeof *symptoms; i++)
        if (symptoms[i](&p)) return;
}
