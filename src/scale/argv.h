/* argv.h -- the words of a command: added one by one, or split from a text as a shell would. A list that ran
 * out of memory says so when it is used. Nothing here is collective. */
#ifndef THALWEG_SCALE_ARGV_H
#define THALWEG_SCALE_ARGV_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
    size_t count;
    char **words; /* [count + 1], the last one NULL; owned */
    bool failed;  /* out of memory */
} tw_argv;

/** Add one word, printf form. */
void tw_argv_add(tw_argv *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Add words as they are. */
void tw_argv_append(tw_argv *a, size_t count, char *const *words);

/**
 * Split at blanks; '...' and "..." keep them, \ keeps the next character (inside "..." only \" and \\).
 * Nothing is expanded. @param name of the text, for the sentence. TW_USAGE: a quote that is not closed.
 */
tw_status tw_argv_split(tw_argv *a, const char *name, const char *text) TW_CHECKED;

/** TW_MEMORY when a word is missing for want of memory. */
tw_status tw_argv_complete(const tw_argv *a) TW_CHECKED;

/** One word for a shell, quoted where needed. */
void tw_argv_quote(FILE *out, const char *word);

/** All words on a line, as a shell would take them. */
void tw_argv_print(FILE *out, const tw_argv *a);

void tw_argv_release(tw_argv *a);

#endif
