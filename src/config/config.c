/* config.c -- the life of a configuration, and the one function that gives a key its value. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

tw_entry *tw_config_entry(tw_config *c, const tw_option *row)
{
    return &c->record->entries[tw_option_index(row)];
}

static void set_default(tw_config *c, const tw_option *row)
{
    tw_scalar value = {.null = true};
    tw_complaint why;
    if (row->initial && !tw_scalar_parse(row, row->initial, &value, &why)) value.null = true;
    if (!tw_scalar_store(c, row, &value)) c->record->out_of_memory = true;
    free(value.owned);
}

void tw_config_init(tw_config *c)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    *c = (tw_config){.version = 0};
    c->record = calloc(1, sizeof *c->record + count * sizeof c->record->entries[0]);
    if (c->record == NULL) return;
    for (size_t i = 0; i < count; i++) set_default(c, &options[i]);
}

void tw_config_release(tw_config *c)
{
    if (c == NULL) return;
    size_t count;
    const tw_option *options = tw_config_options(&count);
    const tw_scalar nothing = {.null = true};
    for (size_t i = 0; i < count; i++) {
        (void)tw_scalar_store(c, &options[i], &nothing); /* storing nothing frees and cannot fail */
        if (c->record) tw_place_release(&c->record->entries[i].place);
    }
    if (c->record) {
        for (size_t i = 0; i < c->record->kept; i++) free(c->record->problems[i]);
        free(c->record->name);
        free(c->record);
    }
    *c = (tw_config){.version = 0};
}

void tw_config_excuse(tw_config *c, const tw_option *row)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    if (c->record == NULL) return;
    for (size_t i = 0; i < count; i++)
        if (&options[i] == row || tw_option_beneath(&options[i], row->key))
            c->record->entries[i].excused = true;
}

bool tw_config_says_nothing(const char *token)
{
    return token[0] == '\0' || strcmp(token, "~") == 0 || strcasecmp(token, "null") == 0;
}

static bool read_value(const tw_option *row, const char *token, tw_scalar *value, tw_complaint *why)
{
    if (token != NULL) return tw_scalar_parse(row, token, value, why);
    *value = (tw_scalar){.null = true};
    *why = (tw_complaint){.text = ""};
    if (row->initial == NULL) return true;
    snprintf(why->text, sizeof why->text, "'%s' needs a value (leave the line out for the default, %s)",
             row->key, row->initial);
    return false;
}

void tw_config_assign(tw_config *c, const tw_option *row, const char *token, tw_origin origin, tw_place place)
{
    tw_entry *entry = tw_config_entry(c, row);
    tw_scalar value;
    tw_complaint why;
    const bool valid = read_value(row, token, &value, &why);
    if (place.label == NULL) c->record->out_of_memory = true;
    if (!valid) {
        tw_problem_add(c, &place, why.hint, "%s", why.text);
        entry->excused = true;
    }
    if (origin < entry->origin) {
        tw_place_release(&place);
    } else {
        tw_place_release(&entry->place);
        entry->place = place;
        entry->origin = origin;
        if (valid) entry->set = !value.null;
        if (valid && !tw_scalar_store(c, row, &value)) c->record->out_of_memory = true;
    }
    free(value.owned);
}

void tw_config_assign_list(tw_config *c, const tw_option *row, tw_collection *list, tw_origin origin,
                           tw_place place)
{
    char *text = tw_collection_text(list);
    if (text == NULL) {
        c->record->out_of_memory = true;
        tw_place_release(&place);
    } else {
        tw_config_assign(c, row, text, origin, place);
    }
    free(text);
}

/* A list on one line. */
static void set_list(tw_config *c, const tw_option *row, const char *value, tw_place place)
{
    tw_collection list;
    tw_complaint why;
    tw_collection_open(&list, row);
    if (tw_collection_read(&list, value, &why)) {
        tw_config_assign_list(c, row, &list, TW_ORIGIN_SET, place);
    } else {
        tw_problem_add(c, &place, why.hint, "%s", why.text);
        tw_config_excuse(c, row);
        tw_place_release(&place);
    }
    tw_collection_release(&list);
}

static char *copy_trimmed(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t')) start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) end--;
    return strndup(start, (size_t)(end - start));
}

static void report_override(tw_config *c, const tw_place *place, const char *key)
{
    char quoted[TW_QUOTED_LEN], hint[TW_QUOTED_LEN + 32] = "";
    const tw_option *row = tw_option_find(key);
    if (row) {
        tw_problem_add(c, place, NULL, "'%s' is a section; name one of its keys, as in %s.KEY=VALUE", key,
                       key);
        return;
    }
    row = tw_option_suggest(key, false);
    if (row) {
        snprintf(hint, sizeof hint, "did you mean '%s'?", row->key);
        tw_config_excuse(c, row);
    }
    tw_problem_add(c, place, hint, "unknown key '%s'", tw_quoted(key, quoted));
}

void tw_config_set(tw_config *c, const char *assignment)
{
    if (c->record == NULL) return;
    char *shown = tw_text_clean(assignment);
    tw_place place = {.label = shown ? tw_text_format("--set %s", shown) : NULL};
    free(shown);
    if (place.label == NULL) c->record->out_of_memory = true;
    const char *equals = strchr(assignment, '=');
    if (equals == NULL) {
        tw_problem_add(c, &place, NULL, "a key and a value are needed: --set KEY=VALUE");
        tw_place_release(&place);
        return;
    }
    char *key = copy_trimmed(assignment, equals);
    char *value = copy_trimmed(equals + 1, assignment + strlen(assignment));
    const tw_option *row = key ? tw_option_find(key) : NULL;
    if (row && row->type == TW_OPTION_SECTION) row = tw_option_shorthand(row);
    if (key == NULL || value == NULL) {
        c->record->out_of_memory = true;
        tw_place_release(&place);
    } else if (row == NULL) {
        report_override(c, &place, key);
        tw_place_release(&place);
    } else if (row->type == TW_OPTION_LIST && !tw_config_says_nothing(value)) {
        set_list(c, row, value, place);
    } else {
        tw_config_assign(c, row, tw_config_says_nothing(value) ? NULL : value, TW_ORIGIN_SET, place);
    }
    free(key);
    free(value);
}

void tw_config_parse(tw_config *c, const char *name, const char *text, size_t length)
{
    size_t count;
    tw_config_options(&count);
    if (c->record == NULL) return;
    char *clean = tw_text_clean(name);
    free(c->record->name);
    c->record->name = clean;
    for (size_t i = 0; i < count; i++) c->record->entries[i].line = 0;
    const tw_place whole = {.label = clean};
    tw_source source = {.name = clean};
    if (length > TW_CONFIG_LONGEST) {
        tw_problem_add(c, &whole, NULL, "a configuration of %zu bytes is too long; the limit is %d", length,
                       TW_CONFIG_LONGEST);
        c->record->broken = true;
    } else if (clean == NULL || !tw_source_open(&source, clean, text, length)) {
        c->record->out_of_memory = true;
    } else if (tw_source_check(c, &source)) {
        tw_keys_read(c, &source);
    }
    free(source.text);
}

bool tw_config_is_set(const tw_config *c, const char *key)
{
    const tw_option *row = tw_option_find(key);
    return row != NULL && c->record != NULL && c->record->entries[tw_option_index(row)].set;
}
