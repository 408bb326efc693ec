/* hash.c -- XXH3 from the header-only xxHash: nothing to link, the same numbers on every machine. */
#include "thalweg/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

uint64_t tw_hash64(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}

void tw_hash128(const void *bytes, size_t size, unsigned char digest[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
    memcpy(digest, canonical.digest, sizeof canonical.digest);
}

void tw_hash128_seed(const void *bytes, size_t size, uint64_t seed, uint64_t halves[2])
{
    const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, size, seed);
    halves[0] = hash.low64;
    halves[1] = hash.high64;
}

void tw_hash128_sum(const void *rows, size_t size, size_t count, const uint64_t seed[2], uint64_t sums[2])
{
    uint64_t low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        const XXH128_hash_t hash =
            XXH3_128bits_withSeed((const char *)rows + i * size, size, (seed[0] + i) ^ seed[1]);
        low += hash.low64;
        high += hash.high64;
    }
    sums[0] += low;
    sums[1] += high;
}
