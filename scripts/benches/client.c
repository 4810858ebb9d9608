/*
 * The load generator of the benchmark: sends one request over and over and compares every byte that comes back.
 *
 *     client -p PORT -r REQUEST -s STREAM -c READERS [-t SECONDS] [-n REQUESTS] [-g GAP_MS] [-k]    load
 *     client -p PORT -r REQUEST -s STREAM -c READERS -H stuck|reading                               hold
 *
 * REQUEST holds the HTTP request as it goes out; STREAM holds the SSE frames that the upstream sends. A relay may
 * cut, re-chunk and add comments, but each event's type and payload must arrive as they stand in STREAM.
 *
 * load: READERS connections at a time until SECONDS or REQUESTS are over, then one JSON line on stdout. With -k
 * connections are kept, otherwise each request opens its own; times count from its connect.
 * hold: opens READERS connections to a stream whose last event never comes and prints `sent`. `stuck` readers read
 * nothing until stdin gets a line; `reading` ones read at once. When all have read every event but the last, the
 * same JSON line is printed. Then they stay connected, silent, until they are killed.
 */
#define _GNU_SOURCE
#include "common.h"

enum { BUFFER = 256 << 10, LINE = 4096, EVENTS = 16, GRACE_MS = 60000, ENOUGH_ERRORS = 100 };
enum { TINY_BUFFER = 4096, NETWORK_SEGMENT = 1400 };
enum stage { HEAD, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER };

struct line {
	char at[LINE];
	size_t size;
};

struct event {
	struct bytes type, payload; /* the whole `event:` line, and what follows `data: ` */
};

struct reader {
	int fd;
	bool closing, in_payload, has_payload, done; /* done: nothing more is expected, a new request may start */
	enum stage stage;
	struct line http, sse; /* two, because a line of the stream may span chunks */
	size_t sent, chunk_left, matched, events;
	double started, first;
};

static int port, epoll;
static struct bytes request;
static struct event expected[EVENTS + 1]; /* one more, empty: what may follow the last event */
static size_t expected_count, wanted;
static bool keep, holding, stuck;
static double deadline;

static size_t total_bytes, window_bytes, errors, finished;
static const char *complaint = "";
static double *first_ms, *last_ms; /* of each finished request */

/* The first complaint is the one worth reading; the rest is counted. */
static bool wrong(const char *what)
{
	if (!errors++)
		complaint = what;
	return false;
}

/* -- what must arrive -- */

static void expect(struct bytes stream)
{
	char *end;
	for (char *at = stream.at; (end = strchr(at, '\n')); at = end + 1) {
		if (expected_count == EVENTS)
			die("too many events");
		if (!strncmp(at, "event: ", 7))
			expected[expected_count].type = (struct bytes){at, (size_t)(end - at)};
		else if (!strncmp(at, "data: ", 6))
			expected[expected_count++].payload = (struct bytes){at + 6, (size_t)(end - at) - 6};
	}
}

/* -- the stream: lines are checked at their end, payloads as they come -- */

static bool end_of_event(struct reader *r)
{
	if (!r->has_payload)
		return true;
	r->has_payload = false;
	if (++r->events == 1)
		r->first = now_ms();
	r->done = holding && r->events == wanted;
	return true;
}

static bool end_of_line(struct reader *r)
{
	struct line *line = &r->sse;
	const struct bytes *type = &expected[r->events].type;
	size_t size = line->size - (line->size && line->at[line->size - 1] == '\r');
	line->size = 0;
	if (!size)
		return end_of_event(r);
	bool comment = line->at[0] == ':';
	bool known = r->events < expected_count && size == type->size && !memcmp(line->at, type->at, size);
	return comment || known || wrong("a line that the upstream did not send");
}

