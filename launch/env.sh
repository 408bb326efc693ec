# shellcheck shell=bash
# Source this before running Open MPI by hand on one machine: the settings the scripts and tests rely on.

if [ "$(id -u)" = 0 ]; then # mpirun refuses root unless told twice; containers have nobody else
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export OMPI_MCA_rmaps_base_oversubscribe=1     # more ranks than cores are allowed: correctness does not need cores
export OMPI_MCA_hwloc_base_binding_policy=none # two jobs at once would both be bound to core 0
export OMPI_MCA_mpi_yield_when_idle=1          # waiting ranks must not steal the cores of working ones
# Transports that a single machine needs, and nothing that could print a warning or look for hardware.
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp OMPI_MCA_mtl=^ofi,psm,psm2 OMPI_MCA_osc=^ucx
export OMPI_MCA_btl_vader_single_copy_mechanism=none # the kernel may deny ranks to read each other's memory
# mpirun ends all ranks 30 s after a host has gone, and names it; by default it takes 8 minutes.
export OMPI_MCA_oob_tcp_keepalive_time=10 OMPI_MCA_oob_tcp_keepalive_intvl=5 OMPI_MCA_oob_tcp_keepalive_probes=4
