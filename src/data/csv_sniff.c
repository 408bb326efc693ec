/* What the first lines of a text file say: separator, header, names. */
#include "data/csv.h"
#include "data/printable.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SNIFFED_BYTES = 1 << 16, SNIFFED_LINES = 10, PEEKED_ROWS = 100, N_SEPARATORS = 3 };

typedef struct {
    size_t first[N_SEPARATORS]; /* how often each separator stands in the first line */
    bool same[N_SEPARATORS];    /* and in every other */
    size_t lines;
} census;

static const char separators[N_SEPARATORS] = {',', '\t', ';'};

static void count_line(census *all, const size_t seen[N_SEPARATORS])
{
    for (int k = 0; k < N_SEPARATORS; k++) {
        if (all->lines == 0) all->first[k] = seen[k];
        all->same[k] = (all->lines == 0 || all->same[k]) && seen[k] == all->first[k];
    }
    all->lines++;
}

static census count_separators(size_t size, const char *text)
{
    census all = {0};
    size_t seen[N_SEPARATORS] = {0};
    bool quoted = false, blank = true;
    for (size_t i = 0; i < size && all.lines < SNIFFED_LINES; i++) {
        if (text[i] == '"') quoted = !quoted;
        if (text[i] == '\n' && !quoted) {
            if (!blank) count_line(&all, seen);
            memset(seen, 0, sizeof seen);
            blank = true;
            continue;
        }
        blank = blank && (text[i] == '\r' || text[i] == ' ');
        for (int k = 0; k < N_SEPARATORS; k++) seen[k] += !quoted && text[i] == separators[k];
    }
    if (all.lines == 0) count_line(&all, seen);
    return all;
}

/* Of those on which all lines agree the most frequent; else the most frequent of the first line. */
static char most_frequent(const census *all)
{
    int best = -1;
    for (int k = 0; k < N_SEPARATORS; k++)
        if (all->same[k] && all->first[k] > 0 && (best < 0 || all->first[k] > all->first[best])) best = k;
    for (int k = 0; best < 0 && k < N_SEPARATORS; k++)
        if (all->first[k] > 0 && all->first[k] >= all->first[(k + 1) % 3] &&
            all->first[k] >= all->first[(k + 2) % 3])
            best = k;
    return separators[best < 0 ? 0 : best];
}

