/* man(7) from text and from argp's tables. */
#include "cli/man.h"
#include "thalweg/version.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static void put_bytes(FILE *out, size_t length, const char *text)
{
    for (size_t i = 0; i < length; i++) switch (text[i]) {
        case '\\': fputs("\\e", out); break;
        case '-': fputs("\\-", out); break;
        case '`': fputs("\\(ga", out); break;
        case '\'': fputs("\\(aq", out); break;
        case '^': fputs("\\(ha", out); break;
        case '~': fputs("\\(ti", out); break;
        case '.': fputs(i == 0 ? "\\&." : ".", out); break;
        default: fputc(text[i], out);
        }
}

void tw_man_text(FILE *out, const char *text)
{
    put_bytes(out, strlen(text), text);
}

void tw_man_begin(FILE *out, const char *page, int section, const char *summary)
{
    fprintf(out, ".TH ");
    for (const char *c = page; *c; c++)
        *c == '-' ? fputs("\\-", out) : fputc(toupper((unsigned char)*c), out);
    fprintf(out, " %d \"\" \"thalweg %s\" \"thalweg\"\n.SH NAME\n", section, TW_VERSION);
    tw_man_text(out, page);
    fprintf(out, " \\- ");
    tw_man_text(out, summary);
    fputc('\n', out);
}

static bool stays(const char *line)
{
    static const char *const starts[] = {"thalweg ", "mpirun ", "srun ", "  "};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0) return true;
    return false;
}

void tw_man_lines(FILE *out, const char *text)
{
    bool stayed = false;
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        const bool stay = stays(line);
        if (stay && !stayed) fputs(".PP\n.nf\n", out);
        if (!stay && stayed) fputs(".fi\n.PP\n", out);
        stayed = stay;
        if (length == 0 && !stay) fputs(".PP\n", out);
        put_bytes(out, length, line);
        if (length > 0) fputc('\n', out);
        line += length + (line[length] == '\n');
    }
    if (stayed) fputs(".fi\n", out);
}

void tw_man_item(FILE *out, const char *tag, const char *value, const char *text)
{
    fputs(".TP\n\\fB", out);
    tw_man_text(out, tag);
    fputs("\\fR", out);
    if (value[0]) {
        fputs("\\fI", out);
        tw_man_text(out, value);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    if (text[0]) {
        tw_man_text(out, text);
        fputc('\n', out);
    }
}

/* ---- argp ---- */

static void put_option(FILE *out, const struct argp_option *o)
{
    char tag[128], value[128] = "";
    const bool letter = o->key > 0 && o->key < 128 && isprint(o->key),
               optional = o->flags & OPTION_ARG_OPTIONAL;
    if (letter && o->name)
        snprintf(tag, sizeof tag, "-%c, --%s", o->key, o->name);
    else if (letter)
        snprintf(tag, sizeof tag, "-%c", o->key);
    else
        snprintf(tag, sizeof tag, "--%s", o->name);
    if (o->arg) snprintf(value, sizeof value, optional ? "[=%s]" : o->name ? "=%s" : " %s", o->arg);
    tw_man_item(out, tag, value, o->doc ? o->doc : "");
}

static void put_options(FILE *out, const struct argp_option *o)
{
    fputs(".SS Options\n", out);
    for (; o && (o->name || o->key || o->doc); o++) {
        if (o->flags & OPTION_HIDDEN) continue;
        if (o->name || o->key) {
            put_option(out, o);
        } else { /* the head of a group */
            fputs(".PP\n", out);
            tw_man_lines(out, o->doc);
        }
    }
    tw_man_item(out, "-?, --help", "", "Print the options");
    tw_man_item(out, "--usage", "", "Print the options in one line");
}

static void put_synopsis(FILE *out, const char *args, const char *name)
{
    do {
        const size_t length = strcspn(args, "\n");
        fputs(".PP\n\\fB", out);
        tw_man_text(out, name);
        fputs("\\fR [\\fIOPTION\\fR...] ", out);
        put_bytes(out, length, args);
        fputc('\n', out);
        args += length + (args[length] == '\n');
    } while (*args);
}

void tw_man_argp(FILE *out, const struct argp *argp, const char *name)
{
    const char *doc = argp->doc ? argp->doc : "", *after = strchr(doc, '\v');
    char before[4096];
    snprintf(before, sizeof before, "%.*s", (int)(after ? after - doc : (long)strlen(doc)), doc);
    put_synopsis(out, argp->args_doc ? argp->args_doc : "", name);
    fputs(".SS Description\n", out);
    tw_man_lines(out, before);
    put_options(out, argp->options);
    if (!after || !after[1]) return;
    fputs(".SS Notes\n", out);
    tw_man_lines(out, after + 1);
}
