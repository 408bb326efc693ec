/* verify -- what a run wrote into its folder, held against the inequalities that define its method.
 * Independent of the library: it knows metrics.jsonl, summary.json and model.h5, and docs/method.md.
 *
 *   verify RUN MODE [ARGUMENT ...]      prints what it has checked; exit 1 at the first violation
 *
 * Of every step, from the log:
 *   armijo C1 | wolfe C1 C2 (strong) | goldstein C | nonmonotone C1 (from the largest of the last 10 F) |
 * monotone steepest (slope = -|g|^2) | trust (ratio, acceptance, radius) reads N | reads_later N (but for the
 * first step) | reads_inner (1 + inner) | reads_trials N (N + trials) reads_mean MOST | reductions MOST (1
 * when the first trial is good) Of the point where it ended, from the data (point.c): gradient DATA MODEL L2
 * [DELTA] | kkt DATA MODEL L1 L2 TOLERANCE [DELTA]
 *
 * Where F falls short of its line by less than its rounding, slopes decide instead (Hager and Zhang
 * 2005, 4.1). */
#include "verify.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row of metrics.jsonl; NAN where there is no number. */
typedef struct {
    double iteration, loss, gradient_norm, step_length, slope, slope_end, trials, evaluations, reads,
        reductions, radius, predicted, trust_ratio, inner, rejected;
} row;

static const struct {
    const char *name;
    size_t offset;
} columns[] = {
#define COLUMN(name)               \
    {                              \
#name, offsetof(row, name) \
    }
    COLUMN(iteration), COLUMN(loss),      COLUMN(gradient_norm), COLUMN(step_length), COLUMN(slope),
    COLUMN(slope_end), COLUMN(trials),    COLUMN(evaluations),   COLUMN(reads),       COLUMN(reductions),
    COLUMN(radius),    COLUMN(predicted), COLUMN(trust_ratio),   COLUMN(inner),       COLUMN(rejected),
#undef COLUMN
};

typedef struct {
    size_t n;
    row *rows;
    long exact, rounded, accepted,
        refused; /* steps whose inequality held, held by slopes; of a trust region */
} history;

_Noreturn void refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("verify: ", stdout);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    exit(1);
}

double argument(const char *text)
{
    char *end;
    const double v = strtod(text, &end);
    if (end == text || *end) refuse("'%s' is no number", text);
    return v;
}

static double number_of(const json_t *value)
{
    if (json_is_true(value)) return 1;
    return json_is_number(value) ? json_number_value(value) : NAN;
}

double summary_number(const json_t *summary, const char *key)
{
    const json_t *value = json_object_get(summary, key);
    if (!value) refuse("summary.json has no %s", key);
    return number_of(value);
}

static void read_row(const char *line, size_t number, row *r)
{
    json_error_t error;
    json_t *object = json_loads(line, 0, &error);
    if (!object) refuse("line %zu of metrics.jsonl: %s", number + 1, error.text);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const double v = number_of(json_object_get(object, columns[i].name));
        memcpy((char *)r + columns[i].offset, &v, sizeof v);
    }
    json_decref(object);
    if (r->iteration != (double)number) refuse("row %zu says it is iteration %g", number, r->iteration);
}

static void read_history(const char *run, history *h)
{
    char path[4096], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/metrics.jsonl", run);
    FILE *file = fopen(path, "r");
    if (!file) refuse("cannot open %s", path);
    while (getline(&line, &room, file) > 0) {
        h->rows = realloc(h->rows, (h->n + 1) * sizeof *h->rows);
        if (!h->rows) refuse("out of memory");
        read_row(line, h->n, &h->rows[h->n]);
        h->n++;
    }
    free(line);
    fclose(file);
    if (h->n < 2) refuse("%s has %zu rows: no step to check", path, h->n);
}

/* The summary tells the same end as the last row. */
static void compare_end(const history *h, const json_t *summary)
{
    const row *last = &h->rows[h->n - 1];
    if (summary_number(summary, "iterations") != last->iteration ||
        summary_number(summary, "loss") != last->loss ||
        summary_number(summary, "gradient_norm") != last->gradient_norm ||
        summary_number(summary, "evaluations") < last->evaluations)
        refuse("summary.json and the last row differ: %.17g and %.17g", summary_number(summary, "loss"),
               last->loss);
}

/* ---- one step, from row a to row b ---- */

typedef void step_check(history *h, size_t k, const double *c);

static void descends(const history *h, size_t k)
{
    const row *b = &h->rows[k];
    if (!(b->slope < 0) || !(b->step_length > 0))
        refuse("row %zu: slope %.17g, length %.17g: no step downhill", k, b->slope, b->step_length);
}

/* F below `line`; within the rounding of F the slope may decide. */
static void below(history *h, size_t k, double line, double c1)
{
    const row *a = &h->rows[k - 1], *b = &h->rows[k];
    if (b->loss <= line) {
        h->exact++;
        return;
    }
    const bool level = b->loss - line <= ROUNDING * fabs(a->loss);
    if (!level || !(b->slope_end <= (2 * c1 - 1) * b->slope))
        refuse("row %zu: F = %.17g is above %.17g (F before %.17g, length %.17g, slopes %.17g and %.17g)", k,
               b->loss, line, a->loss, b->step_length, b->slope, b->slope_end);
    h->rounded++;
}

