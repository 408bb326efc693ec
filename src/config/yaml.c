/* yaml.c -- libfyaml's events as steps with places. The only file of the project that knows libfyaml.
 *
 * Events rather than documents: no alias is ever followed, nothing is kept in memory, duplicates are ours to
 * report, and what stands before a syntax error is still read. Plain values are cut from the text itself, so
 * that nothing resolves them, and quote.c undoes quotes. Its own messages are collected, never
 * printed. */
#include "yaml.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 3, HOPELESS = 64 };

void tw_yaml_report(tw_yaml *y, size_t start, size_t end, const char *hint, const char *format, ...)
{
    tw_place place = {.label = NULL};
    char *message = NULL;
    if (!tw_problems_full(y->c)) {
        va_list args;
        va_start(args, format);
        if (vasprintf(&message, format, args) < 0) message = NULL;
        va_end(args);
        place = tw_source_place(y->source, start, end);
        if (message == NULL || place.label == NULL) y->c->record->out_of_memory = true;
    }
    tw_problem_add(y->c, &place, hint, "%s", message ? message : "");
    tw_place_release(&place);
    free(message);
}

static void silent(struct fy_diag *diag, void *user, const char *text, size_t length)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)length;
}

bool tw_yaml_open(tw_yaml *y, tw_config *c, const tw_source *source)
{
    *y = (tw_yaml){.c = c, .source = source, .step = TW_YAML_DOCUMENT};
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.output_fn = silent;
    quiet.level = FYET_ERROR;
    quiet.colorize = false;
    y->diag = fy_diag_create(&quiet);
    if (y->diag == NULL) return false;
    fy_diag_set_collect_errors(y->diag, true);
    const struct fy_parse_cfg settings = {
        .search_path = "", .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2, .diag = y->diag};
    y->parser = fy_parser_create(&settings);
    return y->parser && fy_parser_set_string(y->parser, source->text, source->length) == 0;
}

