/* evaluate_text.h -- words and counts in columns; names may be UTF-8. */
#ifndef THALWEG_CLI_EVALUATE_TEXT_H
#define THALWEG_CLI_EVALUATE_TEXT_H

#include "cli/evaluate.h"

#include <math.h>

enum { TW_COUNT_LEN = 32, TW_CONFUSION_MOST = 20 /* classes that are shown as a matrix */ };

/** Characters of a UTF-8 text. */
size_t tw_text_columns(const char *text);

/** Print text cut or filled to so many columns; control characters become '?'. */
void tw_text_put(const char *text, size_t columns, bool right);

/** A weight: whole numbers as they are. Returns its length. */
size_t tw_text_count(double count, char text[TW_COUNT_LEN]);

/** Columns for the names of the classes. */
size_t tw_text_name_columns(const tw_apply *apply);

#endif
