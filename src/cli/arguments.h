/* arguments.h -- argp as every command uses it: before MPI starts, silent on ranks other than 0. */
#ifndef THALWEG_CLI_ARGUMENTS_H
#define THALWEG_CLI_ARGUMENTS_H

#include "thalweg/status.h"

#include "thalweg/comm.h"
#include "thalweg/launch.h"

#include <argp.h>

/**
 * The end of a command that used ranks: rank 0 prints the error, if there is one, before MPI ends, because a
 * launcher kills all ranks as soon as one has exited with a failure. Collective. Returns status.
 */
tw_status tw_command_end(tw_comm *comm, tw_status status);

/** Print the sentence of a failure once; later calls print nothing. Ranks other than 0 never print. */
void tw_command_print_error(tw_status status);

/**
 * Parse argv. --help prints and ends the program with 0; anything else wrong is TW_USAGE, for an unknown long
 * option with the nearest one.
 */
tw_status tw_arguments_parse(const struct argp *argp, int argc, char **argv, void *input) TW_CHECKED;

/** From here on tw_arguments_parse hands the table of a command to `read`, parses nothing and returns TW_USAGE
 * without a sentence, so that the command ends at once; NULL: it parses again. */
void tw_arguments_read(void (*read)(void *context, const struct argp *argp, const char *name), void *context);

/** For ARGP_KEY_ARG of a command that takes one word beside its options: keep it in *word, NULL before; a
 * second one is refused with `limit`, "one configuration at a time". */
void tw_arguments_one(struct argp_state *state, const char *limit, const char *value, const char **word);

/** SECONDS of --watchdog: 0, or at least 1. TW_USAGE. */
tw_status tw_arguments_watchdog(const char *text, double *seconds) TW_CHECKED;

/** Watch this rank from here on (watchdog.h); nothing for 0 seconds. Every rank. TW_MEMORY. */
tw_status tw_command_watch(tw_comm *comm, double seconds) TW_CHECKED;

/* Seconds without a movement that are too many, when nobody says otherwise. */
enum { TW_WATCHDOG_SECONDS = 600 };
#define TW_WATCHDOG_DOC \
    "End with exit code 80 when nothing moves for so long, and say who stands still (600; 0: never)"

#endif
