/* watchdog.c -- the watcher. It keeps time, judges, and speaks; the scribe (watchdog_scribe.c) alone touches
 * files, and the watcher never waits for it for long.
 *
 * Time is counted in beats that this process lived through: one that was suspended as a whole goes on where
 * it was. */
#include "thalweg/watchdog.h"

#include "core/reach.h"
#include "core/watchdog_scribe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds: after which an answer is not waited for; for the launcher; before hosts are asked. */
enum { SENTENCE = 2048, HEARD = 5, LAUNCHER = 30, EARLY = 10 };

static struct {
    tw_heartbeat_rule rule;
    pthread_t thread, scribe;
    bool running;
    unsigned long ticks;
    double moved; /* on the clock */
    bool compared, warned, asked;
    char sentence[SENTENCE];
} watcher;

static double monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wait_until(pthread_cond_t *cond, double when)
{
    struct timespec t = {.tv_sec = (time_t)when};
    t.tv_nsec = (long)((when - (double)t.tv_sec) * 1e9);
    pthread_cond_timedwait(cond, &tw_dog.mutex, &t);
}

/* Under the mutex. Has the scribe been at the file lately? */
static bool file_in_use(void)
{
    const double late = 8 * watcher.rule.beat > HEARD ? 8 * watcher.rule.beat : HEARD;
    return tw_dog.file.fd >= 0 && tw_dog.written > 0 && tw_dog.clock - tw_dog.written < late;
}

/* Under the mutex. -1 when the scribe cannot tell. */
static int ask(tw_errand what)
{
    const double until = monotonic() + HEARD;
    if (!file_in_use()) return -1;
    tw_dog.errand = what;
    pthread_cond_broadcast(&tw_dog.wake);
    while (tw_dog.errand != TW_ERRAND_NOTHING && monotonic() < until) wait_until(&tw_dog.done, until);
    if (tw_dog.errand == TW_ERRAND_NOTHING) return tw_dog.answer;
    tw_dog.errand = TW_ERRAND_NOTHING;
    tw_dog.written = 0; /* not asked again */
    return -1;
}

/* Not through stdio, whose locks the main thread may hold. */
static void print_line(const char *kind, const char *rest)
{
    char line[2 * SENTENCE];
    const int length = snprintf(line, sizeof line, "thalweg: %s: %s%s\n", kind, watcher.sentence, rest);
    const size_t size = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    if (write(STDERR_FILENO, line, size) < 0) return; /* nobody to tell */
}

static void print_error(bool has_folder)
{
    char rest[SENTENCE];
    if (!has_folder)
        rest[0] = 0;
    else if (tw_dog.checkpoint[0])
        snprintf(rest, sizeof rest,
                 ". The last checkpoint is %s; when the cause is gone, run the same command again",
                 tw_dog.checkpoint);
    else
        snprintf(rest, sizeof rest,
                 ". There is no checkpoint yet; when the cause is gone, run the same command again");
    print_line("error", rest);
}

static double turn_of(double each, double most)
{
    return watcher.rule.rank * each < most ? watcher.rule.rank * each : most;
}

/* Under the mutex, which is free meanwhile. */
static void pause_for(double seconds)
{
    pthread_mutex_unlock(&tw_dog.mutex);
    const double until = monotonic() + seconds;
    for (double left = seconds; left > 0; left = until - monotonic()) usleep((useconds_t)(left * 1e6) + 1);
    pthread_mutex_lock(&tw_dog.mutex);
}

/* Under the mutex, which is free meanwhile. Adds to the sentence; who is cut off leaves the word to others.
 */
static tw_reach ask_hosts(void)
{
    pthread_mutex_unlock(&tw_dog.mutex);
    const tw_reach reach = tw_reach_hosts(sizeof watcher.sentence, watcher.sentence);
    pthread_mutex_lock(&tw_dog.mutex);
    if (reach == TW_REACH_NONE) pause_for(HEARD);
    return reach;
}

/* One rank speaks and ends, and its launcher ends the others. Those that it does not end must end too. Under
 * the mutex. */
