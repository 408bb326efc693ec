/* inspect.h -- the parts of `thalweg inspect`: a data file, a model, a run folder, or what something else may
 * be.
 *
 * Each prints on stdout and returns TW_OK, or returns a sentence. Whatever comes from a file goes through
 * tw_inspect_put, so that no name can drive a terminal. No MPI. */
#ifndef THALWEG_CLI_INSPECT_H
#define THALWEG_CLI_INSPECT_H

#include "thalweg/dataset.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *path;
    tw_dataset_names names;
    bool structure; /* do not read the values */
} tw_inspect;

/** @param kind of the header (image.h) when the file has one, else NULL. Goes on to the model if it is one.
 */
tw_status tw_inspect_data(const tw_inspect *inspect, const char *kind) TW_CHECKED;

tw_status tw_inspect_model(const char *path) TW_CHECKED;
tw_status tw_inspect_checkpoint(const char *path) TW_CHECKED;
tw_status tw_inspect_folder(const char *path) TW_CHECKED;

/** The checkpoints of a run folder, newest first: good or why not, and which one a run would take up. */
void tw_inspect_checkpoints(const char *folder);

/** TW_DATA with what the file looks like and what to do with it. @param head [size] its first bytes */
tw_status tw_inspect_guess(const char *path, size_t size, const char *head) TW_CHECKED;

/* ---- printing ---- */

enum { TW_INSPECT_TEXT = 100, TW_INSPECT_SENTENCE = 1000 };

/** Begin a line with a word in the left column ("" for none). */
void tw_inspect_label(const char *label);

/** Text from a file: what is not printable as \xNN, cut after so many characters with "...". */
void tw_inspect_put(size_t most, const char *text);

/** As tw_inspect_put, in '...'. */
void tw_inspect_quote(size_t most, const char *text);

/** The first line of a text, cut after so many characters. */
void tw_inspect_put_line(size_t most, const char *text);

#endif
