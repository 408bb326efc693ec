/* The one exchange of a step: a literal all-reduce; or, where MPI adds nothing, tree nodes that travel and
 * are merged (exchange_short.c, exchange_long.c). Every form carries the flags of all ranks, idle or not. */
#include "comm/reduction_impl.h"

#include <string.h>

static void run_allreduce(tw_reduction *r, double *flags, double *out)
{
    for (size_t j = 0; j < r->n; j++) r->send[j] = r->merge->identity;
    for (size_t i = 0; i < r->branches[0].top; i++) r->merge->merge(r->n, r->branches[0].stack[i].v, r->send);
    memcpy(r->send + r->n, flags, TW_N_RIDING * sizeof *flags);
    TW_COMM_WIRE(tw_comm_reduce(r->comm, MPI_SUM, r->n + TW_N_RIDING, r->send));
    memcpy(out, r->send, r->n * sizeof *out);
    memcpy(flags, r->send + r->n, TW_N_RIDING * sizeof *flags);
}

static void run(tw_reduction *r, double *flags, double *out)
{
    if (r->mode == TW_ALLREDUCE)
        run_allreduce(r, flags, out);
    else if (r->gather)
        tw_exchange_short(r, flags, out);
    else
        tw_exchange_long(r, flags, out);
}

tw_status tw_exchange_run(tw_reduction *r, double *flags, double *out)
{
    double all[TW_N_RIDING];
    r->exchanges++;
    if (r->comm->size == 1) {
        memcpy(out, r->branches[0].stack[0].v, r->n * sizeof *out);
        return TW_OK;
    }
    memcpy(all, flags, TW_N_FLAGS * sizeof *flags);
    const bool alone = tw_meter_arrive(&r->meter, r->comm, &all[TW_FLAG_WORK], &all[TW_FLAG_BARRIER]);
    const tw_phase doing = tw_phase_wire();
    run(r, all, out);
    tw_phase_return(doing);
    tw_meter_end(&r->meter, alone, all[TW_FLAG_WORK], all[TW_FLAG_BARRIER]);
    memcpy(flags, all, TW_N_FLAGS * sizeof *flags);
    return TW_OK;
}
