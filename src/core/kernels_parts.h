/* kernels_parts.h -- what kernels_rows.c, kernels_outputs.c, kernels_softmax.c and kernels_gram.c give to the
 * table of kernels.c.
 *
 * All five are compiled once per instruction set with TW_ISA, the name of the table; the names below end in
 * it. */
#ifndef TW_KERNELS_PARTS_H
#define TW_KERNELS_PARTS_H

#include "thalweg/kernels.h"

#define TW_ISA_JOIN_(a, b) a##b
#define TW_ISA_JOIN(a, b)  TW_ISA_JOIN_(a, b)

#define tw_kernel_margins  TW_ISA_JOIN(tw_kernel_margins_, TW_ISA)
#define tw_kernel_update   TW_ISA_JOIN(tw_kernel_update_, TW_ISA)
#define tw_kernel_logistic TW_ISA_JOIN(tw_kernel_logistic_, TW_ISA)
#define tw_kernel_products TW_ISA_JOIN(tw_kernel_products_, TW_ISA)
#define tw_kernel_outer    TW_ISA_JOIN(tw_kernel_outer_, TW_ISA)
#define tw_kernel_softmax  TW_ISA_JOIN(tw_kernel_softmax_, TW_ISA)
#define tw_kernel_turn     TW_ISA_JOIN(tw_kernel_turn_, TW_ISA)
#define tw_kernel_product  TW_ISA_JOIN(tw_kernel_product_, TW_ISA)

void tw_kernel_margins(const tw_rows *rows, const double *v, double offset, double *z);
void tw_kernel_update(const tw_rows *rows, const double *r, double *g);
void tw_kernel_logistic(size_t n, const double *z, const double *y, double *loss, double *slope);

void tw_kernel_products(const tw_outputs *p, const double *v, double *z);
void tw_kernel_outer(const tw_outputs *p, const double *r, double *g);
void tw_kernel_softmax(size_t rows, size_t outputs, const double *y, double *z, double *loss);
void tw_kernel_turn(size_t rows, size_t columns, size_t row, const double *in, double *out);
void tw_kernel_product(const tw_product *p);

#endif
