/* Which format is it? Asked of the first bytes, after gzip. */
#include "data/import.h"
#include "core/output_file.h"
#include "data/byte_source.h"
#include "data/libsvm.h"
#include "data/printable.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SNIFFED_BYTES = 1 << 16 };
typedef enum { FORMAT_TEXT, FORMAT_LIBSVM, FORMAT_IDX, FORMAT_NPY, N_FORMATS } format;

static const char *const format_names[N_FORMATS] = {"CSV or TSV", "LIBSVM", "IDX", "NPY"};

static const struct {
    const char *magic, *what;
} foreign[] = {
    {"\x89HDF", "is an HDF5 file already; thalweg inspect shows what it holds"},
    {"PK\3\4", "is a zip archive; extract it first (unzip); an .npz holds NPY files"},
    {"BZh", "is compressed by bzip2; decompress it first (bunzip2)"},
    {"\xfd\x37zXZ", "is compressed by xz; decompress it first (unxz)"},
    {"\x28\xb5\x2f\xfd", "is compressed by zstd; decompress it first (unzstd)"},
    {"PAR1", "is a Parquet file; save it as HDF5 (h5py) or CSV"},
};

static format recognise(size_t size, const char *start, const tw_import_options *options)
{
    if (size >= 2 && start[0] == 0 && start[1] == 0) return FORMAT_IDX;
    if (size >= 4 && memcmp(start, "\x93NUM", 4) == 0) return FORMAT_NPY;
    return !options->separator && tw_libsvm_looks_like(size, start) ? FORMAT_LIBSVM : FORMAT_TEXT;
}

static tw_status detect(const char *path, const tw_import_options *options, char *start, format *found)
{
    size_t size = 0;
    tw_byte_source source;
    tw_status status = tw_byte_source_open(&source, path);
    if (status == TW_OK) status = tw_byte_source_read(&source, SNIFFED_BYTES, start, &size);
    tw_byte_source_release(&source);
    TW_TRY(status);
    if (size == 0) return tw_fail(TW_DATA, "%s is empty", path);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        const size_t length = strlen(foreign[i].magic);
        if (size >= length && memcmp(start, foreign[i].magic, length) == 0)
            return tw_fail(TW_DATA, "%s %s", path, foreign[i].what);
    }
    *found = recognise(size, start, options);
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
    if (o->features > TW_LIBSVM_MOST_COLUMNS)
        return tw_fail(TW_USAGE, "--features must be at most %d; it is %zu", TW_LIBSVM_MOST_COLUMNS,
                       o->features);
    if (o->typed && (unsigned)o->type >= TW_N_DTYPES)
        return tw_fail(TW_USAGE, "the type %d is unknown", (int)o->type);
    return TW_OK;
}

static const char *header_option(const tw_import_options *o)
{
    return o->header == TW_HEADER_DETECT ? NULL : o->header == TW_HEADER_YES ? "--header" : "--no-header";
}

/* The first option that only CSV has a use for. */
static const char *csv_option(const tw_import_options *o)
{
    return o->label           ? "--label"
           : o->no_label      ? "--no-label"
           : o->one_hot.count ? "--one-hot"
           : o->drop.count    ? "--drop"
           : o->weight        ? "--weight"
           : o->missing.count ? "--missing"
                              : header_option(o);
}

static const char *libsvm_option(const tw_import_options *o)
{
    return o->index_base                 ? "--index-base"
           : o->features                 ? "--features"
           : o->most_bytes == UINT64_MAX ? "--large"
                                         : NULL;
}

/* Options that the format has no use for would mislead if they were passed over. */
static tw_status check_text_options(const tw_import_options *o, const char *path, format f)
{
    const char *const given = f == FORMAT_TEXT ? libsvm_option(o) : csv_option(o);
    if (!given) return TW_OK;
    if (f == FORMAT_TEXT)
        return tw_fail(TW_USAGE,
                       "%s is for LIBSVM, and %s looks like CSV: its rows are not LABEL INDEX:VALUE ...",
                       given, path);
    return tw_fail(TW_USAGE,
                   "%s is for CSV and TSV, and %s looks like LIBSVM; if it is not, give its --separator",
                   given, path);
}

static tw_status check_array_options(const tw_import_options *o, format f)
{
    const char *given = csv_option(o);
    if (!given) given = o->typed ? "--type" : o->separator ? "--separator" : libsvm_option(o);
    return given ? tw_fail(TW_USAGE, "%s is for text files; %s files say all of it themselves", given,
                           format_names[f])
                 : TW_OK;
}

static tw_status import_as(format f, size_t n, const char *const *inputs, const char *output,
                           const tw_import_options *options, tw_import_report *report)
{
    const bool text = f == FORMAT_TEXT || f == FORMAT_LIBSVM;
    if (f == FORMAT_LIBSVM && n > 1)
        return tw_fail(TW_USAGE,
                       "convert takes one LIBSVM file at a time, and got %zu; join them first (cat)", n);
    if (!text && n > 2)
        return tw_fail(TW_USAGE, "convert takes one or two %s files, features and labels, and got %zu",
                       format_names[f], n);
    TW_TRY(text ? check_text_options(options, inputs[0], f) : check_array_options(options, f));
    switch (f) {
    case FORMAT_IDX: return tw_import_idx(n, inputs, output, options, report);
    case FORMAT_NPY: return tw_import_npy(n, inputs, output, options, report);
    case FORMAT_LIBSVM: return tw_import_libsvm(inputs[0], output, options, report);
    default: return tw_import_csv(n, inputs, output, options, report);
    }
}

static tw_status detect_all(size_t n, const char *const *inputs, const tw_import_options *options,
                            format *found)
{
    format other = FORMAT_TEXT;
    char *start = malloc(SNIFFED_BYTES);
    if (!start) return tw_fail(TW_MEMORY, "out of memory for %s", inputs[0]);
    tw_status status = detect(inputs[0], options, start, found);
    for (size_t i = 1; i < n && status == TW_OK; i++) {
        status = detect(inputs[i], options, start, &other);
        if (status == TW_OK && other != *found)
            status = tw_fail(TW_USAGE,
                             "%s and %s have different formats (%s, %s); convert CSV files together, or two "
                             "IDX or NPY files",
                             inputs[0], inputs[i], format_names[*found], format_names[other]);
    }
    free(start);
    return status;
}

tw_status tw_import(size_t n, const char *const *inputs, const char *output, const tw_import_options *options,
                    tw_import_report *report)
{
    format found = FORMAT_TEXT;
    *report = (tw_import_report){0};
    TW_TRY(check_options(options));
    if (n == 0) return tw_fail(TW_USAGE, "nothing to convert: give a CSV, TSV, LIBSVM, NPY or IDX file");
    TW_TRY(detect_all(n, inputs, options, &found));
    for (size_t i = 0; output && i < n; i++) TW_TRY(check_output(output, inputs[i]));
    if (output) TW_TRY(tw_output_file_possible(output, options->replace));
    return import_as(found, n, inputs, output, options, report);
}

void tw_import_report_release(tw_import_report *report)
{
    for (size_t c = 0; report->columns && c < report->n_columns; c++) free(report->columns[c].name);
    free(report->columns);
    *report = (tw_import_report){0};
}
