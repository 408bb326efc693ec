/* watchdog.c -- the two threads. The watcher keeps time, judges, and speaks; the scribe alone touches files,
 * and the watcher never waits for it for long.
 *
 * Time is counted in beats that this process lived through: one that was suspended as a whole goes on where
 * it was. */
#include "thalweg/watchdog.h"

#include "core/heartbeat_file.h"
#include "core/reach.h"

#include <errno.h>
#include <pthread.h>
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
    pthread_t watcher, scribe;
    bool running;

    /* The watcher's own */
    unsigned long ticks;
    double moved; /* on its clock */
    bool compared, warned, asked;
    char sentence[SENTENCE];

    /* Shared, under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    bool ending, busy;           /* the scribe is at the file */
    bool look, afresh, release;  /* read the records; as the first ones; give up the warning */
    tw_heartbeat_file file;      /* fd -1: none */
    double clock, written;       /* seconds watched; when the scribe came back last */
    unsigned long round, rounds; /* beats, and the last one that the scribe has begun */
    tw_errand errand;
    int answer;
    char checkpoint[TW_CHECKPOINT_NAME];
    tw_heartbeat own, *beats;
    double *seen; /* [size] clock at the last change of a record */
} dog = {.file.fd = -1, .mutex = PTHREAD_MUTEX_INITIALIZER};

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
    pthread_cond_timedwait(cond, &dog.mutex, &t);
}

/* ---------------------------------------------------------------- the scribe */

static void take_record(int rank, const char *record, bool afresh)
{
    tw_heartbeat now = dog.beats[rank];
    if (!tw_heartbeat_read(record, &now)) return;
    if (afresh || !now.known || now.alive != dog.beats[rank].alive) dog.seen[rank] = dog.clock;
    now.known = true;
    dog.beats[rank] = now;
}

static void read_records(const tw_heartbeat_file *f, bool afresh)
{
    enum { AT_ONCE = 64 };
    char records[AT_ONCE][TW_HEARTBEAT_LEN];
    for (int first = 0; first < f->size; first += AT_ONCE) {
        const int most = f->size - first < AT_ONCE ? f->size - first : AT_ONCE;
        const int got = tw_heartbeat_file_get(f, first, most, records);
        pthread_mutex_lock(&dog.mutex);
        for (int i = 0; i < got; i++) take_record(first + i, records[i], afresh);
        pthread_mutex_unlock(&dog.mutex);
    }
}

/* One round with the file; the mutex is free meanwhile. */
static void visit(void)
{
    const tw_heartbeat_file f = dog.file;
    const tw_errand what = dog.errand;
    const bool afresh = dog.afresh, look = dog.look || afresh, release = dog.release;
    const tw_heartbeat own = dog.own;
    char checkpoint[TW_CHECKPOINT_NAME] = "";
    dog.release = dog.afresh = false;
    dog.busy = true;
    pthread_mutex_unlock(&dog.mutex);
    tw_heartbeat_file_put(&f, &own);
    if (release) tw_heartbeat_file_release(&f, TW_CLAIM_WARNING);
    if (look) read_records(&f, afresh);
    const int answer = tw_heartbeat_file_run(what, &f, own.iteration, checkpoint);
    pthread_mutex_lock(&dog.mutex);
    dog.busy = false;
    dog.written = dog.clock;
    if (f.fd != dog.file.fd) close(f.fd);
    if (what == TW_ERRAND_NOTHING || what != dog.errand) return;
    dog.errand = TW_ERRAND_NOTHING;
    dog.answer = answer;
    if (what == TW_ERRAND_CLAIM_ERROR) memcpy(dog.checkpoint, checkpoint, sizeof checkpoint);
    pthread_cond_signal(&dog.done);
}

static void *write_and_read(void *unused)
{
    pthread_mutex_lock(&dog.mutex);
    while (!dog.ending) {
        const bool asked = dog.rounds != dog.round || dog.errand != TW_ERRAND_NOTHING;
        dog.rounds = dog.round;
        if (asked && dog.file.fd >= 0)
            visit();
        else
            pthread_cond_wait(&dog.wake, &dog.mutex);
    }
    pthread_mutex_unlock(&dog.mutex);
    return unused;
}

/* ---------------------------------------------------------------- the watcher */

/* Under the mutex. Has the scribe been at the file lately? */
static bool file_in_use(void)
{
    const double late = 8 * dog.rule.beat > HEARD ? 8 * dog.rule.beat : HEARD;
    return dog.file.fd >= 0 && dog.written > 0 && dog.clock - dog.written < late;
}

