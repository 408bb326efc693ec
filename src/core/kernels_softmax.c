/* kernels_softmax.c -- the loss of softmax and its slopes from the margins of some rows; compiled once per
 * instruction set like kernels.c.
 *
 * Lanes are the outputs of a row but for the sum, which has one order: its chains are short, and those of
 * several rows run side by side. */
#include "core/kernels_parts.h"

#include "core/v8.h"
#include "core/vmath.h"

#include <stdbool.h>

enum { TOGETHER = 8 };

/* The vector at k of a row. What comes next reads parts of it, which is slow behind a store with a mask:
 * where a row has room for whole vectors they are stored whole. */
V8_INLINE void put(bool whole, size_t outputs, size_t k, v8 a, double *z)
{
    if (whole || k + 8 <= outputs)
        v8_store(z + k, a);
    else
        v8_store_mask(v8_first(outputs - k), z + k, a);
}

V8_INLINE v8 get(bool whole, size_t outputs, size_t k, const double *z)
{
    return whole || k + 8 <= outputs ? v8_load(z + k) : v8_load_mask(v8_first(outputs - k), z + k);
}

/* The largest of a row; of numbers that have no order the first decides. */
V8_INLINE double largest(bool whole, size_t outputs, const double *z)
{
    v8 most = v8_set1(z[0]);
    double lane[8];
    for (size_t k = 0; k < outputs; k += 8) {
        const v8 here = v8_select(v8_first(outputs - k), get(whole, outputs, k, z), most);
        most = v8_select(v8_lt(most, here), here, most);
    }
    v8_store(lane, most);
    for (size_t k = 1; k < 8; k++) lane[0] = lane[k] > lane[0] ? lane[k] : lane[0];
    return lane[0];
}

static void some_rows(size_t rows, size_t outputs, size_t stride, const double *y, double *z, double *loss)
{
    const bool whole = stride % 8 == 0;
    double sum[TOGETHER] = {0};
    for (size_t i = 0; i < rows; i++) {
        double *const row = z + i * stride;
        const double most = largest(whole, outputs, row);
        loss[i] = most - row[(size_t)y[i]];
        for (size_t k = 0; k < outputs; k += 8)
            put(whole, outputs, k, v8_exp(v8_sub(get(whole, outputs, k, row), v8_set1(most))), row);
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < outputs; k++) sum[i] = sum[i] + z[i * stride + k];
    for (size_t i = 0; i < rows; i++) {
        double *const row = z + i * stride;
        for (size_t k = 0; k < outputs; k += 8)
            put(whole, outputs, k, v8_div(get(whole, outputs, k, row), v8_set1(sum[i])), row);
        row[(size_t)y[i]] = row[(size_t)y[i]] - 1.0;
    }
    const v8m m = v8_first(rows);
    v8_store_mask(m, loss, v8_add(v8_load_mask(m, loss), v8_log(v8_load_mask(m, sum))));
}

void tw_kernel_softmax(size_t rows, size_t outputs, size_t stride, const double *y, double *z, double *loss)
{
    for (size_t i = 0; i < rows; i += TOGETHER)
        some_rows(rows - i < TOGETHER ? rows - i : TOGETHER, outputs, stride, y + i, z + i * stride,
                  loss + i);
}
