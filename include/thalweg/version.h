/* version.h -- which thalweg this is, and which arithmetic it promises. */
#ifndef THALWEG_VERSION_H
#define THALWEG_VERSION_H

#define TW_VERSION "0.1.0"

/** Version of the arithmetic contract, docs/reproducibility.md: equal numbers mean equal bits. */
enum { TW_CONTRACT_VERSION = 2 };

#endif
