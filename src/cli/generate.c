/* generate.c -- `thalweg generate`: a data set with a known truth, from the command line.
 *
 * argp only collects words; what they mean is decided after it, so that every mistake ends in a sentence of
 * ours. All of it comes before MPI starts, the same on every rank. */
#include "thalweg/generate.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "thalweg/comm.h"
#include "thalweg/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TASK,
    ROWS,
    FEATURES,
    CLASSES,
    NOISE,
    CONDITION,
    SEED,
    TYPE,
    UNIFORM,
    COEFFICIENTS,
    INTERCEPT,
    WORDS, /* options with a value that is parsed here */
    FORCE = WORDS,
    KEY = 256
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "HDF5 file to write", 1},
    {"task", KEY + TASK, "TASK", 0, "linear, logistic or softmax", 1},
    {"rows", KEY + ROWS, "N", 0, "Number of rows", 1},
    {"features", KEY + FEATURES, "P", 0, "Number of features", 1},
    {"classes", KEY + CLASSES, "K", 0, "Number of classes of softmax (3)", 2},
    {"noise", KEY + NOISE, "S", 0,
     "linear: standard deviation of the noise (0.1); logistic, softmax: temperature of the labels (1), 0 "
     "makes them "
     "certain",
     2},
    {"condition", KEY + CONDITION, "C", 0, "Condition number of the features (1)", 2},
    {"seed", KEY + SEED, "S", 0, "Seed of everything that is drawn (0)", 2},
    {"type", KEY + TYPE, "TYPE", 0, "Type of the features: f32 or f64 (f32)", 2},
    {"uniform", KEY + UNIFORM, "LOW,HIGH", 0, "Features uniform on [LOW, HIGH) instead of standard normal",
     2},
    {"coefficients", KEY + COEFFICIENTS, "W1,W2,...", 0,
     "True coefficients, class by class (drawn so that the signal has variance 1)", 2},
    {"intercept", KEY + INTERCEPT, "B", 0,
     "True intercept, one a class (drawn, or 0 beside given coefficients)", 2},
    {"force", KEY + FORCE, NULL, 0, "Replace FILE", 3},
    {0}};

static const char doc[] =
    "Write a data set with a known truth: /X, /y, /true_coefficients and /true_intercept."
    "\vThe same command gives the same bytes from any number of ranks:\n"
    "  thalweg generate -o line.h5 --task linear --rows 100 --features 1 --uniform 0,2 --coefficients 3 "
    "--intercept 4 --noise 1 --seed 1 --type f64\n"
    "  mpirun -n 4 thalweg generate -o big.h5 --task logistic --rows 10000000 --features 100";

typedef struct {
    const char *output, *words[WORDS]; /* as written, NULL when not */
    bool force;
    tw_generate set;
    double *coefficients, *intercept; /* owned */
} arguments;

static tw_status parse_count(const char *name, const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        return tw_fail(TW_USAGE, "--%s %s is not a whole number in range", name, text);
    if (*value < 1) return tw_fail(TW_USAGE, "--%s must be at least 1, not %s", name, text);
    return TW_OK;
}

static tw_status parse_seed(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (end == text || *end || errno || strchr(text, '-'))
        return tw_fail(TW_USAGE, "--seed %s is not a whole number from 0 to 18446744073709551615", text);
    return TW_OK;
}

static tw_status parse_number(const char *name, const char *text, char stop, const char **rest, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || !isfinite(*value) || (*end && *end != stop))
        return tw_fail(TW_USAGE, "--%s: '%.*s' is not a finite number", name, (int)strcspn(text, ","), text);
    *rest = *end ? end + 1 : NULL;
    return TW_OK;
}

static tw_status parse_real(const char *name, const char *text, double *value)
{
    const char *rest;
    return parse_number(name, text, 0, &rest, value);
}

static tw_status parse_list(const char *name, const char *text, double **values, size_t *count)
{
    size_t most = 1;
    for (const char *at = text; *at; at++) most += *at == ',';
    *values = malloc(most * sizeof **values);
    if (!*values) return tw_fail(TW_MEMORY, "no memory for the %zu numbers of --%s", most, name);
    *count = 0;
    for (const char *rest = text; rest;) TW_TRY(parse_number(name, rest, ',', &rest, &(*values)[(*count)++]));
    return TW_OK;
}