static bool take_line_byte(struct reader *r, char byte)
{
	struct line *line = &r->sse;
	if (byte == '\n')
		return end_of_line(r);
	if (line->size == LINE)
		return wrong("a line too long");
	line->at[line->size++] = byte;
	if (line->size != 6 || memcmp(line->at, "data: ", 6))
		return true;
	if (r->events == expected_count || r->has_payload)
		return wrong("more data than the upstream sent");
	r->in_payload = true;
	r->matched = line->size = 0;
	return true;
}

/* How many bytes were right: a run of the payload, or the line end that may only follow its last byte. */
static size_t take_payload(struct reader *r, const char *at, size_t size)
{
	const struct bytes *payload = &expected[r->events].payload;
	size_t left = payload->size - r->matched, part = size < left ? size : left;
	if (part && memcmp(at, payload->at + r->matched, part))
		return 0;
	r->matched += part;
	if (part)
		return part;
	r->has_payload = *at == '\n';
	r->in_payload = !r->has_payload;
	return *at == '\n' || *at == '\r';
}

static bool take_stream(struct reader *r, const char *at, size_t size)
{
	total_bytes += size;
	for (const char *end = at + size; at < end;) {
		if (!r->in_payload) {
			if (!take_line_byte(r, *at++))
				return false;
			continue;
		}
		size_t right = take_payload(r, at, (size_t)(end - at));
		if (!right)
			return wrong("a payload that differs from the upstream's");
		at += right;
	}
	return true;
}

/* -- HTTP: the head and the chunks around the stream -- */

static bool end_of_head(struct reader *r)
{
	if (strncmp(r->http.at, "HTTP/1.1 200", 12))
		return wrong("an answer other than 200");
	if (!strcasestr(r->http.at, "\r\ntransfer-encoding: chunked"))
		return wrong("an answer without chunks");
	r->closing = strcasestr(r->http.at, "\r\nconnection: close");
	r->stage = CHUNK_SIZE;
	return true;
}

static bool end_of_framing_line(struct reader *r)
{
	if (r->stage == HEAD)
		return end_of_head(r);
	if (r->stage == TRAILER) {
		r->done = true;
		return r->events == wanted || wrong("fewer events than the upstream sent");
	}
	r->chunk_left = r->stage == CHUNK_SIZE ? strtoul(r->http.at, NULL, 16) : 0;
	if (r->stage == CHUNK_END)
		r->stage = CHUNK_SIZE;
	else
		r->stage = r->chunk_left ? CHUNK : TRAILER;
	return true;
}

static bool take_framing_byte(struct reader *r, char byte)
{
	struct line *line = &r->http;
	if (line->size == LINE - 1)
		return wrong("a head too long");
	line->at[line->size++] = byte;
	line->at[line->size] = 0;
	const char *mark = r->stage == HEAD ? "\r\n\r\n" : "\n";
	size_t size = strlen(mark);
	if (line->size < size || memcmp(line->at + line->size - size, mark, size))
		return true;
	line->size = 0;
	return end_of_framing_line(r);
}

static bool take(struct reader *r, const char *at, size_t size)
{
	for (const char *end = at + size; at < end && !r->done;) {
		if (r->stage != CHUNK) {
			if (!take_framing_byte(r, *at++))
				return false;
			continue;
		}
		size_t left = (size_t)(end - at), part = left < r->chunk_left ? left : r->chunk_left;
		if (!take_stream(r, at, part))
			return false;
		at += part;
		r->chunk_left -= part;
		if (!r->chunk_left)
			r->stage = CHUNK_END;
	}
	return true;
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
	size_t before = total_bytes;
	bool fine = take(r, buffer, (size_t)got);
	if (now_ms() < deadline)
		window_bytes += total_bytes - before;
	return fine;
}

static bool step(struct reader *r, unsigned events)
{
	if (events & EPOLLOUT)
		return ask(r);
	return stuck ? wrong("a stuck reader that the relay hung up on") : listen_to(r);
}

static void note_times(const struct reader *r)
{
	size_t size = (finished + 1) * sizeof(double);
	first_ms = must(realloc(first_ms, size));
	last_ms = must(realloc(last_ms, size));
	first_ms[finished] = r->first - r->started;
	last_ms[finished++] = now_ms() - r->started;
}

