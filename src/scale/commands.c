/* commands.c -- what a study runs, word by word. */
#include "scale/scale.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tw_scale_sets(const tw_scale *s, tw_argv *words)
{
    /* No test ends a run before its iterations but a gradient of exactly 0; without any test there would be
     * the default ones. */
    static const char *const always[] = {"stop.gradient_norm=0",          "stop.gradient_norm_relative=null",
                                         "stop.loss_delta=null",          "stop.loss_delta_relative=null",
                                         "stop.validation_patience=null", "stop.max_time=null",
                                         "checkpoint.every=never"};
    static const char *const generated[] = {"data.features=null", "data.labels=null", "data.weights=null",
                                            "data.validation.file=null"};
    for (size_t i = 0; i < s->n_sets; i++) tw_argv_add(words, "--set=%s", s->sets[i]);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) tw_argv_add(words, "--set=%s", always[i]);
    tw_argv_add(words, "--set=stop.max_%s=%ld", s->batch ? "epochs" : "iterations", s->study.iterations);
    for (size_t i = 0; s->study.mode == TW_STUDY_WEAK && i < sizeof generated / sizeof *generated; i++)
        tw_argv_add(words, "--set=%s", generated[i]);
}

/* ---- launching ---- */

static bool is_core(const char *cpu)
{
    char path[128];
    int first = -1;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%.10s/topology/thread_siblings_list", cpu);
    FILE *file = fopen(path, "re");
    if (!file) return true;
    const bool known = fscanf(file, "%d", &first) == 1;
    fclose(file);
    return !known || first == (int)strtol(cpu, NULL, 10);
}

int tw_scale_cores(void)
{
    cpu_set_t allowed;
    int cores = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        char cpu[16];
        snprintf(cpu, sizeof cpu, "%zu", i);
        cores += CPU_ISSET(i, &allowed) && is_core(cpu);
    }
    return cores ? cores : CPU_COUNT(&allowed);
}

static bool names_hosts(const tw_argv *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (strstr(options->words[i], "host") || strcmp(options->words[i], "-H") == 0) return true;
    return false;
}

bool tw_scale_oversubscribed(const tw_scale *s, int ranks)
{
    return s->launcher == TW_STUDY_MPIRUN && !names_hosts(&s->options) && !getenv("SLURM_JOB_ID") &&
           ranks > tw_scale_cores();
}

void tw_scale_launch(const tw_scale *s, int ranks, tw_argv *words)
{
    if (s->launcher == TW_STUDY_MPIRUN) {
        tw_argv_add(words, "mpirun");
    } else {
        tw_argv_add(words, "srun");
        tw_argv_add(words, "-K");
        tw_argv_add(words, "--mpi=pmix");
    }
    tw_argv_add(words, "-n");
    tw_argv_add(words, "%d", ranks);
    if (tw_scale_oversubscribed(s, ranks)) tw_argv_add(words, "--oversubscribe");
    tw_argv_append(words, s->options.count, s->options.words);
    tw_argv_add(words, "%s", s->program);
}

/* ---- whole commands ---- */

void tw_scale_train_words(const tw_scale *s, int ranks, int k, tw_argv *words)
{
    char path[TW_PATH_LEN + 64];
    tw_scale_launch(s, ranks, words);
    tw_argv_add(words, "train");
    tw_scale_sets(s, words);
    if (s->study.mode == TW_STUDY_WEAK)
        tw_argv_add(words, "--set=data.train=%s", tw_study_data_path(s->dir, ranks, sizeof path, path));
    tw_argv_add(words, "--progress=none");
    tw_argv_add(words, "--resume=never");
    tw_argv_add(words, "--out=%s", tw_study_run_path(s->dir, &s->study, ranks, k, sizeof path, path));
    tw_argv_add(words, "--");
    tw_argv_add(words, "%s", s->study.config);
}

void tw_scale_generate_words(const tw_scale *s, int ranks, tw_argv *words)
{
    char path[TW_PATH_LEN + 64];
    tw_scale_launch(s, ranks, words);
    tw_weak_words(&s->weak, s->study.rows_per_rank * ranks,
                  tw_study_data_path(s->dir, ranks, sizeof path, path), words);
}

void tw_scale_exchange_words(const tw_scale *s, int ranks, tw_argv *words)
{
    char path[TW_PATH_LEN + 64];
    tw_scale_result run;
    tw_scale_result_read(s, ranks, 1, &run);
    tw_scale_launch(s, ranks, words);
    tw_argv_add(words, "scale");
    tw_argv_add(words, "exchange");
    tw_argv_add(words, "--mode=%s", s->allreduce ? "allreduce" : "reproducible");
    if (run.done) tw_argv_add(words, "--groups=%ld", run.groups);
    tw_argv_add(words, "-o");
    tw_argv_add(words, "%s", tw_study_exchange_path(s->dir, ranks, sizeof path, path));
}
