/* runlog_table.h -- the rows of a run on the screen and in log.txt. */
#ifndef THALWEG_TRAIN_RUNLOG_TABLE_H
#define THALWEG_TRAIN_RUNLOG_TABLE_H

#include "thalweg/runlog.h"

/** Show the last row of the history, that of iteration k: as a row of the table where it is due, else as the
 * redrawn line of a terminal. Rank 0 only. */
void tw_runlog_show(tw_runlog *log, long k);

#endif