static void finish(struct reader *r, bool fine)
{
	r->done = true;
	if (fine)
		note_times(r);
	if (fine && holding)
		watch(epoll, EPOLL_CTL_MOD, r->fd, 0, r);
	else if (!fine || !keep || r->closing)
		hang_up(r);
}

static void print_list(const char *name, const double *values)
{
	printf(", \"%s\": [", name);
	for (size_t i = 0; i < finished; i++)
		printf("%s%.3f", i ? ", " : "", values[i]);
	printf("]");
}

static void report(void)
{
	printf("{\"requests\": %zu, \"body_bytes\": %zu, \"window_bytes\": %zu, \"errors\": %zu, \"complaint\": \"%s\"",
	       finished, total_bytes, window_bytes, errors, complaint);
	print_list("first_ms", first_ms);
	print_list("last_ms", last_ms);
	printf("}\n");
	fflush(stdout);
}

/* Waits for the network once and gives the number of readers that came to their end, well or not. */
static size_t turn(void)
{
	struct epoll_event events[64];
	int count = epoll_wait(epoll, events, 64, 100);
	size_t ended = 0;
	for (int i = 0; i < count; i++) {
		struct reader *r = events[i].data.ptr;
		bool fine = step(r, events[i].events);
		if (fine && !r->done)
			continue;
		finish(r, fine);
		ended++;
	}
	if (now_ms() > deadline + GRACE_MS) {
		wrong("an answer that did not end in time");
		report();
		exit(1);
	}
	return ended;
}

/* -- the two ways to run -- */

static void load(struct reader *readers, size_t count, size_t limit, unsigned gap_ms)
{
	size_t active = 0, asked = 0;
	for (bool more = true; more || active;) {
		more = now_ms() < deadline && asked < limit && errors < ENOUGH_ERRORS;
		for (size_t i = 0; more && i < count && asked < limit; i++) {
			if (!readers[i].done)
				continue;
			usleep(gap_ms * 1000); /* a gap is for one reader: the relay is to be idle when it asks */
			start(&readers[i]);
			active++;
			asked++;
		}
		active -= active ? turn() : 0;
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
		ended += turn();
	puts("sent");
	fflush(stdout);
	if (stuck && !errors) {
		getchar();
		deadline = now_ms() + patience_ms;
		release(readers, count);
	}
	while (ended < count && !errors)
		ended += turn();
}

int main(int argc, char **argv)
{
	size_t count = 1, limit = SIZE_MAX;
	double seconds = 30;
	unsigned gap_ms = 0;
	for (int option; (option = getopt(argc, argv, "p:r:s:c:t:n:g:kH:")) != -1;) {
		switch (option) {
		case 'p': port = atoi(optarg); break;
		case 'r': request = read_file(optarg); break;
		case 's': expect(read_file(optarg)); break;
		case 'c': count = strtoul(optarg, NULL, 10); break;
		case 't': seconds = atof(optarg); break;
		case 'n': limit = strtoul(optarg, NULL, 10); break;
		case 'g': gap_ms = (unsigned)atoi(optarg); break;
		case 'k': keep = true; break;
		case 'H': holding = true, stuck = !strcmp(optarg, "stuck"); break;
		default: return 2;
		}
	}
	wanted = expected_count - (holding && expected_count ? 1 : 0);
	if (!port || !request.size || !wanted || !count)
		return fprintf(stderr, "usage: see the head of client.c\n"), 2;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	struct reader *readers = must(calloc(count, sizeof *readers));
	for (size_t i = 0; i < count; i++)
		readers[i].fd = -1, readers[i].done = true;
	deadline = now_ms() + seconds * 1e3;
	if (holding)
		hold(readers, count, seconds * 1e3);
	else
		load(readers, count, limit, gap_ms);
	report();
	while (holding && !errors)
		pause();
	return errors > 0;
}
