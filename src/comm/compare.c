/* Do all ranks hold the same? A vote over digests. */
#include "comm/comm_mpi.h"

#include <stdio.h>
#include <string.h>

static int votes_for(const unsigned char *all, int size, int rank)
{
    int votes = 0;
    for (int r = 0; r < size; r++) votes += memcmp(all + 16 * r, all + 16 * rank, 16) == 0;
    return votes;
}

/* The ranks that do not hold what most of them hold; with two of them nobody can tell. */
static tw_status blame(const unsigned char *all, int size)
{
    char odd[256] = "";
    int winner = 0, used = 0;
    for (int r = 1; r < size; r++)
        if (votes_for(all, size, r) > votes_for(all, size, winner)) winner = r;
    const bool majority = 2 * votes_for(all, size, winner) > size;
    for (int r = 0; r < size && used < (int)sizeof odd - 16; r++)
        if (memcmp(all + 16 * r, all + 16 * winner, 16) != 0)
            used += snprintf(odd + used, sizeof odd - (size_t)used, "%s%d", used ? ", " : "", r);
    const bool several = strchr(odd, ',') != NULL;
    if (majority)
        return tw_fail(
            TW_REPLICA,
            "the ranks hold different parameters: %s %s %s from the %d others; a memory, a processor "
            "or this MPI is at fault. Leave that node out and run the same command again: it goes "
            "on from the last checkpoint",
            several ? "ranks" : "rank", odd, several ? "differ" : "differs", votes_for(all, size, winner));
    return tw_fail(TW_REPLICA,
                   "the ranks hold different parameters, and there is no majority to tell which of them is "
                   "right (%s %s %s from rank %d); a memory, a processor or this MPI is at fault. Run "
                   "the same command again, elsewhere if you can: it goes on from the last checkpoint",
                   several ? "ranks" : "rank", odd, several ? "differ" : "differs", winner);
}

tw_status tw_comm_compare(tw_comm *comm, const unsigned char digest[16])
{
    const int size = tw_comm_size(comm);
    const unsigned char *const all = comm->hashes;
    if (size == 1) return TW_OK;
    for (int r = 0; r < size; r++) comm->hash_sizes[r] = 16;
    TW_TRY(tw_comm_allgather(comm, digest, comm->hash_sizes, comm->hashes));
    for (int r = 1; r < size; r++)
        if (memcmp(all + (size_t)r * 16, all, 16) != 0) return blame(all, size);
    return TW_OK;
}
