#include "data/survey.h"

#include "data/hdf5_file.h"
#include "thalweg/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TW_SURVEY_RANK == 8, "tw_hdf5_shape fills 8 sizes");

static const char *filter_name(H5Z_filter_t id)
{
    static const struct {
        int id;
        const char *name;
    } known[] = {{H5Z_FILTER_DEFLATE, "gzip"},
                 {H5Z_FILTER_SHUFFLE, "shuffle"},
                 {H5Z_FILTER_FLETCHER32, "fletcher32"},
                 {H5Z_FILTER_SZIP, "szip"},
                 {H5Z_FILTER_NBIT, "nbit"},
                 {H5Z_FILTER_SCALEOFFSET, "scaleoffset"},
                 {307, "bzip2"},
                 {32000, "lzf"},
                 {32001, "blosc"},
                 {32004, "lz4"},
                 {32008, "bitshuffle"},
                 {32015, "zstd"},
                 {32026, "blosc2"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].id == id) return known[i].name;
    return NULL;
}

/* "shuffle, gzip 9, lzf (not available here)". */
static void describe_filters(hid_t creation, tw_survey_entry *e)
{
    size_t at = 0;
    const int count = H5Pget_nfilters(creation);
    for (int i = 0; i < count && at < sizeof e->filters; i++) {
        unsigned flags, config, value[1] = {0};
        size_t values = 1;
        char level[16] = "", number[32];
        const H5Z_filter_t id =
            H5Pget_filter2(creation, (unsigned)i, &flags, &values, value, 0, NULL, &config);
        const char *const name = filter_name(id);
        snprintf(number, sizeof number, "filter %d", (int)id);
        if (id == H5Z_FILTER_DEFLATE) snprintf(level, sizeof level, " %u", value[0]);
        at += (size_t)snprintf(e->filters + at, sizeof e->filters - at, "%s%s%s%s", i ? ", " : "",
                               name ? name : number, level,
                               H5Zfilter_avail(id) > 0 ? "" : " (not available here)");
    }
}

static bool product(int rank, const uint64_t *sizes, uint64_t first, uint64_t *out)
{
    *out = first;
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(*out, sizes[i], out)) return false;
    return true;
}

static void describe_storage(hid_t dataset, hid_t creation, size_t element, tw_survey_entry *e)
{
    hsize_t shape[TW_SURVEY_RANK] = {0}, chunk[TW_SURVEY_RANK] = {0};
    e->rank = tw_hdf5_shape(dataset, shape);
    if (e->storage == TW_STORAGE_CHUNKED) H5Pget_chunk(creation, TW_SURVEY_RANK, chunk);
    for (int i = 0; i < e->rank; i++) {
        e->shape[i] = shape[i];
        e->chunk[i] = chunk[i];
    }
    e->stored = H5Dget_storage_size(dataset);
    if (e->rank < 0 || !product(e->rank, e->shape, element, &e->full)) e->full = 0;
    if (e->rank < 0 || !product(e->rank, e->chunk, element, &e->chunk_bytes)) e->chunk_bytes = 0;
    describe_filters(creation, e);
}

static void describe(hid_t dataset, tw_survey_entry *e)
{
    const hid_t type = H5Dget_type(dataset), creation = H5Dget_create_plist(dataset);
    const H5D_layout_t layout = H5Pget_layout(creation);
    const bool varies = H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0;
    e->type = tw_hdf5_type_name(type);
    e->rank = -1;
    e->storage = layout == H5D_VIRTUAL || H5Pget_external_count(creation) != 0 ? TW_STORAGE_ELSEWHERE
                 : layout == H5D_CHUNKED                                       ? TW_STORAGE_CHUNKED
                 : layout == H5D_COMPACT                                       ? TW_STORAGE_COMPACT
                                                                               : TW_STORAGE_CONTIGUOUS;
    if (e->storage != TW_STORAGE_ELSEWHERE) describe_storage(dataset, creation, H5Tget_size(type), e);
    if (varies) e->full = 0;
    H5Pclose(creation);
    H5Tclose(type);
}

/* ---- all of them ---- */

typedef struct {
    hid_t file;
    tw_survey *survey;
    size_t room;
} collector;

static tw_survey_entry *append(collector *c)
{
    tw_survey *const s = c->survey;
    if (s->count == c->room) {
        const size_t room = c->room ? 2 * c->room : 16;
        tw_survey_entry *const grown = realloc(s->entries, room * sizeof *grown);
        if (!grown) return NULL;
        s->entries = grown;
        c->room = room;
    }
    return memset(&s->entries[s->count], 0, sizeof *s->entries);
}

/* Visiting follows hard links only. Positive ends it: 1 enough, 2 out of memory. */
static herr_t visit(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
    (void)object;
    collector *const c = context;
    if (info->type != H5O_TYPE_DATASET) return 0;
    c->survey->more = c->survey->count == TW_SURVEY_MOST;
    if (c->survey->more) return 1;
    const hid_t dataset = H5Dopen2(c->file, name, H5P_DEFAULT);
    if (dataset < 0) return 0;
    tw_survey_entry *const e = append(c);
    const bool good = e && asprintf(&e->name, "/%s", name) >= 0;
    if (good) {
        describe(dataset, e);
        c->survey->count++;
    }
    H5Dclose(dataset);
    return good ? 0 : 2;
}

static tw_status survey_file(tw_survey *s, hid_t file, const char *path)
{
    collector c = {.file = file, .survey = s};
    const bool marked = tw_image_attribute_kind(file, "format") == TW_IMAGE_TEXT;
    const tw_status status = marked ? tw_image_get_text(file, "format", &s->format) : TW_OK;
    if (status) return tw_fail(status, "%s: %s", path, tw_status_message());
    const herr_t result = H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit, &c, H5O_INFO_BASIC);
    if (result == 2) return tw_fail(TW_MEMORY, "out of memory for the contents of %s", path);
    return result < 0 ? tw_fail(TW_DATA, "%s is damaged: HDF5 cannot list what it holds", path) : TW_OK;
}

tw_status tw_survey_read(tw_survey *s, const char *path, const char *kind)
{
    hid_t file;
    *s = (tw_survey){.sealed = kind != NULL};
    TW_TRY(kind ? tw_image_open(path, kind, &file, &s->edited) : tw_hdf5_open(path, &file));
    const tw_status status = survey_file(s, file, path);
    H5Fclose(file);
    if (status) tw_survey_release(s);
    return status;
}

void tw_survey_release(tw_survey *s)
{
    for (size_t i = 0; i < s->count; i++) free(s->entries[i].name);
    free(s->entries);
    free(s->format);
    *s = (tw_survey){0};
}

const tw_survey_entry *tw_survey_find(const tw_survey *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->entries[i].name, name) == 0) return &s->entries[i];
    return NULL;
}
