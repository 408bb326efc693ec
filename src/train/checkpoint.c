#include "thalweg/checkpoint.h"

#include "thalweg/fault.h"
#include "thalweg/file.h"
#include "thalweg/interrupt.h"
#include "thalweg/phase.h"
#include "thalweg/trainer.h"
#include "train/checkpoint_file.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GIVE_UP_AFTER = 3 };

static const char *path_of(const tw_checkpoint *c, const char *name, size_t length, char *text)
{
    char inside[512];
    snprintf(inside, sizeof inside, "checkpoints%s%s", name[0] ? "/" : "", name);
    return tw_run_folder_file(c->folder, inside, length, text);
}

/* ---- names: sorted, they are in the order of the run ---- */

static void name_of(const tw_checkpoint *c, const tw_trainer *t, size_t length, char *name)
{
    const tw_iterate *it = t->iterate;
    int at = 0;
    if (c->fit) at = snprintf(name, length, "fit-%06ld-", *c->fit);
    if (t->objective->batches.steps > 0)
        snprintf(name + at, length - (size_t)at, "epoch-%08ld-step-%010lld.h5", it->k,
                 (long long)t->epoch_step);
    else
        snprintf(name + at, length - (size_t)at, "iteration-%012ld.h5", it->k);
}

/* After a word and digits; NULL when they are not there. */
static const char *after(const char *at, const char *word)
{
    const size_t length = strlen(word);
    if (!at || strncmp(at, word, length) != 0) return NULL;
    const size_t digits = strspn(at + length, "0123456789");
    return digits > 0 ? at + length + digits : NULL;
}

/* A name that name_of gives. Anything else in the folder is somebody's own: never read, never removed. */
static bool is_ours(const char *name)
{
    const char *rest = after(name, "fit-");
    const char *const from = rest && *rest == '-' ? rest + 1 : name;
    rest = after(from, "iteration-");
    if (!rest) rest = after(after(from, "epoch-"), "-step-");
    return rest && strcmp(rest, ".h5") == 0;
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(*(char *const *)b, *(char *const *)a);
}

static tw_status keep_name(size_t *count, size_t *room, char ***names, const char *name)
{
    if (*count == *room) {
        *room = *room ? 2 * *room : 16;
        char **more = realloc(*names, *room * sizeof *more);
        if (!more) return tw_fail(TW_MEMORY, "out of memory for the names of checkpoints");
        *names = more;
    }
    if (!((*names)[*count] = strdup(name)))
        return tw_fail(TW_MEMORY, "out of memory for the names of checkpoints");
    ++*count;
    return TW_OK;
}

static void free_names(size_t count, char **names)
{
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

tw_status tw_checkpoint_list(const char *folder, size_t *count, char ***names)
{
    size_t found = 0, room = 0;
    char **all = NULL;
    *count = 0;
    *names = NULL;
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT) return TW_OK;
    if (!dir)
        return tw_fail(errno == ENOMEM ? TW_MEMORY : TW_INPUT, "cannot look into %s: %s", folder,
                       strerror(errno));
    tw_status status = TW_OK;
    for (struct dirent *e; status == TW_OK && (e = readdir(dir));)
        if (is_ours(e->d_name)) status = keep_name(&found, &room, &all, e->d_name);
    closedir(dir);
    if (status == TW_OK && found > 0) {
        qsort(all, found, sizeof *all, newest_first);
        *names = tw_image_strings_copy(found, all);
        if (!*names) status = tw_fail(TW_MEMORY, "out of memory for the names of checkpoints");
    }
    if (status == TW_OK) *count = found;
    free_names(found, all);
    return status;
}

/* Of those up to the one just written the newest `keep` stay. One with a later name is of a run that was
 * taken up again before it; this run comes by there. */
static void prune(const tw_checkpoint *c)
{
    char folder[TW_PATH_LEN + 64], path[TW_PATH_LEN + 512], **names;
    size_t count;
    long kept = 0;
    if (tw_checkpoint_list(path_of(c, "", sizeof folder, folder), &count, &names) != TW_OK) return;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], c->newest) <= 0 && ++kept > c->keep)
            unlink(path_of(c, names[i], sizeof path, path));
    free(names);
}

/* ---- write ---- */

/* Rank 0 alone. */
static tw_status commit(tw_checkpoint *c, tw_trainer *t, const tw_state *state)
{
    char path[TW_PATH_LEN + 512], name[sizeof c->newest];
    TW_TRY(tw_folder_make(path_of(c, "", sizeof path, path)));
    name_of(c, t, sizeof name, name);
    TW_TRY(tw_runlog_sync(t->log));
    TW_TRY(tw_checkpoint_file_write(path_of(c, name, sizeof path, path), c, state, t->log));
    memcpy(c->newest, name, sizeof name);
    c->newest_k = t->iterate->k;
    c->written++;
    prune(c);
    c->told = tw_seconds();
    if (tw_run_folder_status(c->folder, "running", 0, t->iterate->k, c->newest) != TW_OK)
        tw_runlog_warn(t->log, "%s; %s is written", tw_status_message(), c->newest);
    return TW_OK;
}

