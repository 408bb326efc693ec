/* The same figures from summary.json, whoever wrote it: every value is checked, and one that is missing is a
 * zero, or NAN where there may be none. */
#include "thalweg/optimizer.h"
#include "train/report.h"

#include <math.h>
#include <string.h>

static double real(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static long whole(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (long)json_integer_value(value) : 0;
}

static double or_zero(double v)
{
    return isnan(v) ? 0 : v;
}

/* UTF-8, as jansson has checked; its controls but line ends become '?'. */
static void text(const json_t *object, const char *key, size_t length, char *to)
{
    const char *from = json_string_value(json_object_get(object, key));
    snprintf(to, length, "%s", from ? from : "");
    for (unsigned char *c = (unsigned char *)to; *c; c++)
        if ((*c < 0x20 && *c != '\n') || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0)) *c = '?';
}

static tw_reason reason_of(const json_t *summary)
{
    const char *name = json_string_value(json_object_get(summary, "reason"));
    for (int i = 0; name && i < TW_N_REASONS; i++)
        if (strcmp(name, tw_reason_name((tw_reason)i)) == 0) return (tw_reason)i;
    return TW_CONTINUE;
}

static tw_report_point point_of(const json_t *path, const char *key)
{
    const json_t *at = json_object_get(path, key);
    const json_t *point =
        json_is_integer(at) && json_integer_value(at) >= 0
            ? json_array_get(json_object_get(path, "points"), (size_t)json_integer_value(at))
            : NULL;
    if (!point) return (tw_report_point){.row = -1};
    return (tw_report_point){whole(path, key),
                             whole(point, "nonzeros"),
                             real(point, "l1"),
                             real(point, "l2"),
                             real(point, "cv_mean"),
                             real(point, "cv_error"),
                             real(point, "validation_loss")};
}

static void take_result(tw_report *r, const json_t *s)
{
    const json_t *watched = json_object_get(s, "validation");
    text(s, "verdict", sizeof r->verdict, r->verdict);
    text(s, "advice", sizeof r->advice, r->advice);
    r->epochs = json_is_true(json_object_get(s, "epochs"));
    r->iterations = whole(s, "iterations");
    r->evaluations = whole(s, "evaluations");
    r->reads = real(s, "reads");
    r->loss = real(s, "loss");
    r->condition = or_zero(real(s, "condition"));
    r->regularised = whole(s, "regularised");
    r->sparse = real(s, "l1") > 0;
    r->nonzeros = whole(s, "nonzeros");
    r->coefficients = whole(s, "coefficients");
    r->watched = json_is_object(watched);
    r->val_loss = real(watched, "loss");
    r->val_accuracy = real(watched, "accuracy");
    r->best_loss = real(watched, "best_loss");
    r->best_k = whole(watched, "best_iteration");
    r->best_kept = json_is_true(json_object_get(watched, "best_kept"));
}

static void take_path(tw_report *r, const json_t *s)
{
    const json_t *path = json_object_get(s, "path");
    const char *name = json_string_value(json_object_get(s, "optimizer"));
    const tw_optimizer_ops *optimizer = name ? tw_optimizer_find(name) : NULL;
    r->points = (long)json_array_size(json_object_get(path, "points"));
    r->planned = whole(path, "planned") > r->points ? whole(path, "planned") : r->points;
    r->path = r->planned > 0;
    r->kept = whole(path, "kept");
    r->fits = whole(path, "fits");
    r->unfinished = whole(path, "fits_not_converged");
    r->requested = reason_of(s) == TW_REQUEST;
    r->matrix = optimizer && optimizer->matrix;
    r->best = point_of(path, "best");
    r->one_error = point_of(path, "one_standard_error");
}

static void take_times(tw_report *r, const json_t *s)
{
    const json_t *slowest = json_object_get(s, "slowest"), *saved = json_object_get(s, "checkpoints");
    r->wall = or_zero(real(s, "seconds"));
    for (int i = 0; i < TW_N_CLOCKS; i++) {
        const json_t *clock = json_object_get(json_object_get(s, "phases"), tw_account_name((tw_clock)i));
        r->least[i] = or_zero(real(clock, "min"));
        r->mean[i] = or_zero(real(clock, "avg"));
        r->most[i] = or_zero(real(clock, "max"));
    }
    r->ranks = (int)whole(s, "ranks");
    r->slowest = (int)whole(slowest, "rank");
    text(slowest, "host", sizeof r->host, r->host);
    r->behind = or_zero(real(slowest, "behind"));
    r->bytes_most = or_zero(real(json_object_get(s, "bytes_sent"), "busiest_rank"));
    r->reductions = whole(s, "reductions");
    r->checkpoints = whole(saved, "written");
    r->checkpoint_seconds = or_zero(real(saved, "seconds"));
}

void tw_report_of_json(tw_report *r, const json_t *s, const char *folder, const char *newest)
{
    const char kind = tw_reason_class(reason_of(s));
    *r = (tw_report){0};
    snprintf(r->folder, sizeof r->folder, "%s", folder);
    snprintf(r->newest, sizeof r->newest, "%s", newest);
    text(s, "parameters_hash", sizeof r->hash, r->hash);
    take_result(r, s);
    take_path(r, s);
    take_times(r, s);
    r->open = kind == 's';
    r->model = kind != 'f' && (!r->path || r->points > 0);
}
