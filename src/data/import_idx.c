/* IDX, the format of MNIST: 00 00, a type, the number of dimensions, their sizes (32 bits), values;
 * big-endian. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", file
 * formats. */
#include "data/byte_source.h"
#include "data/import.h"
#include "data/label_set.h"
#include "data/swap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deflate at its best makes 1032 bytes of one. */
enum { MOST_INFLATION = 1100 };

typedef struct {
    unsigned char code, size;
    tw_dtype feature;    /* as stored, or f64 where our types have no such integer */
    tw_label_type label; /* as stored, or f64 */
} idx_type;

static const idx_type types[] = {
    {0x08, 1, TW_u8, TW_LABEL_u8},   {0x09, 1, TW_i8, TW_LABEL_i8},   {0x0b, 2, TW_i16, TW_LABEL_i16},
    {0x0c, 4, TW_f64, TW_LABEL_i32}, {0x0d, 4, TW_f32, TW_LABEL_f64}, {0x0e, 8, TW_f64, TW_LABEL_f64},
};

typedef struct {
    tw_byte_source source;
    const idx_type *type;
    size_t dimensions, rows, cols;
} idx_file;

static uint32_t big_endian(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static tw_status too_short(const idx_file *f, const char *where)
{
    return tw_fail(TW_DATA, "%s is truncated: it ends %s", f->source.path, where);
}

static tw_status read_magic(idx_file *f)
{
    unsigned char magic[4];
    size_t got;
    TW_TRY(tw_byte_source_read(&f->source, sizeof magic, magic, &got));
    if (got < sizeof magic) return too_short(f, "in its first four bytes");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (magic[0] == 0 && magic[1] == 0 && magic[2] == types[i].code) f->type = &types[i];
    if (!f->type)
        return tw_fail(TW_DATA, "%s is no IDX file of a known type: it begins with %02x %02x %02x %02x",
                       f->source.path, magic[0], magic[1], magic[2], magic[3]);
    f->dimensions = magic[3];
    if (f->dimensions == 0) return tw_fail(TW_DATA, "%s is an IDX file without dimensions", f->source.path);
    return TW_OK;
}

/* Before anything is allocated: do the sizes that the header claims agree with those of the file? */
static tw_status check_size(const idx_file *f, uint64_t content)
{
    const uint64_t header = 4 + 4 * f->dimensions, stored = f->source.size;
    if (!f->source.gzip && content + header < stored)
        return tw_fail(TW_DATA, "%s has %llu bytes after its last value", f->source.path,
                       (unsigned long long)(stored - content - header));
    if (!f->source.gzip ? content + header > stored : content / MOST_INFLATION > stored)
        return tw_fail(
            TW_DATA,
            "%s is truncated: its header claims %zu rows of %zu values, %llu bytes, but the file has %llu%s",
            f->source.path, f->rows, f->cols, (unsigned long long)(content + header),
            (unsigned long long)stored, f->source.gzip ? " compressed" : "");
    return TW_OK;
}

static tw_status read_shape(idx_file *f)
{
    unsigned char shape[4 * 255];
    size_t got;
    uint64_t content;
    TW_TRY(tw_byte_source_read(&f->source, 4 * f->dimensions, shape, &got));
    if (got < 4 * f->dimensions) return too_short(f, "in its list of sizes");
    f->rows = big_endian(shape);
    f->cols = 1;
    bool overflow = false;
    for (size_t i = 1; i < f->dimensions; i++)
        overflow |= __builtin_mul_overflow(f->cols, (size_t)big_endian(shape + 4 * i), &f->cols);
    overflow |= __builtin_mul_overflow(f->rows, f->cols, &content);
    overflow |= __builtin_mul_overflow(content, (uint64_t)f->type->size, &content) || content > INT64_MAX / 2;
    if (overflow)
        return tw_fail(TW_DATA, "%s claims an impossible size: its dimensions overflow", f->source.path);
    if (content == 0)
        return tw_fail(TW_DATA, "%s is empty: it holds %zu rows of %zu values", f->source.path, f->rows,
                       f->cols);
    return check_size(f, content);
}

static tw_status open_idx(idx_file *f, const char *path)
{
    *f = (idx_file){.source.fd = -1};
    TW_TRY(tw_byte_source_open(&f->source, path));
    TW_TRY(read_magic(f));
    return read_shape(f);
}

/* 32-bit values in the upper half of out become doubles in all of it; each is read before it is overwritten.
 */
static void widen(bool is_float, size_t count, unsigned char *out)
{
    for (size_t i = 0; i < count; i++) {
        const unsigned char *from = out + 4 * (count + i);
        int32_t whole;
        float real;
        memcpy(&whole, from, 4);
        memcpy(&real, from, 4);
        const double wide = is_float ? (double)real : (double)whole;
        memcpy(out + 8 * i, &wide, 8);
    }
}

/* The next rows, in the machine's order, as elements of out_size bytes. */
static tw_status read_rows(idx_file *f, size_t rows, size_t out_size, unsigned char *out)
{
    const size_t count = rows * f->cols, size = f->type->size;
    unsigned char *raw = out + (out_size - size) * count;
    size_t got;
    TW_TRY(tw_byte_source_read(&f->source, count * size, raw, &got));
    if (got < count * size) return too_short(f, "before the last row that its header claims");
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) tw_swap_bytes(size, count, raw);
    if (out_size > size) widen(f->type->feature == TW_f32, count, out);
    return TW_OK;
}

/* Reading on also lets zlib check the sum at the end of a gzip file. */
static tw_status check_end(idx_file *f)
{
    unsigned char byte;
    size_t got;
    TW_TRY(tw_byte_source_read(&f->source, 1, &byte, &got));
    return got == 0 ? TW_OK : tw_fail(TW_DATA, "%s has bytes after its last value", f->source.path);
}

