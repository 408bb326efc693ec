/* Ranks as plain processes: who ends, with which code, and what is said. All scenarios run at the same time,
 * before the suite that judges them. */
#include "thalweg/watchdog.h"

#include "core/heartbeat_file.h"
#include "scratch.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { LIMIT = 3, MOST = 3, LONG = 60 };

/* What the main thread of a rank does. */
typedef enum {
    WAITS,   /* for the others, until one says that it is done */
    WORKS,   /* without a movement */
    MOVES,   /* for three times the limit, then it is done */
    STOPS,   /* the whole process */
    CLAIMS,  /* the right to speak, and stops */
    HANGS,   /* works without a movement; so does every write to the heartbeat file */
    FINISHES /* takes the watchdog away, and then stands still */
} role;

typedef struct {
    const char *name;
    int size;
    role roles[MOST];
    const char *status; /* what is in the folder at the beginning; NULL: nothing */
    bool no_file;       /* nobody can open the heartbeat file */
    double stop, go;    /* the last rank, or with all every rank, is stopped and continued */
    bool all;
    char folder[600];
    pid_t pid[MOST];
    int code[MOST]; /* exit code, or minus the signal */
    double took[MOST];
    char *err, *after; /* what was printed; status at the end */
} scenario;

#define RUNNING "state=running code=0 iteration=6 checkpoint=iteration-000000000005.h5\n"
enum { STOPPED, WORKING, WAITING, SLOW, SUSPENDED, PAUSED, ALONE, LONELY, HUNG, CLAIMED, ENDED, N_SCENARIOS };
static scenario all[N_SCENARIOS] = {
    [STOPPED] = {.name = "stopped", .size = 3, .roles = {WAITS, STOPS, WAITS}, .status = RUNNING},
    [WORKING] = {.name = "working",
                 .size = 2,
                 .roles = {WORKS, WAITS},
                 .status = "state=finished code=0 iteration=9 checkpoint=none\n"},
    [WAITING] = {.name = "waiting", .size = 2, .roles = {WAITS, WAITS}},
    [SLOW] = {.name = "slow", .size = 3, .roles = {WAITS, WAITS, MOVES}, .status = RUNNING},
    [SUSPENDED] = {.name = "suspended",
                   .size = 2,
                   .roles = {WAITS, MOVES},
                   .stop = 1,
                   .go = 1 + 1.5 * LIMIT,
                   .all = true},
    [PAUSED] = {.name = "paused", .size = 2, .roles = {WAITS, MOVES}, .stop = 1, .go = 1 + 0.6 * LIMIT},
    [ALONE] = {.name = "alone", .size = 2, .roles = {WORKS, WAITS}, .no_file = true},
    [LONELY] = {.name = "lonely", .size = 2, .roles = {STOPS, WAITS}, .no_file = true},
    [HUNG] = {.name = "hung", .size = 1, .roles = {HANGS}, .status = RUNNING},
    [CLAIMED] = {.name = "claimed", .size = 3, .roles = {WAITS, CLAIMS, WAITS}, .status = RUNNING},
    [ENDED] = {.name = "ended", .size = 1, .roles = {FINISHES}}};

