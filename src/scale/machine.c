/* A machine in one word of the command line. */
#include "scale/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer units first: the first that fits the end of the value counts. */
static const struct {
    const char *name;
    double factor;
} units[] = {{"Gbit/s", 1e9 / 8},
             {"Mbit/s", 1e6 / 8},
             {"TB/s", 1e12},
             {"GB/s", 1e9},
             {"MB/s", 1e6},
             {"TB", 1e12},
             {"GB", 1e9},
             {"MB", 1e6},
             {"ns", 1e-9},
             {"us", 1e-6},
             {"ms", 1e-3},
             {"s", 1},
             {"", 1}};

static bool quantity(const char *text, size_t length, double *value)
{
    char copy[64], *end;
    if (length == 0 || length >= sizeof copy) return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    *value = strtod(copy, &end);
    if (end == copy || !isfinite(*value) || *value < 0) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0) {
            *value *= units[i].factor;
            return true;
        }
    return false;
}

static bool take(const char *key, size_t key_length, const char *value, size_t length, tw_machine *m)
{
    double cores;
    const struct {
        const char *name;
        double *to;
    } rows[] = {{"latency", &m->latency},
                {"bandwidth", &m->bandwidth},
                {"memory", &m->memory},
                {"ram", &m->ram},
                {"cores", &cores}};
    if (key_length == 4 && memcmp(key, "name", 4) == 0) {
        snprintf(m->name, sizeof m->name, "%.*s", (int)length, value);
        return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strlen(rows[i].name) != key_length || memcmp(rows[i].name, key, key_length) != 0) continue;
        if (!quantity(value, length, rows[i].to)) return false;
        if (rows[i].to != &cores) return true;
        m->cores = cores >= 1 && cores <= 4096 ? (int)cores : 0;
        return m->cores > 0;
    }
    return false;
}

tw_status tw_machine_parse(const char *text, tw_machine *m)
{
    *m = (tw_machine){.name = "machine", .latency = NAN};
    for (const char *at = text; *at;) {
        const size_t word = strcspn(at, ","), key = strcspn(at, "=");
        if (key >= word || !take(at, key, at + key + 1, word - key - 1, m))
            return tw_fail(
                TW_USAGE,
                "'%.*s' in --machine is not understood: write name=IB,latency=1.5us,bandwidth=25GB/s,"
                "memory=200GB/s,cores=64,ram=256GB",
                (int)word, at);
        at += word + (at[word] == ',');
    }
    if (m->latency >= 0 && m->bandwidth > 0 && m->memory > 0 && m->cores > 0) return TW_OK;
    return tw_fail(TW_USAGE,
                   "--machine %s needs latency, bandwidth (of a node's link), memory (bandwidth of a node) "
                   "and cores",
                   text);
}
