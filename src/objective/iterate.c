#include "thalweg/iterate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    char kind;
    int code;
    const char *text;
} reasons[] = {
#define X(id, name, kind, code, text) {name, kind, code, text},
    TW_REASONS(X)
#undef X
};

const char *tw_reason_name(tw_reason reason)
{
    return reasons[reason].name;
}

const char *tw_reason_text(tw_reason reason)
{
    return reasons[reason].text;
}

char tw_reason_class(tw_reason reason)
{
    return reasons[reason].kind;
}

int tw_reason_exit_code(tw_reason reason)
{
    return reasons[reason].code;
}

double tw_iterate_taylor(const tw_iterate *it)
{
    const double promised = -it->alpha * it->slope;
    return fabs(promised) > TW_LOSS_ROUNDING * fabs(it->f_prev) ? (it->f_prev - it->f) / promised : NAN;
}

bool tw_iterate_init(tw_iterate *it, size_t n)
{
    *it = (tw_iterate){.n = n,
                       .alpha = NAN,
                       .alpha_max = INFINITY,
                       .length = NAN,
                       .slope = NAN,
                       .slope_end = NAN,
                       .radius = NAN,
                       .predicted = NAN,
                       .ratio = NAN,
                       .condition = NAN,
                       .val_loss = NAN,
                       .val_accuracy = NAN,
                       .f = NAN,
                       .f_prev = NAN,
                       .moved = true};
    it->w = calloc(3 * n + 1, sizeof *it->w);
    it->g = it->w + n;
    it->d = it->g + n;
    return it->w != NULL;
}

void tw_iterate_release(tw_iterate *it)
{
    free(it->w);
    *it = (tw_iterate){0};
}
