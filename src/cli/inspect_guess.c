/* What a file that is none of ours may be, by its first bytes, and what to do with it. */
#include "cli/inspect.h"
#include "data/printable.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

typedef struct {
    const char *magic;
    size_t length;
    const char *what, *advice;
} signature;

#define MAGIC(bytes) (bytes), sizeof(bytes) - 1

static const signature signatures[] = {
    {MAGIC("\x1f\x8b"), "gzip-compressed",
     "`thalweg convert FILE -o OUT.h5` reads CSV, LIBSVM, NPY and IDX compressed like this"},
    {MAGIC("\x93NUMPY"), "a NumPy array", "`thalweg convert X.npy y.npy -o OUT.h5` makes a data set"},
    {MAGIC("PK\x03\x04"), "a ZIP archive (npz, xlsx, ...)", "unpack it, or write its arrays with h5py"},
    {MAGIC("PAR1"), "a Parquet file", "export it as CSV for `thalweg convert`"},
    {MAGIC("ARROW1"), "an Arrow file", "export it as CSV for `thalweg convert`"},
    {MAGIC("SQLite format 3"), "an SQLite database", "export a table as CSV for `thalweg convert`"},
    {MAGIC("CDF\x01"), "a NetCDF 3 file", "convert it: nccopy -k nc4 OLD NEW, which is HDF5"},
    {MAGIC("CDF\x02"), "a NetCDF 3 file", "convert it: nccopy -k nc4 OLD NEW, which is HDF5"},
    {MAGIC("\x0e\x03\x13\x01"), "an HDF4 file", "convert it: h4toh5 OLD NEW"},
    {MAGIC("MATLAB 5.0"), "a MATLAB 5 file", "save it with -v7.3, which is HDF5"},
    {MAGIC("BZh"), "bzip2-compressed", "decompress it: bunzip2 FILE"},
    {MAGIC("\xfd"
           "7zXZ"),
     "xz-compressed", "decompress it: unxz FILE"},
    {MAGIC("\x28\xb5\x2f\xfd"), "zstd-compressed", "decompress it: unzstd FILE"},
    {MAGIC("\x80\x04\x95"), "a Python pickle", "write its arrays with h5py"},
    {MAGIC("\x89PNG"), "a PNG picture", "inspect looks at data, models and run folders"},
    {MAGIC("%PDF"), "a PDF document", "inspect looks at data, models and run folders"},
    {MAGIC("\x7f"
           "ELF"),
     "a program", "inspect looks at data, models and run folders"},
    {MAGIC("version https://git-lfs"), "a Git LFS pointer, not the file itself", "fetch it: git lfs pull"},
};

static tw_status looks_like(const char *path, const char *what, const char *advice)
{
    return tw_fail(TW_DATA, "%s is not an HDF5 file; it looks like %s: %s", path, what, advice);
}

/* Two zeros, a type from 8 to 14, the number of dimensions (LeCun, Cortes and Burges, MNIST). */
static bool is_idx(size_t size, const unsigned char *head)
{
    return size >= 8 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 && head[2] != 10 &&
           head[3] >= 1 && head[3] <= 4;
}

/* A character may be cut at the end of the piece. */
static bool is_text(size_t size, const char *head)
{
    if (memchr(head, 0, size)) return false;
    for (size_t cut = 0; cut < 4 && cut < size; cut++)
        if (tw_utf8_valid(size - cut, head)) return true;
    return false;
}

static bool has_extension(const char *path, const char *extension)
{
    const size_t length = strlen(path), wanted = strlen(extension);
    return length > wanted && strcasecmp(path + length - wanted, extension) == 0;
}

/* The first line that is neither empty nor a comment. */
static const char *first_line(const char *text)
{
    while (*text) {
        const char *const begin = text + strspn(text, " \t\r\n");
        if (*begin != '#') return begin;
        text = begin + strcspn(begin, "\n");
    }
    return text;
}

/* "key:" at the begin, followed by a blank or the end of the line. */
static bool is_yaml(const char *line)
{
    size_t i = 0;
    while (isalnum((unsigned char)line[i]) || line[i] == '_' || line[i] == '-' || line[i] == '.') i++;
    return strncmp(line, "---", 3) == 0 || (i > 0 && line[i] == ':' && strchr(" \r\n", line[i + 1]));
}

/* "1 3:0.5 7:2": a label, then index:value. */
static bool is_libsvm(const char *line)
{
    size_t i = strspn(line, "+-.0123456789eE");
    if (i == 0 || line[i] != ' ') return false;
    i += strspn(line + i, " ");
    const size_t digits = strspn(line + i, "0123456789");
    return digits > 0 && line[i + digits] == ':';
}

static tw_status guess_text(const char *path, const char *text)
{
    const char *const line = first_line(text);
    const char *const separator = strpbrk(line, ",;\t\n");
    if (has_extension(path, ".yaml") || has_extension(path, ".yml") || is_yaml(line))
        return looks_like(path, "a configuration in YAML", "`thalweg check FILE` validates one");
    if (*line == '{' || *line == '[')
        return looks_like(path, "JSON", "of a run, name the folder: `thalweg inspect RUN_DIR`");
    if (*line == '<')
        return looks_like(path, "a web page or XML", "was a download page saved instead of the file?");
    if (is_libsvm(line))
        return looks_like(path, "LIBSVM text", "`thalweg convert FILE -o OUT.h5` makes a data set of it");
    if (has_extension(path, ".csv") || (separator && *separator != '\n'))
        return looks_like(path, "CSV text", "`thalweg convert FILE -o OUT.h5` makes a data set of it");
    return looks_like(path, "text", "inspect looks at HDF5 data, models and run folders");
}

tw_status tw_inspect_guess(const char *path, size_t size, const char *head)
{
    if (size == 0) return tw_fail(TW_DATA, "%s is empty", path);
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (size >= signatures[i].length && memcmp(head, signatures[i].magic, signatures[i].length) == 0)
            return looks_like(path, signatures[i].what, signatures[i].advice);
    if (is_idx(size, (const unsigned char *)head))
        return looks_like(path, "IDX, the format of MNIST",
                          "`thalweg convert IMAGES LABELS -o OUT.h5` makes a data set");
    if (is_text(size, head)) return guess_text(path, head);
    return tw_fail(TW_DATA, "%s is not an HDF5 file, nor anything else that is known here", path);
}
