/*
 * The load generator of the benchmark: sends one request over and over and compares every byte that comes back.
 *
 *     client -p PORT -r REQUEST -s STREAM -c READERS [-t SECONDS] [-n REQUESTS] [-g GAP_MS] [-k] [-j]    load
 *     client -p PORT -r REQUEST -s STREAM -c READERS -H stuck|reading                                    hold
 *
 * REQUEST holds the HTTP request as it goes out; STREAM holds the SSE frames that the upstream sends (verify.c).
 *
 * load: READERS connections at a time until SECONDS or REQUESTS are over or stdin gets a line, then one JSON line on
 * stdout, once what was begun has ended. A reader waits GAP_MS between its requests. With -k connections are kept,
 * otherwise each request opens its own; times count from its connect. With -j answers are plain, not streams.
 * hold: opens READERS connections to a stream whose last event never comes and prints `sent`. `stuck` readers read
 * nothing until stdin gets a line; `reading` ones read at once. When all have read every event but the last, the
 * same JSON line is printed. Then they stay connected, silent, until they are killed.
 */
#define _GNU_SOURCE
#include "http.h"
#include "tally.h"
#include "verify.h"

enum { BUFFER = 256 << 10, GRACE_MS = 60000, WAIT_MS = 100, ENOUGH_ERRORS = 100 };
enum { TINY_BUFFER = 4096, NETWORK_SEGMENT = 1400 };

struct reader {
	int fd;
	bool closing, done; /* done: nothing more is expected, a new request may start */
	size_t sent;
	double started, ended;
	struct http http;
	struct check check;
};

static int port, epoll;
static struct bytes request;
static size_t wanted;
static bool keep, holding, stuck;
static double deadline, gap_ms;

/* -- answers -- */

static bool take_head(void *owner, const char *head)
{
	struct reader *r = owner;
	r->closing = strcasestr(head, "\r\nconnection: close");
	return check_head(head);
}

static bool take_body(void *owner, const char *at, size_t size)
{
	struct reader *r = owner;
	tally_bytes(size, now_ms() < deadline);
	return check_bytes(&r->check, at, size);
}

static const struct http_reader answer = {take_head, take_body};

static bool take(struct reader *r, const char *at, size_t size)
{
	if (!http_take(&r->http, &answer, r, at, size))
		return r->http.broken && wrong(r->http.broken);
	r->done = r->http.stage == HTTP_END || (holding && r->check.events == wanted);
	return holding || !r->done || check_end(&r->check);
}

/* -- connections: each step returns false when something went wrong -- */

/* A tiny buffer is what a stuck reader offers; network-sized segments keep loopback's 64 KiB ones from swelling
 * the relay's send buffer in the kernel, where no figure about the relay's memory would see them. */
static void be_narrow(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){TINY_BUFFER}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &(int){NETWORK_SEGMENT}, sizeof(int));
}

static int dial(struct reader *r)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	no_delay(fd);
	if (holding)
		be_narrow(fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
		die("connect");
	watch(epoll, EPOLL_CTL_ADD, fd, EPOLLOUT, r);
	return fd;
}

static void start(struct reader *r)
{
	int kept = r->fd;
	double now = now_ms();
	memset(r, 0, sizeof *r);
	r->started = now;
	r->fd = kept >= 0 ? kept : dial(r);
	if (kept >= 0)
		watch(epoll, EPOLL_CTL_MOD, kept, EPOLLOUT, r);
}

static void hang_up(struct reader *r)
{
	close(r->fd);
	r->fd = -1;
}

static bool ask(struct reader *r)
{
	ssize_t put = send(r->fd, request.at + r->sent, request.size - r->sent, MSG_NOSIGNAL);
	if (put < 0)
		return would_block() || wrong("a connection refused or lost");
	r->sent += (size_t)put;
	if (r->sent == request.size)
		watch(epoll, EPOLL_CTL_MOD, r->fd, stuck ? 0 : EPOLLIN, r);
	return true;
}

static bool listen_to(struct reader *r)
{
	static char buffer[BUFFER];
	ssize_t got = recv(r->fd, buffer, sizeof buffer, 0);
	if (got < 0 && would_block())
		return true;
	if (got <= 0)
		return wrong("a connection that ended before its answer");
	return take(r, buffer, (size_t)got);
}

static bool step(struct reader *r, unsigned events)
{
	if (events & EPOLLOUT)
		return ask(r);
	return stuck ? wrong("a stuck reader that the relay hung up on") : listen_to(r);
}

static void finish(struct reader *r, bool fine)
{
	r->done = true;
	r->ended = now_ms();
	if (fine)
		tally_answer(r->check.first - r->started, r->ended - r->started);
	if (fine && holding)
		watch(epoll, EPOLL_CTL_MOD, r->fd, 0, r);
	else if (!fine || !keep || r->closing)
		hang_up(r);
}

