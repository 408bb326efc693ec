/* kernels_isa.h -- every table of inner loops that was built, for the dispatch and for the tests.
 *
 * The tables themselves come from kernels.c, compiled once per instruction set. A program asks
 * tw_kernels_get. */
#ifndef TW_KERNELS_ISA_H
#define TW_KERNELS_ISA_H

#include "thalweg/kernels.h"

/* Best first; X(name). */
#if defined(__x86_64__) && defined(TW_X86)
#define TW_ISAS(X) X(avx512) X(avx2) X(baseline)
#else
#define TW_ISAS(X) X(baseline)
#endif

#define X(isa) extern const tw_kernels tw_kernels_##isa;
TW_ISAS(X)
#undef X

/** The table called name ("avx512", "avx2", "baseline"), NULL when it is unknown, was not built, or when this
 * machine cannot run it. Not collective. */
const tw_kernels *tw_kernels_find(const char *name);

#endif