static volatile bool writes_hang;

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    while (writes_hang) sleep(1);
    return syscall(SYS_pwrite64, fd, bytes, size, at);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *in(const scenario *s, const char *name)
{
    static char path[4][1024];
    static int next;
    char *const at = path[next++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", s->folder, name);
    return at;
}

/* ---- one rank ---- */

static void claim(const scenario *s, int rank)
{
    const tw_heartbeat_file f = {.fd = open(in(s, "heartbeat"), O_RDWR), .rank = rank, .size = s->size};
    usleep(500000);
    if (tw_heartbeat_file_claim(&f, TW_CLAIM_ERROR) != TW_CLAIM_MINE) _exit(99);
    raise(SIGSTOP);
}

static void wait_for_the_end(const scenario *s)
{
    while (access(in(s, "done"), F_OK) != 0) usleep(20000);
}

static void move(const scenario *s)
{
    for (int i = 0; i < 30 * LIMIT; i++) {
        usleep(100000);
        tw_phase_tick();
    }
    close(open(in(s, "done"), O_CREAT | O_WRONLY, 0644));
}

static void act(const scenario *s, int rank)
{
    switch (s->roles[rank]) {
    case WAITS:
        tw_phase_wait();
        wait_for_the_end(s);
        break;
    case WORKS: sleep(LONG); break;
    case MOVES: move(s); break;
    case STOPS:
        usleep(500000);
        raise(SIGSTOP);
        break;
    case CLAIMS: claim(s, rank); break;
    case HANGS:
        usleep(700000);
        writes_hang = true;
        sleep(LONG);
        break;
    case FINISHES:
        tw_watchdog_stop();
        sleep(3 * LIMIT);
        break;
    }
}

static void be_rank(const scenario *s, int rank)
{
    char host[] = "nodeR.cluster";
    host[4] = (char)('0' + rank);
    const int fd = open(in(s, "err"), O_CREAT | O_WRONLY | O_APPEND, 0644);
    dup2(fd, STDERR_FILENO);
    tw_phase_enter(TW_AT_STEP, 6);
    if (tw_watchdog_start(&(tw_watchdog_settings){rank, s->size, host, LIMIT, NULL}) != TW_OK) _exit(98);
    while (rank > 0 && !s->no_file && access(in(s, "heartbeat"), F_OK) != 0) usleep(5000);
    tw_watchdog_share(s->no_file ? in(s, "nowhere") : s->folder);
    act(s, rank);
    tw_watchdog_stop();
    _exit(0);
}

/* ---- all of them ---- */

static void begin(scenario *s)
{
    snprintf(s->folder, sizeof s->folder, "%s/%s", scratch, s->name);
    if (mkdir(s->folder, 0755) != 0) exit(97);
    if (s->status) {
        const int fd = open(in(s, "status"), O_CREAT | O_WRONLY, 0644);
        if (write(fd, s->status, strlen(s->status)) < 0) exit(97);
        close(fd);
    }
    for (int r = 0; r < s->size; r++) {
        s->pid[r] = fork();
        if (s->pid[r] == 0) be_rank(s, r);
    }
}

static void signal_ranks(scenario *s, double from, double to)
{
    for (int k = 0; k < 2; k++) {
        const double when = k == 0 ? s->stop : s->go;
        if (when <= from || when > to) continue;
        for (int r = s->all ? 0 : s->size - 1; r < s->size; r++) kill(s->pid[r], k == 0 ? SIGSTOP : SIGCONT);
    }
}

static bool collect(scenario *s, double t)
{
    bool open_ones = false;
    for (int r = 0; r < s->size; r++) {
        int status;
        if (s->pid[r] == 0) continue;
        if (waitpid(s->pid[r], &status, WNOHANG) == s->pid[r]) {
            s->code[r] = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            s->took[r] = t;
            s->pid[r] = 0;
        }
        open_ones = open_ones || (s->pid[r] != 0 && s->roles[r] != STOPS && s->roles[r] != CLAIMS);
    }
    return open_ones;
}

static char *text_of(const char *path)
{
    char text[8192] = "";
    const int fd = open(path, O_RDONLY);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) exit(97);
    if (fd >= 0) close(fd);
    return strdup(text);
}

static void run_all(void)
{
    const double start = now();
    double last = 0, t;
    bool more = true;
    for (int i = 0; i < N_SCENARIOS; i++) begin(&all[i]);
    while (more && now() - start < LONG) {
        usleep(20000);
        t = now() - start;
        more = false;
        for (int i = 0; i < N_SCENARIOS; i++) {
            signal_ranks(&all[i], last, t);
            more = collect(&all[i], t) || more;
        }
        last = t;
    }
    for (int i = 0; i < N_SCENARIOS; i++) {
        scenario *s = &all[i];
        for (int r = 0; r < s->size; r++)
            if (s->pid[r]) {
                kill(s->pid[r], SIGKILL);
                waitpid(s->pid[r], NULL, 0);
                s->code[r] = -SIGKILL;
            }
        s->err = text_of(in(s, "err"));
        s->after = text_of(in(s, "status"));
    }
}

/* ---- what must come out ---- */

static int lines(const scenario *s, const char *kind)
{
    int count = 0;
    for (const char *at = s->err; (at = strstr(at, kind)); at++) count++;
    return count;
}

static void check_codes(const scenario *s, int a, int b, int c)
{
    const int wanted[MOST] = {a, b, c};
    for (int r = 0; r < s->size; r++)
        ck_assert_msg(s->code[r] == wanted[r], "%s: rank %d ended with %d, not %d: %s", s->name, r,
                      s->code[r], wanted[r], s->err);
}

static void check_said(const scenario *s, int errors, const char *words)
{
    ck_assert_msg(lines(s, "thalweg: error: ") == errors, "%s: %s", s->name, s->err);
    ck_assert_msg(strstr(s->err, words) != NULL, "%s: '%s' is not in %s", s->name, words, s->err);
}

START_TEST(a_stopped_rank_is_named_once_and_the_status_says_failed)
{
    const scenario *s = &all[STOPPED];
    check_codes(s, 80, -SIGKILL, 80);
    check_said(s, 1, "thalweg: error: rank 1 (node1) has not moved for ");
    check_said(s, 1, " s: computing its part of the sum, iteration 6; no sign of life: ");
    check_said(s, 1, "The last checkpoint is iteration-000000000005.h5;");
    check_said(s, 1, "At 3 s the run ends (--watchdog)");
    ck_assert_int_eq(lines(s, "thalweg: warning: rank 1 (node1)"), 1);
    ck_assert_int_eq(lines(s, "\n"), 2);
    ck_assert_str_eq(s->after, "state=failed code=80 iteration=6 checkpoint=iteration-000000000005.h5\n");
}
END_TEST

