/* The screen: the facts, the speeds, and the words at its end. Lines as in the header of a run. */
#include "scale/doctor.h"

#include "thalweg/kernels.h"
#include "thalweg/units.h"
#include "thalweg/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *s(long count)
{
    return count == 1 ? "" : "s";
}

static void print_program(const tw_doctor *d, FILE *out)
{
    char compiler[160];
    fprintf(out, "thalweg %s  doctor (%s), contract %d\n", TW_VERSION, TW_GIT_COMMIT, TW_CONTRACT_VERSION);
    fprintf(out, "  built    %s\n", tw_doctor_compiler(sizeof compiler, compiler));
    fprintf(out, "  library  %s, HDF5 %s\n", d->mpi, d->hdf5);
}

static void print_launch(const tw_doctor *d, FILE *out)
{
    const int ranks = tw_comm_size(d->comm), nodes = tw_comm_nodes(d->comm);
    char a_node[48] = "", clock[TW_UNIT_LEN];
    int least, most;
    tw_comm_ranks_a_node(d->comm, &least, &most);
    if (nodes > 1)
        snprintf(a_node, sizeof a_node, least < most ? " (%d to %d a node)" : " (%d a node)", least, most);
    fprintf(out, "  launch   %s%s: %d rank%s on %d node%s%s, %d thread%s each, %s\n",
            strcmp(d->launcher, "none") == 0 ? "no launcher" : "by ",
            strcmp(d->launcher, "none") == 0 ? "" : d->launcher, ranks, s(ranks), nodes, s(nodes), a_node,
            d->threads, s(d->threads), d->binding.text);
    if (tw_comm_renumbered(d->comm))
        fprintf(out, "           ranks are numbered node by node, not as they were started\n");
    if (tw_comm_pretended(d->comm))
        fprintf(out, "  rehearsal the ranks lie on %d node%s (THALWEG_NODES)\n", nodes, s(nodes));
    if (!d->job[0]) return;
    fprintf(out, "  job      %s", d->job);
    if (isfinite(d->job_left)) fprintf(out, ", ends in %s", tw_units_clock(d->job_left, clock));
    fprintf(out, "\n");
}

static void print_isa(const tw_doctor *d, FILE *out)
{
    const char *forced = getenv("THALWEG_ISA");
    bool differ = false;
    for (int r = 1; r < tw_comm_size(d->comm); r++)
        differ = differ || strcmp(d->ranks[r].isa, d->ranks[0].isa) != 0;
    fprintf(out, "  kernels  %s of %s%s%s%s\n", d->ranks[0].isa, tw_doctor_built(),
            forced && *forced ? ", THALWEG_ISA=" : "", forced ? forced : "",
            differ ? "; other ranks use others, with the same bits" : "");
}

static bool same_node(const tw_doctor *d, int i, int first, int j, int other)
{
    const tw_binding_node *a = &d->binding.nodes[i], *b = &d->binding.nodes[j];
    const tw_doctor_rank *x = &d->ranks[first], *y = &d->ranks[other];
    return a->cores == b->cores && strcmp(a->cpu, b->cpu) == 0 && x->memory == y->memory &&
           x->limit == y->limit && strcmp(x->pages, y->pages) == 0 && x->shared == y->shared &&
           x->quota == y->quota;
}

static void print_node(const tw_doctor *d, int i, int first, int alike, FILE *out)
{
    const tw_binding_node *node = &d->binding.nodes[i];
    const tw_doctor_rank *r = &d->ranks[first];
    char a[TW_UNIT_LEN], b[TW_UNIT_LEN], c[TW_UNIT_LEN];
    fprintf(out, "  node     %s", tw_comm_host_of(d->comm, first));
    if (alike > 0) fprintf(out, " and %d like it", alike);
    fprintf(out, ": %s, %d core%s", node->cpu, node->cores, s(node->cores));
    if (r->quota > 0) fprintf(out, " (the control group grants %.3g)", r->quota);
    fprintf(out, ", last cache %s\n", tw_units_bytes(r->cache, c));
    fprintf(out, "  memory   %s", tw_units_bytes(r->memory, a));
    if (r->limit > 0) fprintf(out, ", %s by the control group", tw_units_bytes(r->limit, b));
    if (r->address_space > 0) fprintf(out, ", %s a process (ulimit -v)", tw_units_bytes(r->address_space, b));
    fprintf(out, ", huge pages %s, /dev/shm %s\n", r->pages[0] ? r->pages : "unknown",
            tw_units_bytes(r->shared, c));
}

