#include "thalweg/phase.h"

#include "thalweg/account.h"
#include "thalweg/fault.h"

#include <stdatomic.h>

static _Atomic int current;
static _Atomic long at_iteration;
static _Atomic unsigned long ticks;

tw_phase tw_phase_enter(tw_phase phase, long iteration)
{
    const int before = atomic_load_explicit(&current, memory_order_relaxed);
    atomic_store_explicit(&at_iteration, iteration, memory_order_relaxed);
    tw_phase_return(phase);
    if (tw_fault_armed) tw_fault_reach(phase, iteration);
    return (tw_phase)before;
}

static tw_phase turn(tw_phase phase, tw_clock clock)
{
    const int before = atomic_load_explicit(&current, memory_order_relaxed);
    atomic_store_explicit(&current, (int)phase, memory_order_relaxed);
    tw_phase_tick();
    tw_account_charge(clock);
    return (tw_phase)before;
}

tw_phase tw_phase_wait(void)
{
    return turn(TW_AT_EXCHANGE, TW_CLOCK_WAIT);
}

tw_phase tw_phase_wire(void)
{
    return turn(TW_AT_EXCHANGE, TW_CLOCK_WIRE);
}

void tw_phase_return(tw_phase phase)
{
    static const tw_clock clocks[] = {
#define X(id, name, clock, doing) TW_CLOCK_##clock,
        TW_PHASES(X)
#undef X
    };
    turn(phase, clocks[phase]);
}

void tw_phase_tick(void)
{
    const unsigned long t = atomic_load_explicit(&ticks, memory_order_relaxed); /* one writer */
    atomic_store_explicit(&ticks, t + 1, memory_order_relaxed);
}

tw_whereabouts tw_phase_now(void)
{
    return (tw_whereabouts){.phase = (tw_phase)atomic_load_explicit(&current, memory_order_relaxed),
                            .iteration = atomic_load_explicit(&at_iteration, memory_order_relaxed),
                            .ticks = atomic_load_explicit(&ticks, memory_order_relaxed)};
}

const char *tw_phase_name(tw_phase phase)
{
    static const char *const names[] = {
#define X(id, name, clock, doing) name,
        TW_PHASES(X)
#undef X
    };
    return names[phase];
}

const char *tw_phase_doing(tw_phase phase)
{
    static const char *const doing[] = {
#define X(id, name, clock, doing) doing,
        TW_PHASES(X)
#undef X
    };
    return doing[phase];
}
