/* A file of SSE frames, which the upstream sends and the client expects. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include "common.h"

enum { EVENTS = 16 };

struct event {
	struct bytes frame;   /* all of it, the blank line at its end included */
	struct bytes type;    /* the `event:` line */
	struct bytes payload; /* what follows `data: ` */
	struct bytes image;   /* the base64 in it */
};

struct stream {
	struct event events[EVENTS + 1]; /* one more, empty: what may follow the last event */
	size_t count;
};

struct stream read_stream(const char *path);

#endif