/* Under the mutex. -1 when the scribe cannot tell. */
static int ask(tw_errand what)
{
    const double until = monotonic() + HEARD;
    if (!file_in_use()) return -1;
    dog.errand = what;
    pthread_cond_broadcast(&dog.wake);
    while (dog.errand != TW_ERRAND_NOTHING && monotonic() < until) wait_until(&dog.done, until);
    if (dog.errand == TW_ERRAND_NOTHING) return dog.answer;
    dog.errand = TW_ERRAND_NOTHING;
    dog.written = 0; /* not asked again */
    return -1;
}

/* Not through stdio, whose locks the main thread may hold. */
static void print_line(const char *kind, const char *rest)
{
    char line[2 * SENTENCE];
    const int length = snprintf(line, sizeof line, "thalweg: %s: %s%s\n", kind, dog.sentence, rest);
    const size_t size = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    if (write(STDERR_FILENO, line, size) < 0) return; /* nobody to tell */
}

static void print_error(bool has_folder)
{
    char rest[SENTENCE];
    if (!has_folder)
        rest[0] = 0;
    else if (dog.checkpoint[0])
        snprintf(rest, sizeof rest,
                 ". The last checkpoint is %s; when the cause is gone, run the same command again",
                 dog.checkpoint);
    else
        snprintf(rest, sizeof rest,
                 ". There is no checkpoint yet; when the cause is gone, run the same command again");
    print_line("error", rest);
}

static double turn_of(double each, double most)
{
    return dog.rule.rank * each < most ? dog.rule.rank * each : most;
}

/* Under the mutex, which is free meanwhile. */
static void pause_for(double seconds)
{
    pthread_mutex_unlock(&dog.mutex);
    const double until = monotonic() + seconds;
    for (double left = seconds; left > 0; left = until - monotonic()) usleep((useconds_t)(left * 1e6) + 1);
    pthread_mutex_lock(&dog.mutex);
}

/* Under the mutex, which is free meanwhile. Adds to the sentence; who is cut off leaves the word to others.
 */
static tw_reach ask_hosts(void)
{
    pthread_mutex_unlock(&dog.mutex);
    const tw_reach reach = tw_reach_hosts(sizeof dog.sentence, dog.sentence);
    pthread_mutex_lock(&dog.mutex);
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
    dog.asked = true;
    snprintf(dog.sentence, sizeof dog.sentence, "rank 0 (%s) has waited for %.0f s, iteration %ld",
             dog.own.host, dog.own.still, dog.own.iteration);
    if (ask_hosts() == TW_REACH_SOME) print_line("warning", "");
}

static void warn(void)
{
    char rest[160];
    dog.warned = true;
    const int mine = ask(TW_ERRAND_CLAIM_WARNING);
    if (mine == 0 || (mine < 0 && dog.own.phase == TW_AT_EXCHANGE)) return;
    snprintf(rest, sizeof rest, ". At %.0f s the run ends (--watchdog)", dog.rule.limit);
    print_line("warning", rest);
}

/* Under the mutex. What the file says of the others, and this rank of itself. */
static bool nothing_moves(double limit)
{
    tw_heartbeat_rule rule = dog.rule;
    const bool use = file_in_use();
    rule.limit = limit;
    for (int r = 0; r < rule.size; r++) {
        dog.beats[r].silent = dog.clock - dog.seen[r];
        if (!use) dog.beats[r].known = false;
    }
    dog.own.known = true;
    dog.own.silent = 0;
    dog.beats[rule.rank] = dog.own;
    return tw_heartbeat_judge(&rule, dog.beats, sizeof dog.sentence, dog.sentence);
}

/* Under the mutex. */
static void look_at_main_thread(void)
{
    const tw_whereabouts now = tw_phase_now();
    if (now.ticks != dog.ticks) {
        dog.ticks = now.ticks;
        dog.moved = dog.clock;
        dog.release = dog.release || dog.warned;
        dog.compared = dog.warned = dog.asked = false;
    }
    dog.own.phase = now.phase;
    dog.own.iteration = now.iteration;
    dog.own.ticks = now.ticks;
    dog.own.alive++;
    dog.own.still = dog.clock - dog.moved;
}

/* Under the mutex. The records are read once early, to know later which have not changed since, and then
 * from a little before half the limit. */
static void watch(void)
{
    const double half = dog.rule.limit / 2;
    look_at_main_thread();
    const bool early = !dog.compared && dog.own.still >= 2 * dog.rule.beat;
    dog.look = early || dog.own.still >= half - 3 * dog.rule.beat;
    if (early) dog.compared = dog.afresh = true;
    dog.round++;
    pthread_cond_broadcast(&dog.wake);
    const bool waits = dog.own.phase == TW_AT_EXCHANGE && dog.own.still >= (half < EARLY ? half : EARLY);
    if (waits && dog.rule.rank == 0 && !dog.asked) ask_early();
    if (dog.own.still >= half && !dog.warned && nothing_moves(half)) warn();
    if (dog.own.still >= dog.rule.limit && nothing_moves(dog.rule.limit)) end_run();
}

