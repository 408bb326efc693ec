#include "core/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_HOSTS = 256,
    MOST_NAMED = 4,
    PATIENCE = 1500 /* ms: longer than the second SYN takes */,
    DISCARD = 9
};

void tw_watchdog_peer_own(const char *host, tw_watchdog_peer *own)
{
    struct ifaddrs *list;
    size_t n = 0;
    *own = (tw_watchdog_peer){.host = ""};
    snprintf(own->host, sizeof own->host, "%.*s", (int)strcspn(host, ". "), host);
    if (getifaddrs(&list)) return;
    for (const struct ifaddrs *i = list; i && n < TW_PEER_ADDRESSES; i = i->ifa_next) {
        struct sockaddr_in in;
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
        if (!(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK)) continue;
        memcpy(&in, i->ifa_addr, sizeof in);
        own->address[n++] = in.sin_addr.s_addr;
    }
    freeifaddrs(list);
}

static bool is_own(const tw_watchdog_peer *own, uint32_t address)
{
    for (size_t i = 0; i < TW_PEER_ADDRESSES; i++)
        if (own->address[i] == address) return true;
    return false;
}

/* One connection that is being asked for; several may be of one host. */
typedef struct {
    size_t n, n_hosts;
    struct pollfd sockets[MOST_HOSTS * TW_PEER_ADDRESSES];
    int host[MOST_HOSTS * TW_PEER_ADDRESSES]; /* as an index into the following */
    int rank[MOST_HOSTS];                     /* the first one on that host */
    bool answered[MOST_HOSTS];
} questions;

/* A refusal comes from the other machine; "no route" does not. */
static bool is_answer(int error)
{
    return error == 0 || error == ECONNREFUSED || error == ECONNRESET;
}

static void ask(questions *q, uint32_t address)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(DISCARD), .sin_addr.s_addr = address};
    const int host = (int)q->n_hosts;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        q->answered[host] = true; /* nothing can be said of it */
        return;
    }
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno == EINPROGRESS) {
        q->sockets[q->n] = (struct pollfd){.fd = fd, .events = POLLOUT};
        q->host[q->n++] = host;
        return;
    }
    if (is_answer(errno)) q->answered[host] = true;
    close(fd);
}

static void ask_hosts(questions *q, int rank, int size, const tw_watchdog_peer *peers)
{
    for (int i = 1; i < size && q->n_hosts < MOST_HOSTS; i++) {
        const int r = (rank + i) % size;
        bool known = strcmp(peers[r].host, peers[rank].host) == 0, asked = false;
        for (size_t h = 0; h < q->n_hosts && !known; h++)
            known = strcmp(peers[r].host, peers[q->rank[h]].host) == 0;
        if (known) continue;
        for (size_t a = 0; a < TW_PEER_ADDRESSES; a++) {
            if (is_own(&peers[rank], peers[r].address[a])) continue; /* and 0, of which own has some too */
            if (peers[r].address[a] == 0) continue;
            ask(q, peers[r].address[a]);
            asked = true;
        }
        if (asked) q->rank[q->n_hosts++] = r;
    }
}

static void listen_for_answers(questions *q)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const long began = t.tv_sec * 1000 + t.tv_nsec / 1000000;
    for (size_t left = q->n; left > 0;) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        const long rest = began + PATIENCE - (t.tv_sec * 1000 + t.tv_nsec / 1000000);
        if (rest <= 0 || poll(q->sockets, q->n, (int)rest) <= 0) break;
        for (size_t i = 0; i < q->n; i++) {
            int error = 0;
            socklen_t length = sizeof error;
            if (q->sockets[i].fd < 0 || !q->sockets[i].revents) continue;
            if (getsockopt(q->sockets[i].fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && is_answer(error))
                q->answered[q->host[i]] = true;
            close(q->sockets[i].fd);
            q->sockets[i].fd = -1;
            left--;
        }
    }
    for (size_t i = 0; i < q->n; i++)
        if (q->sockets[i].fd >= 0) close(q->sockets[i].fd);
}

static void name_silent(const questions *q, const tw_watchdog_peer *peers, size_t length, char *text)
{
    size_t used = 0, silent = 0;
    for (size_t h = 0; h < q->n_hosts; h++) {
        if (q->answered[h] || silent++ >= MOST_NAMED) continue;
        const int more = snprintf(text + used, length - used, "%srank %d (%s)", used ? ", " : "", q->rank[h],
                                  peers[q->rank[h]].host);
        used += more > 0 && (size_t)more < length - used ? (size_t)more : 0;
    }
    snprintf(text + used, length - used, "%s%s", silent > MOST_NAMED ? " and others" : "",
             silent > 1 ? " do not answer on the network" : " does not answer on the network");
}

tw_reach tw_reach_ask(int rank, int size, const tw_watchdog_peer *peers, size_t length, char *sentence)
{
    static questions q; /* large; one thread asks, once */
    size_t answers = 0;
    q.n = q.n_hosts = 0;
    memset(q.answered, 0, sizeof q.answered);
    sentence[0] = 0;
    if (!peers) return TW_REACH_ALL;
    ask_hosts(&q, rank, size, peers);
    listen_for_answers(&q);
    for (size_t h = 0; h < q.n_hosts; h++) answers += q.answered[h];
    if (answers == q.n_hosts) return TW_REACH_ALL;
    const bool word = q.n_hosts == 1 && strcmp(peers[rank].host, peers[0].host) == 0;
    if (answers == 0 && !word) return TW_REACH_NONE;
    name_silent(&q, peers, length, sentence);
    return TW_REACH_SOME;
}
