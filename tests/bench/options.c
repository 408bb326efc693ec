#include "options.h"

#include "thalweg/threads.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_usage[] =
    "bench_speed [gradient|modes|gram|roof|about] [options]     alone or under mpirun\n"
    "  --type LIST      of u8,i8,i16,f16,bf16,f32,f64, or all (f32)\n"
    "  --n LIST         numbers of features (256)\n"
    "  --bytes MIB      of features on each rank (1024; 2-byte types 768, 1-byte types 512)\n"
    "  --rows ROWS      on all ranks together, instead of --bytes\n"
    "  --softmax MxNxK  rows, features and classes of softmax\n"
    "  --model NAME     linear, logistic, ... (logistic)\n"
    "  --reduction M    allreduce or reproducible (reproducible)\n"
    "  --threads N      a rank (1)\n"
    "  --repeat N       turns at least (7)    --seconds S   of turns at least (0.5)\n";

static tw_status wrong(const char *option, const char *value)
{
    return tw_fail(TW_USAGE, "--%s '%s' is not possible\n%s", option, value, options_usage);
}

static bool number(const char *text, double least, double most, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == 0 && *value >= least && *value <= most;
}

static bool whole(const char *text, double least, double most, double *value)
{
    return number(text, least, most, value) && floor(*value) == *value;
}

static bool add_type(options *o, const char *word)
{
    for (int t = 0; t < TW_N_DTYPES; t++)
        if (o->n_types < TW_N_DTYPES &&
            (strcmp(word, tw_dtype_name((tw_dtype)t)) == 0 || strcmp(word, "all") == 0))
            o->types[o->n_types++] = (tw_dtype)t;
    return o->n_types > 0;
}

static bool add_n(options *o, const char *word)
{
    double n;
    if (o->n_ns == LIST || !whole(word, 1, 1e7, &n)) return false;
    o->ns[o->n_ns++] = (size_t)n;
    return true;
}

static bool each_word(options *o, const char *list, bool (*add)(options *o, const char *word))
{
    char text[256];
    char *rest = NULL;
    snprintf(text, sizeof text, "%s", list);
    bool ok = text[0] != 0;
    for (char *word = strtok_r(text, ",", &rest); word && ok; word = strtok_r(NULL, ",", &rest))
        ok = add(o, word);
    return ok;
}

static bool set_softmax(options *o, const char *text)
{
    char tail;
    long long rows;
    if (sscanf(text, "%lldx%zux%zu%c", &rows, &o->ns[0], &o->classes, &tail) != 3) return false;
    o->rows = rows;
    o->n_ns = 1;
    snprintf(o->model, sizeof o->model, "softmax");
    return rows >= 1 && o->ns[0] >= 1 && o->classes >= 2;
}

static bool set_mode(options *o, const char *text)
{
    o->mode = strcmp(text, "allreduce") == 0 ? TW_ALLREDUCE : TW_REPRODUCIBLE;
    return o->mode == TW_ALLREDUCE || strcmp(text, "reproducible") == 0;
}

static bool set_option(options *o, int option, const char *value)
{
    double v = 0;
    switch (option) {
    case 't': return each_word(o, value, add_type);
    case 'n': return each_word(o, value, add_n);
    case 's': return set_softmax(o, value);
    case 'd': return set_mode(o, value);
    case 'm': return snprintf(o->model, sizeof o->model, "%s", value) < (int)sizeof o->model;
    case 'b': return whole(value, 1, 1e6, &v) && (o->bytes = 1048576 * v) > 0;
    case 'r': return whole(value, 1, 1e12, &v) && (o->rows = (int64_t)v) > 0;
    case 'T': return whole(value, 1, TW_THREADS_MOST, &v) && (o->threads = (int)v) > 0;
    case 'k': return whole(value, 1, SAMPLE_MOST, &v) && (o->repeat = (int)v) > 0;
    case 'S': return number(value, 0, 3600, &o->seconds);
    default: return false;
    }
}

static bool is_known(const char *what)
{
    static const char *const words[] = {"gradient", "modes", "gram", "roof", "about"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strcmp(what, words[k]) == 0) return true;
    return false;
}

tw_status options_parse(int argc, char **argv, options *o)
{
    static const struct option known[] = {
        {"help", 0, NULL, 'h'},    {"type", 1, NULL, 't'},      {"n", 1, NULL, 'n'},
        {"bytes", 1, NULL, 'b'},   {"rows", 1, NULL, 'r'},      {"model", 1, NULL, 'm'},
        {"softmax", 1, NULL, 's'}, {"threads", 1, NULL, 'T'},   {"repeat", 1, NULL, 'k'},
        {"seconds", 1, NULL, 'S'}, {"reduction", 1, NULL, 'd'}, {0}};
    *o = (options){.what = "gradient",
                   .threads = 1,
                   .repeat = 7,
                   .seconds = 0.5,
                   .model = "logistic",
                   .mode = TW_REPRODUCIBLE};
    int option, at = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", known, &at)) != -1) {
        if (option == 'h') {
            snprintf(o->what, sizeof o->what, "help");
            return TW_OK;
        }
        if (option == '?') return tw_fail(TW_USAGE, "unknown option %s\n%s", argv[optind - 1], options_usage);
        if (!set_option(o, option, optarg)) return wrong(known[at].name, optarg);
    }
    if (optind < argc) snprintf(o->what, sizeof o->what, "%s", argv[optind++]);
    if (optind < argc || !is_known(o->what))
        return tw_fail(TW_USAGE, "one of its words is needed\n%s", options_usage);
    if (o->n_types == 0) o->types[o->n_types++] = TW_f32;
    if (o->n_ns == 0) o->ns[o->n_ns++] = 256;
    return TW_OK;
}
