/* jobs.c -- a study as jobs of Slurm: one a number of ranks, each after the one before, so that they do not
 * disturb each other. A job does its runs by `thalweg scale run` itself, inside its allocation. */
#include "scale/process.h"
#include "scale/scale.h"

#include "thalweg/file.h"
#include "thalweg/interrupt.h"
#include "thalweg/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { JOB_PATH = TW_PATH_LEN + 64, JOB_ID = 32, SECONDS_OF_SLURM = 120, POLL_SECONDS = 2 };

static const char *job_path(const tw_scale *s, int ranks, const char *kind, char path[JOB_PATH])
{
    snprintf(path, JOB_PATH, "%s/jobs/%04d.%s", s->dir, ranks, kind);
    return path;
}

static bool all_done(const tw_scale *s, int ranks)
{
    tw_scale_result result = {.done = true};
    for (int k = 1; k <= s->study.repeat && result.done; k++) tw_scale_result_read(s, ranks, k, &result);
    return result.done;
}

/* ---- the script ---- */

static void list_words(const tw_scale *s, int ranks, tw_argv *words)
{
    char limit[TW_UNIT_LEN];
    tw_argv_add(words, "%s", s->program);
    tw_argv_add(words, "scale");
    tw_argv_add(words, "run");
    tw_argv_add(words, "--job");
    tw_argv_add(words, "--ranks=%d", ranks);
    tw_argv_add(words, "--mode=%s", tw_study_mode_name(s->study.mode));
    tw_argv_add(words, "--repeat=%d", s->study.repeat);
    tw_argv_add(words, "--iterations=%ld", s->study.iterations);
    tw_argv_add(words, "--max-time=%s", tw_units_clock(s->limit, limit));
    if (s->study.rows_per_rank) tw_argv_add(words, "--rows-per-rank=%lld", s->study.rows_per_rank);
    if (!s->exchange) tw_argv_add(words, "--no-exchange");
    for (size_t i = 0; i < s->n_sets; i++) tw_argv_add(words, "--set=%s", s->sets[i]);
    tw_argv_add(words, "--out=%s", s->dir);
}

static tw_status write_text(const tw_scale *s, int ranks, const tw_argv *words, char **text)
{
    size_t length;
    FILE *out = open_memstream(text, &length);
    if (!out) return tw_fail(TW_MEMORY, "out of memory for a job script");
    fprintf(out,
            "#!/usr/bin/env bash\n"
            "# The runs of %d ranks of a scaling study; written by `thalweg scale run --launcher sbatch`.\n"
            "#SBATCH --job-name=scale-%04d\n"
            "#SBATCH --ntasks=%d\n"
            "set -euo pipefail\n"
            "# THALWEG_LAUNCHER: srun (the default) or mpirun. srun does not take --cpus-per-task over by "
            "itself.\n"
            "[ -z \"${SLURM_CPUS_PER_TASK:-}\" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK\n"
            "exec",
            ranks, ranks, ranks);
    for (size_t i = 0; i < words->count; i++) {
        fputs(i < 3 ? " " : " \\\n    ", out);
        tw_argv_quote(out, words->words[i]);
    }
    fputs(" \\\n    --launcher=\"${THALWEG_LAUNCHER:-srun}\" -- ", out);
    tw_argv_quote(out, s->study.config);
    fputc('\n', out);
    const bool whole = !ferror(out);
    if (fclose(out) == 0 && whole && *text) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for a job script");
}

static tw_status write_script(const tw_scale *s, int ranks)
{
    char path[JOB_PATH], *text = NULL;
    tw_argv words = {0};
    list_words(s, ranks, &words);
    tw_status status = tw_argv_complete(&words);
    if (status == TW_OK) status = write_text(s, ranks, &words, &text);
    if (status == TW_OK) {
        const tw_bytes part = {text, strlen(text)};
        status = tw_file_commit(job_path(s, ranks, "sh", path), 1, &part);
    }
    free(text);
    tw_argv_release(&words);
    return status;
}

/* ---- Slurm ---- */

/* A line of a file that begins with a digit, up to the first character of no number; "" when there is none.
 */
static void read_id(const char *path, char id[JOB_ID])
{
    char *text;
    size_t size;
    id[0] = 0;
    if (tw_file_read(path, 1 << 16, &text, &size) != TW_OK) return;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (isdigit((unsigned char)*line)) {
            snprintf(id, JOB_ID, "%.*s", (int)strspn(line, "0123456789_"), line);
            break;
        }
    free(text);
}

