/* Missing features of a run: rows left out before the classes are counted, the others filled in when it is
 * known which rows train. */
#include "thalweg/missing.h"
#include "train/run_impl.h"

#include <math.h>
#include <stdlib.h>

_Static_assert((int)TW_CONFIG_MISSING_DROP == (int)TW_MISSING_DROP, "choices in the order of tw_missing");

void tw_run_keep(const tw_run *run, tw_dataset *d)
{
    static const tw_dtype types[] = {[TW_CONFIG_STORAGE_F16] = TW_f16,
                                     [TW_CONFIG_STORAGE_BF16] = TW_bf16,
                                     [TW_CONFIG_STORAGE_F32] = TW_f32,
                                     [TW_CONFIG_STORAGE_F64] = TW_f64};
    const tw_config *c = &run->config;
    const bool native = c->data.storage == TW_CONFIG_STORAGE_NATIVE;
    tw_dataset_keep(d, native ? NULL : &types[c->data.storage], (tw_missing)c->data.missing,
                    c->data.missing_value);
}

tw_status tw_run_drop(tw_run *run)
{
    double sums[3] = {(double)run->shard.missing, 0, 0};
    int64_t dropped = 0;
    if (run->config.data.missing == TW_CONFIG_MISSING_DROP)
        TW_TRY(tw_comm_agree(run->comm, tw_missing_drop(&run->shard, &dropped)));
    sums[1] = (double)dropped;
    TW_TRY(tw_comm_allreduce(run->comm, TW_SUM, 2, sums)); /* whole numbers: exact in any order */
    run->missing = sums[0];
    run->dropped = sums[1];
    if (run->dropped < (double)run->dataset.rows) return TW_OK;
    return tw_fail(TW_DATA,
                   "every row of %s has a missing feature: data.missing: drop leaves none; use mean or zero",
                   run->dataset.path);
}

tw_status tw_run_fill(tw_run *run)
{
    const tw_config_missing policy = run->config.data.missing;
    if (policy != TW_CONFIG_MISSING_MEAN && policy != TW_CONFIG_MISSING_ZERO) return TW_OK;
    run->fill = calloc(run->shard.cols, sizeof *run->fill);
    TW_TRY(tw_comm_agree(
        run->comm, run->fill ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu means", run->shard.cols)));
    run->shard.without = run->watched.weight && run->config.model.folds == 0 ? 1 : 0;
    if (policy == TW_CONFIG_MISSING_MEAN)
        TW_TRY(tw_missing_means(run->comm, &run->partition, &run->shard, run->threads, run->fill));
    tw_missing_fill(&run->shard, run->threads, run->fill);
    return TW_OK;
}

tw_status tw_run_fill_validation(tw_run *run)
{
    int64_t dropped;
    if (run->config.data.missing == TW_CONFIG_MISSING_DROP)
        return tw_missing_drop(&run->watched.shard, &dropped);
    tw_missing_fill(&run->watched.shard, run->threads, run->fill);
    return TW_OK;
}
