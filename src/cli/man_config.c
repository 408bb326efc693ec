/* thalweg.yaml(5): the table of the configuration, as `thalweg help config KEY` tells it. */
#include "cli/man.h"
#include "thalweg/config.h"
#include "thalweg/model.h"
#include "thalweg/optimizer.h"
#include "thalweg/step.h"

#include <stdlib.h>
#include <string.h>

/* Behind the help: type, values, default, resume, a line each. */
static void put_facts(FILE *out, const char *said)
{
    const char *at = strstr(said, "\n\n");
    for (at = at ? at + 2 : ""; *at;) {
        const size_t length = strcspn(at, "\n"), word = strspn(at, " ") + strcspn(at + strspn(at, " "), " ");
        char name[64], rest[1024];
        snprintf(name, sizeof name, "%.*s", (int)(word - strspn(at, " ")), at + strspn(at, " "));
        snprintf(rest, sizeof rest, "%.*s", (int)(length > word ? length - word : 0), at + word);
        fputs(".br\n", out);
        tw_man_text(out, name);
        fputs(": ", out);
        tw_man_text(out, rest + strspn(rest, " "));
        fputc('\n', out);
        at += length + (at[length] == '\n');
    }
}

static tw_status put_key(FILE *out, const tw_option *row)
{
    char *said = NULL;
    size_t size;
    FILE *const memory = open_memstream(&said, &size);
    if (!memory) return tw_fail(TW_MEMORY, "out of memory for a manual page");
    tw_status status = tw_config_help(memory, row->key);
    if (fclose(memory) != 0 && status == TW_OK)
        status = tw_fail(TW_MEMORY, "out of memory for a manual page");
    if (status == TW_OK) {
        tw_man_item(out, row->key, "", row->help);
        put_facts(out, said);
    }
    free(said);
    return status;
}

static void put_section(FILE *out, const tw_option *row)
{
    fprintf(out, ".SS %s\n", row->key);
    tw_man_text(out, row->help);
    fputc('\n', out);
    if (!row->shorthand) return;
    fputs(".br\n", out);
    fprintf(out, "%s: \\fIVALUE\\fR is short for %s.%s: \\fIVALUE\\fR.\n", row->key, row->key,
            row->shorthand);
}

static void put_names(FILE *out)
{
    fputs(".SH NAMES\n.SS model.type\n", out);
    for (size_t i = 0; tw_models[i]; i++) tw_man_item(out, tw_models[i]->name, "", tw_models[i]->summary);
    fputs(".SS optimizer.type\n", out);
    for (size_t i = 0; tw_optimizers[i]; i++)
        tw_man_item(out, tw_optimizers[i]->name, "", tw_optimizers[i]->summary);
    fputs(".SS step.rule\n", out);
    for (size_t i = 0; tw_steps[i]; i++) tw_man_item(out, tw_steps[i]->name, "", tw_steps[i]->summary);
}

tw_status tw_man_config(FILE *out)
{
    size_t count;
    const tw_option *const options = tw_config_options(&count);
    tw_man_begin(out, "thalweg.yaml", 5, "the configuration of a run of thalweg");
    fputs(".SH DESCRIPTION\n", out);
    tw_man_lines(
        out, "A YAML file of sections with lines `key: value`; `section.key: value` at the top level says "
             "the same, and so does --set section.key=value of a command. Precedence: default, file, "
             "--set. A section may stand inside another.\n"
             "thalweg check CONFIG.yaml\n"
             "thalweg init softmax >run.yaml");
    fputs(".SH KEYS\n", out);
    for (size_t i = 0; i < count; i++) {
        if (options[i].type == TW_OPTION_SECTION)
            put_section(out, &options[i]);
        else
            TW_TRY(put_key(out, &options[i]));
    }
    put_names(out);
    fputs(".SH SEE ALSO\n\\fBthalweg\\fR(1), \\fBthalweg\\-train\\fR(1), \\fBthalweg\\-check\\fR(1)\n", out);
    return TW_OK;
}
