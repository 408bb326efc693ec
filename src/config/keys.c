/* keys.c -- the steps of a YAML text to the keys of the table.
 *
 * Every key gets its place, every wrong one a suggestion, and reading goes on after each problem: an unknown
 * section with a near name is read as the section it resembles. */
#include "yaml.h"

#include <stdlib.h>
#include <string.h>

static bool opens(const tw_yaml *y)
{
    return y->step == TW_YAML_MAPPING || y->step == TW_YAML_LIST;
}

static const char *kind(const tw_yaml *y)
{
    return y->step == TW_YAML_LIST ? "a list" : y->step == TW_YAML_MAPPING ? "a group of keys" : "a value";
}

static const char *colon_hint(const tw_token *value)
{
    return value->text && value->bare && strchr(value->text, ':') ? "is a space missing after ':'?" : NULL;
}

/* Note the line of a key or section; false, and a report, when it has one already. */
static bool first_time(tw_yaml *y, const tw_option *row, const tw_token *key)
{
    tw_entry *entry = tw_config_entry(y->c, row);
    const bool section = row->type == TW_OPTION_SECTION;
    size_t column;
    if (entry->line != 0) {
        tw_yaml_report(y, key->start, key->end, section ? "put its keys together" : NULL,
                       "%s '%s' given twice; first on line %zu", section ? "section" : "key", row->key,
                       entry->line);
        return false;
    }
    tw_source_locate(y->source, key->start, &entry->line, &column);
    return true;
}

static void assign(tw_yaml *y, const tw_option *row, const tw_token *key, const tw_token *value)
{
    if (value->text == NULL) {
        tw_config_excuse(y->c, row);
        return;
    }
    const bool empty = value->bare && value->text[0] == '\0';
    if (row->type == TW_OPTION_LIST && strchr(value->text, '\n')) {
        tw_yaml_report(y, value->start, value->end, NULL, "'%s' holds a control character or is not UTF-8",
                       row->key);
        tw_config_excuse(y->c, row);
        return;
    }
    const tw_place place = empty ? tw_source_place(y->source, key->start, key->end)
                                 : tw_source_place(y->source, value->start, value->end);
    tw_config_assign(y->c, row, tw_yaml_nothing(value) ? NULL : value->text, TW_ORIGIN_FILE, place);
}

static bool next_key(tw_yaml *y, tw_token *key);

/* One part of a list (name NULL) or of a mapping. */
static bool take_part(tw_yaml *y, tw_collection *parts, const char *name)
{
    tw_complaint why;
    const char *what = y->step == TW_YAML_SCALAR ? NULL : kind(y);
    if (what && !y->refused && y->step != TW_YAML_ALIAS)
        tw_yaml_report(y, y->start, y->end, NULL, "a part of '%s' is one value, not %s", parts->row->key,
                       what);
    if (what) return false;
    tw_token value = tw_yaml_scalar(y);
    const char *text = tw_yaml_nothing(&value) ? "" : value.text;
    const bool good = value.text && tw_collection_add(parts, name, text, &why);
    if (value.text && !good) tw_yaml_report(y, value.start, value.end, why.hint, "%s", why.text);
    free(value.text);
    return good;
}

static bool take_parts(tw_yaml *y, tw_collection *parts)
{
    bool good = true;
    if (parts->row->type == TW_OPTION_MAP) {
        for (tw_token name; next_key(y, &name); free(name.text)) {
            good = take_part(y, parts, name.text) && good;
            tw_yaml_skip(y);
        }
        return good;
    }
    for (tw_yaml_advance(y); y->step != TW_YAML_END && y->step != TW_YAML_CLOSE; tw_yaml_advance(y)) {
        good = take_part(y, parts, NULL) && good;
        tw_yaml_skip(y);
    }
    return good;
}

/* A list or mapping for a key that takes one. */
static void take_collection(tw_yaml *y, const tw_option *row, const tw_token *key)
{
    const size_t problems = y->c->record->total;
    tw_collection parts;
    tw_collection_open(&parts, row);
    const bool good = take_parts(y, &parts) && y->c->record->total == problems;
    if (good && parts.count == 0) tw_yaml_report(y, key->start, key->end, NULL, "'%s' is empty", row->key);
    if (good && parts.count > 0)
        tw_config_assign_list(y->c, row, &parts, TW_ORIGIN_FILE,
                              tw_source_place(y->source, key->start, key->end));
    else
        tw_config_excuse(y->c, row);
    tw_collection_release(&parts);
}

