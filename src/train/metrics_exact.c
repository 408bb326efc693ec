#include "train/metrics_exact.h"

enum { PIECE = 1024, PARTS = 4, WIDE = 8 };

tw_status tw_exact_sum(tw_comm *comm, size_t n, tw_u128 *values)
{
    double parts[PIECE * PARTS];
    if (tw_comm_size(comm) == 1) return TW_OK;
    for (size_t at = 0, count; at < n; at += count) {
        count = n - at < PIECE ? n - at : PIECE;
        for (size_t i = 0; i < count * PARTS; i++)
            parts[i] = (double)(uint32_t)(values[at + i / PARTS] >> 32 * (i % PARTS));
        TW_TRY(tw_comm_allreduce(comm, TW_SUM, count * PARTS, parts));
        for (size_t i = 0; i < count; i++) values[at + i] = 0;
        for (size_t i = 0; i < count * PARTS; i++)
            values[at + i / PARTS] += (tw_u128)parts[i] << 32 * (i % PARTS);
    }
    return TW_OK;
}

tw_status tw_exact_sum_wide(tw_comm *comm, tw_u256 *value)
{
    double parts[WIDE];
    uint64_t carry = 0;
    if (tw_comm_size(comm) == 1) return TW_OK;
    for (int i = 0; i < WIDE; i++) parts[i] = (double)(uint32_t)(value->limb[i / 2] >> 32 * (i % 2));
    TW_TRY(tw_comm_allreduce(comm, TW_SUM, WIDE, parts));
    *value = (tw_u256){{0}};
    for (int i = 0; i < WIDE; i++) {
        carry += (uint64_t)parts[i];
        value->limb[i / 2] |= (carry & UINT32_MAX) << 32 * (i % 2);
        carry >>= 32;
    }
    return TW_OK;
}
