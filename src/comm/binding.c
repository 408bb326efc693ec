#include "thalweg/binding.h"

#include "comm/comm_mpi.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = CPU_SETSIZE / 64 };

/* What a rank may run on: bit c stands for the core whose first hardware thread is c. */
typedef struct {
    uint64_t mask[WORDS];
    int64_t cores; /* of the node */
    char cpu[TW_CPU_LEN];
} claim;

/* ---- what Linux says ---- */

/* The first hardware thread of the core of this one; -1 where the file is not there. */
static int first_thread(int cpu)
{
    char path[80], text[16] = "";
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    const ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? (int)strtol(text, NULL, 10) : -1;
}

static void model_name(char text[TW_CPU_LEN])
{
    char all[4096]; /* the first processor is in it */
    const int file = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    const ssize_t length = file < 0 ? 0 : read(file, all, sizeof all - 1);
    if (file >= 0) close(file);
    all[length > 0 ? length : 0] = 0;
    strcpy(text, "unknown");
    const char *line = strstr(all, "model name"), *value = line ? strchr(line, ':') : NULL;
    if (value) {
        value += 1 + strspn(value + 1, " \t");
        snprintf(text, TW_CPU_LEN, "%.*s", (int)strcspn(value, "\n"), value);
    }
    for (char *c = text; *c; c++)
        if (*c < ' ' || *c > '~') *c = '?';
}

static void add(uint64_t *mask, int core)
{
    if (core >= 0 && core < CPU_SETSIZE) mask[core / 64] |= (uint64_t)1 << (core % 64);
}

static void describe_self(claim *c)
{
    cpu_set_t set;
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    memset(c, 0, sizeof *c);
    model_name(c->cpu);
    if (cpus > CPU_SETSIZE) cpus = CPU_SETSIZE;
    const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
    for (int i = 0; i < (int)cpus; i++) {
        const int first = first_thread(i);
        c->cores += first == i;
        if (known && CPU_ISSET((size_t)i, &set)) add(c->mask, first < 0 ? i : first);
    }
    if (c->cores == 0) c->cores = sysconf(_SC_NPROCESSORS_ONLN);
}

/* ---- sets of cores ---- */

static int count(const uint64_t *mask)
{
    int n = 0;
    for (int i = 0; i < WORDS; i++) n += __builtin_popcountll(mask[i]);
    return n;
}

/* out = a and b; false when that is empty */
static bool common(const uint64_t *a, const uint64_t *b, uint64_t *out)
{
    uint64_t any = 0;
    for (int i = 0; i < WORDS; i++) any |= out[i] = a[i] & b[i];
    return any != 0;
}

static bool has(const uint64_t *mask, int core)
{
    return core < CPU_SETSIZE && (mask[core / 64] >> (core % 64) & 1);
}

