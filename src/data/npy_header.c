/* The header of an NPY file, taken literally: a dictionary of the three known keys and nothing else. */
#include "data/npy.h"
#include "data/printable.h"

#include <stdlib.h>
#include <string.h>

/* Deflate at its best makes 1032 bytes of one. */
enum { MOST_INFLATION = 1100, MAGIC_SIZE = 8 };

/* The text of a header; a zero follows it. */
typedef struct {
    const char *path, *text, *at;
    size_t size;
    tw_npy_header *out;
    bool has_descr, has_order, has_shape;
} reader;

static const char again[] = "save the array again with numpy.save";

static tw_status syntax(const reader *r, const char *expected)
{
    const size_t at = (size_t)(r->at - r->text), left = r->size - at;
    return tw_fail(TW_DATA, "%s: byte %zu of its NumPy header should be %s, but there stands %s; %s", r->path,
                   at, expected, left ? tw_printable_quote(left < 40 ? left : 40, r->at).text : "nothing",
                   again);
}

static void skip_blanks(reader *r)
{
    r->at += strspn(r->at, " \t\n");
}

static bool take(reader *r, char c)
{
    skip_blanks(r);
    if (*r->at != c) return false;
    r->at++;
    return true;
}

/* A string without escapes: NumPy writes no others for arrays of numbers. */
static tw_status take_string(reader *r, const char **text, size_t *size)
{
    skip_blanks(r);
    const char quote = *r->at;
    if (quote != '\'' && quote != '"') return syntax(r, "a string");
    *text = r->at + 1;
    *size = strcspn(*text, quote == '"' ? "\"\\\n" : "'\\\n");
    if ((*text)[*size] != quote) return syntax(r, "a string that ends");
    r->at = *text + *size + 1;
    return TW_OK;
}

static tw_status wrong_type(const reader *r, size_t size, const char *descr)
{
    const char *const code = descr + (size > 0 && strchr("<>=|", descr[0]) != NULL);
    const char *what = "are of a type that is unknown here";
    switch (code < descr + size ? *code : 0) {
    case 'O': what = "are Python objects"; break;
    case 'U':
    case 'S':
    case 'a': what = "are strings"; break;
    case 'V': what = "are raw bytes or records"; break;
    case 'c': what = "are complex numbers"; break;
    case 'M':
    case 'm': what = "are times"; break;
    case 'f': what = "are floats of a width or byte order that is unknown here"; break;
    default: break;
    }
    return tw_fail(
        TW_DATA,
        "%s: its values %s (%s); save numbers: features as a.astype(\"float64\"), labels as the codes "
        "of numpy.unique(y, return_inverse=True)",
        r->path, what, tw_printable_quote(size, descr).text);
}

static bool known_type(char kind, char width)
{
    static const char *const known[] = {"b1", "i1", "i2", "i4", "i8", "u1",
                                        "u2", "u4", "u8", "f2", "f4", "f8"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i][0] == kind && known[i][1] == width) return true;
    return false;
}

static tw_status take_descr(reader *r)
{
    const char *text;
    size_t size;
    skip_blanks(r);
    if (*r->at == '[' || *r->at == '(' || *r->at == '{')
        return tw_fail(
            TW_DATA,
            "%s: its values are records of several fields; save the fields as the columns of one array "
            "of numbers (numpy.lib.recfunctions.structured_to_unstructured)",
            r->path);
    TW_TRY(take_string(r, &text, &size));
    const bool order = size == 3 && (strchr("<>", text[0]) || (text[0] == '|' && text[2] == '1'));
    if (!order || !known_type(text[1], text[2])) return wrong_type(r, size, text);
    memcpy(r->out->descr, text, size);
    r->out->kind = text[1];
    r->out->size = (unsigned char)(text[2] - '0');
    r->out->swapped = r->out->size > 1 && (text[0] == '<') != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    return TW_OK;
}