static tw_status parse_range(const char *text, tw_generate *set)
{
    double *range = NULL;
    size_t count;
    tw_status status = parse_list("uniform", text, &range, &count);
    if (!status && (count != 2 || !(range[0] < range[1])))
        status = tw_fail(TW_USAGE, "--uniform needs two numbers LOW,HIGH with LOW < HIGH, not %s", text);
    if (!status) {
        set->uniform = true;
        set->low = range[0];
        set->high = range[1];
    }
    free(range);
    return status;
}

static tw_status parse_task(const char *text, tw_generate_task *task)
{
    for (*task = 0; *task < TW_GENERATE_N_TASKS; (*task)++)
        if (strcmp(text, tw_generate_task_name(*task)) == 0) return TW_OK;
    return tw_fail(TW_USAGE, "--task is linear, logistic or softmax, not %s", text);
}

static tw_status parse_type(const char *text, tw_dtype *type)
{
    for (*type = 0; *type < TW_N_DTYPES; (*type)++)
        if (strcmp(text, tw_dtype_name(*type)) == 0) return TW_OK;
    return tw_fail(TW_USAGE, "--type is f32 or f64, not %s", text);
}

static error_t take_word(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case 'o': a->output = text; return 0;
    case KEY + FORCE: a->force = true; return 0;
    default:
        if (key < KEY || key >= KEY + WORDS) return ARGP_ERR_UNKNOWN;
        a->words[key - KEY] = text;
        return 0;
    }
}

static const struct argp parser = {.options = options, .parser = take_word, .doc = doc};

static tw_status check_missing(const arguments *a)
{
    const char *missing = !a->output            ? "-o FILE"
                          : !a->words[TASK]     ? "--task linear|logistic|softmax"
                          : !a->words[ROWS]     ? "--rows N"
                          : !a->words[FEATURES] ? "--features P"
                                                : NULL;
    return missing ? tw_fail(TW_USAGE, "%s is missing; see thalweg generate --help", missing) : TW_OK;
}

static tw_status parse_word(arguments *a, int option, const char *text)
{
    tw_generate *set = &a->set;
    switch (option) {
    case TASK: return parse_task(text, &set->task);
    case ROWS: return parse_count("rows", text, &set->rows);
    case FEATURES: return parse_count("features", text, &set->features);
    case CLASSES: return parse_count("classes", text, &set->classes);
    case NOISE: return parse_real("noise", text, &set->noise);
    case CONDITION: return parse_real("condition", text, &set->condition);
    case SEED: return parse_seed(text, &set->seed);
    case TYPE: return parse_type(text, &set->type);
    case UNIFORM: return parse_range(text, set);
    case COEFFICIENTS: return parse_list("coefficients", text, &a->coefficients, &set->n_coefficients);
    default: return parse_list("intercept", text, &a->intercept, &set->n_intercept);
    }
}

static tw_status read_settings(arguments *a)
{
    tw_generate *set = &a->set;
    TW_TRY(check_missing(a));
    for (int i = 0; i < WORDS; i++)
        if (a->words[i]) TW_TRY(parse_word(a, i, a->words[i]));
    if (!a->words[CLASSES] && set->task == TW_GENERATE_SOFTMAX) set->classes = 3;
    if (!a->words[NOISE]) set->noise = set->task == TW_GENERATE_LINEAR ? 0.1 : 1;
    set->coefficients = a->coefficients;
    set->intercept = a->intercept;
    return tw_generate_check(set);
}

static void report(const arguments *a)
{
    const tw_generate *set = &a->set;
    const size_t label = set->task == TW_GENERATE_LINEAR ? sizeof(double) : sizeof(int32_t);
    const double row = (double)set->features * (double)tw_dtype_size(set->type) + (double)label;
    char size[TW_UNIT_LEN];
    printf("wrote %s: /X (%lld, %lld) %s, /y (%lld), %s\n", a->output, (long long)set->rows,
           (long long)set->features, tw_dtype_name(set->type), (long long)set->rows,
           tw_units_bytes((double)set->rows * row, size));
}

static tw_status generate(const arguments *a, int argc, char **argv)
{
    tw_comm *comm;
    TW_TRY(tw_comm_init(&comm, &argc, &argv));
    const tw_status status = tw_generate_file(comm, &a->set, a->output, a->force);
    if (!status && tw_comm_rank(comm) == 0) report(a);
    return tw_command_end(comm, status);
}

tw_status tw_command_generate(int argc, char **argv)
{
    arguments a = {.set = {.type = TW_f32, .condition = 1}};
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &a));
    tw_status status = read_settings(&a);
    if (!status) status = generate(&a, argc, argv);
    free(a.coefficients);
    free(a.intercept);
    return status;
}