static void end_run(void)
{
    const tw_reach reach = ask_hosts();
    const int claimed = ask(TW_ERRAND_CLAIM_ERROR);
    if (claimed == TW_CLAIM_TAKEN)
        pause_for(HEARD + turn_of(0.25, HEARD));
    else if (claimed == TW_CLAIM_OPEN)
        pause_for(turn_of(2, 2 * HEARD));
    if (claimed == TW_CLAIM_MINE || ask(TW_ERRAND_FIND_NOTE) != 1) print_error(claimed != TW_CLAIM_OPEN);
    ask(TW_ERRAND_NOTE_ERROR);
    if (reach == TW_REACH_SOME) pause_for(LAUNCHER);
    _exit(TW_WATCHDOG);
}

/* Under the mutex. A launcher that notices a dead host ends all ranks long before the limit and names none:
 * rank 0 does it first. */
static void ask_early(void)
{
    watcher.asked = true;
    snprintf(watcher.sentence, sizeof watcher.sentence, "rank 0 (%s) has waited for %.0f s, iteration %ld",
             tw_dog.own.host, tw_dog.own.still, tw_dog.own.iteration);
    if (ask_hosts() == TW_REACH_SOME) print_line("warning", "");
}

static void warn(void)
{
    char rest[160];
    watcher.warned = true;
    const int mine = ask(TW_ERRAND_CLAIM_WARNING);
    if (mine == 0 || (mine < 0 && tw_dog.own.phase == TW_AT_EXCHANGE)) return;
    snprintf(rest, sizeof rest, ". At %.0f s the run ends (--watchdog)", watcher.rule.limit);
    print_line("warning", rest);
}

/* Under the mutex. What the file says of the others, and this rank of itself. */
static bool nothing_moves(double limit)
{
    tw_heartbeat_rule rule = watcher.rule;
    const bool use = file_in_use();
    rule.limit = limit;
    for (int r = 0; r < rule.size; r++) {
        tw_dog.beats[r].silent = tw_dog.clock - tw_dog.seen[r];
        if (!use) tw_dog.beats[r].known = false;
    }
    tw_dog.own.known = true;
    tw_dog.own.silent = 0;
    tw_dog.beats[rule.rank] = tw_dog.own;
    return tw_heartbeat_judge(&rule, tw_dog.beats, sizeof watcher.sentence, watcher.sentence);
}

/* Under the mutex. */
static void look_at_main_thread(void)
{
    const tw_whereabouts now = tw_phase_now();
    if (now.ticks != watcher.ticks) {
        watcher.ticks = now.ticks;
        watcher.moved = tw_dog.clock;
        tw_dog.release = tw_dog.release || watcher.warned;
        watcher.compared = watcher.warned = watcher.asked = false;
    }
    tw_dog.own.phase = now.phase;
    tw_dog.own.iteration = now.iteration;
    tw_dog.own.ticks = now.ticks;
    tw_dog.own.alive++;
    tw_dog.own.still = tw_dog.clock - watcher.moved;
}

/* Under the mutex. The records are read once early, to know later which have not changed since, and then
 * from a little before half the limit. */
static void watch(void)
{
    const double half = watcher.rule.limit / 2;
    look_at_main_thread();
    const bool early = !watcher.compared && tw_dog.own.still >= 2 * watcher.rule.beat;
    tw_dog.look = early || tw_dog.own.still >= half - 3 * watcher.rule.beat;
    if (early) watcher.compared = tw_dog.afresh = true;
    tw_dog.round++;
    pthread_cond_broadcast(&tw_dog.wake);
    const bool waits =
        tw_dog.own.phase == TW_AT_EXCHANGE && tw_dog.own.still >= (half < EARLY ? half : EARLY);
    if (waits && watcher.rule.rank == 0 && !watcher.asked) ask_early();
    if (tw_dog.own.still >= half && !watcher.warned && nothing_moves(half)) warn();
    if (tw_dog.own.still >= watcher.rule.limit && nothing_moves(watcher.rule.limit)) end_run();
}

static void *keep_watch(void *unused)
{
    const double beat = watcher.rule.beat;
    pthread_mutex_lock(&tw_dog.mutex);
    for (double last = monotonic(); !tw_dog.ending;) {
        const double now = monotonic(), passed = now - last;
        last = now;
        tw_dog.clock += passed < 2 * beat ? passed : 2 * beat;
        watch();
        for (const double next = now + beat; !tw_dog.ending && monotonic() < next;)
            wait_until(&tw_dog.wake, next);
    }
    pthread_mutex_unlock(&tw_dog.mutex);
    return unused;
}

/* ---------------------------------------------------------------- in and out */

