/*
 * The scripted upstream of the benchmark: answers every edit with a stream that was built before.
 *
 *     upstream [-t CERTIFICATE -k KEY] IMAGE STREAM...      prints the port that it chose, then serves until it is killed
 *
 * STREAM is a file of SSE frames. A request's prompt picks one and says how it is to be delivered (order.h); a request
 * without stream=true gets the stream's last image as a plain answer. Images in a request must be the beginning of
 * IMAGE, or the answer is 400.
 */
#define _GNU_SOURCE
#include "answers.h"
#include "http.h"
#include "wire.h"

enum { BUFFER = 256 << 10, SLICE = 256 << 10, STEP_MS = 10 };

struct connection {
	struct wire wire;
	struct http http;
	struct form form;
	struct order order;
	const struct answer *answer; /* NULL while a request is read */
	size_t sent, due;
	double started, next_step; /* of a paced answer */
	struct connection *before, *after;
};

static int epoll;
static struct connection *connections;

/* -- requests -- */

static bool take_head(void *owner, const char *head)
{
	(void)owner, (void)head;
	return true;
}

static bool take_body(void *owner, const char *at, size_t size)
{
	struct connection *c = owner;
	if (!c->answer && !form_take(&c->form, at, size))
		c->answer = &bad_request;
	return true;
}

static const struct http_reader request = {take_head, take_body};

static bool is_paced(const struct connection *c)
{
	return c->order.rate || c->order.gap_ms || c->order.end_ms;
}

/* Streams that began together do not step together, as those of different callers would not. */
static void begin_answer(struct connection *c)
{
	static unsigned turn;
	if (!form_end(&c->form, &c->order))
		c->answer = &bad_request;
	if (!c->answer)
		c->answer = answer_to(&c->order);
	c->sent = 0;
	c->started = now_ms();
	c->next_step = c->started + turn++ % STEP_MS;
	c->due = is_paced(c) ? 0 : answer_due(c->answer, &c->order, 0);
}

/* -- connections: each step returns false when the connection is over -- */

static bool receive(struct connection *c)
{
	static char buffer[BUFFER];
	ssize_t got = wire_receive(&c->wire, buffer, sizeof buffer);
	if (got <= 0)
		return got < 0 && would_block();
	if (!http_take(&c->http, &request, c, buffer, (size_t)got))
		return false;
	if (c->http.stage == HTTP_END)
		begin_answer(c);
	return true;
}

/* One bounded write per turn, so that no stream starves the others. */
static bool deliver(struct connection *c)
{
	size_t left = c->due - c->sent;
	ssize_t put = wire_send(&c->wire, c->answer->wire.at + c->sent, left < SLICE ? left : SLICE);
	if (put < 0)
		return would_block();
	c->sent += (size_t)put;
	return true;
}

static void await_request(struct connection *c)
{
	c->answer = NULL;
	c->sent = c->due = 0;
	memset(&c->http, 0, sizeof c->http);
	memset(&c->order, 0, sizeof c->order);
	c->form.size = c->form.seen = c->form.images = 0;
	c->form.in_image = false;
}

static bool serve(struct connection *c, unsigned events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return false;
	if ((events & EPOLLIN) && !receive(c))
		return false;
	if (c->sent < c->due && !deliver(c))
		return false;
	if (c->answer && c->sent == c->answer->wire.size)
		await_request(c);
	watch(epoll, EPOLL_CTL_MOD, c->wire.fd, EPOLLIN | (c->sent < c->due ? EPOLLOUT : 0u), c);
	return true;
}

static void hang_up(struct connection *c)
{
	*(c->before ? &c->before->after : &connections) = c->after;
	if (c->after)
		c->after->before = c->before;
	wire_close(&c->wire);
	free(c);
}

static void welcome(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	no_delay(fd);
	struct connection *c = must(calloc(1, sizeof *c));
	c->wire = wire_open(fd);
	c->after = connections;
	if (connections)
		connections->before = c;
	connections = c;
	watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, c);
}

/* Lets every paced answer take the step that is due; gives the ms until the next one is, -1 when there is none. */
static int pace(void)
{
	double now = now_ms(), next = 0;
	for (struct connection *c = connections, *after; c; c = after) {
		after = c->after;
		if (!c->answer || !is_paced(c) || c->due == c->answer->wire.size)
			continue;
		if (c->next_step <= now) {
			c->next_step += STEP_MS;
			c->due = answer_due(c->answer, &c->order, now - c->started);
			if (!serve(c, 0)) {
				hang_up(c);
				continue;
			}
		}
		if (!next || c->next_step < next)
			next = c->next_step;
	}
	return !next ? -1 : next <= now ? 0 : (int)(next - now) + 1;
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

static void serve_all(int listener)
{
	struct epoll_event events[64];
	int count = epoll_wait(epoll, events, 64, pace());
	for (int i = 0; i < count; i++) {
		struct connection *c = events[i].data.ptr;
		if (!c)
			welcome(listener);
		else if (!serve(c, events[i].events))
			hang_up(c);
	}
}

int main(int argc, char **argv)
{
	const char *certificate = NULL, *key = NULL;
	for (int option; (option = getopt(argc, argv, "t:k:")) != -1;) {
		switch (option) {
		case 't': certificate = optarg; break;
		case 'k': key = optarg; break;
		default: return 2;
		}
	}
	if (argc - optind < 2 || !certificate != !key)
		return fprintf(stderr, "usage: see the head of upstream.c\n"), 2;
	if (certificate)
		wire_secure(certificate, key);
	form_images(argv[optind]);
	for (int i = optind + 1; i < argc; i++)
		add_workload(argv[i]);
	int listener = listen_anywhere();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;)
		serve_all(listener);
}
