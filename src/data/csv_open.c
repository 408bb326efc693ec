/* The inputs in turn, each behind its header, which must be that of the first. */
#include "data/csv.h"
#include "data/printable.h"

#include <string.h>

/* Open input number r->input at its first row. */
tw_status tw_csv_open(const tw_csv_table *t, tw_csv_reader *r)
{
    tw_text_record unused;
    bool more;
    TW_TRY(tw_text_source_open(&r->source, t->inputs[r->input], t->separator));
    return t->header ? tw_text_source_next(&r->source, &unused, &more) : TW_OK;
}

void tw_csv_reader_release(tw_csv_reader *r)
{
    tw_text_source_release(&r->source);
    r->input = 0;
}

static tw_status other_name(const tw_csv_table *t, const char *path, size_t c, const tw_csv_cell *cell)
{
    const tw_printable here = tw_printable_quote(cell->size, cell->text),
                       there = tw_printable_quote(strlen(t->names[c]), t->names[c]);
    return tw_fail(TW_DATA,
                   "%s and %s have different headers: column index %zu is %s in the first and %s in the "
                   "second; files that are joined need the same columns in the same order",
                   t->path, path, c, there.text, here.text);
}

static tw_status compare(const tw_csv_table *t, const char *path, const tw_text_record *record)
{
    size_t c = 0;
    for (char *p = record->text;; p++, c++) {
        tw_csv_cell cell;
        p = tw_csv_cell_take(p, t->separator, &cell);
        if (c < t->cols && t->header &&
            (strlen(t->names[c]) != cell.size || memcmp(t->names[c], cell.text, cell.size) != 0))
            return other_name(t, path, c, &cell);
        if (!p || *p == 0) break;
    }
    if (c + 1 == t->cols) return TW_OK;
    return tw_fail(
        TW_DATA,
        "%s has %zu columns and %s has %zu; files that are joined need the same columns in the same "
        "order",
        t->path, t->cols, path, c + 1);
}

tw_status tw_csv_check_inputs(const tw_csv_table *t)
{
    for (size_t i = 1; i < t->n_inputs; i++) {
        tw_text_source source = {.bytes.fd = -1};
        tw_text_record first;
        bool more = false;
        tw_status status = tw_text_source_open(&source, t->inputs[i], t->separator);
        if (status == TW_OK) status = tw_text_source_next(&source, &first, &more);
        if (status == TW_OK && !more)
            status = tw_fail(TW_DATA, "%s is empty: it holds no line of text", t->inputs[i]);
        if (status == TW_OK) status = compare(t, t->inputs[i], &first);
        tw_text_source_release(&source);
        TW_TRY(status);
    }
    return TW_OK;
}
