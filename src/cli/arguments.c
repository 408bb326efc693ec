#include "cli/arguments.h"

#include "thalweg/runlog.h"
#include "thalweg/watchdog.h"
#include "thalweg/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tw_command_print_error(tw_status status)
{
    char *sentence = tw_status_message();
    if (status != TW_OK && sentence[0] && tw_launch_rank() == 0) {
        fflush(stdout);
        fputs("thalweg: ", stderr);
        if (status != TW_STOPPED) tw_runlog_put_alarm(stderr, "error");
        fprintf(stderr, "%s\n", sentence);
    }
    sentence[0] = 0;
}

tw_status tw_command_end(tw_comm *comm, tw_status status)
{
    tw_command_print_error(status);
    tw_comm_release(comm);
    tw_watchdog_stop(); /* MPI ends together: that can hang too */
    return status;
}

void tw_arguments_one(struct argp_state *state, const char *limit, const char *value, const char **word)
{
    if (*word) argp_error(state, "%s, not also '%s'", limit, value);
    *word = value;
}

tw_status tw_arguments_watchdog(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    if (end != text && *end == 0 && (*seconds == 0 || (*seconds >= 1 && *seconds <= 1e6))) return TW_OK;
    return tw_fail(TW_USAGE, "--watchdog %s: a number of seconds is needed, at least 1, or 0 for none", text);
}

/* Of all ranks, where there is more than one host. Collective. */
static tw_status tell_addresses(tw_comm *comm, double seconds, tw_watchdog_peer **peers)
{
    const size_t size = (size_t)tw_comm_size(comm);
    tw_watchdog_peer own;
    size_t *sizes;
    if (tw_comm_nodes(comm) == 1 || !(seconds > 0)) return TW_OK;
    *peers = calloc(size, sizeof **peers);
    sizes = calloc(size, sizeof *sizes);
    tw_status status =
        *peers && sizes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the addresses of ranks");
    status = tw_comm_agree(comm, status);
    if (status == TW_OK) {
        for (size_t r = 0; r < size; r++) sizes[r] = sizeof own;
        tw_watchdog_peer_own(tw_comm_host(comm), &own);
        status = tw_comm_allgather(comm, &own, sizes, *peers);
    }
    free(sizes);
    return status;
}

tw_status tw_command_watch(tw_comm *comm, double seconds)
{
    tw_watchdog_settings set = {tw_comm_rank(comm), tw_comm_size(comm), tw_comm_host(comm), seconds, NULL};
    tw_watchdog_peer *peers = NULL;
    const tw_status told = tell_addresses(comm, seconds, &peers);
    set.peers = peers;
    const tw_status status = told ? told : tw_comm_agree(comm, tw_watchdog_start(&set));
    free(peers);
    return status;
}

/* Long option names of the table, and the ones argp adds. */
static size_t option_names(const struct argp *argp, size_t room, const char **names)
{
    size_t count = 0;
    names[count++] = "help";
    names[count++] = "usage";
    for (const struct argp_option *o = argp->options; o->name || o->key || o->doc; o++)
        if (o->name && count < room) names[count++] = o->name;
    return count;
}

static bool known(const char *word, size_t count, const char *const *names)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(names[i], word, strlen(word)) == 0) return true; /* argp takes abbreviations */
    return false;
}

/* Whether `--word VALUE` are two words: then the second one is no option, whatever it looks like. */
static bool takes_next(const struct argp *argp, const char *word)
{
    for (const struct argp_option *o = argp->options; o->name || o->key || o->doc; o++)
        if (o->name && strcmp(o->name, word) == 0) return o->arg && !(o->flags & OPTION_ARG_OPTIONAL);
    return false;
}

static tw_status check_names(const struct argp *argp, int argc, char **argv)
{
    const char *names[64];
    const size_t count = option_names(argp, 64, names);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        char word[128];
        if (strncmp(argv[i], "--", 2) != 0) continue;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(argv[i] + 2, "="), argv[i] + 2);
        if (known(word, count, names)) {
            i += !strchr(argv[i], '=') && takes_next(argp, word);
            continue;
        }
        const char *near = tw_words_nearest(word, count, names);
        return tw_fail(TW_USAGE, "%s: unknown option '--%s'%s%s%s; see %s --help", argv[0], word,
                       near ? ". Did you mean '--" : "", near ? near : "", near ? "'?" : "", argv[0]);
    }
    return TW_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-?") == 0 || strcmp(argv[i], "--usage") == 0)
            return true;
    return false;
}

static struct {
    void (*read)(void *context, const struct argp *argp, const char *name);
    void *context;
} reader; /* of the main thread, before anything else begins */

void tw_arguments_read(void (*read)(void *context, const struct argp *argp, const char *name), void *context)
{
    reader.read = read;
    reader.context = context;
}

tw_status tw_arguments_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    if (reader.read) {
        reader.read(reader.context, argp, argv[0]);
        return TW_USAGE;
    }
    const bool silent = tw_launch_rank() != 0;
    if (silent && asks_for_help(argc, argv)) exit(0);
    TW_TRY(check_names(argp, argc, argv));
    argp_err_exit_status = TW_USAGE;
    if (argp_parse(argp, argc, argv, silent ? ARGP_SILENT : 0, NULL, input) == 0) return TW_OK;
    return tw_fail(TW_USAGE, "%s: the command line is wrong; see %s --help", argv[0], argv[0]);
}
