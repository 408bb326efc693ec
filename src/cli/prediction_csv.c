/* prediction_csv.c -- predictions as comma-separated values (RFC 4180, lines end in LF), through one buffer.
 */
#include "cli/prediction_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((size_t)1 << 20)

typedef struct {
    uint64_t offset; /* of the buffer in the file */
    size_t held;
    bool whole; /* class values */
    char bytes[BUFFER_BYTES];
} writer;

static void flush(tw_prediction_file *f)
{
    writer *const w = f->state;
    tw_output_file_write(&f->output, w->offset, w->held, w->bytes);
    w->offset += w->held;
    w->held = 0;
}

static void put(tw_prediction_file *f, size_t size, const char *bytes)
{
    writer *const w = f->state;
    while (size > 0) {
        if (w->held == BUFFER_BYTES) flush(f);
        const size_t space = BUFFER_BYTES - w->held, piece = size < space ? size : space;
        memcpy(w->bytes + w->held, bytes, piece);
        w->held += piece;
        bytes += piece;
        size -= piece;
    }
}

/* Readers may drop blanks at the ends, and skip a line that is empty. */
static bool needs_quotes(const char *text)
{
    const size_t length = strlen(text);
    return length == 0 || strpbrk(text, ",\"\r\n") || strchr(" \t", text[0]) ||
           strchr(" \t", text[length - 1]);
}

static void put_text(tw_prediction_file *f, const char *before, const char *text)
{
    const bool quoted = needs_quotes(text);
    if (quoted) put(f, 1, "\"");
    put(f, strlen(before), before);
    for (const char *at = text; *at;) {
        const size_t plain = quoted ? strcspn(at, "\"") : strlen(at);
        put(f, plain, at);
        at += plain;
        if (*at != '"') continue;
        put(f, 2, "\"\"");
        at++;
    }
    if (quoted) put(f, 1, "\"");
}

static void put_number(tw_prediction_file *f, double value)
{
    char text[TW_PREDICTION_NUMBER_LEN];
    put(f, tw_prediction_number(value, text), text);
}

static void put_class(tw_prediction_file *f, const char *before, size_t k)
{
    char text[TW_PREDICTION_NUMBER_LEN];
    const writer *const w = f->state;
    if (f->layout.class_names) {
        put_text(f, before, f->layout.class_names[k]);
        return;
    }
    put(f, strlen(before), before);
    if (w->whole)
        put(f, (size_t)snprintf(text, sizeof text, "%.0f", f->layout.classes[k] + 0.0), text);
    else
        put_number(f, f->layout.classes[k]);
}

static tw_status begin(tw_prediction_file *f)
{
    writer *const w = malloc(sizeof *w);
    if (!w) return tw_fail(TW_MEMORY, "out of memory for writing %s", f->output.path);
    f->state = w;
    w->offset = w->held = 0;
    w->whole = tw_prediction_classes_whole(&f->layout);
    put(f, strlen("prediction"), "prediction");
    for (size_t k = 0; k + 1 < f->layout.width; k++) {
        put(f, 1, ",");
        put_class(f, "probability_", k);
    }
    put(f, 1, "\n");
    return TW_OK;
}

static tw_status append(tw_prediction_file *f, size_t rows, const double *data)
{
    for (size_t i = 0; i < rows && !f->output.error; i++) {
        const double *const row = data + i * f->layout.width;
        if (f->layout.n_classes)
            put_class(f, "", (size_t)row[0]);
        else
            put_number(f, row[0]);
        for (size_t k = 1; k < f->layout.width; k++) {
            put(f, 1, ",");
            put_number(f, row[k]);
        }
        put(f, 1, "\n");
    }
    return TW_OK;
}

static tw_status finish(tw_prediction_file *f)
{
    flush(f);
    return TW_OK;
}

static void release(tw_prediction_file *f)
{
    free(f->state);
}

const tw_prediction_format tw_prediction_csv = {begin, append, finish, release};
