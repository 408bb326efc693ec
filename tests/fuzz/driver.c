/* driver.c -- runs a fuzz target without libFuzzer: `replay_NAME CORPUS [MUTATIONS [SEED]]`.
 *
 * Each file of the corpus once, then so many mutations of them, chosen by the seed alone. Nothing guides
 * them; what coverage finds goes into the corpus. The input that ends the program is written to
 * $THALWEG_FUZZ_FINDINGS (default: $TMPDIR, /tmp) and its name printed. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 8192, SLOWEST = 60, FILES = 4096 };

typedef struct {
    uint8_t *bytes;
    size_t size;
} seed_file;

static seed_file corpus[FILES];
static size_t n_corpus;

static const uint8_t *current;
static size_t current_size;
static char finding[512];

/* ---- findings ---- */

__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void save_current(void)
{
    const int fd = current ? open(finding, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (fd < 0) return;
    if (write(fd, current, current_size) == (ssize_t)current_size && write(2, "the input is ", 13) == 13 &&
        write(2, finding, strlen(finding)) > 0 && write(2, "\n", 1) == 1)
        current = NULL;
    close(fd);
}

static void die(int number)
{
    save_current();
    signal(number, SIG_DFL);
    raise(number);
}

static void watch(const char *name)
{
    static char stack[1 << 16];
    static const int ends[] = {SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    const char *folder = getenv("THALWEG_FUZZ_FINDINGS");
    if (!folder || !folder[0]) folder = getenv("TMPDIR");
    if (!folder || !folder[0]) folder = "/tmp";
    snprintf(finding, sizeof finding, "%s/%s-%ld", folder, name, (long)getpid());
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_handler = die};
    action.sa_flags = SA_ONSTACK;
    const bool sanitized = __sanitizer_set_death_callback != NULL;
    if (sanitized) __sanitizer_set_death_callback(save_current);
    for (size_t i = 0; i < (sanitized ? 2 : sizeof ends / sizeof *ends); i++)
        sigaction(ends[i], &action, NULL);
}

static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees one byte too many */
    FUZZ_REQUIRE(exact, "out of memory");
    if (size) memcpy(exact, bytes, size);
    current = exact;
    current_size = size;
    alarm(SLOWEST);
    LLVMFuzzerTestOneInput(exact, size);
    alarm(0);
    current = NULL;
    free(exact);
}

/* ---- mutations ---- */

static uint64_t state;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(uint64_t below)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return below ? (z ^ z >> 31) % below : 0;
}

static size_t insert(uint8_t *to, size_t size, size_t at, const uint8_t *from, size_t count)
{
    if (size + count > LONGEST) count = LONGEST - size;
    memmove(to + at + count, to + at, size - at);
    memcpy(to + at, from, count);
    return size + count;
}

static size_t insert_odd(uint8_t *to, size_t size)
{
    static const char *const odd[] = {"0",     "-1",  "1e400", "nan",  "inf",  "9223372036854775808",
                                      "\"",    "\n",  "\r\n",  "\xff", "\xc3", ":",
                                      "&a *a", "{[",  "- ",    ",,",   "\t",   "''",
                                      "1e-5",  "\\x", "#",     " ",    "e",    ".",
                                      "=",     "~",   "%"};
    const char *const text = odd[draw(sizeof odd / sizeof *odd)];
    return insert(to, size, draw(size + 1), (const uint8_t *)text, strlen(text));
}

static size_t cross(uint8_t *to, size_t size)
{
    const seed_file *const other = &corpus[draw(n_corpus)];
    if (other->size == 0) return size;
    const size_t from = draw(other->size), count = 1 + draw(other->size - from);
    return insert(to, size, draw(size + 1), other->bytes + from, count);
}

static size_t repeat(uint8_t *to, size_t size)
{
    uint8_t piece[64];
    const size_t from = draw(size), most = size - from < sizeof piece ? size - from : sizeof piece;
    const size_t count = 1 + draw(most), times = 1 + draw(8);
    memcpy(piece, to + from, count);
    for (size_t i = 0; i < times; i++) size = insert(to, size, from, piece, count);
    return size;
}

static size_t erase(uint8_t *to, size_t size)
{
    const size_t from = draw(size), most = size - from,
                 count = 1 + draw(draw(2) ? most : (most < 8 ? most : 8));
    memmove(to + from, to + from + count, size - from - count);
    return size - count;
}

static size_t mutate(uint8_t *to, size_t size)
{
    static const uint8_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, '\n', '"', ',', ':', ' '};
    const uint64_t kind = draw(8);
    if (kind == 0) return cross(to, size);
    if (kind == 1 || size == 0) return insert_odd(to, size);
    if (kind == 2) return repeat(to, size);
    if (kind == 3) return erase(to, size);
    uint8_t *const byte = &to[draw(size)];
    if (kind == 4) *byte = (uint8_t)(*byte ^ 1u << draw(8));
    if (kind == 5) *byte = (uint8_t)draw(256);
    if (kind == 6) *byte = edges[draw(sizeof edges)];
    if (kind == 7) *byte = (uint8_t)(*byte + draw(9) - 4);
    return size;
}

static void run_mutation(void)
{
    static uint8_t input[LONGEST];
    const seed_file *const from = &corpus[draw(n_corpus)];
    size_t size = from->size < LONGEST ? from->size : LONGEST;
    if (size) memcpy(input, from->bytes, size);
    for (uint64_t left = 1 + draw(5); left > 0; left--) size = mutate(input, size);
    run(input, size);
}

/* ---- the corpus ---- */

static void load(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "rb");
    FUZZ_REQUIRE(file && n_corpus < FILES && fseek(file, 0, SEEK_END) == 0, "cannot read %s", path);
    const long size = ftell(file);
    rewind(file);
    seed_file *const to = &corpus[n_corpus++];
    *to = (seed_file){malloc((size_t)size + 1), (size_t)size};
    FUZZ_REQUIRE(to->bytes && fread(to->bytes, 1, to->size, file) == to->size, "cannot read %s", path);
    fclose(file);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void load_all(const char *folder)
{
    struct dirent **names;
    const int count = scandir(folder, &names, visible, alphasort);
    FUZZ_REQUIRE(count > 0, "%s holds no corpus", folder);
    for (int i = 0; i < count; i++) {
        load(folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    FUZZ_REQUIRE(argc >= 2, "usage: %s CORPUS [MUTATIONS [SEED]]", argv[0]);
    const unsigned long long mutations = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    const char *const name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    load_all(argv[1]);
    watch(name);
    LLVMFuzzerInitialize(&argc, &argv);
    for (size_t i = 0; i < n_corpus; i++) run(corpus[i].bytes, corpus[i].size);
    for (unsigned long long i = 0; i < mutations; i++) run_mutation();
    fprintf(stderr, "%s: %zu files and %llu mutations, no finding\n", name, n_corpus, mutations);
    for (size_t i = 0; i < n_corpus; i++) free(corpus[i].bytes);
    return 0;
}