static void take_value(tw_yaml *y, const tw_option *row, const tw_token *key)
{
    if (!first_time(y, row, key)) return;
    if (y->step == (row->type == TW_OPTION_MAP ? TW_YAML_MAPPING : TW_YAML_LIST) &&
        row->type >= TW_OPTION_LIST && !y->refused) {
        take_collection(y, row, key);
        return;
    }
    if (y->step == TW_YAML_ALIAS || opens(y)) tw_config_excuse(y->c, row);
    if (opens(y) && !y->refused)
        tw_yaml_report(y, y->start, y->end, NULL, "'%s' takes one value%s, not %s", row->key,
                       row->type == TW_OPTION_LIST  ? " or a list"
                       : row->type == TW_OPTION_MAP ? " or pairs 'NAME: NUMBER'"
                                                    : "",
                       kind(y));
    if (y->step != TW_YAML_SCALAR) return;
    tw_token value = tw_yaml_scalar(y);
    assign(y, row, key, &value);
    free(value.text);
}

/* Advance over a group key by key. A key that is not a plain word is reported and passed over. */
static bool next_key(tw_yaml *y, tw_token *key)
{
    for (;;) {
        tw_yaml_advance(y);
        if (y->step == TW_YAML_END || y->step == TW_YAML_CLOSE) return false;
        *key = (tw_token){.text = NULL};
        if (y->step == TW_YAML_SCALAR) {
            *key = tw_yaml_scalar(y);
        } else if (y->step != TW_YAML_ALIAS) {
            tw_yaml_report(y, y->start, y->end, NULL, "a key must be one word, not %s", kind(y));
            tw_yaml_skip(y);
        }
        if (key->text && key->text[0] == '\0') {
            tw_yaml_report(y, key->start, key->end, NULL, "a key is missing before ':'");
            free(key->text);
            key->text = NULL;
        }
        tw_yaml_advance(y);
        if (key->text) return true;
        tw_yaml_skip(y);
    }
}

static void read_group(tw_yaml *y, const tw_option *section);

/* A section that does not exist: its keys can still be told where they belong. */
static void read_foreign_group(tw_yaml *y, const char *name)
{
    for (tw_token key; next_key(y, &key); free(key.text)) {
        const tw_option *row = tw_problems_full(y->c) ? NULL : tw_option_by_leaf(name, key.text);
        if (row) {
            char a[TW_QUOTED_LEN], b[TW_QUOTED_LEN], hint[TW_QUOTED_LEN + 32];
            snprintf(hint, sizeof hint, "did you mean '%s'?", row->key);
            tw_yaml_report(y, key.start, key.end, hint, "unknown key '%s.%s'", tw_quoted(name, a),
                           tw_quoted(key.text, b));
            tw_config_excuse(y->c, row);
        }
        tw_yaml_skip(y);
    }
}

static void list_sections(char *text, size_t size)
{
    size_t count, used = (size_t)snprintf(text, size, "sections:");
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++)
        if (options[i].type == TW_OPTION_SECTION && tw_option_depth(&options[i]) == 0 && used < size)
            used += (size_t)snprintf(text + used, size - used, " %s", options[i].key);
}

/* What to write for a row inside a section, or at the top level (NULL). */
static const char *relative(const tw_option *row, const tw_option *section)
{
    return section && tw_option_beneath(row, section->key) ? row->key + strlen(section->key) + 1 : row->key;
}

/* Inside a section only what resembles a section is one: false when nothing does. */
static bool unknown_section(tw_yaml *y, const tw_option *section, const tw_token *key, const char *full)
{
    char quoted[TW_QUOTED_LEN], hint[256];
    if (section && (tw_option_depth(section) > 0 || tw_problems_full(y->c))) return false;
    const tw_option *meant = tw_option_suggest_section(full, section != NULL);
    if (meant == NULL && section) return false;
    if (meant)
        snprintf(hint, sizeof hint, "did you mean '%s'?", relative(meant, section));
    else
        list_sections(hint, sizeof hint);
    tw_yaml_report(y, key->start, key->end, hint, "unknown section '%s'", tw_quoted(full, quoted));
    if (meant && tw_config_entry(y->c, meant)->line == 0)
        read_group(y, meant); /* its keys are checked as if it had the right name */
    else
        read_foreign_group(y, full);
    return true;
}

static void unknown_key(tw_yaml *y, const tw_option *section, const tw_token *key, const char *full)
{
    char quoted[TW_QUOTED_LEN], hint[TW_QUOTED_LEN + 32] = "";
    const tw_option *meant = section ? tw_option_find(key->text) : NULL; /* the full key inside its section */
    if (tw_problems_full(y->c)) {
        tw_problem_add(y->c, &(tw_place){.label = NULL}, NULL, "unknown key");
        return;
    }
    if (meant == NULL || meant->type == TW_OPTION_SECTION) meant = tw_option_suggest(full, section == NULL);
    if (meant) {
        snprintf(hint, sizeof hint, "did you mean '%s'?", relative(meant, section));
        tw_config_excuse(y->c, meant);
    }
    tw_yaml_report(y, key->start, key->end, hint, "unknown key '%s'", tw_quoted(full, quoted));
}

