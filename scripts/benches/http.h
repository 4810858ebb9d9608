/* One HTTP/1.1 message that arrives in pieces: its head, then its body without the framing. */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include "common.h"

enum http_stage { HTTP_HEAD, HTTP_BODY, HTTP_CHUNK_SIZE, HTTP_CHUNK, HTTP_CHUNK_END, HTTP_TRAILER, HTTP_END };

/* All zeros before a message. `left`: of the body, or of the chunk. */
struct http {
	enum http_stage stage;
	size_t left;
	struct line line;
	const char *broken; /* what is wrong with the framing, if anything is */
};

/* Whoever reads the message; either may end it by returning false. */
struct http_reader {
	bool (*head)(void *owner, const char *head);
	bool (*body)(void *owner, const char *at, size_t size);
};

/* False when the framing is `broken` or the reader wants no more. */
bool http_take(struct http *http, const struct http_reader *reader, void *owner, const char *at, size_t size);

#endif