static void armijo(history *h, size_t k, const double *c)
{
    const row *b = &h->rows[k];
    descends(h, k);
    below(h, k, h->rows[k - 1].loss + c[0] * b->step_length * b->slope, c[0]);
}

static void wolfe(history *h, size_t k, const double *c)
{
    const row *b = &h->rows[k];
    armijo(h, k, c);
    if (!(fabs(b->slope_end) <= c[1] * fabs(b->slope)))
        refuse("row %zu: slope %.17g at the end is more than %g of %.17g", k, b->slope_end, c[1], b->slope);
}

static void goldstein(history *h, size_t k, const double *c)
{
    const row *a = &h->rows[k - 1], *b = &h->rows[k];
    const double promised = b->step_length * b->slope, most = a->loss + c[0] * promised,
                 least = a->loss + (1 - c[0]) * promised, room = ROUNDING * fabs(a->loss);
    descends(h, k);
    if (b->loss <= most && b->loss >= least) {
        h->exact++;
        return;
    }
    const bool level = b->loss <= most + room && b->loss >= least - room;
    if (!level || !(fabs(b->slope_end) <= (1 - 2 * c[0]) * fabs(b->slope)))
        refuse("row %zu: F = %.17g is not between %.17g and %.17g (slopes %.17g and %.17g)", k, b->loss,
               least, most, b->slope, b->slope_end);
    h->rounded++;
}

static void nonmonotone(history *h, size_t k, const double *c)
{
    const row *b = &h->rows[k];
    double most = -INFINITY;
    for (size_t i = k < 10 ? 0 : k - 10; i < k; i++) most = fmax(most, h->rows[i].loss);
    descends(h, k);
    below(h, k, most + c[0] * b->step_length * b->slope, c[0]);
}

static void monotone(history *h, size_t k, const double *c)
{
    const row *a = &h->rows[k - 1], *b = &h->rows[k];
    (void)c;
    if (!(b->loss <= a->loss + ROUNDING * fabs(a->loss)))
        refuse("row %zu: F rose from %.17g to %.17g", k, a->loss, b->loss);
    (*(b->loss <= a->loss ? &h->exact : &h->rounded))++;
}

static void steepest(history *h, size_t k, const double *c)
{
    const double g = h->rows[k - 1].gradient_norm, slope = h->rows[k].slope;
    (void)c;
    if (!(fabs(slope + g * g) <= 1e-13 * g * g))
        refuse("row %zu: slope %.17g is not -|g|^2 = %.17g", k, slope, -g * g);
    h->exact++;
}

/* ---- trust region ---- */

/* The radius of the next row: TRON's rule (Lin and More 1999), sigma 1/4, 1/2, 4 and eta 1e-4, 1/4, 3/4. The
 * log does not tell |d|, only that it is at most the radius: `most` and `least` are what the rule allows
 * then. */
static void next_radius(const history *h, size_t k)
{
    const row *b = &h->rows[k];
    const double r = b->radius, next = h->rows[k + 1].radius, ratio = b->trust_ratio, room = 1 + 0x1p-40;
    const double bend = -(ratio * b->predicted) - b->slope,
                 far = bend > 0 ? fmax(0.25, -0.5 * b->slope / bend) : 4;
    double least = 0, most = 0.25 * r;
    if (isfinite(ratio)) {
        most = ratio < 0.25 ? 0.5 * r : 4 * r;
        if (ratio < 0.75) most = fmin(most, fmax(far * r, ratio < 1e-4 ? 0 : 0.25 * r));
        if (k > 1 && ratio >= 1e-4)
            least = ratio < 0.75 ? 0.25 * r : r; /* the first radius shrinks to |d| before that */
    }
    if (!(next > 0 && next <= most * room && next * room >= least))
        refuse("row %zu: radius %.17g after %.17g with ratio %.17g; it must be in %.17g to %.17g", k + 1,
               next, r, ratio, least, most);
}

static void trust_ratio(history *h, size_t k)
{
    const row *a = &h->rows[k - 1], *b = &h->rows[k];
    const double fall = a->loss - b->loss, trapezoid = -0.5 * (b->slope + b->slope_end);
    if (fabs(b->trust_ratio - fall / b->predicted) <= 1e-14 * fabs(b->trust_ratio))
        h->exact++;
    else if (fabs(fall) <= ROUNDING * fabs(a->loss) &&
             fabs(b->trust_ratio - trapezoid / b->predicted) <= 1e-14 * fabs(b->trust_ratio))
        h->rounded++;
    else
        refuse("row %zu: ratio %.17g, but F fell from %.17g to %.17g where %.17g were predicted", k,
               b->trust_ratio, a->loss, b->loss, b->predicted);
}

