/* suggest.c -- the key that was meant by an unknown one.
 *
 * In this order: the right leaf in the wrong section, a near leaf in the right section, a near full key, and
 * for a bare word the nearest leaf anywhere. */
#include "internal.h"

#include "thalweg/words.h"

#include <string.h>
#include <strings.h>

enum { MOST = 256 };

typedef struct {
    const tw_option *rows[MOST];
    const char *words[MOST];
    size_t count;
} list;

static void list_add(list *l, const tw_option *row, const char *word)
{
    if (l->count == MOST) return;
    l->rows[l->count] = row;
    l->words[l->count++] = word;
}

static const tw_option *list_nearest(const list *l, const char *word)
{
    const char *found = tw_words_nearest(word, l->count, l->words);
    for (size_t i = 0; i < l->count; i++)
        if (l->words[i] == found) return l->rows[i];
    return NULL;
}

static void copy_section(const char *key, char section[TW_KEY_LEN])
{
    const char *dot = strrchr(key, '.');
    const size_t length = dot ? (size_t)(dot - key) : 0;
    section[0] = '\0';
    if (length < TW_KEY_LEN) strncat(section, key, length);
}

const tw_option *tw_option_by_leaf(const char *section, const char *leaf)
{
    size_t count;
    const tw_option *options = tw_config_options(&count), *best = NULL;
    size_t nearest = 0;
    for (size_t i = 0; i < count; i++) {
        if (options[i].type == TW_OPTION_SECTION) continue;
        if (strcasecmp(tw_option_leaf(&options[i]), leaf) != 0) continue;
        char home[TW_KEY_LEN];
        copy_section(options[i].key, home);
        const size_t distance = tw_words_distance(section, home);
        if (best && distance >= nearest) continue;
        best = &options[i];
        nearest = distance;
    }
    return best;
}

const tw_option *tw_option_suggest_section(const char *name, bool inner)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    list full = {.count = 0}, leaves = {.count = 0};
    const char *dot = strrchr(name, '.'), *leaf = dot ? dot + 1 : name;
    for (size_t i = 0; i < count; i++) {
        if (options[i].type != TW_OPTION_SECTION) continue;
        const char *last = tw_option_leaf(&options[i]);
        if (last == options[i].key && inner) continue;
        list_add(&full, &options[i], options[i].key);
        if (last == options[i].key) continue;
        list_add(&leaves, &options[i], last);
    }
    const tw_option *found = list_nearest(&full, name);
    return found ? found : list_nearest(&leaves, leaf);
}

const tw_option *tw_option_suggest(const char *key, bool sections)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    list full = {.count = 0}, siblings = {.count = 0}, leaves = {.count = 0};
    char section[TW_KEY_LEN];
    copy_section(key, section);
    const char *dot = strrchr(key, '.'), *leaf = dot ? dot + 1 : key;
    for (size_t i = 0; i < count; i++) {
        const bool is_section = options[i].type == TW_OPTION_SECTION;
        const bool inner = is_section && tw_option_depth(&options[i]) > 0;
        if (is_section && !inner && !sections) continue;
        /* Behind a long shared section everything is near: there the leaf alone counts. */
        const bool shared = strchr(section, '.') &&
                            (tw_option_within(&options[i], section) || strcmp(options[i].key, section) == 0);
        if (!shared) list_add(&full, &options[i], options[i].key);
        if (is_section && !inner) continue;
        list_add(&leaves, &options[i], tw_option_leaf(&options[i]));
        if (dot && tw_option_within(&options[i], section))
            list_add(&siblings, &options[i], tw_option_leaf(&options[i]));
    }
    const tw_option *found = tw_option_by_leaf(section, leaf);
    if (!found) found = list_nearest(&siblings, leaf);
    if (!found) found = list_nearest(&full, key);
    if (!found && !dot) found = list_nearest(&leaves, leaf);
    return found;
}
