/* test_doctor.c -- what reading memory reads, and what is concluded from made-up speeds. */
#include "comm/comm_mpi.h"
#include "scale/doctor.h"
#include "scale/memory_read.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading memory ---- */

START_TEST(every_word_of_the_whole_turns_is_read_once)
{
    for (size_t bytes = 0; bytes < 9 * TW_MEMORY_TURN; bytes += TW_MEMORY_TURN / 4) {
        uint64_t *words = tw_memory_allocate(bytes + 1), sum = 0;
        ck_assert_ptr_nonnull(words);
        ck_assert_uint_eq((uintptr_t)words % 64, 0);
        memset(words, 0xff, bytes + 1);
        for (size_t i = 0; i < bytes / TW_MEMORY_TURN * TW_MEMORY_TURN / 8; i++)
            sum += words[i] = (i + 1) * 0x9e3779b97f4a7c15u; /* one left out or read twice changes the sum */
        ck_assert_uint_eq(tw_memory_read(bytes, words), sum);
        for (int level = 0; level <= tw_memory_read_best(); level++)
            ck_assert_uint_eq(tw_memory_read_as(level, bytes, words), sum);
        for (int threads = 1; threads <= 5; threads++) {
            uint64_t together;
            ck_assert_int_eq(tw_memory_read_threads(threads, bytes, words, &together), TW_OK);
            ck_assert_uint_eq(together, sum);
        }
        free(words);
    }
}
END_TEST

/* ---- words ---- */

static tw_comm comm;
static tw_doctor_rank ranks[4];
static tw_binding_node node;

/* Four ranks on four cores: 60000 x 784 u8 at 16 GB/s of 20, an exchange 12 us whatever its length. */
static void make(tw_doctor *d)
{
    memset(d, 0, sizeof *d);
    comm = (tw_comm){.size = 4, .nodes = 1, .least_a_node = 4, .most_a_node = 4, .host = "here"};
    node = (tw_binding_node){.ranks = 4, .cores = 4, .allowed = 4};
    d->comm = &comm;
    d->speed = true;
    d->ranks = ranks;
    d->threads = 1;
    for (int r = 0; r < 4; r++)
        ranks[r] = (tw_doctor_rank){.threads = 1, .cores = 4, .cpus = 4, .isa = "avx2", .best = 1};
    d->binding = (tw_binding){.n_nodes = 1, .nodes = &node, .crowded = -1, .overlap = {-1, -1}};
    d->read = (tw_doctor_read){.low = 5e9, .high = 5e9, .node = 20e9, .total = 20e9, .alone = 6e9};
    for (int i = 0; i < TW_DOCTOR_TYPES; i++) {
        tw_doctor_gradient *g = &d->gradient[i];
        *g = (tw_doctor_gradient){.model = "logistic", .type = i == 0 ? TW_f32 : i == 1 ? TW_f64 : TW_u8};
        g->rows = 60000;
        g->cols = 784;
        g->numbers = 788;
        g->seconds = 2.952e-3; /* 2.94 ms and the exchange */
        g->bytes_a_second = 16e9;
        g->fraction = 0.8;
    }
    for (size_t i = 0; i < 2; i++) {
        d->exchange[i].count = 2;
        d->exchange[i].points[0] = (tw_measured){.length = 1, .seconds = 12e-6};
        d->exchange[i].points[1] = (tw_measured){.length = 65536, .seconds = 12e-6, .cost.memory = 1e5};
    }
}

static const char *all(const tw_doctor_words *w)
{
    static char text[TW_DOCTOR_LINES * TW_DOCTOR_LINE];
    text[0] = 0;
    for (size_t i = 0; i < w->count; i++) {
        strcat(text, w->line[i]);
        strcat(text, "\n");
    }
    return text;
}

static void says(const tw_doctor_words *w, const char *what)
{
    ck_assert_msg(strstr(all(w), what) != NULL, "'%s' is not in: %s", what, all(w));
}

static void quiet(const tw_doctor_words *w, const char *what)
{
    ck_assert_msg(strstr(all(w), what) == NULL, "'%s' is in: %s", what, all(w));
}

START_TEST(between_two_lengths_the_exchange_is_linear)
{
    tw_doctor_exchange e = {.count = 3};
    const double x[] = {1, 101, 1101}, y[] = {1e-5, 2e-5, 12e-5};
    for (int i = 0; i < 3; i++) e.points[i] = (tw_measured){.length = (size_t)x[i], .seconds = y[i]};
    for (int i = 0; i < 3; i++) ck_assert_double_eq_tol(tw_doctor_exchange_seconds(&e, x[i]), y[i], 1e-18);
    ck_assert_double_eq_tol(tw_doctor_exchange_seconds(&e, 51), 1.5e-5, 1e-18);
    ck_assert_double_eq_tol(tw_doctor_exchange_seconds(&e, 601), 7e-5, 1e-18);
    ck_assert_double_eq_tol(tw_doctor_exchange_seconds(&e, 2202), 24e-5, 1e-18);
    e.count = 0;
    ck_assert(isnan(tw_doctor_exchange_seconds(&e, 51)));
}
END_TEST

/* 2.94 ms on 4 ranks are 92 us on 128 and 46 us on 256; the exchange grows from 12 us to 42 us and 48 us. */
START_TEST(memory_limits_a_pass_at_its_speed)
{
    static tw_doctor d;
    make(&d);
    tw_doctor_judge(&d);
    says(&d.judgement,
         "A pass of logistic over 60000 x 784 u8 on these ranks takes about 2.94 ms, an exchange of "
         "788 numbers 12 us: the memory limits it; more ranks help up to about 128\n");
    says(&d.judgement, "4 ranks of a node together read memory 3.3 times as fast as one of them alone");
    quiet(&d.judgement, "nothing to do");
}
END_TEST

