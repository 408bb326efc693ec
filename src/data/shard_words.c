/* Labels that are words: read into a set of those that a rank has seen, then numbered alike on all ranks. */
#include "data/hdf5_file.h"
#include "data/label_set.h"
#include "data/shard_read.h"
#include "thalweg/image.h"
#include "thalweg/interrupt.h"
#include "thalweg/phase.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 8192 };

/* ---- reading ---- */

typedef struct {
    hid_t dataset, memory;
    size_t size; /* of a fixed string with its end; 0: variable length */
    char *bytes; /* [PIECE][size], or pointers */
} column;

static tw_status open_column(column *c, hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset);
    const bool variable = H5Tis_variable_str(type) > 0;
    *c = (column){.dataset = dataset, .memory = H5Tcopy(variable ? H5T_C_S1 : type)};
    c->size = variable ? 0 : H5Tget_size(type) + 1;
    H5Tset_size(c->memory, variable ? H5T_VARIABLE : c->size);
    H5Tset_strpad(c->memory, H5T_STR_NULLTERM);
    H5Tset_cset(c->memory, H5Tget_cset(type));
    H5Tclose(type);
    c->bytes = calloc(PIECE, c->size ? c->size : sizeof(char *));
    return c->bytes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %d labels", PIECE);
}

static const char *word_at(const column *c, size_t i)
{
    const char *word = c->size ? c->bytes + i * c->size : ((char **)(void *)c->bytes)[i];
    return word ? word : "";
}

static tw_status take_word(tw_label_set *set, const char *word, double *y)
{
    const size_t size = strlen(word);
    size_t at = tw_label_set_find(set, size, word);
    if (at == SIZE_MAX) {
        TW_TRY(tw_label_set_add(set, size, word));
        at = set->count - 1;
    }
    *y = (double)at;
    return TW_OK;
}

static tw_status take_piece(const column *c, const tw_shard_part *p, int64_t at, size_t rows,
                            tw_label_set *set, double *y)
{
    for (size_t i = 0; i < rows; i++) {
        const char *word = word_at(c, i);
        if (!word[0])
            return tw_fail(TW_DATA, "%s: '%s' is empty in row %lld (counted from 0)", p->dataset->path,
                           p->dataset->labels, (long long)at + (long long)i);
        TW_TRY(take_word(set, word, y + i));
    }
    return TW_OK;
}

static void reclaim(const column *c, size_t rows)
{
    const hsize_t count = rows;
    if (c->size) return;
    const hid_t space = H5Screate_simple(1, &count, NULL);
    H5Dvlen_reclaim(c->memory, space, H5P_DEFAULT, c->bytes);
    H5Sclose(space);
}

static tw_status read_column(const column *c, const tw_shard_part *p, tw_label_set *set, double *y)
{
    tw_status status = TW_OK;
    for (int64_t at = p->first, end = p->first + p->rows; status == TW_OK && at < end;) {
        const size_t rows = end - at < PIECE ? (size_t)(end - at) : PIECE;
        if (tw_shard_read_rows(c->dataset, c->memory, (hsize_t)at, rows, c->bytes) < 0)
            return tw_fail(TW_DATA, "cannot read rows %lld to %lld of %s: the file is damaged or cut short",
                           (long long)at, (long long)at + (long long)rows - 1, p->dataset->path);
        status = take_piece(c, p, at, rows, set, y + (at - p->first));
        reclaim(c, rows);
        if (status == TW_OK) status = tw_interrupt_check("reading the labels");
        tw_phase_tick();
        at += (int64_t)rows;
    }
    return status;
}

tw_status tw_shard_read_words(tw_shard *s, const tw_shard_part *p, hid_t dataset, double *y)
{
    column c;
    if (!s->words) s->words = calloc(1, sizeof *s->words);
    if (!s->words) return tw_fail(TW_MEMORY, "out of memory for the classes");
    tw_status status = open_column(&c, dataset);
    if (status == TW_OK) status = read_column(&c, p, s->words, y);
    H5Tclose(c.memory);
    free(c.bytes);
    return status;
}

/* ---- numbering ---- */

