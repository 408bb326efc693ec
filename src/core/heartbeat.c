#include "core/heartbeat.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMED = 4 };

/* ---- the record ---- */

void tw_heartbeat_write(const tw_heartbeat *b, int rank, char record[TW_HEARTBEAT_LEN])
{
    char text[2 * TW_HEARTBEAT_LEN];
    const double still = b->still < 999999 ? b->still : 999999;
    const int length =
        snprintf(text, sizeof text, "%5d %-16.16s %-10.10s %9ld %6lu %5lu %6.*f", rank % 100000,
                 b->host[0] ? b->host : "unknown", tw_phase_name(b->phase), b->iteration % 1000000000,
                 b->ticks % 1000000, b->alive % 100000, still < 1000 ? 1 : 0, still);
    memset(record, ' ', TW_HEARTBEAT_LEN);
    memcpy(record, text, length < TW_HEARTBEAT_LEN ? (size_t)length : TW_HEARTBEAT_LEN - 1);
    record[TW_HEARTBEAT_LEN - 1] = '\n';
}

static bool find_phase(const char *name, tw_phase *phase)
{
    for (int p = 0; p < TW_N_AT; p++)
        if (strcmp(tw_phase_name((tw_phase)p), name) == 0) {
            *phase = (tw_phase)p;
            return true;
        }
    return false;
}

bool tw_heartbeat_read(const char record[TW_HEARTBEAT_LEN], tw_heartbeat *b)
{
    char text[TW_HEARTBEAT_LEN + 1], phase[16];
    tw_heartbeat r = *b;
    int rank;
    memcpy(text, record, TW_HEARTBEAT_LEN);
    text[TW_HEARTBEAT_LEN] = 0;
    if (text[TW_HEARTBEAT_LEN - 1] != '\n' ||
        sscanf(text, "%5d %16s %10s %9ld %6lu %5lu %6lf", &rank, r.host, phase, &r.iteration, &r.ticks,
               &r.alive, &r.still) != 7 ||
        !find_phase(phase, &r.phase))
        return false;
    *b = r;
    return true;
}

/* ---- the verdict ---- */

typedef enum { UNKNOWN, WAITS, MOVES, STANDS, GONE, N_KINDS } kind;

/* A record may be one beat old, and the clocks of two ranks may be another one apart. */
static kind kind_of(const tw_heartbeat_rule *rule, const tw_heartbeat *b)
{
    if (!b->known) return UNKNOWN;
    if (b->silent >= rule->limit - 3 * rule->beat) return GONE;
    if (b->silent > 4 * rule->beat || b->still < rule->limit - 2 * rule->beat) return MOVES;
    return b->phase == TW_AT_EXCHANGE && rule->size > 1 ? WAITS : STANDS;
}

typedef struct {
    size_t length, used;
    char *text;
} sentence;

__attribute__((format(printf, 2, 3))) static void say(sentence *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int more = vsnprintf(s->text + s->used, s->length - s->used, format, args);
    va_end(args);
    if (more > 0) s->used += (size_t)more < s->length - s->used ? (size_t)more : s->length - s->used - 1;
}

static void say_where(sentence *s, const tw_heartbeat *b)
{
    say(s, "%s, iteration %ld", tw_phase_doing(b->phase), b->iteration);
}

/* "rank 2 (node02) has not moved for 600 s: reading the data, iteration 0", or the first few of several. One?
 */
static bool say_ranks(sentence *s, const tw_heartbeat_rule *rule, const tw_heartbeat *beats, kind which)
{
    int count = 0, named = 0, first = -1;
    for (int r = 0; r < rule->size; r++)
        if (kind_of(rule, &beats[r]) == which && count++ == 0) first = r;
    const double still = beats[first].still + (which == GONE ? beats[first].silent : 0);
    const double seconds = still > rule->limit ? still : rule->limit; /* it was not seen at once */
    if (count == 1) {
        say(s, "rank %d (%s) has not moved for %.0f s: ", first, beats[first].host, seconds);
        say_where(s, &beats[first]);
        return true;
    }
    say(s, "%d ranks have not moved for %.0f s: ", count, seconds);
    for (int r = first; r < rule->size && named < MOST_NAMED; r++) {
        if (kind_of(rule, &beats[r]) != which) continue;
        say(s, "%srank %d (%s) ", named++ ? ", " : "", r, beats[r].host);
        say_where(s, &beats[r]);
    }
    if (count > named) say(s, ", and %d more", count - named);
    return false;
}

static void say_gone(sentence *s, const tw_heartbeat_rule *rule, const tw_heartbeat *beats)
{
    const bool one = say_ranks(s, rule, beats, GONE);
    say(s, "; no sign of life: %s",
        one ? "its process is stopped or its node is unreachable"
            : "their processes are stopped or their nodes are unreachable");
}

static void say_standing(sentence *s, const tw_heartbeat_rule *rule, const tw_heartbeat *beats)
{
    const bool one = say_ranks(s, rule, beats, STANDS);
    say(s,
        "; %s: a file system that hangs, a node that swaps, or work that takes longer than --watchdog "
        "allows",
        one ? "its process lives" : "their processes live");
}

static void say_unknown(sentence *s, const tw_heartbeat_rule *rule, const tw_heartbeat *beats)
{
    int named = 0, more = 0;
    for (int r = 0; r < rule->size; r++) {
        if (kind_of(rule, &beats[r]) != UNKNOWN) continue;
        if (named == MOST_NAMED)
            more++;
        else
            say(s, beats[r].host[0] ? "%srank %d (%s)" : "%srank %d", named++ ? ", " : "", r, beats[r].host);
    }
    if (more > 0) say(s, ", and %d more", more);
    say(s, ": a process is stopped, or the network or a node is at fault");
}

static void say_waiting(sentence *s, const tw_heartbeat_rule *rule, const tw_heartbeat *beats, int unknown)
{
    const tw_heartbeat *own = &beats[rule->rank];
    if (unknown == 0)
        say(s,
            "nothing has moved for %.0f s: all %d ranks wait for each other, iteration %ld; the network or "
            "MPI is at fault",
            own->still, rule->size, own->iteration);
    else
        say(s, "rank %d (%s) has waited for the others for %.0f s, iteration %ld; nothing is known of ",
            rule->rank, own->host, own->still, own->iteration);
    if (unknown > 0) say_unknown(s, rule, beats);
}

bool tw_heartbeat_judge(const tw_heartbeat_rule *rule, const tw_heartbeat *beats, size_t length, char *text)
{
    int count[N_KINDS] = {0};
    sentence s = {.length = length, .text = text};
    text[0] = 0;
    for (int r = 0; r < rule->size; r++) count[kind_of(rule, &beats[r])]++;
    if (count[GONE] > 0)
        say_gone(&s, rule, beats);
    else if (count[MOVES] > 0)
        return false;
    else if (count[STANDS] > 0)
        say_standing(&s, rule, beats);
    else if (count[UNKNOWN] == 0 || beats[rule->rank].still >= 2 * rule->limit)
        say_waiting(&s, rule, beats, count[UNKNOWN]);
    return s.used > 0;
}
