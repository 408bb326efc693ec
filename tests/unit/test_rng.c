/* test_rng.c -- random numbers and fingerprints against published answers.
 *
 * Philox: the known answers of Random123 (kat_vectors). AS 241: the percentage points of the paper and more
 * of them computed to 60 digits. XXH3: the sanity check of xxHash 0.8. */
#include "core/normal.h"
#include "thalweg/hash.h"
#include "thalweg/rng.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { DRAWS = 1000000 };

/* ---------------------------------------------------------------- Philox */

static const struct {
    uint64_t seed, stream, index;
    uint32_t words[4];
} philox[] = {
    {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {0x299f31d0a4093822,
     0x0370734413198a2e,
     0x85a308d3243f6a88,
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(blocks_are_the_known_answers_of_philox4x32_10)
{
    uint32_t words[4];
    for (size_t i = 0; i < sizeof philox / sizeof philox[0]; i++) {
        tw_rng_block(philox[i].seed, philox[i].stream, philox[i].index, words);
        ck_assert_mem_eq(words, philox[i].words, sizeof words);
    }
}
END_TEST

START_TEST(every_bit_of_seed_stream_and_index_matters)
{
    uint32_t here[4], there[4];
    tw_rng_block(1, 2, 3, here);
    for (int bit = 0; bit < 192; bit++) {
        const uint64_t flip = (uint64_t)1 << bit % 64;
        tw_rng_block(1 ^ (bit < 64 ? flip : 0), 2 ^ (bit / 64 == 1 ? flip : 0),
                     3 ^ (bit / 64 == 2 ? flip : 0), there);
        for (int w = 0; w < 4; w++) ck_assert(here[w] != there[w]);
    }
}
END_TEST

/* ---------------------------------------------------------------- uniform and below */

START_TEST(uniforms_are_the_first_53_bits_and_lie_evenly_in_zero_one)
{
    double sum = 0, squares = 0;
    int tenth[10] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint32_t words[4];
        const double u = tw_rng_uniform(7, 11, i);
        tw_rng_block(7, 11, i, words);
        if (u != ldexp(words[0], -32) + ldexp(words[1] >> 11, -53) || u >= 1)
            ck_abort_msg("draw %d: %a is not its words", (int)i, u);
        sum += u;
        squares += u * u;
        tenth[(int)(10 * u)]++;
    }
    const double mean = sum / DRAWS, variance = squares / DRAWS - mean * mean;
    ck_assert_double_eq_tol(mean, 0.5, 5 * sqrt(1.0 / 12 / DRAWS));
    ck_assert_double_eq_tol(variance, 1.0 / 12, 5 * sqrt(1.0 / 180 / DRAWS));
    for (int t = 0; t < 10; t++) ck_assert_double_eq_tol(tenth[t], DRAWS / 10.0, 5 * sqrt(DRAWS * 0.09));
}
END_TEST

/* The high half of a 64 x 64 bit product, by halves. */
static uint64_t high_product(uint64_t a, uint64_t b)
{
    const uint64_t a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32), low = a0 * b1 + (middle & 0xffffffff);
    return a1 * b1 + (middle >> 32) + (low >> 32);
}

START_TEST(below_stays_below_and_is_the_high_half_of_the_product)
{
    static const uint64_t bounds[] = {1,         2, 3, 7, 1000, (uint64_t)1 << 32, ((uint64_t)1 << 53) + 1,
                                      UINT64_MAX};
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        for (uint64_t i = 0; i < 10000; i++) {
            uint32_t words[4];
            const uint64_t got = tw_rng_below(5, b, i, bounds[b]);
            tw_rng_block(5, b, i, words);
            ck_assert(got < bounds[b]);
            ck_assert(got == high_product((uint64_t)words[0] << 32 | words[1], bounds[b]));
        }
    }
}
END_TEST

START_TEST(below_seven_gives_each_of_the_seven_its_share)
{
    int count[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) count[tw_rng_below(5, 6, i, 7)]++;
    for (int c = 0; c < 7; c++) ck_assert_int_lt(abs(count[c] - 10000), 5 * 93);
}
END_TEST

