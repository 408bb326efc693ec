/* THALWEG_FAULT to faults, and back to words. Every refusal says what can be written. */
#include "thalweg/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const phases[] = {
#define X(id, name, clock, doing) name,
    TW_PHASES(X)
#undef X
};

static const struct {
    const char *name;
    long number;
    const char *text;
} kinds[] = {
#define X(id, name, number, text) {name, number, text},
    TW_FAULTS(X)
#undef X
};

static const char *const calls[] = {"",
#define X(id, name) name,
                                    TW_FAULT_CALLS(X)
#undef X
};

static const char *const targets[] = {"parameters", "optimizer"};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static tw_status refuse(const char *part, const char *why)
{
    static const char *const known_kinds =
#define X(id, name, number, text) name ", "
        TW_FAULTS(X)
#undef X
        ;
    static const char *const known_phases =
#define X(id, name, clock, doing) name ", "
        TW_PHASES(X)
#undef X
        ;
    return tw_fail(
        TW_USAGE,
        "THALWEG_FAULT: '%s' %s. It is rank=R,phase=PHASE,iteration=K,kind=KIND, several separated by ';'; "
        "kinds: %.*s (exit=CODE, fail=CODE, flip=BIT and sleep=MS bring a number); phases: %.*s; "
        "further: index=J, of=parameters|optimizer, call=write|sync|rename",
        part, why, (int)strlen(known_kinds) - 2, known_kinds, (int)strlen(known_phases) - 2, known_phases);
}

/* Digits only, up to most. */
static bool whole(const char *text, long most, long *number)
{
    if (!text[0] || text[strspn(text, "0123456789")]) return false;
    errno = 0;
    *number = strtol(text, NULL, 10);
    return errno == 0 && *number <= most;
}

static tw_status set_number(tw_fault *f, const char *part, const char *text)
{
    const long most = f->kind == TW_FAULT_FLIP ? 63 : f->kind == TW_FAULT_SLEEP ? 86400000 : 255;
    if (kinds[f->kind].number < 0) return refuse(part, "brings a number that this kind does not take");
    if (!whole(text, most, &f->number)) return refuse(part, "brings no number, or too large a one");
    if (f->kind == TW_FAULT_FAIL && strcmp(tw_status_text((tw_status)f->number), "unknown status") == 0)
        return refuse(part, "is no exit code that thalweg knows");
    if (f->kind == TW_FAULT_FAIL && f->number == TW_OK) return refuse(part, "is no failure");
    return TW_OK;
}

/* "kill" or "sleep=500" */
static tw_status set_kind(tw_fault *f, const char *part, const char *text)
{
    const size_t length = strcspn(text, "=");
    for (size_t k = 0; k < COUNT(kinds); k++) {
        if (strlen(kinds[k].name) != length || memcmp(kinds[k].name, text, length) != 0) continue;
        if (f->kind != TW_N_FAULTS) return refuse(part, "is a second kind");
        f->kind = (tw_fault_kind)k;
        f->number = kinds[k].number;
        return text[length] ? set_number(f, part, text + length + 1) : TW_OK;
    }
    return refuse(part, "is no kind of fault");
}

/* The place of a word in a table, or -1. */
static int find(const char *word, size_t count, const char *const *names)
{
    for (size_t i = 0; i < count; i++)
        if (word[0] && strcmp(word, names[i]) == 0) return (int)i;
    return -1;
}

static tw_status set_word(tw_fault *f, const char *part, const char *key, const char *value)
{
    const int phase = find(value, COUNT(phases), phases), call = find(value, COUNT(calls), calls),
              target = find(value, COUNT(targets), targets);
    if (strcmp(key, "phase") == 0) {
        if (phase < 0) return refuse(part, "is no phase");
        f->phase = (tw_phase)phase;
    } else if (strcmp(key, "call") == 0) {
        if (call < 0) return refuse(part, "is no call that can fail");
        f->call = (tw_fault_call)call;
    } else if (strcmp(key, "of") == 0) {
        if (target < 0) return refuse(part, "is nothing that a bit can be flipped of");
        f->of = (tw_fault_target)target;
    } else {
        return set_kind(f, part, part); /* sleep=500 */
    }
    return TW_OK;
}