static void count_labels(tw_label_count *counter, tw_label_type type, size_t rows, const void *y)
{
    for (size_t i = 0; i < rows && type != TW_LABEL_f64; i++)
        tw_label_count_add(counter, type == TW_LABEL_u8    ? ((const uint8_t *)y)[i]
                                    : type == TW_LABEL_i8  ? ((const int8_t *)y)[i]
                                    : type == TW_LABEL_i16 ? ((const int16_t *)y)[i]
                                                           : ((const int32_t *)y)[i]);
}

typedef struct {
    idx_file file[2];          /* never copied: zlib's state points back at its stream */
    idx_file *x, *y;           /* features, labels; y is NULL without labels */
    tw_dataset_writer *writer; /* NULL: check only */
    size_t block;
    unsigned char *x_rows, *y_rows; /* [block] */
    tw_label_count count;
    const volatile sig_atomic_t *interrupted;
} conversion;

static tw_status copy_block(conversion *c, size_t rows)
{
    TW_TRY(read_rows(c->x, rows, tw_dtype_size(c->x->type->feature), c->x_rows));
    if (c->y) {
        TW_TRY(read_rows(c->y, rows, tw_label_type_size(c->y->type->label), c->y_rows));
        count_labels(&c->count, c->y->type->label, rows, c->y_rows);
    }
    if (c->interrupted && *c->interrupted) return tw_fail(TW_IO, "interrupted; nothing was written");
    return c->writer ? tw_dataset_writer_append(c->writer, rows, c->x_rows, c->y_rows) : TW_OK;
}

static tw_status copy_rows(conversion *c)
{
    c->x_rows = malloc(c->block * c->x->cols * tw_dtype_size(c->x->type->feature));
    c->y_rows = malloc(c->block * sizeof(double));
    if (!c->x_rows || !c->y_rows)
        return tw_fail(TW_MEMORY, "out of memory for rows of %s", c->x->source.path);
    for (size_t done = 0, rows; done < c->x->rows; done += rows) {
        rows = c->block < c->x->rows - done ? c->block : c->x->rows - done;
        TW_TRY(copy_block(c, rows));
    }
    TW_TRY(check_end(c->x));
    return c->y ? check_end(c->y) : TW_OK;
}

/* The file with one dimension holds the labels. */
static tw_status open_inputs(conversion *c, size_t n, const char *const *inputs)
{
    c->x = &c->file[0];
    TW_TRY(open_idx(&c->file[0], inputs[0]));
    if (n == 1) return TW_OK;
    TW_TRY(open_idx(&c->file[1], inputs[1]));
    const bool first = c->file[0].dimensions == 1, second = c->file[1].dimensions == 1;
    if (first == second)
        return tw_fail(
            TW_DATA,
            "%s and %s %s one dimension; one of two IDX files must hold the labels, with one dimension",
            inputs[0], inputs[1], first ? "both have" : "both have more than");
    c->x = &c->file[first];
    c->y = &c->file[second];
    if (c->x->rows != c->y->rows)
        return tw_fail(TW_DATA, "%s has %zu rows but %s has %zu labels; they must be equal",
                       c->x->source.path, c->x->rows, c->y->source.path, c->y->rows);
    return TW_OK;
}

static tw_status convert(conversion *c, const char *output, const tw_import_options *options, uint64_t *bytes)
{
    const tw_dataset_layout layout = {
        .rows = c->x->rows,
        .cols = c->x->cols,
        .x_type = c->x->type->feature,
        .y_type = c->y ? c->y->type->label : TW_LABEL_none,
        .gzip = options->gzip,
        .replace = options->replace,
    };
    c->block = ((size_t)8 << 20) / (layout.cols * tw_dtype_size(layout.x_type)) + 1;
    if (output) {
        TW_TRY(tw_dataset_writer_new(output, &layout, &c->writer));
        c->block = tw_dataset_writer_block(c->writer);
    }
    if (c->block > c->x->rows) c->block = c->x->rows;
    TW_TRY(copy_rows(c));
    return c->writer ? tw_dataset_writer_commit(c->writer, bytes) : TW_OK;
}

static void fill_report(const conversion *c, tw_import_report *report)
{
    snprintf(report->format, sizeof report->format, "IDX, %zu dimension%s", c->x->dimensions,
             c->x->dimensions == 1 ? "" : "s");
    report->x_input = (size_t)(c->x - c->file);
    report->rows = c->x->rows;
    report->cols = c->x->cols;
    report->x_type = c->x->type->feature;
    report->y_type = c->y ? c->y->type->label : TW_LABEL_none;
    report->n_classes = c->count.many ? 0 : c->count.count;
}

tw_status tw_import_idx(size_t n, const char *const *inputs, const char *output,
                        const tw_import_options *options, tw_import_report *report)
{
    conversion *c = calloc(1, sizeof *c);
    if (!c) return tw_fail(TW_MEMORY, "out of memory for %s", inputs[0]);
    c->file[0].source.fd = c->file[1].source.fd = -1;
    c->interrupted = options->interrupted;
    tw_status status = open_inputs(c, n, inputs);
    if (status == TW_OK) status = convert(c, output, options, &report->bytes);
    if (status == TW_OK) fill_report(c, report);
    tw_dataset_writer_free(c->writer);
    tw_byte_source_release(&c->file[0].source);
    tw_byte_source_release(&c->file[1].source);
    free(c->x_rows);
    free(c->y_rows);
    free(c);
    return status;
}
