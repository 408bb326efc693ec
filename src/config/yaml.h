/* yaml.h -- a YAML text as a stream of steps with places; what stands between yaml.c and keys.c. */
#ifndef THALWEG_CONFIG_YAML_H
#define THALWEG_CONFIG_YAML_H

#include "internal.h"

typedef enum {
    TW_YAML_END, /* of the text, or after an error; stays so */
    TW_YAML_DOCUMENT,
    TW_YAML_SCALAR,
    TW_YAML_MAPPING,
    TW_YAML_LIST,
    TW_YAML_ALIAS, /* already refused */
    TW_YAML_CLOSE, /* of a mapping or list */
    TW_YAML_DOCUMENT_END
} tw_yaml_step;

typedef struct {
    tw_config *c;
    const tw_source *source;
    tw_yaml_step step;
    size_t start, end; /* bytes of the step; of the one before when it has none */
    size_t depth;      /* open mappings and lists */
    bool too_deep;     /* already said */
    bool refused;      /* said of this very step */
    struct fy_parser *parser;
    struct fy_diag *diag;
    struct fy_event *event;
} tw_yaml;

/* A key or a value as written. */
typedef struct {
    char *text; /* owned; NULL: refused */
    bool bare;  /* without quotes */
    size_t start, end;
} tw_token;

/* Start before the first step; false: out of memory. Close in any case. */
bool tw_yaml_open(tw_yaml *y, tw_config *c, const tw_source *source);

/* Report the syntax error that ended the stream, if one did, and free all. */
void tw_yaml_close(tw_yaml *y);

/* Whether a syntax error ended the stream. */
bool tw_yaml_failed(const tw_yaml *y);

/* Go to the next step; anchors, tags, aliases and depth are refused here. */
void tw_yaml_advance(tw_yaml *y);

/* From the first step of a value to its last. */
void tw_yaml_skip(tw_yaml *y);

/* The scalar at hand; problems with its form are reported, and text is then NULL. */
tw_token tw_yaml_scalar(tw_yaml *y);

/* Whether a token says "not set". */
bool tw_yaml_nothing(const tw_token *token);

/* Add a problem about the bytes [start, end); hint may be NULL. */
void tw_yaml_report(tw_yaml *y, size_t start, size_t end, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
