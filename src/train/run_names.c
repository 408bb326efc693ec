/* Names of the classes that rows have: the words of the labels, or /classes of the file, which number the
 * labels from 0. */
#include "train/run_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- another file ---- */

/* to: NULL: every label names the same in both. */
static tw_status match(size_t n, char *const *names, size_t m, char *const *others, double **to)
{
    bool same = true;
    size_t next = 0; /* both lists are sorted, as a rule */
    *to = malloc((m + 1) * sizeof **to);
    if (!*to) return tw_fail(TW_MEMORY, "out of memory for the names of the classes");
    for (size_t v = 0; v < m; v++) {
        size_t tried = 0;
        while (tried < n && strcmp(names[(next + tried) % n], others[v]) != 0) tried++;
        const size_t k = tried < n ? (next + tried) % n : n;
        (*to)[v] = k < n ? (double)k : -1;
        same = same && k < n && k == v;
        if (k < n) next = k + 1;
    }
    if (!same) return TW_OK;
    free(*to);
    *to = NULL;
    return TW_OK;
}

/* Rank 0. */
static tw_status match_files(const tw_run *run, size_t *count, double **to)
{
    char **names, **others = NULL;
    size_t n, m = 0;
    TW_TRY(tw_dataset_strings(run->dataset.path, "/classes", &n, &names));
    tw_status status = tw_dataset_strings(run->watched.dataset.path, "/classes", &m, &others);
    if (status == TW_OK && names && others) status = match(n, names, m, others, to);
    if (status == TW_OK && *to) *count = m;
    free(others);
    free(names);
    return status;
}

tw_status tw_run_match_classes(const tw_run *run, size_t *count, double **to)
{
    tw_status status = TW_OK;
    *count = 0;
    *to = NULL;
    if (run->n_classes == 0 || run->dataset.words || run->watched.dataset.words) return TW_OK;
    if (tw_comm_rank(run->comm) == 0) status = match_files(run, count, to);
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    TW_TRY(tw_comm_bcast(run->comm, 0, count, sizeof *count));
    if (*count == 0) return TW_OK;
    if (!*to) *to = malloc(*count * sizeof **to);
    TW_TRY(tw_comm_agree(run->comm,
                         *to ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the names of the classes")));
    return tw_comm_bcast(run->comm, 0, *to, *count * sizeof **to);
}
