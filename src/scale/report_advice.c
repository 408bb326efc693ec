/* What to make of a study, in words. */
#include "scale/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { FEW_ROWS = 1000 };

__attribute__((format(printf, 2, 3))) static void say(tw_report *report, const char *format, ...)
{
    va_list arguments;
    if (report->n_advice == sizeof report->advice / sizeof *report->advice) return;
    va_start(arguments, format);
    vsnprintf(report->advice[report->n_advice++], sizeof *report->advice, format, arguments);
    va_end(arguments);
}

static void last_good_point(tw_report *report)
{
    const tw_report_point *good = NULL, *last = &report->point[report->n_points - 1];
    for (size_t i = 0; i < report->n_points; i++)
        if (report->point[i].efficiency >= 0.8) good = &report->point[i];
    if (report->n_points == 1)
        say(report, "one number of ranks is no study: add others");
    else if (good == last)
        say(report, "%d ranks, the most measured, are still above 80 %%: try more", last->ranks);
    else if (good)
        say(report, "%d rank%s the last point above 80 %%", good->ranks, good->ranks == 1 ? " is" : "s are");
}

/* Of the point with most ranks, what costs most beside its fair share of the work. */
static void what_dominates(tw_report *report)
{
    const tw_report_point *first = &report->point[0], *last = &report->point[report->n_points - 1];
    const double wait = last->phase[TW_CLOCK_WAIT], wire = last->phase[TW_CLOCK_WIRE];
    const double fair =
        first->work * last->share *
        (report->runs->mode == TW_STUDY_WEAK ? (double)last->run->rows / (double)first->run->rows : 1);
    const double slower = last->work * last->share - fair, lost = 0.05 * last->seconds;
    const tw_study_run *run = last->run;
    if (report->n_points == 1 || fmax(fmax(wait, wire), slower) < lost) return;
    if (wire >= wait && wire >= slower) {
        const bool known = report->fit.points > 0 && isfinite(report->fit.bandwidth);
        const bool latency = known && last->wire < 4 * report->fit.latency * log2(last->ranks + 1.0);
        say(report, "at %d ranks the exchange takes %.0f %%: %s", last->ranks, 100 * wire / last->seconds,
            latency ? "latency, not bandwidth, so larger steps or fewer ranks help"
                    : "bytes, so fewer parameters, a faster network or fewer nodes help");
    } else if (wait >= slower) {
        say(report, "at %d ranks %.0f %% is waiting; rank %d (%s) is slowest, %.0f %% behind the mean",
            last->ranks, 100 * wait / last->seconds, run->slowest, run->slowest_host, 100 * run->behind);
    } else {
        say(report, "at %d ranks computing costs %.1f times its share of the work: ranks of a node share %s",
            last->ranks, last->work * last->share / fair,
            last->oversubscribed ? "its cores" : "its memory bandwidth");
    }
}

static void few_rows(tw_report *report)
{
    const tw_report_point *last = &report->point[report->n_points - 1];
    const double rows = (double)last->run->rows * last->share;
    if (rows < FEW_ROWS && last->efficiency < 0.8)
        say(report, "%d ranks have %.0f rows each, too few to pay for an exchange", last->ranks, rows);
    if (last->ranks > last->run->groups)
        say(report, "%d ranks are more than the %lld groups: some have no rows", last->ranks,
            last->run->groups);
}

void tw_report_advise(tw_report *report)
{
    last_good_point(report);
    what_dominates(report);
    few_rows(report);
    for (size_t i = 0; i < report->n_points; i++)
        if (report->point[i].oversubscribed) {
            say(report, "points with * had more ranks than cores; they %s",
                report->point[i].fitted ? "are all there is, so they were fitted"
                                        : "were left out of the fit");
            return;
        }
}
