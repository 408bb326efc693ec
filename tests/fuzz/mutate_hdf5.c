/* mutate_hdf5.c -- damaged data files and models against the probe, and against a process that stands for a
 * rank.
 *
 *   mutate_hdf5 COUNT SEED             try mutants 0 .. COUNT - 1; exit 1 when one that the probe passed
 * takes the rank down mutate_hdf5 write COUNT SEED DIR   write mutants of data files, DIR/0.h5, DIR/1.h5,
 * ..., and try nothing mutate_hdf5 fatal COUNT SEED DIR   only those on which HDF5 crashes or hangs,
 * DIR/fatal0.h5, ... mutate_hdf5 models COUNT SEED DIR  the same of models, DIR/model0.h5, ... mutate_hdf5
 * one N SEED FILE        write mutant N to FILE
 *
 * A mutant is a pure function of SEED and its number. Each is damaged in one of seven ways. */
#include "thalweg/dataset_file.h"
#include "thalweg/model_file.h"
#include "thalweg/probe.h"
#include "thalweg/shard.h"

#include <check.h>
#include <fcntl.h>
#include <hdf5.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "mutate_hdf5: %s\n", what);
    exit(2);
}

/* No suite runs here, so the helper's assertions end the program instead. */
#undef ck_assert_int_eq
#define ck_assert_int_eq(a, b)                    \
    do {                                          \
        if ((a) != (b)) give_up("no whole file"); \
    } while (0)
#include "unit/some_model.h"

enum { RANKS = 3, ROWS = 120, COLS = 4, CLASSES = 3, MOST_BYTES = 1 << 18, SHOWN = 20, HEAD = 4096 };

typedef struct {
    const char *name;
    H5F_libver_t version; /* H5F_LIBVER_NBOUNDS: written by our own code */
    int chunk;            /* rows, 0: contiguous */
    bool fletcher, gzip, model;
} seed_kind;

