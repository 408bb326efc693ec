/* Every metric of the stored cases over these ranks: the bits that one rank alone has, with threads and
 * without. */
#include "unit/metrics_cases.h"

static tw_comm *comm;
static json_t *cases;

/* On one rank alone, then on all. */
static bool same_everywhere(const json_t *c, const char *model)
{
    tw_comm *alone;
    tw_metrics own = {0}, all = {0};
    double one[CASE_NUMBERS], many[CASE_NUMBERS];
    bool good = tw_comm_local(&alone) == TW_OK && case_compute(c, model, alone, 1, &own) == TW_OK;
    case_flatten(&own, one);
    for (int threads = 1; threads <= 2; threads++) {
        /* ranks may have different numbers of threads */
        good = case_compute(c, model, comm, threads + tw_comm_rank(comm) % 2, &all) == TW_OK && good;
        case_flatten(&all, many);
        good = good && same_bits(CASE_NUMBERS, one, many);
        for (size_t i = 0; good && i < own.classes * own.classes; i++)
            good = same_bits(1, &own.confusion[i], &all.confusion[i]);
        tw_metrics_release(&all);
    }
    tw_metrics_release(&own);
    tw_comm_release(alone);
    return good;
}

static void kind(const char *name, const char *model)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(cases, name), i, c)
    {
        const bool good = all_ranks(comm, same_everywhere(c, model));
        ck_assert_msg(good, "%s: %s", name, json_string_value(json_object_get(c, "name")));
    }
}

START_TEST(metrics_have_the_same_bits_on_every_number_of_ranks)
{
    kind("binary", "logistic");
    kind("multiclass", "softmax");
    kind("regression", "linear");
    kind("poisson", "poisson");
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) != TW_OK) return 1;
    cases = json_load_file(TEST_SOURCE_DIR "/tests/truth/metrics.json", 0, NULL);
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("ranks");
    tcase_add_test(tc, metrics_have_the_same_bits_on_every_number_of_ranks);
    suite_add_tcase(suite, tc);
    if (!cases) tw_comm_abort(comm, 1);
    const int failed = test_run_ranks(suite, comm);
    json_decref(cases);
    return failed;
}