static void list(const uint64_t *mask, char text[TW_CORES_LEN])
{
    size_t used = 0;
    text[0] = 0;
    for (int c = 0, end; c < CPU_SETSIZE; c = end + 1) {
        for (end = c; has(mask, end); end++) {
        }
        if (end == c) continue;
        if (used + 16 > TW_CORES_LEN) {
            snprintf(text + used, TW_CORES_LEN - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, TW_CORES_LEN - used, used ? ", %d" : "%d", c);
        if (end > c + 1) used += (size_t)snprintf(text + used, TW_CORES_LEN - used, "-%d", end - 1);
    }
}

/* ---- what it means ---- */

/* The ranks [first, end) of a node all have the same cores, and enough of them: the job's share of the node.
 */
static bool share(const claim *all, int first, int end)
{
    for (int r = first + 1; r < end; r++)
        if (memcmp(all[r].mask, all[first].mask, sizeof all->mask) != 0) return false;
    return end - first > 1 && count(all[first].mask) >= end - first;
}

static void find_overlap(tw_binding *b, const claim *all, int first, int end)
{
    uint64_t taken[WORDS] = {0}, both[WORDS];
    for (int r = first; r < end; r++) {
        if (count(all[r].mask) >= all[r].cores) continue; /* not bound */
        if (common(all[r].mask, taken, both)) {
            int with = first;
            while (count(all[with].mask) >= all[with].cores || !common(all[r].mask, all[with].mask, both))
                with++;
            b->overlap[0] = with;
            b->overlap[1] = r;
            list(both, b->overlap_cores);
            return;
        }
        for (int i = 0; i < WORDS; i++) taken[i] |= all[r].mask[i];
    }
}

/* How the ranks of all nodes are bound, in words. */
typedef struct {
    int bound, shared, free, unknown; /* ranks */
    int least, most;                  /* cores of a bound rank */
    int allowed, cores;               /* of a node whose ranks share less than all of it */
} tally;

static void judge_node(tw_binding *b, tally *t, const claim *all, int first, int end)
{
    tw_binding_node *node = &b->nodes[b->n_nodes];
    uint64_t any[WORDS] = {0};
    const bool shared = share(all, first, end);
    for (int r = first; r < end; r++) {
        const int own = count(all[r].mask);
        for (int i = 0; i < WORDS; i++) any[i] |= all[r].mask[i];
        if (own == 0) {
            t->unknown++;
        } else if (own >= all[r].cores) {
            t->free++;
        } else if (shared) {
            t->shared++;
            t->allowed = own;
            t->cores = (int)all[r].cores;
        } else {
            t->least = t->bound == 0 || own < t->least ? own : t->least;
            t->most = own > t->most ? own : t->most;
            t->bound++;
        }
    }
    *node = (tw_binding_node){.ranks = end - first, .cores = (int)all[first].cores, .allowed = count(any)};
    memcpy(node->cpu, all[first].cpu, sizeof node->cpu);
    if (!shared && b->overlap[0] < 0) find_overlap(b, all, first, end);
    const tw_binding_node *worst = b->crowded >= 0 ? &b->nodes[b->crowded] : NULL;
    if (node->allowed > 0 && node->ranks > node->allowed &&
        (!worst || (int64_t)node->ranks * worst->allowed > (int64_t)worst->ranks * node->allowed))
        b->crowded = b->n_nodes;
    b->n_nodes++;
}

static void put_in_words(tw_binding *b, const tally *t)
{
    char each[48];
    if (t->least == t->most)
        snprintf(each, sizeof each, "%d core%s each", t->least, t->least == 1 ? "" : "s");
    else
        snprintf(each, sizeof each, "%d to %d cores", t->least, t->most);
    if (t->unknown)
        snprintf(b->text, sizeof b->text, "binding unknown");
    else if (t->bound && (t->free || t->shared))
        snprintf(b->text, sizeof b->text, "%d rank%s bound to %s, %d not bound", t->bound,
                 t->bound == 1 ? "" : "s", each, t->free + t->shared);
    else if (t->bound)
        snprintf(b->text, sizeof b->text, "bound to %s", each);
    else if (t->shared)
        snprintf(b->text, sizeof b->text, "not bound within %d of %d cores", t->allowed, t->cores);
    else
        snprintf(b->text, sizeof b->text, "not bound");
}

static void judge(tw_binding *b, const tw_comm *comm, const claim *all)
{
    tally t = {0};
    b->crowded = b->overlap[0] = b->overlap[1] = -1;
    for (int first = 0, end; first < comm->size; first = end) {
        for (end = first + 1; end < comm->size; end++)
            if (tw_comm_node_of(comm, end) != tw_comm_node_of(comm, first)) break;
        judge_node(b, &t, all, first, end);
    }
    b->least = t.bound ? t.least : 0;
    put_in_words(b, &t);
}

tw_status tw_binding_gather(tw_binding *b, tw_comm *comm)
{
    claim own, *all = malloc((size_t)comm->size * sizeof *all);
    size_t *sizes = malloc((size_t)comm->size * sizeof *sizes);
    *b = (tw_binding){.nodes = calloc((size_t)comm->nodes, sizeof *b->nodes)};
    const bool ok = all && sizes && b->nodes;
    tw_status status = tw_comm_agree(
        comm, ok ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the cores of %d ranks", comm->size));
    if (status == TW_OK) {
        describe_self(&own);
        for (int r = 0; r < comm->size; r++) sizes[r] = sizeof own;
        status = tw_comm_allgather(comm, &own, sizes, all);
    }
    if (status == TW_OK) judge(b, comm, all);
    free(sizes);
    free(all);
    return status;
}

void tw_binding_release(tw_binding *b)
{
    free(b->nodes);
    b->nodes = NULL;
}

const char *tw_binding_cpus(const tw_binding *b, size_t length, char *text)
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < b->n_nodes && used < length - 1; i++) {
        bool seen = false;
        for (int j = 0; j < i && !seen; j++) seen = strcmp(b->nodes[j].cpu, b->nodes[i].cpu) == 0;
        if (seen) continue;
        const int put = snprintf(text + used, length - used, used ? "; %s" : "%s", b->nodes[i].cpu);
        used = put < 0 || used + (size_t)put >= length ? length - 1 : used + (size_t)put;
    }
    return text;
}
