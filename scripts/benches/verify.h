/* Compares an answer with what must arrive, while it arrives. */
#ifndef BENCH_VERIFY_H
#define BENCH_VERIFY_H

#include "common.h"

/* Where one answer stands. All zeros before it. */
struct check {
	bool in_payload, has_payload;
	size_t matched, events;
	double first; /* when the first event was complete */
	struct line line;
};

/* The stream that must arrive, or with `plain` one JSON object with its last image. Gives the number of events. */
size_t expect(const char *path, bool plain);

bool check_head(const char *head);
bool check_bytes(struct check *check, const char *at, size_t size);
bool check_end(const struct check *check);

/* Counts an error and gives false; the first complaint is the one worth reading. */
bool wrong(const char *what);

extern size_t errors;
extern const char *complaint;

#endif
