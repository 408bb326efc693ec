/* The first look at the data of a run: the child does what rank 0 will do, and reads what a crash could hide
 * in. */
#include "thalweg/probe.h"
#include "thalweg/run.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const tw_run_request *request;
    const char *text;
    size_t length;
} look;

static tw_status read_all(tw_run *run, const look *l)
{
    run->text = malloc(l->length + 1);
    if (!run->text) return tw_fail(TW_MEMORY, "out of memory for the configuration");
    memcpy(run->text, l->text, l->length + 1);
    run->length = l->length;
    run->resume = l->request->resume;
    TW_TRY(tw_run_configure(run, l->request->path, l->request->n_sets, l->request->sets, l->request->out));
    TW_TRY(tw_probe_read(&run->dataset, true));
    return run->watched.dataset.path[0] ? tw_probe_read(&run->watched.dataset, false) : TW_OK;
}

static tw_status look_at_run(void *context)
{
    tw_comm *comm;
    static tw_run run;
    TW_TRY(tw_comm_local(&comm));
    tw_run_init(&run, comm);
    return read_all(&run, context); /* the process ends here, so nothing is freed */
}

static tw_status choose_limits(const look *l, tw_probe_limits *limits)
{
    tw_config config;
    tw_config_init(&config);
    tw_config_parse(&config, l->request->path, l->text, l->length);
    for (size_t i = 0; i < l->request->n_sets; i++) tw_config_set(&config, l->request->sets[i]);
    *limits = tw_probe_limits_for(2, (const char *const[]){config.data.train, config.data.validation.file});
    const tw_status status = tw_config_complete(&config);
    tw_config_release(&config);
    return status;
}

tw_status tw_run_probe(const tw_run_request *request, char **text, size_t *length)
{
    TW_TRY(tw_config_read_file(request->path, text, length));
    look l = {request, *text, *length};
    tw_probe_limits limits;
    TW_TRY(choose_limits(&l, &limits));
    return tw_probe_run(&limits, look_at_run, &l, NULL);
}
