/* Names of the classes that rows have: the words of the labels, or /classes of the file, which number the
 * labels from 0. */
#include "train/run_impl.h"

#include <math.h>
#include <stdlib.h>

/* NULL: some class has no name. */
static tw_status choose(const tw_run *run, size_t count, char *const *names, char ***out)
{
    char **own = calloc(run->n_classes + 1, sizeof *own);
    bool all = names != NULL;
    *out = NULL;
    for (size_t k = 0; own && all && k < run->n_classes; k++) {
        const double label = run->classes[k];
        all = label >= 0 && label < (double)count && label == floor(label);
        if (all) own[k] = names[(size_t)label];
    }
    if (own && all) *out = tw_dataset_strings_copy(run->n_classes, own);
    const bool failed = !own || (all && !*out);
    free(own);
    return failed ? tw_fail(TW_MEMORY, "out of memory for the names of the classes") : TW_OK;
}

tw_status tw_run_class_names(const tw_run *run, char ***names)
{
    char **found;
    size_t count;
    if (run->class_names) return choose(run, run->n_names, run->class_names, names);
    TW_TRY(tw_dataset_strings(run->dataset.path, "/classes", &count, &found));
    const tw_status status = choose(run, count, found, names);
    free(found);
    return status;
}
