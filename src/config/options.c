/* options.c -- THE table: the only place where a key of the configuration is named.
 *
 * A row drives parsing, ranges, --set, help, the resolved copy and the reference page. Its key is the path of
 * its field, so a new key is one field in config.h and one row here. Rows of a section follow the section's
 * own row; sections inside it come after them. */
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
#define SHORT_SECTION(name, leaf, text)                                         \
    {                                                                           \
        .key = name, .type = TW_OPTION_SECTION, .shorthand = leaf, .help = text \
    }
#define NUMERIC(path, kind, standard, low, high, bits, text)                                             \
    MAKE(FIELD(path), .type = kind, .initial = standard, .minimum = low, .maximum = high, .flags = bits, \
         .help = text)
#define INTEGER(path, ...) NUMERIC(path, TW_OPTION_INTEGER, __VA_ARGS__)
#define COUNT(path, standard, word, text)                                                            \
    MAKE(FIELD(path), .type = TW_OPTION_INTEGER, .initial = standard, .choices = word, .minimum = 1, \
         .maximum = INFINITY, .help = text)
#define REAL(path, ...)     NUMERIC(path, TW_OPTION_REAL, __VA_ARGS__)
#define DURATION(path, ...) NUMERIC(path, TW_OPTION_DURATION, __VA_ARGS__)
#define INTERVAL(path, standard, word, text)                                                     \
    MAKE(FIELD(path), .type = TW_OPTION_INTERVAL, .initial = standard, .choices = CHOICES(word), \
         .minimum = 0, .maximum = INFINITY, .flags = TW_OPTION_ABOVE | TW_OPTION_FREE, .help = text)
#define NAMED(path, kind, standard, bits, text) \
    MAKE(FIELD(path), .type = kind, .initial = standard, .flags = bits, .help = text)
#define BOOLEAN(path, standard, text)      NAMED(path, TW_OPTION_BOOLEAN, standard, 0, text)
#define FREE_BOOLEAN(path, standard, text) NAMED(path, TW_OPTION_BOOLEAN, standard, TW_OPTION_FREE, text)
#define WORD(path, standard, bits, text) NAMED(path, TW_OPTION_WORD, standard, bits, text)
#define TEXT(path, text)                 NAMED(path, TW_OPTION_TEXT, NULL, 0, text)
#define PATH(path, bits, text)           NAMED(path, TW_OPTION_PATH, NULL, bits, text)
#define LIST(path, bits, text)           NAMED(path, TW_OPTION_LIST, NULL, bits, text)
#define MAP(path, word, low, text)                                                                        \
    MAKE(FIELD(path), .type = TW_OPTION_MAP, .choices = CHOICES(word), .minimum = low, .maximum = INFINITY, \
         .help = text)
#define CHOICE(path, standard, list, text) \
    MAKE(FIELD(path), .type = TW_OPTION_CHOICE, .initial = standard, .choices = list, .help = text)

#define FREE_CHOICE(path, standard, list, text)                                                      \
    MAKE(FIELD(path), .type = TW_OPTION_CHOICE, .initial = standard, .choices = list, .flags = FREE, \
         .help = text)

#define FREE         TW_OPTION_FREE
#define ABOVE        TW_OPTION_ABOVE
#define BELOW        TW_OPTION_BELOW
#define REQUIRED     TW_OPTION_REQUIRED
#define POWER_OF_TWO TW_OPTION_POWER_OF_TWO

