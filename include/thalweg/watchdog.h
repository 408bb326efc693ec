/* watchdog.h -- no hang: when no rank has moved for so long, the run ends, and says who stands still.
 *
 * Two threads beside the main thread, which make no MPI call: one watches (phase.h says whether the main
 * thread moves), the other alone touches files, so that a file system that hangs cannot hold up the first.
 * Every rank keeps its own record of 64 bytes in one heartbeat file of the run folder; `cat` reads it:
 *
 *     rank  host  phase  iteration  ticks  alive  seconds since the main thread moved
 *
 * A rank that waits in an exchange looks there whom it waits for. Nobody is at fault as long as any rank
 * moves, however slowly, and time in which the whole process was suspended does not count. State of the
 * process: nothing here is collective. Cost: a few system calls every sixtieth of the limit, at most every
 * 10 s, of each rank; nothing in a step. */
#ifndef THALWEG_WATCHDOG_H
#define THALWEG_WATCHDOG_H

#include "thalweg/status.h"

#include <stdint.h>

enum { TW_PEER_ADDRESSES = 4 };

/* Where a rank can be asked for a sign of life. */
typedef struct {
    char host[40];                       /* up to its first dot */
    uint32_t address[TW_PEER_ADDRESSES]; /* IPv4, network order, of interfaces that are up; 0: none */
} tw_watchdog_peer;

/** Of this process. */
void tw_watchdog_peer_own(const char *host, tw_watchdog_peer *own);

typedef struct {
    int rank, size;
    const char *host;              /* copied, up to its first dot */
    double seconds;                /* without a movement that are too many; 0: no watchdog */
    const tw_watchdog_peer *peers; /* [size], copied; NULL: no host is asked */
} tw_watchdog_settings;

/** Watch from here on. TW_MEMORY: no memory, or no thread. */
tw_status tw_watchdog_start(const tw_watchdog_settings *settings) TW_CHECKED;

/**
 * Take the heartbeat file of a run folder into use. Rank 0 makes it, the others find it, so rank 0 comes
 * first; a rank that cannot open it speaks for itself. NULL: no longer, rank 0 removes it. Without a watchdog
 * nothing happens.
 *
 * With the file: after half the limit one rank prints a warning; at the limit one rank prints who stands
 * still, where, which hosts do not answer, and the last checkpoint, makes FOLDER/status say state=failed
 * code=80 where it said running, and every rank ends with TW_WATCHDOG. Without it: a rank that stands still
 * itself ends at the limit, one that waits for others at twice the limit, because it cannot know whether they
 * move. Where a host does not answer the launcher has half a minute more to find that out itself and to end
 * all, because one that is told to end ranks on a dead host waits for it without end.
 */
void tw_watchdog_share(const char *folder);

/** The end of both threads. Without a watchdog nothing happens. */
void tw_watchdog_stop(void);

#endif