static const seed_kind kinds[] = {
    {.name = "old contiguous", .version = H5F_LIBVER_EARLIEST},
    {.name = "latest contiguous", .version = H5F_LIBVER_LATEST},
    {.name = "old fletcher32", .version = H5F_LIBVER_EARLIEST, .chunk = 25, .fletcher = true},
    {.name = "latest fletcher32", .version = H5F_LIBVER_LATEST, .chunk = 25, .fletcher = true},
    {.name = "old gzip shuffle", .version = H5F_LIBVER_EARLIEST, .chunk = 25, .gzip = true},
    {.name = "1.8 gzip fletcher32", .version = H5F_LIBVER_V18, .chunk = 7, .gzip = true, .fletcher = true},
    {.name = "latest gzip shuffle", .version = H5F_LIBVER_LATEST, .chunk = 25, .gzip = true},
    {.name = "thalweg data", .version = H5F_LIBVER_NBOUNDS},
    {.name = "thalweg data, gzip", .version = H5F_LIBVER_NBOUNDS, .gzip = true},
    {.name = "thalweg model", .version = H5F_LIBVER_NBOUNDS, .model = true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct {
    size_t size;
    unsigned char *bytes;
} seeds[KINDS];

static const char *const feature_names[COLS] = {"length", "width", "height", "a longer name than the others"};
static const char *const class_names[CLASSES] = {"red", "green", "blue"};
static double x[ROWS][COLS], y[ROWS], weight[ROWS];

/* ---------------------------------------------------------------- whole files */

static void put(hid_t file, const seed_kind *kind, const char *name, int rank, const void *values)
{
    const hsize_t shape[2] = {ROWS, COLS}, chunk[2] = {(hsize_t)kind->chunk, COLS};
    const hid_t space = H5Screate_simple(rank, shape, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false); /* the same bytes every time */
    if (kind->chunk) H5Pset_chunk(creation, rank, chunk);
    if (kind->gzip) H5Pset_shuffle(creation);
    if (kind->gzip) H5Pset_deflate(creation, 6);
    if (kind->fletcher) H5Pset_fletcher32(creation);
    const hid_t set = H5Dcreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (set < 0 || H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        give_up("cannot write a seed");
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
}

/* Of variable length when size is 0. */
static void put_words(hid_t file, const char *name, hsize_t count, size_t size, const void *words)
{
    const hid_t space = H5Screate_simple(1, &count, NULL), type = H5Tcopy(H5T_C_S1),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    H5Tset_size(type, size ? size : H5T_VARIABLE);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (set < 0 || H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, words) < 0)
        give_up("cannot write a seed");
    H5Dclose(set);
    H5Pclose(creation);
    H5Tclose(type);
    H5Sclose(space);
}

static void make_foreign(const char *path, const seed_kind *kind)
{
    const char fixed[CLASSES][8] = {"red", "green", "blue"};
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    const H5F_libver_t high = kind->version == H5F_LIBVER_V18 ? H5F_LIBVER_V18 : H5F_LIBVER_LATEST;
    H5Pset_libver_bounds(access, kind->version, high);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (file < 0) give_up("cannot create a seed");
    put(file, kind, "X", 2, x);
    put(file, kind, "y", 1, y);
    put(file, kind, "sample_weight", 1, weight);
    put_words(file, "feature_names", COLS, 0, feature_names);
    put_words(file, "classes", CLASSES, sizeof fixed[0], fixed);
    H5Fclose(file);
    H5Pclose(access);
}

static void make_data(const char *path, const seed_kind *kind)
{
    unsigned char labels[ROWS];
    tw_dataset_writer *writer;
    const tw_dataset_layout layout = {.rows = ROWS,
                                      .cols = COLS,
                                      .x_type = TW_f64,
                                      .y_type = TW_LABEL_u8,
                                      .classes = class_names,
                                      .n_classes = CLASSES,
                                      .feature_names = feature_names,
                                      .gzip = kind->gzip ? 6 : 0,
                                      .replace = true};
    for (size_t i = 0; i < ROWS; i++) labels[i] = (unsigned char)y[i];
    if (tw_dataset_writer_new(path, &layout, &writer) || tw_dataset_writer_append(writer, ROWS, x, labels) ||
        tw_dataset_writer_commit(writer, NULL))
        give_up(tw_status_message());
    tw_dataset_writer_free(writer);
}

static void make_model(const char *path)
{
    tw_model model;
    tw_model_file file;
    if (tw_model_init(&model, tw_model_find("softmax"), SOME_FEATURES, 3, true)) give_up("no model");
    some_file(&file, &model, true, true);
    if (tw_model_file_write(&file, path)) give_up(tw_status_message());
    tw_model_file_release(&file);
    tw_model_release(&model);
}

static void make_seeds(const char *path)
{
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLS; j++) x[i][j] = (double)((i * 7 + j * 3) % 11) / 4;
        y[i] = (double)(i % CLASSES);
        weight[i] = 1 + (double)(i % 2);
    }
    for (size_t k = 0; k < KINDS; k++) {
        remove(path);
        if (kinds[k].version != H5F_LIBVER_NBOUNDS)
            make_foreign(path, &kinds[k]);
        else if (kinds[k].model)
            make_model(path);
        else
            make_data(path, &kinds[k]);
        FILE *const in = fopen(path, "rb");
        seeds[k].bytes = malloc(MOST_BYTES);
        if (!in || !seeds[k].bytes) give_up("cannot read a seed");
        seeds[k].size = fread(seeds[k].bytes, 1, MOST_BYTES, in);
        fclose(in);
        if (seeds[k].size == 0 || seeds[k].size == MOST_BYTES) give_up("a seed has an odd size");
    }
}

/* ---------------------------------------------------------------- damage */

static uint64_t state;

static uint64_t bits(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(bits() % n);
}

static void some_bytes(unsigned char *bytes, size_t size)
{
    for (size_t n = 1 + below(8); n > 0; n--) bytes[below(size)] = (unsigned char)bits();
}

/* Numbers at which sizes and addresses break. */
static void odd_number(unsigned char *bytes, size_t size)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   0xff,
                                   0x7fff,
                                   0xffff,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   (uint64_t)1 << 40,
                                   (uint64_t)1 << 62,
                                   UINT64_MAX,
                                   UINT64_MAX - 7};
    const uint64_t value = odd[below(sizeof odd / sizeof *odd)];
    const size_t width = (size_t)1 << below(4), at = below(size - width);
    memcpy(bytes + at, &value, width); /* little-endian machines; elsewhere another number, as good */
}

static void swap_blocks(unsigned char *bytes, size_t size)
{
    unsigned char kept[512];
    const size_t length = (size_t)8 << below(7), a = below(size - length), b = below(size - length);
    memcpy(kept, bytes + a, length);
    memmove(bytes + a, bytes + b, length);
    memcpy(bytes + b, kept, length);
}

/* Mutant `number`: its bytes and how many; returns its kind. */
static size_t mutate(uint64_t seed, uint64_t number, unsigned char *bytes, size_t *size)
{
    state = seed * 0x2545f4914f6cdd1du + number;
    bits();
    const size_t kind = number % KINDS, whole = seeds[kind].size, head = whole < HEAD ? whole : HEAD;
    memcpy(bytes, seeds[kind].bytes, whole);
    *size = whole;
    switch (below(7)) {
    case 0: bytes[below(whole)] ^= (unsigned char)(1u << below(8)); break;
    case 1: bytes[below(head)] ^= (unsigned char)(1u << below(8)); break;
    case 2: some_bytes(bytes, head < 2200 ? head : 2200); break;
    case 3: some_bytes(bytes, head); break;
    case 4: odd_number(bytes, below(2) ? head : whole); break;
    case 5: swap_blocks(bytes, below(2) ? head : whole); break;
    default: *size = below(4) ? whole - 1 - below(whole) : whole + below(4096); break;
    }
    if (*size > whole) memset(bytes + whole, 0, *size - whole);
    return kind;
}

