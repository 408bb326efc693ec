/* scale.h -- the subcommands of `thalweg scale`, each with its own arguments; argv[0] is "thalweg scale
 * NAME".
 */
#ifndef THALWEG_CLI_SCALE_H
#define THALWEG_CLI_SCALE_H

#include "thalweg/status.h"

/* name, arguments, what it does. */
#define TW_SCALES(X)                                                                       \
    X(plan, "CONFIG.yaml --ranks 1,2,4 [--machine ...]",                                   \
      "runs, core-hours and memory of a study; a projection")                              \
    X(run, "CONFIG.yaml --ranks 1,2,4 [--mode weak]", "do the runs that are not done yet") \
    X(report, "STUDY_DIR", "table, fit, projection and pictures of what is done")          \
    X(exchange, "[-o FILE.json]", "measure the exchange; under mpirun or srun")

#define X(name, args, summary) tw_status tw_scale_##name(int argc, char **argv);
TW_SCALES(X)
#undef X

#endif
