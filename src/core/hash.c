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
