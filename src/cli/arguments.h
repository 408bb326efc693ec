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

#endif
