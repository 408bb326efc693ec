/* bad_files.c -- writes the data files of bad_input.sh into the folder named on the command line: one good file and one for
 * every way in which a data set can be unfit for training. */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 40, COLS = 3 };

static double x[ROWS][COLS], y[ROWS];

static hid_t create(const char *name)
{
    const hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0) exit(1);
    return file;
}

static void put(hid_t file, const char *name, int rank, const hsize_t *shape, hid_t type, const void *data)
{
    const hid_t space = H5Screate_simple(rank, shape, NULL);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (set < 0 || (data && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)) exit(1);
    H5Dclose(set);
    H5Sclose(space);
}

static void put_x(hid_t file, const char *name)
{
    put(file, name, 2, (hsize_t[]){ROWS, COLS}, H5T_NATIVE_DOUBLE, x);
}

static void put_y(hid_t file, const char *name, hsize_t rows)
{
    put(file, name, 1, (hsize_t[]){rows}, H5T_NATIVE_DOUBLE, y);
}

/* X as given in x, y as given in y. */
static void pair(const char *name)
{
    const hid_t file = create(name);
    put_x(file, "X");
    put_y(file, "y", ROWS);
    H5Fclose(file);
}

static void reset(void)
{
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLS; j++) x[i][j] = (i * 7 + j * 3) % 11;
        y[i] = i % 2;
    }
}

static void values(void)
{
    pair("good.h5");
    x[17][2] = NAN;
    pair("nan.h5");
    x[17][2] = -INFINITY;
    pair("infinite.h5");
    reset();
    y[23] = NAN;
    pair("nan-label.h5");
    for (int i = 0; i < ROWS; i++) y[i] = 5;
    pair("one-class.h5");
    for (int i = 0; i < ROWS; i++) y[i] = i % 3;
    pair("three-classes.h5");
    for (int i = 0; i < ROWS; i++) y[i] = 0.5 + i;
    pair("real-labels.h5");
    reset();
}

static void shapes(void)
{
    hid_t file = create("flat.h5");
    put(file, "X", 1, (hsize_t[]){ROWS}, H5T_NATIVE_DOUBLE, y);
    put_y(file, "y", ROWS);
    H5Fclose(file);
    file = create("empty.h5");
    put(file, "X", 2, (hsize_t[]){0, COLS}, H5T_NATIVE_DOUBLE, NULL);
    put(file, "y", 1, (hsize_t[]){0}, H5T_NATIVE_DOUBLE, NULL);
    H5Fclose(file);
    file = create("lengths.h5");
    put_x(file, "X");
    put_y(file, "y", ROWS - 1);
    H5Fclose(file);
    file = create("names.h5");
    put_x(file, "images");
    put_y(file, "y", ROWS);
    H5Fclose(file);
    file = create("no-labels.h5");
    put_x(file, "X");
    H5Fclose(file);
}

static void types(void)
{
    char words[ROWS][COLS][4];
    memset(words, 'a', sizeof words);
    const hid_t string = H5Tcopy(H5T_C_S1), complex = H5Tcreate(H5T_COMPOUND, 16);
    H5Tset_size(string, 4);
    H5Tinsert(complex, "r", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(complex, "i", 8, H5T_NATIVE_DOUBLE);
    hid_t file = create("strings.h5");
    put(file, "X", 2, (hsize_t[]){ROWS, COLS}, string, words);
    put_y(file, "y", ROWS);
    H5Fclose(file);
    file = create("complex.h5");
    put(file, "X", 2, (hsize_t[]){ROWS / 2, COLS}, complex, x);
    put_y(file, "y", ROWS / 2);
    H5Fclose(file);
    H5Tclose(complex);
    H5Tclose(string);
}

static void copy_part(const char *from, const char *to, long keep)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (!in || !out) exit(1);
    for (long i = 0; i < keep; i++) fputc(fgetc(in), out);
    fclose(in);
    fclose(out);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!argv[1] || chdir(argv[1])) return 1;
    reset();
    values();
    shapes();
    types();
    copy_part("good.h5", "truncated.h5", 3000);
    FILE *text = fopen("text.h5", "w");
    fputs("a,b,y\n1,2,0\n", text);
    fclose(text);
    return 0;
}
