/* What the load generator has seen, and the line that tells it. */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "common.h"

/* Body bytes that arrived; those of the window came before the time was over. */
void tally_bytes(size_t size, bool in_window);

/* An answer that was right: the ms to its first event and to its last byte. */
void tally_answer(double first_ms, double last_ms);

/* Everything as one line of JSON on stdout. */
void tally_print(void);

#endif
