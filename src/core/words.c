/* words.c -- edit distance with transpositions, and the nearest of a list of words.
 *
 * One place, so that every suggestion of the program has the same idea of "close". */
#include "thalweg/words.h"

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

size_t tw_words_distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return larger(n, m);
    size_t rows[3][LONGEST + 1]; /* row i of the table lives in rows[i % 3] */
    for (size_t j = 0; j <= m; j++) rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const unsigned char x = lower(a[i - 1]), y = lower(b[j - 1]);
            now[j] = smaller(last[j - 1] + (x != y), smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

static size_t effort(const char *word, const char *candidate)
{
    const size_t length = strlen(word), distance = tw_words_distance(word, candidate);
    const int begins = length >= 3 && strncasecmp(word, candidate, length) == 0;
    return begins ? smaller(distance, 1) : distance;
}

const char *tw_words_nearest(const char *word, size_t count, const char *const *candidates)
{
    if (word == NULL) return NULL;
    const size_t length = strlen(word);
    if (length > LONGEST) return NULL;
    const char *nearest = NULL;
    size_t best = larger(1, length / 3) + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t distance = effort(word, candidates[i]);
        if (distance >= best || distance >= larger(length, strlen(candidates[i]))) continue;
        best = distance;
        nearest = candidates[i];
    }
    return nearest;
}
