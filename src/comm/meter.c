/* How long the ranks wait for each other before an exchange, at 1 % of the time at most. */
#include "comm/reduction_impl.h"

#include <math.h>

#define SHARE  0.01 /* of the work, that barriers may cost */
#define RARELY 64   /* at least one exchange in so many has one */

static double nanoseconds(double seconds)
{
    return floor(seconds * 1e9);
}

bool tw_meter_arrive(tw_meter *m, tw_comm *comm, double *work, double *barrier)
{
    const double arrived = tw_seconds();
    const bool measured = !m->off && m->until <= 0;
    *work = m->ended > 0 ? nanoseconds(arrived - m->ended) : 0;
    *barrier = nanoseconds(m->cheapest);
    if (measured) TW_COMM_WAIT(MPI_Barrier(comm->mpi));
    m->together = tw_seconds();
    if (measured && !(m->cheapest > 0 && m->cheapest < m->together - arrived))
        m->cheapest = m->together - arrived;
    return measured;
}

/* The exchanges up to the next one with a barrier, from sums over the ranks. */
static long pause(double work, double barrier)
{
    if (!(work > 0)) return 0;
    const double every = ceil(barrier / (SHARE * work));
    return every < 1 ? 0 : every > RARELY ? RARELY - 1 : (long)every - 1;
}

void tw_meter_end(tw_meter *m, bool measured, double work, double barrier)
{
    const double now = tw_seconds(), took = now - m->together;
    if (measured) {
        m->wire += took;
        m->measured++;
        if (took < m->cheapest) m->cheapest = took; /* whoever comes early never sees a cheap barrier */
        m->until = pause(work, barrier);
    } else {
        const double expected = m->measured > 0 ? m->wire / (double)m->measured : took;
        if (took > expected) tw_account_move(TW_CLOCK_WIRE, TW_CLOCK_WAIT, took - expected);
        m->until--;
    }
    m->ended = now;
}
