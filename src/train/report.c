/* The last lines of the screen: why the run stopped, what came out, where the time went, what to do next. */
#include "thalweg/units.h"
#include "train/summary.h"

#include <stdio.h>

static void print_verdict(tw_run *run)
{
    char text[512];
    tw_monitor_explain(&run->monitor, &run->iterate, sizeof text, text);
    tw_runlog_print(&run->log, "  stopped  %s; iteration %ld, %ld evaluations\n", text, run->iterate.k,
                    run->objective.evals);
    tw_runlog_print(&run->log, "  result   loss %.17g%s\n", run->iterate.f,
                    tw_reason_class(run->iterate.why) == 's' ? " (not converged)" : "");
    tw_monitor_advise(&run->monitor, &run->objective, &run->iterate, sizeof text, text);
    if (text[0]) tw_runlog_print(&run->log, "  advice   %s\n", text);
}

static void print_times(const tw_summary *s, tw_run *run)
{
    static const char *const names[TW_N_PHASES] = {"read", "compute", "wait", "wire", "other"};
    char took[TW_UNIT_LEN], bytes[TW_UNIT_LEN], note[128];
    double all = 0;
    for (int i = 0; i < TW_N_PHASES; i++) all += s->mean[i];
    tw_runlog_print(&run->log, "  time     %-9s %8s %8s %8s %7s\n", tw_units_seconds(s->wall, took), "min",
                    "avg", "max", "share");
    for (int i = 0; i < TW_N_PHASES; i++) {
        note[0] = 0;
        if (i == TW_PHASE_WIRE && s->bytes_most > 0)
            snprintf(note, sizeof note, "   %s sent by the busiest rank in %llu reductions",
                     tw_units_bytes(s->bytes_most, bytes), (unsigned long long)s->exchanges);
        tw_runlog_print(&run->log, "             %-7s %8.2f %8.2f %8.2f %6.0f%%%s\n", names[i], s->least[i],
                        s->mean[i], s->most[i], all > 0 ? 100 * s->mean[i] / all : 0, note);
    }
}

void tw_summary_report(const tw_summary *s, tw_run *run)
{
    const int ranks = tw_comm_size(run->comm);
    print_verdict(run);
    print_times(s, run);
    tw_runlog_print(&run->log,
                    "  files    %s/{%smetrics.jsonl, summary.json}   parameters xxh3:%016llx\n", run->folder.path,
                    tw_reason_class(run->iterate.why) == 'f' ? "" : "model.h5, ", (unsigned long long)s->hash);
    if (!s->replicas_equal)
        tw_runlog_print(
            &run->log,
            "  WARNING  the ranks do not hold the same parameters: this MPI's all-reduce does not give "
            "every rank the same bits; use reduction.mode: reproducible\n");
    if (tw_reason_class(run->iterate.why) == 'f') return;
    tw_runlog_print(&run->log, "  next     mpirun -n %d thalweg evaluate %s/model.h5 DATA.h5\n", ranks,
                    run->folder.path);
}
