/* variants.c -- writes the data files of refusals.sh into the folder named on the command line: base.h5, and
 * for each change that resuming must notice, or must not, a file that differs from it in that only.
 *
 *   variants FOLDER
 *   variants CHECKPOINT ATTRIBUTE NUMBER    one whole number of a checkpoint is another, and its seal fits
 * again */
#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { ROWS = 301, MORE = ROWS + 1, COLS = 5 };

typedef struct {
    double x[MORE][COLS], y[MORE], weight[MORE];
    hsize_t rows;
    hid_t type; /* of X in the file */
    bool compressed, big_endian, unweighted;
} table;

/* Whole 64ths: exact as f32 too. */
static void fill(table *t)
{
    uint64_t seed = 12345;
    *t = (table){.rows = ROWS, .type = H5T_IEEE_F64LE};
    for (int i = 0; i < MORE; i++) {
        double sum = 0;
        for (int j = 0; j < COLS; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            t->x[i][j] = (double)((int64_t)(seed >> 56) - 128) / 64;
            sum += t->x[i][j] * (j + 1);
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        t->y[i] = sum + (double)((int64_t)(seed >> 56) - 128) / 16 > 0;
        t->weight[i] = 1 + (double)(i % 3);
    }
}

static void put(hid_t file, const char *name, hid_t type, int rank, hsize_t rows, const void *data,
                bool compressed)
{
    const hsize_t shape[2] = {rows, COLS}, chunk[2] = {64, COLS};
    const hid_t space = H5Screate_simple(rank, shape, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    if (compressed && (H5Pset_chunk(creation, rank, chunk) < 0 || H5Pset_shuffle(creation) < 0 ||
                       H5Pset_deflate(creation, 6) < 0))
        exit(1);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (set < 0 || H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) exit(1);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
}

static void write_table(const char *name, const table *t)
{
    const hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0) exit(1);
    put(file, "/X", t->big_endian ? H5T_IEEE_F64BE : t->type, 2, t->rows, t->x, t->compressed);
    put(file, "/y", H5T_IEEE_F64LE, 1, t->rows, t->y, t->compressed);
    if (!t->unweighted) put(file, "/sample_weight", H5T_IEEE_F64LE, 1, t->rows, t->weight, t->compressed);
    H5Fclose(file);
}

static void exchange(table *t, int a, int b)
{
    table *const old = malloc(sizeof *old);
    if (!old) exit(1);
    *old = *t;
    memcpy(t->x[a], old->x[b], sizeof t->x[a]);
    memcpy(t->x[b], old->x[a], sizeof t->x[b]);
    t->y[a] = old->y[b];
    t->y[b] = old->y[a];
    t->weight[a] = old->weight[b];
    t->weight[b] = old->weight[a];
    free(old);
}

/* The header of include/thalweg/image.h: 24 length u64, 32 digest of what follows byte 512. */
static int seal(const char *path)
{
    enum { HEADER = 512, MOST = 1 << 24 };
    static unsigned char bytes[MOST];
    XXH128_canonical_t digest;
    FILE *const file = fopen(path, "r+b");
    const size_t size = file ? fread(bytes, 1, MOST, file) : 0;
    if (size <= HEADER || size == MOST) return 1;
    for (size_t i = 0; i < 8; i++) bytes[24 + i] = (unsigned char)((size - HEADER) >> 8 * i);
    XXH128_canonicalFromHash(&digest, XXH3_128bits(bytes + HEADER, size - HEADER));
    memcpy(bytes + 32, &digest, sizeof digest);
    rewind(file);
    const size_t written = fwrite(bytes, 1, size, file);
    return fclose(file) != 0 || written != size;
}

static int change(const char *path, const char *name, const char *number)
{
    const long long value = strtoll(number, NULL, 10);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), attribute = H5Aopen(file, name, H5P_DEFAULT);
    const herr_t error = H5Awrite(attribute, H5T_NATIVE_LLONG, &value);
    if (H5Aclose(attribute) < 0 || H5Fclose(file) < 0 || error < 0) return 1;
    return seal(path);
}

int main(int argc, char **argv)
{
    static table t;
    if (argc == 4) return change(argv[1], argv[2], argv[3]);
    if (argc != 2 || chdir(argv[1]) != 0) return 1;
#define FILE_WITH(name, ...) \
    fill(&t);                \
    __VA_ARGS__;             \
    write_table(name, &t)
    FILE_WITH("base.h5", (void)0);
    FILE_WITH("value.h5", t.x[217][3] += 0x1p-50);
    FILE_WITH("label.h5", t.y[300] = 1 - t.y[300]);
    FILE_WITH("weight.h5", t.weight[0] += 0x1p-52);
    FILE_WITH("permuted.h5", exchange(&t, 3, 4)); /* two rows of the same group */
    FILE_WITH("apart.h5", exchange(&t, 0, 300));
    FILE_WITH("f32.h5", t.type = H5T_IEEE_F32LE);
    FILE_WITH("more.h5", t.rows = MORE);
    FILE_WITH("fewer.h5", t.rows = ROWS - 1);
    FILE_WITH("unweighted.h5", t.unweighted = true);
    FILE_WITH("compressed.h5", t.compressed = true);
    FILE_WITH("big_endian.h5", t.big_endian = true);
    return 0;
}