static double beat_of(double limit)
{
    const double beat = limit / 60;
    return beat < 0.2 ? 0.2 : beat > 10 ? 10 : beat;
}

static void prepare(const tw_watchdog_settings *set)
{
    pthread_condattr_t clock;
    watcher.rule = (tw_heartbeat_rule){set->rank, set->size, set->seconds, beat_of(set->seconds)};
    snprintf(tw_dog.own.host, sizeof tw_dog.own.host, "%.*s", (int)strcspn(set->host, ". "), set->host);
    for (int r = 0; set->peers && r < set->size; r++) /* where to look for one that leaves no record */
        snprintf(tw_dog.beats[r].host, sizeof tw_dog.beats[r].host, "%.*s", TW_HEARTBEAT_HOST,
                 set->peers[r].host);
    watcher.ticks = tw_phase_now().ticks;
    tw_dog.clock = watcher.moved = tw_dog.written = 0;
    tw_dog.ending = tw_dog.look = watcher.compared = watcher.warned = watcher.asked = false;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&tw_dog.wake, &clock);
    pthread_cond_init(&tw_dog.done, &clock);
    pthread_condattr_destroy(&clock);
}

/* Signals are the main thread's. */
static int start_threads(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&watcher.scribe, NULL, tw_scribe_work, NULL);
    if (!error && (error = pthread_create(&watcher.thread, NULL, keep_watch, NULL))) {
        pthread_mutex_lock(&tw_dog.mutex);
        tw_dog.ending = true;
        pthread_cond_broadcast(&tw_dog.wake);
        pthread_mutex_unlock(&tw_dog.mutex);
        pthread_join(watcher.scribe, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

tw_status tw_watchdog_start(const tw_watchdog_settings *set)
{
    if (!(set->seconds > 0) || watcher.running) return TW_OK;
    const size_t size = (size_t)set->size;
    tw_dog.beats = calloc(size, sizeof *tw_dog.beats);
    tw_dog.seen = calloc(size, sizeof *tw_dog.seen);
    int error = tw_dog.beats && tw_dog.seen ? 0 : ENOMEM;
    if (!error) {
        prepare(set);
        tw_reach_remember(set->rank, set->size, set->peers);
        error = start_threads();
    }
    watcher.running = !error;
    if (!error) return TW_OK;
    free(tw_dog.beats);
    free(tw_dog.seen);
    return tw_fail(TW_MEMORY, "cannot start the watchdog: %s; go without it with --watchdog 0",
                   strerror(error));
}

void tw_watchdog_share(const char *folder)
{
    char path[TW_WATCHDOG_PATH + 16];
    if (!watcher.running) return;
    const int fd = folder ? tw_heartbeat_file_open(folder, watcher.rule.rank) : -1;
    pthread_mutex_lock(&tw_dog.mutex);
    snprintf(path, sizeof path, "%s/heartbeat", tw_dog.file.folder);
    if (!folder && tw_dog.file.fd >= 0 && watcher.rule.rank == 0) unlink(path);
    if (tw_dog.file.fd >= 0 && !tw_dog.busy) close(tw_dog.file.fd);
    tw_dog.file = (tw_heartbeat_file){.fd = fd, .rank = watcher.rule.rank, .size = watcher.rule.size};
    snprintf(tw_dog.file.folder, sizeof tw_dog.file.folder, "%s", folder ? folder : "");
    tw_dog.written = 0;
    tw_dog.round++; /* the first record at once */
    pthread_cond_broadcast(&tw_dog.wake);
    pthread_mutex_unlock(&tw_dog.mutex);
}

void tw_watchdog_stop(void)
{
    struct timespec soon;
    if (!watcher.running) return;
    tw_watchdog_share(NULL);
    pthread_mutex_lock(&tw_dog.mutex);
    tw_dog.ending = true;
    pthread_cond_broadcast(&tw_dog.wake);
    pthread_mutex_unlock(&tw_dog.mutex);
    pthread_join(watcher.thread, NULL);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += HEARD;
    if (pthread_timedjoin_np(watcher.scribe, NULL, &soon) != 0)
        return; /* a file system holds it; what it uses stays */
    pthread_cond_destroy(&tw_dog.wake);
    pthread_cond_destroy(&tw_dog.done);
    free(tw_dog.beats);
    free(tw_dog.seen);
    watcher.running = false;
}
