/* The one exchange of a step: a literal all-reduce; or, where MPI adds nothing, tree nodes that travel and
 * are merged (exchange_short.c, exchange_long.c). Every form carries the flags of all ranks, idle or not. */
#include "comm/reduction_impl.h"

#include <string.h>

static void run_allreduce(tw_reduction *r, double *flags, double *out)
{
    for (size_t j = 0; j < r->n; j++) r->send[j] = r->merge->identity;
    for (size_t i = 0; i < r->top; i++) r->merge->merge(r->n, r->stack[i].v, r->send);
    memcpy(r->send + r->n, flags, TW_N_RIDING * sizeof *flags);
    if (tw_comm_allreduce(r->comm, TW_SUM, r->n + TW_N_RIDING, r->send)) return;
    memcpy(out, r->send, r->n * sizeof *out);
    memcpy(flags, r->send + r->n, TW_N_RIDING * sizeof *flags);
}

tw_status tw_exchange_run(tw_reduction *r, double *flags, double *out)
{
    const double arrived = tw_seconds();
    double all[TW_N_RIDING];
    memcpy(all, flags, TW_N_FLAGS * sizeof *flags);
    all[TW_FLAG_WORK] = (double)(int64_t)((arrived - r->started) * 1e6);
    if (r->measure_wait) TW_COMM_WAIT(MPI_Barrier(r->comm->mpi));
    const double together = tw_seconds();
    if (r->comm->size == 1)
        memcpy(out, r->stack[0].v, r->n * sizeof *out);
    else if (r->mode == TW_ALLREDUCE)
        run_allreduce(r, all, out);
    else if (r->gather)
        tw_exchange_short(r, all, out);
    else
        tw_exchange_long(r, all, out);
    memcpy(flags, all, TW_N_FLAGS * sizeof *flags);
    r->measure_wait = r->comm->size > 1 && all[TW_FLAG_WORK] > 1e3 * r->comm->size;
    r->account.wait += together - arrived;
    r->account.wire += tw_seconds() - together;
    r->account.exchanges++;
    return TW_OK;
}
