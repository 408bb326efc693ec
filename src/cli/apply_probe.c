/* The first look of evaluate and predict, in a child process: the model, then the data. */
#include "cli/apply.h"
#include "cli/arguments.h"
#include "thalweg/probe.h"

#include <math.h>

typedef struct {
    const tw_apply_paths *paths;
    bool labels;
} look;

static tw_status look_at_both(void *context)
{
    static tw_model_file model;
    static tw_dataset dataset;
    const look *const l = context;
    tw_dataset_names names = l->paths->names;
    bool edited;
    names.need_labels = l->labels;
    tw_probe_doing(l->paths->model, "reading the model");
    TW_TRY(tw_model_file_read(&model, l->paths->model, &edited));
    tw_probe_doing(l->paths->data, "reading its structure");
    TW_TRY(tw_dataset_open(&dataset, l->paths->data, &names, NULL));
    /* Whether features may be missing is for those to judge who know the model. */
    tw_dataset_keep(&dataset, NULL, TW_MISSING_ZERO, NAN);
    if (!l->labels) dataset.labels[0] = dataset.weights[0] = 0;
    return tw_probe_read(&dataset, false); /* the process ends here, so nothing is freed */
}

tw_status tw_apply_probe(const tw_apply_paths *paths, bool labels)
{
    if (tw_launch_rank() != 0) return TW_OK;
    look l = {paths, labels};
    const tw_probe_limits limits = tw_probe_limits_for(2, (const char *const[]){paths->model, paths->data});
    return tw_probe_run(&limits, look_at_both, &l, NULL);
}
