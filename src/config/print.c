/* print.c -- the resolved copy, the help and the reference page, all from the rows of the table. */
#include "internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

enum { KEY_COLUMN = 30 };

static tw_status finish(FILE *out, const char *what)
{
    if (fflush(out) == 0 && !ferror(out)) return TW_OK;
    return tw_fail(TW_IO, "cannot write %s: %s", what, strerror(errno));
}

/* --- resolved copy --- */

/* Whether every YAML reader takes the text for a string without quotes. */
static bool plain(const char *text)
{
    static const char *const reserved[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    static const char *const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcasecmp(text, reserved[i]) == 0) return false;
    const char c = text[0];
    const bool starts = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '_';
    return starts && text[strspn(text, safe)] == '\0';
}

static void print_text(FILE *out, const char *text)
{
    if (text == NULL) {
        fputs("null", out);
    } else if (plain(text)) {
        fputs(text, out);
    } else {
        fputc('"', out);
        for (; *text; text++) fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
        fputc('"', out);
    }
}

void tw_print_name(FILE *out, const char *text)
{
    double number;
    if (tw_number_real(text, &number) == TW_NUMBER_OK)
        fputs(text, out);
    else
        print_text(out, text);
}

/* A list of one is that one. */
static void print_list(FILE *out, const char *text)
{
    char item[4096];
    if (text == NULL || strchr(text, '\n') == NULL) {
        print_text(out, text);
        return;
    }
    for (const char *at = text, *open = "["; tw_config_next_item(&at, sizeof item, item); open = ", ") {
        fputs(open, out);
        print_text(out, item);
    }
    fputc(']', out);
}

static void print_map(FILE *out, const tw_option *row, const char *text)
{
    const bool word = text == NULL || strcmp(text, row->choices[0]) == 0;
    fprintf(out, word ? "%s" : "{%s}", text ? text : "null");
}

void tw_config_print_value(FILE *out, const tw_config *c, const tw_option *row)
{
    const void *field = tw_scalar_field(c, row);
    char text[32] = "null";
    int choice;
    int64_t integer;
    double real;
    switch (row->type) {
    case TW_OPTION_INTEGER:
        memcpy(&integer, field, sizeof integer);
        if (row->choices && integer == 0)
            snprintf(text, sizeof text, "%s", row->choices[0]);
        else if (row->initial || integer != 0)
            snprintf(text, sizeof text, "%lld", (long long)integer);
        break;
    case TW_OPTION_REAL:
    case TW_OPTION_DURATION:
        memcpy(&real, field, sizeof real);
        if (!isnan(real))
            (row->type == TW_OPTION_REAL ? tw_number_print : tw_number_print_duration)(real, text);
        break;
    case TW_OPTION_INTERVAL:
        memcpy(&real, field, sizeof real);
        tw_number_print_interval(real, row->choices[0], text);
        break;
    case TW_OPTION_BOOLEAN: snprintf(text, sizeof text, "%s", *(const bool *)field ? "true" : "false"); break;
    case TW_OPTION_CHOICE:
        memcpy(&choice, field, sizeof choice);
        fputs(row->choices[choice], out);
        return;
    case TW_OPTION_WORD:
    case TW_OPTION_TEXT:
    case TW_OPTION_PATH: print_text(out, *(char *const *)field); return;
    case TW_OPTION_LIST: print_list(out, *(char *const *)field); return;
    case TW_OPTION_MAP: print_map(out, row, *(char *const *)field); return;
    case TW_OPTION_SECTION: return;
    }
    fputs(text, out);
}

tw_status tw_config_write(const tw_config *c, FILE *out)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    fputs("# every key of the run, defaults included\n", out);
    for (size_t i = 0; i < count; i++) {
        const tw_option *row = &options[i];
        const bool section = row->type == TW_OPTION_SECTION;
        const int indent = 2 * (int)tw_option_depth(row);
        fprintf(out, "%*s%s:%s", indent, "", tw_option_leaf(row), section ? "" : " ");
        tw_config_print_value(out, c, row); /* nothing for a section */
        fputc('\n', out);
    }
    return finish(out, "the resolved configuration");
}

