/* thalweg.h -- the whole library: every public header, floor by floor, but image.h, which brings HDF5 along.
 */
#ifndef THALWEG_THALWEG_H
#define THALWEG_THALWEG_H

#ifdef __cplusplus
extern "C" {
#endif

#include "thalweg/checkpoint.h"
#include "thalweg/cholesky.h"
#include "thalweg/comm.h"
#include "thalweg/config.h"
#include "thalweg/dataset.h"
#include "thalweg/dataset_file.h"
#include "thalweg/dtype.h"
#include "thalweg/file.h"
#include "thalweg/generate.h"
#include "thalweg/hash.h"
#include "thalweg/importer.h"
#include "thalweg/interrupt.h"
#include "thalweg/iterate.h"
#include "thalweg/kernels.h"
#include "thalweg/link.h"
#include "thalweg/metrics.h"
#include "thalweg/minimize.h"
#include "thalweg/model.h"
#include "thalweg/model_file.h"
#include "thalweg/monitor.h"
#include "thalweg/node_file.h"
#include "thalweg/objective.h"
#include "thalweg/optimizer.h"
#include "thalweg/partition.h"
#include "thalweg/phase.h"
#include "thalweg/probe.h"
#include "thalweg/reduction.h"
#include "thalweg/rng.h"
#include "thalweg/run.h"
#include "thalweg/run_folder.h"
#include "thalweg/runlog.h"
#include "thalweg/scaling.h"
#include "thalweg/shard.h"
#include "thalweg/state.h"
#include "thalweg/status.h"
#include "thalweg/step.h"
#include "thalweg/threads.h"
#include "thalweg/trainer.h"
#include "thalweg/units.h"
#include "thalweg/vec.h"
#include "thalweg/version.h"
#include "thalweg/words.h"

#ifdef __cplusplus
}
#endif

#endif
