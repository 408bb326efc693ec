/* study.h -- a scaling study on disk: what is asked, and where everything of it lies.
 *
 *   DIR/study.json            the question: written once, compared by everything that comes later
 *   DIR/runs/MODE-RRRR-K/     run K of R ranks, an ordinary run folder; done when it has a summary.json
 *   DIR/exchange/RRRR.json    the exchange of R ranks, measured over vector lengths
 *   DIR/data/weak-RRRR.h5     the generated rows of R ranks of a weak study
 *   DIR/logs/                 what each run printed
 *   DIR/jobs/                 job scripts and their output (launcher sbatch)
 *   DIR/scaling.{txt,csv,json,svg,png}   the report */
#ifndef THALWEG_SCALE_STUDY_H
#define THALWEG_SCALE_STUDY_H

#include "thalweg/dataset.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { TW_STUDY_MOST = 64, TW_STUDY_TEXT = 2048 };

typedef enum { TW_STUDY_STRONG, TW_STUDY_WEAK } tw_study_mode;
typedef enum { TW_STUDY_MPIRUN, TW_STUDY_SRUN, TW_STUDY_SBATCH } tw_study_launcher;

typedef struct {
    char config[TW_PATH_LEN]; /* path of the configuration */
    char *text;               /* resolved, with the overrides of the study; owned */
    tw_study_mode mode;
    tw_study_launcher launcher;
    char options[TW_STUDY_TEXT]; /* further words for the launcher */
    size_t n_ranks;
    int ranks[TW_STUDY_MOST]; /* ascending */
    int repeat;
    long iterations;
    long long rows_per_rank;      /* weak */
    char version[32], commit[64]; /* of the program that does the runs */
} tw_study;

/** Read DIR/study.json. Not collective, no MPI. TW_INPUT: none there; TW_DATA: it is none; TW_MEMORY. */
tw_status tw_study_read(const char *dir, tw_study *study) TW_CHECKED;

/** Write it atomically. TW_OUTPUT, TW_IO, TW_MEMORY. */
tw_status tw_study_write(const char *dir, const tw_study *study) TW_CHECKED;

void tw_study_release(tw_study *study);

/** Version and git commit of this program, into the study. */
void tw_study_stamp(tw_study *study);

/**
 * What of the question differs: a line for each, "  iterations: 20 in the study, 30 now\n", keys of the
 * configuration among them. Ranks and repeats are not part of it.
 * @param length of text; whole lines, as many as fit
 * @return number of differences
 */
size_t tw_study_differences(const tw_study *stored, const tw_study *now, size_t length, char *text);

/** More ranks and repeats for a study: those of both. TW_USAGE: more than TW_STUDY_MOST. */
tw_status tw_study_merge(tw_study *into, const tw_study *from) TW_CHECKED;

/** Add a number of ranks in its place; one that is there stays once. TW_USAGE: more than TW_STUDY_MOST. */
tw_status tw_study_add_ranks(tw_study *study, int ranks) TW_CHECKED;

/* Paths below DIR, into buffers of length bytes; they return text. */
char *tw_study_run_path(const char *dir, const tw_study *study, int ranks, int k, size_t length, char *text);
char *tw_study_exchange_path(const char *dir, int ranks, size_t length, char *text);
char *tw_study_data_path(const char *dir, int ranks, size_t length, char *text);

const char *tw_study_mode_name(tw_study_mode mode);
const char *tw_study_launcher_name(tw_study_launcher launcher);

#endif
