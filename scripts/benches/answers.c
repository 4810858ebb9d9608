#include "answers.h"

enum { WORKLOADS = 32 };

static const char STREAM_HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
				  "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char PLAIN_HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n";
static const char PLAIN_START[] = "{\"created\":1763700000,\"data\":[{\"b64_json\":\"";
static const char PLAIN_END[] = "\"}],\"usage\":{\"total_tokens\":4510,\"input_tokens\":350,\"output_tokens\":4160,"
				"\"input_tokens_details\":{\"text_tokens\":27,\"image_tokens\":323}}}";
static char REFUSAL[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

const struct answer bad_request = {.wire = {REFUSAL, sizeof REFUSAL - 1}};

static struct stream workloads[WORKLOADS];
static size_t workload_count;
static struct answer *answers;

void add_workload(const char *path)
{
	if (workload_count == WORKLOADS)
		die("too many workloads");
	workloads[workload_count++] = read_stream(path);
}

static void append(struct bytes *to, const char *from, size_t size)
{
	memcpy(to->at + to->size, from, size);
	to->size += size;
}

/* Chunks never span two events, as a provider writes each event when it has it. */
static void append_chunks(struct bytes *to, struct bytes from, size_t piece)
{
	while (from.size) {
		size_t part = from.size < piece ? from.size : piece;
		to->size += (size_t)sprintf(to->at + to->size, "%zx\r\n", part);
		append(to, from.at, part);
		append(to, "\r\n", 2);
		from.at += part;
		from.size -= part;
	}
}

static void build_stream(struct answer *answer, const struct stream *stream, size_t piece)
{
	size_t size = sizeof STREAM_HEAD + 5;
	for (size_t i = 0; i < stream->count; i++)
		size += stream->events[i].frame.size + (stream->events[i].frame.size / piece + 1) * 32;
	answer->wire.at = must(malloc(size));
	append(&answer->wire, STREAM_HEAD, sizeof STREAM_HEAD - 1);
	for (size_t i = 0; i < stream->count; i++) {
		append_chunks(&answer->wire, stream->events[i].frame, piece);
		answer->ends[i] = answer->wire.size;
	}
	append(&answer->wire, "0\r\n\r\n", 5);
	answer->count = stream->count;
}

static void build_plain(struct answer *answer, const struct stream *stream)
{
	struct bytes image = stream->events[stream->count - 1].image;
	size_t size = sizeof PLAIN_START - 1 + image.size + sizeof PLAIN_END - 1;
	answer->wire.at = must(malloc(size + sizeof PLAIN_HEAD + 32));
	answer->wire.size = (size_t)sprintf(answer->wire.at, PLAIN_HEAD, size);
	append(&answer->wire, PLAIN_START, sizeof PLAIN_START - 1);
	append(&answer->wire, image.at, image.size);
	append(&answer->wire, PLAIN_END, sizeof PLAIN_END - 1);
}

const struct answer *answer_to(const struct order *order)
{
	if (order->workload >= workload_count || !order->piece || order->piece == SIZE_MAX)
		return &bad_request;
	for (struct answer *a = answers; a; a = a->next)
		if (a->workload == order->workload && a->piece == order->piece && a->plain == order->plain)
			return a;
	struct answer *answer = must(calloc(1, sizeof *answer));
	if (order->plain)
		build_plain(answer, &workloads[order->workload]);
	else
		build_stream(answer, &workloads[order->workload], order->piece);
	answer->workload = order->workload, answer->piece = order->piece, answer->plain = order->plain;
	answer->next = answers;
	return answers = answer;
}

size_t answer_due(const struct answer *answer, const struct order *order, double ms)
{
	size_t due = answer->wire.size, events = answer->count;
	if (order->gap_ms && ms < (double)(order->gap_ms * events))
		events = (size_t)(ms / (double)order->gap_ms) + 1;
	if (events == answer->count && ms < (double)order->end_ms)
		events--;
	if (events < answer->count)
		due = events ? answer->ends[events - 1] : 0;
	size_t paced = order->rate ? (size_t)((double)order->rate * ms / 1e3) : due;
	return paced < due ? paced : due;
}
