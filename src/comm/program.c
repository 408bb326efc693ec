/* Do all ranks run the same program? Those of two versions may give two answers, or wait for each other in
 * different places. */
#include "comm/comm_mpi.h"
#include "thalweg/hash.h"
#include "thalweg/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a rank says of itself when programs differ. Like the four words below it is read by other versions:
 * neither may change. */
typedef struct {
    unsigned char digest[16];
    char host[256], version[128], path[1024];
} self;

/* A whole piece, or what is left of the file; -1: it cannot be read. */
static ssize_t read_piece(int fd, size_t size, char *piece)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t got = read(fd, piece + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* The digest of all pieces so far becomes that of it and the next one. All zeros, and false, where the system
 * does not show the program. */
static bool digest_program(unsigned char digest[16])
{
    char piece[1 << 16];
    unsigned char both[32];
    ssize_t got = -1;
    memset(digest, 0, 16);
    const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (got = read_piece(fd, sizeof piece, piece)) > 0) {
        memcpy(both, digest, 16);
        tw_hash128(piece, (size_t)got, both + 16);
        tw_hash128(both, sizeof both, digest);
    }
    if (fd >= 0) close(fd);
    if (got != 0) memset(digest, 0, 16);
    return got == 0;
}

static bool is_known(const self *who)
{
    static const unsigned char none[16];
    return memcmp(who->digest, none, 16) != 0;
}

static bool same(const self *a, const self *b)
{
    return memcmp(a->digest, b->digest, 16) == 0;
}

static int votes_for(const self *all, int size, const self *one)
{
    int votes = 0;
    for (int r = 0; r < size; r++) votes += same(all + r, one);
    return votes;
}

/* The rank whose program most ranks run; of two that as many run, that of the lower rank. */
static int most_common(const self *all, int size, int *most)
{
    int winner = 0;
    *most = 0;
    for (int r = 0; r < size; r++) {
        const int votes = is_known(all + r) ? votes_for(all, size, all + r) : 0;
        if (votes <= *most) continue;
        *most = votes;
        winner = r;
    }
    return winner;
}

static tw_status blame(const self *all, int size)
{
    int most, first = -1, odd = 0;
    const int winner = most_common(all, size, &most);
    for (int r = size - 1; r >= 0; r--) {
        if (!is_known(all + r) || same(all + r, all + winner)) continue;
        first = r;
        odd++;
    }
    const self *a = &all[first], *b = &all[winner];
    char others[64] = "";
    if (odd > 1)
        snprintf(others, sizeof others, " (and %d more rank%s another than most)", odd - 1,
                 odd == 2 ? "" : "s");
    return tw_fail(
        TW_USAGE,
        "the ranks run different programs: rank %d (%s) runs thalweg %s, %s%s; rank %d (%s)%s runs %s %s, "
        "%s. "
        "Put one build on every node, or start it from a folder that all nodes share",
        first, a->host, a->version, a->path, others, winner, b->host, 2 * most > size ? ", as most," : "",
        strcmp(a->version, b->version) ? "thalweg" : "another build of thalweg", b->version, b->path);
}

/* Collective. */
static tw_status tell(tw_comm *comm, const unsigned char digest[16])
{
    self own = {.version = TW_VERSION " (" TW_GIT_COMMIT ")"};
    self *all = malloc((size_t)comm->size * sizeof *all);
    tw_status status =
        tw_comm_agree(comm, all ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the names of the ranks"));
    if (status) {
        free(all);
        return status;
    }
    memcpy(own.digest, digest, sizeof own.digest);
    memcpy(own.host, comm->host, sizeof own.host);
    if (readlink("/proc/self/exe", own.path, sizeof own.path - 1) < 0) strcpy(own.path, "?");
    TW_COMM_WAIT(MPI_Allgather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, comm->mpi));
    comm->bytes_sent += sizeof own;
    status = blame(all, comm->size);
    free(all);
    return status;
}

tw_status tw_comm_check_program(tw_comm *comm)
{
    unsigned char digest[16];
    uint64_t words[4] = {0};
    if (comm->size == 1) return TW_OK;
    if (digest_program(digest)) {
        memcpy(words, digest, sizeof digest);
        words[2] = ~words[0];
        words[3] = ~words[1];
    }
    TW_COMM_WAIT(MPI_Allreduce(MPI_IN_PLACE, words, 4, MPI_UINT64_T, MPI_MAX, comm->mpi));
    comm->bytes_sent += sizeof words;
    const bool nobody = (words[0] | words[1] | words[2] | words[3]) == 0;
    if (nobody || (words[0] == ~words[2] && words[1] == ~words[3])) return TW_OK; /* largest = smallest */
    return tell(comm, digest);
}
