/* `thalweg export`: a model as text that any program reads. */
#include "cli/export.h"

#include "cli/apply_model.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "core/output_file.h"
#include "thalweg/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TO = 256, FORCE };

static const struct argp_option options[] = {
    {"to", TO, "json|csv", 0, "The format; by default that of the name of FILE", 0},
    {"output", 'o', "FILE", 0, "Write to FILE (default: to the screen)", 0},
    {"force", FORCE, NULL, 0, "Replace FILE", 0},
    {0}};

typedef struct {
    const char *model, *output, *to;
    bool force;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case TO: a->to = value; break;
    case 'o': a->output = value; break;
    case FORCE: a->force = true; break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one model at a time", value, &a->model); break;
    case ARGP_KEY_END:
        if (!a->model) argp_error(state, "which model? (a model.h5)");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "MODEL.h5 --to json|csv [-o FILE]",
    .doc =
        "Write a trained model as JSON or CSV."
        "\vjson: every array of the model under the name it has in model.h5, null where there is none. csv: "
        "a row "
        "for the intercept, then one for each feature, a column for each class. coef_ and intercept_ are for "
        "features in original units: scaling is folded in. Numbers have 17 significant digits, which read "
        "back "
        "to the same bits.\n"
        "thalweg export runs/digits-softmax/model.h5 --to csv -o digits.csv"};

typedef tw_status (*writer)(const tw_model_file *file, FILE *out);

static tw_status choose_writer(const arguments *a, writer *write)
{
    const char *dot = a->output ? strrchr(a->output, '.') : NULL, *name = a->to ? a->to
                                                                          : dot ? dot + 1
                                                                                : NULL;
    if (!name || (!a->to && strcasecmp(name, "json") != 0 && strcasecmp(name, "csv") != 0))
        return tw_fail(TW_USAGE, "to what? Say --to json or --to csv");
    *write = strcasecmp(name, "json") == 0 ? tw_export_json : tw_export_csv;
    if (strcasecmp(name, "json") == 0 || strcasecmp(name, "csv") == 0) return TW_OK;
    return tw_fail(TW_USAGE, "a model is exported to json or csv, not to '%s'", name);
}

/* ---- the model ---- */

static tw_status read_in_child(void *context)
{
    static tw_model_file file;
    const char *const path = context;
    bool edited;
    tw_probe_doing(path, "reading the model");
    TW_TRY(tw_model_file_read(&file, path, &edited));
    return tw_model_file_read_arrays(&file, path); /* the process ends here, so nothing is freed */
}

static tw_status read_model(tw_model_file *file, const char *path)
{
    char *name = strdup(path);
    const tw_probe_limits limits = tw_probe_limits_for(1, &path);
    if (!name) return tw_fail(TW_MEMORY, "out of memory for the name of the model");
    const tw_status probed = tw_probe_run(&limits, read_in_child, name, NULL);
    free(name);
    TW_TRY(probed);
    TW_TRY(tw_apply_read_file(file, path));
    return tw_model_file_read_arrays(file, path);
}

/* ---- the text ---- */

static tw_status save(const arguments *a, size_t size, const char *text)
{
    tw_output_file out = {0};
    tw_status status = tw_output_file_open(&out, a->output, a->force);
    if (status == TW_OK) {
        tw_output_file_write(&out, 0, size, text);
        status = tw_output_file_commit(&out, NULL);
    }
    tw_output_file_release(&out);
    return status;
}

static tw_status show(size_t size, const char *text)
{
    if (fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0) return TW_OK;
    return tw_fail(TW_IO, "cannot write the model to stdout: %s", strerror(errno));
}

static tw_status write_text(const arguments *a, const tw_model_file *file, writer write)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (!out) return tw_fail(TW_MEMORY, "out of memory for the model as text");
    tw_status status = write(file, out);
    const bool whole = !ferror(out);
    if ((fclose(out) != 0 || !whole) && status == TW_OK)
        status = tw_fail(TW_MEMORY, "out of memory for the model as text");
    if (status == TW_OK) status = a->output ? save(a, size, text) : show(size, text);
    free(text);
    return status;
}

tw_status tw_command_export(int argc, char **argv)
{
    arguments a = {0};
    tw_model_file file = {0};
    writer write;
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &a));
    if (tw_launch_rank() != 0) return TW_OK;
    TW_TRY(choose_writer(&a, &write));
    if (a.output) TW_TRY(tw_output_file_possible(a.output, a.force));
    tw_status status = read_model(&file, a.model);
    if (status == TW_OK) status = write_text(&a, &file, write);
    tw_model_file_release(&file);
    return status;
}