/* ---------------------------------------------------------------- normal */

static const struct {
    double centred, tail, z; /* tail decides beyond |centred| = 0.425 */
} points[] = {
    {-0.25, 0.25, -0.6744897501960817432}, /* these three: Wichura 1988 */
    {-0.499, 0.001, -3.090232306167813542},
    {-0.5, 1e-20, -9.262340089798407574},
    {0.0, 0.5, 0.0},
    {0.0078125, 0.4921875, 0.0195842852301269195},
    {-0.3, 0.2, -0.841621233572914166},
    {0.4, 0.1, 1.28155156554460059},
    {-0.425, 0.075, -1.43953147093845584},
    {0.475, 0.025, 1.95996398454005421},
    {-0.5, 2e-11, -6.60407759040563428}, /* on both sides of the change of polynomials at exp(-25) */
    {-0.5, 1e-11, -6.7060231554951363},
    {-0.5, 0x1p-54, -8.29236107581359554}, /* the farthest draw */
    {0.5, 0x1p-54, 8.29236107581359554},
    {-0.5, 0x1p-300, -20.1998566425458217},
};

START_TEST(quantiles_are_the_published_percentage_points)
{
    double worst = 0;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        const double z = tw_normal_quantile(points[i].centred, points[i].tail);
        const double error = fabs(z - points[i].z);
        if (error > worst * fabs(points[i].z)) worst = error / fabs(points[i].z);
        ck_assert_msg(error <= 5e-16 * fabs(points[i].z), "quantile of tail %g is %.17g, not %.17g",
                      points[i].tail, z, points[i].z);
    }
    printf("normal quantiles: relative error at most %.2g\n", worst);
}
END_TEST

/* Phi(z) = u + 2^-54 by the complementary error function in long double, as a relative error of z. */
START_TEST(normals_are_the_quantiles_of_the_uniforms)
{
    const long double root2 = sqrtl(2), pi = acosl(-1);
    long double worst = 0;
    for (uint64_t i = 0; i < DRAWS / 10; i++) {
        const double z = tw_rng_normal(3, 4, i);
        const long double p = (long double)tw_rng_uniform(3, 4, i) + 0x1p-54L;
        const long double tail = p < 0.5L ? p : 1 - p;
        const long double density = expl(-(long double)z * z / 2) / sqrtl(2 * pi);
        const long double error = fabsl(erfcl(fabsl(z) / root2) / 2 - tail);
        const long double relative = (error - 1e-18L) / (fabsl(z) * density);
        if ((z < 0) != (p < 0.5L)) ck_abort_msg("draw %d: the sign of %g is wrong", (int)i, z);
        if (relative > worst) worst = relative;
    }
    printf("normals: relative error at most %.2Lg\n", worst);
    ck_assert_msg(worst < 1e-15L, "relative error %Lg", worst);
}
END_TEST

START_TEST(a_million_normals_have_the_moments_of_the_normal_distribution)
{
    double sum[5] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        const double z = tw_rng_normal(1, 2, i);
        double power = 1;
        for (int k = 0; k < 5; k++, power *= z) sum[k] += power / DRAWS;
    }
    ck_assert_double_eq_tol(sum[1], 0, 5 * sqrt(1.0 / DRAWS));
    ck_assert_double_eq_tol(sum[2], 1, 5 * sqrt(2.0 / DRAWS));
    ck_assert_double_eq_tol(sum[3], 0, 5 * sqrt(15.0 / DRAWS));
    ck_assert_double_eq_tol(sum[4], 3, 5 * sqrt(96.0 / DRAWS));
}
END_TEST

START_TEST(the_first_thousand_normals_have_the_same_bits_everywhere)
{
    double z[1000];
    for (uint64_t i = 0; i < 1000; i++) z[i] = tw_rng_normal(1, 2, i);
    const uint64_t hash = tw_hash64(z, sizeof z);
    ck_assert_msg(hash == 0x4ad5c78e487e2d91u, "%016llx", (unsigned long long)hash);
    z[999] = nextafter(z[999], 10);
    ck_assert(tw_hash64(z, sizeof z) != hash);
}
END_TEST