/* Nodes that differ, each once. */
static void print_nodes(const tw_doctor *d, FILE *out)
{
    const tw_binding *b = &d->binding;
    for (int i = 0, first = 0; i < b->n_nodes; first += b->nodes[i++].ranks) {
        bool seen = false;
        int alike = 0;
        for (int j = 0, other = 0; j < b->n_nodes; other += b->nodes[j++].ranks) {
            if (j == i || !same_node(d, i, first, j, other)) continue;
            if (j < i) seen = true;
            alike++;
        }
        if (!seen) print_node(d, i, first, alike, out);
    }
}

void tw_doctor_print_facts(const tw_doctor *d, FILE *out)
{
    char text[TW_PATH_LEN + 128];
    print_program(d, out);
    print_launch(d, out);
    print_isa(d, out);
    print_nodes(d, out);
    fprintf(out, "  pictures %s\n",
            d->ranks[0].plot ? "by gnuplot"
                             : "none: gnuplot is not installed, plot and scale report write numbers only");
    if (!d->file.given) return;
    tw_dataset_describe(&d->file.data, sizeof text, text);
    fprintf(out, "  data     %s\n", text);
}

/* ---- speeds ---- */

static void print_read(const tw_doctor *d, FILE *out)
{
    const tw_doctor_read *r = &d->read;
    char bytes[TW_UNIT_LEN];
    fprintf(out, "\n  read     memory %.3g GB/s a node", 1e-9 * r->node);
    if (r->high > 1.05 * r->low)
        fprintf(out, ", %.3g to %.3g a rank", 1e-9 * r->low, 1e-9 * r->high);
    else
        fprintf(out, ", %.3g a rank", 1e-9 * r->low);
    if (r->alone > 0) fprintf(out, ", %.3g alone", 1e-9 * r->alone);
    fprintf(out, "; %s each%s\n", tw_units_bytes(r->bytes, bytes),
            r->cached ? ", part of it from the cache: more --seconds reach further" : "");
}

static void print_gradient(const tw_doctor_gradient *g, FILE *out)
{
    char shape[48];
    snprintf(shape, sizeof shape, "%s, %.0f %s", g->model, g->cols, tw_dtype_name(g->type));
    fprintf(out, "  gradient %-20s %8.3g GB/s %10.3g rows/s %5.0f %% of memory\n", shape,
            1e-9 * g->bytes_a_second, g->rows_a_second, 100 * g->fraction);
}

static void print_exchange(const tw_doctor *d, const tw_doctor_exchange *e, FILE *out)
{
    const tw_measured *first = &e->points[0], *last = &e->points[e->count > 0 ? e->count - 1 : 0];
    if (e->count == 0 || tw_comm_size(d->comm) == 1) return;
    fprintf(out, "  exchange %-20s %8.3g us shortest; %zu numbers %.3g ms, %.3g GB/s\n",
            e->mode == TW_ALLREDUCE ? "allreduce" : "reproducible", 1e6 * first->seconds, last->length,
            1e3 * last->seconds, 8e-9 * (double)last->length / last->seconds);
}

static void print_file(const tw_doctor *d, FILE *out)
{
    const tw_doctor_file *f = &d->file;
    char bytes[TW_UNIT_LEN];
    if (!f->done) {
        fprintf(out, "  file     not measured: %s\n", f->why);
        return;
    }
    fprintf(out, "  file     %s%s: %s read at %.3g GB/s", f->given ? "" : "one of our own in ",
            f->given ? f->data.path : f->folder, tw_units_bytes(f->bytes, bytes), 1e-9 * f->raw);
    if (isfinite(f->cached)) fprintf(out, " (%.0f %% were in memory)", 100 * f->cached);
    fprintf(out, ", then its rows at %.3g", 1e-9 * f->rows);
    if (f->written > 0) fprintf(out, "; written at %.3g", 1e-9 * f->written);
    fprintf(out, "\n");
}

void tw_doctor_print_speeds(const tw_doctor *d, FILE *out)
{
    print_read(d, out);
    for (int i = 0; i < TW_DOCTOR_TYPES; i++) print_gradient(&d->gradient[i], out);
    if (d->file.trained) print_gradient(&d->file.gradient, out);
    if (tw_comm_size(d->comm) == 1)
        fprintf(out, "  exchange none: one rank; start several under mpirun or srun\n");
    for (int i = 0; i < 2; i++) print_exchange(d, &d->exchange[i], out);
    print_file(d, out);
}

void tw_doctor_print_words(const tw_doctor *d, FILE *out)
{
    if (d->judgement.count) fprintf(out, "\n");
    for (size_t i = 0; i < d->judgement.count; i++) fprintf(out, "%s.\n", d->judgement.line[i]);
    if (d->warnings.count) fprintf(out, "\n");
    for (size_t i = 0; i < d->warnings.count; i++) fprintf(out, "warning  %s\n", d->warnings.line[i]);
}
