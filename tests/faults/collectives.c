/* A layer under MPI that compares what the ranks are about to do. Preloaded (LD_PRELOAD), it makes every
 * collective begin with an exchange of {operation, type, count, op, root} on a communicator of its own; where
 * two ranks differ, rank 0 prints what each of them is about to do, and from where, and the job ends with
 * code 70. Ending MPI and leaving the process are operations too. A rank that waits longer than
 * COLLECTIVES_LIMIT seconds (20) says where, and ends the job with code 70 as well. COLLECTIVES_REPORT=FILE:
 * rank 0 appends the number of compared operations. */
#include <dlfcn.h>
#include <execinfo.h>
#include <mpi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 6, MOST = 16, CODE = 70 };

typedef struct {
    char operation[24], type[24], op[16];
    long count, root, sum; /* sum: of the receive counts of all ranks, in order */
    long communicator;     /* number by creation: the same on every rank when the order is the same */
    long turn;             /* on this communicator */
    /* not compared: the number among all calls; where it was called, innermost first, as FILE+0xOFFSET */
    long call;
    char site[FRAMES][48];
} record;

#define COMPARED offsetof(record, call)

static struct known {
    MPI_Comm user, own; /* own: for the comparison; that of the world when both have its ranks */
    long number, calls;
} table[MOST];
static int n_known, my_rank, running, leaving;
static long n_created, n_calls;
static char where[512]; /* what the alarm prints */

static void complain(const char *sentence)
{
    fprintf(stderr, "collectives: rank %d: %s\n", my_rank, sentence);
    leaving = 1;
    PMPI_Abort(MPI_COMM_WORLD, CODE);
}

/* ---- communicators ---- */

static void learn(MPI_Comm user)
{
    if (n_known == MOST) complain("too many communicators for this layer");
    int likeness = MPI_UNEQUAL;
    struct known *k = &table[n_known];
    *k = (struct known){.user = user, .own = table[0].own, .number = n_created++};
    if (n_known > 0) PMPI_Comm_compare(user, MPI_COMM_WORLD, &likeness);
    if (likeness != MPI_IDENT && likeness != MPI_CONGRUENT) PMPI_Comm_dup(user, &k->own);
    n_known++;
}

static struct known *find(MPI_Comm user)
{
    for (int i = 0; i < n_known; i++)
        if (table[i].user == user) return &table[i];
    complain("a collective on a communicator that this layer does not know");
    return NULL;
}

static void forget(MPI_Comm user)
{
    struct known *k = find(user);
    if (k->own != table[0].own) PMPI_Comm_free(&k->own);
    *k = table[--n_known];
}

/* ---- one operation ---- */

static void describe_site(record *r)
{
    void *frame[FRAMES + 4];
    const int n = backtrace(frame, FRAMES + 4);
    Dl_info self = {0}, info;
    dladdr((void *)(uintptr_t)describe_site, &self);
    for (int i = 0, at = 0; i < n && at < FRAMES; i++) {
        if (!dladdr(frame[i], &info) || !info.dli_fname || info.dli_fbase == self.dli_fbase) continue;
        const char *slash = strrchr(info.dli_fname, '/');
        const size_t offset = (size_t)((char *)frame[i] - (char *)info.dli_fbase) - 1; /* inside the call */
        snprintf(r->site[at++], sizeof *r->site, "%.24s+0x%zx", slash ? slash + 1 : info.dli_fname, offset);
    }
}

static void name_op(MPI_Op op, record *r)
{
    const struct {
        MPI_Op op;
        const char *name;
    } known[] = {{MPI_SUM, "SUM"}, {MPI_MIN, "MIN"}, {MPI_MAX, "MAX"}};
    snprintf(r->op, sizeof r->op, "unknown");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].op == op) snprintf(r->op, sizeof r->op, "%s", known[i].name);
}

static void name_type(MPI_Datatype type, record *r)
{
    char name[MPI_MAX_OBJECT_NAME];
    int length = 0;
    PMPI_Type_get_name(type, name, &length);
    snprintf(r->type, sizeof r->type, "%.*s", length < 23 ? length : 23, name);
}

static void print(const record *r, int rank)
{
    fprintf(stderr, "collectives:   rank %d: call %ld: %s", rank, r->call, r->operation);
    if (r->type[0]) fprintf(stderr, ", %ld of %s", r->count, r->type);
    if (r->op[0]) fprintf(stderr, ", %s", r->op);
    if (r->root >= 0) fprintf(stderr, ", root %ld", r->root);
    if (r->sum) fprintf(stderr, ", receive counts %016lx", r->sum);
    fprintf(stderr, ", communicator %ld, from", r->communicator);
    for (int i = 0; i < FRAMES && r->site[i][0]; i++) fprintf(stderr, " %s", r->site[i]);
    fprintf(stderr, "\n");
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    if (write(STDERR_FILENO, where, strlen(where)) < 0) _exit(CODE);
    sleep(2); /* let the other ranks speak: the launcher ends them all when this one is gone */
    _exit(CODE);
}