/* ---------------------------------------------------------------- fingerprints */

static const struct {
    size_t size;
    uint64_t hash, high, low; /* XXH3-64; XXH3-128 */
} sanity[] = {
    {0, 0x2d06800538d394c2, 0x99aa06d3014798d8, 0x6001c324468d497f},
    {1, 0xc44bdff4074eecdb, 0xa6cd5e9392000f6a, 0xc44bdff4074eecdb},
    {6, 0x27b56a84cd2d7325, 0x082afe0b8162d12a, 0x3e7039bdda43cfc6},
    {12, 0xa713daf0dfbb77e7, 0x6e3efd8fc7802b18, 0x061a192713f69ad9},
    {24, 0xa3fe70bf9d3510eb, 0x0ce966e4678d3761, 0x1e7044d28b1b901d},
    {48, 0x397da259ecba1f11, 0xa002ac4e5478227e, 0xf942219aed80f67b},
    {403, 0xcdeb804d65c6dea4, 0x1b6de21e332dd73d, 0xcdeb804d65c6dea4},
    {2048, 0xdd59e2c3a5f038e0, 0xf736557fd47073a5, 0xdd59e2c3a5f038e0},
    {2367, 0xcb37aeb9e5d361ed, 0xe89c0f6ff369b427, 0xcb37aeb9e5d361ed},
};

START_TEST(hashes_are_those_of_the_sanity_check_of_xxhash)
{
    unsigned char bytes[2367], digest[16], want[16];
    uint64_t generator = 2654435761u;
    for (size_t i = 0; i < sizeof bytes; i++, generator *= 11400714785074694797u)
        bytes[i] = (unsigned char)(generator >> 56);
    for (size_t i = 0; i < sizeof sanity / sizeof sanity[0]; i++) {
        for (int b = 0; b < 8; b++) {
            want[b] = (unsigned char)(sanity[i].high >> (56 - 8 * b));
            want[8 + b] = (unsigned char)(sanity[i].low >> (56 - 8 * b));
        }
        tw_hash128(bytes, sanity[i].size, digest);
        ck_assert_mem_eq(digest, want, sizeof want);
        ck_assert(tw_hash64(bytes, sanity[i].size) == sanity[i].hash);
    }
    ck_assert(tw_hash64(NULL, 0) == sanity[0].hash);
}
END_TEST

START_TEST(one_changed_bit_changes_both_hashes)
{
    unsigned char bytes[100] = {0}, before[16], after[16];
    const uint64_t hash = tw_hash64(bytes, sizeof bytes);
    tw_hash128(bytes, sizeof bytes, before);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] = (unsigned char)(1u << bit % 8);
        tw_hash128(bytes, sizeof bytes, after);
        ck_assert(tw_hash64(bytes, sizeof bytes) != hash);
        ck_assert_mem_ne(before, after, sizeof before);
        bytes[bit / 8] = 0;
    }
    ck_assert(tw_hash64(bytes, sizeof bytes) == hash);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng");
    TCase *tests = tcase_create("draws"), *hashes = tcase_create("hash");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, blocks_are_the_known_answers_of_philox4x32_10);
    tcase_add_test(tests, every_bit_of_seed_stream_and_index_matters);
    tcase_add_test(tests, uniforms_are_the_first_53_bits_and_lie_evenly_in_zero_one);
    tcase_add_test(tests, below_stays_below_and_is_the_high_half_of_the_product);
    tcase_add_test(tests, below_seven_gives_each_of_the_seven_its_share);
    tcase_add_test(tests, quantiles_are_the_published_percentage_points);
    tcase_add_test(tests, normals_are_the_quantiles_of_the_uniforms);
    tcase_add_test(tests, a_million_normals_have_the_moments_of_the_normal_distribution);
    tcase_add_test(tests, the_first_thousand_normals_have_the_same_bits_everywhere);
    tcase_add_test(hashes, hashes_are_those_of_the_sanity_check_of_xxhash);
    tcase_add_test(hashes, one_changed_bit_changes_both_hashes);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, hashes);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
