/* Radix sort in place from the leading bits down (American flag: McIlroy, Bostic, McIlroy 1993). A digit
 * begins at the highest bit in which the keys differ, so equal exponents cost no pass. */
#include "thalweg/phase.h"
#include "train/metrics_impl.h"

enum { FEW = 48, DIGITS = 256, LONG_RUN = 1 << 16 };

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

void tw_score_sort(uint64_t *keys, double *weights, size_t n, bool ticks)
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
        if (end[d] - at > 1) tw_score_sort(keys + at, weights ? weights + at : NULL, end[d] - at, ticks);
}
