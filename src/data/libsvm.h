/* libsvm.h -- one line of LIBSVM text: LABEL INDEX:VALUE INDEX:VALUE ... # comment. */
#ifndef THALWEG_LIBSVM_H
#define THALWEG_LIBSVM_H

#include "data/text_source.h"

/** The columns that a dense result may have. */
enum { TW_LIBSVM_MOST_COLUMNS = 1 << 24 };

typedef struct {
    const char *path;       /* borrowed */
    uint64_t line;          /* from 1 */
    const char *begin, *at; /* the line, up to its comment; what is not read yet */
    int64_t index;          /* of the last pair; -1: none yet */
    const char *label;
    size_t label_size;
    double y;
    unsigned char y_kind; /* a tw_number_kind */
} tw_libsvm_row;

typedef struct {
    size_t index; /* as written */
    double value; /* finite */
    unsigned char kind;
    const char *text; /* where it begins */
} tw_libsvm_pair;

/** Does text begin like LIBSVM? The first line decides that has a second word: it must be a pair (or qid:).
 */
bool tw_libsvm_looks_like(size_t size, const char *text);

/**
 * Begin a line and read its label.
 * @param more out: false when there is nothing on it but a comment
 * @return TW_OK; TW_DATA: no label, several, no number
 */
tw_status tw_libsvm_begin(tw_libsvm_row *row, const char *path, const tw_text_record *record,
                          bool *more) TW_CHECKED;

/** The next pair. more: out, false at the end. TW_DATA: no pair, not ascending, no finite number, qid. */
tw_status tw_libsvm_next(tw_libsvm_row *row, tw_libsvm_pair *pair, bool *more) TW_CHECKED;

/** TW_DATA: "FILE: line 3, column 7: 'word' WHY", of the word that begins at `at`. */
tw_status tw_libsvm_fail(const tw_libsvm_row *row, const char *at, const char *why);

#endif
