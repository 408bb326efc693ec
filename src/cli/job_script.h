/* job_script.h -- launch/train.sbatch, line by line, as it was when the program was built. */
#ifndef THALWEG_CLI_JOB_SCRIPT_H
#define THALWEG_CLI_JOB_SCRIPT_H

/** Lines without their ends; NULL after the last. */
extern const char *const tw_train_sbatch[];

#endif
