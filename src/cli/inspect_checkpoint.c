/* A checkpoint: where its run is, what it was begun with, who wrote it; and the checkpoints of a run folder,
 * of which a run that goes on takes the newest good one. */
#include "cli/inspect.h"
#include "thalweg/config.h"
#include "thalweg/run_folder.h"
#include "thalweg/units.h"
#include "train/checkpoint_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOWN_CHECKPOINTS = 20, SHOWN_KEY = 60 };

/* ---- one file ---- */

static bool get_real(const tw_checkpoint_file *f, const char *name, double *value)
{
    return tw_image_get_number(f->file, name, TW_IMAGE_F64, value) == TW_OK;
}

static int64_t get_count(const tw_checkpoint_file *f, const char *name)
{
    int64_t value = 0;
    return tw_image_attribute_kind(f->file, name) != TW_IMAGE_ABSENT &&
                   tw_image_get_number(f->file, name, TW_IMAGE_I64, &value) == TW_OK
               ? value
               : 0;
}

static void put_size(const char *path)
{
    struct stat info;
    char bytes[TW_UNIT_LEN];
    fputs(stat(path, &info) == 0 ? tw_units_bytes((double)info.st_size, bytes) : "?", stdout);
}

static void put_place(const tw_checkpoint_file *f, bool epochs)
{
    const int64_t step = get_count(f, "epoch_step"), updates = get_count(f, "updates");
    printf("%s %" PRId64, epochs ? "epoch" : "iteration", f->iteration);
    if (step > 0) printf(" and %" PRId64 " steps of the next", step);
    if (epochs) printf(", %" PRId64 " updates", updates);
    if (tw_image_attribute_kind(f->file, "path_position") != TW_IMAGE_ABSENT)
        printf(", of fit %" PRId64 " of a path (penalty %" PRId64 ", fold %" PRId64 ", counted from 0)",
               get_count(f, "path_position"), get_count(f, "path_row"), get_count(f, "path_fold"));
}

static void put_real(const tw_checkpoint_file *f, const char *name, const char *words, const char *format)
{
    double value;
    if (!get_real(f, name, &value)) return;
    fputs(words, stdout);
    printf(format[1] == '3' ? "%.3g" : "%.10g", value);
}

static void put_numbers(const tw_checkpoint_file *f)
{
    tw_inspect_label("loss");
    put_real(f, "loss", "", "%10");
    put_real(f, "gradient_norm", ", gradient norm ", "%3");
    put_real(f, "step_length", ", last step ", "%3");
    putchar('\n');
    if (tw_image_attribute_kind(f->file, "best_loss") == TW_IMAGE_ABSENT) return;
    tw_inspect_label("validation");
    put_real(f, "validation_loss", "loss ", "%10");
    put_real(f, "best_loss", ", the best ", "%10");
    printf(" at %" PRId64 "\n", get_count(f, "best_iteration"));
}

static void put_method(const tw_checkpoint_file *f, const tw_config *c)
{
    tw_inspect_label("model");
    tw_inspect_put(SHOWN_KEY, c->model.type ? c->model.type : "?");
    printf(", %ld parameters\n", f->head.parameters);
    tw_inspect_label("method");
    tw_inspect_put(SHOWN_KEY, c->optimizer.type ? c->optimizer.type : "?");
    if (c->step.rule) {
        fputs(", ", stdout);
        tw_inspect_put(SHOWN_KEY, c->step.rule);
    }
    if (c->optimizer.batch > 0) printf(", %" PRId64 " rows in a batch", c->optimizer.batch);
    printf("; evaluations %" PRId64 "\n", get_count(f, "evaluations"));
}

static void put_print(const char *label, const char *print)
{
    tw_inspect_label(label);
    fputs("fingerprint xxh3:", stdout);
    tw_inspect_put(SHOWN_KEY, print);
    putchar('\n');
}

static void put_needs(const tw_checkpoint_file *f, const tw_config *c)
{
    const tw_checkpoint_head *h = &f->head;
    tw_inspect_label("data");
    tw_inspect_put(TW_INSPECT_TEXT, c->data.train ? c->data.train : "?");
    printf(": %ld row%s of %ld feature%s, in memory as ", h->rows, h->rows == 1 ? "" : "s", h->cols,
           h->cols == 1 ? "" : "s");
    tw_inspect_put(SHOWN_KEY, h->storage);
    putchar('\n');
    put_print("", h->data);
    if (h->watched[0]) put_print("validation", h->watched);
    tw_inspect_label("reduction");
    tw_inspect_put(SHOWN_KEY, h->mode);
    printf(", %ld group%s, contract %ld\n", h->groups, h->groups == 1 ? "" : "s", h->contract);
}