static tw_status take_order(reader *r)
{
    skip_blanks(r);
    r->out->fortran = strncmp(r->at, "True", 4) == 0;
    if (!r->out->fortran && strncmp(r->at, "False", 5) != 0) return syntax(r, "True or False");
    r->at += r->out->fortran ? 4 : 5;
    return TW_OK;
}

static tw_status overflow(const reader *r)
{
    return tw_fail(TW_DATA, "%s claims an impossible size: its dimensions overflow; %s", r->path, again);
}

/* Python 2 wrote 3L. */
static tw_status take_size(reader *r, size_t *size)
{
    skip_blanks(r);
    if (*r->at == '-') return tw_fail(TW_DATA, "%s has a negative dimension; %s", r->path, again);
    if (*r->at < '0' || *r->at > '9') return syntax(r, "a dimension");
    bool large = false;
    for (*size = 0; *r->at >= '0' && *r->at <= '9'; r->at++)
        large |= __builtin_mul_overflow(*size, (size_t)10, size) ||
                 __builtin_add_overflow(*size, (size_t)(*r->at - '0'), size);
    if (*r->at == 'L') r->at++;
    return large ? overflow(r) : TW_OK;
}

static tw_status take_shape(reader *r)
{
    tw_npy_header *h = r->out;
    bool comma = true, large = false;
    size_t size = 0;
    h->cols = 1;
    if (!take(r, '(')) return syntax(r, "the tuple of dimensions");
    while (!take(r, ')')) {
        if (!comma) return syntax(r, "a comma or the end of the dimensions");
        if (h->dimensions == TW_NPY_MOST_DIMENSIONS)
            return tw_fail(TW_DATA, "%s has more than %d dimensions; NumPy itself has no more", r->path,
                           TW_NPY_MOST_DIMENSIONS);
        TW_TRY(take_size(r, &size));
        if (h->dimensions++ == 0)
            h->rows = size;
        else
            large |= __builtin_mul_overflow(h->cols, size, &h->cols);
        comma = take(r, ',');
    }
    if (h->dimensions == 1 && !comma) return syntax(r, "a comma behind the only dimension");
    return large ? overflow(r) : TW_OK;
}

static tw_status take_entry(reader *r)
{
    const char *key;
    size_t size;
    TW_TRY(take_string(r, &key, &size));
    const bool descr = size == 5 && memcmp(key, "descr", 5) == 0;
    const bool order = size == 13 && memcmp(key, "fortran_order", 13) == 0;
    const bool shape = size == 5 && memcmp(key, "shape", 5) == 0;
    bool *const seen = descr ? &r->has_descr : order ? &r->has_order : &r->has_shape;
    if ((!descr && !order && !shape) || *seen) {
        r->at = key - 1;
        return syntax(r, "one of the keys descr, fortran_order and shape, each once");
    }
    *seen = true;
    if (!take(r, ':')) return syntax(r, "a colon");
    return descr ? take_descr(r) : order ? take_order(r) : take_shape(r);
}

static tw_status take_dictionary(reader *r)
{
    if (!take(r, '{')) return syntax(r, "the dictionary that describes the array");
    while (!take(r, '}')) {
        TW_TRY(take_entry(r));
        if (take(r, ',')) continue;
        if (!take(r, '}')) return syntax(r, "a comma or the end of the dictionary");
        break;
    }
    skip_blanks(r);
    if (r->at != r->text + r->size) return syntax(r, "its end");
    if (r->has_descr && r->has_order && r->has_shape) return TW_OK;
    return tw_fail(TW_DATA, "%s: its NumPy header has no %s; %s", r->path,
                   !r->has_descr   ? "descr"
                   : !r->has_order ? "fortran_order"
                                   : "shape",
                   again);
}

static tw_status cut(const char *path, const char *where)
{
    return tw_fail(TW_DATA, "%s is truncated: it ends %s; copy or save it again", path, where);
}