static void store(int fd, size_t size, const unsigned char *bytes)
{
    if (pwrite(fd, bytes, size, 0) != (ssize_t)size || ftruncate(fd, (off_t)size))
        give_up("cannot write a mutant");
}

/* ---------------------------------------------------------------- the two processes */

static const char *path; /* of the mutant, the same for all */

static tw_status read_model(void *context)
{
    tw_model_file file;
    bool edited;
    (void)context;
    tw_probe_doing(path, "reading the model");
    TW_TRY(tw_model_file_read(&file, path, &edited));
    tw_model_file_release(&file);
    return TW_OK;
}

static tw_status probe(const seed_kind *kind)
{
    static const tw_probe_limits limits = {.processor = 0.3, .clock = 60, .memory = (uint64_t)1 << 30};
    static const tw_dataset_names names = {.need_labels = true};
    return kind->model ? tw_probe_run(&limits, read_model, NULL, NULL)
                       : tw_probe_dataset(path, &names, &limits);
}

static void read_part(const tw_dataset *d, int64_t first, int64_t rows)
{
    tw_shard shard;
    if (tw_shard_read(&shard, d, first, rows) == TW_OK) tw_shard_release(&shard);
}

/* As ranks do: the shares of three ranks, and the names; on a heap that is not the probe's. */
static void read_data(void)
{
    static const tw_dataset_names names = {.need_labels = true};
    static tw_dataset d;
    size_t count;
    char **strings;
    if (tw_dataset_open(&d, path, &names, NULL)) return;
    for (int r = 0; r < RANKS; r++)
        read_part(&d, d.rows * r / RANKS, d.rows * (r + 1) / RANKS - d.rows * r / RANKS);
    if (tw_dataset_strings(path, "/feature_names", &count, &strings) == TW_OK) free(strings);
    if (tw_dataset_strings(path, "/classes", &count, &strings) == TW_OK) free(strings);
}

static void *litter[64];

static _Noreturn void be_rank(const seed_kind *kind)
{
    const struct rlimit seconds = {20, 20}, none = {0, 0};
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_CORE, &none);
    const int nothing = open("/dev/null", O_WRONLY);
    dup2(nothing, 2);
    mallopt(M_PERTURB, 0x5a);
    for (size_t i = 0; i < 64; i++) litter[i] = malloc(16 + below(2000));
    for (size_t i = 0; i < 64; i += 2) free(litter[i]);
    if (kind->model)
        (void)read_model(NULL);
    else
        read_data();
    _exit(0);
}

/* 0, or the signal (or 255) that ended the rank. */
static int end_of_rank(const seed_kind *kind)
{
    int end;
    const pid_t child = fork();
    if (child < 0) give_up("cannot fork");
    if (child == 0) be_rank(kind);
    if (waitpid(child, &end, 0) != child) give_up("lost a child");
    return WIFSIGNALED(end) ? WTERMSIG(end) : WIFEXITED(end) && WEXITSTATUS(end) == 0 ? 0 : 255;
}

/* ---------------------------------------------------------------- the sweep */

typedef struct {
    long read, data, input, io, memory, crashes, hangs, other, rank;
} tally;

static void count(tally *t, tw_status status)
{
    const char *const sentence = tw_status_message();
    if (status == TW_OK)
        t->read++;
    else if (status == TW_DATA && strstr(sentence, "library hang"))
        t->hangs++;
    else if (status == TW_DATA && strstr(sentence, "library crash"))
        t->crashes++;
    else if (status == TW_DATA)
        t->data++;
    else if (status == TW_INPUT)
        t->input++;
    else if (status == TW_IO)
        t->io++;
    else if (status == TW_MEMORY)
        t->memory++;
    else
        t->other++;
}

static void print_row(const char *name, const tally *t)
{
    printf("%-20s %8ld %8ld %6ld %6ld %6ld %8ld %6ld %6ld %8ld\n", name, t->read, t->data, t->input, t->io,
           t->memory, t->crashes, t->hangs, t->other, t->rank);
}

static void add(tally *sum, const tally *t)
{
    sum->read += t->read;
    sum->data += t->data;
    sum->input += t->input;
    sum->io += t->io;
    sum->memory += t->memory;
    sum->crashes += t->crashes;
    sum->hangs += t->hangs;
    sum->other += t->other;
    sum->rank += t->rank;
}