static void put_written(const tw_checkpoint_file *f)
{
    double seconds;
    char took[TW_UNIT_LEN];
    tw_inspect_label("history");
    printf("%" PRId64 " row%s", f->rows, f->rows == 1 ? "" : "s");
    if (get_real(f, "seconds", &seconds)) printf(", %s", tw_units_seconds(seconds, took));
    putchar('\n');
    tw_inspect_label("written");
    tw_inspect_put(SHOWN_KEY, f->time);
    printf(" on %" PRId64 " rank%s of ", f->ranks, f->ranks == 1 ? "" : "s");
    tw_inspect_put(SHOWN_KEY, f->host);
    fputs(" by thalweg ", stdout);
    tw_inspect_put(SHOWN_KEY, f->version);
    putchar('\n');
}

static void put_checkpoint(const tw_checkpoint_file *f, const tw_config *c)
{
    tw_inspect_put(TW_PATH_LEN, f->path);
    fputs(": checkpoint of a thalweg run, ", stdout);
    put_size(f->path);
    fputs("\n\n", stdout);
    tw_inspect_label("digest");
    puts("verified: the file is as it was written");
    tw_inspect_label("place");
    put_place(f, c->optimizer.batch > 0);
    putchar('\n');
    put_numbers(f);
    put_method(f, c);
    put_needs(f, c);
    put_written(f);
    tw_inspect_label("keys");
    printf("%zu bytes of configuration, which h5dump -a /configuration shows\n",
           strlen(f->head.configuration));
}

tw_status tw_inspect_checkpoint(const char *path)
{
    tw_checkpoint_file file;
    tw_config config;
    TW_TRY(tw_checkpoint_file_open(&file, path));
    tw_config_init(&config);
    tw_config_parse(&config, path, file.head.configuration, strlen(file.head.configuration));
    if (tw_config_verdict(&config) != TW_OK)
        tw_status_message()[0] = 0; /* of another thalweg; shown as far as it is known */
    put_checkpoint(&file, &config);
    tw_config_release(&config);
    tw_checkpoint_file_close(&file);
    return TW_OK;
}

/* ---- those of a run folder ---- */

/* One line; is it good? */
static bool put_line(const char *folder, const char *name, bool next)
{
    char path[TW_PATH_LEN + 512];
    tw_checkpoint_file f;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    tw_inspect_put(SHOWN_KEY, name);
    fputs("  ", stdout);
    put_size(path);
    if (tw_checkpoint_file_open(&f, path) != TW_OK) {
        const char *const why = strstr(tw_status_message(), path);
        fputs("  not valid: ", stdout);
        tw_inspect_put_line(TW_INSPECT_SENTENCE,
                            why == tw_status_message() ? why + strlen(path) + 1 : tw_status_message());
        putchar('\n');
        return false;
    }
    put_real(&f, "loss", "  loss ", "%10");
    fputs(", ", stdout);
    tw_inspect_put(SHOWN_KEY, f.time);
    puts(next ? "  <- a run goes on from here" : "");
    tw_checkpoint_file_close(&f);
    return true;
}

void tw_inspect_checkpoints(const char *folder)
{
    char path[TW_PATH_LEN + 64], **names;
    size_t count;
    bool found = false;
    snprintf(path, sizeof path, "%s/checkpoints", folder);
    if (tw_checkpoint_list(path, &count, &names) != TW_OK) {
        tw_inspect_label("checkpoints");
        tw_inspect_put_line(TW_INSPECT_SENTENCE, tw_status_message());
        putchar('\n');
        return;
    }
    tw_inspect_label("checkpoints");
    if (count == 0) puts("none: a run would start from the beginning");
    for (size_t i = 0; i < count && (i < SHOWN_CHECKPOINTS || !found); i++) {
        if (i) tw_inspect_label("");
        const bool good = put_line(path, names[i], !found);
        found = found || good;
    }
    if (count > SHOWN_CHECKPOINTS) {
        tw_inspect_label("");
        printf("%zu in all\n", count);
    }
    if (count > 0 && !found) {
        tw_inspect_label("");
        puts("none is valid: a run in this folder is refused (82)");
    }
    free(names);
}
