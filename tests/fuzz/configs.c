/* configs.c -- one input as a file and overrides, and whether two configurations are the same. */
#include "configs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_input_init(config_input *input, const uint8_t *bytes, size_t size)
{
    fuzz_bytes left = {bytes, size};
    size_t length;
    *input = (config_input){0};
    input->text = fuzz_take_until(&left, '\0', &input->length);
    while (left.left > 0 && input->n_sets < CONFIG_MOST_SETS - 2)
        input->sets[input->n_sets++] = fuzz_take_until(&left, '\n', &length);
}

void config_input_release(config_input *input)
{
    free(input->text);
    for (size_t i = 0; i < input->n_sets; i++) free(input->sets[i]);
}

char *config_text(const tw_config *config, size_t *length)
{
    char *text = NULL;
    FILE *const out = open_memstream(&text, length);
    FUZZ_REQUIRE(out && tw_config_write(config, out) == TW_OK && fclose(out) == 0, "the copy is not written");
    return text;
}

/* Where the block at text ends: a line without indentation, and the indented ones below it. */
static const char *block_end(const char *text)
{
    do {
        const char *const newline = strchr(text, '\n');
        text = newline ? newline + 1 : text + strlen(text);
    } while (*text == ' ');
    return text;
}

char *config_shortened(const char *text, size_t *length)
{
    static char *usual;
    if (!usual) {
        tw_config defaults;
        tw_config_init(&defaults);
        usual = config_text(&defaults, length);
        tw_config_release(&defaults);
    }
    char *const shorter = calloc(strlen(text) + 1, 1);
    FUZZ_REQUIRE(shorter, "out of memory");
    *length = 0;
    for (const char *at = text, *other = usual, *end, *other_end; *at; at = end, other = other_end) {
        end = block_end(at);
        other_end = block_end(other);
        const size_t size = (size_t)(end - at);
        if (size == (size_t)(other_end - other) && memcmp(at, other, size) == 0) continue;
        memcpy(shorter + *length, at, size);
        *length += size;
    }
    return shorter;
}

static bool same_real(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static bool same(const tw_config *a, const tw_config *b, const tw_option *row)
{
    const char *const x = (const char *)a + row->offset, *const y = (const char *)b + row->offset;
    double u, v;
    const char *s, *t;
    switch (row->type) {
    case TW_OPTION_SECTION: return true;
    case TW_OPTION_INTEGER: return memcmp(x, y, sizeof(int64_t)) == 0;
    case TW_OPTION_BOOLEAN: return memcmp(x, y, sizeof(bool)) == 0;
    case TW_OPTION_CHOICE: return memcmp(x, y, sizeof(int)) == 0;
    case TW_OPTION_REAL:
    case TW_OPTION_INTERVAL:
    case TW_OPTION_DURATION:
        memcpy(&u, x, sizeof u);
        memcpy(&v, y, sizeof v);
        return same_real(u, v);
    case TW_OPTION_LIST:
    case TW_OPTION_MAP:
    case TW_OPTION_WORD:
    case TW_OPTION_TEXT:
    case TW_OPTION_PATH:
        memcpy(&s, x, sizeof s);
        memcpy(&t, y, sizeof t);
        return s && t ? strcmp(s, t) == 0 : s == t;
    }
    return false;
}

void config_require_same(const tw_config *a, const tw_config *b, const char *text)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++)
        FUZZ_REQUIRE(same(a, b, &options[i]), "%s is not what it was in\n%s", options[i].key, text);
}
