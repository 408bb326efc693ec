/* Poisson loss with log link, exp(z) - y z, for counts y >= 0: the negative log-likelihood without log y!,
 * which no parameter can change, so the loss may be negative. exp(z) overflows beyond z = 709.78; such rows
 * are bad rows, which a search steps back from. Nelder and Wedderburn 1972. */
#include "thalweg/link.h"
#include "thalweg/vec.h"

#include <math.h>

static void loss(const tw_model *m, size_t n, const double *z, const double *y, double *l, double *r)
{
    (void)m;
    tw_vec_exp(n, z, r);
    for (size_t i = 0; i < n; i++) {
        l[i] = r[i] - y[i] * z[i];
        r[i] = r[i] - y[i];
    }
}

static void curvature(const tw_model *m, size_t n, const double *z, const double *y, double *h)
{
    (void)m;
    (void)y;
    tw_vec_exp(n, z, h);
}

static double response(double z)
{
    return tw_exp(z);
}

static const char *label_error(double y)
{
    return y >= 0 ? NULL : ">= 0";
}

static double deviance(double z, double y)
{
    const double gain = y > 0 ? y * (tw_log(y) - z) : 0;
    return 2 * (gain + (tw_exp(z) - y));
}

static const tw_link poisson = {.loss = loss,
                                .curvature = curvature,
                                .curvature_max = INFINITY,
                                .response = response,
                                .label_error = label_error,
                                .deviance = deviance};

TW_GLM(poisson, "Poisson regression of counts: exp(z) - y z, predicts exp(w.x + b)", TW_TARGET_NUMBER,
       &poisson);
