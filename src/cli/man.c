/* Which manual pages there are, and what stands in them beside the tables of the commands. */
#include "cli/man.h"

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/scale.h"
#include "thalweg/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LEN = 64, PATH_LEN = 4096 };

static void put_see_also(FILE *out, const char *own)
{
    fputs(".SH SEE ALSO\n", out);
    if (own) fputs("\\fBthalweg\\fR(1), ", out);
    for (const tw_command *c = tw_commands; c->name; c++)
        if (!own || strcmp(c->name, own) != 0) fprintf(out, "\\fBthalweg\\-%s\\fR(1),\n", c->name);
    fputs("\\fBthalweg.yaml\\fR(5)\n", out);
}

/* ---- thalweg(1) ---- */

static void put_statuses(FILE *out)
{
    fputs(".SH EXIT STATUS\n", out);
#define X(name, code, text) tw_man_item(out, #code, "", text);
    TW_STATUSES(X)
#undef X
}

static void put_environment(FILE *out)
{
    fputs(".SH ENVIRONMENT\n", out);
    tw_man_item(out, "OMP_NUM_THREADS", "",
                "Threads of a rank, when parallel.threads does not say; else SLURM_CPUS_PER_TASK");
    tw_man_item(out, "NO_COLOR", "", "When set, colours are left out");
    tw_man_item(out, "THALWEG_ISA", "",
                "avx512, avx2 or baseline: the instruction set, instead of the best there is");
    tw_man_item(out, "THALWEG_FAULT, THALWEG_NODES", "", "Rehearse a failure: thalweg help fault");
}

static tw_status write_program(FILE *out)
{
    tw_man_begin(out, "thalweg", 1, "synchronous data-parallel gradient descent on MPI clusters");
    fputs(".SH SYNOPSIS\n\\fBthalweg\\fR \\fICOMMAND\\fR ...\n.SH DESCRIPTION\n", out);
    tw_man_lines(out,
                 "Trains linear, logistic, softmax and similar models on rows that lie in HDF5 files, with "
                 "the same bits on any number of ranks. Each command has a page of its own, and --help.\n"
                 "mpirun -n 4 thalweg train CONFIG.yaml");
    fputs(".SH COMMANDS\n", out);
    for (const tw_command *c = tw_commands; c->name; c++) {
        char value[256];
        snprintf(value, sizeof value, " %s", c->args);
        tw_man_item(out, c->name, value, c->summary);
    }
    fputs(".SH OPTIONS\n", out);
    tw_man_item(out, "-h, --help", "", "List the commands");
    tw_man_item(out, "-V, --version", "",
                "Print the versions of the program, its contract and its libraries");
    put_statuses(out);
    put_environment(out);
    put_see_also(out, NULL);
    return TW_OK;
}

/* ---- a command ---- */

static void take_table(void *out, const struct argp *argp, const char *name)
{
    tw_man_argp(out, argp, name);
}

static tw_status write_command(FILE *out, const tw_command *command)
{
    static const struct {
        const char *name, *summary;
        tw_status (*run)(int argc, char **argv);
    } studies[] = {
#define X(name, args, summary) {#name, summary, tw_scale_##name},
        TW_SCALES(X)
#undef X
    };
    char name[NAME_LEN], *arguments[] = {name, NULL};
    const bool scale = command->run == tw_command_scale;
    snprintf(name, sizeof name, "thalweg-%s", command->name);
    tw_man_begin(out, name, 1, command->summary);
    tw_arguments_read(take_table, out);
    for (size_t i = 0; scale && i < sizeof studies / sizeof *studies; i++) {
        snprintf(name, sizeof name, "thalweg scale %s", studies[i].name);
        fprintf(out, ".SH %s: ", studies[i].name);
        tw_man_text(out, studies[i].summary);
        fputc('\n', out);
        (void)!studies[i].run(1, arguments); /* hands its table over, and ends */
    }
    snprintf(name, sizeof name, "thalweg %s", command->name);
    if (!scale) fputs(".SH SYNOPSIS\n", out);
    if (!scale) (void)!command->run(1, arguments);
    tw_arguments_read(NULL, NULL);
    tw_status_message()[0] = 0;
    fputs(".SH EXIT STATUS\n0 when all went well; \\fBthalweg\\fR(1) lists the others.\n", out);
    put_see_also(out, command->name);
    return TW_OK;
}

/* ---- what was asked for ---- */

static tw_status write_page(FILE *out, const char *topic)
{
    tw_status status = TW_OK;
    const tw_command *const command = topic ? tw_command_find(topic) : NULL;
    if (!topic)
        status = write_program(out);
    else if (strcmp(topic, "config") == 0)
        status = tw_man_config(out);
    else if (command)
        status = write_command(out, command);
    else
        return tw_fail(TW_USAGE, "no manual page of '%s': name a command, config, or nothing for all of them",
                       topic);
    if (status == TW_OK && (fflush(out) != 0 || ferror(out)))
        status = tw_fail(TW_IO, "cannot write the manual page: %s", strerror(errno));
    return status;
}

static tw_status save_page(const char *dir, const char *name, int section, const char *topic)
{
    char path[PATH_LEN], *text = NULL;
    size_t size = 0;
    if (snprintf(path, sizeof path, "%s/man%d", dir, section) >= (int)sizeof path - NAME_LEN)
        return tw_fail(TW_OUTPUT, "the name of the folder is longer than %d bytes", PATH_LEN - NAME_LEN);
    TW_TRY(tw_folder_make(path));
    const size_t length = strlen(path);
    snprintf(path + length, sizeof path - length, "/%s.%d", name, section);
    FILE *const out = open_memstream(&text, &size);
    if (!out) return tw_fail(TW_MEMORY, "out of memory for a manual page");
    tw_status status = write_page(out, topic);
    if (fclose(out) != 0 && status == TW_OK) status = tw_fail(TW_MEMORY, "out of memory for a manual page");
    const tw_bytes part = {text, size};
    if (status == TW_OK) status = tw_file_commit(path, 1, &part);
    free(text);
    return status;
}

static tw_status save_all(const char *dir)
{
    char name[NAME_LEN];
    TW_TRY(save_page(dir, "thalweg", 1, NULL));
    TW_TRY(save_page(dir, "thalweg.yaml", 5, "config"));
    for (const tw_command *c = tw_commands; c->name; c++) {
        snprintf(name, sizeof name, "thalweg-%s", c->name);
        TW_TRY(save_page(dir, name, 1, c->name));
    }
    return TW_OK;
}

tw_status tw_man_help(const char *topic, const char *dir)
{
    if (!topic || strcmp(topic, "all") != 0) return write_page(stdout, topic);
    return dir ? save_all(dir) : tw_fail(TW_USAGE, "into which folder? thalweg help man all DIR");
}
