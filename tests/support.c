/* What the tests of the spine share. Serial helpers assert; what runs under mpirun returns verdicts. */
#include "support.h"

#include "thalweg/link.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(Suite *suite, enum fork_status fork, enum print_output print)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, fork);
    srunner_run_all(runner, print);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

int test_run(Suite *suite)
{
    tw_dataset_start();
    return run(suite, CK_FORK_GETENV, CK_NORMAL);
}

int test_run_ranks(Suite *suite, tw_comm *comm)
{
    const int failed = run(suite, CK_NOFORK, tw_comm_rank(comm) == 0 ? CK_NORMAL : CK_SILENT);
    tw_comm_release(comm);
    return failed;
}

bool all_ranks(tw_comm *comm, bool ok)
{
    double least = ok;
    return tw_comm_allreduce(comm, TW_MIN, 1, &least) == TW_OK && least > 0;
}

/* ---------------------------------------------------------------- numbers */

static uint64_t state = 1;

void test_seed(uint64_t seed)
{
    state = seed;
}

uint64_t test_bits(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

double test_uniform(void)
{
    return ldexp((double)(test_bits() >> 11), -52) - 1;
}

bool same_bits(size_t n, const double *a, const double *b)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

double test_lane_sum(size_t n, const double *a, const double *b)
{
    double acc[4][8] = {{0}}, t[8];
    for (size_t j = 0; j < n; j++) acc[j / 8 % 4][j % 8] = fma(a[j], b[j], acc[j / 8 % 4][j % 8]);
    for (int l = 0; l < 8; l++) t[l] = (acc[0][l] + acc[1][l]) + (acc[2][l] + acc[3][l]);
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* ---------------------------------------------------------------- files */

static char folder[256];

void test_folder_enter(void)
{
    const char *const base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/thalweg-test-XXXXXX", base && base[0] ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *at)
{
    (void)info;
    (void)flag;
    (void)at;
    return remove(path);
}

void test_folder_leave(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_path(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

hid_t test_file_type(tw_dtype type, bool big)
{
    const hid_t little[] = {H5T_STD_U8LE,   H5T_STD_I8LE,   H5T_STD_I16LE, H5T_IEEE_F32LE,
                            H5T_IEEE_F32LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE};
    const hid_t t = H5Tcopy(little[type]);
    if (type == TW_f16 || type == TW_bf16) {
        const size_t mantissa = type == TW_f16 ? 10 : 7;
        ck_assert(H5Tset_fields(t, 15, mantissa, 15 - mantissa, 0, mantissa) >= 0);
        ck_assert(H5Tset_size(t, 2) >= 0);
        ck_assert(H5Tset_ebias(t, type == TW_f16 ? 15 : 127) >= 0);
    }
    ck_assert(H5Tset_order(t, big ? H5T_ORDER_BE : H5T_ORDER_LE) >= 0);
    return t;
}

void test_write(hid_t file, const char *name, const test_array *a)
{
    const hid_t space = H5Screate_simple(a->rank, a->shape, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    if (a->chunk[0] > 0) H5Pset_chunk(creation, a->rank, a->chunk);
    if (a->compressed) {
        H5Pset_shuffle(creation);
        H5Pset_deflate(creation, 4);
    }
    const hid_t dataset = H5Dcreate2(file, name, a->file_type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert_msg(dataset >= 0, "cannot create %s", name);
    if (a->data) ck_assert(H5Dwrite(dataset, a->memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, a->data) >= 0);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
}

void test_write_plain(const char *path, size_t rows, size_t cols, const double *x, const double *y)
{
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = H5T_NATIVE_DOUBLE;
    ck_assert(file >= 0);
    test_write(
        file, "X",
        &(test_array){.file_type = type, .memory_type = type, .rank = 2, .shape = {rows, cols}, .data = x});
    if (y)
        test_write(
            file, "y",
            &(test_array){.file_type = type, .memory_type = type, .rank = 1, .shape = {rows}, .data = y});
    H5Fclose(file);
}

/* ---------------------------------------------------------------- stored types */

/* Sign, exponent and the leading bits of the fraction, subnormals included; v is not too large. */
static uint16_t small_float(double v, int fraction, int bias)
{
    int exponent;
    const unsigned sign = signbit(v) ? 0x8000u : 0;
    const double m = frexp(fabs(v), &exponent);
    if (v == 0 || exponent - 1 + bias <= 0)
        return (uint16_t)(sign | (unsigned)ldexp(fabs(v), bias - 1 + fraction));
    const int bits = (int)ldexp(m, fraction + 1) - (1 << fraction);
    return (uint16_t)(sign | (unsigned)((exponent - 1 + bias) << fraction | bits));
}

static double from_small_float(uint16_t word, int fraction, int bias)
{
    const int exponent = (word & 0x7fff) >> fraction, bits = word & ((1 << fraction) - 1);
    const double v = exponent == 0 ? ldexp(bits, 1 - bias - fraction)
                                   : ldexp(bits + (1 << fraction), exponent - bias - fraction);
    return word & 0x8000 ? -v : v;
}

void test_store(tw_dtype type, size_t n, const double *values, void *out)
{
    for (size_t i = 0; i < n; i++) switch (type) {
        case TW_u8: ((uint8_t *)out)[i] = (uint8_t)values[i]; break;
        case TW_i8: ((int8_t *)out)[i] = (int8_t)values[i]; break;
        case TW_i16: ((int16_t *)out)[i] = (int16_t)values[i]; break;
        case TW_f16: ((uint16_t *)out)[i] = small_float(values[i], 10, 15); break;
        case TW_bf16: ((uint16_t *)out)[i] = small_float(values[i], 7, 127); break;
        case TW_f32: ((float *)out)[i] = (float)values[i]; break;
        default: ((double *)out)[i] = values[i]; break;
        }
}

double test_load(tw_dtype type, const void *in, size_t i)
{
    switch (type) {
    case TW_u8: return ((const uint8_t *)in)[i];
    case TW_i8: return ((const int8_t *)in)[i];
    case TW_i16: return ((const int16_t *)in)[i];
    case TW_f16: return from_small_float(((const uint16_t *)in)[i], 10, 15);
    case TW_bf16: return from_small_float(((const uint16_t *)in)[i], 7, 127);
    case TW_f32: return (double)((const float *)in)[i];
    default: return ((const double *)in)[i];
    }
}

/* ---------------------------------------------------------------- problems */

/* A typical size of features of the type. */
static double feature_size(tw_dtype type)
{
    return type == TW_u8 || type == TW_i8 ? 100 : type == TW_i16 ? 2000 : 1.5;
}

static double feature(tw_dtype type)
{
    double word = 0; /* room for any type */
    const double v = test_uniform() * feature_size(type), whole = type <= TW_i16 ? trunc(v) : v;
    const double wanted = type == TW_u8 ? whole + 100 : whole;
    test_store(type, 1, &wanted, &word);
    return test_load(type, &word, 0);
}

static double label(const test_case *c)
{
    switch (c->ops->target) {
    case TW_TARGET_BINARY: return (double)(test_bits() % 2);
    case TW_TARGET_CLASS: return (double)(test_bits() % c->classes);
    default: return c->ops->link->label_error ? (double)(test_bits() % 4) : 3 * test_uniform();
    }
}

void test_data_init(test_data *d, const test_case *c)
{
    *d = (test_data){.rows = c->rows, .cols = c->cols};
    d->x = malloc((c->rows * c->cols + 1) * sizeof *d->x);
    d->y = malloc((c->rows + 1) * sizeof *d->y);
    d->weight = c->weighted ? malloc((c->rows + 1) * sizeof *d->weight) : NULL;
    for (size_t i = 0; i < c->rows * c->cols; i++) d->x[i] = feature(c->type);
    for (size_t i = 0; i < c->rows; i++) d->y[i] = label(c);
    for (size_t i = 0; c->weighted && i < c->rows; i++)
        d->weight[i] = test_bits() % 5 ? 1 + test_uniform() : 0;
}

void test_data_release(test_data *d)
{
    free(d->weight);
    free(d->y);
    free(d->x);
    *d = (test_data){0};
}

void test_parameters(const test_case *c, const tw_model *m, double *w)
{
    const double x = c->scaling == TW_SCALING_NONE ? feature_size(c->type) : 1;
    for (size_t j = 0; j < m->n_params; j++)
        w[j] = 3 * test_uniform() / (j < m->n_weights ? x * sqrt((double)m->features) : 1);
}

static double *copy(const double *from, int64_t first, int64_t rows)
{
    if (!from) return NULL;
    double *to = malloc(((size_t)rows + 1) * sizeof *to);
    memcpy(to, from + first, (size_t)rows * sizeof *to);
    return to;
}

void test_shard_init(tw_shard *s, const test_data *d, tw_dtype type, int64_t first, int64_t rows)
{
    *s = (tw_shard){.type = type, .rows = (size_t)rows, .cols = d->cols, .first = first};
    s->x = malloc(s->rows * s->cols * tw_dtype_size(type) + 1);
    test_store(type, s->rows * s->cols, d->x + (size_t)first * d->cols, s->x);
    s->y = copy(d->y, first, rows);
    s->weight = copy(d->weight, first, rows);
}

tw_status test_problem_init(test_problem *p, tw_comm *comm, const test_case *c, const test_data *d)
{
    const int rank = tw_comm_rank(comm);
    *p = (test_problem){.comm = comm};
    TW_TRY(tw_partition_init(&p->partition, (int64_t)d->rows, c->groups, tw_comm_size(comm)));
    if (c->margins) tw_partition_align(&p->partition, TW_MATRIX_GROUPS);
    const int64_t first = tw_partition_shard(&p->partition, rank);
    test_shard_init(&p->shard, d, c->type, first, tw_partition_shard(&p->partition, rank + 1) - first);
    TW_TRY(tw_model_init(&p->model, c->ops, d->cols, c->classes, c->intercept));
    TW_TRY(tw_scaling_fit(&p->scaling, c->scaling, comm, &p->partition, &p->shard, 1));
    const tw_objective_parts parts = {.comm = comm,
                                      .partition = &p->partition,
                                      .shard = &p->shard,
                                      .model = &p->model,
                                      .scaling = &p->scaling,
                                      .mode = c->mode,
                                      .l2 = c->l2,
                                      .keep_margins = c->margins};
    return tw_objective_init(&p->objective, &parts);
}

void test_problem_release(test_problem *p)
{
    tw_objective_release(&p->objective);
    tw_scaling_release(&p->scaling);
    tw_model_release(&p->model);
    tw_shard_release(&p->shard);
    tw_partition_release(&p->partition);
}
