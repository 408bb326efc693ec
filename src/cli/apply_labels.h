/* apply_labels.h -- labels of a data set as classes of a model that may have been trained on another file.
 *
 * Where the data set names its classes, the names count: two tables that were converted apart from each other
 * may number their classes differently. */
#ifndef THALWEG_CLI_APPLY_LABELS_H
#define THALWEG_CLI_APPLY_LABELS_H

#include "cli/apply.h"

/** Compare the names of both. Rank 0 only, with model and data set open. @return TW_OK, TW_DATA, TW_MEMORY */
tw_status tw_apply_look_at_labels(tw_apply *apply) TW_CHECKED;

/** What rank 0 has found, to all ranks. Collective. */
tw_status tw_apply_share_labels(tw_apply *apply) TW_CHECKED;

/** Labels of the shard become indices of classes; numbers are checked. Not collective. TW_DATA: none of them.
 */
tw_status tw_apply_take_labels(tw_apply *apply) TW_CHECKED;

#endif