static void start_waiting(const char *what, const record *r)
{
    const char *limit = getenv("COLLECTIVES_LIMIT");
    int at = snprintf(where, sizeof where, "collectives: rank %d waits in call %ld: %s, from", my_rank,
                      n_calls, what);
    for (int i = 0; i < FRAMES && r->site[i][0] && at < 400; i++)
        at += snprintf(where + at, sizeof where - (size_t)at, " %s", r->site[i]);
    snprintf(where + at, sizeof where - (size_t)at, "\n");
    signal(SIGALRM, on_alarm);
    alarm(limit ? (unsigned)strtoul(limit, NULL, 10) : 20);
}

static void compare(struct known *k, record *r)
{
    int size, rank, differ = 0;
    PMPI_Comm_size(k->own, &size);
    PMPI_Comm_rank(k->own, &rank);
    record *all = calloc((size_t)size, sizeof *all);
    if (!all) complain("out of memory");
    r->call = n_calls++;
    r->turn = k->calls++;
    r->communicator = k->number;
    describe_site(r);
    start_waiting(r->operation, r);
    PMPI_Allgather(r, sizeof *r, MPI_BYTE, all, sizeof *r, MPI_BYTE, k->own);
    for (int i = 0; i < size; i++) differ |= memcmp(&all[i], &all[0], COMPARED) != 0;
    if (differ && rank == 0) {
        fprintf(stderr, "collectives: the ranks are not about to do the same:\n");
        for (int i = 0; i < size; i++) print(&all[i], i);
        complain("mismatch");
    }
    while (differ) pause(); /* until rank 0 ends the job */
    free(all);
}

#define OPERATION(name) record r = {.operation = name, .root = -1}

/* ---- what the library under test calls ---- */

static void start(void)
{
    if (PMPI_Comm_rank(MPI_COMM_WORLD, &my_rank)) abort();
    running = 1;
    learn(MPI_COMM_WORLD);
}

int MPI_Init(int *argc, char ***argv)
{
    const int code = PMPI_Init(argc, argv);
    start();
    return code;
}

int MPI_Init_thread(int *argc, char ***argv, int wanted, int *given)
{
    const int code = PMPI_Init_thread(argc, argv, wanted, given);
    start();
    return code;
}

int MPI_Finalize(void)
{
    OPERATION("MPI_Finalize");
    compare(&table[0], &r);
    running = 0;
    const char *report = getenv("COLLECTIVES_REPORT");
    FILE *out = report && my_rank == 0 ? fopen(report, "a") : NULL;
    if (out) {
        fprintf(out, "%ld operations compared\n", n_calls);
        fclose(out);
    }
    PMPI_Comm_free(&table[0].own);
    const int code = PMPI_Finalize();
    alarm(0);
    return code;
}

/* A process that leaves without ending MPI. */
__attribute__((destructor)) static void leave(void)
{
    if (!running || leaving) return;
    OPERATION("exit");
    compare(&table[0], &r);
    alarm(0);
}

int MPI_Abort(MPI_Comm comm, int code)
{
    leaving = 1;
    return PMPI_Abort(comm, code);
}

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    OPERATION("MPI_Allreduce");
    r.count = count;
    name_type(type, &r);
    name_op(op, &r);
    compare(find(comm), &r);
    const int code = PMPI_Allreduce(send, receive, count, type, op, comm);
    alarm(0);
    return code;
}

int MPI_Bcast(void *bytes, int count, MPI_Datatype type, int root, MPI_Comm comm)
{
    OPERATION("MPI_Bcast");
    r.count = count;
    r.root = root;
    name_type(type, &r);
    compare(find(comm), &r);
    const int code = PMPI_Bcast(bytes, count, type, root, comm);
    alarm(0);
    return code;
}

int MPI_Allgatherv(const void *send, int count, MPI_Datatype type, void *receive, const int *counts,
                   const int *places, MPI_Datatype receive_type, MPI_Comm comm)
{
    OPERATION("MPI_Allgatherv");
    int size, rank;
    uint64_t sum = 0xcbf29ce484222325u;
    PMPI_Comm_size(comm, &size);
    PMPI_Comm_rank(comm, &rank);
    for (int i = 0; i < size; i++) {
        sum = (sum ^ (uint64_t)counts[i]) * 0x100000001b3u;
        r.count += counts[i];
    }
    r.sum = (long)sum;
    name_type(receive_type, &r);
    if (send != MPI_IN_PLACE && (count != counts[rank] || type != receive_type))
        complain("Allgatherv: sends other than it receives");
    compare(find(comm), &r);
    const int code = PMPI_Allgatherv(send, count, type, receive, counts, places, receive_type, comm);
    alarm(0);
    return code;
}