/* libfyaml's reasons in the words of someone who writes a configuration. */
static const char *advice(const char *reason)
{
    static const struct {
        const char *part, *advice;
    } known[] = {
        {"multiline plain key", "is a ':' missing after the key?"},
        {"invalid indentation", "the keys of a section start in the same column"},
        {"nested block mapping", "a value with ': ' in it needs quotes"},
        {"without closing quote", "the closing quote is missing"},
        {"cannot start with", "quote the value"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(reason, known[i].part)) return known[i].advice;
    return NULL;
}

static void report_syntax(tw_yaml *y)
{
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(y->diag, &iterator);
    while (error && error->type != FYET_ERROR) error = fy_diag_errors_iterate(y->diag, &iterator);
    tw_place place;
    if (error && error->line > 0 && error->column > 0)
        place = tw_source_place_at(y->source, (size_t)error->line, (size_t)error->column);
    else
        place = tw_source_place(y->source, y->start, y->end);
    if (place.label == NULL) y->c->record->out_of_memory = true;
    const char *reason = error && error->msg ? error->msg : "it cannot be read from here on";
    tw_problem_add(y->c, &place, advice(reason), "broken YAML: %s", reason);
    tw_place_release(&place);
}

void tw_yaml_close(tw_yaml *y)
{
    if (y->event) fy_parser_event_free(y->parser, y->event);
    if (y->parser && tw_yaml_failed(y)) {
        if (!y->c->record->broken) report_syntax(y);
        y->c->record->broken = true;
    }
    if (y->parser) fy_parser_destroy(y->parser);
    if (y->diag) fy_diag_destroy(y->diag);
    *y = (tw_yaml){.step = TW_YAML_END};
}

bool tw_yaml_failed(const tw_yaml *y)
{
    return y->parser == NULL || fy_parser_get_stream_error(y->parser);
}

static bool position(const tw_yaml *y, struct fy_token *t, size_t *start, size_t *end)
{
    const struct fy_mark *from = t ? fy_token_start_mark(t) : NULL, *to = t ? fy_token_end_mark(t) : NULL;
    if (from == NULL || to == NULL) return false;
    if (from->input_pos > to->input_pos || to->input_pos > y->source->length) return false;
    *start = from->input_pos;
    *end = to->input_pos;
    return true;
}

static void refuse_indicator(tw_yaml *y, struct fy_token *t, const char *what)
{
    size_t start, end;
    if (!position(y, t, &start, &end)) return;
    while (start > 0 && strchr(" \n\t,[]{}", y->source->text[start - 1]) == NULL) start--; /* over & * !! */
    tw_yaml_report(y, start, end, NULL, "%s are not accepted; write the value itself", what);
}

static void refuse_indicators(tw_yaml *y)
{
    refuse_indicator(y, fy_event_get_anchor_token(y->event), "anchors (&)");
    refuse_indicator(y, fy_event_get_tag_token(y->event), "tags (!)");
    if (y->step == TW_YAML_ALIAS) refuse_indicator(y, fy_event_get_token(y->event), "aliases (*)");
}

static tw_yaml_step classify(const struct fy_event *event)
{
    switch (event->type) {
    case FYET_STREAM_START:
    case FYET_DOCUMENT_START: return TW_YAML_DOCUMENT;
    case FYET_DOCUMENT_END: return TW_YAML_DOCUMENT_END;
    case FYET_MAPPING_START: return TW_YAML_MAPPING;
    case FYET_SEQUENCE_START: return TW_YAML_LIST;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END: return TW_YAML_CLOSE;
    case FYET_SCALAR: return TW_YAML_SCALAR;
    case FYET_ALIAS: return TW_YAML_ALIAS;
    default: return TW_YAML_END;
    }
}

void tw_yaml_advance(tw_yaml *y)
{
    if (y->step == TW_YAML_END) return;
    if (y->event) fy_parser_event_free(y->parser, y->event);
    y->refused = false;
    y->event = fy_parser_parse(y->parser);
    y->step = y->event ? classify(y->event) : TW_YAML_END;
    if (y->event == NULL) return;
    if (y->step == TW_YAML_CLOSE) y->depth--;
    if (y->step == TW_YAML_MAPPING || y->step == TW_YAML_LIST) y->depth++;
    position(y, fy_event_get_token(y->event), &y->start, &y->end);
    refuse_indicators(y);
    if (y->depth > HOPELESS) {
        y->c->record->broken = true;
        y->step = TW_YAML_END;
    }
    if (y->depth <= DEEPEST || y->too_deep) return;
    tw_yaml_report(y, y->start, y->end, NULL,
                   "nested deeper than %d levels; sections hold keys, keys hold one value", DEEPEST);
    y->too_deep = y->refused = true;
}

void tw_yaml_skip(tw_yaml *y)
{
    if (y->step != TW_YAML_MAPPING && y->step != TW_YAML_LIST) return;
    for (const size_t outer = y->depth - 1; y->step != TW_YAML_END && y->depth > outer;) tw_yaml_advance(y);
}

static bool indicates_block(char c)
{
    return c == '|' || c == '>';
}

/* Refuse a scalar that does not stand on one line. */
static bool several_lines(tw_yaml *y, tw_token *s, enum fy_scalar_style style)
{
    const char *text = y->source->text;
    const bool block = style == FYSS_LITERAL || style == FYSS_FOLDED;
    if (!block && memchr(text + s->start, '\n', s->end - s->start) == NULL) return false;
    while (block && s->start > 0 && !indicates_block(text[s->start])) s->start--;
    if (block) s->end = s->start + 1;
    tw_yaml_report(y, s->start, s->end, NULL, "text of several lines; a value stands on one line");
    return true;
}

tw_token tw_yaml_scalar(tw_yaml *y)
{
    tw_token s = {.bare = true, .start = y->start, .end = y->end};
    struct fy_token *t = fy_event_get_token(y->event);
    if (t == NULL) s.end = s.start; /* nothing after the colon */
    const enum fy_scalar_style style = t ? fy_scalar_token_get_style(t) : FYSS_PLAIN;
    if (several_lines(y, &s, style)) return s;
    const char *raw = y->source->text + s.start;
    size_t length = s.end - s.start, used = length;
    char *text = malloc(2 * length + 4);
    s.bare = style == FYSS_PLAIN;
    if (text == NULL) {
        y->c->record->out_of_memory = true;
        return s;
    }
    if (s.bare) memcpy(text, raw, length);
    const bool good = s.bare || tw_unquote(raw, length, style == FYSS_DOUBLE_QUOTED, text, &used);
    if (!s.bare && s.start > 0) s.start--; /* the quotes are part of the place */
    if (!s.bare) s.end++;
    text[used] = '\0';
    if (good && memchr(text, '\0', used) == NULL) {
        s.text = text;
        return s;
    }
    tw_yaml_report(y, s.start, s.end, NULL,
                   good ? "a zero byte in a text" : "an unknown escape after a backslash");
    free(text);
    return s;
}

bool tw_yaml_nothing(const tw_token *token)
{
    if (token->text == NULL) return false;
    return token->bare ? tw_config_says_nothing(token->text) : token->text[0] == '\0';
}
