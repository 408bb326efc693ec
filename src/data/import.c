/* Which format is it? Asked of the first bytes, after gzip. */
#include "data/import.h"
#include "core/output_file.h"
#include "data/byte_source.h"
#include "data/printable.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum { FORMAT_TEXT, FORMAT_IDX } format;

static const struct {
    const char *magic, *what;
} foreign[] = {
    {"\x89HDF", "is an HDF5 file already; thalweg inspect shows what it holds"},
    {"\x93NUM", "is a NumPy file, which this version cannot convert; save it as HDF5 (h5py) or CSV"},
    {"PK\3\4", "is a zip archive; extract it first (unzip)"},
    {"BZh", "is compressed by bzip2; decompress it first (bunzip2)"},
    {"\xfd\x37zXZ", "is compressed by xz; decompress it first (unxz)"},
    {"\x28\xb5\x2f\xfd", "is compressed by zstd; decompress it first (unzstd)"},
    {"PAR1", "is a Parquet file; save it as HDF5 (h5py) or CSV"},
};

static tw_status detect(const char *path, format *found)
{
    unsigned char start[8] = {0};
    size_t size = 0;
    tw_byte_source source;
    tw_status status = tw_byte_source_open(&source, path);
    if (status == TW_OK) status = tw_byte_source_read(&source, sizeof start, start, &size);
    tw_byte_source_release(&source);
    TW_TRY(status);
    if (size == 0) return tw_fail(TW_DATA, "%s is empty", path);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        const size_t length = strlen(foreign[i].magic);
        if (size >= length && memcmp(start, foreign[i].magic, length) == 0)
            return tw_fail(TW_DATA, "%s %s", path, foreign[i].what);
    }
    *found = size >= 2 && start[0] == 0 && start[1] == 0 ? FORMAT_IDX : FORMAT_TEXT;
    return TW_OK;
}

/* An output that is one of the inputs would replace what it is made from. */
static tw_status check_output(const char *output, const char *input)
{
    struct stat a, b;
    if (stat(output, &a) == 0 && stat(input, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return tw_fail(TW_USAGE, "the output %s is the input itself; choose another name", output);
    return TW_OK;
}

/* Characters that numbers, quotes and lines are made of cannot separate them. */
static bool separates(char c)
{
    return c >= ' ' && c < 0x7f ? !isalnum((unsigned char)c) && !strchr(".+-\"", c) : c == '\t';
}

static tw_status check_options(const tw_import_options *o)
{
    if (o->separator && !separates(o->separator))
        return tw_fail(TW_USAGE,
                       "%s cannot separate cells: it is a letter, digit, sign, point, quote or control",
                       tw_printable_quote(1, &o->separator).text);
    if (o->label && o->no_label) return tw_fail(TW_USAGE, "--label and --no-label exclude each other");
    if (o->gzip < 0 || o->gzip > 9) return tw_fail(TW_USAGE, "--gzip must be from 1 to 9; it is %d", o->gzip);
    if (o->typed && (unsigned)o->type >= TW_N_DTYPES)
        return tw_fail(TW_USAGE, "the type %d is unknown", (int)o->type);
    return TW_OK;
}

static tw_status check_idx_options(const tw_import_options *o)
{
    const char *const given = o->label                        ? "--label"
                              : o->no_label                   ? "--no-label"
                              : o->typed                      ? "--type"
                              : o->separator                  ? "--separator"
                              : o->header == TW_HEADER_DETECT ? NULL
                              : o->header == TW_HEADER_YES    ? "--header"
                                                              : "--no-header";
    return given ? tw_fail(TW_USAGE, "%s is for text files; IDX files say all of it themselves", given)
                 : TW_OK;
}

static tw_status import_text(size_t n, const char *const *inputs, const char *output,
                             const tw_import_options *options, tw_import_report *report)
{
    if (n > 1)
        return tw_fail(TW_USAGE,
                       "convert takes one text file at a time, and got %zu; join them first, with one header",
                       n);
    return tw_import_csv(inputs[0], output, options, report);
}

tw_status tw_import(size_t n, const char *const *inputs, const char *output, const tw_import_options *options,
                    tw_import_report *report)
{
    format first = FORMAT_TEXT, other = FORMAT_TEXT;
    *report = (tw_import_report){0};
    TW_TRY(check_options(options));
    if (n == 0) return tw_fail(TW_USAGE, "nothing to convert: give a CSV, TSV or IDX file");
    for (size_t i = 0; i < n; i++) {
        TW_TRY(detect(inputs[i], i == 0 ? &first : &other));
        if (i > 0 && other != first)
            return tw_fail(TW_USAGE, "%s and %s have different formats; convert one file, or two IDX files",
                           inputs[0], inputs[i]);
        if (output) TW_TRY(check_output(output, inputs[i]));
    }
    if (output) TW_TRY(tw_output_file_possible(output, options->replace));
    if (first == FORMAT_TEXT) return import_text(n, inputs, output, options, report);
    if (n > 2)
        return tw_fail(TW_USAGE, "convert takes one or two IDX files, features and labels, and got %zu", n);
    TW_TRY(check_idx_options(options));
    return tw_import_idx(n, inputs, output, options, report);
}

void tw_import_report_release(tw_import_report *report)
{
    for (size_t c = 0; report->columns && c < report->n_columns; c++) free(report->columns[c].name);
    free(report->columns);
    *report = (tw_import_report){0};
}
