/* configs.h -- what the two targets of configurations share: one input as text and overrides, and equality.
 */
#ifndef THALWEG_FUZZ_CONFIGS_H
#define THALWEG_FUZZ_CONFIGS_H

#include "fuzz.h"

#include "thalweg/config.h"

enum { CONFIG_MOST_SETS = 32 };

/** An input: the file, and after its first zero byte one override a line. */
typedef struct {
    char *text;
    size_t length;
    char *sets[CONFIG_MOST_SETS]; /* two are kept free for the target */
    size_t n_sets;
} config_input;

void config_input_init(config_input *input, const uint8_t *bytes, size_t size);
void config_input_release(config_input *input);

/** The resolved copy; to be freed. */
char *config_text(const tw_config *config, size_t *length);

/** Without the sections that hold nothing but defaults: ten times as fast to read; to be freed. */
char *config_shortened(const char *text, size_t *length);

/** Every key of the table has the same value in both, or this is a finding. */
void config_require_same(const tw_config *a, const tw_config *b, const char *text);

#endif