START_TEST(a_rank_that_works_without_moving_is_named_and_a_finished_run_stays_finished)
{
    const scenario *s = &all[WORKING];
    check_codes(s, 80, 80, 0);
    check_said(s, 1, "thalweg: error: rank 0 (node0) has not moved for 3 s: computing its part of the sum");
    ck_assert_str_eq(s->after, s->status);
}
END_TEST

START_TEST(ranks_that_all_wait_end_and_blame_no_rank)
{
    const scenario *s = &all[WAITING];
    check_codes(s, 80, 80, 0);
    check_said(s, 1, "thalweg: error: nothing has moved for 3 s: all 2 ranks wait for each other");
    check_said(s, 1, "There is no checkpoint yet");
    ck_assert_str_eq(s->after, "state=failed code=80 iteration=6 checkpoint=none\n");
}
END_TEST

START_TEST(a_slow_rank_that_moves_ends_nothing)
{
    const scenario *s = &all[SLOW];
    check_codes(s, 0, 0, 0);
    ck_assert_str_eq(s->err, "");
    ck_assert_str_eq(s->after, RUNNING);
    ck_assert(access(in(s, "heartbeat"), F_OK) != 0);
    ck_assert_double_ge(s->took[0], 3 * LIMIT); /* it was slow */
}
END_TEST

START_TEST(time_in_which_all_are_suspended_does_not_count)
{
    const scenario *s = &all[SUSPENDED];
    check_codes(s, 0, 0, 0);
    ck_assert_str_eq(s->err, "");
}
END_TEST

START_TEST(a_rank_that_is_stopped_for_less_than_the_limit_ends_nothing)
{
    const scenario *s = &all[PAUSED];
    check_codes(s, 0, 0, 0);
    check_said(s, 0, "");
}
END_TEST

START_TEST(without_a_file_each_speaks_for_itself)
{
    check_codes(&all[ALONE], 80, 80, 0);
    check_said(&all[ALONE], 2, "thalweg: error: rank 0 (node0) has not moved for 3 s");
    check_said(&all[ALONE], 2, "thalweg: error: rank 1 (node1) has waited for the others for 6 s");
    ck_assert_double_lt(all[ALONE].took[0], all[ALONE].took[1]);
    check_codes(&all[LONELY], -SIGKILL, 80, 0);
    check_said(&all[LONELY], 1, "nothing is known of rank 0");
}
END_TEST

START_TEST(a_file_system_that_hangs_does_not_hold_up_the_end)
{
    const scenario *s = &all[HUNG];
    check_codes(s, 80, 0, 0);
    check_said(s, 1, "thalweg: error: rank 0 (node0) has not moved for ");
}
END_TEST

START_TEST(when_the_speaker_is_stopped_another_speaks)
{
    const scenario *s = &all[CLAIMED];
    check_codes(s, 80, -SIGKILL, 80);
    check_said(s, 1, "thalweg: error: rank 1 (node1) has not moved for ");
    ck_assert_str_eq(s->after, "state=failed code=80 iteration=6 checkpoint=iteration-000000000005.h5\n");
}
END_TEST

START_TEST(after_the_stop_nobody_watches)
{
    check_codes(&all[ENDED], 0, 0, 0);
    ck_assert_str_eq(all[ENDED].err, "");
    ck_assert(access(in(&all[ENDED], "heartbeat"), F_OK) != 0);
}
END_TEST

START_TEST(the_end_comes_within_ten_seconds_of_the_limit)
{
    static const int ended[] = {STOPPED, WORKING, WAITING, HUNG};
    for (size_t i = 0; i < sizeof ended / sizeof *ended; i++)
        ck_assert_double_lt(all[ended[i]].took[0], 1 + LIMIT + 10);
}
END_TEST

int main(void)
{
    const char *const base = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/thalweg-XXXXXX", base && base[0] ? base : "/tmp");
    if (!mkdtemp(scratch)) return EXIT_FAILURE;
    run_all();
    Suite *s = suite_create("watchdog");
    TCase *t = tcase_create("scenarios");
    tcase_add_test(t, a_stopped_rank_is_named_once_and_the_status_says_failed);
    tcase_add_test(t, a_rank_that_works_without_moving_is_named_and_a_finished_run_stays_finished);
    tcase_add_test(t, ranks_that_all_wait_end_and_blame_no_rank);
    tcase_add_test(t, a_slow_rank_that_moves_ends_nothing);
    tcase_add_test(t, time_in_which_all_are_suspended_does_not_count);
    tcase_add_test(t, a_rank_that_is_stopped_for_less_than_the_limit_ends_nothing);
    tcase_add_test(t, without_a_file_each_speaks_for_itself);
    tcase_add_test(t, a_file_system_that_hangs_does_not_hold_up_the_end);
    tcase_add_test(t, when_the_speaker_is_stopped_another_speaks);
    tcase_add_test(t, after_the_stop_nobody_watches);
    tcase_add_test(t, the_end_comes_within_ten_seconds_of_the_limit);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    scratch_remove();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
