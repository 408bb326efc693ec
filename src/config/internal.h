/* internal.h -- what the files of src/config share and nobody else sees.
 *
 * options: rows -> suggestions. scalar: text <-> one value. collection: text <-> several. source: bytes -> lines and places. problems: the
 * list of errors. yaml and keys: events of libfyaml -> keys. config: the life cycle and the one function that
 * assigns. */
#ifndef THALWEG_CONFIG_INTERNAL_H
#define THALWEG_CONFIG_INTERNAL_H

#include "thalweg/config.h"

enum { TW_QUOTED_LEN = 96, TW_KEY_LEN = 128, TW_PROBLEMS_KEPT = 100 };

/* Where something stands. label "a.yaml:9:3"; excerpt: the line and the caret, or NULL. Both owned. */
typedef struct {
    char *label, *excerpt;
} tw_place;

typedef enum { TW_ORIGIN_DEFAULT, TW_ORIGIN_FILE, TW_ORIGIN_SET } tw_origin;

/* One per row of the table. */
typedef struct {
    tw_place place;   /* of the value in force, or of the last refused one */
    tw_origin origin; /* of the value in force */
    bool set;         /* holds a valid value that is not the default */
    bool excused;     /* a problem already speaks about it: do not call it missing as well */
    size_t line;      /* of the key in the file being parsed; 0: not seen yet */
} tw_entry;

struct tw_config_record {
    char *name; /* of the last file parsed, or NULL */
    bool broken, out_of_memory;
    size_t total, kept; /* problems met; problems in the list */
    char *problems[TW_PROBLEMS_KEPT];
    tw_entry entries[]; /* [rows of the table] */
};

/* A value before it is stored: integer (also boolean, choice), real (also duration) or text, by the row's
 * type. */
typedef struct {
    int64_t integer;
    double real;
    const char *text;
    char *owned; /* the memory of text where the token would not do; the caller of tw_scalar_parse frees it */
    bool null;
} tw_scalar;

/* Why a token was refused, and what may have been meant ("" for nothing). */
typedef struct {
    char text[768], hint[TW_QUOTED_LEN + 32];
} tw_complaint;

/* The text of a file after line ends became LF and a byte order mark was dropped. */
typedef struct {
    const char *name;
    char *text; /* [length + 1], owned */
    size_t length;
} tw_source;

/* --- options.c, suggest.c --- */

/* The row with exactly this key or section name, or NULL. */
const tw_option *tw_option_find(const char *key);

/* The row's index in the table. */
size_t tw_option_index(const tw_option *row);

/* The key that a value in place of the section means, or NULL. */
const tw_option *tw_option_shorthand(const tw_option *section);

/* Whether the row is a key of this very section; section "" stands for the top level. */
bool tw_option_within(const tw_option *row, const char *section);

/* Whether the row, a key or a section, stands anywhere inside the section. */
bool tw_option_beneath(const tw_option *row, const char *section);

/* The number of sections around the row. */
size_t tw_option_depth(const tw_option *row);

/* The key without its section. */
const char *tw_option_leaf(const tw_option *row);

/* The key that was meant by an unknown one; sections at the top too when allowed. NULL: no idea. */
const tw_option *tw_option_suggest(const char *key, bool sections);

/* The key that has this leaf, the one with the section nearest to the given one, or NULL. */
const tw_option *tw_option_by_leaf(const char *section, const char *leaf);

/* The section that was meant by an unknown one, or NULL; inner: only sections inside sections. */
const tw_option *tw_option_suggest_section(const char *name, bool inner);

/* --- scalar.c, number.c --- */

/* Read one token as a value of the row; false with a complaint. The token is borrowed by out->text. */
bool tw_scalar_parse(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why);

/* Put a value, or "not set" for out->null, into the field; false: out of memory. */
bool tw_scalar_store(tw_config *c, const tw_option *row, const tw_scalar *value);

/* "> 0 and < 0.5", "from 1 to 1000", "" for no bound. Without the word of a whole number. */
void tw_scalar_range(const tw_option *row, char *text, size_t size);

/* The field of a row. */
const void *tw_scalar_field(const tw_config *c, const tw_option *row);

typedef enum { TW_NUMBER_OK, TW_NUMBER_SYNTAX, TW_NUMBER_FRACTION, TW_NUMBER_RANGE } tw_number;

/* Whole token as a decimal number in the C locale. RANGE: beyond the normal doubles. */
tw_number tw_number_real(const char *token, double *value);

/* Whole token as an exact whole number; 1e4 and 5.0 are whole. RANGE: beyond int64_t, *value then saturated.
 */
tw_number tw_number_integer(const char *token, int64_t *value);

