/* kernels_softmax.c -- the loss of softmax and its slopes from the margins of some rows; compiled once per
 * instruction set like kernels.c. Lanes are rows: each has its maximum and its sum in the order of outputs.
 */
#include "core/kernels_parts.h"

#include "core/v8.h"
#include "core/vmath.h"

/* The slopes and losses of up to 8 rows; of numbers that have no order the first is the largest. */
static void some_rows(size_t rows, size_t outputs, const double *y, double *z, double *loss)
{
    double largest[8];
    v8 most = v8_load(z), sum = v8_zero();
    for (size_t k = 1; k < outputs; k++) {
        const v8 here = v8_load(z + k * TW_TOGETHER);
        most = v8_select(v8_lt(most, here), here, most);
    }
    v8_store(largest, most);
    for (size_t i = 0; i < rows; i++) loss[i] = largest[i] - z[(size_t)y[i] * TW_TOGETHER + i];
    for (size_t k = 0; k < outputs; k++) {
        const v8 e = v8_exp(v8_sub(v8_load(z + k * TW_TOGETHER), most));
        v8_store(z + k * TW_TOGETHER, e);
        sum = v8_add(sum, e);
    }
    for (size_t k = 0; k < outputs; k++)
        v8_store(z + k * TW_TOGETHER, v8_div(v8_load(z + k * TW_TOGETHER), sum));
    for (size_t i = 0; i < rows; i++) {
        double *const p = z + (size_t)y[i] * TW_TOGETHER + i;
        *p = *p - 1.0;
    }
    const v8m m = v8_first(rows);
    v8_store_mask(m, loss, v8_add(v8_load_mask(m, loss), v8_log(sum)));
}

void tw_kernel_softmax(size_t rows, size_t outputs, const double *y, double *z, double *loss)
{
    for (size_t i = 0; i < rows; i += 8)
        some_rows(rows - i < 8 ? rows - i : 8, outputs, y + i, z + i, loss + i);
}
