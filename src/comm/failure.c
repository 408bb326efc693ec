/* MPI itself fails: there is nobody left to agree with, so one sentence and the end of all ranks at once. */
#include "comm/comm_mpi.h"
#include "thalweg/phase.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int own_rank = -1;

static void on_error(MPI_Comm *mpi, int *code, ...)
{
    char text[MPI_MAX_ERROR_STRING + 1] = "", host[256] = "unknown";
    int length;
    (void)mpi;
    MPI_Error_string(*code, text, &length);
    text[strcspn(text, "\n")] = 0;
    if (gethostname(host, sizeof host - 1)) strcpy(host, "unknown");
    fflush(stdout);
    fprintf(stderr,
            "thalweg: error: rank %d (%s): MPI failed at iteration %ld, while %s: %s. The network or another "
            "rank is at fault; run the same command again: it goes on from the last checkpoint\n",
            own_rank, host, tw_phase_now().iteration, tw_phase_doing(tw_phase_now().phase), text);
    MPI_Abort(MPI_COMM_WORLD, TW_IO); /* *mpi may be that of one node */
    _exit(TW_IO);
}

void tw_comm_take_errors(MPI_Comm mpi, int rank)
{
    MPI_Errhandler handler;
    MPI_Comm_create_errhandler(on_error, &handler);
    MPI_Comm_set_errhandler(mpi, handler);
    MPI_Errhandler_free(&handler);
    own_rank = rank;
}
