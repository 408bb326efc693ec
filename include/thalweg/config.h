/* config.h -- the configuration of a run: one table of keys, one struct of typed fields.
 *
 * Precedence: default < file < --set, whatever the order of the calls. Nothing stops at the first error:
 * problems are collected, each with its place, and tw_config_verdict hands them over together. Text and
 * numbers only: no MPI, and no file is opened but by tw_config_read_file. Rank 0 reads the bytes and
 * broadcasts them; every rank parses them and so holds the same configuration and the same problems. No
 * function here is collective. */
#ifndef THALWEG_CONFIG_H
#define THALWEG_CONFIG_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Longest configuration file in bytes. */
enum { TW_CONFIG_LONGEST = 1 << 20 };

/* The choices of the keys, in the order of the table. */
typedef enum {
    TW_CONFIG_SCALING_NONE,
    TW_CONFIG_SCALING_STANDARDIZE,
    TW_CONFIG_SCALING_MINMAX
} tw_config_scaling;

typedef enum {
    TW_CONFIG_MISSING_ERROR,
    TW_CONFIG_MISSING_MEAN,
    TW_CONFIG_MISSING_ZERO,
    TW_CONFIG_MISSING_DROP
} tw_config_missing;

typedef enum {
    TW_CONFIG_STORAGE_NATIVE,
    TW_CONFIG_STORAGE_F16,
    TW_CONFIG_STORAGE_BF16,
    TW_CONFIG_STORAGE_F32,
    TW_CONFIG_STORAGE_F64
} tw_config_storage;

typedef enum {
    TW_CONFIG_START_ZEROS,
    TW_CONFIG_START_CONSTANT,
    TW_CONFIG_START_NORMAL,
    TW_CONFIG_START_UNIFORM
} tw_config_start;

typedef enum { TW_CONFIG_PRECONDITIONER_NONE, TW_CONFIG_PRECONDITIONER_GRAM } tw_config_preconditioner;

typedef enum { TW_CONFIG_REQUIRE_ANY, TW_CONFIG_REQUIRE_ALL } tw_config_require;

typedef enum { TW_CONFIG_MODE_ALLREDUCE, TW_CONFIG_MODE_REPRODUCIBLE } tw_config_mode;

/**
 * A configuration. The path of a field is its key: c.step.length is step.length.
 *
 * Strings are owned by the configuration. Not set is NULL for text, NAN for numbers and durations, and 0 for
 * whole numbers (whose range then begins at 1 or above); only keys without a default can be not set.
 * Durations are in seconds.
 */
typedef struct tw_config {
    int64_t version;
    int64_t seed;
    struct {
        char *train, *features, *labels, *weights;
        tw_config_scaling scaling;
        tw_config_storage storage;
        tw_config_missing missing;
        double missing_value;
        struct {
            double fraction, tail;
            char *file;
        } validation;
    } data;
    struct {
        char *type;
        bool intercept;
        double l2, l1;
        char *class_weight;
        double delta;
        tw_config_start init;
        double init_scale;
        char *start;
        int64_t folds;
        struct {
            int64_t count;
            double min_ratio;
        } path;
    } model;
    struct {
        char *type;
        int64_t batch; /* 0: full */
        double momentum;
        int64_t memory;
        double beta1, beta2, epsilon, smoothing, weight_decay;
        bool acceleration, restart;
        int64_t max_inner;
        tw_config_preconditioner preconditioner;
    } optimizer;
    struct {
        char *rule;
        double length, tau, decay;
        int64_t every;
        double warmup, period, c1, c2, c, shrink;
        int64_t max_trials;
    } step;
    struct {
        double gradient_norm, gradient_norm_relative, loss_delta, loss_delta_relative;
        tw_config_require require;
        int64_t patience, validation_patience, max_iterations, max_epochs;
        double max_time, divergence_factor;
    } stop;
    struct {
        tw_config_mode mode;
        int64_t groups;
    } reduction;
    struct {
        int64_t threads;
    } parallel;
    struct {
        double every; /* > 0: seconds; < 0: minus so many iterations; 0: never */
        int64_t keep;
    } checkpoint;
    struct {
        char *dir;
        int64_t log_every;
        bool accounting;
    } output;
    struct tw_config_record *record; /* private: where each key was set, and the problems */
} tw_config;

typedef enum {
    TW_OPTION_SECTION, /* not a key: opens a group of them, at the top or inside another section */
    TW_OPTION_INTEGER,
    TW_OPTION_REAL,
    TW_OPTION_DURATION,
    TW_OPTION_INTERVAL, /* a whole number of iterations, a duration with a unit, or the word for 0 */
    TW_OPTION_BOOLEAN,
    TW_OPTION_CHOICE, /* the field is an enum: the index into choices */
    TW_OPTION_WORD,   /* the name of a strategy, checked later against its table */
    TW_OPTION_TEXT,
    TW_OPTION_PATH,
    TW_OPTION_LIST, /* paths, a line each; tw_config_next_item */
    TW_OPTION_MAP   /* the word of choices, or names with numbers; tw_config_next_pair */
} tw_option_type;

/* Flags of a row. */
enum {
    TW_OPTION_REQUIRED = 1,
    TW_OPTION_ABOVE = 2, /* the minimum itself is excluded */
    TW_OPTION_BELOW = 4, /* the maximum itself is excluded */
    TW_OPTION_POWER_OF_TWO = 8,
    TW_OPTION_FREE = 16 /* may change when a run is resumed */
};

