/* link.h -- a GLM's loss as a function of one margin z = w.x + b and a label.
 *
 * glm.c drives it over blocks; a new loss of this kind is one file of some 30 lines in src/model/links and
 * one word in TW_MODELS. Orders of operations are part of the contract (docs/reproducibility.md, section 4).
 */
#ifndef THALWEG_LINK_H
#define THALWEG_LINK_H

#include "thalweg/model.h"

struct tw_link {
    /* loss[i] = l(z[i], y[i]), slope[i] = dl/dz, for n <= TW_BLOCK_ROWS rows; model: for its settings.
     * REQUIRED */
    void (*loss)(const tw_model *model, size_t n, const double *z, const double *y, double *loss,
                 double *slope);

    /* h[i] = d2l/dz2 at (z[i], y[i]) for any n, never negative; where the slope has a corner, the value of
     * one side, named in the file of the link. h overlaps neither z nor y. OPTIONAL */
    void (*curvature)(const tw_model *model, size_t n, const double *z, const double *y, double *h);

    /* The supremum of the curvature over all z and y (rounding may pass it by an ulp), INFINITY when there is
     * none. With curvature */
    double curvature_max;

    /* The mean response: what the model predicts for a margin. REQUIRED */
    double (*response)(double z);

    /* The response of a classifier is its margin: there are no probabilities. */
    bool margin_only;

    /* NULL when y may be a label, else the end of the sentence "labels must be ...". OPTIONAL: any number */
    const char *(*label_error)(double y);

    /* Unit deviance: twice what the log-likelihood of y lacks at margin z. OPTIONAL */
    double (*deviance)(double z, double y);
};

/* The functions every GLM row shares. */
size_t tw_glm_outputs(const tw_model *model);
tw_status tw_glm_loss_grad(const tw_model *model, const tw_block *block, const double *v, double *sums);
tw_status tw_glm_margins(const tw_model *model, const tw_block *block, const double *v, double *z);
void tw_glm_predict(const tw_model *model, const double *z, double *p);
void tw_glm_rates(const tw_model *model, size_t rows, const double *z, const double *y, double *loss,
                  double *r);
tw_status tw_glm_hessian_vector(const tw_model *model, const tw_block *block, const double *v, double *sums);
void tw_glm_curvatures(const tw_model *model, size_t rows, const double *z, const double *y, double *c);

/** The table row of a GLM with a convex loss. */
#define TW_GLM(name_, summary_, target_, link_)                                     \
    const tw_model_ops tw_model_##name_ = {.name = #name_,                          \
                                           .summary = summary_,                     \
                                           .target = target_,                       \
                                           .link = link_,                           \
                                           .outputs = tw_glm_outputs,               \
                                           .loss_grad = tw_glm_loss_grad,           \
                                           .margins = tw_glm_margins,               \
                                           .predict = tw_glm_predict,               \
                                           .rates = tw_glm_rates,                   \
                                           .hessian_vector = tw_glm_hessian_vector, \
                                           .curvatures = tw_glm_curvatures,         \
                                           .convex = true}

#endif
