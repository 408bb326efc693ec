#include "thalweg/fault.h"

#include "thalweg/launch.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool tw_fault_armed;

static tw_fault faults[TW_FAULT_MOST];
static size_t n_faults;
static long own_rank;

tw_status tw_fault_set(const char *text)
{
    tw_fault_armed = false;
    n_faults = 0;
    if (!text || !text[0]) return TW_OK;
    TW_TRY(tw_fault_parse(text, faults, &n_faults));
    tw_fault_armed = n_faults > 0;
    return TW_OK;
}

tw_status tw_fault_start(void)
{
    own_rank = tw_launch_rank();
    return tw_fault_set(getenv("THALWEG_FAULT"));
}

void tw_fault_rank(int rank)
{
    own_rank = rank;
}

const tw_fault *tw_fault_list(size_t *count)
{
    *count = n_faults;
    return faults;
}

/* Whoever reads the output knows that this was asked for. */
static void announce(const tw_fault *f)
{
    char clause[256];
    fprintf(stderr, "thalweg: rehearsal: %s, now\n", tw_fault_describe(f, sizeof clause, clause));
}

static bool at_once(tw_fault_kind kind)
{
    return kind == TW_FAULT_KILL || kind == TW_FAULT_STOP || kind == TW_FAULT_EXIT || kind == TW_FAULT_SLEEP;
}

static void rest(long milliseconds)
{
    struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static void take(tw_fault *f)
{
    f->state = TW_FAULT_DONE;
    announce(f);
}

static void happen(tw_fault *f)
{
    take(f);
    switch (f->kind) {
    case TW_FAULT_KILL: kill(getpid(), SIGKILL); break;
    case TW_FAULT_STOP: kill(getpid(), SIGSTOP); break;
    case TW_FAULT_EXIT: _exit((int)f->number);
    case TW_FAULT_SLEEP: rest(f->number); break;
    default: break;
    }
}

void tw_fault_reach(tw_phase phase, long iteration)
{
    for (size_t i = 0; i < n_faults; i++) {
        tw_fault *f = &faults[i];
        if (f->state != TW_FAULT_WAITS || f->rank != own_rank || f->phase != phase) continue;
        if (f->iteration >= 0 && f->iteration != iteration) continue;
        if (at_once(f->kind) && f->call == TW_FAULT_ANY_CALL)
            happen(f);
        else
            f->state = TW_FAULT_DUE;
    }
}

/* The first fault of this kind that is due, or NULL. */
static tw_fault *due(tw_fault_kind kind)
{
    for (size_t i = 0; i < n_faults; i++)
        if (faults[i].state == TW_FAULT_DUE && faults[i].kind == kind) return &faults[i];
    return NULL;
}

tw_status tw_fault_failure(void)
{
    tw_fault *f = due(TW_FAULT_FAIL);
    if (!f) return TW_OK;
    take(f);
    return tw_fail((tw_status)f->number, "a failure rehearsed by THALWEG_FAULT, while %s",
                   tw_phase_doing(f->phase));
}

void tw_fault_sums(size_t n, double *sums)
{
    tw_fault *f = n > 0 ? due(TW_FAULT_NAN) : NULL;
    if (!f) return;
    take(f);
    sums[(size_t)f->index % n] = NAN;
}

void tw_fault_flip(tw_fault_target of, size_t n, double *values)
{
    tw_fault *f = n > 0 ? due(TW_FAULT_FLIP) : NULL;
    uint64_t bits;
    if (!f || f->of != of) return;
    take(f);
    double *const value = values + (size_t)f->index % n;
    memcpy(&bits, value, sizeof bits);
    bits ^= (uint64_t)1 << f->number;
    memcpy(value, &bits, sizeof bits);
}

/* Waits for this call, or damages files and waits for none. */
static bool meant(const tw_fault *f, tw_fault_call call)
{
    return f->call == call || (f->call == TW_FAULT_ANY_CALL && f->kind >= TW_FAULT_ENOSPC &&
                               f->kind <= TW_FAULT_TORN && call == TW_FAULT_WRITE);
}

static tw_fault_kind next_call(tw_fault_call call, bool works_or_not)
{
    for (size_t i = 0; i < n_faults; i++) {
        tw_fault *f = &faults[i];
        if (f->state != TW_FAULT_DUE || !meant(f, call)) continue;
        if (works_or_not && (f->kind == TW_FAULT_SHORT || f->kind == TW_FAULT_TORN)) continue;
        if (at_once(f->kind)) {
            happen(f);
            continue;
        }
        take(f);
        return f->kind;
    }
    return TW_N_FAULTS;
}

tw_fault_kind tw_fault_write(tw_fault_call call)
{
    return next_call(call, false);
}

int tw_fault_errno(tw_fault_call call)
{
    switch (next_call(call, true)) {
    case TW_FAULT_ENOSPC: return ENOSPC;
    case TW_FAULT_EIO: return EIO;
    default: return 0;
    }
}