/** One row of the table: everything that is known about a key. */
typedef struct {
    const char *key;         /* "step.length"; for a section its name, "step" or "data.validation" */
    tw_option_type type;     /* what a value looks like and what the field is */
    size_t offset;           /* of the field in tw_config */
    const char *initial;     /* the default as a user would write it; NULL: not set */
    double minimum, maximum; /* infinite: no bound; whole numbers: exact up to 2^53 */
    unsigned flags;
    const char *const *choices; /* NULL-terminated; of a whole number the word for 0; or NULL */
    const char *shorthand;      /* of a section: the leaf that a value in its place means; or NULL */
    const char *help;
} tw_option;

/** The table in its order: top keys first, then each section followed by its keys and by the sections inside
 * it. @param count  out: number of rows */
const tw_option *tw_config_options(size_t *count);

/** Set every default. The caller owns the struct and releases it; an out-of-memory shows in
 * tw_config_verdict. */
void tw_config_init(tw_config *c);

/** Free what the configuration owns and zero it. A zeroed struct and NULL are fine. */
void tw_config_release(tw_config *c);

/**
 * Read a whole file into memory.
 *
 * @param path    file (or pipe) to read
 * @param text    out: [length + 1] its bytes and a final zero; the caller frees it
 * @param length  out: number of bytes
 * @return TW_OK; TW_INPUT when it is missing, unreadable or a directory; TW_CONFIG when it is longer than
 *         TW_CONFIG_LONGEST; TW_MEMORY. On failure *text is NULL and *length 0.
 */
tw_status tw_config_read_file(const char *path, char **text, size_t *length) TW_CHECKED;

/**
 * Take the keys of a YAML text.
 *
 * Sections of `key: value` lines and of sections; `section.key: value` is the same. A value in place of a
 * section that has a shorthand is that key's. CRLF and a byte order mark are accepted; anchors, aliases,
 * tags, directives, several documents and lists are not. `null` or an empty value makes a key not set. Every
 * problem is remembered with name:line:column (counted in characters from 1), the line and a caret. A second
 * text overrides the first, key by key.
 *
 * @param name    of the file, for messages
 * @param text    [length] bytes, borrowed for the call, any content
 * @param length  number of bytes
 */
void tw_config_parse(tw_config *c, const char *name, const char *text, size_t length);

/** Take one command-line override "KEY=VALUE", checked as in a file, shorthands too; the last one for a key
 * wins over all else. */
void tw_config_set(tw_config *c, const char *assignment);

/** Whether the file or --set gave this key a valid value (even one equal to its default). Unknown keys:
 * false. */
bool tw_config_is_set(const tw_config *c, const char *key);

/**
 * Remember a problem with the value of a key, located where that value was set.
 *
 * The place is the value in the file, or --set KEY=VALUE, or the bare key for a default. Lines after the
 * first are indented and stand in place of the source line; a message of one line shows the source line with
 * a caret.
 */
void tw_config_problem(tw_config *c, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Walk over a list: paths "a.h5\nb.h5" as the field holds them.
 *
 * @param at    in and out: the field at first (may be NULL), then where to go on
 * @param size  of item; longer ones are cut, none is longer than 4095 bytes
 * @param item  out: the next one
 * @return false at the end
 */
bool tw_config_next_item(const char **at, size_t size, char *item);

/** The same for a mapping, "a: 1, b: 5": names in order (numbers first, by size), each with its number. */
bool tw_config_next_pair(const char **at, size_t size, char *name, double *number);

/** TW_MEMORY when something of the configuration could not be kept for want of memory, else TW_OK. The part
 * of the verdict that may differ between ranks: each of them asks before it uses a value. */
tw_status tw_config_complete(const tw_config *c) TW_CHECKED;

/**
 * The judgement over everything so far; may be asked again after a later phase.
 *
 * @return TW_OK; TW_CONFIG with one sentence that lists all problems and ends in "2 errors; nothing was run
 * (exit 78)", required keys that are missing among them (problems beyond 100, or beyond the longest sentence,
 * are only counted); TW_MEMORY.
 */
tw_status tw_config_verdict(tw_config *c) TW_CHECKED;

/**
 * Write the resolved copy: every key with its value in force, as YAML that parses back to the same values.
 *
 * @return TW_OK; TW_IO when out has failed.
 */
tw_status tw_config_write(const tw_config *c, FILE *out) TW_CHECKED;

/**
 * The keys that must match when a run is resumed and do not.
 *
 * Both configurations are resolved, one of them parsed back from its resolved copy if need be. With a path of
 * penalties the keys of stop must match as well, all but stop.max_time: each fit begins where the one before
 * stopped.
 *
 * @param stored  of the checkpoint
 * @param given   of the run that resumes
 * @param length  size of text; 0: only count
 * @param text    out: a line per key, "  step.length: 0.1 in the checkpoint, 0.2 now\n", values as the
 *                resolved copy has them; whole lines, then "  and 3 more\n" if they do not fit; "" for none
 * @return number of such keys
 */
size_t tw_config_differences(const tw_config *stored, const tw_config *given, size_t length, char *text);

/** The keys that may change and did, the same way: "stop.max_iterations 100 -> 200, output.dir a -> b". */
size_t tw_config_changes(const tw_config *stored, const tw_config *given, size_t length, char *text);

/**
 * Explain one key, one section with those inside it, or everything (key NULL).
 *
 * @return TW_OK; TW_USAGE for an unknown key, with the nearest one; TW_IO when out has failed.
 */
tw_status tw_config_help(FILE *out, const char *key) TW_CHECKED;

/** Write the reference page of all keys in Markdown. @return TW_OK; TW_IO when out has failed. */
tw_status tw_config_markdown(FILE *out) TW_CHECKED;

#endif
