/* The further data sets of a model, read only by those who ask: a path, and what the validation rows gave. */
#include "thalweg/image.h"
#include "train/model_file_impl.h"

#include <stdlib.h>

static const char *const names[] = {"/history/validation_loss",
                                    "/history/validation_accuracy",
                                    "/path/l1",
                                    "/path/l2",
                                    "/path/loss",
                                    "/path/mean_loss",
                                    "/path/cv_mean",
                                    "/path/cv_error",
                                    "/path/validation_loss",
                                    "/path/fold_loss",
                                    "/path/intercept_",
                                    "/path/coef_",
                                    "/path/intercept_scaled_",
                                    "/path/coef_scaled_"};

static tw_status read_array(tw_model_file *f, hid_t file, const char *name)
{
    size_t shape[2];
    void *values;
    if (!tw_image_has(file, name)) return TW_OK;
    TW_TRY(tw_image_get(file, name, TW_IMAGE_F64, shape, &values));
    const tw_status status = tw_model_file_add_array(f, name, shape[0], shape[1], values);
    free(values);
    return status;
}

tw_status tw_model_file_read_arrays(tw_model_file *f, const char *path)
{
    hid_t file;
    bool edited;
    tw_status status = TW_OK;
    TW_TRY(tw_image_open(path, TW_MODEL_FILE_KIND, &file, &edited));
    for (size_t i = 0; i < sizeof names / sizeof *names && status == TW_OK; i++)
        status = read_array(f, file, names[i]);
    H5Fclose(file);
    return status == TW_OK ? TW_OK : tw_fail(status, "cannot use %s: %s", path, tw_status_message());
}