START_TEST(ranks_that_already_share_the_memory_are_told)
{
    static tw_doctor d;
    make(&d);
    d.read.alone = 15e9;
    tw_doctor_judge(&d);
    says(&d.judgement, "the memory limits it, and 4 ranks already share that of a node");
}
END_TEST

START_TEST(arithmetic_limits_a_slower_pass)
{
    static tw_doctor d;
    make(&d);
    d.gradient[2].fraction = 0.3;
    node.cores = 6;
    tw_doctor_judge(&d);
    says(&d.judgement,
         "788 numbers 12 us: the arithmetic of the cores limits it (30 % of the speed of memory)");
    says(&d.judgement, "2 of 6 cores of here have nothing to do");
}
END_TEST

START_TEST(an_exchange_longer_than_the_pass_limits_it)
{
    static tw_doctor d;
    make(&d);
    for (size_t i = 0; i < 2; i++) d.exchange[0].points[i].seconds = 20e-3;
    for (int i = 0; i < TW_DOCTOR_TYPES; i++) d.gradient[i].seconds = 22.94e-3;
    tw_doctor_judge(&d);
    says(&d.judgement,
         "takes about 2.94 ms, an exchange of 788 numbers 20 ms: the exchange limits it; fewer ranks "
         "are as fast");
}
END_TEST

/* ---- warnings ---- */

START_TEST(a_machine_in_order_gives_no_warning)
{
    static tw_doctor d;
    make(&d);
    tw_doctor_warn(&d);
    quiet(&d.warnings, "oversubscribed");
    quiet(&d.warnings, "rank");
    quiet(&d.warnings, "instruction set");
    quiet(&d.warnings, "huge pages");
    quiet(&d.warnings, "exchange");
    quiet(&d.warnings, "the file");
}
END_TEST

START_TEST(each_thing_that_is_wrong_is_told)
{
    static tw_doctor d;
    make(&d);
    strcpy(d.mpi, "Open MPI v4.1.4");
    strcpy(d.launcher, "srun");
    node.cores = 8;
    node.allowed = 8;
    ranks[0].threads = ranks[1].threads = d.threads = 2;
    ranks[0].cores = ranks[1].cores = 1;
    ranks[0].quota = 1.5;
    strcpy(ranks[2].isa, "baseline");
    strcpy(ranks[3].pages, "never");
    ranks[1].locked = 65536 + 1;
    d.read.low = 1e9;
    d.exchange[0].points[1].seconds = 1;
    d.exchange[0].points[1].cost.memory = 2e8; /* a hundredth of a second */
    d.file = (tw_doctor_file){.given = true, .done = true, .raw = 20e6, .rows = 20e6};
    tw_doctor_warn(&d);
    says(&d.warnings, "the ranks do not have equally many threads, but 1 to 2");
    says(&d.warnings,
         "the 2 threads of rank 0 share 1 core: start with srun -n 4 --cpus-per-task=2 --cpu-bind=cores");
    says(&d.warnings, "the control group of here grants the time of 1.5 processors to 6 threads");
    says(&d.warnings, "the baseline instruction set is in use, though here has avx2");
    says(&d.warnings, "no transparent huge pages on here");
    says(&d.warnings, "here has InfiniBand, but ulimit -l is 64 KiB");
    says(&d.warnings, "one rank reads memory at 1 GB/s, the ranks on average at 5");
    says(&d.warnings, "an exchange of 65536 numbers takes 1000 ms, 100 times what the memory it moves takes");
    says(&d.warnings, "the file is read at 0.02 GB/s, 1000 times slower than memory");
    d.warnings.count = 0;
    strcpy(d.launcher, "mpirun");
    tw_doctor_warn(&d);
    says(&d.warnings,
         "start with mpirun -n 4 --map-by ppr:4:node:pe=2 --bind-to core, or mpirun -n 4 --bind-to none");
    d.warnings.count = 0;
    node.cores = node.allowed = 4;
    tw_doctor_warn(&d);
    says(&d.warnings, "set OMP_NUM_THREADS=1, a thread a core");
}
END_TEST

START_TEST(more_lines_than_there_is_room_for_are_left_out)
{
    static tw_doctor_words w;
    for (int i = 0; i < 2 * TW_DOCTOR_LINES; i++) tw_doctor_say(&w, "line %d", i);
    ck_assert_uint_eq(w.count, TW_DOCTOR_LINES);
    ck_assert_str_eq(w.line[TW_DOCTOR_LINES - 1], "line 31");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("doctor");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, every_word_of_the_whole_turns_is_read_once);
    tcase_add_test(tests, between_two_lengths_the_exchange_is_linear);
    tcase_add_test(tests, memory_limits_a_pass_at_its_speed);
    tcase_add_test(tests, ranks_that_already_share_the_memory_are_told);
    tcase_add_test(tests, arithmetic_limits_a_slower_pass);
    tcase_add_test(tests, an_exchange_longer_than_the_pass_limits_it);
    tcase_add_test(tests, a_machine_in_order_gives_no_warning);
    tcase_add_test(tests, each_thing_that_is_wrong_is_told);
    tcase_add_test(tests, more_lines_than_there_is_room_for_are_left_out);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