/* Is that job still in the queue? What squeue prints is a log like any other. */
static tw_status is_queued(const tw_scale *s, const char *id, bool *queued)
{
    char log[JOB_PATH];
    tw_argv words = {0};
    tw_process_end end;
    char found[JOB_ID];
    *queued = false;
    if (!id[0]) return TW_OK;
    snprintf(log, sizeof log, "%s/jobs/squeue", s->dir);
    tw_argv_add(&words, "squeue");
    tw_argv_add(&words, "--noheader");
    tw_argv_add(&words, "--format=%%i");
    tw_argv_add(&words, "--jobs=%s", id);
    const tw_status status = tw_process_run(&words, log, SECONDS_OF_SLURM, &end);
    tw_argv_release(&words);
    TW_TRY(status);
    read_id(log, found);
    *queued = end.code == 0 && strcmp(found, id) == 0;
    return TW_OK;
}

/* % begins a pattern in names of output files. */
static void add_output(const tw_scale *s, int ranks, tw_argv *words)
{
    char path[JOB_PATH], escaped[2 * JOB_PATH], *to = escaped;
    for (const char *from = job_path(s, ranks, "out", path); *from; from++) {
        *to++ = *from;
        if (*from == '%') *to++ = '%';
    }
    *to = 0;
    tw_argv_add(words, "--output=%s", escaped);
}

static tw_status submit(const tw_scale *s, int ranks, char last[JOB_ID])
{
    char path[JOB_PATH], log[JOB_PATH];
    tw_argv words = {0};
    tw_process_end end;
    TW_TRY(write_script(s, ranks));
    tw_argv_add(&words, "sbatch");
    tw_argv_add(&words, "--parsable");
    tw_argv_add(&words, "--open-mode=append");
    add_output(s, ranks, &words);
    if (last[0]) tw_argv_add(&words, "--dependency=afterany:%s", last);
    tw_argv_append(&words, s->options.count, s->options.words);
    tw_argv_add(&words, "%s", job_path(s, ranks, "sh", path));
    const tw_status status = tw_process_run(&words, job_path(s, ranks, "id", log), SECONDS_OF_SLURM, &end);
    tw_argv_release(&words);
    TW_TRY(status);
    read_id(log, last);
    if (end.code == 0 && last[0]) return TW_OK;
    tw_scale_print_tail(log);
    unlink(log);
    return tw_fail(TW_IO, "sbatch refused the job of %d ranks (code %d)", ranks, end.code);
}

static tw_status submit_or_skip(const tw_scale *s, int ranks, char last[JOB_ID])
{
    char path[JOB_PATH], id[JOB_ID];
    bool queued = false;
    if (all_done(s, ranks)) {
        if (!s->quiet) printf("%-6s %4d ranks  done\n", tw_study_mode_name(s->study.mode), ranks);
        return TW_OK;
    }
    read_id(job_path(s, ranks, "id", path), id);
    TW_TRY(is_queued(s, id, &queued));
    if (queued)
        memcpy(last, id, JOB_ID);
    else
        TW_TRY(submit(s, ranks, last));
    if (!s->quiet)
        printf("%-6s %4d ranks  %s job %s, %s\n", tw_study_mode_name(s->study.mode), ranks,
               queued ? "already queued as" : "submitted as", last, job_path(s, ranks, "out", path));
    return TW_OK;
}

static tw_status wait_for(const tw_scale *s, double wait)
{
    const time_t until = time(NULL) + (time_t)wait;
    char path[JOB_PATH], id[JOB_ID];
    for (size_t i = 0; i < s->study.n_ranks; i++) {
        bool queued = true;
        read_id(job_path(s, s->study.ranks[i], "id", path), id);
        for (;;) {
            TW_TRY(is_queued(s, id, &queued));
            if (!queued) break;
            if (wait > 0 && time(NULL) > until)
                return tw_fail(TW_STOPPED, "job %s is still in the queue; the same command goes on waiting",
                               id);
            sleep(POLL_SECONDS);
        }
    }
    for (size_t i = 0; i < s->study.n_ranks; i++)
        if (!all_done(s, s->study.ranks[i]))
            return tw_fail(TW_IO, "the job of %d ranks left runs undone; see %s", s->study.ranks[i],
                           job_path(s, s->study.ranks[i], "out", path));
    return TW_OK;
}

tw_status tw_scale_submit(const tw_scale *s, double wait)
{
    char last[JOB_ID] = "";
    for (size_t i = 0; i < s->study.n_ranks; i++) TW_TRY(submit_or_skip(s, s->study.ranks[i], last));
    return wait != 0 ? wait_for(s, wait) : TW_OK;
}
