/* question.c -- from a configuration to what all runs of the study have in common. */
#include "scale/process.h"
#include "scale/scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tw_scale_release(tw_scale *s)
{
    tw_study_release(&s->study);
    tw_argv_release(&s->options);
}

static void parse(const tw_scale *s, const char *text, size_t length, tw_config *config)
{
    tw_argv words = {0};
    tw_config_init(config);
    tw_config_parse(config, s->study.config, text, length);
    tw_scale_sets(s, &words);
    for (size_t i = 0; i < words.count; i++) tw_config_set(config, strchr(words.words[i], '=') + 1);
    tw_config_set(config, "output.dir=null");
    tw_argv_release(&words);
}

static tw_status print(const tw_config *config, char **text)
{
    size_t length;
    FILE *out = open_memstream(text, &length);
    if (!out) return tw_fail(TW_MEMORY, "out of memory for the configuration");
    const tw_status status = tw_config_write(config, out);
    fclose(out);
    return status;
}

static tw_status judge(tw_scale *s, tw_config *config)
{
    TW_TRY(tw_config_complete(config));
    TW_TRY(tw_config_verdict(config));
    if (config->model.path.count > 0)
        return tw_fail(TW_CONFIG,
                       "a scaling study is of one fit, and %s has a path of penalties: add --set "
                       "model.path.count=null",
                       s->study.config);
    s->allreduce = config->reduction.mode == TW_CONFIG_MODE_ALLREDUCE;
    if (s->study.mode == TW_STUDY_WEAK) TW_TRY(tw_weak_look(config, &s->weak));
    return print(config, &s->study.text);
}

/* Whether there are mini-batches, which decides what the iterations are called. */
static bool has_batch(tw_scale *s, const char *text, size_t length)
{
    tw_config config;
    parse(s, text, length, &config);
    const bool batch = config.optimizer.batch > 0;
    tw_config_release(&config);
    return batch;
}

tw_status tw_scale_resolve(tw_scale *s)
{
    tw_config config;
    char *text;
    size_t length;
    TW_TRY(tw_config_read_file(s->study.config, &text, &length));
    s->batch = has_batch(s, text, length);
    parse(s, text, length, &config);
    free(text);
    const tw_status status = judge(s, &config);
    tw_config_release(&config);
    return status;
}

tw_status tw_scale_check(const tw_scale *s)
{
    tw_argv words = {0};
    tw_process_end end;
    tw_argv_add(&words, "%s", s->program);
    tw_argv_add(&words, "check");
    for (size_t i = 0; i < s->n_sets; i++) tw_argv_add(&words, "--set=%s", s->sets[i]);
    tw_argv_add(&words, "--set=output.dir=%s/runs/none", s->dir);
    tw_argv_add(&words, "--");
    tw_argv_add(&words, "%s", s->study.config);
    const tw_status status = tw_process_run(&words, NULL, 0, &end);
    tw_argv_release(&words);
    TW_TRY(status);
    tw_status_message()[0] = 0;
    return end.code > 128 ? TW_INTERNAL : (tw_status)end.code;
}
