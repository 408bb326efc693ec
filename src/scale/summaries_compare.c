/* What may be compared, and whether the answers agree. */
#include "scale/summaries.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 60 };

static tw_status differ(const tw_study_run *a, const tw_study_run *b, const char *what, const char *of_a,
                        const char *of_b)
{
    return tw_fail(TW_DATA, "%s and %s cannot be compared: their %s differ (%.*s and %.*s)", a->path, b->path,
                   what, SHOWN, of_a[0] ? of_a : "not said", SHOWN, of_b[0] ? of_b : "not said");
}

static tw_status alike_words(const tw_study_run *a, const tw_study_run *b, tw_study_mode mode)
{
    const struct {
        const char *what, *of_a, *of_b;
        bool strong;
    } rows[] = {{"program versions", a->version, b->version, false},
                {"git commits", a->commit, b->commit, false},
                {"data sets", a->data_digest, b->data_digest, true},
                {"feature types", a->type, b->type, false},
                {"processors", a->cpu, b->cpu, false},
                {"instruction sets", a->isa, b->isa, false},
                {"models", a->model, b->model, false},
                {"methods", a->optimizer, b->optimizer, false},
                {"step rules", a->step, b->step, false},
                {"reduction modes", a->reduction, b->reduction, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].of_a, rows[i].of_b) != 0 && (!rows[i].strong || mode == TW_STUDY_STRONG))
            return differ(a, b, rows[i].what, rows[i].of_a, rows[i].of_b);
    return TW_OK;
}

static tw_status alike_numbers(const tw_study_run *a, const tw_study_run *b, tw_study_mode mode)
{
    const struct {
        const char *what;
        long long of_a, of_b;
        bool strong;
    } rows[] = {{"rows", a->rows, b->rows, true},
                {"features", a->features, b->features, false},
                {"coefficients", a->coefficients, b->coefficients, false},
                {"threads a rank", a->threads, b->threads, false},
                {"groups", a->groups, b->groups, true},
                {"iterations", a->iterations, b->iterations, true}};
    char of_a[32], of_b[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].of_a == rows[i].of_b || (rows[i].strong && mode != TW_STUDY_STRONG)) continue;
        snprintf(of_a, sizeof of_a, "%lld", rows[i].of_a);
        snprintf(of_b, sizeof of_b, "%lld", rows[i].of_b);
        return differ(a, b, rows[i].what, of_a, of_b);
    }
    if (mode == TW_STUDY_STRONG) return TW_OK;
    const double share = (double)a->rows / a->ranks, other = (double)b->rows / b->ranks;
    if (fabs(share - other) <= 0.01 * share) return TW_OK;
    snprintf(of_a, sizeof of_a, "%.6g", share);
    snprintf(of_b, sizeof of_b, "%.6g", other);
    return differ(a, b, "rows a rank", of_a, of_b);
}

/* Places may differ: where the data lies is told by its digest, and each run has its own folder. */
static bool free_line(const char *line, size_t length)
{
    static const char *const keys[] = {"dir:", "train:", "#"};
    while (length > 0 && (*line == ' ' || *line == '\t')) line++, length--;
    if (length == 0) return true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (length >= strlen(keys[i]) && memcmp(line, keys[i], strlen(keys[i])) == 0) return true;
    return false;
}

/* The next line that counts; returns its length, 0 at the end. */
static size_t next_line(const char **at, const char **line)
{
    while (**at) {
        const size_t length = strcspn(*at, "\n");
        *line = *at;
        *at += length + ((*at)[length] == '\n');
        if (!free_line(*line, length)) return length;
    }
    *line = "";
    return 0;
}

static tw_status alike_text(const tw_study_run *a, const tw_study_run *b)
{
    const char *at_a = a->text, *at_b = b->text, *line_a, *line_b;
    if (!a->text || !b->text) return TW_OK;
    for (;;) {
        const size_t of_a = next_line(&at_a, &line_a), of_b = next_line(&at_b, &line_b);
        if (of_a == 0 && of_b == 0) return TW_OK;
        if (of_a == of_b && memcmp(line_a, line_b, of_a) == 0) continue;
        const int shown_a = of_a < SHOWN ? (int)of_a : SHOWN, shown_b = of_b < SHOWN ? (int)of_b : SHOWN;
        return tw_fail(TW_DATA,
                       "%s and %s cannot be compared: their configurations differ ('%.*s' and '%.*s')",
                       a->path, b->path, shown_a, line_a, shown_b, line_b);
    }
}

tw_status tw_study_runs_alike(const tw_study_runs *runs)
{
    for (size_t i = 1; i < runs->n; i++) {
        const tw_study_run *a = &runs->run[0], *b = &runs->run[i];
        TW_TRY(alike_words(a, b, runs->mode));
        TW_TRY(alike_numbers(a, b, runs->mode));
        TW_TRY(alike_text(a, b));
    }
    return TW_OK;
}

tw_status tw_study_runs_agree(const tw_study_runs *runs, size_t length, char *text)
{
    const tw_study_run *a = &runs->run[0];
    const bool bits = strcmp(a->reduction, "reproducible") == 0;
    double farthest = 0;
    if (runs->mode == TW_STUDY_WEAK) {
        snprintf(text, length, "weak: each number of ranks has its own data, so answers are not compared");
        return TW_OK;
    }
    for (size_t i = 1; i < runs->n; i++) {
        const tw_study_run *b = &runs->run[i];
        const double off = fabs(b->loss - a->loss) / fmax(fabs(a->loss), fabs(b->loss));
        if (off > farthest) farthest = off;
        if (bits && strcmp(a->hash, b->hash) != 0)
            return tw_fail(TW_REPLICA,
                           "%s (%d ranks, %s) and %s (%d ranks, %s) have different parameters, although the "
                           "reduction is reproducible",
                           a->path, a->ranks, a->hash, b->path, b->ranks, b->hash);
        if (!bits && !(off <= 1e-9) && a->loss != b->loss)
            return tw_fail(TW_REPLICA,
                           "%s (%d ranks, loss %.17g) and %s (%d ranks, loss %.17g) differ by %.2g of the "
                           "loss; 1e-9 is allowed",
                           a->path, a->ranks, a->loss, b->path, b->ranks, b->loss, off);
    }
    if (bits)
        snprintf(text, length, "parameters bit-identical on all rank counts: %s", a->hash);
    else
        snprintf(text, length, "losses agree within %.1e of themselves (all-reduce; 1e-9 is allowed)",
                 farthest);
    return TW_OK;
}
