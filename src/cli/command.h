/* command.h -- the commands of the program: one row each in main's table, one file each. */
#ifndef THALWEG_CLI_COMMAND_H
#define THALWEG_CLI_COMMAND_H

#include "thalweg/status.h"

/* name, arguments, what it does. Add a command here. */
#define TW_COMMANDS(X)                                                                        \
    X(train, "CONFIG.yaml", "train a model; under mpirun or srun")                            \
    X(evaluate, "MODEL.h5 DATA.h5", "metrics of a model on a data set; under mpirun or srun") \
    X(predict, "MODEL.h5 DATA.h5 -o OUT", "predictions of a model; under mpirun or srun")     \
    X(check, "CONFIG.yaml", "validate a configuration and open its data, train nothing")      \
    X(inspect, "FILE|RUN_DIR", "what a data set, a model, a checkpoint or a run folder holds")\
    X(convert, "IN... -o OUT.h5", "CSV, LIBSVM, NPY or IDX, also gzipped, to HDF5")                        \
    X(generate, "-o OUT.h5 --task ...", "a data set with a known truth; also under mpirun")   \
    X(plot, "RUN_DIR... [-o FILE]", "loss, gradient norm and Taylor ratio as SVG or PNG")     \
    X(report, "RUN_DIR...", "the end of a run again, or how it stands; several runs in a table") \
    X(export, "MODEL.h5 --to json|csv", "a trained model as text")                            \
    X(init, "linear|logistic|softmax", "a commented configuration on stdout; --sbatch CONFIG: a job script") \
    X(scale, "plan|run|report ...", "scaling studies: one configuration on several numbers of ranks") \
    X(doctor, "[FILE.h5]", "what this machine and this launch are, how fast, and what limits a run")    \
    X(help, "[COMMAND | config | exit | fault | man] ...", "explain a command, a configuration key, an exit code; manual pages")

typedef struct {
    const char *name, *args, *summary;
    tw_status (*run)(int argc, char **argv); /* argv[0] is replaced by "thalweg NAME" */
} tw_command;

#define X(name, args, summary) tw_status tw_command_##name(int argc, char **argv);
TW_COMMANDS(X)
#undef X

/** All commands, ended by a row without a name. */
extern const tw_command tw_commands[];

/** The row of that name, or NULL. */
const tw_command *tw_command_find(const char *name);

#endif
