#include "scale/report.h"

#include "core/json_put.h"
#include "thalweg/version.h"

#include <math.h>

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *point_json(const tw_report_point *p)
{
    json_t *phases = json_object();
    for (int i = 0; i < TW_N_CLOCKS; i++)
        if (i != TW_CLOCK_READ) tw_json_put(&phases, tw_account_name((tw_clock)i), number(p->phase[i]));
    return json_pack("{si si sI sb sb so so so so so so so so}", "nodes", p->nodes, "ranks", p->ranks,
                     "repeats", (json_int_t)p->n_runs, "oversubscribed", p->oversubscribed, "fitted",
                     p->fitted, "seconds", number(p->seconds), "low", number(p->low), "high", number(p->high),
                     "formula", number(p->formula), "speedup", number(p->speedup), "efficiency",
                     number(p->efficiency), "serial_fraction", number(p->serial), "phases", phases);
}

static json_t *ahead_json(const tw_report_ahead *a)
{
    return json_pack("{si so so so so so}", "ranks", a->ranks, "seconds", number(a->seconds), "speedup",
                     number(a->speedup), "efficiency", number(a->efficiency), "efficiency_low",
                     number(a->low), "efficiency_high", number(a->high));
}

static json_t *fit_json(const tw_report *r)
{
    return json_pack("{so so so so so ss si si so so so so so}", "serial_part", number(r->serial), "latency",
                     number(r->fit.latency), "latency_error", number(r->fit.latency_error), "bandwidth",
                     number(r->fit.bandwidth), "bandwidth_error", number(r->fit.bandwidth_error),
                     "exchange_from", r->fit_measured ? "exchanges" : "runs", "exchange_ranks", r->fit_ranks,
                     "exchange_nodes", r->fit_nodes, "exchange_residual", number(r->fit.residual),
                     "work_seconds", number(r->work), "beside_seconds", number(r->beside), "exchanges",
                     number(r->exchanges), "residual", number(r->residual));
}

char *tw_report_json(const tw_report *r)
{
    const tw_study_run *run = r->point[0].run;
    json_t *points = json_array(), *ahead = json_array(), *advice = json_array();
    for (size_t i = 0; i < r->n_points; i++) tw_json_append(&points, point_json(&r->point[i]));
    for (size_t i = 0; i < r->n_ahead; i++) tw_json_append(&ahead, ahead_json(&r->ahead[i]));
    for (size_t i = 0; i < r->n_advice; i++) tw_json_append(&advice, json_string(r->advice[i]));
    json_t *all = json_pack(
        "{ss ss ss ss ss sI sI ss ss ss sI so so so ss so}", "mode", tw_study_mode_name(r->runs->mode),
        "configuration", r->runs->config[0] ? r->runs->config : run->config, "version", run->version,
        "git_commit", run->commit, "data_digest", run->data_digest, "rows", (json_int_t)run->rows, "features",
        (json_int_t)run->features, "type", run->type, "reduction", run->reduction, "per",
        r->per_read ? "pass" : "iteration", "iterations", (json_int_t)run->iterations, "points", points,
        "fit", fit_json(r), "projection", ahead, "check", r->check, "advice", advice);
    char *text = all ? json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(all);
    return text;
}
