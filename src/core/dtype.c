#include "thalweg/dtype.h"

size_t tw_dtype_size(tw_dtype type)
{
    static const size_t size[] = {
#define X(name, bytes) bytes,
        TW_DTYPES(X)
#undef X
    };
    return size[type];
}

const char *tw_dtype_name(tw_dtype type)
{
    static const char *const name[] = {
#define X(name, bytes) #name,
        TW_DTYPES(X)
#undef X
    };
    return name[type];
}