/* --- help and reference --- */

static const char *type_name(const tw_option *row)
{
    switch (row->type) {
    case TW_OPTION_INTEGER: return "whole number";
    case TW_OPTION_REAL: return "number";
    case TW_OPTION_DURATION: return "duration";
    case TW_OPTION_INTERVAL: return "iterations or duration";
    case TW_OPTION_BOOLEAN: return "boolean";
    case TW_OPTION_CHOICE: return "choice";
    case TW_OPTION_WORD: return "word";
    case TW_OPTION_TEXT: return "text";
    case TW_OPTION_PATH: return "path";
    case TW_OPTION_LIST: return "path or list of paths";
    case TW_OPTION_MAP: return "word or mapping";
    case TW_OPTION_SECTION: break;
    }
    return "section";
}

static const char *default_text(const tw_option *row)
{
    if (row->initial) return row->initial;
    return row->flags & TW_OPTION_REQUIRED ? "required" : "not set";
}

/* Range or choices; quote stands around each choice. "" when any value will do. */
static void limits(const tw_option *row, const char *quote, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    switch (row->type) {
    case TW_OPTION_INTERVAL:
    case TW_OPTION_INTEGER:
        if (row->choices) used = (size_t)snprintf(text, size, "%s%s%s or ", quote, row->choices[0], quote);
        if (used < size) tw_scalar_range(row, text + used, size - used);
        break;
    case TW_OPTION_MAP:
        used = (size_t)snprintf(text, size, "%s%s%s, or NAME: NUMBER pairs, each ", quote, row->choices[0],
                                quote);
        if (used < size) tw_scalar_range(row, text + used, size - used);
        break;
    case TW_OPTION_REAL:
    case TW_OPTION_DURATION: tw_scalar_range(row, text, size); break;
    case TW_OPTION_BOOLEAN: snprintf(text, size, "%strue%s, %sfalse%s", quote, quote, quote, quote); break;
    default:
        for (size_t i = 0; row->choices && row->choices[i] && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", i ? ", " : "", quote,
                                     row->choices[i], quote);
    }
}

static void help_section(FILE *out, const tw_option *section)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    if (section) fprintf(out, "\n%s: %s\n", section->key, section->help);
    if (section && section->shorthand)
        fprintf(out, "  (%s: VALUE is short for %s.%s)\n", section->key, section->key, section->shorthand);
    for (size_t i = 0; i < count; i++) {
        char text[512];
        if (!tw_option_within(&options[i], section ? section->key : "")) continue;
        limits(&options[i], "", text, sizeof text);
        fprintf(out, "  %-*s %s\n  %-*s [%s%s%s; %s%s]\n", KEY_COLUMN, options[i].key, options[i].help,
                KEY_COLUMN, "", type_name(&options[i]), text[0] ? ": " : "", text,
                options[i].initial ? "default " : "", default_text(&options[i]));
    }
}

static void help_key(FILE *out, const tw_option *row)
{
    char text[512];
    limits(row, "", text, sizeof text);
    fprintf(out, "%s\n  %s\n\n  type     %s\n", row->key, row->help, type_name(row));
    const char *label = row->type == TW_OPTION_CHOICE ? "choices " : "values  ";
    if (text[0]) fprintf(out, "  %s %s\n", label, text);
    fprintf(out, "  default  %s\n", default_text(row));
    fprintf(out, "  resume   %s\n", row->flags & TW_OPTION_FREE ? "may change" : "must be as it was");
    if (row->type == TW_OPTION_DURATION) fputs("  written  H:MM:SS, MM:SS, 90, 90s, 1.5m or 2h\n", out);
}

