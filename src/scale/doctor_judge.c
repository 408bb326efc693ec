/* What limits a configuration: its pass over the rows against its exchange, and the pass against memory. */
#include "scale/doctor.h"

#include "thalweg/units.h"

#include <math.h>
#include <string.h>

/* A pass that reads at this share of the memory's speed waits for memory. */
static const double memory_bound = 0.7;

double tw_doctor_exchange_seconds(const tw_doctor_exchange *e, double numbers)
{
    const tw_measured *p = e->points;
    size_t i = 0;
    if (e->count == 0) return NAN;
    if (e->count == 1 || numbers <= (double)p[0].length) return p[0].seconds;
    if (numbers >= (double)p[e->count - 1].length)
        return p[e->count - 1].seconds * numbers / (double)p[e->count - 1].length;
    while (numbers > (double)p[i + 1].length) i++;
    const double share = (numbers - (double)p[i].length) / (double)(p[i + 1].length - p[i].length);
    return p[i].seconds + share * (p[i + 1].seconds - p[i].seconds);
}

typedef struct {
    double rows, cols;
    const tw_doctor_gradient *like; /* measured: speed and limit are its */
    size_t numbers;
    const char *model;
} subject;

/* A pass over so many features like the one measured, without its exchange. */
static double pass_seconds(const tw_doctor *d, const tw_doctor_gradient *g, double rows, double cols)
{
    double own = g->seconds;
    if (tw_comm_size(d->comm) > 1) own -= tw_doctor_exchange_seconds(&d->exchange[0], (double)g->numbers);
    return fmax(own, g->seconds / 10) * rows * cols / (g->rows * g->cols);
}

static const char *duration(double seconds, size_t length, char *text)
{
    const double us = 1e6 * seconds;
    if (us < 999.5)
        snprintf(text, length, "%.3g us", us);
    else if (us < 999500)
        snprintf(text, length, "%.3g ms", 1e-3 * us);
    else
        snprintf(text, length, us < 1e8 ? "%.3g s" : "%.0f s", seconds);
    return text;
}

/* Ranks on which the exchange takes as long as the pass; it grows with the logarithm of the ranks, the pass
 * shrinks with the ranks. A power of two. */
static double useful_ranks(double ranks, double pass, double exchange, double rows)
{
    const double groups = fmax(fmin(TW_MAX_GROUPS, rows / 128), fmin(64, rows / 8)); /* that share the rows */
    double useful = 1, n = 1;
    while (n <= groups) {
        if (pass * ranks / n >= exchange * log2(fmax(n, 2)) / log2(ranks)) useful = n;
        n *= 2;
    }
    return useful;
}

static const char *limit_of(const tw_doctor *d, const tw_doctor_gradient *like, size_t length, char *text)
{
    const tw_doctor_read *r = &d->read;
    int least, most;
    tw_comm_ranks_a_node(d->comm, &least, &most);
    if (!(like->fraction >= memory_bound))
        snprintf(text, length, "the arithmetic of the cores limits it (%.0f %% of the speed of memory)",
                 100 * like->fraction);
    else if (most > 1 && r->alone > 0 && r->node < 0.6 * most * r->alone)
        snprintf(text, length, "the memory limits it, and %d ranks already share that of a node", most);
    else
        snprintf(text, length, "the memory limits it");
    return text;
}

static void judge(tw_doctor *d, const subject *c)
{
    const int ranks = tw_comm_size(d->comm);
    const double pass = pass_seconds(d, c->like, c->rows, c->cols),
                 exchange = tw_doctor_exchange_seconds(&d->exchange[0], (double)c->numbers);
    char took[32], wire[32], what[160], limit[160];
    snprintf(what, sizeof what, "A pass of %s over %.0f x %.0f %s on %s takes about %s", c->model, c->rows,
             c->cols, tw_dtype_name(c->like->type), ranks == 1 ? "this rank" : "these ranks",
             duration(pass, sizeof took, took));
    if (ranks == 1) {
        tw_doctor_say(&d->judgement, "%s: %s; one rank exchanges nothing", what,
                      limit_of(d, c->like, sizeof limit, limit));
        return;
    }
    duration(exchange, sizeof wire, wire);
    const double useful = useful_ranks(ranks, pass, exchange, c->rows);
    if (exchange > pass)
        tw_doctor_say(&d->judgement, "%s, an exchange of %zu numbers %s: the exchange limits it; %s", what,
                      c->numbers, wire,
                      useful < ranks ? "fewer ranks are as fast" : "more ranks do not help");
    else if (useful > ranks)
        tw_doctor_say(&d->judgement,
                      "%s, an exchange of %zu numbers %s: %s; more ranks help up to about %.0f", what,
                      c->numbers, wire, limit_of(d, c->like, sizeof limit, limit), useful);
    else
        tw_doctor_say(&d->judgement, "%s, an exchange of %zu numbers %s: %s; more ranks help little", what,
                      c->numbers, wire, limit_of(d, c->like, sizeof limit, limit));
}

static void judge_file(tw_doctor *d)
{
    const tw_doctor_file *f = &d->file;
    const tw_doctor_gradient *g = &f->gradient;
    char time[TW_UNIT_LEN];
    const subject own = {(double)f->data.rows, g->cols, g, g->numbers, g->model};
    const double bytes = own.rows * own.cols * (double)tw_dtype_size(g->type),
                 pass = pass_seconds(d, g, own.rows, own.cols), load = bytes / fmin(f->rows, f->raw);
    judge(d, &own);
    if (isfinite(load) && load > 0)
        tw_doctor_say(&d->judgement, "Loading its rows takes about %s, as long as %.0f passes",
                      tw_units_seconds(load, time), load / pass);
}

/* Of a node: ranks that read at once against one that reads alone. */
static void judge_node(tw_doctor *d)
{
    const tw_doctor_read *r = &d->read;
    int least, most;
    tw_comm_ranks_a_node(d->comm, &least, &most);
    if (most > 1 && least == most && r->alone > 0)
        tw_doctor_say(&d->judgement,
                      "%d ranks of a node together read memory %.1f times as fast as one of them alone", most,
                      r->node / r->alone);
}

/* Cores of the first node that its ranks may use and have no thread for. */
static void judge_cores(tw_doctor *d)
{
    const tw_binding_node *node = &d->binding.nodes[0];
    int threads = 0;
    for (int r = 0; r < node->ranks; r++) threads += d->ranks[r].threads;
    const int idle = node->cores - threads;
    if (idle > 0)
        tw_doctor_say(&d->judgement, "%d of %d cores of %s have nothing to do: more ranks a node use them",
                      idle, node->cores, tw_comm_host_of(d->comm, 0));
}

void tw_doctor_judge(tw_doctor *d)
{
    const tw_doctor_gradient *wide = &d->gradient[2], *narrow = &d->gradient[0]; /* u8, f32 */
    if (!d->speed) return;
    judge_cores(d);
    judge_node(d);
    if (d->file.trained) {
        judge_file(d);
        return;
    }
    judge(d, &(subject){60000, 784, wide, 784 + 4, wide->model});
    judge(d, &(subject){11000000, 28, narrow, 28 + 4, narrow->model});
}
