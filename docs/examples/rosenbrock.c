/* Functions of your own: the valley of Rosenbrock, and a saddle point that is not taken for a minimum. */
#include <stdio.h>
#include <thalweg/thalweg.h>

/* (1 - x)^2 + 100 (y - x^2)^2 and its gradient. */
static tw_status rosenbrock(void *context, const double *w, double *f, double *g)
{
    const double a = 1 - w[0], b = w[1] - w[0] * w[0];
    (void)context;
    *f = a * a + 100 * b * b;
    g[0] = -2 * a - 400 * w[0] * b;
    g[1] = 200 * b;
    return TW_OK;
}

/* x^2 - y^2: at zero the gradient vanishes, and y still leads down. */
static tw_status saddle(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = w[0] * w[0] - w[1] * w[1];
    g[0] = 2 * w[0];
    g[1] = -2 * w[1];
    return TW_OK;
}

static void report(tw_comm *comm, const char *name, const double *w, const tw_minimize_result *result)
{
    if (tw_comm_rank(comm) > 0) return;
    printf("%s: F = %.3g at (%.9f, %.9f) after %ld iterations, %s: %s\n", name, result->f, w[0], w[1],
           result->iterations, tw_reason_name(result->why), tw_reason_text(result->why));
}

static tw_status minimise_both(tw_comm *comm)
{
    const tw_function valley = {.n = 2, .eval = rosenbrock}, horse = {.n = 2, .eval = saddle};
    const tw_minimize_settings exact = {.optimizer = "lbfgs", .gradient_norm = 1e-8}, plain = {.optimizer = "gd"};
    tw_minimize_result result;
    double w[2] = {-1.2, 1};
    TW_TRY(tw_minimize(comm, &valley, &exact, w, &result));
    report(comm, "rosenbrock", w, &result);
    w[0] = 1;
    w[1] = 0; /* on the ridge: the gradient never has a part along y */
    TW_TRY(tw_minimize(comm, &horse, &plain, w, &result));
    report(comm, "x^2 - y^2", w, &result);
    return TW_OK;
}

int main(int argc, char **argv)
{
    tw_comm *comm;
    tw_status status = tw_comm_init(&comm, &argc, &argv);
    if (status == TW_OK) status = minimise_both(comm);
    if (status && tw_comm_rank(comm) == 0) fprintf(stderr, "%s\n", tw_status_message());
    tw_comm_release(comm);
    return (int)status;
}
