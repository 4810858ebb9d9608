#define _GNU_SOURCE
#include "stream.h"

static struct bytes between(const char *from, const char *to)
{
	return (struct bytes){(char *)from, (size_t)(to - from)};
}

static struct bytes image_of(struct bytes payload)
{
	static const char KEY[] = "\"b64_json\":\"";
	char *key = memmem(payload.at, payload.size, KEY, sizeof KEY - 1);
	if (!key)
		die("an event without an image");
	char *at = key + sizeof KEY - 1;
	return between(at, strchr(at, '"'));
}

struct stream read_stream(const char *path)
{
	struct stream stream = {.count = 0};
	struct bytes file = read_file(path);
	char *start = file.at, *end;
	for (char *at = file.at; (end = strchr(at, '\n')); at = end + 1) {
		struct event *event = &stream.events[stream.count];
		if (stream.count == EVENTS)
			die("too many events");
		if (!strncmp(at, "event: ", 7))
			event->type = between(at, end);
		else if (!strncmp(at, "data: ", 6))
			event->payload = between(at + 6, end);
		if (end > at)
			continue;
		event->image = image_of(event->payload);
		event->frame = between(start, end + 1);
		start = end + 1;
		stream.count++;
	}
	return stream;
}
