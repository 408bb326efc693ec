/* man.h -- manual pages in man(7), written from the tables of the program: commands, options, keys, exit
 * codes. */
#ifndef THALWEG_CLI_MAN_H
#define THALWEG_CLI_MAN_H

#include "thalweg/status.h"

#include <argp.h>
#include <stdio.h>

/** `thalweg help man [COMMAND | config | all DIR]`. @param topic NULL: thalweg(1). TW_USAGE, TW_OUTPUT,
 * TW_IO, TW_MEMORY. */
tw_status tw_man_help(const char *topic, const char *dir) TW_CHECKED;

/** thalweg.yaml(5): every key. TW_MEMORY. */
tw_status tw_man_config(FILE *out) TW_CHECKED;

/* ---- writing ---- */

/** ".TH", then ".SH NAME". @param page "thalweg-train" */
void tw_man_begin(FILE *out, const char *page, int section, const char *summary);

/** Text of a line, with what troff would take for its own made harmless. No line end is written. */
void tw_man_text(FILE *out, const char *text);

/** Paragraphs: lines that are a command or begin with two blanks stay as they are, others are filled. */
void tw_man_lines(FILE *out, const char *text);

/** ".TP", a tag in bold, its value in italics ("" for none), then the text. */
void tw_man_item(FILE *out, const char *tag, const char *value, const char *text);

/** The synopsis, the description and the options of a command. @param name "thalweg train" */
void tw_man_argp(FILE *out, const struct argp *argp, const char *name);

#endif
