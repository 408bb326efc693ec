/* What the two sources of the oracle share. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stddef.h>

typedef struct {
    char **words;           /* the command line after the file */
    size_t m, n, K, N, G;   /* rows, features, outputs, parameters, groups */
    size_t *start;          /* G + 1: group k has the rows from start[k] up to start[k + 1] */
    double *x, *y, *weight; /* m*n; m labels as section 4 wants them; m or NULL */
    char *kept;             /* m: is the row kept for validation? */
    double *mu, *sigma;     /* n each; NULL without scaling */
    double l2, **w, **g;    /* the whole run: point and gradient after k steps */
    double **ds, **dy;      /* the pairs of l-BFGS from [1] on, oldest first */
    size_t pairs;           /* how many; 0 when they are forgotten */
    enum { linear, logistic, softmax, huber, poisson, squared_hinge } model;
} problem;

/* oracle.c */
_Noreturn void refuse(const char *what, const char *which);
void *zeros(size_t n); /* of doubles, at least one */
double dot(size_t n, const double *a, const double *b);
double objective(const problem *p, const double *w, double *g);
const char *option(const problem *p, const char *name);
double number(const problem *p, const char *name, double otherwise);
int find(const char *name, const char *text, const char **words);
#define one_of(p, name, ...) find(name, option(p, name), (const char *[]){__VA_ARGS__, NULL})

/* batches.c */
size_t number_labels(size_t m, double *y);        /* labels to classes; returns how many */
void keep_rows(problem *p);                       /* for validation */
double schedule(const problem *p, double time);   /* the length that step= length= tau= say */
double *train_epochs(const problem *p);           /* mini-batches; returns the parameters */

#endif
