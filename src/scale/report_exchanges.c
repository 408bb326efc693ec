/* The files that `thalweg scale exchange -o` wrote for a study. */
#include "scale/report.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tw_status damaged(const char *path, const char *what)
{
    return tw_fail(TW_DATA, "%s is no measured exchange: %s", path, what);
}

/* Node of each rank, from the ranks of each node. */
static int *nodes_of(json_t *counts, int ranks)
{
    int *node = calloc((size_t)ranks, sizeof *node), at = 0;
    for (size_t k = 0; node && k < json_array_size(counts); k++)
        for (json_int_t i = json_integer_value(json_array_get(counts, k)); i > 0 && at < ranks; i--)
            node[at++] = (int)k;
    return node;
}

static tw_status add_points(tw_report *report, const char *path, json_t *points, tw_report_exchange like,
                            tw_exchange_case *c)
{
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *at = json_array_get(points, i);
        const json_int_t length = json_integer_value(json_object_get(at, "length"));
        like.seconds = json_number_value(json_object_get(at, "seconds"));
        if (length < 1 || !(like.seconds >= 0)) return damaged(path, "a point has no length or no seconds");
        if (report->n_exchanges == TW_REPORT_EXCHANGES) return TW_OK;
        c->n = like.length = (size_t)length;
        TW_TRY(tw_exchange_cost_of(c, &like.cost, NULL));
        report->exchange[report->n_exchanges++] = like;
    }
    return TW_OK;
}

static tw_status read_one(tw_report *report, const char *path)
{
    const char *mode;
    json_t *points, *counts;
    json_int_t groups;
    json_error_t error;
    tw_report_exchange like = {0};
    tw_partition partition;
    json_t *all = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!all) return damaged(path, error.text);
    tw_status status = TW_OK;
    if (json_unpack_ex(all, &error, 0, "{si si ss sI so so}", "ranks", &like.ranks, "nodes", &like.nodes,
                       "mode", &mode, "groups", &groups, "points", &points, "ranks_of_nodes", &counts) != 0)
        status = damaged(path, error.text);
    else if (like.ranks < 1 || like.ranks > 10000000)
        status = damaged(path, "its number of ranks");
    const double memory = json_number_value(json_object_get(all, "memory_bandwidth"));
    like.memory = memory > 0 ? memory : INFINITY;
    if (status == TW_OK) status = tw_partition_init(&partition, groups, groups, like.ranks);
    if (status == TW_OK) {
        int *node = nodes_of(counts, like.ranks);
        tw_exchange_case c = {.mode = strcmp(mode, "allreduce") == 0 ? TW_ALLREDUCE : TW_REPRODUCIBLE,
                              .partition = &partition,
                              .node = node};
        status = node ? add_points(report, path, points, like, &c) : tw_fail(TW_MEMORY, "out of memory");
        free(node);
        tw_partition_release(&partition);
    }
    json_decref(all);
    return status;
}

tw_status tw_report_exchanges(tw_report *report, const char *dir)
{
    char path[TW_PATH_LEN + 512];
    snprintf(path, sizeof path, "%s/exchange", dir);
    DIR *folder = opendir(path);
    tw_status status = TW_OK;
    if (!folder) return TW_OK;
    if (!report->exchange) report->exchange = calloc(TW_REPORT_EXCHANGES, sizeof *report->exchange);
    if (!report->exchange) status = tw_fail(TW_MEMORY, "out of memory for the exchanges of %s", dir);
    for (const struct dirent *entry = readdir(folder); entry && status == TW_OK; entry = readdir(folder)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".json") != 0) continue;
        if (snprintf(path, sizeof path, "%s/exchange/%s", dir, entry->d_name) < (int)sizeof path)
            status = read_one(report, path);
    }
    closedir(folder);
    return status;
}