static void *keep_watch(void *unused)
{
    const double beat = dog.rule.beat;
    pthread_mutex_lock(&dog.mutex);
    for (double last = monotonic(); !dog.ending;) {
        const double now = monotonic(), passed = now - last;
        last = now;
        dog.clock += passed < 2 * beat ? passed : 2 * beat;
        watch();
        for (const double next = now + beat; !dog.ending && monotonic() < next;) wait_until(&dog.wake, next);
    }
    pthread_mutex_unlock(&dog.mutex);
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
    dog.rule = (tw_heartbeat_rule){set->rank, set->size, set->seconds, beat_of(set->seconds)};
    snprintf(dog.own.host, sizeof dog.own.host, "%.*s", (int)strcspn(set->host, ". "), set->host);
    for (int r = 0; set->peers && r < set->size; r++) /* where to look for one that leaves no record */
        snprintf(dog.beats[r].host, sizeof dog.beats[r].host, "%.*s", TW_HEARTBEAT_HOST, set->peers[r].host);
    dog.ticks = tw_phase_now().ticks;
    dog.clock = dog.moved = dog.written = 0;
    dog.ending = dog.look = dog.compared = dog.warned = dog.asked = false;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&dog.wake, &clock);
    pthread_cond_init(&dog.done, &clock);
    pthread_condattr_destroy(&clock);
}

/* Signals are the main thread's. */
static int start_threads(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&dog.scribe, NULL, write_and_read, NULL);
    if (!error && (error = pthread_create(&dog.watcher, NULL, keep_watch, NULL))) {
        pthread_mutex_lock(&dog.mutex);
        dog.ending = true;
        pthread_cond_broadcast(&dog.wake);
        pthread_mutex_unlock(&dog.mutex);
        pthread_join(dog.scribe, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

tw_status tw_watchdog_start(const tw_watchdog_settings *set)
{
    if (!(set->seconds > 0) || dog.running) return TW_OK;
    const size_t size = (size_t)set->size;
    dog.beats = calloc(size, sizeof *dog.beats);
    dog.seen = calloc(size, sizeof *dog.seen);
    int error = dog.beats && dog.seen ? 0 : ENOMEM;
    if (!error) {
        prepare(set);
        tw_reach_remember(set->rank, set->size, set->peers);
        error = start_threads();
    }
    dog.running = !error;
    if (!error) return TW_OK;
    free(dog.beats);
    free(dog.seen);
    return tw_fail(TW_MEMORY, "cannot start the watchdog: %s; go without it with --watchdog 0",
                   strerror(error));
}

void tw_watchdog_share(const char *folder)
{
    char path[TW_WATCHDOG_PATH + 16];
    if (!dog.running) return;
    const int fd = folder ? tw_heartbeat_file_open(folder, dog.rule.rank) : -1;
    pthread_mutex_lock(&dog.mutex);
    snprintf(path, sizeof path, "%s/heartbeat", dog.file.folder);
    if (!folder && dog.file.fd >= 0 && dog.rule.rank == 0) unlink(path);
    if (dog.file.fd >= 0 && !dog.busy) close(dog.file.fd);
    dog.file = (tw_heartbeat_file){.fd = fd, .rank = dog.rule.rank, .size = dog.rule.size};
    snprintf(dog.file.folder, sizeof dog.file.folder, "%s", folder ? folder : "");
    dog.written = 0;
    dog.round++; /* the first record at once */
    pthread_cond_broadcast(&dog.wake);
    pthread_mutex_unlock(&dog.mutex);
}

void tw_watchdog_stop(void)
{
    struct timespec soon;
    if (!dog.running) return;
    tw_watchdog_share(NULL);
    pthread_mutex_lock(&dog.mutex);
    dog.ending = true;
    pthread_cond_broadcast(&dog.wake);
    pthread_mutex_unlock(&dog.mutex);
    pthread_join(dog.watcher, NULL);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += HEARD;
    if (pthread_timedjoin_np(dog.scribe, NULL, &soon) != 0)
        return; /* a file system holds it; what it uses stays */
    pthread_cond_destroy(&dog.wake);
    pthread_cond_destroy(&dog.done);
    free(dog.beats);
    free(dog.seen);
    dog.running = false;
}