static void tell_rank(long n, uint64_t seed, const seed_kind *kind, int end, tally *t)
{
    if (!end) return;
    if (t->rank++ < SHOWN)
        printf("FAILED: mutant %ld of seed %llu (%s) passed the probe and ended a rank: %s\n", n,
               (unsigned long long)seed, kind->name, end == 255 ? "exit" : strsignal(end));
    fflush(stdout);
}

static int sweep(long mutants, uint64_t seed)
{
    static unsigned char bytes[MOST_BYTES + HEAD];
    tally of[KINDS] = {0}, sum = {0};
    const int fd = open(path, O_RDWR);
    for (size_t k = 0; k < KINDS; k++) { /* the negative control: whole files are read */
        store(fd, seeds[k].size, seeds[k].bytes);
        if (probe(&kinds[k]) || end_of_rank(&kinds[k])) {
            printf("FAILED: the whole file '%s' is refused: %s\n", kinds[k].name, tw_status_message());
            return 1;
        }
    }
    for (long n = 0; n < mutants; n++) {
        size_t size;
        const size_t k = mutate(seed, (uint64_t)n, bytes, &size);
        store(fd, size, bytes);
        const tw_status status = probe(&kinds[k]);
        count(&of[k], status);
        if (status == TW_OK) tell_rank(n, seed, &kinds[k], end_of_rank(&kinds[k]), &of[k]);
    }
    close(fd);
    printf("%-20s %8s %8s %6s %6s %6s %8s %6s %6s %8s\n", "", "read", "refused", "66", "74", "71", "crashes",
           "hangs", "other", "ranks");
    for (size_t k = 0; k < KINDS; k++) {
        print_row(kinds[k].name, &of[k]);
        add(&sum, &of[k]);
    }
    print_row("all", &sum);
    printf("%ld mutants: the probe caught %ld crashes and %ld hangs of HDF5; %ld ranks ended of what it "
           "passed\n",
           mutants, sum.crashes, sum.hangs, sum.rank);
    return sum.rank || sum.other || sum.read == 0 || sum.data == 0;
}

static int write_one(uint64_t n, uint64_t seed, const char *to)
{
    static unsigned char bytes[MOST_BYTES + HEAD];
    size_t size;
    mutate(seed, n, bytes, &size);
    const int fd = open(to, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) give_up("cannot create a file");
    store(fd, size, bytes);
    return close(fd);
}

static bool is_fatal(const seed_kind *kind)
{
    return probe(kind) == TW_DATA && strstr(tw_status_message(), "HDF5 library");
}

/* The first mutants: "write", of data files; "fatal", those on which HDF5 crashes or hangs, if they come soon
 * enough; "models", such models. */
static int write_many(const char *verb, long mutants, uint64_t seed, const char *folder)
{
    enum { SOON = 20000 };
    char name[4096];
    long written = 0;
    const bool all = strcmp(verb, "write") == 0, models = strcmp(verb, "models") == 0;
    for (uint64_t n = 0; written < mutants && n < SOON; n++) {
        if (kinds[n % KINDS].model != models) continue;
        write_one(n, seed, path);
        if (!all && !is_fatal(&kinds[n % KINDS])) continue;
        snprintf(name, sizeof name, "%s/%s%ld.h5", folder, all ? "" : models ? "model" : "fatal", written++);
        write_one(n, seed, name);
    }
    return 0;
}

int main(int argc, char **argv)
{
    char folder[512];
    const char *const base = getenv("TMPDIR");
    const bool all = argc == 3, writes = argc == 5;
    if (!all && !writes)
        give_up("usage: mutate_hdf5 COUNT SEED | write|fatal|models COUNT SEED DIR | one N SEED FILE");
    const long n = strtol(argv[all ? 1 : 2], NULL, 10);
    const uint64_t seed = strtoull(argv[all ? 2 : 3], NULL, 10);
    tw_dataset_start();
    snprintf(folder, sizeof folder, "%s/thalweg-mutants-XXXXXX", base && base[0] ? base : "/tmp");
    if (!mkdtemp(folder)) give_up("cannot create a folder");
    static char mutant[600];
    snprintf(mutant, sizeof mutant, "%s/mutant.h5", folder);
    path = mutant;
    make_seeds(path);
    int failed;
    if (all)
        failed = sweep(n, seed);
    else if (strcmp(argv[1], "one") == 0)
        failed = write_one((uint64_t)n, seed, argv[4]);
    else
        failed = write_many(argv[1], n, seed, argv[4]);
    remove(path);
    rmdir(folder);
    return failed;
}
