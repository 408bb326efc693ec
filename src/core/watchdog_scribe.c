/* The second thread of the watchdog: writes the own record, reads those of the others, and does the errands.
 */
#include "core/watchdog_scribe.h"

#include <string.h>
#include <unistd.h>

struct tw_watchdog_shared tw_dog = {.file.fd = -1, .mutex = PTHREAD_MUTEX_INITIALIZER};

static void take_record(int rank, const char *record, bool afresh)
{
    tw_heartbeat now = tw_dog.beats[rank];
    if (!tw_heartbeat_read(record, &now)) return;
    if (afresh || !now.known || now.alive != tw_dog.beats[rank].alive) tw_dog.seen[rank] = tw_dog.clock;
    now.known = true;
    tw_dog.beats[rank] = now;
}

static void read_records(const tw_heartbeat_file *f, bool afresh)
{
    enum { AT_ONCE = 64 };
    char records[AT_ONCE][TW_HEARTBEAT_LEN];
    for (int first = 0; first < f->size; first += AT_ONCE) {
        const int most = f->size - first < AT_ONCE ? f->size - first : AT_ONCE;
        const int got = tw_heartbeat_file_get(f, first, most, records);
        pthread_mutex_lock(&tw_dog.mutex);
        for (int i = 0; i < got; i++) take_record(first + i, records[i], afresh);
        pthread_mutex_unlock(&tw_dog.mutex);
    }
}

/* One round with the file; the mutex is free meanwhile. */
static void visit(void)
{
    const tw_heartbeat_file f = tw_dog.file;
    const tw_errand what = tw_dog.errand;
    const bool afresh = tw_dog.afresh, look = tw_dog.look || afresh, release = tw_dog.release;
    const tw_heartbeat own = tw_dog.own;
    char checkpoint[TW_CHECKPOINT_NAME] = "";
    tw_dog.release = tw_dog.afresh = false;
    tw_dog.busy = true;
    pthread_mutex_unlock(&tw_dog.mutex);
    tw_heartbeat_file_put(&f, &own);
    if (release) tw_heartbeat_file_release(&f, TW_CLAIM_WARNING);
    if (look) read_records(&f, afresh);
    const int answer = tw_heartbeat_file_run(what, &f, own.iteration, checkpoint);
    pthread_mutex_lock(&tw_dog.mutex);
    tw_dog.busy = false;
    tw_dog.written = tw_dog.clock;
    if (f.fd != tw_dog.file.fd) close(f.fd);
    if (what == TW_ERRAND_NOTHING || what != tw_dog.errand) return;
    tw_dog.errand = TW_ERRAND_NOTHING;
    tw_dog.answer = answer;
    if (what == TW_ERRAND_CLAIM_ERROR) memcpy(tw_dog.checkpoint, checkpoint, sizeof checkpoint);
    pthread_cond_signal(&tw_dog.done);
}

void *tw_scribe_work(void *unused)
{
    pthread_mutex_lock(&tw_dog.mutex);
    while (!tw_dog.ending) {
        const bool asked = tw_dog.rounds != tw_dog.round || tw_dog.errand != TW_ERRAND_NOTHING;
        tw_dog.rounds = tw_dog.round;
        if (asked && tw_dog.file.fd >= 0)
            visit();
        else
            pthread_cond_wait(&tw_dog.wake, &tw_dog.mutex);
    }
    pthread_mutex_unlock(&tw_dog.mutex);
    return unused;
}
