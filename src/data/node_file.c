/* The first rank of each node looks; what it saw is gathered, and every rank comes to the same verdict. */
#include "thalweg/node_file.h"

#include "thalweg/dataset.h"
#include "thalweg/hash.h"
#include "thalweg/phase.h"
#include "thalweg/units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20, SAMPLE = 64 << 10, NAMED = 4 /* hosts in a sentence */ };

/* What a rank sees; plain bytes. */
typedef struct {
    int64_t size;
    int32_t looked, error; /* 1: it is the first of its node; errno, or 0 */
    unsigned char digest[16];
} sight;

/* The digest of all pieces so far becomes that of it and the next one. */
static int add_piece(int fd, int64_t at, size_t size, char *piece, unsigned char digest[16])
{
    unsigned char both[32];
    for (size_t done = 0; done < size;) {
        const ssize_t got = pread(fd, piece + done, size - done, (off_t)at + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 ? errno : EIO; /* it became shorter */
        done += (size_t)got;
    }
    memcpy(both, digest, 16);
    tw_hash128(piece, size, both + 16);
    tw_hash128(both, sizeof both, digest);
    tw_phase_tick();
    return 0;
}

static int digest_whole(int fd, int64_t size, char *piece, unsigned char digest[16])
{
    int error = 0;
    for (int64_t at = 0; at < size && !error; at += PIECE)
        error = add_piece(fd, at, (size_t)(size - at < PIECE ? size - at : PIECE), piece, digest);
    return error;
}

static int digest_samples(int fd, const char *path, int64_t size, char *piece, unsigned char digest[16])
{
    const int64_t last = TW_NODE_FILE_PIECES - 1, step = (size - SAMPLE) / last;
    char kept[TW_MESSAGE_LEN];
    int error = 0;
    memcpy(kept, tw_status_message(), sizeof kept); /* the caller may have failed already */
    if (tw_dataset_list(path, " | ", PIECE, piece) == TW_OK) tw_hash128(piece, strlen(piece), digest);
    memcpy(tw_status_message(), kept, sizeof kept);
    for (int64_t i = 0; i <= last && !error; i++)
        error = add_piece(fd, i == last ? size - SAMPLE : i * step, SAMPLE, piece, digest);
    return error;
}

static int digest_file(int fd, const char *path, int64_t size, unsigned char digest[16])
{
    char *piece = malloc(PIECE);
    if (!piece) return ENOMEM;
    const int error = size <= TW_NODE_FILE_WHOLE ? digest_whole(fd, size, piece, digest)
                                                 : digest_samples(fd, path, size, piece, digest);
    free(piece);
    return error;
}

static void look(const char *path, sight *s)
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    s->looked = 1;
    if (fd < 0 || fstat(fd, &info) != 0) {
        s->error = errno;
    } else if (!S_ISREG(info.st_mode)) {
        s->error = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    } else {
        s->size = info.st_size;
        s->error = digest_file(fd, path, s->size, s->digest);
    }
    if (fd >= 0) close(fd);
}

static bool alike(const sight *a, const sight *b)
{
    return a->error == b->error && a->size == b->size && memcmp(a->digest, b->digest, 16) == 0;
}

/* The rank that sees what most nodes see, of those that see a file; -1: none does. */
static int most_common(const sight *all, int size, int *most)
{
    int winner = -1;
    *most = 0;
    for (int r = 0; r < size; r++) {
        int votes = 0;
        if (!all[r].looked || all[r].error) continue;
        for (int q = 0; q < size; q++) votes += all[q].looked && alike(all + q, all + r);
        if (votes <= *most) continue;
        *most = votes;
        winner = r;
    }
    return winner;
}

/* "node2, node5 and 3 more": the hosts that see what rank `like` sees. */
static void name_hosts(tw_comm *comm, const sight *all, int like, size_t length, char *text)
{
    const int size = tw_comm_size(comm);
    int named = 0, more = 0;
    size_t at = 0;
    text[0] = 0;
    for (int r = 0; r < size; r++) {
        if (!all[r].looked || !alike(all + r, all + like)) continue;
        if (named++ < NAMED)
            at += (size_t)snprintf(text + at, length - at, "%s%s", at ? ", " : "", tw_comm_host_of(comm, r));
        else
            more++;
    }
    if (more) snprintf(text + at, length - at, " and %d more", more);
}

static tw_status explain(tw_comm *comm, const char *path, const sight *all, int odd, int winner)
{
    enum { HOSTS = NAMED * 66 + 32 };
    char here[HOSTS], there[HOSTS], a[TW_UNIT_LEN], b[TW_UNIT_LEN], what[3 * TW_UNIT_LEN];
    const sight *x = all + odd, *y = all + winner;
    name_hosts(comm, all, odd, sizeof here, here);
    name_hosts(comm, all, winner, sizeof there, there);
    if (x->error == ENOMEM) return tw_fail(TW_MEMORY, "out of memory to compare %s on %s", path, here);
    if (x->error)
        return tw_fail(
            TW_INPUT,
            "cannot open %s on %s: %s, although it is there on %s; is it on a file system that all nodes "
            "share? Or copy it to every node",
            path, here, strerror(x->error), there);
    if (x->size == y->size)
        snprintf(what, sizeof what, "of the same size, with other bytes");
    else
        snprintf(what, sizeof what, "%s (%lld bytes), there %s (%lld)", tw_units_bytes((double)x->size, a),
                 (long long)x->size, tw_units_bytes((double)y->size, b), (long long)y->size);
    return tw_fail(
        TW_DATA,
        "%s on %s is another file than on %s: %s. Copy it anew, or put it on a file system that all "
        "nodes share",
        path, here, there, what);
}

/* What most nodes see is taken to be right, and of as many what the lower rank sees. */
static tw_status judge(tw_comm *comm, const char *path, const sight *all)
{
    const int size = tw_comm_size(comm);
    int most;
    const int winner = most_common(all, size, &most);
    for (int r = 0; r < size && winner >= 0; r++)
        if (all[r].looked && !alike(all + r, all + winner)) return explain(comm, path, all, r, winner);
    return TW_OK;
}

tw_status tw_node_file_compare(tw_comm *comm, const char *path)
{
    const int rank = tw_comm_rank(comm), size = tw_comm_size(comm);
    if (tw_comm_nodes(comm) == 1) return TW_OK;
    sight own = {0}, *all = malloc((size_t)size * sizeof *all);
    size_t *sizes = malloc((size_t)size * sizeof *sizes);
    tw_status status = tw_comm_agree(
        comm, all && sizes ? TW_OK : tw_fail(TW_MEMORY, "out of memory to compare %s on the nodes", path));
    if (status == TW_OK) {
        if (rank == 0 || tw_comm_node_of(comm, rank) != tw_comm_node_of(comm, rank - 1)) look(path, &own);
        for (int r = 0; r < size; r++) sizes[r] = sizeof own;
        status = tw_comm_allgather(comm, &own, sizes, all);
    }
    if (status == TW_OK) status = judge(comm, path, all);
    free(sizes);
    free(all);
    return status;
}
