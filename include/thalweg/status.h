/* status.h -- how a function says that it failed.
 *
 * A status is the program's failure (disk full, bad file); why the mathematics ended is a tw_reason
 * (monitor.h). The function that first knows writes one sentence with what the user can do; callers pass the
 * code up unprinted; main prints it once. The value of a status is the exit code of the program. */
#ifndef THALWEG_STATUS_H
#define THALWEG_STATUS_H

#define TW_STATUSES(X)                                                                  \
    X(OK, 0, "success")                                                                 \
    X(USAGE, 64, "the command line or the launch is wrong")                             \
    X(DATA, 65, "input data is invalid")                                                \
    X(INPUT, 66, "an input is missing or cannot be opened")                             \
    X(INTERNAL, 70, "internal error, please report it")                                 \
    X(MEMORY, 71, "out of memory")                                                      \
    X(OUTPUT, 73, "an output cannot be created, or the run folder is taken")            \
    X(IO, 74, "an input or output error while reading or writing")                      \
    X(STOPPED, 75, "stopped early with a valid checkpoint; run the same command again") \
    X(REPLICA, 76, "ranks hold different parameters")                                   \
    X(CONFIG, 78, "the configuration is wrong")                                         \
    X(DIVERGED, 79, "the run diverged")                                                 \
    X(WATCHDOG, 80, "nothing moved for longer than the watchdog allows")                \
    X(RESUME, 81, "resuming was refused")                                               \
    X(CHECKPOINT, 82, "no valid checkpoint")

typedef enum {
#define X(name, code, text) TW_##name = code,
    TW_STATUSES(X)
#undef X
} tw_status;

#define TW_CHECKED __attribute__((warn_unused_result))

/** Length of the longest sentence, its final zero included; longer ones are cut. */
enum { TW_MESSAGE_LEN = 16384 };

/**
 * Remember one sentence (printf form) and return the code, for `return tw_fail(TW_DATA, "...", ...)`.
 * Not collective. The sentence belongs to the calling thread until its next tw_fail.
 */
tw_status tw_fail(tw_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The sentence of the last tw_fail; [TW_MESSAGE_LEN] writable bytes, never NULL. Not collective. */
char *tw_status_message(void);

/** What a code means, in words. Not collective. */
const char *tw_status_text(tw_status code);

/** Pass a failure up. */
#define TW_TRY(call)                          \
    do {                                      \
        const tw_status tw_try_ = (call);     \
        if (tw_try_ != TW_OK) return tw_try_; \
    } while (0)

#endif
