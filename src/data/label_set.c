#include "data/label_set.h"

#include "thalweg/hash.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256 };

/* The slot of a word, or the free one where it belongs. */
static size_t locate(const tw_label_set *s, size_t size, const char *word)
{
    size_t at = tw_hash64(word, size) & (s->n_slots - 1);
    for (; s->slot[at]; at = (at + 1) & (s->n_slots - 1)) {
        const char *other = s->word[s->slot[at] - 1];
        if (strncmp(other, word, size) == 0 && other[size] == 0) break;
    }
    return at;
}

size_t tw_label_set_find(const tw_label_set *s, size_t size, const char *word)
{
    if (s->count == 0) return SIZE_MAX;
    const uint32_t index = s->slot[locate(s, size, word)];
    return index ? index - 1 : SIZE_MAX;
}

static void place_all(tw_label_set *s)
{
    memset(s->slot, 0, s->n_slots * sizeof *s->slot);
    for (size_t i = 0; i < s->count; i++)
        s->slot[locate(s, strlen(s->word[i]), s->word[i])] = (uint32_t)i + 1;
}

static tw_status grow(tw_label_set *s)
{
    const size_t n = s->n_slots ? 2 * s->n_slots : FIRST_SLOTS;
    char **word = realloc(s->word, n / 2 * sizeof *word);
    if (word) s->word = word;
    uint32_t *slot = word ? realloc(s->slot, n * sizeof *slot) : NULL;
    if (!slot) return tw_fail(TW_MEMORY, "out of memory for %zu classes", s->count);
    s->slot = slot;
    s->n_slots = n;
    s->capacity = n / 2;
    place_all(s);
    return TW_OK;
}

tw_status tw_label_set_add(tw_label_set *s, size_t size, const char *word)
{
    if (s->count == TW_MOST_LABELS)
        return tw_fail(TW_DATA, "there are more than %d different labels; is another column the label?",
                       TW_MOST_LABELS);
    if (s->count == s->capacity) TW_TRY(grow(s));
    char *copy = strndup(word, size);
    if (!copy) return tw_fail(TW_MEMORY, "out of memory for %zu classes", s->count);
    s->word[s->count] = copy;
    s->slot[locate(s, size, copy)] = (uint32_t)++s->count;
    return TW_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void tw_label_set_sort(tw_label_set *s)
{
    if (s->count == 0) return;
    qsort(s->word, s->count, sizeof *s->word, by_bytes);
    place_all(s);
}

void tw_label_set_release(tw_label_set *s)
{
    for (size_t i = 0; i < s->count; i++) free(s->word[i]);
    free(s->word);
    free(s->slot);
    *s = (tw_label_set){0};
}

void tw_label_count_add(tw_label_count *c, int64_t value)
{
    size_t at = (size_t)(((uint64_t)value * 0x9e3779b97f4a7c15u) >> 52);
    while (c->used[at] && c->value[at] != value) at = (at + 1) % TW_COUNT_SLOTS;
    if (c->used[at] || c->many) return;
    c->many = c->count == TW_MOST_COUNTED;
    if (c->many) return;
    c->used[at] = true;
    c->value[at] = value;
    c->count++;
}
