/* fuzz_check.c -- any bytes as a configuration of a run, as far as `thalweg check` goes: methods resolved,
 * data looked into, the plan printed. What is accepted is accepted again as its resolved copy, with the same
 * values.
 */
#include "configs.h"

#include "thalweg/dataset_file.h"
#include "thalweg/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tw_comm *comm;
static char train[128];

/* Ten rows of three features and a label of two classes. */
static tw_status write_data(void)
{
    const tw_dataset_layout layout = {
        .rows = 10, .cols = 3, .x_type = TW_u8, .y_type = TW_LABEL_i64, .replace = true};
    uint8_t x[30];
    int64_t y[10];
    tw_dataset_writer *writer;
    for (int i = 0; i < 30; i++) x[i] = (uint8_t)(i * i % 11);
    for (int i = 0; i < 10; i++) y[i] = i % 2;
    TW_TRY(tw_dataset_writer_new(train, &layout, &writer));
    tw_status status = tw_dataset_writer_append(writer, 10, x, y);
    if (status == TW_OK) status = tw_dataset_writer_commit(writer, NULL);
    tw_dataset_writer_free(writer);
    return status;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_silence();
    fuzz_start_hdf5();
    snprintf(train, sizeof train, "%s/train.h5", fuzz_folder());
    FUZZ_REQUIRE(write_data() == TW_OK && tw_comm_local(&comm) == TW_OK, "%s", tw_status_message());
    return 0;
}

static void check_copy(const tw_run *run)
{
    static fuzz_file file;
    tw_run again;
    size_t length;
    char *const text = config_text(&run->config, &length);
    tw_run_init(&again, comm);
    const tw_status status = tw_run_configure(&again, fuzz_file_fill(&file, text, length), 0, NULL, NULL);
    FUZZ_REQUIRE(status == TW_OK, "the copy is refused: %s\n%s", tw_status_message(), text);
    config_require_same(&run->config, &again.config, text);
    tw_run_release(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static fuzz_file file;
    char data[160];
    config_input input;
    tw_run run;
    config_input_init(&input, bytes, size);
    snprintf(data, sizeof data, "data.train=%s", train);
    input.sets[input.n_sets] = data; /* not owned, so not counted */
    tw_run_init(&run, comm);
    const char *const path = fuzz_file_fill(&file, input.text, input.length);
    tw_status status = tw_run_configure(&run, path, input.n_sets + 1, input.sets, NULL);
    if (status == TW_OK) {
        status = tw_run_outline(&run);
        FUZZ_REQUIRE(status == TW_OK || status == TW_CONFIG || status == TW_MEMORY, "%s",
                     tw_status_message());
        check_copy(&run);
    }
    tw_run_release(&run);
    config_input_release(&input);
    return 0;
}
