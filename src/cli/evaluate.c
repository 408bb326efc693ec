/* `thalweg evaluate`: how good a model is on a data set it has perhaps not seen. */
#include "cli/evaluate.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "thalweg/interrupt.h"
#include "thalweg/phase.h"

#include <string.h>

enum { JSON = 256, PICTURE, COEFFICIENTS };

static const struct argp_option options[] = {
    {"json", JSON, NULL, 0, "Print one JSON object instead of tables", 0},
    {"picture", PICTURE, "FILE", 0, "Draw the confusion matrix as FILE.svg or FILE.png", 0},
    {"coefficients", COEFFICIENTS, "FILE", 0, "Draw the largest coefficients as FILE.svg or FILE.png", 0},
    TW_APPLY_FEATURES_OPTION,
    TW_APPLY_WATCHDOG_OPTION,
    TW_APPLY_LABELS_OPTIONS,
    {0}};

typedef struct {
    tw_apply_paths paths;
    const char *picture, *coefficients;
    bool json;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case JSON: a->json = true; break;
    case PICTURE: a->picture = value; break;
    case COEFFICIENTS: a->coefficients = value; break;
    default: return tw_apply_parse(key, value, state, &a->paths);
    }
    return 0;
}

static const struct argp parser = {.options = options,
                                   .parser = parse_option,
                                   .args_doc = "MODEL.h5 DATA.h5",
                                   .doc =
                                       "Compare the predictions of a model with the labels of a data set."};

static tw_status check_pictures(const arguments *args)
{
    if (args->picture) TW_TRY(tw_picture_name("--picture", args->picture));
    if (args->coefficients) TW_TRY(tw_picture_name("--coefficients", args->coefficients));
    if (args->picture && args->coefficients && strcmp(args->picture, args->coefficients) == 0)
        return tw_fail(TW_USAGE, "--picture and --coefficients would both be written to %s: name two files",
                       args->picture);
    return TW_OK;
}

static tw_status show(const tw_evaluation *e, const arguments *args)
{
    FILE *const talk = args->json ? stderr : stdout;
    if (args->json)
        TW_TRY(tw_evaluate_json(e));
    else
        tw_evaluate_print(e);
    if (args->picture) {
        TW_TRY(tw_confusion_picture(e, args->picture));
        fprintf(talk, "wrote %s\n", args->picture);
    }
    if (args->coefficients) {
        TW_TRY(tw_coefficients_picture(e, args->coefficients));
        fprintf(talk, "wrote %s\n", args->coefficients);
    }
    return TW_OK;
}

static tw_status evaluate(tw_apply *a, tw_comm *comm, const arguments *args)
{
    tw_metrics metrics = {0};
    TW_TRY(tw_apply_open(a, comm, &args->paths, true));
    if (args->picture && a->model.classes == 0)
        return tw_fail(
            TW_USAGE,
            "--picture: a %s model predicts numbers, so there is no confusion matrix; leave --picture out",
            a->model.ops->name);
    tw_phase_enter(TW_AT_EVALUATE, 0);
    const tw_metrics_input input = {.comm = comm,
                                    .partition = &a->partition,
                                    .model = &a->model,
                                    .shard = &a->shard,
                                    .raw = a->raw,
                                    .threads = a->threads};
    tw_status status = tw_metrics_compute(&metrics, &input);
    const tw_evaluation e = {a, &metrics, args->paths.model, args->paths.data};
    if (status == TW_OK && tw_comm_rank(comm) == 0) status = show(&e, args);
    tw_metrics_release(&metrics);
    return tw_comm_bcast_status(comm, 0, status);
}

tw_status tw_command_evaluate(int argc, char **argv)
{
    arguments args = {0};
    tw_comm *comm;
    tw_apply apply = {0};
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &args));
    TW_TRY(check_pictures(&args));
    tw_interrupt_install();
    const tw_status probed = tw_apply_probe(&args.paths, true);
    TW_TRY(tw_apply_start(&comm, &argc, &argv, &args.paths));
    tw_interrupt_install(); /* MPI may have taken signals */
    tw_status status = tw_apply_probed(comm, &args.paths, probed);
    if (status == TW_OK) status = evaluate(&apply, comm, &args);
    tw_apply_release(&apply);
    return tw_command_end(comm, status);
}
