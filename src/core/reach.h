/* reach.h -- does the machine of another rank still answer? Asked only when nothing moves any more, to tell a
 * network or a node that is down from a process that is stopped. */
#ifndef THALWEG_CORE_REACH_H
#define THALWEG_CORE_REACH_H

#include "thalweg/watchdog.h"

#include <stddef.h>

typedef enum { TW_REACH_ALL, TW_REACH_SOME, TW_REACH_NONE } tw_reach;

/**
 * Ask the hosts of all ranks, at most 256 of them and those that follow this rank's first, for a connection
 * to a port that nobody uses: that it is refused is an answer. Takes up to a second and a half. An address
 * that this host has too, as those of virtual bridges, is not asked; nor is a host without another.
 *
 * @param rank this one
 * @param peers [size]
 * @param sentence out: "rank 2 (node03) does not answer on the network", or the first few of several, when
 * some do not but others do, or there is only one other host; else empty
 * @return do all answer (or is nobody to be asked), some, or none?
 */
tw_reach tw_reach_ask(int rank, int size, const tw_watchdog_peer *peers, size_t length, char *sentence);

#endif