static void trust(history *h, size_t k, const double *c)
{
    const row *a = &h->rows[k - 1], *b = &h->rows[k];
    (void)c;
    if (!(b->predicted > 0) || !(b->inner >= 1) || !(b->radius > 0) || !(b->slope < 0))
        refuse("row %zu: predicted %.17g, inner %g, radius %.17g, slope %.17g", k, b->predicted, b->inner,
               b->radius, b->slope);
    const bool taken = b->trust_ratio > 1e-4;
    if (taken == (b->rejected == 1))
        refuse("row %zu: ratio %.17g, rejected %g", k, b->trust_ratio, b->rejected);
    if (b->step_length != (taken ? 1 : 0))
        refuse("row %zu: length %.17g of a trust region", k, b->step_length);
    (*(taken ? &h->accepted : &h->refused))++;
    if (taken)
        trust_ratio(h, k);
    else if (b->loss != a->loss || b->gradient_norm != a->gradient_norm)
        refuse("row %zu was refused, but F = %.17g and |g| = %.17g were %.17g and %.17g", k, b->loss,
               b->gradient_norm, a->loss, a->gradient_norm);
    if (k + 1 < h->n) next_radius(h, k);
}

/* ---- cost ---- */

static void reads(history *h, size_t k, const double *c)
{
    const double cost = h->rows[k].reads - h->rows[k - 1].reads;
    if (cost != c[0]) refuse("row %zu: %.17g reads of the data, not %g", k, cost, c[0]);
    h->exact++;
}

static void reads_inner(history *h, size_t k, const double *c)
{
    const double want = 1 + h->rows[k].inner;
    (void)c;
    reads(h, k, &want);
}

static void reads_mean(history *h, size_t k, const double *c)
{
    const double mean = (h->rows[h->n - 1].reads - h->rows[0].reads) / (double)(h->n - 1);
    if (k == 1 && !(mean <= c[0])) refuse("%.4g reads of the data a step, more than %g", mean, c[0]);
    h->exact++;
}

static void reads_later(history *h, size_t k, const double *c)
{
    if (k > 1) reads(h, k, c);
}

/* An evaluation a trial, and so many reads beside them. */
static void reads_trials(history *h, size_t k, const double *c)
{
    const row *a = &h->rows[k - 1], *b = &h->rows[k];
    const double want = c[0] + b->trials;
    if (b->evaluations - a->evaluations != b->trials || !(b->trials >= 1))
        refuse("row %zu: %g evaluations, %g trials", k, b->evaluations - a->evaluations, b->trials);
    reads(h, k, &want);
}

static void reductions(history *h, size_t k, const double *c)
{
    const double cost = h->rows[k].reductions - h->rows[k - 1].reductions, tried = h->rows[k].trials;
    if (tried == 1 ? cost != 1 : !(cost >= 2 && cost <= c[0]))
        refuse("row %zu: %g reductions for %g trials", k, cost, tried);
    (*(tried == 1 ? &h->exact : &h->rounded))++;
}

static const struct {
    const char *name;
    int n_arguments;
    step_check *check;
} modes[] = {{"armijo", 1, armijo},
             {"wolfe", 2, wolfe},
             {"goldstein", 1, goldstein},
             {"nonmonotone", 1, nonmonotone},
             {"monotone", 0, monotone},
             {"steepest", 0, steepest},
             {"trust", 0, trust},
             {"reads", 1, reads},
             {"reads_later", 1, reads_later},
             {"reads_inner", 0, reads_inner},
             {"reads_trials", 1, reads_trials},
             {"reads_mean", 1, reads_mean},
             {"reductions", 1, reductions}};

static void check_steps(const char *run, const json_t *summary, const char *mode, int n, char **arguments)
{
    history h = {0};
    double c[2] = {0};
    size_t m = 0;
    while (m < sizeof modes / sizeof *modes && strcmp(modes[m].name, mode) != 0) m++;
    if (m == sizeof modes / sizeof *modes || n != modes[m].n_arguments)
        refuse("no mode %s of %d arguments", mode, n);
    for (int i = 0; i < n; i++) c[i] = argument(arguments[i]);
    read_history(run, &h);
    compare_end(&h, summary);
    for (size_t k = 1; k < h.n; k++) modes[m].check(&h, k, c);
    printf("%s: %zu steps, %ld as such, %ld within rounding", mode, h.n - 1, h.exact, h.rounded);
    if (h.accepted + h.refused) printf("; %ld accepted, %ld refused", h.accepted, h.refused);
    putchar('\n');
    free(h.rows);
}

int main(int argc, char **argv)
{
    char path[4096];
    json_error_t error;
    if (argc < 3) refuse("verify RUN MODE [ARGUMENT ...]");
    snprintf(path, sizeof path, "%s/summary.json", argv[1]);
    json_t *summary = json_load_file(path, 0, &error);
    if (!summary) refuse("%s: %s", path, error.text);
    if (!check_point(argv[1], summary, argv[2], argc - 3, argv + 3))
        check_steps(argv[1], summary, argv[2], argc - 3, argv + 3);
    json_decref(summary);
    return 0;
}
