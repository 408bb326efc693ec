#include "thalweg/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const tw_optimizer_ops *const tw_optimizers[] = {
#define X(name) &tw_optimizer_##name,
    TW_OPTIMIZERS(X)
#undef X
        NULL};

const tw_optimizer_ops *tw_optimizer_find(const char *name)
{
    for (size_t i = 0; tw_optimizers[i]; i++)
        if (strcmp(tw_optimizers[i]->name, name) == 0) return tw_optimizers[i];
    return NULL;
}

tw_status tw_optimizer_init(tw_optimizer *o, const tw_optimizer_ops *ops, const tw_optimizer_settings *set,
                            size_t n)
{
    *o = (tw_optimizer){.ops = ops, .set = *set, .n = n, .state_len = ops->state_len(set, n)};
    o->state = calloc(o->state_len + 1, sizeof *o->state);
    if (o->state) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for the state of %s (%zu numbers)", ops->name, o->state_len);
}

void tw_optimizer_release(tw_optimizer *o)
{
    free(o->state);
    *o = (tw_optimizer){0};
}

const char *tw_optimizer_describe(const tw_optimizer *o, size_t length, char *text)
{
    char settings[64] = "";
    if (o->ops->describe) o->ops->describe(&o->set, sizeof settings, settings);
    snprintf(text, length, "%s%s%s%s", o->ops->name, settings[0] ? "(" : "", settings,
             settings[0] ? ")" : "");
    return text;
}

tw_status tw_optimizer_direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    return o->ops->direction(o, F, it);
}
