/* Quicksort whose partition has no branch to mispredict (Lomuto's, after Peters 2021), and where the pivots
 * are bad for too long a radix sort in place from the leading bits down (American flag: McIlroy, Bostic,
 * McIlroy 1993), which no order of keys can slow down. */
#include "thalweg/phase.h"
#include "train/metrics_impl.h"

enum { FEW = 24, DIGITS = 256, LONG_RUN = 1 << 16, MANY = 1000 };

static void insertion_sort(uint64_t *keys, double *weights, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const uint64_t key = keys[i];
        const double weight = weights ? weights[i] : 0;
        size_t j = i;
        for (; j > 0 && keys[j - 1] > key; j--) {
            keys[j] = keys[j - 1];
            if (weights) weights[j] = weights[j - 1];
        }
        keys[j] = key;
        if (weights) weights[j] = weight;
    }
}

/* Where the digit begins; false: all keys are equal. */
static bool find_digit(const uint64_t *keys, size_t n, int *low)
{
    uint64_t any = 0, all = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        any |= keys[i];
        all &= keys[i];
    }
    if (any == all) return false;
    const int high = 63 - __builtin_clzll(any ^ all);
    *low = high > 7 ? high - 7 : 0;
    return true;
}

static size_t digit(uint64_t key, int low)
{
    return (size_t)(key >> low) % DIGITS;
}

/* Every key to its bucket; next and end: of each bucket. */
static void permute(uint64_t *keys, double *weights, int low, size_t *next, const size_t *end)
{
    for (size_t d = 0; d < DIGITS; d++) {
        while (next[d] < end[d]) {
            uint64_t key = keys[next[d]];
            double weight = weights ? weights[next[d]] : 0;
            for (size_t to = digit(key, low); to != d; to = digit(key, low)) {
                const size_t place = next[to]++;
                const uint64_t other = keys[place];
                keys[place] = key;
                key = other;
                if (!weights) continue;
                const double other_weight = weights[place];
                weights[place] = weight;
                weight = other_weight;
            }
            if (weights) weights[next[d]] = weight;
            keys[next[d]++] = key;
        }
    }
}

void tw_score_radix_sort(uint64_t *keys, double *weights, size_t n, bool ticks)
{
    size_t next[DIGITS] = {0}, end[DIGITS];
    int low;
    if (n <= FEW) {
        insertion_sort(keys, weights, n);
        return;
    }
    if (ticks && n > LONG_RUN) tw_phase_tick();
    if (!find_digit(keys, n, &low)) return;
    for (size_t i = 0; i < n; i++) next[digit(keys[i], low)]++;
    for (size_t d = 0, at = 0; d < DIGITS; d++) {
        end[d] = at + next[d];
        next[d] = at;
        at = end[d];
    }
    permute(keys, weights, low, next, end);
    for (size_t d = 0, at = 0; d < DIGITS; at = end[d++])
        if (end[d] - at > 1)
            tw_score_radix_sort(keys + at, weights ? weights + at : NULL, end[d] - at, ticks);
}

/* ---- by comparisons ---- */

/* Keys below the limit to the front; returns how many. */
static size_t partition(uint64_t *keys, double *weights, size_t n, uint64_t limit)
{
    size_t below = 0;
    if (!weights) {
        for (size_t i = 0; i < n; i++) {
            const uint64_t key = keys[i];
            keys[i] = keys[below];
            keys[below] = key;
            below += key < limit;
        }
        return below;
    }
    for (size_t i = 0; i < n; i++) {
        const uint64_t key = keys[i];
        const double weight = weights[i];
        keys[i] = keys[below];
        keys[below] = key;
        weights[i] = weights[below];
        weights[below] = weight;
        below += key < limit;
    }
    return below;
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

static uint64_t choose_pivot(const uint64_t *keys, size_t n)
{
    const size_t step = n / 8;
    if (n < MANY) return median(keys[0], keys[n / 2], keys[n - 1]);
    return median(median(keys[0], keys[step], keys[2 * step]),
                  median(keys[3 * step], keys[4 * step], keys[5 * step]),
                  median(keys[6 * step], keys[7 * step], keys[n - 1]));
}

/* patience: bad pivots still allowed. */
static void quick_sort(uint64_t *keys, double *weights, size_t n, int patience, bool ticks)
{
    while (n > FEW) {
        if (ticks && n > LONG_RUN) tw_phase_tick();
        const uint64_t pivot = choose_pivot(keys, n);
        size_t less = partition(keys, weights, n, pivot);
        if (less < n / 8) { /* perhaps because many are equal to the pivot: they are at their place then */
            double *const behind = weights ? weights + less : NULL;
            const size_t same =
                pivot < UINT64_MAX ? partition(keys + less, behind, n - less, pivot + 1) : n - less;
            quick_sort(keys, weights, less, patience, ticks);
            less += same;
            if (same < n / 8) patience--;
        } else {
            if (less > n - n / 8) patience--;
            quick_sort(keys, weights, less, patience, ticks);
        }
        keys += less;
        if (weights) weights += less;
        n -= less;
        if (patience < 0) {
            tw_score_radix_sort(keys, weights, n, ticks);
            return;
        }
    }
    insertion_sort(keys, weights, n);
}

void tw_score_sort(uint64_t *keys, double *weights, size_t n, bool ticks)
{
    int patience = 4;
    for (size_t left = n; left > 1; left /= 2) patience++;
    quick_sort(keys, weights, n, patience, ticks);
}
