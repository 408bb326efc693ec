/* problems.c -- the list of everything that is wrong, and the judgement over it.
 *
 * A problem is finished text the moment it is found, so nothing that it speaks about has to stay alive. */
#include "internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEM_LONGEST = 4000, TAIL = 128 };

__attribute__((format(printf, 1, 0))) static char *format_list(const char *format, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

char *tw_text_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = format_list(format, args);
    va_end(args);
    return text;
}

void tw_place_release(tw_place *place)
{
    free(place->label);
    free(place->excerpt);
    *place = (tw_place){.label = NULL};
}

bool tw_problems_full(const tw_config *c)
{
    return c->record == NULL || c->record->kept == TW_PROBLEMS_KEPT;
}

/* Cut to PROBLEM_LONGEST bytes, never inside a character. */
static void cut(char *text)
{
    static const char tail[] = "...\n";
    if (strlen(text) <= PROBLEM_LONGEST) return;
    size_t end = PROBLEM_LONGEST - sizeof tail;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) end--;
    memcpy(text + end, tail, sizeof tail);
}

static void keep(tw_config *c, char *text)
{
    if (text == NULL) {
        c->record->out_of_memory = true;
        return;
    }
    cut(text);
    c->record->problems[c->record->kept++] = text;
}

void tw_problem_add(tw_config *c, const tw_place *place, const char *hint, const char *format, ...)
{
    if (c->record == NULL) return;
    c->record->total++;
    if (tw_problems_full(c)) return;
    va_list args;
    va_start(args, format);
    char *message = format_list(format, args);
    va_end(args);
    const char *label = place->label ? place->label : "configuration";
    const bool hinted = hint != NULL && hint[0] != '\0';
    char *text = NULL;
    if (message && place->excerpt)
        text = tw_text_format("%s: error: %s\n%s%s%s\n", label, message, place->excerpt, hinted ? " " : "",
                              hinted ? hint : "");
    else if (message)
        text = tw_text_format("%s: error: %s\n%s%s%s", label, message, hinted ? "    " : "",
                              hinted ? hint : "", hinted ? "\n" : "");
    free(message);
    keep(c, text);
}

/* The lines of a message, all but the first indented. */
static char *indent(const char *message)
{
    char *memory = NULL;
    size_t size;
    FILE *out = open_memstream(&memory, &size);
    if (out == NULL) return NULL;
    size_t length = strlen(message);
    while (length > 0 && message[length - 1] == '\n') length--;
    for (size_t i = 0; i < length; i++) {
        fputc(message[i], out);
        if (message[i] == '\n') fputs("    ", out);
    }
    if (fclose(out) == 0) return memory;
    free(memory);
    return NULL;
}

void tw_config_problem(tw_config *c, const char *key, const char *format, ...)
{
    if (c->record == NULL) return;
    va_list args;
    va_start(args, format);
    char *message = format_list(format, args);
    va_end(args);
    char *lines = message ? indent(message) : NULL, name[TW_QUOTED_LEN];
    free(message);
    if (lines == NULL) {
        c->record->out_of_memory = true;
        return;
    }
    const tw_option *row = tw_option_find(key);
    tw_place place = {.label = NULL};
    if (row && row->type != TW_OPTION_SECTION) {
        tw_entry *entry = tw_config_entry(c, row);
        entry->excused = true;
        place = entry->place;
    }
    char *bare = place.label ? NULL : tw_text_format("%s", tw_quoted(key, name));
    if (!place.label && !bare) c->record->out_of_memory = true;
    const tw_place shown = {.label = bare ? bare : place.label,
                            .excerpt = strchr(lines, '\n') ? NULL : place.excerpt};
    tw_problem_add(c, &shown, NULL, "%s", lines);
    free(bare);
    free(lines);
}

static void report_missing(tw_config *c)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count && !c->record->broken; i++) {
        tw_entry *entry = &c->record->entries[i];
        if (!(options[i].flags & TW_OPTION_REQUIRED) || entry->set || entry->excused) continue;
        tw_place place = entry->place; /* of an explicit null */
        if (place.label == NULL) place.label = c->record->name;
        tw_problem_add(c, &place, NULL, "'%s' must be set: %s", options[i].key, options[i].help);
        entry->excused = true;
    }
}

tw_status tw_config_complete(const tw_config *c)
{
    if (c->record && !c->record->out_of_memory) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for the configuration");
}

tw_status tw_config_verdict(tw_config *c)
{
    struct tw_config_record *record = c->record;
    TW_TRY(tw_config_complete(c));
    report_missing(c);
    TW_TRY(tw_config_complete(c));
    if (record->total == 0) return TW_OK;
    char *all = malloc(TW_MESSAGE_LEN);
    if (all == NULL) return tw_fail(TW_MEMORY, "out of memory for the list of configuration errors");
    size_t used = 0, shown = 0;
    for (; shown < record->kept; shown++) {
        const size_t length = strlen(record->problems[shown]);
        if (used + length + TAIL > TW_MESSAGE_LEN) break;
        memcpy(all + used, record->problems[shown], length);
        used += length;
    }
    if (shown < record->total)
        used += (size_t)snprintf(all + used, TAIL / 2, "... and %zu more\n", record->total - shown);
    snprintf(all + used, TW_MESSAGE_LEN - used, "%zu error%s; nothing was run (exit %d)", record->total,
             record->total == 1 ? "" : "s", TW_CONFIG);
    const tw_status status = tw_fail(TW_CONFIG, "%s", all);
    free(all);
    return status;
}
