#include "thalweg/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INTERRUPT_PATH = 8192 };

static volatile sig_atomic_t stop_signal, save_wanted, interrupted_at;
static char watched[INTERRUPT_PATH];
static double looked;
static bool found;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* safe in a handler */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void on_stop(int number)
{
    const int now = (int)seconds();
    if (number == SIGINT && interrupted_at && now > interrupted_at + 1) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    if (number == SIGINT && !interrupted_at) interrupted_at = now;
    if (!stop_signal) stop_signal = number;
}

static void on_save(int number)
{
    (void)number;
    save_wanted = 1;
}

void tw_interrupt_install(void)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    struct sigaction save = {.sa_handler = on_save, .sa_flags = SA_RESTART};
    sigemptyset(&stop.sa_mask);
    sigemptyset(&save.sa_mask);
    sigaction(SIGUSR1, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGUSR2, &save, NULL);
}

void tw_interrupt_watch(const char *path)
{
    if (!path || snprintf(watched, sizeof watched, "%s", path) >= (int)sizeof watched) watched[0] = 0;
    found = false;
    looked = 0;
}

static bool file_is_there(void)
{
    if (found || !watched[0]) return found;
    const double now = seconds();
    if (now - looked < 0.5) return false;
    looked = now;
    return found = access(watched, F_OK) == 0;
}

unsigned tw_interrupt_requests(void)
{
    const bool stop = stop_signal || file_is_there();
    return (stop ? TW_INTERRUPT_STOP : 0U) | (save_wanted ? TW_INTERRUPT_SAVE : 0U);
}

void tw_interrupt_save(void)
{
    save_wanted = 1;
}

void tw_interrupt_saved(void)
{
    save_wanted = 0;
}

const char *tw_interrupt_cause(void)
{
    return stop_signal ? tw_interrupt_name(stop_signal) : found ? "the file STOP" : "";
}

const char *tw_interrupt_name(int number)
{
    switch (number) {
    case SIGUSR1: return "SIGUSR1";
    case SIGINT: return "SIGINT";
    case SIGTERM: return "SIGTERM";
    case SIGHUP: return "SIGHUP";
    default: return "a signal";
    }
}

tw_status tw_interrupt_check(const char *doing)
{
    if (!(tw_interrupt_requests() & TW_INTERRUPT_STOP)) return TW_OK;
    return tw_fail(TW_STOPPED, "stopped by %s while %s; run the same command again", tw_interrupt_cause(),
                   doing);
}