static tw_status set_part(tw_fault *f, const char *part)
{
    char key[32];
    long number;
    const char *equals = strchr(part, '=');
    if (!equals || (size_t)(equals - part) >= sizeof key) return refuse(part, "is not KEY=VALUE");
    snprintf(key, sizeof key, "%.*s", (int)(equals - part), part);
    if (strcmp(key, "kind") == 0) return set_kind(f, part, equals + 1);
    const bool rank = strcmp(key, "rank") == 0, iteration = strcmp(key, "iteration") == 0;
    if (!rank && !iteration && strcmp(key, "index") != 0) return set_word(f, part, key, equals + 1);
    if (!whole(equals + 1, 1000000000, &number)) return refuse(part, "is no whole number");
    if (rank)
        f->rank = (int)number;
    else if (iteration)
        f->iteration = number;
    else
        f->index = number;
    return TW_OK;
}

static bool damages_files(tw_fault_kind kind)
{
    return kind >= TW_FAULT_ENOSPC && kind <= TW_FAULT_TORN;
}

static tw_status check(const tw_fault *f, const char *text)
{
    const bool number = f->kind == TW_FAULT_NAN || f->kind == TW_FAULT_FLIP || f->kind == TW_FAULT_FAIL;
    if (f->kind == TW_N_FAULTS) return refuse(text, "names no kind");
    if (f->phase == TW_N_AT) return refuse(text, "names no phase");
    if (f->call != TW_FAULT_ANY_CALL && number) return refuse(text, "happens in no call");
    if (f->call > TW_FAULT_WRITE && damages_files(f->kind) && f->kind > TW_FAULT_EIO)
        return refuse(text, "can only happen to a write");
    if (f->of != TW_FAULT_PARAMETERS && f->kind != TW_FAULT_FLIP) return refuse(text, "flips no bit");
    return TW_OK;
}

/* text: one fault, to be taken apart. */
static tw_status parse_one(char *text, tw_fault *f)
{
    char whole_text[256], *place;
    snprintf(whole_text, sizeof whole_text, "%s", text);
    *f = (tw_fault){.phase = TW_N_AT, .iteration = -1, .kind = TW_N_FAULTS};
    for (char *part = strtok_r(text, ", \t", &place); part; part = strtok_r(NULL, ", \t", &place))
        TW_TRY(set_part(f, part));
    return check(f, whole_text);
}

tw_status tw_fault_parse(const char *text, tw_fault *faults, size_t *count)
{
    char copy[4096], *place;
    *count = 0;
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy) return refuse("...", "is too long");
    for (char *one = strtok_r(copy, ";", &place); one; one = strtok_r(NULL, ";", &place)) {
        if (one[strspn(one, " \t")] == 0) continue;
        if (*count == TW_FAULT_MOST) return refuse(one, "is one fault too many");
        TW_TRY(parse_one(one, &faults[*count]));
        ++*count;
    }
    return *count > 0 ? TW_OK : refuse(text, "names no fault");
}

const char *tw_fault_describe(const tw_fault *f, size_t length, char *text)
{
    char number[32] = "", when[48] = "", call[32] = "";
    if (kinds[f->kind].number >= 0) snprintf(number, sizeof number, " %ld", f->number);
    if (f->iteration >= 0) snprintf(when, sizeof when, " of iteration %ld", f->iteration);
    if (f->call != TW_FAULT_ANY_CALL) snprintf(call, sizeof call, ", at the next %s", calls[f->call]);
    snprintf(text, length, "rank %d %s%s%s%s in phase %s%s%s", f->rank, kinds[f->kind].text, number,
             f->kind == TW_FAULT_FLIP ? " of the " : "", f->kind == TW_FAULT_FLIP ? targets[f->of] : "",
             phases[f->phase], when, call);
    return text;
}