static void warn(tw_checkpoint *c, tw_trainer *t)
{
    char kept[320] = "there is no earlier one";
    if (c->newest[0]) snprintf(kept, sizeof kept, "%s of iteration %ld is kept", c->newest, c->newest_k);
    tw_runlog_warn(t->log, "no checkpoint at iteration %ld (%d. failure in a row): %s; %s", t->iterate->k,
                   c->failures, tw_status_message(), kept);
}

static bool must_save(const tw_trainer *t)
{
    const double *agreed = t->objective->agreed;
    return agreed[TW_FLAG_STOP] > 0 || agreed[TW_FLAG_TIME] > 0;
}

/* A file that cannot be written is a warning, unless the run was to end with it or it is one too many. */
static tw_status judge(tw_checkpoint *c, tw_trainer *t, tw_status status)
{
    char sentence[TW_MESSAGE_LEN];
    c->failures = status == TW_OK ? 0 : c->failures + 1;
    if (status == TW_OK) return TW_OK;
    if (!must_save(t) && c->failures < GIVE_UP_AFTER) {
        warn(c, t);
        return TW_OK;
    }
    memcpy(sentence, tw_status_message(), sizeof sentence);
    return tw_fail(TW_IO,
                   "%s: %s; %s%s. Make room or choose another output.dir, then run the same command again",
                   must_save(t) ? "the run was to stop, but its state could not be saved"
                                : "three checkpoints in a row could not be written",
                   sentence, c->newest[0] ? "the last one is " : "there is no earlier one", c->newest);
}

static tw_status save(tw_checkpoint *c, tw_trainer *t, const tw_state *state)
{
    const double began = tw_seconds();
    tw_status status = TW_OK;
    tw_phase_enter(TW_AT_CHECKPOINT, t->iterate->k);
    if (tw_comm_rank(c->comm) == 0 && tw_fault_armed) status = tw_fault_failure();
    if (tw_comm_rank(c->comm) == 0 && status == TW_OK) status = commit(c, t, state);
    status = tw_comm_bcast_status(c->comm, 0, status);
    c->last = tw_seconds();
    c->seconds = c->last - began;
    c->total += c->seconds;
    tw_interrupt_saved();
    t->objective->requests[TW_FLAG_SAVE] = t->objective->agreed[TW_FLAG_SAVE] = 0;
    return judge(c, t, status);
}

/* ---- when ---- */

/* From what came out of exchanges and from counters: the same answer on every rank. */
static bool is_due(const tw_checkpoint *c, const tw_trainer *t, bool inside)
{
    const tw_iterate *it = t->iterate;
    if (must_save(t) || t->objective->agreed[TW_FLAG_SAVE] > 0) return true;
    if (c->every < 0 && it->updates % (long)-c->every == 0) return true;
    return !inside && c->on_limit && it->k >= t->stop->max_iterations;
}

void tw_checkpoint_state(const tw_checkpoint *c, tw_trainer *t, tw_state *state)
{
    *state = (tw_state){.count = 0};
    if (c->extra) c->extra(c->context, state);
    tw_state_of_trainer(state, t);
}

/* A file system that writes, syncs and reads back 50 MB/s. */
void tw_checkpoint_expect(tw_checkpoint *c, tw_trainer *t)
{
    tw_state state;
    if (!c || c->expected > 0) return;
    tw_checkpoint_state(c, t, &state);
    c->expected = 0.02 + (double)tw_state_bytes(&state) / 50e6;
    c->told = tw_seconds();
}

double tw_checkpoint_margin(const tw_checkpoint *c)
{
    if (!c) return 0;
    return 2 * (c->seconds > 0 ? c->seconds : c->expected);
}

/* Rank 0: a run without checkpoints shows that it lives. What cannot be written here is said by a checkpoint.
 */
static void tell(tw_checkpoint *c, const tw_trainer *t)
{
    const double now = tw_seconds();
    if (tw_comm_rank(c->comm) > 0 || now - c->told < TW_TELL_EVERY) return;
    c->told = now;
    (void)!tw_run_folder_status(c->folder, "running", 0, t->iterate->k, c->newest);
}

/* A state with a NaN in it is nothing to go on from. */
static bool is_sound(const tw_iterate *it)
{
    bool sound = true;
    for (size_t j = 0; j < it->n && sound; j++) sound = isfinite(it->w[j]) && isfinite(it->g[j]);
    return sound;
}

tw_status tw_checkpoint_turn(tw_checkpoint *c, tw_trainer *t, bool inside)
{
    tw_state state;
    if (tw_fault_armed) tw_trainer_damage(t);
    if (!c || c->stopped || t->iterate->why != TW_CONTINUE)
        return TW_OK; /* after a stop inside an epoch, or a failed step, there is no state to go on from */
    tell(c, t);
    if (c->every > 0 && tw_comm_rank(c->comm) == 0 && tw_seconds() - c->last >= c->every) tw_interrupt_save();
    const bool due = is_due(c, t, inside);
    const long updates = t->iterate->updates;
    if (!due && updates - c->compared < TW_COMPARE_EVERY) return TW_OK;
    tw_checkpoint_state(c, t, &state);
    TW_TRY(tw_state_compare(&state, c->comm));
    c->compared = updates;
    if (!due || !is_sound(t->iterate)) return TW_OK;
    c->stopped = must_save(t);
    return save(c, t, &state);
}
