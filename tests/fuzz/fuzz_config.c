/* fuzz_config.c -- any bytes as a configuration: never a crash, and the resolved copy reads back to the same
 * values. */
#include "configs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return 0;
}

static void check_sentence(tw_status status)
{
    const char *const sentence = tw_status_message();
    FUZZ_REQUIRE(status == TW_OK || status == TW_CONFIG, "the verdict is %d: %s", status, sentence);
    if (status == TW_OK) return;
    FUZZ_REQUIRE(strstr(sentence, "nothing was run (exit 78)"), "the verdict does not end: %s", sentence);
    for (const char *c = sentence; *c; c++)
        FUZZ_REQUIRE((unsigned char)*c >= ' ' || *c == '\n', "a control character (%d) reached the terminal",
                     *c);
}

static void check_copy(const tw_config *c, bool accepted)
{
    tw_config copy;
    size_t length;
    char *const whole = config_text(c, &length), *const text = config_shortened(whole, &length);
    tw_config_init(&copy);
    tw_config_parse(&copy, "copy.yaml", text, length);
    const tw_status status = tw_config_verdict(&copy);
    FUZZ_REQUIRE(!accepted || status == TW_OK, "the copy is refused: %s\n%s", tw_status_message(), text);
    config_require_same(c, &copy, text);
    tw_config_release(&copy);
    free(text);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    config_input input;
    tw_config c;
    config_input_init(&input, bytes, size);
    tw_config_init(&c);
    tw_config_parse(&c, "some.yaml", input.text, input.length);
    for (size_t i = 0; i < input.n_sets; i++) tw_config_set(&c, input.sets[i]);
    const tw_status status = tw_config_verdict(&c);
    check_sentence(status);
    check_copy(&c, status == TW_OK);
    tw_config_release(&c);
    config_input_release(&input);
    return 0;
}
