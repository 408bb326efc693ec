#include "thalweg/state.h"

#include "thalweg/hash.h"
#include "thalweg/trainer.h"

#include <stdlib.h>
#include <string.h>

void tw_state_add(tw_state *s, const char *name, tw_state_kind kind, size_t count, void *place)
{
    if (count == 0 || !place || s->count == TW_STATE_ITEMS) return;
    s->items[s->count++] = (tw_state_item){name, kind, count, place};
}

#define REAL(name, field)   tw_state_add(s, name, TW_STATE_REAL, 1, &(field))
#define COUNT(name, field)  tw_state_add(s, name, TW_STATE_COUNT, 1, &(field))
#define FLAG(name, field)   tw_state_add(s, name, TW_STATE_FLAG, 1, &(field))
#define REASON(name, field) tw_state_add(s, name, TW_STATE_REASON, 1, &(field))

static void add_iterate(tw_state *s, tw_iterate *it)
{
    COUNT("iteration", it->k);
    REAL("loss", it->f);
    REAL("loss_before", it->f_prev);
    REAL("gradient_norm", it->g_norm);
    REAL("parameter_norm", it->w_norm);
    REAL("slope", it->slope);
    REAL("slope_end", it->slope_end);
    REAL("length_announced", it->length);
    REAL("step_length", it->alpha);
    REAL("step_length_most", it->alpha_max);
    REAL("radius", it->radius);
    REAL("predicted", it->predicted);
    REAL("trust_ratio", it->ratio);
    COUNT("trials", it->trials);
    COUNT("updates", it->updates);
    REAL("condition", it->condition);
    COUNT("regularised", it->regularised);
    COUNT("inner", it->inner);
    REAL("validation_loss", it->val_loss);
    REAL("validation_accuracy", it->val_accuracy);
    FLAG("moved", it->moved);
    FLAG("rejected", it->rejected);
    tw_state_add(s, "/w", TW_STATE_REAL, it->n, it->w);
    tw_state_add(s, "/g", TW_STATE_REAL, it->n, it->g);
}

static void add_monitor(tw_state *s, tw_monitor *m)
{
    REAL("loss_at_start", m->f_first);
    REAL("loss_at_zero", m->f_zero);
    REAL("gradient_norm_at_zero", m->g_norm_zero);
    REAL("loss_least", m->f_least);
    COUNT("tests_held", m->held);
    REASON("tests_holding", m->holding);
    COUNT("tests_unimproved", m->unimproved);
    COUNT("rises", m->rises);
    COUNT("last_rise", m->last_rise);
    tw_state_add(s, "/loss_changes", TW_STATE_REAL, TW_SPIKE_WINDOW, m->changes);
    COUNT("loss_changes_seen", m->seen);
    COUNT("spikes", m->spikes);
    COUNT("last_spike", m->last_spike);
    COUNT("spike_told", m->told);
}

static void add_validation(tw_state *s, tw_validation *v, size_t n)
{
    if (!v) return;
    REAL("best_loss", v->best_loss);
    REAL("best_accuracy", v->best_accuracy);
    COUNT("best_iteration", v->best_k);
    COUNT("best_since", v->since);
    tw_state_add(s, "/best_w", TW_STATE_REAL, n, v->best_w);
}

static void add_counters(tw_state *s, tw_objective *F)
{
    COUNT("evaluations", F->evals);
    REAL("reads", F->reads);
    COUNT("reductions", F->reductions);
    REAL("weight", F->weight);
    REAL("weight_of_all", F->full_weight);
    REAL("bad_rows", F->bad_rows);
}

void tw_state_of_trainer(tw_state *s, tw_trainer *t)
{
    add_iterate(s, t->iterate);
    COUNT("epoch_step", t->epoch_step);
    FLAG("zero_known", t->zero_known);
    REAL("zero_loss", t->f_zero);
    REAL("zero_gradient_norm", t->g_norm_zero);
    add_monitor(s, t->monitor);
    add_validation(s, t->validation, t->iterate->n);
    add_counters(s, t->objective);
    tw_state_add(s, "/optimizer", TW_STATE_REAL, t->optimizer->state_len, t->optimizer->state);
    tw_state_add(s, "/step", TW_STATE_REAL, t->step->state_len, t->step->state);
}

static size_t bytes_of(const tw_state_item *item)
{
    static const size_t size[] = {sizeof(double), sizeof(long), sizeof(bool), sizeof(tw_reason)};
    return item->count * size[item->kind];
}

size_t tw_state_bytes(const tw_state *s)
{
    size_t sum = 0;
    for (size_t i = 0; i < s->count; i++) sum += bytes_of(&s->items[i]);
    return sum;
}

void tw_state_hash(const tw_state *s, unsigned char digest[16])
{
    unsigned char parts[16 * TW_STATE_ITEMS];
    for (size_t i = 0; i < s->count; i++)
        tw_hash128(s->items[i].place, bytes_of(&s->items[i]), parts + 16 * i);
    tw_hash128(parts, 16 * s->count, digest);
}

/* ---- all ranks ---- */

tw_status tw_state_compare(const tw_state *s, tw_comm *comm)
{
    unsigned char own[16];
    if (tw_comm_size(comm) == 1) return TW_OK;
    tw_state_hash(s, own);
    return tw_comm_compare(comm, own);
}

tw_status tw_state_share(const tw_state *s, tw_comm *comm, int root)
{
    for (size_t i = 0; i < s->count; i++)
        TW_TRY(tw_comm_bcast(comm, root, s->items[i].place, bytes_of(&s->items[i])));
    return TW_OK;
}