static tw_status unknown(const char *key)
{
    char quoted[TW_QUOTED_LEN];
    const tw_option *row = tw_option_suggest(key, true);
    if (row)
        return tw_fail(TW_USAGE, "unknown configuration key '%s'; did you mean '%s'?", tw_quoted(key, quoted),
                       row->key);
    return tw_fail(TW_USAGE, "unknown configuration key '%s'; thalweg help config lists all",
                   tw_quoted(key, quoted));
}

tw_status tw_config_help(FILE *out, const char *key)
{
    size_t count;
    const tw_option *options = tw_config_options(&count), *row = key ? tw_option_find(key) : NULL;
    if (key && row == NULL) return unknown(key);
    if (row && row->type == TW_OPTION_SECTION) {
        help_section(out, row);
        for (size_t i = 0; i < count; i++)
            if (options[i].type == TW_OPTION_SECTION && tw_option_beneath(&options[i], row->key))
                help_section(out, &options[i]);
    } else if (row) {
        help_key(out, row);
    } else {
        fputs("Keys of a configuration file, and of --set KEY=VALUE:\n\n", out);
        help_section(out, NULL);
        for (size_t i = 0; i < count; i++)
            if (options[i].type == TW_OPTION_SECTION) help_section(out, &options[i]);
    }
    return finish(out, "the help");
}

static void markdown_section(FILE *out, const tw_option *section)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    if (section)
        fprintf(out, "\n## `%s`: %s\n", section->key, section->help);
    else
        fputs("\n## Top level\n", out);
    if (section && section->shorthand)
        fprintf(out, "\n`%s: VALUE` is short for `%s.%s: VALUE`.\n", section->key, section->key,
                section->shorthand);
    fputs("\n| key | type | default | range or choices | meaning |\n| --- | --- | --- | --- | --- |\n", out);
    for (size_t i = 0; i < count; i++) {
        const tw_option *row = &options[i];
        if (!tw_option_within(row, section ? section->key : "")) continue;
        char text[512];
        limits(row, "`", text, sizeof text);
        const char *quote = row->initial ? "`" : "";
        fprintf(out, "| `%s`%s | %s | %s%s%s | %s | %s |\n", row->key,
                row->flags & TW_OPTION_FREE ? " *" : "", type_name(row), quote, default_text(row), quote,
                text, row->help);
    }
}

tw_status tw_config_markdown(FILE *out)
{
    static const char *const intro =
        "# Configuration keys\n\n"
        "<!-- Written from the table in src/config/options.c; change it there. -->\n\n"
        "A configuration is a YAML file of sections with `key: value` lines; `section.key: value` at the "
        "top\n"
        "level says the same. A section may stand inside another: `data.validation.fraction` is the key\n"
        "`fraction` of `validation` in `data`. Precedence: default, then file, then\n"
        "`--set section.key=value`. All errors are listed at once, each with its place.\n\n"
        "- Numbers: `0.001`, `1e-3`, `.5`; whole numbers also `1e4`. Neither nan nor infinity.\n"
        "- Booleans: `true`, `false`, `yes`, `no`, `on`, `off`.\n"
        "- Durations: `H:MM:SS`, `MM:SS`, or a number of seconds, alone or with `s`, `m` or `h`.\n"
        "- `null` or nothing after the colon: not set, for keys without a default.\n"
        "- Lists, where a key takes one: `[a, b]` or lines of `- a`; a single value is a list of one.\n"
        "- Mappings, where a key takes one: `{a: 1, b: 5}` or lines of `a: 1`; with `--set` also "
        "`KEY='a: 1, b: 5'`.\n"
        "- Not accepted: other lists, anchors, aliases, tags, directives, text of several lines, more than "
        "1 MiB.\n"
        "- A key marked * may change when a run is resumed (of `stop` with `model.path` only "
        "`stop.max_time`);\n"
        "  all others must be as they were.\n";
    size_t count;
    const tw_option *options = tw_config_options(&count);
    fputs(intro, out);
    markdown_section(out, NULL);
    for (size_t i = 0; i < count; i++)
        if (options[i].type == TW_OPTION_SECTION) markdown_section(out, &options[i]);
    return finish(out, "the reference of the configuration");
}
