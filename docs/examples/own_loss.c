/* A loss of your own on rows of data, on any number of ranks: pseudo-Huber, which outliers cannot pull far.
 *
 *   own_loss FILE.h5      writes FILE.h5 (200 rows, every tenth an outlier) and fits it */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <thalweg/thalweg.h>

/* sqrt(1 + r^2) - 1 with r = z - y, its derivatives to the margin z, and the prediction. */
static void loss(const tw_model *model, size_t n, const double *z, const double *y, double *l, double *slope)
{
    (void)model;
    for (size_t i = 0; i < n; i++) {
        const double r = z[i] - y[i], root = sqrt(1 + r * r);
        l[i] = r * r / (root + 1); /* root - 1, without cancellation */
        slope[i] = r / root;
    }
}

static void curvature(const tw_model *model, size_t n, const double *z, const double *y, double *h)
{
    (void)model;
    for (size_t i = 0; i < n; i++) {
        const double r = z[i] - y[i], square = 1 + r * r;
        h[i] = 1 / (square * sqrt(square));
    }
}

static double response(double z)
{
    return z;
}

static const tw_link pseudo_huber_link = {
    .loss = loss, .curvature = curvature, .curvature_max = 1, .response = response};

static TW_GLM(pseudo_huber, "sqrt(1 + (w.x + b - y)^2) - 1", TW_TARGET_NUMBER, &pseudo_huber_link);

enum { ROWS = 200, COLS = 2 };

/* y = 3 - 2 x_0 + x_1 and a little noise; every tenth row is 20 too high. Rank 0 alone. */
static tw_status write_rows(const char *path)
{
    static double x[ROWS * COLS], y[ROWS];
    const tw_dataset_layout layout = {.rows = ROWS, .cols = COLS, .x_type = TW_f64, .y_type = TW_LABEL_f64, .replace = true};
    tw_dataset_writer *writer;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLS; j++) x[i * COLS + j] = (i * (17 + 12 * j) + 5 * j) % 101 / 101.0;
        y[i] = 3 - 2 * x[i * COLS] + x[i * COLS + 1] + (i * 29 % 13 - 6) / 20.0 + (i % 10 == 0 ? 20 : 0);
    }
    tw_status status = tw_dataset_writer_new(path, &layout, &writer);
    if (status == TW_OK) status = tw_dataset_writer_append(writer, ROWS, x, y);
    if (status == TW_OK) status = tw_dataset_writer_commit(writer, NULL);
    tw_dataset_writer_free(writer);
    return status;
}

static tw_status write_and_fit(tw_comm *comm, const char *path)
{
    const tw_minimize_settings settings = {
        .mode = TW_REPRODUCIBLE, .scaling = TW_SCALING_STANDARDIZE, .gradient_norm_relative = 1e-9};
    tw_minimize_result fit;
    tw_status status = TW_OK;
    if (tw_comm_rank(comm) == 0) status = write_rows(path);
    TW_TRY(tw_comm_bcast_status(comm, 0, status));
    TW_TRY(tw_fit(comm, &tw_model_pseudo_huber, path, &settings, &fit));
    if (tw_comm_rank(comm) == 0)
        printf("w = %.9f %.9f, b = %.9f, %s, xxh3:%016llx\n", fit.w[0], fit.w[1], fit.w[2], tw_reason_name(fit.why),
               (unsigned long long)tw_hash64(fit.w, fit.n * sizeof *fit.w));
    free(fit.w);
    return TW_OK;
}

int main(int argc, char **argv)
{
    tw_comm *comm;
    tw_dataset_start();
    tw_status status = tw_comm_init(&comm, &argc, &argv);
    if (status == TW_OK) status = argc == 2 ? write_and_fit(comm, argv[1]) : tw_fail(TW_USAGE, "own_loss FILE.h5");
    if (status && tw_comm_rank(comm) == 0) fprintf(stderr, "%s\n", tw_status_message());
    tw_comm_release(comm);
    return (int)status;
}
