/* `thalweg inspect`: what a data file, a model, a checkpoint or a run folder holds. */
#include "cli/inspect.h"

#include "cli/arguments.h"
#include "cli/command.h"
#include "thalweg/checkpoint.h"
#include "thalweg/file.h"
#include "thalweg/model_file.h"
#include "thalweg/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STRUCTURE = 256, FEATURES, LABELS, WEIGHTS };
enum { HEAD_BYTES = 65536, KIND_AT = 8, KIND_LEN = 8 };

static const struct argp_option options[] = {
    {"structure", STRUCTURE, NULL, 0, "Only how the data is stored; do not read the values", 0},
    {"features", FEATURES, "NAME", 0, "Data set that holds the features, as data.features", 0},
    {"labels", LABELS, "NAME", 0, "Data set that holds the labels, as data.labels", 0},
    {"weights", WEIGHTS, "NAME", 0, "Data set that holds the weights, as data.weights", 0},
    {0}};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    tw_inspect *in = state->input;
    switch (key) {
    case STRUCTURE: in->structure = true; break;
    case FEATURES: in->names.features = value; break;
    case LABELS: in->names.labels = value; break;
    case WEIGHTS: in->names.weights = value; break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one file or folder at a time", value, &in->path); break;
    case ARGP_KEY_END:
        if (!in->path) argp_error(state, "which file or run folder?");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "FILE|RUN_DIR",
    .doc = "Show what a data set, a model, a checkpoint or a run folder holds."
           "\vThe digest of a data set is XXH3-128 of its features as little-endian doubles, row by row, so "
           "it does not "
           "depend on how they are stored. In Python:\n"
           "  xxhash.xxh3_128(h5py.File(\"data.h5\")[\"X\"][:].astype(\"<f8\").tobytes()).hexdigest()"};

/* HDF5 looks for its signature at 0, 512, 1024, 2048, ... */
static bool is_hdf5(size_t size, const char *head)
{
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    const size_t length = sizeof signature - 1;
    for (size_t at = 0; at + length <= size; at = at ? 2 * at : 512)
        if (memcmp(head + at, signature, length) == 0) return true;
    return false;
}

/* The header of image.h: magic, then the kind in small letters; "" when there is none. TW_DATA: damaged. */
static tw_status find_kind(const char *path, size_t size, const char *head, char kind[KIND_LEN + 1])
{
    static const char magic[] = "\x89THW\r\n\x1a\n";
    kind[0] = 0;
    if (size < 4 || memcmp(head, magic, 4) != 0) return TW_OK;
    if (size < KIND_AT + KIND_LEN) return tw_fail(TW_DATA, "%s is damaged: it ends in its header", path);
    if (memcmp(head, magic, sizeof magic - 1) != 0)
        return tw_fail(TW_DATA, "%s is damaged: it was copied as text; copy it again in binary mode", path);
    memcpy(kind, head + KIND_AT, KIND_LEN);
    kind[KIND_LEN] = 0;
    const size_t letters = strspn(kind, "abcdefghijklmnopqrstuvwxyz");
    if (letters > 0 && kind[letters] == 0) return TW_OK;
    return tw_fail(TW_DATA, "%s is damaged: its header does not say what it is", path);
}

static tw_status inspect_head(const tw_inspect *in, size_t size, const char *head)
{
    char kind[KIND_LEN + 1];
    TW_TRY(find_kind(in->path, size, head, kind));
    if (strcmp(kind, TW_MODEL_FILE_KIND) == 0) return tw_inspect_model(in->path);
    if (strcmp(kind, TW_CHECKPOINT_KIND) == 0) return tw_inspect_checkpoint(in->path);
    if (kind[0]) return tw_inspect_data(in, kind);
    return is_hdf5(size, head) ? tw_inspect_data(in, NULL) : tw_inspect_guess(in->path, size, head);
}

static tw_status inspect_file(const tw_inspect *in)
{
    size_t size;
    struct stat info;
    if (stat(in->path, &info) == 0 && S_ISDIR(info.st_mode)) return tw_inspect_folder(in->path);
    char *const head = calloc(1, HEAD_BYTES + 1);
    if (!head) return tw_fail(TW_MEMORY, "out of memory for the head of %s", in->path);
    tw_status status = tw_file_peek(in->path, HEAD_BYTES, head, &size);
    if (status == TW_OK) status = inspect_head(in, size, head);
    free(head);
    return status;
}

static tw_status flushed(tw_status status)
{
    if (fflush(stdout) == 0 || status != TW_OK) return status;
    return tw_fail(TW_IO, "cannot write to stdout: %s", strerror(errno));
}

/* ---- the child process that reads ---- */

static tw_status read_in_child(void *context)
{
    const tw_inspect *const in = context;
    tw_probe_doing(in->path, "inspecting it");
    return flushed(inspect_file(in));
}

/* HDF5 crashes on some damaged files, and this is the command for looking at a file one does not trust. */
static tw_status inspect_guarded(tw_inspect *in)
{
    int number;
    tw_probe_limits limits = tw_probe_limits_for(1, &in->path);
    limits.output = true;
    limits.clock = 0; /* a pager may keep us waiting */
    limits.memory = 0;
    const tw_status status = tw_probe_run(&limits, read_in_child, in, &number);
    if (number == SIGPIPE || number == SIGINT || number == SIGTERM || number == SIGHUP) {
        signal(number, SIG_DFL); /* interrupted: end as the child did */
        raise(number);
    }
    return status;
}

tw_status tw_command_inspect(int argc, char **argv)
{
    tw_inspect in = {0};
    struct stat info;
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &in));
    if (tw_launch_rank() != 0) return TW_OK;
    if (stat(in.path, &info) != 0) return tw_fail(TW_INPUT, "cannot open %s: %s", in.path, strerror(errno));
    return inspect_guarded(&in);
}
