/* words.c -- edit distance with transpositions, and the nearest of a list of words.
 *
 * One place, so that every suggestion of the program has the same idea of "close". */
#include "thalweg/words.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 64 };

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* At least `enough` when the distance is: the row of the table and the one before it bound all later ones. */
static size_t distance_below(size_t enough, const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return larger(n, m);
    size_t rows[3][LONGEST + 1]; /* row i of the table lives in rows[i % 3] */
    size_t least = 0, least_before;
    for (size_t j = 0; j <= m; j++) rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        least_before = least;
        least = now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const unsigned char x = lower(a[i - 1]), y = lower(b[j - 1]);
            now[j] = smaller(last[j - 1] + (x != y), smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
                now[j] = smaller(now[j], before[j - 2] + 1);
            least = smaller(least, now[j]);
        }
        if (least >= enough && least_before >= enough) return enough;
    }
    return rows[n % 3][m];
}

size_t tw_words_distance(const char *a, const char *b)
{
    return distance_below(SIZE_MAX, a, b);
}

/* One bit a letter. */
static uint64_t letters(const char *word)
{
    uint64_t set = 0;
    for (; *word; word++) set |= (uint64_t)1 << lower(*word) % 64;
    return set;
}

/* No edit brings more than one letter that was missing, or one more letter. */
static size_t least_distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    const uint64_t of_a = letters(a), of_b = letters(b);
    const int more = __builtin_popcountll(of_a & ~of_b), fewer = __builtin_popcountll(of_b & ~of_a);
    return larger(larger(n, m) - smaller(n, m), (size_t)(more > fewer ? more : fewer));
}

static size_t effort(const char *word, const char *candidate, size_t enough)
{
    const size_t length = strlen(word);
    const int begins = length >= 3 && strncasecmp(word, candidate, length) == 0;
    if (begins && candidate[length]) return 1;
    if (least_distance(word, candidate) >= enough) return enough;
    return distance_below(enough, word, candidate);
}

const char *tw_words_nearest(const char *word, size_t count, const char *const *candidates)
{
    if (word == NULL) return NULL;
    const size_t length = strlen(word);
    if (length > LONGEST) return NULL;
    const char *nearest = NULL;
    size_t best = larger(1, length / 3) + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t distance = effort(word, candidates[i], best);
        if (distance >= best || distance >= larger(length, strlen(candidates[i]))) continue;
        best = distance;
        nearest = candidates[i];
    }
    return nearest;
}
