#include "scale/study.h"

#include "thalweg/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tw_study_mode_name(tw_study_mode mode)
{
    return mode == TW_STUDY_WEAK ? "weak" : "strong";
}

const char *tw_study_launcher_name(tw_study_launcher launcher)
{
    return launcher == TW_STUDY_SBATCH ? "sbatch" : launcher == TW_STUDY_SRUN ? "srun" : "mpirun";
}

char *tw_study_run_path(const char *dir, const tw_study *study, int ranks, int k, size_t length, char *text)
{
    snprintf(text, length, "%s/runs/%s-%04d-%d", dir, tw_study_mode_name(study->mode), ranks, k);
    return text;
}

char *tw_study_exchange_path(const char *dir, int ranks, size_t length, char *text)
{
    snprintf(text, length, "%s/exchange/%04d.json", dir, ranks);
    return text;
}

char *tw_study_data_path(const char *dir, int ranks, size_t length, char *text)
{
    snprintf(text, length, "%s/data/weak-%04d.h5", dir, ranks);
    return text;
}

void tw_study_release(tw_study *study)
{
    free(study->text);
    study->text = NULL;
}

void tw_study_stamp(tw_study *study)
{
    snprintf(study->version, sizeof study->version, "%s", TW_VERSION);
    snprintf(study->commit, sizeof study->commit, "%s", TW_GIT_COMMIT);
}

tw_status tw_study_add_ranks(tw_study *study, int ranks)
{
    size_t at = 0;
    while (at < study->n_ranks && study->ranks[at] < ranks) at++;
    if (at < study->n_ranks && study->ranks[at] == ranks) return TW_OK;
    if (study->n_ranks == TW_STUDY_MOST)
        return tw_fail(TW_USAGE, "a study has at most %d numbers of ranks", TW_STUDY_MOST);
    memmove(study->ranks + at + 1, study->ranks + at, (study->n_ranks - at) * sizeof *study->ranks);
    study->ranks[at] = ranks;
    study->n_ranks++;
    return TW_OK;
}

tw_status tw_study_merge(tw_study *into, const tw_study *from)
{
    for (size_t i = 0; i < from->n_ranks; i++) TW_TRY(tw_study_add_ranks(into, from->ranks[i]));
    if (from->repeat > into->repeat) into->repeat = from->repeat;
    return TW_OK;
}
