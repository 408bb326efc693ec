/* words.h -- which known word did the user mean?
 *
 * One distance for every "did you mean ...?" of the program: keys, sections, choices, strategy names, data
 * sets. Nothing here is collective, allocates or fails. */
#ifndef THALWEG_WORDS_H
#define THALWEG_WORDS_H

#include <stddef.h>

/**
 * Edits that turn a into b: insertions, deletions, substitutions and swaps of two neighbours count 1 each.
 *
 * Optimal string alignment (no substring is edited twice), over bytes, ASCII case ignored.
 *
 * @return the distance, or the length of the longer word when either has more than 64 bytes.
 * Cost: length of a times length of b.
 * Source: Damerau (1964), Comm. ACM 7(3); the restricted form of the recurrence.
 */
size_t tw_words_distance(const char *a, const char *b);

/**
 * The candidate that the user most likely meant, or NULL when none is close.
 *
 * Close is at most one edit for every three bytes of the word (and at least one), but never a replacement of
 * the whole word; a candidate that starts with the word (three bytes or more) counts as one edit away. The
 * first of several equally close candidates wins.
 *
 * @param word        what was written; NULL gives NULL
 * @param count       number of candidates
 * @param candidates  [count] known words, none NULL
 */
const char *tw_words_nearest(const char *word, size_t count, const char *const *candidates);

#endif
