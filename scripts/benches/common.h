/* What the two tools share: files, clocks, sockets and giving up. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct bytes {
	char *at;
	size_t size;
};

enum { LINE = 8192 };

struct line {
	char at[LINE];
	size_t size;
};

static inline void die(const char *what)
{
	perror(what);
	exit(2);
}

static inline void *must(void *memory)
{
	if (!memory)
		die("memory");
	return memory;
}

static inline struct bytes read_file(const char *path)
{
	struct bytes file = {NULL, 0};
	FILE *in = fopen(path, "rb");
	if (!in)
		die(path);
	if (fseek(in, 0, SEEK_END) || ftell(in) < 0)
		die(path);
	file.size = (size_t)ftell(in);
	file.at = must(malloc(file.size + 1));
	rewind(in);
	if (fread(file.at, 1, file.size, in) != file.size)
		die(path);
	file.at[file.size] = 0;
	fclose(in);
	return file;
}

static inline double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Pieces leave as they are written; Nagle would add waits that belong to no relay. */
static inline void no_delay(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static inline bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static inline void watch(int epoll, int operation, int fd, unsigned events, void *owner)
{
	struct epoll_event event = {.events = events, .data.ptr = owner};
	if (epoll_ctl(epoll, operation, fd, &event))
		die("epoll_ctl");
}

#endif
