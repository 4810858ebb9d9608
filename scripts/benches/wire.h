/* Bytes to and from one connection, plain or behind TLS. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "common.h"

struct wire {
	int fd;
	void *tls; /* NULL on a plain connection */
};

/* From now on every wire speaks TLS. Ends the program when it was built without OpenSSL. */
void wire_secure(const char *certificate, const char *key);

struct wire wire_open(int fd);
void wire_close(struct wire *wire);

/* As recv and send: 0 at the end, -1 with errno EAGAIN when the other side has to move first. */
ssize_t wire_receive(struct wire *wire, char *at, size_t size);
ssize_t wire_send(struct wire *wire, const char *at, size_t size);

#endif
