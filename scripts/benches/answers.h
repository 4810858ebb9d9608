/* What the upstream sends: streams and plain answers, built once and kept. */
#ifndef BENCH_ANSWERS_H
#define BENCH_ANSWERS_H

#include "order.h"
#include "stream.h"

struct answer {
	struct bytes wire;  /* head, body, end */
	size_t ends[EVENTS]; /* where in it each event ends */
	size_t count;
	struct answer *next;
	size_t workload, piece;
	bool plain;
};

extern const struct answer bad_request;

/* Workloads are numbered in the order in which they are added. */
void add_workload(const char *path);

/* The answer to an order; `bad_request` when there is none. */
const struct answer *answer_to(const struct order *order);

/* How much of the answer may have left after so many ms. */
size_t answer_due(const struct answer *answer, const struct order *order, double ms);

#endif
