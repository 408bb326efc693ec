#include "cli/scale_picture.h"

tw_status tw_scale_picture_write(const tw_report *report, const char *prefix)
{
    (void)report;
    return tw_fail(TW_OUTPUT, "%s.svg is not drawn yet", prefix);
}