/* Whether a value in place of a section is one of its keys whose colon lacks a space: "fraction:0.2". */
static bool lacks_space(const tw_option *section, const tw_token *value)
{
    char full[TW_KEY_LEN];
    const char *colon = value->bare ? strchr(value->text, ':') : NULL;
    if (colon == NULL) return false;
    snprintf(full, sizeof full, "%s.%.*s", section->key, (int)(colon - value->text), value->text);
    return tw_option_find(full) != NULL;
}

/* What stands where the keys of a section should: nothing is fine (all of them commented out), and so is a
 * value for the section's shorthand; first: nothing was said of the section before. */
static void judge_section(tw_yaml *y, const tw_option *section, const tw_token *key, bool first)
{
    const tw_option *row = tw_option_shorthand(section);
    tw_token value = {.text = NULL, .bare = true, .start = y->start, .end = y->end};
    if (y->step == TW_YAML_SCALAR) value = tw_yaml_scalar(y);
    const bool given = value.text && !tw_yaml_nothing(&value), list = y->step == TW_YAML_LIST;
    const bool accepted = given && row && !lacks_space(section, &value);
    if (accepted && first && first_time(y, row, key)) assign(y, row, key, &value);
    if (list || (given && !accepted))
        tw_yaml_report(y, value.start, value.end, colon_hint(&value),
                       "section '%s' must hold 'key: value' lines%s, not %s", section->key,
                       row && list ? " or one value" : "", kind(y));
    if (!accepted && !tw_yaml_nothing(&value)) tw_config_excuse(y->c, section);
    free(value.text);
}

static void enter_section(tw_yaml *y, const tw_option *section, const tw_token *key)
{
    const bool first = first_time(y, section, key);
    if (y->step == TW_YAML_MAPPING)
        read_group(y, section);
    else
        judge_section(y, section, key, first);
}

/* The keys of a section, or of the top level (NULL). */
static void read_group(tw_yaml *y, const tw_option *section)
{
    for (tw_token key; next_key(y, &key); free(key.text)) {
        char full[TW_KEY_LEN];
        snprintf(full, sizeof full, "%s%s%s", section ? section->key : "", section ? "." : "", key.text);
        const tw_option *row = tw_option_find(full);
        if (row && row->type == TW_OPTION_SECTION)
            enter_section(y, row, &key);
        else if (row)
            take_value(y, row, &key);
        else if (y->step != TW_YAML_MAPPING || !unknown_section(y, section, &key, full))
            unknown_key(y, section, &key, full);
        tw_yaml_skip(y);
    }
}

static void report_empty(tw_yaml *y)
{
    const tw_place whole = {.label = y->c->record->name};
    tw_problem_add(y->c, &whole, NULL, "configuration is empty");
    y->c->record->broken = true;
}

static void read_root(tw_yaml *y)
{
    tw_token value = {.text = NULL, .bare = true, .start = y->start, .end = y->end};
    if (y->step == TW_YAML_SCALAR) value = tw_yaml_scalar(y);
    if (y->step == TW_YAML_MAPPING) {
        read_group(y, NULL);
    } else if (y->step == TW_YAML_LIST || (value.text && !tw_yaml_nothing(&value))) {
        tw_yaml_report(y, value.start, value.end, colon_hint(&value),
                       "a configuration is made of 'key: value' lines, not of %s", kind(y));
        y->c->record->broken = true;
    } else if (value.text) {
        report_empty(y);
    }
    free(value.text);
    tw_yaml_skip(y);
}

void tw_keys_read(tw_config *c, const tw_source *source)
{
    tw_yaml y;
    if (tw_yaml_open(&y, c, source)) {
        while (y.step == TW_YAML_DOCUMENT) tw_yaml_advance(&y);
        if (y.step == TW_YAML_END && !tw_yaml_failed(&y))
            report_empty(&y);
        else
            read_root(&y);
        while (y.step == TW_YAML_CLOSE || y.step == TW_YAML_SCALAR || y.step == TW_YAML_DOCUMENT_END)
            tw_yaml_advance(&y);
        if (y.step == TW_YAML_DOCUMENT)
            tw_yaml_report(&y, y.start, y.end, NULL,
                           "a second YAML document; one file holds one configuration");
    } else {
        c->record->out_of_memory = true;
    }
    tw_yaml_close(&y);
}
