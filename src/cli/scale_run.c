#include "cli/scale.h"

tw_status tw_scale_run(int argc, char **argv)
{
    (void)argc;
    return tw_fail(TW_USAGE, "%s is not there yet", argv[0]);
}
