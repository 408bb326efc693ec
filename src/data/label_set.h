/* label_set.h -- the distinct labels of a text column, and how many distinct whole numbers there are. */
#ifndef THALWEG_LABEL_SET_H
#define THALWEG_LABEL_SET_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TW_MOST_LABELS = 65536, TW_MOST_COUNTED = 1000, TW_COUNT_SLOTS = 4096 };

typedef struct tw_label_set {
    char **word; /* [count] owned */
    size_t count, capacity;
    uint32_t *slot; /* [n_slots] index + 1, or 0; n_slots is a power of two */
    size_t n_slots;
} tw_label_set; /* all zero: empty */

/** Index of a word, or SIZE_MAX. */
size_t tw_label_set_find(const tw_label_set *set, size_t size, const char *word);

/** Add a word that is not in the set (without NUL bytes). TW_DATA: more than TW_MOST_LABELS; TW_MEMORY. */
tw_status tw_label_set_add(tw_label_set *set, size_t size, const char *word) TW_CHECKED;

/** Order the words by their bytes, which is by code point in UTF-8; indices change. */
void tw_label_set_sort(tw_label_set *set);

void tw_label_set_release(tw_label_set *set);

/** Counts distinct whole numbers up to TW_MOST_COUNTED; many when there are more. All zero: none yet. */
typedef struct {
    int64_t value[TW_COUNT_SLOTS];
    bool used[TW_COUNT_SLOTS];
    size_t count;
    bool many;
} tw_label_count;

void tw_label_count_add(tw_label_count *counter, int64_t value);

#endif
