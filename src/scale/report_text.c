/* A study as people read it, and as a table for other programs. */
#include "scale/report.h"
#include "thalweg/units.h"

#include <math.h>
#include <string.h>

/* 11000000 as 11,000,000. */
static const char *thousands(long long value, char text[32])
{
    char digits[24];
    const int n = snprintf(digits, sizeof digits, "%lld", value);
    int at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

static const char *seconds_text(double seconds, char text[32])
{
    if (seconds >= 100)
        snprintf(text, 32, "%.0f", seconds);
    else if (seconds >= 0.0995)
        snprintf(text, 32, "%.3f", seconds);
    else
        snprintf(text, 32, "%.3g", seconds);
    return text;
}

static void head(const tw_report *r, FILE *out)
{
    const tw_study_run *run = r->point[0].run;
    char rows[32];
    size_t most = 1;
    for (size_t i = 0; i < r->n_points; i++) most = r->point[i].n_runs > most ? r->point[i].n_runs : most;
    fprintf(out, "%s scaling  %s   ", r->runs->mode == TW_STUDY_WEAK ? "Weak" : "Strong",
            r->runs->config[0] ? r->runs->config : run->config);
    if (r->runs->mode == TW_STUDY_WEAK)
        fprintf(out, "%s rows a rank", thousands(run->rows / run->ranks, rows));
    else
        fprintf(out, "%s", thousands(run->rows, rows));
    fprintf(out, " x %lld %s, %s, %s, %lld iterations", run->features, run->type, run->model, run->optimizer,
            run->iterations);
    if (most > 1) fprintf(out, ", median of %zu", most);
    fprintf(out, "\n nodes  ranks    s/%-5s    +-  %s  efficiency  wire%%  wait%%  serial-fraction\n",
            r->per_read ? "pass" : "iter", r->runs->mode == TW_STUDY_WEAK ? "scaled-speedup" : "speedup");
}

static void row(const tw_report *r, const tw_report_point *p, FILE *out)
{
    char seconds[32], ranks[32], spread[32] = "-", serial[32] = "-";
    snprintf(ranks, sizeof ranks, "%d%s", p->ranks, p->oversubscribed ? "*" : "");
    if (p->n_runs > 1) snprintf(spread, sizeof spread, "%.1f%%", 50 * (p->high - p->low) / p->seconds);
    if (!isnan(p->serial)) snprintf(serial, sizeof serial, "%.3f", p->serial);
    fprintf(out, "%6d %6s  %9s %6s  %*.2f %10.1f%% %5.0f%% %5.0f%%  %15s\n", p->nodes, ranks,
            seconds_text(p->seconds, seconds), spread, r->runs->mode == TW_STUDY_WEAK ? 14 : 7, p->speedup,
            100 * p->efficiency, 100 * p->phase[TW_CLOCK_WIRE] / p->seconds,
            100 * p->phase[TW_CLOCK_WAIT] / p->seconds, serial);
}

static void fit_line(const tw_report *r, FILE *out)
{
    const char *separator = "";
    fputs(" fit       ", out);
    if (!isnan(r->serial)) {
        fprintf(out, "%s serial part %.1f %%", r->runs->mode == TW_STUDY_WEAK ? "Gustafson" : "Amdahl",
                100 * r->serial);
        separator = "; ";
    }
    if (r->fit.points > 0) {
        fprintf(out, "%sexchange %.3g us a message", separator, 1e6 * r->fit.latency);
        if (isfinite(r->fit.bandwidth))
            fprintf(out, " + %.3g ns a byte (%.3g GB/s)", 1e9 / r->fit.bandwidth, 1e-9 * r->fit.bandwidth);
        fprintf(out, ", from %s on %d ranks, %d node%s",
                r->fit_measured ? "exchanges measured apart" : "the runs", r->fit_ranks, r->fit_nodes,
                r->fit_nodes == 1 ? "" : "s");
        separator = "; ";
    }
    fprintf(out, "%sthe formula misses the points by %.1f %%\n", separator, 100 * r->residual);
}

static void projection(const tw_report *r, FILE *out)
{
    if (r->n_ahead == 0) return;
    fputs(" ahead     efficiency", out);
    for (size_t i = 0; i < r->n_ahead; i++) {
        const tw_report_ahead *a = &r->ahead[i];
        fprintf(out, "%s %.0f %% (%.0f to %.0f) at %d", i ? "," : "", 100 * a->efficiency, 100 * a->low,
                100 * a->high, a->ranks);
    }
    fprintf(out, " ranks%s\n",
            r->fit_nodes < 2 ? "; the exchange was measured inside one node, a network is slower" : "");
}

void tw_report_text(const tw_report *r, FILE *out)
{
    head(r, out);
    for (size_t i = 0; i < r->n_points; i++) row(r, &r->point[i], out);
    fit_line(r, out);
    projection(r, out);
    fprintf(out, " check     %s\n", r->check);
    for (size_t i = 0; i < r->n_advice; i++) fprintf(out, " %-9s %s\n", i ? "" : "advice", r->advice[i]);
}

void tw_report_csv(const tw_report *r, FILE *out)
{
    fputs("nodes,ranks,repeats,oversubscribed,seconds,low,high,formula,speedup,efficiency,serial_fraction",
          out);
    for (int i = 0; i < TW_N_CLOCKS; i++)
        if (i != TW_CLOCK_READ) fprintf(out, ",%s", tw_account_name((tw_clock)i));
    fputc('\n', out);
    for (size_t k = 0; k < r->n_points; k++) {
        const tw_report_point *p = &r->point[k];
        fprintf(out, "%d,%d,%zu,%d,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,", p->nodes, p->ranks, p->n_runs,
                p->oversubscribed, p->seconds, p->low, p->high, p->formula, p->speedup, p->efficiency);
        if (!isnan(p->serial)) fprintf(out, "%.9g", p->serial);
        for (int i = 0; i < TW_N_CLOCKS; i++)
            if (i != TW_CLOCK_READ) fprintf(out, ",%.9g", p->phase[i]);
        fputc('\n', out);
    }
}
