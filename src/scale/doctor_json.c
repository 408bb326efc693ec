/* All figures as one JSON object. What was not measured is not there; what is unknown is null. */
#include "scale/doctor.h"

#include "core/json_put.h"
#include "thalweg/threads.h"
#include "thalweg/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* 0: not told, or no limit */
static json_t *known(double v)
{
    return v > 0 ? number(v) : json_null();
}

/* Names of files and variables need not be UTF-8. */
static json_t *text(const char *v)
{
    json_t *value = json_string(v);
    return value ? value : json_string("?");
}

static json_t *program(void)
{
    char compiler[160];
    tw_doctor_compiler(sizeof compiler, compiler);
    return json_pack("{ss ss si ss sb}", "version", TW_VERSION, "git_commit", TW_GIT_COMMIT, "contract",
                     TW_CONTRACT_VERSION, "built", compiler, "openmp", tw_threads_built());
}

static json_t *launch(const tw_doctor *d)
{
    int least, most;
    tw_comm_ranks_a_node(d->comm, &least, &most);
    json_t *o =
        json_pack("{ss si si s[ii] si ss sb}", "launcher", d->launcher, "ranks", tw_comm_size(d->comm),
                  "nodes", tw_comm_nodes(d->comm), "ranks_per_node", least, most, "threads", d->threads,
                  "binding", d->binding.text, "oversubscribed", d->binding.crowded >= 0);
    tw_json_put(&o, "job", d->job[0] ? text(d->job) : json_null());
    tw_json_put(&o, "job_seconds_left", number(d->job_left));
    return o;
}

static json_t *isa(const tw_doctor *d)
{
    const char *forced = getenv("THALWEG_ISA");
    json_t *o = json_pack("{ss ss}", "built", tw_doctor_built(), "chosen", d->ranks[0].isa);
    tw_json_put(&o, "forced", forced && *forced ? text(forced) : json_null());
    return o;
}

static json_t *node(const tw_doctor *d, int i, int first)
{
    const tw_binding_node *n = &d->binding.nodes[i];
    const tw_doctor_rank *r = &d->ranks[first];
    json_t *o = json_pack("{si si si sf}", "ranks", n->ranks, "cores", n->cores, "allowed", n->allowed,
                          "cache", r->cache);
    tw_json_put(&o, "name", text(tw_comm_host_of(d->comm, first)));
    tw_json_put(&o, "cpu", text(n->cpu));
    tw_json_put(&o, "cpu_quota", known(r->quota));
    tw_json_put(&o, "memory", known(r->memory));
    tw_json_put(&o, "memory_limit", known(r->limit));
    tw_json_put(&o, "memory_free", known(r->free));
    tw_json_put(&o, "address_space", known(r->address_space));
    tw_json_put(&o, "locked_memory", r->locked > 0 ? json_real(r->locked - 1) : json_null());
    tw_json_put(&o, "huge_pages", r->pages[0] ? text(r->pages) : json_null());
    tw_json_put(&o, "shared_memory", known(r->shared));
    return o;
}

static json_t *nodes(const tw_doctor *d)
{
    json_t *list = json_array();
    for (int i = 0, first = 0; i < d->binding.n_nodes; first += d->binding.nodes[i++].ranks)
        tw_json_append(&list, node(d, i, first));
    return list;
}

static json_t *read_speed(const tw_doctor_read *r)
{
    json_t *o = json_pack("{sf sf sf sf sf sb sI}", "rank_low", r->low, "rank_high", r->high, "node", r->node,
                          "total", r->total, "bytes_a_rank", r->bytes, "cached", r->cached, "count",
                          (json_int_t)r->count);
    tw_json_put(&o, "alone", known(r->alone));
    return o;
}

static json_t *gradient(const tw_doctor_gradient *g)
{
    json_t *o = json_pack("{ss ss sf sf sI sf sI}", "model", g->model, "type", tw_dtype_name(g->type), "rows",
                          g->rows, "cols", g->cols, "numbers", (json_int_t)g->numbers, "seconds", g->seconds,
                          "count", (json_int_t)g->count);
    tw_json_put(&o, "bytes_per_second", number(g->bytes_a_second));
    tw_json_put(&o, "rows_per_second", number(g->rows_a_second));
    tw_json_put(&o, "fraction_of_read", number(g->fraction));
    return o;
}

static json_t *exchange(const tw_doctor_exchange *e)
{
    json_t *points = json_array();
    for (size_t i = 0; i < e->count; i++) {
        const tw_measured *p = &e->points[i];
        tw_json_append(&points, json_pack("{sI sf sf sf sI sI}", "length", (json_int_t)p->length, "seconds",
                                          p->seconds, "low", p->low, "high", p->high, "count",
                                          (json_int_t)p->count, "bytes", (json_int_t)p->bytes));
    }
    json_t *o = json_pack("{ss}", "mode", e->mode == TW_ALLREDUCE ? "allreduce" : "reproducible");
    tw_json_put(&o, "latency", e->fit.points ? number(e->fit.latency) : json_null());
    tw_json_put(&o, "bandwidth", e->fit.points ? number(e->fit.bandwidth) : json_null());
    tw_json_put(&o, "points", points);
    return o;
}

static json_t *file(const tw_doctor_file *f)
{
    json_t *o = json_pack("{sb sb}", "given", f->given, "measured", f->done);
    tw_json_put(&o, "path", text(f->given ? f->data.path : f->folder));
    if (f->given) {
        tw_json_put(&o, "rows", json_integer(f->data.rows));
        tw_json_put(&o, "cols", json_integer(f->data.cols));
        tw_json_put(&o, "type", json_string(tw_dtype_name(f->data.type)));
    }
    if (!f->done) {
        tw_json_put(&o, "why", f->why[0] ? text(f->why) : json_null());
        return o;
    }
    tw_json_put(&o, "bytes", number(f->bytes));
    tw_json_put(&o, "in_memory_before", number(f->cached));
    tw_json_put(&o, "bytes_per_second", number(f->raw));
    tw_json_put(&o, "row_bytes_per_second", number(f->rows));
    tw_json_put(&o, "written_per_second", known(f->written));
    if (f->trained) tw_json_put(&o, "gradient", gradient(&f->gradient));
    return o;
}

static json_t *words(const tw_doctor_words *w)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->count; i++) tw_json_append(&list, text(w->line[i]));
    return list;
}

json_t *tw_doctor_json(const tw_doctor *d)
{
    json_t *o = json_object();
    tw_json_put(&o, "thalweg", program());
    tw_json_put(&o, "mpi", text(d->mpi));
    tw_json_put(&o, "hdf5", text(d->hdf5));
    tw_json_put(&o, "launch", launch(d));
    tw_json_put(&o, "isa", isa(d));
    tw_json_put(&o, "nodes", nodes(d));
    tw_json_put(&o, "gnuplot", json_boolean(d->ranks[0].plot));
    if (d->speed) {
        json_t *gradients = json_array(), *exchanges = json_array();
        for (int i = 0; i < TW_DOCTOR_TYPES; i++) tw_json_append(&gradients, gradient(&d->gradient[i]));
        for (int i = 0; i < 2; i++) tw_json_append(&exchanges, exchange(&d->exchange[i]));
        tw_json_put(&o, "read", read_speed(&d->read));
        tw_json_put(&o, "gradient", gradients);
        tw_json_put(&o, "exchange", exchanges);
    }
    if (d->speed || d->file.given) tw_json_put(&o, "file", file(&d->file));
    tw_json_put(&o, "judgement", words(&d->judgement));
    tw_json_put(&o, "warnings", words(&d->warnings));
    return o;
}