int MPI_Gatherv(const void *send, int count, MPI_Datatype type, void *receive, const int *counts, const int *places,
                MPI_Datatype receive_type, int root, MPI_Comm comm)
{
    OPERATION("MPI_Gatherv");
    int rank;
    PMPI_Comm_rank(comm, &rank);
    r.root = root;
    name_type(type, &r);
    if (rank == root && (count != counts[rank] || type != receive_type))
        complain("Gatherv: sends other than it receives");
    compare(find(comm), &r);
    const int code = PMPI_Gatherv(send, count, type, receive, counts, places, receive_type, root, comm);
    alarm(0);
    return code;
}

int MPI_Barrier(MPI_Comm comm)
{
    OPERATION("MPI_Barrier");
    compare(find(comm), &r);
    const int code = PMPI_Barrier(comm);
    alarm(0);
    return code;
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *out)
{
    OPERATION("MPI_Comm_dup");
    compare(find(comm), &r);
    const int code = PMPI_Comm_dup(comm, out);
    learn(*out);
    alarm(0);
    return code;
}

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *out)
{
    OPERATION("MPI_Comm_split_type");
    r.count = type;
    compare(find(comm), &r);
    const int code = PMPI_Comm_split_type(comm, type, key, info, out);
    learn(*out);
    alarm(0);
    return code;
}

int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm *out)
{
    OPERATION("MPI_Comm_split");
    compare(find(comm), &r);
    const int code = PMPI_Comm_split(comm, color, key, out);
    learn(*out);
    alarm(0);
    return code;
}

int MPI_Comm_free(MPI_Comm *comm)
{
    OPERATION("MPI_Comm_free");
    compare(find(*comm), &r);
    forget(*comm);
    const int code = PMPI_Comm_free(comm);
    alarm(0);
    return code;
}

/* Messages between two ranks are not compared, but who waits for one says so. */

#define WAIT(name, call)            \
    record r = {.operation = name}; \
    describe_site(&r);              \
    start_waiting(name, &r);        \
    const int code = call;          \
    alarm(0);                       \
    return code

int MPI_Send(const void *bytes, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    WAIT("MPI_Send", PMPI_Send(bytes, count, type, to, tag, comm));
}

int MPI_Recv(void *bytes, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status *status)
{
    WAIT("MPI_Recv", PMPI_Recv(bytes, count, type, from, tag, comm, status));
}

int MPI_Waitall(int count, MPI_Request *requests, MPI_Status *statuses)
{
    WAIT("MPI_Waitall", PMPI_Waitall(count, requests, statuses));
}

/* Everything else that all ranks of a communicator must call together: nobody uses it yet. */
#define NOT_COVERED(X)                                                                                     \
    X(Reduce)                                                                                              \
    X(Allgather) X(Gather) X(Scatter) X(Scatterv) X(Alltoall) X(Alltoallv) X(Alltoallw)         \
        X(Reduce_scatter) X(Reduce_scatter_block) X(Scan) X(Exscan) X(Ibarrier) X(Ibcast) X(Ireduce)       \
            X(Iallreduce) X(Iallgather) X(Iallgatherv) X(Igather) X(Igatherv) X(Iscatter) X(Iscatterv)     \
                X(Ialltoall) X(Ialltoallv) X(Ialltoallw) X(Ireduce_scatter) X(Ireduce_scatter_block)       \
                    X(Iscan) X(Iexscan) X(Neighbor_allgather) X(Neighbor_allgatherv) X(Neighbor_alltoall)  \
                        X(Neighbor_alltoallv) X(Neighbor_alltoallw) X(Comm_create)                         \
                            X(Comm_create_group) X(Comm_idup) X(Comm_dup_with_info) X(Comm_spawn)          \
                                X(Comm_accept) X(Comm_connect) X(Comm_disconnect) X(Intercomm_create)      \
                                    X(Intercomm_merge) X(Cart_create) X(Graph_create) X(Dist_graph_create) \
                                        X(Dist_graph_create_adjacent) X(Win_create) X(Win_allocate)        \
                                            X(Win_allocate_shared) X(Win_create_dynamic) X(Win_fence)      \
                                                X(Win_free) X(File_open) X(File_close)

#define X(name)                                         \
    int not_covered_##name(void) __asm__("MPI_" #name); \
    int not_covered_##name(void)                        \
    {                                                   \
        complain("MPI_" #name " is not covered");       \
        return CODE;                                    \
    }
NOT_COVERED(X)
#undef X
