#include "thalweg/account.h"

#include <string.h>
#include <time.h>

static double shown[TW_N_CLOCKS];
static tw_clock running = TW_CLOCK_OTHER;
static double since; /* it runs */

double tw_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void tw_account_start(void)
{
    memset(shown, 0, sizeof shown);
    running = TW_CLOCK_OTHER;
    since = tw_seconds();
}

double tw_account_charge(tw_clock clock)
{
    const double now = tw_seconds();
    if (since > 0) shown[running] += now - since;
    running = clock;
    since = now;
    return now;
}

void tw_account_move(tw_clock from, tw_clock to, double seconds)
{
    if (seconds > shown[from]) seconds = shown[from];
    shown[from] -= seconds;
    shown[to] += seconds;
}

double tw_account_read(double *seconds)
{
    double sum = 0;
    tw_account_charge(running);
    memcpy(seconds, shown, sizeof shown);
    for (int i = 0; i < TW_N_CLOCKS; i++) sum += shown[i];
    return sum;
}

void tw_account_note(tw_account_mark *mark, long iteration)
{
    mark->iteration = iteration;
    tw_account_read(mark->seconds);
}

const char *tw_account_name(tw_clock clock)
{
    static const char *const names[] = {
#define X(id, name) name,
        TW_CLOCKS(X)
#undef X
    };
    return names[clock];
}
