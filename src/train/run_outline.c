/* What a run would do and need, from the configuration and the description of its data alone. */
#include "thalweg/run.h"
#include "thalweg/units.h"

#include <math.h>

/* The largest shard as stored, and 16 bytes a row. */
static double largest_shard(const tw_run *run, const tw_partition *p)
{
    double most = 0;
    for (int r = 0; r < p->size; r++) {
        const double rows = (double)(tw_partition_shard(p, r + 1) - tw_partition_shard(p, r));
        most = fmax(most, rows * ((double)run->dataset.cols * (double)tw_dtype_size(run->dataset.type) + 16));
    }
    return most;
}

tw_status tw_run_outline(tw_run *run)
{
    char rule[96], about[TW_PATH_LEN + 2 * TW_NAME_LEN], bytes[TW_UNIT_LEN];
    tw_partition p;
    TW_TRY(tw_partition_init(&p, run->dataset.rows, run->config.reduction.groups, tw_comm_size(run->comm)));
    tw_dataset_describe(&run->dataset, sizeof about, about);
    tw_runlog_print(&run->log, "  data     %s%s\n", about,
                    run->dataset.compressed   ? ", compressed"
                    : run->dataset.chunk_rows ? ", chunked"
                                              : "");
    tw_runlog_print(&run->log, "  method   %s, %s, %s\n", run->model_ops->name, run->optimizer_ops->name,
                    tw_step_describe(run->step_ops, &run->step_settings, sizeof rule, rule));
    tw_runlog_print(&run->log, "  ranks    %d, %lld groups of rows; at most %s of data a rank\n", p.size,
                    (long long)p.groups, tw_units_bytes(largest_shard(run, &p), bytes));
    tw_runlog_print(&run->log, "  output   %s\n", run->out);
    tw_partition_release(&p);
    return TW_OK;
}