/* Whole token as seconds: H:MM:SS, MM:SS, or a number, alone or with s, m or h. */
tw_number tw_number_duration(const char *token, double *seconds);

/* The shortest decimal text that reads back to the same double; [32] bytes. */
void tw_number_print(double value, char *text);

/* H:MM:SS for whole seconds, a number otherwise; [32] bytes. */
void tw_number_print_duration(double seconds, char *text);

/* As the field of TW_OPTION_INTERVAL holds it: the word for 0, iterations, or a duration with its unit; [32] bytes. */
void tw_number_print_interval(double interval, const char *zero, char *text);

/* Whether a number lies in the row's range. */
bool tw_scalar_in_range(const tw_option *row, double value);

/* Whether a text may be kept: not too long, UTF-8, no control characters. */
bool tw_scalar_check_text(const tw_option *row, const char *text, tw_complaint *why);

/* --- collection.c --- */

/* One item of a list (name NULL), or a name and its number. Owned. */
typedef struct {
    char *name, *value;
} tw_part;

/* A list or a mapping while it is read. */
typedef struct {
    const tw_option *row;
    tw_part *part; /* [count] */
    size_t count;
} tw_collection;

void tw_collection_open(tw_collection *c, const tw_option *row);
void tw_collection_release(tw_collection *c);

/* Add an item (name NULL) or a pair; false with a complaint. */
bool tw_collection_add(tw_collection *c, const char *name, const char *value, tw_complaint *why);

/* Add what stands on one line: "[a, b]" or one item, "a: 1, b: 2" with or without braces. */
bool tw_collection_read(tw_collection *c, const char *text, tw_complaint *why);

/* The canonical text, which the caller frees; NULL: out of memory. */
char *tw_collection_text(tw_collection *c);

/* --- quote.c --- */

/* Undo the quoting of a scalar, without its outer quotes; false: an unknown escape. out has [2 length + 4].
 */
bool tw_unquote(const char *raw, size_t length, bool doubled, char *out, size_t *used);

/* --- source.c --- */

/* Bytes of the UTF-8 character at text, 0 when it is malformed or not allowed in a configuration. */
size_t tw_utf8_size(const char *text, size_t left);

/* A text fit for a message: at most TW_QUOTED_LEN bytes, nothing unprintable. Returns out. */
const char *tw_quoted(const char *text, char out[TW_QUOTED_LEN]);

/* The same in new memory and up to some 1000 bytes, for the name of a file; NULL when memory ran out. */
char *tw_text_clean(const char *text);

/* Normalise line ends into a copy that the source owns; false: out of memory. */
bool tw_source_open(tw_source *source, const char *name, const char *text, size_t length);

/* Line and column, from 1, of a byte. */
void tw_source_locate(const tw_source *source, size_t offset, size_t *line, size_t *column);

/* The place of the bytes [start, end). Members are NULL when memory ran out. */
tw_place tw_source_place(const tw_source *source, size_t start, size_t end);

/* The place of a line and column, one character wide. */
tw_place tw_source_place_at(const tw_source *source, size_t line, size_t column);

/* --- check.c --- */

/* Report what makes a text no configuration before YAML is asked; false when there is nothing to parse. */
bool tw_source_check(tw_config *c, const tw_source *source);

/* --- problems.c --- */

/* Whether further problems are only counted: no need to work out their places. */
bool tw_problems_full(const tw_config *c);

/* Add a problem; hint may be NULL or "". */
void tw_problem_add(tw_config *c, const tw_place *place, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void tw_place_release(tw_place *place);

/* printf into memory; NULL when memory ran out. The caller frees it. */
char *tw_text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- config.c --- */

tw_entry *tw_config_entry(tw_config *c, const tw_option *row);

/* Check a token and make it the row's value unless a stronger origin holds; takes the place over. */
void tw_config_assign(tw_config *c, const tw_option *row, const char *token, tw_origin origin,
                      tw_place place);

/* The same for a value of several parts. */
void tw_config_assign_list(tw_config *c, const tw_option *row, tw_collection *list, tw_origin origin,
                           tw_place place);

/* Whether a bare token means "not set": empty, null or ~. */
bool tw_config_says_nothing(const char *token);

/* The required keys of a section, or this one key, need not be reported as missing. */
void tw_config_excuse(tw_config *c, const tw_option *row);

/* --- print.c --- */

/* The value of a key as the resolved copy has it; "null" when it is not set. */
void tw_config_print_value(FILE *out, const tw_config *c, const tw_option *row);

/* A text as a YAML scalar that reads back to the same; also numbers stand without quotes. */
void tw_print_name(FILE *out, const char *text);

/* --- keys.c --- */

/* Feed the keys of a source into the configuration. */
void tw_keys_read(tw_config *c, const tw_source *source);

#endif