/* Whoever runs this has had enough: begin nothing new. */
static void stop_asking(void)
{
	char line[16];
	if (read(STDIN_FILENO, line, sizeof line) <= 0)
		epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
	deadline = now_ms();
}

/* Waits for the network once and gives the number of readers that came to their end, well or not. */
static size_t turn(int wait_ms)
{
	struct epoll_event events[64];
	int count = epoll_wait(epoll, events, 64, wait_ms);
	size_t ended = 0;
	for (int i = 0; i < count; i++) {
		struct reader *r = events[i].data.ptr;
		bool fine = !r || step(r, events[i].events);
		if (!r)
			stop_asking();
		if (!r || (fine && !r->done))
			continue;
		finish(r, fine);
		ended++;
	}
	if (now_ms() > deadline + GRACE_MS) {
		wrong("an answer that did not end in time");
		tally_print();
		exit(1);
	}
	return ended;
}

/* -- the two ways to run -- */

/* Starts every reader whose gap is over; gives how many, and how long the next one has to wait. */
static size_t start_due(struct reader *readers, size_t count, size_t limit, double *wait_ms)
{
	size_t started = 0;
	double now = now_ms();
	for (size_t i = 0; i < count && started < limit; i++) {
		if (!readers[i].done)
			continue;
		double left = readers[i].ended + gap_ms - now;
		if (left < *wait_ms && left > 0)
			*wait_ms = left;
		if (left > 0)
			continue;
		start(&readers[i]);
		started++;
	}
	return started;
}

static void load(struct reader *readers, size_t count, size_t limit)
{
	size_t active = 0, asked = 0;
	/* a file or a terminal in the background cannot be waited for; then there is no stopping early */
	epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &(struct epoll_event){.events = EPOLLIN, .data.ptr = NULL});
	for (bool more = true; more || active;) {
		double wait_ms = WAIT_MS;
		more = now_ms() < deadline && asked < limit && errors < ENOUGH_ERRORS;
		size_t started = more ? start_due(readers, count, limit - asked, &wait_ms) : 0;
		asked += started;
		active += started;
		if (active || more)
			active -= turn((int)wait_ms + (wait_ms < WAIT_MS));
	}
}

static void release(struct reader *readers, size_t count)
{
	stuck = false;
	for (size_t i = 0; i < count; i++)
		watch(epoll, EPOLL_CTL_MOD, readers[i].fd, EPOLLIN, &readers[i]);
}

static size_t unsent(const struct reader *readers, size_t count)
{
	size_t left = 0;
	for (size_t i = 0; i < count; i++)
		left += readers[i].sent < request.size;
	return left;
}

static void hold(struct reader *readers, size_t count, double patience_ms)
{
	size_t ended = 0;
	for (size_t i = 0; i < count; i++)
		start(&readers[i]);
	while (unsent(readers, count) && !errors)
		ended += turn(WAIT_MS);
	puts("sent");
	fflush(stdout);
	if (stuck && !errors) {
		getchar();
		deadline = now_ms() + patience_ms;
		release(readers, count);
	}
	while (ended < count && !errors)
		ended += turn(WAIT_MS);
}

static size_t reader_count = 1, request_limit = SIZE_MAX;
static double seconds = 30;

static bool read_options(int argc, char **argv)
{
	const char *stream = NULL;
	bool plain = false;
	for (int option; (option = getopt(argc, argv, "p:r:s:c:t:n:g:kjH:")) != -1;) {
		switch (option) {
		case 'p': port = atoi(optarg); break;
		case 'r': request = read_file(optarg); break;
		case 's': stream = optarg; break;
		case 'c': reader_count = strtoul(optarg, NULL, 10); break;
		case 't': seconds = atof(optarg); break;
		case 'n': request_limit = strtoul(optarg, NULL, 10); break;
		case 'g': gap_ms = atof(optarg); break;
		case 'k': keep = true; break;
		case 'j': plain = true; break;
		case 'H': holding = true, stuck = !strcmp(optarg, "stuck"); break;
		default: return false;
		}
	}
	if (!port || !request.size || !stream || !reader_count)
		return false;
	wanted = expect(stream, plain) - holding;
	return true;
}

int main(int argc, char **argv)
{
	if (!read_options(argc, argv))
		return fprintf(stderr, "usage: see the head of client.c\n"), 2;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	struct reader *readers = must(calloc(reader_count, sizeof *readers));
	for (size_t i = 0; i < reader_count; i++)
		readers[i].fd = -1, readers[i].done = true;
	deadline = now_ms() + seconds * 1e3;
	if (holding)
		hold(readers, reader_count, seconds * 1e3);
	else
		load(readers, reader_count, request_limit);
	tally_print();
	while (holding && !errors)
		pause();
	return errors > 0;
}