/* Those that stand in some row: "a\0b\0...". */
static tw_status own_words(const tw_shard *s, size_t *size, char **bytes)
{
    const size_t count = s->words ? s->words->count : 0;
    bool *used = calloc(count + 1, sizeof *used);
    size_t room = 1;
    *size = 0;
    for (size_t i = 0; used && count && i < s->rows; i++)
        if (!s->dropped || !s->dropped[i]) used[(size_t)s->y[i]] = true;
    for (size_t k = 0; k < count; k++) room += strlen(s->words->word[k]) + 1;
    *bytes = malloc(room);
    for (size_t k = 0; used && *bytes && k < count; k++) {
        if (!used[k]) continue;
        const size_t length = strlen(s->words->word[k]) + 1;
        memcpy(*bytes + *size, s->words->word[k], length);
        *size += length;
    }
    free(used);
    return used && *bytes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the classes");
}

/* Collective. Every rank's words, one after the other. */
static tw_status gather(tw_comm *comm, size_t size, const char *own, size_t *total, char **all)
{
    const size_t ranks = (size_t)tw_comm_size(comm);
    size_t *sizes = malloc(2 * ranks * sizeof *sizes);
    tw_status status =
        tw_comm_agree(comm, sizes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the classes"));
    *total = 0;
    *all = NULL;
    if (status == TW_OK) {
        for (size_t r = 0; r < ranks; r++) sizes[ranks + r] = sizeof size;
        status = tw_comm_allgather(comm, &size, sizes + ranks, sizes);
    }
    for (size_t r = 0; status == TW_OK && r < ranks; r++) *total += sizes[r];
    if (status == TW_OK) {
        *all = malloc(*total + 1);
        status = tw_comm_agree(comm, *all ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the classes"));
    }
    if (status == TW_OK) status = tw_comm_allgather(comm, own, sizes, *all);
    free(sizes);
    return status;
}

static tw_status unite(size_t total, const char *all, tw_label_set *set)
{
    double unused;
    for (size_t at = 0; at < total; at += strlen(all + at) + 1) TW_TRY(take_word(set, all + at, &unused));
    tw_label_set_sort(set);
    return TW_OK;
}

void tw_shard_forget_words(tw_shard *s)
{
    if (s->words) tw_label_set_release(s->words);
    free(s->words);
    s->words = NULL;
}

/* Dropped rows may have a word that is no class. */
static tw_status renumber(tw_shard *s, const tw_label_set *set)
{
    for (size_t i = 0; i < s->rows; i++) {
        const char *word = s->words->word[(size_t)s->y[i]];
        const size_t at = tw_label_set_find(set, strlen(word), word);
        const bool dropped = s->dropped && s->dropped[i];
        if (at == SIZE_MAX && !dropped)
            return tw_fail(TW_DATA, "label '%.100s' of row %lld is none of the %zu classes", word,
                           (long long)(s->first + (int64_t)i), set->count);
        s->y[i] = at == SIZE_MAX ? 0 : (double)at;
    }
    tw_shard_forget_words(s);
    return TW_OK;
}

tw_status tw_shard_name_classes(tw_shard *s, tw_comm *comm, size_t *count, char ***names)
{
    size_t size, total = 0;
    char *own, *all = NULL;
    tw_label_set set = {0};
    tw_status status = tw_comm_agree(comm, own_words(s, &size, &own));
    if (status == TW_OK) status = gather(comm, size, own, &total, &all);
    if (status == TW_OK) status = tw_comm_agree(comm, unite(total, all, &set));
    free(all);
    free(own);
    *count = set.count;
    *names = status == TW_OK ? tw_image_strings_copy(set.count, set.word) : NULL;
    tw_status local = *names || status ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the classes");
    if (status == TW_OK && local == TW_OK && s->rows > 0) local = renumber(s, &set);
    if (status == TW_OK) status = tw_comm_agree(comm, local);
    tw_shard_forget_words(s);
    tw_label_set_release(&set);
    return status;
}

tw_status tw_shard_find_words(tw_shard *s, size_t count, char *const *names)
{
    tw_label_set set = {0};
    tw_status status = TW_OK;
    for (size_t k = 0; status == TW_OK && k < count; k++)
        status = tw_label_set_add(&set, strlen(names[k]), names[k]);
    if (status == TW_OK && s->words) status = renumber(s, &set);
    tw_label_set_release(&set);
    return status;
}
