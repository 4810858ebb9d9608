/*
 * The scripted upstream of the benchmark: answers every edit with a stream that was built before.
 *
 *     upstream PIECE STREAM...        prints the port that it chose, then serves until it is killed
 *
 * STREAM is a file of SSE frames. The request picks one by its number with `workload=N` anywhere in its body (the
 * prompt travels through every relay unchanged); `workload=N hold` keeps the last event back for good. Frames are
 * sent as HTTP chunks of PIECE bytes, which never span two events, as a provider writes each event when it has it.
 */
#define _GNU_SOURCE
#include "common.h"

enum { REQUEST_LIMIT = 1 << 20, SLICE = 256 << 10 };

struct answer {
	struct bytes wire; /* head, chunks, last chunk */
	size_t held;       /* where the last event begins */
};

struct connection {
	int fd;
	char *in;
	size_t in_size;
	const struct answer *answer; /* NULL while a request is read */
	size_t sent, stop;
};

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
			   "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
static char NOT_FOUND[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
static const struct answer nothing = {{NOT_FOUND, sizeof NOT_FOUND - 1}, 0};

static struct answer *answers;
static size_t answer_count;

/* -- answers, built once -- */

static void append(struct bytes *to, const char *from, size_t size)
{
	memcpy(to->at + to->size, from, size);
	to->size += size;
}

static void append_chunks(struct bytes *to, const char *from, size_t size, size_t piece)
{
	while (size) {
		size_t part = size < piece ? size : piece;
		to->size += (size_t)sprintf(to->at + to->size, "%zx\r\n", part);
		append(to, from, part);
		append(to, "\r\n", 2);
		from += part;
		size -= part;
	}
}

static struct answer build(const char *path, size_t piece)
{
	struct bytes stream = read_file(path);
	struct answer answer = {{NULL, 0}, 0};
	size_t chunks = stream.size / piece + 64;
	answer.wire.at = must(malloc(sizeof HEAD + stream.size + chunks * 32));
	append(&answer.wire, HEAD, sizeof HEAD - 1);
	for (char *at = stream.at, *end = stream.at + stream.size; at < end;) {
		char *blank = memmem(at, (size_t)(end - at), "\n\n", 2);
		char *next = blank ? blank + 2 : end;
		answer.held = answer.wire.size;
		append_chunks(&answer.wire, at, (size_t)(next - at), piece);
		at = next;
	}
	append(&answer.wire, "0\r\n\r\n", 5);
	free(stream.at);
	return answer;
}

/* -- requests -- */

static const char *header(const char *head, const char *end, const char *name)
{
	const char *found = strcasestr(head, name);
	return found && found < end ? found + strlen(name) : NULL;
}

/* Size of a chunked request that starts at `in`, 0 while it is incomplete. */
static size_t chunked_size(const char *in, size_t head, size_t size)
{
	for (size_t at = head; at < size;) {
		const char *line = memchr(in + at, '\n', size - at);
		if (!line)
			return 0;
		size_t chunk = strtoul(in + at, NULL, 16);
		at = (size_t)(line + 1 - in) + chunk + 2;
		if (!chunk)
			return at <= size ? at : 0;
	}
	return 0;
}

/* Size of the complete request at the start of `in` (a string), 0 while more must come. */
static size_t request_size(const char *in, size_t size)
{
	const char *end = memmem(in, size, "\r\n\r\n", 4);
	if (!end)
		return 0;
	size_t head = (size_t)(end + 4 - in);
	const char *length = header(in, end, "\r\ncontent-length:");
	if (length)
		head += strtoul(length, NULL, 10);
	else if (header(in, end, "\r\ntransfer-encoding:"))
		return chunked_size(in, head, size);
	return head <= size ? head : 0;
}

static void choose_answer(struct connection *c, size_t size)
{
	char *mark = memmem(c->in, size, "workload=", 9), *rest = NULL;
	size_t number = mark ? strtoul(mark + 9, &rest, 10) : answer_count;
	c->answer = number < answer_count ? &answers[number] : &nothing;
	c->stop = rest && !strncmp(rest, " hold", 5) ? c->answer->held : c->answer->wire.size;
	c->sent = 0;
	c->in_size -= size;
	memmove(c->in, c->in + size, c->in_size + 1);
}

/* -- connections: each returns false when the connection is over -- */

static bool receive(struct connection *c)
{
	ssize_t got = recv(c->fd, c->in + c->in_size, REQUEST_LIMIT - c->in_size, 0);
	if (got <= 0)
		return got < 0 && would_block();
	c->in_size += (size_t)got;
	c->in[c->in_size] = 0;
	return true;
}

/* One bounded write per turn, so that no stream starves the others. */
static bool deliver(struct connection *c)
{
	size_t left = c->stop - c->sent;
	ssize_t put = send(c->fd, c->answer->wire.at + c->sent, left < SLICE ? left : SLICE, MSG_NOSIGNAL);
	if (put < 0)
		return would_block();
	c->sent += (size_t)put;
	return true;
}

static bool serve(int epoll, struct connection *c, unsigned events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return false;
	if ((events & EPOLLIN) && !receive(c))
		return false;
	if ((events & EPOLLOUT) && c->answer && c->sent < c->stop && !deliver(c))
		return false;
	if (c->answer && c->sent == c->answer->wire.size)
		c->answer = NULL;
	size_t size = c->answer ? 0 : request_size(c->in, c->in_size);
	if (size)
		choose_answer(c, size);
	bool writing = c->answer && c->sent < c->stop;
	watch(epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN | (writing ? EPOLLOUT : 0u), c);
	return true;
}

static void hang_up(struct connection *c)
{
	close(c->fd);
	free(c->in);
	free(c);
}

static void welcome(int epoll, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	no_delay(fd);
	struct connection *c = must(calloc(1, sizeof *c));
	c->fd = fd;
	c->in = must(malloc(REQUEST_LIMIT + 1)); /* untouched pages cost nothing */
	watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, c);
}

static int listen_anywhere(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096))
		die("listen");
	getsockname(fd, (struct sockaddr *)&address, &size);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	long piece = argc > 2 ? atol(argv[1]) : 0;
	if (piece <= 0) {
		fprintf(stderr, "usage: upstream PIECE STREAM...\n");
		return 2;
	}
	answer_count = (size_t)argc - 2;
	answers = must(calloc(answer_count, sizeof *answers));
	for (size_t i = 0; i < answer_count; i++)
		answers[i] = build(argv[i + 2], (size_t)piece);
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_anywhere();
	watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		struct epoll_event events[64];
		int count = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < count; i++) {
			struct connection *c = events[i].data.ptr;
			if (!c)
				welcome(epoll, listener);
			else if (!serve(epoll, c, events[i].events))
				hang_up(c);
		}
	}
}