tw_status tw_csv_separator(const char *path, const tw_import_options *options, char *separator)
{
    tw_byte_source source;
    size_t size = 0;
    char *text = malloc(SNIFFED_BYTES);
    if (!text) return tw_fail(TW_MEMORY, "out of memory for %s", path);
    tw_status status = tw_byte_source_open(&source, path);
    if (status == TW_OK) status = tw_byte_source_read(&source, SNIFFED_BYTES, text, &size);
    tw_byte_source_release(&source);
    if (status == TW_OK && size >= 2 &&
        (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        status =
            tw_fail(TW_DATA, "%s is UTF-16 text; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)", path);
    if (status == TW_OK) {
        const census all = count_separators(size, text);
        *separator = options->separator ? options->separator : most_frequent(&all);
    }
    free(text);
    return status;
}

static tw_status grow(tw_csv_table *t, unsigned char **kind, size_t *capacity)
{
    *capacity = *capacity ? 2 * *capacity : 64;
    char **names = realloc(t->names, *capacity * sizeof *names);
    if (names) t->names = names;
    unsigned char *kinds = names ? realloc(*kind, *capacity) : NULL;
    if (!kinds) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
    *kind = kinds;
    return TW_OK;
}

/* The cells of the first line become names, until it turns out that they are no header. */
static tw_status take_names(tw_csv_table *t, const tw_text_record *record, unsigned char **kind)
{
    size_t capacity = 0;
    for (char *p = record->text;; p++) {
        tw_csv_cell cell;
        double unused;
        if (t->cols == capacity) TW_TRY(grow(t, kind, &capacity));
        if (t->cols == TW_CSV_MOST_COLUMNS)
            return tw_fail(TW_DATA, "%s: line %llu has more than the %d cells that are supported", t->path,
                           (unsigned long long)record->line, TW_CSV_MOST_COLUMNS);
        p = tw_csv_cell_take(p, t->separator, &cell);
        if (!p)
            return tw_fail(
                TW_DATA,
                "%s: line %llu, column index %zu: %s is followed by more text behind its closing quote",
                t->path, (unsigned long long)record->line, t->cols,
                tw_printable_quote(cell.size, cell.text).text);
        (*kind)[t->cols] = tw_csv_cell_kind(t, &cell, &unused);
        char *name = strndup(cell.text, cell.size);
        if (!name) return tw_fail(TW_MEMORY, "out of memory for the names of %s", t->path);
        t->names[t->cols++] = name;
        if (*p == 0) return TW_OK;
    }
}

/* A column whose first cell is a word and whose next known cell is a number tells that there is a header. */
static bool names_a_number(const tw_csv_table *t, const tw_text_record *record, unsigned char *kind)
{
    char *p = record->text;
    for (size_t c = 0; c < t->cols; c++, p++) {
        tw_csv_cell cell;
        double unused;
        char *const end = tw_csv_cell_take(p, t->separator, &cell);
        if (!end) return false;
        const unsigned char below = tw_csv_cell_kind(t, &cell, &unused);
        if (kind[c] == TW_CELL_TEXT && (below <= TW_CELL_REAL || below == TW_CELL_TRUTH)) return true;
        if (below == TW_CELL_TEXT) kind[c] = TW_CELL_MISSING; /* words below: says nothing */
        if (*end == 0) return false;
        p = end;
    }
    return false;
}

static tw_status detect_header(tw_csv_table *t, tw_text_source *source, unsigned char *kind)
{
    bool more = true, words = true;
    tw_text_record record;
    for (size_t c = 0; c < t->cols; c++) words = words && kind[c] == TW_CELL_TEXT;
    for (int i = 0; i < PEEKED_ROWS && more && !t->header; i++) {
        TW_TRY(tw_text_source_next(source, &record, &more));
        if (more)
            t->header = names_a_number(t, &record, kind);
        else
            t->header = i == 0 && words; /* nothing but words in one line: a header without rows */
    }
    return TW_OK;
}

static tw_status check_names(const tw_csv_table *t, uint64_t line)
{
    const tw_csv_row row = {.path = t->path, .line = line};
    for (size_t c = 0; c < t->cols; c++)
        if (!tw_utf8_valid(strlen(t->names[c]), t->names[c]))
            return tw_csv_fail(t, &row, c, NULL,
                               "the name is not UTF-8; convert the file first (iconv -t UTF-8)");
    return TW_OK;
}

static void drop_names(tw_csv_table *t)
{
    for (size_t c = 0; t->names && c < t->cols; c++) free(t->names[c]);
    free(t->names);
    t->names = NULL;
}

static tw_status sniff_header(tw_csv_table *t, tw_text_source *source, const tw_text_record *first)
{
    const uint64_t line = first->line;
    unsigned char *kind = NULL;
    tw_status status = take_names(t, first, &kind);
    t->header = t->options->header == TW_HEADER_YES;
    if (status == TW_OK && t->options->header == TW_HEADER_DETECT) status = detect_header(t, source, kind);
    free(kind);
    if (status == TW_OK && t->header) status = check_names(t, line);
    if (!t->header) drop_names(t);
    return status;
}

static tw_status read_markers(tw_csv_table *t)
{
    const tw_import_list *const list = &t->options->missing;
    t->marker = calloc(list->count + 1, sizeof *t->marker);
    if (!t->marker) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
    for (size_t i = 0; i < list->count; i++) {
        unsigned char kind;
        tw_csv_marker *const m = &t->marker[i];
        *m = (tw_csv_marker){list->text[i], strlen(list->text[i]), NAN};
        char *const text = calloc(m->size + 1 + TW_NUMBER_PADDING, 1);
        if (!text) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
        memcpy(text, m->text, m->size);
        double value;
        if (m->size > 0 && tw_number_scan(text, &value, &kind) == text + m->size) m->value = value;
        free(text);
    }
    return TW_OK;
}

static tw_status sniff(tw_csv_table *t, tw_text_source *source)
{
    tw_text_record first;
    bool more;
    TW_TRY(tw_text_source_open(source, t->path, t->separator));
    TW_TRY(tw_text_source_next(source, &first, &more));
    if (!more) return tw_fail(TW_DATA, "%s is empty: it holds no line of text", t->path);
    TW_TRY(sniff_header(t, source, &first));
    t->column = calloc(t->cols, sizeof *t->column);
    if (!t->column) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
    TW_TRY(tw_csv_find_roles(t));
    return tw_csv_check_inputs(t);
}

tw_status tw_csv_sniff(tw_csv_table *t, size_t n, const char *const *inputs, const tw_import_options *options)
{
    tw_text_source source = {.bytes.fd = -1};
    *t = (tw_csv_table){
        .path = inputs[0],
        .n_inputs = n,
        .inputs = inputs,
        .options = options,
        .label = TW_CSV_NONE,
        .weight = TW_CSV_NONE,
    };
    TW_TRY(read_markers(t));
    TW_TRY(tw_csv_separator(t->path, options, &t->separator));
    const tw_status status = sniff(t, &source);
    tw_text_source_release(&source);
    return status;
}

void tw_csv_table_release(tw_csv_table *t)
{
    drop_names(t);
    for (size_t k = 0; k < t->n_hot; k++) tw_label_set_release(&t->hot[k].set);
    free(t->role);
    free(t->column);
    free(t->marker);
    free(t->run);
    free(t->hot);
    free(t->count);
    tw_label_set_release(&t->classes);
    *t = (tw_csv_table){0};
}
