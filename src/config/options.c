/* options.c -- THE table: the only place where a key of the configuration is named.
 *
 * A row drives parsing, ranges, --set, help, the resolved copy and the reference page. Its key is the path of
 * its field, so a new key is one field in config.h and one row here. Rows of a section follow the section's
 * own row. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define FIELD(path) #path, offsetof(tw_config, path)
#define ROW(k, o, ...)                     \
    {                                      \
        .key = k, .offset = o, __VA_ARGS__ \
    }
#define MAKE(...)    ROW(__VA_ARGS__)
#define CHOICES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SECTION(name, text)                                  \
    {                                                        \
        .key = name, .type = TW_OPTION_SECTION, .help = text \
    }
#define NUMERIC(path, kind, standard, low, high, bits, text)                                             \
    MAKE(FIELD(path), .type = kind, .initial = standard, .minimum = low, .maximum = high, .flags = bits, \
         .help = text)
#define INTEGER(path, ...)  NUMERIC(path, TW_OPTION_INTEGER, __VA_ARGS__)
#define REAL(path, ...)     NUMERIC(path, TW_OPTION_REAL, __VA_ARGS__)
#define DURATION(path, ...) NUMERIC(path, TW_OPTION_DURATION, __VA_ARGS__)
#define NAMED(path, kind, standard, bits, text) \
    MAKE(FIELD(path), .type = kind, .initial = standard, .flags = bits, .help = text)
#define BOOLEAN(path, standard, text)    NAMED(path, TW_OPTION_BOOLEAN, standard, 0, text)
#define WORD(path, standard, bits, text) NAMED(path, TW_OPTION_WORD, standard, bits, text)
#define TEXT(path, text)                 NAMED(path, TW_OPTION_TEXT, NULL, 0, text)
#define PATH(path, bits, text)           NAMED(path, TW_OPTION_PATH, NULL, bits, text)
#define CHOICE(path, standard, list, text) \
    MAKE(FIELD(path), .type = TW_OPTION_CHOICE, .initial = standard, .choices = list, .help = text)

#define ABOVE        TW_OPTION_ABOVE
#define BELOW        TW_OPTION_BELOW
#define REQUIRED     TW_OPTION_REQUIRED
#define POWER_OF_TWO TW_OPTION_POWER_OF_TWO

/* clang-format off */
static const tw_option options[] = {
    INTEGER(version, "1", 1, 1, 0, "version of this format"),
    INTEGER(seed, "0", 0, INFINITY, 0, "seed of every random number of the run"),

    SECTION("data", "what is learned from"),
    PATH(data.train, REQUIRED, "HDF5 file with the training data"),
    TEXT(data.features, "name of the features in the file; found by itself when not set"),
    TEXT(data.labels, "name of the labels in the file; found by itself when not set"),
    TEXT(data.weights, "name of the row weights in the file; found by itself when not set"),
    CHOICE(data.scaling, "none", CHOICES("none", "standardize", "minmax"),
           "scaling of the features, folded into the parameters: mean 0 and variance 1, or the range 0 to 1"),

    SECTION("model", "what is fitted"),
    WORD(model.type, NULL, REQUIRED, "the model"),
    BOOLEAN(model.intercept, "true", "fit an intercept (never penalised)"),
    REAL(model.l2, "0", 0, INFINITY, 0, "l2 in the penalty (l2/2) * sum of squared coefficients"),
    CHOICE(model.init, "zeros", CHOICES("zeros", "constant", "normal", "uniform"),
           "parameters at the start"),
    REAL(model.init_scale, "1", -INFINITY, INFINITY, 0,
         "the constant, the standard deviation, or the half width of the uniform range, for model.init"),

    SECTION("optimizer", "where to go: the direction of each step"),
    WORD(optimizer.type, "lbfgs", 0, "the method"),
    CHOICE(optimizer.batch, "full", CHOICES("full"), "rows that enter one gradient"),
    REAL(optimizer.momentum, "0.9", 0, 1, BELOW, "share of the last direction that is kept by methods with momentum"),
    INTEGER(optimizer.memory, "10", 1, 1000, 0, "pairs of steps and gradient changes that lbfgs remembers"),

    SECTION("step", "how far to go along the direction"),
    WORD(step.rule, "backtracking", 0, "the rule that picks the step length"),
    REAL(step.length, NULL, 0, INFINITY, ABOVE,
         "the constant length, or the first trial of a search; the method chooses when not set"),
    REAL(step.tau, "1", 0, INFINITY, ABOVE, "iterations after which rule inverse has halved the length"),
    REAL(step.c1, "1e-4", 0, 0.5, ABOVE | BELOW, "sufficient decrease: share of the promised decrease that a trial must reach"),
    REAL(step.shrink, "0.5", 0, 1, ABOVE | BELOW, "factor on the length after a refused trial"),
    INTEGER(step.max_trials, "50", 1, 1000, 0, "trials of one search before it counts as failed"),

    SECTION("stop", "when it is good enough, or has gone on for too long"),
    REAL(stop.gradient_norm, NULL, 0, INFINITY, 0, "stop when the norm of the gradient is at most this"),
    REAL(stop.gradient_norm_relative, NULL, 0, INFINITY, 0,
         "the same, as a share of the norm at the start (for convex models: at zero parameters)"),
    REAL(stop.loss_delta, NULL, 0, INFINITY, 0, "stop when the loss changes by less than this in an iteration"),
    REAL(stop.loss_delta_relative, NULL, 0, INFINITY, 0,
         "the same, as a share of the loss"),
    CHOICE(stop.require, "any", CHOICES("any", "all"), "whether one of the tests above is enough, or all must hold"),
    INTEGER(stop.patience, "1", 1, 1e6, 0, "iterations in a row for which they must hold"),
    INTEGER(stop.max_iterations, "10000", 0, 1e12, 0, "the run ends after this many iterations in any case"),
    DURATION(stop.max_time, NULL, 0, INFINITY, ABOVE, "the run ends after this time in any case"),
    REAL(stop.divergence_factor, "1e4", 1, INFINITY, ABOVE, "a loss above this many times the loss at the start counts as diverged"),

    SECTION("reduction", "how the sums of the ranks become one"),
    CHOICE(reduction.mode, "allreduce", CHOICES("allreduce", "reproducible"),
           "one MPI_Allreduce, or a sum with the same bits on any number of ranks"),
    INTEGER(reduction.groups, NULL, 1, 65536, POWER_OF_TWO,
            "groups of rows in the sum; derived from the number of rows when not set"),

    SECTION("output", "what the run leaves behind"),
    PATH(output.dir, 0, "run folder; runs/NAME for a configuration NAME.yaml when not set"),
    INTEGER(output.log_every, NULL, 1, INFINITY, 0,
            "iterations between two rows of the log; rows at 1, 2, 5, 10, 20, 50, ... when not set"),
};
/* clang-format on */

enum { N_OPTIONS = sizeof options / sizeof options[0] };

const tw_option *tw_config_options(size_t *count)
{
    *count = N_OPTIONS;
    return options;
}

const tw_option *tw_option_find(const char *key)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].key, key) == 0) return &options[i];
    return NULL;
}

size_t tw_option_index(const tw_option *row)
{
    return (size_t)(row - options);
}

const char *tw_option_leaf(const tw_option *row)
{
    const char *dot = strrchr(row->key, '.');
    return dot ? dot + 1 : row->key;
}

bool tw_option_within(const tw_option *row, const char *section)
{
    if (row->type == TW_OPTION_SECTION) return false;
    const char *leaf = tw_option_leaf(row);
    if (leaf == row->key) return section[0] == '\0';
    const size_t length = (size_t)(leaf - row->key) - 1;
    return strlen(section) == length && strncmp(row->key, section, length) == 0;
}
