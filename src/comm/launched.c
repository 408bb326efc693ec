/* What the launcher's variables say against what MPI sees: the wrong ways to start a run, in words. */
#include "comm/comm_mpi.h"
#include "thalweg/launch.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_set(const char *name)
{
    const char *text = getenv(name);
    return text && *text;
}

static long number(const char *name)
{
    return is_set(name) ? strtol(getenv(name), NULL, 10) : 0;
}

/* Tasks that were started together with this one; 0 when no launcher speaks. SLURM_NTASKS is that of the
 * allocation, and every process of a batch script has it. */
static long launched_tasks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "FLUX_JOB_SIZE", "PMI_SIZE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_set(names[i])) return number(names[i]);
    return is_set("SLURM_STEP_ID") ? number("SLURM_STEP_NUM_TASKS") : 0;
}

/* The folder of the MPI library that this process runs with; false when the system does not tell. */
static bool library_folder(size_t length, char *folder)
{
    char line[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && !found && fgets(line, sizeof line, maps)) {
        const char *path = strchr(line, '/'), *name = strstr(line, "/libmpi.so");
        if (!path || !name || name <= path || (size_t)(name - path) >= length) continue;
        snprintf(folder, length, "%.*s", (int)(name - path), path);
        found = true;
    }
    if (maps) fclose(maps);
    return found;
}

/* Open MPI spoke Slurm's own PMI up to version 4, by two components that few builds have. */
static bool has_no_slurm_pmi(void)
{
#if defined(OMPI_MAJOR_VERSION) && OMPI_MAJOR_VERSION >= 5
    return true;
#elif defined(OMPI_MAJOR_VERSION)
    static const char *const places[] = {"", "/openmpi/lib"};
    char folder[3000], pattern[4096];
    size_t seen = 0, able = 0;
    if (!library_folder(sizeof folder, folder)) return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s%s/openmpi*/mca_pmix_*.so", folder, places[i]);
        if (glob(pattern, 0, NULL, &found) != 0) continue;
        seen += found.gl_pathc;
        for (size_t k = 0; k < found.gl_pathc; k++)
            able +=
                strstr(found.gl_pathv[k], "/mca_pmix_s1.so") || strstr(found.gl_pathv[k], "/mca_pmix_s2.so");
        globfree(&found);
    }
    return seen > 0 && able == 0;
#else
    return false;
#endif
}

tw_status tw_comm_check_launcher(void)
{
    static const char *const speaks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMIX_NAMESPACE",
                                         "FLUX_JOB_ID"};
    const long tasks = number("SLURM_STEP_NUM_TASKS");
    char library[64], how[96] = "without PMIx (--mpi=none, or this cluster's default)";
    if (!is_set("SLURM_STEP_ID") || tasks < 1) return TW_OK;
    for (size_t i = 0; i < sizeof speaks / sizeof *speaks; i++)
        if (is_set(speaks[i])) return TW_OK;
    if (!has_no_slurm_pmi()) return TW_OK;
    if (tasks == 1) { /* as in the shell of srun --pty: with this set Open MPI wants PMIx and aborts */
        unsetenv("SLURM_STEP_ID");
        return TW_OK;
    }
    if (is_set("PMI_RANK"))
        snprintf(how, sizeof how, "by --mpi=%.32s",
                 is_set("SLURM_MPI_TYPE") ? getenv("SLURM_MPI_TYPE") : "pmi2");
    tw_comm_library(sizeof library, library);
    return tw_fail(TW_USAGE,
                   "srun started %ld tasks %s, in which this MPI (%s) finds no other rank.\n"
                   "    Start with: srun -K --mpi=pmix -n %ld thalweg ...  or  mpirun -n %ld thalweg ...",
                   tasks, how, library, tasks, tasks);
}

tw_status tw_comm_check_size(const tw_comm *comm)
{
    const long tasks = launched_tasks(), allocated = number("SLURM_NTASKS");
    char library[64];
    if (comm->size > 1) return TW_OK;
    if (tasks == 0 && is_set("SLURM_JOB_ID") && allocated > 1)
        fprintf(stderr,
                "thalweg: warning: one process runs in an allocation of %ld tasks; all of them work with: "
                "srun -K --mpi=pmix thalweg ...  or  mpirun thalweg ...\n",
                allocated);
    if (tasks <= 1) return TW_OK;
    tw_comm_library(sizeof library, library);
    return tw_fail(TW_USAGE,
                   "the launcher started %ld tasks, but each of them sees itself as the only rank\n"
                   "    (built with %s). Start with: srun -K --mpi=pmix -n %ld thalweg ...  or  "
                   "mpirun -n %ld thalweg ...",
                   tasks, library, tasks, tasks);
}
