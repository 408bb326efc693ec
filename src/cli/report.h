/* report.h -- the parts of `thalweg report`. */
#ifndef THALWEG_CLI_REPORT_H
#define THALWEG_CLI_REPORT_H

#include "train/run_state.h"

/** How a run stands in one word: finished, stopped, diverged, failed, running, interrupted (its process is
 * gone), or unknown. */
const char *tw_report_word(const tw_run_state *state);

/** One line for each run under a header. */
void tw_report_table(size_t n, const tw_run_state *states);

#endif
