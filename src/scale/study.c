#include "scale/study.h"

#include <stdio.h>
#include <stdlib.h>

const char *tw_study_mode_name(tw_study_mode mode)
{
    return mode == TW_STUDY_WEAK ? "weak" : "strong";
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