/* clang-format off */
static const tw_option options[] = {
    INTEGER(version, "1", 1, 1, 0, "version of this format"),
    INTEGER(seed, "0", 0, INFINITY, 0, "seed of every random number of the run"),

    SECTION("data", "what is learned from"),
    LIST(data.train, REQUIRED | FREE, "HDF5 file with the training data"),
    TEXT(data.features, "name of the features in the file; found by itself when not set"),
    TEXT(data.labels, "name of the labels in the file; found by itself when not set"),
    TEXT(data.weights, "name of the row weights in the file; found by itself when not set"),
    CHOICE(data.scaling, "none", CHOICES("none", "standardize", "minmax"),
           "scaling of the features, folded into the parameters: mean 0 and variance 1, or the range 0 to 1"),

    CHOICE(data.storage, "native", CHOICES("native", "f16", "bf16", "f32", "f64"),
           "type of the features in memory, each rounded once to nearest: as in the file, or another float type"),
    CHOICE(data.missing, "error", CHOICES("error", "mean", "zero", "drop"),
           "missing features (NaN): refused, the mean of the column in the rows to train on, 0, or the row left out"),
    REAL(data.missing_value, NULL, -INFINITY, INFINITY, 0,
         "a number that stands for a missing feature in the file, besides NaN"),

    SHORT_SECTION("data.validation", "file", "rows that the fit is judged by and not learned from"),
    REAL(data.validation.fraction, NULL, 0, 1, ABOVE | BELOW,
         "share of the rows, drawn by seed, that is kept for validation"),
    REAL(data.validation.tail, NULL, 0, INFINITY, ABOVE,
         "rows at the end of the file kept for validation: a share below 1, or a number of rows"),
    PATH(data.validation.file, FREE, "HDF5 file with the validation data"),

    SECTION("model", "what is fitted"),
    WORD(model.type, NULL, REQUIRED, "the model"),
    BOOLEAN(model.intercept, "true", "fit an intercept (never penalised)"),
    REAL(model.l2, "0", 0, INFINITY, 0, "l2 in the penalty (l2/2) * sum of squared coefficients"),
    REAL(model.l1, "0", 0, INFINITY, 0, "l1 in the penalty l1 * sum of absolute coefficients"),
    MAP(model.class_weight, "balanced", 0,
        "weight of each class, 1 where a mapping names it not; balanced: all classes weigh the same"),
    REAL(model.delta, "1", 0, INFINITY, ABOVE, "huber: residuals beyond it count linearly"),
    CHOICE(model.init, "zeros", CHOICES("zeros", "constant", "normal", "uniform"),
           "parameters at the start"),
    REAL(model.init_scale, "1", -INFINITY, INFINITY, 0,
         "the constant, the standard deviation, or the half width of the uniform range, for model.init"),
    PATH(model.start, 0, "model.h5 whose parameters are the starting point, instead of model.init"),
    INTEGER(model.folds, NULL, 2, 1e6, 0, "folds of the cross-validation of the path"),

    SECTION("model.path", "a path of fits, from a strong penalty to a weak one"),
    INTEGER(model.path.count, NULL, 2, 10000, 0,
            "number of penalties of the regularisation path, from the largest that matters down"),
    REAL(model.path.min_ratio, "1e-3", 0, 1, ABOVE | BELOW,
         "smallest penalty of the path as a share of the largest"),

    SECTION("optimizer", "where to go: the direction of each step"),
    WORD(optimizer.type, "lbfgs", 0, "the method"),
    COUNT(optimizer.batch, "full", CHOICES("full"), "rows that enter one gradient"),
    REAL(optimizer.momentum, "0.9", 0, 1, BELOW, "share of the last direction that is kept by methods with momentum"),
    INTEGER(optimizer.memory, "10", 1, 1000, 0, "pairs of steps and gradient changes that lbfgs remembers"),
    REAL(optimizer.beta1, "0.9", 0, 1, BELOW, "share of the old average of gradients that adam and adamw keep"),
    REAL(optimizer.beta2, "0.999", 0, 1, BELOW, "share of the old average of squared gradients that adam and adamw keep"),
    REAL(optimizer.epsilon, NULL, 0, INFINITY, ABOVE,
         "added to the root of the squared gradients before it divides; the method's own when not set"),
    REAL(optimizer.smoothing, "0.99", 0, 1, BELOW, "share of the old average of squared gradients that rmsprop keeps"),
    REAL(optimizer.weight_decay, "0.01", 0, INFINITY, 0, "adamw: share of the coefficients, times the length, that each step takes away"),
    BOOLEAN(optimizer.acceleration, "true", "proximal_gradient: FISTA instead of ISTA"),
    BOOLEAN(optimizer.restart, "true",
            "nesterov and proximal_gradient start their momentum afresh when it points uphill"),
    INTEGER(optimizer.max_inner, NULL, 1, INFINITY, 0,
            "inner iterations of one step: conjugate gradients, sweeps of coordinate descent"),
    CHOICE(optimizer.preconditioner, "none", CHOICES("none", "gram"),
           "first matrix of lbfgs: a multiple of 1, or the Gram matrix of the features, factored once"),

    SECTION("step", "how far to go along the direction"),
    WORD(step.rule, NULL, 0, "the rule that picks the step length; the method's own when not set"),
    REAL(step.length, NULL, 0, INFINITY, ABOVE,
         "the constant length, or the first trial of a search; the method chooses when not set"),
    REAL(step.tau, "1", 0, INFINITY, ABOVE, "iterations after which rule inverse has halved the length"),
    REAL(step.decay, NULL, 0, 1, ABOVE,
         "factor of the rules exponential (each iteration) and step (each step.every iterations)"),
    INTEGER(step.every, "10", 1, INFINITY, 0, "iterations between two cuts of the length by rule step"),
    REAL(step.warmup, "0", 0, INFINITY, 0,
         "iterations (epochs, with mini-batches) over which the length rises linearly to its full value"),
    REAL(step.period, NULL, 0, INFINITY, ABOVE,
         "cosine: iterations until the length has fallen to zero; the limit of the run when not set"),
    REAL(step.c1, "1e-4", 0, 0.5, ABOVE | BELOW, "sufficient decrease: share of the promised decrease that a trial must reach"),
    REAL(step.c2, NULL, 0, 1, ABOVE | BELOW,
         "curvature: share of the slope at the start that wolfe may leave; the method's own when not set"),
    REAL(step.c, "0.25", 0, 0.5, ABOVE | BELOW,
         "goldstein: a trial must reach this share of the promised decrease, and at most 1 minus this share"),
    REAL(step.shrink, "0.5", 0, 1, ABOVE | BELOW, "factor on the length after a refused trial"),
    INTEGER(step.max_trials, "50", 1, 1000, 0, "trials of one search before it counts as failed"),

    SECTION("stop", "when it is good enough, or has gone on for too long"),
    REAL(stop.gradient_norm, NULL, 0, INFINITY, FREE, "stop when the norm of the gradient is at most this"),
    REAL(stop.gradient_norm_relative, NULL, 0, INFINITY, FREE,
         "the same, as a share of the norm at the start (for convex models: at zero parameters)"),
    REAL(stop.loss_delta, NULL, 0, INFINITY, FREE, "stop when the loss changes by less than this in an iteration"),
    REAL(stop.loss_delta_relative, NULL, 0, INFINITY, FREE,
         "the same, as a share of the loss"),
    FREE_CHOICE(stop.require, "any", CHOICES("any", "all"), "whether one of the tests above is enough, or all must hold"),
    INTEGER(stop.patience, "1", 1, 1e6, FREE, "iterations in a row for which they must hold"),
    INTEGER(stop.validation_patience, NULL, 1, INFINITY, FREE,
            "end after this many iterations (epochs, with mini-batches) without a better validation loss"),
    INTEGER(stop.max_iterations, "10000", 0, 1e12, FREE, "the run ends after this many iterations in any case"),
    INTEGER(stop.max_epochs, "100", 0, 1e12, FREE, "the run ends after this many passes over the rows, with mini-batches"),
    DURATION(stop.max_time, NULL, 0, INFINITY, ABOVE | FREE, "the run ends after this time in any case"),
    REAL(stop.divergence_factor, "1e4", 1, INFINITY, ABOVE | FREE, "a loss above this many times the loss at the start counts as diverged"),

    SECTION("reduction", "how the sums of the ranks become one"),
    CHOICE(reduction.mode, "allreduce", CHOICES("allreduce", "reproducible"),
           "one MPI_Allreduce, or a sum with the same bits on any number of ranks"),
    INTEGER(reduction.groups, NULL, 1, 65536, POWER_OF_TWO,
            "groups of rows in the sum; derived from the number of rows when not set"),

    SECTION("parallel", "what a rank has to work with"),
    INTEGER(parallel.threads, NULL, 1, 1024, FREE,
            "threads of a rank; OMP_NUM_THREADS, SLURM_CPUS_PER_TASK or 1 when not set; no bit depends on it"),

    SECTION("checkpoint", "how a run survives its end"),
    INTERVAL(checkpoint.every, "5m", "never", "iterations (100), or time (30s, 5m, 1h), between two checkpoints"),
    INTEGER(checkpoint.keep, "3", 1, 1000, FREE, "checkpoints that are kept, the newest"),

    SECTION("output", "what the run leaves behind"),
    PATH(output.dir, FREE, "run folder; runs/NAME for a configuration NAME.yaml when not set"),
    INTEGER(output.log_every, NULL, 1, INFINITY, FREE,
            "iterations between two rows of the log; rows at 1, 2, 5, 10, 20, 50, ... when not set"),
    FREE_BOOLEAN(output.accounting, "true",
                 "tell waiting from exchanging by a barrier now and then; costs at most 1 % of the time"),
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

const tw_option *tw_option_shorthand(const tw_option *section)
{
    if (section->shorthand == NULL) return NULL;
    char key[TW_KEY_LEN];
    snprintf(key, sizeof key, "%s.%s", section->key, section->shorthand);
    return tw_option_find(key);
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

bool tw_option_beneath(const tw_option *row, const char *section)
{
    const size_t length = strlen(section);
    return strncmp(row->key, section, length) == 0 && row->key[length] == '.';
}

size_t tw_option_depth(const tw_option *row)
{
    size_t dots = 0;
    for (const char *s = row->key; *s; s++) dots += *s == '.';
    return dots;
}