/* Before anything is allocated: do the sizes that the header claims agree with those of the file? */
static tw_status check_size(const tw_byte_source *s, const tw_npy_header *h)
{
    const uint64_t claimed = h->begin + h->bytes;
    if (!s->gzip && claimed < s->size)
        return tw_fail(TW_DATA,
                       "%s has %llu bytes after its last value; one array a file, as numpy.save writes it",
                       s->path, (unsigned long long)(s->size - claimed));
    if (!s->gzip ? claimed > s->size : h->bytes / MOST_INFLATION > s->size)
        return tw_fail(
            TW_DATA,
            "%s is truncated: its header claims %zu rows of %zu values, %llu bytes, but the file has "
            "%llu%s; copy or save it again",
            s->path, h->rows, h->cols, (unsigned long long)claimed, (unsigned long long)s->size,
            s->gzip ? " compressed" : "");
    return TW_OK;
}

static tw_status check_shape(const tw_byte_source *s, tw_npy_header *h)
{
    if (h->dimensions == 0)
        return tw_fail(TW_DATA, "%s holds a single value; features have rows and columns", s->path);
    if (h->dimensions > 2 && h->fortran)
        return tw_fail(TW_DATA,
                       "%s has %zu dimensions in Fortran order; save it in C order: numpy.save(name, "
                       "numpy.ascontiguousarray(a))",
                       s->path, h->dimensions);
    if (__builtin_mul_overflow(h->rows, h->cols, &h->bytes) ||
        __builtin_mul_overflow(h->bytes, (uint64_t)h->size, &h->bytes) || h->bytes > INT64_MAX / 2)
        return overflow(&(reader){.path = s->path});
    if (h->bytes == 0)
        return tw_fail(TW_DATA, "%s is empty: it holds %zu rows of %zu values", s->path, h->rows, h->cols);
    h->fortran = h->fortran && h->rows > 1 && h->cols > 1;
    return check_size(s, h);
}

/* The version, and how long the dictionary is. */
static tw_status read_prefix(tw_byte_source *s, tw_npy_header *h, size_t *length)
{
    unsigned char magic[MAGIC_SIZE], size[4] = {0};
    size_t got;
    TW_TRY(tw_byte_source_read(s, sizeof magic, magic, &got));
    if (got < sizeof magic) return cut(s->path, "in the first eight bytes of a NumPy file");
    if (memcmp(magic, "\x93NUMPY", 6) != 0)
        return tw_fail(TW_DATA, "%s begins like a NumPy file and is none; %s", s->path, again);
    if (magic[6] < 1 || magic[6] > 3 || magic[7] != 0)
        return tw_fail(TW_DATA,
                       "%s is of version %d.%d of the NumPy format, and 1.0, 2.0 and 3.0 are known; %s",
                       s->path, magic[6], magic[7], again);
    h->version = magic[6];
    const size_t width = h->version == 1 ? 2 : 4;
    TW_TRY(tw_byte_source_read(s, width, size, &got));
    if (got < width) return cut(s->path, "in the length of its NumPy header");
    *length = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (*length > TW_NPY_MOST_HEADER)
        return tw_fail(TW_DATA,
                       "%s claims a NumPy header of %zu bytes, and an array of numbers needs less than "
                       "%d; %s",
                       s->path, *length, TW_NPY_MOST_HEADER, again);
    h->begin = MAGIC_SIZE + width + *length;
    return TW_OK;
}

tw_status tw_npy_header_read(tw_byte_source *s, tw_npy_header *h)
{
    size_t length = 0, got = 0;
    *h = (tw_npy_header){0};
    TW_TRY(read_prefix(s, h, &length));
    char *text = calloc(length + 1, 1);
    if (!text) return tw_fail(TW_MEMORY, "out of memory for %s", s->path);
    tw_status status = tw_byte_source_read(s, length, text, &got);
    if (status == TW_OK && got < length) status = cut(s->path, "in its NumPy header");
    reader r = {.path = s->path, .text = text, .at = text, .size = length, .out = h};
    if (status == TW_OK) status = take_dictionary(&r);
    free(text);
    return status == TW_OK ? check_shape(s, h) : status;
}
