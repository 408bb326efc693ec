/* launch.h -- what the launcher's variables say before MPI has started. Not collective. */
#ifndef THALWEG_LAUNCH_H
#define THALWEG_LAUNCH_H

/** This process's rank as the launcher's variables tell it, 0 without a launcher. Works before MPI starts. */
long tw_launch_rank(void);

#endif
