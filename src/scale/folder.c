/* The folder of a study: who may write into it, and the question that it answers. */
#include "scale/scale.h"

#include "thalweg/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_SECONDS = 60 };

/* Held until this process ends. A job may meet the command that submitted it, for a moment. */
tw_status tw_scale_lock(const tw_scale *s, bool patient, int *lock)
{
    char path[TW_PATH_LEN + 64];
    const time_t until = time(NULL) + (patient ? LOCK_SECONDS : 0);
    snprintf(path, sizeof path, "%s/lock", s->dir);
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*lock < 0) return tw_fail(TW_OUTPUT, "cannot create %s: %s", path, strerror(errno));
    while (flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return TW_OK; /* a file system without locks */
        if (time(NULL) >= until)
            return tw_fail(TW_OUTPUT, "another `thalweg scale run` is at work in %s", s->dir);
        usleep(200000);
    }
    return TW_OK;
}

tw_status tw_scale_make_folders(const tw_scale *s)
{
    static const char *const names[] = {"runs", "exchange", "data", "logs", "jobs"};
    char path[TW_PATH_LEN + 64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", s->dir, names[i]);
        TW_TRY(tw_folder_make(path));
    }
    return TW_OK;
}

tw_status tw_scale_compare(const tw_scale *s, const tw_study *stored)
{
    char text[4096];
    const size_t count = tw_study_differences(stored, &s->study, sizeof text, text);
    if (count == 0) return TW_OK;
    return tw_fail(
        TW_OUTPUT,
        "the study in %s asks something else:\n%stheir numbers must not be mixed; choose another folder "
        "with --out DIR",
        s->dir, text);
}

/* The study on disk gets what is asked now; nothing is written when it has it. */
tw_status tw_scale_keep(const tw_scale *s, const tw_study *stored)
{
    tw_study all = s->study;
    if (stored) {
        TW_TRY(tw_study_merge(&all, stored));
        if (all.n_ranks == stored->n_ranks && all.repeat == stored->repeat) return TW_OK;
    }
    return tw_study_write(s->dir, &all);
}

static tw_status is_foreign(const tw_scale *s, const char *name)
{
    char path[TW_PATH_LEN + 64];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    return stat(path, &info) == 0
               ? tw_fail(TW_OUTPUT,
                         "%s has %s and no study.json: it is no study; choose another folder with --out DIR",
                         s->dir, name)
               : TW_OK;
}

tw_status tw_scale_find(const tw_scale *s, tw_study *stored, bool *found)
{
    char path[TW_PATH_LEN + 64];
    snprintf(path, sizeof path, "%s/study.json", s->dir);
    *found = access(path, F_OK) == 0;
    if (*found) return tw_study_read(s->dir, stored);
    TW_TRY(is_foreign(s, "summary.json"));
    return is_foreign(s, "runs");
}
